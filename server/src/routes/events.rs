//! The visitor's live events, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt, stream};

use crate::app::AppState;
use crate::bench::Bench;
use crate::error::Problem;
use crate::feed::{FeedEvent, FeedItem, FeedReader};
use crate::language::Visiting;
use crate::visitor::Visitor;

/// A comment goes out so often when nothing happens, so that a dead connection is noticed.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a browser waits before it connects again.
const RETRY: Duration = Duration::from_secs(1);

/// `GET /events`: resumes after `Last-Event-ID`; a new reader is told the present state first.
pub(crate) async fn stream(
    State(app): State<AppState>,
    visitor: Visitor,
    Visiting(language): Visiting,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let bench = app.benches.of(visitor.id)?;
    bench.feed.set_language(language);
    let last_seen = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let (first, reader) = match last_seen {
        Some(id) => bench.feed.reader_again(id),
        None => bench.feed.reader(),
    };
    bench.board().wake().await;
    let first =
        stream::iter(std::iter::once(Event::default().retry(RETRY)).chain(first.iter().map(event)).collect::<Vec<_>>());
    let mut closing = app.closing.subscribe();
    let closed = async move { _ = closing.wait_for(|closing| *closing).await };
    let events = first.chain(following(bench, reader)).map(Ok).take_until(Box::pin(closed));
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// Everything that a reader gets, one by one. The bench is held so that it is not reclaimed.
fn following(bench: Arc<Bench>, reader: FeedReader) -> impl Stream<Item = Event> {
    stream::unfold((bench, reader), |(bench, mut reader)| async move {
        let items = reader.next().await;
        let events: Vec<Event> = items
            .iter()
            .map(|item| match item {
                FeedItem::Event(one) => event(one),
                FeedItem::Gap { missed, last } => {
                    Event::default().id(last.to_string()).event("gap").data(format!("{{\"missed\":{missed}}}"))
                }
            })
            .collect();
        Some((stream::iter(events), (bench, reader)))
    })
    .flatten()
}

fn event(event: &FeedEvent) -> Event {
    Event::default().id(event.id.to_string()).event(event.name).data(&*event.data)
}

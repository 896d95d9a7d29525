//! The visitor's live events, as server-sent events.

mod class;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt, stream};
use serde::Deserialize;

use crate::app::AppState;
use crate::bench::Desk;
use crate::class::ClassId;
use crate::error::Problem;
use crate::feed::{FeedEvent, FeedItem, FeedReader};
use crate::language::Visiting;
use crate::streams::OpenStream;
use crate::visitor::Visitor;
use course::words::{ProblemText, no_board};

/// A comment goes out so often when nothing happens, so that a dead connection is noticed.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a browser waits before it connects again.
const RETRY: Duration = Duration::from_secs(1);

/// What a page listens to besides the visitor's own events, and where it has its board.
#[derive(Debug, Deserialize)]
pub(crate) struct Listens {
    /// A class that the visitor hosts.
    class: Option<i64>,
    #[serde(default)]
    board: Place,
    /// The last event that the page has seen, where it comes back on a new stream: it had been hidden.
    last: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Place {
    #[default]
    Server,
    Tab,
}

/// `GET /events`: resumes after `Last-Event-ID`; a new reader is told the present state first.
pub(crate) async fn stream(
    State(app): State<AppState>,
    visitor: Visitor,
    Visiting(language): Visiting,
    Query(listens): Query<Listens>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let (open, ended) = app.streams.open(visitor.client());
    let desk = app.benches.desk(visitor.id);
    desk.feed.set_language(language);
    // Without a board the page still hears of its checks, and of the board that it gets with the next Run.
    // One that has its board in the tab takes none from others.
    let here = listens.board == Place::Server;
    let board = if here { app.benches.listening(visitor).map(|bench| bench.board()) } else { None };
    let last_seen = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok()).or(listens.last);
    let (first, reader) = match last_seen {
        Some(id) => desk.feed.reader_again(id),
        None => desk.feed.reader(),
    };
    let waits = (here && board.is_none()).then(|| notice(&no_board(language))).flatten();
    if let Some(board) = board {
        board.wake().await;
    }
    let first = std::iter::once(Event::default().retry(RETRY)).chain(first.iter().map(event)).chain(waits);
    let first = stream::iter(first.collect::<Vec<_>>());
    let mut closing = app.closing.subscribe();
    let closed = async move {
        tokio::select! {
            _ = closing.wait_for(|closing| *closing) => {}
            _ = ended => {}
        }
    };
    let of_class = class::stream(&app, visitor, language, listens.class.map(ClassId), &headers)?;
    // With the class ends what the seat's board says as well: it is somebody else's by now, or nobody's.
    let of_class = of_class.map(Some).chain(stream::iter([None]));
    let events = stream::select(first.chain(following(desk, open, reader)).map(Some), of_class);
    let events = events.take_while(|event| std::future::ready(event.is_some())).filter_map(std::future::ready);
    let events = events.map(Ok).take_until(Box::pin(closed));
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

fn notice(words: &ProblemText) -> Option<Event> {
    Event::default().event("notice").json_data(words).ok()
}

/// Everything that a reader gets, one by one. The desk is held, and not the bench: a board may be taken away meanwhile,
/// and the page hears of the next one.
fn following(desk: Arc<Desk>, open: OpenStream, reader: FeedReader) -> impl Stream<Item = Event> {
    stream::unfold((desk, open, reader), |(desk, open, mut reader)| async move {
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
        Some((stream::iter(events), (desk, open, reader)))
    })
    .flatten()
}

fn event(event: &FeedEvent) -> Event {
    Event::default().id(event.id.to_string()).event(event.name).data(&*event.data)
}

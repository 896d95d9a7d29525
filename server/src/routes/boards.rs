//! The list of boards, live; and who has which: taking, giving back, flashing, naming.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};

use super::board::{DONE, Done};
use super::events::KEEP_ALIVE;
use super::json::Body;
use crate::app::AppState;
use crate::board::registry::{Listed, ShareRefusal, User};
use crate::error::Problem;
use crate::language::Visiting;
use crate::pages::boards::{BoardFacts, log_words};
use crate::visitor::Visitor;
use course::Language;
use course::words::taken_back;
use ports::serial::PortAddress;
use workbench::description::describe;
use workbench::state::{BoardId, BoardState, BoardStatus};

/// A page is told of changes at most so often; of the states in between only the newest counts.
const TELL_INTERVAL: Duration = Duration::from_millis(200);
/// The longest name of a port that is taken.
const PORT_CHARACTERS: usize = 200;

/// `GET /api/boards`: the visitor's virtual board and every attached one, with state, user, and which one is on the
/// visitor's bench.
pub(crate) async fn list(
    State(app): State<AppState>,
    visitor: Visitor,
    Visiting(language): Visiting,
) -> Result<Json<Value>, Problem> {
    app.attached.look().await;
    Ok(Json(listing(&boards_of(&app, visitor, false), language)))
}

/// `GET /events/boards`: the same list as an event, now and after changes.
pub(crate) async fn stream(
    State(app): State<AppState>,
    visitor: Visitor,
    Visiting(language): Visiting,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let (open, ended) = app.streams.open(visitor.client());
    let mut changes = app.attached.changes();
    changes.mark_changed();
    let benches = app.benches.changes();
    let mut closing = app.closing.subscribe();
    let state = (app, changes, benches, open, false);
    let events = stream::unfold(state, move |(app, mut changes, mut benches, open, told)| async move {
        if told {
            tokio::time::sleep(TELL_INTERVAL).await;
        }
        // Virtual boards of others are on the class host's list alone.
        tokio::select! {
            changed = changes.changed() => changed.ok()?,
            changed = benches.changed(), if visitor.host => changed.ok()?,
        }
        let list = listing(&boards_of(&app, visitor, visitor.host), language);
        Some((Ok(Event::default().event("boards").data(list.to_string())), (app, changes, benches, open, true)))
    });
    let closed = async move {
        tokio::select! {
            _ = closing.wait_for(|closing| *closing) => {}
            _ = ended => {}
        }
    };
    Sse::new(events.take_until(Box::pin(closed))).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// The visitor's virtual board and every attached one; for the class host's page the virtual ones of the others as well.
pub(super) fn boards_of(app: &AppState, visitor: Visitor, all: bool) -> Vec<BoardFacts> {
    let bench = app.benches.looking(visitor);
    let on_bench = bench.as_ref().map(|bench| bench.board().status().id);
    let own = bench.map_or_else(no_board_yet, |bench| bench.virtual_board().status());
    let own_id = own.id.clone();
    let is_on_bench = |id: &BoardId| *id == *on_bench.as_ref().unwrap_or(&own_id);
    let own = BoardFacts { on_bench: is_on_bench(&own.id), listed: Listed::own(own) };
    let attached = app.attached.list(visitor.id);
    let attached = attached.into_iter().map(|listed| BoardFacts { on_bench: is_on_bench(&listed.status.id), listed });
    let others = if all { app.benches.boards() } else { Vec::new() };
    let others = others.into_iter().filter(|(owner, _)| *owner != visitor.id);
    let others = others.map(|(_, status)| BoardFacts { on_bench: false, listed: Listed::of_another(status) });
    std::iter::once(own).chain(attached).chain(others).collect()
}

/// The virtual board of a visitor who has none yet: it is there with their first Run.
pub(super) fn no_board_yet() -> BoardStatus {
    BoardStatus { state: BoardState::Ready, ..BoardStatus::new_virtual(BoardId("virtual".to_owned())) }
}

fn listing(boards: &[BoardFacts], language: Language) -> Value {
    let boards: Vec<Value> = boards
        .iter()
        .map(|facts| {
            let status = &facts.listed.status;
            let mut board = serde_json::to_value(describe(status, language)).unwrap_or_default();
            board["own"] = facts.on_bench.into();
            board["user"] = match facts.listed.user {
                User::Nobody => Value::Null,
                User::Asker => "you".into(),
                User::Another => "another".into(),
            };
            board["log"] = status.log.iter().map(|line| log_words(line, language)).collect::<Vec<_>>().into();
            board["look"] = facts.look().into();
            board
        })
        .collect();
    json!({ "boards": boards })
}

/// `POST /api/boards/{id}/take`: answered when the port is open and the board on the visitor's bench.
pub(crate) async fn take(
    State(app): State<AppState>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Json<Done>, Problem> {
    let bench = app.benches.of(visitor)?;
    bench.take(&app.attached, &id).await?;
    Ok(DONE)
}

/// `POST /api/boards/{id}/give-back`: by whoever has the board, or by the class host, who takes it back; a virtual one by
/// the class host alone.
pub(crate) async fn give_back(
    State(app): State<AppState>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Json<Done>, Problem> {
    if let Some(bench) = app.benches.with_board(&id) {
        // A virtual board: somebody who left it running, or who does not leave, gives way.
        if !visitor.host {
            return Err(ShareRefusal::HostOnly.into());
        }
        app.benches.free(bench.visitor.visitor).await;
        return Ok(DONE);
    }
    let Some(holder) = app.attached.holder(&id)? else { return Ok(DONE) };
    if holder != visitor.id && !visitor.host {
        return Err(ShareRefusal::Taken.into());
    }
    // Without a bench the visitor is gone, and the board is being given back already.
    let Some(bench) = app.benches.existing(holder) else { return Ok(DONE) };
    let was_here = bench.give_back(&id).await?;
    if was_here && holder != visitor.id {
        let feed = &bench.desk.feed;
        feed.publish_json("notice", &taken_back(feed.language()));
    }
    Ok(DONE)
}

/// `POST /api/boards/{id}/flash`: begins to write the lesson firmware; how it goes is in the list.
pub(crate) async fn flash(
    State(app): State<AppState>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Json<Done>, Problem> {
    app.attached.flash(&id, visitor.asker(), Arc::new([crate::firmware::image()])).await?;
    Ok(DONE)
}

/// `POST /api/boards/{id}/flash/cancel`: asks for the end; it comes with the piece that is being written.
pub(crate) async fn cancel_flash(
    State(app): State<AppState>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Json<Done>, Problem> {
    app.attached.cancel_flash(&id, visitor.asker()).await?;
    Ok(DONE)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NameBody {
    port: String,
}

/// `POST /api/boards`: the class host names a board at a port of another machine, or of this one.
pub(crate) async fn add(
    State(app): State<AppState>,
    visitor: Visitor,
    Body(body): Body<NameBody>,
) -> Result<Json<Value>, Problem> {
    if !visitor.host {
        return Err(ShareRefusal::HostOnly.into());
    }
    let text: String = body.port.trim().chars().take(PORT_CHARACTERS).collect();
    let port: PortAddress = text.parse().map_err(|_| Problem::NotAPort(text))?;
    Ok(Json(json!({ "id": app.attached.add(port) })))
}

/// `DELETE /api/boards/{id}`: the class host removes a board that was named.
pub(crate) async fn remove(
    State(app): State<AppState>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Json<Done>, Problem> {
    if !visitor.host {
        return Err(ShareRefusal::HostOnly.into());
    }
    app.attached.remove(&id)?;
    Ok(DONE)
}

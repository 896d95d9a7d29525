//! A class on the same stream: a learner's pages hear what was told, a host's page sees the grid. Both are states, not
//! changes, so that a page that comes back needs nothing of what it missed.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use axum::http::HeaderMap;
use axum::response::sse::Event;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use serde_json::{Value, json};

use crate::app::AppState;
use crate::class::{ClassId, Member, SeatId};
use crate::classes::{head, learner_sees, now_s, rows};
use crate::error::Problem;
use crate::language::cookie;
use crate::visitor::{HELPER_COOKIE, Visitor};
use course::Language;

/// A host's page is told of changes at most so often.
const TELL_INTERVAL: Duration = Duration::from_millis(100);
/// So often it is looked whether time alone has changed something: who is away, who is stuck.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// The events of the class that the visitor is in, or of the one that they host and ask for. It ends when they are in it, or
/// host it, no longer: then the whole of the page's stream has to end.
///
/// # Errors
/// They do not host it.
pub(super) fn stream(
    app: &AppState,
    visitor: Visitor,
    language: Language,
    hosted: Option<ClassId>,
    headers: &HeaderMap,
) -> Result<BoxStream<'static, Event>, Problem> {
    if let Some(class) = hosted {
        visitor.hosts(class)?;
        // A co-teacher's link may be taken back while the page is open.
        let link = cookie(headers, HELPER_COOKIE).filter(|_| !visitor.host).map(str::to_owned);
        return host(app.clone(), class, language, link);
    }
    Ok(visitor.member.map_or_else(|| stream::pending().boxed(), |member| learner(app.clone(), member, language)))
}

fn learner(app: AppState, member: Member, language: Language) -> BoxStream<'static, Event> {
    let Some((room, present)) = app.classes.arrive(member) else { return stream::iter([gone()]).boxed() };
    let (mut told, own) = (room.told(), room.told_to(member.seat));
    told.mark_changed();
    let state = Some((app, room, present, told, own, String::new()));
    let events = stream::unfold(state, move |state| async move {
        let (app, room, present, mut told, mut own, mut last) = state?;
        loop {
            tokio::select! {
                changed = told.changed() => changed.ok()?,
                // The count of a seat that is gone is gone, and that is a change, the last one.
                _ = own.changed() => {}
            }
            let Some(seen) = room.look(|class| learner_sees(class, member, &app.course, language)) else {
                // The seat is somebody else's, or nobody's: the page says so and asks for the PIN.
                return Some((gone(), None));
            };
            let text = seen.to_string();
            if text != last {
                last.clone_from(&text);
                let event = Event::default().event("class").data(text);
                return Some((event, Some((app, room, present, told, own, last))));
            }
        }
    });
    events.boxed()
}

fn host(
    app: AppState,
    class: ClassId,
    language: Language,
    link: Option<String>,
) -> Result<BoxStream<'static, Event>, Problem> {
    let room = app.classes.room(class)?;
    let mut changes = room.changes();
    changes.mark_changed();
    let sent = Sent { version: 0, head: Value::Null, rows: HashMap::new() };
    let state = Some((app, room, changes, sent, link, false));
    let events = stream::unfold(state, move |state| async move {
        let (app, room, mut changes, mut sent, link, told) = state?;
        if told {
            tokio::time::sleep(TELL_INTERVAL).await;
        }
        loop {
            let by_time = tokio::select! {
                changed = changes.changed() => { changed.ok()?; false }
                () = tokio::time::sleep(LOOK_INTERVAL) => true,
            };
            let version = *changes.borrow_and_update();
            let still_hosts = link.as_ref().is_none_or(|link| app.classes.helps(link) == Some(class));
            if !still_hosts || app.classes.room(class).is_err() {
                return Some((gone(), None));
            }
            let since = (!by_time && sent.version > 0).then_some(sent.version);
            let (head, rows) =
                room.look(|class| (head(&app.classes, class, &app.course, language), rows(class, since)));
            sent.version = version;
            if let Some(event) = sent.differing(head, rows) {
                return Some((event, Some((app, room, changes, sent, link, true))));
            }
        }
    });
    Ok(events.boxed())
}

/// The last thing that a page hears of a class.
fn gone() -> Event {
    event("class", &json!({ "gone": true }))
}

/// What a host's page has.
struct Sent {
    version: u64,
    head: Value,
    rows: HashMap<SeatId, Value>,
}

impl Sent {
    /// What it does not have yet, if there is anything.
    fn differing(&mut self, head: Value, rows: Vec<(SeatId, Value)>) -> Option<Event> {
        let mut changed = Vec::new();
        for (seat, row) in rows {
            if self.rows.get(&seat) != Some(&row) {
                changed.push(row.clone());
                self.rows.insert(seat, row);
            }
        }
        let there: HashSet<i64> = head["seats"].as_array().into_iter().flatten().filter_map(Value::as_i64).collect();
        self.rows.retain(|seat, _| there.contains(&seat.0));
        if changed.is_empty() && head == self.head {
            return None;
        }
        self.head = head;
        Some(event("grid", &json!({ "now": now_s(), "head": self.head, "rows": changed })))
    }
}

fn event(name: &str, data: &Value) -> Event {
    Event::default().event(name).data(data.to_string())
}

//! The live events of one visitor: numbered, kept for a while, and told to any number of readers.
//!
//! A reader that comes back, or one that is too slow, asks for everything after the last number it
//! saw. What is no longer kept is reported as a gap, never silently skipped.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use course::Language;
use workbench::clock::Moment;

use ports::clock::now;

/// Events kept for readers that come back; at 20 samples a second about a minute.
const KEPT_EVENTS: usize = 2048;
/// Bytes kept for them: a flood on the console must not push the memory up.
const KEPT_BYTES: usize = 512 * 1024;
/// How long they are kept: hundreds of learners leave an event now and then for hours, and who comes back later loads anew.
const KEPT_FOR: Duration = Duration::from_secs(5 * 60);

/// The console text that a new reader is shown first, in bytes.
const CONSOLE_TAIL_BYTES: usize = 8 * 1024;

/// One live event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedEvent {
    /// Increasing by one from event to event.
    pub id: u64,
    /// `board`, `sample`, `parts`, `event`, `console`, `run`, `outcome`, `check` or `explore`.
    pub name: &'static str,
    /// JSON text without line feeds.
    pub data: Arc<str>,
    /// When it happened: for a board's frame, when the board sent it.
    pub made: Moment,
}

/// What a reader gets next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedItem {
    /// The next event.
    Event(FeedEvent),
    /// So many events are no longer kept; the next event follows. Carries the id of the last lost one.
    Gap {
        /// How many.
        missed: u64,
        /// The number of the last event that was missed.
        last: u64,
    },
}

/// The live events of one visitor.
#[derive(Debug)]
pub struct Feed {
    ring: Mutex<Ring>,
    /// The id of the newest event: what readers wait for.
    newest: watch::Sender<u64>,
    /// Whether the visitor reads Japanese.
    japanese: AtomicBool,
}

#[derive(Debug, Default)]
struct Ring {
    events: VecDeque<FeedEvent>,
    bytes: usize,
    /// The number before the first event.
    before: u64,
    last: u64,
    /// The newest event of each kind that describes a state: what a new reader needs first.
    states: Vec<FeedEvent>,
    console: String,
    /// Whose text that is.
    console_lesson: Option<Arc<str>>,
}

impl Ring {
    /// Whether the oldest event gives way.
    fn is_too_much(&self, now: Moment) -> bool {
        let many = self.events.len() > 1;
        let old = self.events.front().is_some_and(|event| now.saturating_sub(event.made) > KEPT_FOR);
        self.events.len() > KEPT_EVENTS || many && (self.bytes > KEPT_BYTES || old)
    }
}

/// The kinds of events that describe a state, in the order in which a new reader is told: a newer
/// one makes the older ones unnecessary.
const STATES: [&str; 5] = ["board", "run", "sample", "mistake", "parts"];

/// Whether an event makes an older one unnecessary. Only some samples bring lists and histograms, and no other takes
/// their place.
fn replaces(new: &FeedEvent, old: &FeedEvent) -> bool {
    let lists = |event: &FeedEvent| event.data.contains("\"h\":{") || event.data.contains("\"bins\":[");
    new.name == old.name && (new.name != "sample" || lists(new) || !lists(old))
}

impl Default for Feed {
    fn default() -> Self {
        // Numbers go on over restarts, so that one from before is never taken for one of ours.
        let begun = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64);
        Self::starting_after(begun)
    }
}

impl Feed {
    /// A feed whose first event has the number after this one.
    fn starting_after(before: u64) -> Self {
        Self {
            ring: Mutex::new(Ring { before, last: before, ..Ring::default() }),
            newest: watch::Sender::new(before),
            japanese: AtomicBool::new(false),
        }
    }

    /// The language of texts in events.
    #[must_use]
    pub fn language(&self) -> Language {
        if self.japanese.load(Ordering::Relaxed) { Language::Ja } else { Language::En }
    }

    /// Notes the language that the visitor reads.
    pub fn set_language(&self, language: Language) {
        self.japanese.store(language == Language::Ja, Ordering::Relaxed);
    }

    /// Tells everybody, and returns the event's number.
    pub fn publish(&self, name: &'static str, data: impl Into<Arc<str>>) -> u64 {
        self.publish_made(name, data, now())
    }

    /// Tells everybody of something that happened at this moment, and returns the event's number.
    pub fn publish_made(&self, name: &'static str, data: impl Into<Arc<str>>, made: Moment) -> u64 {
        let data = data.into();
        let mut ring = self.lock();
        ring.last += 1;
        let id = ring.last;
        ring.bytes += data.len();
        let event = FeedEvent { id, name, data, made };
        if STATES.contains(&name) {
            ring.states.retain(|old| !replaces(&event, old));
            ring.states.push(event.clone());
        }
        ring.events.push_back(event);
        while ring.is_too_much(made)
            && let Some(old) = ring.events.pop_front()
        {
            ring.bytes -= old.data.len();
        }
        drop(ring);
        self.newest.send_replace(id);
        id
    }

    /// Tells everybody what can be said as JSON.
    pub fn publish_json(&self, name: &'static str, value: &impl serde::Serialize) {
        match serde_json::to_string(value) {
            Ok(text) => _ = self.publish(name, text),
            Err(error) => tracing::error!(%error, name, "an event cannot be written as JSON"),
        }
    }

    /// Publishes console text, and keeps its end for new readers.
    pub fn publish_console(&self, text: &str, bad_frames: u64, skipped_bytes: u64, lesson: Option<Arc<str>>) {
        {
            let mut ring = self.lock();
            if ring.console_lesson != lesson {
                ring.console.clear();
                ring.console_lesson.clone_from(&lesson);
            }
            ring.console.push_str(text);
            if ring.console.len() > 2 * CONSOLE_TAIL_BYTES {
                let from = ring.console.ceil_char_boundary(ring.console.len() - CONSOLE_TAIL_BYTES);
                ring.console.drain(..from);
            }
        }
        self.publish_json("console", &Console { text, bad_frames, skipped_bytes, lesson: lesson.as_deref() });
    }

    /// Forgets the state of a run that belongs to an earlier board, and the console with it.
    pub fn forget_run(&self) {
        let mut ring = self.lock();
        ring.states.retain(|event| event.name == "board");
        ring.console.clear();
    }

    /// The number of the newest event.
    #[must_use]
    pub fn newest(&self) -> u64 {
        *self.newest.borrow()
    }

    /// When the event of this number happened, while it is kept.
    #[must_use]
    pub fn made(&self, id: u64) -> Option<Moment> {
        let ring = self.lock();
        let at = id.checked_sub(ring.events.front()?.id)?;
        ring.events.get(usize::try_from(at).ok()?).map(|event| event.made)
    }

    /// How many readers there are.
    #[must_use]
    pub fn readers(&self) -> usize {
        self.newest.receiver_count()
    }

    /// Resolves when nobody reads any more.
    pub async fn deserted(&self) {
        self.newest.closed().await;
    }

    /// A new reader: what describes the present state, and a reader of all that follows.
    #[must_use]
    pub fn reader(self: &Arc<Self>) -> (Vec<FeedEvent>, FeedReader) {
        let ring = self.lock();
        let mut first = ring.states.clone();
        first.sort_by_key(|event| STATES.iter().position(|name| *name == event.name));
        if !ring.console.is_empty() {
            let from = ring.console.ceil_char_boundary(ring.console.len().saturating_sub(CONSOLE_TAIL_BYTES));
            let lesson = ring.console_lesson.as_deref();
            let tail = Console { text: &ring.console[from..], bad_frames: 0, skipped_bytes: 0, lesson };
            if let Ok(data) = serde_json::to_string(&tail) {
                first.push(FeedEvent { id: ring.last, name: "console", data: data.into(), made: now() });
            }
        }
        for event in &mut first {
            event.id = ring.last;
        }
        let seen = ring.last;
        drop(ring);
        (first, self.reader_after(seen))
    }

    /// A reader that comes back: what it needs first, and a reader of all that follows. A number
    /// that is none of ours, from before a restart for instance, makes it a new reader.
    #[must_use]
    pub fn reader_again(self: &Arc<Self>, last_seen: u64) -> (Vec<FeedEvent>, FeedReader) {
        let ours = {
            let ring = self.lock();
            (ring.before..=ring.last).contains(&last_seen)
        };
        if ours { (Vec::new(), self.reader_after(last_seen)) } else { self.reader() }
    }

    fn reader_after(self: &Arc<Self>, last_seen: u64) -> FeedReader {
        FeedReader { feed: Arc::clone(self), newest: self.newest.subscribe(), seen: last_seen }
    }

    /// Everything after `seen` that is kept, at most `most` events, and the gap before it.
    fn after(&self, seen: u64, most: usize) -> Vec<FeedItem> {
        let ring = self.lock();
        let oldest = ring.events.front().map_or(ring.last + 1, |event| event.id);
        let mut items = Vec::new();
        if oldest > seen + 1 {
            items.push(FeedItem::Gap { missed: oldest - seen - 1, last: oldest - 1 });
        }
        let skip = usize::try_from((seen + 1).saturating_sub(oldest)).unwrap_or(usize::MAX);
        items.extend(ring.events.iter().skip(skip).take(most).cloned().map(FeedItem::Event));
        items
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The data of a `console` event.
#[derive(serde::Serialize)]
struct Console<'a> {
    text: &'a str,
    /// Frames that could not be read since the session began.
    bad_frames: u64,
    /// Bytes that were not passed on because there were too many.
    #[serde(skip_serializing_if = "is_zero")]
    skipped_bytes: u64,
    /// Whose text it is; a page shows no other lesson's.
    #[serde(skip_serializing_if = "Option::is_none")]
    lesson: Option<&'a str>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// How many events a reader is given at once.
const READ_AT_ONCE: usize = 256;

/// One reader of a feed.
#[derive(Debug)]
pub struct FeedReader {
    feed: Arc<Feed>,
    newest: watch::Receiver<u64>,
    seen: u64,
}

impl FeedReader {
    /// Waits for events and returns those that there are.
    pub async fn next(&mut self) -> Vec<FeedItem> {
        loop {
            self.newest.borrow_and_update();
            let items = self.feed.after(self.seen, READ_AT_ONCE);
            match items.last() {
                Some(FeedItem::Event(event)) => {
                    self.seen = event.id;
                    return items;
                }
                Some(FeedItem::Gap { last, .. }) => {
                    self.seen = *last;
                    return items;
                }
                // The sender lives in the feed that this reader holds.
                None => _ = self.newest.changed().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(items: &[FeedItem]) -> Vec<u64> {
        items
            .iter()
            .map(|item| match item {
                FeedItem::Event(event) => event.id,
                FeedItem::Gap { missed, .. } => 1_000_000 + missed,
            })
            .collect()
    }

    #[tokio::test]
    async fn a_reader_resumes_where_it_was() {
        let feed = Arc::new(Feed::starting_after(0));
        for n in 0..5 {
            feed.publish("sample", format!("{n}"));
        }
        assert_eq!(ids(&feed.reader_after(3).next().await), [4, 5]);
        let mut reader = feed.reader_after(5);
        let waiting = tokio::spawn(async move { ids(&reader.next().await) });
        tokio::task::yield_now().await;
        feed.publish("sample", "new");
        assert_eq!(waiting.await.unwrap(), [6]);
    }

    #[test]
    fn what_happened_long_ago_gives_way_to_what_happens() {
        let feed = Arc::new(Feed::starting_after(0));
        let at = |minutes: u64| Moment::from_secs(60 * minutes);
        for (minutes, kept) in [(1, 1), (3, 2), (6, 3), (7, 3), (60, 1)] {
            feed.publish_made("outcome", "{}", at(minutes));
            assert_eq!(feed.lock().events.len(), kept, "after {minutes} minutes");
        }
        assert_eq!(ids(&feed.after(3, 9)), [1_000_001, 5], "who comes back hears of a gap");
    }

    #[tokio::test]
    async fn a_slow_reader_is_told_what_it_missed() {
        let feed = Arc::new(Feed::starting_after(0));
        let mut reader = feed.reader_after(0);
        feed.publish("sample", "1");
        assert_eq!(ids(&reader.next().await), [1]);
        for n in 0..(KEPT_EVENTS + 10) {
            feed.publish("sample", format!("{n}"));
        }
        let items = reader.next().await;
        assert_eq!(ids(&items)[..2], [1_000_010, 12]);
        assert_eq!(items.len(), READ_AT_ONCE + 1);
        assert_eq!(ids(&reader.next().await)[0], 12 + READ_AT_ONCE as u64);
    }

    #[tokio::test]
    async fn a_number_from_before_a_restart_is_no_gap() {
        let feed = Arc::new(Feed::starting_after(0));
        feed.publish("board", "{}");
        let (first, mut reader) = feed.reader_again(900);
        assert_eq!((first.len(), first[0].id), (1, 1));
        feed.publish("board", "{}");
        assert_eq!(ids(&reader.next().await), [2]);
        assert_eq!(feed.reader_again(1).0.len(), 0);
    }

    #[tokio::test]
    async fn a_new_reader_is_told_the_state_first() {
        let feed = Arc::new(Feed::starting_after(0));
        for n in 0..3 {
            feed.publish("board", format!("b{n}"));
            feed.publish("sample", format!("s{n}"));
            feed.publish_console("text", 0, 0, None);
        }
        let (first, mut reader) = feed.reader();
        let told: Vec<_> = first.iter().map(|event| (event.id, event.name, &*event.data)).collect();
        let console = r#"{"text":"texttexttext","bad_frames":0}"#;
        assert_eq!(told, [(9, "board", "b2"), (9, "sample", "s2"), (9, "console", console)]);
        feed.publish("sample", "new");
        assert_eq!(ids(&reader.next().await), [10]);
    }

    #[test]
    fn a_new_reader_gets_the_last_lists_and_no_other_lessons_text() {
        let feed = Arc::new(Feed::starting_after(0));
        feed.publish("sample", r#"{"n":1,"h":{"H":[1]}}"#);
        feed.publish("sample", r#"{"n":2}"#);
        feed.publish("sample", r#"{"n":3}"#);
        feed.publish_console("one", 0, 0, Some("lost-update".into()));
        feed.publish_console("two", 0, 0, Some("torn-read".into()));
        let (first, _) = feed.reader();
        let told: Vec<_> = first.iter().map(|event| &*event.data).collect();
        let console = r#"{"text":"two","bad_frames":0,"lesson":"torn-read"}"#;
        assert_eq!(told, [r#"{"n":1,"h":{"H":[1]}}"#, r#"{"n":3}"#, console]);
        feed.publish("sample", r#"{"n":4,"h":{"H":[2]}}"#);
        assert_eq!(feed.reader().0.len(), 2);
    }

    #[tokio::test]
    async fn the_last_reader_that_leaves_is_noticed() {
        let feed = Arc::new(Feed::starting_after(0));
        let reader = feed.reader();
        assert_eq!(feed.readers(), 1);
        drop(reader);
        feed.deserted().await;
    }

    #[test]
    fn a_flood_is_bounded_in_bytes() {
        let feed = Feed::starting_after(0);
        for _ in 0..100 {
            feed.publish("console", "x".repeat(100_000));
        }
        let ring = feed.lock();
        assert!(ring.bytes <= KEPT_BYTES && ring.events.len() == 5, "{} bytes", ring.bytes);
    }
}

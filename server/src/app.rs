//! The application: its components, built once and shared by every request.

use std::ops::Deref;
use std::sync::Arc;

use tokio::sync::{Notify, watch};

use crate::bench::{Benches, Keeping};
use crate::board::registry::AttachedBoards;
use crate::classes::Classes;
use crate::config::{PortSource, ServeConfig};
use crate::lessons::LessonsError;
use crate::store::{Store, StoreError};
use crate::streams::Streams;
use crate::threads::wait_for;
use crate::visitor::Visitors;
use axum::body::Bytes;
use course::Course;
use ports::discovery;
use workbench::emulated::Emulation;
use workbench::line::LineFault;

/// Everything the routes work with.
#[derive(Debug)]
pub struct App {
    /// What the operator set.
    pub config: ServeConfig,
    /// The lessons.
    pub course: Arc<Course>,
    /// Their files as one JSON object, text by path, for boards in tabs. The solutions are not among them.
    pub lesson_files: Bytes,
    /// What visitors leave behind.
    pub store: Store,
    /// The classes.
    pub classes: Arc<Classes>,
    /// The visitors' boards.
    pub benches: Benches,
    /// The boards that are plugged in or named.
    pub attached: AttachedBoards,
    /// Who is who, and how often they ask.
    pub visitors: Visitors,
    /// The pages that listen.
    pub streams: Streams,
    /// The name of this machine, for addresses on the LAN.
    pub host_name: String,
    /// Told when a browser reports a check that the server has to run again.
    pub reported: Notify,
    /// True once the server is to end: streams that would go on for ever end then.
    pub closing: watch::Sender<bool>,
}

/// Why there is no application.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The lessons have mistakes.
    #[error(transparent)]
    Course(#[from] LessonsError),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The lesson firmware does not boot on the virtual board.
    #[error("the virtual board does not boot: {0}")]
    Board(#[from] LineFault),
    /// The system gives no threads.
    #[error("the system gives no threads: {0}")]
    Threads(#[from] std::io::Error),
}

impl App {
    /// Builds the application: opens the store, loads the course, boots the board that all others are forked from, and
    /// begins to watch the ports. Takes a moment. Call it within a runtime, but not where others wait for the thread.
    ///
    /// # Errors
    /// [`AppError`]
    pub fn build(config: ServeConfig) -> Result<Self, AppError> {
        let store = wait_for(Store::at(config.database.as_ref(), config.data.as_deref(), config.limits.quota))?;
        let files = crate::lessons::files(config.lessons.as_deref())?;
        let lesson_files = lesson_files(&files).into();
        let course = Arc::new(crate::lessons::course_of(config.lessons.as_deref(), files)?);
        let booted = crate::firmware::booted_as(Emulation { engine: config.engine, ..Emulation::default() })?;
        let classes = Arc::new(wait_for(Classes::open(&store))?);
        let keeping = Keeping { course: Arc::clone(&course), store: store.clone(), classes: Arc::clone(&classes) };
        let benches = Benches::new(booted, config.limits.clone(), keeping)?;
        let attached = AttachedBoards::new(ports(&config.ports), &config.boards);
        let host_name = host_name().unwrap_or_default();
        let closing = watch::Sender::new(false);
        let reported = Notify::new();
        let visitors = Visitors::new(&store);
        let streams = Streams::new(config.limits.visitor_streams, config.limits.place_connections / 2);
        Ok(Self {
            config,
            course,
            lesson_files,
            store,
            classes,
            benches,
            attached,
            visitors,
            streams,
            host_name,
            reported,
            closing,
        })
    }
}

/// What stands in the place of a solution where a board in a tab loads the lessons: no check needs one, and a class's host may
/// have closed them.
const NO_SOLUTION: &str = "# The page shows it.\n";

/// A file that is no text is none that a course reads.
fn lesson_files(files: &[(String, Vec<u8>)]) -> String {
    let texts = files.iter().filter_map(|(path, bytes)| {
        let text = std::str::from_utf8(bytes).ok()?;
        Some((path.clone(), if path.ends_with("/solution.py") { NO_SOLUTION } else { text }.into()))
    });
    serde_json::Value::Object(texts.collect()).to_string()
}

/// The ports that are plugged in at each moment. A system that does not list its ports still serves the named ones.
fn ports(source: &PortSource) -> watch::Receiver<Vec<discovery::AttachedPort>> {
    match source {
        PortSource::Named => watch::channel(Vec::new()).1,
        PortSource::Given(ports) => ports.clone(),
        PortSource::System => discovery::watch().unwrap_or_else(|error| {
            tracing::warn!(%error, "the ports of this machine are not watched; name boards with --board");
            watch::channel(Vec::new()).1
        }),
    }
}

/// What this machine calls itself on the network.
fn host_name() -> Option<String> {
    #[cfg(unix)]
    return Some(rustix::system::uname().nodename().to_str().ok()?.to_owned());
    #[cfg(not(unix))]
    return std::env::var("COMPUTERNAME").ok();
}

/// The application as axum hands it to handlers: a shared [`App`].
#[derive(Clone, Debug)]
pub struct AppState(Arc<App>);

impl From<App> for AppState {
    fn from(app: App) -> Self {
        Self(Arc::new(app))
    }
}

impl Deref for AppState {
    type Target = App;

    fn deref(&self) -> &App {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tab_loads_the_lessons_without_their_solutions() {
        let files = crate::lessons::files(None).unwrap();
        let sent: std::collections::BTreeMap<String, String> = serde_json::from_str(&lesson_files(&files)).unwrap();
        let course = Course::from_files(&files.into_iter().collect()).unwrap();
        let files = sent.into_iter().map(|(path, text)| (path, text.into_bytes()));
        let in_tab = Course::from_files(&files.collect()).unwrap();
        assert_eq!(in_tab.lessons.len(), course.lessons.len());
        for (lesson, original) in in_tab.lessons.iter().zip(&course.lessons) {
            assert_eq!((&lesson.starter, lesson.solution.as_str()), (&original.starter, NO_SOLUTION), "{}", lesson.id);
        }
    }
}

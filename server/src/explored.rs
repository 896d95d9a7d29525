//! The window that a visitor explores: kept open, so that stepping through it takes milliseconds,
//! and given up when a newer one is asked for. It goes with the visitor's bench.

use std::sync::Mutex;

use crate::lock::lock;
use crate::newest::Newest;
use workbench::explore::{Exploration, ExploreRequest};

/// One window at most.
#[derive(Debug, Default)]
pub struct Explored {
    open: Mutex<Option<Exploration>>,
    /// The explorations.
    pub jobs: Newest,
}

impl Explored {
    /// Keeps a window open, in the place of the one before.
    pub fn keep(&self, exploration: Exploration) {
        *lock(&self.open) = Some(exploration);
    }

    /// Does something with the open window, if it is this one. Call it where blocking is allowed: two
    /// who ask at once take turns.
    pub fn with<R>(&self, lesson: &str, request: &ExploreRequest, f: impl FnOnce(&mut Exploration) -> R) -> Option<R> {
        let mut open = lock(&self.open);
        let same = |open: &&mut Exploration| open.lesson() == lesson && open.request() == request;
        open.as_mut().filter(same).map(f)
    }
}

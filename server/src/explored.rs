//! The window that a visitor explores: kept open, so that stepping through it takes milliseconds,
//! and given up when a newer one is asked for. It goes with the visitor's bench.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::run::explore::{Exploration, ExploreRequest};

/// One window at most.
#[derive(Debug, Default)]
pub struct Explored {
    open: Mutex<Option<Exploration>>,
    /// Set to give the present exploration up.
    running: Mutex<Option<Arc<AtomicBool>>>,
}

impl Explored {
    /// Gives up the exploration that is going on, and begins another: the flag says when it is given
    /// up in turn.
    pub fn begin(&self) -> Arc<AtomicBool> {
        let given_up = Arc::new(AtomicBool::new(false));
        if let Some(earlier) = lock(&self.running).replace(Arc::clone(&given_up)) {
            earlier.store(true, Ordering::Relaxed);
        }
        given_up
    }

    /// Gives up the exploration that is going on, if one is.
    pub fn cancel(&self) {
        if let Some(running) = lock(&self.running).take() {
            running.store(true, Ordering::Relaxed);
        }
    }

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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

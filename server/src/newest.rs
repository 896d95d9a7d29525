//! Jobs of which only the newest counts: whoever begins one gives the one before up.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::lock::lock;

/// The flag of the job that goes on, if one does.
#[derive(Debug, Default)]
pub struct Newest {
    running: Mutex<Option<Arc<AtomicBool>>>,
}

impl Newest {
    /// Gives the job up that is going on, and begins another: the flag says when it is given up in turn.
    pub fn begin(&self) -> Arc<AtomicBool> {
        let given_up = Arc::new(AtomicBool::new(false));
        if let Some(earlier) = lock(&self.running).replace(Arc::clone(&given_up)) {
            earlier.store(true, Ordering::Relaxed);
        }
        given_up
    }

    /// Gives the job up that is going on, if one is.
    pub fn cancel(&self) {
        if let Some(running) = lock(&self.running).take() {
            running.store(true, Ordering::Relaxed);
        }
    }
}

//! The processors of this machine, for work that may be shared.

use workbench::hands::{Hands, Job};

/// A thread for every processor.
#[derive(Clone, Copy, Debug, Default)]
pub struct Threads;

impl Hands for Threads {
    fn count(&self) -> usize {
        std::thread::available_parallelism().map_or(1, usize::from)
    }

    fn work(&self, jobs: Vec<Job<'_>>) {
        std::thread::scope(|scope| {
            for job in jobs {
                scope.spawn(job);
            }
        });
    }
}

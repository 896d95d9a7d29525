//! Work that may be shared: the host says how many hands there are and lets them work.

/// A piece of work.
pub type Job<'a> = Box<dyn FnOnce() + Send + 'a>;

/// Who does the work.
pub trait Hands: Sync {
    /// How many jobs can go on at the same time.
    fn count(&self) -> usize;

    /// Does all jobs, at the same time or one after the other, and returns when they are done.
    fn work(&self, jobs: Vec<Job<'_>>);
}

/// One hand: everything one after the other, where the caller is.
#[derive(Clone, Copy, Debug, Default)]
pub struct OneHand;

impl Hands for OneHand {
    fn count(&self) -> usize {
        1
    }

    fn work(&self, jobs: Vec<Job<'_>>) {
        for job in jobs {
            job();
        }
    }
}

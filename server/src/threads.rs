//! The processors of this machine: work that may be shared, and work that gives way to whoever answers requests.

use std::thread;

use tokio::sync::oneshot;
use workbench::hands::{Hands, Job};

/// How far boards and checks stand back, in the system's niceness: an answer that takes a millisecond is not to wait for
/// boards that could use every processor for ever.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 5;
/// The niceness beyond which there is none.
#[cfg(target_os = "linux")]
const LEAST_PRIORITY: i32 = 19;

/// A thread for every processor.
#[derive(Clone, Copy, Debug, Default)]
pub struct Threads;

impl Hands for Threads {
    fn count(&self) -> usize {
        thread::available_parallelism().map_or(1, usize::from)
    }

    fn work(&self, jobs: Vec<Job<'_>>) {
        thread::scope(|scope| {
            for job in jobs {
                scope.spawn(job);
            }
        });
    }
}

/// Does a long job on a thread of its own that [gives way](give_way). The receiver fails where the job panicked or the system
/// gives no thread.
pub fn in_background<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> oneshot::Receiver<T> {
    let (result, told) = oneshot::channel();
    let begun = thread::Builder::new().name("job".to_owned()).spawn(move || {
        give_way();
        // Whoever asked may have gone away.
        _ = result.send(job());
    });
    if let Err(error) = begun {
        tracing::error!(%error, "the system gives no thread for a job");
    }
    told
}

/// Waits for something, where waiting is allowed, in a thread that belongs to a runtime.
pub fn wait_for<T: Send>(future: impl Future<Output = T> + Send) -> T {
    let runtime = tokio::runtime::Handle::current();
    let waited = thread::scope(|scope| scope.spawn(|| runtime.block_on(future)).join());
    waited.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Lets threads that answer requests go before this one. Where the system knows no niceness of a thread, they share.
pub fn give_way() {
    // Linux keeps it for each thread (setpriority(2), "C library/kernel differences"); elsewhere it is the process's.
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{getpriority_process, setpriority_process};
        let further = getpriority_process(None).map(|now| (now + NICENESS).min(LEAST_PRIORITY));
        if let Err(error) = further.and_then(|niceness| setpriority_process(None, niceness)) {
            tracing::debug!(%error, "a thread cannot give way");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_job_gives_way_and_whoever_asked_for_it_does_not() {
        #[cfg(target_os = "linux")]
        {
            let niceness = || rustix::process::getpriority_process(None).unwrap();
            let before = niceness();
            assert_eq!(in_background(niceness).await, Ok((before + NICENESS).min(LEAST_PRIORITY)));
            assert_eq!(niceness(), before);
        }
        assert_eq!(in_background(|| 42).await, Ok(42));
    }

    #[tokio::test]
    async fn a_job_that_panics_is_told_of() {
        let job: oneshot::Receiver<()> = in_background(|| panic!("on purpose"));
        assert!(job.await.is_err());
    }
}

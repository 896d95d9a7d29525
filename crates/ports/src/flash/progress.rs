//! The job's end of its progress.

use std::time::Instant;

use tokio::sync::watch;
use workbench::flashing::{Progress, Stage};

/// The job's end of its progress.
pub(super) struct Reporter {
    sender: watch::Sender<Progress>,
    done_bytes: usize,
    writing_since: Option<(Instant, usize)>,
}

impl Reporter {
    pub(super) fn new(sender: watch::Sender<Progress>) -> Self {
        Self { sender, done_bytes: 0, writing_since: None }
    }

    /// A reporter for the thread that works.
    pub(super) fn lend(&self) -> Self {
        Self { sender: self.sender.clone(), done_bytes: self.done_bytes, writing_since: self.writing_since }
    }

    /// Starts over, after an attempt that failed.
    pub(super) fn attempt(&mut self, failed_attempts: u32) {
        self.done_bytes = 0;
        self.writing_since = None;
        self.sender.send_modify(|progress| *progress = Progress { failed_attempts, ..Progress::default() });
    }

    pub(super) fn stage(&mut self, stage: Stage, baud: u32) {
        if stage == Stage::Writing && self.writing_since.is_none() {
            self.writing_since = Some((Instant::now(), self.done_bytes));
        }
        self.sender.send_if_modified(|progress| {
            let modified = progress.stage != stage || progress.baud != baud;
            progress.stage = stage;
            progress.baud = baud;
            modified
        });
    }

    pub(super) fn total(&mut self, total_bytes: usize) {
        self.sender.send_modify(|progress| progress.total_bytes = total_bytes);
    }

    /// So many bytes of the present piece are written.
    pub(super) fn within(&mut self, bytes: usize) {
        self.show(self.done_bytes + bytes);
    }

    /// So many more bytes are right.
    pub(super) fn done(&mut self, bytes: usize) {
        self.done_bytes += bytes;
        self.show(self.done_bytes);
    }

    fn show(&mut self, done_bytes: usize) {
        let rate = self
            .writing_since
            .map_or(0.0, |(since, before)| (done_bytes - before) as f64 / since.elapsed().as_secs_f64().max(1e-3));
        self.sender.send_modify(|progress| {
            progress.done_bytes = done_bytes;
            progress.bytes_per_second = rate as u32;
            progress.percent = (done_bytes * 100).checked_div(progress.total_bytes).unwrap_or(0).min(100) as u8;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_and_bytes_follow_the_pieces_and_start_over_with_an_attempt() {
        let (sender, receiver) = watch::channel(Progress::default());
        let mut reporter = Reporter::new(sender);
        reporter.stage(Stage::Writing, 921_600);
        reporter.total(1000);
        reporter.within(50);
        assert_eq!((receiver.borrow().percent, receiver.borrow().done_bytes), (5, 50));
        reporter.done(400);
        reporter.within(100);
        assert_eq!(receiver.borrow().percent, 50);
        assert!(receiver.borrow().bytes_per_second > 0);
        reporter.attempt(1);
        let expected = Progress { failed_attempts: 1, ..Progress::default() };
        assert_eq!(*receiver.borrow(), expected);
    }
}

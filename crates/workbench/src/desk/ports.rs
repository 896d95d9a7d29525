//! An attached board's port: what becomes of it, and of a flashing job.

use std::time::Duration;

use super::{BoardRefusal, Desk, Done, Effect, since};
use crate::clock::Moment;
use crate::engine::PortReport;
use crate::flashing::{Flashed, LogLine, Logged, Progress};
use crate::state::{BoardState, BoardStatus};

/// Lines that the log of a flashing job keeps.
const LOG_LINES: usize = 60;

impl Desk {
    /// Notes that a flashing job begins.
    pub(super) fn flash(&mut self, now: Moment) -> Result<(), BoardRefusal> {
        if self.run.is_some() {
            return Err(BoardRefusal::Busy);
        }
        if self.flashing.is_some() {
            return Err(BoardRefusal::Flashing);
        }
        self.flashing = Some(now);
        self.publish_status(now, |status| {
            (status.flashed, status.state) = (None, BoardState::Flashing(Progress::default()));
            status.log.clear();
        });
        Ok(())
    }

    /// Whether a flashing job goes on.
    #[must_use]
    pub fn is_flashing(&self) -> bool {
        self.flashing.is_some()
    }

    pub(super) fn hear_port(&mut self, now: Moment, report: PortReport) {
        match report {
            PortReport::Device(device) => {
                if self.status.device != device {
                    self.status.device = device;
                    self.effects.push_back(Effect::Status);
                }
            }
            PortReport::Opened => {
                self.publish_status(now, |status| status.state = BoardState::Booting);
                for asker in std::mem::take(&mut self.open_askers) {
                    self.answer(asker, Ok(Done::Done));
                }
            }
            PortReport::Absent => self.closed(now, BoardState::Absent),
            PortReport::Free => self.closed(now, BoardState::Free),
            PortReport::Fault(fault) => {
                for asker in std::mem::take(&mut self.open_askers) {
                    self.answer(asker, Err(BoardRefusal::Port(fault.clone())));
                }
                self.closed(now, BoardState::Fault(fault));
            }
            PortReport::Flashing(progress) => {
                let Some(began) = self.flashing else { return };
                let after = since(began, now);
                self.publish_status(now, |status| {
                    status.state = BoardState::Flashing(progress);
                    let same =
                        |line: &LogLine| matches!(&line.what, Logged::Stage(logged) if is_same_step(logged, &progress));
                    // Comparing and writing take turns, piece by piece; a log says each once for every attempt.
                    if !status.log.iter().any(same) {
                        log(status, after, Logged::Stage(progress));
                    }
                });
            }
            PortReport::Flashed(outcome) => {
                let after = self.flashing.take().map_or(Duration::ZERO, |began| since(began, now));
                self.publish_status(now, |status| match outcome {
                    Ok(report) => {
                        status.state = BoardState::Booting;
                        status.chip.clone_from(&report.chip);
                        log(status, after, Logged::Done(report.clone()));
                        status.flashed = Some(Flashed::Done(report));
                    }
                    Err(fault) => {
                        status.state = BoardState::Fault(fault.clone());
                        log(status, after, Logged::Failed(fault.clone()));
                        status.flashed = Some(Flashed::Failed(fault));
                    }
                });
            }
        }
    }

    /// The port is not open, or not any more.
    fn closed(&mut self, now: Moment, state: BoardState) {
        // Looking at a port again mostly finds nothing new.
        if self.flashing.is_none() && self.status.state != state {
            if let BoardState::Fault(fault) = &state {
                tracing::info!(board = %self.status.id, %fault, "a port cannot be used");
            }
            self.publish_status(now, |status| status.state = state);
        }
        for asker in std::mem::take(&mut self.close_askers) {
            self.answer(asker, Ok(Done::Done));
        }
    }
}

/// Whether a flashing job is still, or again, at the same.
fn is_same_step(logged: &Progress, now: &Progress) -> bool {
    (logged.stage, logged.baud, logged.failed_attempts) == (now.stage, now.baud, now.failed_attempts)
}

/// Adds to the log of a flashing job; a job on a bad line may try for long, and only the last lines matter then.
fn log(status: &mut BoardStatus, after: Duration, what: Logged) {
    if status.log.len() == LOG_LINES {
        status.log.remove(0);
    }
    status.log.push(LogLine { after, what });
}

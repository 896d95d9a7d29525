//! What is told of a flashing job: how far it is, what it did, and how it ended. The job itself is the ports' affair.

use std::time::Duration;

use serde::Serialize;

use crate::state::BoardFault;

/// What a job is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Waiting for its line.
    Waiting,
    /// Resetting the chip into its download mode and greeting it.
    Connecting,
    /// Reading chip and flash size; nothing has been changed yet.
    Checking,
    /// Asking what is in flash already.
    Comparing,
    /// Erasing, writing and verifying, piece by piece.
    Writing,
    /// Resetting the chip.
    Resetting,
}

/// A job's progress.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Progress {
    /// What it is doing.
    pub stage: Stage,
    /// Bytes that are known to be right in flash by now.
    pub done_bytes: usize,
    /// Bytes to write in all; 0 while unknown.
    pub total_bytes: usize,
    /// `done_bytes` in percent of `total_bytes`.
    pub percent: u8,
    /// Bytes of the image that are written per second; 0 before the first.
    pub bytes_per_second: u32,
    /// Bits per second of the line.
    pub baud: u32,
    /// Attempts that failed before this one.
    pub failed_attempts: u32,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            stage: Stage::Waiting,
            done_bytes: 0,
            total_bytes: 0,
            percent: 0,
            bytes_per_second: 0,
            baud: 0,
            failed_attempts: 0,
        }
    }
}

/// What a job has done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The chip, as espflash names it.
    pub chip: String,
    /// Its MAC address, where it may be read.
    pub mac_address: Option<String>,
    /// Size of its flash.
    pub flash_bytes: u32,
    /// Bytes that were not there yet; 0 when everything was.
    pub written_bytes: usize,
    /// Bits per second at which it succeeded.
    pub baud: u32,
    /// Name and SHA-256 of every image.
    pub sha256: Vec<(String, String)>,
}

/// How the last flashing job ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Flashed {
    /// Everything is in flash and verified.
    Done(Report),
    /// It is not.
    Failed(BoardFault),
}

/// A line in the log of a flashing job.
#[derive(Clone, Debug, PartialEq)]
pub struct LogLine {
    /// Since the job began.
    pub after: Duration,
    /// What happened.
    pub what: Logged,
}

/// What happened in a flashing job.
#[derive(Clone, Debug, PartialEq)]
pub enum Logged {
    /// A stage began, or goes on at another speed.
    Stage(Progress),
    /// It came to its end.
    Done(Report),
    /// It ended early.
    Failed(BoardFault),
}

//! What can be said of a board at one moment.

use serde::Serialize;

use super::line::LineFault;
use super::session::SessionFault;

/// A board's name in addresses, files and on the command line, such as `virtual-1`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct BoardId(pub String);

impl std::fmt::Display for BoardId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a board is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BoardKind {
    /// An emulated ESP32-C3.
    Virtual,
    /// An attached board.
    Attached,
}

/// What a board does.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum BoardState {
    /// It is not there.
    Absent,
    /// It has been reset and boots.
    Booting,
    /// It is at its prompt.
    Ready,
    /// Its flash is being written.
    Flashing {
        /// What is being done.
        stage: String,
        /// How far it is, 0 to 100.
        percent: u8,
    },
    /// It runs a lesson's program.
    Running {
        /// The lesson's slug.
        lesson: String,
        /// The run's number.
        run: u32,
    },
    /// It cannot be used.
    Fault(BoardFault),
}

/// Why a board cannot be used.
#[derive(Clone, Debug, PartialEq, Serialize, thiserror::Error)]
#[error("{cause}")]
pub struct BoardFault {
    /// The stable code; the texts for it are in `error.rs`, and go out with it.
    #[serde(skip)]
    pub code: &'static str,
    /// What happened, for the log and for those who search for it.
    pub cause: String,
}

impl From<SessionFault> for BoardFault {
    fn from(fault: SessionFault) -> Self {
        Self { code: fault.code(), cause: fault.to_string() }
    }
}

impl From<&LineFault> for BoardFault {
    fn from(fault: &LineFault) -> Self {
        Self { code: fault.code(), cause: fault.to_string() }
    }
}

/// Everything that can be said of a board.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BoardStatus {
    /// Its name in addresses and on the command line.
    pub id: BoardId,
    /// What it is.
    pub kind: BoardKind,
    /// The chip, as espflash writes it.
    pub chip: String,
    /// What it does.
    #[serde(flatten)]
    pub state: BoardState,
    /// Version of the lesson firmware, once it has said so.
    pub firmware: Option<String>,
    /// Version of MicroPython, once it has said so.
    pub micropython: Option<String>,
    /// Restarts of the VM since the chip's reset.
    pub boots: u32,
    /// The board's own time, in microseconds.
    pub virtual_us: u64,
    /// Virtual seconds per real second asked for; 0: as fast as it goes.
    pub speed: f64,
    /// Time stands still.
    pub paused: bool,
    /// The share of real time that the board got lately.
    pub share: f64,
}

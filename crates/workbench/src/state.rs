//! What can be said of a board at one moment.

use protocol::received::Hello;
use serde::Serialize;

use crate::flashing::{Flashed, LogLine, Progress};
use crate::line::LineFault;
use crate::session::SessionFault;
use crate::version::BoardVersion;

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
    /// It is plugged in, and nobody has opened its port.
    Free,
    /// It has been reset and boots.
    Booting,
    /// It is at its prompt.
    Ready,
    /// Its flash is being written.
    Flashing(Progress),
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

impl BoardState {
    /// The state's name, as in JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Free => "free",
            Self::Booting => "booting",
            Self::Ready => "ready",
            Self::Flashing(_) => "flashing",
            Self::Running { .. } => "running",
            Self::Fault(_) => "fault",
        }
    }
}

/// Why a board cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{cause}")]
pub struct BoardFault {
    /// The stable code; the words for it are the course's, and go out with it.
    #[serde(skip)]
    pub code: &'static str,
    /// What happened, for the log and for those who search for it.
    pub cause: String,
    /// A command for a shell that mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The program that has the port, where the system tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
}

impl BoardFault {
    /// A fault of which there is no more to say than what happened.
    #[must_use]
    pub fn plain(code: &'static str, cause: &impl ToString) -> Self {
        Self { code, cause: cause.to_string(), command: None, program: None }
    }
}

impl From<SessionFault> for BoardFault {
    fn from(fault: SessionFault) -> Self {
        Self::plain(fault.code(), &fault)
    }
}

impl From<&LineFault> for BoardFault {
    fn from(fault: &LineFault) -> Self {
        Self::plain(fault.code(), fault)
    }
}

/// What can be asked of a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Abilities {
    /// Hard interrupts; `None` until the board has said so.
    pub hard: Option<bool>,
    /// A seed fixes what is chance on silicon.
    pub seed: bool,
    /// Its time can be slowed down, hurried and stopped.
    pub slow_motion: bool,
    /// Its firmware stamps edges of its pins, where nobody sees them from outside.
    pub stamps_edges: bool,
}

impl Abilities {
    const VIRTUAL: Self = Self { hard: Some(true), seed: true, slow_motion: true, stamps_edges: false };
    const ATTACHED: Self = Self { hard: None, seed: false, slow_motion: false, stamps_edges: false };

    /// What a board says of itself: one without "hard" among its capabilities has soft interrupts only.
    pub(super) fn hear(&mut self, hello: &Hello) {
        let has = |ability: &str| hello.caps.iter().any(|cap| cap == ability);
        self.hard = Some(has("hard"));
        // A virtual board's pins are seen from outside, to the cycle.
        self.stamps_edges = !self.seed && has("edges");
    }
}

/// What a device said of itself when it was plugged in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Device {
    /// The port, as other tools take it; `None` for a virtual board.
    pub port: Option<String>,
    /// What the USB device calls itself; empty where nobody said.
    #[serde(rename = "device")]
    pub name: String,
    /// Whether it looks like a board; other ports are listed all the same.
    pub likely: bool,
}

/// Everything that can be said of a board.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BoardStatus {
    /// Its name in addresses and on the command line.
    pub id: BoardId,
    /// What it is.
    pub kind: BoardKind,
    /// The device that it is.
    #[serde(flatten)]
    pub device: Device,
    /// The chip, as espflash writes it; empty while unknown.
    pub chip: String,
    /// What it does.
    #[serde(flatten)]
    pub state: BoardState,
    /// What can be asked of it.
    pub can: Abilities,
    /// What decides its runs, where that is known and not silicon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<BoardVersion>,
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
    /// How the last flashing job ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flashed: Option<Flashed>,
    /// What the present or last flashing job said; pages put it into words.
    #[serde(skip)]
    pub log: Vec<LogLine>,
}

impl BoardStatus {
    /// A virtual board that boots.
    #[must_use]
    pub fn new_virtual(id: BoardId) -> Self {
        let device = Device { port: None, name: String::new(), likely: true };
        Self::new(id, BoardKind::Virtual, device, "esp32c3", BoardState::Booting, Abilities::VIRTUAL)
    }

    /// The same board, whose runs this decides.
    #[must_use]
    pub fn of_version(self, version: &BoardVersion) -> Self {
        Self { version: Some(version.clone()), ..self }
    }

    /// An attached board of which nothing is known but its device.
    #[must_use]
    pub fn new_attached(id: BoardId, device: Device) -> Self {
        Self::new(id, BoardKind::Attached, device, "", BoardState::Absent, Abilities::ATTACHED)
    }

    fn new(id: BoardId, kind: BoardKind, device: Device, chip: &str, state: BoardState, can: Abilities) -> Self {
        Self {
            id,
            kind,
            device,
            chip: chip.to_owned(),
            state,
            can,
            version: None,
            firmware: None,
            micropython: None,
            boots: 0,
            virtual_us: 0,
            speed: 1.0,
            paused: false,
            share: 1.0,
            flashed: None,
            log: Vec::new(),
        }
    }
}

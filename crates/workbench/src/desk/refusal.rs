//! Why a board does not do what it is asked for.

use parts::MoveError;

use crate::session::SessionFault;
use crate::session::filing::FileFault;
use crate::state::BoardFault;

/// Why a board does not do what it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BoardRefusal {
    /// A run is going on.
    #[error("the board is running a program")]
    Busy,
    /// The board is at no prompt.
    #[error("the board is not ready")]
    NotReady,
    /// Nothing runs.
    #[error("nothing runs on the board")]
    NothingRuns,
    /// Its flash is being written.
    #[error("the board is being flashed")]
    Flashing,
    /// No flashing job goes on.
    #[error("nothing is being flashed")]
    NothingFlashes,
    /// Only a virtual board's time can be slowed down, hurried or stopped.
    #[error("the board runs in real time")]
    RealTime,
    /// Its parts are real: hands move them.
    #[error("the board's parts are real")]
    PartsAreReal,
    /// A part was not moved.
    #[error(transparent)]
    Part(MoveError),
    /// Its files are as they were.
    #[error(transparent)]
    File(FileFault),
    /// Only a virtual board's pins are seen, and those of a firmware that stamps their edges.
    #[error("nobody sees the board's pins")]
    PinsUnseen,
    /// Only a virtual board's interrupts are seen from outside.
    #[error("nobody sees the board's interrupts")]
    InterruptsUnseen,
    /// Its port cannot be used.
    #[error(transparent)]
    Port(BoardFault),
    /// The session failed at it.
    #[error(transparent)]
    Session(#[from] SessionFault),
    /// The actor has ended.
    #[error("the board is gone")]
    Gone,
}

impl BoardRefusal {
    /// The stable code; never changed once released.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Busy => "board-busy",
            Self::NotReady => "board-not-ready",
            Self::NothingRuns => "nothing-runs",
            Self::Flashing => "board-flashing",
            Self::NothingFlashes => "nothing-flashes",
            Self::RealTime => "board-real-time",
            Self::PartsAreReal => "parts-are-real",
            Self::Part(error) => error.code(),
            Self::File(fault) => fault.code(),
            Self::PinsUnseen => "pins-unseen",
            Self::InterruptsUnseen => "interrupts-unseen",
            Self::Port(fault) => fault.code,
            Self::Session(fault) => fault.code(),
            Self::Gone => "board-gone",
        }
    }
}

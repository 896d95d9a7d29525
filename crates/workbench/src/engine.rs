//! What an actor tells the engine that drives its board, and what it hears back.
//!
//! An engine owns the line and the session, on whatever thread suits the line.

use std::sync::Arc;
use std::time::Instant;

use super::flash::{Cancel, Image, Progress, Report};
use super::line::LineFault;
use super::pace::Speed;
use super::session::{LinkTime, RunOrder, SessionEvent, Setting, Ticket};
use super::state::{BoardFault, Device};

/// What an engine is asked to do. None of it blocks.
#[derive(Clone, Debug)]
pub enum EngineCommand {
    /// Start a run; on a virtual board on a freshly booted chip with this seed.
    Start {
        /// The run.
        order: RunOrder,
        /// Fixes what would be chance on silicon; ignored by boards that are silicon.
        seed: u64,
    },
    /// Stop the run.
    Stop,
    /// Reset the board; a virtual one is booted afresh.
    Reset,
    /// Change a control during a run.
    Set {
        /// Repeated in the answer.
        ticket: Ticket,
        /// Name of the control.
        name: String,
        /// The new value.
        value: Setting,
    },
    /// Send what a person typed.
    Type(String),
    /// Change the speed of virtual time.
    Pace(Speed),
    /// Let time stand still because nobody looks; any other command wakes the board.
    Sleep,
    /// Somebody looks again.
    Wake,
    /// To the engine of an attached board.
    Port(PortCommand),
}

/// What only an attached board can be asked for.
#[derive(Clone, Debug)]
pub enum PortCommand {
    /// Open the port, reset the board and keep it ready, also when it is unplugged and comes back.
    Open,
    /// End what runs and let the port go.
    Close,
    /// See again whether the port could be opened, without opening it.
    Look,
    /// Write images into the board's flash, over the open line or one of its own.
    Flash {
        /// What to write.
        images: Arc<[Image]>,
        /// Ends the job early.
        cancel: Cancel,
    },
}

/// What an engine has to say.
#[derive(Clone, Debug, PartialEq)]
pub enum EngineReport {
    /// The session found something out.
    Session {
        /// The link's time.
        link: LinkTime,
        /// When the board sent it, on our clock and never too late: how long it takes from here to
        /// a page counts from this moment.
        made: Instant,
        /// What it is.
        event: SessionEvent,
    },
    /// How the board's time goes: where it is, and its share of real time over the last half second.
    Clock {
        /// The link's time.
        link: LinkTime,
        /// Virtual seconds per real second that were reached.
        share: f64,
    },
    /// A `Start` came at a moment at which no run can start.
    Busy {
        /// The run that was refused.
        run: u32,
    },
    /// The line is gone.
    Lost(LineFault),
    /// What became of an attached board's port.
    Port(PortReport),
}

/// What became of an attached board's port.
#[derive(Clone, Debug, PartialEq)]
pub enum PortReport {
    /// The device, which may have got another port.
    Device(Device),
    /// It is not there.
    Absent,
    /// It is there, closed, and may be opened.
    Free,
    /// It has been opened.
    Opened,
    /// It cannot be opened, or was lost.
    Fault(BoardFault),
    /// A flashing job goes on.
    Flashing(Progress),
    /// A flashing job is over.
    Flashed(Result<Report, BoardFault>),
}

/// How many batches of reports may wait for the actor. When they are full the engine stands still,
/// so that a board cannot fill the host's memory.
pub const REPORT_BATCHES: usize = 64;

/// Drives one board.
pub trait Engine: Send + Sync {
    /// Hands a command over and returns at once.
    fn post(&self, command: EngineCommand);
}

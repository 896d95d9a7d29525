//! What an actor tells the engine that drives its board, and what it hears back.
//!
//! An engine owns the line and the session, on whatever thread suits the line.

use std::sync::Arc;

use parts::{MoveError, Wiring};

use crate::clock::Moment;
use crate::flashing::{Progress, Report};
use crate::line::LineFault;
pub use crate::pace::{SLOWEST, Speed};
use crate::pins::{PartShown, Wanted};
use crate::session::filing::FileOrder;
use crate::session::{LinkTime, RunOrder, SessionEvent, Setting, Ticket};
use crate::state::{BoardFault, Device};

/// What an engine is asked to do. None of it blocks.
#[derive(Clone, Debug)]
pub enum EngineCommand {
    /// Start a run; on a virtual board on a freshly booted chip with this seed.
    Start {
        /// The run.
        order: RunOrder,
        /// Fixes what would be chance on silicon; ignored by boards that are silicon.
        seed: u64,
        /// What is on its pins from then on; ignored by boards that have real ones.
        wiring: Arc<Wiring>,
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
    /// Move a control of a part.
    Part {
        /// Repeated in the answer.
        ticket: Ticket,
        /// The part's name.
        part: String,
        /// The control's name.
        control: String,
        /// Its new value.
        value: i64,
    },
    /// Look after the board's files.
    File {
        /// Repeated in the answer.
        ticket: Ticket,
        /// What is to be done.
        order: FileOrder,
    },
    /// Tell the pins over time, which are recorded from the first such command on.
    Pins {
        /// Repeated in the answer.
        ticket: Ticket,
        /// In which form.
        wanted: Wanted,
        /// What runs, for files.
        origin: String,
    },
    /// Record the pins no more.
    ForgetPins,
    /// Let an attached board stamp edges: of pins that have a callback, and of these, a bit for each; `None`: no more.
    Watch(Option<u32>),
    /// Send what a person typed.
    Type(String),
    /// Change the speed of virtual time.
    Pace(Speed),
    /// Let time stand still because nobody looks; any other command wakes the board.
    Sleep,
    /// Somebody looks again.
    Wake,
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
        made: Moment,
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
    /// What the parts on the pins show, where that has changed.
    Parts(Vec<PartShown>),
    /// What became of a `Part`.
    Moved {
        /// The command's.
        ticket: Ticket,
        /// Nothing was moved where it failed.
        result: Result<(), MoveError>,
    },
    /// The answer to a `Pins`, as JSON text.
    Pins {
        /// The command's.
        ticket: Ticket,
        /// `None`: the board is lost.
        told: Option<String>,
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

//! A board's line with its own clock, and the loop that joins it to a [`Session`].
//!
//! The loop is synchronous: a virtual board's pace, a serial port's thread and a headless run
//! all call [`Drive::advance`]. Only the line knows whether its time is virtual.

use std::sync::Arc;
use std::time::Duration;

use emulator::FlashImage;
use parts::{MoveError, Wiring};

use super::pins::{PartShown, Wanted};
use super::session::{LinkAction, LinkTime, Session};
use super::version::BoardVersion;

/// The speed of a board's console after reset, in bits per second.
pub const CONSOLE_BAUD: u32 = 115_200;

/// How finely a drive divides link time. The host answers a board at most this much later than the
/// bytes came; on a virtual board that makes the host's timing part of the repeatable run.
pub const STEP: Duration = Duration::from_millis(1);

/// Why a line cannot be used any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// The port is gone: unplugged, or the connection closed.
    #[error("the port {port} is gone: {cause}")]
    Gone {
        /// The port's name.
        port: String,
        /// What the system said.
        cause: String,
    },
    /// The emulated chip met something that it does not emulate.
    #[error("the virtual board stopped: {cause}")]
    Emulation {
        /// What it was.
        cause: String,
    },
}

impl LineFault {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Gone { .. } => "board-gone",
            Self::Emulation { .. } => "board-emulation",
        }
    }
}

/// A board's serial line, its reset, and its clock.
pub trait Line: Send {
    /// The time since the line was opened.
    fn now(&self) -> LinkTime;

    /// Queues bytes for the board; the line sends them as fast as the board takes them.
    fn write(&mut self, bytes: &[u8]);

    /// Lets time pass, at most up to `until`, and returns what the board sent meanwhile. A line
    /// with a wall clock may return early when bytes have come; a virtual one goes to `until`.
    ///
    /// # Errors
    /// [`LineFault`] when the board cannot be reached any more.
    fn read(&mut self, until: LinkTime) -> Result<Vec<u8>, LineFault>;

    /// Resets the board so that it boots from flash.
    ///
    /// # Errors
    /// [`LineFault`] when the board cannot be reached any more.
    fn reset(&mut self) -> Result<(), LineFault>;

    /// Changes the speed of the line, in bits per second; a reset undoes it.
    ///
    /// # Errors
    /// [`LineFault`] when the port does not do it.
    fn set_baud(&mut self, baud: u32) -> Result<(), LineFault>;

    /// Until when the board will certainly do nothing unless it is written to; `None` when it is
    /// busy or nobody can know.
    fn idle_until(&self) -> Option<LinkTime>;

    /// What decides the board's runs; `None` where silicon does.
    fn version(&self) -> Option<&BoardVersion> {
        None
    }

    /// Puts parts on a virtual board's pins, in the place of those that are there. A board at a cable has real ones, and
    /// nothing happens.
    ///
    /// # Errors
    /// [`LineFault`] when the board takes no more of them.
    fn wire(&mut self, _wiring: &Arc<Wiring>, _seed: u64) -> Result<(), LineFault> {
        Ok(())
    }

    /// A program begins: the moves of the wiring count from here.
    fn begin(&mut self) {}

    /// Moves a control of a part now.
    ///
    /// # Errors
    /// [`MoveError`]; nothing was moved then.
    fn move_part(&mut self, part: &str, _control: &str, _value: i64) -> Result<(), MoveError> {
        Err(MoveError::NotConnected { part: part.to_owned() })
    }

    /// What the parts show.
    fn parts(&self) -> Vec<PartShown> {
        Vec::new()
    }

    /// The flash with a virtual board's files. A board at a cable keeps its own.
    fn files(&self) -> Option<FlashImage> {
        None
    }

    /// Puts files of an earlier board into a virtual board's flash; its file system has to be mounted anew.
    fn put_files(&mut self, _files: &FlashImage) {}

    /// Keeps the last so many changes of the pins from now on, or none any more. Nobody sees the pins of a board at a
    /// cable.
    fn record(&mut self, _changes: Option<usize>) {}

    /// The record of the pins, as it is wanted: JSON text. `number` tells it from those of earlier boards, `origin` says
    /// what ran. `None`: no record is kept.
    fn tell_pins(&self, _number: u64, _wanted: Wanted, _origin: &str) -> Option<String> {
        None
    }
}

/// A line to a virtual board, of which there can be a second one.
pub trait Fork: Line + Sized {
    /// A line to a board in the same state, which goes its own way from here. Nobody looks at it from outside.
    fn fork(&mut self) -> Self;
}

/// A line and the session over it.
#[derive(Clone, Debug)]
pub struct Drive<L> {
    /// The line.
    pub line: L,
    /// The session over it.
    pub session: Session,
}

impl<L: Fork> Drive<L> {
    /// A second board in the same state, with a session of its own.
    pub fn fork(&mut self) -> Self {
        Self { line: self.line.fork(), session: self.session.clone() }
    }
}

impl<L: Line> Drive<L> {
    /// Joins a line to a session that begins.
    pub fn new(line: L, session: Session) -> Self {
        Self { line, session }
    }

    /// Sends what the session wants sent, lets link time pass by one [`STEP`], and lets the session
    /// hear what came. A program that has been uploaded by then is started with the next step. Where both sides are
    /// idle, as many steps as they are idle for go at once; nothing passes `goal`, and `false` means that not even one
    /// step fits before it.
    ///
    /// # Errors
    /// [`LineFault`] when the board cannot be reached any more.
    pub fn advance(&mut self, goal: LinkTime) -> Result<bool, LineFault> {
        self.flush()?;
        let start = self.line.now();
        if goal.saturating_sub(start) < STEP {
            return Ok(false);
        }
        // Whole steps only: when the host reacts must not depend on where the goal lies.
        let idle_steps = self.idle_until().map_or(1, |until| {
            let steps = until.min(goal).saturating_sub(start).as_nanos() / STEP.as_nanos();
            u32::try_from(steps).unwrap_or(u32::MAX).max(1)
        });
        let until = start + STEP * idle_steps;
        let bytes = self.line.read(until)?;
        let now = self.line.now();
        self.session.receive(now, &bytes);
        if self.session.deadline().is_some_and(|due| due <= now) {
            self.session.tick(now);
        }
        if !self.session.is_uploaded() {
            self.flush()?;
        }
        Ok(true)
    }

    /// Until when neither side will do anything by itself.
    pub fn idle_until(&self) -> Option<LinkTime> {
        let idle = self.line.idle_until()?;
        Some(self.session.deadline().map_or(idle, |due| due.min(idle)))
    }

    fn flush(&mut self) -> Result<(), LineFault> {
        let bytes = self.session.take_output();
        if !bytes.is_empty() {
            self.line.write(&bytes);
        }
        while let Some(action) = self.session.next_action() {
            match action {
                LinkAction::Reset => self.line.reset()?,
                LinkAction::SetBaud(baud) => self.line.set_baud(baud)?,
                LinkAction::Begin => self.line.begin(),
            }
        }
        Ok(())
    }
}

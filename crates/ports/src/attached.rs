//! An attached board: its serial line behind the same interface as a virtual board's.
//!
//! The line's clock is the wall clock. Waiting costs nothing: a read sleeps until bytes come, the session has something
//! to do, or somebody wakes it.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::discovery::Named;
use super::lock::lock;
use super::serial::{self, CONSOLE_BAUD, SerialLine};
use workbench::headless::{self, Boards, Need, RunError};
use workbench::line::{Drive, Line, LineFault};
use workbench::record::{RunRecord, RunRequest};
use workbench::session::{LinkTime, Session, SessionFault};

/// The line's speed after the greeting, in bits per second: 20 samples a second need more than a console's.
const FAST_BAUD: u32 = 921_600;
/// How long a board may take from reset to an established session, with a module to be stored in slow flash. What does not
/// go on is given up sooner, by the session.
const READY_TIMEOUT: Duration = Duration::from_secs(150);
/// Ends a program, leaves the raw prompt, and restarts the VM: the reset of a line without modem lines.
const SOFT_RESET: &[u8] = b"\x03\x03\x02\x04";

/// A serial line as the session's drive wants it. Its methods block, so it lives on a thread outside the runtime.
pub struct AttachedLine {
    /// `None` while the line is lent out.
    line: Option<SerialLine>,
    port: String,
    runtime: Handle,
    opened: Instant,
    wake: Arc<Notify>,
    /// A failure to send, told by the next read.
    failed: Option<serial::LineFault>,
}

impl AttachedLine {
    /// Takes over an open line.
    pub fn new(line: SerialLine, runtime: Handle) -> Self {
        let port = line.address().to_string();
        let wake = Arc::default();
        Self { line: Some(line), port, runtime, opened: Instant::now(), wake, failed: None }
    }

    /// Ends a read that is going on, from any thread.
    pub fn waker(&self) -> Arc<Notify> {
        self.wake.clone()
    }

    fn gone(&self, cause: &dyn std::fmt::Display) -> LineFault {
        LineFault::Gone { port: self.port.clone(), cause: cause.to_string() }
    }

    /// The fault of a line that was open: the port and its being gone are told already.
    fn lost(&self, fault: &serial::LineFault) -> LineFault {
        match fault {
            serial::LineFault::Lost { source, .. } => self.gone(source),
            other => self.gone(other),
        }
    }

    /// Lets `work` use the line.
    fn with_line<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut SerialLine) -> Result<T, serial::LineFault>,
    ) -> Result<T, LineFault> {
        let Some(line) = &mut self.line else { return Err(self.gone(&io::Error::from(io::ErrorKind::NotConnected))) };
        self.runtime.block_on(work(line)).map_err(|fault| self.lost(&fault))
    }
}

impl Line for AttachedLine {
    fn now(&self) -> LinkTime {
        self.opened.elapsed()
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(line) = &mut self.line
            && let Err(fault) = self.runtime.block_on(line.write_all(bytes))
        {
            self.failed.get_or_insert(fault);
        }
    }

    fn read(&mut self, until: LinkTime) -> Result<Vec<u8>, LineFault> {
        if let Some(fault) = self.failed.take() {
            return Err(self.lost(&fault));
        }
        let timeout = until.saturating_sub(self.now());
        let wake = self.wake.clone();
        self.with_line(async |line| {
            tokio::select! {
                bytes = line.read() => bytes,
                () = tokio::time::sleep(timeout) => Ok(Vec::new()),
                () = wake.notified() => Ok(Vec::new()),
            }
        })
    }

    fn reset(&mut self) -> Result<(), LineFault> {
        self.with_line(reset)
    }

    fn set_baud(&mut self, baud: u32) -> Result<(), LineFault> {
        self.with_line(async |line| line.set_baud(baud).await)
    }

    /// Reading ends by itself when bytes come, so nobody needs to look before.
    fn idle_until(&self) -> Option<LinkTime> {
        Some(LinkTime::MAX)
    }
}

/// Resets a board so that it boots from flash, at the console's speed.
pub(super) async fn reset(line: &mut SerialLine) -> Result<(), serial::LineFault> {
    line.set_baud(CONSOLE_BAUD).await?;
    if !line.reset_into_flash().await? {
        line.write_all(SOFT_RESET).await?;
    }
    Ok(())
}

/// The session for an attached board.
pub(super) fn session() -> Session {
    Session::for_attached(FAST_BAUD)
}

/// Why an attached board cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AttachedFault {
    /// The port does not open.
    #[error(transparent)]
    Open(#[from] serial::LineFault),
    /// The line broke.
    #[error(transparent)]
    Line(#[from] LineFault),
    /// The board is there but cannot be used as it is.
    #[error(transparent)]
    Session(#[from] SessionFault),
}

impl AttachedFault {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Open(fault) => fault.code(),
            Self::Line(fault) => fault.code(),
            Self::Session(fault) => fault.code(),
        }
    }

    /// What to try.
    #[must_use]
    pub fn advice(&self) -> String {
        match self {
            Self::Open(fault) => fault.advice(),
            Self::Line(_) => "Plug the board in again, then try again.".to_owned(),
            Self::Session(fault) => session_advice(*fault).to_owned(),
        }
    }

    /// The fault with its advice and its code, for a terminal.
    #[must_use]
    pub fn told(&self) -> anyhow::Error {
        anyhow::anyhow!("{self}\n  {}\n  [{}]", self.advice(), self.code())
    }
}

/// What to try, for a terminal.
const fn session_advice(fault: SessionFault) -> &'static str {
    match fault {
        SessionFault::NoLessonFirmware | SessionFault::OtherVersion | SessionFault::NotEsp32 => {
            "Write the lesson firmware (isrlab flash --board ID), or official MicroPython for its chip (--image FILE)."
        }
        SessionFault::NeedsHard => {
            "Run it on the virtual board (--board virtual), or write the lesson firmware (isrlab flash --board ID) if \
             the board is an ESP32-C3."
        }
        SessionFault::NoAnswer => {
            "Check cable and port, press the board's RESET button, or write the lesson firmware: isrlab flash --board ID"
        }
        SessionFault::ResetLoop => {
            "Write its firmware again (isrlab flash --board ID); if its ROM speaks of a brownout, take another cable or \
             socket."
        }
        SessionFault::WrongBaud => {
            "Press the board's RESET button; if that does not help, its program uses a speed of its own: write the lesson \
             firmware."
        }
        SessionFault::NoRawPrompt => {
            "Write official MicroPython for the board's chip: isrlab flash --board ID --image FILE"
        }
        SessionFault::DiskFull => "Delete files on the board, 20 KB are enough: mpremote connect PORT rm :FILE",
        SessionFault::DeployFailed => "Press the board's RESET button; if it stays, write official MicroPython again.",
        SessionFault::NoMemory => {
            "Rename the board's main.py and boot.py, for what they load stays in memory; then reset it."
        }
        SessionFault::TooSlow => {
            "Try again; if it stays, the board's flash is nearly full or worn out: delete files, or take another board."
        }
        SessionFault::Busy => {
            "Let the program end, or press the board's RESET button. One that begins by itself and ignores Ctrl-C goes with \
             a new firmware: isrlab flash --board ID"
        }
        SessionFault::NoPrompt
        | SessionFault::UploadFailed
        | SessionFault::SettingRefused
        | SessionFault::NotAcknowledged
        | SessionFault::StillCounting => "Press the board's RESET button, or write the lesson firmware again.",
    }
}

/// Opens a board, resets it and establishes a session, ready for a run. Blocks; call it outside the runtime.
///
/// # Errors
/// [`AttachedFault`].
pub fn open(board: &Named, runtime: &Handle) -> Result<Drive<AttachedLine>, AttachedFault> {
    let line = runtime.block_on(SerialLine::open(&board.port, CONSOLE_BAUD, board.product_id))?;
    let mut drive = Drive::new(AttachedLine::new(line, runtime.clone()), session());
    make_ready(&mut drive)?;
    Ok(drive)
}

/// Resets the board and waits until it is ready for a run.
fn make_ready(drive: &mut Drive<AttachedLine>) -> Result<(), AttachedFault> {
    let limit = drive.line.now() + READY_TIMEOUT;
    drive.session.reset(drive.line.now());
    while !drive.session.is_ready() {
        drive.advance(limit)?;
        if let Some(fault) = drive.session.fault() {
            return Err(fault.into());
        }
        if drive.line.now() >= limit {
            return Err(SessionFault::TooSlow.into());
        }
    }
    // The boot log is not part of what follows.
    while drive.session.next_event().is_some() {}
    Ok(())
}

/// An attached board for headless runs, one after the other.
pub struct AttachedBoard {
    drive: Mutex<Drive<AttachedLine>>,
}

impl AttachedBoard {
    /// Opens it as [`open`] does.
    ///
    /// # Errors
    /// [`AttachedFault`].
    pub fn open(board: &Named, runtime: &Handle) -> Result<Self, AttachedFault> {
        Ok(Self { drive: Mutex::new(open(board, runtime)?) })
    }
}

impl Boards for AttachedBoard {
    fn run(&self, request: &RunRequest, go_on: &mut dyn FnMut(f32) -> bool) -> Result<RunRecord, RunError> {
        let mut drive = lock(&self.drive);
        // Every run begins in the state after a reset, as on the virtual board.
        make_ready(&mut drive).map_err(|fault| match fault {
            AttachedFault::Line(fault) => RunError::Line(fault),
            AttachedFault::Open(_) | AttachedFault::Session(_) => RunError::NotReady,
        })?;
        headless::run(&mut *drive, request, go_on)
    }

    fn at_once(&self) -> usize {
        1
    }

    fn has_hard(&self) -> bool {
        lock(&self.drive).session.has_hard()
    }

    fn has(&self, need: Need) -> bool {
        lock(&self.drive).session.has(need)
    }
}

//! Flashing as a job: checks first, writes only what differs, verifies, survives a bad line, and ends with the board
//! running what was written.
//!
//! The job borrows a board's line and gives it back. It knows no page and no terminal: progress is a value that anybody
//! may watch, so a job outlives the tab that started it.

mod bridge;
mod history;
mod image;
mod progress;
mod write;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use workbench::flashing::{Progress, Report, Stage};
use workbench::state::BoardFault;

pub use history::{Entry, History, Known};
pub use image::{Image, ImageArgument};

use self::bridge::Bridge;
use self::progress::Reporter;
use self::write::{Attempt, Failure};
use super::serial::{CONSOLE_BAUD, LineFault, ResetLines, SerialLine};

/// Speeds for the transfer, in bits per second; each failure of the line steps down by one.
const BAUDS: [u32; 4] = [921_600, 460_800, 230_400, 115_200];
/// Attempts in all.
const MAX_ATTEMPTS: u32 = 10;
/// Attempts in a row that achieve nothing.
const MAX_IDLE_ATTEMPTS: u32 = 4;
/// How long the ROM may take to say in which mode it booted.
const BOOT_LOG_TIMEOUT: Duration = Duration::from_millis(400);
/// How long a prompt may take to appear.
const PROMPT_TIMEOUT: Duration = Duration::from_millis(800);
/// How long a cancelled attempt may take to come to the end of its piece.
const CANCEL_GRACE: Duration = Duration::from_secs(2);

/// Why a job failed. Nothing is erased before chip and images have been checked.
#[derive(Debug, thiserror::Error)]
pub enum FlashFault {
    /// The line cannot be opened, or has ended.
    #[error(transparent)]
    Line(#[from] LineFault),
    /// The chip's ROM does not answer.
    #[error("the chip does not answer in its download mode")]
    NoAnswer,
    /// The chip started its program instead.
    #[error("the chip did not enter its download mode (boot mode {mode})")]
    WrongBootMode {
        /// What its ROM printed.
        mode: String,
    },
    /// The image is for another chip.
    #[error("{name} is made for {made_for}, the board has an {chip}; nothing was erased")]
    WrongChip {
        /// The image.
        name: String,
        /// What it is for.
        made_for: String,
        /// What is there.
        chip: String,
    },
    /// The file is no image.
    #[error("{name} cannot be flashed: {why}")]
    NotAnImage {
        /// The image.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// The image is incomplete or altered.
    #[error("{name} is damaged: {why}")]
    ImageDamaged {
        /// The image.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// The file cannot be read.
    #[error("cannot read the image {path}: {source}")]
    ImageUnreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The image does not fit.
    #[error("{name} needs {needed_bytes} bytes of flash, the board has {flash_bytes}; nothing was erased")]
    FlashTooSmall {
        /// The image.
        name: String,
        /// Up to where it reaches.
        needed_bytes: usize,
        /// How much there is.
        flash_bytes: u32,
    },
    /// What was read back differs.
    #[error("{name} at {offset:#x} reads back differently from what was written")]
    VerifyFailed {
        /// The image.
        name: String,
        /// The piece.
        offset: u32,
    },
    /// Bytes get lost or altered, even at the lowest speed.
    #[error("the connection is unreliable, the last try was at {baud} baud ({cause})")]
    LinkUnreliable {
        /// Bits per second.
        baud: u32,
        /// What the library says.
        cause: String,
    },
    /// The chip only takes signed images.
    #[error("this {chip} is in secure download mode and takes only images of its owner")]
    Protected {
        /// The chip.
        chip: String,
    },
    /// Somebody asked for the end.
    #[error("cancelled; the board has an incomplete image")]
    Cancelled,
    /// The system has no pseudo-terminal left.
    #[error("cannot make a pseudo-terminal: {0}")]
    NoTerminal(io::Error),
}

impl FlashFault {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Line(fault) => fault.code(),
            Self::NoAnswer => "flash-no-answer",
            Self::WrongBootMode { .. } => "flash-wrong-boot-mode",
            Self::WrongChip { .. } => "flash-wrong-chip",
            Self::NotAnImage { .. } => "flash-not-an-image",
            Self::ImageDamaged { .. } => "flash-image-damaged",
            Self::ImageUnreadable { .. } => "flash-image-unreadable",
            Self::FlashTooSmall { .. } => "flash-too-small",
            Self::VerifyFailed { .. } => "flash-verify-failed",
            Self::LinkUnreliable { .. } => "flash-link-unreliable",
            Self::Protected { .. } => "flash-protected",
            Self::Cancelled => "flash-cancelled",
            Self::NoTerminal(_) => "flash-no-terminal",
        }
    }

    /// Whether it condemns the board by a single answer of its chip, which a bad line may have altered.
    const fn rests_on_one_answer(&self) -> bool {
        matches!(self, Self::WrongChip { .. } | Self::FlashTooSmall { .. } | Self::Protected { .. })
    }

    /// What to try.
    #[must_use]
    pub fn advice(&self) -> String {
        let text = match self {
            Self::Line(fault) => return fault.advice(),
            Self::NoAnswer | Self::WrongBootMode { .. } => {
                "Hold the board's BOOT button, press RESET (or plug it in) once, let BOOT go, then try again."
            }
            Self::WrongChip { .. } => "Take the image for this board's chip.",
            Self::NotAnImage { .. } => "Check the file's name and its address: FILE@0x10000.",
            Self::ImageDamaged { .. } => "Download the file again.",
            Self::ImageUnreadable { .. } => "Check the file's name and whether you may read it.",
            Self::FlashTooSmall { .. } => "Take an image for a smaller flash, or a board with a larger one.",
            Self::VerifyFailed { .. } => "Try again; if it stays so, the board's flash is worn out.",
            Self::LinkUnreliable { .. } => "Try another USB cable or socket, without a hub, then try again.",
            Self::Protected { .. } => "Use another board.",
            Self::Cancelled => "Flash it again before you use it.",
            Self::NoTerminal(_) => "Close programs that use many terminals, then try again.",
        };
        text.to_owned()
    }
}

impl From<&FlashFault> for BoardFault {
    fn from(fault: &FlashFault) -> Self {
        match fault {
            FlashFault::Line(fault) => fault.into(),
            fault => Self::plain(fault.code(), fault),
        }
    }
}

/// Ends a job early.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    shared: Arc<(AtomicBool, Notify)>,
}

impl Cancel {
    /// Asks for the end; the piece that is being written is completed if that is soon.
    pub fn cancel(&self) {
        self.shared.0.store(true, Ordering::Relaxed);
        self.shared.1.notify_one();
    }

    fn is_cancelled(&self) -> bool {
        self.shared.0.load(Ordering::Relaxed)
    }

    async fn cancelled(&self) {
        while !self.is_cancelled() {
            self.shared.1.notified().await;
        }
    }
}

/// Writes images to the board at the end of `line` and starts it. The line comes back unless it was lost; its speed is
/// [`CONSOLE_BAUD`] again. `product_id` is the USB product id, if the board is on this machine's USB.
///
/// # Errors
/// [`FlashFault`].
pub async fn flash(
    mut line: SerialLine,
    product_id: Option<u16>,
    images: Arc<[Image]>,
    progress: watch::Sender<Progress>,
    cancel: &Cancel,
) -> (Option<SerialLine>, Result<Report, FlashFault>) {
    for image in images.iter() {
        if let Err(fault) = image.check() {
            return (Some(line), Err(fault));
        }
    }
    let mut reporter = Reporter::new(progress);
    let mut baud_step = 0;
    let mut idle_attempts = 0;
    let mut condemned = None;
    for failed_attempts in 0..MAX_ATTEMPTS {
        reporter.attempt(failed_attempts);
        reporter.stage(Stage::Connecting, CONSOLE_BAUD);
        let boot_log = match enter_download(&mut line).await {
            Ok(boot_log) => boot_log,
            Err(fault) => return (None, Err(fault.into())),
        };
        let (returned, outcome) =
            attempt(line, product_id, images.clone(), BAUDS[baud_step], &mut reporter, cancel).await;
        line = match returned {
            Ok(line) => line,
            Err(fault) => return (None, Err(fault)),
        };
        let failure = match outcome {
            Ok(report) => {
                reporter.stage(Stage::Resetting, report.baud);
                return match start_program(&mut line).await {
                    Ok(()) => (Some(line), Ok(report)),
                    Err(fault) => (None, Err(fault.into())),
                };
            }
            Err(failure) => failure,
        };
        tracing::debug!(fault = %failure.fault, baud = BAUDS[baud_step], "an attempt to flash failed");
        idle_attempts = if failure.progressed { 0 } else { idle_attempts + 1 };
        let fault = match (failure.fault, boot_log) {
            (FlashFault::NoAnswer, BootLog::Program { mode }) => FlashFault::WrongBootMode { mode },
            (fault, _) => fault,
        };
        let verdict = fault.rests_on_one_answer().then(|| fault.code());
        let may_pass = failure.may_pass || (verdict.is_some() && verdict != condemned);
        condemned = verdict;
        let last = failed_attempts + 1 == MAX_ATTEMPTS || idle_attempts == MAX_IDLE_ATTEMPTS;
        if cancel.is_cancelled() || last || !may_pass {
            let fault = if cancel.is_cancelled() { FlashFault::Cancelled } else { fault };
            return match start_program(&mut line).await {
                Ok(()) => (Some(line), Err(fault)),
                Err(lost) => (None, Err(lost.into())),
            };
        }
        // A chip that does not answer does so at the console's speed; the transfer's is not to blame.
        if matches!(fault, FlashFault::LinkUnreliable { .. } | FlashFault::VerifyFailed { .. }) {
            baud_step = (baud_step + 1).min(BAUDS.len() - 1);
        }
    }
    (Some(line), Err(FlashFault::NoAnswer))
}

/// What a chip's ROM said after a reset.
enum BootLog {
    /// Nothing that was understood.
    Silent,
    /// It waits for a download.
    Download,
    /// It starts the program in flash.
    Program { mode: String },
}

async fn enter_download(line: &mut SerialLine) -> Result<BootLog, LineFault> {
    line.set_baud(CONSOLE_BAUD).await?;
    line.clear_input().await?;
    if !line.reset_into_download().await? {
        return ask_firmware_for_download(line).await;
    }
    read_boot_log(line).await
}

/// Reads what the ROM prints, until it says enough: `boot:0x4 (DOWNLOAD(USB/UART0/1))` and `waiting for download`.
async fn read_boot_log(line: &mut SerialLine) -> Result<BootLog, LineFault> {
    let mut text = Vec::new();
    let log = tokio::time::timeout(BOOT_LOG_TIMEOUT, async {
        loop {
            text.extend(line.read().await?);
            let said = String::from_utf8_lossy(&text);
            if said.contains("waiting for download") {
                return Ok(BootLog::Download);
            }
            let mode = said.split_once("boot:").and_then(|(_, rest)| rest.split_once('\n'));
            if let Some((mode, _)) = mode
                && !mode.contains("DOWNLOAD")
            {
                return Ok(BootLog::Program { mode: mode.trim().to_owned() });
            }
        }
    });
    log.await.unwrap_or(Ok(BootLog::Silent))
}

/// On a line without modem lines, a running MicroPython can take the chip there (`machine.bootloader`). Without an
/// answer the chip is taken to be there already.
async fn ask_firmware_for_download(line: &mut SerialLine) -> Result<BootLog, LineFault> {
    line.write_all(b"\r\x03\x03").await?;
    if !read_until(line, b">>> ").await? {
        return Ok(BootLog::Silent);
    }
    line.write_all(b"\x01").await?;
    if read_until(line, b"raw REPL; CTRL-B to exit\r\n>").await? {
        line.write_all(b"import machine\nmachine.bootloader()\n\x04").await?;
    }
    read_boot_log(line).await
}

async fn read_until(line: &mut SerialLine, wanted: &[u8]) -> Result<bool, LineFault> {
    let mut seen = Vec::new();
    let found = tokio::time::timeout(PROMPT_TIMEOUT, async {
        loop {
            seen.extend(line.read().await?);
            if seen.windows(wanted.len()).any(|window| window == wanted) {
                return Ok(true);
            }
        }
    });
    found.await.unwrap_or(Ok(false))
}

/// Lets the chip run what is in flash, at the console's speed.
async fn start_program(line: &mut SerialLine) -> Result<(), LineFault> {
    line.set_baud(CONSOLE_BAUD).await?;
    line.reset_into_flash().await?;
    Ok(())
}

/// Runs one attempt in a thread of its own, over the line, and takes the line back whatever happens.
async fn attempt(
    line: SerialLine,
    product_id: Option<u16>,
    images: Arc<[Image]>,
    baud: u32,
    reporter: &mut Reporter,
    cancel: &Cancel,
) -> (Result<SerialLine, FlashFault>, Result<Report, Failure>) {
    let fails = |fault| Err(Failure { fault, progressed: false, may_pass: false });
    let reset_by_watchdog = line.reset_lines() == ResetLines::None;
    let bridge = match Bridge::over(line) {
        Ok(bridge) => bridge,
        Err(returned) => {
            let (line, error) = *returned;
            return (Ok(line), fails(FlashFault::NoTerminal(error)));
        }
    };
    let path = bridge.path().to_owned();
    let flag = cancel.clone();
    let lent = reporter.lend();
    let mut work = tokio::task::spawn_blocking(move || {
        let mut reporter = lent;
        let cancelled = &flag.shared.0;
        let product_id = product_id.unwrap_or(0);
        let attempt = Attempt { path: &path, product_id, baud, reset_by_watchdog, images: &images, cancelled };
        attempt.run(&mut reporter)
    });
    let finished = tokio::select! {
        finished = &mut work => Some(finished),
        () = async { cancel.cancelled().await; tokio::time::sleep(CANCEL_GRACE).await } => None,
        () = bridge.ended() => None,
    };
    // Without its line the library gives up at once, so that the thread ends in any case.
    let (line, lived) = bridge.recall().await;
    let finished = match finished {
        Some(finished) => finished,
        None => work.await,
    };
    let outcome = match finished {
        Ok(outcome) => outcome,
        Err(error) => fails(FlashFault::LinkUnreliable { baud, cause: error.to_string() }),
    };
    match lived {
        Ok(()) => (Ok(line), outcome),
        Err(fault) => (Err(fault.into()), outcome),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_line_that_ends_during_the_attempt_is_told_at_once_and_leaves_nothing_behind() {
        // The other side of the terminal is a board that says nothing and is then unplugged.
        let (ours, theirs) = serialport::TTYPort::pair().unwrap();
        let path = serialport::SerialPort::name(&theirs).unwrap();
        drop(theirs);
        let line = SerialLine::open(&path.parse().unwrap(), CONSOLE_BAUD, None).await.unwrap();
        let images = vec![Image { name: "x".to_owned(), offset: Some(0x8000), data: vec![0; 10], sparse: false }];
        let unplug = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(1500)).await;
            drop(ours);
        });
        let (sender, _progress) = watch::channel(Progress::default());
        let started = std::time::Instant::now();
        let (line, outcome) = flash(line, None, images.into(), sender, &Cancel::default()).await;
        let fault = outcome.unwrap_err();
        assert_eq!(fault.code(), "port-lost", "{fault}");
        assert!(line.is_none());
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        unplug.await.unwrap();
    }

    #[tokio::test]
    async fn a_silent_board_is_a_clear_fault_and_a_cancelled_job_ends_soon() {
        let (_ours, theirs) = serialport::TTYPort::pair().unwrap();
        let path = serialport::SerialPort::name(&theirs).unwrap();
        drop(theirs);
        let line = SerialLine::open(&path.parse().unwrap(), CONSOLE_BAUD, None).await.unwrap();
        let images = vec![Image { name: "x".to_owned(), offset: Some(0x8000), data: vec![0; 10], sparse: false }];
        let cancel = Cancel::default();
        let from_afar = cancel.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(1200)).await;
            from_afar.cancel();
        });
        let (sender, _progress) = watch::channel(Progress::default());
        let started = std::time::Instant::now();
        let (line, outcome) = flash(line, None, images.into(), sender, &cancel).await;
        assert_eq!(outcome.unwrap_err().code(), "flash-cancelled");
        assert!(line.is_some());
        assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    }
}

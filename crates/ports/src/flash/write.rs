//! Drives the flashing library: one attempt, on a thread that may block.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use espflash::connection::{Connection, ResetAfterOperation, ResetBeforeOperation};
use espflash::flasher::Flasher;
use espflash::target::{Chip, ProgressCallbacks};
use md5::{Digest as _, Md5};
use serialport::UsbPortInfo;

use super::image::Image;
use workbench::flashing::{Report, Stage};

use super::FlashFault;
use super::progress::Reporter;
use crate::serial::CONSOLE_BAUD;

/// How much is written, verified and, after a failure, repeated at once. Small enough to be cancelled soon, large enough
/// that the questions in between cost little.
const PIECE_BYTES: usize = 64 * 1024;
/// How long the library waits for a byte before it knows the command's own limit.
const PORT_TIMEOUT: Duration = Duration::from_secs(3);

/// What one attempt needs to know.
pub(super) struct Attempt<'a> {
    /// The port that leads to the board's line.
    pub(super) path: &'a str,
    /// USB product id: the library treats the USB-serial-JTAG unit in its own way.
    pub(super) product_id: u16,
    /// Bits per second for the transfer.
    pub(super) baud: u32,
    /// Whether the chip is to be reset by its own watchdog at the end, for want of modem lines.
    pub(super) reset_by_watchdog: bool,
    /// What to write.
    pub(super) images: &'a [Image],
    /// Set once the job is cancelled.
    pub(super) cancelled: &'a AtomicBool,
}

/// How far an attempt came.
pub(super) struct Failure {
    /// Why it ended.
    pub(super) fault: FlashFault,
    /// Whether something was achieved that the next attempt need not repeat.
    pub(super) progressed: bool,
    /// Whether another attempt may end better.
    pub(super) may_pass: bool,
}

impl Attempt<'_> {
    /// Connects, checks, writes what differs, and verifies it.
    pub(super) fn run(&self, reporter: &mut Reporter) -> Result<Report, Failure> {
        let mut progressed = false;
        // The library slices answers by lengths that the answers name; one that a bad line garbled can make it panic.
        let outcome = catch_unwind(AssertUnwindSafe(|| self.write(reporter, &mut progressed)));
        let fault = match outcome {
            Ok(Ok(report)) => return Ok(report),
            Ok(Err(fault)) => fault,
            Err(_) => FlashFault::LinkUnreliable { baud: self.baud, cause: "an answer made no sense".to_owned() },
        };
        let may_pass = matches!(
            fault,
            FlashFault::NoAnswer
                | FlashFault::WrongBootMode { .. }
                | FlashFault::LinkUnreliable { .. }
                | FlashFault::VerifyFailed { .. }
        );
        Err(Failure { fault, progressed, may_pass })
    }

    fn write(&self, reporter: &mut Reporter, progressed: &mut bool) -> Result<Report, FlashFault> {
        reporter.stage(Stage::Connecting, self.baud);
        let port = serialport::new(self.path, CONSOLE_BAUD)
            .timeout(PORT_TIMEOUT)
            .open_native()
            .map_err(|error| FlashFault::LinkUnreliable { baud: self.baud, cause: error.to_string() })?;
        let usb = UsbPortInfo {
            vid: 0,
            pid: self.product_id,
            serial_number: None,
            manufacturer: None,
            product: None,
            interface: None,
            location: None,
        };
        // The resets are ours: the library's port is a pseudo-terminal, which has no modem lines.
        let connection =
            Connection::new(port, usb, ResetAfterOperation::NoResetNoStub, ResetBeforeOperation::NoReset, CONSOLE_BAUD);
        let mut flasher = Flasher::connect(connection, true, true, true, None, Some(self.baud))
            .map_err(|error| self.connect_fault(&error))?;
        if flasher.secure_download_mode() {
            return Err(FlashFault::Protected { chip: flasher.chip().to_string() });
        }
        reporter.stage(Stage::Checking, self.baud);
        let chip = flasher.chip();
        let info = flasher.device_info().map_err(|error| self.link_fault(&error))?;
        let mut places = Vec::new();
        for image in self.images {
            let offset = image.fit(chip, info.flash_size.size())?;
            if let Some((major, minor)) = info.revision {
                let minimum = u32::from(image.minimum_revision());
                if major * 100 + minor < minimum {
                    let made_for = format!("{chip} revision {}.{} or newer", minimum / 100, minimum % 100);
                    let chip = format!("{chip} revision {major}.{minor}");
                    return Err(FlashFault::WrongChip { name: image.name.clone(), made_for, chip });
                }
            }
            for (at, bytes) in image.parts() {
                places.push((image, offset + at, bytes));
            }
        }
        reporter.total(places.iter().map(|(.., bytes)| bytes.len()).sum());
        let mut written_bytes = 0;
        for (image, offset, bytes) in places {
            self.check_cancelled()?;
            reporter.stage(Stage::Comparing, self.baud);
            if self.is_there(&mut flasher, offset, bytes)? {
                reporter.done(bytes.len());
                *progressed = true;
                continue;
            }
            for (number, piece) in bytes.chunks(PIECE_BYTES).enumerate() {
                self.check_cancelled()?;
                let at = offset + (number * PIECE_BYTES) as u32;
                reporter.stage(Stage::Writing, self.baud);
                let mut watcher = PieceWatcher { reporter, length: piece.len(), steps: 1, skipped: false };
                flasher.write_bin_to_flash(at, piece, &mut watcher).map_err(|error| match error {
                    espflash::Error::VerifyFailed => FlashFault::VerifyFailed { name: image.name.clone(), offset: at },
                    error => self.link_fault(&error),
                })?;
                if !watcher.skipped {
                    written_bytes += piece.len();
                }
                *progressed = true;
            }
        }
        self.reset(&mut flasher, chip, reporter);
        Ok(Report {
            chip: chip.to_string(),
            mac_address: info.mac_address,
            flash_bytes: info.flash_size.size(),
            written_bytes,
            baud: self.baud,
            sha256: self.images.iter().map(|image| (image.name.clone(), image.sha256())).collect(),
        })
    }

    /// Asks the chip for the MD5 of what is there.
    fn is_there(&self, flasher: &mut Flasher, offset: u32, bytes: &[u8]) -> Result<bool, FlashFault> {
        let there = flasher.checksum_md5(offset, bytes.len() as u32).map_err(|error| self.link_fault(&error))?;
        Ok(there.to_be_bytes() == Md5::digest(bytes)[..])
    }

    fn reset(&self, flasher: &mut Flasher, chip: Chip, reporter: &mut Reporter) {
        if self.reset_by_watchdog {
            reporter.stage(Stage::Resetting, self.baud);
            // Everything is written; a chip without such a watchdog is left to the reset button.
            if let Err(error) = chip.rtc_wdt_reset(flasher.connection()) {
                tracing::warn!(%error, "the chip was not reset after flashing");
            }
        }
    }

    fn check_cancelled(&self) -> Result<(), FlashFault> {
        if self.cancelled.load(Ordering::Relaxed) { Err(FlashFault::Cancelled) } else { Ok(()) }
    }

    fn connect_fault(&self, error: &espflash::Error) -> FlashFault {
        let text = chain(error);
        // The library keeps its connection errors to itself, but their texts tell.
        if let Some((_, mode)) = text.split_once("Wrong boot mode detected (") {
            FlashFault::WrongBootMode { mode: mode.split(')').next().unwrap_or_default().to_owned() }
        } else if matches!(error, espflash::Error::Connection(_)) {
            FlashFault::NoAnswer
        } else {
            self.link_fault(error)
        }
    }

    fn link_fault(&self, error: &espflash::Error) -> FlashFault {
        if self.cancelled.load(Ordering::Relaxed) {
            return FlashFault::Cancelled;
        }
        FlashFault::LinkUnreliable { baud: self.baud, cause: chain(error) }
    }
}

/// An error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Turns the library's steps within a piece into bytes.
struct PieceWatcher<'a> {
    reporter: &'a mut Reporter,
    length: usize,
    steps: usize,
    skipped: bool,
}

impl ProgressCallbacks for PieceWatcher<'_> {
    fn init(&mut self, _: u32, total: usize) {
        self.steps = total.max(1);
    }

    fn update(&mut self, current: usize) {
        self.reporter.within(self.length * current / self.steps);
    }

    fn verifying(&mut self) {}

    fn finish(&mut self, skipped: bool) {
        self.skipped = skipped;
        self.reporter.done(self.length);
    }
}

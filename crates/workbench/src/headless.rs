//! One run without a page: the same session as a live board, driven as fast as the board goes.
//!
//! On a virtual board nothing but virtual time decides, so that the same request gives the same
//! record, byte for byte.

use std::time::Duration;

use protocol::received::Sleep;
use serde::Serialize;
use serde_json::{Map, Value};

use super::pins::PartShown;
use super::record::{Counters, ExceptionRecord, Recorder, RunRecord, RunRequest, why};
use super::version::BoardVersion;
use crate::emulated::{BootedBoard, EmulatedLine};
use crate::line::{Drive, Line, LineFault};
use crate::session::SessionEvent;
use crate::witness::{Entries, Witness};
pub use course::lesson::Need;
use course::pins::PinWatch;
use course::{Relation, Setting, Settings};

/// The number of every headless run. Live boards count up from it: the number is part of every
/// frame, and frames of one length make live and headless runs equal to the byte.
pub const FIRST_RUN: u32 = 1000;

/// How much link time a run may take beyond what was asked for: booting, sending, stopping.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much link time passes between two looks at whether the caller still wants the run.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);
/// Changes of pins that are kept where an exercise is judged by them.
const PIN_CHANGES: usize = 1 << 17;

/// Why a headless run gave no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The line broke.
    #[error(transparent)]
    Line(#[from] LineFault),
    /// The board was not at its prompt.
    #[error("the board is not ready to run a program")]
    NotReady,
    /// Neither an end nor a fault came; a mistake in the workbench.
    #[error("the run did not come to an end")]
    Endless,
    /// A lesson asks for a setting that it does not have.
    #[error("{0}")]
    Setting(String),
    /// The race explorer cannot look into the firmware; a mistake in the workbench.
    #[error("{0}")]
    Explorer(String),
    /// The caller gave it up.
    #[error("the run was given up")]
    Cancelled,
}

/// Runs a request on a booted board. `go_on` is asked now and then with the share of the run that
/// is done, from 0 to 1; false gives the run up.
///
/// # Errors
/// [`RunError`]; a program that fails is no error but a record.
pub fn run<L: Line>(
    drive: &mut Drive<L>,
    request: &RunRequest,
    go_on: &mut dyn FnMut(f32) -> bool,
) -> Result<RunRecord, RunError> {
    drive.line.wire(&request.wiring, request.seed)?;
    let start = drive.line.now();
    let length = Duration::from_secs(request.seconds.into());
    let mut recorder = Recorder::new(request.clone(), FIRST_RUN, drive.line.version().cloned());
    drive.session.start(start, request.order(FIRST_RUN)).map_err(|_| RunError::NotReady)?;
    loop {
        let goal = drive.line.now() + PROGRESS_INTERVAL;
        while drive.advance(goal)? {
            while let Some(event) = drive.session.next_event() {
                let hello = drive.session.hello().cloned();
                if let Some(record) = recorder.hear(&event, hello.as_ref()) {
                    return Ok(RunRecord { parts: drive.line.parts(), ..record });
                }
                if let SessionEvent::Fault(_) = event {
                    return Err(RunError::NotReady);
                }
            }
        }
        let passed = drive.line.now().saturating_sub(start);
        if passed > length + PATIENCE {
            return Err(RunError::Endless);
        }
        if !go_on((passed.as_secs_f32() / length.as_secs_f32().max(0.001)).min(1.0)) {
            return Err(RunError::Cancelled);
        }
    }
}

/// Hashes of a virtual board's state at these times after a run was begun, in their order: what two engines are compared by.
///
/// # Errors
/// As [`run`].
pub fn state_hashes(
    drive: &mut Drive<EmulatedLine>,
    request: &RunRequest,
    times: &[Duration],
) -> Result<Vec<u64>, RunError> {
    drive.line.wire(&request.wiring, request.seed)?;
    let start = drive.line.now();
    drive.session.start(start, request.order(FIRST_RUN)).map_err(|_| RunError::NotReady)?;
    let mut hashes = Vec::new();
    for time in times {
        while drive.advance(start + *time)? {
            while drive.session.next_event().is_some() {}
        }
        hashes.push(drive.line.state_hash());
    }
    Ok(hashes)
}

/// Boards on which headless runs happen.
pub trait Boards: Sync {
    /// Carries out one run on a board in the state after its reset, as [`run`] does.
    ///
    /// # Errors
    /// As [`run`].
    fn run(&self, request: &RunRequest, go_on: &mut dyn FnMut(f32) -> bool) -> Result<RunRecord, RunError>;

    /// How many runs may go on at the same time.
    fn at_once(&self) -> usize;

    /// The virtual board that these are forked from, for the race explorer; `None` for real boards,
    /// which cannot be stopped between two instructions.
    fn booted(&self) -> Option<&BootedBoard> {
        None
    }

    /// Whether callbacks can run inside the interrupt.
    fn has_hard(&self) -> bool {
        true
    }

    /// Whether there is what not every board has.
    fn has(&self, _: Need) -> bool {
        true
    }
}

impl Boards for BootedBoard {
    fn run(&self, request: &RunRequest, go_on: &mut dyn FnMut(f32) -> bool) -> Result<RunRecord, RunError> {
        let mut drive = self.fresh(request.seed)?;
        let Some(driver) = &request.driver else { return run(&mut drive, request, go_on) };
        // Official firmware has no entries to look at: what counts is what it reports.
        let Ok(firmware) = self.firmware().symbols() else { return run(&mut drive, request, go_on) };
        let entries = Entries::find(&firmware.symbols).map_err(|error| RunError::Explorer(error.to_string()))?;
        let rate = match request.settings.get("rate") {
            Some(Setting::Number(rate)) => u32::try_from(*rate).unwrap_or(0),
            _ => 0,
        };
        let hard = request.settings.get("kind") == Some(&Setting::Text("hard".to_owned()));
        let answers = driver.pins.iter().filter_map(PinWatch::answer).map(str::to_owned).collect();
        drive.line.watch(Witness::new(entries, rate, hard, driver.program_has_timers, answers));
        if !driver.pins.is_empty() {
            drive.line.record_pins(PIN_CHANGES);
        }
        let mut record = run(&mut drive, request, go_on)?;
        record.watched(drive.line.seen(&driver.pins));
        Ok(record)
    }

    fn at_once(&self) -> usize {
        usize::MAX
    }

    fn booted(&self) -> Option<&BootedBoard> {
        Some(self)
    }
}

/// A record as `isrlab run --json` prints it.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    lesson: &'a str,
    board: &'a str,
    /// What decides a run on a virtual board besides all that follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a BoardVersion>,
    firmware: Option<&'a str>,
    micropython: Option<&'a str>,
    program: &'static str,
    settings: &'a Settings,
    seconds: u32,
    seed: u64,
    why: &'static str,
    fault: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sleep: Option<&'a Sleep>,
    /// Whether every alarm is accounted for, as the firmware's identities demand.
    identity: Option<bool>,
    counters: Option<Counters>,
    sources: Vec<Value>,
    values: Map<String, Value>,
    histograms: Map<String, Value>,
    exceptions: &'a [ExceptionRecord],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    parts: &'a [PartShown],
    bad_frames: u64,
    console: &'a str,
    traceback: Option<&'a str>,
}

impl<'a> Report<'a> {
    /// The report of a run on a board of this name.
    #[must_use]
    pub fn new(board: &'a str, record: &'a RunRecord) -> Self {
        let last = record.last.as_ref();
        let identity = Relation::parse("identity").ok().and_then(|identity| identity.holds(&record.measured()).ok());
        let sources = last.map(|last| &last.src[..]).unwrap_or_default().iter().map(|source| {
            let mut source = source.clone();
            if let Some(latency) = record.latencies.get(&source.id) {
                (source.lat.bins, source.lat.from) = (latency.bins.clone(), latency.from);
            }
            serde_json::to_value(source).unwrap_or_default()
        });
        Self {
            lesson: &record.request.lesson,
            board,
            version: record.version.as_ref(),
            firmware: record.hello.as_ref().map(|hello| &hello.fw[..]),
            micropython: record.hello.as_ref().map(|hello| &hello.mpy[..]),
            program: record.request.program_name(),
            settings: &record.request.settings,
            seconds: record.request.seconds,
            seed: record.request.seed,
            why: why(record.end.why),
            fault: record.end.fault.map(crate::session::SessionFault::code),
            sleep: record.end.sleep.as_ref(),
            identity,
            counters: record.counters(),
            sources: sources.collect(),
            values: last.map(|last| last.v.iter().map(|(k, v)| (k.clone(), (*v).into())).collect()).unwrap_or_default(),
            histograms: record.lists.iter().map(|(name, list)| (name.clone(), list.clone().into())).collect(),
            exceptions: &record.exceptions,
            parts: &record.parts,
            bad_frames: record.bad_frames,
            console: &record.console,
            traceback: record.end.report.as_deref(),
        }
    }

    /// The text that is printed, with its last line feed: the same bytes wherever the board was.
    ///
    /// # Errors
    /// A mistake in the workbench.
    pub fn text(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::RunRequest;
    use crate::session::EndReason;

    fn request(program: &str, seconds: u32) -> RunRequest {
        RunRequest {
            lesson: "lost-update".into(),
            program: program.into(),
            own_program: true,
            driver: None,
            settings: Settings::new(),
            seconds,
            seed: 1,
            wiring: std::sync::Arc::default(),
        }
    }

    /// Every program, however it treats the board's clock and counters, is over in a time that depends on what was asked for.
    #[test]
    fn a_run_ends_whatever_the_program_does_to_the_system_timer() {
        for program in [
            // Stops the counter that the firmware reads its time from.
            "import machine\nmachine.mem32[0x60023000] = 0\nwhile True: pass\n",
            // Stops the comparators, and never comes to a safe point.
            "import machine, micropython\n@micropython.viper\ndef f():\n p=ptr32(0x60023000)\n p[0]=0\n while True: pass\nf()\n",
            // One store to every register of the block.
            "from machine import mem32\nfor a in range(0x60023000,0x60023080,4): mem32[a]=1\nwhile True: pass\n",
            // Turns the clock back for ever.
            "from machine import mem32\nwhile True:\n mem32[0x6002300c]=0\n mem32[0x60023010]=0\n mem32[0x6002305c]=1\n",
        ] {
            let board = crate::test_board();
            let mut drive = board.fresh(1).unwrap();
            let began = drive.line.now();
            let record = run(&mut drive, &request(program, 1), &mut |_| true).unwrap();
            assert_ne!(record.end.why, EndReason::Finished, "{program}");
            let took = drive.line.now() - began;
            assert!(took < Duration::from_secs(40), "{took:?}: {program}");
        }
    }
}

//! The race explorer on lessons: brings a board to a lesson's window, tries every arrival, and puts
//! the outcome into words and data.
//!
//! The program runs to its end first, with a time limit of one millisecond, so that its own loop is
//! over at once. Then the lesson's driver, in the same globals, executes the piece of interest
//! between two marks. No telemetry and no alarm of its own comes in between.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use emulator::bus::TICKS_PER_SECOND;
use emulator::{Machine, Port, Source};
use explorer::explore::{Arrivals, Run};
use explorer::outcome::{Interval, Point, Verdict, intervals, statement, stretches};
use explorer::window::{Firmware, Limits, Marks, Refusal, Window};
use protocol::host::HostMessage;
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::headless::FIRST_RUN;
use super::record::wire_setting;
use crate::board::emulated::BootedBoard;
use crate::board::line::{Line as _, LineFault};
use crate::board::session::{EndReason, RunOrder, SessionEvent};
use crate::course::lesson::Losing;
use crate::course::{Lesson, Measured, Setting, SettingError, Settings};

/// The rate while exploring, in Hz: no alarm comes by itself between the timer's start and the end.
const QUIET_RATE_HZ: i64 = 10;
/// How long the program's own loop may run.
const PROGRAM_LIMIT: Duration = Duration::from_millis(1);
/// How much link time the program may take to come to its end.
const PATIENCE: Duration = Duration::from_secs(30);
/// The driver is typed in pieces, because the raw prompt without raw paste has no flow control:
/// 64 bytes need 5.6 ms at the 115,200 bit/s that a farewell returns the line to.
const PIECE_BYTES: usize = 64;
const PIECE_PAUSE_TICKS: u64 = 8 * TICKS_PER_SECOND / 1000;
/// Bytes under way while the line changes its speed would be lost.
const FAREWELL_TICKS: u64 = 20 * TICKS_PER_SECOND / 1000;
/// A delivery later than this after the arrival was held back, in instructions. A taken interrupt
/// needs one, see `emulator::cpu::INTERRUPT_LATENCY`.
const PROMPT_INSTRUCTIONS: u32 = 2;
/// The marks that every driver uses.
const MARKS: Marks = Marks { begin: 1, end: 2 };

/// What to explore.
#[derive(Clone, Debug)]
pub struct ExploreRequest {
    /// The program; the lesson's own, or one that solves its exercise.
    pub program: String,
    /// Whether `program` is for the exercise.
    pub exercise: bool,
    /// All controls.
    pub settings: Settings,
    /// Fixes what would be chance on silicon.
    pub seed: u64,
}

/// Why nothing was explored.
#[derive(Debug, thiserror::Error)]
pub enum ExploreError {
    /// The lesson has no window.
    #[error("lesson `{0}` has nothing to explore; lost-update and lost-bytes do")]
    NoWindow(String),
    /// The line broke.
    #[error(transparent)]
    Line(#[from] LineFault),
    /// The program does not come to its end.
    #[error("the program did not come to its end before the window ({why}){report}")]
    Program {
        /// How it ended.
        why: &'static str,
        /// The traceback, on lines of its own.
        report: String,
    },
    /// The window cannot be opened.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A setting is not the lesson's.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The lesson names a source that the explorer does not know.
    #[error("lesson `{lesson}` names the source `{source_name}`; known are t0 and t1")]
    Source {
        /// The lesson.
        lesson: String,
        /// What it says.
        source_name: String,
    },
    /// The caller gave it up.
    #[error("the exploration was given up")]
    Cancelled,
}

impl ExploreError {
    /// A stable code for scripts and pages.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoWindow(_) => "no_window",
            Self::Line(_) => "line",
            Self::Program { .. } => "program_failed",
            Self::Refused(Refusal::Symbol(_)) => "firmware_symbols",
            Self::Refused(Refusal::NoBegin { .. }) => "no_mark",
            Self::Refused(Refusal::TooLong { .. }) => "window_too_long",
            Self::Refused(Refusal::NeverEnds { .. }) => "window_never_ends",
            Self::Setting(_) => "setting",
            Self::Source { .. } => "unknown_source",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A lesson's window, opened.
#[derive(Debug)]
pub struct Exploration<'l> {
    lesson: &'l Lesson,
    request: ExploreRequest,
    source: Source,
    window: Window,
    symbols: Firmware,
}

/// Brings a board to the window of `lesson`.
///
/// # Errors
/// [`ExploreError`]; it never takes longer than the limits.
pub fn open<'l>(
    lesson: &'l Lesson,
    request: ExploreRequest,
    boards: &BootedBoard,
) -> Result<Exploration<'l>, ExploreError> {
    let explorer = lesson.explorer.as_ref().ok_or_else(|| ExploreError::NoWindow(lesson.slug.clone()))?;
    let source = match &explorer.source[..] {
        "t0" => Source::SystimerTarget0,
        "t1" => Source::SystimerTarget1,
        _ => {
            let source_name = explorer.source.clone();
            return Err(ExploreError::Source { lesson: lesson.slug.clone(), source_name });
        }
    };
    let symbols = Firmware::parse(crate::firmware::ELF).map_err(Refusal::from)?;
    let driver = if request.exercise { &explorer.exercise_driver } else { &explorer.driver };
    let mut machine = run_program(&request, boards)?;
    type_driver(&mut machine, driver);
    let window = Window::open(machine, &symbols, MARKS, Limits::default())?;
    Ok(Exploration { lesson, request, source, window, symbols })
}

/// Runs the program to its end on a board of its own.
fn run_program(request: &ExploreRequest, boards: &BootedBoard) -> Result<Machine, ExploreError> {
    let mut drive = boards.fresh(request.seed)?;
    let mut settings = request.settings.clone();
    settings.insert("rate".to_owned(), Setting::Number(QUIET_RATE_HZ));
    let order = RunOrder {
        run: FIRST_RUN,
        program: request.program.clone(),
        settings: settings.iter().map(|(name, value)| (name.clone(), wire_setting(value))).collect(),
        limit: PROGRAM_LIMIT,
    };
    let failed = |why, report: Option<String>| ExploreError::Program {
        why,
        report: report.map_or_else(String::new, |report| format!(":\n{}", report.trim_end())),
    };
    let start = drive.line.now();
    drive.session.start(start, order).map_err(|_| failed("not_ready", None))?;
    while drive.advance(start + PATIENCE)? {
        while let Some(event) = drive.session.next_event() {
            match event {
                SessionEvent::RunEnded(end) if end.why == EndReason::Finished => return Ok(drive.line.into_machine()),
                SessionEvent::RunEnded(end) => return Err(failed(super::record::why(end.why), end.report)),
                _ => {}
            }
        }
    }
    Err(failed("overtime", None))
}

/// Says farewell to telemetry and types the driver at the raw prompt, all but its execution.
fn type_driver(machine: &mut Machine, driver: &str) {
    let mut farewell = [0; protocol::MAX_FRAME_BYTES];
    // One message of a few bytes always fits.
    let length = protocol::frame::write(&HostMessage::Farewell { id: 1 }, &mut farewell).unwrap_or(0);
    machine.uart_write(Port::Uart0, &farewell[..length]);
    machine.run_for(FAREWELL_TICKS);
    machine.uart_write(Port::Uart0, b"\r\x01");
    for piece in driver.as_bytes().chunks(PIECE_BYTES) {
        machine.run_for(PIECE_PAUSE_TICKS);
        machine.uart_take_output(Port::Uart0);
        machine.uart_write(Port::Uart0, piece);
    }
    machine.run_for(PIECE_PAUSE_TICKS);
    machine.uart_write(Port::Uart0, b"\x04");
}

/// What became of every arrival.
#[derive(Debug, Serialize)]
pub struct Report {
    lesson: String,
    program: &'static str,
    settings: Settings,
    seed: u64,
    source: String,
    invariant: String,
    /// Machine instructions in the window.
    instructions: u32,
    /// The boundaries of the statement, without the marks around it: first, and the one after the last.
    statement: (u32, u32),
    /// What the program reports without an interrupt.
    undisturbed: Map<String, Value>,
    /// Arrivals tried in the statement, by verdict.
    in_statement: Counts,
    /// Arrivals tried in the whole window, by verdict.
    in_window: Counts,
    /// Arrivals in the statement that were held back because interrupts were off.
    deferred: u32,
    /// The window in pieces of one verdict.
    intervals: Vec<Interval>,
    /// The window in pieces of one bytecode instruction.
    bytecodes: Vec<Bytecode>,
    /// The first losing arrival, to be played again.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_loss: Option<Replay>,
    /// What every arrival came to; not part of the JSON, which has the intervals.
    #[serde(skip)]
    pub points: Vec<Point>,
}

/// How many arrivals have which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Tried.
    pub tried: u32,
    /// The invariant holds.
    pub kept: u32,
    /// It does not.
    pub lost: u32,
    /// The program ended early, never ended, or the chip was reset.
    pub broken: u32,
}

impl Counts {
    fn of(points: &[Point]) -> Self {
        let count = |wanted: &[Verdict]| points.iter().filter(|point| wanted.contains(&point.verdict)).count() as u32;
        let (kept, lost) = (count(&[Verdict::Kept]), count(&[Verdict::Lost]));
        let tried = points.len() as u32;
        Self { tried, kept, lost, broken: tried - kept - lost }
    }
}

/// A stretch of boundaries at which main executes one bytecode instruction.
#[derive(Debug, Serialize)]
pub struct Bytecode {
    from: u32,
    to: u32,
    lost: u32,
    /// The program's function.
    function: String,
    /// The source line, from 1, of the program or the driver.
    line: u32,
    /// Offset in the function's bytecode.
    offset: u32,
    opcode: &'static str,
    argument: String,
    /// Whether a scheduled callback may run after it.
    safe_point: bool,
}

/// One run that anyone can play again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Replay {
    /// Before which instruction of the window the interrupt arrives.
    pub at: u32,
    /// All that decides the run, in one word: `isrlab explore --replay WORD`.
    pub word: String,
}

impl Exploration<'_> {
    /// How many arrivals there are to try.
    #[must_use]
    pub fn arrivals(&self) -> u32 {
        self.window.instructions() + 1
    }

    /// Tries every arrival, on as many processors as there are. `go_on` hears how many are done;
    /// false gives it up.
    ///
    /// # Errors
    /// [`ExploreError::Cancelled`].
    pub fn try_all(&mut self, go_on: &(dyn Fn(u32) -> bool + Sync)) -> Result<Report, ExploreError> {
        let workers = std::thread::available_parallelism().map_or(1, |workers| workers.get() as u32);
        let arrivals = self.arrivals();
        let forks: Vec<Window> = (0..workers).map(|_| self.window.fork()).collect();
        let points: Mutex<Vec<Option<Point>>> = Mutex::new(vec![None; arrivals as usize]);
        let done = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for (worker, mut fork) in (0u32..).zip(forks) {
                let (points, done, this) = (&points, &done, &*self);
                scope.spawn(move || {
                    let share = |at: u32| (u64::from(arrivals) * u64::from(at) / u64::from(workers)) as u32;
                    let _ = fork.try_each(this.source, share(worker)..share(worker + 1), |at, run| {
                        let point = this.point(&run);
                        points.lock().unwrap_or_else(PoisonError::into_inner)[at as usize] = Some(point);
                        match go_on(done.fetch_add(1, Ordering::Relaxed) + 1) {
                            true => ControlFlow::Continue(()),
                            false => ControlFlow::Break(()),
                        }
                    });
                });
            }
        });
        let points: Option<Vec<Point>> =
            points.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().collect();
        Ok(self.report(points.ok_or(ExploreError::Cancelled)?))
    }

    fn point(&self, run: &Run) -> Point {
        let verdict = Verdict::of(run, |values| self.holds(values));
        Point { verdict, delivered: run.delivered.first().map(|delivery| delivery.instruction) }
    }

    fn holds(&self, values: &[Option<i32>]) -> bool {
        let Some(explorer) = &self.lesson.explorer else { return false };
        let mut measured = Measured::new();
        for (name, value) in explorer.values.iter().zip(values) {
            if let Some(value) = value {
                measured.insert(name.clone(), f64::from(*value));
            }
        }
        explorer.invariant.holds(&measured) == Ok(true)
    }

    fn named(&self, values: &[Option<i32>]) -> Map<String, Value> {
        let names = self.lesson.explorer.iter().flat_map(|explorer| &explorer.values);
        names.cloned().zip(values.iter().map(|value| value.map_or(Value::Null, Value::from))).collect()
    }

    fn report(&self, points: Vec<Point>) -> Report {
        let statement = statement(&self.window);
        let inside = &points[statement.start as usize..statement.end as usize];
        let held_back =
            |at: u32| points[at as usize].delivered.is_some_and(|delivered| delivered > at + PROMPT_INSTRUCTIONS);
        let explorer = self.lesson.explorer.as_ref();
        let first_loss = points.iter().position(|point| point.verdict != Verdict::Kept);
        Report {
            lesson: self.lesson.slug.clone(),
            program: if self.request.exercise { "exercise" } else { "lesson" },
            settings: self.request.settings.clone(),
            seed: self.request.seed,
            source: explorer.map(|explorer| explorer.source.clone()).unwrap_or_default(),
            invariant: explorer.map(|explorer| explorer.invariant.text().to_owned()).unwrap_or_default(),
            instructions: self.window.instructions(),
            statement: (statement.start, statement.end),
            undisturbed: self.named(&self.window.undisturbed),
            in_statement: Counts::of(inside),
            in_window: Counts::of(&points),
            deferred: statement.clone().filter(|&at| held_back(at)).count() as u32,
            intervals: intervals(&points),
            bytecodes: self.bytecodes(&points),
            first_loss: first_loss.map(|at| self.replay(at as u32)),
            points,
        }
    }

    fn bytecodes(&self, points: &[Point]) -> Vec<Bytecode> {
        let lost = |from: u32, to: u32| {
            points[from as usize..to as usize].iter().filter(|point| point.verdict == Verdict::Lost).count() as u32
        };
        let known = stretches(&self.window.boundaries).into_iter().filter_map(|stretch| {
            let place = stretch.place?;
            let listing = &self.window.listings[usize::from(place.listing)];
            let line = &listing.lines[usize::from(place.instruction)];
            Some(Bytecode {
                from: stretch.from,
                to: stretch.to,
                lost: lost(stretch.from, stretch.to),
                function: listing.name.clone(),
                line: line.line,
                offset: line.instruction.offset,
                opcode: line.instruction.opcode,
                argument: line.argument.clone(),
                safe_point: line.instruction.is_safe_point(),
            })
        });
        known.collect()
    }

    /// The word that plays one arrival again: what decides the run, with hashes of firmware and program.
    #[must_use]
    pub fn replay(&self, at: u32) -> Replay {
        let settings: Vec<_> = self.request.settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let program = if self.request.exercise { short_hash(self.request.program.as_bytes()) } else { "lesson".into() };
        let word = format!(
            "isr1:{}:{}:{program}:{}:{}:{at}",
            short_hash(crate::firmware::FLASH_IMAGE),
            self.lesson.slug,
            self.request.seed,
            settings.join(",")
        );
        Replay { at, word }
    }

    /// Plays one arrival and tells what came of it.
    pub fn play(&mut self, at: u32) -> Played {
        let run = self.window.try_arrivals(&Arrivals { source: self.source, at: &[at] });
        let boundary = &self.window.boundaries[at as usize];
        let place = boundary.place.map(|place| {
            let listing = &self.window.listings[usize::from(place.listing)];
            let line = &listing.lines[usize::from(place.instruction)];
            format!("line {}, {} {}", line.line, line.instruction.opcode, line.argument).trim_end().to_owned()
        });
        let function = self.symbols.symbols.function_at(boundary.pc);
        Played {
            at,
            of: self.arrivals(),
            machine: function.map(|(name, offset)| format!("{name} + {offset:#x}")),
            python: place,
            delivered: run.delivered.first().map(|delivery| delivery.instruction),
            values: self.named(&run.values),
            verdict: self.point(&run).verdict,
        }
    }
}

impl Report {
    /// Where losing arrivals lie in the statement.
    #[must_use]
    pub fn structure(&self) -> Losing {
        let (from, to) = self.statement;
        let losing = self
            .intervals
            .iter()
            .filter(|interval| interval.verdict == Verdict::Lost && interval.from < to && interval.to > from);
        match losing.count() {
            0 => Losing::None,
            1 if self.in_statement.lost == self.in_window.lost => Losing::OneInterval,
            _ => Losing::Some,
        }
    }

    /// Whether losing arrivals lie as a lesson says: one interval is also some.
    #[must_use]
    pub fn agrees_with(&self, losing: Losing) -> bool {
        let structure = self.structure();
        structure == losing || (losing == Losing::Some && structure == Losing::OneInterval)
    }

    /// Arrivals in the statement, by verdict.
    #[must_use]
    pub fn in_statement(&self) -> Counts {
        self.in_statement
    }

    /// Arrivals in the whole window, by verdict.
    #[must_use]
    pub fn in_window(&self) -> Counts {
        self.in_window
    }

    /// The bytecode instructions of the statement, in order.
    pub fn statement_bytecodes(&self) -> impl Iterator<Item = &Bytecode> {
        let (from, to) = self.statement;
        self.bytecodes.iter().filter(move |bytecode| bytecode.from >= from && bytecode.to <= to)
    }

    /// The first losing arrival.
    #[must_use]
    pub fn first_loss(&self) -> Option<&Replay> {
        self.first_loss.as_ref()
    }
}

impl std::fmt::Display for Bytecode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let boundaries = self.to - self.from;
        let argument = &self.argument;
        let safe = if self.safe_point { "  <- safe point" } else { "" };
        let (lost, line, offset, opcode) = (self.lost, self.line, self.offset, self.opcode);
        write!(f, "{boundaries:6} {lost:6}   {line:4}  {offset:02} {opcode} {argument}{safe}")
    }
}

/// One arrival, played.
#[derive(Debug, Serialize)]
pub struct Played {
    /// Before which instruction of the window.
    pub at: u32,
    /// How many arrivals there are.
    pub of: u32,
    /// The firmware's function and the offset in it.
    pub machine: Option<String>,
    /// The source line and bytecode in progress.
    pub python: Option<String>,
    /// Where the interrupt was delivered, in instructions from the window's first.
    pub delivered: Option<u32>,
    /// What the program reported at the end.
    pub values: Map<String, Value>,
    /// What became of it.
    pub verdict: Verdict,
}

fn short_hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

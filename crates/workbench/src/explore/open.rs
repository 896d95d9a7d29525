//! The way to a window: the program runs to its end on a board of its own, then the driver is typed.

use std::sync::Arc;
use std::time::Duration;

use emulator::bus::TICKS_PER_SECOND;
use emulator::{Machine, Port, Source};
use explorer::window::{Limits, Marks, Window};
use protocol::host::HostMessage;

use super::{Exploration, ExploreError, ExploreRequest};
use crate::driven;
use crate::emulated::BootedBoard;
use crate::headless::FIRST_RUN;
use crate::line::Line as _;
use crate::record::{why, wire_setting};
use crate::session::{EndReason, RunOrder, SessionEvent};
use crate::witness::BEGIN_MARK;
use course::{Lesson, Setting};

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
/// The marks that every driver uses.
const MARKS: Marks = Marks { begin: 1, end: 2, voice: None };

/// Brings a board to the window of `lesson`.
///
/// # Errors
/// [`ExploreError`]; it never takes longer than the limits.
pub fn open(lesson: &Lesson, request: ExploreRequest, boards: &BootedBoard) -> Result<Exploration, ExploreError> {
    let explorer = lesson.explorer.as_ref().ok_or_else(|| ExploreError::NoWindow(lesson.slug.clone()))?;
    let driver = match &explorer.exercise_driver {
        _ if !request.exercise => &explorer.driver,
        Some(driver) => driver,
        None => return Err(ExploreError::NoWindow(lesson.slug.clone())),
    };
    open_driver(lesson, request, boards, driver)
}

/// Brings a board to the window that a driver opens.
pub(super) fn open_driver(
    lesson: &Lesson,
    request: ExploreRequest,
    boards: &BootedBoard,
    driver: &str,
) -> Result<Exploration, ExploreError> {
    let explorer = lesson.explorer.as_ref().ok_or_else(|| ExploreError::NoWindow(lesson.slug.clone()))?;
    let source = match &explorer.source[..] {
        "t0" => Source::SystimerTarget0,
        "t1" => Source::SystimerTarget1,
        _ => {
            let source_name = explorer.source.clone();
            return Err(ExploreError::Source { lesson: lesson.slug.clone(), source_name });
        }
    };
    let firmware = boards.firmware().symbols()?;
    // The driver loads the program once more, in globals of its own; this first run tells what is wrong with its text.
    let driven = request.exercise && lesson.exercise.driver.is_some();
    let (driver, marks) = match driven {
        true => (driven::compose(driver, &request.program), Marks { voice: Some(BEGIN_MARK), ..MARKS }),
        false => (driver.to_owned(), MARKS),
    };
    let mut machine = run_program(lesson, &request, boards)?;
    type_driver(&mut machine, &driver);
    let window = Window::open(machine, &firmware, marks, Limits::default())?;
    Ok(Exploration { lesson: lesson.clone(), request, source, window, firmware, version: boards.version().clone() })
}

/// The run of a program without alarms that come in between.
pub(super) fn quiet_order(request: &ExploreRequest, limit: Duration) -> RunOrder {
    let mut settings = request.settings.clone();
    settings.insert("rate".to_owned(), Setting::Number(QUIET_RATE_HZ));
    RunOrder {
        run: FIRST_RUN,
        program: request.program.clone(),
        settings: settings.iter().map(|(name, value)| (name.clone(), wire_setting(value))).collect(),
        limit,
        keeps_files: false,
        mount_anew: false,
    }
}

/// Runs the program to its end on a board of its own.
fn run_program(lesson: &Lesson, request: &ExploreRequest, boards: &BootedBoard) -> Result<Machine, ExploreError> {
    let mut drive = boards.fresh(request.seed)?;
    // The parts are there, and no hand moves them: the only arrival is the one that is tried.
    drive.line.wire(&Arc::new(lesson.wiring.still()), request.seed)?;
    let failed = |why, report: Option<String>| ExploreError::Program {
        why,
        report: report.map_or_else(String::new, |report| format!(":\n{}", report.trim_end())),
    };
    let start = drive.line.now();
    drive.session.start(start, quiet_order(request, PROGRAM_LIMIT)).map_err(|_| failed("not_ready", None))?;
    while drive.advance(start + PATIENCE)? {
        while let Some(event) = drive.session.next_event() {
            match event {
                SessionEvent::RunEnded(end) if end.why == EndReason::Finished => return Ok(drive.line.into_machine()),
                SessionEvent::RunEnded(end) => return Err(failed(why(end.why), end.report)),
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

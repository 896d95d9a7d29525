//! `isrlab run`: one headless run.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::board_image::ImageOption;
use super::emulation::EmulationOptions;
use super::out::{Unheard, complain, failure, language, say, words};
use super::wiring::{RecordOptions, WiringOption};
use course::words::{Woken, deep_sleep, problem, setting as setting_words};
use course::{Course, Language, Lesson, SettingError, Settings};
use ports::attached::{self, AttachedFault};
use ports::discovery;
use ports::folder;
use workbench::asked::WORKSHOP;
use workbench::headless::{self, Report, RunError};
use workbench::line::{Drive, Line, LineFault};
use workbench::record::{RunRecord, RunRequest};
use workbench::session::{EndReason, SessionFault};

/// How long a program without a lesson runs if nobody says.
const WORKSHOP_SECONDS: u32 = 10;

/// Options of `isrlab run`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The lesson's slug, such as `lost-update`; `workshop` for a program without a lesson.
    lesson: String,
    /// The board to run on.
    #[arg(long, value_name = "ID", default_value = "virtual")]
    board: String,
    /// Sets a control; may be given several times.
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// How long to run, in seconds of the board's time; as long as on the page without it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3600))]
    seconds: Option<u32>,
    /// Fixes what would be chance on silicon.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// A program to run in the place of the lesson's.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Prints one JSON object with everything that was measured.
    #[arg(long)]
    json: bool,
    /// The lessons of a folder in the place of those that this binary carries, for authors.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    #[command(flatten)]
    image: ImageOption,
    #[command(flatten)]
    emulation: EmulationOptions,
    #[command(flatten)]
    wiring: WiringOption,
    #[command(flatten)]
    record: RecordOptions,
}

pub(super) fn execute(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let course = crate::lessons::load(arguments.folder.as_deref())?;
    let request = request(&course, &arguments)?;
    let record = if let Some(board) = arguments.image.booted(arguments.emulation.emulation())? {
        on_board(&mut board.fresh(request.seed)?, &course, &request)?
    } else if arguments.board == "virtual" {
        let mut drive = arguments.emulation.booted()?.fresh(request.seed)?;
        if let Some(changes) = arguments.record.changes() {
            drive.line.record_pins(changes);
            drive.line.record_callbacks(changes);
        }
        let record = headless::run(&mut drive, &request, &mut |_| true).map_err(run_error)?;
        arguments.record.write(&drive.line, &format!("{}, seed {}", request.lesson, request.seed))?;
        record
    } else {
        arguments.record.refuse_at_a_cable(&arguments.wiring)?;
        let board = discovery::resolve(&arguments.board, &discovery::list()?)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let mut drive = attached::open(&board, runtime.handle()).map_err(|fault| attached_fault(&fault))?;
        on_board(&mut drive, &course, &request)?
    };
    if let Some(fault) = record.end.fault {
        return Err(attached_fault(&fault.into()));
    }
    if arguments.json {
        say!("{}", Report::new(&arguments.board, &record).text()?.trim_end())?;
    } else {
        print_record(&record)?;
    }
    if let Some(trouble) = unreadable(&record) {
        return Err(trouble);
    }
    Ok(match record.end.why {
        // Who sleeps for the rest of the run has done what the program says.
        EndReason::Finished | EndReason::DeepSleep => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// One run on a board that may not have what the lesson needs.
fn on_board<L: Line>(drive: &mut Drive<L>, course: &Course, request: &RunRequest) -> anyhow::Result<RunRecord> {
    let needs_hard = course.lesson(&request.lesson).is_some_and(Lesson::needs_hard);
    if needs_hard && !drive.session.has_hard() {
        return Err(attached_fault(&SessionFault::NeedsHard.into()));
    }
    headless::run(drive, request, &mut |_| true).map_err(run_error)
}

/// A run of which nothing could be read measured nothing, however it ended; one of which something could not be read may
/// have measured something else.
fn unreadable(record: &RunRecord) -> Option<anyhow::Error> {
    let bad = record.bad_frames;
    if (record.last.is_none() || record.end_unread) && record.end.why == EndReason::Finished {
        return Some(failure(
            format!(
                "the program ended, and its last measurement could not be read ({bad} unreadable frames)\n  Run it again; if it \
                 stays, try another cable or port, or write the lesson firmware again.\n  [samples-unreadable]"
            ),
            format!(
                "プログラムは終わりましたが、最後の測定値を読み取れませんでした(読めないフレーム {bad} 個)。\n  もう一度実行し、\
                 続く場合はケーブルやポートを替えるか、レッスン用ファームウェアを書き込み直してください。\n  [samples-unreadable]"
            ),
        ));
    }
    if bad > 0 {
        complain(language().pick(
            &format!("{bad} frames of this run could not be read; its last measurement could"),
            &format!("この実行のフレーム {bad} 個は読み取れませんでした。最後の測定値は読み取れています。"),
        ));
    }
    None
}

/// What kept a run from its end, with what to try where that is the board's line.
fn run_error(error: RunError) -> anyhow::Error {
    match error {
        RunError::Line(fault @ LineFault::Gone { .. }) => attached_fault(&fault.into()),
        error => error.into(),
    }
}

/// A fault of an attached board in the user's language.
pub(super) fn attached_fault(fault: &AttachedFault) -> anyhow::Error {
    match language() {
        Language::En => fault.told(),
        Language::Ja => words(&problem(fault.code(), &[], Language::Ja)),
    }
}

fn request(course: &Course, arguments: &Arguments) -> anyhow::Result<RunRequest> {
    if arguments.lesson == WORKSHOP {
        return workshop(arguments);
    }
    let lesson = find_lesson(course, &arguments.lesson)?;
    let settings = read_settings(lesson, &arguments.set)?;
    Ok(RunRequest {
        lesson: lesson.slug.clone(),
        program: read_program(lesson, arguments.program.as_deref())?,
        own_program: arguments.program.is_some(),
        driver: lesson.exercise.driver.clone().filter(|_| arguments.program.is_some()),
        settings,
        seconds: arguments.seconds.unwrap_or(lesson.run.seconds),
        seed: arguments.seed,
        wiring: arguments.wiring.read()?.unwrap_or_else(|| lesson.wiring.clone()),
    })
}

/// A program without a lesson, and what it needs on the pins: no controls, no driver.
fn workshop(arguments: &Arguments) -> anyhow::Result<RunRequest> {
    let Some(file) = &arguments.program else {
        return Err(failure(
            "`isrlab run workshop` runs a program of your own: name it by `--program FILE`",
            "`isrlab run workshop` は自分のプログラムを実行します。`--program FILE` で指定してください。",
        ));
    };
    if let Some(assignment) = arguments.set.first() {
        return Err(failure(
            format!("`--set {assignment}`: only lessons have controls; write the value into the program"),
            format!("`--set {assignment}`: 設定項目があるのはレッスンだけです。値はプログラムの中に書いてください。"),
        ));
    }
    Ok(RunRequest {
        lesson: WORKSHOP.to_owned(),
        program: program_in(file)?,
        own_program: true,
        driver: None,
        settings: Settings::new(),
        seconds: arguments.seconds.unwrap_or(WORKSHOP_SECONDS),
        seed: arguments.seed,
        wiring: arguments.wiring.read()?.unwrap_or_default(),
    })
}

/// All controls of a lesson, with those changed that `--set NAME=VALUE` names.
pub(super) fn read_settings(lesson: &Lesson, assignments: &[String]) -> anyhow::Result<Settings> {
    let mut changed = Settings::new();
    for assignment in assignments {
        let (name, value) = assignment.split_once('=').ok_or_else(|| {
            failure(
                format!("`--set {assignment}` has no `=`; write NAME=VALUE"),
                format!("`--set {assignment}` に `=` がありません。NAME=VALUE の形で書いてください。"),
            )
        })?;
        changed.insert(name.to_owned(), lesson.read_setting(name, value).map_err(setting)?);
    }
    lesson.settings(&changed).map_err(setting)
}

fn setting(error: SettingError) -> anyhow::Error {
    match language() {
        Language::En => error.into(),
        Language::Ja => words(&setting_words(&error, Language::Ja)),
    }
}

/// The longest program that is read, in bytes: as much as a page may send. A lesson's has a few kilobytes.
const PROGRAM_MAX_BYTES: usize = 256 * 1024;

/// The program of `--program FILE`, or the lesson's own.
pub(super) fn read_program(lesson: &Lesson, file: Option<&Path>) -> anyhow::Result<String> {
    file.map_or_else(|| Ok(lesson.program.clone()), program_in)
}

fn program_in(file: &Path) -> anyhow::Result<String> {
    let name = file.display();
    let cannot = |en: &str, ja: &str| {
        failure(format!("the program {name} cannot be read: {en}"), format!("プログラム {name} を読み取れません: {ja}"))
    };
    let bytes = folder::read_at_most(file, PROGRAM_MAX_BYTES)
        .map_err(|error| cannot(&error.to_string(), &error.to_string()))?;
    let Some(bytes) = bytes else {
        let most = PROGRAM_MAX_BYTES / 1024;
        return Err(cannot(&format!("it has more than {most} KB"), &format!("{most} KB を超えています。")));
    };
    String::from_utf8(bytes).map_err(|_| cannot("it is not text in UTF-8", "UTF-8 のテキストではありません。"))
}

/// The lesson of this slug or number.
pub(super) fn find_lesson<'c>(course: &'c Course, name: &str) -> anyhow::Result<&'c Lesson> {
    let found =
        course.lesson(name).or_else(|| course.lessons.iter().find(|lesson| lesson.id.eq_ignore_ascii_case(name)));
    found.ok_or_else(|| {
        let known: Vec<_> = course.lessons.iter().map(|lesson| &lesson.slug[..]).collect();
        let known = known.join(", ");
        failure(
            format!("there is no lesson `{name}`; there are {known}"),
            format!("レッスン `{name}` はありません。あるのは {known} です。"),
        )
    })
}

fn print_record(record: &RunRecord) -> Result<(), Unheard> {
    let request = &record.request;
    let settings: Vec<_> = request.settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut text = format!("{} {} (seed {})\n", request.lesson, settings.join(" "), request.seed);
    for (name, value) in record.numbers() {
        // Lists have one entry for every element: too long for a person.
        if !name.contains('.') {
            text.push_str(&format!("{name:>16} {value}\n"));
        }
    }
    text.push_str(&record.console);
    if !record.console.is_empty() && !record.console.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&format!("{:>16} {}", "why", workbench::record::why(record.end.why)));
    if let Some(sleep) = &record.end.sleep {
        let woken = match sleep.woken.as_deref() {
            Some("timer") => Some(Woken::Timer),
            Some("pin") => Some(Woken::Pin),
            _ => None,
        };
        text.push_str(&format!("\n{}", deep_sleep(sleep.ms, sleep.pins, sleep.high, woken, language())));
    }
    say!("{text}")
}

//! `isrlab run`: one headless run.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use clap::Args;

use course::{Course, Lesson, Settings};
use ports::attached::{self, AttachedFault};
use ports::discovery;
use workbench::headless::{self, Report};
use workbench::record::{RunRecord, RunRequest};
use workbench::session::{EndReason, SessionFault};

/// Options of `isrlab run`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The lesson's slug, such as `lost-update`.
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
}

pub(super) fn execute(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let course = crate::lessons::load(arguments.folder.as_deref())?;
    let request = request(&course, &arguments)?;
    let record = if arguments.board == "virtual" {
        let mut drive = crate::firmware::booted()?.fresh(request.seed)?;
        headless::run(&mut drive, &request, &mut |_| true)?
    } else {
        let board = discovery::resolve(&arguments.board, &discovery::list()?)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let mut drive = attached::open(&board, runtime.handle()).map_err(|fault| fault.told())?;
        if find_lesson(&course, &arguments.lesson)?.needs_hard() && !drive.session.has_hard() {
            return Err(AttachedFault::from(SessionFault::NeedsHard).told());
        }
        headless::run(&mut drive, &request, &mut |_| true)?
    };
    if let Some(fault) = record.end.fault {
        return Err(AttachedFault::from(fault).told());
    }
    if arguments.json {
        print!("{}", Report::new(&arguments.board, &record).text()?);
    } else {
        print_record(&record);
    }
    Ok(match record.end.why {
        EndReason::Finished => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

fn request(course: &Course, arguments: &Arguments) -> anyhow::Result<RunRequest> {
    let lesson = find_lesson(course, &arguments.lesson)?;
    let settings = read_settings(lesson, &arguments.set)?;
    Ok(RunRequest {
        lesson: lesson.slug.clone(),
        program: read_program(lesson, arguments.program.as_deref())?,
        own_program: arguments.program.is_some(),
        settings,
        seconds: arguments.seconds.unwrap_or(lesson.run.seconds),
        seed: arguments.seed,
    })
}

/// All controls of a lesson, with those changed that `--set NAME=VALUE` names.
pub(super) fn read_settings(lesson: &Lesson, assignments: &[String]) -> anyhow::Result<Settings> {
    let mut changed = Settings::new();
    for assignment in assignments {
        let (name, value) =
            assignment.split_once('=').ok_or_else(|| anyhow!("`--set {assignment}` has no `=`; write NAME=VALUE"))?;
        changed.insert(name.to_owned(), lesson.read_setting(name, value)?);
    }
    Ok(lesson.settings(&changed)?)
}

/// The program of `--program FILE`, or the lesson's own.
pub(super) fn read_program(lesson: &Lesson, file: Option<&Path>) -> anyhow::Result<String> {
    match file {
        Some(file) => {
            std::fs::read_to_string(file).with_context(|| format!("the program {} cannot be read", file.display()))
        }
        None => Ok(lesson.program.clone()),
    }
}

/// The lesson of this slug or number.
pub(super) fn find_lesson<'c>(course: &'c Course, name: &str) -> anyhow::Result<&'c Lesson> {
    let found =
        course.lesson(name).or_else(|| course.lessons.iter().find(|lesson| lesson.id.eq_ignore_ascii_case(name)));
    found.ok_or_else(|| {
        let known: Vec<_> = course.lessons.iter().map(|lesson| &lesson.slug[..]).collect();
        anyhow!("there is no lesson `{name}`; there are {}", known.join(", "))
    })
}

fn print_record(record: &RunRecord) {
    let request = &record.request;
    let settings: Vec<_> = request.settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
    println!("{} {} (seed {})", request.lesson, settings.join(" "), request.seed);
    for (name, value) in record.numbers() {
        // Lists have one entry for every element: too long for a person.
        if !name.contains('.') {
            println!("{name:>16} {value}");
        }
    }
    print!("{}", record.console);
    println!("{:>16} {}", "why", workbench::record::why(record.end.why));
}

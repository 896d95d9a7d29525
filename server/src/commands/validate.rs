//! `isrlab validate`: the check of the course.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;

use super::run::find_lesson;
use super::timing::TimingOption;
use crate::threads::Threads;
use ports::attached::AttachedBoard;
use ports::clock::now;
use ports::discovery;
use workbench::headless::Boards;
use workbench::validate::{self, Case};

/// Options of `isrlab validate`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The lessons to check; all of them without it.
    lessons: Vec<String>,
    /// The board to run on.
    #[arg(long, value_name = "ID", default_value = "virtual")]
    board: String,
    /// Writes the results for CI systems.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Prints one JSON object in the place of the list.
    #[arg(long)]
    json: bool,
    /// The lessons of a folder in the place of those that this binary carries, for authors.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    #[command(flatten)]
    timing: TimingOption,
}

#[derive(Serialize)]
struct Summary<'a> {
    ok: bool,
    cases: &'a [Case],
}

pub(super) fn execute(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let course = crate::lessons::load(arguments.folder.as_deref())?;
    let lessons = if arguments.lessons.is_empty() {
        course.lessons.iter().collect()
    } else {
        arguments.lessons.iter().map(|name| find_lesson(&course, name)).collect::<anyhow::Result<Vec<_>>>()?
    };
    // Ends after the board that uses it.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let boards: Box<dyn Boards> = if arguments.board == "virtual" {
        Box::new(arguments.timing.booted()?)
    } else {
        let board = discovery::resolve(&arguments.board, &discovery::list()?)?;
        Box::new(AttachedBoard::open(&board, runtime.handle()).map_err(|fault| fault.told())?)
    };
    let cases = validate::validate(&lessons, &*boards, &Threads, &now, &|case| {
        if !arguments.json {
            print_case(case);
        }
    });
    if let Some(file) = &arguments.junit {
        std::fs::write(file, validate::junit(&cases))
            .with_context(|| format!("{} cannot be written", file.display()))?;
    }
    let failed = cases.iter().filter(|case| !case.ok).count();
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&Summary { ok: failed == 0, cases: &cases })?);
    } else {
        println!("{} lessons, {} cases, {failed} failed", lessons.len(), cases.len());
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print_case(case: &Case) {
    println!("{} {}: {}", if case.ok { "ok  " } else { "FAIL" }, case.lesson, case.name);
    for finding in &case.findings {
        println!("     {finding}");
    }
}

//! `isrlab validate`: the check of the course.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;

use super::board_image::ImageOption;
use super::emulation::EmulationOptions;
use super::out::{self, say, say_text};
use super::run::{attached_fault, find_lesson};
use crate::lock::lock;
use crate::threads::Threads;
use crate::verdicts::KeptVerdicts;
use ports::attached::AttachedBoard;
use ports::clock::now;
use ports::discovery;
use workbench::headless::Boards;
use workbench::validate::{self, Case, Remembered, Shard, Validation};

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
    /// Tries every case, and remembers nothing: without it, cases that held before on this computer, with the same program
    /// and the same executable, are not tried again.
    #[arg(long)]
    fresh: bool,
    /// Checks one of N equal parts, for computers that share the work.
    #[arg(long, value_name = "K/N", default_value = "1/1")]
    shard: Shard,
    /// The lessons of a folder in the place of those that this binary carries, for authors.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    #[command(flatten)]
    image: ImageOption,
    #[command(flatten)]
    emulation: EmulationOptions,
}

#[derive(Serialize)]
struct Summary<'a> {
    ok: bool,
    cases: &'a [Case],
}

pub(super) fn execute(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let course = crate::lessons::validated(arguments.folder.as_deref())?;
    let lessons: Vec<_> = if arguments.lessons.is_empty() {
        course.lessons.iter().collect()
    } else {
        arguments.lessons.iter().map(|name| find_lesson(&course, name)).collect::<anyhow::Result<Vec<_>>>()?
    };
    // All the work would be for nothing if the results had no place: the file is opened before, and kept until there is more.
    let junit = arguments.junit.as_deref().map(|path| open_results(path).map(|file| (path, file))).transpose()?;
    // Ends after the board that uses it.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let boards: Box<dyn Boards> = if let Some(board) = arguments.image.booted(arguments.emulation.emulation())? {
        Box::new(board)
    } else if arguments.board == "virtual" {
        Box::new(arguments.emulation.booted()?)
    } else {
        let board = discovery::resolve(&arguments.board, &discovery::list()?)?;
        Box::new(AttachedBoard::open(&board, runtime.handle()).map_err(|fault| attached_fault(&fault))?)
    };
    let verdicts = if arguments.fresh || boards.booted().is_none() { None } else { KeptVerdicts::open() };
    let unheard = Mutex::new(None);
    let validation = Validation {
        lessons: &lessons,
        shard: arguments.shard,
        boards: &*boards,
        hands: &Threads,
        clock: &now,
        remembered: verdicts.as_ref().map(|verdicts| verdicts as &dyn Remembered),
    };
    let cases = validate::validate(&validation, &|case| {
        if !arguments.json
            && let Err(error) = say_text(&case_text(case))
        {
            // Nobody waits for the rest of hours of work; the results in a file are wanted all the same.
            if junit.is_none() {
                std::process::exit(i32::from(out::exit_of(&error)));
            }
            lock(&unheard).get_or_insert(error);
        }
    });
    if let Some((path, mut file)) = junit {
        let mut write = || -> std::io::Result<()> {
            file.set_len(0)?;
            file.write_all(validate::junit(&cases).as_bytes())?;
            file.sync_all()
        };
        write().with_context(|| cannot_write(path))?;
    }
    if let Some(error) = lock(&unheard).take() {
        return Err(error.into());
    }
    let failed = cases.iter().filter(|case| !case.ok).count();
    if arguments.json {
        say!("{}", serde_json::to_string_pretty(&Summary { ok: failed == 0, cases: &cases })?)?;
    } else {
        let remembered = match cases.iter().filter(|case| case.remembered).count() {
            0 => String::new(),
            known => format!(" ({known} held before and were not tried again; --fresh tries them)"),
        };
        say!("{} lessons, {} cases, {failed} failed{remembered}", lessons.len(), cases.len())?;
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn case_text(case: &Case) -> String {
    let heading = format!("{} {}: {}", if case.ok { "ok  " } else { "FAIL" }, case.lesson, case.name);
    let findings = case.findings.iter().map(|finding| format!("     {finding}"));
    std::iter::once(heading).chain(findings).collect::<Vec<_>>().join("\n")
}

/// Opens the file of the results without touching what is in it.
fn open_results(path: &Path) -> anyhow::Result<File> {
    File::options().write(true).create(true).truncate(false).open(path).with_context(|| cannot_write(path))
}

fn cannot_write(path: &Path) -> String {
    format!("{} cannot be written", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_results_file_is_tried_before_the_work_and_keeps_what_it_had() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.xml");
        std::fs::write(&path, "before").unwrap();
        open_results(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "before");
        let error = open_results(&folder.path().join("missing").join("results.xml")).unwrap_err();
        assert!(error.to_string().ends_with("cannot be written"), "{error}");
    }
}

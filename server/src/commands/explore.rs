//! `isrlab explore`: every moment at which the interrupt could arrive, tried.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::anyhow;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::run::{find_lesson, read_program, read_settings};
use super::timing::TimingOption;
use crate::threads::Threads;
use course::{Course, Lesson};
use workbench::explore::{self, Counts, ExploreError, ExploreRequest, Pairs, Recipe, Report};

/// Options of `isrlab explore`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The lesson's slug, such as `lost-update`.
    lesson: String,
    /// Sets a control; may be given several times.
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Fixes what would be chance on silicon.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// A program that solves the exercise, in the place of the lesson's own program.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Plays one arrival only, by its number in the window.
    #[arg(long, value_name = "N", conflicts_with = "replay")]
    at: Option<u32>,
    /// A second interrupt before this instruction of the run.
    #[arg(long, value_name = "N", requires = "at")]
    second: Option<u32>,
    /// Plays the arrival that a replay word names; settings, seed and program are those of the word.
    #[arg(long, value_name = "WORD")]
    replay: Option<String>,
    /// Tries two interrupts in the statement as well, every pair of boundaries.
    #[arg(long)]
    pairs: bool,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    timing: TimingOption,
}

pub(super) fn execute(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let course = crate::lessons::embedded()?;
    let lesson = find_lesson(&course, &arguments.lesson)?;
    let (request, arrival) = what(&course, lesson, &arguments)?;
    let boards = arguments.timing.booted()?;
    let mut exploration = explore::open(lesson, request, &boards).map_err(coded)?;
    if let Some((at, second)) = arrival {
        let played = exploration.play(at, second).map_err(coded)?;
        if arguments.json {
            println!("{}", serde_json::to_string_pretty(&played)?);
        } else {
            print_played(&played);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let bar = progress(exploration.arrivals());
    let report = exploration.try_all(&Threads, &|done| {
        bar.set_position(done.into());
        true
    });
    bar.finish_and_clear();
    let mut report = report.map_err(coded)?;
    report.predicted_share = explore::share(lesson, exploration.request(), &boards, &|| true).map_err(coded)?;
    if arguments.pairs {
        report.pairs = Some(exploration.pairs(true, &mut |_| true).map_err(coded)?);
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print_report(&report);
    }
    Ok(ExitCode::SUCCESS)
}

fn coded(error: ExploreError) -> anyhow::Error {
    let code = error.code();
    anyhow!("{error}\n  [{code}]")
}

/// One arrival, and a second one.
type Arrival = (u32, Option<u32>);

/// What is to be explored, and the arrival if only one is asked for. A replay word says all of it.
fn what(course: &Course, lesson: &Lesson, arguments: &Arguments) -> anyhow::Result<(ExploreRequest, Option<Arrival>)> {
    let file = arguments.program.as_deref();
    if let Some(word) = &arguments.replay {
        let given = file.map(|file| read_program(lesson, Some(file))).transpose()?;
        let Recipe { lesson: named, request, at, second } =
            explore::recipe(course, &crate::firmware::lesson_firmware(), word, given.as_deref())?;
        if named.slug != lesson.slug {
            return Err(anyhow!("the word is of lesson `{}`", named.slug));
        }
        return Ok((request, Some((at, second))));
    }
    let request = ExploreRequest {
        program: read_program(lesson, file)?,
        exercise: file.is_some(),
        settings: read_settings(lesson, &arguments.set)?,
        seed: arguments.seed,
    };
    Ok((request, arguments.at.map(|at| (at, arguments.second))))
}

fn print_played(played: &explore::Played) {
    println!("arrival {} of {}", played.at, played.of);
    if let Some(machine) = &played.machine {
        let function = machine.function.as_deref().unwrap_or("?");
        println!("  machine    {} {function} + {:#x}", machine.pc, machine.offset.unwrap_or_default());
    }
    if let Some(python) = &played.python {
        println!("  Python     line {}, {} {}", python.line, python.opcode, python.argument);
    }
    println!("  delivered  {}", played.delivered.map_or("never".to_owned(), |at| at.to_string()));
    for step in &played.steps {
        println!("  {step}");
    }
    for (name, value) in &played.values {
        println!("  {name:10} {value}");
    }
    println!("  verdict    {}", verdict_name(played.verdict));
    println!("  {}", played.sentence.en);
}

/// The verdict as it stands in the JSON.
fn verdict_name(verdict: explorer::outcome::Verdict) -> String {
    serde_json::to_value(verdict).ok().and_then(|name| Some(name.as_str()?.to_owned())).unwrap_or_default()
}

fn progress(arrivals: u32) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{bar:40} {pos}/{len} arrivals").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(arrivals.into()).with_style(style)
}

fn print_report(report: &Report) {
    let share = |counts: Counts| 100.0 * f64::from(counts.lost) / f64::from(counts.tried.max(1));
    let (statement, window) = (report.in_statement(), report.in_window());
    println!("boundaries   lost   line  bytecode");
    for bytecode in report.statement_bytecodes() {
        println!("    {bytecode}");
    }
    println!(
        "statement: {} arrivals tried, {} lose ({:.1} %), {} break the program",
        statement.tried,
        statement.lost,
        share(statement),
        statement.broken
    );
    println!("whole window: {} tried, {} lose, {} break the program", window.tried, window.lost, window.broken);
    if let Some(share) = &report.predicted_share {
        println!(
            "free-running: {:.0} of {:.0} boundaries of one round lose, one execution takes {:.0} on average: {:.1} % of interrupts",
            share.losing,
            share.boundaries,
            share.average,
            100.0 * share.share
        );
    }
    if let Some(Pairs { counts, runs, .. }) = &report.pairs {
        println!(
            "two interrupts: {} pairs in {runs} runs, {} lose, {} break the program",
            counts.tried, counts.lost, counts.broken
        );
    }
    if let Some(loss) = report.shortest_loss() {
        println!("shortest: arrival {}. {}", loss.replay.at, loss.sentence.en);
    }
    if let Some(loss) = report.first_loss() {
        println!("first losing arrival: {}; play it with --at {} or --replay '{}'", loss.at, loss.at, loss.word);
    }
}

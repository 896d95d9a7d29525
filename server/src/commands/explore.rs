//! `isrlab explore`: every moment at which the interrupt could arrive, tried.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::anyhow;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::emulation::EmulationOptions;
use super::out::{failure, language, say, say_text, words};
use super::run::{find_lesson, read_program, read_settings};
use crate::threads::Threads;
use course::{Course, Language, Lesson};
use workbench::emulated::BootedBoard;
use workbench::explore::{self, Counts, ExploreError, ExploreRequest, NotExplored, Pairs, Recipe, Report};

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
    /// The lessons of a folder in the place of those that this binary carries, for authors.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    #[command(flatten)]
    emulation: EmulationOptions,
}

pub(super) fn execute(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let course = crate::lessons::load(arguments.folder.as_deref())?;
    let lesson = find_lesson(&course, &arguments.lesson)?;
    let (request, arrival, boards) = what(&course, lesson, &arguments)?;
    let mut exploration = explore::open(lesson, request, &boards).map_err(coded)?;
    if let Some((at, second)) = arrival {
        let played = exploration.play(at, second).map_err(coded)?;
        if arguments.json {
            say!("{}", serde_json::to_string_pretty(&played)?)?;
        } else {
            say_text(&played_text(&played, language()))?;
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
        say!("{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        say_text(&report_text(&report, language()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn coded(error: ExploreError) -> anyhow::Error {
    let code = error.code();
    match (language(), NotExplored::of(&error)) {
        (Language::Ja, Some(why)) => words(&why.text(Language::Ja)),
        _ => anyhow!("{error}\n  [{code}]"),
    }
}

/// One arrival, and a second one.
type Arrival = (u32, Option<u32>);

/// What is to be explored, the arrival if only one is asked for, and the board. A replay word says all of it.
fn what(
    course: &Course,
    lesson: &Lesson,
    arguments: &Arguments,
) -> anyhow::Result<(ExploreRequest, Option<Arrival>, BootedBoard)> {
    let file = arguments.program.as_deref();
    if let Some(word) = &arguments.replay {
        let given = file.map(|file| read_program(lesson, Some(file))).transpose()?;
        let here = crate::firmware::lesson_firmware().hash();
        let Recipe { timing, lesson: named, request, at, second } =
            explore::recipe(course, &here, word, given.as_deref())?;
        if named.slug != lesson.slug {
            let named = &named.slug;
            return Err(failure(
                format!("the word is of lesson `{named}`"),
                format!("この再生ワードはレッスン `{named}` のものです。"),
            ));
        }
        return Ok((request, Some((at, second)), arguments.emulation.booted_for_word(timing)?));
    }
    let request = ExploreRequest {
        program: read_program(lesson, file)?,
        exercise: file.is_some(),
        settings: read_settings(lesson, &arguments.set)?,
        seed: arguments.seed,
    };
    Ok((request, arguments.at.map(|at| (at, arguments.second)), arguments.emulation.booted()?))
}

fn played_text(played: &explore::Played, language: Language) -> String {
    let (at, of) = (played.at, played.of);
    let mut lines = vec![match language {
        Language::En => format!("arrival {at} of {of}"),
        Language::Ja => format!("{of} 通り中 {at} 番目の到着"),
    }];
    if let Some(machine) = &played.machine {
        let function = machine.function.as_deref().unwrap_or("?");
        let (pc, offset) = (&machine.pc, machine.offset.unwrap_or_default());
        lines.push(format!("  {} {pc} {function} + {offset:#x}", language.pick("machine   ", "機械語    ")));
    }
    if let Some(python) = &played.python {
        let (line, opcode, argument) = (python.line, &python.opcode, &python.argument);
        lines.push(match language {
            Language::En => format!("  Python     line {line}, {opcode} {argument}"),
            Language::Ja => format!("  Python     {line} 行目、{opcode} {argument}"),
        });
    }
    let delivered = played.delivered.map_or(language.pick("never", "なし").to_owned(), |at| at.to_string());
    lines.push(format!("  {} {delivered}", language.pick("delivered ", "割り込み  ")));
    lines.extend(played.steps.iter().map(|step| format!("  {step}")));
    lines.extend(played.values.iter().map(|(name, value)| format!("  {name:10} {value}")));
    lines.push(format!("  {} {}", language.pick("verdict   ", "判定      "), verdict_name(played.verdict)));
    lines.push(format!("  {}", played.sentence.source(language)));
    lines.join("\n")
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

fn report_text(report: &Report, language: Language) -> String {
    let share = |counts: Counts| 100.0 * f64::from(counts.lost) / f64::from(counts.tried.max(1));
    let (statement, window) = (report.in_statement(), report.in_window());
    let mut lines =
        vec![language.pick("boundaries   lost   line  bytecode", "到着   失われる   行  バイトコード").to_owned()];
    lines.extend(report.statement_bytecodes().map(|bytecode| format!("    {bytecode}")));
    let (tried, lost, broken, percent) = (statement.tried, statement.lost, statement.broken, share(statement));
    lines.push(match language {
        Language::En => {
            format!("statement: {tried} arrivals tried, {lost} lose ({percent:.1} %), {broken} break the program")
        }
        Language::Ja => {
            format!("文: 到着 {tried} 通り、更新が失われるもの {lost} 通り（{percent:.1} %）、プログラムが壊れるもの {broken} 通り")
        }
    });
    let (tried, lost, broken) = (window.tried, window.lost, window.broken);
    lines.push(match language {
        Language::En => format!("whole window: {tried} tried, {lost} lose, {broken} break the program"),
        Language::Ja => {
            format!("区間全体: 到着 {tried} 通り、更新が失われるもの {lost} 通り、プログラムが壊れるもの {broken} 通り")
        }
    });
    if let Some(share) = &report.predicted_share {
        let (losing, average, percent) = (share.losing, share.average, 100.0 * share.share);
        lines.push(match language {
            Language::En => format!(
                "free-running: one execution takes {average:.0} cycles on average, and in {losing:.0} of them an arrival \
                 loses: {percent:.1} % of interrupts"
            ),
            Language::Ja => format!(
                "実験台で実行した場合: 1 回の実行は平均 {average:.0} サイクル、そのうち到着で更新が失われるのは {losing:.0} サイクル、\
                 割り込みの {percent:.1} %"
            ),
        });
    }
    if let Some(Pairs { counts, runs, .. }) = &report.pairs {
        let Counts { tried, lost, broken, .. } = counts;
        lines.push(match language {
            Language::En => {
                format!("two interrupts: {tried} pairs in {runs} runs, {lost} lose, {broken} break the program")
            }
            Language::Ja => format!(
                "割り込み 2 回: {tried} 組（{runs} 回の実行）、更新が失われるもの {lost} 組、プログラムが壊れるもの {broken} 組"
            ),
        });
    }
    if let Some(loss) = report.shortest_loss() {
        let (at, sentence) = (loss.replay.at, loss.sentence.source(language));
        lines.push(match language {
            Language::En => format!("shortest: arrival {at}. {sentence}"),
            Language::Ja => format!("最も短い例: {at} 番目の到着。{sentence}"),
        });
    }
    if let Some(loss) = report.first_loss() {
        let (at, word) = (loss.at, &loss.word);
        lines.push(match language {
            Language::En => format!("first losing arrival: {at}; play it with --at {at} or --replay '{word}'"),
            Language::Ja => {
                format!("更新が失われる最初の到着: {at}。--at {at} または --replay '{word}' で再生できます。")
            }
        });
    }
    lines.join("\n")
}

//! `isrlab check`: the verdict on one program, for authors and for graders.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::emulation::EmulationOptions;
use super::out::{language, say, say_text};
use super::run::{find_lesson, read_program};
use course::Language;
use workbench::check;
use workbench::judge::{self, JudgedCriterion, Verdict};

/// Options of `isrlab check`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The lesson's slug, such as `lost-update`.
    lesson: String,
    /// The program that is to solve the lesson's exercise.
    file: PathBuf,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
    /// The lessons of a folder in the place of those that this binary carries, for authors.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    #[command(flatten)]
    emulation: EmulationOptions,
}

/// The verdict with what it is about.
#[derive(Serialize)]
struct Report<'v> {
    lesson: &'v str,
    #[serde(flatten)]
    verdict: &'v Verdict,
    /// What each run printed, by the run's key.
    console: BTreeMap<&'v str, &'v str>,
}

pub(super) fn execute(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let course = crate::lessons::load(arguments.folder.as_deref())?;
    let lesson = find_lesson(&course, &arguments.lesson)?;
    let program = read_program(lesson, Some(&arguments.file))?;
    let boards = arguments.emulation.booted()?;
    let checked = check::runs(lesson, &program, &boards, &mut |_| true)?;
    let verdict = judge::verdict(lesson, &checked, language());
    if arguments.json {
        let console = checked.runs.iter().map(|(id, record)| (id.as_str(), record.console.as_str())).collect();
        say!("{}", serde_json::to_string_pretty(&Report { lesson: &lesson.slug, verdict: &verdict, console })?)?;
    } else {
        say_text(&text(&verdict, language()))?;
        if !verdict.passed && verdict.traceback.is_none() {
            for (id, record) in checked.runs.iter().filter(|(_, record)| !record.exceptions.is_empty()) {
                say_text(&printed(id, &record.console, language()))?;
            }
        }
    }
    Ok(if verdict.passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn text(verdict: &Verdict, language: Language) -> String {
    let mut lines: Vec<String> = verdict.criteria.iter().map(|criterion| line(criterion, language)).collect();
    lines.extend(verdict.traceback.as_deref().map(|traceback| format!("\n{}", traceback.trim_end())));
    // A program that ends with an exception has nothing else to be told.
    let message = if verdict.traceback.is_none() { verdict.message.as_str() } else { "" };
    lines.push(match (verdict.passed, message) {
        (true, message) => format!("\n{message}"),
        (false, "") => format!("\n{}", language.pick("not passed", "不合格")),
        (false, message) => format!("\n{}: {message}", language.pick("not passed", "不合格")),
    });
    lines.join("\n")
}

/// The end of what a run printed: the message says that the line of an exception stands there.
fn printed(run: &str, console: &str, language: Language) -> String {
    const LINES: usize = 12;
    let lines: Vec<&str> = console.lines().collect();
    let title = language.pick("printed in the run", "実行の出力");
    format!("\n{title} {run}:\n{}", lines[lines.len().saturating_sub(LINES)..].join("\n"))
}

fn line(criterion: &JudgedCriterion, language: Language) -> String {
    let mark = match (criterion.ok, language) {
        (Some(true), Language::En) => "ok  ",
        (Some(false), Language::En) => "not ",
        (None, _) => "-   ",
        (Some(true), Language::Ja) => "可  ",
        (Some(false), Language::Ja) => "不可",
    };
    let run = criterion.run.as_deref().map(|run| match language {
        Language::En => format!("run {run}"),
        Language::Ja => format!("実行 {run}"),
    });
    let measured = criterion.measured.iter().map(|(name, value)| match (value, value.as_f64()) {
        (Value::String(text), _) => format!("{name} = {text}"),
        // Counts are whole; without the point they read as such.
        (_, Some(number)) => format!("{name} = {number}"),
        (value, None) => format!("{name} = {value}"),
    });
    let facts: Vec<_> = run.into_iter().chain(measured).collect();
    let text = &criterion.text;
    if facts.is_empty() { format!("{mark} {text}") } else { format!("{mark} {text} ({})", facts.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(passed: bool, traceback: Option<&str>) -> Verdict {
        let criterion = JudgedCriterion {
            text: "`lost` = 0".to_owned(),
            ok: Some(passed),
            measured: BTreeMap::from([("lost".to_owned(), Value::from(431.0))]),
            run: (!passed).then(|| "hard".to_owned()),
            message: None,
        };
        let message = if traceback.is_some() { "" } else { "The words." };
        Verdict {
            passed,
            refused: None,
            criteria: vec![criterion],
            message: message.to_owned(),
            traceback: traceback.map(str::to_owned),
            line: None,
            advice: None,
            arrivals: None,
        }
    }

    #[test]
    fn a_verdict_is_told_in_lines() {
        assert_eq!(text(&verdict(true, None), Language::En), "ok   `lost` = 0 (lost = 431)\n\nThe words.");
        assert_eq!(
            text(&verdict(false, None), Language::Ja),
            "不可 `lost` = 0 (実行 hard, lost = 431)\n\n不合格: The words."
        );
        assert_eq!(
            text(&verdict(false, Some("NameError: x\n")), Language::En),
            "not  `lost` = 0 (run hard, lost = 431)\n\nNameError: x\n\nnot passed"
        );
    }
}

//! What a run means to its lesson: the verdict of the outcome table, the answers to predictions,
//! and the criteria of the exercise.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::check::{Checked, CheckedArrivals};
use super::mistake::Mistake;
use super::record::{RunRecord, why};
use super::session::EndReason;
use crate::witness::Trouble;
use course::Language;
use course::lesson::{Criterion, Instrument, fill};
use course::words::{Advice, problem, program_asleep, program_endless, program_failed};
use course::{Lesson, Measured, Relation, Settings, Text, Value};

/// What the firmware says of a name that is kept for what is measured (`port/modlab.c`).
const RESERVED_REPORT: &str = "name is one of the firmware's own";

/// Makes the rows of the outcome table: one, or one for each stretch of a run whose controls were changed midway. The
/// store adds numbers and time.
#[must_use]
pub fn outcomes(lesson: &Lesson, record: &RunRecord) -> Vec<Json> {
    let states: BTreeSet<&str> =
        lesson.values.iter().filter(|value| !value.unit.is_empty()).map(|value| &value.name[..]).collect();
    let parts = record.by_stretch(&states);
    if parts.is_empty() {
        return vec![outcome(lesson, record)];
    }
    let of = parts.len();
    let numbered = parts.iter().zip(&record.stretches).zip(1..);
    numbered
        .map(|((part, stretch), number)| {
            let mut row = outcome(lesson, part);
            (row["part"], row["parts"]) = (json!(number), json!(of));
            if !stretch.to_the_end {
                row["why"] = json!("changed");
            }
            row
        })
        .collect()
}

/// Makes a row of the outcome table of a run, or of a stretch of one.
#[must_use]
pub fn outcome(lesson: &Lesson, record: &RunRecord) -> Json {
    let measured = record.measured();
    // A run whose controls were changed midway shows no single setting's result.
    let clean = record.changed.is_empty() && record.last.is_some();
    let verdicts = lesson.instruments.iter().find_map(|instrument| match instrument {
        Instrument::Outcome { verdicts, .. } => Some(verdicts),
        _ => None,
    });
    let verdict = verdicts
        .filter(|_| clean)
        .and_then(|verdicts| verdicts.iter().position(|verdict| verdict.when.holds(&measured) == Ok(true)));
    let answers: BTreeMap<&str, &str> = lesson
        .predictions
        .iter()
        .filter(|prediction| clean && !record.request.own_program && covers(&record.request.settings, &prediction.set))
        .filter_map(|prediction| {
            let right = prediction.options.iter().find(|answer| answer.right_when.holds(&measured) == Ok(true))?;
            Some((&prediction.id[..], &right.key[..]))
        })
        .collect();
    json!({
        "lesson": lesson.slug,
        "settings": record.request.settings,
        "changed": record.changed,
        "program": record.request.program_name(),
        "seconds": record.last.as_ref().map_or(0.0, |last| last.run_us as f64 / 1e6),
        "seed": record.request.seed,
        "version": record.version,
        "why": why(record.end.why),
        "values": record.numbers(),
        "verdict": verdict,
        "answers": answers,
    })
}

/// Whether a run's settings are those that a prediction speaks of.
fn covers(settings: &Settings, asked: &Settings) -> bool {
    asked.iter().all(|(name, value)| settings.get(name) == Some(value))
}

/// One criterion of the exercise, judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JudgedCriterion {
    /// What it asks for, in the visitor's language, with code between backticks.
    pub text: String,
    /// Whether it holds in every run it applies to; `None` where the program failed before that could be seen.
    pub ok: Option<bool>,
    /// The measured values that it speaks of, from the run that failed, or else from the last one.
    pub measured: BTreeMap<String, Json>,
    /// The run that failed.
    pub run: Option<String>,
    /// What to tell the visitor when it fails.
    pub message: Option<String>,
}

/// The verdict of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Whether every criterion holds.
    pub passed: bool,
    /// The code of the reason for which the runs count for nothing, whatever they measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<&'static str>,
    /// The criteria, in the lesson's order.
    pub criteria: Vec<JudgedCriterion>,
    /// The first thing to say.
    pub message: String,
    /// The traceback of a program that failed.
    pub traceback: Option<String>,
    /// The line of the program that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// What is known of that kind of failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<Advice>,
    /// The arrival of an interrupt at which the program loses something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrivals: Option<LosingArrival>,
}

/// An arrival of the interrupt that the program does not survive, ready to be shown and played.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LosingArrival {
    /// The run whose settings were explored.
    pub run: String,
    /// These settings.
    pub settings: Settings,
    /// How many arrivals were tried.
    pub tried: u32,
    /// How many of them lose something.
    pub lost: u32,
    /// At how many the program breaks.
    pub broken: u32,
    /// The one that is told most shortly: before which instruction of the window.
    pub at: u32,
    /// The word that plays it again.
    pub word: String,
    /// What becomes of it.
    pub verdict: explorer::outcome::Verdict,
    /// What happens, in the visitor's language, with code between backticks.
    pub sentence: String,
}

impl LosingArrival {
    fn of(arrivals: &CheckedArrivals, language: Language) -> Option<Self> {
        let Ok((counts, Some(loss))) = &arrivals.tried else { return None };
        Some(Self {
            run: arrivals.run.clone(),
            settings: arrivals.settings.clone(),
            tried: counts.tried,
            lost: counts.lost,
            broken: counts.broken,
            at: loss.replay.at,
            word: loss.replay.word.clone(),
            verdict: loss.verdict,
            sentence: loss.sentence.source(language).to_owned(),
        })
    }
}

/// A run of the check: which one, and what it measured.
pub type CheckedRun = (String, RunRecord);

/// Judges the runs of an exercise. A criterion without any run yet does not hold.
#[must_use]
pub fn verdict(lesson: &Lesson, checked: &Checked, language: Language) -> Verdict {
    let runs = &checked.runs[..];
    let mut criteria: Vec<_> = lesson
        .exercise
        .criteria
        .iter()
        .map(|criterion| judge(lesson, criterion, runs, language))
        .chain(judge_arrivals(lesson, &checked.arrivals, language))
        .collect();
    let refused = runs.iter().find_map(|(id, record)| Some((id, refusal(record)?)));
    let failed = runs.iter().find_map(|(_, record)| Some((record.end.why, record.end.report.as_deref()?)));
    let mistake =
        failed.filter(|(why, _)| *why == EndReason::Exception).and_then(|(_, report)| Mistake::last_in(report));
    if failed.is_some() {
        // One mistake is one message, and no word on what nobody could see.
        for criterion in &mut criteria {
            (criterion.ok, criterion.run, criterion.message) = (None, None, None);
            criterion.measured.clear();
        }
    }
    let passed = failed.is_none() && refused.is_none() && criteria.iter().all(|criterion| criterion.ok == Some(true));
    // A program without end has not come to the end that a driver waits for: the first says what to do.
    let endless = runs.iter().any(|(_, record)| record.end.why == EndReason::Overtime)
        && refused.is_none_or(|(_, trouble)| trouble == Trouble::Unfinished);
    // Nor has one that sleeps: the board begins anew after it.
    let asleep = runs.iter().any(|(_, record)| record.end.why == EndReason::DeepSleep)
        && refused.is_none_or(|(_, trouble)| trouble == Trouble::Unfinished);
    let passed = passed && !asleep;
    let message = if passed {
        let passed = lesson.exercise.passed.source(language).to_owned();
        match lesson.exercise.driver.is_some() && runs.iter().any(|(_, record)| record.seen.is_none()) {
            true => format!("{passed} {}", problem("driver-reported", &[], language).message),
            false => passed,
        }
    } else if endless {
        program_endless(language).to_owned()
    } else if asleep {
        program_asleep(language).to_owned()
    } else if let Some((_, trouble)) = refused {
        let text = problem(trouble.code(), &[], language);
        format!("{} {}", text.message, text.hint)
    } else if failed.is_some() {
        program_failed(mistake.as_ref().map(|found| (found.line, &found.class[..], &found.text[..])), language)
    } else {
        criteria.iter().find_map(|criterion| criterion.message.clone()).unwrap_or_default()
    };
    let arrivals = checked.arrivals.iter().find_map(|arrivals| LosingArrival::of(arrivals, language));
    Verdict {
        passed,
        refused: refused.map(|(_, trouble)| trouble.code()),
        criteria,
        message,
        traceback: failed.map(|(_, report)| report.to_owned()),
        line: mistake.as_ref().and_then(|mistake| mistake.line),
        advice: mistake.and_then(|mistake| mistake.advice(language)),
        arrivals,
    }
}

/// Why a run counts for nothing. An exception of the program itself is told as such, and not as a driver that did not
/// come to its end.
fn refusal(record: &RunRecord) -> Option<Trouble> {
    let report = record.end.report.as_deref();
    if record.request.driver.is_some() && report.is_some_and(|report| report.contains(RESERVED_REPORT)) {
        return Some(Trouble::Reserved);
    }
    let trouble = record.seen.as_ref()?.trouble?;
    (trouble != Trouble::Unfinished || report.is_none()).then_some(trouble)
}

/// What the exercises of lessons with a race ask for beside their own criteria.
#[must_use]
pub fn arrivals_criterion() -> Text {
    Text {
        en: "every moment at which the interrupt can arrive is tried, and none loses anything".into(),
        ja: "割り込みが来る可能性のある瞬間をすべて試し、一つも失わない".into(),
    }
}

/// The criterion of lessons whose race can be tried exhaustively: no arrival may lose anything.
fn judge_arrivals(lesson: &Lesson, arrivals: &[CheckedArrivals], language: Language) -> Option<JudgedCriterion> {
    if arrivals.is_empty() {
        return None;
    }
    let failed = arrivals.iter().find(|arrivals| !arrivals.passed());
    let shown = failed.or(arrivals.last()).and_then(|arrivals| arrivals.tried.as_ref().ok());
    let measured = shown.map(|(counts, _)| {
        let numbers = [("tried", counts.tried), ("lost", counts.lost), ("broken", counts.broken)];
        numbers.into_iter().map(|(name, number)| (name.to_owned(), json!(number))).collect()
    });
    let message = failed.map(|arrivals| {
        let run = lesson.exercise.runs.iter().find(|run| run.id == arrivals.run);
        let title = run.map(|run| run.title.source(language)).unwrap_or_default();
        match &arrivals.tried {
            Ok((counts, loss)) => {
                let bad = counts.tried - counts.kept;
                let sentence = loss.as_ref().map(|loss| loss.sentence.source(language)).unwrap_or_default();
                match language {
                    Language::En => {
                        format!("Not yet: {bad} of {} arrivals lose something in {title} mode. The shortest: {sentence}", counts.tried)
                    }
                    Language::Ja => {
                        format!("もう少しです。{title}では {} 通りの到着のうち {bad} 通りで失われます。最も短い例: {sentence}", counts.tried)
                    }
                }
            }
            Err(refusal) => {
                let text = refusal.text(language);
                format!("{} {}", text.message, text.hint)
            }
        }
    });
    Some(JudgedCriterion {
        text: arrivals_criterion().source(language).to_owned(),
        ok: Some(failed.is_none()),
        measured: measured.unwrap_or_default(),
        run: failed.map(|arrivals| arrivals.run.clone()),
        message,
    })
}

fn judge(lesson: &Lesson, criterion: &Criterion, runs: &[CheckedRun], language: Language) -> JudgedCriterion {
    let applies = |id: &str| lesson.exercise.runs.iter().any(|run| run.id == id && criterion.applies_to(run));
    let judged: Vec<(&str, Measured, bool)> = runs
        .iter()
        .filter(|(id, _)| applies(id))
        .map(|(id, record)| {
            let measured = record.measured();
            let holds = criterion.holds.holds(&measured) == Ok(true);
            (&id[..], measured, holds)
        })
        .collect();
    let failed = judged.iter().find(|(_, _, holds)| !holds);
    let shown = failed.or_else(|| judged.last());
    JudgedCriterion {
        text: criterion.text.source(language).to_owned(),
        ok: Some(failed.is_none() && !judged.is_empty()),
        measured: shown.map(|(_, measured, _)| named_values(&criterion.holds, measured)).unwrap_or_default(),
        run: failed.map(|(id, _, _)| (*id).to_owned()),
        message: failed.map(|(_, measured, _)| fill(criterion.message.source(language), measured)),
    }
}

/// The measured values that a relation speaks of.
fn named_values(relation: &Relation, measured: &Measured) -> BTreeMap<String, Json> {
    relation
        .names()
        .into_iter()
        .filter_map(|name| {
            let value = match measured.get(name)? {
                Value::Number(number) => json!(*number),
                Value::Text(text) => json!(text),
            };
            Some((name.to_owned(), value))
        })
        .collect()
}

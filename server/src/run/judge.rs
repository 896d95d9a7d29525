//! What a run means to its lesson: the verdict of the outcome table, the answers to predictions,
//! and the criteria of the exercise.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::record::{RunRecord, why};
use crate::course::lesson::{Criterion, Instrument, fill};
use crate::course::{Lesson, Measured, Relation, Settings, Value};
use crate::language::Language;

/// Makes a row of the outcome table. The store adds its number and time.
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
        "program": if record.request.own_program { "own" } else { "lesson" },
        "seconds": record.last.as_ref().map_or(0.0, |last| last.run_us as f64 / 1e6),
        "seed": record.request.seed,
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
    /// What it asks for, in the visitor's language.
    pub text: String,
    /// Whether it holds in every run it applies to.
    pub ok: bool,
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
    /// The criteria, in the lesson's order.
    pub criteria: Vec<JudgedCriterion>,
    /// The first thing to say.
    pub message: String,
    /// The traceback of a program that failed.
    pub traceback: Option<String>,
}

/// A run of the check: which one, and what it measured.
pub type CheckedRun = (String, RunRecord);

/// Judges the runs of an exercise. A criterion without any run yet does not hold.
#[must_use]
pub fn verdict(lesson: &Lesson, runs: &[CheckedRun], language: Language) -> Verdict {
    let criteria: Vec<_> =
        lesson.exercise.criteria.iter().map(|criterion| judge(lesson, criterion, runs, language)).collect();
    let failed_program = runs.iter().find_map(|(_, record)| record.end.report.clone());
    let passed = failed_program.is_none() && criteria.iter().all(|criterion| criterion.ok);
    let message = if passed {
        lesson.exercise.passed.html(language)
    } else {
        criteria.iter().find_map(|criterion| criterion.message.clone()).unwrap_or_default()
    };
    Verdict { passed, criteria, message, traceback: failed_program }
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
        text: criterion.text.html(language),
        ok: failed.is_none() && !judged.is_empty(),
        measured: shown.map(|(_, measured, _)| named_values(&criterion.holds, measured)).unwrap_or_default(),
        run: failed.map(|(id, _, _)| (*id).to_owned()),
        message: failed.map(|(_, measured, _)| fill(&criterion.message.html(language), &escaped(measured))),
    }
}

/// The same values, fit to stand in HTML: the text of an exception is the learner's own.
fn escaped(measured: &Measured) -> Measured {
    measured
        .iter()
        .map(|(name, value)| match value {
            Value::Number(number) => (name, Value::Number(*number)),
            Value::Text(text) => {
                let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
                (name, Value::Text(text))
            }
        })
        .collect()
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

//! Outcomes and checks that are reported by whoever ran the board: a learner's tab.
//!
//! The server has not seen the run, so what is kept is marked, and only what this lesson's runs can give gets in.

use std::collections::{BTreeMap, BTreeSet};

use course::lesson::Instrument;
use course::{Lesson, SettingError, Settings};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::version::BoardVersion;

/// Numbers that one row may have: more than any lesson measures.
const MOST_VALUES: usize = 4096;
/// The longest message of a check, and the longest traceback, in bytes.
const MOST_SAID_BYTES: usize = 8192;
/// The longest word for how a run ended, and the longest name of a number, in bytes.
const MOST_NAME_BYTES: usize = 64;
/// Numbers that one criterion may speak of.
const MOST_MEASURED: usize = 64;

/// A row of the outcome table, as [`crate::judge::outcomes`] makes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportedOutcome {
    lesson: String,
    settings: Settings,
    changed: BTreeSet<String>,
    program: Program,
    seconds: f64,
    seed: u64,
    version: Option<BoardVersion>,
    why: String,
    values: BTreeMap<String, i64>,
    verdict: Option<usize>,
    answers: BTreeMap<String, String>,
    /// Which stretch of the run it is, and of how many.
    #[serde(default)]
    part: Option<u8>,
    #[serde(default)]
    parts: Option<u8>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Program {
    Own,
    Lesson,
}

/// Why a report is no outcome of a lesson.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnOutcome {
    /// It names another lesson.
    #[error("the outcome is another lesson's")]
    OtherLesson,
    /// The lesson has no such setting.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// This part holds what no run gives.
    #[error("`{0}` is not what a run gives")]
    Part(&'static str),
}

impl ReportedOutcome {
    /// The row, marked as reported.
    ///
    /// # Errors
    /// [`NotAnOutcome`].
    pub fn row(self, lesson: &Lesson) -> Result<Value, NotAnOutcome> {
        let part = |part, holds: bool| if holds { Ok(()) } else { Err(NotAnOutcome::Part(part)) };
        if self.lesson != lesson.slug {
            return Err(NotAnOutcome::OtherLesson);
        }
        let settings = lesson.settings(&self.settings)?;
        let verdicts = lesson.instruments.iter().find_map(|instrument| match instrument {
            Instrument::Outcome { verdicts, .. } => Some(verdicts.len()),
            _ => None,
        });
        part("changed", self.changed.iter().all(|name| settings.contains_key(name)))?;
        part("version", self.version.as_ref().is_none_or(|version| is_name(&version.firmware)))?;
        part("seconds", (0.0..=1e6).contains(&self.seconds))?;
        part("why", is_name(&self.why))?;
        part("values", self.values.len() <= MOST_VALUES && self.values.keys().all(|name| is_name(name)))?;
        part("verdict", self.verdict.is_none_or(|verdict| verdicts.is_some_and(|verdicts| verdict < verdicts)))?;
        let is_answer = |(id, key): (&String, &String)| {
            let asked = lesson.predictions.iter().find(|prediction| prediction.id == *id);
            asked.is_some_and(|prediction| prediction.options.iter().any(|option| option.key == *key))
        };
        part("answers", self.answers.iter().all(is_answer))?;
        let numbered = match (self.part, self.parts) {
            (None, None) => true,
            (Some(number), Some(of)) => (1..=of).contains(&number),
            _ => false,
        };
        part("part", numbered)?;
        let values: Map<String, Value> = self.values.into_iter().map(|(name, value)| (name, value.into())).collect();
        let mut row = json!({
            "lesson": lesson.slug,
            "settings": settings,
            "changed": self.changed,
            "program": match self.program { Program::Own => "own", Program::Lesson => "lesson" },
            "seconds": self.seconds,
            "seed": self.seed,
            "version": self.version,
            "why": self.why,
            "values": values,
            "verdict": self.verdict,
            "answers": self.answers,
            "reported": true,
        });
        if let (Some(number), Some(of)) = (self.part, self.parts) {
            (row["part"], row["parts"]) = (json!(number), json!(of));
        }
        Ok(row)
    }
}

/// The verdict of a check, of [`crate::judge::Verdict`] what is kept, with the program that was checked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportedCheck {
    /// The program.
    pub program: String,
    passed: bool,
    criteria: Vec<ReportedCriterion>,
    /// The first thing that was said; shown to nobody but the learner.
    #[serde(default)]
    message: String,
    #[serde(default)]
    traceback: Option<String>,
}

/// One criterion, judged.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReportedCriterion {
    /// `None` where the program failed before that could be seen.
    ok: Option<bool>,
    #[serde(default)]
    measured: BTreeMap<String, Measured>,
}

/// A measured value.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Measured {
    Number(f64),
    Text(String),
}

impl ReportedCheck {
    /// The verdict as it is kept, marked as reported.
    ///
    /// # Errors
    /// [`NotAnOutcome::Part`].
    pub fn verdict(&self, lesson: &Lesson) -> Result<Value, NotAnOutcome> {
        let part = |part, holds: bool| if holds { Ok(()) } else { Err(NotAnOutcome::Part(part)) };
        let (own, arrivals) = (lesson.exercise.criteria.len(), usize::from(lesson.checks_arrivals()));
        // A program that failed has not come to the arrivals.
        let count = self.criteria.len();
        part("criteria", (own..=own + arrivals).contains(&count))?;
        part(
            "passed",
            !self.passed || count == own + arrivals && self.criteria.iter().all(|criterion| criterion.ok == Some(true)),
        )?;
        let said = [Some(&self.message), self.traceback.as_ref()];
        part("message", said.into_iter().flatten().all(|text| text.len() <= MOST_SAID_BYTES))?;
        let is_measured = |(name, value): (&String, &Measured)| {
            is_name(name) && matches!(value, Measured::Number(_))
                || matches!(value, Measured::Text(text) if is_name(text))
        };
        let measured = |criterion: &ReportedCriterion| {
            criterion.measured.len() <= MOST_MEASURED && criterion.measured.iter().all(is_measured)
        };
        part("measured", self.criteria.iter().all(measured))?;
        let criteria: Vec<Value> = self
            .criteria
            .iter()
            .map(|criterion| {
                let measured: Map<String, Value> =
                    criterion.measured.iter().map(|(name, value)| (name.clone(), value.json())).collect();
                json!({ "ok": criterion.ok, "measured": measured })
            })
            .collect();
        let mut kept = json!({ "passed": self.passed, "criteria": criteria, "reported": true });
        if !self.message.is_empty() {
            (kept["message"], kept["traceback"]) = (json!(self.message), json!(self.traceback));
        }
        Ok(kept)
    }
}

impl Measured {
    fn json(&self) -> Value {
        match self {
            // As a check writes it: whole numbers without a fraction.
            Self::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => json!(*number as i64),
            Self::Number(number) => json!(number),
            Self::Text(text) => json!(text),
        }
    }
}

/// Whether a text is short and visible.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= MOST_NAME_BYTES && !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::headless;
    use crate::judge;
    use crate::record::RunRequest;

    fn measured() -> (course::Course, Value) {
        let course = crate::test_course();
        let lesson = course.lesson("lost-update").unwrap();
        let request = RunRequest {
            lesson: lesson.slug.clone(),
            program: lesson.program.clone(),
            own_program: false,
            driver: None,
            settings: lesson.settings(&Settings::new()).unwrap(),
            seconds: 1,
            seed: 1,
            wiring: lesson.wiring.clone(),
        };
        let mut drive = crate::test_board().fresh(1).unwrap();
        let row = judge::outcome(lesson, &headless::run(&mut drive, &request, &mut |_| true).unwrap());
        (course, row)
    }

    #[test]
    fn what_a_run_gives_comes_through_unchanged_but_marked_and_nonsense_does_not() {
        let (course, row) = measured();
        let lesson = course.lesson("lost-update").unwrap();
        let reported: ReportedOutcome = serde_json::from_value(row.clone()).unwrap();
        let mut kept = reported.row(lesson).unwrap();
        assert_eq!(kept.as_object_mut().unwrap().remove("reported"), Some(true.into()));
        assert_eq!(kept, row);
        for (name, value) in [
            ("lesson", json!("torn-read")),
            ("settings", json!({ "kind": "warm" })),
            ("changed", json!(["nothing"])),
            ("seconds", json!(-1)),
            ("version", json!({ "firmware": "\n", "timing": "unit" })),
            ("why", json!("\u{1b}[2J")),
            ("verdict", json!(99)),
            ("answers", json!({ "plain": "nonsense" })),
            ("part", json!(2)),
        ] {
            let mut wrong = row.clone();
            wrong[name] = value;
            let reported: ReportedOutcome = serde_json::from_value(wrong).unwrap();
            assert!(reported.row(lesson).is_err(), "{name}");
        }
    }

    #[test]
    fn a_verdict_is_kept_as_it_is_but_marked_and_one_that_contradicts_itself_is_not() {
        let course = crate::test_course();
        let lesson = course.lesson("lost-update").unwrap();
        let checked = crate::check::runs(lesson, &lesson.solution, &crate::test_board(), &mut |_| true).unwrap();
        let verdict = serde_json::to_value(judge::verdict(lesson, &checked, course::Language::En)).unwrap();
        let criteria: Vec<Value> = verdict["criteria"]
            .as_array()
            .unwrap()
            .iter()
            .map(|criterion| {
                // As a browser writes numbers.
                let whole = |value: &Value| value.as_f64().map_or_else(|| value.clone(), |number| json!(number as i64));
                let measured = criterion["measured"].as_object().unwrap().iter();
                let measured: Map<String, Value> = measured.map(|(name, value)| (name.clone(), whole(value))).collect();
                json!({ "ok": criterion["ok"], "measured": measured })
            })
            .collect();
        let report = json!({ "program": "", "passed": true, "criteria": criteria });
        let kept = |report: &Value| serde_json::from_value::<ReportedCheck>(report.clone()).unwrap().verdict(lesson);
        assert_eq!(kept(&report).unwrap()["criteria"], Value::Array(criteria.clone()));
        for (part, change) in [
            ("criteria", json!([])),
            ("passed", criteria.iter().map(|_| json!({ "ok": false })).collect()),
            ("measured", criteria.iter().map(|_| json!({ "ok": true, "measured": { "a": "\u{1b}" } })).collect()),
            ("passed", criteria[1..].into()),
        ] {
            let mut wrong = report.clone();
            wrong["criteria"] = change;
            assert_eq!(kept(&wrong), Err(NotAnOutcome::Part(part)));
        }
    }

    proptest! {
        #[test]
        fn whatever_is_reported_is_refused_or_a_row(text in r#"[\[\]{}":,a-z0-9.-]{0,80}"#) {
            static COURSE: std::sync::LazyLock<course::Course> = std::sync::LazyLock::new(crate::test_course);
            if let Ok(reported) = serde_json::from_str::<ReportedOutcome>(&text) {
                _ = reported.row(COURSE.lesson("lost-update").unwrap());
            }
        }
    }
}

//! What a visitor did in a lesson, as the store keeps it and the pages show it.

use std::collections::BTreeMap;

use course::Lesson;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use workbench::version::BoardVersion;

use crate::store::Proof;

/// The steps of a lesson, in order.
pub const STEPS: [&str; 6] = ["predict", "run", "see", "explain", "fix", "checked"];

/// Beside the steps: what comes after the questions was opened.
pub const OPEN: &str = "open";

/// Beside the steps: every arrival was tried in the explorer.
pub const EXPLORED: &str = "explored";

/// One visitor's work in one lesson.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct VisitorWork {
    /// The visitor's program; `None` until it differs from the starter.
    pub program: Option<String>,
    /// Answers to the predictions, by question.
    pub prediction: BTreeMap<String, String>,
    /// Steps done, by name.
    pub steps: BTreeMap<String, bool>,
    /// Finished runs, as they were sent to the page.
    pub outcomes: Vec<Value>,
    /// Checks that did not pass.
    pub failures: u32,
    /// Whether a check has passed.
    pub passed: bool,
    /// Who has seen it pass.
    pub proof: Proof,
    /// What the last check said: `{"criteria":[{"text","ok","measured"}],"message"}`.
    pub last_check: Option<Value>,
}

/// How far a visitor is in a lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Progress {
    /// Nothing was done.
    NotStarted,
    /// Something was done, nothing checked.
    Started,
    /// Checked, and not passed so far.
    Failed,
    /// A check has passed.
    Passed,
}

impl VisitorWork {
    /// How far the visitor is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        if self.passed {
            Progress::Passed
        } else if self.failures > 0 {
            Progress::Failed
        } else if self.program.is_some() || !self.outcomes.is_empty() || self.steps.values().any(|done| *done) {
            Progress::Started
        } else {
            Progress::NotStarted
        }
    }

    /// Marks the rows that another version of the virtual board has measured, so that nobody takes them for rows of this
    /// one. Rows of attached boards have no version; the first workbenches wrote none at all.
    pub fn mark_earlier(&mut self, here: &BoardVersion) {
        let here = serde_json::to_value(here).unwrap_or_default();
        for row in self.outcomes.iter_mut().filter_map(Value::as_object_mut) {
            if row.get("version").is_none_or(|version| !version.is_null() && *version != here) {
                row.insert("earlier".to_owned(), true.into());
            }
        }
    }

    /// The steps done; passing a check is the last one.
    #[must_use]
    pub fn is_done(&self, step: &str) -> bool {
        self.steps.get(step).copied().unwrap_or(false) || (step == "checked" && self.passed)
    }

    /// Whether what comes after a lesson's questions is open: all are answered, and runs have shown what is right. Once
    /// open it stays so, and whoever checked a program or read the explanation before there was a door has passed it.
    #[must_use]
    pub fn is_open(&self, lesson: &Lesson) -> bool {
        let judged = |id: &str| self.outcomes.iter().any(|row| row["answers"].get(id).is_some());
        let all = lesson.predictions.iter().all(|asked| self.prediction.contains_key(&asked.id) && judged(&asked.id));
        self.is_done(OPEN)
            || self.is_done("explain")
            || self.progress() >= Progress::Failed
            || (all && !self.outcomes.is_empty())
    }

    /// The first step not done, counted from 0.
    #[must_use]
    pub fn next_step(&self) -> Option<usize> {
        STEPS.iter().position(|step| !self.is_done(step))
    }
}

/// The catalogue key of a step's name.
#[must_use]
pub fn step_key(step: &str) -> &'static str {
    match step {
        "predict" => "step.predict",
        "run" => "step.run",
        "see" => "step.see",
        "explain" => "step.explain",
        "fix" => "step.fix",
        _ => "step.checked",
    }
}

#[cfg(test)]
mod tests {
    use emulator::Timing;
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_of_another_version_are_marked() {
        let here = BoardVersion { firmware: "0123abcd".into(), timing: Timing::Silicon };
        let rows = [
            (json!({ "version": here }), false),
            (json!({ "version": { "firmware": "0123abcd", "timing": "unit" } }), true),
            (json!({ "version": { "firmware": "00000000", "timing": "silicon" } }), true),
            (json!({ "version": null }), false),
            (json!({}), true),
        ];
        let mut work =
            VisitorWork { outcomes: rows.iter().map(|(row, _)| row.clone()).collect(), ..Default::default() };
        work.mark_earlier(&here);
        let marked: Vec<_> = work.outcomes.iter().map(|row| row["earlier"] == true).collect();
        assert_eq!(marked, rows.map(|(_, earlier)| earlier));
    }

    #[test]
    fn progress_goes_from_nothing_to_passed() {
        let mut work = VisitorWork::default();
        assert_eq!((work.progress(), work.next_step()), (Progress::NotStarted, Some(0)));
        work.steps.insert("predict".to_owned(), true);
        assert_eq!((work.progress(), work.next_step()), (Progress::Started, Some(1)));
        work.failures = 1;
        assert_eq!(work.progress(), Progress::Failed);
        work.passed = true;
        assert_eq!(work.progress(), Progress::Passed);
        assert!(work.is_done("checked") && !work.is_done("fix"));
    }

    #[test]
    fn what_answers_the_questions_opens_when_they_are_answered_and_run() {
        let course = crate::lessons::embedded().unwrap();
        let lesson = course.lesson("lost-update").unwrap();
        let mut work = VisitorWork::default();
        let row = |answers: Value| serde_json::json!({ "n": 1, "answers": answers });
        work.outcomes.push(row(serde_json::json!({ "plain": "zero", "conditional": "some" })));
        assert!(!work.is_open(lesson), "run without an answer");
        work.prediction.insert("plain".to_owned(), "some".to_owned());
        assert!(!work.is_open(lesson), "one question is left");
        work.prediction.insert("conditional".to_owned(), "some".to_owned());
        assert!(work.is_open(lesson));
        work.outcomes = vec![row(serde_json::json!({ "plain": "zero" }))];
        assert!(!work.is_open(lesson), "one setting was not run");
        work.steps.insert(OPEN.to_owned(), true);
        assert!(work.is_open(lesson), "it stays open when the table is cleared");
        assert!(VisitorWork { failures: 1, ..VisitorWork::default() }.is_open(lesson));
    }
}

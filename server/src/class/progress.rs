//! How far a learner is in one lesson, with the times: what the grid shows and what a grade book gets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::pages::visitor_work::STEPS;

/// Questions of a lesson whose first answer is kept; a lesson has a handful.
const FIRST_ANSWERS_KEPT: usize = 16;
/// The longest key of an answer, in bytes. What is longer was typed into no page.
const MOST_ANSWER_BYTES: usize = 64;

/// The answer that stood when the board first gave its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstAnswer {
    /// What the learner said.
    pub said: String,
    /// Whether the board said the same.
    pub right: bool,
}

/// What came of the newest run: the lesson's key number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latest {
    /// The name of the value.
    pub name: String,
    /// The value.
    pub value: Value,
}

/// One learner in one lesson. Times are seconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// When each step was done, by name.
    pub steps: BTreeMap<String, i64>,
    /// First answers, by question.
    pub first: BTreeMap<String, FirstAnswer>,
    /// Checks, the one that passed included; none is counted after it.
    pub checks: u32,
    /// Checks that failed since one passed.
    pub failed: u32,
    /// When a check passed, as reported.
    pub passed: Option<i64>,
    /// When the server itself saw the program pass.
    pub verified: Option<i64>,
    /// Whether solutions could be read when it passed.
    pub after_solutions: bool,
    /// What the newest run gave.
    pub latest: Option<Latest>,
    /// When the learner began, and when they last got on: a step, a run or a check.
    pub began: i64,
    /// See [`began`](Self::began).
    pub moved: i64,
}

impl Progress {
    /// The page saved these steps. Returns whether there is something new.
    pub fn saved(&mut self, steps: &Value, now: i64) -> bool {
        let mut new = self.begin(now);
        for step in STEPS {
            if steps.get(step).and_then(Value::as_bool) == Some(true) && !self.steps.contains_key(step) {
                self.steps.insert(step.to_owned(), now);
                self.moved = now;
                new = true;
            }
        }
        new
    }

    /// A run gave a row of the outcome table; `answers` are the learner's.
    pub fn ran(&mut self, row: &Value, answers: &Value, key: &str, now: i64) {
        self.begin(now);
        if let Some(right) = row["answers"].as_object() {
            for (question, right) in right {
                let said = answers.get(question).and_then(Value::as_str).filter(|said| said.len() <= MOST_ANSWER_BYTES);
                if let Some(said) = said
                    && !self.first.contains_key(question)
                    && self.first.len() < FIRST_ANSWERS_KEPT
                {
                    let first = FirstAnswer { said: said.to_owned(), right: right.as_str() == Some(said) };
                    self.first.insert(question.clone(), first);
                }
            }
        }
        let value = row["values"].get(key).cloned().unwrap_or_default();
        self.latest = (!value.is_null()).then(|| Latest { name: key.to_owned(), value });
    }

    /// A check came to its end. `by_server`: it ran there; otherwise a browser reports it.
    pub fn checked(&mut self, passed: bool, by_server: bool, solutions: bool, now: i64) {
        self.begin(now);
        if self.passed.is_none() {
            self.checks += 1;
        }
        if !passed {
            self.failed += 1;
            return;
        }
        self.failed = 0;
        self.moved = now;
        if self.passed.is_none() {
            self.passed = Some(now);
            self.after_solutions = solutions;
        }
        if by_server && self.verified.is_none() {
            self.verified = Some(now);
        }
        for step in ["fix", "checked"] {
            self.steps.entry(step.to_owned()).or_insert(now);
        }
    }

    /// The server has run a program again that a browser reported as passed.
    pub fn settled(&mut self, passed: bool, now: i64) {
        if self.verified.is_some() || self.passed.is_none() {
            return;
        }
        if passed {
            self.verified = Some(now);
        } else {
            // The report was not true: it counts as a check that failed.
            self.passed = None;
            self.after_solutions = false;
            self.failed += 1;
            self.steps.remove("checked");
        }
    }

    /// Whether a step is done.
    #[must_use]
    pub fn is_done(&self, step: &str) -> bool {
        self.steps.contains_key(step) || (step == "checked" && self.passed.is_some())
    }

    /// The first step that is not done, counted from 0.
    #[must_use]
    pub fn here(&self) -> Option<usize> {
        STEPS.iter().position(|step| !self.is_done(step))
    }

    fn begin(&mut self, now: i64) -> bool {
        let new = self.began == 0;
        if new {
            (self.began, self.moved) = (now, now);
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn steps_keep_the_time_at_which_they_were_done() {
        let mut progress = Progress::default();
        assert!(progress.saved(&json!({}), 5), "somebody began");
        assert!(progress.saved(&json!({ "predict": true, "run": false, "dance": true }), 10));
        assert!(!progress.saved(&json!({ "predict": true }), 20));
        assert!(!progress.saved(&json!("nonsense"), 20));
        assert_eq!((progress.steps.get("predict"), progress.steps.len(), progress.moved), (Some(&10), 1, 10));
        assert_eq!(progress.here(), Some(1));
    }

    #[test]
    fn the_first_answer_counts_and_only_with_a_run() {
        let mut progress = Progress::default();
        let row = |right: &str| json!({ "answers": { "plain": right }, "values": { "lost": 431 } });
        progress.ran(&row("some"), &json!({}), "lost", 1);
        progress.ran(&row("some"), &json!({ "plain": "x".repeat(65) }), "lost", 1);
        assert!(progress.first.is_empty(), "nothing was said, or more than an answer");
        progress.ran(&row("some"), &json!({ "plain": "none" }), "lost", 2);
        progress.ran(&row("some"), &json!({ "plain": "some" }), "lost", 3);
        assert_eq!(progress.first["plain"], FirstAnswer { said: "none".into(), right: false });
        assert_eq!(progress.latest, Some(Latest { name: "lost".into(), value: 431.into() }));
    }

    #[test]
    fn checks_are_counted_until_one_passes() {
        let mut progress = Progress::default();
        progress.checked(false, true, false, 10);
        progress.checked(false, true, false, 20);
        assert_eq!((progress.checks, progress.failed, progress.passed), (2, 2, None));
        progress.checked(true, false, true, 30);
        assert_eq!((progress.checks, progress.failed, progress.passed, progress.verified), (3, 0, Some(30), None));
        assert!(progress.after_solutions);
        progress.checked(true, true, false, 40);
        assert_eq!((progress.checks, progress.passed, progress.verified), (3, Some(30), Some(40)));
        assert!(progress.after_solutions, "what was reported first stays");
    }

    #[test]
    fn a_report_that_does_not_hold_is_a_check_that_failed() {
        let mut progress = Progress::default();
        progress.settled(true, 5);
        assert_eq!(progress.verified, None, "nothing was reported");
        progress.checked(true, false, false, 10);
        progress.settled(false, 20);
        assert_eq!((progress.passed, progress.failed, progress.is_done("checked")), (None, 1, false));
        progress.checked(true, false, false, 30);
        progress.settled(true, 40);
        progress.settled(false, 50);
        assert_eq!((progress.passed, progress.verified, progress.checks), (Some(30), Some(40), 2));
    }
}

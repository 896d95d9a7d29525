//! What a page is told while a check or an exploration goes on, wherever that happens.

use serde_json::{Value, json};

use crate::check::CheckProgress;
use course::{Language, Lesson};

/// A check has begun.
#[must_use]
pub fn check_begins(lesson: &Lesson) -> Value {
    json!({ "lesson": lesson.slug, "state": "running", "share": 0.0 })
}

/// Where a check is.
#[must_use]
pub fn check(lesson: &Lesson, progress: CheckProgress<'_>, language: Language) -> Value {
    let run = lesson.exercise.runs.iter().find(|run| run.id == progress.run);
    let stage = run.map(|run| run.title.source(language));
    let share = (progress.at as f32 + progress.share) / progress.of as f32;
    let (at, of) = (progress.at + 1, progress.of);
    json!({ "lesson": lesson.slug, "state": "running", "stage": stage, "at": at, "of": of, "share": share })
}

/// How many arrivals of an exploration are tried.
#[must_use]
pub fn exploration(lesson: &Lesson, done: u32, of: u32) -> Value {
    json!({ "lesson": lesson.slug, "state": "running", "done": done, "of": of })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_has_its_title_and_the_share_of_the_whole() {
        let course = crate::test_course();
        let lesson = course.lesson("lost-update").unwrap();
        let run = &lesson.exercise.runs[0];
        let told = check(lesson, CheckProgress { run: &run.id, at: 1, of: 4, share: 0.5 }, Language::Ja);
        assert_eq!((&told["stage"], &told["at"]), (&run.title.ja.clone().into(), &2.into()));
        assert_eq!(told["share"], 0.375);
        let foreign = check(lesson, CheckProgress { run: "none", at: 0, of: 1, share: 0.0 }, Language::En);
        assert_eq!(foreign["stage"], Value::Null);
    }
}

//! Cases that held before need not be tried again: a run on a virtual board is a function of the board's version, the program,
//! its settings, its length and its seed, and so is what is judged of it.

use sha2::{Digest as _, Sha256};

use super::Task;
use crate::check::CHECK_SEED;
use crate::version::BoardVersion;
use course::Lesson;

/// Cases that held, by their content. Whoever keeps them keeps those of another judge, which is another executable,
/// apart. A case that failed is never kept, so that it is tried again.
pub trait Remembered: Sync {
    /// Whether this case has held before.
    fn holds(&self, content: &str) -> bool;

    /// Keeps that this case holds.
    fn keep(&self, content: &str);
}

/// A name for all that decides a case, besides the program that judges it: what is run, on which version of the board,
/// and what must come of it. The engine is none of that.
pub(super) fn content(lesson: &Lesson, task: Task<'_>, version: &BoardVersion) -> String {
    let controls = &lesson.controls;
    let decides = match task {
        Task::GridRow(row) => {
            let settings = lesson.grid.settings(row);
            format!("{:?}", (&lesson.program, settings, lesson.grid.seconds, &lesson.grid.holds, row))
        }
        Task::Prediction(prediction) => {
            // What stands before the question must not tell what came of it.
            let before = lesson.before_the_questions();
            format!("{:?}", (&lesson.program, lesson.grid.seconds, prediction, before, &lesson.instruments))
        }
        Task::Starter => exercise(lesson, Some(&lesson.starter)),
        Task::Solution => exercise(lesson, Some(&lesson.solution)),
        Task::Wrong(wrong) => exercise(lesson, lesson.wrong.get(&wrong.file)),
    };
    let all = format!("{:?}", (version, CHECK_SEED, &lesson.slug, controls, &lesson.wiring, task, decides));
    Sha256::digest(all).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn exercise(lesson: &Lesson, program: Option<&String>) -> String {
    format!("{:?}", (program, &lesson.exercise, &lesson.explorer))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use emulator::Timing;

    use super::*;
    use crate::validate::tasks;

    fn version(firmware: &str, timing: Timing) -> BoardVersion {
        BoardVersion { firmware: firmware.into(), timing }
    }

    /// The content of every case of a lesson.
    fn contents(lesson: &Lesson, version: &BoardVersion) -> Vec<String> {
        tasks(lesson).into_iter().map(|(lesson, task)| content(lesson, task, version)).collect()
    }

    #[test]
    fn every_case_has_a_content_of_its_own_that_nothing_but_its_own_parts_changes() {
        let course = crate::test_course();
        let here = version("0123abcd", Timing::Silicon);
        let all: Vec<_> = course.lessons.iter().flat_map(|lesson| contents(lesson, &here)).collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());

        let lesson = course.lesson("lost-update").unwrap();
        let before = contents(lesson, &here);
        assert_eq!(contents(lesson, &here), before);
        let changed = |change: &dyn Fn(&mut Lesson)| {
            let mut lesson = lesson.clone();
            change(&mut lesson);
            let after = contents(&lesson, &here);
            assert_eq!(after.len(), before.len());
            (0..before.len()).filter(|&at| after[at] != before[at]).collect::<Vec<_>>()
        };
        let (rows, predictions) = (lesson.grid.rows.len(), lesson.predictions.len());
        let runs = rows + predictions;
        let all = 0..before.len();
        assert_eq!(changed(&|lesson| lesson.program.push('\n')), (0..runs).collect::<Vec<_>>());
        assert_eq!(changed(&|lesson| lesson.starter.push('\n')), [runs]);
        assert_eq!(changed(&|lesson| lesson.solution.push('\n')), [runs + 1]);
        assert_eq!(changed(&|lesson| lesson.exercise.seconds += 1), (runs..before.len()).collect::<Vec<_>>());
        assert_eq!(changed(&|lesson| lesson.grid.rows[0].holds.clear()), [0]);
        assert_eq!(changed(&|lesson| lesson.grid.holds.clear()), (0..rows).collect::<Vec<_>>());
        assert_eq!(changed(&|lesson| lesson.controls.truncate(1)), all.clone().collect::<Vec<_>>());
        let led = r#"{"parts":[{"kind":"led","name":"l","pins":{"anode":4}}]}"#;
        let wired = |lesson: &mut Lesson| lesson.wiring = std::sync::Arc::new(serde_json::from_str(led).unwrap());
        assert_eq!(changed(&wired), all.clone().collect::<Vec<_>>());
        assert_eq!(changed(&|lesson| lesson.title.en.push('!')), (rows..runs).collect::<Vec<_>>());
        assert_eq!(changed(&|lesson| lesson.exercise.hints.clear()), (runs..before.len()).collect::<Vec<_>>());
        assert_eq!(changed(&|lesson| lesson.minutes += 1), [0; 0]);
        for other in [version("0123abce", Timing::Silicon), version("0123abcd", Timing::Unit)] {
            let after = contents(lesson, &other);
            assert!(all.clone().all(|at| after[at] != before[at]));
        }
    }
}

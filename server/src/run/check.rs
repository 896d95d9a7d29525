//! The check of an exercise: the program in every run that the lesson asks for.

use super::headless::{Boards, RunError};
use super::judge::CheckedRun;
use super::record::RunRequest;
use crate::board::session::EndReason;
use crate::course::Lesson;

/// The seed of checks, on the page and on the command line: a verdict does not depend on luck.
pub const CHECK_SEED: u64 = 1;

/// Where a check is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CheckProgress<'a> {
    /// The run's key.
    pub run: &'a str,
    /// Its number, from 0.
    pub at: usize,
    /// How many there are.
    pub of: usize,
    /// How far the run is, 0 to 1.
    pub share: f32,
}

/// Runs `program` as the lesson's exercise asks. A program that ends with an exception or crashes
/// the board is not run again. `go_on` hears the progress; false gives the check up.
///
/// # Errors
/// [`RunError`]; a program that fails is no error.
pub fn runs(
    lesson: &Lesson,
    program: &str,
    boards: &dyn Boards,
    go_on: &mut dyn FnMut(CheckProgress<'_>) -> bool,
) -> Result<Vec<CheckedRun>, RunError> {
    let mut done = Vec::new();
    for (at, run) in lesson.exercise.runs.iter().enumerate() {
        let request = RunRequest {
            lesson: lesson.slug.clone(),
            program: program.to_owned(),
            own_program: true,
            settings: lesson.settings(&run.set).map_err(|error| RunError::Setting(error.to_string()))?,
            seconds: lesson.exercise.seconds,
            seed: CHECK_SEED,
        };
        let of = lesson.exercise.runs.len();
        let record = boards.run(&request, &mut |share| go_on(CheckProgress { run: &run.id, at, of, share }))?;
        let failed = matches!(record.end.why, EndReason::Exception | EndReason::Crashed | EndReason::NotStarted);
        done.push((run.id.clone(), record));
        if failed {
            break;
        }
    }
    Ok(done)
}

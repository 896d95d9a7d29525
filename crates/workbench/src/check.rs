//! The check of an exercise: the program in every run that the lesson asks for, and, where the
//! lesson's race can be tried exhaustively, with the interrupt at every arrival.

use std::sync::Arc;

use super::driven;
use super::explore::{self, Counts, ExploreError, ExploreRequest, Loss, NotExplored};
use super::headless::{Boards, RunError};
use super::judge::CheckedRun;
use super::record::RunRequest;
use crate::session::EndReason;
use course::{Lesson, Settings};

/// The seed of checks, on the page and on the command line: a verdict does not depend on luck.
pub const CHECK_SEED: u64 = 1;
/// The progress is told after so many arrivals.
const ARRIVALS_A_STEP: u32 = 64;

/// Where a check is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CheckProgress<'a> {
    /// The run's key.
    pub run: &'a str,
    /// Its number, from 0. The explorations follow the runs.
    pub at: usize,
    /// How many there are.
    pub of: usize,
    /// How far the run is, 0 to 1.
    pub share: f32,
}

/// Everything that a check found out.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// The runs.
    pub runs: Vec<CheckedRun>,
    /// The arrivals tried with the settings of each run; none where the lesson has no explorer, or
    /// the program failed already.
    pub arrivals: Vec<CheckedArrivals>,
}

/// Every arrival, tried with the settings of a run.
#[derive(Clone, Debug)]
pub struct CheckedArrivals {
    /// The run's key.
    pub run: String,
    /// All controls.
    pub settings: Settings,
    /// What came of them, or why they could not be tried.
    pub tried: Result<(Counts, Option<Loss>), NotExplored>,
}

impl CheckedArrivals {
    /// Whether every arrival was tried and none of them lost anything or broke the program.
    #[must_use]
    pub fn passed(&self) -> bool {
        matches!(self.tried, Ok((counts, None)) if counts.kept == counts.tried)
    }

    /// The losing arrival that is told most shortly.
    #[must_use]
    pub fn loss(&self) -> Option<&Loss> {
        self.tried.as_ref().ok()?.1.as_ref()
    }
}

/// Runs `program` as the lesson's exercise asks. A program that ends with an exception, crashes the board
/// or counts for nothing is not run again. `go_on` hears the progress; false gives the check up.
///
/// # Errors
/// [`RunError`]; a program that fails is no error.
pub fn runs(
    lesson: &Lesson,
    program: &str,
    boards: &dyn Boards,
    go_on: &mut dyn FnMut(CheckProgress<'_>) -> bool,
) -> Result<Checked, RunError> {
    let mut checked = Checked::default();
    let count = lesson.exercise.runs.len();
    let booted = boards.booted().filter(|_| lesson.checks_arrivals());
    let of = if booted.is_some() { 2 * count } else { count };
    // When a button is pressed depends on every letter of the program, so that none can know it.
    let (seed, wiring) = match lesson.exercise.moves_vary_us {
        0 => (CHECK_SEED, Arc::clone(&lesson.wiring)),
        most_us => {
            let seed = driven::seed(program).into();
            (seed, Arc::new(lesson.wiring.varied(most_us, seed)))
        }
    };
    for (at, run) in lesson.exercise.runs.iter().enumerate() {
        let request = RunRequest {
            lesson: lesson.slug.clone(),
            program: program.to_owned(),
            own_program: true,
            driver: lesson.exercise.driver.clone(),
            settings: lesson.settings(&run.set).map_err(|error| RunError::Setting(error.to_string()))?,
            seconds: lesson.exercise.seconds,
            seed,
            wiring: Arc::clone(&wiring),
        };
        let record = boards.run(&request, &mut |share| go_on(CheckProgress { run: &run.id, at, of, share }))?;
        // Neither the other runs nor the explorer say more of a program that failed, or that counts for nothing.
        let failed = matches!(
            record.end.why,
            EndReason::Exception | EndReason::Crashed | EndReason::DeepSleep | EndReason::NotStarted
        ) || record.seen.as_ref().is_some_and(|seen| seen.trouble.is_some());
        checked.runs.push((run.id.clone(), record));
        if failed {
            return Ok(checked);
        }
    }
    let Some(booted) = booted else { return Ok(checked) };
    for (at, run) in lesson.exercise.runs.iter().enumerate() {
        let settings = lesson.settings(&run.set).map_err(|error| RunError::Setting(error.to_string()))?;
        let request = ExploreRequest {
            program: program.to_owned(),
            exercise: true,
            settings: settings.clone(),
            seed: CHECK_SEED,
        };
        let explored = explore::open(lesson, request, booted).and_then(|mut exploration| {
            let arrivals = exploration.arrivals();
            exploration.try_each(&mut |done| {
                let share = done as f32 / arrivals as f32;
                !done.is_multiple_of(ARRIVALS_A_STEP)
                    || go_on(CheckProgress { run: &run.id, at: count + at, of, share })
            })
        });
        let tried = match explored {
            Ok(report) => Ok((report.in_window(), report.shortest_loss().cloned())),
            Err(ExploreError::Cancelled) => return Err(RunError::Cancelled),
            Err(ExploreError::Line(fault)) => return Err(RunError::Line(fault)),
            Err(error) => Err(NotExplored::of(&error).ok_or_else(|| RunError::Explorer(error.to_string()))?),
        };
        checked.arrivals.push(CheckedArrivals { run: run.id.clone(), settings, tried });
    }
    Ok(checked)
}

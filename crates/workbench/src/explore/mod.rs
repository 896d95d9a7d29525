//! The race explorer on lessons: brings a board to a lesson's window, tries every arrival, and puts
//! the outcome into words and data.
//!
//! The program runs to its end first, with a time limit of one millisecond, so that its own loop is
//! over at once. Then the lesson's driver, in the same globals, executes the piece of interest
//! between two marks. No telemetry and no alarm of its own comes in between.

mod error;
mod open;
mod pairs;
mod played;
mod replay;
mod report;
mod share;
mod told;
mod whole;
mod words;

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use emulator::Source;
use explorer::explore::{Arrivals, Run};
use explorer::outcome::{Point, Verdict};
use explorer::window::{Firmware, Place, Window};
use serde_json::{Map, Value};

use crate::hands::{Hands, Job};
use crate::version::BoardVersion;
use course::{Lesson, Measured, Settings};
pub use error::{ExploreError, NotExplored};
pub use open::open;
pub use pairs::Pairs;
pub use played::Played;
pub use replay::{OtherFirmware, Recipe, Replay, ReplayError, recipe};
pub use report::{Bytecode, Counts, Loss, Report};
pub use share::{Share, share};
pub use whole::whole;

/// What all arrivals together may execute. At 300 million instructions a second and core, this is
/// half a minute; a window that needs more is not one statement.
const MOST_INSTRUCTIONS: u64 = 10_000_000_000;

/// What to explore.
#[derive(Clone, Debug, PartialEq)]
pub struct ExploreRequest {
    /// The program; the lesson's own, or one that solves its exercise.
    pub program: String,
    /// Whether `program` is for the exercise.
    pub exercise: bool,
    /// All controls.
    pub settings: Settings,
    /// Fixes what would be chance on silicon.
    pub seed: u64,
}

/// A lesson's window, opened.
#[derive(Debug)]
pub struct Exploration {
    lesson: Lesson,
    request: ExploreRequest,
    source: Source,
    window: Window,
    firmware: Firmware,
    version: BoardVersion,
}

/// What became of one arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tried {
    point: Point,
    /// Where the scheduler ran the first thing that was queued.
    scheduled: Option<u32>,
    /// Instructions from the window's first boundary to the end of the run.
    instructions: u64,
    /// Tells the values that were reported from others.
    values: u64,
}

impl Exploration {
    /// What is explored.
    #[must_use]
    pub fn request(&self) -> &ExploreRequest {
        &self.request
    }

    /// The lesson's slug.
    #[must_use]
    pub fn lesson(&self) -> &str {
        &self.lesson.slug
    }

    /// How many arrivals there are to try.
    #[must_use]
    pub fn arrivals(&self) -> u32 {
        self.window.instructions() + 1
    }

    /// Tries every arrival, shared among hands. `go_on` hears how many are done; false gives it up.
    ///
    /// # Errors
    /// [`ExploreError::Cancelled`], [`ExploreError::TooMuch`].
    pub fn try_all(&mut self, hands: &dyn Hands, go_on: &(dyn Fn(u32) -> bool + Sync)) -> Result<Report, ExploreError> {
        let tried = self.tried(hands, go_on)?;
        Ok(self.report(&tried))
    }

    /// Tries every arrival, one after the other. `go_on` hears how many are done; false gives it up.
    ///
    /// # Errors
    /// As [`try_all`](Self::try_all).
    pub fn try_each(&mut self, go_on: &mut dyn FnMut(u32) -> bool) -> Result<Report, ExploreError> {
        let (mut tried, mut executed) = (Vec::new(), 0);
        for at in 0..self.arrivals() {
            let run = self.window.try_arrivals(&Arrivals { source: self.source, at: &[at] });
            tried.push(self.judged(&run));
            executed += run.instructions;
            if executed > MOST_INSTRUCTIONS {
                return Err(self.too_much());
            }
            if !go_on(at + 1) {
                return Err(ExploreError::Cancelled);
            }
        }
        Ok(self.report(&tried))
    }

    fn too_much(&self) -> ExploreError {
        ExploreError::TooMuch { arrivals: self.arrivals(), limit: MOST_INSTRUCTIONS / 1_000_000 }
    }

    /// Tries every arrival.
    fn tried(&mut self, hands: &dyn Hands, go_on: &(dyn Fn(u32) -> bool + Sync)) -> Result<Vec<Tried>, ExploreError> {
        let workers = hands.count().max(1) as u32;
        let arrivals = self.arrivals();
        let forks: Vec<Window> = (0..workers).map(|_| self.window.fork()).collect();
        let all: Mutex<Vec<Option<Tried>>> = Mutex::new(vec![None; arrivals as usize]);
        let (done, executed) = (AtomicU32::new(0), AtomicU64::new(0));
        let jobs = (0u32..).zip(forks).map(|(worker, mut fork)| -> Job<'_> {
            let (all, done, executed, this) = (&all, &done, &executed, &*self);
            Box::new(move || {
                let share = |at: u32| (u64::from(arrivals) * u64::from(at) / u64::from(workers)) as u32;
                let _ = fork.try_each(this.source, share(worker)..share(worker + 1), |at, run| {
                    let tried = this.judged(&run);
                    all.lock().unwrap_or_else(PoisonError::into_inner)[at as usize] = Some(tried);
                    // The sum over all arrivals decides, not who came first: the answer is the same every time.
                    let executed = executed.fetch_add(run.instructions, Ordering::Relaxed) + run.instructions;
                    match executed <= MOST_INSTRUCTIONS && go_on(done.fetch_add(1, Ordering::Relaxed) + 1) {
                        true => ControlFlow::Continue(()),
                        false => ControlFlow::Break(()),
                    }
                });
            })
        });
        hands.work(jobs.collect());
        if executed.into_inner() > MOST_INSTRUCTIONS {
            return Err(self.too_much());
        }
        let all: Option<Vec<Tried>> = all.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().collect();
        all.ok_or(ExploreError::Cancelled)
    }

    fn judged(&self, run: &Run) -> Tried {
        let mut hasher = DefaultHasher::new();
        run.values.hash(&mut hasher);
        Tried {
            point: Point {
                verdict: self.verdict(run),
                delivered: run.delivered.first().map(|delivery| delivery.instruction),
            },
            scheduled: run.scheduled.first().copied(),
            instructions: run.instructions,
            values: hasher.finish(),
        }
    }

    fn verdict(&self, run: &Run) -> Verdict {
        Verdict::of(run, |values| self.holds(values))
    }

    fn holds(&self, values: &[Option<i32>]) -> bool {
        let Some(explorer) = &self.lesson.explorer else { return false };
        let mut measured = Measured::new();
        for (name, value) in explorer.values.iter().zip(values) {
            if let Some(value) = value {
                measured.insert(name.clone(), f64::from(*value));
            }
        }
        explorer.invariant.holds(&measured) == Ok(true)
    }

    /// Reported values, by name.
    fn named(&self, values: &[Option<i32>]) -> Map<String, Value> {
        let names = self.lesson.explorer.iter().flat_map(|explorer| &explorer.values);
        names.cloned().zip(values.iter().map(|value| value.map_or(Value::Null, Value::from))).collect()
    }

    /// The text that a bytecode comes from: the driver's, which opened the window, or the program's.
    fn text_of(&self, place: Place) -> &'static str {
        let context = |listing: usize| self.window.listings.get(listing).map(|listing| listing.context);
        if context(usize::from(place.listing)) == context(0) { "driver" } else { "program" }
    }

    fn arrivals_at<'a>(&self, at: &'a [u32]) -> Arrivals<'a> {
        Arrivals { source: self.source, at }
    }
}

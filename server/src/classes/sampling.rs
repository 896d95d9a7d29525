//! The class as a sampler: what everybody measured with one setting, each with a seed of their own.

use course::lesson::Instrument;
use course::{Course, Lesson, Settings};
use serde::Serialize;
use serde_json::Value;

use super::Classes;
use crate::class::{ClassId, ClassProblem};
use crate::error::Problem;
use crate::pages::bench::key_number_name;

/// What a class measured.
#[derive(Debug, Serialize)]
pub struct Sample {
    /// The measured value.
    name: String,
    /// What it is a share of; `None`: the value itself is shown.
    of: Option<String>,
    /// A point for each learner who has run it; in no order that says whose.
    points: Vec<Point>,
    /// How many learners there are.
    learners: usize,
}

/// One learner's newest run.
#[derive(Clone, Copy, Debug, Serialize)]
struct Point {
    /// The value, or its share between 0 and 1.
    value: f64,
    /// The run's seed.
    seed: u64,
}

impl Classes {
    /// What everybody measured with the lesson's own program and these settings.
    ///
    /// # Errors
    /// There is no such class, lesson or setting, or the database failed.
    pub async fn sample(
        &self,
        course: &Course,
        id: ClassId,
        slug: &str,
        settings: &Settings,
    ) -> Result<Sample, Problem> {
        let lesson = course.lesson(slug).ok_or(ClassProblem::Input)?;
        let learners = self.room(id)?.look(|class| class.seats.len());
        // As rows have them: all controls, in order.
        let settings = serde_json::to_string(&lesson.settings(settings)?).unwrap_or_default();
        let rows = self.store.sample(id, slug.to_owned(), settings).await?;
        let (name, of) = measure(lesson);
        let mut points: Vec<Point> = rows.iter().filter_map(|row| point(row, &name, of.as_deref())).collect();
        points.sort_by(|one, other| one.value.total_cmp(&other.value));
        Ok(Sample { name, of, points, learners })
    }
}

/// What is looked at: the share that the outcome table draws as a bar, else the number that matters most.
fn measure(lesson: &Lesson) -> (String, Option<String>) {
    let bar = lesson.instruments.iter().find_map(|instrument| match instrument {
        Instrument::Outcome { bar, .. } => bar.as_ref(),
        _ => None,
    });
    bar.map_or_else(|| (key_number_name(lesson), None), |bar| (bar.value.clone(), Some(bar.share_of.clone())))
}

/// Whether what the explorer foretells is what a sample of this lesson shows: which share of the interrupts loses something.
#[must_use]
pub fn foretells(lesson: &Lesson) -> bool {
    let share = lesson.explorer.as_ref().and_then(|explorer| explorer.share.as_ref());
    share.is_some_and(|share| measure(lesson) == (share.lost.clone(), Some(share.interrupts.clone())))
}

fn point(row: &Value, name: &str, of: Option<&str>) -> Option<Point> {
    let measured = |name: &str| row["values"][name].as_f64();
    let value = match of {
        None => measured(name)?,
        Some(of) => measured(name)? / measured(of).filter(|whole| *whole > 0.0)?,
    };
    Some(Point { value, seed: row["seed"].as_u64().unwrap_or(0) })
}

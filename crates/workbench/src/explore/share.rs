//! How often a free-running program will lose something, foretold: the share of its main loop's time
//! in which an arrival loses.
//!
//! Two things are found out. How many cycles of one execution lose: every boundary of one round of each
//! of the program's own loops is tried, and weighs as many cycles as the instruction before it takes;
//! `explore_share.py` goes three times round each of them. How many cycles the program takes for one
//! execution on average, with everything else that it does: two short runs without interrupts tell, by
//! their difference. An interrupt that comes at a random moment then loses in losing / average of the
//! cases.
//!
//! The firmware's own interrupts, above all its samples, hold the program up, and that is none of its time: what comes
//! meanwhile finds main where it was interrupted, which is anywhere. Not in it is what the program does only because
//! an interrupt came, such as a trace around its trigger, and that soft callbacks which came during one sample
//! run one after the other, from safe point to safe point.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use explorer::explore::Arrivals;
use explorer::outcome::{Verdict, stretches};
use explorer::window::{Place, Window};
use serde::Serialize;

use super::open::{open_driver, quiet_order};
use super::{Exploration, ExploreError, ExploreRequest};
use crate::emulated::BootedBoard;
use crate::headless::FIRST_RUN;
use crate::line::Line as _;
use crate::session::SessionEvent;
use course::Lesson;

/// The lengths of the two runs without interrupts. What lies between is a second, so that the beginning and the end, where the
/// program does not add, weigh nothing.
const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_millis(1200);
/// How much link time a run may take beyond its length.
const PATIENCE: Duration = Duration::from_secs(20);
/// CPU cycles in a microsecond.
const CYCLES_PER_US: f64 = 160.0;

/// The foretold share of losing arrivals.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Share {
    /// Cycles of one round of the loop in which an arrival loses; where the program has several
    /// loops around the statement, their average.
    pub losing: f64,
    /// Boundaries of one round of the loop.
    pub boundaries: f64,
    /// Cycles for one execution on average, with all that the program does besides, and without the firmware's interrupts.
    pub average: f64,
    /// `losing` / `average`: the share of interrupts that lose, 0 to 1.
    pub share: f64,
}

/// Foretells the share; `None` where the lesson does not say how, or the program has no such loop.
/// `go_on` is asked now and then; false gives it up.
///
/// # Errors
/// As [`open`](super::open()).
pub fn share(
    lesson: &Lesson,
    request: &ExploreRequest,
    boards: &BootedBoard,
    go_on: &dyn Fn() -> bool,
) -> Result<Option<Share>, ExploreError> {
    let Some(how) = lesson.explorer.as_ref().and_then(|explorer| explorer.share.as_ref()) else { return Ok(None) };
    if request.exercise {
        return Ok(None);
    }
    let mut exploration = open_driver(lesson, request.clone(), boards, &how.driver)?;
    let (mut losing, mut boundaries, mut weights) = (0.0, 0.0, 0.0);
    for ((from, to), &weight) in rounds(&exploration.window).into_iter().zip(&how.rounds) {
        for at in from..to {
            if exploration.verdict_at(at) != Verdict::Kept {
                losing += f64::from(weight) * exploration.window.cycles_before(at) as f64;
            }
            if !go_on() {
                return Err(ExploreError::Cancelled);
            }
        }
        boundaries += f64::from(weight) * f64::from(to - from);
        weights += f64::from(weight);
    }
    if weights == 0.0 {
        return Ok(None);
    }
    let (losing, boundaries) = (losing / weights, boundaries / weights);
    let (Some(short), Some(long)) = (
        quiet_run(lesson, request, boards, SHORT, &how.executions)?,
        quiet_run(lesson, request, boards, LONG, &how.executions)?,
    ) else {
        return Ok(None);
    };
    let (executions, us) = (long.executions - short.executions, long.us - short.us);
    if executions <= 0.0 {
        return Ok(None);
    }
    let average = us * CYCLES_PER_US / executions;
    Ok(Some(Share { losing, boundaries, average, share: losing / average }))
}

impl Exploration {
    pub(super) fn verdict_at(&mut self, at: u32) -> Verdict {
        let run = self.window.try_arrivals(&Arrivals { source: self.source, at: &[at] });
        self.verdict(&run)
    }
}

/// One round of each loop in the window, in order: from the second to the third arrival at a bytecode
/// that is executed once in each round.
fn rounds(window: &Window) -> Vec<(u32, u32)> {
    let mut begins: HashMap<Place, Vec<u32>> = HashMap::new();
    let mut order = Vec::new();
    for stretch in stretches(&window.boundaries) {
        let Some(place) = stretch.place else { continue };
        let begins = begins.entry(place).or_default();
        if begins.is_empty() {
            order.push(place);
        }
        begins.push(stretch.from);
    }
    let mut found: Vec<(u32, u32)> = Vec::new();
    for begins in order.iter().filter_map(|place| begins.get(place)) {
        // What begins before the end of the loop found last is a part of it.
        if let [first, from, to] = begins[..]
            && found.last().is_none_or(|last| first > last.1 + (last.1 - last.0))
        {
            found.push((from, to));
        }
    }
    found
}

/// What a run without the program's interrupts measured.
struct Quiet {
    /// What it counted as executions.
    executions: f64,
    /// How long the program ran, without the time in which the firmware's own interrupts held it up.
    us: f64,
}

/// Runs the program without interrupts.
fn quiet_run(
    lesson: &Lesson,
    request: &ExploreRequest,
    boards: &BootedBoard,
    limit: Duration,
    executions: &str,
) -> Result<Option<Quiet>, ExploreError> {
    let mut drive = boards.fresh(request.seed)?;
    drive.line.wire(&Arc::new(lesson.wiring.still()), request.seed)?;
    drive.line.measure_interruptions();
    let start = drive.line.now();
    if drive.session.start(start, quiet_order(request, limit)).is_err() {
        return Ok(None);
    }
    let mut last: Option<Quiet> = None;
    while drive.advance(start + limit + PATIENCE)? {
        while let Some(event) = drive.session.next_event() {
            match event {
                SessionEvent::Sample(_, sample) if sample.run == FIRST_RUN => {
                    let us = sample.run_us as f64 - drive.line.interrupted_us();
                    let told = sample.v.get(executions).map(|&count| Quiet { executions: f64::from(count), us });
                    // A sample after the program's end counts nothing more, and tells a later time.
                    if told.as_ref().map(|told| told.executions) != last.as_ref().map(|last| last.executions) {
                        last = told;
                    }
                }
                SessionEvent::RunEnded(_) => return Ok(last),
                _ => {}
            }
        }
    }
    Ok(None)
}

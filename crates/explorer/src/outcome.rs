//! What became of all the arrivals in a window: verdicts, and where they change.

use serde::Serialize;

use crate::explore::Run;
use crate::window::{Boundary, End, Place, Window};

/// What an arrival did to the program's data, or to the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The program's invariant holds afterwards.
    Kept,
    /// It does not: something was lost.
    Lost,
    /// The program ended before it could say: most likely with an exception.
    Ended,
    /// It did not come to an end within the limit.
    Endless,
    /// The chip was reset.
    Reset,
    /// The processor locked up.
    LockedUp,
}

impl Verdict {
    /// The verdict on a run: how it ended comes first, then `invariant` on the values reported.
    pub fn of(run: &Run, invariant: impl FnOnce(&[Option<i32>]) -> bool) -> Self {
        match run.end {
            None if invariant(&run.values) => Self::Kept,
            None => Self::Lost,
            Some(End::Quiet) => Self::Ended,
            Some(End::Limit) => Self::Endless,
            Some(End::Reset(_)) => Self::Reset,
            Some(End::LockedUp) => Self::LockedUp,
        }
    }
}

/// One arrival and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Point {
    /// What became of it.
    pub verdict: Verdict,
    /// Where the interrupt was delivered, in instructions from the window's first boundary; later
    /// than it arrived where interrupts were off. `None`: never before the end.
    pub delivered: Option<u32>,
}

/// Neighbouring boundaries with one verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Interval {
    /// The first boundary.
    pub from: u32,
    /// The boundary after the last.
    pub to: u32,
    /// Their verdict.
    pub verdict: Verdict,
}

/// Neighbouring boundaries at which main executes one bytecode instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The first boundary.
    pub from: u32,
    /// The boundary after the last.
    pub to: u32,
    /// The instruction; `None` outside bytecode.
    pub place: Option<Place>,
}

/// The boundaries of the statement that the marks enclose, without the marks' own lines.
#[must_use]
pub fn statement(window: &Window) -> std::ops::Range<u32> {
    let boundaries = &window.boundaries;
    let all = 0..boundaries.len() as u32;
    let on_line_of = |edge: &Boundary, boundary: &Boundary| {
        let same_function = edge.place.map(|place| place.listing) == boundary.place.map(|place| place.listing);
        same_function && window.line(edge) == window.line(boundary)
    };
    let (Some(first), Some(last)) = (boundaries.first(), boundaries.last()) else { return all };
    if on_line_of(first, last) {
        return all;
    }
    let from = boundaries.iter().position(|boundary| !on_line_of(first, boundary));
    let to = boundaries.iter().rposition(|boundary| !on_line_of(last, boundary));
    match (from, to) {
        (Some(from), Some(to)) if from <= to => from as u32..to as u32 + 1,
        _ => all,
    }
}

/// Joins neighbouring points with one verdict.
#[must_use]
pub fn intervals(points: &[Point]) -> Vec<Interval> {
    let mut intervals: Vec<Interval> = Vec::new();
    for (at, point) in (0u32..).zip(points) {
        match intervals.last_mut() {
            Some(last) if last.verdict == point.verdict => last.to = at + 1,
            _ => intervals.push(Interval { from: at, to: at + 1, verdict: point.verdict }),
        }
    }
    intervals
}

/// Joins neighbouring boundaries at one bytecode instruction.
#[must_use]
pub fn stretches(boundaries: &[Boundary]) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    for (at, boundary) in (0u32..).zip(boundaries) {
        match stretches.last_mut() {
            Some(last) if last.place == boundary.place => last.to = at + 1,
            _ => stretches.push(Stretch { from: at, to: at + 1, place: boundary.place }),
        }
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_cover_every_point_once() {
        let point = |verdict| Point { verdict, delivered: None };
        let points = [Verdict::Kept, Verdict::Lost, Verdict::Lost, Verdict::Kept].map(point);
        let joined: Vec<_> = intervals(&points).iter().map(|interval| (interval.from, interval.to)).collect();
        assert_eq!(joined, [(0, 1), (1, 3), (3, 4)]);
        assert!(intervals(&[]).is_empty());
    }

    #[test]
    fn how_a_run_ended_decides_before_its_values() {
        let run =
            |end| Run { values: vec![Some(1)], delivered: Vec::new(), scheduled: Vec::new(), end, instructions: 0 };
        assert_eq!(Verdict::of(&run(None), |values| values == [Some(1)]), Verdict::Kept);
        assert_eq!(Verdict::of(&run(None), |_| false), Verdict::Lost);
        assert_eq!(Verdict::of(&run(Some(End::Limit)), |_| true), Verdict::Endless);
        assert_eq!(Verdict::of(&run(Some(End::Quiet)), |_| true), Verdict::Ended);
    }
}

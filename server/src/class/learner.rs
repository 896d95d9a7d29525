//! Who needs the host: the groups of the grid, in the order in which they stand there.

use serde::Serialize;

use super::model::Seat;

/// Failed checks after which somebody is stuck.
const STUCK_CHECKS: u32 = 3;
/// Seconds on one step after which somebody is stuck.
const STUCK_S: i64 = 10 * 60;
/// Seconds without a page after which somebody is away: a reload, a change of lesson and a lost packet take less.
const AWAY_S: i64 = 15;

/// What somebody needs, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// A hand is up.
    Hand,
    /// Checks fail, or it does not go on.
    Stuck,
    /// At work.
    Working,
    /// All lessons of the class are passed.
    Finished,
    /// No page is open.
    Away,
}

/// How somebody stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// In which group.
    pub group: Group,
    /// Since when, in seconds since 1970.
    pub since: i64,
    /// Whether checks, and not the time, say that they are stuck.
    pub by_checks: bool,
}

/// How a learner stands at this moment in a class with these lessons.
#[must_use]
pub fn standing(seat: &Seat, lessons: &[String], now: i64) -> Standing {
    let stands = |group, since| Standing { group, since, by_checks: false };
    if let Some(since) = seat.hand {
        return stands(Group::Hand, since);
    }
    if !seat.is_here() && now - seat.seen >= AWAY_S {
        return stands(Group::Away, seat.seen);
    }
    if !lessons.is_empty()
        && lessons.iter().all(|lesson| seat.work.get(lesson).is_some_and(|work| work.passed.is_some()))
    {
        let last = lessons.iter().filter_map(|lesson| seat.work.get(lesson)?.passed).max();
        return stands(Group::Finished, last.unwrap_or(seat.joined));
    }
    let Some(work) = seat.lesson.as_ref().and_then(|lesson| seat.work.get(lesson)) else {
        return stands(Group::Working, seat.joined);
    };
    // Whoever was away did not stand still meanwhile.
    let since = work.moved.max(seat.came);
    if work.passed.is_some() {
        return stands(Group::Working, since);
    }
    if work.failed >= STUCK_CHECKS {
        return Standing { group: Group::Stuck, since, by_checks: true };
    }
    let group = if now - since >= STUCK_S { Group::Stuck } else { Group::Working };
    stands(group, since)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::class::{Progress, Seat};

    fn seat(work: Progress) -> Seat {
        let mut seat =
            Seat { joined: 100, came: 100, seen: 100, streams: 1, lesson: Some("a".into()), ..Seat::empty() };
        seat.work.insert("a".into(), work);
        seat
    }

    #[track_caller]
    fn check(seat: &Seat, now: i64, group: Group, since: i64) {
        let lessons = ["a".to_owned(), "b".to_owned()];
        let found = standing(seat, &lessons, now);
        assert_eq!((found.group, found.since), (group, since));
    }

    #[test]
    fn three_failed_checks_or_ten_minutes_on_a_step_are_stuck() {
        let work = |failed, moved| Progress { failed, moved, began: moved, ..Progress::default() };
        check(&seat(work(2, 200)), 300, Group::Working, 200);
        check(&seat(work(3, 200)), 300, Group::Stuck, 200);
        check(&seat(work(0, 200)), 799, Group::Working, 200);
        check(&seat(work(0, 200)), 800, Group::Stuck, 200);
        let passed = Progress { passed: Some(250), ..work(0, 250) };
        check(&seat(passed), 9000, Group::Working, 250);
        check(&Seat { came: 700, ..seat(work(0, 200)) }, 1000, Group::Working, 700);
        check(&Seat { lesson: None, ..seat(work(3, 200)) }, 300, Group::Working, 100);
    }

    #[test]
    fn a_hand_goes_first_and_who_is_away_is_not_stuck() {
        let failed = Progress { failed: 5, moved: 200, began: 200, ..Progress::default() };
        check(&Seat { hand: Some(250), streams: 0, ..seat(failed.clone()) }, 900, Group::Hand, 250);
        check(&Seat { streams: 0, seen: 290, ..seat(failed.clone()) }, 300, Group::Stuck, 200);
        check(&Seat { streams: 0, seen: 290, ..seat(failed) }, 305, Group::Away, 290);
    }

    #[test]
    fn finished_is_who_passed_every_lesson() {
        let passed = |at| Progress { passed: Some(at), moved: at, began: 1, ..Progress::default() };
        let mut seat = seat(passed(200));
        check(&seat, 300, Group::Working, 200);
        seat.work.insert("b".into(), passed(280));
        check(&seat, 300, Group::Finished, 280);
    }
}

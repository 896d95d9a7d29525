//! What happened on the pins of a checked run, and whether the program's answers are true.

use std::collections::BTreeMap;

use course::pins::{PinWatch, WatchedEdge};
use emulator::bus::Tick;
use parts::{Edge, Scope};

use super::Answers;
use super::sources::TICKS_PER_MICRO;

/// The record of a run's pins, and what was said of them.
pub(crate) struct Truth<'a> {
    scope: &'a Scope,
    begun: Tick,
    ended: Tick,
    answers: &'a Answers,
}

/// An edge or a group of them: when it begins, and how many there are from then on.
type Step = (Tick, i64);

impl<'a> Truth<'a> {
    /// What a record says of the time between two ticks.
    pub(crate) fn new(scope: &'a Scope, (begun, ended): (Tick, Tick), answers: &'a Answers) -> Self {
        Self { scope, begun, ended, answers }
    }

    /// What these look at, under the names of criteria.
    pub(crate) fn of(&self, watches: &[PinWatch]) -> BTreeMap<String, i64> {
        let mut seen = BTreeMap::new();
        for watch in watches {
            match watch {
                PinWatch::Count { name, answer, within_us, .. } => {
                    let (steps, longest) = self.steps(watch);
                    seen.insert(format!("{name}_us"), micros(longest));
                    let said = answer.as_ref().map(|answer| self.said(answer)).unwrap_or_default();
                    // Before the first report the program was not ready: setting up a pin makes edges, too.
                    let ready = said.first().map_or(0, |(tick, _)| *tick);
                    let before = steps.iter().take_while(|(tick, _)| *tick <= ready).last();
                    let [all, before] = [steps.last(), before].map(|step| step.map_or(0, |(_, count)| *count));
                    seen.insert(name.clone(), all - before);
                    let Some(answer) = answer else { continue };
                    let judged = compare(&steps, said, within_us.saturating_mul(TICKS_PER_MICRO));
                    seen.insert(format!("{answer}_off"), judged.off);
                    seen.insert(format!("{answer}_late"), micros(judged.late));
                }
                PinWatch::Follow { name, pin, other, inverted } => {
                    seen.insert(format!("{name}_late"), micros(self.apart(*pin, *other, *inverted)));
                }
                PinWatch::Width { name, pin, answer, within_us } => {
                    let widths = self.widths(*pin);
                    let wrong = |(at, said): &&(Tick, i64)| {
                        let last = widths.partition_point(|(end, _)| end <= at).checked_sub(1);
                        last.is_none_or(|last| micros(widths[last].1).abs_diff(*said) > *within_us)
                    };
                    let off = self.said(answer).iter().filter(wrong).count();
                    seen.insert(name.clone(), widths.len() as i64);
                    seen.insert(format!("{answer}_off"), off as i64);
                }
            }
        }
        seen
    }

    fn said(&self, answer: &str) -> &[(Tick, i64)] {
        self.answers.get(answer).map(Vec::as_slice).unwrap_or_default()
    }

    /// The changes of these pins while the exercise ran; what came before made the level from which they begin.
    fn edges(&self, pins: u32) -> Vec<Edge> {
        self.scope.edges(pins, self.ended).0
    }

    /// The steps of a count, and the longest time that one group of edges takes.
    fn steps(&self, watch: &PinWatch) -> (Vec<Step>, Tick) {
        let PinWatch::Count { pin, edge, by_chip, quiet_us, up_when_high, .. } = watch else { return (Vec::new(), 0) };
        let quiet = quiet_us.saturating_mul(TICKS_PER_MICRO);
        let sign = up_when_high.map_or(0, |pin| 1 << pin);
        let mut up = up_when_high.is_none_or(|pin| self.scope.first_level(pin));
        let (mut steps, mut longest, mut count) = (Vec::new(), 0, 0);
        let mut group: Option<(Tick, Tick)> = None;
        for change in self.edges(1 << pin | sign) {
            if Some(change.pin) == *up_when_high {
                up = change.level;
                continue;
            }
            if change.tick < self.begun || change.by_chip != *by_chip {
                continue;
            }
            if let Some((first, last)) = &mut group
                && quiet > 0
                && change.tick - *last <= quiet
            {
                *last = change.tick;
                longest = longest.max(change.tick - *first);
                continue;
            }
            group = Some((change.tick, change.tick));
            let wanted = match edge {
                WatchedEdge::Rising => change.level,
                WatchedEdge::Falling => !change.level,
                WatchedEdge::Any => true,
            };
            if wanted {
                count += if up { 1 } else { -1 };
                steps.push((change.tick, count));
            }
        }
        (steps, longest)
    }

    /// The longest time for which a pin was not at the level of another one.
    fn apart(&self, pin: u8, other: u8, inverted: bool) -> Tick {
        let [mut level, mut followed] = [pin, other].map(|pin| self.scope.first_level(pin));
        let mut since = None;
        let mut longest = 0;
        let ends = Edge { tick: self.ended, pin: u8::MAX, level: false, by_chip: false };
        for change in self.edges(1 << pin | 1 << other).into_iter().chain([ends]) {
            let now = change.tick.max(self.begun);
            if let Some(since) = since {
                longest = longest.max(now.saturating_sub(since));
            }
            if change.pin == pin {
                level = change.level;
            } else if change.pin == other {
                followed = change.level;
            }
            since = if (level == followed) == inverted { since.or(Some(now)) } else { None };
        }
        longest
    }

    /// The high pulses that have ended: when, and how long they were.
    fn widths(&self, pin: u8) -> Vec<(Tick, Tick)> {
        let mut rose = None;
        let mut widths = Vec::new();
        for change in self.edges(1 << pin).into_iter().filter(|change| !change.by_chip) {
            match (change.level, rose.take()) {
                (true, _) => rose = Some(change.tick),
                (false, Some(rose)) if rose >= self.begun => widths.push((change.tick, change.tick - rose)),
                _ => {}
            }
        }
        widths
    }
}

/// What a row of reports is worth.
#[derive(Debug, PartialEq, Eq)]
struct Compared {
    /// Reports of numbers that the count did not have shortly before.
    off: i64,
    /// How long after its step the latest one was reported.
    late: Tick,
}

/// Compares a count with what was reported of it. The first report says where the program began to count.
fn compare(steps: &[Step], said: &[(Tick, i64)], within: Tick) -> Compared {
    let at = |tick: Tick| steps.partition_point(|(step, _)| *step <= tick);
    let count = |steps_before: usize| steps_before.checked_sub(1).map_or(0, |last| steps[last].1);
    let (Some(&(first, first_said)), Some(&(last, _))) = (said.first(), said.last()) else {
        return Compared { off: 0, late: Tick::MAX };
    };
    let base = count(at(first)) - first_said;
    let is_true = |tick: Tick, number: i64| {
        let [from, to] = [at(tick.saturating_sub(within)), at(tick)];
        (from..=to).any(|before| count(before) - base == number)
    };
    let off = said.iter().filter(|(tick, number)| !is_true(*tick, *number)).count() as i64;
    let mut late = 0;
    let mut reports = said.iter().peekable();
    for (step, number) in &steps[at(first)..at(last)] {
        while reports.next_if(|(_, said)| said + base < *number).is_some() {}
        let reported = reports.peek().map_or(last, |(tick, _)| *tick);
        late = late.max(reported.saturating_sub(*step));
    }
    Compared { off, late }
}

fn micros(ticks: Tick) -> i64 {
    i64::try_from(ticks / TICKS_PER_MICRO).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: [Step; 4] = [(100, 1), (200, 2), (300, 3), (400, 4)];

    #[test]
    fn reports_in_time_are_true() {
        let said = [(50, 0), (110, 1), (205, 2), (304, 3), (450, 4)];
        assert_eq!(compare(&STEPS, &said, 20), Compared { off: 0, late: 50 });
    }

    #[test]
    fn whoever_begins_to_count_later_is_not_wrong() {
        let said = [(210, 1), (310, 2), (410, 3)];
        assert_eq!(compare(&STEPS, &said, 20), Compared { off: 0, late: 10 });
    }

    #[test]
    fn a_number_that_is_known_before_is_none() {
        let said = [(50, 4), (250, 4), (450, 4)];
        let compared = compare(&STEPS, &said, 20);
        assert_eq!((compared.off, compared.late), (2, 350));
    }

    #[test]
    fn a_step_that_nobody_reports_is_late() {
        let said = [(50, 0), (110, 1), (205, 1), (304, 1), (450, 1)];
        let compared = compare(&STEPS, &said, 20);
        assert_eq!((compared.off, compared.late), (2, 250));
    }
}

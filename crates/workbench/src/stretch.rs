//! Stretches of a run between two changes of a control: what was measured in each of them.
//!
//! A board counts from the start of a run. What a stretch adds is the difference between two samples: one that comes
//! when the change has taken effect, and the last one before the next change. A largest value of the whole run says
//! something of a stretch only where it grew there; otherwise the stretch leaves it open.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use course::Settings;
use protocol::received::{Sample, Source};

use crate::record::RunRecord;

/// After a change so much of the run's time belongs to no stretch: the program looks at its settings now and then, and
/// may begin to count anew.
const SETTLE_US: u64 = 250_000;
/// A shorter stretch is passed through, as a slider is, and not tried.
const SHORTEST_US: u64 = 500_000;
/// Stretches that a record keeps.
const MOST: usize = 16;

/// A stretch of a run with constant settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    /// Every control of the lesson.
    pub settings: Settings,
    /// Whether the run ended with it, and not a change of a control.
    pub to_the_end: bool,
    /// All numbers at its end, counted from the run's start.
    pub last: Sample,
    lists: BTreeMap<String, Vec<i32>>,
    /// Where it began to count; `None` for the run's start.
    base: Option<Point>,
    /// Which of the record's exceptions fell into it.
    exceptions: Range<usize>,
}

/// All numbers at one instant, lists included.
#[derive(Clone, Debug, PartialEq)]
struct Point {
    sample: Sample,
    lists: BTreeMap<String, Vec<i32>>,
}

/// Cuts a run into stretches while it goes on.
#[derive(Clone, Debug)]
pub struct Stretches {
    done: Vec<Stretch>,
    settings: Settings,
    /// When the present one's change was made, in the run's time; `None` for the run's start.
    since_us: Option<u64>,
    base: Option<Point>,
    last: Option<Point>,
    first_exception: usize,
    exceptions: usize,
    now_us: u64,
}

impl Stretches {
    /// A run begins with these settings.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self {
            done: Vec::new(),
            settings: settings.clone(),
            since_us: None,
            base: None,
            last: None,
            first_exception: 0,
            exceptions: 0,
            now_us: 0,
        }
    }

    /// Hears a sample; `lists` are the newest ones, which only some samples bring.
    pub fn hear(&mut self, sample: &Sample, lists: &BTreeMap<String, Vec<i32>>) {
        self.now_us = sample.run_us;
        if sample.h.is_empty() && !lists.is_empty() {
            return;
        }
        let point = Point { sample: sample.clone(), lists: lists.clone() };
        match self.since_us {
            Some(since) if sample.run_us < since + SETTLE_US => {}
            Some(_) if self.base.is_none() => self.base = Some(point),
            _ => self.last = Some(point),
        }
    }

    /// An exception was kept.
    pub fn hear_exception(&mut self) {
        self.exceptions += 1;
    }

    /// From now on these settings hold.
    pub fn cut(&mut self, settings: &Settings) {
        self.close(false);
        settings.clone_into(&mut self.settings);
        (self.since_us, self.base, self.last) = (Some(self.now_us), None, None);
        self.first_exception = self.exceptions;
    }

    /// The stretches of a run that is over; none where no control was changed. `last` are the run's last numbers.
    #[must_use]
    pub fn finish(mut self, last: Option<(&Sample, &BTreeMap<String, Vec<i32>>)>) -> Vec<Stretch> {
        if self.since_us.is_none() {
            return Vec::new();
        }
        if let Some((sample, lists)) = last {
            self.last = Some(Point { sample: sample.clone(), lists: lists.clone() });
        }
        self.close(true);
        self.done
    }

    fn close(&mut self, to_the_end: bool) {
        let (base, last) = (self.base.take(), self.last.take());
        let Some(Point { sample, lists }) = last else { return };
        let begun_us = match (&base, self.since_us) {
            (Some(base), _) => base.sample.run_us,
            (None, None) => 0,
            (None, Some(_)) => return,
        };
        if sample.run_us < begun_us + SHORTEST_US || self.done.len() == MOST {
            return;
        }
        self.done.push(Stretch {
            settings: self.settings.clone(),
            to_the_end,
            last: sample,
            lists,
            base,
            exceptions: self.first_exception..self.exceptions,
        });
    }
}

impl RunRecord {
    /// The stretches of a run whose controls were changed midway, as records of their own; none where nothing was
    /// changed, or nothing was left alone for long enough. `states` are the program's numbers that are no counts.
    #[must_use]
    pub fn by_stretch(&self, states: &BTreeSet<&str>) -> Vec<Self> {
        self.stretches.iter().map(|stretch| self.of_stretch(stretch, states)).collect()
    }

    fn of_stretch(&self, stretch: &Stretch, states: &BTreeSet<&str>) -> Self {
        let mut part = self.clone();
        part.stretches = Vec::new();
        part.changed = BTreeSet::new();
        part.request.settings.clone_from(&stretch.settings);
        part.exceptions = self.exceptions.get(stretch.exceptions.clone()).unwrap_or_default().to_vec();
        part.lists.clone_from(&stretch.lists);
        part.last = Some(stretch.last.clone());
        if let Some(base) = &stretch.base {
            part.lists =
                stretch.lists.iter().map(|(name, list)| (name.clone(), list_since(base, name, list))).collect();
            part.last = Some(since(&base.sample, &stretch.last, states));
            part.unmeasured = older_extremes(&base.sample, &stretch.last);
        }
        part
    }
}

/// A list's growth; one that has shrunk somewhere was begun anew.
fn list_since(base: &Point, name: &str, list: &[i32]) -> Vec<i32> {
    let before = base.lists.get(name).map_or(&[][..], Vec::as_slice);
    let grown: Option<Vec<i32>> = list
        .iter()
        .enumerate()
        .map(|(at, value)| value.checked_sub(before.get(at).copied().unwrap_or_default()).filter(|grown| *grown >= 0))
        .collect();
    grown.unwrap_or_else(|| list.to_vec())
}

/// What was counted from `base` to `last`; a count that has become smaller was begun anew.
fn since(base: &Sample, last: &Sample, states: &BTreeSet<&str>) -> Sample {
    let count = |before: u32, now: u32| now.checked_sub(before).unwrap_or(now);
    let src = last.src.iter().map(|source| match base.src.iter().find(|before| before.id == source.id) {
        Some(before) => Source {
            expected: count(before.expected, source.expected),
            fired: count(before.fired, source.fired),
            missed: count(before.missed, source.missed),
            ran: count(before.ran, source.ran),
            dropped: count(before.dropped, source.dropped),
            ..source.clone()
        },
        None => source.clone(),
    });
    let values = last.v.iter().map(|(name, now)| {
        let before = base.v.get(name).copied().unwrap_or_default();
        let grown = now.checked_sub(before).filter(|grown| *grown >= 0 && !states.contains(&name[..]));
        (name.clone(), grown.unwrap_or(*now))
    });
    Sample {
        run_us: last.run_us.saturating_sub(base.run_us),
        main: count(base.main, last.main),
        exc: count(base.exc, last.exc),
        lost_frames: count(base.lost_frames, last.lost_frames),
        bad_bytes: count(base.bad_bytes, last.bad_bytes),
        src: src.collect(),
        v: values.collect(),
        ..last.clone()
    }
}

/// The names of largest and typical values that may be older than `base`.
fn older_extremes(base: &Sample, last: &Sample) -> BTreeSet<String> {
    let mut older = BTreeSet::new();
    for (name, before, now) in [
        ("qmax", base.qmax.into(), last.qmax.into()),
        ("stall_max", base.stall_max, last.stall_max),
        ("locked_max", base.locked_max, last.locked_max),
    ] {
        if before > 0 && now == before {
            older.insert(name.to_owned());
        }
    }
    for (at, source) in last.src.iter().enumerate() {
        let Some(before) = base.src.iter().find(|before| before.id == source.id && before.ran > 0) else { continue };
        let same_max = before.lat.max == source.lat.max;
        let names = ["min", "p50", "p99"].into_iter().chain(same_max.then_some("max"));
        for name in names {
            older.insert(format!("{}.lat_{name}", source.id));
            if at == 0 {
                older.insert(format!("lat_{name}"));
            }
        }
    }
    older
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use course::Setting;
    use course::relation::Value;

    use super::*;
    use crate::record::Recorder;
    use crate::record::tests::{end, request, sample};
    use crate::session::{EndReason, SessionEvent};

    /// The sample of the record's tests at `ms` of the run, after so many callbacks of `t0`.
    fn at(ms: u64, ran: u32, lost: i32, stall_max: u32) -> SessionEvent {
        let mut sample = sample(3);
        (sample.run_us, sample.stall_max) = (ms * 1000, stall_max);
        for source in &mut sample.src {
            source.ran = if source.id == "t0" { ran } else { 0 };
        }
        sample.v.insert("lost".into(), lost);
        sample.v.insert("share".into(), i32::try_from(ms / 1000).unwrap());
        sample.h.insert("H".into(), vec![i32::try_from(ran).unwrap(), 0]);
        SessionEvent::Sample(Arc::from("{}"), sample)
    }

    fn record(events: &[SessionEvent], changes: &[(usize, &str)]) -> RunRecord {
        let mut recorder = Recorder::new(request(), 3, None);
        for (number, event) in events.iter().enumerate() {
            for (_, kind) in changes.iter().filter(|(before, _)| *before == number) {
                recorder.control_changed("kind", Setting::Text((*kind).to_owned()));
            }
            recorder.hear(event, None);
        }
        recorder.hear(&end(3, EndReason::Finished), None).unwrap()
    }

    fn numbers(record: &RunRecord, names: &[&str]) -> Vec<Option<f64>> {
        let measured = record.measured();
        let number = |name: &&str| match measured.get(name) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        };
        names.iter().map(number).collect()
    }

    const NAMES: [&str; 6] = ["t0.ran", "lost", "H.0", "share", "stall_max", "run_us"];

    #[test]
    fn each_stretch_has_what_it_added_and_leaves_open_what_is_older() {
        let events = [
            at(1000, 1000, 0, 40),
            at(1100, 1100, 3, 40),
            at(1400, 1400, 5, 40),
            at(3400, 3400, 905, 40),
            at(3500, 3500, 950, 40),
        ];
        let record = record(&events, &[(1, "hard")]);
        let parts = record.by_stretch(&BTreeSet::from(["share"]));
        let settings: Vec<_> = parts.iter().map(|part| part.request.settings["kind"].to_string()).collect();
        assert_eq!(settings, ["soft", "hard"]);
        assert_eq!(numbers(&parts[0], &NAMES), [1000.0, 0.0, 1000.0, 1.0, 40.0, 1e6].map(Some));
        let later = [Some(2100.0), Some(945.0), Some(2100.0), Some(3.0), None, Some(2.1e6)];
        assert_eq!(numbers(&parts[1], &NAMES), later);
        assert_eq!(parts.iter().map(|part| part.changed.len()).sum::<usize>(), 0);
        assert_eq!(record.stretches.iter().map(|stretch| stretch.to_the_end).collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn a_program_that_counts_anew_is_taken_at_its_word_and_a_larger_maximum_is_the_stretchs_own() {
        let events = [at(1000, 1000, 50, 40), at(1400, 1400, 60, 40), at(2400, 2400, 7, 900)];
        let record = record(&events, &[(1, "hard")]);
        let part = &record.by_stretch(&BTreeSet::new())[1];
        assert_eq!(numbers(part, &["lost", "stall_max"]), [Some(7.0), Some(900.0)]);
    }

    #[test]
    fn what_is_passed_through_is_no_stretch_and_an_unchanged_run_has_none() {
        let events = [at(1000, 1000, 0, 40), at(1100, 1100, 0, 40), at(1700, 1700, 0, 40), at(1800, 1800, 0, 40)];
        let kinds = |record: &RunRecord| {
            let parts = record.by_stretch(&BTreeSet::new());
            parts.iter().map(|part| part.request.settings["kind"].to_string()).collect::<Vec<_>>()
        };
        assert_eq!(kinds(&record(&events, &[(1, "hard"), (3, "soft")])), ["soft"]);
        assert_eq!(kinds(&record(&events[..2], &[(0, "hard"), (1, "soft")])), Vec::<String>::new());
        assert_eq!(kinds(&record(&events, &[])), Vec::<String>::new());
    }

    #[test]
    fn a_hand_that_never_rests_does_not_grow_a_record() {
        let mut stretches = Stretches::new(&request().settings);
        for n in 0..10_000_u64 {
            let SessionEvent::Sample(_, sample) = at(n * 400, 1, 0, 0) else { unreachable!() };
            stretches.hear(&sample, &BTreeMap::new());
            if n % 4 == 0 {
                stretches.cut(&request().settings);
            }
        }
        assert_eq!(stretches.finish(None).len(), MOST);
    }
}

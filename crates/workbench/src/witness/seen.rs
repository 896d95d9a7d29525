//! What the witness of a run has seen, under the names of criteria.

use std::collections::BTreeMap;

use course::Measured;

use super::Trouble;
use super::sources::Timer;
use crate::record::ExceptionRecord;

const LATENCIES: [&str; 4] = ["lat_min", "lat_p50", "lat_p99", "lat_max"];

/// A number of a timer.
type Count = fn(&Timer) -> u32;

/// What was seen from outside.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The numbers that the driver reported.
    pub values: BTreeMap<String, i64>,
    /// What was seen on the pins.
    pub on_pins: BTreeMap<String, i64>,
    pub(super) timers: [Timer; 2],
    pub(super) main: u32,
    pub(super) stall_max: u32,
    pub(super) locked_max: u32,
    pub(super) exceptions: Vec<ExceptionRecord>,
    pub(super) exception_count: u32,
    /// Why the run counts for nothing.
    pub trouble: Option<Trouble>,
}

impl Seen {
    /// Takes out exceptions that are not the program's.
    pub(crate) fn forget(&mut self, exception: fn(&ExceptionRecord) -> bool) {
        let before = self.exceptions.len();
        self.exceptions.retain(|raised| !exception(raised));
        let forgotten = u32::try_from(before - self.exceptions.len()).unwrap_or(u32::MAX);
        self.exception_count = self.exception_count.saturating_sub(forgotten);
    }

    /// Writes everything under the names that relations use.
    pub(crate) fn insert_into(&self, measured: &mut Measured) {
        for (name, value) in self.values.iter().chain(&self.on_pins) {
            measured.insert(name, *value as f64);
        }
        let used = || self.timers.iter().filter(|timer| timer.used);
        let sums: [(&str, Count); 6] = [
            ("expected", |timer| timer.fired.saturating_add(timer.missed)),
            ("fired", |timer| timer.fired),
            ("missed", |timer| timer.missed),
            ("ran", Timer::ran),
            ("dropped", |timer| timer.dropped),
            ("disabled", |timer| timer.disabled.into()),
        ];
        for (name, count) in sums {
            measured.insert(name, f64::from(used().map(count).fold(0, u32::saturating_add)));
        }
        for (slot, timer) in self.timers.iter().enumerate().filter(|(_, timer)| timer.used) {
            for (name, count) in sums {
                measured.insert(format!("t{slot}.{name}"), f64::from(count(timer)));
            }
            for (name, us) in LATENCIES.into_iter().zip(timer.latencies()) {
                measured.insert(format!("t{slot}.{name}"), f64::from(us));
            }
        }
        if let Some(timer) = used().next() {
            for (name, us) in LATENCIES.into_iter().zip(timer.latencies()) {
                measured.insert(name, f64::from(us));
            }
        }
        let numbers = [
            ("main", self.main),
            ("stall_max", self.stall_max),
            ("locked_max", self.locked_max),
            ("exc", self.exception_count),
        ];
        for (name, number) in numbers {
            measured.insert(name, f64::from(number));
        }
        for (at, exception) in self.exceptions.iter().enumerate() {
            measured.insert(format!("exc{at}.context"), exception.context.as_str());
            measured.insert(format!("exc{at}.class"), exception.class.as_str());
            measured.insert(format!("exc{at}.text"), exception.text.as_str());
        }
    }
}

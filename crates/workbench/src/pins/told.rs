//! The pins over time as a page is told of them: changes as they were recorded, pulse trains in closed form, and what became
//! of interrupts.

use emulator::bus::{TICKS_PER_SECOND, Tick};
use emulator::pins::{Trigger, Wave};
use parts::{Arrow, HEADER_PINS, Lane, Scope, Slice, TimeScale, Trace, Vcd, Wiring};
use serde::Serialize;
use serde_json::{Value, json};

use super::callbacks::{Callbacks, Seen, Source, Step};

/// Changes and steps that one answer holds at most; the next answer goes on from there.
const MOST_AT_ONCE: usize = 4096;

/// In which form the record is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// What the page draws: what has come since changes and steps of these numbers.
    News {
        /// The record that the numbers are of; those of another record count from its beginning.
        record: u64,
        /// The first change that is not known yet.
        changes: u64,
        /// The first step that is not known yet.
        steps: u64,
    },
    /// A value change dump.
    Vcd,
    /// A trace that Perfetto opens.
    Perfetto,
}

/// A record of one board's pins.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    /// The record's number: another one begins with each run.
    pub(crate) number: u64,
    pub(crate) scope: &'a Scope,
    /// Not where the firmware has no symbols.
    pub(crate) callbacks: Option<&'a Callbacks>,
    pub(crate) wiring: &'a Wiring,
    /// The tick at which the board stands.
    pub(crate) now: Tick,
}

#[derive(Serialize)]
struct TellPin {
    pin: u8,
    name: String,
    /// Where the record begins.
    level: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    wave: Option<Value>,
}

impl Record<'_> {
    /// The answer to whoever asked, as JSON text.
    pub(crate) fn tell(&self, wanted: Wanted, origin: &str) -> String {
        match wanted {
            Wanted::News { record, changes, steps } => self.news(record, changes, steps).to_string(),
            Wanted::Vcd => json!({ "text": self.vcd(origin) }).to_string(),
            Wanted::Perfetto => json!({ "text": self.perfetto(origin) }).to_string(),
        }
    }

    /// The pins as a value change dump.
    pub(crate) fn vcd(&self, origin: &str) -> String {
        let vcd = Vcd { scale: TimeScale::Ns1, pins: self.pins(), comment: origin.to_owned() };
        vcd.write(self.scope, self.now)
    }

    /// The pins, interrupts and callbacks as a trace that Perfetto opens.
    pub(crate) fn perfetto(&self, origin: &str) -> String {
        self.trace(origin).write(self.scope, self.now)
    }

    fn pins(&self) -> Vec<(u8, String)> {
        self.wiring.named_pins(self.scope.moved() & HEADER_PINS)
    }

    fn news(&self, record: u64, changes: u64, steps: u64) -> Value {
        let (changes, steps) = if record == self.number { (changes, steps) } else { (0, 0) };
        let (held, first) = self.scope.changes();
        let known = usize::try_from(changes.saturating_sub(first)).unwrap_or(usize::MAX).min(held.len());
        let told: Vec<Value> = held
            .iter()
            .skip(known)
            .take(MOST_AT_ONCE)
            .map(|event| match event.wave {
                None => json!([event.tick, event.pin, u8::from(event.level)]),
                Some(train) => json!([event.tick, event.pin, u8::from(event.level), wave(train)]),
            })
            .collect();
        let next_change = first + (known + told.len()) as u64;
        let (mut told_steps, mut next_step) = (Vec::new(), steps);
        if let Some(callbacks) = self.callbacks {
            let (seen, first) = callbacks.seen();
            let known = usize::try_from(steps.saturating_sub(first)).unwrap_or(usize::MAX);
            told_steps = seen.skip(known).take(MOST_AT_ONCE).map(step).collect();
            next_step = first.max(steps) + told_steps.len() as u64;
        }
        let pins: Vec<TellPin> = self
            .pins()
            .into_iter()
            .map(|(pin, name)| TellPin {
                pin,
                name,
                level: self.scope.first_level(pin),
                wave: self.scope.first_wave(pin).map(wave),
            })
            .collect();
        let more = next_change < first + held.len() as u64 || told_steps.len() == MOST_AT_ONCE;
        json!({
            "record": self.number,
            "ticks_per_second": TICKS_PER_SECOND,
            "from": self.scope.from(),
            "now": self.now,
            // Changes before this number have left the record.
            "first": first,
            "unseen": self.scope.unseen(),
            "pins": pins,
            "changes": told,
            "next_change": next_change,
            "sees_callbacks": self.callbacks.is_some(),
            "steps": told_steps,
            "next_step": next_step,
            "more": more,
        })
    }

    /// Interrupts and callbacks as lanes under the pins, each alarm with an arrow to its callback.
    fn trace(&self, origin: &str) -> Trace {
        let mut trace = Trace { name: origin.to_owned(), pins: self.pins(), ..Trace::default() };
        let Some(callbacks) = self.callbacks else { return trace };
        let lane = |name: &str| Lane { name: name.to_owned(), ..Lane::default() };
        let (mut interrupts, mut running, mut queue) = (lane("interrupt"), lane("callback"), lane("queue"));
        let (mut waiting, mut open): (Vec<Seen>, Vec<Seen>) = (Vec::new(), Vec::new());
        let mark = |seen: &Seen, what: &str| Slice {
            from: seen.tick,
            to: seen.tick + TICKS_PER_SECOND / 1_000_000,
            name: format!("{}{what}", name_of(seen.source)),
        };
        for seen in callbacks.seen().0 {
            match seen.step {
                Step::Hard => open.push(*seen),
                Step::Queued => {
                    interrupts.slices.push(mark(seen, ""));
                    waiting.push(*seen);
                    queue.depths.push((seen.tick, waiting.len() as i64));
                }
                Step::Dropped => interrupts.slices.push(mark(seen, ", dropped")),
                Step::Soft => {
                    if let Some(at) = waiting.iter().position(|queued| queued.source == seen.source) {
                        let queued = waiting.remove(at);
                        trace.arrows.push(Arrow { from: (0, queued.tick), to: (1, seen.tick) });
                    }
                    queue.depths.push((seen.tick, waiting.len() as i64));
                    open.push(*seen);
                }
                Step::Over => {
                    let Some(begun) = open.iter().rposition(|begun| begun.source == seen.source) else { continue };
                    let begun = open.remove(begun);
                    let lane = if begun.step == Step::Hard { &mut interrupts } else { &mut running };
                    lane.slices.push(Slice { from: begun.tick, to: seen.tick, name: name_of(begun.source) });
                }
            }
        }
        trace.lanes = vec![interrupts, running, queue];
        trace
    }
}

/// A pulse train as a page computes its edges: start, subticks of a count, counts, first active count, active counts, inverted.
fn wave(train: Wave) -> Value {
    let Wave { start, count_subticks, counts, high_from, high_counts, inverted } = train;
    json!([start, count_subticks, counts, high_from, high_counts, u8::from(inverted)])
}

fn step(seen: &Seen) -> Value {
    let word = match seen.step {
        Step::Hard => "hard",
        Step::Queued => "queued",
        Step::Dropped => "dropped",
        Step::Soft => "soft",
        Step::Over => "over",
    };
    let trigger = seen.trigger.map(|trigger| match trigger {
        Trigger::Rising => "rising",
        Trigger::Falling => "falling",
        Trigger::Both => "both",
        Trigger::Low => "low",
        Trigger::High => "high",
    });
    match seen.source {
        Source::Pin(pin) => json!([seen.tick, word, pin, trigger]),
        other => json!([seen.tick, word, name_of(other)]),
    }
}

fn name_of(source: Source) -> String {
    match source {
        Source::Timer(id) => format!("Timer {id}"),
        Source::Pin(pin) => format!("GPIO{pin}"),
        Source::Uart => "UART 1".to_owned(),
        Source::I2cTarget => "I2C target".to_owned(),
    }
}

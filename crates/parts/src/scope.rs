//! The pins over time: a bounded record of every change, to the tick.
//!
//! When the record is full the oldest changes leave it. What left is not forgotten without a trace:
//! [`Lost`] says from when to when, how many edges of each pin, and their digest, so that two runs
//! can still be told apart or found alike.

use std::collections::VecDeque;

use emulator::Machine;
use emulator::bus::Tick;
use emulator::pins::{Drive, PinEvent, Wave};
use serde::Serialize;

use crate::wired::HEADER_PINS;
use crate::wiring::PINS;

/// Edges of pulse trains that one export spells out.
const MAX_WAVE_EDGES: usize = 1 << 20;

/// A pin's level changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Edge {
    /// When, in ticks of 1/480 MHz.
    pub tick: Tick,
    /// GPIO number.
    pub pin: u8,
    /// The level from now on.
    pub level: bool,
    /// Whether the chip itself drives the pin to it.
    pub by_chip: bool,
}

/// What is no longer in the record.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Lost {
    /// The first and the last change that left it.
    pub from: Tick,
    /// The last one.
    pub to: Tick,
    /// Changes of each pin.
    pub changes: [u64; PINS],
    /// A digest of all of them, in order.
    pub digest: u64,
}

/// How a pin stands at the beginning of the record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Base {
    level: bool,
    wave: Option<Wave>,
}

/// A record of the pins.
#[derive(Clone, Debug)]
pub struct Scope {
    capacity: usize,
    begun: Tick,
    base: [Base; PINS],
    events: VecDeque<PinEvent>,
    /// How many there were since the record began, those included that have left it.
    counted: u64,
    lost: Option<Lost>,
    /// Changes that the machine itself had no room for.
    unseen: u64,
    machine_lost: u64,
}

impl Scope {
    /// A record of the last `capacity` changes, from the instant where the machine stands. The machine
    /// watches the pins of its header from now on.
    #[must_use]
    pub fn begin(machine: &mut Machine, capacity: usize) -> Self {
        machine.watch_pins(HEADER_PINS);
        let mut base = [Base::default(); PINS];
        for (pin, base) in (0_u8..).zip(&mut base) {
            if let Some(state) = machine.pin(pin) {
                *base = Base { level: state.level, wave: state.wave };
            }
        }
        Self {
            capacity: capacity.max(1),
            begun: machine.ticks(),
            base,
            events: VecDeque::new(),
            counted: 0,
            lost: None,
            unseen: 0,
            machine_lost: machine.lost_pin_events(),
        }
    }

    /// Takes what the machine told of its pins since it was last asked, into the record, and hands it
    /// on (to [`Wired::follow`](crate::Wired::follow)).
    pub fn take(&mut self, machine: &mut Machine) -> Vec<PinEvent> {
        let events = machine.take_pin_events();
        let lost = machine.lost_pin_events();
        self.unseen += lost.saturating_sub(self.machine_lost);
        self.machine_lost = lost;
        self.record(&events);
        events
    }

    fn record(&mut self, events: &[PinEvent]) {
        // What nobody took before the record began is in its first levels.
        let begun = self.begun;
        for event in events.iter().filter(|event| event.tick >= begun) {
            if self.events.len() >= self.capacity
                && let Some(oldest) = self.events.pop_front()
            {
                self.lose(&oldest);
            }
            self.events.push_back(*event);
            self.counted += 1;
        }
    }

    fn lose(&mut self, event: &PinEvent) {
        let pin = usize::from(event.pin).min(PINS - 1);
        self.base[pin] = Base { level: event.level, wave: event.wave };
        let fresh = Lost { from: event.tick, to: event.tick, changes: [0; PINS], digest: 0xCBF2_9CE4_8422_2325 };
        let lost = self.lost.get_or_insert(fresh);
        lost.to = event.tick;
        lost.changes[pin] += 1;
        let word = event.tick << 8 | u64::from(event.pin) << 1 | u64::from(event.level);
        for byte in word.to_le_bytes() {
            lost.digest = (lost.digest ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    }

    /// Where the record begins: what came before left it.
    #[must_use]
    pub fn from(&self) -> Tick {
        self.lost.as_ref().map_or(self.begun, |lost| lost.to)
    }

    /// What left the record.
    #[must_use]
    pub fn lost(&self) -> Option<&Lost> {
        self.lost.as_ref()
    }

    /// Changes that never reached the record, because nobody took them from the machine in time.
    #[must_use]
    pub fn unseen(&self) -> u64 {
        self.unseen
    }

    /// The changes as the machine told them, oldest first, and the number of the first one: changes are numbered from 0 in
    /// the order in which they came into the record.
    #[must_use]
    pub fn changes(&self) -> (&VecDeque<PinEvent>, u64) {
        (&self.events, self.counted - self.events.len() as u64)
    }

    /// The pulse train on a pin where the record begins.
    #[must_use]
    pub fn first_wave(&self, pin: u8) -> Option<Wave> {
        self.base.get(usize::from(pin))?.wave
    }

    /// Pins that are more than their first level in the record.
    #[must_use]
    pub fn moved(&self) -> u32 {
        let waves = (0..PINS as u8).filter(|pin| self.first_wave(*pin).is_some()).fold(0, |mask, pin| mask | 1 << pin);
        self.events.iter().fold(waves, |mask, event| mask | 1 << event.pin)
    }

    /// The level of a pin where the record begins.
    #[must_use]
    pub fn first_level(&self, pin: u8) -> bool {
        let Some(base) = self.base.get(usize::from(pin)) else { return false };
        base.wave.map_or(base.level, |wave| wave.level_at(self.from()))
    }

    /// Every change of level of the pins of a mask, in order, up to a tick. The pulse trains of LEDC are
    /// spelled out; of trains too long for that, the second value counts how many were cut short.
    #[must_use]
    pub fn edges(&self, pins: u32, until: Tick) -> (Vec<Edge>, u32) {
        let mut edges = Vec::new();
        let mut budget = MAX_WAVE_EDGES;
        let mut cut = 0;
        for pin in (0..PINS as u8).filter(|pin| pins >> pin & 1 != 0) {
            let mut level = self.first_level(pin);
            let mut wave = self.base[usize::from(pin)].wave;
            let mut at = self.from();
            let changes = self.events.iter().filter(|event| event.pin == pin && event.tick <= until);
            for event in changes.map(Some).chain([None]) {
                let next = event.map_or(until, |event| event.tick);
                if let Some(train) = wave {
                    let whole = spell_out(train, pin, (at, next), &mut level, &mut edges, &mut budget);
                    cut += u32::from(!whole);
                }
                let Some(event) = event else { break };
                let by_chip = matches!(event.chip, Drive::Low | Drive::High);
                let now = event.wave.map_or(event.level, |wave| wave.level_at(event.tick));
                if now != level {
                    edges.push(Edge { tick: event.tick, pin, level: now, by_chip });
                }
                (level, wave, at) = (now, event.wave, event.tick);
            }
        }
        // Of one tick, the pins keep their order, and a pin its edges.
        edges.sort_by_key(|edge| edge.tick);
        (edges, cut)
    }
}

/// Adds the edges of a pulse train between two ticks, both left out; returns whether all fitted.
fn spell_out(
    wave: Wave,
    pin: u8,
    (after, before): (Tick, Tick),
    level: &mut bool,
    edges: &mut Vec<Edge>,
    budget: &mut usize,
) -> bool {
    let mut tick = wave.next_edge(after);
    while tick < before {
        if *budget == 0 {
            return false;
        }
        *budget -= 1;
        *level = wave.level_at(tick);
        edges.push(Edge { tick, pin, level: *level, by_chip: true });
        tick = wave.next_edge(tick);
    }
    true
}

#[cfg(test)]
mod tests {
    use emulator::Config;

    use super::*;

    fn event(tick: Tick, pin: u8, level: bool) -> PinEvent {
        PinEvent { tick, pin, level, chip: Drive::Released, wave: None }
    }

    fn scope(capacity: usize) -> Scope {
        Scope::begin(&mut Machine::new(Config::default()), capacity)
    }

    #[test]
    fn a_full_record_drops_the_oldest_and_says_what() {
        let events: Vec<PinEvent> = (1..=10).map(|n| event(n * 10, 3, n % 2 == 1)).collect();
        let mut small = scope(4);
        small.record(&events);
        let (edges, cut) = small.edges(u32::MAX, Tick::MAX);
        assert_eq!(edges.iter().map(|edge| edge.tick).collect::<Vec<_>>(), [70, 80, 90, 100]);
        assert_eq!((cut, small.from(), small.first_level(3)), (0, 60, false));
        let lost = small.lost().expect("six changes left");
        assert_eq!((lost.from, lost.to, lost.changes[3]), (10, 60, 6));
        let mut whole = scope(100);
        whole.record(&events);
        assert!(whole.lost().is_none());
        assert_eq!(whole.edges(u32::MAX, Tick::MAX).0[6..], edges);
        let mut other = scope(4);
        let mut moved = events;
        moved[2].tick += 1;
        other.record(&moved);
        assert_eq!(other.edges(u32::MAX, Tick::MAX).0, edges);
        assert_ne!(other.lost().map(|lost| lost.digest), small.lost().map(|lost| lost.digest));
    }

    #[test]
    fn a_change_without_an_edge_is_none() {
        let mut scope = scope(10);
        scope.record(&[event(5, 4, true), PinEvent { chip: Drive::High, ..event(9, 4, true) }, event(12, 4, false)]);
        let (edges, _) = scope.edges(1 << 4, Tick::MAX);
        assert_eq!(edges.iter().map(|edge| (edge.tick, edge.level)).collect::<Vec<_>>(), [(5, true), (12, false)]);
        assert_eq!(scope.edges(1 << 5, Tick::MAX).0, []);
        assert_eq!(scope.edges(1 << 4, 11).0.len(), 1);
    }

    #[test]
    fn a_pulse_train_is_spelled_out_until_it_changes() {
        // 100 ticks a period, 30 high.
        let wave =
            Wave { start: 1000, count_subticks: 2560, counts: 10, high_from: 0, high_counts: 3, inverted: false };
        let mut scope = scope(10);
        scope
            .record(&[PinEvent { wave: Some(wave), chip: Drive::High, ..event(1000, 7, true) }, event(1250, 7, false)]);
        let (edges, cut) = scope.edges(1 << 7, 5000);
        let got: Vec<(Tick, bool)> = edges.iter().map(|edge| (edge.tick, edge.level)).collect();
        assert_eq!(got, [(1000, true), (1030, false), (1100, true), (1130, false), (1200, true), (1230, false)]);
        assert_eq!(cut, 0);
        let mut endless = scope;
        endless.record(&[PinEvent { wave: Some(wave), chip: Drive::High, ..event(2000, 7, true) }]);
        assert_eq!(endless.edges(1 << 7, Tick::MAX - 1).1, 1, "it is told that not all is there");
    }
}

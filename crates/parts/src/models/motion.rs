//! A passive infrared detector and a wheel with magnets at a Hall switch.
//!
//! The detector follows the usual HC-SR501 module: the output is high for the time set at its
//! trimmer, motion in between prolongs it if the jumper says so, and after it fell motion is not
//! seen for the blocking time (2.5 s). Not modelled: the minute after power-on, false alarms.
//!
//! The Hall switch has an open-collector output, low while a magnet is near: a quarter of the way
//! from one magnet to the next. Not modelled: a wheel that speeds up (a new speed begins a new
//! distance), uneven magnets.

use emulator::bus::{TICKS_PER_SECOND, Tick};
use emulator::pins::Drive;

use super::contact::to_ground;
use super::{Acts, Model};
use crate::draw::Draw;
use crate::shown::Shown;
use crate::time::from_ms;
use crate::wiring::Placed;

const OUT: usize = 0;

/// A motion detector.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pir {
    hold: Tick,
    blocking: Tick,
    repeatable: bool,
    /// When the output falls; `Tick::MAX`: it is low.
    falls: Tick,
    /// Until when motion is not seen.
    blocked: Tick,
    detections: u32,
}

impl Pir {
    pub(crate) fn new(placed: &Placed, _draw: Draw) -> Self {
        Self {
            hold: from_ms(placed.amount("hold_ms")),
            blocking: from_ms(placed.amount("blocking_ms")),
            repeatable: placed.setting("trigger") == 0,
            falls: Tick::MAX,
            blocked: 0,
            detections: 0,
        }
    }
}

impl Model for Pir {
    fn connect(&mut self, _now: Tick, acts: &mut Acts) {
        acts.drive(OUT, Drive::Low);
    }

    fn deadline(&self) -> Tick {
        self.falls
    }

    fn step(&mut self, acts: &mut Acts) {
        self.blocked = self.falls.saturating_add(self.blocking);
        self.falls = Tick::MAX;
        acts.drive(OUT, Drive::Low);
    }

    fn control(&mut self, now: Tick, _key: &'static str, _value: i64, acts: &mut Acts) {
        if self.falls != Tick::MAX {
            if self.repeatable {
                self.falls = now + self.hold;
            }
        } else if now >= self.blocked {
            self.falls = now + self.hold;
            self.detections = self.detections.saturating_add(1);
            acts.drive(OUT, Drive::High);
        }
    }

    fn shown(&self, _now: Tick) -> Shown {
        Shown::Motion { detected: self.falls != Tick::MAX, detections: self.detections }
    }
}

/// A wheel at a Hall switch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Hall {
    resistor: bool,
    magnets: u64,
    rpm: u64,
    /// When this speed began, and quarters of the way between magnets passed since.
    origin: Tick,
    quarters: u64,
    pulses: u64,
}

impl Hall {
    pub(crate) fn new(placed: &Placed, _draw: Draw) -> Self {
        Self {
            resistor: placed.setting("resistor") == 1,
            magnets: placed.amount("magnets"),
            rpm: placed.amount("rpm"),
            origin: 0,
            quarters: 0,
            pulses: 0,
        }
    }
}

impl Model for Hall {
    fn connect(&mut self, now: Tick, acts: &mut Acts) {
        self.origin = now;
        self.quarters = 0;
        acts.drive(OUT, to_ground(false, self.resistor));
    }

    fn deadline(&self) -> Tick {
        let quarters_a_minute = self.rpm * self.magnets * 4;
        if quarters_a_minute == 0 {
            return Tick::MAX;
        }
        // The magnet comes after three quarters of the way and leaves at its end.
        let next = if self.quarters % 4 == 3 { self.quarters + 1 } else { self.quarters + 3 };
        let ticks = u128::from(next) * u128::from(60 * TICKS_PER_SECOND) / u128::from(quarters_a_minute);
        Tick::try_from(ticks).map_or(Tick::MAX, |ticks| self.origin.saturating_add(ticks))
    }

    fn step(&mut self, acts: &mut Acts) {
        let comes = self.quarters % 4 != 3;
        self.quarters += if comes { 3 } else { 1 };
        self.pulses += u64::from(comes);
        acts.drive(OUT, to_ground(comes, self.resistor));
    }

    fn control(&mut self, now: Tick, _key: &'static str, value: i64, acts: &mut Acts) {
        self.rpm = value.unsigned_abs();
        self.origin = now;
        self.quarters = 0;
        acts.drive(OUT, to_ground(false, self.resistor));
    }

    fn shown(&self, _now: Tick) -> Shown {
        Shown::Wheel { rpm: u32::try_from(self.rpm).unwrap_or(u32::MAX), pulses: self.pulses }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bench::Bench;
    use crate::time::MILLISECOND;

    fn in_ms(bench: &Bench) -> Vec<(u64, bool)> {
        bench.levels(OUT).iter().map(|&(tick, level)| (tick / MILLISECOND, level)).collect()
    }

    #[test]
    fn motion_prolongs_the_output_and_is_not_seen_while_it_is_blocked() {
        let mut bench = Bench::of(r#"{"kind":"pir","name":"m","pins":{"out":3}}"#);
        bench.control("motion", 1);
        bench.run_us(3_000_000);
        bench.control("motion", 1);
        bench.run_us(6_000_000);
        bench.control("motion", 1);
        bench.run_us(2_000_000);
        bench.control("motion", 1);
        assert_eq!(in_ms(&bench), [(0, false), (0, true), (8000, false), (11_000, true)]);
        assert_eq!(bench.shown(), Shown::Motion { detected: true, detections: 2 });
    }

    #[test]
    fn a_single_trigger_is_not_prolonged() {
        let mut bench = Bench::of(r#"{"kind":"pir","name":"m","pins":{"out":3},"trigger":"single"}"#);
        bench.control("motion", 1);
        bench.run_us(3_000_000);
        bench.control("motion", 1);
        bench.run_us(6_000_000);
        assert_eq!(in_ms(&bench), [(0, false), (0, true), (5000, false)]);
    }

    #[test]
    fn a_wheel_counts_its_magnets() {
        let mut bench = Bench::of(r#"{"kind":"hall","name":"w","pins":{"out":3},"magnets":2,"rpm":3000}"#);
        bench.run_us(1_000_000);
        // 50 turns of two magnets a second: one every 10 ms, low for 2.5 ms.
        assert_eq!(bench.shown(), Shown::Wheel { rpm: 3000, pulses: 100 });
        let edges = bench.levels(OUT);
        assert_eq!(edges[1], (from_ms(15) / 2, false));
        assert_eq!(edges[2], (from_ms(10), true));
        bench.control("rpm", 0);
        bench.run_us(1_000_000);
        assert_eq!(bench.shown(), Shown::Wheel { rpm: 0, pulses: 100 });
    }
}

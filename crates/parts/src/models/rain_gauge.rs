//! A tipping-bucket rain gauge: each tip closes a reed contact to ground for a moment, and the
//! contact bounces at both ends as `contact.rs` says.
//!
//! Tips that wait come one after another, as fast as a bucket can tip: a fifth of the time closed.
//! Not modelled: evaporation, a bucket that stops half-way with its contact closed.

use emulator::bus::{TICKS_PER_SECOND, Tick};

use super::contact::{Contact, to_ground};
use super::{Acts, Model};
use crate::draw::Draw;
use crate::shown::Shown;
use crate::time::from_ms;
use crate::wiring::Placed;

const CONTACT: usize = 0;
/// Tips that may wait.
const MOST_TIPS: u64 = 100_000;

/// A rain gauge.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RainGauge {
    contact: Contact,
    resistor: bool,
    closed: Tick,
    tips: u64,
    waiting: u64,
    /// When the bucket opens the contact, or can tip again.
    opens: Tick,
    free: Tick,
    /// Steady rain: tips an hour, since when, and how many of them came.
    tips_an_hour: u64,
    origin: Tick,
    fallen: u64,
    draw: Draw,
}

impl RainGauge {
    pub(crate) fn new(placed: &Placed, draw: Draw) -> Self {
        Self {
            contact: Contact::new(placed.amount("bounce_us"), placed.amount("bounces")),
            resistor: placed.setting("resistor") == 1,
            closed: from_ms(placed.amount("closed_ms")),
            tips: 0,
            waiting: 0,
            opens: Tick::MAX,
            free: 0,
            tips_an_hour: 0,
            origin: 0,
            fallen: 0,
            draw,
        }
    }

    fn drop_due(&self) -> Tick {
        if self.tips_an_hour == 0 {
            return Tick::MAX;
        }
        let ticks = u128::from(self.fallen + 1) * u128::from(3600 * TICKS_PER_SECOND) / u128::from(self.tips_an_hour);
        Tick::try_from(ticks).map_or(Tick::MAX, |ticks| self.origin.saturating_add(ticks))
    }

    fn tip_due(&self) -> Tick {
        if self.waiting > 0 && self.opens == Tick::MAX { self.free } else { Tick::MAX }
    }

    fn pour(&mut self, now: Tick, tips: u64) {
        self.waiting = (self.waiting + tips).min(MOST_TIPS);
        self.free = self.free.max(now);
    }
}

impl Model for RainGauge {
    fn connect(&mut self, _now: Tick, acts: &mut Acts) {
        acts.drive(CONTACT, to_ground(false, self.resistor));
    }

    fn deadline(&self) -> Tick {
        self.contact.deadline().min(self.opens).min(self.drop_due()).min(self.tip_due())
    }

    fn step(&mut self, acts: &mut Acts) {
        let due = self.deadline();
        if self.contact.deadline() == due {
            let closed = self.contact.step();
            acts.drive(CONTACT, to_ground(closed, self.resistor));
        } else if self.opens == due {
            self.opens = Tick::MAX;
            self.free = due + 4 * self.closed;
            self.contact.actuate(due, false, &mut self.draw);
        } else if self.tip_due() == due {
            self.waiting -= 1;
            self.tips += 1;
            self.opens = due + self.closed;
            self.contact.actuate(due, true, &mut self.draw);
        } else {
            self.fallen += 1;
            self.pour(due, 1);
        }
    }

    fn control(&mut self, now: Tick, key: &'static str, value: i64, _acts: &mut Acts) {
        let value = value.unsigned_abs();
        if key == "tips" {
            self.pour(now, value);
        } else {
            (self.tips_an_hour, self.origin, self.fallen) = (value, now, 0);
        }
    }

    fn shown(&self, _now: Tick) -> Shown {
        Shown::Tips { tips: self.tips, waiting: self.waiting, closed: self.contact.is_closed() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bench::Bench;
    use crate::time::MILLISECOND;

    #[test]
    fn tips_that_wait_come_one_after_another() {
        let mut bench =
            Bench::of(r#"{"kind":"rain-gauge","name":"r","pins":{"contact":3},"closed_ms":50,"bounce_us":0}"#);
        bench.control("tips", 3);
        bench.run_us(2_000_000);
        let ms: Vec<(u64, bool)> = bench.levels(0).iter().map(|&(tick, level)| (tick / MILLISECOND, level)).collect();
        assert_eq!(ms, [(0, false), (50, true), (250, false), (300, true), (500, false), (550, true)]);
        assert_eq!(bench.shown(), Shown::Tips { tips: 3, waiting: 0, closed: false });
    }

    #[test]
    fn steady_rain_keeps_its_rate_and_bounces() {
        let mut bench = Bench::of(r#"{"kind":"rain-gauge","name":"r","pins":{"contact":3}}"#);
        bench.control("tips_an_hour", 3600);
        bench.run_us(20_500_000);
        assert_eq!(bench.shown(), Shown::Tips { tips: 20, waiting: 0, closed: false });
        let falls = bench.levels(0).iter().filter(|edge| !edge.1).count();
        assert!(falls > 30, "{falls} falling edges for 20 tips");
    }
}

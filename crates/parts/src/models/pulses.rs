//! A generator of square waves and bursts, with jitter and missing pulses.
//!
//! Each edge has its nominal instant, counted from the start, and lies around it by at most
//! `jitter_ns` at even chance, so that jitter never adds up; it is shortened where edges would change
//! their order. A pulse is left out whole. A new period keeps the share of the high time.
//!
//! Not modelled: slopes, ringing.

use emulator::bus::Tick;
use emulator::pins::Drive;

use super::{Acts, Model};
use crate::draw::Draw;
use crate::shown::Shown;
use crate::time::{from_ns, from_us};
use crate::wiring::{self, Placed};

const OUT: usize = 0;
/// What the pin stays low or high at least.
const SHORTEST_NS: u64 = wiring::SHORTEST_NS.unsigned_abs();

/// A generator.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pulses {
    period_ns: u64,
    high_ns: u64,
    jitter_ns: u64,
    missing_permille: u64,
    burst_pulses: u64,
    pause: Tick,
    running: bool,
    /// The tick of the present burst's first pulse, and how many of its pulses were begun.
    origin: Tick,
    pulse: u64,
    /// The next edge: when, and to which level (`None`: the pulse is left out).
    next: Tick,
    rises: Option<bool>,
    sent: u64,
    left_out: u64,
    draw: Draw,
}

impl Pulses {
    pub(crate) fn new(placed: &Placed, draw: Draw) -> Self {
        Self {
            period_ns: placed.amount("period_ns"),
            high_ns: placed.amount("high_ns"),
            jitter_ns: placed.amount("jitter_ns"),
            missing_permille: placed.amount("missing_permille"),
            burst_pulses: placed.amount("burst_pulses"),
            pause: from_us(placed.amount("pause_us")),
            running: placed.setting("at_start") == 0,
            origin: 0,
            pulse: 0,
            next: Tick::MAX,
            rises: None,
            sent: 0,
            left_out: 0,
            draw,
        }
    }

    fn high_ns(&self) -> u64 {
        self.high_ns.clamp(SHORTEST_NS, self.period_ns - SHORTEST_NS)
    }

    fn start(&mut self, now: Tick) {
        self.origin = now;
        self.pulse = 0;
        self.plan_rise();
    }

    /// An instant of the present burst, with its jitter. The very first edge is the origin itself.
    fn instant(&mut self, ns: u64) -> Tick {
        // A third of the shorter part on either side leaves an order.
        let room = self.high_ns().min(self.period_ns - self.high_ns()) / 3;
        let jitter = self.draw.around(self.jitter_ns.min(room));
        self.origin.saturating_add(from_ns(ns.saturating_add_signed(jitter)))
    }

    fn plan_rise(&mut self) {
        if self.burst_pulses > 0 && self.pulse >= self.burst_pulses {
            self.origin = self
                .origin
                .saturating_add(from_ns(self.pulse.saturating_mul(self.period_ns)))
                .saturating_add(self.pause);
            self.pulse = 0;
        }
        let missing = self.draw.chance(self.missing_permille);
        self.next = self.instant(self.pulse.saturating_mul(self.period_ns));
        self.rises = (!missing).then_some(true);
        self.pulse += 1;
    }
}

impl Model for Pulses {
    fn connect(&mut self, now: Tick, acts: &mut Acts) {
        acts.drive(OUT, Drive::Low);
        if self.running {
            self.start(now);
        }
    }

    fn deadline(&self) -> Tick {
        self.next
    }

    fn step(&mut self, acts: &mut Acts) {
        match self.rises {
            Some(true) => {
                acts.drive(OUT, Drive::High);
                self.sent += 1;
                self.rises = Some(false);
                let begun = (self.pulse - 1).saturating_mul(self.period_ns);
                self.next = self.instant(begun.saturating_add(self.high_ns()));
            }
            Some(false) => {
                acts.drive(OUT, Drive::Low);
                self.plan_rise();
            }
            None => {
                self.left_out += 1;
                self.plan_rise();
            }
        }
    }

    fn control(&mut self, now: Tick, key: &'static str, value: i64, acts: &mut Acts) {
        if key == "period_ns" {
            // The share of the high time stays.
            let period_ns = value.unsigned_abs().max(2 * SHORTEST_NS);
            let high_ns = u128::from(self.high_ns()) * u128::from(period_ns) / u128::from(self.period_ns);
            self.period_ns = period_ns;
            self.high_ns = u64::try_from(high_ns).unwrap_or(period_ns / 2);
        } else {
            self.running = value != 0;
        }
        acts.drive(OUT, Drive::Low);
        self.next = Tick::MAX;
        if self.running {
            self.start(now);
        }
    }

    fn shown(&self, _now: Tick) -> Shown {
        Shown::Pulses { running: self.running, sent: self.sent, left_out: self.left_out }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bench::Bench;

    fn rises(bench: &Bench) -> Vec<Tick> {
        bench.levels(OUT).iter().filter(|edge| edge.1).map(|edge| edge.0).collect()
    }

    #[test]
    fn a_square_wave_has_no_drift() {
        // 3 kHz is no whole number of nanoseconds, 333,333 is no whole number of ticks.
        let mut bench =
            Bench::of(r#"{"kind":"pulses","name":"g","pins":{"out":3},"period_ns":333333,"high_ns":100000}"#);
        bench.run_us(3_000_000);
        let rises = rises(&bench);
        assert_eq!(rises.len(), 9001);
        for (n, &tick) in rises.iter().enumerate() {
            assert_eq!(tick, from_ns(n as u64 * 333_333));
        }
        assert_eq!(bench.levels(OUT)[2].0, from_us(100), "it falls after the high time");
    }

    #[test]
    fn bursts_rest_between_them() {
        let mut bench = Bench::of(
            r#"{"kind":"pulses","name":"g","pins":{"out":3},"period_ns":10000,"high_ns":5000,"burst_pulses":3,"pause_us":100}"#,
        );
        bench.run_us(300);
        let us: Vec<u64> = rises(&bench).iter().map(|tick| tick / 480).collect();
        assert_eq!(us, [0, 10, 20, 130, 140, 150, 260, 270, 280]);
    }

    #[test]
    fn jitter_stays_within_its_bound_and_does_not_add_up() {
        let mut bench = Bench::of(r#"{"kind":"pulses","name":"g","pins":{"out":3},"jitter_ns":50000}"#);
        bench.run_us(1_000_000);
        let rises = rises(&bench);
        let mut spread = (i64::MAX, i64::MIN);
        for (n, &tick) in rises.iter().enumerate().skip(1) {
            let away = tick as i64 - from_us(1000 * n as u64) as i64;
            assert!(away.unsigned_abs() <= from_us(50), "pulse {n}: {away}");
            spread = (spread.0.min(away), spread.1.max(away));
        }
        assert!(spread.0 < -20_000 && spread.1 > 20_000, "{spread:?}");
    }

    #[test]
    fn missing_pulses_are_left_out_whole() {
        let mut bench = Bench::of(r#"{"kind":"pulses","name":"g","pins":{"out":3},"missing_permille":100}"#);
        bench.run_us(5_000_000);
        let Shown::Pulses { sent, left_out, .. } = bench.shown() else { panic!("a generator shows pulses") };
        assert_eq!(sent + left_out, 5001);
        assert!((400..600).contains(&left_out), "{left_out}");
        assert_eq!(rises(&bench).len() as u64, sent);
        assert!(rises(&bench).iter().all(|tick| tick % from_us(1000) == 0));
    }

    #[test]
    fn it_is_started_stopped_and_tuned() {
        let mut bench = Bench::of(r#"{"kind":"pulses","name":"g","pins":{"out":3},"at_start":"stopped"}"#);
        bench.run_us(5000);
        assert!(rises(&bench).is_empty());
        bench.control("running", 1);
        bench.run_us(2500);
        bench.control("period_ns", 200_000);
        bench.run_us(1000);
        bench.control("running", 0);
        bench.run_us(5000);
        let us: Vec<u64> = rises(&bench).iter().map(|tick| tick / 480).collect();
        assert_eq!(us, [5000, 6000, 7000, 7500, 7700, 7900, 8100, 8300, 8500]);
        assert_eq!(bench.drive(OUT), Drive::Low);
    }
}

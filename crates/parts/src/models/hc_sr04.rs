//! An ultrasonic ranger HC-SR04. A trigger that was high for 10 us or more and falls starts a
//! measurement; the module sends eight cycles of 40 kHz and raises its echo pin, and lowers it when
//! the echo arrives, at 343.2 m/s (air at 20 degrees), or after 38 ms if none does (data sheet:
//! 2 cm to 4 m). Between the trigger and the echo pin's rise lie 450 us, of which 200 us are the
//! eight cycles; published captures of such modules agree within some tens of microseconds. A trigger
//! while it measures is ignored, a shorter one counted as too short.
//!
//! The distance of a measurement lies around the true one by at most `noise_mm`, by seed: the data
//! sheet promises 3 mm.
//!
//! Not modelled: air's temperature, the beam's width, several echoes, the nearest two centimetres
//! (they read as two). Its echo is a 3.3 V level; the real one gives 5 V and needs a divider.

use emulator::bus::{TICKS_PER_SECOND, Tick};
use emulator::pins::Drive;

use super::{Acts, Model};
use crate::draw::Draw;
use crate::shown::Shown;
use crate::time::{from_ms, from_us, to_ns};
use crate::wiring::Placed;

const TRIGGER: usize = 0;
const ECHO: usize = 1;

/// The shortest trigger.
const SHORTEST_TRIGGER: Tick = from_us(10);
/// From the trigger's fall to the echo pin's rise.
const BURST: Tick = from_us(450);
/// How long the echo pin is high if nothing comes back.
const NO_ECHO: Tick = from_ms(38);
/// Micrometres that sound travels in a second.
const SOUND_UM_A_SECOND: u64 = 343_200_000;
const NEAREST_MM: u64 = 20;
const FARTHEST_MM: u64 = 4000;

/// A ranger.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct HcSr04 {
    distance_mm: u64,
    noise_mm: u64,
    /// When the trigger rose.
    triggered: Option<Tick>,
    /// When the echo pin rises and falls; `Tick::MAX`: it did.
    rises: Tick,
    falls: Tick,
    echo: Tick,
    measurements: u32,
    ignored: u32,
    draw: Draw,
}

impl HcSr04 {
    pub(crate) fn new(placed: &Placed, draw: Draw) -> Self {
        Self {
            distance_mm: placed.amount("distance_mm"),
            noise_mm: placed.amount("noise_mm"),
            triggered: None,
            rises: Tick::MAX,
            falls: Tick::MAX,
            echo: 0,
            measurements: 0,
            ignored: 0,
            draw,
        }
    }

    /// How long the echo pin will be high.
    fn flight(&mut self) -> Tick {
        if self.distance_mm > FARTHEST_MM {
            return NO_ECHO;
        }
        let distance_mm = self.distance_mm.saturating_add_signed(self.draw.around(self.noise_mm)).max(NEAREST_MM);
        2 * distance_mm * 1000 * TICKS_PER_SECOND / SOUND_UM_A_SECOND
    }
}

impl Model for HcSr04 {
    fn connect(&mut self, _now: Tick, acts: &mut Acts) {
        acts.drive(ECHO, Drive::Low);
    }

    fn deadline(&self) -> Tick {
        self.rises.min(self.falls)
    }

    fn step(&mut self, acts: &mut Acts) {
        if self.rises <= self.falls {
            // The target may have moved until now, not after.
            self.echo = self.flight();
            self.falls = self.rises.saturating_add(self.echo);
            self.rises = Tick::MAX;
            acts.drive(ECHO, Drive::High);
        } else {
            self.falls = Tick::MAX;
            self.measurements = self.measurements.saturating_add(1);
            acts.drive(ECHO, Drive::Low);
        }
    }

    fn edge(&mut self, at: Tick, role: usize, level: bool, _acts: &mut Acts) {
        if role != TRIGGER {
            return;
        }
        if level {
            self.triggered = Some(at);
            return;
        }
        let Some(rose) = self.triggered.take() else { return };
        if at - rose >= SHORTEST_TRIGGER && self.deadline() == Tick::MAX {
            self.rises = at + BURST;
        } else {
            self.ignored = self.ignored.saturating_add(1);
        }
    }

    fn control(&mut self, _now: Tick, _key: &'static str, value: i64, _acts: &mut Acts) {
        self.distance_mm = value.unsigned_abs();
    }

    fn shown(&self, _now: Tick) -> Shown {
        Shown::Ranger {
            distance_mm: u32::try_from(self.distance_mm).unwrap_or(u32::MAX),
            measurements: self.measurements,
            ignored: self.ignored,
            echo_us: to_ns(self.echo) / 1000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bench::Bench;

    fn trigger(bench: &mut Bench, us: u64) {
        bench.pin(TRIGGER, true);
        bench.run_us(us);
        bench.pin(TRIGGER, false);
    }

    fn echo_us(bench: &Bench) -> Option<(u64, u64)> {
        match bench.levels(ECHO)[..] {
            [.., (rise, true), (fall, false)] => Some((to_ns(rise) / 1000, to_ns(fall - rise) / 1000)),
            _ => None,
        }
    }

    const QUIET: &str =
        r#"{"kind":"hc-sr04","name":"r","pins":{"trigger":4,"echo":3},"distance_mm":1000,"noise_mm":0}"#;

    #[test]
    fn a_metre_is_a_flight_of_5827_us() {
        let mut bench = Bench::of(QUIET);
        trigger(&mut bench, 10);
        bench.run_us(60_000);
        assert_eq!(echo_us(&bench), Some((460, 5827)));
        // The data sheet's own rule: centimetres are microseconds by 58.
        assert_eq!(5827 / 58, 100);
    }

    #[test]
    fn short_and_early_triggers_are_ignored() {
        let mut bench = Bench::of(QUIET);
        trigger(&mut bench, 9);
        bench.run_us(60_000);
        assert_eq!(echo_us(&bench), None);
        trigger(&mut bench, 12);
        bench.run_us(1000);
        trigger(&mut bench, 12);
        bench.run_us(60_000);
        let Shown::Ranger { measurements, ignored, .. } = bench.shown() else { panic!("a ranger") };
        assert_eq!((measurements, ignored), (1, 2));
    }

    #[test]
    fn what_is_out_of_reach_gives_no_echo_for_38_ms() {
        let mut bench = Bench::of(QUIET);
        bench.control("distance_mm", 4001);
        trigger(&mut bench, 10);
        bench.run_us(60_000);
        assert_eq!(echo_us(&bench).map(|echo| echo.1), Some(38_000));
        bench.control("distance_mm", 0);
        trigger(&mut bench, 10);
        bench.run_us(60_000);
        assert_eq!(echo_us(&bench).map(|echo| echo.1), Some(116), "nothing is nearer than 2 cm");
    }

    #[test]
    fn measurements_scatter_by_three_millimetres() {
        let mut bench = Bench::of(r#"{"kind":"hc-sr04","name":"r","pins":{"trigger":4,"echo":3},"distance_mm":500}"#);
        let mut seen = (u64::MAX, 0);
        for _ in 0..200 {
            trigger(&mut bench, 10);
            bench.run_us(60_000);
            let Some((_, us)) = echo_us(&bench) else { panic!("an echo comes") };
            seen = (seen.0.min(us), seen.1.max(us));
        }
        // 497 and 503 mm.
        assert_eq!(seen, (2896, 2931));
    }

    #[test]
    fn asked_tick_by_tick_it_does_the_same() {
        let drive = |run: fn(&mut Bench, Tick)| {
            let mut bench = Bench::of(QUIET);
            bench.control("distance_mm", 40);
            bench.pin(TRIGGER, true);
            run(&mut bench, from_us(11));
            bench.pin(TRIGGER, false);
            run(&mut bench, from_us(1200));
            bench.drives(ECHO).to_vec()
        };
        let events = drive(Bench::run_until);
        assert_eq!(events.len(), 4);
        assert_eq!(events, drive(Bench::crawl_until));
    }
}

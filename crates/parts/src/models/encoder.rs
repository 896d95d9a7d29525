//! A rotary encoder with two contacts to ground in quadrature: one detent is one whole cycle, and
//! every one of its four phases is played, A before B when it turns to the right, B before A when it
//! turns to the left. At a detent both contacts are open. With bounce, each contact bounces at each
//! phase as `contact.rs` says.
//!
//! Not modelled: a hand that does not turn evenly, and a knob that rests between detents.

use emulator::bus::Tick;

use super::contact::{Contact, to_ground};
use super::{Acts, Model};
use crate::draw::Draw;
use crate::shown::Shown;
use crate::time::from_us;
use crate::wiring::Placed;

const A: usize = 0;
const B: usize = 1;
const PUSH: usize = 2;
const PHASES: i64 = 4;
/// Steps that may wait.
const MOST_STEPS: i64 = 100_000;

/// An encoder.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Encoder {
    contacts: [Contact; 3],
    resistor: bool,
    phase_ticks: Tick,
    /// In quarters of a step.
    position: i64,
    /// Quarters still to turn, to the right if positive.
    to_go: i64,
    /// When the next quarter comes.
    next: Tick,
    draw: Draw,
}

impl Encoder {
    pub(crate) fn new(placed: &Placed, draw: Draw) -> Self {
        let contact = || Contact::new(placed.amount("bounce_us"), placed.amount("bounces"));
        Self {
            contacts: [contact(), contact(), contact()],
            resistor: placed.setting("resistor") == 0,
            phase_ticks: from_us(placed.amount("step_us")) / PHASES as Tick,
            position: 0,
            to_go: 0,
            next: Tick::MAX,
            draw,
        }
    }

    fn drive(&self, role: usize, acts: &mut Acts) {
        acts.drive(role, to_ground(self.contacts[role].is_closed(), self.resistor));
    }

    /// Moves the knob by a quarter of a step.
    fn quarter(&mut self) {
        let now = self.next;
        self.position += self.to_go.signum();
        self.to_go -= self.to_go.signum();
        self.next = if self.to_go == 0 { Tick::MAX } else { now + self.phase_ticks };
        let phase = self.position.rem_euclid(PHASES);
        for (role, closed) in [(A, phase == 1 || phase == 2), (B, phase == 2 || phase == 3)] {
            // A contact that is still bouncing towards its place goes on with that.
            let contact = &mut self.contacts[role];
            if contact.target() != closed {
                contact.actuate(now, closed, &mut self.draw);
            }
        }
    }
}

impl Model for Encoder {
    fn connect(&mut self, _now: Tick, acts: &mut Acts) {
        for role in [A, B, PUSH] {
            self.drive(role, acts);
        }
    }

    fn deadline(&self) -> Tick {
        self.contacts.iter().map(Contact::deadline).fold(self.next, Tick::min)
    }

    fn step(&mut self, acts: &mut Acts) {
        let due = self.deadline();
        // A contact's edge before the next quarter of the same tick, so that none is lost.
        for role in [A, B, PUSH] {
            if self.contacts[role].deadline() == due {
                self.contacts[role].step();
                self.drive(role, acts);
                return;
            }
        }
        self.quarter();
    }

    fn control(&mut self, now: Tick, key: &'static str, value: i64, _acts: &mut Acts) {
        match key {
            "pressed" => self.contacts[PUSH].actuate(now, value != 0, &mut self.draw),
            "step_us" => self.phase_ticks = from_us(value.unsigned_abs()) / PHASES as Tick,
            _ => {
                let most = MOST_STEPS * PHASES;
                self.to_go = (self.to_go + value * PHASES).clamp(-most, most);
                self.next = match self.to_go {
                    0 => Tick::MAX,
                    _ if self.next == Tick::MAX => now,
                    _ => self.next,
                };
            }
        }
    }

    fn shown(&self, _now: Tick) -> Shown {
        Shown::Encoder {
            steps: self.position.div_euclid(PHASES),
            steps_to_go: self.to_go / PHASES,
            pushed: self.contacts[PUSH].is_closed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use emulator::pins::Drive;

    use super::*;
    use crate::models::bench::Bench;

    fn quadrature(bench: &Bench) -> Vec<(Tick, &'static str)> {
        let mut all: Vec<(Tick, &'static str)> = Vec::new();
        for (role, names) in [(A, ["a falls", "a rises"]), (B, ["b falls", "b rises"])] {
            all.extend(bench.levels(role).iter().skip(1).map(|&(tick, level)| (tick, names[usize::from(level)])));
        }
        all.sort_unstable();
        all
    }

    #[test]
    fn every_phase_of_a_step_is_played_in_both_directions() {
        let mut bench = Bench::of(r#"{"kind":"encoder","name":"e","pins":{"a":5,"b":6},"step_us":400}"#);
        bench.control("turn_steps", 1);
        bench.run_us(1000);
        let quarter = from_us(100);
        assert_eq!(
            quadrature(&bench),
            [(0, "a falls"), (quarter, "b falls"), (2 * quarter, "a rises"), (3 * quarter, "b rises")]
        );
        bench.control("turn_steps", -1);
        bench.run_us(1000);
        let at = from_us(1000);
        assert_eq!(
            quadrature(&bench)[4..],
            [(at, "b falls"), (at + quarter, "a falls"), (at + 2 * quarter, "b rises"), (at + 3 * quarter, "a rises")]
        );
        assert_eq!(bench.shown(), Shown::Encoder { steps: 0, steps_to_go: 0, pushed: false });
    }

    #[test]
    fn steps_to_both_sides_cancel_while_they_wait() {
        let mut bench = Bench::of(r#"{"kind":"encoder","name":"e","pins":{"a":5,"b":6},"step_us":400}"#);
        bench.control("turn_steps", 3);
        bench.control("turn_steps", -3);
        bench.run_us(10_000);
        assert_eq!(quadrature(&bench), []);
    }

    #[test]
    fn a_bouncing_encoder_ends_at_the_same_step() {
        let mut bench =
            Bench::of(r#"{"kind":"encoder","name":"e","pins":{"a":5,"b":6},"step_us":4000,"bounce_us":300}"#);
        bench.control("turn_steps", 50);
        bench.run_us(400_000);
        assert_eq!(bench.shown(), Shown::Encoder { steps: 50, steps_to_go: 0, pushed: false });
        assert!(bench.levels(A).len() > 101, "{}", bench.levels(A).len());
        assert_eq!((bench.drive(A), bench.drive(B)), (Drive::PullUp, Drive::PullUp));
    }
}

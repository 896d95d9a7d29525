//! A push button or a switch: a contact from a pin to ground or to the supply. An open contact
//! leaves the pin to its pull resistor, in the chip or, if one is fitted, outside.
//!
//! Not modelled: what `contact.rs` lists; a pin without any resistor reads low when the contact is
//! open, where silicon picks up noise.

use emulator::bus::Tick;
use emulator::pins::Drive;

use super::contact::Contact;
use super::{Acts, Model};
use crate::draw::Draw;
use crate::shown::Shown;
use crate::time::to_ns;
use crate::wiring::Placed;

const CONTACT: usize = 0;

/// A button or a switch; they differ in what a learner's hand does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Button {
    contact: Contact,
    /// The level of a closed contact.
    closed_level: bool,
    /// Whether an outside resistor holds the open contact at the other level.
    resistor: bool,
    draw: Draw,
}

impl Button {
    pub(crate) fn new(placed: &Placed, draw: Draw) -> Self {
        Self {
            contact: Contact::new(placed.amount("bounce_us"), placed.amount("bounces")),
            closed_level: placed.setting("to") == 1,
            resistor: placed.setting("resistor") == 1,
            draw,
        }
    }

    fn drive(&self, acts: &mut Acts) {
        let open = if self.closed_level { Drive::PullDown } else { Drive::PullUp };
        acts.drive(
            CONTACT,
            match (self.contact.is_closed(), self.resistor) {
                (true, _) => Drive::to(self.closed_level),
                (false, true) => open,
                (false, false) => Drive::Released,
            },
        );
    }
}

impl Model for Button {
    fn connect(&mut self, _now: Tick, acts: &mut Acts) {
        self.drive(acts);
    }

    fn deadline(&self) -> Tick {
        self.contact.deadline()
    }

    fn step(&mut self, acts: &mut Acts) {
        self.contact.step();
        self.drive(acts);
    }

    fn control(&mut self, now: Tick, _key: &'static str, value: i64, _acts: &mut Acts) {
        self.contact.actuate(now, value != 0, &mut self.draw);
    }

    fn shown(&self, _now: Tick) -> Shown {
        Shown::Contact {
            closed: self.contact.is_closed(),
            bounced_us: to_ns(self.contact.length) / 1000,
            edges: self.contact.edges,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bench::Bench;

    #[test]
    fn a_clean_button_to_ground_lets_go_of_its_pin() {
        let mut bench = Bench::of(r#"{"kind":"button","name":"b","pins":{"contact":4},"bounce_us":0}"#);
        assert_eq!(bench.drive(0), Drive::Released);
        bench.control("pressed", 1);
        bench.run_us(1);
        assert_eq!(bench.drive(0), Drive::Low);
        bench.control("pressed", 0);
        bench.run_us(1);
        assert_eq!(bench.drive(0), Drive::Released);
        assert_eq!(bench.drives(0).len(), 3);
    }

    #[test]
    fn a_switch_to_the_supply_has_its_resistor_to_ground() {
        let mut bench = Bench::of(
            r#"{"kind":"switch","name":"b","pins":{"contact":4},"to":"supply","resistor":"fitted","bounce_us":0}"#,
        );
        assert_eq!(bench.drive(0), Drive::PullDown);
        bench.control("on", 1);
        bench.run_us(1);
        assert_eq!(bench.drive(0), Drive::High);
    }

    #[test]
    fn the_seed_decides_how_it_bounces() {
        let bounces = |seed| {
            let mut bench = Bench::with_seed(r#"{"kind":"button","name":"b","pins":{"contact":4}}"#, seed);
            for n in 0..20 {
                bench.control("pressed", i64::from(n % 2 == 0));
                bench.run_us(20_000);
            }
            bench.drives(0).to_vec()
        };
        assert_eq!(bounces(7), bounces(7));
        assert_ne!(bounces(7), bounces(8));
        assert!(bounces(7).len() > 40, "twenty movements bounce");
    }
}

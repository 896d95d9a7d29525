//! A mechanical contact that bounces.
//!
//! Published measurements: J. Ganssle, "A Guide to Debouncing" (2004, revised 2014), pressed 18
//! kinds of switches 300 times each. Of 16 of them the bounces lasted 1557 us in the mean and 6200 us
//! at most, closing and opening alike; the worst of the survey needed 157 ms. Some bounces were
//! shorter than a microsecond, and hard or gentle presses made no difference that could be
//! foretold.
//!
//! The model draws, for each movement, a length whose mean is a quarter of the longest (1550 us of
//! 6200) and 0 to `bounces` interruptions at even chance; the instants lie evenly within the length,
//! and the last edge ends it. The survey gives lengths only; the number of interruptions is this
//! model's own assumption.
//!
//! Not modelled: voltages between the logic levels, wear, how long the lever travels before it
//! touches, interruptions that get shorter towards the end.

use emulator::bus::Tick;
use emulator::pins::Drive;

use crate::draw::Draw;
use crate::time::from_us;

/// A contact.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Contact {
    longest: Tick,
    bounces: u64,
    closed: bool,
    /// Where it was sent last.
    target: bool,
    /// When it changes, the latest first.
    changes: Vec<Tick>,
    /// How long the last movement bounced, and how many edges it made.
    pub(crate) length: Tick,
    pub(crate) edges: u32,
}

impl Contact {
    pub(crate) fn new(bounce_us: u64, bounces: u64) -> Self {
        let longest = from_us(bounce_us);
        Self { longest, bounces, closed: false, target: false, changes: Vec::new(), length: 0, edges: 0 }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether it is closed, or will be when it has bounced.
    pub(crate) fn target(&self) -> bool {
        self.target
    }

    /// A hand closes or opens it; what was still bouncing is forgotten.
    pub(crate) fn actuate(&mut self, now: Tick, closed: bool, draw: &mut Draw) {
        self.changes.clear();
        self.target = closed;
        let moves = closed != self.closed;
        let (length, bounces) = match self.longest {
            0 => (0, 0),
            longest => (draw.mostly_small(longest), draw.up_to(self.bounces)),
        };
        // A contact that was hit while it bounced may stand where it shall go already.
        let edges = 2 * bounces + u64::from(moves);
        if edges > 0 {
            self.changes.push(now);
            self.changes
                .extend((1..edges).map(|n| if n + 1 == edges { now + length } else { now + draw.up_to(length) }));
            self.changes.sort_unstable_by(|a, b| b.cmp(a));
        }
        self.length = if bounces > 0 { length } else { 0 };
        self.edges = u32::try_from(edges).unwrap_or(u32::MAX);
    }

    pub(crate) fn deadline(&self) -> Tick {
        self.changes.last().copied().unwrap_or(Tick::MAX)
    }

    /// Makes the next edge; returns whether the contact is closed after it.
    pub(crate) fn step(&mut self) -> bool {
        if self.changes.pop().is_some() {
            self.closed = !self.closed;
        }
        self.closed
    }
}

/// What a contact to ground does to its pin, with or without a resistor to the supply outside.
pub(crate) fn to_ground(closed: bool, resistor: bool) -> Drive {
    match (closed, resistor) {
        (true, _) => Drive::Low,
        (false, true) => Drive::PullUp,
        (false, false) => Drive::Released,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::MICROSECOND;

    fn movement(contact: &mut Contact, at: Tick, closed: bool, draw: &mut Draw) -> Vec<(Tick, bool)> {
        contact.actuate(at, closed, draw);
        let mut edges = Vec::new();
        while contact.deadline() != Tick::MAX {
            let tick = contact.deadline();
            edges.push((tick, contact.step()));
        }
        edges
    }

    #[test]
    fn a_clean_contact_makes_one_edge() {
        let mut contact = Contact::new(0, 6);
        let mut draw = Draw::for_part(1, "c");
        assert_eq!(movement(&mut contact, 5, true, &mut draw), [(5, true)]);
        assert_eq!(movement(&mut contact, 9, true, &mut draw), []);
        assert_eq!(movement(&mut contact, 12, false, &mut draw), [(12, false)]);
    }

    #[test]
    fn bounces_are_as_long_as_the_survey_measured() {
        let mut contact = Contact::new(6200, 6);
        let mut draw = Draw::for_part(1, "c");
        let (mut total, mut longest, mut interruptions) = (0, 0, [0; 7]);
        let presses = 10_000;
        for n in 0..presses {
            let closed = n % 2 == 0;
            let edges = movement(&mut contact, 0, closed, &mut draw);
            assert_eq!(edges.first().map(|edge| edge.0), Some(0), "the first touch is at once");
            assert_eq!(edges.last().map(|edge| edge.1), Some(closed));
            assert!(edges.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 != pair[1].1));
            assert_eq!(edges.len() % 2, 1);
            interruptions[edges.len() / 2] += 1;
            if edges.len() > 1 {
                total += contact.length;
                longest = longest.max(edges.last().map_or(0, |edge| edge.0));
            }
        }
        let bouncing = presses - interruptions[0];
        let mean_us = total / bouncing / MICROSECOND;
        assert!((1500..1600).contains(&mean_us), "{mean_us}");
        assert!((6000..=6200).contains(&(longest / MICROSECOND)), "{}", longest / MICROSECOND);
        assert!(interruptions.iter().all(|&count| (1280..1580).contains(&count)), "{interruptions:?}");
    }

    #[test]
    fn a_contact_that_is_hit_while_it_bounces_ends_where_it_was_sent() {
        let mut draw = Draw::for_part(3, "c");
        for round in 0..1000_u64 {
            let mut contact = Contact::new(6200, 6);
            contact.actuate(0, true, &mut draw);
            for _ in 0..round % 5 {
                if contact.deadline() != Tick::MAX {
                    contact.step();
                }
            }
            movement(&mut contact, 7, false, &mut draw);
            assert!(!contact.is_closed());
        }
    }
}

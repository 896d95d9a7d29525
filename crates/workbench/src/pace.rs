//! Pacing: how far a virtual board's clock may have come at a given moment of ours.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::session::LinkTime;

/// A board that fell behind by more than this does not try to catch up: it goes on from where it
/// is, and its share of real time says so. Catching up would make a run race after every hiccup.
const FORGIVEN_LAG: Duration = Duration::from_millis(100);

/// The slowest motion that can be asked for.
pub const SLOWEST: f64 = 0.001;

/// How fast virtual time shall go.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// Virtual seconds per real second; 0 stands for as fast as it goes.
    pub factor: f64,
    /// Time stands still.
    pub paused: bool,
}

impl Speed {
    /// Virtual time goes like ours.
    pub const REAL_TIME: Self = Self { factor: 1.0, paused: false };

    /// A factor that a visitor asked for, if it is one: 0, or from [`SLOWEST`] on.
    #[must_use]
    pub fn checked(factor: f64) -> Option<f64> {
        (factor == 0.0 || (factor.is_finite() && (SLOWEST..=1000.0).contains(&factor))).then_some(factor)
    }
}

/// Ties a board's clock to ours.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    speed: Speed,
    wall: Moment,
    link: LinkTime,
}

impl Pace {
    pub(crate) fn new(speed: Speed, wall: Moment, link: LinkTime) -> Self {
        Self { speed, wall, link }
    }

    pub(crate) fn speed(&self) -> Speed {
        self.speed
    }

    /// Goes on from this point, as if everything had been on time.
    pub(crate) fn anchor(&mut self, speed: Speed, wall: Moment, link: LinkTime) {
        *self = Self { speed, wall, link };
    }

    /// The link time that shall be reached at `wall`; `None` for as far as it goes.
    pub(crate) fn goal(&self, wall: Moment) -> Option<LinkTime> {
        if self.speed.paused {
            return Some(self.link);
        }
        if self.speed.factor == 0.0 {
            return None;
        }
        Some(self.link + wall.saturating_sub(self.wall).mul_f64(self.speed.factor))
    }

    /// When `link` shall be reached; `None` never, because time stands still.
    pub(crate) fn due(&self, link: LinkTime) -> Option<Moment> {
        if self.speed.paused {
            return None;
        }
        if self.speed.factor == 0.0 {
            return Some(self.wall);
        }
        // Slow motion stretches a distant deadline beyond what an Duration can hold.
        let ahead = link.saturating_sub(self.link).as_secs_f64() / self.speed.factor;
        Duration::try_from_secs_f64(ahead).ok().and_then(|ahead| self.wall.checked_add(ahead))
    }

    /// Forgets a lag that is too large to catch up with.
    pub(crate) fn forgive(&mut self, wall: Moment, link: LinkTime) {
        if self.goal(wall).is_some_and(|goal| goal > link + FORGIVEN_LAG) {
            self.anchor(self.speed, wall, link);
        }
    }
}

/// Measures what share of real time a board gets.
#[derive(Clone, Debug)]
pub(crate) struct ShareMeter {
    wall: Moment,
    link: LinkTime,
}

/// How long one measurement takes.
const SHARE_WINDOW: Duration = Duration::from_millis(500);

impl ShareMeter {
    pub(crate) fn new(wall: Moment, link: LinkTime) -> Self {
        Self { wall, link }
    }

    /// The virtual seconds per real second since the last answer, once a window is over.
    pub(crate) fn measure(&mut self, wall: Moment, link: LinkTime) -> Option<f64> {
        let passed = wall.saturating_sub(self.wall);
        if passed < SHARE_WINDOW {
            return None;
        }
        let share = link.saturating_sub(self.link).as_secs_f64() / passed.as_secs_f64();
        *self = Self { wall, link };
        Some(share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn slow_motion_stretches_time_both_ways() {
        let start = 1000 * MS;
        let pace = Pace::new(Speed { factor: 0.001, paused: false }, start, 10 * MS);
        assert_eq!(pace.goal(start + 1000 * MS), Some(11 * MS));
        assert_eq!(pace.due(11 * MS), Some(start + 1000 * MS));
        assert_eq!(pace.due(5 * MS), Some(start), "what is behind is due at once");
    }

    #[test]
    fn a_paused_board_has_reached_its_goal_and_nothing_is_due() {
        let start = 1000 * MS;
        let pace = Pace::new(Speed { factor: 1.0, paused: true }, start, 10 * MS);
        assert_eq!((pace.goal(start + 500 * MS), pace.due(11 * MS)), (Some(10 * MS), None));
    }

    #[test]
    fn a_lag_is_caught_up_with_unless_it_is_large() {
        let start = 1000 * MS;
        let mut pace = Pace::new(Speed::REAL_TIME, start, LinkTime::ZERO);
        pace.forgive(start + 300 * MS, 250 * MS);
        assert_eq!(pace.goal(start + 301 * MS), Some(301 * MS));
        pace.forgive(start + 300 * MS, 100 * MS);
        assert_eq!(pace.goal(start + 301 * MS), Some(101 * MS));
    }

    #[test]
    fn only_sensible_speeds_are_accepted() {
        for (factor, ok) in [
            (0.0, true),
            (1.0, true),
            (0.001, true),
            (0.0009, false),
            (-1.0, false),
            (f64::NAN, false),
            (f64::INFINITY, false),
        ] {
            assert_eq!(Speed::checked(factor).is_some(), ok, "{factor}");
        }
    }

    #[test]
    fn the_share_is_what_was_reached() {
        let start = 1000 * MS;
        let mut meter = ShareMeter::new(start, LinkTime::ZERO);
        assert_eq!(meter.measure(start + 100 * MS, 100 * MS), None);
        let share = meter.measure(start + 1000 * MS, 250 * MS).unwrap();
        assert!((share - 0.25).abs() < 1e-9);
    }
}

//! A pulse train in closed form: what LEDC puts out until somebody changes it.

use crate::bus::Tick;

/// Sub-ticks per tick: LEDC's dividers have eight fractional bits.
const SUBTICKS: u128 = 256;

/// A pulse train: a counter runs from 0 to `counts` again and again, and the output is active from the
/// count `high_from` on for `high_counts` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wave {
    /// When the counter stood at 0.
    pub start: Tick,
    /// How long one count lasts, in 1/256 tick.
    pub count_subticks: u64,
    /// Counts per period, never 0.
    pub counts: u32,
    /// The count at which the pulse begins, below `counts`.
    pub high_from: u32,
    /// How many counts it lasts; 0: always low, `counts` and more: always high.
    pub high_counts: u32,
    /// The pin shows the opposite.
    pub inverted: bool,
}

impl Wave {
    /// The period in ticks.
    #[must_use]
    pub fn period_ticks(&self) -> f64 {
        self.count_subticks as f64 * f64::from(self.counts) / SUBTICKS as f64
    }

    /// The part of the time for which the pin is high, 0 to 1.
    #[must_use]
    pub fn duty(&self) -> f64 {
        let active = f64::from(self.high_counts.min(self.counts)) / f64::from(self.counts.max(1));
        if self.inverted { 1.0 - active } else { active }
    }

    /// How long the pin is high in each period, in ticks.
    #[must_use]
    pub fn high_ticks(&self) -> f64 {
        self.period_ticks() * self.duty()
    }

    /// Whether it has edges at all.
    #[must_use]
    pub fn is_alternating(&self) -> bool {
        self.high_counts > 0 && self.high_counts < self.counts && self.count_subticks > 0
    }

    /// The level at a tick.
    #[must_use]
    pub fn level_at(&self, tick: Tick) -> bool {
        let active = if self.is_alternating() {
            let count = self.count_at(tick);
            let into = (count + self.counts - self.high_from.min(self.counts)) % self.counts;
            into < self.high_counts
        } else {
            self.high_counts > 0
        };
        active != self.inverted
    }

    /// The counter's value at a tick.
    pub(crate) fn count_at(&self, tick: Tick) -> u32 {
        let subticks = u128::from(tick.saturating_sub(self.start)) * SUBTICKS;
        (subticks / u128::from(self.count_subticks.max(1)) % u128::from(self.counts.max(1))) as u32
    }

    /// The first tick at or after which the counter has begun its period number `n`.
    pub(crate) fn period_start(&self, n: u64) -> Tick {
        self.tick_of(u128::from(n) * u128::from(self.counts))
    }

    /// How many whole periods have passed at a tick.
    pub(crate) fn periods_at(&self, tick: Tick) -> u64 {
        let subticks = u128::from(tick.saturating_sub(self.start)) * SUBTICKS;
        let period = u128::from(self.count_subticks.max(1)) * u128::from(self.counts.max(1));
        u64::try_from(subticks / period).unwrap_or(u64::MAX)
    }

    fn tick_of(&self, counts: u128) -> Tick {
        let ticks = (counts * u128::from(self.count_subticks)).div_ceil(SUBTICKS);
        self.start.saturating_add(Tick::try_from(ticks).unwrap_or(Tick::MAX))
    }

    /// The first edge after a tick; `Tick::MAX`: there is none.
    #[must_use]
    pub fn next_edge(&self, after: Tick) -> Tick {
        if !self.is_alternating() {
            return Tick::MAX;
        }
        let period = u128::from(self.periods_at(after)) * u128::from(self.counts);
        let rise = u128::from(self.high_from % self.counts);
        let fall = u128::from((self.high_from % self.counts + self.high_counts) % self.counts);
        let turn = u128::from(self.counts);
        [rise, fall, rise + turn, fall + turn]
            .into_iter()
            .map(|count| self.tick_of(period + count))
            .filter(|&tick| tick > after)
            .min()
            .unwrap_or(Tick::MAX)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_next_edge_is_where_the_level_changes(
            start in 0_u64..1000, count_subticks in 256_u64..5000, counts in 2_u32..64,
            high_from in 0_u32..64, high_counts in 0_u32..70, inverted: bool, after in 0_u64..20_000,
        ) {
            let wave = Wave { start, count_subticks, counts, high_from: high_from % counts, high_counts, inverted };
            let after = start + after;
            let edge = wave.next_edge(after);
            let level = wave.level_at(after);
            for tick in after..edge.min(after + 3000) {
                prop_assert_eq!(wave.level_at(tick), level, "at {}, edge at {}", tick, edge);
            }
            if edge != Tick::MAX {
                prop_assert_ne!(wave.level_at(edge), level);
            }
        }
    }

    #[test]
    fn a_servo_pulse_measures_as_set() {
        // 50 Hz from 80 MHz over 2^14 counts: divider 97.65625.
        let wave = Wave {
            start: 0,
            count_subticks: 25_000 * 6,
            counts: 1 << 14,
            high_from: 0,
            high_counts: 1229,
            inverted: false,
        };
        assert!((wave.period_ticks() / 480_000.0 - 20.0).abs() < 1e-9);
        assert!((wave.high_ticks() / 480.0 - 1500.2).abs() < 0.1);
        assert_eq!(wave.next_edge(0), wave.tick_of(1229));
    }
}

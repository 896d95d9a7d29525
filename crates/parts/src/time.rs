//! Virtual time in the units of data sheets. Everything is integer arithmetic, so that a wiring
//! gives the same ticks on every host.

use emulator::bus::{TICKS_PER_SECOND, Tick};

/// One microsecond.
pub const MICROSECOND: Tick = TICKS_PER_SECOND / 1_000_000;
/// One millisecond.
pub const MILLISECOND: Tick = TICKS_PER_SECOND / 1000;

/// Nanoseconds as ticks of 1/480 MHz, rounded to the nearest.
#[must_use]
pub const fn from_ns(ns: u64) -> Tick {
    // 480 MHz: 12 ticks in 25 ns.
    ns / 25 * 12 + (ns % 25 * 12 + 12) / 25
}

/// Ticks as nanoseconds, rounded to the nearest.
#[must_use]
pub const fn to_ns(ticks: Tick) -> u64 {
    (ticks / 12).saturating_mul(25).saturating_add((ticks % 12 * 25 + 6) / 12)
}

/// Microseconds as ticks.
#[must_use]
pub const fn from_us(us: u64) -> Tick {
    us.saturating_mul(MICROSECOND)
}

/// Milliseconds as ticks.
#[must_use]
pub const fn from_ms(ms: u64) -> Tick {
    ms.saturating_mul(MILLISECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nanoseconds_round_to_the_nearest_tick_and_back() {
        assert_eq!(from_ns(0), 0);
        assert_eq!(from_ns(25), 12);
        assert_eq!(from_ns(1_000_000_000), TICKS_PER_SECOND);
        assert_eq!(from_ns(400), 192);
        assert_eq!(from_ns(1), 0);
        assert_eq!(from_ns(2), 1);
        assert_eq!(to_ns(3), 6);
        for ticks in [0, 1, 2, 7, 192, 479_999_999, 480_000_001, 1 << 50] {
            assert_eq!(from_ns(to_ns(ticks)), ticks, "a tick is wider than a nanosecond");
        }
    }
}

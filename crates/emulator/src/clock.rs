//! Virtual time: which clock runs how fast, and which device wants to be woken when.

use crate::bus::{TICKS_PER_SECOND, Tick};

/// Frequency of the crystal of every ESP32-C3 board, in Hz.
pub(crate) const XTAL_HZ: u64 = 40_000_000;
/// Nominal frequency of the internal slow RC oscillator, in Hz (TRM, chapter "Reset and Clock").
pub(crate) const RC_SLOW_HZ: u64 = 136_000;
/// Ticks per cycle of the crystal clock.
pub(crate) const XTAL_TICKS: u32 = (TICKS_PER_SECOND / XTAL_HZ) as u32;
/// Ticks per cycle of the APB clock while the PLL drives the chip (80 MHz).
pub(crate) const APB_PLL_TICKS: u32 = (TICKS_PER_SECOND / 80_000_000) as u32;

/// How long one cycle of each derived clock lasts now, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Clocks {
    /// One CPU cycle.
    pub(crate) cpu: u32,
    /// One APB cycle: 80 MHz while the PLL drives the chip, otherwise the CPU clock.
    pub(crate) apb: u32,
}

/// A point in virtual time together with the clocks that run then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// The tick of the access or event.
    pub(crate) now: Tick,
    /// The clocks selected at that tick.
    pub(crate) clocks: Clocks,
}

/// Everything that plans events of its own; the order decides who goes first within one tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Planner {
    /// SYSTIMER alarms.
    Systimer,
    /// Timer group 0: timer and main watchdog.
    Timg0,
    /// Timer group 1: timer and main watchdog.
    Timg1,
    /// UART0: bytes on the line, receive timeout.
    Uart0,
    /// UART1.
    Uart1,
    /// USB-serial-JTAG packets.
    UsbDevice,
    /// RTC watchdog and RTC timer.
    RtcCntl,
    /// The end of a SHA operation.
    Sha,
    /// The end of an AES operation.
    Aes,
    /// The end of a copy from memory to memory.
    Dma,
    /// PWM edges, fades and overflows that matter.
    Ledc,
    /// Edges of the remote control peripheral, and ends of receptions.
    Rmt,
    /// Steps on the I2C bus.
    I2c0,
    /// Clock edges of GP-SPI2.
    Spi2,
    /// What is planned on the bench around the chip, and its devices.
    Bench,
}

const PLANNERS: [Planner; 15] = [
    Planner::Systimer,
    Planner::Timg0,
    Planner::Timg1,
    Planner::Uart0,
    Planner::Uart1,
    Planner::UsbDevice,
    Planner::RtcCntl,
    Planner::Sha,
    Planner::Aes,
    Planner::Dma,
    Planner::Ledc,
    Planner::Rmt,
    Planner::I2c0,
    Planner::Spi2,
    Planner::Bench,
];

/// The event queue: one entry for each device that plans events, the earliest known at all times.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Schedule {
    due: [Tick; PLANNERS.len()],
    next: Tick,
}

impl Schedule {
    /// Nothing is planned.
    pub(crate) fn new() -> Self {
        Self { due: [Tick::MAX; PLANNERS.len()], next: Tick::MAX }
    }

    /// Plans the next event of `planner` (`Tick::MAX`: none).
    pub(crate) fn plan(&mut self, planner: Planner, due: Tick) {
        let slot = &mut self.due[planner as usize];
        if *slot == due {
            return;
        }
        let was_next = *slot == self.next;
        *slot = due;
        if due <= self.next {
            self.next = due;
        } else if was_next {
            self.next = self.due.iter().copied().min().unwrap_or(Tick::MAX);
        }
    }

    /// The tick of the earliest event.
    pub(crate) fn next(&self) -> Tick {
        self.next
    }

    /// The device whose event is due first at or before `now`.
    pub(crate) fn due(&self, now: Tick) -> Option<(Planner, Tick)> {
        if self.next > now {
            return None;
        }
        let first = self.due.iter().position(|&due| due == self.next)?;
        Some((PLANNERS[first], self.next))
    }
}

/// Converts `ticks` of virtual time to whole cycles of a clock of `hz`.
pub(crate) fn cycles_of(ticks: Tick, hz: u64) -> u64 {
    (u128::from(ticks) * u128::from(hz) / u128::from(TICKS_PER_SECOND)) as u64
}

/// The first tick span after which a clock of `hz` has made `cycles` whole cycles.
pub(crate) fn ticks_for(cycles: u64, hz: u64) -> Tick {
    let ticks = (u128::from(cycles) * u128::from(TICKS_PER_SECOND)).div_ceil(u128::from(hz.max(1)));
    Tick::try_from(ticks).unwrap_or(Tick::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_event_comes_first_and_ties_go_by_order() {
        let mut schedule = Schedule::new();
        assert_eq!(schedule.due(Tick::MAX - 1), None);
        schedule.plan(Planner::Uart0, 50);
        schedule.plan(Planner::Systimer, 70);
        schedule.plan(Planner::Timg0, 50);
        assert_eq!(schedule.next(), 50);
        assert_eq!(schedule.due(49), None);
        assert_eq!(schedule.due(50), Some((Planner::Timg0, 50)));
        schedule.plan(Planner::Timg0, Tick::MAX);
        assert_eq!(schedule.due(100), Some((Planner::Uart0, 50)));
        schedule.plan(Planner::Uart0, 90);
        assert_eq!(schedule.due(100), Some((Planner::Systimer, 70)));
    }

    #[test]
    fn slow_clock_conversions_meet() {
        for cycles in [0, 1, 2, 135_999, 136_000, 1_000_000_007] {
            assert_eq!(cycles_of(ticks_for(cycles, RC_SLOW_HZ), RC_SLOW_HZ), cycles);
        }
        assert_eq!(ticks_for(u64::MAX, 1), Tick::MAX);
    }
}

//! Timer groups TIMG0 and TIMG1 (TRM, chapters "Timer Group" and "Watchdog Timers"): one 54-bit
//! timer with an alarm, the main watchdog MWDT, and the calibration of the slow clock.

use super::watchdog::{StageAction, Stages, Watchdog};
use super::{Interrupts, Registers, bit, field};
use crate::bus::Tick;
use crate::clock::{Clocks, Moment, RC_SLOW_HZ, XTAL_HZ, XTAL_TICKS};

const T0CONFIG: u32 = 0x00;
const T0LO: u32 = 0x04;
const T0HI: u32 = 0x08;
const T0UPDATE: u32 = 0x0C;
const T0ALARMLO: u32 = 0x10;
const T0ALARMHI: u32 = 0x14;
const T0LOADLO: u32 = 0x18;
const T0LOADHI: u32 = 0x1C;
const T0LOAD: u32 = 0x20;
const WDTCONFIG0: u32 = 0x48;
const WDTCONFIG1: u32 = 0x4C;
const WDTCONFIG2: u32 = 0x50;
const WDTCONFIG5: u32 = 0x5C;
const WDTFEED: u32 = 0x60;
const WDTWPROTECT: u32 = 0x64;
const RTCCALICFG: u32 = 0x68;
const RTCCALICFG1: u32 = 0x6C;
const INT_ENA: u32 = 0x70;
const INT_RAW: u32 = 0x74;
const INT_ST: u32 = 0x78;
const INT_CLR: u32 = 0x7C;
const RTCCALICFG2: u32 = 0x80;
const NTIMERS_DATE: u32 = 0xF8;
const REGCLK: u32 = 0xFC;

const RESET: &[(u32, u32)] = &[
    (T0CONFIG, 0x6000_2000),
    (WDTCONFIG0, 0x0004_C000),
    (WDTCONFIG1, 0x0001_0000),
    (WDTCONFIG2, 0x018C_BA80),
    (0x54, 0x018C_BA80),
    (0x58, 0x018C_BA80),
    (WDTCONFIG5, 0x018C_BA80),
    (WDTWPROTECT, WDT_WKEY),
    (RTCCALICFG, 0x0001_3000),
    (RTCCALICFG2, 0xFFFF_FF98),
    (NTIMERS_DATE, 0x0200_6191),
    (REGCLK, 0x6000_0000),
];

/// The value of WDTWPROTECT that opens the watchdog registers for writing.
const WDT_WKEY: u32 = 0x50D8_3AA1;
/// Counter values have 54 bits.
const COUNT_MASK: u64 = (1 << 54) - 1;
/// Interrupt bit of the timer.
const T0_INT: u32 = 1 << 0;
/// Interrupt bit of the watchdog.
const WDT_INT: u32 = 1 << 1;

/// A timer group, blocks TIMG0 at 0x6001_F000 and TIMG1 at 0x6002_0000.
#[derive(Clone, Debug, Hash)]
pub(crate) struct TimerGroup {
    registers: Registers<0x40>,
    /// Counter value at `since`.
    base: u64,
    since: Tick,
    latched: u64,
    /// Where a host has moved the next alarm to, instead of the alarm value.
    moved: Option<Tick>,
    watchdog: Watchdog,
    interrupts: Interrupts,
}

impl TimerGroup {
    /// The group after reset. The flash-boot protection (TIMG0 only) runs from there, with the
    /// clock that runs then.
    pub(crate) fn new(at: Moment, flash_boot_protection: bool) -> Self {
        let mut group = Self {
            registers: Registers::new(RESET),
            base: 0,
            since: at.now,
            latched: 0,
            moved: None,
            watchdog: Watchdog::new(),
            interrupts: Interrupts::default(),
        };
        if !flash_boot_protection {
            group.registers.set(WDTCONFIG0, 0x0004_8000);
        }
        group.update_watchdog(at);
        group
    }

    /// Whether the timer's and the watchdog's interrupt sources are active.
    pub(crate) fn active(&self) -> (bool, bool) {
        let status = self.interrupts.status();
        (status & T0_INT != 0, status & WDT_INT != 0)
    }

    fn config(&self) -> u32 {
        self.registers.get(T0CONFIG)
    }

    /// Ticks per count of the timer: the prescaler counts APB or crystal cycles; 0 means 65,536
    /// and 1 is taken as 2 (TRM, "16-bit prescaler").
    fn count_ticks(&self, clocks: Clocks) -> u64 {
        let divider = match field(self.config(), 13, 28) {
            0 => 65_536,
            1 => 2,
            divider => u64::from(divider),
        };
        divider * u64::from(if bit(self.config(), 9) { XTAL_TICKS } else { clocks.apb })
    }

    fn value(&self, at: Moment) -> u64 {
        let counted =
            if bit(self.config(), 31) { at.now.saturating_sub(self.since) / self.count_ticks(at.clocks) } else { 0 };
        let value =
            if bit(self.config(), 30) { self.base.wrapping_add(counted) } else { self.base.wrapping_sub(counted) };
        value & COUNT_MASK
    }

    /// Takes the counter's value as the new base. What is left of the current count is kept.
    fn rebase(&mut self, at: Moment) {
        let value = self.value(at);
        if bit(self.config(), 31) {
            let part = at.now.saturating_sub(self.since) % self.count_ticks(at.clocks);
            self.since = at.now - part;
        } else {
            self.since = at.now;
        }
        self.base = value;
    }

    fn reload(&mut self, at: Moment) {
        let high = u64::from(self.registers.get(T0LOADHI));
        self.base = (high << 32 | u64::from(self.registers.get(T0LOADLO))) & COUNT_MASK;
        self.since = at.now;
    }

    /// The group has stood still for a while, as it does in light sleep.
    pub(crate) fn stood_still(&mut self, ticks: Tick) {
        self.since = self.since.saturating_add(ticks);
        self.moved = self.moved.map(|tick| tick.saturating_add(ticks));
        self.watchdog.stood_still(ticks);
    }

    /// Counts on when the clocks change.
    pub(crate) fn clocks_changed(&mut self, now: Tick, old: Clocks, new: Clocks) {
        self.rebase(Moment { now, clocks: old });
        if !bit(self.config(), 9) {
            // The part of a count that is over must not become more than a count.
            let part = (now - self.since) * u64::from(new.apb) / u64::from(old.apb.max(1));
            self.since = now.saturating_sub(part);
        }
        if !bit(self.registers.get(WDTCONFIG0), 21) {
            self.watchdog.rescale(now, old.apb, new.apb);
        }
    }

    fn alarm_at(&self, at: Moment) -> Tick {
        let config = self.config();
        // A counter that stands still matches nothing.
        if !bit(config, 10) || !bit(config, 31) {
            return Tick::MAX;
        }
        if let Some(tick) = self.moved {
            return tick;
        }
        let alarm =
            (u64::from(self.registers.get(T0ALARMHI)) << 32 | u64::from(self.registers.get(T0ALARMLO))) & COUNT_MASK;
        let value = self.value(at);
        let ahead = if bit(config, 30) { alarm.wrapping_sub(value) } else { value.wrapping_sub(alarm) } & COUNT_MASK;
        // An alarm value that the counter has passed triggers at once (TRM, "54-bit time-base
        // counter"); passed means at most half its range ago.
        if ahead == 0 || ahead > COUNT_MASK / 2 {
            return at.now;
        }
        let counts = (at.now.saturating_sub(self.since) / self.count_ticks(at.clocks)).saturating_add(ahead);
        self.since.saturating_add(counts.saturating_mul(self.count_ticks(at.clocks)))
    }

    /// Moves the next alarm to an exact tick; returns whether the timer was waiting for one.
    pub(crate) fn move_alarm(&mut self, at: Moment, tick: Tick) -> bool {
        let planned = self.alarm_at(at) != Tick::MAX;
        if planned {
            self.moved = Some(tick);
        }
        planned
    }

    /// The tick of the next alarm or watchdog stage.
    pub(crate) fn deadline(&self, at: Moment) -> Tick {
        self.alarm_at(at).min(self.watchdog.deadline(&self.stages(at.clocks)))
    }

    /// Lets what is due happen; returns a reset that the watchdog asks for.
    pub(crate) fn run(&mut self, at: Moment) -> Option<StageAction> {
        if self.alarm_at(at) <= at.now {
            self.fire(at);
        }
        match self.watchdog.expire(at.now, &self.stages(at.clocks))? {
            StageAction::Off => None,
            StageAction::Interrupt => {
                self.interrupts.raw |= WDT_INT;
                None
            }
            reset => Some(reset),
        }
    }

    /// What happens when the alarm matches; also the way a host puts the alarm where it wants.
    pub(crate) fn fire(&mut self, at: Moment) {
        self.interrupts.raw |= T0_INT;
        self.moved = None;
        if bit(self.config(), 29) {
            self.reload(at);
        } else {
            self.rebase(at);
        }
        // T0_ALARM_EN clears itself.
        self.registers.set(T0CONFIG, self.config() & !(1 << 10));
    }

    fn stages(&self, clocks: Clocks) -> Stages {
        let config = self.registers.get(WDTCONFIG0);
        let prescale = u64::from(field(self.registers.get(WDTCONFIG1), 16, 31)).max(1);
        let cycle = u64::from(if bit(config, 21) { XTAL_TICKS } else { clocks.apb });
        let timeouts = std::array::from_fn(|stage| {
            let hold = u64::from(self.registers.get(WDTCONFIG2 + 4 * stage as u32)).max(1);
            hold.saturating_mul(prescale * cycle)
        });
        let mut actions = [29, 27, 25, 23].map(|low| match field(config, low, low + 1) {
            0 => StageAction::Off,
            1 => StageAction::Interrupt,
            2 if bit(config, 13) => StageAction::CpuReset,
            2 => StageAction::Off,
            _ => StageAction::SystemReset,
        });
        if !bit(config, 31) {
            // The flash-boot protection works without WDT_EN: stage 0 resets the system.
            actions[0] = StageAction::SystemReset;
        }
        Stages { actions, timeouts }
    }

    fn update_watchdog(&mut self, at: Moment) {
        let config = self.registers.get(WDTCONFIG0);
        self.watchdog.set_running(at.now, bit(config, 31) || bit(config, 14));
    }

    pub(crate) fn peek(&self, offset: u32) -> u32 {
        match offset {
            T0LO => self.latched as u32,
            T0HI => (self.latched >> 32) as u32,
            T0UPDATE | T0LOAD | WDTFEED | INT_CLR => 0,
            // Calibration of the slow clock is always ready.
            RTCCALICFG => self.registers.get(offset) | 1 << 15,
            RTCCALICFG1 => self.calibration() << 7 | 1,
            INT_ENA => self.interrupts.enabled,
            INT_RAW => self.interrupts.raw,
            INT_ST => self.interrupts.status(),
            RTCCALICFG2 => self.registers.get(offset) & !1,
            _ => self.registers.get(offset),
        }
    }

    /// Crystal cycles in RTC_CALI_MAX cycles of the selected slow clock.
    fn calibration(&self) -> u32 {
        let config = self.registers.get(RTCCALICFG);
        let cycles = u64::from(field(config, 16, 30));
        let hz = match field(config, 13, 14) {
            1 => 17_500_000 / 256,
            2 => 32_768,
            _ => RC_SLOW_HZ,
        };
        (cycles * XTAL_HZ / hz) as u32 & 0x1FF_FFFF
    }

    pub(crate) fn store(&mut self, at: Moment, offset: u32, value: u32) {
        match offset {
            T0CONFIG => {
                self.rebase(at);
                // T0_DIVCNT_RST (bit 12) restarts the prescaler and reads 0.
                if bit(value, 12) || (value ^ self.config()) & 0x9FFF_E200 != 0 {
                    self.since = at.now;
                }
                self.registers.set(offset, value & !(1 << 12));
            }
            T0UPDATE => self.latched = self.value(at),
            T0ALARMLO | T0ALARMHI => {
                self.moved = None;
                self.registers.set(offset, value);
            }
            T0LOAD => self.reload(at),
            WDTCONFIG0..=WDTCONFIG5 => {
                if self.registers.get(WDTWPROTECT) == WDT_WKEY {
                    // WDT_CONF_UPDATE_EN (bit 22) is a command and reads 0.
                    let value = if offset == WDTCONFIG0 { value & !(1 << 22) } else { value };
                    self.registers.set(offset, value);
                    self.update_watchdog(at);
                }
            }
            WDTFEED => {
                if self.registers.get(WDTWPROTECT) == WDT_WKEY {
                    self.watchdog.feed(at.now);
                }
            }
            INT_ENA => self.interrupts.enabled = value & (T0_INT | WDT_INT),
            INT_CLR => self.interrupts.raw &= !value,
            T0LO | T0HI | RTCCALICFG1 | INT_RAW | INT_ST => {}
            _ => self.registers.set(offset, value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOCKS: Clocks = Clocks { cpu: 3, apb: 6 };

    fn at(now: Tick) -> Moment {
        Moment { now, clocks: CLOCKS }
    }

    /// A group whose timer counts microseconds: divider 80 of the 80 MHz APB clock.
    fn counting() -> TimerGroup {
        let mut group = TimerGroup::new(at(0), false);
        group.store(at(0), T0CONFIG, 1 << 31 | 1 << 30 | 80 << 13);
        group
    }

    fn value(group: &mut TimerGroup, now: Tick) -> u32 {
        group.store(at(now), T0UPDATE, 1 << 31);
        group.peek(T0LO)
    }

    #[test]
    fn the_timer_counts_and_alarms_once() {
        let mut group = counting();
        assert_eq!(value(&mut group, 480 * 25), 25);
        group.store(at(0), T0ALARMLO, 100);
        assert_eq!(group.deadline(at(0)), Tick::MAX);
        group.store(at(480), T0CONFIG, group.config() | 1 << 10);
        assert_eq!(group.deadline(at(480)), 480 * 100);
        group.store(at(480), INT_ENA, 3);
        assert_eq!(group.run(at(48_000)), None);
        assert_eq!(group.active(), (true, false));
        assert_eq!(group.deadline(at(48_000)), Tick::MAX, "the alarm enable clears itself");
        assert_eq!(value(&mut group, 480 * 130), 130, "without reload it counts on");
        group.store(at(48_000), INT_CLR, 1);
        assert_eq!(group.active(), (false, false));
    }

    #[test]
    fn auto_reload_starts_again_from_the_load_value() {
        let mut group = counting();
        group.store(at(0), T0LOADLO, 7);
        group.store(at(0), T0ALARMLO, 10);
        group.store(at(0), T0CONFIG, group.config() | 1 << 10 | 1 << 29);
        group.run(at(4_800));
        assert_eq!(value(&mut group, 4_800 + 480), 8);
    }

    #[test]
    fn counting_goes_on_through_a_clock_change() {
        let mut group = counting();
        let slow = Clocks { cpu: 12, apb: 12 };
        group.clocks_changed(480 * 10, CLOCKS, slow);
        let later = Moment { now: 480 * 10 + 960 * 5, clocks: slow };
        group.store(later, T0UPDATE, 1 << 31);
        assert_eq!(group.peek(T0LO), 15);
    }

    #[test]
    fn the_watchdog_is_write_protected_and_resets() {
        let mut group = TimerGroup::new(at(0), false);
        group.store(at(0), WDTWPROTECT, 0);
        group.store(at(0), WDTCONFIG0, 1 << 31 | 3 << 29);
        assert_eq!(group.deadline(at(0)), Tick::MAX, "the key is wrong");
        group.store(at(0), WDTWPROTECT, WDT_WKEY);
        group.store(at(0), WDTCONFIG1, 40_000 << 16);
        group.store(at(0), WDTCONFIG2, 2000);
        group.store(at(0), WDTCONFIG0, 1 << 31 | 3 << 29);
        let second = crate::bus::TICKS_PER_SECOND;
        assert_eq!(group.deadline(at(0)), second, "2000 cycles of 80 MHz / 40000");
        group.store(at(second / 2), WDTFEED, 1);
        assert_eq!(group.run(at(second)), None);
        assert_eq!(group.run(at(second + second / 2)), Some(StageAction::SystemReset));
    }

    #[test]
    fn flash_boot_protection_runs_from_reset() {
        let slow = Moment { now: 0, clocks: Clocks { cpu: 24, apb: 24 } };
        let mut group = TimerGroup::new(slow, true);
        let deadline = group.deadline(slow);
        assert_eq!(deadline, 26_000_000 * 24);
        assert_eq!(group.run(Moment { now: deadline, ..slow }), Some(StageAction::SystemReset));
    }

    #[test]
    fn the_slow_clock_calibrates_to_its_nominal_frequency() {
        let mut group = TimerGroup::new(at(0), false);
        group.store(at(0), RTCCALICFG, 1 << 31 | 1024 << 16);
        assert!(bit(group.peek(RTCCALICFG), 15));
        assert_eq!(u64::from(group.peek(RTCCALICFG1) >> 7), 1024 * XTAL_HZ / RC_SLOW_HZ);
    }
}

//! System timer, SYSTIMER (TRM, chapter "System Timer"): two 52-bit counters at 16 MHz and three
//! comparators with alarms once or periodically.

use super::{Interrupts, Registers, bit, field};
use crate::bus::{TICKS_PER_SECOND, Tick};

const CONF: u32 = 0x00;
const UNIT0_OP: u32 = 0x04;
const UNIT1_OP: u32 = 0x08;
const UNIT0_LOAD_HI: u32 = 0x0C;
const TARGET0_HI: u32 = 0x1C;
const TARGET0_CONF: u32 = 0x34;
const TARGET2_CONF: u32 = 0x3C;
const UNIT0_VALUE_HI: u32 = 0x40;
const UNIT1_VALUE_LO: u32 = 0x4C;
const COMP0_LOAD: u32 = 0x50;
const COMP2_LOAD: u32 = 0x58;
const UNIT0_LOAD: u32 = 0x5C;
const UNIT1_LOAD: u32 = 0x60;
const INT_ENA: u32 = 0x64;
const INT_RAW: u32 = 0x68;
const INT_CLR: u32 = 0x6C;
const INT_ST: u32 = 0x70;
const DATE: u32 = 0xFC;

/// Ticks per count: the counters run at 16 MHz whatever the CPU clock is.
const COUNT_TICKS: u64 = TICKS_PER_SECOND / 16_000_000;
/// The counters have 52 bits.
const COUNT_MASK: u64 = (1 << 52) - 1;

/// One counter.
#[derive(Clone, Debug, Hash)]
struct Unit {
    /// Value at `since`.
    base: u64,
    since: Tick,
    running: bool,
    /// Value latched by UNITn_OP for the VALUE registers.
    latched: u64,
}

impl Unit {
    fn value(&self, now: Tick) -> u64 {
        let counted = if self.running { now.saturating_sub(self.since) / COUNT_TICKS } else { 0 };
        self.base.wrapping_add(counted) & COUNT_MASK
    }

    fn set(&mut self, now: Tick, value: u64) {
        self.base = value & COUNT_MASK;
        self.since = now;
    }

    /// The tick at which the counter reaches `target`; at once if that is already past, which for
    /// a counter that wraps means: at most half its range ago.
    fn reaches(&self, now: Tick, target: u64) -> Tick {
        if !self.running {
            return Tick::MAX;
        }
        let ahead = target.wrapping_sub(self.value(now)) & COUNT_MASK;
        if ahead == 0 || ahead > COUNT_MASK / 2 {
            return now;
        }
        let from_base = target.wrapping_sub(self.base) & COUNT_MASK;
        self.since.saturating_add(from_base.saturating_mul(COUNT_TICKS))
    }
}

/// One comparator.
#[derive(Clone, Debug, Default, Hash)]
struct Comparator {
    /// Waiting for its target.
    armed: bool,
    target: u64,
    /// Counts between alarms in period mode, as COMPn_LOAD has taken them over; 0 before the first load.
    period: u64,
    /// Where a host has moved the next alarm to, instead of the target.
    moved: Option<Tick>,
}

/// The SYSTIMER block at 0x6002_3000.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Systimer {
    registers: Registers<0x1D>,
    units: [Unit; 2],
    comparators: [Comparator; 3],
    interrupts: Interrupts,
}

impl Systimer {
    /// After reset unit 0 counts from 0 and no comparator works.
    pub(crate) fn new(now: Tick) -> Self {
        let unit = |running| Unit { base: 0, since: now, running, latched: 0 };
        Self {
            registers: Registers::new(&[(CONF, 0x4600_0000)]),
            units: [unit(true), unit(false)],
            comparators: Default::default(),
            interrupts: Interrupts::default(),
        }
    }

    /// The levels of the three comparators' interrupt sources.
    pub(crate) fn active(&self) -> [bool; 3] {
        std::array::from_fn(|n| bit(self.interrupts.status(), n as u32))
    }

    /// The tick of the next alarm.
    pub(crate) fn deadline(&self, now: Tick) -> Tick {
        (0..3).map(|n| self.alarm_at(now, n)).min().unwrap_or(Tick::MAX)
    }

    pub(crate) fn alarm_at(&self, now: Tick, n: usize) -> Tick {
        let comparator = &self.comparators[n];
        // TARGETn_WORK_EN are bits 24, 23 and 22.
        if !comparator.armed || !bit(self.registers.get(CONF), 24 - n as u32) {
            return Tick::MAX;
        }
        comparator.moved.unwrap_or_else(|| self.unit_of(n).reaches(now, comparator.target))
    }

    /// Moves comparator `n`'s next alarm to an exact tick; returns whether it was waiting for one.
    pub(crate) fn move_alarm(&mut self, now: Tick, n: usize, tick: Tick) -> bool {
        let planned = self.alarm_at(now, n) != Tick::MAX;
        if planned {
            self.comparators[n].moved = Some(tick);
        }
        planned
    }

    fn unit_of(&self, n: usize) -> &Unit {
        &self.units[usize::from(bit(self.registers.get(TARGET0_CONF + 4 * n as u32), 31))]
    }

    /// The counters have stood still for a while, as they do in light sleep.
    pub(crate) fn stood_still(&mut self, ticks: Tick) {
        for unit in &mut self.units {
            unit.since = unit.since.saturating_add(ticks);
        }
        for comparator in &mut self.comparators {
            comparator.moved = comparator.moved.map(|tick| tick.saturating_add(ticks));
        }
    }

    /// Raises the alarms that are due.
    pub(crate) fn run(&mut self, now: Tick) {
        for n in 0..3 {
            if self.alarm_at(now, n) <= now {
                self.fire(now, n);
            }
        }
    }

    /// What happens when comparator `n` matches; also the way a host puts the alarm where it wants.
    pub(crate) fn fire(&mut self, now: Tick, n: usize) {
        let value = self.unit_of(n).value(now);
        let period = if self.is_periodic(n) { self.comparators[n].period } else { 0 };
        let comparator = &mut self.comparators[n];
        self.interrupts.raw |= 1 << n;
        comparator.moved = None;
        let behind = value.wrapping_sub(comparator.target) & COUNT_MASK;
        match behind.checked_div(period) {
            None => comparator.armed = false,
            // A host has put the alarm before its time: the period begins there.
            Some(_) if behind > COUNT_MASK / 2 => comparator.target = value.wrapping_add(period) & COUNT_MASK,
            // The next multiple of the period that lies ahead: late service loses alarms, as on
            // the chip, it does not pile them up.
            Some(steps) => {
                comparator.target = comparator.target.wrapping_add((steps + 1) * period) & COUNT_MASK;
            }
        }
    }

    pub(crate) fn peek(&self, offset: u32) -> u32 {
        match offset {
            UNIT0_OP | UNIT1_OP => 1 << 29,
            UNIT0_VALUE_HI..=UNIT1_VALUE_LO => {
                let value = self.units[(offset - UNIT0_VALUE_HI) as usize / 8].latched;
                if offset & 4 == 0 { (value >> 32) as u32 } else { value as u32 }
            }
            COMP0_LOAD..=UNIT1_LOAD | INT_CLR => 0,
            INT_ENA => self.interrupts.enabled,
            INT_RAW => self.interrupts.raw,
            INT_ST => self.interrupts.status(),
            DATE => 0x0200_6171,
            _ => self.registers.get(offset),
        }
    }

    pub(crate) fn store(&mut self, now: Tick, offset: u32, value: u32) {
        match offset {
            CONF => {
                self.registers.set(CONF, value);
                for (unit, enable) in self.units.iter_mut().zip([30, 29]) {
                    let held = unit.value(now);
                    unit.set(now, held);
                    unit.running = bit(value, enable);
                }
            }
            UNIT0_OP | UNIT1_OP => {
                if bit(value, 30) {
                    let unit = &mut self.units[(offset - UNIT0_OP) as usize / 4];
                    unit.latched = unit.value(now);
                }
            }
            TARGET0_CONF..=TARGET2_CONF => self.configure_comparator(now, (offset - TARGET0_CONF) as usize / 4, value),
            COMP0_LOAD..=COMP2_LOAD => self.load_comparator(now, (offset - COMP0_LOAD) as usize / 4),
            UNIT0_LOAD | UNIT1_LOAD => {
                let n = (offset - UNIT0_LOAD) as usize / 4;
                let value = self.wide(UNIT0_LOAD_HI + 8 * n as u32);
                self.units[n].set(now, value);
            }
            INT_ENA => self.interrupts.enabled = value & 7,
            INT_RAW => self.interrupts.raw = value & 7,
            INT_CLR => self.interrupts.raw &= !value,
            UNIT0_VALUE_HI..=UNIT1_VALUE_LO | INT_ST => {}
            _ => self.registers.set(offset, value),
        }
    }

    /// The 52-bit value of a register pair, high word first.
    fn wide(&self, offset: u32) -> u64 {
        (u64::from(self.registers.get(offset)) << 32 | u64::from(self.registers.get(offset + 4))) & COUNT_MASK
    }

    /// TARGETn_PERIOD_MODE, which works at once; the period itself waits for COMPn_LOAD.
    fn is_periodic(&self, n: usize) -> bool {
        bit(self.registers.get(TARGET0_CONF + 4 * n as u32), 30)
    }

    /// A store to TARGETn_CONF. ESP-IDF loads the period of the FreeRTOS tick first and selects period mode
    /// afterwards (`systimer_hal_set_alarm_period`, then `systimer_hal_select_alarm_mode`).
    fn configure_comparator(&mut self, now: Tick, n: usize, value: u32) {
        let was_periodic = self.is_periodic(n);
        self.registers.set(TARGET0_CONF + 4 * n as u32, value);
        let period = self.comparators[n].period;
        if self.is_periodic(n) && !was_periodic && period > 0 {
            let target = self.unit_of(n).value(now).wrapping_add(period) & COUNT_MASK;
            self.comparators[n] = Comparator { armed: true, target, period, moved: None };
        }
    }

    fn load_comparator(&mut self, now: Tick, n: usize) {
        let conf = self.registers.get(TARGET0_CONF + 4 * n as u32);
        let period = u64::from(field(conf, 0, 25)).max(1);
        let target = if self.is_periodic(n) {
            self.unit_of(n).value(now).wrapping_add(period) & COUNT_MASK
        } else {
            self.wide(TARGET0_HI + 8 * n as u32)
        };
        self.comparators[n] = Comparator { armed: true, target, period, moved: None };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(systimer: &mut Systimer, now: Tick) -> u64 {
        systimer.store(now, UNIT0_OP, 1 << 30);
        assert_eq!(systimer.peek(UNIT0_OP), 1 << 29);
        u64::from(systimer.peek(UNIT0_VALUE_HI)) << 32 | u64::from(systimer.peek(UNIT0_VALUE_HI + 4))
    }

    #[test]
    fn unit_0_counts_at_16_mhz_from_reset() {
        let mut systimer = Systimer::new(0);
        assert_eq!(value(&mut systimer, TICKS_PER_SECOND), 16_000_000);
        systimer.store(TICKS_PER_SECOND, UNIT0_LOAD_HI, 1);
        systimer.store(TICKS_PER_SECOND, UNIT0_LOAD, 1);
        assert_eq!(value(&mut systimer, TICKS_PER_SECOND + 60), (1 << 32) + 2);
    }

    #[test]
    fn a_target_alarm_fires_once_at_its_tick() {
        let mut systimer = Systimer::new(0);
        systimer.store(0, TARGET0_HI + 4, 100);
        systimer.store(0, COMP0_LOAD, 1);
        assert_eq!(systimer.deadline(0), Tick::MAX, "the comparator does not work yet");
        systimer.store(0, CONF, 0x4600_0000 | 1 << 24);
        assert_eq!(systimer.deadline(0), 3000);
        systimer.run(3000);
        assert_eq!(systimer.active(), [false; 3]);
        systimer.store(3000, INT_ENA, 7);
        assert_eq!(systimer.active(), [true, false, false]);
        systimer.store(3000, INT_CLR, 1);
        assert_eq!((systimer.active(), systimer.deadline(3000)), ([false; 3], Tick::MAX));
    }

    #[test]
    fn a_target_in_the_past_fires_at_once() {
        let mut systimer = Systimer::new(0);
        systimer.store(0, CONF, 0x4600_0000 | 1 << 22);
        systimer.store(90_000, TARGET0_HI + 20, 100);
        systimer.store(90_000, COMP2_LOAD, 1);
        assert_eq!(systimer.deadline(90_000), 90_000);
    }

    #[test]
    fn a_host_can_move_an_alarm_that_is_planned() {
        let mut systimer = Systimer::new(0);
        assert!(!systimer.move_alarm(0, 0, 50), "nothing is planned");
        systimer.store(0, TARGET0_CONF, 1 << 30 | 1000);
        systimer.store(0, COMP0_LOAD, 1);
        systimer.store(0, CONF, 0x4600_0000 | 1 << 24);
        assert!(systimer.move_alarm(0, 0, 12_345));
        assert_eq!(systimer.deadline(0), 12_345);
        systimer.run(12_345);
        assert_eq!(systimer.deadline(12_345), 12_330 + 30_000, "the period goes on from the count that was reached");
    }

    #[test]
    fn a_periodic_alarm_keeps_its_phase() {
        let mut systimer = Systimer::new(0);
        systimer.store(0, TARGET0_CONF, 1 << 30 | 1000);
        systimer.store(0, COMP0_LOAD, 1);
        systimer.store(0, CONF, 0x4600_0000 | 1 << 24);
        for n in 1..=5 {
            assert_eq!(systimer.deadline(0), n * 30_000);
            systimer.run(n * 30_000);
        }
        systimer.run(6 * 30_000 + 29_999);
        assert_eq!(systimer.deadline(0), 7 * 30_000);
    }

    #[test]
    fn period_mode_may_be_selected_after_the_period_was_loaded() {
        let mut systimer = Systimer::new(0);
        systimer.store(0, TARGET0_CONF, 1000);
        systimer.store(0, COMP0_LOAD, 1);
        systimer.store(0, CONF, 0x4600_0000 | 1 << 24);
        systimer.store(300, TARGET0_CONF, 1 << 30 | 1000);
        for n in 1..=3 {
            assert_eq!(systimer.deadline(0), 300 + n * 30_000);
            systimer.run(300 + n * 30_000);
        }
    }

    #[test]
    fn a_new_period_waits_for_the_load() {
        let mut systimer = Systimer::new(0);
        systimer.store(0, TARGET0_CONF, 1 << 30 | 1000);
        systimer.store(0, COMP0_LOAD, 1);
        systimer.store(0, CONF, 0x4600_0000 | 1 << 24);
        systimer.store(0, TARGET0_CONF, 1 << 30 | 500);
        systimer.run(30_000);
        assert_eq!(systimer.deadline(30_000), 60_000);
        systimer.store(30_000, COMP0_LOAD, 1);
        assert_eq!(systimer.deadline(30_000), 45_000);
    }

    #[test]
    fn an_alarm_in_period_mode_goes_on_once_when_the_mode_is_taken_back() {
        let mut systimer = Systimer::new(0);
        systimer.store(0, TARGET0_CONF, 1 << 30 | 1000);
        systimer.store(0, COMP0_LOAD, 1);
        systimer.store(0, CONF, 0x4600_0000 | 1 << 24);
        systimer.store(0, TARGET0_CONF, 1000);
        systimer.run(30_000);
        assert_eq!(systimer.deadline(30_000), Tick::MAX);
    }
}

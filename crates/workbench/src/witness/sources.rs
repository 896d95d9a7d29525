//! What the alarms of a timer have come to, as the hardware and the way to the callback show it.

use std::collections::VecDeque;

use emulator::Source;
use emulator::bus::{TICKS_PER_SECOND, Tick};

/// Ticks of the machine in a tick of the system timer.
const TICKS: Tick = TICKS_PER_SECOND / 16_000_000;
/// How far an alarm may be from where it belongs: 2 us, and this share of the period, by which the system timer falls behind
/// while the hart sleeps.
const OFF_BY: Tick = TICKS_PER_SECOND / 500_000;
const OFF_BY_SHARE: Tick = 10_000;
pub(super) const TICKS_PER_MICRO: Tick = TICKS_PER_SECOND / 1_000_000;
/// The scheduler keeps eight; one more may be on its way to its callback.
const WAITING: usize = 9;
/// Latencies that are kept: 10 kHz for a minute, and more.
const CALLBACKS_KEPT: usize = 1 << 20;

/// A timer, watched.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Timer {
    /// It was started.
    pub(super) used: bool,
    running: bool,
    pub(super) fired: u32,
    pub(super) missed: u32,
    pub(super) hard: u32,
    pub(super) soft: u32,
    pub(super) dropped: u32,
    /// It was out of service when its owner stopped it.
    pub(super) disabled: bool,
    /// How late the callbacks came, in us.
    late: Vec<u32>,
    period: Tick,
    /// When its comparator will match next, as it was seen last.
    planned: Option<Tick>,
    waiting: VecDeque<Tick>,
}

impl Timer {
    /// It starts, with a period in ticks of the system timer.
    pub(super) fn start(&mut self, period: u64) {
        self.used = true;
        self.running = true;
        self.period = period.saturating_mul(TICKS);
        self.planned = None;
    }

    /// Its owner stops it, with its next alarm planned so.
    pub(super) fn stop(&mut self, planned: Option<Tick>) {
        self.disabled |= self.running && planned.is_none();
        self.running = false;
    }

    /// Its routine is about to call or to queue the callback, and has set the next alarm. Returns when this one
    /// was due; `None`: somebody has set its alarms to other moments than every period.
    pub(super) fn alarm(&mut self, now: Tick, planned: Option<Tick>) -> Option<Tick> {
        self.fired = self.fired.saturating_add(1);
        let before = std::mem::replace(&mut self.planned, planned);
        let (Some(next), true) = (planned, self.period > 0) else { return Some(now) };
        // The first one after a start: it was the one before the next.
        let due = before.unwrap_or_else(|| next.saturating_sub(self.period));
        let passed = next.saturating_sub(due);
        // The system timer's counter is a little behind or before the hart's now and then.
        let off = passed % self.period;
        if off.min(self.period - off) > OFF_BY + self.period / OFF_BY_SHARE {
            return None;
        }
        let periods = (passed + self.period / 2) / self.period;
        self.missed = self.missed.saturating_add(u32::try_from(periods.saturating_sub(1)).unwrap_or(u32::MAX));
        Some(due.min(now))
    }

    /// The callback begins inside the interrupt.
    pub(super) fn enter_hard(&mut self, now: Tick, due: Tick) {
        self.hard = self.hard.saturating_add(1);
        self.late(now.saturating_sub(due));
    }

    /// The callback was queued, or there was no room.
    pub(super) fn queued(&mut self, due: Tick, accepted: bool) {
        if !accepted {
            self.dropped = self.dropped.saturating_add(1);
        } else if self.waiting.len() < WAITING {
            self.waiting.push_back(due);
        }
    }

    /// A queued callback begins; false: none was queued.
    pub(super) fn enter_soft(&mut self, now: Tick) -> bool {
        let Some(due) = self.waiting.pop_front() else { return false };
        self.soft = self.soft.saturating_add(1);
        self.late(now.saturating_sub(due));
        true
    }

    fn late(&mut self, ticks: Tick) {
        if self.late.len() < CALLBACKS_KEPT {
            self.late.push(u32::try_from(ticks / TICKS_PER_MICRO).unwrap_or(u32::MAX));
        }
    }

    /// The least, the median, the 99th percentile and the greatest latency, in us.
    pub(super) fn latencies(&self) -> [u32; 4] {
        let mut late = self.late.clone();
        late.sort_unstable();
        let at = |percent: usize| late.get((late.len() * percent / 100).min(late.len().saturating_sub(1)));
        [0, 50, 99, 100].map(|percent| at(percent).copied().unwrap_or(0))
    }

    /// Callbacks that began.
    pub(super) fn ran(&self) -> u32 {
        self.hard.saturating_add(self.soft)
    }
}

/// The interrupt of a timer with an alarm of its own.
pub(super) fn interrupt(slot: usize) -> Source {
    if slot == 0 { Source::SystimerTarget0 } else { Source::SystimerTarget1 }
}

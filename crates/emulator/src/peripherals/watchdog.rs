//! The stage machine that the main watchdogs (MWDT, in the timer groups) and the RTC watchdog
//! (RWDT) share (TRM, chapter "Watchdog Timers"): four stages, each with a timeout and an action.

use crate::bus::Tick;

/// What a watchdog does when a stage runs out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum StageAction {
    /// Nothing; the next stage begins.
    Off,
    /// Raises the watchdog's interrupt.
    Interrupt,
    /// Resets the CPU.
    CpuReset,
    /// Resets the digital core ("system reset").
    SystemReset,
    /// Resets the whole chip with the RTC domain (RWDT only).
    ChipReset,
}

/// The four stages as the registers configure them now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stages {
    /// What happens at the end of each stage.
    pub(crate) actions: [StageAction; 4],
    /// How long each stage lasts, in ticks; at least 1.
    pub(crate) timeouts: [Tick; 4],
}

/// The running part of a watchdog.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Watchdog {
    running: bool,
    stage: u8,
    stage_start: Tick,
}

impl Watchdog {
    /// A watchdog that does not run.
    pub(crate) fn new() -> Self {
        Self { running: false, stage: 0, stage_start: 0 }
    }

    /// Starts from stage 0, as feeding and enabling do.
    pub(crate) fn feed(&mut self, now: Tick) {
        self.stage = 0;
        self.stage_start = now;
    }

    /// Lets the watchdog run or not; starting begins at stage 0.
    pub(crate) fn set_running(&mut self, now: Tick, running: bool) {
        if running && !self.running {
            self.feed(now);
        }
        self.running = running;
    }

    /// The watchdog has stood still for a while.
    pub(crate) fn stood_still(&mut self, ticks: Tick) {
        self.stage_start = self.stage_start.saturating_add(ticks);
    }

    /// Keeps the part of the stage that is over when the clock changes from `old` to `new` ticks
    /// per cycle.
    pub(crate) fn rescale(&mut self, now: Tick, old: u32, new: u32) {
        let over = now.saturating_sub(self.stage_start);
        let over = u128::from(over) * u128::from(new) / u128::from(old.max(1));
        self.stage_start = now.saturating_sub(Tick::try_from(over).unwrap_or(Tick::MAX));
    }

    /// When the current stage runs out (`Tick::MAX`: never, or without any effect).
    pub(crate) fn deadline(&self, stages: &Stages) -> Tick {
        if !self.running || stages.actions.iter().all(|&action| action == StageAction::Off) {
            return Tick::MAX;
        }
        self.stage_start.saturating_add(stages.timeouts[usize::from(self.stage & 3)])
    }

    /// Ends the current stage if it is over at `now`; returns what is to be done then.
    pub(crate) fn expire(&mut self, now: Tick, stages: &Stages) -> Option<StageAction> {
        let deadline = self.deadline(stages);
        if deadline > now {
            return None;
        }
        let action = stages.actions[usize::from(self.stage & 3)];
        self.stage = (self.stage + 1) & 3;
        self.stage_start = deadline;
        Some(action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAGES: Stages = Stages {
        actions: [StageAction::Interrupt, StageAction::Off, StageAction::CpuReset, StageAction::SystemReset],
        timeouts: [10, 20, 30, 40],
    };

    #[test]
    fn stages_follow_each_other_until_fed() {
        let mut watchdog = Watchdog::new();
        assert_eq!(watchdog.deadline(&STAGES), Tick::MAX);
        watchdog.set_running(100, true);
        assert_eq!(watchdog.expire(109, &STAGES), None);
        assert_eq!(watchdog.expire(110, &STAGES), Some(StageAction::Interrupt));
        assert_eq!(watchdog.expire(130, &STAGES), Some(StageAction::Off));
        assert_eq!(watchdog.deadline(&STAGES), 160);
        watchdog.feed(150);
        assert_eq!(watchdog.deadline(&STAGES), 160, "stage 0 again: 150 + 10");
        assert_eq!(watchdog.expire(160, &STAGES), Some(StageAction::Interrupt));
    }

    #[test]
    fn a_slower_clock_stretches_what_is_left() {
        let mut watchdog = Watchdog::new();
        watchdog.set_running(100, true);
        watchdog.rescale(104, 1, 2);
        let slower = Stages { timeouts: STAGES.timeouts.map(|ticks| 2 * ticks), ..STAGES };
        assert_eq!(watchdog.deadline(&slower), 116, "6 of 10 cycles are left, of 2 ticks each");
    }
}

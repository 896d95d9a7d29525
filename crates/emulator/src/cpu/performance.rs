//! The chip's performance counter: what `mpcer` selects is counted in `mpccr` as long as `mpcmr` says
//! so (Technical Reference Manual, chapter "ESP-RISC-V CPU").
//!
//! A cycle in which several selected events happen is counted once. So what is selected beside
//! cycles makes no difference, and the same is true of instructions and what an instruction may be.
//! Cycles, instructions and idle cycles are known at any time; the rest is counted instruction by
//! instruction, for which the engines step.

use super::Op;

/// Clock cycles, apart from those in WFI.
const CYCLE: u32 = 1 << 0;
const INST: u32 = 1 << 1;
/// Cycles in which an instruction waits for a loaded register.
const LD_HAZARD: u32 = 1 << 2;
/// Cycles that are lost because the program goes on somewhere else. (The manual only says "jump hazards".)
const JMP_HAZARD: u32 = 1 << 3;
/// Cycles in WFI.
const IDLE: u32 = 1 << 4;
const LOAD: u32 = 1 << 5;
const STORE: u32 = 1 << 6;
const JMP_UNCOND: u32 = 1 << 7;
const BRANCH: u32 = 1 << 8;
const BRANCH_TAKEN: u32 = 1 << 9;
/// Compressed instructions.
const INST_COMP: u32 = 1 << 10;
/// What an instruction may be, apart from being one.
const KINDS: u32 = LOAD | STORE | JMP_UNCOND | BRANCH | BRANCH_TAKEN | INST_COMP;
const EVENTS: u32 = (1 << 11) - 1;

/// `mpcmr`: counting is enabled.
const COUNT_EN: u32 = 1 << 0;
/// `mpcmr`: the counter stays at its highest value; otherwise it begins anew.
const COUNT_SAT: u32 = 1 << 1;

/// What a hart has counted in any case.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    pub(super) instructions: u64,
    pub(super) stall_cycles: u64,
    pub(super) idle_cycles: u64,
}

impl Counts {
    /// The counts behind an instruction of one cycle.
    pub(super) fn next(self) -> Self {
        Self { instructions: self.instructions + 1, ..self }
    }
}

/// The counter and its settings.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct PerformanceCounter {
    mpcer: u32,
    mpcmr: u32,
    /// What it held when `known` was taken, and single events since then.
    value: u64,
    /// What was known of the selected events at that time.
    known: u64,
}

impl Default for PerformanceCounter {
    fn default() -> Self {
        Self { mpcer: 0, mpcmr: COUNT_EN | COUNT_SAT, value: 0, known: 0 }
    }
}

impl PerformanceCounter {
    pub(super) fn events(&self) -> u32 {
        self.mpcer
    }

    pub(super) fn mode(&self) -> u32 {
        self.mpcmr
    }

    pub(super) fn read(&self, counts: &Counts) -> u32 {
        let value = self.value + (self.known(counts) - self.known);
        if self.mpcmr & COUNT_SAT == 0 { value as u32 } else { u32::try_from(value).unwrap_or(u32::MAX) }
    }

    /// Writes `mpccr`; `next` is counted from on.
    pub(super) fn write(&mut self, value: u32, next: &Counts) {
        self.value = value.into();
        self.known = self.known(next);
    }

    pub(super) fn select_events(&mut self, events: u32, now: &Counts, next: &Counts) {
        let value = self.read(now);
        self.mpcer = events & EVENTS;
        self.write(value, next);
    }

    pub(super) fn set_mode(&mut self, mode: u32, now: &Counts, next: &Counts) {
        let value = self.read(now);
        self.mpcmr = mode & (COUNT_EN | COUNT_SAT);
        self.write(value, next);
    }

    /// How many of the selected events happened that are known without stepping.
    fn known(&self, counts: &Counts) -> u64 {
        let Counts { instructions, stall_cycles, idle_cycles } = *counts;
        if !self.counts(u32::MAX) {
            return 0;
        }
        let busy = match self.mpcer & (CYCLE | INST) {
            0 => 0,
            INST => instructions,
            _ => instructions + stall_cycles,
        };
        busy + if self.counts(IDLE) { idle_cycles } else { 0 }
    }

    /// Whether one of these events is selected and counted.
    fn counts(&self, events: u32) -> bool {
        self.mpcmr & COUNT_EN != 0 && self.mpcer & events != 0
    }

    pub(super) fn counts_events(&self) -> bool {
        let stepped = match self.mpcer & (CYCLE | INST) {
            0 => LD_HAZARD | JMP_HAZARD | KINDS,
            INST => LD_HAZARD | JMP_HAZARD,
            _ => 0,
        };
        self.counts(stepped)
    }

    /// An instruction waited for a loaded register.
    pub(super) fn count_hazard(&mut self, cycles: u8) {
        if self.counts_events() && self.counts(LD_HAZARD) {
            self.value += u64::from(cycles);
        }
    }

    /// An operation was carried out; if it jumped, it lost so many cycles by that.
    pub(super) fn count_retired(&mut self, op: Op, length: u32, jumped: bool, lost: u8) {
        if !self.counts_events() {
            return;
        }
        if self.counts(JMP_HAZARD) && jumped {
            self.value += u64::from(lost);
        }
        let kind = match op {
            Op::Lb { .. } | Op::Lh { .. } | Op::Lw { .. } | Op::Lbu { .. } | Op::Lhu { .. } => LOAD,
            Op::Sb { .. } | Op::Sh { .. } | Op::Sw { .. } => STORE,
            Op::Jal { .. } | Op::Jalr { .. } => JMP_UNCOND,
            Op::Beq { .. } | Op::Bne { .. } | Op::Blt { .. } | Op::Bge { .. } | Op::Bltu { .. } | Op::Bgeu { .. } => {
                if jumped {
                    BRANCH | BRANCH_TAKEN
                } else {
                    BRANCH
                }
            }
            _ => 0,
        };
        let kind = if length == 2 { kind | INST_COMP } else { kind };
        if self.mpcer & INST == 0 && self.counts(kind) {
            self.value += 1;
        }
    }
}

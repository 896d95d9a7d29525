//! What a run can tell about itself. The observer's type is a parameter of the run, so that what it
//! does not ask for costs nothing.

use std::collections::VecDeque;

use super::{Op, Trap};
use crate::bus::{Tick, Width};

/// A trap being taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrapRecord {
    /// Instructions executed before the handler's first one.
    pub instructions: u64,
    /// The tick at which the handler's first instruction begins.
    pub now: Tick,
    /// What it is.
    pub trap: Trap,
    /// The interrupted or faulting instruction, as in `mepc`.
    pub pc: u32,
    /// Where the handler begins.
    pub handler: u32,
}

/// An instruction about to be executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Instructions executed before it.
    pub instructions: u64,
    /// The tick at which it begins.
    pub now: Tick,
    /// Its address.
    pub pc: u32,
    /// What it is.
    pub op: Op,
}

/// A data access that was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// A store; otherwise a load.
    pub store: bool,
    /// The first byte.
    pub address: u32,
    /// How many bytes.
    pub width: Width,
    /// What was stored, or what the load delivered before sign extension.
    pub value: u32,
}

/// Is told what happens during a run. Every method has an empty default.
pub trait Observer {
    /// Whether [`step`](Observer::step) and [`access`](Observer::access) are wanted. The fast engine
    /// then decodes each instruction as the plain one does.
    const STEPS: bool = false;

    /// A trap is taken.
    fn trap(&mut self, _record: &TrapRecord) {}

    /// MRET at `from` returns to `to`; `instructions` and `now` are those of the MRET itself.
    fn mret(&mut self, _instructions: u64, _now: Tick, _from: u32, _to: u32) {}

    /// An instruction is about to be executed.
    fn step(&mut self, _step: &Step) {}

    /// The instruction last stepped to accessed memory or a device.
    fn access(&mut self, _access: &Access) {}
}

/// Nobody looks.
impl Observer for () {}

/// An entry of a [`TrapLog`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrapLogEntry {
    /// A trap was taken.
    Trap(TrapRecord),
    /// A handler returned.
    Mret {
        /// Instructions executed before the MRET.
        instructions: u64,
        /// The tick at which the MRET began.
        now: Tick,
        /// Address of the MRET.
        from: u32,
        /// Where it returned to.
        to: u32,
    },
}

/// Keeps the last traps and returns from them.
#[derive(Clone, Debug)]
pub struct TrapLog {
    entries: VecDeque<TrapLogEntry>,
    capacity: usize,
}

impl TrapLog {
    /// A log of the last `capacity` entries.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { entries: VecDeque::with_capacity(capacity), capacity }
    }

    /// The entries kept, the oldest first.
    pub fn entries(&self) -> impl Iterator<Item = &TrapLogEntry> {
        self.entries.iter()
    }

    /// Forgets all entries.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    fn push(&mut self, entry: TrapLogEntry) {
        if self.entries.len() >= self.capacity {
            self.entries.pop_front();
        }
        if self.capacity > 0 {
            self.entries.push_back(entry);
        }
    }
}

impl Observer for TrapLog {
    fn trap(&mut self, record: &TrapRecord) {
        self.push(TrapLogEntry::Trap(*record));
    }

    fn mret(&mut self, instructions: u64, now: Tick, from: u32, to: u32) {
        self.push(TrapLogEntry::Mret { instructions, now, from, to });
    }
}

//! What the traces of a module work on: one block of memory for each machine.
//!
//! Addresses are those of the tab's memory and have 32 bits, so that the layout is the same where the module is made and
//! where it runs.

use super::super::state::{Hints, State};
use crate::memory::MMU_ENTRIES;

/// Entries of the table for jumps to addresses in registers.
pub(super) const JUMPS: usize = 4096;
/// Entries of the table of links: one for each address at which a trace of the module begins.
pub(super) const SLOTS: usize = 1 << 12;
/// No trace: numbers of traces begin with 1, which is their place in the module's own table.
pub(super) const NO_TRACE: u32 = 0;

/// An entry of the table for jumps to addresses in registers.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Jump {
    pub(super) pc: u32,
    pub(super) trace: u32,
}

/// The memory that traces find everything in. Zero is a valid value of each field while none runs.
#[repr(C)]
#[derive(Debug)]
pub(super) struct Context {
    /// The state; its budget and its instructions are kept up to date for the helper only.
    pub(super) state: State,
    /// The same counts while traces run: cycles from bit 32 on, instructions below, so that one subtraction and one comparison
    /// do for both. Neither is ever more than 2^30 or so.
    pub(super) left: i64,
    /// The version of the flash that the table shows.
    pub(super) flash_seen: u64,
    /// What stands at the first address of SRAM on the data bus, and its granules' flags.
    pub(super) ram: u32,
    pub(super) flags: u32,
    /// The ways of the flash's cache.
    pub(super) ways: u32,
    /// A function of the tab's own table, and what it works on.
    pub(super) helper: u32,
    pub(super) world: u32,
    pub(super) _unused: u32,
    /// The flash page behind each MMU entry; 0 where none is mapped.
    pub(super) flash: [u32; MMU_ENTRIES],
    pub(super) jumps: [Jump; JUMPS],
    /// The trace at each address that a link leads to.
    pub(super) slots: [u32; SLOTS],
    pub(super) hints: Hints,
}

/// Offsets for the back end.
#[cfg(machine_code)]
pub(super) mod at {
    use std::mem::offset_of;

    use super::{Context, JUMPS, Jump};

    pub(in super::super) const X: u64 = offset_of!(Context, state.x) as u64;
    pub(in super::super) const EXIT: u64 = offset_of!(Context, state.exit) as u64;
    pub(in super::super) const PC: u64 = offset_of!(Context, state.pc) as u64;
    pub(in super::super) const LINE: u64 = offset_of!(Context, state.line) as u64;
    pub(in super::super) const PENDING: u64 = offset_of!(Context, state.pending) as u64;
    pub(in super::super) const LEFT: u64 = offset_of!(Context, left) as u64;
    pub(in super::super) const EPOCH: u64 = offset_of!(Context, state.epoch) as u64;
    pub(in super::super) const RAM: u64 = offset_of!(Context, ram) as u64;
    pub(in super::super) const FLAGS: u64 = offset_of!(Context, flags) as u64;
    pub(in super::super) const WAYS: u64 = offset_of!(Context, ways) as u64;
    pub(in super::super) const FLASH: u64 = offset_of!(Context, flash) as u64;
    pub(in super::super) const JUMP_PC: u64 = offset_of!(Context, jumps) as u64 + offset_of!(Jump, pc) as u64;
    pub(in super::super) const JUMP_TRACE: u64 = offset_of!(Context, jumps) as u64 + offset_of!(Jump, trace) as u64;
    pub(in super::super) const SLOTS: u64 = offset_of!(Context, slots) as u64;
    pub(in super::super) const HINTS: u64 = offset_of!(Context, hints) as u64;
    /// Which bits of an address choose its entry among the jumps; bit 0 is always zero.
    pub(in super::super) const JUMP_MASK: u32 = 2 * (JUMPS as u32 - 1);
    /// By how much those bits are to be shifted to be the entry's offset.
    pub(in super::super) const JUMP_SHIFT: u32 = size_of::<Jump>().trailing_zeros() - 1;
}

/// Where an address has its entry among the jumps.
#[cfg(not(machine_code))]
pub(super) fn index(pc: u32) -> usize {
    (pc >> 1) as usize % JUMPS
}

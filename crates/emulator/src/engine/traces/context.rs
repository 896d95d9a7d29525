//! What emitted code works on: one block of memory for each machine, addressed off one register.

use std::ffi::c_void;
use std::mem::offset_of;

use super::state::{Hints, State};
use super::target::REQUEST_KINDS;
use crate::memory::MMU_ENTRIES;

/// Entries of the table for jumps to addresses in registers.
pub(super) const JUMPS: usize = 4096;
/// Entries of the table of links: one for each guest address that a trace goes on at.
pub(super) const SLOTS: usize = 1 << 14;
/// Which bits of an address choose its entry among the jumps; bit 0 is always zero.
pub(super) const JUMP_MASK: u32 = 2 * (JUMPS as u32 - 1);
/// No version of the flash: memory begins with the next one.
pub(super) const NO_VERSION: u64 = 0;
/// No address of code: those are even.
const NO_PC: u32 = 1;

/// An entry of the table for jumps to addresses in registers.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Jump {
    pc: u32,
    _unused: u32,
    code: *const u8,
}

/// Does what emitted code does not do itself. Returns whether the trace has to be left; `exit`, `pc` and
/// `budget` are set then.
pub(super) type Helper = unsafe extern "C" fn(context: *mut Context, address: u32, call: u32, pc: u32) -> u32;

/// The memory that emitted code finds everything in. Zero is a valid value of each field while no code runs.
#[repr(C)]
#[derive(Debug)]
pub(super) struct Context {
    /// What does not depend on the host.
    pub(super) state: State,
    /// What stands at the first address of SRAM on the data bus, and its granules' flags.
    pub(super) ram: *mut u8,
    pub(super) flags: *mut u8,
    /// The ways of the flash's cache.
    pub(super) ways: *mut u8,
    /// Common code of the arena, see [`Stubs`].
    pub(super) stubs: Stubs,
    pub(super) helpers: [Option<Helper>; REQUEST_KINDS],
    /// What the helpers work on.
    pub(super) world: *mut c_void,
    /// The version of the flash that the table shows.
    pub(super) flash_seen: u64,
    /// The flash page behind each MMU entry; null where none is mapped.
    pub(super) flash: [*const u8; MMU_ENTRIES],
    jumps: [Jump; JUMPS],
    slots: [*const u8; SLOTS],
    pub(super) hints: Hints,
}

/// Where the arena's common code stands.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Stubs {
    /// Leaves with [`Left::Miss`](super::state::Left::Miss).
    pub(super) miss: *const u8,
    /// Leaves with [`Left::Budget`](super::state::Left::Budget).
    pub(super) budget: *const u8,
    /// Calls a helper.
    pub(super) call: *const u8,
    /// Finds a line of flash for which the hint is wrong, on x86-64.
    pub(super) touch: *const u8,
}

/// Offsets for the back ends.
pub(super) mod at {
    use super::{Context, Stubs, offset_of};

    pub(in super::super) const BUDGET: i32 = offset_of!(Context, state.budget) as i32;
    pub(in super::super) const INSTRUCTIONS: i32 = offset_of!(Context, state.instructions) as i32;
    pub(in super::super) const LINE: i32 = offset_of!(Context, state.line) as i32;
    pub(in super::super) const PENDING: i32 = offset_of!(Context, state.pending) as i32;
    pub(in super::super) const WAYS: i32 = offset_of!(Context, ways) as i32;
    pub(in super::super) const EPOCH: i32 = offset_of!(Context, state.epoch) as i32;
    pub(in super::super) const EXIT: i32 = offset_of!(Context, state.exit) as i32;
    pub(in super::super) const PC: i32 = offset_of!(Context, state.pc) as i32;
    #[cfg(target_arch = "x86_64")]
    pub(in super::super) const MSTATUS: i32 = offset_of!(Context, state.mstatus) as i32;
    pub(in super::super) const RAM: i32 = offset_of!(Context, ram) as i32;
    pub(in super::super) const FLAGS: i32 = offset_of!(Context, flags) as i32;
    pub(in super::super) const MISS: i32 = (offset_of!(Context, stubs) + offset_of!(Stubs, miss)) as i32;
    pub(in super::super) const BUDGET_OUT: i32 = (offset_of!(Context, stubs) + offset_of!(Stubs, budget)) as i32;
    pub(in super::super) const CALL: i32 = (offset_of!(Context, stubs) + offset_of!(Stubs, call)) as i32;
    pub(in super::super) const TOUCH: i32 = (offset_of!(Context, stubs) + offset_of!(Stubs, touch)) as i32;
    pub(in super::super) const HELPERS: i32 = offset_of!(Context, helpers) as i32;
    pub(in super::super) const FLASH: i32 = offset_of!(Context, flash) as i32;
    pub(in super::super) const JUMPS: i32 = offset_of!(Context, jumps) as i32;
    pub(in super::super) const SLOTS: i32 = offset_of!(Context, slots) as i32;
    pub(in super::super) const HINTS: i32 = offset_of!(Context, hints) as i32;
}

impl Context {
    /// The code that the table of jumps knows for an address.
    pub(super) fn jump(&self, pc: u32) -> Option<*const u8> {
        let entry = &self.jumps[index(pc)];
        (entry.pc == pc && !entry.code.is_null()).then_some(entry.code)
    }

    /// Lets jumps to `pc` find `code`.
    pub(super) fn set_jump(&mut self, pc: u32, code: *const u8) {
        self.jumps[index(pc)] = Jump { pc, _unused: 0, code };
    }

    /// Lets jumps to `pc` find nothing.
    pub(super) fn clear_jump(&mut self, pc: u32) {
        let entry = &mut self.jumps[index(pc)];
        if entry.pc == pc {
            entry.pc = NO_PC;
        }
    }

    /// Lets no jump find anything.
    pub(super) fn clear_jumps(&mut self) {
        for entry in &mut self.jumps {
            entry.pc = NO_PC;
        }
    }

    /// As [`Context::clear_jumps`], where all is zero: only one entry would be found by an address that it shows.
    pub(super) fn clear_zeroed_jumps(&mut self) {
        self.jumps[index(0)].pc = NO_PC;
    }

    /// Lets a link lead to `code`, or to nothing known.
    pub(super) fn set_slot(&mut self, slot: u32, code: Option<*const u8>) {
        self.slots[slot as usize] = code.unwrap_or(self.stubs.miss);
    }
}

fn index(pc: u32) -> usize {
    (pc >> 1) as usize % JUMPS
}

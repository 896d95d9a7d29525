//! What emitted code works on: one block of memory for each machine, addressed off one register.

use std::ffi::c_void;
use std::mem::offset_of;

use super::target::REQUEST_KINDS;
use crate::memory::MMU_ENTRIES;

/// Entries of the table for jumps to addresses in registers.
pub(super) const JUMPS: usize = 4096;
/// Entries of the table of links: one for each guest address that a trace goes on at.
pub(super) const SLOTS: usize = 1 << 14;
/// Which bits of an address choose its entry among the jumps; bit 0 is always zero.
pub(super) const JUMP_MASK: u32 = 2 * (JUMPS as u32 - 1);
/// Entries of the table that says where in the cache a line is most likely found. Those of code and data of a firmware of 2 MB
/// do not share any.
pub(super) const HINTS: usize = 1 << 16;
/// Within its cycle an instruction uses the lines of its code before that of its data.
pub(super) const MARK_CODE: u64 = 3;
pub(super) const MARK_DATA: u64 = 2;
/// The hart's `mstatus` is not shown; it never holds that.
pub(super) const NO_MSTATUS: u32 = u32::MAX;
/// No version of the flash: memory begins with the next one.
pub(super) const NO_VERSION: u64 = 0;
/// No address of code: those are even.
const NO_PC: u32 = 1;

/// Why emitted code was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Left {
    /// The program goes on at an address for which no trace is known.
    Miss = 0,
    /// The budget does not reach to the end of the trace.
    Budget = 1,
    /// The engine has to look around: a device or code has changed.
    Look = 2,
    /// An access raised an exception.
    Raised = 3,
}

impl Left {
    pub(super) fn from_word(word: u32) -> Self {
        match word {
            0 => Self::Miss,
            1 => Self::Budget,
            2 => Self::Look,
            _ => Self::Raised,
        }
    }
}

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
    /// The guest's registers, as far as they are not in the host's. `x[0]` is never written.
    pub(super) x: [u32; 32],
    /// Cycles that may pass until something is due.
    pub(super) budget: i64,
    /// Instructions that may be executed until then. In unit time the budget says that as well.
    pub(super) instructions: i64,
    /// A [`Left`].
    pub(super) exit: u32,
    /// Where the program goes on.
    pub(super) pc: u32,
    /// The line of the last byte of the instruction before, in silicon's time.
    pub(super) line: u32,
    /// The register that the instruction before has loaded, in silicon's time.
    pub(super) pending: u32,
    /// The hart's `mstatus`, as long as nothing follows from another MIE: in machine mode, and with no interrupt that asks for
    /// service. Otherwise [`NO_MSTATUS`], and the helper sees to it.
    pub(super) mstatus: u32,
    /// What stands at the first address of SRAM on the data bus, and its granules' flags.
    pub(super) ram: *mut u8,
    pub(super) flags: *mut u8,
    /// The ways of the flash's cache.
    pub(super) ways: *mut u8,
    /// What a line that is used is marked with where 4 times the cycles that are left and [`MARK_CODE`] or [`MARK_DATA`] are
    /// added: the later, the lower.
    pub(super) epoch: u64,
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
    /// For each line where its way most likely is, in bytes behind `ways`. Whoever goes by that looks whether the line is
    /// really there.
    hints: [u16; HINTS],
}

/// Where the arena's common code stands.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Stubs {
    /// Leaves with [`Left::Miss`].
    pub(super) miss: *const u8,
    /// Leaves with [`Left::Budget`].
    pub(super) budget: *const u8,
    /// Calls a helper.
    pub(super) call: *const u8,
    /// Finds a line of flash for which the hint is wrong, on x86-64.
    pub(super) touch: *const u8,
}

/// Offsets for the back ends.
pub(super) mod at {
    use super::{Context, Stubs, offset_of};

    pub(in super::super) const BUDGET: i32 = offset_of!(Context, budget) as i32;
    pub(in super::super) const INSTRUCTIONS: i32 = offset_of!(Context, instructions) as i32;
    pub(in super::super) const LINE: i32 = offset_of!(Context, line) as i32;
    pub(in super::super) const PENDING: i32 = offset_of!(Context, pending) as i32;
    pub(in super::super) const WAYS: i32 = offset_of!(Context, ways) as i32;
    pub(in super::super) const EPOCH: i32 = offset_of!(Context, epoch) as i32;
    pub(in super::super) const EXIT: i32 = offset_of!(Context, exit) as i32;
    pub(in super::super) const PC: i32 = offset_of!(Context, pc) as i32;
    pub(in super::super) const MSTATUS: i32 = offset_of!(Context, mstatus) as i32;
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

    /// Lets emitted code find a line at its way.
    pub(super) fn set_hint(&mut self, line: u32, offset: u16) {
        self.hints[line as usize % HINTS] = offset;
    }

    /// Lets a link lead to `code`, or to nothing known.
    pub(super) fn set_slot(&mut self, slot: u32, code: Option<*const u8>) {
        self.slots[slot as usize] = code.unwrap_or(self.stubs.miss);
    }
}

fn index(pc: u32) -> usize {
    (pc >> 1) as usize % JUMPS
}

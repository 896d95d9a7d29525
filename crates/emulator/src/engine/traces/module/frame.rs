//! The only module with `unsafe` code in the tab's build: the way into a module's traces, and their way back to the helper.
//!
//! # Contract
//!
//! What makes this sound, and has to stay true when the back end or this file changes:
//!
//! 1. **The module is the one that `write` made.** The tab takes it from the same file that it is itself in, gives it its
//!    memory and [`isrlab_help`], and offers the place of the function `run` in its own table. That has the signature of [`Enter`].
//! 2. **Traces touch guest memory only through checks at the access itself**, as machine code does: SRAM after a comparison of the very
//!    offset that is used, flash through the table of pages, which is renewed whenever [`Memory::flash_version`] changes.
//!    Should a comparison be wrong, WebAssembly still keeps them within the tab's own memory.
//! 3. **Traces touch their [`Context`]** at constant offsets and at masked indices, and the cache's ways at the offsets
//!    that its hints hold, which are those of ways, and nothing else.
//! 4. **Helpers get exclusive access**: while traces run, hart, memory and devices are borrowed by [`Frame::run`] and used by nobody but the
//!    traces and the helper that they call. A panic ends the tab, so that none crosses a trace.
#![allow(unsafe_code, reason = "code of another module can be entered in no other way")]

use std::alloc::{Layout, alloc_zeroed, handle_alloc_error};
use std::ptr;
use std::sync::Arc;

use super::super::help::{self, Around, Outcome, Run};
use super::super::state::Left;
use super::context::{Context, Jump, NO_TRACE, index};
use crate::bus::Devices;
use crate::cpu::Hart;
use crate::engine::Budget;
use crate::memory::{MMU_ENTRIES, Memory};

/// No address of code: those are even.
const NO_PC: u32 = 1;
/// No version of the flash: memory begins with the next one.
const NO_VERSION: u64 = 0;
/// Cycles and instructions that one run takes at most: each is counted in 31 bits.
const MOST: i64 = 1 << 30;

/// Runs traces from the one with this number on.
type Enter = unsafe extern "C" fn(*mut Context, u32);
/// As `help` for each kind of devices.
type Helper = unsafe extern "C" fn(*mut Context, u32, u32, u32) -> u32;

/// No module was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Refused;

/// The number of a trace in its module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Entry(u32);

impl Entry {
    /// The numbers that traces have, in their order.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (NO_TRACE + 1..).map(Self)
    }
}

/// The module's traces.
#[derive(Debug)]
pub(in super::super) struct Arena {
    /// The place of its function `run` in the tab's table.
    run: usize,
}

impl Arena {
    /// With `run` at this place of the tab's table.
    pub(super) fn new(run: usize) -> Self {
        Self { run }
    }
}

/// One machine's context.
#[derive(Debug)]
pub(in super::super) struct Frame {
    context: Box<Context>,
    arena: Arc<Arena>,
}

/// What the helper works on.
struct Surroundings<D> {
    hart: *mut Hart,
    memory: *mut Memory,
    devices: *mut D,
    run: Run,
}

impl Frame {
    pub(in super::super) fn new(arena: Arc<Arena>) -> Self {
        let layout = Layout::new::<Context>();
        // SAFETY: the layout has a size, and a context of zeros is valid: numbers only.
        let context = unsafe {
            let context = alloc_zeroed(layout).cast::<Context>();
            if context.is_null() {
                handle_alloc_error(layout);
            }
            Box::from_raw(context)
        };
        let mut frame = Self { context, arena };
        // Only one of the zeroed entries would be found by an address that it shows.
        frame.clear_jump(0);
        frame
    }

    /// From now on traces of another module are run; there is none.
    pub(in super::super) fn move_to(&mut self, arena: Arc<Arena>) {
        self.clear_jumps();
        self.arena = arena;
    }

    /// The next run looks at the flash anew.
    pub(in super::super) fn forget_flash(&mut self) {
        self.context.flash_seen = NO_VERSION;
    }

    pub(in super::super) fn jump(&self, pc: u32) -> Option<Entry> {
        let entry = &self.context.jumps[index(pc)];
        (entry.pc == pc && entry.trace != NO_TRACE).then_some(Entry(entry.trace))
    }

    pub(in super::super) fn set_jump(&mut self, pc: u32, entry: Entry) {
        self.context.jumps[index(pc)] = Jump { pc, trace: entry.0 };
    }

    pub(in super::super) fn clear_jump(&mut self, pc: u32) {
        let entry = &mut self.context.jumps[index(pc)];
        if entry.pc == pc {
            entry.pc = NO_PC;
        }
    }

    pub(in super::super) fn clear_jumps(&mut self) {
        for entry in &mut self.context.jumps {
            entry.pc = NO_PC;
        }
    }

    pub(in super::super) fn set_slot(&mut self, slot: u32, entry: Option<Entry>) {
        self.context.slots[slot as usize] = entry.map_or(NO_TRACE, |entry| entry.0);
    }

    /// Runs the trace `entry` and what it leads to, within `budget`. Hart and devices are left as
    /// after those instructions; an exception is reported and not yet taken.
    pub(in super::super) fn run<D: Devices>(
        &mut self,
        entry: Entry,
        hart: &mut Hart,
        memory: &mut Memory,
        devices: &mut D,
        budget: &Budget,
    ) -> Outcome {
        let context = &mut *self.context;
        follow_flash(context, memory);
        let (ram, flags) = memory.dram_parts();
        (context.ram, context.flags) = (address(ram), address(flags));
        context.ways = address(memory.cache.ways());
        let mut surroundings = Surroundings::<D> {
            run: Run::begin(&mut context.state, hart, memory, devices, budget, MOST),
            hart: ptr::from_mut(hart),
            memory: ptr::from_mut(memory),
            devices: ptr::from_mut(devices),
        };
        let began = hart.instructions;
        let helper: Helper = help::<D>;
        context.helper = helper as usize as u32;
        context.world = address(&raw mut surroundings);
        context.state.exit = Left::Miss as u32;
        pack(context);

        // SAFETY: the tab has put the module's function of this signature there.
        unsafe {
            let enter: Enter = std::mem::transmute(self.arena.run);
            enter(ptr::from_mut(context), entry.0);
        }

        unpack(context);
        let mut outcome = surroundings.run.end(&context.state, hart, memory);
        let clipped = budget.instructions.max(budget.cycles) > MOST.cast_unsigned();
        if outcome.left == Left::Budget && clipped && hart.instructions > began {
            // What was left out of the budget is no reason to stop.
            outcome.left = Left::Miss;
        }
        outcome
    }
}

/// An address as traces know it: pointers have 32 bits in the tab.
fn address<T>(pointer: *mut T) -> u32 {
    pointer.expose_provenance() as u32
}

/// Puts the state's counts where traces keep them.
fn pack(context: &mut Context) {
    context.left = (context.state.budget << 32) + context.state.instructions;
}

/// Puts the counts that traces keep into the state.
fn unpack(context: &mut Context) {
    context.state.budget = context.left >> 32;
    context.state.instructions = context.left & i64::from(u32::MAX);
}

/// Renews the table of flash pages if the flash has changed since.
fn follow_flash(context: &mut Context, memory: &Memory) {
    if context.flash_seen != memory.flash_version() {
        let mut pages = [ptr::null(); MMU_ENTRIES];
        memory.flash_pages(&mut pages);
        context.flash = pages.map(|page| address(page.cast_mut()));
        context.flash_seen = memory.flash_version();
    }
}

/// Does what traces leave to others.
///
/// # Safety
/// Called by traces only, by way of [`isrlab_help`], during `Frame::run` with the same `D`.
unsafe extern "C" fn help<D: Devices>(context: *mut Context, address: u32, call: u32, pc: u32) -> u32 {
    // SAFETY: traces pass their context, which `Frame::run` has lent to them.
    let context = unsafe { &mut *context };
    // SAFETY: `Frame::run` has put surroundings of this type there, and waits.
    let surroundings = unsafe { &mut *ptr::with_exposed_provenance_mut::<Surroundings<D>>(context.world as usize) };
    // SAFETY: `Frame::run` has borrowed all three for the time of the run, and uses them only here.
    let (hart, memory, devices) =
        unsafe { (&mut *surroundings.hart, &mut *surroundings.memory, &mut *surroundings.devices) };
    unpack(context);
    let around = Around { hart, memory: &mut *memory, devices, hints: &mut context.hints };
    let left = help::help(&mut context.state, &mut surroundings.run, around, address, call, pc);
    pack(context);
    follow_flash(context, memory);
    let Some(left) = left else { return 0 };
    context.state.exit = left as u32;
    1
}

/// The helper that traces import: passes on to the one for the devices of their machine.
///
/// # Safety
/// Called by the module's traces only, with their own context.
#[unsafe(no_mangle)]
unsafe extern "C" fn isrlab_help(context: *mut Context, address: u32, call: u32, pc: u32) -> u32 {
    // SAFETY: `Frame::run` has put the helper there and lent the context to the trace that calls.
    unsafe {
        let helper: Helper = std::mem::transmute((*context).helper as usize);
        helper(context, address, call, pc)
    }
}

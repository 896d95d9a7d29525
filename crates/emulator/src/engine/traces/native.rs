//! The only module with `unsafe` code: executable memory, the way into it and the way back, and guest RAM between pages that
//! cannot be accessed (`guarded.rs`).
//!
//! # Contract
//!
//! What makes this sound, and has to stay true when a back end or this file changes:
//!
//! 1. **Only the back ends' bytes are executed.** [`Writer::place`] is given nothing else, an [`Entry`] is made
//!    nowhere else, and [`Frame::run`] takes entries of its own arena only.
//! 2. **Emitted code touches guest memory only through checks at the access itself**: SRAM after a comparison of the
//!    very offset that is used, flash after a comparison and through the table of pages, which is renewed
//!    whenever [`Memory::flash_version`] changes. Nothing is proven earlier and relied upon later. Should a comparison
//!    be wrong, an index from the first byte of SRAM still ends in [`Guarded`]'s reservation.
//! 3. **Emitted code touches its [`Context`]** at constant offsets and at masked indices, the flash cache's ways at the
//!    offsets that its hints hold, which are those of ways, the host's stack as its common code does, and nothing else.
//!    Slots that code uses are set before that code can be entered.
//! 4. **Nothing is both writable and executable at one address.** The arena is mapped twice, once to be written and once to
//!    be executed. Bytes are written before an [`Entry`] to them exists and never again.
//! 5. **Code is freed only when no machine is inside**: a [`Frame`] keeps its arena, and changes it between runs.
//! 6. **Helpers get exclusive access**: while emitted code runs, memory and devices are borrowed by [`Frame::run`] and used by nobody
//!    but the emitted code and the helper that it calls. A panic does not cross emitted code.
//!
//! **Instruction caches:** x86-64 keeps them coherent. AArch64 does not: [`Writer::place`] cleans and
//! invalidates what it has written, for all processors, and [`Frame::run`] begins with the barrier that lets this
//! processor fetch anew. Emulators show no missing flush, so do not move these two lines lightly.
#![allow(unsafe_code, reason = "machine code can be entered in no other way")]

mod guarded;

use std::alloc::{Layout, alloc_zeroed, handle_alloc_error};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use dynasmrt::cache_control;
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap, mmap_anonymous, mprotect, munmap};
use rustix::param::page_size;

use super::Emitter;
use super::call::{CSR, FETCH, LOAD, REQUEST_KINDS, STORE};
use super::context::{Context, Helper, NO_VERSION, Stubs};
use super::help::{self, Around, Outcome, Run};
use super::state::{Left, State};
use crate::bus::Devices;
use crate::cpu::Hart;
use crate::engine::Budget;
use crate::memory::Memory;
pub(crate) use guarded::Guarded;

/// Bytes of code that one arena holds; pages that nothing was written to cost nothing.
const ARENA_SIZE: usize = 8 << 20;

/// The host does not let us have executable memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused;

/// Where a trace, or common code, begins in an arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry(NonNull<u8>);

// SAFETY: an entry is an address; who follows it is `Frame::run`, which keeps the arena alive.
unsafe impl Send for Entry {}
// SAFETY: as above.
unsafe impl Sync for Entry {}

/// A mapping of our own.
#[derive(Debug)]
struct Mapping {
    start: *mut u8,
    size: usize,
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and whoever could use it holds a reference to its arena. Should
        // unmapping fail, address space is lost and nothing else.
        let _ = unsafe { munmap(self.start.cast(), self.size) };
    }
}

/// Whether the host lets memory become executable. Policies (`PR_SET_MDWE`, systemd's MemoryDenyWriteExecute,
/// SELinux's execmem) refuse this step; some of them do not see a second mapping of the same
/// memory, but who sets them does not want machine code to be made, so they are obeyed.
fn may_make_code() -> Result<(), Refused> {
    let size = page_size();
    // SAFETY: a new private mapping at an address that the kernel chooses.
    let start = unsafe {
        mmap_anonymous(ptr::null_mut(), size, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE).or(Err(Refused))?
    };
    let probe = Mapping { start: start.cast(), size };
    // SAFETY: the mapping is ours and holds nothing.
    unsafe { mprotect(probe.start.cast(), size, MprotectFlags::READ | MprotectFlags::EXEC).or(Err(Refused)) }
}

/// Memory for code, as it is executed.
#[derive(Debug)]
pub(super) struct Arena {
    executed: Mapping,
    enter: usize,
    stubs: Stubs,
}

// SAFETY: the mapping belongs to the arena alone; it is read and executed through this type, and
// written by the one `Writer`, where no entry leads to yet.
unsafe impl Send for Arena {}
// SAFETY: as above.
unsafe impl Sync for Arena {}

/// The only one who writes into an arena.
#[derive(Debug)]
pub(super) struct Writer {
    arena: Arc<Arena>,
    written: Mapping,
    used: usize,
}

// SAFETY: the mapping is used by nobody else.
unsafe impl Send for Writer {}

impl Writer {
    /// An arena with the common code in it.
    ///
    /// # Errors
    /// [`Refused`].
    pub(super) fn new(emitter: &mut Emitter) -> Result<Self, Refused> {
        may_make_code()?;
        let size = ARENA_SIZE.next_multiple_of(page_size());
        let file = memfd_create("isrlab-traces", MemfdFlags::CLOEXEC).or(Err(Refused))?;
        ftruncate(&file, size as u64).or(Err(Refused))?;
        let map = |protection| {
            // SAFETY: a new mapping at an address that the kernel chooses; nobody else has the file.
            let start =
                unsafe { mmap(ptr::null_mut(), size, protection, MapFlags::SHARED, &file, 0).or(Err(Refused))? };
            Ok(Mapping { start: start.cast(), size })
        };
        let written = map(ProtFlags::READ | ProtFlags::WRITE)?;
        let executed = map(ProtFlags::READ | ProtFlags::EXEC)?;
        let mut bytes = Vec::new();
        let common = emitter.common(&mut bytes).or(Err(Refused))?;
        let at = |offset: usize| executed.start.wrapping_add(offset).cast_const();
        let stubs =
            Stubs { miss: at(common.miss), budget: at(common.budget), call: at(common.call), touch: at(common.touch) };
        let arena = Arc::new(Arena { executed, enter: common.enter, stubs });
        let mut writer = Self { arena, written, used: 0 };
        writer.place(&bytes).ok_or(Refused)?;
        Ok(writer)
    }

    pub(super) fn arena(&self) -> &Arc<Arena> {
        &self.arena
    }

    /// Adds code that a back end has emitted; `None` if the arena is full.
    pub(super) fn place(&mut self, code: &[u8]) -> Option<Entry> {
        let begin = self.used.next_multiple_of(16);
        let end = begin.checked_add(code.len())?;
        if end > self.written.size {
            return None;
        }
        // SAFETY: the range lies in the mapping, behind everything that was written before, and the
        // mapping is used by nobody else.
        unsafe { ptr::copy_nonoverlapping(code.as_ptr(), self.written.start.add(begin), code.len()) };
        self.used = end;
        // SAFETY: both mappings show the same `size` bytes, and these are written.
        let executed = unsafe { std::slice::from_raw_parts(self.arena.executed.start.add(begin), code.len()) };
        // Nothing to do on x86-64. On AArch64 what was written becomes visible to instruction fetches of all processors.
        cache_control::synchronize_icache(executed);
        NonNull::new(self.arena.executed.start.wrapping_add(begin)).map(Entry)
    }
}

/// One machine's context, with the arena that it runs in.
#[derive(Debug)]
pub(super) struct Frame {
    context: Box<Context>,
    arena: Arc<Arena>,
}

// SAFETY: the pointers in the context are used during `run` only, apart from those into the arena,
// which is `Sync` and kept.
unsafe impl Send for Frame {}
// SAFETY: a shared frame only shows its table of jumps.
unsafe impl Sync for Frame {}

/// What the helper works on.
struct Surroundings<D> {
    hart: *mut Hart,
    memory: *mut Memory,
    devices: *mut D,
    run: Run,
    panic: Option<Box<dyn Any + Send>>,
}

impl Frame {
    pub(super) fn new(arena: Arc<Arena>) -> Self {
        let layout = Layout::new::<Context>();
        // SAFETY: the layout has a size, and a context of zeros is valid: numbers, null pointers, no function.
        let context = unsafe {
            let context = alloc_zeroed(layout).cast::<Context>();
            if context.is_null() {
                handle_alloc_error(layout);
            }
            Box::from_raw(context)
        };
        let mut frame = Self { context, arena };
        frame.context.clear_zeroed_jumps();
        frame.context.stubs = frame.arena.stubs;
        frame
    }

    /// From now on code of another arena is run. No jump finds anything, and slots have to be set anew.
    pub(super) fn move_to(&mut self, arena: Arc<Arena>) {
        self.context.clear_jumps();
        self.context.stubs = arena.stubs;
        self.arena = arena;
    }

    /// The next run looks at the flash anew.
    pub(super) fn forget_flash(&mut self) {
        self.context.flash_seen = NO_VERSION;
    }

    pub(super) fn jump(&self, pc: u32) -> Option<Entry> {
        self.context.jump(pc).and_then(|code| NonNull::new(code.cast_mut())).map(Entry)
    }

    pub(super) fn set_jump(&mut self, pc: u32, entry: Entry) {
        self.context.set_jump(pc, entry.0.as_ptr());
    }

    pub(super) fn clear_jump(&mut self, pc: u32) {
        self.context.clear_jump(pc);
    }

    pub(super) fn clear_jumps(&mut self) {
        self.context.clear_jumps();
    }

    pub(super) fn set_slot(&mut self, slot: u32, entry: Option<Entry>) {
        self.context.set_slot(slot, entry.map(|entry| entry.0.as_ptr().cast_const()));
    }

    /// Runs the trace at `entry` and what it leads to, within `budget`. Hart and devices are left as
    /// after those instructions; an exception is reported and not yet taken.
    pub(super) fn run<D: Devices>(
        &mut self,
        entry: Entry,
        hart: &mut Hart,
        memory: &mut Memory,
        devices: &mut D,
        budget: &Budget,
    ) -> Outcome {
        let begins = entry.0.as_ptr().cast_const();
        let arena = self.arena.executed.start..self.arena.executed.start.wrapping_add(ARENA_SIZE);
        assert!(arena.contains(&begins.cast_mut()), "entries lead into the arena of their frame");
        let context = &mut *self.context;
        follow_flash(context, memory);
        (context.ram, context.flags) = memory.dram_parts();
        context.ways = memory.cache.ways();
        let mut surroundings = Surroundings::<D> {
            run: Run::begin(&mut context.state, hart, memory, devices, budget, i64::MAX),
            hart: ptr::from_mut(hart),
            memory: ptr::from_mut(memory),
            devices: ptr::from_mut(devices),
            panic: None,
        };
        context.helpers = helpers::<D>();
        context.world = ptr::from_mut(&mut surroundings).cast();

        // SAFETY: the common code begins there and has this signature.
        let enter: extern "C" fn(*mut Context, *const u8) =
            unsafe { std::mem::transmute(self.arena.executed.start.wrapping_add(self.arena.enter)) };
        // Nothing to do on x86-64. On AArch64 this processor forgets what it fetched ahead before the
        // code was written, perhaps on another processor.
        cache_control::prepare_for_execution(&[]);
        enter(ptr::from_mut(context), begins);

        if let Some(panic) = surroundings.panic {
            resume_unwind(panic);
        }
        surroundings.run.end(&context.state, hart, memory)
    }
}

/// Renews the table of flash pages if the flash has changed since.
fn follow_flash(context: &mut Context, memory: &Memory) {
    if context.flash_seen != memory.flash_version() {
        memory.flash_pages(&mut context.flash);
        context.flash_seen = memory.flash_version();
    }
}

/// What emitted code leaves to others, by the kind of what it asks for.
fn helpers<D: Devices>() -> [Option<Helper>; REQUEST_KINDS] {
    let mut helpers: [Option<Helper>; REQUEST_KINDS] = [None; REQUEST_KINDS];
    helpers[LOAD] = Some(help_to_load::<D>);
    helpers[STORE] = Some(help_to_store::<D>);
    helpers[FETCH] = Some(help_to_fetch::<D>);
    helpers[CSR] = Some(help_with_csr::<D>);
    helpers
}

/// As [`help()`].
unsafe extern "C" fn help_to_load<D: Devices>(context: *mut Context, address: u32, call: u32, pc: u32) -> u32 {
    // SAFETY: as for `help`.
    unsafe { help::<D>(context, |state, run, around| help::load(state, run, around, call, address, pc)) }
}

/// As [`help()`].
unsafe extern "C" fn help_to_store<D: Devices>(context: *mut Context, address: u32, call: u32, pc: u32) -> u32 {
    // SAFETY: as for `help`.
    let left = unsafe { help::<D>(context, |state, run, around| help::store(state, run, around, call, address, pc)) };
    // SAFETY: emitted code passes its context, whose world `Frame::run` has made of this type and lent to it.
    unsafe {
        let context = &mut *context;
        let surroundings = &*context.world.cast::<Surroundings<D>>();
        follow_flash(context, &*surroundings.memory);
    }
    left
}

/// As [`help()`]. The address is the instruction's, and `before` what stands before it.
unsafe extern "C" fn help_to_fetch<D: Devices>(context: *mut Context, address: u32, call: u32, before: u32) -> u32 {
    // SAFETY: as for `help`.
    unsafe { help::<D>(context, |state, run, around| help::look_up_code(state, run, around, call, address, before)) }
}

/// As [`help()`]. In place of an address there is a [`CsrAccess`](super::call::CsrAccess).
unsafe extern "C" fn help_with_csr<D: Devices>(context: *mut Context, access: u32, call: u32, pc: u32) -> u32 {
    // SAFETY: as for `help`.
    unsafe { help::<D>(context, |state, run, around| help::exchange_csr(state, run, around, call, access, pc)) }
}

/// Lets `work` be done for emitted code; whether it says how the trace has to be left.
///
/// # Safety
/// Called by emitted code only, during `Frame::run` with the same `D`.
#[inline(always)]
unsafe fn help<D>(
    context: *mut Context,
    work: impl FnOnce(&mut State, &mut Run, Around<'_, D>) -> Option<Left>,
) -> u32 {
    // SAFETY: emitted code passes its context, which `Frame::run` has lent to it.
    let context = unsafe { &mut *context };
    // SAFETY: `Frame::run` has put surroundings of this type there, and waits.
    let surroundings = unsafe { &mut *context.world.cast::<Surroundings<D>>() };
    // SAFETY: `Frame::run` has borrowed all three for the time of the run, and uses them only here.
    let (hart, memory, devices) =
        unsafe { (&mut *surroundings.hart, &mut *surroundings.memory, &mut *surroundings.devices) };
    let (state, run) = (&mut context.state, &mut surroundings.run);
    let around = Around { hart, memory, devices, hints: &mut context.hints };
    let left = catch_unwind(AssertUnwindSafe(|| work(state, run, around)));
    let left = left.unwrap_or_else(|panic| {
        surroundings.panic = Some(panic);
        Some(Left::Look)
    });
    let Some(left) = left else { return 0 };
    context.state.exit = left as u32;
    1
}

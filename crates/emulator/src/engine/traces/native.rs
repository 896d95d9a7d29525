//! The only module with `unsafe` code: executable memory, the way into it and the way back.
//!
//! # Contract
//!
//! What makes this sound, and has to stay true when a back end or this file changes:
//!
//! 1. **Only the back ends' bytes are executed.** [`Writer::place`] is given nothing else, an [`Entry`] is made
//!    nowhere else, and [`Frame::run`] takes entries of its own arena only.
//! 2. **Emitted code touches guest memory only through checks at the access itself**: SRAM after a comparison of the
//!    very offset that is used, flash after a comparison and through the table of pages, which is renewed
//!    whenever [`Memory::flash_version`] changes. Nothing is proven earlier and relied upon later.
//! 3. **Emitted code touches its [`Context`]** at constant offsets and at masked indices, the host's stack as its
//!    common code does, and nothing else. Slots that code uses are set before that code can be entered.
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
use super::context::{Context, Left, NO_VERSION, Stubs};
use super::target::Unpacked;
use crate::bus::{Devices, Tick};
use crate::cpu::execute::{self, Clock};
use crate::cpu::{Exception, Hart};
use crate::memory::Memory;

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
            let start = unsafe { mmap(ptr::null_mut(), size, protection, MapFlags::SHARED, &file, 0).or(Err(Refused))? };
            Ok(Mapping { start: start.cast(), size })
        };
        let written = map(ProtFlags::READ | ProtFlags::WRITE)?;
        let executed = map(ProtFlags::READ | ProtFlags::EXEC)?;
        let mut bytes = Vec::new();
        let common = emitter.common(&mut bytes).or(Err(Refused))?;
        let at = |offset: usize| executed.start.wrapping_add(offset).cast_const();
        let stubs = Stubs { miss: at(common.miss), budget: at(common.budget), call: at(common.call) };
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
struct World<D> {
    memory: *mut Memory,
    devices: *mut D,
    began: Tick,
    ticks_per_cycle: u32,
    /// The budget at the beginning.
    budget: i64,
    exception: Option<Exception>,
    panic: Option<Box<dyn Any + Send>>,
}

/// How a run of emitted code ended.
pub(super) struct Outcome {
    pub(super) left: Left,
    pub(super) exception: Option<Exception>,
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
        let mut frame = Self { context, arena: Arc::clone(&arena) };
        frame.move_to(arena);
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

    /// Runs the trace at `entry` and what it leads to, for at most `budget` instructions. Hart and
    /// devices are left as after those instructions; an exception is reported and not yet taken.
    pub(super) fn run<D: Devices>(
        &mut self,
        entry: Entry,
        hart: &mut Hart,
        memory: &mut Memory,
        devices: &mut D,
        budget: u64,
        ticks_per_cycle: u32,
    ) -> Outcome {
        let begins = entry.0.as_ptr().cast_const();
        let arena = self.arena.executed.start..self.arena.executed.start.wrapping_add(ARENA_SIZE);
        assert!(arena.contains(&begins.cast_mut()), "entries lead into the arena of their frame");
        let budget = i64::try_from(budget).unwrap_or(i64::MAX);
        let mut world = World::<D> {
            memory: ptr::from_mut(memory),
            devices: ptr::from_mut(devices),
            began: hart.now,
            ticks_per_cycle,
            budget,
            exception: None,
            panic: None,
        };
        let context = &mut *self.context;
        follow_flash(context, memory);
        (context.ram, context.flags) = memory.dram_parts();
        context.x = *hart.x.all();
        context.budget = budget;
        context.helper = Some(help::<D>);
        context.world = ptr::from_mut(&mut world).cast();

        // SAFETY: the common code begins there and has this signature.
        let enter: extern "C" fn(*mut Context, *const u8) =
            unsafe { std::mem::transmute(self.arena.executed.start.wrapping_add(self.arena.enter)) };
        // Nothing to do on x86-64. On AArch64 this processor forgets what it fetched ahead before the
        // code was written, perhaps on another processor.
        cache_control::prepare_for_execution(&[]);
        enter(ptr::from_mut(context), begins);

        let executed = (budget - context.budget).cast_unsigned();
        hart.x.set_all(&context.x);
        hart.pc = context.pc;
        hart.instructions += executed;
        hart.now += executed * Tick::from(ticks_per_cycle);
        if let Some(panic) = world.panic {
            resume_unwind(panic);
        }
        Outcome { left: Left::from_word(context.exit), exception: world.exception }
    }
}

/// Renews the table of flash pages if the flash has changed since.
fn follow_flash(context: &mut Context, memory: &Memory) {
    if context.flash_seen != memory.flash_version() {
        memory.flash_pages(&mut context.flash);
        context.flash_seen = memory.flash_version();
    }
}

/// Carries out an access that emitted code did not.
///
/// # Safety
/// Called by emitted code only, during `Frame::run` with the same `D`.
unsafe extern "C" fn help<D: Devices>(context: *mut Context, address: u32, access: u32, pc: u32) -> u32 {
    // SAFETY: emitted code passes its context, which `Frame::run` has lent to it.
    let context = unsafe { &mut *context };
    // SAFETY: `Frame::run` has put a world of this type there, and waits.
    let world = unsafe { &mut *context.world.cast::<World<D>>() };
    let access = Unpacked::from_word(access);
    let goes_on = catch_unwind(AssertUnwindSafe(|| carry_out(context, world, address, access)));
    let left = goes_on.unwrap_or_else(|panic| {
        world.panic = Some(panic);
        Some(Left::Look)
    });
    let Some(left) = left else { return 0 };
    context.exit = left as u32;
    context.pc = if left == Left::Raised { pc } else { pc.wrapping_add(access.length) };
    // What raised an exception counts as executed.
    context.repay(&access, 1);
    1
}

fn carry_out<D: Devices>(
    context: &mut Context,
    world: &mut World<D>,
    address: u32,
    access: Unpacked,
) -> Option<Left> {
    // SAFETY: `Frame::run` has borrowed both for the time of the run, and uses them only here.
    let (memory, devices) = unsafe { (&mut *world.memory, &mut *world.devices) };
    let executed = (world.budget - context.budget).cast_unsigned() - u64::from(access.unused);
    let clock = Clock { began: world.began, executed, ticks_per_cycle: world.ticks_per_cycle };
    let register = access.register as usize;
    let look = if access.store {
        execute::store_elsewhere(memory, devices, &mut (), address, access.width, context.x[register], (&clock, 0))
    } else {
        execute::load_elsewhere(memory, devices, &mut (), address, access.width, (&clock, 0)).map(|(value, look)| {
            if register != 0 {
                context.x[register] = access.extend(value);
            }
            look
        })
    };
    match look {
        Ok(true) => return Some(Left::Look),
        Ok(false) => {}
        Err(exception) => {
            world.exception = Some(exception);
            return Some(Left::Raised);
        }
    }
    follow_flash(context, memory);
    None
}

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
use super::context::{Context, Helper, Left, MARK_CODE, MARK_DATA, NO_MSTATUS, NO_VERSION, Stubs};
use super::target::{CSR, Call, CsrAccess, FETCH, LOAD, Operand, REQUEST_KINDS, Request, STORE};
use crate::bus::{Devices, Tick, Width};
use crate::cpu::csr::{CsrChange, IllegalCsr, Mstatus};
use crate::cpu::execute::{self, After, Clock, Place, World};
use crate::cpu::timing::{self, Timing};
use crate::cpu::{Cause, Exception, Hart, Op, Privilege, Reg, Registers};
use crate::engine::Budget;
use crate::memory::{FlashCache, Memory};
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
    /// When the run began, and how time goes.
    clock: Clock,
    /// The budget at the beginning.
    budget: i64,
    instructions: i64,
    /// What a single access needs no registers for, and a [`World`] has.
    registers: Registers,
    observer: (),
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
        let signed = |count| i64::try_from(count).unwrap_or(i64::MAX);
        let (instructions, mut cycles) = (signed(budget.instructions), signed(budget.cycles));
        if hart.timing == Timing::Unit {
            cycles = cycles.min(instructions);
        }
        let mut surroundings = Surroundings::<D> {
            hart: ptr::from_mut(hart),
            memory: ptr::from_mut(memory),
            devices: ptr::from_mut(devices),
            clock: Clock::new(hart, budget),
            budget: cycles,
            instructions,
            registers: Registers::default(),
            observer: (),
            exception: None,
            panic: None,
        };
        let context = &mut *self.context;
        follow_flash(context, memory);
        (context.ram, context.flags) = memory.dram_parts();
        context.ways = memory.cache.ways();
        // What is used first is marked with the cache's clock at the most, with all cycles left.
        context.epoch = memory.cache.clock().wrapping_sub(mark(0, cycles, MARK_CODE));
        context.x = *hart.x.all();
        (context.budget, context.instructions) = (cycles, instructions);
        (context.line, context.pending) = (hart.fetch_line, Reg::X0 as u32);
        // What interrupts ask for changes only where emitted code is left.
        let shows_mstatus = hart.privilege == Privilege::Machine && devices.interrupt().is_none();
        context.mstatus = if shows_mstatus { hart.csr.mstatus.bits() } else { NO_MSTATUS };
        context.helpers = helpers::<D>();
        context.world = ptr::from_mut(&mut surroundings).cast();

        // SAFETY: the common code begins there and has this signature.
        let enter: extern "C" fn(*mut Context, *const u8) =
            unsafe { std::mem::transmute(self.arena.executed.start.wrapping_add(self.arena.enter)) };
        // Nothing to do on x86-64. On AArch64 this processor forgets what it fetched ahead before the
        // code was written, perhaps on another processor.
        cache_control::prepare_for_execution(&[]);
        enter(ptr::from_mut(context), begins);

        memory.cache.set_clock(mark(context.epoch, context.budget, 0));
        let left = Left::from_word(context.exit);
        let spent = (cycles - context.budget).cast_unsigned();
        let executed = match hart.timing {
            Timing::Unit => spent,
            Timing::Silicon => (instructions - context.instructions).cast_unsigned(),
        };
        hart.x.set_all(&context.x);
        take_mstatus(context, hart);
        hart.pc = context.pc;
        hart.instructions += executed;
        hart.stall_cycles += spent - executed;
        hart.now += spent * Tick::from(budget.ticks_per_cycle);
        if hart.timing == Timing::Silicon && executed > 0 {
            hart.fetch_line = context.line;
            hart.pending_load = Reg::from_field(context.pending);
        }
        if let Some(panic) = surroundings.panic {
            resume_unwind(panic);
        }
        Outcome { left, exception: surroundings.exception }
    }
}

/// Lets the hart have what emitted code has made of `mstatus`; whether it is shown there.
fn take_mstatus(context: &Context, hart: &mut Hart) -> bool {
    let shown = context.mstatus != NO_MSTATUS;
    if shown {
        hart.csr.mstatus = Mstatus::from_bits(context.mstatus);
    }
    shown
}

/// What a line of flash is marked with that is used with so many cycles left, see [`Context::epoch`].
fn mark(epoch: u64, cycles: i64, mark: u64) -> u64 {
    epoch.wrapping_add(cycles.cast_unsigned().wrapping_mul(4)).wrapping_add(mark)
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

/// As [`help`].
unsafe extern "C" fn help_to_load<D: Devices>(context: *mut Context, address: u32, call: u32, pc: u32) -> u32 {
    // SAFETY: as for `help`.
    unsafe { help(context, |context, around: &mut Surroundings<D>| load(context, around, call, address, pc)) }
}

/// As [`help`].
unsafe extern "C" fn help_to_store<D: Devices>(context: *mut Context, address: u32, call: u32, pc: u32) -> u32 {
    // SAFETY: as for `help`.
    unsafe { help(context, |context, around: &mut Surroundings<D>| store(context, around, call, address, pc)) }
}

/// As [`help`]. The address is the instruction's, and `before` what stands before it.
unsafe extern "C" fn help_to_fetch<D: Devices>(context: *mut Context, address: u32, call: u32, before: u32) -> u32 {
    // SAFETY: as for `help`.
    unsafe {
        help(context, |context, around: &mut Surroundings<D>| look_up_code(context, around, call, address, before))
    }
}

/// As [`help`]. In place of an address there is a [`CsrAccess`].
unsafe extern "C" fn help_with_csr<D: Devices>(context: *mut Context, access: u32, call: u32, pc: u32) -> u32 {
    // SAFETY: as for `help`.
    unsafe { help(context, |context, around: &mut Surroundings<D>| exchange_csr(context, around, call, access, pc)) }
}

/// Lets `work` be done for emitted code; whether it says how the trace has to be left.
///
/// # Safety
/// Called by emitted code only, during `Frame::run` with the same `D`.
#[inline(always)]
unsafe fn help<D>(context: *mut Context, work: impl FnOnce(&mut Context, &mut Surroundings<D>) -> Option<Left>) -> u32 {
    // SAFETY: emitted code passes its context, which `Frame::run` has lent to it.
    let context = unsafe { &mut *context };
    // SAFETY: `Frame::run` has put surroundings of this type there, and waits.
    let surroundings = unsafe { &mut *context.world.cast::<Surroundings<D>>() };
    let left = catch_unwind(AssertUnwindSafe(|| work(context, surroundings)));
    let left = left.unwrap_or_else(|panic| {
        surroundings.panic = Some(panic);
        Some(Left::Look)
    });
    let Some(left) = left else { return 0 };
    context.exit = left as u32;
    1
}

/// Looks up the lines of an instruction; says how to leave if the budget ends with what that costs. Nothing has
/// happened then: the block engine begins with the same instruction.
fn look_up_code<D: Devices>(
    context: &mut Context,
    surroundings: &mut Surroundings<D>,
    call: u32,
    pc: u32,
    before: u32,
) -> Option<Left> {
    let call = Call::from_word(call);
    let Request::Fetch { first, enters } = call.request else { return None };
    // SAFETY: `Frame::run` has borrowed it for the time of the run, and uses it only here.
    let memory = unsafe { &mut *surroundings.memory };
    let enters = if first { context.line != timing::line_of(pc) } else { enters };
    let last = pc.wrapping_add(call.length - 1);
    let crosses = timing::line_of(last) != timing::line_of(pc);
    let looked_up = [enters.then_some(pc), crosses.then_some(last)];
    let misses = looked_up.iter().flatten().filter(|&&address| memory.cache.offset(address).is_none()).count();
    let cost = misses as i64 * i64::from(surroundings.clock.miss_cycles);
    if context.budget < cost {
        context.budget += i64::from(call.unspent);
        context.instructions += i64::from(call.unused);
        context.pc = pc;
        if !first {
            context.line = timing::line_of(before);
            context.pending = call.register as u32;
        }
        return Some(Left::Budget);
    }
    let used = mark(context.epoch, context.budget + i64::from(call.unspent), MARK_CODE);
    context.budget -= cost;
    for address in looked_up.into_iter().flatten() {
        // Two lines that follow each other are in different sets.
        memory.cache.set_clock(used);
        memory.cache.misses(address);
        hint(context, memory, address);
    }
    None
}

/// Lets emitted code find the line of an address in flash that was looked up.
fn hint(context: &mut Context, memory: &Memory, address: u32) {
    if let Some(offset) = memory.cache.offset(address) {
        context.set_hint(FlashCache::line(address), offset);
    }
}

/// Carries out a load that the emitted code could not do where it stands.
#[inline(always)]
fn load<D: Devices>(
    context: &mut Context,
    surroundings: &mut Surroundings<D>,
    call: u32,
    address: u32,
    pc: u32,
) -> Option<Left> {
    let call = Call::from_word(call);
    let Request::Load { width, signed } = call.request else { return None };
    let mut world = world(context, surroundings, call);
    let before = world.clock.cycles;
    // When the access happens is in the clock.
    let place = Place::new(pc, 0, 0, 0, 0, 0);
    let result = match world.memory.may_be_here(address) {
        true => world.load_elsewhere(address, width, &place),
        false => world.load_device(address, width, &place),
    };
    let result = result.map(|(value, after)| {
        if call.register != Reg::X0 {
            context.x[call.register as usize] = extend(value, width, signed);
        }
        after
    });
    let waited = world.clock.cycles - before;
    if world.clock.timing == Timing::Silicon && timing::is_flash(address) {
        hint(context, world.memory, address);
    }
    let loaded = if result.is_ok() { call.register } else { Reg::X0 };
    after(context, surroundings, call, pc, loaded, waited, result)
}

/// Carries out a store that the emitted code could not do where it stands.
#[inline(always)]
fn store<D: Devices>(
    context: &mut Context,
    surroundings: &mut Surroundings<D>,
    call: u32,
    address: u32,
    pc: u32,
) -> Option<Left> {
    let call = Call::from_word(call);
    let Request::Store { width } = call.request else { return None };
    let value = context.x[call.register as usize];
    let mut world = world(context, surroundings, call);
    let before = world.clock.cycles;
    let place = Place::new(pc, 0, 0, 0, 0, 0);
    let result = match world.memory.may_be_here(address) {
        true => world.store_elsewhere(address, width, value, &place),
        false => world.store_device(address, width, value, &place),
    };
    let waited = world.clock.cycles - before;
    follow_flash(context, world.memory);
    after(context, surroundings, call, pc, Reg::X0, waited, result)
}

/// Cycles that have passed since the run began when an instruction acts.
fn spent<D>(context: &Context, surroundings: &Surroundings<D>, call: Call) -> u64 {
    (surroundings.budget - context.budget - i64::from(call.unspent)).cast_unsigned()
}

/// What an access works on. The clock tells when the instruction acts.
fn world<'a, D>(context: &Context, surroundings: &'a mut Surroundings<D>, call: Call) -> World<'a, D, ()> {
    let clock = Clock { cycles: spent(context, surroundings, call), ..surroundings.clock };
    // SAFETY: `Frame::run` has borrowed both for the time of the run, and uses them only here.
    let (memory, devices) = unsafe { (&mut *surroundings.memory, &mut *surroundings.devices) };
    memory.cache.set_clock(mark(context.epoch, context.budget + i64::from(call.unspent), MARK_DATA));
    World { x: &mut surroundings.registers, memory, devices, observer: &mut surroundings.observer, clock }
}

/// What comes of an access that took so many cycles beyond those of the instruction; says how to leave if it has to be.
fn after<D>(
    context: &mut Context,
    surroundings: &mut Surroundings<D>,
    call: Call,
    pc: u32,
    loaded: Reg,
    waited: u64,
    result: Result<After, Exception>,
) -> Option<Left> {
    // A load, a store or an access to a CSR takes that, carried out or not.
    const CYCLES: i64 = timing::cycles(Op::Lw { rd: Reg::X0, rs1: Reg::X0, imm: 0 }) as i64;
    context.budget -= waited as i64;
    let (left, next) = match result {
        // Time may be up: the next boundary is looked at then.
        Ok(After::GoOn | After::Waited) if context.budget >= 0 => return None,
        Ok(_) => (Left::Look, pc.wrapping_add(call.length)),
        Err(exception) => {
            surroundings.exception = Some(exception);
            (Left::Raised, pc)
        }
    };
    context.pc = next;
    context.budget += i64::from(call.unspent) - CYCLES;
    if surroundings.clock.timing == Timing::Silicon {
        context.instructions += i64::from(call.unused) - 1;
        context.line = timing::line_of(pc.wrapping_add(call.length - 1));
        context.pending = loaded as u32;
    }
    Some(left)
}

/// Carries out an access to a CSR.
fn exchange_csr<D: Devices>(
    context: &mut Context,
    surroundings: &mut Surroundings<D>,
    call: u32,
    access: u32,
    pc: u32,
) -> Option<Left> {
    let (call, access) = (Call::from_word(call), CsrAccess::from_word(access));
    let spent = spent(context, surroundings, call);
    let executed = match surroundings.clock.timing {
        Timing::Silicon => (surroundings.instructions - context.instructions - i64::from(call.unused)).cast_unsigned(),
        Timing::Unit => spent,
    };
    let source = match access.source {
        Operand::Register(register) => context.x[register as usize],
        Operand::Immediate(bits) => bits,
    };
    // SAFETY: `Frame::run` has borrowed all three for the time of the run, and uses them only here.
    let (hart, memory, devices) = unsafe { (&mut *surroundings.hart, &*surroundings.memory, &*surroundings.devices) };
    let shown = take_mstatus(context, hart);
    let result = match access_csr(hart, access, source, executed, spent - executed) {
        Ok(value) => {
            if call.register != Reg::X0 {
                context.x[call.register as usize] = value;
            }
            Ok(if access.change == CsrChange::None { After::GoOn } else { after_change(hart, devices) })
        }
        Err(IllegalCsr) => Err(Exception { cause: Cause::IllegalInstruction, tval: execute::word(memory, pc) }),
    };
    if shown {
        context.mstatus = hart.csr.mstatus.bits();
    }
    after(context, surroundings, call, pc, Reg::X0, 0, result)
}

/// Reads a CSR, and changes it, as an instruction does before which so many instructions were executed and so many more
/// cycles passed than the hart counts yet.
fn access_csr(hart: &mut Hart, access: CsrAccess, source: u32, executed: u64, stalled: u64) -> Result<u32, IllegalCsr> {
    hart.instructions += executed;
    hart.stall_cycles += stalled;
    let result = hart.exchange_csr(access.csr, access.change, source);
    hart.instructions -= executed;
    hart.stall_cycles -= stalled;
    result
}

/// What the next boundary makes of a change of `mstatus`: with an enabled interrupt pending it has to be looked at, and a
/// disabled one is not due any more.
fn after_change(hart: &mut Hart, devices: &impl Devices) -> After {
    if !hart.interrupts_enabled() {
        hart.interrupt_due = None;
        After::GoOn
    } else if devices.interrupt().is_some() {
        After::Look
    } else {
        After::GoOn
    }
}

/// What a load makes of the value that it got.
fn extend(value: u32, width: Width, signed: bool) -> u32 {
    match (signed, width) {
        (true, Width::Byte) => value as u8 as i8 as u32,
        (true, Width::Half) => value as u16 as i16 as u32,
        _ => value,
    }
}

//! Does what emitted code leaves to others, and counts what a run of it did: the same wherever it runs.

#[cfg(not(machine_code))]
use super::call::{CSR, FETCH, LOAD, REQUEST_KINDS};
use super::call::{Call, CsrAccess, Operand, Request};
use super::state::{HINTS, Hints, Left, MARK_CODE, MARK_DATA, NO_MSTATUS, State};
use crate::bus::{Devices, Tick, Width};
use crate::cpu::csr::{CsrChange, IllegalCsr, Mstatus};
use crate::cpu::execute::{self, After, Clock, Place, World};
use crate::cpu::timing::{self, Timing};
use crate::cpu::{Cause, Exception, Hart, Op, Privilege, Reg, Registers};
use crate::engine::Budget;
use crate::memory::{FlashCache, Memory};

/// What a run of emitted code began with, and what came of it that the state does not say.
pub(super) struct Run {
    /// When it began, and how time goes.
    clock: Clock,
    /// The cycles and instructions that it may take.
    budget: i64,
    instructions: i64,
    /// What a single access needs no registers for, and a [`World`] has.
    registers: Registers,
    observer: (),
    exception: Option<Exception>,
}

/// Whom the helper works on.
pub(super) struct Around<'a, D> {
    pub(super) hart: &'a mut Hart,
    pub(super) memory: &'a mut Memory,
    pub(super) devices: &'a mut D,
    pub(super) hints: &'a mut Hints,
}

/// How a run of emitted code ended.
pub(super) struct Outcome {
    pub(super) left: Left,
    pub(super) exception: Option<Exception>,
}

impl Run {
    /// Begins a run where the hart stands. It takes at most `most` cycles and instructions.
    pub(super) fn begin(
        state: &mut State,
        hart: &Hart,
        memory: &Memory,
        devices: &impl Devices,
        budget: &Budget,
        most: i64,
    ) -> Self {
        let bounded = |count| i64::try_from(count).map_or(most, |count| count.min(most));
        let (instructions, mut cycles) = (bounded(budget.instructions), bounded(budget.cycles));
        if hart.timing == Timing::Unit {
            cycles = cycles.min(instructions);
        }
        state.x = *hart.x.all();
        (state.budget, state.instructions) = (cycles, instructions);
        (state.line, state.pending) = (hart.fetch_line, Reg::X0 as u32);
        // What is used first is marked with the cache's clock at the most, with all cycles left.
        state.epoch = memory.cache.clock().wrapping_sub(mark(0, cycles, MARK_CODE));
        // What interrupts ask for changes only where emitted code is left.
        let shows_mstatus = hart.privilege == Privilege::Machine && devices.interrupt().is_none();
        state.mstatus = if shows_mstatus { hart.csr.mstatus.bits() } else { NO_MSTATUS };
        let (clock, registers) = (Clock::new(hart, budget), Registers::default());
        Self { clock, budget: cycles, instructions, registers, observer: (), exception: None }
    }

    /// Puts the hart where the run has ended. An exception is reported and not yet taken.
    pub(super) fn end(self, state: &State, hart: &mut Hart, memory: &mut Memory) -> Outcome {
        memory.cache.set_clock(mark(state.epoch, state.budget, 0));
        let spent = (self.budget - state.budget).cast_unsigned();
        let executed = match hart.timing {
            Timing::Unit => spent,
            Timing::Silicon => (self.instructions - state.instructions).cast_unsigned(),
        };
        hart.x.set_all(&state.x);
        take_mstatus(state, hart);
        hart.pc = state.pc;
        hart.instructions += executed;
        hart.stall_cycles += spent - executed;
        hart.now += spent * Tick::from(self.clock.ticks_per_cycle);
        if hart.timing == Timing::Silicon && executed > 0 {
            hart.fetch_line = state.line;
            hart.pending_load = Reg::from_field(state.pending);
        }
        Outcome { left: Left::from_word(state.exit), exception: self.exception }
    }

    /// Cycles that have passed since the run began when an instruction acts.
    fn spent(&self, state: &State, call: Call) -> u64 {
        (self.budget - state.budget - i64::from(call.unspent)).cast_unsigned()
    }
}

/// Lets the hart have what emitted code has made of `mstatus`; whether it is shown there.
fn take_mstatus(state: &State, hart: &mut Hart) -> bool {
    let shown = state.mstatus != NO_MSTATUS;
    if shown {
        hart.csr.mstatus = Mstatus::from_bits(state.mstatus);
    }
    shown
}

/// What a line of flash is marked with that is used with so many cycles left, see [`State::epoch`].
fn mark(epoch: u64, cycles: i64, mark: u64) -> u64 {
    epoch.wrapping_add(cycles.cast_unsigned().wrapping_mul(4)).wrapping_add(mark)
}

/// Does what a [`Call`] asks for, whatever that is; says how to leave if the trace has to be left. Of a fetch the address is
/// the instruction's, and `pc` is what stands before it. Machine code calls the one for its kind itself.
#[cfg(not(machine_code))]
pub(super) fn help<D: Devices>(
    state: &mut State,
    run: &mut Run,
    around: Around<'_, D>,
    address: u32,
    call: u32,
    pc: u32,
) -> Option<Left> {
    match call as usize % REQUEST_KINDS {
        LOAD => load(state, run, around, call, address, pc),
        FETCH => look_up_code(state, run, around, call, address, pc),
        CSR => exchange_csr(state, run, around, call, address, pc),
        _ => store(state, run, around, call, address, pc),
    }
}

/// Looks up the lines of an instruction; says how to leave if the budget ends with what that costs. Nothing has
/// happened then: the block engine begins with the same instruction.
pub(super) fn look_up_code<D: Devices>(
    state: &mut State,
    run: &Run,
    around: Around<'_, D>,
    call: u32,
    pc: u32,
    before: u32,
) -> Option<Left> {
    let call = Call::from_word(call);
    let Request::Fetch { first, enters } = call.request else { return None };
    let Around { memory, hints, .. } = around;
    let enters = if first { state.line != timing::line_of(pc) } else { enters };
    let last = pc.wrapping_add(call.length - 1);
    let crosses = timing::line_of(last) != timing::line_of(pc);
    let looked_up = [enters.then_some(pc), crosses.then_some(last)];
    let misses = looked_up.iter().flatten().filter(|&&address| memory.cache.offset(address).is_none()).count();
    let cost = misses as i64 * i64::from(run.clock.miss_cycles);
    if state.budget < cost {
        state.budget += i64::from(call.unspent);
        state.instructions += i64::from(call.unused);
        state.pc = pc;
        if !first {
            state.line = timing::line_of(before);
            state.pending = call.register as u32;
        }
        return Some(Left::Budget);
    }
    let used = mark(state.epoch, state.budget + i64::from(call.unspent), MARK_CODE);
    state.budget -= cost;
    for address in looked_up.into_iter().flatten() {
        // Two lines that follow each other are in different sets.
        memory.cache.set_clock(used);
        memory.cache.misses(address);
        hint(hints, memory, address);
    }
    None
}

/// Lets emitted code find the line of an address in flash that was looked up.
fn hint(hints: &mut Hints, memory: &Memory, address: u32) {
    if let Some(offset) = memory.cache.offset(address) {
        hints[FlashCache::line(address) as usize % HINTS] = offset;
    }
}

/// Carries out a load that the emitted code could not do where it stands.
#[inline(always)]
pub(super) fn load<D: Devices>(
    state: &mut State,
    run: &mut Run,
    around: Around<'_, D>,
    call: u32,
    address: u32,
    pc: u32,
) -> Option<Left> {
    let call = Call::from_word(call);
    let Request::Load { width, signed } = call.request else { return None };
    let Around { memory, devices, hints, .. } = around;
    let mut world = world(state, run, memory, devices, call);
    let before = world.clock.cycles;
    // When the access happens is in the clock.
    let place = Place::new(pc, 0, 0, 0, 0, 0);
    let result = match world.memory.may_be_here(address) {
        true => world.load_elsewhere(address, width, &place),
        false => world.load_device(address, width, &place),
    };
    let waited = world.clock.cycles - before;
    let result = result.map(|(value, after)| {
        if call.register != Reg::X0 {
            state.x[call.register as usize] = extend(value, width, signed);
        }
        after
    });
    if run.clock.timing == Timing::Silicon && timing::is_flash(address) {
        hint(hints, memory, address);
    }
    let loaded = if result.is_ok() { call.register } else { Reg::X0 };
    after(state, run, call, pc, loaded, waited, result)
}

/// Carries out a store that the emitted code could not do where it stands.
#[inline(always)]
pub(super) fn store<D: Devices>(
    state: &mut State,
    run: &mut Run,
    around: Around<'_, D>,
    call: u32,
    address: u32,
    pc: u32,
) -> Option<Left> {
    let call = Call::from_word(call);
    let Request::Store { width } = call.request else { return None };
    let value = state.x[call.register as usize];
    let mut world = world(state, run, around.memory, around.devices, call);
    let before = world.clock.cycles;
    let place = Place::new(pc, 0, 0, 0, 0, 0);
    let result = match world.memory.may_be_here(address) {
        true => world.store_elsewhere(address, width, value, &place),
        false => world.store_device(address, width, value, &place),
    };
    let waited = world.clock.cycles - before;
    after(state, run, call, pc, Reg::X0, waited, result)
}

/// What an access works on. The clock tells when the instruction acts.
fn world<'a, D>(
    state: &State,
    run: &'a mut Run,
    memory: &'a mut Memory,
    devices: &'a mut D,
    call: Call,
) -> World<'a, D, ()> {
    let clock = Clock { cycles: run.spent(state, call), ..run.clock };
    memory.cache.set_clock(mark(state.epoch, state.budget + i64::from(call.unspent), MARK_DATA));
    World { x: &mut run.registers, memory, devices, observer: &mut run.observer, clock }
}

/// What comes of an access that took so many cycles beyond those of the instruction; says how to leave if it has to be.
fn after(
    state: &mut State,
    run: &mut Run,
    call: Call,
    pc: u32,
    loaded: Reg,
    waited: u64,
    result: Result<After, Exception>,
) -> Option<Left> {
    // A load, a store or an access to a CSR takes that, carried out or not.
    const CYCLES: i64 = timing::cycles(Op::Lw { rd: Reg::X0, rs1: Reg::X0, imm: 0 }) as i64;
    state.budget -= waited as i64;
    let (left, next) = match result {
        // Time may be up: the next boundary is looked at then.
        Ok(After::GoOn | After::Waited) if state.budget >= 0 => return None,
        Ok(_) => (Left::Look, pc.wrapping_add(call.length)),
        Err(exception) => {
            run.exception = Some(exception);
            (Left::Raised, pc)
        }
    };
    state.pc = next;
    state.budget += i64::from(call.unspent) - CYCLES;
    if run.clock.timing == Timing::Silicon {
        state.instructions += i64::from(call.unused) - 1;
        state.line = timing::line_of(pc.wrapping_add(call.length - 1));
        state.pending = loaded as u32;
    }
    Some(left)
}

/// Carries out an access to a CSR. In place of an address there is a [`CsrAccess`].
pub(super) fn exchange_csr<D: Devices>(
    state: &mut State,
    run: &mut Run,
    around: Around<'_, D>,
    call: u32,
    access: u32,
    pc: u32,
) -> Option<Left> {
    let (call, access) = (Call::from_word(call), CsrAccess::from_word(access));
    let spent = run.spent(state, call);
    let executed = match run.clock.timing {
        Timing::Silicon => (run.instructions - state.instructions - i64::from(call.unused)).cast_unsigned(),
        Timing::Unit => spent,
    };
    let source = match access.source {
        Operand::Register(register) => state.x[register as usize],
        Operand::Immediate(bits) => bits,
    };
    let Around { hart, memory, devices, .. } = around;
    let shown = take_mstatus(state, hart);
    let result = match access_csr(hart, access, source, executed, spent - executed) {
        Ok(value) => {
            if call.register != Reg::X0 {
                state.x[call.register as usize] = value;
            }
            Ok(if access.change == CsrChange::None { After::GoOn } else { after_change(hart, devices) })
        }
        Err(IllegalCsr) => Err(Exception { cause: Cause::IllegalInstruction, tval: execute::word(memory, pc) }),
    };
    if shown {
        state.mstatus = hart.csr.mstatus.bits();
    }
    after(state, run, call, pc, Reg::X0, 0, result)
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

/// What the next boundary makes of a change of `mstatus`: with an enabled interrupt pending it has to be looked at, and where
/// one was due that is disabled now.
fn after_change(hart: &Hart, devices: &impl Devices) -> After {
    let look = if hart.interrupts_enabled() { devices.interrupt().is_some() } else { hart.interrupt_due.is_some() };
    if look { After::Look } else { After::GoOn }
}

/// What a load makes of the value that it got.
fn extend(value: u32, width: Width, signed: bool) -> u32 {
    match (signed, width) {
        (true, Width::Byte) => value as u8 as i8 as u32,
        (true, Width::Half) => value as u16 as i16 as u32,
        _ => value,
    }
}

//! What each operation does. Both engines run this code, so that they can differ only in what they
//! keep decoded and in how often they look around.

use super::csr::{CsrChange, IllegalCsr};
use super::observe::{Access, Observer};
use super::timing::{self, Timing};
use super::{Activity, Cause, Exception, Hart, Instruction, Op, Privilege, Reg, Registers};
use crate::bus::{Devices, Effect, Tick, Width};
use crate::engine::Budget;
use crate::memory::{Memory, Stored};

/// Where an operation stands, in the code and in time. Times are cycles, each operation taken by itself,
/// and hold for the way on which the next operation of the run follows.
///
/// It takes 8 bytes, like an operation: that is a step with which a place is found as fast.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Its address.
    pub(crate) pc: u32,
    /// From the beginning of the run to the boundary before it.
    pub(crate) begins: u16,
    /// Bits 0 to 3 are `cycles`, 4 to 7 `cycles_leaving`, 8 `hazard`, 9 and above its length in bytes.
    packed: u16,
}

const _: () = assert!(size_of::<Place>() == 8);

impl Place {
    /// An operation of `length` bytes at `pc`. It waits `hazard` cycles for the operation before and then
    /// takes `cycles`, or `cycles_leaving` if it leaves the run.
    pub(crate) fn new(pc: u32, length: u32, begins: u16, hazard: u8, cycles: u8, cycles_leaving: u8) -> Self {
        debug_assert!(cycles < 16 && cycles_leaving < 16 && hazard < 2 && length <= 4);
        let times = u16::from(cycles) | u16::from(cycles_leaving) << 4 | u16::from(hazard) << 8;
        Self { pc, begins, packed: times | (length as u16) << 9 }
    }

    /// The place of an operation that is run alone.
    pub(crate) fn alone(hart: &Hart, op: Op, length: u32) -> Self {
        let (cycles, cycles_leaving) = match hart.timing {
            Timing::Unit => (1, 1),
            Timing::Silicon => (timing::cycles(op), timing::cycles_jumping(op)),
        };
        Self::new(hart.pc, length, 0, 0, cycles, cycles_leaving)
    }

    /// The address behind it, which is what a jump links to.
    #[inline(always)]
    pub(crate) fn link(&self) -> u32 {
        self.pc.wrapping_add(u32::from(self.packed >> 9))
    }

    /// What it takes.
    #[inline(always)]
    pub(crate) fn cycles(&self) -> u8 {
        (self.packed & 0xF) as u8
    }

    /// What it takes if it leaves the run.
    #[inline(always)]
    pub(crate) fn cycles_leaving(&self) -> u8 {
        (self.packed >> 4 & 0xF) as u8
    }

    /// What it waits for the operation before.
    #[inline(always)]
    pub(crate) fn hazard(&self) -> u8 {
        (self.packed >> 8 & 1) as u8
    }

    /// When its own cycles begin, from the beginning of the run on.
    #[inline(always)]
    pub(crate) fn acts(&self) -> u64 {
        u64::from(self.begins) + u64::from(self.hazard())
    }
}

/// How a run of operations ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// The last operation is done, or one after which the engine has to look around.
    Next(After),
    /// An operation jumped to this address.
    Jump(u32),
    /// An operation could not be carried out.
    Raised(Exception),
}

/// What the engine has to look at after an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// Nothing.
    GoOn,
    /// The time: the operation took longer than its place says.
    Waited,
    /// Everything: a device or decoded code may have changed.
    Look,
}

/// How far a run of operations came.
pub(crate) struct Run {
    /// The operation that was executed last.
    pub(crate) last: usize,
    /// How that one ended.
    pub(crate) flow: Flow,
}

/// What operations work on, apart from the hart's privileged part.
pub(crate) struct World<'a, D, O> {
    pub(crate) x: &'a mut Registers,
    pub(crate) memory: &'a mut Memory,
    pub(crate) devices: &'a mut D,
    pub(crate) observer: &'a mut O,
    pub(crate) clock: Clock,
}

/// What tells the time of an operation. It is worked out for devices only.
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    /// The tick at which the first operation of the first run begins.
    pub(crate) began: Tick,
    /// Cycles that passed since then, apart from those that the present run's places tell.
    pub(crate) cycles: u64,
    pub(crate) ticks_per_cycle: u32,
    /// What a line that is not in the cache costs.
    pub(crate) miss_cycles: u32,
    pub(crate) timing: Timing,
}

impl Clock {
    pub(crate) fn new(hart: &Hart, budget: &Budget) -> Self {
        let &Budget { ticks_per_cycle, miss_cycles, .. } = budget;
        Self { began: hart.now, cycles: 0, ticks_per_cycle, miss_cycles, timing: hart.timing }
    }

    /// The tick at which an operation acts.
    fn now(&self, place: &Place) -> Tick {
        self.began + (self.cycles + place.acts()) * Tick::from(self.ticks_per_cycle)
    }

    /// Looks up the lines of flash that hold the bytes from `first` to `last`, of which there are at
    /// most two.
    fn look_up(&mut self, memory: &mut Memory, first: u32, last: u32) -> After {
        let mut misses = u64::from(memory.cache.misses(first));
        if timing::line_of(last) != timing::line_of(first) {
            misses += u64::from(memory.cache.misses(last));
        }
        self.wait(misses * u64::from(self.miss_cycles))
    }

    /// Fetches code at an address in flash whose line was not the last one to be fetched.
    #[inline(always)]
    pub(crate) fn fetch(&mut self, memory: &mut Memory, address: u32) {
        if memory.cache.misses(address) {
            self.cycles += u64::from(self.miss_cycles);
        }
    }

    fn wait(&mut self, cycles: u64) -> After {
        self.cycles += cycles;
        if cycles == 0 { After::GoOn } else { After::Waited }
    }
}

impl<D: Devices, O: Observer> World<'_, D, O> {
    /// Carries out operations one after the other from the `first` on, until one ends the run. None of
    /// them may need the privileged part of the hart (see [`Op::is_system`]), and there is at least one;
    /// each has its place.
    ///
    /// The loop is here and not in the engines so that most operations lead straight to the next.
    #[inline(always)]
    pub(crate) fn execute(&mut self, ops: &[Op], places: &[Place], first: usize) -> Run {
        let mut index = first;
        macro_rules! end {
            ($flow:expr) => {
                return Run { last: index, flow: $flow }
            };
        }
        macro_rules! load {
            ($rd:expr, $rs1:expr, $imm:expr, $width:expr, $extend:expr) => {{
                let address = self.x.get($rs1).wrapping_add($imm);
                if let Some(value) = self.memory.load_dram(address, $width) {
                    self.x.set($rd, $extend(value));
                    observe(self.observer, false, address, $width, value);
                } else {
                    match self.load_elsewhere(address, $width, &places[index]) {
                        Ok((value, after)) => {
                            self.x.set($rd, $extend(value));
                            if after != After::GoOn {
                                end!(Flow::Next(after));
                            }
                        }
                        Err(exception) => end!(Flow::Raised(exception)),
                    }
                }
            }};
        }
        macro_rules! store {
            ($rs1:expr, $rs2:expr, $imm:expr, $width:expr) => {{
                let address = self.x.get($rs1).wrapping_add($imm);
                let value = self.x.get($rs2);
                if self.memory.store_dram(address, $width, value) {
                    observe(self.observer, true, address, $width, value);
                } else {
                    match self.store_elsewhere(address, $width, value, &places[index]) {
                        Ok(After::GoOn) => {}
                        Ok(after) => end!(Flow::Next(after)),
                        Err(exception) => end!(Flow::Raised(exception)),
                    }
                }
            }};
        }
        macro_rules! branch {
            ($taken:expr, $imm:expr) => {
                if $taken {
                    end!(Flow::Jump(places[index].pc.wrapping_add($imm)));
                }
            };
        }
        while let Some(op) = ops.get(index) {
            let x = &mut *self.x;
            match *op {
                Op::Lui { rd, imm } => x.set(rd, imm),
                Op::Auipc { rd, imm } => x.set(rd, places[index].pc.wrapping_add(imm)),
                Op::Jal { rd, imm } => {
                    x.set(rd, places[index].link());
                    end!(Flow::Jump(places[index].pc.wrapping_add(imm)));
                }
                Op::Jalr { rd, rs1, imm } => {
                    let target = x.get(rs1).wrapping_add(imm) & !1;
                    x.set(rd, places[index].link());
                    // What follows may be what was foreseen to be jumped to.
                    if index + 1 == ops.len() || places[index + 1].pc != target {
                        end!(Flow::Jump(target));
                    }
                }
                Op::Beq { rs1, rs2, imm } => branch!(x.get(rs1) == x.get(rs2), imm),
                Op::Bne { rs1, rs2, imm } => branch!(x.get(rs1) != x.get(rs2), imm),
                Op::Blt { rs1, rs2, imm } => branch!((x.get(rs1) as i32) < x.get(rs2) as i32, imm),
                Op::Bge { rs1, rs2, imm } => branch!(x.get(rs1) as i32 >= x.get(rs2) as i32, imm),
                Op::Bltu { rs1, rs2, imm } => branch!(x.get(rs1) < x.get(rs2), imm),
                Op::Bgeu { rs1, rs2, imm } => branch!(x.get(rs1) >= x.get(rs2), imm),
                Op::Lb { rd, rs1, imm } => load!(rd, rs1, imm, Width::Byte, |v| v as u8 as i8 as u32),
                Op::Lh { rd, rs1, imm } => load!(rd, rs1, imm, Width::Half, |v| v as u16 as i16 as u32),
                Op::Lw { rd, rs1, imm } => load!(rd, rs1, imm, Width::Word, |v| v),
                Op::Lbu { rd, rs1, imm } => load!(rd, rs1, imm, Width::Byte, |v| v),
                Op::Lhu { rd, rs1, imm } => load!(rd, rs1, imm, Width::Half, |v| v),
                Op::Sb { rs1, rs2, imm } => store!(rs1, rs2, imm, Width::Byte),
                Op::Sh { rs1, rs2, imm } => store!(rs1, rs2, imm, Width::Half),
                Op::Sw { rs1, rs2, imm } => store!(rs1, rs2, imm, Width::Word),
                Op::Addi { rd, rs1, imm } => x.set(rd, x.get(rs1).wrapping_add(imm)),
                Op::Slti { rd, rs1, imm } => x.set(rd, u32::from((x.get(rs1) as i32) < imm as i32)),
                Op::Sltiu { rd, rs1, imm } => x.set(rd, u32::from(x.get(rs1) < imm)),
                Op::Xori { rd, rs1, imm } => x.set(rd, x.get(rs1) ^ imm),
                Op::Ori { rd, rs1, imm } => x.set(rd, x.get(rs1) | imm),
                Op::Andi { rd, rs1, imm } => x.set(rd, x.get(rs1) & imm),
                Op::Slli { rd, rs1, shamt } => x.set(rd, x.get(rs1) << (shamt & 31)),
                Op::Srli { rd, rs1, shamt } => x.set(rd, x.get(rs1) >> (shamt & 31)),
                Op::Srai { rd, rs1, shamt } => x.set(rd, (x.get(rs1) as i32 >> (shamt & 31)) as u32),
                Op::Add { rd, rs1, rs2 } => x.set(rd, x.get(rs1).wrapping_add(x.get(rs2))),
                Op::Sub { rd, rs1, rs2 } => x.set(rd, x.get(rs1).wrapping_sub(x.get(rs2))),
                Op::Sll { rd, rs1, rs2 } => x.set(rd, x.get(rs1) << (x.get(rs2) & 31)),
                Op::Slt { rd, rs1, rs2 } => x.set(rd, u32::from((x.get(rs1) as i32) < x.get(rs2) as i32)),
                Op::Sltu { rd, rs1, rs2 } => x.set(rd, u32::from(x.get(rs1) < x.get(rs2))),
                Op::Xor { rd, rs1, rs2 } => x.set(rd, x.get(rs1) ^ x.get(rs2)),
                Op::Srl { rd, rs1, rs2 } => x.set(rd, x.get(rs1) >> (x.get(rs2) & 31)),
                Op::Sra { rd, rs1, rs2 } => x.set(rd, (x.get(rs1) as i32 >> (x.get(rs2) & 31)) as u32),
                Op::Or { rd, rs1, rs2 } => x.set(rd, x.get(rs1) | x.get(rs2)),
                Op::And { rd, rs1, rs2 } => x.set(rd, x.get(rs1) & x.get(rs2)),
                Op::Mul { rd, rs1, rs2 } => x.set(rd, x.get(rs1).wrapping_mul(x.get(rs2))),
                Op::Mulh { rd, rs1, rs2 } => x.set(rd, high(signed(x.get(rs1)) * signed(x.get(rs2)))),
                Op::Mulhsu { rd, rs1, rs2 } => x.set(rd, high(signed(x.get(rs1)) * i64::from(x.get(rs2)))),
                Op::Mulhu { rd, rs1, rs2 } => {
                    x.set(rd, ((u64::from(x.get(rs1)) * u64::from(x.get(rs2))) >> 32) as u32);
                }
                Op::Div { rd, rs1, rs2 } => x.set(rd, div(x.get(rs1), x.get(rs2))),
                Op::Divu { rd, rs1, rs2 } => x.set(rd, x.get(rs1).checked_div(x.get(rs2)).unwrap_or(u32::MAX)),
                Op::Rem { rd, rs1, rs2 } => x.set(rd, rem(x.get(rs1), x.get(rs2))),
                Op::Remu { rd, rs1, rs2 } => x.set(rd, x.get(rs1).checked_rem(x.get(rs2)).unwrap_or(x.get(rs1))),
                // One hart in order, and stores are seen by fetches at once: nothing to wait for.
                Op::Fence | Op::FenceI => {}
                Op::Ecall
                | Op::Ebreak
                | Op::Csrrw { .. }
                | Op::Csrrs { .. }
                | Op::Csrrc { .. }
                | Op::Csrrwi { .. }
                | Op::Csrrsi { .. }
                | Op::Csrrci { .. }
                | Op::Mret
                | Op::Wfi
                | Op::Illegal { .. } => unreachable!("the engines give these to `system`"),
            }
            index += 1;
        }
        Run { last: ops.len() - 1, flow: Flow::Next(After::GoOn) }
    }

    /// A load that does not go to the SRAM's data bus.
    #[inline(never)]
    pub(crate) fn load_elsewhere(
        &mut self,
        address: u32,
        width: Width,
        place: &Place,
    ) -> Result<(u32, After), Exception> {
        if let Some(value) = self.memory.load(address, width) {
            observe(self.observer, false, address, width, value);
            if self.clock.timing == Timing::Unit || !timing::is_flash(address) {
                return Ok((value, After::GoOn));
            }
            let last = address.wrapping_add(width.bytes() as u32 - 1);
            return Ok((value, self.clock.look_up(self.memory, address, last)));
        }
        self.load_device(address, width, place)
    }

    /// A load where there is no memory.
    #[inline(always)]
    pub(crate) fn load_device(&mut self, address: u32, width: Width, place: &Place) -> Result<(u32, After), Exception> {
        if !(address as usize).is_multiple_of(width.bytes()) {
            return Err(Exception { cause: Cause::LoadAddressMisaligned, tval: address });
        }
        let fault = Exception { cause: Cause::LoadAccessFault, tval: address };
        let now = self.clock.now(place);
        let (value, effect) = self.devices.load(self.memory, now, address, width).or(Err(fault))?;
        observe(self.observer, false, address, width, value);
        let waited = self.wait_for_bus(address, false);
        Ok((value, must_look(self.memory, effect, waited)))
    }

    /// A store that does not go to the SRAM's data bus, or that bookkeeping depends on.
    #[inline(never)]
    pub(crate) fn store_elsewhere(
        &mut self,
        address: u32,
        width: Width,
        value: u32,
        place: &Place,
    ) -> Result<After, Exception> {
        if let Some(stored) = self.memory.store(address, width, value) {
            observe(self.observer, true, address, width, value);
            return Ok(if stored == Stored::Code { After::Look } else { After::GoOn });
        }
        self.store_device(address, width, value, place)
    }

    /// A store where there is no memory.
    #[inline(always)]
    pub(crate) fn store_device(
        &mut self,
        address: u32,
        width: Width,
        value: u32,
        place: &Place,
    ) -> Result<After, Exception> {
        if !(address as usize).is_multiple_of(width.bytes()) {
            return Err(Exception { cause: Cause::StoreAddressMisaligned, tval: address });
        }
        let value = if width == Width::Word { value } else { value & ((1 << (8 * width.bytes())) - 1) };
        let fault = Exception { cause: Cause::StoreAccessFault, tval: address };
        let now = self.clock.now(place);
        let effect = self.devices.store(self.memory, now, address, width, value).or(Err(fault))?;
        observe(self.observer, true, address, width, value);
        let waited = self.wait_for_bus(address, true);
        Ok(must_look(self.memory, effect, waited))
    }

    fn wait_for_bus(&mut self, address: u32, store: bool) -> After {
        match self.clock.timing {
            Timing::Unit => After::GoOn,
            Timing::Silicon => self.clock.wait(timing::bus_wait(address, store).into()),
        }
    }
}

fn must_look(memory: &Memory, effect: Effect, waited: After) -> After {
    if effect == Effect::Reschedule || memory.has_stale() { After::Look } else { waited }
}

#[inline(always)]
fn observe<O: Observer>(observer: &mut O, store: bool, address: u32, width: Width, value: u32) {
    if O::STEPS {
        observer.access(&Access { store, address, width, value });
    }
}

#[inline(always)]
fn signed(value: u32) -> i64 {
    i64::from(value as i32)
}

#[inline(always)]
fn high(product: i64) -> u32 {
    (product >> 32) as u32
}

/// DIV: by zero gives -1, the overflow of -2^31 / -1 gives -2^31.
#[inline(always)]
fn div(dividend: u32, divisor: u32) -> u32 {
    if divisor == 0 { u32::MAX } else { (dividend as i32).wrapping_div(divisor as i32) as u32 }
}

/// REM: by zero gives the dividend, the overflow of -2^31 / -1 gives 0.
#[inline(always)]
fn rem(dividend: u32, divisor: u32) -> u32 {
    if divisor == 0 { dividend } else { (dividend as i32).wrapping_rem(divisor as i32) as u32 }
}

impl Op {
    /// Whether the operation needs the privileged part of the hart, so that [`system`] carries it out.
    pub(crate) fn is_system(self) -> bool {
        matches!(
            self,
            Self::Ecall
                | Self::Ebreak
                | Self::Csrrw { .. }
                | Self::Csrrs { .. }
                | Self::Csrrc { .. }
                | Self::Csrrwi { .. }
                | Self::Csrrsi { .. }
                | Self::Csrrci { .. }
                | Self::Mret
                | Self::Wfi
                | Self::Illegal { .. }
        )
    }
}

/// Carries out an operation on the privileged part of the hart; sets the pc unless it fails.
fn system<O: Observer>(
    hart: &mut Hart,
    instruction: Instruction,
    bits: u32,
    observer: &mut O,
) -> Result<(), Exception> {
    let illegal = Exception { cause: Cause::IllegalInstruction, tval: bits };
    let next = hart.pc.wrapping_add(instruction.length);
    match instruction.op {
        // With rd = x0 the CSR is not read, but it has to exist all the same.
        Op::Csrrw { rd, rs1, csr } => {
            change_csr(hart, rd, csr, CsrChange::Replace, hart.x.get(rs1)).or(Err(illegal))?
        }
        Op::Csrrwi { rd, uimm, csr } => change_csr(hart, rd, csr, CsrChange::Replace, uimm.into()).or(Err(illegal))?,
        // The set and clear forms write only if their source is not x0 or 0, whatever it holds.
        Op::Csrrs { rd, rs1, csr } => {
            let change = if rs1 == Reg::X0 { CsrChange::None } else { CsrChange::Set };
            change_csr(hart, rd, csr, change, hart.x.get(rs1)).or(Err(illegal))?;
        }
        Op::Csrrc { rd, rs1, csr } => {
            let change = if rs1 == Reg::X0 { CsrChange::None } else { CsrChange::Clear };
            change_csr(hart, rd, csr, change, hart.x.get(rs1)).or(Err(illegal))?;
        }
        Op::Csrrsi { rd, uimm, csr } => {
            let change = if uimm == 0 { CsrChange::None } else { CsrChange::Set };
            change_csr(hart, rd, csr, change, uimm.into()).or(Err(illegal))?;
        }
        Op::Csrrci { rd, uimm, csr } => {
            let change = if uimm == 0 { CsrChange::None } else { CsrChange::Clear };
            change_csr(hart, rd, csr, change, uimm.into()).or(Err(illegal))?;
        }
        Op::Ecall => {
            let cause = match hart.privilege {
                Privilege::User => Cause::EnvironmentCallFromUser,
                Privilege::Machine => Cause::EnvironmentCallFromMachine,
            };
            return Err(Exception { cause, tval: 0 });
        }
        Op::Ebreak => return Err(Exception { cause: Cause::Breakpoint, tval: hart.pc }),
        Op::Mret => {
            if hart.privilege == Privilege::User {
                return Err(illegal);
            }
            hart.return_from_trap(observer);
            return Ok(());
        }
        Op::Wfi => {
            if hart.privilege == Privilege::User && hart.csr.mstatus.tw {
                return Err(illegal);
            }
            hart.activity = Activity::Waiting;
        }
        _ => return Err(illegal),
    }
    hart.pc = next;
    Ok(())
}

fn change_csr(hart: &mut Hart, rd: Reg, csr: u16, change: CsrChange, source: u32) -> Result<(), IllegalCsr> {
    let old = hart.exchange_csr(csr, change, source)?;
    hart.x.set(rd, old);
    Ok(())
}

/// Fetches, decodes and executes one instruction.
pub(crate) fn step<D: Devices, O: Observer>(
    hart: &mut Hart,
    memory: &mut Memory,
    devices: &mut D,
    budget: &Budget,
    observer: &mut O,
) {
    let ticks_per_cycle = budget.ticks_per_cycle;
    let (outcome, taken) = match Instruction::fetch(memory, hart.pc) {
        Ok(instruction) => {
            if O::STEPS {
                let Hart { instructions, now, pc, .. } = *hart;
                observer.step(&super::observe::Step { instructions, now, pc, op: instruction.op });
            }
            carry_out(hart, memory, devices, instruction, budget, observer)
        }
        Err(exception) => {
            hart.pending_load = Reg::X0;
            (Err(exception), 1)
        }
    };
    hart.instructions += 1;
    hart.now += Tick::from(ticks_per_cycle);
    hart.stall(taken - 1, ticks_per_cycle);
    if let Err(exception) = outcome {
        hart.enter_trap(super::Trap::Exception(exception), ticks_per_cycle, observer);
    }
}

/// Executes one instruction; what it waits for first has passed then, and the cycles that it takes
/// from there on are returned, to be counted.
fn carry_out<D: Devices, O: Observer>(
    hart: &mut Hart,
    memory: &mut Memory,
    devices: &mut D,
    instruction: Instruction,
    budget: &Budget,
    observer: &mut O,
) -> (Result<(), Exception>, u64) {
    let Instruction { op, length } = instruction;
    let place = Place::alone(hart, op, length);
    let mut clock = Clock::new(hart, budget);
    let mut loads = Reg::X0;
    if hart.timing == Timing::Silicon {
        let missed = fetch_lines(&mut clock, memory, &place, hart.fetch_line);
        let hazard = timing::hazard(op, hart.pending_load);
        hart.csr.performance.count_hazard(hazard);
        hart.stall(missed + u64::from(hazard), budget.ticks_per_cycle);
        clock = Clock::new(hart, budget);
        hart.fetch_line = timing::line_of(place.link().wrapping_sub(1));
        hart.pending_load = Reg::X0;
        loads = timing::loaded(op);
    }
    if op.is_system() {
        let bits = match op {
            Op::Illegal { bits } => bits,
            // Only 32-bit encodings and C.EBREAK, which is never illegal, come here.
            _ => word(memory, hart.pc),
        };
        let outcome = system(hart, instruction, bits, observer);
        return (outcome, place.cycles().into());
    }
    let mut world = World { x: &mut hart.x, memory, devices, observer, clock };
    let flow = world.execute(&[op], &[place], 0).flow;
    let waited = world.clock.cycles;
    let (outcome, cycles) = match flow {
        Flow::Next(_) => {
            hart.pc = place.link();
            hart.pending_load = loads;
            (Ok(()), place.cycles())
        }
        Flow::Jump(target) => {
            hart.pc = target;
            (Ok(()), place.cycles_leaving())
        }
        Flow::Raised(exception) => (Err(exception), place.cycles()),
    };
    if outcome.is_ok() {
        hart.csr.performance.count_retired(op, length, matches!(flow, Flow::Jump(_)), cycles - 1);
    }
    (outcome, u64::from(cycles) + waited)
}

/// Looks up the lines of flash that an instruction is fetched from; returns the cycles that it takes.
fn fetch_lines(clock: &mut Clock, memory: &mut Memory, place: &Place, line: u32) -> u64 {
    if !timing::is_flash_code(place.pc) {
        return 0;
    }
    let before = clock.cycles;
    let last = place.link().wrapping_sub(1);
    let first = if timing::line_of(place.pc) == line { last } else { place.pc };
    if timing::line_of(first) != line {
        clock.look_up(memory, first, last);
    }
    clock.cycles - before
}

/// The 32 bits of code at `pc`, which was fetched before.
pub(crate) fn word(memory: &Memory, pc: u32) -> u32 {
    let half = |address| u32::from(memory.fetch(address).unwrap_or_default());
    half(pc) | half(pc.wrapping_add(2)) << 16
}

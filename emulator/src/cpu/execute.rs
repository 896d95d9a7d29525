//! What each operation does. Both engines run this code, so that they can differ only in what they
//! keep decoded and in how often they look around.

use super::observe::{Access, Observer};
use super::{Activity, Cause, Exception, Hart, Instruction, Op, Privilege, Reg, Registers};
use crate::bus::{Devices, Effect, Tick, Width};
use crate::memory::{Memory, Stored};

/// Where an operation stands. A trait, because an engine that keeps decoded code works these out
/// only when an operation asks.
pub(crate) trait Site {
    /// Its address.
    fn pc(&self) -> u32;
    /// The address of the instruction behind it.
    fn next(&self) -> u32;
    /// The tick at which it begins.
    fn now(&self) -> Tick;
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// The instruction behind it is next.
    Next,
    /// The instruction at this address is next.
    Jump(u32),
    /// The instruction behind it is next, but a device or decoded code may have changed: the engine
    /// has to look around first.
    Look,
}

/// What operations work on, apart from the hart's privileged part.
pub(crate) struct World<'a, D, O> {
    pub(crate) x: &'a mut Registers,
    pub(crate) memory: &'a mut Memory,
    pub(crate) devices: &'a mut D,
    pub(crate) observer: &'a mut O,
}

type Outcome = Result<Flow, Exception>;

impl<D: Devices, O: Observer> World<'_, D, O> {
    /// Carries out any operation that needs nothing of the privileged part of the hart; for one
    /// that does, see [`system`].
    #[inline(always)]
    pub(crate) fn execute(&mut self, op: Op, site: &impl Site) -> Outcome {
        let x = &mut *self.x;
        match op {
            Op::Lui { rd, imm } => x.set(rd, imm),
            Op::Auipc { rd, imm } => x.set(rd, site.pc().wrapping_add(imm)),
            Op::Jal { rd, imm } => {
                x.set(rd, site.next());
                return Ok(Flow::Jump(site.pc().wrapping_add(imm)));
            }
            Op::Jalr { rd, rs1, imm } => {
                let target = x.get(rs1).wrapping_add(imm) & !1;
                x.set(rd, site.next());
                return Ok(Flow::Jump(target));
            }
            Op::Beq { rs1, rs2, imm } => return branch(x.get(rs1) == x.get(rs2), imm, site),
            Op::Bne { rs1, rs2, imm } => return branch(x.get(rs1) != x.get(rs2), imm, site),
            Op::Blt { rs1, rs2, imm } => return branch((x.get(rs1) as i32) < x.get(rs2) as i32, imm, site),
            Op::Bge { rs1, rs2, imm } => return branch(x.get(rs1) as i32 >= x.get(rs2) as i32, imm, site),
            Op::Bltu { rs1, rs2, imm } => return branch(x.get(rs1) < x.get(rs2), imm, site),
            Op::Bgeu { rs1, rs2, imm } => return branch(x.get(rs1) >= x.get(rs2), imm, site),
            Op::Lb { rd, rs1, imm } => return self.load(rd, rs1, imm, Width::Byte, |v| v as u8 as i8 as u32, site),
            Op::Lh { rd, rs1, imm } => return self.load(rd, rs1, imm, Width::Half, |v| v as u16 as i16 as u32, site),
            Op::Lw { rd, rs1, imm } => return self.load(rd, rs1, imm, Width::Word, |v| v, site),
            Op::Lbu { rd, rs1, imm } => return self.load(rd, rs1, imm, Width::Byte, |v| v, site),
            Op::Lhu { rd, rs1, imm } => return self.load(rd, rs1, imm, Width::Half, |v| v, site),
            Op::Sb { rs1, rs2, imm } => return self.store(rs1, rs2, imm, Width::Byte, site),
            Op::Sh { rs1, rs2, imm } => return self.store(rs1, rs2, imm, Width::Half, site),
            Op::Sw { rs1, rs2, imm } => return self.store(rs1, rs2, imm, Width::Word, site),
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
            | Op::Illegal { .. } => unreachable!("the engines give {op:?} to `system`"),
        }
        Ok(Flow::Next)
    }

    #[inline(always)]
    fn load(&mut self, rd: Reg, rs1: Reg, imm: u32, width: Width, extend: fn(u32) -> u32, site: &impl Site) -> Outcome {
        let address = self.x.get(rs1).wrapping_add(imm);
        if let Some(value) = self.memory.load(address, width) {
            self.x.set(rd, extend(value));
            self.observe(false, address, width, value);
            return Ok(Flow::Next);
        }
        let (value, flow) = self.load_device(address, width, site.now())?;
        self.x.set(rd, extend(value));
        Ok(flow)
    }

    #[inline(always)]
    fn store(&mut self, rs1: Reg, rs2: Reg, imm: u32, width: Width, site: &impl Site) -> Outcome {
        let address = self.x.get(rs1).wrapping_add(imm);
        let value = self.x.get(rs2);
        match self.memory.store(address, width, value) {
            Some(stored) => {
                self.observe(true, address, width, value);
                Ok(if stored == Stored::Code { Flow::Look } else { Flow::Next })
            }
            None => self.store_device(address, width, value, site.now()),
        }
    }

    #[inline(never)]
    fn load_device(&mut self, address: u32, width: Width, now: Tick) -> Result<(u32, Flow), Exception> {
        if !(address as usize).is_multiple_of(width.bytes()) {
            return Err(Exception { cause: Cause::LoadAddressMisaligned, tval: address });
        }
        match self.devices.load(self.memory, now, address, width) {
            Ok((value, effect)) => {
                self.observe(false, address, width, value);
                Ok((value, self.after_device(effect)))
            }
            Err(_) => Err(Exception { cause: Cause::LoadAccessFault, tval: address }),
        }
    }

    #[inline(never)]
    fn store_device(&mut self, address: u32, width: Width, value: u32, now: Tick) -> Outcome {
        if !(address as usize).is_multiple_of(width.bytes()) {
            return Err(Exception { cause: Cause::StoreAddressMisaligned, tval: address });
        }
        let value = if width == Width::Word { value } else { value & ((1 << (8 * width.bytes())) - 1) };
        match self.devices.store(self.memory, now, address, width, value) {
            Ok(effect) => {
                self.observe(true, address, width, value);
                Ok(self.after_device(effect))
            }
            Err(_) => Err(Exception { cause: Cause::StoreAccessFault, tval: address }),
        }
    }

    fn after_device(&self, effect: Effect) -> Flow {
        if effect == Effect::Reschedule || self.memory.has_stale() { Flow::Look } else { Flow::Next }
    }

    #[inline(always)]
    fn observe(&mut self, store: bool, address: u32, width: Width, value: u32) {
        if O::STEPS {
            self.observer.access(&Access { store, address, width, value });
        }
    }
}

#[inline(always)]
fn branch(taken: bool, imm: u32, site: &impl Site) -> Outcome {
    Ok(if taken { Flow::Jump(site.pc().wrapping_add(imm)) } else { Flow::Next })
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
        Op::Csrrw { rd, rs1, csr } => {
            let value = hart.x.get(rs1);
            // With rd = x0 the CSR is not read, but it has to exist all the same.
            let old = hart.read_csr(csr).or(Err(illegal))?;
            hart.write_csr(csr, value).or(Err(illegal))?;
            hart.x.set(rd, old);
        }
        Op::Csrrwi { rd, uimm, csr } => {
            let old = hart.read_csr(csr).or(Err(illegal))?;
            hart.write_csr(csr, u32::from(uimm)).or(Err(illegal))?;
            hart.x.set(rd, old);
        }
        // The set and clear forms write only if their source is not x0 or 0, whatever it holds.
        Op::Csrrs { rd, rs1, csr } => {
            let mask = hart.x.get(rs1);
            modify_csr(hart, rd, csr, rs1 != Reg::X0, |old| old | mask).or(Err(illegal))?;
        }
        Op::Csrrc { rd, rs1, csr } => {
            let mask = hart.x.get(rs1);
            modify_csr(hart, rd, csr, rs1 != Reg::X0, |old| old & !mask).or(Err(illegal))?;
        }
        Op::Csrrsi { rd, uimm, csr } => {
            modify_csr(hart, rd, csr, uimm != 0, |old| old | u32::from(uimm)).or(Err(illegal))?;
        }
        Op::Csrrci { rd, uimm, csr } => {
            modify_csr(hart, rd, csr, uimm != 0, |old| old & !u32::from(uimm)).or(Err(illegal))?;
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

fn modify_csr(
    hart: &mut Hart,
    rd: Reg,
    csr: u16,
    write: bool,
    change: impl Fn(u32) -> u32,
) -> Result<(), super::csr::IllegalCsr> {
    let old = hart.read_csr(csr)?;
    if write {
        hart.write_csr(csr, change(old))?;
    }
    hart.x.set(rd, old);
    Ok(())
}

/// The site of an instruction that was just fetched.
struct Fetched {
    pc: u32,
    length: u32,
    now: Tick,
}

impl Site for Fetched {
    fn pc(&self) -> u32 {
        self.pc
    }

    fn next(&self) -> u32 {
        self.pc.wrapping_add(self.length)
    }

    fn now(&self) -> Tick {
        self.now
    }
}

/// Fetches, decodes and executes one instruction; it takes one cycle of `ticks_per_cycle`.
pub(crate) fn step<D: Devices, O: Observer>(
    hart: &mut Hart,
    memory: &mut Memory,
    devices: &mut D,
    ticks_per_cycle: u32,
    observer: &mut O,
) {
    let outcome = Instruction::fetch(memory, hart.pc).and_then(|instruction| {
        let Instruction { op, length } = instruction;
        if O::STEPS {
            observer.step(&super::observe::Step { instructions: hart.instructions, now: hart.now, pc: hart.pc, op });
        }
        if op.is_system() {
            let bits = match op {
                Op::Illegal { bits } => bits,
                // Only 32-bit encodings and C.EBREAK, which is never illegal, come here.
                _ => word(memory, hart.pc),
            };
            return system(hart, instruction, bits, observer);
        }
        let site = Fetched { pc: hart.pc, length, now: hart.now };
        let mut world = World { x: &mut hart.x, memory, devices, observer };
        hart.pc = match world.execute(op, &site)? {
            Flow::Jump(target) => target,
            Flow::Next | Flow::Look => site.next(),
        };
        Ok(())
    });
    hart.instructions += 1;
    hart.now += Tick::from(ticks_per_cycle);
    if let Err(exception) = outcome {
        hart.enter_trap(super::Trap::Exception(exception), observer);
    }
}

/// The 32 bits of code at `pc`, which was fetched before.
fn word(memory: &Memory, pc: u32) -> u32 {
    let half = |address| u32::from(memory.fetch(address).unwrap_or_default());
    half(pc) | half(pc.wrapping_add(2)) << 16
}

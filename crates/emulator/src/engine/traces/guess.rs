//! What the program is about to do: a path is discovered where the hart stands, so it is followed with what the
//! registers and the memory hold, branch by branch and through jumps to addresses in registers.
//!
//! It is a guess. A trace looks at each branch and jump again, so that what is left out here, or should be wrong,
//! costs time and nothing else.

use crate::bus::Width;
use crate::cpu::{Op, Reg, Registers};
use crate::memory::Memory;

/// The hart as it will be, as far as that is known.
#[derive(Debug)]
pub(super) struct Guess<'a> {
    memory: &'a Memory,
    x: Registers,
    /// One bit for each register.
    known: u32,
    /// What the path has stored so far.
    stored: Vec<(u32, Width, u32)>,
}

impl<'a> Guess<'a> {
    /// At the beginning of a path everything is known.
    pub(super) fn new(memory: &'a Memory, x: &Registers) -> Self {
        Self { memory, x: x.clone(), known: u32::MAX, stored: Vec::new() }
    }

    /// Carries an operation at `pc` out; returns the address that a branch or jump leads to, if it is known.
    pub(super) fn follow(&mut self, op: Op, pc: u32, link: u32) -> Option<u32> {
        let branch = |taken: bool, imm: u32| if taken { pc.wrapping_add(imm) } else { link };
        match op {
            Op::Jal { rd, imm } => {
                self.set(rd, Some(link));
                Some(pc.wrapping_add(imm))
            }
            Op::Jalr { rd, rs1, imm } => {
                let target = self.get(rs1).map(|base| base.wrapping_add(imm) & !1);
                self.set(rd, Some(link));
                target
            }
            Op::Beq { rs1, rs2, imm } => self.both(rs1, rs2).map(|(a, b)| branch(a == b, imm)),
            Op::Bne { rs1, rs2, imm } => self.both(rs1, rs2).map(|(a, b)| branch(a != b, imm)),
            Op::Blt { rs1, rs2, imm } => self.both(rs1, rs2).map(|(a, b)| branch((a as i32) < b as i32, imm)),
            Op::Bge { rs1, rs2, imm } => self.both(rs1, rs2).map(|(a, b)| branch(a as i32 >= b as i32, imm)),
            Op::Bltu { rs1, rs2, imm } => self.both(rs1, rs2).map(|(a, b)| branch(a < b, imm)),
            Op::Bgeu { rs1, rs2, imm } => self.both(rs1, rs2).map(|(a, b)| branch(a >= b, imm)),
            _ => {
                self.carry_out(op, pc);
                None
            }
        }
    }

    fn carry_out(&mut self, op: Op, pc: u32) {
        let (rd, value) = match op {
            Op::Sb { rs1, rs2, imm } => return self.store(rs1, rs2, imm, Width::Byte),
            Op::Sh { rs1, rs2, imm } => return self.store(rs1, rs2, imm, Width::Half),
            Op::Sw { rs1, rs2, imm } => return self.store(rs1, rs2, imm, Width::Word),
            Op::Lb { rd, rs1, imm } => (rd, self.load(rs1, imm, Width::Byte).map(|value| value as u8 as i8 as u32)),
            Op::Lh { rd, rs1, imm } => (rd, self.load(rs1, imm, Width::Half).map(|value| value as u16 as i16 as u32)),
            Op::Lw { rd, rs1, imm } => (rd, self.load(rs1, imm, Width::Word)),
            Op::Lbu { rd, rs1, imm } => (rd, self.load(rs1, imm, Width::Byte)),
            Op::Lhu { rd, rs1, imm } => (rd, self.load(rs1, imm, Width::Half)),
            Op::Lui { rd, imm } => (rd, Some(imm)),
            Op::Auipc { rd, imm } => (rd, Some(pc.wrapping_add(imm))),
            Op::Addi { rd, rs1, imm } => (rd, self.get(rs1).map(|a| a.wrapping_add(imm))),
            Op::Slti { rd, rs1, imm } => (rd, self.get(rs1).map(|a| u32::from((a as i32) < imm as i32))),
            Op::Sltiu { rd, rs1, imm } => (rd, self.get(rs1).map(|a| u32::from(a < imm))),
            Op::Xori { rd, rs1, imm } => (rd, self.get(rs1).map(|a| a ^ imm)),
            Op::Ori { rd, rs1, imm } => (rd, self.get(rs1).map(|a| a | imm)),
            Op::Andi { rd, rs1, imm } => (rd, self.get(rs1).map(|a| a & imm)),
            Op::Slli { rd, rs1, shamt } => (rd, self.get(rs1).map(|a| a << (shamt & 31))),
            Op::Srli { rd, rs1, shamt } => (rd, self.get(rs1).map(|a| a >> (shamt & 31))),
            Op::Srai { rd, rs1, shamt } => (rd, self.get(rs1).map(|a| (a as i32 >> (shamt & 31)) as u32)),
            Op::Add { rd, rs1, rs2 } => (rd, self.both(rs1, rs2).map(|(a, b)| a.wrapping_add(b))),
            Op::Sub { rd, rs1, rs2 } => (rd, self.both(rs1, rs2).map(|(a, b)| a.wrapping_sub(b))),
            Op::Sll { rd, rs1, rs2 } => (rd, self.both(rs1, rs2).map(|(a, b)| a << (b & 31))),
            Op::Srl { rd, rs1, rs2 } => (rd, self.both(rs1, rs2).map(|(a, b)| a >> (b & 31))),
            Op::Sra { rd, rs1, rs2 } => (rd, self.both(rs1, rs2).map(|(a, b)| (a as i32 >> (b & 31)) as u32)),
            Op::Slt { rd, rs1, rs2 } => (rd, self.both(rs1, rs2).map(|(a, b)| u32::from((a as i32) < b as i32))),
            Op::Sltu { rd, rs1, rs2 } => (rd, self.both(rs1, rs2).map(|(a, b)| u32::from(a < b))),
            Op::Xor { rd, rs1, rs2 } => (rd, self.both(rs1, rs2).map(|(a, b)| a ^ b)),
            Op::Or { rd, rs1, rs2 } => (rd, self.both(rs1, rs2).map(|(a, b)| a | b)),
            Op::And { rd, rs1, rs2 } => (rd, self.both(rs1, rs2).map(|(a, b)| a & b)),
            Op::Mul { rd, rs1, rs2 } => (rd, self.both(rs1, rs2).map(|(a, b)| a.wrapping_mul(b))),
            // Programs seldom branch by these.
            Op::Mulh { rd, .. }
            | Op::Mulhsu { rd, .. }
            | Op::Mulhu { rd, .. }
            | Op::Div { rd, .. }
            | Op::Divu { rd, .. }
            | Op::Rem { rd, .. }
            | Op::Remu { rd, .. }
            | Op::Csrrw { rd, .. }
            | Op::Csrrs { rd, .. }
            | Op::Csrrc { rd, .. }
            | Op::Csrrwi { rd, .. }
            | Op::Csrrsi { rd, .. }
            | Op::Csrrci { rd, .. } => (rd, None),
            _ => return,
        };
        self.set(rd, value);
    }

    fn get(&self, reg: Reg) -> Option<u32> {
        (self.known >> reg as u32 & 1 != 0).then(|| self.x.get(reg))
    }

    fn both(&self, rs1: Reg, rs2: Reg) -> Option<(u32, u32)> {
        self.get(rs1).zip(self.get(rs2))
    }

    fn set(&mut self, reg: Reg, value: Option<u32>) {
        match value {
            Some(value) => {
                self.x.set(reg, value);
                self.known |= 1 << reg as u32;
            }
            None if reg == Reg::X0 => {}
            None => self.known &= !(1 << reg as u32),
        }
    }

    /// What devices answer is not known.
    fn load(&self, base: Reg, offset: u32, width: Width) -> Option<u32> {
        let address = self.get(base)?.wrapping_add(offset);
        let stored = self.stored.iter().rev().find(|&&(at, of, _)| (at, of) == (address, width));
        stored.map(|&(_, _, value)| value).or_else(|| self.memory.load(address, width))
    }

    fn store(&mut self, base: Reg, register: Reg, offset: u32, width: Width) {
        if let Some((base, value)) = self.both(base, register) {
            let mask = u32::MAX >> (32 - 8 * width.bytes());
            self.stored.push((base.wrapping_add(offset), width, value & mask));
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::bare::TestDevice;
    use crate::cpu::decode::decode;
    use crate::cpu::execute::{Clock, Flow, Place, World};
    use crate::cpu::{Timing, execute};

    /// Opcodes of integer operations, loads, stores, branches and jumps.
    const OPCODES: [u32; 9] = [0x13, 0x33, 0x03, 0x23, 0x63, 0x6F, 0x67, 0x37, 0x17];
    const DATA: u32 = 0x3FC9_0000;
    const PC: u32 = 0x4038_0000;

    /// Words are loaded and stored near `DATA`, where x8 points.
    fn operation(random: &mut StdRng) -> Op {
        loop {
            let opcode = OPCODES[random.random_range(0..OPCODES.len())];
            let word = random.random::<u32>() & !0x7F | opcode;
            let (rd, imm) = (Reg::from_field(word >> 7), word >> 20 & 0x7C);
            let op = match decode(word) {
                Op::Illegal { .. } => continue,
                Op::Lb { rd, .. } | Op::Lh { rd, .. } | Op::Lbu { rd, .. } | Op::Lhu { rd, .. } | Op::Lw { rd, .. } => {
                    Op::Lw { rd, rs1: Reg::X8, imm }
                }
                Op::Sb { rs2, .. } | Op::Sh { rs2, .. } | Op::Sw { rs2, .. } => Op::Sw { rs1: Reg::X8, rs2, imm },
                op => op,
            };
            let writes = !matches!(opcode, 0x23 | 0x63);
            if !(writes && rd == Reg::X8) {
                return op;
            }
        }
    }

    #[test]
    fn what_is_known_is_what_happens() {
        let mut random = StdRng::seed_from_u64(1);
        let (mut known, mut led) = (0, 0);
        for _ in 0..500 {
            let memory = Memory::bare(0, 0);
            let mut oracle = memory.clone();
            let mut x = Registers::default();
            x.set_all(&std::array::from_fn(|_| random.random_range(0..8) << random.random_range(0..30)));
            x.set(Reg::X8, DATA);
            let mut guess = Guess::new(&memory, &x);
            for _ in 0..40 {
                let op = operation(&mut random);
                let next = guess.follow(op, PC, PC + 4);
                let clock = Clock { began: 0, cycles: 0, ticks_per_cycle: 3, miss_cycles: 0, timing: Timing::Unit };
                let (memory, devices) = (&mut oracle, &mut TestDevice::default());
                let mut world = World { x: &mut x, memory, devices, observer: &mut (), clock };
                let flow = world.execute(&[op], &[Place::new(PC, 4, 0, 0, 1, 1)], 0).flow;
                let leads = match flow {
                    Flow::Jump(target) => target,
                    Flow::Next(execute::After::GoOn) => PC + 4,
                    other => panic!("{op:?} ended with {other:?}"),
                };
                assert!(next.is_none_or(|next| next == leads), "{op:?} leads to {leads:#x} and not to {next:x?}");
                led += u32::from(next.is_some());
                for reg in (0..32).map(Reg::from_field) {
                    assert!(guess.get(reg).is_none_or(|value| value == x.get(reg)), "{reg:?} after {op:?}");
                }
            }
            known += guess.known.count_ones();
        }
        assert!(known > 500 * 20 && led > 500 * 5, "{known} registers, {led} ways");
    }
}

//! Machine instructions in words, as the RISC-V manual and its assemblers write them.

use emulator::cpu::{self, Op, Reg};
use emulator::memory::Memory;

/// A machine instruction in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineLine {
    /// Its address.
    pub pc: u32,
    /// Its length in bytes: 2 or 4.
    pub len: u32,
    /// What it is, such as `addi a0,a0,1`.
    pub text: String,
}

/// Reads the instruction at `pc`; `None` where there is no code.
#[must_use]
pub fn line_at(memory: &Memory, pc: u32) -> Option<MachineLine> {
    let low = u32::from(memory.fetch(pc).ok()?);
    let (op, len) = if low & 3 == 3 {
        let high = u32::from(memory.fetch(pc.wrapping_add(2)).ok()?);
        (cpu::decode::decode(high << 16 | low), 4)
    } else {
        (cpu::compressed::expand(low as u16), 2)
    };
    Some(MachineLine { pc, len, text: text(op, pc) })
}

/// Names of the integer registers in the calling convention.
const REGISTERS: [&str; 32] = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s2",
    "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
];

/// The name of a register in the calling convention.
#[must_use]
pub fn register_name(number: usize) -> &'static str {
    REGISTERS[number % REGISTERS.len()]
}

fn name(reg: Reg) -> &'static str {
    register_name(reg as usize)
}

/// The operation's name: that of the variant, in lower case.
fn mnemonic(op: Op) -> String {
    let debug = format!("{op:?}");
    let end = debug.find([' ', '{', '(']).unwrap_or(debug.len());
    debug[..end].to_lowercase()
}

/// An instruction at `pc` in words.
fn text(op: Op, pc: u32) -> String {
    let mnemonic = mnemonic(op);
    let target = |imm: u32| format!("{:08x}", pc.wrapping_add(imm));
    match op {
        Op::Addi { rd: Reg::X0, rs1: Reg::X0, imm: 0 } => "nop".into(),
        Op::Addi { rd, rs1: Reg::X0, imm } => format!("li {},{}", name(rd), imm.cast_signed()),
        Op::Addi { rd, rs1, imm: 0 } => format!("mv {},{}", name(rd), name(rs1)),
        Op::Add { rd, rs1: Reg::X0, rs2 } => format!("mv {},{}", name(rd), name(rs2)),
        Op::Jalr { rd: Reg::X0, rs1: Reg::X1, imm: 0 } => "ret".into(),
        Op::Jalr { rd: Reg::X0, rs1, imm: 0 } => format!("jr {}", name(rs1)),
        Op::Jal { rd: Reg::X0, imm } => format!("j {}", target(imm)),
        Op::Jal { rd, imm } => format!("jal {},{}", name(rd), target(imm)),
        Op::Beq { rs1, rs2: Reg::X0, imm } => format!("beqz {},{}", name(rs1), target(imm)),
        Op::Bne { rs1, rs2: Reg::X0, imm } => format!("bnez {},{}", name(rs1), target(imm)),
        Op::Lui { rd, imm } | Op::Auipc { rd, imm } => format!("{mnemonic} {},{:#x}", name(rd), imm >> 12),
        Op::Beq { rs1, rs2, imm }
        | Op::Bne { rs1, rs2, imm }
        | Op::Blt { rs1, rs2, imm }
        | Op::Bge { rs1, rs2, imm }
        | Op::Bltu { rs1, rs2, imm }
        | Op::Bgeu { rs1, rs2, imm } => format!("{mnemonic} {},{},{}", name(rs1), name(rs2), target(imm)),
        Op::Jalr { rd, rs1, imm }
        | Op::Lb { rd, rs1, imm }
        | Op::Lh { rd, rs1, imm }
        | Op::Lw { rd, rs1, imm }
        | Op::Lbu { rd, rs1, imm }
        | Op::Lhu { rd, rs1, imm } => format!("{mnemonic} {},{}({})", name(rd), imm.cast_signed(), name(rs1)),
        Op::Sb { rs1, rs2, imm } | Op::Sh { rs1, rs2, imm } | Op::Sw { rs1, rs2, imm } => {
            format!("{mnemonic} {},{}({})", name(rs2), imm.cast_signed(), name(rs1))
        }
        Op::Addi { rd, rs1, imm }
        | Op::Slti { rd, rs1, imm }
        | Op::Sltiu { rd, rs1, imm }
        | Op::Xori { rd, rs1, imm }
        | Op::Ori { rd, rs1, imm }
        | Op::Andi { rd, rs1, imm } => format!("{mnemonic} {},{},{}", name(rd), name(rs1), imm.cast_signed()),
        Op::Slli { rd, rs1, shamt } | Op::Srli { rd, rs1, shamt } | Op::Srai { rd, rs1, shamt } => {
            format!("{mnemonic} {},{},{shamt}", name(rd), name(rs1))
        }
        Op::Add { rd, rs1, rs2 }
        | Op::Sub { rd, rs1, rs2 }
        | Op::Sll { rd, rs1, rs2 }
        | Op::Slt { rd, rs1, rs2 }
        | Op::Sltu { rd, rs1, rs2 }
        | Op::Xor { rd, rs1, rs2 }
        | Op::Srl { rd, rs1, rs2 }
        | Op::Sra { rd, rs1, rs2 }
        | Op::Or { rd, rs1, rs2 }
        | Op::And { rd, rs1, rs2 }
        | Op::Mul { rd, rs1, rs2 }
        | Op::Mulh { rd, rs1, rs2 }
        | Op::Mulhsu { rd, rs1, rs2 }
        | Op::Mulhu { rd, rs1, rs2 }
        | Op::Div { rd, rs1, rs2 }
        | Op::Divu { rd, rs1, rs2 }
        | Op::Rem { rd, rs1, rs2 }
        | Op::Remu { rd, rs1, rs2 } => format!("{mnemonic} {},{},{}", name(rd), name(rs1), name(rs2)),
        Op::Csrrw { rd, rs1, csr } | Op::Csrrs { rd, rs1, csr } | Op::Csrrc { rd, rs1, csr } => {
            format!("{mnemonic} {},{csr:#x},{}", name(rd), name(rs1))
        }
        Op::Csrrwi { rd, uimm, csr } | Op::Csrrsi { rd, uimm, csr } | Op::Csrrci { rd, uimm, csr } => {
            format!("{mnemonic} {},{csr:#x},{uimm}", name(rd))
        }
        Op::FenceI => "fence.i".into(),
        Op::Fence | Op::Ecall | Op::Ebreak | Op::Mret | Op::Wfi => mnemonic,
        Op::Illegal { bits } => format!("illegal {bits:#x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bits: u32, expected: &str) {
        assert_eq!(text(cpu::decode::decode(bits), 0x4200_0000), expected);
    }

    #[test]
    fn instructions_read_as_an_assembler_writes_them() {
        check(0x0015_0513, "addi a0,a0,1");
        check(0x0000_0013, "nop");
        check(0x00B5_0533, "add a0,a0,a1");
        check(0x0085_2783, "lw a5,8(a0)");
        check(0xFEF5_2E23, "sw a5,-4(a0)");
        check(0x0000_8067, "ret");
        check(0x0005_0463, "beqz a0,42000008");
        check(0x3004_7073, "csrrci zero,0x300,8");
        check(0x4015_5593, "srai a1,a0,1");
    }
}

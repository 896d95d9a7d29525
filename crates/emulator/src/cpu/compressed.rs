//! 16-bit instructions, expanded into the [`Op`] of the 32-bit instruction they stand for
//! (unprivileged manual, chapter "C Extension for Compressed Instructions").
//!
//! RV32C without floating point. Encodings that the manual reserves are illegal; those it calls
//! hints run as what they encode and change nothing.

use super::{Op, Reg};

/// A 16-bit encoding and its fields, named by the manual's instruction formats.
#[derive(Clone, Copy)]
struct Encoding(u32);

impl Encoding {
    /// Bit `from` of the encoding, moved to bit `to`.
    fn bit(self, from: u32, to: u32) -> u32 {
        (self.0 >> from & 1) << to
    }

    /// `count` bits from bit `from` of the encoding, moved to bit `to`.
    fn bits(self, from: u32, count: u32, to: u32) -> u32 {
        (self.0 >> from & ((1 << count) - 1)) << to
    }

    /// Bit 12, the sign of most immediates, in all bits from `bit` up.
    fn sign_from(self, bit: u32) -> u32 {
        if self.0 >> 12 & 1 != 0 { u32::MAX << bit } else { 0 }
    }

    fn funct3(self) -> u32 {
        self.0 >> 13 & 7
    }

    /// rd and rs1 of the formats CR and CI.
    fn rd(self) -> Reg {
        Reg::from_field(self.0 >> 7)
    }

    /// rs2 of the formats CR and CSS.
    fn rs2(self) -> Reg {
        Reg::from_field(self.0 >> 2)
    }

    /// rs1' (and rd') of the formats CL, CS, CA and CB.
    fn rs1_prime(self) -> Reg {
        Reg::from_compressed_field(self.0 >> 7)
    }

    /// rs2' of the formats CS and CA, rd' of CIW and CL.
    fn rs2_prime(self) -> Reg {
        Reg::from_compressed_field(self.0 >> 2)
    }

    fn ci_imm(self) -> u32 {
        self.sign_from(5) | self.bits(2, 5, 0)
    }

    fn shamt(self) -> u8 {
        self.bits(2, 5, 0) as u8
    }

    fn addi4spn_imm(self) -> u32 {
        self.bits(11, 2, 4) | self.bits(7, 4, 6) | self.bit(6, 2) | self.bit(5, 3)
    }

    fn addi16sp_imm(self) -> u32 {
        self.sign_from(9) | self.bit(6, 4) | self.bit(5, 6) | self.bits(3, 2, 7) | self.bit(2, 5)
    }

    fn lui_imm(self) -> u32 {
        self.sign_from(17) | self.bits(2, 5, 12)
    }

    fn lw_imm(self) -> u32 {
        self.bits(10, 3, 3) | self.bit(6, 2) | self.bit(5, 6)
    }

    fn lwsp_imm(self) -> u32 {
        self.bit(12, 5) | self.bits(4, 3, 2) | self.bits(2, 2, 6)
    }

    fn swsp_imm(self) -> u32 {
        self.bits(9, 4, 2) | self.bits(7, 2, 6)
    }

    fn cj_imm(self) -> u32 {
        self.sign_from(11)
            | self.bit(11, 4)
            | self.bits(9, 2, 8)
            | self.bit(8, 10)
            | self.bit(7, 6)
            | self.bit(6, 7)
            | self.bits(3, 3, 1)
            | self.bit(2, 5)
    }

    fn cb_imm(self) -> u32 {
        self.sign_from(8) | self.bits(10, 2, 3) | self.bits(5, 2, 6) | self.bits(3, 2, 1) | self.bit(2, 5)
    }
}

/// Expands a 16-bit encoding (its two lowest bits are not both 1).
#[must_use]
pub fn expand(bits: u16) -> Op {
    let e = Encoding(u32::from(bits));
    match e.0 & 3 {
        0 => quadrant_0(e),
        1 => quadrant_1(e),
        _ => quadrant_2(e),
    }
}

fn illegal(e: Encoding) -> Op {
    Op::Illegal { bits: e.0 }
}

fn quadrant_0(e: Encoding) -> Op {
    let (rs1, rs2) = (e.rs1_prime(), e.rs2_prime());
    match e.funct3() {
        // C.ADDI4SPN; a zero immediate is reserved, all zero bits are illegal by definition.
        0 if e.addi4spn_imm() != 0 => Op::Addi { rd: rs2, rs1: Reg::X2, imm: e.addi4spn_imm() },
        // C.LW
        2 => Op::Lw { rd: rs2, rs1, imm: e.lw_imm() },
        // C.SW
        6 => Op::Sw { rs1, rs2, imm: e.lw_imm() },
        _ => illegal(e),
    }
}

fn quadrant_1(e: Encoding) -> Op {
    let rd = e.rd();
    match e.funct3() {
        // C.ADDI, C.NOP
        0 => Op::Addi { rd, rs1: rd, imm: e.ci_imm() },
        // C.JAL
        1 => Op::Jal { rd: Reg::X1, imm: e.cj_imm() },
        // C.LI
        2 => Op::Addi { rd, rs1: Reg::X0, imm: e.ci_imm() },
        // C.ADDI16SP and C.LUI share their reserved zero immediate.
        3 if e.ci_imm() == 0 => illegal(e),
        3 if rd == Reg::X2 => Op::Addi { rd, rs1: rd, imm: e.addi16sp_imm() },
        3 => Op::Lui { rd, imm: e.lui_imm() },
        4 => arithmetic(e),
        // C.J
        5 => Op::Jal { rd: Reg::X0, imm: e.cj_imm() },
        // C.BEQZ
        6 => Op::Beq { rs1: e.rs1_prime(), rs2: Reg::X0, imm: e.cb_imm() },
        // C.BNEZ
        _ => Op::Bne { rs1: e.rs1_prime(), rs2: Reg::X0, imm: e.cb_imm() },
    }
}

/// The instructions on x8 to x15 under funct3 100 of quadrant 1.
fn arithmetic(e: Encoding) -> Op {
    let (rd, rs2) = (e.rs1_prime(), e.rs2_prime());
    let rs1 = rd;
    let bit_12 = e.bit(12, 0);
    match (e.bits(10, 2, 0), bit_12, e.bits(5, 2, 0)) {
        // shamt[5] has to be zero on RV32.
        (0, 0, _) => Op::Srli { rd, rs1, shamt: e.shamt() },
        (1, 0, _) => Op::Srai { rd, rs1, shamt: e.shamt() },
        (2, _, _) => Op::Andi { rd, rs1, imm: e.ci_imm() },
        (3, 0, 0) => Op::Sub { rd, rs1, rs2 },
        (3, 0, 1) => Op::Xor { rd, rs1, rs2 },
        (3, 0, 2) => Op::Or { rd, rs1, rs2 },
        (3, 0, 3) => Op::And { rd, rs1, rs2 },
        _ => illegal(e),
    }
}

fn quadrant_2(e: Encoding) -> Op {
    let (rd, rs2) = (e.rd(), e.rs2());
    match (e.funct3(), e.bit(12, 0)) {
        // C.SLLI; shamt[5] has to be zero on RV32.
        (0, 0) => Op::Slli { rd, rs1: rd, shamt: e.shamt() },
        // C.LWSP; rd = x0 is reserved.
        (2, _) if rd != Reg::X0 => Op::Lw { rd, rs1: Reg::X2, imm: e.lwsp_imm() },
        // C.JR; rs1 = x0 is reserved.
        (4, 0) if rs2 == Reg::X0 && rd != Reg::X0 => Op::Jalr { rd: Reg::X0, rs1: rd, imm: 0 },
        // C.MV
        (4, 0) if rs2 != Reg::X0 => Op::Add { rd, rs1: Reg::X0, rs2 },
        (4, 1) if rs2 == Reg::X0 && rd == Reg::X0 => Op::Ebreak,
        // C.JALR
        (4, 1) if rs2 == Reg::X0 => Op::Jalr { rd: Reg::X1, rs1: rd, imm: 0 },
        // C.ADD
        (4, 1) => Op::Add { rd, rs1: rd, rs2 },
        // C.SWSP
        (6, _) => Op::Sw { rs1: Reg::X2, rs2, imm: e.swsp_imm() },
        _ => illegal(e),
    }
}

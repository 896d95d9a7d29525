//! 32-bit instruction formats into [`Op`], field by field as in the unprivileged manual
//! (chapter "RV32/64G Instruction Set Listings").

use super::Reg;

/// One instruction, with its operands taken out of the encoding and immediates sign-extended.
///
/// Compressed instructions are expanded into the same operations; only their length differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "operations and operands have the manual's names")]
#[rustfmt::skip]
pub enum Op {
    // RV32I
    Lui { rd: Reg, imm: u32 },
    Auipc { rd: Reg, imm: u32 },
    Jal { rd: Reg, imm: u32 },
    Jalr { rd: Reg, rs1: Reg, imm: u32 },
    Beq { rs1: Reg, rs2: Reg, imm: u32 },
    Bne { rs1: Reg, rs2: Reg, imm: u32 },
    Blt { rs1: Reg, rs2: Reg, imm: u32 },
    Bge { rs1: Reg, rs2: Reg, imm: u32 },
    Bltu { rs1: Reg, rs2: Reg, imm: u32 },
    Bgeu { rs1: Reg, rs2: Reg, imm: u32 },
    Lb { rd: Reg, rs1: Reg, imm: u32 },
    Lh { rd: Reg, rs1: Reg, imm: u32 },
    Lw { rd: Reg, rs1: Reg, imm: u32 },
    Lbu { rd: Reg, rs1: Reg, imm: u32 },
    Lhu { rd: Reg, rs1: Reg, imm: u32 },
    Sb { rs1: Reg, rs2: Reg, imm: u32 },
    Sh { rs1: Reg, rs2: Reg, imm: u32 },
    Sw { rs1: Reg, rs2: Reg, imm: u32 },
    Addi { rd: Reg, rs1: Reg, imm: u32 },
    Slti { rd: Reg, rs1: Reg, imm: u32 },
    Sltiu { rd: Reg, rs1: Reg, imm: u32 },
    Xori { rd: Reg, rs1: Reg, imm: u32 },
    Ori { rd: Reg, rs1: Reg, imm: u32 },
    Andi { rd: Reg, rs1: Reg, imm: u32 },
    Slli { rd: Reg, rs1: Reg, shamt: u8 },
    Srli { rd: Reg, rs1: Reg, shamt: u8 },
    Srai { rd: Reg, rs1: Reg, shamt: u8 },
    Add { rd: Reg, rs1: Reg, rs2: Reg },
    Sub { rd: Reg, rs1: Reg, rs2: Reg },
    Sll { rd: Reg, rs1: Reg, rs2: Reg },
    Slt { rd: Reg, rs1: Reg, rs2: Reg },
    Sltu { rd: Reg, rs1: Reg, rs2: Reg },
    Xor { rd: Reg, rs1: Reg, rs2: Reg },
    Srl { rd: Reg, rs1: Reg, rs2: Reg },
    Sra { rd: Reg, rs1: Reg, rs2: Reg },
    Or { rd: Reg, rs1: Reg, rs2: Reg },
    And { rd: Reg, rs1: Reg, rs2: Reg },
    Fence,
    Ecall,
    Ebreak,
    // Zifencei
    FenceI,
    // Zicsr
    Csrrw { rd: Reg, rs1: Reg, csr: u16 },
    Csrrs { rd: Reg, rs1: Reg, csr: u16 },
    Csrrc { rd: Reg, rs1: Reg, csr: u16 },
    Csrrwi { rd: Reg, uimm: u8, csr: u16 },
    Csrrsi { rd: Reg, uimm: u8, csr: u16 },
    Csrrci { rd: Reg, uimm: u8, csr: u16 },
    // M
    Mul { rd: Reg, rs1: Reg, rs2: Reg },
    Mulh { rd: Reg, rs1: Reg, rs2: Reg },
    Mulhsu { rd: Reg, rs1: Reg, rs2: Reg },
    Mulhu { rd: Reg, rs1: Reg, rs2: Reg },
    Div { rd: Reg, rs1: Reg, rs2: Reg },
    Divu { rd: Reg, rs1: Reg, rs2: Reg },
    Rem { rd: Reg, rs1: Reg, rs2: Reg },
    Remu { rd: Reg, rs1: Reg, rs2: Reg },
    // Privileged
    Mret,
    Wfi,
    /// Everything else; `bits` is the encoding (16 bits of a compressed instruction).
    Illegal { bits: u32 },
}

/// A 32-bit encoding and its fields.
#[derive(Clone, Copy)]
struct Encoding(u32);

impl Encoding {
    fn opcode(self) -> u32 {
        self.0 & 0x7F
    }

    fn rd(self) -> Reg {
        Reg::from_field(self.0 >> 7)
    }

    fn funct3(self) -> u32 {
        self.0 >> 12 & 7
    }

    fn rs1(self) -> Reg {
        Reg::from_field(self.0 >> 15)
    }

    fn rs2(self) -> Reg {
        Reg::from_field(self.0 >> 20)
    }

    fn funct7(self) -> u32 {
        self.0 >> 25
    }

    fn shamt(self) -> u8 {
        (self.0 >> 20 & 0x1F) as u8
    }

    fn uimm(self) -> u8 {
        (self.0 >> 15 & 0x1F) as u8
    }

    fn csr(self) -> u16 {
        (self.0 >> 20) as u16
    }

    /// Bit 31 in all bits from `bit` up.
    fn sign_from(self, bit: u32) -> u32 {
        ((self.0 as i32 >> 31) as u32) << bit
    }

    fn i_imm(self) -> u32 {
        (self.0 as i32 >> 20) as u32
    }

    fn s_imm(self) -> u32 {
        self.sign_from(11) | (self.0 >> 25 & 0x3F) << 5 | self.0 >> 7 & 0x1F
    }

    fn b_imm(self) -> u32 {
        self.sign_from(12) | (self.0 >> 7 & 1) << 11 | (self.0 >> 25 & 0x3F) << 5 | (self.0 >> 8 & 0xF) << 1
    }

    fn u_imm(self) -> u32 {
        self.0 & 0xFFFF_F000
    }

    fn j_imm(self) -> u32 {
        self.sign_from(20) | self.0 & 0xF_F000 | (self.0 >> 20 & 1) << 11 | (self.0 >> 21 & 0x3FF) << 1
    }
}

/// Decodes a 32-bit encoding (its two lowest bits are 1).
#[must_use]
pub fn decode(bits: u32) -> Op {
    let e = Encoding(bits);
    let (rd, rs1, rs2) = (e.rd(), e.rs1(), e.rs2());
    let illegal = Op::Illegal { bits };
    match e.opcode() {
        0x37 => Op::Lui { rd, imm: e.u_imm() },
        0x17 => Op::Auipc { rd, imm: e.u_imm() },
        0x6F => Op::Jal { rd, imm: e.j_imm() },
        0x67 if e.funct3() == 0 => Op::Jalr { rd, rs1, imm: e.i_imm() },
        0x63 => {
            let imm = e.b_imm();
            match e.funct3() {
                0 => Op::Beq { rs1, rs2, imm },
                1 => Op::Bne { rs1, rs2, imm },
                4 => Op::Blt { rs1, rs2, imm },
                5 => Op::Bge { rs1, rs2, imm },
                6 => Op::Bltu { rs1, rs2, imm },
                7 => Op::Bgeu { rs1, rs2, imm },
                _ => illegal,
            }
        }
        0x03 => {
            let imm = e.i_imm();
            match e.funct3() {
                0 => Op::Lb { rd, rs1, imm },
                1 => Op::Lh { rd, rs1, imm },
                2 => Op::Lw { rd, rs1, imm },
                4 => Op::Lbu { rd, rs1, imm },
                5 => Op::Lhu { rd, rs1, imm },
                _ => illegal,
            }
        }
        0x23 => {
            let imm = e.s_imm();
            match e.funct3() {
                0 => Op::Sb { rs1, rs2, imm },
                1 => Op::Sh { rs1, rs2, imm },
                2 => Op::Sw { rs1, rs2, imm },
                _ => illegal,
            }
        }
        0x13 => {
            let (imm, shamt) = (e.i_imm(), e.shamt());
            match (e.funct3(), e.funct7()) {
                (0, _) => Op::Addi { rd, rs1, imm },
                (2, _) => Op::Slti { rd, rs1, imm },
                (3, _) => Op::Sltiu { rd, rs1, imm },
                (4, _) => Op::Xori { rd, rs1, imm },
                (6, _) => Op::Ori { rd, rs1, imm },
                (7, _) => Op::Andi { rd, rs1, imm },
                (1, 0x00) => Op::Slli { rd, rs1, shamt },
                (5, 0x00) => Op::Srli { rd, rs1, shamt },
                (5, 0x20) => Op::Srai { rd, rs1, shamt },
                _ => illegal,
            }
        }
        0x33 => match (e.funct7(), e.funct3()) {
            (0x00, 0) => Op::Add { rd, rs1, rs2 },
            (0x20, 0) => Op::Sub { rd, rs1, rs2 },
            (0x00, 1) => Op::Sll { rd, rs1, rs2 },
            (0x00, 2) => Op::Slt { rd, rs1, rs2 },
            (0x00, 3) => Op::Sltu { rd, rs1, rs2 },
            (0x00, 4) => Op::Xor { rd, rs1, rs2 },
            (0x00, 5) => Op::Srl { rd, rs1, rs2 },
            (0x20, 5) => Op::Sra { rd, rs1, rs2 },
            (0x00, 6) => Op::Or { rd, rs1, rs2 },
            (0x00, 7) => Op::And { rd, rs1, rs2 },
            (0x01, 0) => Op::Mul { rd, rs1, rs2 },
            (0x01, 1) => Op::Mulh { rd, rs1, rs2 },
            (0x01, 2) => Op::Mulhsu { rd, rs1, rs2 },
            (0x01, 3) => Op::Mulhu { rd, rs1, rs2 },
            (0x01, 4) => Op::Div { rd, rs1, rs2 },
            (0x01, 5) => Op::Divu { rd, rs1, rs2 },
            (0x01, 6) => Op::Rem { rd, rs1, rs2 },
            (0x01, 7) => Op::Remu { rd, rs1, rs2 },
            _ => illegal,
        },
        // The other fields of the fences are reserved for finer-grain fences and shall be ignored.
        0x0F => match e.funct3() {
            0 => Op::Fence,
            1 => Op::FenceI,
            _ => illegal,
        },
        0x73 => decode_system(e),
        _ => illegal,
    }
}

fn decode_system(e: Encoding) -> Op {
    let (rd, rs1, uimm, csr) = (e.rd(), e.rs1(), e.uimm(), e.csr());
    match (e.funct3(), e.0) {
        (0, 0x0000_0073) => Op::Ecall,
        (0, 0x0010_0073) => Op::Ebreak,
        (0, 0x3020_0073) => Op::Mret,
        (0, 0x1050_0073) => Op::Wfi,
        (1, _) => Op::Csrrw { rd, rs1, csr },
        (2, _) => Op::Csrrs { rd, rs1, csr },
        (3, _) => Op::Csrrc { rd, rs1, csr },
        (5, _) => Op::Csrrwi { rd, uimm, csr },
        (6, _) => Op::Csrrsi { rd, uimm, csr },
        (7, _) => Op::Csrrci { rd, uimm, csr },
        (_, bits) => Op::Illegal { bits },
    }
}

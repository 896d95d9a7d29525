//! A small assembler: one function per mnemonic, written from the manual's instruction listings and
//! independent of the emulator's decoder. Registers are numbers.

/// One encoded instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    Word(u32),
    Half(u16),
}

impl Code {
    pub(crate) fn length(self) -> u32 {
        match self {
            Self::Word(_) => 4,
            Self::Half(_) => 2,
        }
    }

    pub(crate) fn push_to(self, bytes: &mut Vec<u8>) {
        match self {
            Self::Word(word) => bytes.extend(word.to_le_bytes()),
            Self::Half(half) => bytes.extend(half.to_le_bytes()),
        }
    }
}

pub(crate) fn assemble(program: &[Code]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for code in program {
        code.push_to(&mut bytes);
    }
    bytes
}

pub(crate) type Register = u32;

fn field(value: u32, high: u32, low: u32) -> u32 {
    (value >> low) & ((1 << (high - low + 1)) - 1)
}

fn r_type(opcode: u32, funct3: u32, funct7: u32, rd: Register, rs1: Register, rs2: Register) -> Code {
    Code::Word(funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode)
}

fn i_type(opcode: u32, funct3: u32, rd: Register, rs1: Register, imm: i32) -> Code {
    Code::Word(field(imm as u32, 11, 0) << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode)
}

fn s_type(opcode: u32, funct3: u32, rs1: Register, rs2: Register, imm: i32) -> Code {
    let imm = imm as u32;
    Code::Word(field(imm, 11, 5) << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | field(imm, 4, 0) << 7 | opcode)
}

fn b_type(funct3: u32, rs1: Register, rs2: Register, imm: i32) -> Code {
    let imm = imm as u32;
    let high = field(imm, 12, 12) << 6 | field(imm, 10, 5);
    let low = field(imm, 4, 1) << 1 | field(imm, 11, 11);
    Code::Word(high << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | low << 7 | 0x63)
}

macro_rules! instructions {
    ($($kind:ident { $($name:ident = ($($part:expr),*)),* $(,)? })*) => {
        $($(instructions!(@$kind $name $($part),*);)*)*
    };
    (@r $name:ident $funct3:expr, $funct7:expr) => {
        pub(crate) fn $name(rd: Register, rs1: Register, rs2: Register) -> Code {
            r_type(0x33, $funct3, $funct7, rd, rs1, rs2)
        }
    };
    (@shift $name:ident $funct3:expr, $funct7:expr) => {
        pub(crate) fn $name(rd: Register, rs1: Register, shamt: u32) -> Code {
            r_type(0x13, $funct3, $funct7, rd, rs1, shamt)
        }
    };
    (@i $name:ident $opcode:expr, $funct3:expr) => {
        pub(crate) fn $name(rd: Register, rs1: Register, imm: i32) -> Code {
            i_type($opcode, $funct3, rd, rs1, imm)
        }
    };
    (@s $name:ident $funct3:expr) => {
        pub(crate) fn $name(rs2: Register, rs1: Register, imm: i32) -> Code {
            s_type(0x23, $funct3, rs1, rs2, imm)
        }
    };
    (@b $name:ident $funct3:expr) => {
        pub(crate) fn $name(rs1: Register, rs2: Register, offset: i32) -> Code {
            b_type($funct3, rs1, rs2, offset)
        }
    };
    (@csr $name:ident $funct3:expr) => {
        /// The source is a register, or 5 bits of immediate for the names that end in i.
        pub(crate) fn $name(rd: Register, csr: u32, source: u32) -> Code {
            Code::Word(csr << 20 | source << 15 | $funct3 << 12 | rd << 7 | 0x73)
        }
    };
    (@ca $name:ident $bit12:expr, $funct2:expr) => {
        /// Registers 8 to 15.
        pub(crate) fn $name(rd: Register, rs2: Register) -> Code {
            half(0b100 << 13 | $bit12 << 12 | 0b11 << 10 | (rd - 8) << 7 | $funct2 << 5 | (rs2 - 8) << 2 | 1)
        }
    };
    (@csh $name:ident $funct2:expr) => {
        /// Register 8 to 15.
        pub(crate) fn $name(rd: Register, shamt: u32) -> Code {
            half(0b100 << 13 | field(shamt, 5, 5) << 12 | $funct2 << 10 | (rd - 8) << 7 | field(shamt, 4, 0) << 2 | 1)
        }
    };
    (@cj $name:ident $funct3:expr) => {
        pub(crate) fn $name(offset: i32) -> Code {
            let o = offset as u32;
            let imm = field(o, 11, 11) << 10
                | field(o, 4, 4) << 9
                | field(o, 9, 8) << 7
                | field(o, 10, 10) << 6
                | field(o, 6, 6) << 5
                | field(o, 7, 7) << 4
                | field(o, 3, 1) << 1
                | field(o, 5, 5);
            half($funct3 << 13 | imm << 2 | 1)
        }
    };
    (@cb $name:ident $funct3:expr) => {
        /// Register 8 to 15.
        pub(crate) fn $name(rs1: Register, offset: i32) -> Code {
            let o = offset as u32;
            let high = field(o, 8, 8) << 2 | field(o, 4, 3);
            let low = field(o, 7, 6) << 3 | field(o, 2, 1) << 1 | field(o, 5, 5);
            half($funct3 << 13 | high << 10 | (rs1 - 8) << 7 | low << 2 | 1)
        }
    };
}

instructions! {
    r {
        add = (0, 0x00), sub = (0, 0x20), sll = (1, 0x00), slt = (2, 0x00), sltu = (3, 0x00), xor = (4, 0x00),
        srl = (5, 0x00), sra = (5, 0x20), or = (6, 0x00), and = (7, 0x00),
        mul = (0, 1), mulh = (1, 1), mulhsu = (2, 1), mulhu = (3, 1), div = (4, 1), divu = (5, 1), rem = (6, 1),
        remu = (7, 1),
    }
    shift { slli = (1, 0x00), srli = (5, 0x00), srai = (5, 0x20) }
    i {
        addi = (0x13, 0), slti = (0x13, 2), sltiu = (0x13, 3), xori = (0x13, 4), ori = (0x13, 6), andi = (0x13, 7),
        lb = (0x03, 0), lh = (0x03, 1), lw = (0x03, 2), lbu = (0x03, 4), lhu = (0x03, 5), jalr = (0x67, 0),
    }
    s { sb = (0), sh = (1), sw = (2) }
    b { beq = (0), bne = (1), blt = (4), bge = (5), bltu = (6), bgeu = (7) }
    csr { csrrw = (1), csrrs = (2), csrrc = (3), csrrwi = (5), csrrsi = (6), csrrci = (7) }
    ca { c_sub = (0, 0), c_xor = (0, 1), c_or = (0, 2), c_and = (0, 3) }
    csh { c_srli = (0), c_srai = (1) }
    cj { c_jal = (0b001), c_j = (0b101) }
    cb { c_beqz = (0b110), c_bnez = (0b111) }
}

pub(crate) fn lui(rd: Register, upper: u32) -> Code {
    Code::Word(upper << 12 | rd << 7 | 0x37)
}

pub(crate) fn auipc(rd: Register, upper: u32) -> Code {
    Code::Word(upper << 12 | rd << 7 | 0x17)
}

pub(crate) fn jal(rd: Register, offset: i32) -> Code {
    let o = offset as u32;
    let imm = field(o, 20, 20) << 19 | field(o, 10, 1) << 9 | field(o, 11, 11) << 8 | field(o, 19, 12);
    Code::Word(imm << 12 | rd << 7 | 0x6F)
}

pub(crate) const FENCE: Code = Code::Word(0x0FF0_000F);
pub(crate) const FENCE_I: Code = Code::Word(0x0000_100F);
pub(crate) const ECALL: Code = Code::Word(0x0000_0073);
pub(crate) const EBREAK: Code = Code::Word(0x0010_0073);
pub(crate) const MRET: Code = Code::Word(0x3020_0073);
pub(crate) const WFI: Code = Code::Word(0x1050_0073);
pub(crate) const C_NOP: Code = Code::Half(0x0001);
pub(crate) const C_EBREAK: Code = Code::Half(0x9002);

fn half(bits: u32) -> Code {
    Code::Half(u16::try_from(bits).expect("a compressed encoding has 16 bits"))
}

fn ci_type(funct3: u32, op: u32, rd: Register, imm: u32) -> Code {
    half(funct3 << 13 | field(imm, 5, 5) << 12 | rd << 7 | field(imm, 4, 0) << 2 | op)
}

/// rd 8 to 15; imm a multiple of 4 up to 1020.
pub(crate) fn c_addi4spn(rd: Register, imm: u32) -> Code {
    let imm = field(imm, 5, 4) << 6 | field(imm, 9, 6) << 2 | field(imm, 2, 2) << 1 | field(imm, 3, 3);
    half(imm << 5 | (rd - 8) << 2)
}

/// Registers 8 to 15; imm a multiple of 4 up to 124.
pub(crate) fn c_lw(rd: Register, rs1: Register, imm: u32) -> Code {
    half(0b010 << 13 | cl_imm(imm) | (rs1 - 8) << 7 | (rd - 8) << 2)
}

/// Registers 8 to 15; imm a multiple of 4 up to 124.
pub(crate) fn c_sw(rs2: Register, rs1: Register, imm: u32) -> Code {
    half(0b110 << 13 | cl_imm(imm) | (rs1 - 8) << 7 | (rs2 - 8) << 2)
}

fn cl_imm(imm: u32) -> u32 {
    field(imm, 5, 3) << 10 | field(imm, 2, 2) << 6 | field(imm, 6, 6) << 5
}

pub(crate) fn c_addi(rd: Register, imm: i32) -> Code {
    ci_type(0b000, 1, rd, imm as u32)
}

pub(crate) fn c_li(rd: Register, imm: i32) -> Code {
    ci_type(0b010, 1, rd, imm as u32)
}

/// imm is what comes to stand in bits 17:12, as a signed number.
pub(crate) fn c_lui(rd: Register, imm: i32) -> Code {
    ci_type(0b011, 1, rd, imm as u32)
}

/// imm a multiple of 16, -512 to 496.
pub(crate) fn c_addi16sp(imm: i32) -> Code {
    let imm = imm as u32;
    let low = field(imm, 4, 4) << 4 | field(imm, 6, 6) << 3 | field(imm, 8, 7) << 1 | field(imm, 5, 5);
    half(0b011 << 13 | field(imm, 9, 9) << 12 | 2 << 7 | low << 2 | 1)
}

/// Register 8 to 15.
pub(crate) fn c_andi(rd: Register, imm: i32) -> Code {
    let imm = imm as u32;
    half(0b100 << 13 | field(imm, 5, 5) << 12 | 0b10 << 10 | (rd - 8) << 7 | field(imm, 4, 0) << 2 | 1)
}

pub(crate) fn c_slli(rd: Register, shamt: u32) -> Code {
    ci_type(0b000, 2, rd, shamt)
}

/// imm a multiple of 4 up to 252.
pub(crate) fn c_lwsp(rd: Register, imm: u32) -> Code {
    half(0b010 << 13 | field(imm, 5, 5) << 12 | rd << 7 | (field(imm, 4, 2) << 2 | field(imm, 7, 6)) << 2 | 2)
}

/// imm a multiple of 4 up to 252.
pub(crate) fn c_swsp(rs2: Register, imm: u32) -> Code {
    half(0b110 << 13 | (field(imm, 5, 2) << 2 | field(imm, 7, 6)) << 7 | rs2 << 2 | 2)
}

pub(crate) fn c_jr(rs1: Register) -> Code {
    half(0b1000 << 12 | rs1 << 7 | 2)
}

pub(crate) fn c_jalr(rs1: Register) -> Code {
    half(0b1001 << 12 | rs1 << 7 | 2)
}

pub(crate) fn c_mv(rd: Register, rs2: Register) -> Code {
    half(0b1000 << 12 | rd << 7 | rs2 << 2 | 2)
}

pub(crate) fn c_add(rd: Register, rs2: Register) -> Code {
    half(0b1001 << 12 | rd << 7 | rs2 << 2 | 2)
}

/// Loads any constant, in two instructions.
pub(crate) fn li(rd: Register, value: u32) -> [Code; 2] {
    let upper = value.wrapping_add(0x800) >> 12;
    [lui(rd, upper), addi(rd, rd, value.wrapping_sub(upper << 12) as i32)]
}

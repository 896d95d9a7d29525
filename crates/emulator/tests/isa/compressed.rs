//! RV32C: every instruction stands for the 32-bit instruction that the manual names, with every
//! operand it can have; everything else is reserved and illegal (unprivileged manual, chapter
//! "C Extension for Compressed Instructions").

use std::collections::BTreeSet;

use emulator::cpu::{Cause, Exception, Op, compressed::expand, decode::decode};

use super::encode::*;
use super::privileged::check_exception;
use super::{CODE, check, run, x};

/// Collects the encodings that were checked, so that what is left over can be checked as well.
#[derive(Default)]
struct Covered(BTreeSet<u16>);

impl Covered {
    #[track_caller]
    fn same(&mut self, short: Code, long: Code) {
        let (Code::Half(short), Code::Word(long)) = (short, long) else { panic!("{short:x?} or {long:x?}") };
        assert_eq!(expand(short), decode(long), "{short:#06x} is not {long:#010x}");
        assert!(self.0.insert(short), "{short:#06x} was already taken for something else");
    }
}

fn all_instructions() -> Covered {
    let mut c = Covered::default();
    let primes = || (8..16).flat_map(|a| (8..16).map(move |b| (a, b)));
    for rd in 8..16 {
        for imm in (4..1024).step_by(4) {
            c.same(c_addi4spn(rd, imm), addi(rd, 2, imm as i32));
        }
    }
    for (a, b) in primes() {
        for imm in (0..128).step_by(4) {
            c.same(c_lw(a, b, imm), lw(a, b, imm as i32));
            c.same(c_sw(a, b, imm), sw(a, b, imm as i32));
        }
        c.same(c_sub(a, b), sub(a, a, b));
        c.same(c_xor(a, b), xor(a, a, b));
        c.same(c_or(a, b), or(a, a, b));
        c.same(c_and(a, b), and(a, a, b));
    }
    for imm in -32..32 {
        for rd in 0..32 {
            // With rd = x0 or a zero immediate these are C.NOP and hints.
            c.same(c_addi(rd, imm), addi(rd, rd, imm));
            c.same(c_li(rd, imm), addi(rd, 0, imm));
            if rd != 2 && imm != 0 {
                c.same(c_lui(rd, imm), lui(rd, imm as u32 & 0xF_FFFF));
            }
        }
        for rd in 8..16 {
            c.same(c_andi(rd, imm), andi(rd, rd, imm));
        }
        if imm != 0 {
            c.same(c_addi16sp(16 * imm), addi(2, 2, 16 * imm));
        }
    }
    for shamt in 0..32 {
        for rd in 8..16 {
            c.same(c_srli(rd, shamt), srli(rd, rd, shamt));
            c.same(c_srai(rd, shamt), srai(rd, rd, shamt));
        }
        for rd in 0..32 {
            c.same(c_slli(rd, shamt), slli(rd, rd, shamt));
        }
    }
    for offset in (-2048..2048).step_by(2) {
        c.same(c_j(offset), jal(0, offset));
        c.same(c_jal(offset), jal(1, offset));
    }
    for offset in (-256..256).step_by(2) {
        for rs1 in 8..16 {
            c.same(c_beqz(rs1, offset), beq(rs1, 0, offset));
            c.same(c_bnez(rs1, offset), bne(rs1, 0, offset));
        }
    }
    for register in 0..32 {
        for imm in (0..256).step_by(4) {
            c.same(c_swsp(register, imm), sw(register, 2, imm as i32));
            if register != 0 {
                c.same(c_lwsp(register, imm), lw(register, 2, imm as i32));
            }
        }
        if register != 0 {
            c.same(c_jr(register), jalr(0, register, 0));
            c.same(c_jalr(register), jalr(1, register, 0));
        }
        for rs2 in 1..32 {
            c.same(c_mv(register, rs2), add(register, 0, rs2));
            c.same(c_add(register, rs2), add(register, register, rs2));
        }
    }
    c.same(C_EBREAK, EBREAK);
    c
}

#[test]
fn every_encoding_is_its_long_instruction_or_illegal() {
    let covered = all_instructions();
    for bits in (0..=u16::MAX).filter(|bits| bits & 3 != 3 && !covered.0.contains(bits)) {
        assert_eq!(expand(bits), Op::Illegal { bits: bits.into() }, "{bits:#06x} is reserved");
    }
}

#[test]
fn reserved_encodings_raise_illegal_instruction() {
    let reserved: [(&str, u16); 13] = [
        ("all zero bits", 0x0000),
        ("c.addi4spn with a zero immediate", 0x0004),
        ("c.lui with a zero immediate", 0x6081),
        ("c.lui x0 with a zero immediate", 0x6001),
        ("c.addi16sp with a zero immediate", 0x6101),
        ("c.srli with shamt[5]", 0x9001),
        ("c.srai with shamt[5]", 0x9401),
        ("c.slli with shamt[5]", 0x1082),
        ("c.subw of RV64", 0x9C01),
        ("c.lwsp x0", 0x4002),
        ("c.jr x0", 0x8002),
        ("c.flw", 0x6000),
        ("quadrant 0, funct3 100", 0x8000),
    ];
    for (name, bits) in reserved {
        let tval = u32::from(bits);
        println!("{name}");
        check_exception(&[Code::Half(bits)], &[], Exception { cause: Cause::IllegalInstruction, tval });
    }
}

#[test]
fn compressed_instructions_are_two_bytes_long() {
    check("c.li, c.addi, c.mv, c.add", &[c_li(5, -1), c_addi(5, 3), c_mv(6, 5), c_add(6, 5)], &[], &[(5, 2), (6, 4)]);
    check("mixed", &[C_NOP, addi(5, 0, 1), C_NOP, addi(5, 5, 1), c_addi(5, 1)], &[], &[(5, 3)]);
    let bare = run(1, &[c_jal(64)], &[]);
    assert_eq!((bare.hart.pc, x(&bare.hart, 1)), (CODE + 64, CODE + 2));
    let bare = run(1, &[c_jalr(5)], &[(5, CODE + 101)]);
    assert_eq!((bare.hart.pc, x(&bare.hart, 1)), (CODE + 100, CODE + 2));
    // C.JALR through the link register itself.
    let bare = run(1, &[c_jalr(1)], &[(1, CODE + 100)]);
    assert_eq!((bare.hart.pc, x(&bare.hart, 1)), (CODE + 100, CODE + 2));
    assert_eq!(run(1, &[c_beqz(8, -6)], &[(8, 1)]).hart.pc, CODE + 2);
    assert_eq!(run(1, &[c_beqz(8, -6)], &[]).hart.pc, CODE - 6);
}

#[test]
fn hints_change_nothing() {
    for hint in [
        C_NOP,
        c_addi(0, 5),
        c_addi(5, 0),
        c_li(0, 7),
        c_lui(0, 7),
        c_mv(0, 5),
        c_add(0, 5),
        c_slli(0, 3),
        c_slli(5, 0),
        c_srli(9, 0),
        c_srai(9, 0),
    ] {
        check("hint", &[hint], &[(5, 9), (9, 11)], &[(0, 0), (5, 9), (9, 11)]);
    }
}

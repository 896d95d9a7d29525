//! RV32I: computation (unprivileged manual, section "Integer Computational Instructions").

use super::check;
use super::encode::*;

const MIN: u32 = 0x8000_0000;
const MAX: u32 = 0x7FFF_FFFF;
const ONES: u32 = u32::MAX;

type RegisterRegister = fn(Register, Register, Register) -> Code;
type RegisterImmediate = fn(Register, Register, i32) -> Code;
type Shift = fn(Register, Register, u32) -> Code;

/// Operands and result; every way in which source and destination can coincide has to give it.
#[track_caller]
pub(crate) fn register_register(name: &str, encode: RegisterRegister, rows: &[(u32, u32, u32)]) {
    for &(a, b, result) in rows {
        let before = [(1, a), (2, b)];
        check(name, &[encode(3, 1, 2)], &before, &[(3, result), (1, a), (2, b)]);
        check(name, &[encode(1, 1, 2)], &before, &[(1, result), (2, b)]);
        check(name, &[encode(2, 1, 2)], &before, &[(1, a), (2, result)]);
        check(name, &[encode(0, 1, 2)], &before, &[(0, 0), (1, a), (2, b)]);
        check(name, &[encode(31, 30, 29)], &[(30, a), (29, b)], &[(31, result)]);
        if a == b {
            check(name, &[encode(3, 1, 1)], &[(1, a)], &[(3, result)]);
            check(name, &[encode(1, 1, 1)], &[(1, a)], &[(1, result)]);
        }
        if a == 0 {
            check(name, &[encode(3, 0, 2)], &[(2, b)], &[(3, result)]);
        }
        if b == 0 {
            check(name, &[encode(3, 1, 0)], &[(1, a)], &[(3, result)]);
        }
    }
}

#[track_caller]
fn register_immediate(name: &str, encode: RegisterImmediate, rows: &[(u32, i32, u32)]) {
    for &(a, imm, result) in rows {
        check(name, &[encode(3, 1, imm)], &[(1, a)], &[(3, result), (1, a)]);
        check(name, &[encode(1, 1, imm)], &[(1, a)], &[(1, result)]);
        check(name, &[encode(0, 1, imm)], &[(1, a)], &[(0, 0), (1, a)]);
        if a == 0 {
            check(name, &[encode(3, 0, imm)], &[], &[(3, result)]);
        }
    }
}

#[track_caller]
fn shift_immediate(name: &str, encode: Shift, rows: &[(u32, u32, u32)]) {
    for &(a, shamt, result) in rows {
        check(name, &[encode(3, 1, shamt)], &[(1, a)], &[(3, result), (1, a)]);
        check(name, &[encode(1, 1, shamt)], &[(1, a)], &[(1, result)]);
        check(name, &[encode(0, 1, shamt)], &[(1, a)], &[(0, 0), (1, a)]);
    }
}

#[test]
fn add_wraps() {
    let rows = [(0, 0, 0), (1, 2, 3), (MAX, 1, MIN), (MIN, MIN, 0), (ONES, 1, 0), (MIN, ONES, MAX), (0, ONES, ONES)];
    register_register("add", add, &rows);
}

#[test]
fn sub_wraps() {
    let rows = [(0, 0, 0), (3, 2, 1), (0, 1, ONES), (MIN, 1, MAX), (MAX, ONES, MIN), (MIN, MIN, 0), (0, MIN, MIN)];
    register_register("sub", sub, &rows);
}

#[test]
fn shifts_by_registers_use_five_bits() {
    let rows =
        [(1, 0, 1), (1, 31, MIN), (1, 32, 1), (1, 33, 2), (0x21, ONES, MIN), (ONES, 4, 0xFFFF_FFF0), (33, 33, 66)];
    register_register("sll", sll, &rows);
    let rows = [(MIN, 0, MIN), (MIN, 31, 1), (MIN, 32, MIN), (MIN, 33, 0x4000_0000), (ONES, ONES, 1), (0, 5, 0)];
    register_register("srl", srl, &rows);
    let rows =
        [(MIN, 0, MIN), (MIN, 31, ONES), (MIN, 32, MIN), (MIN, 33, 0xC000_0000), (ONES, ONES, ONES), (MAX, 31, 0)];
    register_register("sra", sra, &rows);
}

#[test]
fn comparisons_are_signed_or_not() {
    let rows =
        [(0, 0, 0), (0, 1, 1), (1, 0, 0), (MIN, MAX, 1), (MAX, MIN, 0), (ONES, 0, 1), (0, ONES, 0), (ONES, ONES, 0)];
    register_register("slt", slt, &rows);
    let rows =
        [(0, 0, 0), (0, 1, 1), (1, 0, 0), (MIN, MAX, 0), (MAX, MIN, 1), (ONES, 0, 0), (0, ONES, 1), (ONES, ONES, 0)];
    register_register("sltu", sltu, &rows);
}

#[test]
fn bitwise_operations_work_on_all_bits() {
    let (a, b) = (0xFF00_FF00, 0x0F0F_0F0F);
    register_register("xor", xor, &[(a, b, 0xF00F_F00F), (ONES, ONES, 0), (0, ONES, ONES)]);
    register_register("or", or, &[(a, b, 0xFF0F_FF0F), (0, 0, 0), (MIN, 1, 0x8000_0001)]);
    register_register("and", and, &[(a, b, 0x0F00_0F00), (ONES, MIN, MIN), (0, ONES, 0)]);
}

#[test]
fn immediates_are_sign_extended() {
    let rows = [(0, 0, 0), (0, 2047, 2047), (0, -2048, 0xFFFF_F800), (MAX, 1, MIN), (MIN, -1, MAX), (ONES, 1, 0)];
    register_immediate("addi", addi, &rows);
    let rows = [
        (0, 1, 1),
        (0, 0, 0),
        (0, -1, 0),
        (MIN, -2048, 1),
        (0xFFFF_F800, -2048, 0),
        (0xFFFF_F7FF, -2048, 1),
        (MAX, 2047, 0),
    ];
    register_immediate("slti", slti, &rows);
    let rows = [
        (0, 1, 1),
        (0, 0, 0),
        (0, -1, 1),
        (ONES, -1, 0),
        (0xFFFF_F7FF, -2048, 1),
        (0xFFFF_F800, -2048, 0),
        (2046, 2047, 1),
    ];
    register_immediate("sltiu", sltiu, &rows);
    register_immediate("xori", xori, &[(0, -1, ONES), (ONES, -1, 0), (0xFF, 0x7F0, 0x70F), (0, -2048, 0xFFFF_F800)]);
    register_immediate("ori", ori, &[(0, -1, ONES), (0xF0, 0x0F, 0xFF), (1, -2048, 0xFFFF_F801)]);
    register_immediate("andi", andi, &[(ONES, -1, ONES), (ONES, 0x7FF, 0x7FF), (0x1234_5678, -2048, 0x1234_5000)]);
}

#[test]
fn shifts_by_immediates_reach_every_amount() {
    for shamt in 0..32 {
        shift_immediate("slli", slli, &[(ONES, shamt, ONES << shamt), (1, shamt, 1 << shamt)]);
        shift_immediate("srli", srli, &[(ONES, shamt, ONES >> shamt), (MIN, shamt, MIN >> shamt)]);
        shift_immediate("srai", srai, &[(ONES, shamt, ONES), (MAX, shamt, MAX >> shamt)]);
    }
    shift_immediate("srai", srai, &[(MIN, 31, ONES), (MIN, 1, 0xC000_0000), (MIN, 0, MIN)]);
}

#[test]
fn upper_immediates_reach_the_top() {
    for upper in [0, 1, 0x7_FFFF, 0x8_0000, 0xF_FFFF] {
        check("lui", &[lui(5, upper)], &[(5, 77)], &[(5, upper << 12)]);
        check("auipc", &[addi(0, 0, 0), auipc(5, upper)], &[], &[(5, (upper << 12).wrapping_add(super::CODE + 4))]);
        check("lui", &[lui(0, upper)], &[], &[(0, 0)]);
        check("auipc", &[auipc(0, upper)], &[], &[(0, 0)]);
    }
}

#[test]
fn fences_change_nothing() {
    // Fence sets, fm and the register fields are hints or reserved: all are to be accepted.
    for fence in [
        FENCE,
        FENCE_I,
        Code::Word(0x0000_000F),
        Code::Word(0x8330_000F),
        Code::Word(0xFFFF_8F8F),
        Code::Word(0xFFF1_9F8F),
    ] {
        let before: Vec<_> = (1..32).map(|register| (register, register * 3)).collect();
        check("fence", &[fence], &before, &before);
    }
}

#[test]
fn hints_change_nothing() {
    for hint in [addi(0, 5, 7), add(0, 5, 6), lui(0, 7), auipc(0, 7), slti(0, 5, 1), sra(0, 5, 6), srai(0, 7, 3)] {
        check("hint", &[hint], &[(5, 9)], &[(0, 0), (5, 9)]);
    }
}

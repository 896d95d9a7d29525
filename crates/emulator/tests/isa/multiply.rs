//! RV32M (unprivileged manual, chapter "M Extension for Integer Multiplication and Division").

use super::encode::*;
use super::integer::register_register;

const MIN: u32 = 0x8000_0000;
const MAX: u32 = 0x7FFF_FFFF;
const ONES: u32 = u32::MAX;

#[test]
fn mul_keeps_the_low_word() {
    let rows =
        [(0, 0, 0), (3, 7, 21), (ONES, ONES, 1), (MIN, ONES, MIN), (MIN, MIN, 0), (0xAAAA_AAAB, 3, 1), (MAX, MAX, 1)];
    register_register("mul", mul, &rows);
}

#[test]
fn the_high_words_differ_by_sign() {
    let rows = [
        (0, ONES, 0),
        (ONES, ONES, 0),
        (MIN, MIN, 0x4000_0000),
        (MIN, MAX, 0xC000_0000),
        (ONES, 1, ONES),
        (MAX, MAX, 0x3FFF_FFFF),
    ];
    register_register("mulh", mulh, &rows);
    let rows =
        [(0, ONES, 0), (ONES, ONES, 0xFFFF_FFFE), (MIN, MIN, 0x4000_0000), (MIN, MAX, 0x3FFF_FFFF), (ONES, 1, 0)];
    register_register("mulhu", mulhu, &rows);
    let rows = [
        (0, ONES, 0),
        (ONES, ONES, ONES),
        (MIN, MIN, 0xC000_0000),
        (MIN, ONES, MIN),
        (ONES, 1, ONES),
        (1, ONES, 0),
        (MAX, MIN, 0x3FFF_FFFF),
    ];
    register_register("mulhsu", mulhsu, &rows);
}

#[test]
fn division_truncates_towards_zero() {
    let minus = |value: u32| value.wrapping_neg();
    let rows = [
        (20, 6, 3),
        (minus(20), 6, minus(3)),
        (20, minus(6), minus(3)),
        (minus(20), minus(6), 3),
        (MIN, 1, MIN),
        (MIN, ONES, MIN),
        (MIN, 0, ONES),
        (0, 0, ONES),
        (1, 0, ONES),
        (MIN, MIN, 1),
        (MAX, MIN, 0),
    ];
    register_register("div", div, &rows);
    let rows = [
        (20, 6, 2),
        (minus(20), 6, minus(2)),
        (20, minus(6), 2),
        (minus(20), minus(6), minus(2)),
        (MIN, 1, 0),
        (MIN, ONES, 0),
        (MIN, 0, MIN),
        (0, 0, 0),
        (1, 0, 1),
        (MAX, MIN, MAX),
    ];
    register_register("rem", rem, &rows);
}

#[test]
fn unsigned_division_by_zero_gives_all_ones() {
    let rows = [
        (20, 6, 3),
        (0xFFFF_FFEC, 6, 0x2AAA_AAA7),
        (20, ONES, 0),
        (MIN, ONES, 0),
        (MIN, 1, MIN),
        (MIN, 0, ONES),
        (0, 0, ONES),
        (ONES, ONES, 1),
    ];
    register_register("divu", divu, &rows);
    let rows = [
        (20, 6, 2),
        (0xFFFF_FFEC, 6, 2),
        (20, ONES, 20),
        (MIN, ONES, MIN),
        (MIN, 1, 0),
        (MIN, 0, MIN),
        (0, 0, 0),
        (ONES, ONES, 0),
    ];
    register_register("remu", remu, &rows);
}

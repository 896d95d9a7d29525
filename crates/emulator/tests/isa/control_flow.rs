//! RV32I: jumps and branches (unprivileged manual, section "Control Transfer Instructions").

use super::encode::*;
use super::{CODE, run, x};

const MIN: u32 = 0x8000_0000;
const ONES: u32 = u32::MAX;

type Branch = fn(Register, Register, i32) -> Code;

#[track_caller]
fn check_branch(name: &str, encode: Branch, taken: fn(u32, u32) -> bool) {
    let values = [0, 1, 2, 0x7FFF_FFFF, MIN, MIN + 1, ONES - 1, ONES];
    for (a, b) in values.iter().flat_map(|&a| values.map(|b| (a, b))) {
        for offset in [8, -8, 2, 4094, -4096] {
            let bare = run(1, &[encode(1, 2, offset)], &[(1, a), (2, b)]);
            let expected = if taken(a, b) { CODE.wrapping_add_signed(offset) } else { CODE + 4 };
            assert_eq!(bare.hart.pc, expected, "{name} {a:#x}, {b:#x}, {offset}");
            assert_eq!((x(&bare.hart, 1), x(&bare.hart, 2)), (a, b));
        }
    }
    let bare = run(1, &[encode(3, 3, 16)], &[(3, 5)]);
    assert_eq!(bare.hart.pc, if taken(5, 5) { CODE + 16 } else { CODE + 4 }, "{name} of a register with itself");
}

#[test]
fn branches_compare_as_their_names_say() {
    check_branch("beq", beq, |a, b| a == b);
    check_branch("bne", bne, |a, b| a != b);
    check_branch("blt", blt, |a, b| (a as i32) < b as i32);
    check_branch("bge", bge, |a, b| a as i32 >= b as i32);
    check_branch("bltu", bltu, |a, b| a < b);
    check_branch("bgeu", bgeu, |a, b| a >= b);
}

#[test]
fn jal_links_to_what_follows_and_reaches_a_megabyte() {
    for offset in [4, 2, 0, -2, 2046, 2048, 0xF_FFFE, -0x10_0000, 0x5_5554] {
        for link in [1, 5, 31] {
            let bare = run(1, &[jal(link, offset)], &[]);
            assert_eq!((bare.hart.pc, x(&bare.hart, link)), (CODE.wrapping_add_signed(offset), CODE + 4), "{offset}");
        }
        assert_eq!(x(&run(1, &[jal(0, offset)], &[]).hart, 0), 0);
    }
}

#[test]
fn jalr_clears_the_lowest_bit_and_reads_before_it_links() {
    for (base, imm, target) in
        [(CODE, 8, CODE + 8), (CODE + 1, 8, CODE + 8), (CODE, -1, CODE - 2), (0, -2048, 0xFFFF_F800), (ONES, 3, 2)]
    {
        let bare = run(1, &[jalr(5, 6, imm)], &[(6, base)]);
        assert_eq!((bare.hart.pc, x(&bare.hart, 5)), (target, CODE + 4), "{base:#x} + {imm}");
        let bare = run(1, &[jalr(6, 6, imm)], &[(6, base)]);
        assert_eq!((bare.hart.pc, x(&bare.hart, 6)), (target, CODE + 4), "{base:#x} + {imm}, same register");
        let bare = run(1, &[jalr(0, 6, imm)], &[(6, base)]);
        assert_eq!((bare.hart.pc, x(&bare.hart, 6)), (target, base), "{base:#x} + {imm}, no link");
    }
}

#[test]
fn a_jump_to_itself_goes_on_for_ever() {
    let bare = run(1000, &[jal(0, 0)], &[]);
    assert_eq!((bare.hart.pc, bare.hart.instructions, bare.hart.now), (CODE, 1000, 3000));
}

#[test]
fn calls_return() {
    // 0: jal x1, 8; 4: jump to itself; 8: addi x5, x5, 1; 12: jalr x0, x1, 0
    let code = [jal(1, 8), jal(0, 0), addi(5, 5, 1), jalr(0, 1, 0)];
    let bare = run(4, &code, &[(5, 41)]);
    assert_eq!((bare.hart.pc, x(&bare.hart, 5)), (CODE + 4, 42));
}

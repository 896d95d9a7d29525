//! RV32I: loads and stores, on all of core memory (unprivileged manual, section "Load and Store
//! Instructions").

use emulator::bare::{Bare, DEVICE_SCRATCH};
use emulator::bus::Width;
use emulator::cpu::{Cause, Exception};
use emulator::engine::{Block, Engine, Plain};
use emulator::flash::FlashImage;
use emulator::memory::{Memory, ROM_BASE, ROM_DATA_BASE, ROM_DATA_OFFSET, ROM_SIZE};

use super::encode::*;
use super::privileged::check_exception;
use super::{CODE, DATA, Eager, prepared, run, x};

const BYTES: [u8; 8] = [0x80, 0x7F, 0xFF, 0x01, 0xFE, 0x00, 0x81, 0x42];

type Access = fn(Register, Register, i32) -> Code;

#[track_caller]
fn check_load(name: &str, encode: Access, rows: &[(i32, u32)]) {
    for &(offset, expected) in rows {
        load_on::<Plain>(name, encode, offset, expected);
        load_on::<Block>(name, encode, offset, expected);
        load_on::<Eager>(name, encode, offset, expected);
    }
}

#[track_caller]
fn load_on<E: Engine + Default>(name: &str, encode: Access, offset: i32, expected: u32) {
    // With a positive and a negative immediate, into another register and into the base itself.
    for (base, imm) in [(DATA, offset), (DATA + 2000, offset - 2000), (DATA - 2040, offset + 2040)] {
        for destination in [3, 1, 0] {
            let mut bare: Bare<E> = prepared(&[encode(destination, 1, imm)], &[(1, base)]);
            bare.load(DATA, &BYTES).unwrap();
            bare.run_instructions(1);
            let expected = if destination == 0 { 0 } else { expected };
            assert_eq!(x(&bare.hart, destination), expected, "{name} x{destination}, {imm}(x1) with x1 = {base:#x}");
        }
    }
}

#[test]
fn loads_extend_their_sign_or_not() {
    check_load("lb", lb, &[(0, 0xFFFF_FF80), (1, 0x7F), (2, 0xFFFF_FFFF), (3, 1), (5, 0)]);
    check_load("lbu", lbu, &[(0, 0x80), (1, 0x7F), (2, 0xFF), (3, 1), (5, 0)]);
    check_load("lh", lh, &[(0, 0x7F80), (2, 0x01FF), (4, 0xFE), (6, 0x4281)]);
    check_load("lhu", lhu, &[(0, 0x7F80), (2, 0x01FF), (4, 0xFE), (6, 0x4281)]);
    check_load("lw", lw, &[(0, 0x01FF_7F80), (4, 0x4281_00FE)]);
}

#[test]
fn loads_need_no_alignment() {
    check_load("lh", lh, &[(1, 0xFFFF_FF7F), (3, 0xFFFF_FE01), (5, 0xFFFF_8100)]);
    check_load("lhu", lhu, &[(1, 0xFF7F), (3, 0xFE01), (5, 0x8100)]);
    check_load("lw", lw, &[(1, 0xFE01_FF7F), (2, 0x00FE_01FF), (3, 0x8100_FE01)]);
}

#[test]
fn stores_write_their_width_only() {
    let value = 0x1234_5678;
    let rows: [(&str, Access, u32, [u8; 8]); 9] = [
        ("sb", sb, 0, [0x78, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE]),
        ("sb", sb, 3, [0xEE, 0xEE, 0xEE, 0x78, 0xEE, 0xEE, 0xEE, 0xEE]),
        ("sh", sh, 0, [0x78, 0x56, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE]),
        ("sh", sh, 1, [0xEE, 0x78, 0x56, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE]),
        ("sh", sh, 3, [0xEE, 0xEE, 0xEE, 0x78, 0x56, 0xEE, 0xEE, 0xEE]),
        ("sw", sw, 0, [0x78, 0x56, 0x34, 0x12, 0xEE, 0xEE, 0xEE, 0xEE]),
        ("sw", sw, 1, [0xEE, 0x78, 0x56, 0x34, 0x12, 0xEE, 0xEE, 0xEE]),
        ("sw", sw, 2, [0xEE, 0xEE, 0x78, 0x56, 0x34, 0x12, 0xEE, 0xEE]),
        ("sw", sw, 4, [0xEE, 0xEE, 0xEE, 0xEE, 0x78, 0x56, 0x34, 0x12]),
    ];
    for (name, encode, offset, expected) in rows {
        for (base, imm) in [(DATA, offset as i32), (DATA + 2000, offset as i32 - 2000)] {
            for register in [2, 1] {
                let expected_value = if register == 1 { base } else { value };
                let mut bare = prepared::<Eager>(&[encode(register, 1, imm)], &[(1, base), (2, value)]);
                bare.load(DATA, &[0xEE; 8]).unwrap();
                bare.run_instructions(1);
                let mut found = [0; 8];
                bare.memory.read(DATA, &mut found).unwrap();
                let mut wanted = expected;
                for (index, byte) in wanted.iter_mut().enumerate().filter(|(_, byte)| **byte != 0xEE) {
                    *byte = expected_value.to_le_bytes()[index - offset as usize];
                }
                assert_eq!(found, wanted, "{name} x{register}, {imm}(x1)");
            }
        }
    }
}

#[test]
fn the_same_memory_is_seen_on_both_buses() {
    let code = [sw(2, 1, 0), lw(3, 4, 0), sb(2, 4, 5), lbu(5, 1, 5)];
    let iram = 0x4038_0000 + (DATA - 0x3FC8_0000);
    let bare = run(4, &code, &[(1, DATA), (2, 0xCAFE_F00D), (4, iram)]);
    assert_eq!((x(&bare.hart, 3), x(&bare.hart, 5)), (0xCAFE_F00D, 0x0D));
}

#[test]
fn every_memory_ends_where_the_manual_says() {
    // First and last word, and whether the byte before and the byte behind exist.
    let rows = [(0x3FC8_0000, 0x3FCE_0000), (0x4037_C000, 0x403E_0000), (0x5000_0000, 0x5000_2000)];
    for (first, end) in rows {
        let bare = run(2, &[sw(2, 1, 0), lw(3, 1, 0)], &[(1, first), (2, 7)]);
        assert_eq!(x(&bare.hart, 3), 7, "{first:#x}");
        let bare = run(2, &[sw(2, 1, -4), lw(3, 1, -4)], &[(1, end), (2, 9)]);
        assert_eq!(x(&bare.hart, 3), 9, "{end:#x}");
        let fault = |cause| Exception { cause, tval: end };
        check_exception(&[lbu(3, 1, 0)], &[(1, end)], fault(Cause::LoadAccessFault));
        check_exception(&[sb(3, 1, 0)], &[(1, end)], fault(Cause::StoreAccessFault));
        let fault = |cause| Exception { cause, tval: first - 1 };
        check_exception(&[lbu(3, 1, -1)], &[(1, first)], fault(Cause::LoadAccessFault));
        check_exception(&[sb(3, 1, -1)], &[(1, first)], fault(Cause::StoreAccessFault));
    }
}

#[test]
fn nothing_answers_outside_memory() {
    for address in [0, 0x3FF2_0000, 0x4200_0000, 0x3C00_0000, 0x7000_0000, 0xFFFF_FFFC] {
        let before = [(1, address), (3, 55)];
        check_exception(&[lw(3, 1, 0)], &before, Exception { cause: Cause::LoadAccessFault, tval: address });
        check_exception(&[sw(3, 1, 0)], &before, Exception { cause: Cause::StoreAccessFault, tval: address });
    }
}

#[test]
fn the_rom_is_read_on_both_buses_and_cannot_be_written() {
    let mut rom = vec![0; ROM_SIZE];
    rom[..4].copy_from_slice(&[1, 2, 3, 4]);
    rom[ROM_DATA_OFFSET..ROM_DATA_OFFSET + 4].copy_from_slice(&[5, 6, 7, 8]);
    let memory = Memory::new(&rom, FlashImage::blank());
    for (address, value) in [(ROM_BASE, 0x0403_0201), (ROM_DATA_BASE, 0x0807_0605), (ROM_BASE + 0x4_0000, 0x0807_0605)]
    {
        let mut bare = prepared::<Eager>(&[], &[(1, address)]);
        bare.memory = memory.clone();
        bare.load(CODE, &assemble(&[lw(2, 1, 0), sw(3, 1, 0)])).unwrap();
        bare.run_instructions(2);
        assert_eq!(x(&bare.hart, 2), value, "{address:#x}");
        assert_eq!((bare.hart.csr.mcause, bare.hart.csr.mtval), (7, address));
    }
}

#[test]
fn device_registers_must_be_aligned() {
    let before = [(1, DEVICE_SCRATCH), (2, 0x1234_5678)];
    let bare = run(2, &[sw(2, 1, 0), lw(3, 1, 0)], &before);
    assert_eq!(x(&bare.hart, 3), 0x1234_5678);
    assert_eq!(bare.device.scratch, 0x1234_5678);
    // A narrow store delivers only its own bits.
    assert_eq!(run(1, &[sb(2, 1, 0)], &before).device.scratch, 0x78);
    assert_eq!(run(1, &[sh(2, 1, 2)], &before).device.scratch, 0x5678);
    for (encode, offset) in [(lw as Access, 1), (lw, 2), (lh, 1), (lhu, 3)] {
        let tval = DEVICE_SCRATCH + offset;
        check_exception(
            &[encode(3, 1, offset as i32)],
            &before,
            Exception { cause: Cause::LoadAddressMisaligned, tval },
        );
    }
    for (encode, offset) in [(sw as Access, 1), (sw, 2), (sh, 1)] {
        let tval = DEVICE_SCRATCH + offset;
        check_exception(
            &[encode(2, 1, offset as i32)],
            &before,
            Exception { cause: Cause::StoreAddressMisaligned, tval },
        );
    }
}

#[test]
fn addresses_wrap_around() {
    let bare = run(1, &[lw(3, 1, 16)], &[(1, 0xFFFF_FFFC)]);
    assert_eq!(bare.hart.csr.mtval, 12);
    let bare = run(2, &[sw(1, 1, 0), lw(3, 2, 2047)], &[(1, DATA), (2, DATA.wrapping_sub(2047))]);
    assert_eq!(bare.memory.load(DATA, Width::Word), Some(DATA));
    assert_eq!(x(&bare.hart, 3), DATA);
}

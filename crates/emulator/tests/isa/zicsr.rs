//! Zicsr and the chip's CSRs (unprivileged manual, chapter "Zicsr"; ESP32-C3 Technical Reference
//! Manual, chapter "ESP-RISC-V CPU").

use emulator::cpu::{Cause, Exception};

use super::encode::*;
use super::privileged::check_exception;
use super::{check, run, x};

const MSCRATCH: u32 = 0x340;

type Csr = fn(Register, u32, u32) -> Code;

#[test]
fn csr_instructions_exchange_set_and_clear() {
    let old = 0x0F0F_00FF;
    // Instruction, its source operand (register 2 or 5 bits), value of x2, result in the CSR.
    let rows: [(&str, Csr, u32, u32, u32); 12] = [
        ("csrrw", csrrw, 2, 0x1234_5678, 0x1234_5678),
        ("csrrw x0", csrrw, 0, 0, 0),
        ("csrrs", csrrs, 2, 0xF000_F000, 0xFF0F_F0FF),
        ("csrrs x0", csrrs, 0, 0, old),
        ("csrrc", csrrc, 2, 0x0F00_000F, 0x000F_00F0),
        ("csrrc x0", csrrc, 0, 0, old),
        ("csrrwi", csrrwi, 21, 0, 21),
        ("csrrwi 0", csrrwi, 0, 0, 0),
        ("csrrsi", csrrsi, 31, 0, old | 31),
        ("csrrsi 0", csrrsi, 0, 0, old),
        ("csrrci", csrrci, 31, 0, old & !31),
        ("csrrci 0", csrrci, 0, 0, old),
    ];
    for (name, encode, source, value, result) in rows {
        let set = csrrw(0, MSCRATCH, 1);
        let get = csrrs(4, MSCRATCH, 0);
        let before = [(1, old), (2, value)];
        check(name, &[set, encode(3, MSCRATCH, source), get], &before, &[(3, old), (4, result)]);
        check(name, &[set, encode(0, MSCRATCH, source), get], &before, &[(0, 0), (4, result)]);
        if source == 2 && value != 0 && name.starts_with("csrr") && !name.ends_with('i') {
            // The old value goes to the register that the new one came from.
            check(name, &[set, encode(2, MSCRATCH, 2), get], &before, &[(2, old), (4, result)]);
        }
    }
}

#[test]
fn only_real_writes_to_read_only_registers_are_illegal() {
    let mvendorid = 0xF11;
    for (code, expected) in [
        (csrrs(3, mvendorid, 0), 0x612),
        (csrrc(3, mvendorid, 0), 0x612),
        (csrrsi(3, mvendorid, 0), 0x612),
        (csrrci(3, mvendorid, 0), 0x612),
    ] {
        check("read", &[code], &[], &[(3, expected)]);
    }
    // A source register other than x0 is a write, even if it holds zero.
    for code in [
        csrrw(3, mvendorid, 0),
        csrrwi(3, mvendorid, 0),
        csrrs(3, mvendorid, 1),
        csrrc(3, mvendorid, 1),
        csrrsi(3, mvendorid, 1),
        csrrci(3, mvendorid, 1),
    ] {
        let Code::Word(tval) = code else { unreachable!() };
        check_exception(&[code], &[(3, 7)], Exception { cause: Cause::IllegalInstruction, tval });
    }
}

#[test]
fn unknown_registers_are_illegal_however_they_are_accessed() {
    // Supervisor, debug-mode and floating-point registers, and numbers that nobody has.
    for csr in [
        0x001, 0x003, 0x100, 0x180, 0x302, 0x303, 0x345, 0x3A4, 0x3C0, 0x7A6, 0x7B0, 0x7C0, 0x7E3, 0x806, 0xB03, 0xC03,
        0xF10, 0xFFF,
    ] {
        for encode in [csrrw as Csr, csrrs, csrrc, csrrwi, csrrsi, csrrci] {
            for (rd, source) in [(3, 0), (0, 0), (3, 1)] {
                let code = encode(rd, csr, source);
                let Code::Word(tval) = code else { unreachable!() };
                check_exception(&[code], &[(3, 7), (1, 1)], Exception { cause: Cause::IllegalInstruction, tval });
            }
        }
    }
}

#[test]
fn registers_keep_the_bits_that_they_have() {
    let ones = u32::MAX;
    let rows: [(&str, u32, u32, u32); 22] = [
        ("mstatus", 0x300, ones, 1 << 21 | 3 << 11 | 1 << 7 | 1 << 3),
        ("mstatus, MPP 1", 0x300, 1 << 11, 3 << 11),
        ("mstatus, MPP 0", 0x300, 0, 0),
        ("misa", 0x301, 0, 0x4010_1104),
        ("mtvec", 0x305, ones, 0xFFFF_FFFD),
        ("mscratch", 0x340, ones, ones),
        ("mepc", 0x341, ones, ones - 1),
        ("mcause", 0x342, ones, 0x8000_001F),
        ("mtval", 0x343, ones, ones),
        ("mip", 0x344, ones, 0),
        ("ustatus", 0x000, ones, 0),
        ("pmpcfg0", 0x3A0, ones, ones),
        ("pmpcfg3", 0x3A3, 0x1F1F, 0x1F1F),
        ("pmpaddr0", 0x3B0, ones, ones),
        ("pmpaddr15", 0x3BF, 0x1234, 0x1234),
        ("tdata1", 0x7A1, 0x77, 0x77),
        ("tcontrol", 0x7A5, 0x88, 0x88),
        ("mpcer", 0x7E0, 1, 1),
        ("mpcmr", 0x7E1, 3, 3),
        ("upcer", 0x800, ones, 0x7FF),
        ("upcmr", 0x801, ones, 3),
        ("gpio_out", 0x805, 0xFF, 0xFF),
    ];
    for (name, csr, written, read) in rows {
        check(name, &[csrrw(0, csr, 1), csrrs(2, csr, 0)], &[(1, written)], &[(2, read)]);
    }
    let identity = [(0xF11, 0x612), (0xF12, 0x8000_0001), (0xF13, 1), (0xF14, 0)];
    for (csr, value) in identity {
        check("identity", &[csrrs(2, csr, 0)], &[(2, 9)], &[(2, value)]);
    }
}

#[test]
fn cycle_counters_count_cycles_and_can_be_set() {
    for csr in [0xB00, 0xB02, 0xC00, 0xC02] {
        check("count", &[C_NOP, C_NOP, csrrs(1, csr, 0), C_NOP, csrrs(2, csr, 0)], &[], &[(1, 2), (2, 4)]);
    }
    for csr in [0xB00, 0xB02] {
        // The written value is what the next instruction reads.
        check("set", &[csrrw(0, csr, 1), csrrs(2, csr, 0), csrrs(3, csr, 0)], &[(1, 500)], &[(2, 500), (3, 501)]);
    }
    for (low, high) in [(0xB00, 0xB80), (0xB02, 0xB82)] {
        let code = [csrrw(0, low, 1), csrrw(0, high, 1), C_NOP, csrrs(2, low, 0), csrrs(3, high, 0)];
        check("overflow into the high word", &code, &[(1, u32::MAX)], &[(2, 0), (3, 0)]);
    }
    assert_eq!(x(&run(1, &[csrrs(1, 0x804, 0)], &[]).hart, 1), 0);
}

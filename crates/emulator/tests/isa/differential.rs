//! Thousands of random RV32IMC programs, run by all engines and by Debian's `qemu-riscv32`.
//!
//! Many programs are packed into one ELF file: each loads all registers from a table of random
//! values, runs, and appends its registers to a table of results; the file ends in a write of that
//! table and of the memory that all programs worked on.

use std::process::{Command, Stdio};

use emulator::bare::Bare;
use emulator::engine::{Block, Engine, Exit, Limits, Plain};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::Eager;
use super::encode::*;

const QEMU: &str = "qemu-riscv32";
/// Where the file is loaded; free in qemu's user mode, and RAM of the bare hart.
const BASE: u32 = 0x0010_0000;
const HEADER: u32 = 52 + 32;
const FILES: u64 = 8;
const PROGRAMS: u32 = 500;
/// Registers that programs must leave alone: the middle of the memory they work on (the second one
/// can be reached by compressed instructions), a loop counter, and the table of results.
const SP: Register = 2;
const POINTER: Register = 8;
const COUNTER: Register = 31;
const RESULTS: Register = 30;
const SCRATCH_SIZE: u32 = 4096;
const STORED_REGISTERS: u32 = 31;

/// An instruction whose target is the start of a later item.
enum Item {
    Plain(Code),
    /// Length, how many items further, and the encoding for an offset.
    Forward(u32, usize, Box<dyn Fn(i32) -> Code>),
    /// AUIPC of this register and JALR through it: link register and how many items further.
    Far(Register, Register, usize),
    /// Back to the item that many items ago, while the counter is not zero.
    Loop(usize),
}

impl Item {
    fn length(&self) -> u32 {
        match self {
            Self::Plain(code) => code.length(),
            Self::Forward(length, ..) => *length,
            Self::Far(..) | Self::Loop(_) => 8,
        }
    }
}

fn free_register(random: &mut StdRng) -> Register {
    loop {
        let register = random.random_range(0..32);
        if ![SP, POINTER, COUNTER, RESULTS].contains(&register) {
            return register;
        }
    }
}

fn compressed_register(random: &mut StdRng) -> Register {
    random.random_range(9..16)
}

fn any_compressed_register(random: &mut StdRng) -> Register {
    random.random_range(8..16)
}

fn interesting(random: &mut StdRng) -> u32 {
    match random.random_range(0..6) {
        0 => [0, 1, 2, 0x7FFF_FFFF, 0x8000_0000, 0x8000_0001, u32::MAX, 0xFFFF_FFFE][random.random_range(0..8)],
        1 => random.random_range(0..64),
        2 => 1 << random.random_range(0..32),
        _ => random.random(),
    }
}

fn item(random: &mut StdRng) -> Item {
    type Three = fn(Register, Register, Register) -> Code;
    type Immediate = fn(Register, Register, i32) -> Code;
    const REGISTERS: [Three; 18] =
        [add, sub, sll, slt, sltu, xor, srl, sra, or, and, mul, mulh, mulhsu, mulhu, div, divu, rem, remu];
    const IMMEDIATES: [Immediate; 6] = [addi, slti, sltiu, xori, ori, andi];
    const SHIFTS: [Three; 3] = [slli, srli, srai];
    const LOADS: [Immediate; 5] = [lb, lh, lw, lbu, lhu];
    const STORES: [Immediate; 3] = [sb, sh, sw];
    const BRANCHES: [Immediate; 6] = [beq, bne, blt, bge, bltu, bgeu];
    const ARITHMETIC: [fn(Register, Register) -> Code; 4] = [c_sub, c_xor, c_or, c_and];
    const C_BRANCHES: [fn(Register, i32) -> Code; 2] = [c_beqz, c_bnez];

    let rd = free_register(random);
    let (rs1, rs2): (Register, Register) = (random.random_range(0..32), random.random_range(0..32));
    let imm = random.random_range(-2048..2048);
    let further = random.random_range(1..6);
    Item::Plain(match random.random_range(0..100) {
        0..20 => REGISTERS.choose(random).unwrap()(rd, rs1, rs2),
        20..30 => IMMEDIATES.choose(random).unwrap()(rd, rs1, imm),
        30..35 => SHIFTS.choose(random).unwrap()(rd, rs1, random.random_range(0..32)),
        35..43 => LOADS.choose(random).unwrap()(rd, POINTER, imm.min(2044)),
        43..50 => STORES.choose(random).unwrap()(rs2, POINTER, imm.min(2044)),
        50..53 => lui(rd, random.random_range(0..1 << 20)),
        53..56 => auipc(rd, random.random_range(0..1 << 20)),
        56 => *[FENCE, FENCE_I, C_NOP].choose(random).unwrap(),
        57..63 => {
            let branch = *BRANCHES.choose(random).unwrap();
            return Item::Forward(4, further, Box::new(move |offset| branch(rs1, rs2, offset)));
        }
        63..65 => return Item::Forward(4, further, Box::new(move |offset| jal(rd, offset))),
        65..67 => return Item::Forward(2, further, Box::new(c_j)),
        67 => return Item::Forward(2, further, Box::new(c_jal)),
        68..71 => {
            let (branch, rs1) = (*C_BRANCHES.choose(random).unwrap(), any_compressed_register(random));
            return Item::Forward(2, further, Box::new(move |offset| branch(rs1, offset)));
        }
        71 if rd != 0 => return Item::Far(rd, free_register(random), further),
        71..74 => c_addi(rd, random.random_range(-32..32)),
        74..77 => c_li(rd, random.random_range(-32..32)),
        77..79 => c_lui(if rd == 2 { 1 } else { rd }, *[-32, -1, 1, 31].choose(random).unwrap()),
        79..81 => c_addi4spn(compressed_register(random), 4 * random.random_range(1..256)),
        81..83 => c_srli(compressed_register(random), random.random_range(0..32)),
        83..85 => c_srai(compressed_register(random), random.random_range(0..32)),
        85 => c_andi(compressed_register(random), random.random_range(-32..32)),
        86..90 => ARITHMETIC.choose(random).unwrap()(compressed_register(random), any_compressed_register(random)),
        90 => c_slli(rd, random.random_range(0..32)),
        91 => c_mv(rd, random.random_range(1..32)),
        92 => c_add(rd, random.random_range(1..32)),
        93..95 => c_lw(compressed_register(random), POINTER, 4 * random.random_range(0..32)),
        95..97 => c_sw(any_compressed_register(random), POINTER, 4 * random.random_range(0..32)),
        97 => c_lwsp(if rd == 0 { 1 } else { rd }, 4 * random.random_range(0..64)),
        98 => c_swsp(random.random_range(0..32), 4 * random.random_range(0..64)),
        _ => return Item::Loop(random.random_range(1..8)),
    })
}

/// Turns items into code; a jump over the last item goes to the end.
fn link(items: &[Item]) -> Vec<Code> {
    let mut starts = vec![0_i32];
    for item in items {
        starts.push(starts.last().unwrap() + item.length() as i32);
    }
    let mut code = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let here = starts[index];
        let forward = |further: usize| starts[(index + 1 + further).min(items.len())] - here;
        match item {
            Item::Plain(one) => code.push(*one),
            Item::Forward(_, further, encode) => code.push(encode(forward(*further))),
            Item::Far(through, link, further) => {
                code.extend([auipc(*through, 0), jalr(*link, *through, forward(*further))]);
            }
            Item::Loop(back) => {
                let target = starts[index.saturating_sub(*back)];
                code.extend([addi(COUNTER, COUNTER, -1), blt(0, COUNTER, target - here - 4)]);
            }
        }
    }
    code
}

struct Elf {
    bytes: Vec<u8>,
    /// Where the final system calls begin, and what they write.
    end: u32,
    results: u32,
    written: u32,
}

/// Code first, then the initial registers, the results and the scratch memory.
fn elf(seed: u64) -> Elf {
    let mut random = StdRng::seed_from_u64(seed);
    let mut programs = Vec::new();
    for _ in 0..PROGRAMS {
        let items: Vec<Item> = (0..random.random_range(10..60)).map(|_| item(&mut random)).collect();
        programs.push(link(&items));
    }
    let prologue = 2 + 31;
    let epilogue = 32;
    let ending = 4 * 2 + 4;
    let length = |codes: &[Code]| codes.iter().map(|code| code.length()).sum::<u32>();
    let body: u32 = programs.iter().map(|program| length(program) + 4 * (prologue + epilogue)).sum();
    let begin = BASE + HEADER;
    let inputs = (begin + 8 + body + 4 * ending).next_multiple_of(16);
    let results = inputs + PROGRAMS * 128;
    let scratch = results + PROGRAMS * 4 * STORED_REGISTERS;
    let written = PROGRAMS * 4 * STORED_REGISTERS + SCRATCH_SIZE;

    let mut code: Vec<Code> = li(RESULTS, results).to_vec();
    let mut values = Vec::new();
    for (index, program) in programs.iter().enumerate() {
        let at = inputs + 128 * index as u32;
        code.extend(li(1, at));
        code.extend((2..32).filter(|&r| r != RESULTS).map(|register| lw(register, 1, 4 * register as i32)));
        code.push(lw(1, 1, 4));
        code.push(addi(0, 0, 0));
        code.extend(program);
        let stored = (1..=STORED_REGISTERS).map(|register| sw(register, RESULTS, 4 * (register as i32 - 1)));
        code.extend(stored);
        code.push(addi(RESULTS, RESULTS, 4 * STORED_REGISTERS as i32));
        for register in 0..32 {
            values.push(match register {
                SP => scratch + SCRATCH_SIZE / 4,
                POINTER => scratch + SCRATCH_SIZE / 2,
                COUNTER => random.random_range(0..20),
                _ => interesting(&mut random),
            });
        }
    }
    let end = begin + length(&code);
    // write(1, results, written); exit(0)
    code.extend([li(10, 1), li(11, results), li(12, written), li(17, 64)].concat());
    code.extend([ECALL, addi(10, 0, 0), addi(17, 0, 93), ECALL]);

    let mut bytes = header(begin, scratch + SCRATCH_SIZE - BASE);
    bytes.extend(assemble(&code));
    bytes.resize((inputs - BASE) as usize, 0);
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes.resize((scratch - BASE) as usize, 0);
    bytes.extend((0..SCRATCH_SIZE).map(|_| random.random::<u8>()));
    Elf { bytes, end, results, written }
}

/// An ELF header with one program header: everything in one readable, writable, executable segment.
fn header(entry: u32, size: u32) -> Vec<u8> {
    let mut bytes = vec![0x7F, b'E', b'L', b'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let halves = |bytes: &mut Vec<u8>, values: &[u16]| bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    let words = |bytes: &mut Vec<u8>, values: &[u32]| bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    halves(&mut bytes, &[2, 243]);
    // The flags say that there are compressed instructions.
    words(&mut bytes, &[1, entry, 52, 0, 1]);
    halves(&mut bytes, &[52, 32, 1, 40, 0, 0]);
    words(&mut bytes, &[1, 0, BASE, BASE, size, size, 7, 0x1000]);
    bytes
}

fn emulated<E: Engine + Default>(elf: &Elf) -> Vec<u8> {
    let mut bare = Bare::<E>::new(BASE, elf.bytes.len());
    bare.load_elf(&elf.bytes).unwrap();
    let exit = bare.run(&Limits { instructions: 100_000_000, breakpoints: &[elf.end], ..Limits::NONE }, &mut ());
    assert_eq!(exit, Exit::Breakpoint(elf.end), "the programs do not end as they should: {:x?}", bare.hart);
    let mut written = vec![0; elf.written as usize];
    bare.memory.read(elf.results, &mut written).unwrap();
    written
}

fn compare(engine: &str, seed: u64, ours: &[u8], qemu: &[u8]) {
    let difference = ours.iter().zip(qemu).position(|(ours, theirs)| ours != theirs);
    assert_eq!(ours.len(), qemu.len(), "{QEMU} wrote another amount of results for seed {seed}");
    if let Some(at) = difference {
        let (word, size) = (at as u32 / 4, STORED_REGISTERS);
        let value = |bytes: &[u8]| u32::from_le_bytes(bytes[at & !3..(at & !3) + 4].try_into().unwrap());
        panic!(
            "the {engine} engine and {QEMU} differ, seed {seed}: program {}, x{}: {:#x} instead of {:#x} \
             (beyond the last program: memory)",
            word / size,
            1 + word % size,
            value(ours),
            value(qemu)
        );
    }
}

#[test]
fn random_programs_end_as_they_do_in_qemu() {
    if Command::new(QEMU).arg("--version").stdout(Stdio::null()).status().is_err() {
        let advice = format!("{QEMU} was not found: install Debian's package qemu-user to compare with it");
        assert!(std::env::var_os("CI").is_none(), "{advice}");
        eprintln!("skipped: {advice}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for seed in 0..FILES {
        let elf = elf(seed);
        let file = folder.path().join("programs");
        std::fs::write(&file, &elf.bytes).unwrap();
        make_executable(&file);
        let output = Command::new(QEMU).arg(&file).output().unwrap();
        assert!(output.status.success(), "{QEMU} ended with {}, seed {seed}", output.status);
        compare("plain", seed, &emulated::<Plain>(&elf), &output.stdout);
        compare("block", seed, &emulated::<Block>(&elf), &output.stdout);
        compare("trace", seed, &emulated::<Eager>(&elf), &output.stdout);
    }
}

fn make_executable(file: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

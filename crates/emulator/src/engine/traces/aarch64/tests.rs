//! Emitted code, executed by Debian's `qemu-aarch64`: random traces end in the same registers, memory, address and
//! count as in `execute`, which both other engines run.
//!
//! One ELF file holds everything: a driver that enters each trace with registers of its own and keeps what
//! it leaves, the common code, the traces, a context and the guest's RAM. The helper only says that the trace
//! has to be left, so that the way out of an access is taken as well.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::*;
use crate::bare::TestDevice;
use crate::cpu::execute::{Clock, Flow, Place, World};
use crate::cpu::{Op, Registers, Timing};
use crate::engine::traces::context::{HINTS, Left};
use crate::engine::traces::lower::lower;
use crate::engine::traces::path::{Path, Step};
use crate::memory::{FLASH_CODE_BASE, GRANULE, Memory};

const QEMU: &str = "qemu-aarch64";
const BASE: u64 = 0x40_0000;
const HEADER: usize = 64 + 56;
const CASES: usize = 400;
/// Where programs stand: in SRAM, and in flash, where lines are looked up in silicon's time.
const PCS: [u32; 2] = [0x4038_0000, FLASH_CODE_BASE + 0x1234];
/// Where x8 points: the middle of what programs store into.
const DATA: u32 = 0x3FC9_0000;
const BUDGET: u64 = 1000;
/// What a case leaves: the registers and what follows them in the context, up to the pc.
const KEPT: usize = at::PC as usize + 4;

fn any_register(random: &mut StdRng) -> Reg {
    Reg::from_field(random.random_range(0..32))
}

/// A register that may be written: the pointer stays.
fn target_register(random: &mut StdRng) -> Reg {
    loop {
        let reg = any_register(random);
        if reg != Reg::X8 {
            return reg;
        }
    }
}

fn value(random: &mut StdRng) -> u32 {
    match random.random_range(0..6) {
        0 => *[0, 1, u32::MAX, 0x8000_0000, 0x7FFF_FFFF, 0xFFFF_0000, 0x0000_FFFF, 0x1000].choose(random).unwrap(),
        1 => 1 << random.random_range(0..32),
        2 => random.random_range(0..64),
        _ => random.random(),
    }
}

fn operation(random: &mut StdRng) -> Op {
    let (rd, rs1, rs2) = (target_register(random), any_register(random), any_register(random));
    let imm = if random.random() { random.random_range(-2048..2048_i32) as u32 } else { value(random) };
    let shamt = random.random_range(0..32);
    let near = random.random_range(-512..512_i32) as u32;
    let branch = 2 * random.random_range(2..500);
    let base = if random.random_range(0..30) == 0 { rs1 } else { Reg::X8 };
    match random.random_range(0..50) {
        0 => Op::Lui { rd, imm: value(random) },
        1 => Op::Auipc { rd, imm: value(random) },
        2 | 3 => Op::Addi { rd, rs1, imm },
        4 => Op::Slti { rd, rs1, imm },
        5 => Op::Sltiu { rd, rs1, imm },
        6 => Op::Xori { rd, rs1, imm },
        7 => Op::Ori { rd, rs1, imm },
        8 => Op::Andi { rd, rs1, imm },
        9 => Op::Slli { rd, rs1, shamt },
        10 => Op::Srli { rd, rs1, shamt },
        11 => Op::Srai { rd, rs1, shamt },
        12 | 13 => Op::Add { rd, rs1, rs2 },
        14 => Op::Sub { rd, rs1, rs2 },
        15 => Op::Sll { rd, rs1, rs2 },
        16 => Op::Slt { rd, rs1, rs2 },
        17 => Op::Sltu { rd, rs1, rs2 },
        18 => Op::Xor { rd, rs1, rs2 },
        19 => Op::Srl { rd, rs1, rs2 },
        20 => Op::Sra { rd, rs1, rs2 },
        21 => Op::Or { rd, rs1, rs2 },
        22 => Op::And { rd, rs1, rs2 },
        23 => Op::Mul { rd, rs1, rs2 },
        24 => Op::Mulh { rd, rs1, rs2 },
        25 => Op::Mulhsu { rd, rs1, rs2 },
        26 => Op::Mulhu { rd, rs1, rs2 },
        27 => Op::Div { rd, rs1, rs2 },
        28 => Op::Divu { rd, rs1, rs2 },
        29 => Op::Rem { rd, rs1, rs2 },
        30 => Op::Remu { rd, rs1, rs2 },
        31 => Op::Beq { rs1, rs2, imm: branch },
        32 => Op::Bne { rs1, rs2: rs1, imm: branch },
        33 => Op::Blt { rs1, rs2, imm: branch },
        34 => Op::Bge { rs1, rs2, imm: branch },
        35 => Op::Bltu { rs1, rs2, imm: branch },
        36 => Op::Bgeu { rs1, rs2, imm: branch },
        37 => Op::Fence,
        38 => Op::Lb { rd, rs1: base, imm: near },
        39 => Op::Lbu { rd, rs1: base, imm: near },
        40 => Op::Lh { rd, rs1: base, imm: near },
        41 => Op::Lhu { rd, rs1: base, imm: near },
        42 | 43 => Op::Lw { rd, rs1: base, imm: near },
        44 => Op::Sb { rs1: base, rs2, imm: near },
        45 => Op::Sh { rs1: base, rs2, imm: near & !u32::from(random.random::<bool>()) },
        46..49 => Op::Sw { rs1: base, rs2, imm: near & !3 },
        _ => Op::Sw { rs1: base, rs2, imm: near },
    }
}

struct Case {
    path: Path,
    timing: Timing,
    x: [u32; 32],
}

fn case(random: &mut StdRng) -> Case {
    let begins = *PCS.choose(random).unwrap();
    let count = random.random_range(1..40_u32);
    let mut steps: Vec<Step> =
        (0..count).map(|n| Step { pc: begins + 4 * n, link: begins + 4 * n + 4, op: operation(random) }).collect();
    // A call to what follows, through a register that is not the link but may be.
    if count > 2 && random.random() {
        let at = random.random_range(0..count as usize - 2);
        steps[at].op = Op::Auipc { rd: Reg::X5, imm: 0 };
        let (rd, imm) =
            ([Reg::X0, Reg::X1, Reg::X5, Reg::X9][random.random_range(0..4)], 8 + random.random_range(0..2));
        steps[at + 1].op = Op::Jalr { rd, rs1: Reg::X5, imm };
    }
    let (rd, rs1) = (target_register(random), any_register(random));
    if random.random_range(0..4) == 0 {
        let pc = begins + 4 * count;
        steps.push(Step { pc, link: pc + 4, op: Op::Jalr { rd, rs1, imm: random.random_range(0..100) } });
    }
    let next = steps.last().unwrap().link;
    let mut x: [u32; 32] = std::array::from_fn(|_| value(random));
    (x[0], x[8]) = (0, DATA);
    let timing = if random.random() { Timing::Unit } else { Timing::Silicon };
    Case { path: Path { steps, next }, timing, x }
}

/// What all engines' operations do with a case: registers, next address, instructions executed. `None` for
/// the address if an access goes elsewhere, where the trace is left before the instruction.
fn expected(case: &Case, memory: &mut Memory) -> ([u32; 32], u32, u64) {
    let mut x = Registers::default();
    x.set_all(&case.x);
    let mut device = TestDevice::default();
    for (index, step) in case.path.steps.iter().enumerate() {
        let executed = index as u64;
        if let Op::Lb { rs1, imm, .. }
        | Op::Lbu { rs1, imm, .. }
        | Op::Lh { rs1, imm, .. }
        | Op::Lhu { rs1, imm, .. }
        | Op::Lw { rs1, imm, .. }
        | Op::Sb { rs1, imm, .. }
        | Op::Sh { rs1, imm, .. }
        | Op::Sw { rs1, imm, .. } = step.op
        {
            let address = x.get(rs1).wrapping_add(imm);
            let aligned = match step.op {
                Op::Sh { .. } => address & 1 == 0,
                Op::Sw { .. } => address & 3 == 0,
                _ => true,
            };
            if address.wrapping_sub(DRAM_BASE) as usize > DRAM_SIZE - 4 || !aligned {
                return (*x.all(), step.pc, executed);
            }
        }
        let place = Place::new(step.pc, step.link.wrapping_sub(step.pc), 0, 0, 1, 1);
        let clock = Clock { began: 0, cycles: 0, ticks_per_cycle: 3, miss_cycles: 0, timing: Timing::Unit };
        let mut world = World { x: &mut x, memory, devices: &mut device, observer: &mut (), clock };
        match world.execute(&[step.op], &[place], 0).flow {
            Flow::Next(_) => {}
            Flow::Jump(target) if case.path.steps.get(index + 1).is_some_and(|next| next.pc == target) => {}
            Flow::Jump(target) => return (*x.all(), target, executed + 1),
            Flow::Raised(exception) => panic!("{exception:?} from {step:?}"),
        }
    }
    (*x.all(), case.path.next, case.path.steps.len() as u64)
}

/// Bytes with addresses, laid out one behind the other.
struct File {
    bytes: Vec<u8>,
}

impl File {
    fn put(&mut self, bytes: &[u8]) -> u64 {
        self.bytes.resize(self.bytes.len().next_multiple_of(16), 0);
        let address = BASE + self.bytes.len() as u64;
        self.bytes.extend(bytes);
        address
    }

    fn patch(&mut self, address: u64, bytes: &[u8]) {
        let at = (address - BASE) as usize;
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }
}

fn address(ops: &mut VecAssembler<Aarch64Relocation>, host: u8, address: u64) {
    let (low, high) = (address as u32 & 0xFFFF, (address >> 16) as u32);
    dynasm!(ops ; .arch aarch64 ; movz X(host), low ; movk X(host), high, lsl 16);
}

fn driver(enter: u64, context: u64, codes: &[u64], inputs: u64, results: u64, written: u64) -> Vec<u8> {
    let mut ops = VecAssembler::<Aarch64Relocation>::new(0);
    for (index, &code) in codes.iter().enumerate() {
        address(&mut ops, 0, context);
        address(&mut ops, 1, inputs + 128 * index as u64);
        dynasm!(ops ; .arch aarch64 ; movz x2, 0 ; copy: ; ldr w3, [x1, x2] ; str w3, [x0, x2] ; add x2, x2, 4 ; cmp x2, 128 ; b.lo <copy);
        dynasm!(ops ; .arch aarch64 ; movz x3, BUDGET as u32);
        dynasm!(ops ; .arch aarch64 ; str x3, [x0, at::BUDGET as u32] ; str x3, [x0, at::INSTRUCTIONS as u32]);
        address(&mut ops, 1, code);
        address(&mut ops, 16, enter);
        dynasm!(ops ; .arch aarch64 ; blr x16);
        address(&mut ops, 0, context);
        address(&mut ops, 1, results + (KEPT * index) as u64);
        dynasm!(ops ; .arch aarch64 ; movz x2, 0 ; keep: ; ldr w3, [x0, x2] ; str w3, [x1, x2] ; add x2, x2, 4 ; cmp x2, KEPT as u32 ; b.lo <keep);
    }
    // write(1, results, written), as often as it takes; exit(0)
    address(&mut ops, 20, results);
    address(&mut ops, 21, written);
    dynasm!(ops ; .arch aarch64 ; more: ; movz x0, 1 ; mov x1, x20 ; mov x2, x21 ; movz x8, 64 ; svc 0);
    dynasm!(ops ; .arch aarch64 ; add x20, x20, x0 ; subs x21, x21, x0 ; b.ne <more ; movz x0, 0 ; movz x8, 93 ; svc 0);
    ops.finalize().unwrap()
}

/// `extern "C" fn(context, address, call, pc) -> u32`: the trace is left before the instruction.
fn helper() -> Vec<u8> {
    let mut ops = VecAssembler::<Aarch64Relocation>::new(0);
    dynasm!(ops ; .arch aarch64 ; movz w4, Left::Look as u32 ; str w4, [x0, at::EXIT as u32]);
    dynasm!(ops ; .arch aarch64 ; str w3, [x0, at::PC as u32] ; movz w0, 1 ; ret);
    ops.finalize().unwrap()
}

/// The flash's cache with all that programs have there in it, the ways as they stand in memory, and the hints to them.
fn cache() -> (Vec<u8>, Vec<u8>) {
    let mut cache = FlashCache::new();
    let mut ways = vec![0xFF; FlashCache::SETS * FlashCache::WAYS * FlashCache::WAY_SIZE];
    let mut hints = vec![0; 2 * HINTS];
    for address in (PCS[1]..PCS[1] + 4 * 42).step_by(4) {
        cache.misses(address);
        let (line, way) = (FlashCache::line(address), cache.offset(address).unwrap());
        let (at, hint) = (usize::from(way) + FlashCache::LINE, 2 * (line as usize % HINTS));
        ways[at..at + 4].copy_from_slice(&line.to_le_bytes());
        hints[hint..hint + 2].copy_from_slice(&way.to_le_bytes());
    }
    (ways, hints)
}

#[test]
fn emitted_code_does_in_qemu_what_the_other_engines_do() {
    if Command::new(QEMU).arg("--version").stdout(Stdio::null()).status().is_err() {
        let advice = format!("{QEMU} was not found: install Debian's package qemu-user to run AArch64 code");
        assert!(std::env::var_os("CI").is_none(), "{advice}");
        eprintln!("skipped: {advice}");
        return;
    }
    let mut random = StdRng::seed_from_u64(7);
    let cases: Vec<Case> = (0..CASES).map(|_| case(&mut random)).collect();

    let mut file = File { bytes: vec![0; HEADER] };
    let mut emitter = Emitter::default();
    let mut bytes = Vec::new();
    let common = emitter.common(&mut bytes).unwrap();
    let stubs = file.put(&bytes);
    let helper = file.put(&helper());
    let codes: Vec<u64> = cases
        .iter()
        .map(|case| {
            bytes.clear();
            lower(&case.path, case.timing, &mut emitter, |_| 0);
            emitter.finish(&mut bytes).unwrap();
            file.put(&bytes)
        })
        .collect();
    let inputs: Vec<u8> = cases.iter().flat_map(|case| case.x).flat_map(u32::to_le_bytes).collect();
    let inputs = file.put(&inputs);
    let flags = file.put(&[1; DRAM_SIZE / GRANULE]);
    let context = file.put(&vec![0; at::HINTS as usize + 2 * HINTS]);
    let results = file.put(&vec![0; KEPT * CASES]);
    let (ways, hints) = cache();
    let size_of_ways = ways.len();
    let ways = file.put(&ways);
    let ram = file.put(&vec![0; DRAM_SIZE]);
    let written = ram + DRAM_SIZE as u64 - results;
    let driver = file.put(&driver(stubs + common.enter as u64, context, &codes, inputs, results, written));
    let pointers = [
        (at::RAM, ram),
        (at::FLAGS, flags),
        (at::WAYS, ways),
        (at::MISS, stubs + common.miss as u64),
        (at::BUDGET_OUT, stubs + common.budget as u64),
        (at::CALL, stubs + common.call as u64),
        (at::HELPERS, helper),
        (at::HELPERS + 8, helper),
        // All links lead to the first slot, where nothing is known.
        (at::SLOTS, stubs + common.miss as u64),
        // No jump finds anything: no address is odd.
    ];
    for (offset, pointer) in pointers {
        file.patch(context + offset as u64, &pointer.to_le_bytes());
    }
    file.patch(context + at::JUMPS as u64, &1_u32.to_le_bytes());
    file.patch(context + at::HINTS as u64, &hints);
    let size = file.bytes.len() as u64;
    file.patch(BASE, &header(driver, size));

    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("traces");
    std::fs::write(&program, &file.bytes).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new(QEMU).arg(&program).output().unwrap();
    assert!(output.status.success(), "{QEMU} ended with {}", output.status);
    assert_eq!(output.stdout.len() as u64, written);

    let mut memory = Memory::bare(0, 0);
    // Stores are to be nothing special for the oracle either: all granules differ from no snapshot.
    for (index, case) in cases.iter().enumerate() {
        let left = &output.stdout[KEPT * index..KEPT * (index + 1)];
        let word = |at: usize| u32::from_le_bytes(left[at..at + 4].try_into().unwrap());
        let x: [u32; 32] = std::array::from_fn(|n| word(4 * n));
        let counter = if case.timing == Timing::Unit { at::BUDGET } else { at::INSTRUCTIONS } as usize;
        let mut executed = BUDGET - u64::from(word(counter));
        let (expected_x, expected_pc, expected_count) = expected(case, &mut memory);
        if word(at::EXIT as usize) == Left::Look as u32 {
            // The head has taken the whole trace, and this helper gives nothing back.
            assert_eq!(executed, case.path.steps.len() as u64);
            executed = expected_count;
        }
        let listing = || format!("case {index}, {:?}: {:#x?} {:#x?}", case.timing, case.path, case.x);
        assert_eq!(x, expected_x, "registers of {}", listing());
        assert_eq!(word(at::PC as usize), expected_pc, "pc of {}", listing());
        assert_eq!(executed, expected_count, "count of {}", listing());
    }
    // Lines were marked as used by their code, within the budget; the epoch was 0.
    let begins = (ways - results) as usize;
    let ways = &output.stdout[begins..begins + size_of_ways];
    let marks: Vec<u64> = ways
        .chunks(FlashCache::WAY_SIZE)
        .map(|way| u64::from_le_bytes(way[FlashCache::USED..FlashCache::USED + 8].try_into().unwrap()))
        .filter(|&mark| mark != u64::MAX)
        .collect();
    assert!(marks.len() >= 5 && marks.iter().all(|mark| mark % 4 == MARK_CODE && mark / 4 <= BUDGET), "{marks:?}");
    let mut ours = vec![0; DRAM_SIZE];
    memory.read(DRAM_BASE, &mut ours).unwrap();
    let theirs = &output.stdout[output.stdout.len() - DRAM_SIZE..];
    assert!(ours == theirs, "memory differs");
}

/// An ELF header with one program header: everything in one readable, writable, executable segment.
fn header(entry: u64, size: u64) -> Vec<u8> {
    let mut bytes = vec![0x7F, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend([2_u16, 183].iter().flat_map(|value| value.to_le_bytes()));
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend([entry, 64, 0].iter().flat_map(|value| value.to_le_bytes()));
    bytes.extend(0_u32.to_le_bytes());
    bytes.extend([64_u16, 56, 1, 0, 0, 0].iter().flat_map(|value| value.to_le_bytes()));
    bytes.extend([1_u32, 7].iter().flat_map(|value| value.to_le_bytes()));
    bytes.extend([0, BASE, BASE, size, size, 0x1000].iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

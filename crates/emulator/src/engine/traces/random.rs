//! Random traces, for the tests of back ends whose code does not run in the test's own process, and what they are to do.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::path::{Path, Step};
use super::state::HINTS;
use crate::bare::TestDevice;
use crate::cpu::execute::{Clock, Flow, Place, World};
use crate::cpu::{Op, Reg, Registers, Timing};
use crate::memory::{DRAM_BASE, DRAM_SIZE, FLASH_CODE_BASE, FlashCache, Memory};

/// Where programs stand: in SRAM, and in flash, where lines are looked up in silicon's time.
pub(super) const PCS: [u32; 2] = [0x4038_0000, FLASH_CODE_BASE + 0x1234];
/// Where x8 points: the middle of what programs store into.
const DATA: u32 = 0x3FC9_0000;

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

pub(super) fn value(random: &mut StdRng) -> u32 {
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

/// A random trace and the registers that it begins with.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) path: Path,
    pub(super) timing: Timing,
    pub(super) x: [u32; 32],
}

/// One of them.
pub(super) fn case(random: &mut StdRng) -> Case {
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
pub(super) fn expected(case: &Case, memory: &mut Memory) -> ([u32; 32], u32, u64) {
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

/// Bytes of all ways of the flash's cache.
pub(super) const WAY_BYTES: usize = FlashCache::SETS * FlashCache::WAYS * FlashCache::WAY_SIZE;

/// The ways of the flash's cache as they stand in memory when the lines of these addresses are in it, none of them used,
/// and the hints to them.
pub(super) fn cache(addresses: impl IntoIterator<Item = u32>) -> (Vec<u8>, Vec<u8>) {
    let mut cache = FlashCache::new();
    let (mut ways, mut hints) = (vec![0xFF; WAY_BYTES], vec![0; 2 * HINTS]);
    for address in addresses {
        cache.misses(address);
        let (line, way) = (FlashCache::line(address), cache.offset(address).unwrap());
        let (at, hint) = (usize::from(way) + FlashCache::LINE, 2 * (line as usize % HINTS));
        ways[at..at + 4].copy_from_slice(&line.to_le_bytes());
        hints[hint..hint + 2].copy_from_slice(&way.to_le_bytes());
    }
    (ways, hints)
}

/// The addresses at which programs in flash have code.
pub(super) fn flash_code() -> impl Iterator<Item = u32> {
    (PCS[1]..PCS[1] + 4 * 42).step_by(4)
}

/// With what the lines are marked that were used.
pub(super) fn marks(ways: &[u8]) -> Vec<u64> {
    let mark = |way: &[u8]| u64::from_le_bytes(way[FlashCache::USED..FlashCache::USED + 8].try_into().unwrap());
    ways.chunks(FlashCache::WAY_SIZE).map(mark).filter(|&mark| mark != u64::MAX).collect()
}

//! All engines on the same random code, pushed about in the same ways: everything that the guest
//! and the host can see must agree, wherever the runs are divided.
//!
//! The code stores into itself, into data and into the test device, reads flash, enables and disables
//! interrupts, counts, waits, traps and jumps about in RAM and in flash, and now and then is no code
//! at all. All of it is done in both models of time.

use emulator::bare::{Bare, DEVICE_BASE};
use emulator::bus::Width;
use emulator::cpu::observe::{TrapLog, TrapLogEntry};
use emulator::cpu::{Hart, Reg, Timing};
use emulator::engine::{Block, Engine, Exit, Limits, Plain, Traces};
use emulator::memory::MemorySnapshot;
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::encode::*;
use super::{CODE, DATA, Eager, HANDLER, prepared};

/// Registers that point to data, to the code itself through both buses, to the device, and into flash
/// through both windows, at the edge of a page.
const POINTERS: [(Register, u32); 6] = [
    (8, DATA),
    (9, CODE + 128),
    (10, 0x3FC8_0000 + 128),
    (11, DEVICE_BASE),
    (12, 0x3C01_0000),
    (13, FLASH_CODE + 0x100),
];
const CODE_SIZE: usize = 512;
/// The instruction bus's window to flash; two pages of code are mapped.
const FLASH_CODE: u32 = 0x4200_0000;
const FLASH_CODE_SIZE: usize = 2 << 16;

fn instruction(random: &mut StdRng) -> Code {
    type Three = fn(Register, Register, Register) -> Code;
    type Immediate = fn(Register, Register, i32) -> Code;
    type Csr = fn(Register, u32, u32) -> Code;
    const REGISTERS: [Three; 12] = [add, sub, sll, slt, sltu, xor, srl, sra, mul, mulhsu, div, remu];
    const LOADS: [Immediate; 5] = [lb, lh, lw, lbu, lhu];
    const STORES: [Immediate; 3] = [sb, sh, sw];
    const BRANCHES: [Immediate; 6] = [beq, bne, blt, bge, bltu, bgeu];
    const CSRS: [Csr; 6] = [csrrw, csrrs, csrrc, csrrwi, csrrsi, csrrci];
    // mstatus twice, mscratch, mepc, mcause, and counters with what they count.
    const NUMBERS: [u32; 11] = [0x300, 0x300, 0x340, 0x341, 0x342, 0x7E0, 0x7E1, 0x7E2, 0x802, 0xB00, 0xB02];
    // Few registers, so that values meet; the pointers are seldom lost.
    let rd = if random.random_range(0..200) == 0 { 8 } else { random.random_range(0..8) };
    let (rs1, rs2) = (random.random_range(0..12), random.random_range(0..12));
    let pointer = POINTERS.choose(random).unwrap().0;
    let near = random.random_range(-64..64);
    match random.random_range(0..100) {
        0..20 => REGISTERS.choose(random).unwrap()(rd, rs1, rs2),
        20..35 => addi(rd, rs1, near),
        35..38 => lui(rd, random.random_range(0..1 << 20)),
        38..40 => auipc(rd, 0),
        40..48 => LOADS.choose(random).unwrap()(rd, pointer, if pointer == 11 { near & 12 } else { near }),
        48..58 => {
            // Only sometimes to flash, which is a fault.
            let pointer = if random.random_range(0..8) == 0 { pointer } else { pointer.min(11) };
            STORES.choose(random).unwrap()(rs2, pointer, if pointer == 11 { near & 12 } else { near })
        }
        58..68 => BRANCHES.choose(random).unwrap()(rs1, rs2, near & !1),
        68..72 => jal(rd, near & !1),
        72..74 => jalr(rd, *[9, 13].choose(random).unwrap(), near),
        74..82 => CSRS.choose(random).unwrap()(rd, *NUMBERS.choose(random).unwrap(), random.random_range(0..16)),
        82 => csrrsi(rd, 0x300, 8),
        // Interrupts are held back and let come again.
        83 => {
            let what =
                [csrrci(7, 0x300, 8), andi(7, 7, 8), csrrs(rd, 0x300, 7), csrrc(rd, 0x300, 7), csrrs(7, 0x300, 0)];
            *what.choose(random).unwrap()
        }
        84 => MRET,
        85 => *[WFI, ECALL, EBREAK, FENCE_I].choose(random).unwrap(),
        86..90 => c_addi(random.random_range(0..8), random.random_range(-32..32)),
        90..92 => c_li(random.random_range(0..8), random.random_range(-32..32)),
        92..94 => c_sw(random.random_range(8..12), *[8, 9, 10].choose(random).unwrap(), 4 * random.random_range(0..32)),
        94..96 => c_bnez(random.random_range(8..16), near & !1),
        96..98 => c_j(near & !1),
        98 => Code::Half(random.random()),
        _ => Code::Word(random.random()),
    }
}

fn random_code(seed: u64) -> Vec<u8> {
    random_code_of(CODE_SIZE, seed)
}

fn random_code_of(size: usize, seed: u64) -> Vec<u8> {
    let random = &mut StdRng::seed_from_u64(seed);
    let mut bytes = Vec::new();
    while bytes.len() < size {
        instruction(random).push_to(&mut bytes);
    }
    bytes
}

/// One way to push a machine.
#[derive(Clone, Debug)]
enum Action {
    RunInstructions(u64),
    RunTicks(u64),
    RunToBreakpoints(Vec<u8>),
    Line(Option<u8>),
    Latency(u64),
    Timer(u64),
    /// Someone outside the hart writes into the code or the data.
    Write(u16, u32),
    NewCode(u64),
    /// The program goes on somewhere in flash.
    GoToFlash(u16),
    /// One of the two pages is mapped to another part of flash, or to none.
    Map(bool, u8),
    Snapshot,
    Restore,
    Reset,
    Forget,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        8 => (1..300_u64).prop_map(Action::RunInstructions),
        2 => (1..5_u64).prop_map(Action::RunInstructions),
        4 => (1..900_u64).prop_map(Action::RunTicks),
        1 => prop::collection::vec(any::<u8>(), 1..3).prop_map(Action::RunToBreakpoints),
        3 => prop::option::of(1..32_u8).prop_map(Action::Line),
        1 => (0..4_u64).prop_map(Action::Latency),
        2 => (0..500_u64).prop_map(Action::Timer),
        2 => (any::<u16>(), any::<u32>()).prop_map(|(at, value)| Action::Write(at, value)),
        1 => any::<u64>().prop_map(Action::NewCode),
        4 => any::<u16>().prop_map(Action::GoToFlash),
        1 => (any::<bool>(), 0..4_u8).prop_map(|(index, page)| Action::Map(index, page)),
        1 => Just(Action::Snapshot),
        2 => Just(Action::Restore),
        4 => Just(Action::Reset),
        1 => Just(Action::Forget),
    ]
}

/// A machine with what the actions keep.
struct Pushed<E> {
    bare: Bare<E>,
    kept: Option<(Hart, MemorySnapshot)>,
    log: TrapLog,
}

impl<E: Engine + Default> Pushed<E> {
    fn new(seed: u64, timing: Timing) -> Self {
        let mut bare = prepared::<E>(&[], &POINTERS);
        bare.hart.timing = timing;
        bare.load(CODE, &random_code(seed)).unwrap();
        bare.load(HANDLER, &random_code(!seed)).unwrap();
        bare.memory.flash_mut().place(0, &random_code_of(FLASH_CODE_SIZE - 4, seed ^ 1)).unwrap();
        for index in 0..2 {
            bare.memory.set_mmu_entry(index, index as u32);
        }
        Self { bare, kept: None, log: TrapLog::new(1000) }
    }

    fn run(&mut self, limits: &Limits<'_>) -> Exit {
        self.bare.run(limits, &mut self.log)
    }

    fn push(&mut self, action: &Action) -> Option<Exit> {
        let bare = &mut self.bare;
        let instructions = bare.hart.instructions + 2000;
        match action {
            Action::RunInstructions(count) => {
                let instructions = bare.hart.instructions + count;
                return Some(self.run(&Limits { instructions, ..Limits::NONE }));
            }
            Action::RunTicks(ticks) => {
                let tick = bare.hart.now + ticks;
                return Some(self.run(&Limits { tick, ..Limits::NONE }));
            }
            Action::RunToBreakpoints(offsets) => {
                let breakpoints: Vec<u32> = offsets.iter().map(|&offset| CODE + 2 * u32::from(offset)).collect();
                return Some(self.run(&Limits { instructions, breakpoints: &breakpoints, ..Limits::NONE }));
            }
            Action::Line(line) => bare.device.line = *line,
            Action::Latency(latency) => bare.hart.interrupt_latency = *latency,
            Action::Timer(ticks) => bare.device.timer = bare.hart.now + ticks,
            Action::Write(at, value) => {
                let base = if at & 1 == 0 { CODE } else { DATA };
                let size = [1, 2, 4, 3][usize::from(at >> 1 & 3)];
                bare.memory.write(base + u32::from(at >> 3) % 600, &value.to_le_bytes()[..size]).unwrap();
            }
            Action::NewCode(seed) => bare.memory.write(CODE, &random_code(*seed)).unwrap(),
            Action::GoToFlash(at) => {
                // Now and then to where the pages meet.
                let offset = u32::from(*at) * 2;
                bare.hart.pc = FLASH_CODE + if at % 4 == 0 { 0xFFC0 + offset % 128 } else { offset % 0x400 };
            }
            Action::Map(index, page) => {
                let value = if *page < 2 { u32::from(*page) } else { emulator::memory::MMU_INVALID };
                bare.memory.set_mmu_entry(usize::from(*index), value);
            }
            Action::Snapshot => self.kept = Some((bare.hart.clone(), bare.memory.snapshot())),
            Action::Restore => {
                if let Some((hart, memory)) = &self.kept {
                    bare.hart = hart.clone();
                    bare.memory.restore(memory);
                }
            }
            Action::Reset => {
                bare.hart.reset(CODE);
                bare.hart.write_csr(0x305, HANDLER).unwrap();
                for (register, value) in POINTERS {
                    bare.hart.x.set(Reg::from_field(register), value);
                }
                bare.device.line = None;
            }
            Action::Forget => bare.forget(),
        }
        None
    }

    /// Whether everything that guest and host can see is the same.
    fn check_agreement<F>(&self, other: &Pushed<F>, action: &Action) -> Result<(), TestCaseError> {
        prop_assert_eq!(&self.bare.hart, &other.bare.hart, "after {:?}", action);
        prop_assert_eq!(&self.bare.device, &other.bare.device, "after {:?}", action);
        prop_assert!(self.bare.memory == other.bare.memory, "memory differs after {:?}", action);
        Ok(())
    }

    fn entries(&self) -> Vec<TrapLogEntry> {
        self.log.entries().copied().collect()
    }
}

/// Runs the same code as a whole and in parts.
fn check_division<E: Engine + Default>(
    seed: u64,
    timing: Timing,
    in_flash: bool,
    splits: &[u64],
) -> Result<(), TestCaseError> {
    let total = splits.iter().sum::<u64>();
    let new = || {
        let mut machine = Pushed::<E>::new(seed, timing);
        if in_flash {
            machine.push(&Action::GoToFlash(2));
        }
        machine.push(&Action::Timer(total));
        machine.bare.hart.write_csr(0x300, 0x1808).unwrap();
        machine
    };
    let (mut whole, mut parts, mut ticks) = (new(), new(), new());
    let end = whole.push(&Action::RunInstructions(total));
    // A hart that waits for ever or is locked up ends both; running it on would let time pass.
    let ends = splits.iter().map(|&split| parts.push(&Action::RunInstructions(split)));
    let last = ends.into_iter().find(|end| *end != Some(Exit::Instructions)).unwrap_or(Some(Exit::Instructions));
    prop_assert_eq!(end, last);
    prop_assert_eq!(&whole.bare.hart, &parts.bare.hart);
    prop_assert!(whole.bare.memory == parts.bare.memory);
    prop_assert_eq!(whole.entries(), parts.entries());
    // The same by time: the boundaries at which the pieces end are boundaries of the whole.
    for &split in splits {
        let tick = ticks.bare.hart.now + split;
        let instructions = whole.bare.hart.instructions;
        let limits = Limits { tick, instructions, ..Limits::NONE };
        if ticks.run(&limits) != Exit::Tick {
            break;
        }
    }
    let instructions = whole.bare.hart.instructions;
    if end == Some(Exit::Instructions) {
        ticks.run(&Limits { instructions, ..Limits::NONE });
        prop_assert_eq!(&whole.bare.hart, &ticks.bare.hart);
        prop_assert!(whole.bare.memory == ticks.bare.memory);
    }
    Ok(())
}

/// Does the same to a machine of each engine.
fn check_engines(seed: u64, timing: Timing, actions: &[Action]) -> Result<(), TestCaseError> {
    let mut plain = Pushed::<Plain>::new(seed, timing);
    let (mut block, mut traces) = (Pushed::<Block>::new(seed, timing), Pushed::<Eager>::new(seed, timing));
    for action in actions {
        let expected = plain.push(action);
        prop_assert_eq!(expected, block.push(action), "how {:?} ended on blocks", action);
        prop_assert_eq!(expected, traces.push(action), "how {:?} ended on traces", action);
        plain.check_agreement(&block, action)?;
        plain.check_agreement(&traces, action)?;
    }
    prop_assert_eq!(plain.entries(), block.entries());
    prop_assert_eq!(plain.entries(), traces.entries());
    Ok(())
}

/// Found by the property below.
#[test]
fn an_interrupt_that_is_disabled_when_it_is_due_stays_due_where_the_run_ends() {
    let actions =
        [Action::GoToFlash(41_657), Action::RunInstructions(8), Action::GoToFlash(53_352), Action::RunInstructions(3)];
    check_engines(17_431_170_147_368_444_467, Timing::Unit, &actions).unwrap();
}

fn timing() -> impl Strategy<Value = Timing> {
    prop_oneof![1 => Just(Timing::Unit), 2 => Just(Timing::Silicon)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn engines_agree_after_every_action(
        seed: u64,
        timing in timing(),
        actions in prop::collection::vec(action(), 1..60),
    ) {
        check_engines(seed, timing, &actions)?;
    }

    #[test]
    fn compiling_late_makes_no_difference(
        seed: u64,
        timing in timing(),
        actions in prop::collection::vec(action(), 1..60),
    ) {
        let (mut plain, mut traces) = (Pushed::<Plain>::new(seed, timing), Pushed::<Traces>::new(seed, timing));
        for action in &actions {
            prop_assert_eq!(plain.push(action), traces.push(action), "how {:?} ended", action);
            plain.check_agreement(&traces, action)?;
        }
    }

    #[test]
    fn a_run_is_the_same_however_it_is_divided(
        seed: u64,
        timing in timing(),
        in_flash: bool,
        splits in prop::collection::vec(1..40_u64, 1..100),
    ) {
        check_division::<Block>(seed, timing, in_flash, &splits)?;
        check_division::<Eager>(seed, timing, in_flash, &splits)?;
    }

    #[test]
    fn bytes_that_are_no_code_are_no_danger(bytes in prop::collection::vec(any::<u8>(), 1..2000), rounds in 1..20_u64) {
        let timing = Timing::Silicon;
        let (mut plain, mut block) = (Pushed::<Plain>::new(0, timing), Pushed::<Block>::new(0, timing));
        let mut traces = Pushed::<Eager>::new(0, timing);
        for round in 0..rounds {
            for bare in [&mut plain.bare.memory, &mut block.bare.memory, &mut traces.bare.memory] {
                bare.write(CODE, &bytes).unwrap();
                bare.write(HANDLER, &bytes).unwrap();
            }
            let count = Action::RunInstructions(round * 100);
            let expected = plain.push(&count);
            prop_assert_eq!(expected, block.push(&count));
            prop_assert_eq!(expected, traces.push(&count));
            plain.check_agreement(&block, &count)?;
            plain.check_agreement(&traces, &count)?;
            plain.push(&Action::Reset);
            block.push(&Action::Reset);
            traces.push(&Action::Reset);
        }
    }
}

/// Sums 1000..=1 into x10, then jumps to itself.
#[test]
fn a_loop_takes_as_many_instructions_as_it_has() {
    let code = [addi(11, 0, 1000), add(10, 10, 11), addi(11, 11, -1), bne(11, 0, -8), jal(0, 0)];
    let bare = super::run(3001, &code, &[]);
    assert_eq!(super::x(&bare.hart, 10), 500_500);
    assert_eq!((bare.hart.pc, bare.hart.now), (CODE + 16, 3001 * 3));
}

#[test]
fn code_written_by_the_instruction_before_is_executed() {
    // x5 = `addi x7, x7, 1`, stored over the instruction that follows the store, through both buses.
    let Code::Word(patch) = addi(7, 7, 1) else { unreachable!() };
    for alias in [CODE, 0x3FC8_0000] {
        let code = [sw(5, 6, 4), addi(7, 7, 100), jal(0, -8)];
        let bare = super::run(9, &code, &[(5, patch), (6, alias)]);
        assert_eq!(super::x(&bare.hart, 7), 3, "through {alias:#x}");
    }
}

#[test]
fn what_is_kept_decoded_is_bounded() {
    // A walk over new code for ever: each round stores another immediate over the instruction ahead.
    let code = [c_addi(5, 1), sb(5, 6, 11), c_addi(7, 0), addi(7, 0, 0), c_j(-12)];
    let mut bare = prepared::<Block>(&code, &[(6, CODE)]);
    bare.run_instructions(2_000_000);
    assert_eq!(bare.memory.load(CODE + 11, Width::Byte), Some(super::x(&bare.hart, 5) & 0xFF));
    assert!(bare.engine.decoded_instructions() <= Block::CAPACITY);
}

//! What silicon's time costs, cycle by cycle, read by the guest itself through the performance counter:
//! the micro-benchmarks that were made on chips, and loops whose cost the table adds up to.

use emulator::bare::{Bare, DEVICE_SCRATCH};
use emulator::cpu::{Reg, Timing};
use emulator::engine::{Block, Engine, Exit, Limits, Plain};

use super::encode::*;
use super::{CODE, DATA, HANDLER, prepared, x};

const MPCER: u32 = 0x7E0;
const MPCMR: u32 = 0x7E1;
const MPCCR: u32 = 0x7E2;
const CYCLE: u32 = 1 << 0;
const INST: u32 = 1 << 1;
const LD_HAZARD: u32 = 1 << 2;
const JMP_HAZARD: u32 = 1 << 3;
const IDLE: u32 = 1 << 4;
const LOAD: u32 = 1 << 5;
const STORE: u32 = 1 << 6;
const JMP_UNCOND: u32 = 1 << 7;
const BRANCH: u32 = 1 << 8;
const BRANCH_TAKEN: u32 = 1 << 9;
const INST_COMP: u32 = 1 << 10;

/// Where the result is left, and what the programs may use otherwise.
const RESULT: Register = 5;
const COUNTER: Register = 6;
/// Points to [`DATA`].
const POINTER: Register = 8;
/// The flash window on the instruction bus.
const FLASH_CODE: u32 = 0x4200_0000;
/// What the test device says a line of flash costs.
const MISS: u32 = 20;

/// `body`, with what selects the events and reads the counter around it, and a loop behind.
fn counted(events: u32, body: &[Code]) -> Vec<Code> {
    let before = [lui(7, events >> 12), addi(7, 7, (events & 0xFFF) as i32), csrrw(0, MPCER, 7)];
    let start = [csrrwi(0, MPCMR, 1), csrrw(0, MPCCR, 0)];
    [&before[..], &start, body, &[csrrs(RESULT, MPCCR, 0), jal(0, 0)]].concat()
}

fn run_to_end<E: Engine + Default>(code: &[Code], timing: Timing) -> Bare<E> {
    let mut bare = prepared::<E>(code, &[(POINTER, DATA), (9, DEVICE_SCRATCH), (10, FLASH_CODE)]);
    bare.memory.write(DATA, &DATA.to_le_bytes()).unwrap();
    bare.hart.timing = timing;
    finish(&mut bare, CODE, code);
    bare
}

/// Runs code that stands at `base` to the loop at its end.
#[track_caller]
fn finish<E: Engine + Default>(bare: &mut Bare<E>, base: u32, code: &[Code]) {
    let end = base + code[..code.len() - 1].iter().map(|code| code.length()).sum::<u32>();
    let limits = Limits { breakpoints: &[end], instructions: bare.hart.instructions + 1_000_000, ..Limits::NONE };
    assert_eq!(bare.run(&limits, &mut ()), Exit::Breakpoint(end));
}

/// What the counter shows for `body`; the engines have to agree.
#[track_caller]
fn count_in(timing: Timing, events: u32, body: &[Code]) -> u32 {
    let code = counted(events, body);
    let plain = run_to_end::<Plain>(&code, timing);
    let block = run_to_end::<Block>(&code, timing);
    assert_eq!(plain.hart, block.hart, "the engines differ after {body:x?}");
    x(&plain.hart, RESULT)
}

#[track_caller]
fn count(events: u32, body: &[Code]) -> u32 {
    count_in(Timing::Silicon, events, body)
}

/// `body` so many times over.
fn looped(times: i32, body: &[Code]) -> Vec<Code> {
    let length: u32 = body.iter().map(|code| code.length()).sum();
    let back = [addi(COUNTER, COUNTER, -1), bne(COUNTER, 0, -(length as i32) - 4)];
    [&[addi(COUNTER, 0, times)], body, &back].concat()
}

/// The cycles of a loop around nothing: its counter, the decrement, and the branch, not taken once.
fn empty_loop(times: u32) -> u32 {
    1 + times * (1 + 3) - 2
}

#[test]
fn each_instruction_costs_what_was_measured() {
    let used = |use_it: Code| [lw(11, POINTER, 0), use_it];
    let rows: [(&str, &[Code], u32); 34] = [
        ("nothing", &[], 0),
        ("nop", &[C_NOP], 1),
        ("add", &[add(11, 12, 13)], 1),
        ("addi", &[addi(11, 12, 3)], 1),
        ("xor", &[xor(11, 12, 13)], 1),
        ("CSR access", &[csrrs(11, 0x340, 0)], 1),
        ("sw", &[sw(11, POINTER, 0)], 1),
        ("sb", &[sb(11, POINTER, 0)], 1),
        ("lw, used at once", &used(add(12, 11, 12)), 3),
        ("lw, used at once as the second operand", &used(add(12, 12, 11)), 3),
        ("lw, used as an address", &[lw(11, POINTER, 0), lbu(12, 11, 0)], 3),
        ("lw, stored at once", &used(sw(11, POINTER, 4)), 3),
        ("lw, compared at once", &used(beq(11, 0, 8)), 3),
        ("lw, used by a CSR access", &used(csrrw(0, 0x340, 11)), 3),
        ("lbu, used at once", &[lbu(11, POINTER, 0), addi(11, 11, 1)], 3),
        ("lw, used later", &[lw(11, POINTER, 0), C_NOP, addi(11, 11, 1)], 3),
        ("lw, overwritten", &[lw(11, POINTER, 0), addi(11, 0, 1)], 2),
        ("lw, not used", &[lw(11, POINTER, 0), addi(12, 12, 1)], 2),
        ("two lw of one register", &[lw(11, POINTER, 0), lw(11, POINTER, 4)], 2),
        ("lw into x0", &[lw(0, POINTER, 0), add(12, 0, 0)], 2),
        ("j", &[jal(0, 4)], 2),
        ("j to a far place", &[jal(0, 12), C_NOP, C_NOP, C_NOP, C_NOP], 2),
        ("jal", &[jal(1, 4)], 2),
        ("jalr", &[auipc(11, 0), jalr(0, 11, 8)], 3),
        ("branch not taken", &[bne(0, 0, 8)], 1),
        ("branch back not taken", &[bne(0, 0, -8)], 1),
        ("branch taken", &[beq(0, 0, 4)], 3),
        ("branch taken over something", &[beq(0, 0, 8), addi(11, 11, 1)], 3),
        ("mul", &[mul(11, 12, 13)], 2),
        ("mulh", &[mulh(11, 12, 13)], 2),
        ("mulhsu", &[mulhsu(11, 12, 13)], 2),
        ("mulhu", &[mulhu(11, 12, 13)], 2),
        ("div", &[div(11, 12, 13)], 10),
        ("remu", &[remu(11, 12, 13)], 10),
    ];
    for (name, body, cycles) in rows {
        assert_eq!(count(CYCLE, body), cycles, "{name}");
        let instructions = count(INST, body);
        assert_eq!(count_in(Timing::Unit, CYCLE, body), instructions, "{name} in unit time");
    }
}

#[test]
fn loops_of_any_length_cost_the_sum() {
    for times in [1, 2, 3, 4, 10, 100, 1000] {
        let loops = times as u32;
        assert_eq!(count(CYCLE, &looped(times, &[])), empty_loop(loops), "an empty loop, {times} times");
        let rows: [(&str, &[Code], u32); 4] = [
            ("addi", &[addi(11, 11, 1)], 1),
            ("a branch back", &[jal(0, 8), jal(0, 8), beq(0, 0, -4)], 2 + 3 + 2),
            ("lw and its use", &[lw(11, POINTER, 0), addi(11, 11, 1)], 3),
            ("a call and its return", &[jal(1, 8), jal(0, 8), jalr(0, 1, 0)], 2 + 2 + 2),
        ];
        for (name, body, cycles) in rows {
            let expected = empty_loop(loops) + loops * cycles;
            assert_eq!(count(CYCLE, &looped(times, body)), expected, "{name}, {times} times");
        }
    }
}

#[test]
fn the_mix_of_coremark_costs_what_the_table_says() {
    // A hundredth of an iteration: 541 loads of which 202 are used at once, 142 stores, 84 jumps, 287
    // branches taken and 288 not, 94 multiplications, and as much else as makes 2,953 instructions. The
    // decrement and the taken branch of the loop are part of it.
    let mut body = Vec::new();
    let mut add_times = |times: usize, code: &[Code]| body.extend(code.repeat(times));
    add_times(202, &[lw(11, POINTER, 0), addi(12, 11, 1)]);
    add_times(339, &[lw(11, POINTER, 0)]);
    add_times(142, &[sw(12, POINTER, 4)]);
    add_times(84, &[jal(0, 4)]);
    add_times(286, &[beq(0, 0, 4)]);
    add_times(288, &[bne(0, 0, 4)]);
    add_times(94, &[mul(12, 11, 11)]);
    let others = 2953 - body.len() - 2;
    body.extend(vec![addi(12, 12, 1); others]);
    let length: u32 = body.iter().map(|code| code.length()).sum();
    let times = 20;
    // The loop is longer than a branch reaches.
    let turn = [addi(COUNTER, COUNTER, -1), bne(COUNTER, 0, 8), jal(0, 8), jal(0, -(length as i32) - 12)];
    let code = [&[addi(COUNTER, 0, times)], &body[..], &turn].concat();
    let per_loop = 2953 + 202 + 84 + 2 * 287 + 94;
    // What the turn has beside the decrement and the taken branch: a jump in each turn, and in the last one
    // a branch that is not taken.
    let expected = 1 + times as u32 * (per_loop + 2) - 2;
    assert_eq!(count(CYCLE, &code), expected);
    assert_eq!(count(INST, &code), 1 + times as u32 * (2953 + 1));
}

#[test]
fn the_counter_counts_every_event_of_the_manual() {
    let body = [
        lw(11, POINTER, 0),
        addi(12, 11, 1),
        sw(12, POINTER, 4),
        c_li(13, 3),
        jal(0, 4),
        beq(0, 0, 4),
        bne(0, 0, 8),
        div(11, 12, 13),
    ];
    let rows = [
        ("cycles", CYCLE, 1 + 2 + 1 + 1 + 2 + 3 + 1 + 10),
        ("instructions", INST, 8),
        ("load hazards", LD_HAZARD, 1),
        ("jump hazards", JMP_HAZARD, 1 + 2),
        ("idle cycles", IDLE, 0),
        ("loads", LOAD, 1),
        ("stores", STORE, 1),
        ("jumps", JMP_UNCOND, 1),
        ("branches", BRANCH, 2),
        ("taken branches", BRANCH_TAKEN, 1),
        ("compressed instructions", INST_COMP, 1),
        ("a taken branch is one event", BRANCH | BRANCH_TAKEN, 2),
        ("instructions and their kinds", INST | LOAD | BRANCH, 8),
        ("instructions and hazards", INST | LD_HAZARD | JMP_HAZARD, 8 + 1 + 3),
        ("cycles and all", (1 << 11) - 1, 21),
        ("nothing", 0, 0),
    ];
    for (name, events, expected) in rows {
        assert_eq!(count(events, &body), expected, "{name}");
    }
}

#[test]
fn the_counter_stops_wraps_and_saturates_as_it_is_told() {
    let preset = |mode: u32, value: i32| {
        [csrrwi(0, MPCMR, mode), addi(11, 0, value), csrrw(0, MPCCR, 11), C_NOP, C_NOP, C_NOP, C_NOP]
    };
    assert_eq!(count(CYCLE, &preset(1, -2)), 2, "wraps");
    assert_eq!(count(CYCLE, &preset(3, -2)), u32::MAX, "saturates");
    assert_eq!(count(CYCLE, &preset(0, 7)), 7, "does not count");
    let paused = [C_NOP, csrrwi(0, MPCMR, 0), C_NOP, C_NOP, csrrwi(0, MPCMR, 1), C_NOP];
    assert_eq!(count(CYCLE, &paused), 2, "counts before and after");
    let first_loads = [lw(11, POINTER, 0), csrrwi(0, MPCER, 0), lw(11, POINTER, 0)];
    assert_eq!(count(LOAD, &first_loads), 1, "keeps what it has when nothing is selected any more");
}

#[test]
fn waiting_is_idle_and_no_cycle() {
    for (events, expected) in [(CYCLE, 2), (IDLE, 100), (CYCLE | IDLE, 102), (INST, 2)] {
        let code = counted(events, &[WFI, C_NOP]);
        let mut bare = prepared::<Block>(&code, &[]);
        bare.hart.timing = Timing::Silicon;
        bare.run_instructions(6);
        // Interrupts are disabled: the line wakes the hart and nothing more.
        bare.device.timer = bare.hart.now + 300;
        finish(&mut bare, CODE, &code);
        assert_eq!(x(&bare.hart, RESULT), expected, "{events:#x}");
        assert_eq!(bare.hart.idle_cycles, 100);
    }
}

#[test]
fn peripherals_keep_the_hart_waiting() {
    let write = count(CYCLE, &[sw(11, 9, 0)]);
    let read = count(CYCLE, &[lw(11, 9, 0)]);
    assert!(write > 1 && read >= write, "{write} {read}");
    assert_eq!(count(CYCLE, &[sw(11, 9, 0), sw(11, 9, 0), lw(11, 9, 0)]), 2 * write + read);
    assert_eq!(count(CYCLE, &[lw(11, 9, 0), addi(11, 11, 1)]), read + 2, "what was read is used at once");
}

#[test]
fn a_device_sees_the_tick_at_which_the_instruction_acts() {
    // The line register reads as the tick. Each instruction before it adds its cycles, and so does waiting
    // for a loaded register; what the access itself takes comes after.
    const LINE: Register = 15;
    let tick_behind = |body: &[Code], timing| {
        let code = [body, &[lw(RESULT, LINE, 0), jal(0, 0)]].concat();
        let ticks = [run_at(&code, timing, true), run_at(&code, timing, false)];
        assert_eq!(ticks[0], ticks[1], "the engines differ after {body:x?}");
        ticks[0]
    };
    fn run_at(code: &[Code], timing: Timing, fast: bool) -> u32 {
        fn run<E: Engine + Default>(code: &[Code], timing: Timing) -> u32 {
            let mut bare =
                prepared::<E>(code, &[(POINTER, DATA), (LINE, emulator::bare::DEVICE_LINE), (9, DEVICE_SCRATCH)]);
            bare.memory.write(DATA, &emulator::bare::DEVICE_LINE.to_le_bytes()).unwrap();
            bare.hart.timing = timing;
            finish(&mut bare, CODE, code);
            x(&bare.hart, RESULT)
        }
        if fast { run::<Block>(code, timing) } else { run::<Plain>(code, timing) }
    }
    for (body, unit, silicon) in [
        (&[][..], 0, 0),
        (&[C_NOP, div(11, 12, 13)], 2, 11),
        (&[lw(LINE, POINTER, 0)], 1, 2),
        (&[beq(0, 0, 4), jal(0, 4)], 2, 5),
    ] {
        assert_eq!(tick_behind(body, Timing::Unit), 3 * unit, "{body:x?}");
        assert_eq!(tick_behind(body, Timing::Silicon), 3 * silicon, "{body:x?}");
    }
    let write = count(CYCLE, &[sw(11, 9, 0)]);
    assert_eq!(tick_behind(&[sw(11, 9, 0)], Timing::Silicon), 3 * write);
}

/// A hart whose flash holds `code` from `base` on, which is where it begins.
fn in_flash<E: Engine + Default>(base: u32, code: &[Code]) -> Bare<E> {
    let mut bare = prepared::<E>(&[], &[(POINTER, DATA), (10, 0x3C00_8000)]);
    bare.memory.flash_mut().place((base - FLASH_CODE) as usize, &assemble(code)).unwrap();
    bare.memory.set_mmu_entry(0, 0);
    bare.hart.timing = Timing::Silicon;
    bare.hart.pc = base;
    bare
}

/// What the counter shows for `body` at `base` in flash, the first time and when it is all in the cache.
#[track_caller]
fn cold_and_warm(base: u32, body: &[Code]) -> (u32, u32) {
    let code = counted(CYCLE, body);
    fn run<E: Engine + Default>(base: u32, code: &[Code]) -> (Bare<E>, u32, u32) {
        let mut bare = in_flash::<E>(base, code);
        finish(&mut bare, base, code);
        let cold = x(&bare.hart, RESULT);
        bare.hart.pc = base;
        finish(&mut bare, base, code);
        let warm = x(&bare.hart, RESULT);
        (bare, cold, warm)
    }
    let (plain, cold, warm) = run::<Plain>(base, &code);
    let (block, ..) = run::<Block>(base, &code);
    assert_eq!(plain.hart, block.hart, "the engines differ after {body:x?}");
    assert!(plain.memory == block.memory, "the caches differ after {body:x?}");
    (cold, warm)
}

/// What stands in front of the counted part.
const PROLOGUE: u32 = 5 * 4;

#[test]
fn code_in_flash_costs_its_lines_once_and_what_it_costs_in_ram_from_then_on() {
    // The counted part begins with a line: 16 instructions of 4 bytes are two lines, and what reads the
    // counter is in a third.
    let base = FLASH_CODE + 0x1000 - PROLOGUE;
    let straight = vec![addi(11, 11, 1); 16];
    assert_eq!(count(CYCLE, &straight), 16, "in RAM");
    assert_eq!(cold_and_warm(base, &straight), (16 + 3 * MISS, 16));
    // An instruction that stands in two lines needs both; the line it ends in is there for the next.
    let across = [&[C_NOP], &straight[..8]].concat();
    assert_eq!(cold_and_warm(base, &across), (9 + 2 * MISS, 9));
    // A loop inside of one line pays once; one over three lines too, as they fit.
    let times = 50;
    let small = looped(times, &[addi(11, 11, 1)]);
    let in_ram = count(CYCLE, &small);
    assert_eq!(cold_and_warm(base, &small), (in_ram + MISS, in_ram));
    let large = looped(times, &[addi(11, 11, 1); 21]);
    let in_ram = count(CYCLE, &large);
    assert_eq!(cold_and_warm(base, &large), (in_ram + 4 * MISS, in_ram));
}

#[test]
fn a_loop_that_does_not_fit_into_the_cache_pays_in_every_turn() {
    // 17 KB of code: with LRU each line of the 32 sets that hold nine lines is gone when it is needed again.
    let lines = 17 * 1024 / 32;
    let body: Vec<Code> = vec![c_addi(11, 1); 16 * lines];
    let turn = |times: i32| {
        let length: u32 = body.iter().map(|code| code.length()).sum();
        let back = [addi(COUNTER, COUNTER, -1), beq(COUNTER, 0, 8), jal(0, -(length as i32) - 8)];
        let code = [&[addi(COUNTER, 0, times)], &body[..], &back].concat();
        cold_and_warm(FLASH_CODE + 0x1000 - PROLOGUE, &code).0
    };
    let (two, three) = (turn(2), turn(3));
    let hits = 16 * lines as u32 + 1 + 1 + 2;
    let missed = (three - two - hits) / MISS;
    assert_eq!((three - two - hits) % MISS, 0);
    assert!(missed >= 32 * 9 && missed < lines as u32, "{missed} of {lines} lines were read again");
}

#[test]
fn code_and_data_share_the_cache_in_program_order() {
    let base = FLASH_CODE + 0x1000 - PROLOGUE;
    let cold = |body: &[Code]| cold_and_warm(base, body);
    // The line of the code itself, that of the data, and waiting for what is used at once.
    assert_eq!(cold(&[lw(11, 10, 0), addi(12, 11, 1)]), (3 + 2 * MISS, 3));
    assert_eq!(cold(&[lw(11, 10, 0), lw(12, 10, 28)]), (2 + 2 * MISS, 2), "one line");
    assert_eq!(cold(&[lw(11, 10, 0), lw(12, 10, 32)]), (2 + 3 * MISS, 2), "two lines");
    assert_eq!(cold(&[lw(11, 10, 30)]), (1 + 3 * MISS, 1), "across two lines");
    assert_eq!(cold(&[lw(11, 10, 0), lui(13, 0x42008), lw(12, 13, 4)]), (3 + 2 * MISS, 3), "through both windows");
    // Eight lines of data fill the set of the code that reads them, except for the line being executed: that was
    // used before them and goes first. It is not looked up again until the program comes back to it.
    let conflict: Vec<Code> = (2..10).flat_map(|n| [lui(13, 0x3C000 + n), addi(13, 13, 0), lw(12, 13, 0)]).collect();
    let turn = [&conflict[..], &[jal(0, 4)]].concat();
    let (cold_cycles, warm_cycles) = cold(&turn);
    let lines = (turn.len() * 4 + 4) as u32 / 32 + 1;
    assert_eq!(cold_cycles, 8 * 3 + 2 + (lines + 8) * MISS);
    assert!(warm_cycles > 8 * 3 + 2, "its set does not hold nine lines");
}

#[test]
fn traps_cost_their_entry_and_keep_the_loaded_register_in_mind() {
    let handled = |body: &[Code], handler: &[Code]| {
        let code = counted(CYCLE, body);
        fn run<E: Engine + Default>(code: &[Code], handler: &[Code]) -> (emulator::cpu::Hart, u32) {
            let mut bare = prepared::<E>(code, &[(POINTER, DATA), (9, DEVICE_SCRATCH)]);
            bare.load(HANDLER, &assemble(handler)).unwrap();
            bare.hart.timing = Timing::Silicon;
            finish(&mut bare, CODE, code);
            let result = x(&bare.hart, RESULT);
            (bare.hart, result)
        }
        let ((plain, result), (block, _)) = (run::<Plain>(&code, handler), run::<Block>(&code, handler));
        assert_eq!(plain, block, "the engines differ after {body:x?}");
        result
    };
    // ECALL, the entry, `mepc` moved on (with a wait for nothing), and MRET.
    let back = [csrrs(14, 0x341, 0), addi(14, 14, 4), csrrw(0, 0x341, 14), MRET];
    let trap = handled(&[ECALL], &back);
    assert_eq!(trap, 1 + 4 + 3 + 3);
    // A load that faults delivers nothing: its register is not waited for.
    let faults = handled(&[lw(11, 0, 0), addi(12, 11, 1)], &back);
    assert_eq!(faults, trap + 1);
    // A register loaded right before the trap is waited for by the handler's first instruction if it uses it.
    let using = [&[addi(11, 11, 1)], &back[..]].concat();
    assert_eq!(handled(&[lw(11, POINTER, 0), C_NOP, ECALL], &using), 2 + trap + 1);
    let mut bare = prepared::<Block>(&[csrrsi(0, 0x300, 8), lw(11, POINTER, 0), jal(0, 0)], &[(POINTER, DATA)]);
    bare.load(HANDLER + 12, &assemble(&using)).unwrap();
    bare.hart.timing = Timing::Silicon;
    bare.device.line = Some(3);
    bare.run_instructions(3);
    assert_eq!((bare.hart.pc, bare.hart.cycles()), (HANDLER + 16, 1 + 1 + 4 + 1 + 1));
}

#[test]
fn limits_and_events_are_seen_at_the_first_boundary_at_or_after_their_tick() {
    // Boundaries at cycles 0, 10, 20, 23 and so on.
    let code = [div(11, 12, 13), div(11, 12, 13), beq(0, 0, 4), lw(11, POINTER, 0), addi(11, 11, 1), jal(0, 0)];
    let boundaries = [0, 10, 20, 23, 24, 26, 28];
    for tick in 1..3 * 28 {
        fn stop<E: Engine + Default>(code: &[Code], tick: u64) -> u64 {
            let mut bare = prepared::<E>(code, &[(POINTER, DATA)]);
            bare.hart.timing = Timing::Silicon;
            assert_eq!(bare.run(&Limits { tick, ..Limits::NONE }, &mut ()), Exit::Tick);
            // The same for an event.
            let mut other = prepared::<E>(code, &[(POINTER, DATA)]);
            other.hart.timing = Timing::Silicon;
            other.hart.interrupt_latency = 0;
            other.hart.write_csr(0x300, 8).unwrap();
            other.device.timer = tick;
            other.load(HANDLER + 4, &assemble(&[jal(0, 0)])).unwrap();
            while other.hart.pc != HANDLER + 4 {
                other.run(&Limits { instructions: other.hart.instructions + 1, ..Limits::NONE }, &mut ());
                assert!(other.hart.now < 1000);
            }
            assert_eq!(other.hart.csr.mepc, bare.hart.pc, "{tick}");
            bare.hart.now
        }
        let expected = 3 * boundaries.into_iter().find(|boundary| 3 * boundary >= tick).unwrap();
        assert_eq!(stop::<Plain>(&code, tick), expected, "{tick}");
        assert_eq!(stop::<Block>(&code, tick), expected, "{tick}");
    }
}

#[test]
fn a_reset_begins_anew_and_keeps_the_model() {
    let mut bare = run_to_end::<Block>(&counted(LOAD, &[mul(11, 12, 13), lw(11, POINTER, 0)]), Timing::Silicon);
    let cycles = bare.hart.cycles();
    assert!(cycles > bare.hart.instructions);
    bare.hart.reset(CODE);
    assert_eq!((bare.hart.cycles(), bare.hart.timing), (cycles, Timing::Silicon));
    for csr in [0xB00, 0xB02, 0x802, MPCCR as u16, MPCER as u16] {
        assert_eq!(bare.hart.read_csr(csr), Ok(0), "{csr:#x}");
    }
    bare.hart.x.set(Reg::X8, DATA);
    bare.run_instructions(1);
    assert_eq!(bare.hart.cycles(), cycles + 1);
}

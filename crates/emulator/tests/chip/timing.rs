//! Silicon's time on the whole chip: what code costs in flash and in RAM, and that the flash's mode and
//! the CPU's clock decide what a line of it costs.

use emulator::cpu::Reg;
use emulator::rom::FlashMode;
use emulator::{Config, EngineKind, FlashImage, Machine, Timing};

use crate::MILLISECOND;
use crate::image::{LOOP, bootable, first_stage, poke};

const MPCER: u32 = 0x7E0;
const MPCCR: u32 = 0x7E2;
/// The CPU at 160 and at 80 MHz, from the PLL of 480 MHz.
const MHZ_160: u32 = 0x5;
const MHZ_80: u32 = 0x4;
/// Instructions that are counted, of 4 bytes each.
const COUNTED: usize = 16;

fn addi(rd: u32, rs1: u32, imm: i32) -> u32 {
    (imm as u32) << 20 | rs1 << 15 | rd << 7 | 0x13
}

fn csrw(csr: u32, rs1: u32) -> u32 {
    csr << 20 | rs1 << 15 | 1 << 12 | 0x73
}

fn csrr(rd: u32, csr: u32) -> u32 {
    csr << 20 | 2 << 12 | rd << 7 | 0x73
}

/// Goes twice through some additions and counts their cycles: x10 is the first count, x11 the second.
/// The clock of the CPU is chosen by what SYSTEM_CPU_PER_CONF is set to.
fn program(cpu_per_conf: u32) -> Vec<u32> {
    let mut code = poke(0x600C_0008, cpu_per_conf);
    // So that a line of 32 bytes is full, and what follows stands as if this were not there.
    code.resize(8, addi(0, 0, 0));
    code.extend([addi(5, 0, 1), csrw(MPCER, 5), addi(12, 0, 2)]);
    code.extend([addi(10, 11, 0), csrw(MPCCR, 0)]);
    code.extend([addi(13, 13, 1); COUNTED]);
    code.extend([csrr(11, MPCCR), addi(12, 12, -1)]);
    // `bnez x12`, back to the first of the two that begin a round.
    let back = -4 * (COUNTED as i32 + 4);
    let imm = back as u32;
    let (high, low) = ((imm >> 12 & 1) << 6 | imm >> 5 & 0x3F, (imm >> 1 & 0xF) << 1 | imm >> 11 & 1);
    code.extend([high << 25 | 12 << 15 | 1 << 12 | low << 7 | 0x63, LOOP]);
    code
}

/// The two counts; both engines have to find them.
fn counts(flash: &FlashImage, timing: Timing) -> (u32, u32) {
    let [block, plain] = [EngineKind::Block, EngineKind::Plain].map(|engine| {
        let mut machine = Machine::new(Config { flash: flash.clone(), engine, timing, ..Config::default() });
        for _ in 0..300 {
            machine.run_for(MILLISECOND);
            let x = &machine.hart().x;
            if (x.get(Reg::X12), x.get(Reg::X13)) == (0, 2 * COUNTED as u32) {
                break;
            }
        }
        assert_eq!(machine.timing(), timing);
        (machine.state_hash(), machine.hart().x.get(Reg::X10), machine.hart().x.get(Reg::X11))
    });
    assert_eq!(block, plain, "the engines differ");
    (block.1, block.2)
}

#[test]
fn code_in_flash_is_as_fast_as_in_ram_once_it_is_in_the_cache() {
    let in_ram = counts(&first_stage(&program(MHZ_160)), Timing::Silicon);
    assert_eq!(in_ram, (16, 16), "RAM has no cache to warm");
    // An application begins at 0x...128, so that the counted part enters two lines of 32 bytes.
    // DIO at 80 MHz: 8 clocks of command, 12 of address on two lines, 4 of dummy and 128 of data are 152
    // clocks of 80 MHz.
    for (cpu_per_conf, miss) in [(MHZ_160, 304), (MHZ_80, 152)] {
        let dio = bootable(FlashMode::Dio, &program(cpu_per_conf));
        assert_eq!(counts(&dio, Timing::Silicon), (16 + 2 * miss, 16));
        assert_eq!(counts(&dio, Timing::Unit), (16, 16), "in unit time there is no cache");
    }
}

#[test]
fn four_lines_to_the_flash_halve_what_a_miss_costs() {
    let (cold, warm) = counts(&bootable(FlashMode::Qio, &program(MHZ_160)), Timing::Silicon);
    assert_eq!(warm, 16);
    let miss = (cold - warm) / 2;
    // 64 clocks of data, and between 16 and 26 of everything else.
    assert!((2 * 80..=2 * 90).contains(&miss), "a miss costs {miss} cycles");
}

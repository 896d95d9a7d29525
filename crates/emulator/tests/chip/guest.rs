//! Guests made from a seed, which do whatever they like, and a host that does so as well. Shared by
//! the bounded tests and by the soak command.

use emulator::bus::{TICKS_PER_SECOND, Tick};
use emulator::rom::{FlashMode, bootloader};
use emulator::{
    Config, EngineKind, FlashImage, Injection, Machine, Port, ResetCause, Source, Stops, Strapping, Timing,
};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::image::{CODE, app_image, load_constant, load_word, ram_image, store_word};

/// Peripheral blocks that random code likes to touch.
const BLOCKS: [u32; 26] = [
    0x6000_0000,
    0x6000_2000,
    0x6000_3000,
    0x6000_4000,
    0x6000_8000,
    0x6000_8800,
    0x6000_9000,
    0x6000_E000,
    0x6001_0000,
    0x6001_9000,
    0x6001_F000,
    0x6002_0000,
    0x6002_3000,
    0x6002_6000,
    0x6003_A000,
    0x6003_B000,
    0x6003_C000,
    0x6003_F000,
    0x6004_0000,
    0x6004_3000,
    0x600C_0000,
    0x600C_1000,
    0x600C_2000,
    0x600C_4000,
    0x600C_5000,
    0x600C_E000,
];

/// Values that are more interesting than chance.
const VALUES: [u32; 12] = [
    0,
    1,
    u32::MAX,
    0x8000_0000,
    0x7FFF_FFFF,
    0x50D8_3AA1,
    0x8F1D_312A,
    1 << 18,
    1 << 30,
    CODE,
    0x3FC9_0000,
    0x3FCD_FFFC,
];

fn value(rng: &mut StdRng) -> u32 {
    match rng.random_range(0..4) {
        0 => *VALUES.choose(rng).unwrap_or(&0),
        1 => 1 << rng.random_range(0..32),
        2 => rng.random_range(0..4096),
        _ => rng.random(),
    }
}

fn address(rng: &mut StdRng) -> u32 {
    match rng.random_range(0..11) {
        0 => rng.random(),
        // The code itself, as the bus for data sees it, the edges of RAM, and flash.
        8 => CODE - 0x70_0000 + rng.random_range(0..0x1000),
        9 => *[0x3FC7_FFFE, 0x3FC8_0000, 0x3FCD_FFFD, 0x3FCE_0000].choose(rng).unwrap_or(&0),
        10 => 0x3C00_0000 + rng.random_range(0..0x80_0010),
        1 => 0x3FC8_0000 + (rng.random_range(0..0x6_0000) & !3),
        2 => 0x6000_0000 + (rng.random_range(0..0xD_2000) & !3),
        _ => BLOCKS.choose(rng).unwrap_or(&0) + (rng.random_range(0..0x140) & !3),
    }
}

/// Code of random words, or of random register accesses, or both, with a handler for its traps.
fn code(rng: &mut StdRng) -> Vec<u32> {
    let mut code = Vec::new();
    for _ in 0..rng.random_range(1..400) {
        match rng.random_range(0..10) {
            0 => code.push(rng.random()),
            // A loop around what came last: x9 counts down.
            8 => {
                code.extend(load_constant(9, rng.random_range(1..40)));
                code.extend([0x0015_0513, load_word(8, 2), store_word(10, 2), 0xFFF4_8493, 0xFE04_98E3]);
            }
            // Arithmetic between registers, divisions included.
            9 => code.extend((0..8).map(|_| {
                let bits: u32 = rng.random();
                bits & 0x000F_8F80 & !(3 << 10)
                    | (bits & 7) << 12
                    | (bits >> 3 & 15) << 20
                    | (bits >> 7 & 1) << 25
                    | 0x33
            })),
            // WFI, MRET, ECALL, FENCE.I and CSR writes with plausible numbers.
            1 => code.push(*[0x1050_0073, 0x3020_0073, 0x0000_0073, 0x0000_100F].choose(rng).unwrap_or(&0)),
            2 => {
                let csr = *[0x300, 0x304, 0x305, 0x341, 0x342, 0x7E2, 0x802, 0x3A0].choose(rng).unwrap_or(&0x300);
                code.extend(load_constant(7, value(rng)));
                code.push(csr << 20 | 7 << 15 | 1 << 12 | 0x73);
            }
            3 => {
                code.extend(load_constant(5, address(rng)));
                code.push(load_word(8, 5));
            }
            _ => {
                code.extend(load_constant(5, address(rng)));
                code.extend(load_constant(6, value(rng)));
                // Words mostly, bytes and halfwords too.
                let width = *[0, 1, 2, 2, 2].choose(rng).unwrap_or(&2);
                code.push(store_word(6, 5) & !(7 << 12) | width << 12);
            }
        }
    }
    code
}

/// Flash that the ROM or the bootloader will believe in to some degree.
fn flash(rng: &mut StdRng) -> FlashImage {
    let mut flash = FlashImage::blank();
    let first = match rng.random_range(0..5) {
        0 => (0..rng.random_range(0..4096)).map(|_| rng.random()).collect(),
        1 => bootloader(if rng.random() { FlashMode::Dio } else { FlashMode::Qio }).to_vec(),
        _ => ram_image(&code(rng)),
    };
    let mut first: Vec<u8> = first;
    if rng.random_range(0..3) == 0 && !first.is_empty() {
        for _ in 0..rng.random_range(1..16) {
            let at = rng.random_range(0..first.len());
            first[at] = rng.random();
        }
    }
    for (offset, bytes) in [(0, first), (0x1_0000, app_image(&code(rng)))] {
        // Both are far shorter than the chip.
        let placed = flash.place(offset, &bytes);
        assert!(placed.is_ok());
    }
    flash
}

/// Something a host may do at any time.
fn act(rng: &mut StdRng, machine: &mut Machine) {
    let port = *[Port::Uart0, Port::Uart1, Port::Usb].choose(rng).unwrap_or(&Port::Uart0);
    match rng.random_range(0..12) {
        0..3 => {
            let length = if rng.random_range(0..50) == 0 { 100_000 } else { rng.random_range(0..300) };
            let mut bytes = vec![0; length];
            rng.fill(&mut bytes[..]);
            machine.uart_write(port, &bytes);
        }
        // Download-mode packets begin and end with 0xC0.
        3 => {
            let mut packet = vec![0xC0, 0, rng.random_range(0..0x20), rng.random_range(0..40), 0];
            packet.extend((0..rng.random_range(0..64)).map(|_| rng.random::<u8>()));
            packet.push(0xC0);
            machine.uart_write(port, &packet);
        }
        4 => machine.set_pin(rng.random(), rng.random()),
        5 => machine.release_pin(rng.random()),
        6 => machine.set_serial_lines(rng.random(), rng.random()),
        7 => machine.set_usb_connected(rng.random()),
        8 => {
            let causes =
                [ResetCause::PowerOn, ResetCause::UsbUart, ResetCause::SoftwareCpu, ResetCause::RtcWatchdogChip];
            machine.reset(*causes.choose(rng).unwrap_or(&ResetCause::PowerOn));
        }
        9 => machine.set_line_baud(port, rng.random()),
        10 => machine.set_strapping(if rng.random() { Strapping::FlashBoot } else { Strapping::DownloadMode }),
        _ => {
            let sources =
                [Source::Tg0T0, Source::Tg1T0, Source::SystimerTarget0, Source::SystimerTarget2, Source::FromCpu3];
            let source = *sources.choose(rng).unwrap_or(&Source::FromCpu0);
            let at = machine.instructions() + rng.random_range(0..1000);
            let accepted = machine.raise_at(at, Injection::Source(source));
            assert!(accepted.is_ok());
        }
    }
}

/// Lives through one life of a random guest under a random host, on all engines, which have to
/// agree; a restored snapshot has to go the same way again.
///
/// Panics if anything is not as it should be: that is what the callers look for.
pub(crate) fn live(seed: u64, rounds: u32) {
    let config = |engine| {
        let mut rng = StdRng::seed_from_u64(seed);
        let timing = if rng.random_range(0..3) == 0 { Timing::Unit } else { Timing::Silicon };
        let strapping = if rng.random_range(0..4) == 0 { Strapping::DownloadMode } else { Strapping::FlashBoot };
        Config {
            flash: flash(&mut rng),
            strapping,
            engine,
            timing,
            // Seldom too late, so that hostile code is compiled.
            trace_threshold: if seed % 5 == 0 { 16 } else { 1 },
            seed,
            output_capacity: 4096,
            trap_log_capacity: 16,
            ..Config::default()
        }
    };
    let mut block = Machine::new(config(EngineKind::Block));
    let mut plain = Machine::new(config(EngineKind::Plain));
    let mut traces = Machine::new(config(EngineKind::Traces));
    let mut rng = StdRng::seed_from_u64(seed ^ 0xA5A5);
    for round in 0..rounds {
        let seed_of_act = rng.random();
        for machine in [&mut block, &mut plain, &mut traces] {
            act(&mut StdRng::seed_from_u64(seed_of_act), machine);
        }
        let span: Tick = TICKS_PER_SECOND / 1000 * rng.random_range(1..12);
        let snapshots = (round % 3 == 0).then(|| (block.snapshot(), traces.snapshot()));
        let mut fork = (round % 4 == 1).then(|| traces.fork());
        run(&mut block, span);
        run(&mut plain, span);
        run(&mut traces, span);
        let hash = plain.state_hash();
        assert_eq!(block.state_hash(), hash, "seed {seed}, round {round}: the block engine disagrees");
        assert_eq!(traces.state_hash(), hash, "seed {seed}, round {round}: compiled traces disagree");
        if let Some(fork) = &mut fork {
            run(fork, span);
            assert_eq!(fork.state_hash(), hash, "seed {seed}, round {round}: a fork goes another way");
        }
        if let Some((by_block, by_traces)) = snapshots {
            for (machine, snapshot) in [(&mut block, by_block), (&mut traces, by_traces)] {
                machine.restore(&snapshot);
                run(machine, span);
                let again = machine.state_hash();
                assert_eq!(again, hash, "seed {seed}, round {round}: a restored snapshot goes another way");
            }
        }
        for port in [Port::Uart0, Port::Uart1, Port::Usb] {
            assert!(block.uart_take_output(port).len() <= 4096, "seed {seed}: output has no bound");
            plain.uart_take_output(port);
            traces.uart_take_output(port);
        }
        assert!(block.unmodelled_accesses().0.len() <= 1024, "seed {seed}: the log has no bound");
    }
}

/// Runs for a span of time, but not for more instructions than a test has patience for.
fn run(machine: &mut Machine, span: Tick) {
    machine.set_stops(Stops::default());
    let end = machine.ticks().saturating_add(span);
    let instructions = machine.instructions() + 400_000;
    for _ in 0..1000 {
        if machine.ticks() >= end || machine.instructions() >= instructions {
            return;
        }
        // A guest that ran itself into the ground is reported each time: time goes on all the same.
        machine.run_to(end, instructions);
    }
}

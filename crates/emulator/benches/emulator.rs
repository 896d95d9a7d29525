//! How fast the emulator is: instructions per second, snapshots, restores and forks.
//!
//! The figures with MicroPython need the lesson firmware (`cargo xtask firmware`); without it only
//! the bare hart is measured. All figures are CPU time of the measuring thread, so that other
//! programs on the machine count less.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark fails by panicking, and its macros are undocumented")]

use std::hint::black_box;
use std::time::Duration;

use cpu_time::ThreadTime;
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use emulator::bare::Bare;
use emulator::bus::TICKS_PER_SECOND;
use emulator::engine::{Block, Engine, Plain, Traces};
use emulator::machine::EngineKind;
use emulator::{Config, FlashImage, Machine, Port};

/// Instructions per measured run: enough that entering and leaving the engine does not count.
const INSTRUCTIONS: u64 = 1_000_000;
/// What an explorer runs per point (see ARCHITECTURE.md).
const POINT_INSTRUCTIONS: u64 = 6_000;

const CODE: u32 = 0x4038_0000;

/// A checksum over memory, for ever: one load, shifts and exclusive ors, a store, two branches.
const CHECKSUM: [u32; 12] = [
    0x3FC9_0437, // lui   x8, 0x3FC90
    0x4000_0493, // addi  x9, x0, 1024
    0x0004_2603, // lw    x12, 0(x8)
    0x00C5_4533, // xor   x10, x10, x12
    0x00D5_1693, // slli  x13, x10, 13
    0x00D5_4533, // xor   x10, x10, x13
    0x0115_5693, // srli  x13, x10, 17
    0x00D5_4533, // xor   x10, x10, x13
    0x00A4_2023, // sw    x10, 0(x8)
    0xFFF4_8493, // addi  x9, x9, -1
    0xFE04_90E3, // bne   x9, x0, -32
    0xFD9F_F06F, // jal   x0, -40
];

fn bare<E: Engine + Default>() -> Bare<E> {
    let mut bare = Bare::new(CODE, 0);
    bare.load(CODE, &CHECKSUM.map(u32::to_le_bytes).concat()).unwrap();
    bare
}

/// A machine in a busy Python loop; `None` without the firmware.
fn busy_python(engine: EngineKind) -> Option<Machine> {
    let mut machine = python(engine)?;
    machine.uart_write(Port::Uart0, b"n = 0\r\nwhile True: n += 1\r\n\r\n\r\n");
    machine.run_for(TICKS_PER_SECOND / 5);
    Some(machine)
}

/// A machine at the Python prompt; `None` without the firmware.
fn python(engine: EngineKind) -> Option<Machine> {
    let folder = std::env::var("ISRLAB_FIRMWARE_DIR")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/firmware").to_owned());
    let bytes = std::fs::read(format!("{folder}/lesson-firmware-esp32c3.bin")).ok()?;
    let flash = FlashImage::from_bytes(&bytes).unwrap();
    let mut machine = Machine::new(Config { flash, engine, ..Config::default() });
    machine.run_for(TICKS_PER_SECOND);
    Some(machine)
}

/// Criterion's measure of time, but of the thread's own.
struct CpuTime;

impl Measurement for CpuTime {
    type Intermediate = ThreadTime;
    type Value = Duration;

    fn start(&self) -> ThreadTime {
        ThreadTime::now()
    }

    fn end(&self, start: ThreadTime) -> Duration {
        start.elapsed()
    }

    fn add(&self, a: &Duration, b: &Duration) -> Duration {
        WallTime.add(a, b)
    }

    fn zero(&self) -> Duration {
        WallTime.zero()
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

fn speed(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("instructions");
    group.throughput(Throughput::Elements(INSTRUCTIONS));
    let (mut traces, mut block, mut plain) = (bare::<Traces>(), bare::<Block>(), bare::<Plain>());
    group.bench_function("checksum, compiled traces", |bencher| bencher.iter(|| traces.run_instructions(INSTRUCTIONS)));
    group.bench_function("checksum, block engine", |bencher| bencher.iter(|| block.run_instructions(INSTRUCTIONS)));
    group.bench_function("checksum, plain engine", |bencher| bencher.iter(|| plain.run_instructions(INSTRUCTIONS)));
    for engine in [EngineKind::Traces, EngineKind::Block, EngineKind::Plain] {
        if let Some(mut machine) = busy_python(engine) {
            group.bench_function(format!("busy MicroPython loop, engine: {engine}"), |bencher| {
                bencher.iter(|| machine.run_instructions(INSTRUCTIONS));
            });
        }
    }
    group.finish();
}

fn states(criterion: &mut Criterion<CpuTime>) {
    let Some(mut machine) = busy_python(EngineKind::Traces) else {
        eprintln!("the lesson firmware is not there: run `cargo xtask firmware` to measure snapshots and MicroPython");
        return;
    };
    let mut group = criterion.benchmark_group("states");
    group.bench_function("snapshot after 6,000 instructions", |bencher| {
        bencher.iter_batched(
            || (),
            |()| {
                machine.run_instructions(POINT_INSTRUCTIONS);
                black_box(machine.snapshot())
            },
            BatchSize::SmallInput,
        );
    });
    let snapshot = machine.snapshot();
    group.bench_function("restore after 1 instruction", |bencher| {
        bencher.iter(|| {
            machine.run_instructions(1);
            machine.restore(&snapshot);
        });
    });
    group.bench_function("explorer's point: restore and 6,000 instructions", |bencher| {
        bencher.iter(|| {
            machine.restore(&snapshot);
            machine.run_instructions(POINT_INSTRUCTIONS)
        });
    });
    group.bench_function("fork", |bencher| bencher.iter(|| black_box(machine.fork())));
    group.bench_function("state hash", |bencher| bencher.iter(|| black_box(machine.state_hash())));
    group.finish();
}

/// One second of virtual time of a board that waits at its prompt; it shall cost under 10 ms.
fn idle(criterion: &mut Criterion<CpuTime>) {
    if let Some(mut machine) = python(EngineKind::Traces) {
        criterion.bench_function("an idle board's second", |bencher| {
            bencher.iter(|| machine.run_for(TICKS_PER_SECOND));
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = speed, states, idle
}
criterion_main!(benches);

//! How much faster compiled traces are than the block engine, on programs of the lesson firmware:
//!
//! `cargo run --release -p emulator --example engines -- [PROGRAM]`
//!
//! Both engines take turns, and the medians of their rounds are compared, in CPU time of this thread, so that
//! the ratios hold on a busy machine as well.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure is meant to end the measurement")]

use std::time::Duration;

use cpu_time::ThreadTime;
use emulator::bus::TICKS_PER_SECOND;

use emulator::{Config, EngineKind, FlashImage, Machine, Port, Timing};

/// What is typed at the prompt, and for ever keeps the board busy.
const PROGRAMS: [(&str, &str); 8] = [
    ("busy", "n = 0\nwhile True: n += 1\n"),
    ("array", "import array\na = array.array('i', [0] * 64)\ni = 0\nwhile True:\n a[i & 63] += i\n i += 1\n"),
    ("fib", "def fib(n):\n return n if n < 2 else fib(n - 1) + fib(n - 2)\nwhile True: fib(16)\n"),
    ("dict", "while True:\n d = {}\n for i in range(100): d[str(i)] = i\n sorted(d.values())\n"),
    (
        "timer",
        "import machine\ndef f(t): pass\nt = machine.Timer(0, freq=1000, callback=f, hard=True)\nn = 0\nwhile True: n += 1\n",
    ),
    ("pin", "import machine\np = machine.Pin(5, machine.Pin.OUT)\nwhile True:\n p.value(1)\n p.value(0)\n"),
    ("print", "i = 0\nwhile True:\n print(i)\n i += 1\n"),
    ("float", "x = 0.5\nwhile True: x = x * 1.0001 + 0.25\n"),
];
const ROUNDS: usize = 7;
const INSTRUCTIONS: u64 = 3_000_000;
/// What an explorer runs per point.
const POINT_INSTRUCTIONS: u64 = 6_000;
const ENGINES: [EngineKind; 2] = [EngineKind::Block, EngineKind::Traces];

fn image() -> FlashImage {
    let folder = std::env::var("ISRLAB_FIRMWARE_DIR")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/firmware").to_owned());
    let bytes =
        std::fs::read(format!("{folder}/lesson-firmware-esp32c3.bin")).expect("run `cargo xtask firmware` first");
    FlashImage::from_bytes(&bytes).unwrap()
}

fn board(engine: EngineKind, timing: Timing) -> Machine {
    let mut machine = Machine::new(Config { flash: image(), engine, timing, ..Config::default() });
    machine.run_for(TICKS_PER_SECOND);
    machine
}

fn busy(engine: EngineKind, timing: Timing, program: &str) -> Machine {
    let mut machine = board(engine, timing);
    let typed = format!("exec({:?})\r\n", program);
    machine.uart_write(Port::Uart0, typed.as_bytes());
    machine.run_for(TICKS_PER_SECOND / 10);
    let printed = machine.uart_take_output(Port::Uart0);
    assert!(!String::from_utf8_lossy(&printed).contains("Error"), "{}", String::from_utf8_lossy(&printed));
    machine
}

/// The medians of the times that both take in turn.
fn medians(mut run: [Box<dyn FnMut() + '_>; 2]) -> [Duration; 2] {
    let mut times = [const { Vec::new() }; 2];
    for _ in 0..ROUNDS {
        for (run, times) in run.iter_mut().zip(&mut times) {
            let start = ThreadTime::now();
            run();
            times.push(start.elapsed());
        }
    }
    times.map(|mut times: Vec<Duration>| {
        times.sort();
        times[ROUNDS / 2]
    })
}

fn row(timing: Timing, name: &str, unit: f64, what: &str, [block, traces]: [Duration; 2]) {
    let rate = |time: Duration| unit / time.as_secs_f64();
    let ratio = block.as_secs_f64() / traces.as_secs_f64();
    println!("{timing:?} {name:10} {:10.1} {:10.1} {what:20} ratio {ratio:.2}", rate(block), rate(traces));
}

fn main() {
    let chosen = std::env::args().nth(1);
    println!("traces can be had: {}", EngineKind::Traces.available() == EngineKind::Traces);
    for timing in [Timing::Unit, Timing::Silicon] {
        for (name, program) in PROGRAMS {
            if chosen.as_deref().is_some_and(|chosen| chosen != name) {
                continue;
            }
            let mut boards = ENGINES.map(|engine| busy(engine, timing, program));
            let [block, traces] = boards.each_mut().map(|board| -> Box<dyn FnMut()> {
                Box::new(|| {
                    let end = board.instructions() + INSTRUCTIONS;
                    board.run_to(board.ticks() + TICKS_PER_SECOND, end);
                    board.uart_take_output(Port::Uart0);
                })
            });
            let before = medians([block, traces]);
            row(timing, name, INSTRUCTIONS as f64 / 1e6, "M instructions/s", before);
        }
        if chosen.is_some() {
            continue;
        }
        let boots = ENGINES.map(|engine| -> Box<dyn FnMut()> { Box::new(move || drop(board(engine, timing))) });
        row(timing, "boot", 1.0, "boots/s", medians(boots));
        let mut boards = ENGINES.map(|engine| busy(engine, timing, PROGRAMS[0].1));
        let points = boards.each_mut().map(|board| -> Box<dyn FnMut()> {
            let snapshot = board.snapshot();
            Box::new(move || {
                for _ in 0..200 {
                    board.restore(&snapshot);
                    board.run_instructions(POINT_INSTRUCTIONS);
                }
            })
        });
        row(timing, "point", 0.2, "thousand points/s", medians(points));
        let forks = boards.each_mut().map(|board| -> Box<dyn FnMut()> {
            Box::new(move || {
                for _ in 0..50 {
                    board.fork().run_instructions(POINT_INSTRUCTIONS);
                }
            })
        });
        row(timing, "fork+6000", 0.05, "thousand forks/s", medians(forks));
    }
}

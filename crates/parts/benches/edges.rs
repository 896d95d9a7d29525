//! What an edge costs the host: `cargo bench -p parts` (`cargo xtask firmware` first).
//!
//! Eight parts are wired, and an encoder makes 5000 edges a second: at an idle prompt, where hardly anything else costs time, and under a
//! program that counts those of one of its pins in a hard callback. The same edges are then injected by the host without a part.
//! An edge of a part is held to a microsecond where traces are compiled, and the busy program to 1.3 times on the block engine. What the
//! busy program's tens of thousands of instructions between two edges take on a shared host differs by more than an edge costs, so
//! the microsecond is counted at the prompt. All figures are CPU time of the measuring thread, the best of rounds that take turns.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark fails by panicking")]

use std::process::ExitCode;
use std::time::Duration;

use cpu_time::ThreadTime;
use emulator::bus::{TICKS_PER_SECOND, Tick};
use emulator::pins::Drive;
use emulator::{EngineKind, Machine};
use firmware_tests::Board;
use parts::{Draft, Edge, HEADER_PINS, Scope, Wired, Wiring};

const ROUNDS: usize = 9;
/// What an edge of a part may take at an idle prompt where traces are compiled.
const MOST_NS_AN_EDGE: f64 = 1000.0;
/// How much longer a busy program may take on the block engine with the parts than with their edges injected.
const MOST_TIMES: f64 = 1.3;
const SECONDS: Tick = 2;
/// A step has four edges: 800 us make 5000 a second.
const WIRING: &str = r#"
[[parts]]
kind = "encoder"
name = "knob"
pins = { a = 5, b = 6 }
step_us = 800
[[parts]]
kind = "button"
name = "bell"
pins = { contact = 10 }
[[parts]]
kind = "switch"
name = "mode"
pins = { contact = 9 }
[[parts]]
kind = "potentiometer"
name = "knob 2"
pins = { wiper = 0 }
[[parts]]
kind = "hc-sr04"
name = "far"
pins = { trigger = 4, echo = 3 }
[[parts]]
kind = "pir"
name = "eye"
pins = { out = 2 }
[[parts]]
kind = "led"
name = "lamp"
pins = { anode = 7 }
[[parts]]
kind = "ws2812"
name = "strip"
pins = { din = 8 }
"#;
const PROGRAM: &str = r#"
from machine import Pin
count = 0
def on_edge(pin):
    global count
    count += 1
Pin(5, Pin.IN, Pin.PULL_UP).irq(on_edge, Pin.IRQ_RISING | Pin.IRQ_FALLING, hard=True)
n = 0
while True:
    n += 1
"#;

fn board(program: &str, engine: EngineKind) -> Machine {
    let mut board = Board::at_prompt_with(engine);
    board.enter_raw();
    board.launch(program);
    board.run_ms(100);
    board.machine().fork()
}

fn wiring() -> Wiring {
    let draft: Draft = toml::from_str(WIRING).unwrap();
    draft.check().unwrap()
}

/// The run with the parts: its edges, and what it cost.
fn with_parts(origin: &mut Machine) -> (Vec<Edge>, Duration) {
    let mut machine = origin.fork();
    let mut wired = Wired::connect(&wiring(), 7, &mut machine).unwrap();
    wired.set(&mut machine, "knob", "turn_steps", 10_000).unwrap();
    let mut scope = Scope::begin(&mut machine, 1 << 20);
    let until = machine.ticks() + SECONDS * TICKS_PER_SECOND;
    let begun = ThreadTime::now();
    machine.run_until(until);
    let took = begun.elapsed();
    scope.take(&mut machine);
    (scope.edges(HEADER_PINS, until).0, took)
}

/// The same edges, injected one after the other by the host.
fn injected(origin: &mut Machine, edges: &[Edge]) -> Duration {
    let mut machine = origin.fork();
    machine.watch_pins(HEADER_PINS);
    let until = machine.ticks() + SECONDS * TICKS_PER_SECOND;
    let begun = ThreadTime::now();
    for edge in edges.iter().filter(|edge| edge.pin == 5 || edge.pin == 6) {
        machine.run_until(edge.tick);
        machine.drive_pin(edge.pin, if edge.level { Drive::PullUp } else { Drive::Low });
    }
    machine.run_until(until);
    begun.elapsed()
}

/// The same edges, planned ahead in the machine's own queue.
fn planned(origin: &mut Machine, edges: &[Edge]) -> Duration {
    let mut machine = origin.fork();
    machine.watch_pins(HEADER_PINS);
    let until = machine.ticks() + SECONDS * TICKS_PER_SECOND;
    let begun = ThreadTime::now();
    for edge in edges.iter().filter(|edge| edge.pin == 5 || edge.pin == 6) {
        machine.plan_pin(edge.tick, edge.pin, if edge.level { Drive::PullUp } else { Drive::Low }).unwrap();
    }
    machine.run_until(until);
    begun.elapsed()
}

fn main() -> ExitCode {
    let mut all_within = true;
    for engine in [EngineKind::Traces, EngineKind::Block] {
        for (name, program, busy) in
            [("a busy program, hard callback", PROGRAM, true), ("an idle prompt", "pass\n", false)]
        {
            let mut origin = board(program, engine);
            // A host that cannot have traces runs the block engine, and is held to its bound.
            let engine = origin.engine_kind();
            let (edges, _) = with_parts(&mut origin);
            let count = edges.iter().filter(|edge| edge.pin == 5 || edge.pin == 6).count();
            let [mut parts, mut host, mut queue] = [Duration::MAX; 3];
            for _ in 0..ROUNDS {
                parts = parts.min(with_parts(&mut origin).1);
                host = host.min(injected(&mut origin, &edges));
                queue = queue.min(planned(&mut origin, &edges));
            }
            let each = |took: Duration| took.as_nanos() as f64 / count as f64;
            let (added_ns, times) = (each(parts) - each(host), parts.as_secs_f64() / host.as_secs_f64());
            let within = match (engine, busy) {
                (EngineKind::Traces, false) => each(parts) <= MOST_NS_AN_EDGE,
                (EngineKind::Block, true) => times <= MOST_TIMES,
                _ => true,
            };
            println!(
                "{engine}, {name}: {count} edges in {SECONDS} s; with eight parts {parts:.1?} ({:.0} ns an edge), injected by the \
                 host {host:.1?} ({:.0} ns), planned {queue:.1?} ({:.0} ns): {added_ns:+.0} ns an edge, factor {times:.2}{}",
                each(parts),
                each(host),
                each(queue),
                if within { "" } else { ": TOO MUCH" },
            );
            all_within &= within;
        }
    }
    if all_within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

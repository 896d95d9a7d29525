//! What an edge costs the host: `cargo bench -p parts` (`cargo xtask firmware` first).
//!
//! Eight parts are wired, an encoder makes 5000 edges a second, and a program counts those of one of its
//! pins in a hard callback. The same edges are then injected by the host without a part. All figures are
//! CPU time of the measuring thread.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark fails by panicking")]

use std::time::Duration;

use cpu_time::ThreadTime;
use emulator::Machine;
use emulator::bus::{TICKS_PER_SECOND, Tick};
use emulator::pins::Drive;
use firmware_tests::Board;
use parts::{Draft, Edge, HEADER_PINS, Scope, Wired, Wiring};

const ROUNDS: usize = 7;
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

fn board(program: &str) -> Machine {
    let mut board = Board::at_prompt();
    board.enter_raw();
    board.launch(program);
    board.run_ms(100);
    board.machine().fork()
}

fn wiring() -> Wiring {
    let draft: Draft = toml::from_str(WIRING).unwrap();
    draft.check().unwrap()
}

fn best(mut round: impl FnMut() -> Duration) -> Duration {
    (0..ROUNDS).map(|_| round()).min().unwrap()
}

/// The run with the parts: its edges, and what it cost.
fn with_parts(origin: &mut Machine) -> (Vec<Edge>, Duration, u64) {
    let mut machine = origin.fork();
    let mut wired = Wired::connect(&wiring(), 7, &mut machine).unwrap();
    wired.set(&mut machine, "knob", "turn_steps", 10_000).unwrap();
    let mut scope = Scope::begin(&mut machine, 1 << 20);
    let until = machine.ticks() + SECONDS * TICKS_PER_SECOND;
    let begun = ThreadTime::now();
    machine.run_until(until);
    let took = begun.elapsed();
    scope.take(&mut machine);
    (scope.edges(HEADER_PINS, until).0, took, machine.instructions())
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

fn main() {
    for (name, program) in [("a busy program, hard callback", PROGRAM), ("an idle prompt", "pass\n")] {
        let mut origin = board(program);
        let (edges, _, _) = with_parts(&mut origin);
        let count = edges.iter().filter(|edge| edge.pin == 5 || edge.pin == 6).count();
        let parts = best(|| with_parts(&mut origin).1);
        let host = best(|| injected(&mut origin, &edges));
        let queue = best(|| planned(&mut origin, &edges));
        let each = |took: Duration| took.as_nanos() as f64 / count as f64;
        println!(
            "{name}: {count} edges in {SECONDS} s; with eight parts {parts:.1?} ({:.0} ns an edge), injected by the host {host:.1?} \
             ({:.0} ns), planned {queue:.1?} ({:.0} ns): {:+.0} ns an edge, factor {:.2}",
            each(parts),
            each(host),
            each(queue),
            each(parts) - each(host),
            parts.as_secs_f64() / host.as_secs_f64(),
        );
    }
}

//! How fast arrivals are tried: `cargo bench -p explorer`, on lesson L15 (`cargo xtask firmware` first).
//!
//! All figures are CPU time of the measuring thread, so that other programs on the machine count less.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark fails by panicking")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::Duration;

use cpu_time::ThreadTime;
use emulator::Source;
use explorer::explore::Arrivals;
use explorer::window::{Limits, Window};

const TIMER_0: Source = Source::SystimerTarget0;
/// Every figure is the best of so many rounds.
const ROUNDS: usize = 5;
/// Windows kept open for the figure of memory.
const KEPT: usize = 16;

fn best<R>(mut f: impl FnMut() -> R) -> (Duration, R) {
    let mut found: Option<(Duration, R)> = None;
    for _ in 0..ROUNDS {
        let begun = ThreadTime::now();
        let result = f();
        let took = begun.elapsed();
        if found.as_ref().is_none_or(|(best, _)| took < *best) {
            found = Some((took, result));
        }
    }
    found.unwrap()
}

/// The most memory that this process ever had resident, in KiB, where the system tells.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?.trim().parse().ok()
}

fn main() {
    let settings = [("kind", "hard"), ("expression", "plain"), ("cure", "none")];
    let open = || support::lost_update_window(&settings, Limits::default()).unwrap();
    let (took, mut window) = best(open);
    println!("boot, program, driver, window of `count += 1`: {took:.1?}");

    let (took, (points, instructions)) = best(|| {
        let (mut points, mut instructions) = (0u32, 0);
        let _ = window.try_each(TIMER_0, 0..window.instructions() + 1, |_, run| {
            points += 1;
            instructions += run.instructions;
            std::ops::ControlFlow::Continue(())
        });
        (points, instructions)
    });
    let seconds = took.as_secs_f64();
    println!(
        "every arrival of the window: {points} points in {took:.1?}, {:.0} points a second, {} instructions each, {:.0} million a second",
        f64::from(points) / seconds,
        instructions / u64::from(points),
        instructions as f64 / seconds / 1e6,
    );

    let middle = window.instructions() / 2;
    let (took, story) = best(|| window.tell(&Arrivals { source: TIMER_0, at: &[middle] }));
    println!("one arrival told, {} instructions: {took:.1?}", story.run.instructions);

    let positions: Vec<u32> = (0..=window.instructions()).collect();
    let (took, partition) = best(|| window.partition(TIMER_0, &[], &positions));
    println!("classes of arrivals: {} in {took:.1?}", partition.classes.len());

    let mut kept: Vec<Window> = Vec::new();
    for _ in 0..KEPT {
        let mut fork = window.fork();
        fork.tell(&Arrivals { source: TIMER_0, at: &[middle] });
        kept.push(fork);
    }
    if let Some(peak_kib) = peak_kib() {
        println!("memory: {} MiB at most, with {} windows open", peak_kib / 1024, kept.len() + 1);
    }
}

//! Lives through random guests and hosts for as long as asked, one seed after the other, on all engines; traces
//! are compiled at the first opportunity, so that it is machine code of hostile guests that runs:
//!
//! `cargo run --release -p emulator --example soak -- [SECONDS] [FIRST_SEED]`
//!
//! Stops at the first seed that fails and names it; running with that seed repeats it exactly.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure is meant to end the soak with a panic")]

#[path = "../tests/chip/guest.rs"]
mod guest;
#[allow(dead_code, reason = "only the part that random guests need is used here")]
#[path = "../tests/chip/image.rs"]
mod image;

use std::time::{Duration, Instant};

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>().ok());
    let seconds = arguments.next().flatten().unwrap_or(60);
    let first = arguments.next().flatten().unwrap_or(1);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut seed = first;
    while Instant::now() < end {
        if std::panic::catch_unwind(|| guest::live(seed, 16)).is_err() {
            eprintln!("seed {seed} fails; repeat it with: cargo run --release -p emulator --example soak -- 1 {seed}");
            std::process::exit(1);
        }
        seed += 1;
    }
    println!("{} lives, seeds {first} to {}: no harm done", seed - first, seed - 1);
}

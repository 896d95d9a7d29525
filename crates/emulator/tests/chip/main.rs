//! The whole chip from outside: boots of the real ROM and bootloader, sessions that can be repeated,
//! forked and replayed, and guests that do whatever they like.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod boot;
mod determinism;
mod engines;
mod explorer;
mod fuzz;
mod guest;
mod image;
mod resets;
mod timing;

use emulator::bus::{TICKS_PER_SECOND, Tick};
use emulator::{FlashImage, Machine, Port, Stop};

const MILLISECOND: Tick = TICKS_PER_SECOND / 1000;

/// Runs until UART0 has printed `text`, at most `milliseconds` of virtual time; returns everything
/// printed meanwhile.
#[track_caller]
fn run_until_printed(machine: &mut Machine, text: &str, milliseconds: u64) -> String {
    let mut printed = String::new();
    for _ in 0..milliseconds {
        assert_eq!(machine.run_for(MILLISECOND), Stop::Deadline, "{printed}");
        printed.push_str(&String::from_utf8_lossy(&machine.uart_take_output(Port::Uart0)));
        if printed.contains(text) {
            return printed;
        }
    }
    panic!("`{text}` was not printed within {milliseconds} ms:\n{printed}");
}

/// The small application that `cargo xtask esp-app` builds: an unmodified `esp-hal` program.
fn esp_app() -> FlashImage {
    built("esp-app-esp32c3.bin", "cargo xtask esp-app")
}

/// The lesson firmware: MicroPython on `esp-hal`.
fn lesson_firmware() -> FlashImage {
    built("lesson-firmware-esp32c3.bin", "cargo xtask firmware")
}

#[track_caller]
fn built(file: &str, command: &str) -> FlashImage {
    let path = format!("{}/../../target/firmware/{file}", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}; run `{command}`"));
    FlashImage::from_bytes(&bytes).unwrap()
}

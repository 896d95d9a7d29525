//! Boots a flash image with MicroPython on UART0, types a busy loop, and runs it for a given number
//! of instructions, in unit time: what `cargo xtask host-instructions` runs under callgrind.

use std::process::ExitCode;

use emulator::bus::TICKS_PER_SECOND;
use emulator::{Config, FlashImage, Machine, Port, Timing};

/// A loop that only MicroPython's own work keeps busy: global loads and stores, and an addition.
const BUSY_LOOP: &[u8] = b"n = 0\r\nwhile True: n += 1\r\n\r\n\r\n";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(path), Some(instructions)) = (arguments.next(), arguments.next().and_then(|count| count.parse().ok()))
    else {
        eprintln!("usage: busy_python FLASH_IMAGE INSTRUCTIONS");
        return ExitCode::FAILURE;
    };
    let image = std::fs::read(&path).map_err(|error| error.to_string());
    let flash = match image.and_then(|bytes| FlashImage::from_bytes(&bytes).map_err(|error| error.to_string())) {
        Ok(flash) => flash,
        Err(error) => {
            eprintln!("{path}: {error}");
            return ExitCode::FAILURE;
        }
    };
    // The engine's own work is counted, and the flash's cache is none of it.
    let mut machine = Machine::new(Config { flash, timing: Timing::Unit, ..Config::default() });
    machine.run_for(TICKS_PER_SECOND);
    machine.uart_write(Port::Uart0, BUSY_LOOP);
    machine.run_for(TICKS_PER_SECOND / 5);
    machine.run_instructions(instructions);
    ExitCode::SUCCESS
}

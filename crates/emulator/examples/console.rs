//! Runs a program at the raw prompt of any MicroPython image and prints what it says, and what the pins did.
//!
//! `cargo run --release -p emulator --example console -- IMAGE PROGRAM.py [SECONDS [PINMASK]]`
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a tool for developers")]

use emulator::bus::TICKS_PER_SECOND;
use emulator::{Config, FlashImage, Machine, Port, Stops};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let flash = FlashImage::from_bytes(&std::fs::read(&arguments[0]).unwrap()).unwrap();
    let program = std::fs::read(&arguments[1]).unwrap();
    let seconds: u64 = arguments.get(2).map_or(10, |text| text.parse().unwrap());
    let mask = arguments.get(3).map_or(0, |text| u32::from_str_radix(text, 16).unwrap());
    let mut machine = Machine::new(Config { flash, ..Config::default() });
    machine.set_stops(Stops { on_reset: true, ..Stops::default() });
    let clock = std::time::Instant::now();
    let mut heard = Vec::new();
    while !heard.ends_with(b">>> ") && machine.ticks() < 20 * TICKS_PER_SECOND {
        machine.run_for(TICKS_PER_SECOND / 1000);
        heard.extend(machine.usb_take_output());
    }
    println!("{}", String::from_utf8_lossy(&machine.uart_take_output(Port::Uart0)));
    println!("{}", String::from_utf8_lossy(&heard));
    eprintln!("prompt after {} ms, {:?}", machine.ticks() * 1000 / TICKS_PER_SECOND, clock.elapsed());
    machine.watch_pins(mask);
    let begun = machine.ticks();
    let mut rest: &[u8] = &[b"\r\x01", program.as_slice(), b"\x04"].concat();
    let end = begun + seconds * TICKS_PER_SECOND;
    while machine.ticks() < end {
        let taken = machine.usb_write(&rest[..rest.len().min(64)]);
        rest = &rest[taken..];
        let stop = machine.run_for(TICKS_PER_SECOND / 1000);
        if !matches!(stop, emulator::Stop::Deadline) {
            eprintln!("{} ms: {stop:?}", (machine.ticks() - begun) * 1000 / TICKS_PER_SECOND);
        }
        print!("{}", String::from_utf8_lossy(&machine.usb_take_output()));
        print!("{}", String::from_utf8_lossy(&machine.uart_take_output(Port::Uart0)));
        for event in machine.take_pin_events().iter().take(60) {
            let us = (event.tick - begun) as f64 / 480.0;
            println!("{us:.2} us: GPIO{} {} {:?} {:?}", event.pin, u8::from(event.level), event.chip, event.wave);
        }
    }
    eprintln!("{:?}, waiting {}, pc {:08x}", clock.elapsed(), machine.is_waiting(), machine.hart().pc);
    for access in machine.unmodelled_accesses().0 {
        eprintln!("{} +{:03x} {}", access.block, access.offset, if access.write { "written" } else { "read" });
    }
}

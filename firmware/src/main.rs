//! The lesson firmware: MicroPython for the ESP32-C3 with hard and soft interrupts, and counters,
//! telemetry and control that live outside Python.
//!
//! # Levels
//! | level | what | may preempt |
//! |---|---|---|
//! | main | the VM | nothing |
//! | 1 | telemetry and control (`telemetry`) | main |
//! | 2..8 | interrupts of lessons: timers, pins, UART1, I2C0, `lab.fire` (`sources`, `pins`) | main, telemetry, lower ones |
//! | 15 | consoles, system alarm, load guard (`console`, `alarm`, `guard`) | everything |
//!
//! Python runs in main and in 2..8. What Python disables are the lines of levels 2..8 only, so
//! levels 1 and 15 answer the host whatever a program does. Nothing here allocates.
#![no_std]
#![no_main]

mod alarm;
mod clock;
mod console;
mod counters;
mod edges;
mod flash;
mod guard;
mod i2c_target;
mod interrupts;
mod lab;
mod ledc;
mod memory;
mod names;
mod panic;
mod peripherals;
mod pins;
mod rmt;
mod run;
mod sleep;
mod sources;
mod telemetry;
mod uart1;
mod virtual_timers;
mod vm;

use esp_hal::clock::CpuClock;

esp_bootloader_esp_idf::esp_app_desc!();

#[esp_hal::main]
fn main() -> ! {
    let config = esp_hal::Config::default().with_cpu_clock(CpuClock::max());
    let peripherals = esp_hal::init(config);
    flash::init(peripherals.FLASH);
    clock::init();
    interrupts::init();
    sleep::init();
    sources::init();
    peripherals::init(peripherals.TIMG1);
    virtual_timers::init(peripherals.TIMG0);
    telemetry::init();
    console::init(peripherals.UART0, peripherals.GPIO20, peripherals.GPIO21, peripherals.USB_DEVICE);
    vm::run()
}

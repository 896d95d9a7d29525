//! The lesson firmware on the virtual board, through its serial line: what callbacks do, what the
//! board tells, and what it answers while Python does not.

#![expect(clippy::panic, reason = "a test ends where the board does not do as expected")]

mod conformance;
mod console;
mod edges;
mod esp32;
mod i2c_target;
mod modules;
mod pins;
mod pwm;
mod pyb;
mod reports;
mod soak;
mod telemetry;

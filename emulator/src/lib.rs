//! A virtual ESP32-C3: it boots the chip's real mask ROM, the real bootloader and any flash image.
//!
//! The crate does no I/O, owns no thread and never reads wall time: virtual time is counted
//! cycles, and the same inputs at the same cycles give the same run, bit for bit.

pub mod bare;
pub mod bus;
pub mod cpu;
pub mod engine;
pub mod flash;
pub mod memory;

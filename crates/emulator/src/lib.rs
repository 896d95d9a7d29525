//! A virtual ESP32-C3: it boots the chip's real mask ROM, the real bootloader and any flash image.
//!
//! The crate does no I/O, owns no thread and never reads wall time: virtual time is counted
//! cycles, and the same inputs at the same cycles give the same run, bit for bit.

pub mod bare;
pub mod bus;
mod chip;
mod clock;
pub mod cpu;
pub mod engine;
pub mod flash;
mod in_place;
pub mod input_log;
pub mod machine;
pub mod memory;
mod peripherals;
pub mod pins;
pub mod rom;
pub mod snapshot;

pub use chip::{Port, Strapping};
pub use cpu::Timing;
pub use flash::FlashImage;
pub use input_log::{Input, InputLog, LoggedInput};
pub use machine::{Config, EngineKind, GuestFault, Injection, InjectionError, Machine, Stop, Stops, UnknownEngine};
pub use peripherals::efuse::{ChipRevision, EfuseImage};
pub use peripherals::interrupt_matrix::Source;
pub use peripherals::rtc_cntl::ResetCause;
pub use peripherals::unmodelled::UnmodelledAccess;
pub use pins::{Drive, PinDevice, PinEvent, PinState, Wave};
pub use snapshot::Snapshot;

//! Core memory: what the hart reaches without asking a device.

/// ROM, internal RAM, RTC memory and the flash windows, with their decoded-code bookkeeping.
#[derive(Debug, Default)]
pub struct Memory {}

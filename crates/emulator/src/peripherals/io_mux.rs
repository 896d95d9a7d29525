//! IO MUX (TRM, chapter "IO MUX and GPIO Matrix"): the pads' configuration: which function a pad
//! carries, and the pull-up and pull-down resistors, which decide the level of a pin that nobody
//! drives. Drive strength, filters and input buffers are only stored.

use super::gpio::signal;
use super::{Registers, bit, field};

const IO_MUX_GPIO0: u32 = 0x04;
const DATE: u32 = 0xFC;

/// Pads GPIO0 to GPIO21.
const PADS: u32 = 22;

const RESET: &[(u32, u32)] = &[(0x00, 0x0000_07FF), (DATE, 0x0200_6050)];

/// The IO_MUX block at 0x6000_9000.
#[derive(Clone, Debug, Hash)]
pub(crate) struct IoMux {
    registers: Registers<0x40>,
}

/// How the pads are configured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Pads {
    /// FUN_WPU, one bit per GPIO.
    pub(crate) pull_up: u32,
    /// FUN_WPD.
    pub(crate) pull_down: u32,
    /// MCU_SEL.
    functions: [u8; PADS as usize],
}

/// What a pad's output carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pad {
    /// What the GPIO matrix brings.
    Gpio,
    /// A peripheral's signal, directly.
    Output(usize),
    /// Something that is not driven here: an input, the flash chip's bus, or JTAG.
    Other,
}

impl Pads {
    /// What a pad's output carries (datasheet, table "IO MUX Pin Functions").
    pub(crate) fn carries(&self, pad: u32) -> Pad {
        match (pad, self.functions.get(pad as usize).copied().unwrap_or(1)) {
            (4..=7 | 12..=17 | 20, 0) => Pad::Other,
            (21, 0) => Pad::Output(signal::U0TXD),
            (_, 0 | 1) => Pad::Gpio,
            (2, 2) => Pad::Output(signal::FSPIQ),
            (4, 2) => Pad::Output(signal::FSPIHD),
            (5, 2) => Pad::Output(signal::FSPIWP),
            (6, 2) => Pad::Output(signal::FSPICLK),
            (7, 2) => Pad::Output(signal::FSPID),
            (10, 2) => Pad::Output(signal::FSPICS0),
            _ => Pad::Other,
        }
    }

    /// The pad whose own function is this input signal.
    pub(crate) fn input_pad(&self, wanted: usize) -> Option<u32> {
        (0..PADS).find(|&pad| self.carries(pad) == Pad::Output(wanted))
    }
}

impl IoMux {
    pub(crate) fn new() -> Self {
        let mut registers = Registers::new(RESET);
        for pad in 0..PADS {
            registers.set(IO_MUX_GPIO0 + 4 * pad, reset_of(pad));
        }
        Self { registers }
    }

    /// The pads as configured now.
    pub(crate) fn pads(&self) -> Pads {
        let mut pads = Pads::default();
        for pad in 0..PADS {
            let value = self.registers.get(IO_MUX_GPIO0 + 4 * pad);
            pads.pull_up |= u32::from(bit(value, 8)) << pad;
            pads.pull_down |= u32::from(bit(value, 7)) << pad;
            pads.functions[pad as usize] = field(value, 12, 14) as u8;
        }
        pads
    }

    pub(crate) fn peek(&self, offset: u32) -> u32 {
        self.registers.get(offset)
    }

    pub(crate) fn store(&mut self, offset: u32, value: u32) {
        self.registers.set(offset, value);
    }
}

/// Reset value of a pad's register: drive strength 2, with input buffer (FUN_IE) and pull-up
/// (FUN_WPU) where the datasheet's table of pin settings at reset has them.
fn reset_of(pad: u32) -> u32 {
    match pad {
        2 | 3 | 8 | 10 => 0x0000_0A00,
        9 | 20 => 0x0000_0B00,
        21 => 0x0000_0900,
        _ => 0x0000_0800,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pulls_follow_the_pad_registers() {
        let mut mux = IoMux::new();
        assert!(bit(mux.pads().pull_up, 9), "GPIO9 selects the boot mode and is pulled up");
        mux.store(IO_MUX_GPIO0 + 4 * 5, 1 << 8);
        mux.store(IO_MUX_GPIO0 + 4 * 6, 1 << 7);
        assert!(bit(mux.pads().pull_up, 5) && bit(mux.pads().pull_down, 6));
        mux.store(IO_MUX_GPIO0 + 4 * 5, 0);
        assert!(!bit(mux.pads().pull_up, 5));
    }
}

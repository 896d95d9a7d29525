//! IO MUX (TRM, chapter "IO MUX and GPIO Matrix"): the pads' configuration. It is stored; the
//! pull-up and pull-down resistors decide the level of a pin that nobody drives. Which function a
//! pad carries is not modelled.

use super::{Registers, bit};

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

/// Which pads are pulled up and which down, one bit per GPIO.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pulls {
    /// FUN_WPU.
    pub(crate) up: u32,
    /// FUN_WPD.
    pub(crate) down: u32,
}

impl IoMux {
    pub(crate) fn new() -> Self {
        let mut registers = Registers::new(RESET);
        for pad in 0..PADS {
            registers.set(IO_MUX_GPIO0 + 4 * pad, reset_of(pad));
        }
        Self { registers }
    }

    /// The pull resistors as configured now.
    pub(crate) fn pulls(&self) -> Pulls {
        let mut pulls = Pulls::default();
        for pad in 0..PADS {
            let value = self.registers.get(IO_MUX_GPIO0 + 4 * pad);
            pulls.up |= u32::from(bit(value, 8)) << pad;
            pulls.down |= u32::from(bit(value, 7)) << pad;
        }
        pulls
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
        assert!(bit(mux.pulls().up, 9), "GPIO9 selects the boot mode and is pulled up");
        mux.store(IO_MUX_GPIO0 + 4 * 5, 1 << 8);
        mux.store(IO_MUX_GPIO0 + 4 * 6, 1 << 7);
        assert!(bit(mux.pulls().up, 5) && bit(mux.pulls().down, 6));
        mux.store(IO_MUX_GPIO0 + 4 * 5, 0);
        assert!(!bit(mux.pulls().up, 5));
    }
}

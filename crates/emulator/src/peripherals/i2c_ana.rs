//! The internal I2C master by which firmware sets the analog parts: the PLL, the regulators, the
//! converters. The parts' registers are stored and read back; the PLL is calibrated at once.

use std::collections::BTreeMap;

use super::{Registers, bit, field};

const I2C0_CTRL: u32 = 0x00;
const I2C1_CTRL: u32 = 0x04;
const ANA_CONF0: u32 = 0x40;

/// The analog I2C masters at 0x6000_E000.
#[derive(Clone, Debug, Hash)]
pub(crate) struct I2cAna {
    registers: Registers<0x40>,
    /// Registers of the analog parts, by part and register address.
    parts: BTreeMap<(u8, u8), u8>,
}

impl I2cAna {
    pub(crate) fn new() -> Self {
        Self { registers: Registers::new(&[]), parts: BTreeMap::new() }
    }

    pub(crate) fn peek(&self, offset: u32) -> u32 {
        match offset {
            I2C0_CTRL | I2C1_CTRL => {
                // The transfer is finished: BUSY (bit 25) is clear and the data field holds what
                // the part's register holds.
                let control = self.registers.get(offset) & !(1 << 25 | 0xFF << 16);
                let held = self.parts.get(&address(control)).copied().unwrap_or(0);
                control | u32::from(held) << 16
            }
            // BBPLL_CAL_DONE.
            ANA_CONF0 => self.registers.get(offset) | 1 << 24,
            _ => self.registers.get(offset),
        }
    }

    pub(crate) fn store(&mut self, offset: u32, value: u32) {
        self.registers.set(offset, value);
        if matches!(offset, I2C0_CTRL | I2C1_CTRL) && bit(value, 24) {
            self.parts.insert(address(value), field(value, 16, 23) as u8);
        }
    }
}

/// The part and its register that a control word addresses.
fn address(control: u32) -> (u8, u8) {
    (field(control, 0, 7) as u8, field(control, 8, 15) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_to_a_part_is_read_back() {
        let mut i2c = I2cAna::new();
        i2c.store(I2C0_CTRL, 1 << 24 | 0x5A << 16 | 4 << 8 | 0x66);
        i2c.store(I2C0_CTRL, 7 << 8 | 0x66);
        assert_eq!(field(i2c.peek(I2C0_CTRL), 16, 23), 0);
        i2c.store(I2C1_CTRL, 4 << 8 | 0x66);
        assert_eq!(field(i2c.peek(I2C1_CTRL), 16, 23), 0x5A);
        assert!(!bit(i2c.peek(I2C1_CTRL), 25));
        assert!(bit(i2c.peek(ANA_CONF0), 24));
    }
}

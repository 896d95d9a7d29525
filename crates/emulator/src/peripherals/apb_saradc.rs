//! Analog-to-digital converter, APB_SARADC (TRM, chapter "On-Chip Sensors and Analog Signal
//! Processing"): one-shot conversions. The digital controller with DMA is not modelled.

use super::{Interrupts, Registers, bit, field};

const SAR1DATA_STATUS: u32 = 0x2C;
const SAR2DATA_STATUS: u32 = 0x30;
const ONETIME_SAMPLE: u32 = 0x20;
const INT_ENA: u32 = 0x40;
const INT_RAW: u32 = 0x44;
const INT_ST: u32 = 0x48;
const INT_CLR: u32 = 0x4C;
const TSENS_CTRL: u32 = 0x58;

const RESET: &[(u32, u32)] = &[
    (0x00, 0x4003_8240),
    (0x04, 0x0000_A1FE),
    (0x0C, 0x00FF_0808),
    (ONETIME_SAMPLE, 0x1A00_0000),
    (0x24, 0x0000_0900),
    (0x28, 0x0374_0000),
    (0x34, 0x0003_FFED),
    (0x38, 0x0003_FFED),
    (0x50, 0x0000_00FF),
    (0x54, 0x0000_0004),
    (TSENS_CTRL, 0x0001_8000),
    (0x5C, 0x0000_4002),
    (0x60, 0x0000_8000),
    (0x3FC, 0x0200_7171),
];

const ADC1_DONE_INT: u32 = 1 << 31;
const ADC2_DONE_INT: u32 = 1 << 30;

/// Channels of SAR ADC1, on GPIO0 to GPIO4.
const ADC1_CHANNELS: usize = 5;
/// The temperature sensor's raw output: about 26 degrees Celsius by the manual's formula
/// T = 0.4386 * value - 27.88 * offset - 20.52 with offset 0.
const TSENS_OUT: u32 = 106;

/// The APB_SARADC block at 0x6004_0000.
#[derive(Clone, Debug, Hash)]
pub(crate) struct ApbSaradc {
    registers: Registers<0x100>,
    interrupts: Interrupts,
    data: [u32; 2],
    /// Raw 12-bit value that each channel of ADC1 converts to.
    inputs: [u16; ADC1_CHANNELS],
}

impl ApbSaradc {
    pub(crate) fn new() -> Self {
        Self {
            registers: Registers::new(RESET),
            interrupts: Interrupts::default(),
            data: [0; 2],
            inputs: [0; ADC1_CHANNELS],
        }
    }

    /// Whether the interrupt source is active.
    pub(crate) fn active(&self) -> bool {
        self.interrupts.active()
    }

    /// Sets what channel `channel` of ADC1 converts to, 0..=4095.
    pub(crate) fn set_input(&mut self, channel: u8, raw: u16) {
        if let Some(input) = self.inputs.get_mut(usize::from(channel)) {
            *input = raw.min(0xFFF);
        }
    }

    /// Resets the registers and keeps the outside world.
    pub(crate) fn reset(&mut self) {
        *self = Self { inputs: self.inputs, ..Self::new() };
    }

    pub(crate) fn peek(&self, offset: u32) -> u32 {
        match offset {
            SAR1DATA_STATUS => self.data[0],
            SAR2DATA_STATUS => self.data[1],
            INT_ENA => self.interrupts.enabled,
            INT_RAW => self.interrupts.raw,
            INT_ST => self.interrupts.status(),
            INT_CLR => 0,
            TSENS_CTRL => self.registers.get(offset) & !0xFF | TSENS_OUT,
            _ => self.registers.get(offset),
        }
    }

    pub(crate) fn store(&mut self, offset: u32, value: u32) {
        match offset {
            ONETIME_SAMPLE => {
                let starts = bit(value, 29) && !bit(self.registers.get(offset), 29);
                self.registers.set(offset, value);
                if starts {
                    self.convert(value);
                }
            }
            INT_ENA => self.interrupts.enabled = value,
            INT_CLR => self.interrupts.raw &= !value,
            SAR1DATA_STATUS | SAR2DATA_STATUS | INT_RAW | INT_ST => {}
            _ => self.registers.set(offset, value),
        }
    }

    /// A one-shot conversion; it is finished at once.
    fn convert(&mut self, sample: u32) {
        let channel = field(sample, 25, 28);
        if bit(sample, 31) {
            let raw = self.inputs.get(channel as usize).copied().unwrap_or(0);
            self.data[0] = channel << 13 | u32::from(raw);
            self.interrupts.raw |= ADC1_DONE_INT;
        }
        if bit(sample, 30) {
            self.data[1] = channel << 13;
            self.interrupts.raw |= ADC2_DONE_INT;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_one_shot_conversion_finishes_with_its_value() {
        let mut adc = ApbSaradc::new();
        adc.set_input(3, 1234);
        adc.set_input(9, 1);
        adc.store(INT_ENA, ADC1_DONE_INT);
        adc.store(ONETIME_SAMPLE, 1 << 31 | 3 << 25);
        assert!(!adc.active());
        adc.store(ONETIME_SAMPLE, 1 << 31 | 1 << 29 | 3 << 25);
        assert!(adc.active());
        assert_eq!(adc.peek(SAR1DATA_STATUS) & 0xFFF, 1234);
        adc.store(INT_CLR, ADC1_DONE_INT);
        assert!(!adc.active());
        adc.store(ONETIME_SAMPLE, 1 << 30);
        adc.store(ONETIME_SAMPLE, 1 << 30 | 1 << 29);
        assert_eq!(adc.peek(INT_RAW), ADC2_DONE_INT);
    }
}

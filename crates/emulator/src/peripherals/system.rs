//! SYSTEM registers (TRM, chapters "System Registers" and "Reset and Clock"): the clock tree, the
//! software interrupts and the resets of single peripherals.

use super::{Registers, bit, field};
use crate::clock::{APB_PLL_TICKS, Clocks, XTAL_TICKS};

const CPU_PER_CONF: u32 = 0x008;
const PERIP_RST_EN0: u32 = 0x018;
const PERIP_RST_EN1: u32 = 0x01C;
const CPU_INTR_FROM_CPU_0: u32 = 0x028;
const CPU_INTR_FROM_CPU_3: u32 = 0x034;
const RTC_FASTMEM_CONFIG: u32 = 0x048;
const REDUNDANT_ECO_CTRL: u32 = 0x050;
const SYSCLK_CONF: u32 = 0x058;
const DATE: u32 = 0xFFC;

const RESET: &[(u32, u32)] = &[
    (0x004, 0x0000_00C0),
    (CPU_PER_CONF, 0x0000_000C),
    (0x00C, 0x0000_0001),
    (0x010, 0xF9C1_E06F),
    (0x014, 0x0000_0200),
    (PERIP_RST_EN1, 0x0000_01FE),
    (0x020, 0x0000_00FF),
    (0x024, 0x0200_1001),
    (0x038, 0x0000_0001),
    (0x03C, 0x0000_0001),
    (0x040, 0x0000_0005),
    (RTC_FASTMEM_CONFIG, 0x7FF0_0000),
    (0x054, 0x0000_0001),
    (SYSCLK_CONF, 0x0000_0001),
    (0x05C, 0x0000_0003),
    (0x060, 0x0000_0003),
];

/// Ticks per cycle of the fast RC oscillator. Its nominal 17.5 MHz does not divide the tick; 27
/// ticks make 17.8 MHz, well inside what the oscillator's tolerance allows on silicon.
const RC_FAST_TICKS: u32 = 27;

/// The SYSTEM block at 0x600C_0000.
#[derive(Clone, Debug, Hash)]
pub(crate) struct System {
    registers: Registers<0x20>,
}

/// Peripherals whose reset bit a store to PERIP_RST_EN0/1 has just set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PeripheralResets {
    /// Newly set bits of PERIP_RST_EN0.
    pub(crate) en0: u32,
    /// Newly set bits of PERIP_RST_EN1.
    pub(crate) en1: u32,
}

impl System {
    pub(crate) fn new() -> Self {
        Self { registers: Registers::new(RESET) }
    }

    /// The clocks that the registers select now.
    pub(crate) fn clocks(&self) -> Clocks {
        let conf = self.registers.get(SYSCLK_CONF);
        let divider = field(conf, 0, 9) + 1;
        match field(conf, 10, 11) {
            1 => {
                // CPUPERIOD_SEL: 0 is 80 MHz, everything else 160 MHz.
                let cpu = if field(self.registers.get(CPU_PER_CONF), 0, 1) == 0 { 6 } else { 3 };
                Clocks { cpu, apb: APB_PLL_TICKS }
            }
            2 => Clocks { cpu: RC_FAST_TICKS * divider, apb: RC_FAST_TICKS * divider },
            _ => Clocks { cpu: XTAL_TICKS * divider, apb: XTAL_TICKS * divider },
        }
    }

    /// The levels of the four software interrupts.
    pub(crate) fn software_interrupts(&self) -> [bool; 4] {
        std::array::from_fn(|n| bit(self.registers.get(CPU_INTR_FROM_CPU_0 + 4 * n as u32), 0))
    }

    /// Sets software interrupt `n` (0..=3) as a store to CPU_INTR_FROM_CPU_n does.
    pub(crate) fn raise_software_interrupt(&mut self, n: u32) {
        self.registers.set((CPU_INTR_FROM_CPU_0 + 4 * n).min(CPU_INTR_FROM_CPU_3), 1);
    }

    pub(crate) fn peek(&self, offset: u32) -> u32 {
        match offset {
            // The crystal frequency in MHz, as the hardware reports it.
            SYSCLK_CONF => self.registers.get(offset) & !(0x7F << 12) | 40 << 12,
            // The checksum unit of the RTC memory has always finished.
            RTC_FASTMEM_CONFIG => self.registers.get(offset) | 1 << 31,
            REDUNDANT_ECO_CTRL => self.registers.get(offset) & 1 | (self.registers.get(offset) & 1) << 1,
            DATE => 0x0200_7150,
            _ => self.registers.get(offset),
        }
    }

    pub(crate) fn store(&mut self, offset: u32, value: u32) -> PeripheralResets {
        let rising = value & !self.registers.get(offset);
        self.registers.set(offset, value);
        match offset {
            PERIP_RST_EN0 => PeripheralResets { en0: rising, en1: 0 },
            PERIP_RST_EN1 => PeripheralResets { en0: 0, en1: rising },
            _ => PeripheralResets::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_selection_follows_the_registers() {
        let mut system = System::new();
        assert_eq!(system.clocks(), Clocks { cpu: 24, apb: 24 }, "20 MHz after reset");
        system.store(SYSCLK_CONF, 0);
        assert_eq!(system.clocks().cpu, 12, "crystal, 40 MHz");
        system.store(SYSCLK_CONF, 1 << 10);
        assert_eq!(system.clocks(), Clocks { cpu: 6, apb: 6 }, "PLL, 80 MHz");
        system.store(CPU_PER_CONF, 0xD);
        assert_eq!(system.clocks(), Clocks { cpu: 3, apb: 6 }, "PLL, 160 MHz");
        assert_eq!(field(system.peek(SYSCLK_CONF), 12, 18), 40);
    }

    #[test]
    fn only_a_rising_reset_bit_resets() {
        let mut system = System::new();
        assert_eq!(system.store(PERIP_RST_EN0, 4).en0, 4);
        assert_eq!(system.store(PERIP_RST_EN0, 6).en0, 2);
        assert_eq!(system.store(PERIP_RST_EN0, 0), PeripheralResets::default());
    }
}

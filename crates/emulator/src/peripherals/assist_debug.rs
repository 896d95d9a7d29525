//! Debug assist, ASSIST_DEBUG (TRM, chapter "Debug Assist"): the record of the program counter at
//! the moment of a reset, which the ROM prints as "Saved PC". Its monitors of memory areas and of the
//! stack pointer are registers without an effect.

use super::{Registers, bit};

const CORE_0_INTR_CLR: u32 = 0x0C;
const CORE_0_RCD_EN: u32 = 0x44;
const CORE_0_RCD_PDEBUGPC: u32 = 0x48;
const CORE_0_RCD_PDEBUGSP: u32 = 0x4C;
const DATE: u32 = 0x1FC;

/// The monitors' bounds enclose nothing.
const RESET: &[(u32, u32)] =
    &[(0x10, u32::MAX), (0x18, u32::MAX), (0x20, u32::MAX), (0x28, u32::MAX), (0x3C, u32::MAX), (0x70, 0x80)];

/// The ASSIST_DEBUG block at 0x600C_E000.
#[derive(Clone, Debug, Hash)]
pub(crate) struct AssistDebug {
    registers: Registers<0x28>,
}

impl AssistDebug {
    /// The block after power-on: nothing is recorded.
    pub(crate) fn new() -> Self {
        Self { registers: Registers::new(RESET) }
    }

    /// The block after a reset that struck at `pc` with stack pointer `sp`.
    pub(crate) fn reset(&mut self, pc: u32, sp: u32) {
        let records = self.registers.get(CORE_0_RCD_EN) & 3 == 3;
        *self = Self::new();
        if records {
            self.registers.set(CORE_0_RCD_PDEBUGPC, pc);
            self.registers.set(CORE_0_RCD_PDEBUGSP, sp);
        }
    }

    pub(crate) fn peek(&self, offset: u32) -> u32 {
        match offset {
            CORE_0_INTR_CLR => 0,
            DATE => 0x0200_8010,
            _ => self.registers.get(offset),
        }
    }

    pub(crate) fn store(&mut self, offset: u32, value: u32) {
        match offset {
            CORE_0_RCD_PDEBUGPC | CORE_0_RCD_PDEBUGSP => {}
            // Recording begins with a clean record.
            CORE_0_RCD_EN if bit(value, 0) && !bit(self.registers.get(offset), 0) => {
                self.registers.set(CORE_0_RCD_PDEBUGPC, 0);
                self.registers.set(CORE_0_RCD_PDEBUGSP, 0);
                self.registers.set(offset, value);
            }
            _ => self.registers.set(offset, value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_saves_the_program_counter_if_recording_is_on() {
        let mut debug = AssistDebug::new();
        debug.reset(0x4200_1234, 0x3FCC_0000);
        assert_eq!(debug.peek(CORE_0_RCD_PDEBUGPC), 0);
        debug.store(CORE_0_RCD_EN, 3);
        debug.reset(0x4200_1234, 0x3FCC_0000);
        assert_eq!(debug.peek(CORE_0_RCD_PDEBUGPC), 0x4200_1234);
        assert_eq!(debug.peek(CORE_0_RCD_EN), 0);
        debug.store(CORE_0_RCD_EN, 3);
        assert_eq!(debug.peek(CORE_0_RCD_PDEBUGPC), 0);
    }
}

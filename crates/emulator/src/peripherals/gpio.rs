//! GPIO (TRM, chapter "IO MUX and GPIO Matrix"): output, input and interrupts of the 22 pins. The
//! routing registers of the GPIO matrix are stored, but peripheral signals do not reach pins.

use super::io_mux::Pulls;
use super::{Registers, bit, field};

const OUT: u32 = 0x004;
const OUT_W1TS: u32 = 0x008;
const OUT_W1TC: u32 = 0x00C;
const ENABLE: u32 = 0x020;
const ENABLE_W1TS: u32 = 0x024;
const ENABLE_W1TC: u32 = 0x028;
const STRAP: u32 = 0x038;
const IN: u32 = 0x03C;
const STATUS: u32 = 0x044;
const STATUS_W1TS: u32 = 0x048;
const STATUS_W1TC: u32 = 0x04C;
const PCPU_INT: u32 = 0x05C;
const PCPU_NMI_INT: u32 = 0x060;
const PIN0: u32 = 0x074;
const PIN25: u32 = PIN0 + 4 * 25;
const FUNC0_OUT_SEL_CFG: u32 = 0x554;
const CLOCK_GATE: u32 = 0x62C;
const DATE: u32 = 0x6FC;

/// Pins that the registers have bits for.
const REGISTER_PINS: u32 = 26;
const PINS: u32 = (1 << REGISTER_PINS) - 1;

/// The GPIO block at 0x6000_4000.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Gpio {
    registers: Registers<0x1C0>,
    out: u32,
    enable: u32,
    status: u32,
    /// Boot mode as sampled at reset.
    strap: u32,
    /// Pins that something outside drives, and to which level.
    driven: u32,
    driven_levels: u32,
    pulls_up: u32,
    /// Levels of all pins, for edge detection.
    levels: u32,
}

impl Gpio {
    /// The block after reset; what drives the pins from outside is not changed by a reset.
    pub(crate) fn new(strap: u32) -> Self {
        let mut registers = Registers::new(&[(CLOCK_GATE, 1), (DATE, 0x0200_6130)]);
        for pin in 0..REGISTER_PINS {
            // OUT_SEL 128: the pin follows GPIO_OUT.
            registers.set(FUNC0_OUT_SEL_CFG + 4 * pin, 0x80);
        }
        Self { registers, out: 0, enable: 0, status: 0, strap, driven: 0, driven_levels: 0, pulls_up: 0, levels: 0 }
    }

    /// Resets the registers and keeps the outside world.
    pub(crate) fn reset(&mut self, strap: u32) {
        let (driven, driven_levels) = (self.driven, self.driven_levels);
        *self = Self::new(strap);
        self.driven = driven;
        self.driven_levels = driven_levels;
        self.levels = self.present_levels();
    }

    /// Whether the maskable and the non-maskable interrupt source are active.
    pub(crate) fn active(&self) -> (bool, bool) {
        (self.pending(13) != 0, self.pending(14) != 0)
    }

    /// Pins whose status bit is set and whose PINn register enables bit `enable_bit`.
    fn pending(&self, enable_bit: u32) -> u32 {
        let mut pending = 0;
        let mut rest = self.status;
        while rest != 0 {
            let pin = rest.trailing_zeros();
            rest &= rest - 1;
            pending |= u32::from(bit(self.registers.get(PIN0 + 4 * pin), enable_bit)) << pin;
        }
        pending
    }

    /// Lets something outside drive a pin (`None`: lets go of it).
    pub(crate) fn drive(&mut self, pin: u8, level: Option<bool>) {
        let mask = 1_u32.checked_shl(u32::from(pin)).unwrap_or(0) & PINS;
        match level {
            None => self.driven &= !mask,
            Some(level) => {
                self.driven |= mask;
                self.driven_levels = if level { self.driven_levels | mask } else { self.driven_levels & !mask };
            }
        }
        self.follow_levels();
    }

    /// Takes over the pads' pull resistors.
    pub(crate) fn set_pulls(&mut self, pulls: Pulls) {
        self.pulls_up = pulls.up & !pulls.down;
        self.follow_levels();
    }

    /// Level of every pin, bit n for pin n.
    pub(crate) fn levels(&self) -> u32 {
        self.levels
    }

    /// Pins that the chip drives itself, bit n for pin n.
    pub(crate) fn outputs(&self) -> u32 {
        self.enable
    }

    /// A pin has the level the chip drives, else what the outside drives, else its pull-up.
    fn present_levels(&self) -> u32 {
        let outside = self.driven & self.driven_levels | !self.driven & self.pulls_up;
        (self.enable & self.out | !self.enable & outside) & PINS
    }

    /// Detects edges and level conditions and sets the status bits they cause.
    fn follow_levels(&mut self) {
        let levels = self.present_levels();
        let changed = levels ^ self.levels;
        self.levels = levels;
        for pin in 0..REGISTER_PINS {
            let high = bit(levels, pin);
            let edge = bit(changed, pin);
            let met = match field(self.registers.get(PIN0 + 4 * pin), 7, 9) {
                1 => edge && high,
                2 => edge && !high,
                3 => edge,
                4 => !high,
                5 => high,
                _ => false,
            };
            self.status |= u32::from(met) << pin;
        }
    }

    pub(crate) fn peek(&self, offset: u32) -> u32 {
        match offset {
            OUT => self.out,
            ENABLE => self.enable,
            OUT_W1TS | OUT_W1TC | ENABLE_W1TS | ENABLE_W1TC | STATUS_W1TS | STATUS_W1TC => 0,
            STRAP => self.strap,
            IN => self.levels,
            STATUS => self.status,
            PCPU_INT => self.pending(13),
            PCPU_NMI_INT => self.pending(14),
            _ => self.registers.get(offset),
        }
    }

    pub(crate) fn store(&mut self, offset: u32, value: u32) {
        let value = if offset < PIN0 { value & PINS } else { value };
        match offset {
            OUT => self.out = value,
            OUT_W1TS => self.out |= value,
            OUT_W1TC => self.out &= !value,
            ENABLE => self.enable = value,
            ENABLE_W1TS => self.enable |= value,
            ENABLE_W1TC => self.enable &= !value,
            STATUS => self.status = value,
            STATUS_W1TS => self.status |= value,
            STATUS_W1TC => self.status &= !value,
            STRAP | IN | PCPU_INT | PCPU_NMI_INT => return,
            PIN0..=PIN25 => self.registers.set(offset, value),
            _ => {
                self.registers.set(offset, value);
                return;
            }
        }
        self.follow_levels();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_interrupt(pin: u32, kind: u32) -> Gpio {
        let mut gpio = Gpio::new(0xC);
        gpio.store(PIN0 + 4 * pin, kind << 7 | 1 << 13);
        gpio
    }

    #[track_caller]
    fn check(kind: u32, levels: &[bool], expected: &[bool]) {
        let mut gpio = with_interrupt(5, kind);
        gpio.drive(5, Some(false));
        gpio.store(STATUS_W1TC, u32::MAX);
        let got: Vec<bool> = levels
            .iter()
            .map(|&level| {
                gpio.drive(5, Some(level));
                let active = gpio.active().0;
                gpio.store(STATUS_W1TC, u32::MAX);
                active
            })
            .collect();
        assert_eq!(got, expected, "interrupt type {kind}");
    }

    #[test]
    fn interrupt_types() {
        let levels = [true, true, false, false];
        check(0, &levels, &[false, false, false, false]);
        check(1, &levels, &[true, false, false, false]);
        check(2, &levels, &[false, false, true, false]);
        check(3, &levels, &[true, false, true, false]);
        // A level that still holds sets its bit again right after the clear.
        check(4, &levels, &[true, false, true, true]);
        check(5, &levels, &[true, true, true, false]);
    }

    #[test]
    fn an_output_pin_reads_back_and_triggers_its_own_interrupt() {
        let mut gpio = with_interrupt(6, 3);
        gpio.store(ENABLE_W1TS, 1 << 6);
        gpio.store(OUT_W1TS, 1 << 6);
        assert_eq!(gpio.peek(IN), 1 << 6);
        assert_eq!(gpio.peek(PCPU_INT), 1 << 6);
        gpio.store(STATUS_W1TC, 1 << 6);
        assert!(!gpio.active().0);
        gpio.store(OUT_W1TC, 1 << 6);
        assert!(gpio.active().0);
    }

    #[test]
    fn a_status_bit_without_enable_does_not_ask_for_service() {
        let mut gpio = Gpio::new(0xC);
        gpio.store(PIN0 + 4 * 3, 1 << 7);
        gpio.drive(3, Some(true));
        assert_eq!(gpio.peek(STATUS), 1 << 3);
        assert_eq!(gpio.active(), (false, false));
        gpio.store(PIN0 + 4 * 3, 1 << 7 | 2 << 13);
        assert_eq!(gpio.active(), (false, true));
    }

    #[test]
    fn pulls_decide_where_nobody_drives() {
        let mut gpio = Gpio::new(0xC);
        gpio.set_pulls(Pulls { up: 1 << 4 | 1 << 5, down: 1 << 5 });
        assert_eq!(gpio.peek(IN), 1 << 4);
        gpio.drive(4, Some(false));
        assert_eq!(gpio.peek(IN), 0);
        gpio.drive(4, None);
        assert_eq!(gpio.peek(IN), 1 << 4);
        gpio.drive(200, Some(true));
    }
}

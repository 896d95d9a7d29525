//! GPIO and the GPIO matrix (TRM, chapter "IO MUX and GPIO Matrix"): output, input and interrupts of
//! the pins, and the routing of peripheral signals to pins and of pins to peripheral inputs.

mod watch;

use super::io_mux::{Pad, Pads};
use super::{Registers, bit, field};
use crate::pins::{Drives, Trigger};
use watch::Watch;

const OUT: u32 = 0x004;
const OUT_W1TS: u32 = 0x008;
const OUT_W1TC: u32 = 0x00C;
const ENABLE: u32 = 0x020;
const ENABLE_W1TS: u32 = 0x024;
const ENABLE_W1TC: u32 = 0x028;
const STRAP: u32 = 0x038;
pub(crate) const IN: u32 = 0x03C;
const STATUS: u32 = 0x044;
const STATUS_W1TS: u32 = 0x048;
const STATUS_W1TC: u32 = 0x04C;
const PCPU_INT: u32 = 0x05C;
const PCPU_NMI_INT: u32 = 0x060;
/// Below are the registers of outputs, levels and interrupt status, from here on those of what becomes of them.
pub(crate) const PIN0: u32 = 0x074;
const PIN25: u32 = PIN0 + 4 * 25;
const FUNC0_IN_SEL_CFG: u32 = 0x154;
const FUNC127_IN_SEL_CFG: u32 = FUNC0_IN_SEL_CFG + 4 * 127;
const FUNC0_OUT_SEL_CFG: u32 = 0x554;
const FUNC25_OUT_SEL_CFG: u32 = FUNC0_OUT_SEL_CFG + 4 * 25;
const CLOCK_GATE: u32 = 0x62C;
const DATE: u32 = 0x6FC;

/// Pins that the registers have bits for.
const REGISTER_PINS: u32 = 26;
const PINS: u32 = (1 << REGISTER_PINS) - 1;
/// OUT_SEL: the pin follows GPIO_OUT and GPIO_ENABLE.
const SIMPLE_OUTPUT: u32 = 0x80;

/// Peripheral signals of the GPIO matrix by number (TRM, table "Peripheral Signals via GPIO Matrix").
pub(crate) mod signal {
    pub(crate) const U0TXD: usize = 6;
    pub(crate) const U1TXD: usize = 9;
    /// The input of the same number.
    pub(crate) const U1RXD: usize = 9;
    pub(crate) const LEDC_LS_SIG0: usize = 45;
    pub(crate) const RMT_SIG0: usize = 51;
    pub(crate) const I2CEXT0_SCL: usize = 53;
    pub(crate) const I2CEXT0_SDA: usize = 54;
    pub(crate) const FSPICLK: usize = 63;
    pub(crate) const FSPIQ: usize = 64;
    pub(crate) const FSPID: usize = 65;
    pub(crate) const FSPIHD: usize = 66;
    pub(crate) const FSPIWP: usize = 67;
    pub(crate) const FSPICS0: usize = 68;
    pub(crate) const FSPICS5: usize = FSPICS0 + 5;
    pub(crate) const TWAI_TX: usize = 74;
    /// Numbers a signal can have.
    pub(crate) const COUNT: usize = 128;

    /// Whether a modelled peripheral puts out anything but what [`Signals::IDLE`](super::Signals::IDLE) says.
    pub(crate) fn moves(signal: usize) -> bool {
        matches!(signal, LEDC_LS_SIG0..=I2CEXT0_SDA | FSPICLK..=FSPICS5)
    }
}

/// What the peripherals put out towards the matrix, one bit per signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signals {
    pub(crate) levels: u128,
    pub(crate) enabled: u128,
}

impl Signals {
    /// What everything that has no say puts out: idle serial lines are high.
    pub(crate) const IDLE: Self =
        Self { levels: 1 << signal::U0TXD | 1 << signal::U1TXD | 1 << signal::TWAI_TX, enabled: u128::MAX };

    pub(crate) fn set(&mut self, signal: usize, level: bool, enabled: bool) {
        let mask = 1_u128 << (signal % signal::COUNT);
        self.levels = if level { self.levels | mask } else { self.levels & !mask };
        self.enabled = if enabled { self.enabled | mask } else { self.enabled & !mask };
    }

    fn get(&self, signal: u8) -> (bool, bool) {
        let number = usize::from(signal) % signal::COUNT;
        (self.levels >> number & 1 != 0, self.enabled >> number & 1 != 0)
    }
}

/// How the pins' outputs are routed, worked out when the registers change.
#[derive(Clone, Debug, Default, Hash)]
struct Routes {
    /// Pins that follow GPIO_OUT and GPIO_ENABLE.
    simple: u32,
    /// Pins that carry a peripheral's signal, and which.
    routed: u32,
    signals: [u8; REGISTER_PINS as usize],
    /// The output, or its enabling, is inverted.
    inverted: u32,
    enable_inverted: u32,
    /// GPIO_ENABLE decides instead of the peripheral.
    enable_simple: u32,
    open_drain: u32,
}

/// The GPIO block at 0x6000_4000.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Gpio {
    registers: Registers<0x1C0>,
    out: u32,
    enable: u32,
    status: u32,
    /// Boot mode as sampled at reset.
    strap: u32,
    pads: Pads,
    routes: Routes,
    watch: Watch,
    /// Levels of all pins, for edge detection.
    levels: u32,
}

impl Gpio {
    /// The block after reset.
    pub(crate) fn new(strap: u32, pads: Pads) -> Self {
        let mut registers = Registers::new(&[(CLOCK_GATE, 1), (DATE, 0x0200_6130)]);
        for pin in 0..REGISTER_PINS {
            registers.set(FUNC0_OUT_SEL_CFG + 4 * pin, SIMPLE_OUTPUT);
        }
        let (routes, watch) = (Routes::default(), Watch::default());
        let mut gpio = Self { registers, out: 0, enable: 0, status: 0, strap, pads, routes, watch, levels: 0 };
        gpio.route();
        gpio
    }

    /// Resets the registers; the levels are those of the outside world.
    pub(crate) fn reset(&mut self, strap: u32, pads: Pads) {
        let levels = self.levels;
        *self = Self::new(strap, pads);
        self.levels = levels;
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

    // ---- routing ------------------------------------------------------------------------------

    /// Takes over the pads' configuration.
    pub(crate) fn set_pads(&mut self, pads: Pads) {
        self.pads = pads;
        self.route();
    }

    fn route(&mut self) {
        let mut routes = Routes::default();
        for pin in 0..REGISTER_PINS {
            let mask = 1 << pin;
            let config = self.registers.get(FUNC0_OUT_SEL_CFG + 4 * pin);
            let selected = field(config, 0, 7);
            let flag = |number| if bit(config, number) { mask } else { 0 };
            match self.pads.carries(pin) {
                Pad::Gpio if selected >= SIMPLE_OUTPUT => {
                    routes.simple |= mask;
                    routes.inverted |= flag(8);
                    routes.enable_inverted |= flag(10);
                }
                Pad::Gpio => {
                    routes.routed |= mask;
                    routes.signals[pin as usize] = selected as u8;
                    routes.inverted |= flag(8);
                    routes.enable_simple |= flag(9);
                    routes.enable_inverted |= flag(10);
                }
                Pad::Output(signal) => {
                    routes.routed |= mask;
                    routes.signals[pin as usize] = signal as u8;
                }
                Pad::Other => {}
            }
            if bit(self.registers.get(PIN0 + 4 * pin), 2) {
                routes.open_drain |= mask;
            }
        }
        self.routes = routes;
        self.watch = Watch::of(self);
    }

    /// Pins that carry peripheral signals.
    pub(crate) fn routed(&self) -> u32 {
        self.routes.routed
    }

    /// Those of them whose signal does not stand still.
    pub(crate) fn moving(&self) -> u32 {
        self.watch.moving
    }

    /// Pins whose levels reach the inputs of peripherals.
    pub(crate) fn heard(&self) -> u32 {
        self.watch.heard
    }

    /// The signal that a pin carries, and whether it is inverted.
    pub(crate) fn signal_of(&self, pin: u8) -> Option<(usize, bool)> {
        let is_in = |mask: u32| mask.checked_shr(u32::from(pin)).unwrap_or(0) & 1 != 0;
        let signal = self.routes.signals.get(usize::from(pin)).filter(|_| is_in(self.routes.routed))?;
        Some((usize::from(*signal), is_in(self.routes.inverted)))
    }

    /// What the chip does to its pins while its peripherals put out `signals`.
    pub(crate) fn drives(&self, signals: &Signals) -> Drives {
        let routes = &self.routes;
        let mut levels = self.out & routes.simple;
        let mut enable = self.enable & (routes.simple | routes.routed & routes.enable_simple);
        let mut rest = routes.routed;
        while rest != 0 {
            let pin = rest.trailing_zeros();
            rest &= rest - 1;
            let (level, enabled) = signals.get(routes.signals[pin as usize]);
            levels |= u32::from(level) << pin;
            if !bit(routes.enable_simple, pin) {
                enable |= u32::from(enabled) << pin;
            }
        }
        levels ^= routes.inverted;
        enable = (enable ^ routes.enable_inverted) & (routes.simple | routes.routed);
        Drives {
            low: enable & !levels,
            high: enable & levels & !routes.open_drain,
            pull_down: self.pads.pull_down,
            pull_up: self.pads.pull_up,
        }
    }

    /// The level that the matrix brings to a peripheral's input; `None` where it brings none.
    pub(crate) fn matrix_input(&self, signal: usize) -> Option<bool> {
        bit(self.registers.get(FUNC0_IN_SEL_CFG + 4 * signal as u32), 6).then(|| self.input(signal)).flatten()
    }

    /// The level at a peripheral's input, if the matrix or a pad's own function brings a pin there.
    pub(crate) fn input(&self, signal: usize) -> Option<bool> {
        let config = self.registers.get(FUNC0_IN_SEL_CFG + 4 * signal as u32);
        let level = if bit(config, 6) {
            match field(config, 0, 4) {
                0x1E => true,
                0x1F => false,
                pin => bit(self.levels, pin),
            }
        } else {
            bit(self.levels, self.pads.input_pad(signal)?)
        };
        Some(level != bit(config, 5))
    }

    /// What a pin's interrupt waits for, if it is enabled.
    pub(crate) fn trigger(&self, pin: u8) -> Option<Trigger> {
        let config = self.registers.get(PIN0 + 4 * u32::from(pin));
        match field(config, 7, 9) {
            _ if field(config, 13, 17) == 0 => None,
            1 => Some(Trigger::Rising),
            2 => Some(Trigger::Falling),
            3 => Some(Trigger::Both),
            4 => Some(Trigger::Low),
            5 => Some(Trigger::High),
            _ => None,
        }
    }

    /// Pins whose single edges matter inside the chip: to interrupts, or to a peripheral's input.
    pub(crate) fn edge_pins(&self) -> u32 {
        let mut pins = 0;
        for pin in 0..REGISTER_PINS {
            pins |= u32::from(field(self.registers.get(PIN0 + 4 * pin), 7, 9) != 0) << pin;
        }
        for signal in [signal::RMT_SIG0, signal::RMT_SIG0 + 1, signal::I2CEXT0_SCL, signal::I2CEXT0_SDA] {
            let config = self.registers.get(FUNC0_IN_SEL_CFG + 4 * signal as u32);
            if bit(config, 6) && field(config, 0, 4) < REGISTER_PINS {
                pins |= 1 << field(config, 0, 4);
            }
        }
        pins
    }

    /// Pins on which a level wakes the chip from light sleep (PINn_WAKEUP_ENABLE with a level type)
    /// and has it now.
    pub(crate) fn wakes(&self) -> bool {
        (0..REGISTER_PINS).any(|pin| {
            let config = self.registers.get(PIN0 + 4 * pin);
            bit(config, 10)
                && match field(config, 7, 9) {
                    4 => !bit(self.levels, pin),
                    5 => bit(self.levels, pin),
                    _ => false,
                }
        })
    }

    // ---- levels -------------------------------------------------------------------------------

    /// Level of every pin, bit n for pin n.
    pub(crate) fn levels(&self) -> u32 {
        self.levels
    }

    /// Takes over the pins' levels and sets the status bits that edges and levels cause.
    pub(crate) fn set_levels(&mut self, levels: u32) {
        let changed = levels ^ self.levels;
        self.levels = levels;
        let Watch { rising, falling, low, high, .. } = self.watch;
        self.status |= changed & (levels & rising | !levels & falling) | levels & high | !levels & low;
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

    /// Writes a register. The levels may be others afterwards: the chip works them out and hands them
    /// back through [`set_levels`](Self::set_levels), which also looks at level interrupts again.
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
            STRAP | IN | PCPU_INT | PCPU_NMI_INT => {}
            PIN0..=PIN25 | FUNC0_IN_SEL_CFG..=FUNC127_IN_SEL_CFG | FUNC0_OUT_SEL_CFG..=FUNC25_OUT_SEL_CFG => {
                self.registers.set(offset, value);
                self.route();
            }
            _ => self.registers.set(offset, value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peripherals::io_mux::IoMux;
    use crate::pins::Drive;

    /// The block with an outside world around it.
    struct Board {
        gpio: Gpio,
        mux: IoMux,
        outside: Drives,
        signals: Signals,
    }

    impl Board {
        fn new() -> Self {
            let mut mux = IoMux::new();
            for pad in 0..22 {
                // Function 1 is GPIO everywhere.
                mux.store(0x04 + 4 * pad, 1 << 12);
            }
            let gpio = Gpio::new(0xC, mux.pads());
            Self { gpio, mux, outside: Drives::default(), signals: Signals::IDLE }
        }

        fn with_interrupt(pin: u32, kind: u32) -> Self {
            let mut board = Self::new();
            board.store(PIN0 + 4 * pin, kind << 7 | 1 << 13);
            board
        }

        fn follow(&mut self) {
            self.gpio.set_pads(self.mux.pads());
            let levels = self.gpio.drives(&self.signals).levels(self.outside);
            self.gpio.set_levels(levels);
        }

        fn store(&mut self, offset: u32, value: u32) {
            self.gpio.store(offset, value);
            self.follow();
        }

        fn drive(&mut self, pin: u8, drive: Drive) {
            let mask = !(1 << pin);
            let Drives { low, high, pull_down, pull_up } = self.outside;
            self.outside =
                Drives { low: low & mask, high: high & mask, pull_down: pull_down & mask, pull_up: pull_up & mask };
            self.outside.add(pin, drive);
            self.follow();
        }
    }

    #[track_caller]
    fn check(kind: u32, levels: &[bool], expected: &[bool]) {
        let mut board = Board::with_interrupt(5, kind);
        board.drive(5, Drive::Low);
        board.store(STATUS_W1TC, u32::MAX);
        let got: Vec<bool> = levels
            .iter()
            .map(|&level| {
                board.drive(5, Drive::to(level));
                let active = board.gpio.active().0;
                board.store(STATUS_W1TC, u32::MAX);
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
    fn what_an_interrupt_waits_for_is_told_where_it_is_enabled() {
        let triggers = [(1, Trigger::Rising), (2, Trigger::Falling), (3, Trigger::Both), (4, Trigger::Low)];
        for (kind, trigger) in triggers.into_iter().chain([(5, Trigger::High)]) {
            let mut board = Board::with_interrupt(5, kind);
            assert_eq!((board.gpio.trigger(5), board.gpio.trigger(6)), (Some(trigger), None));
            board.store(PIN0 + 4 * 5, kind << 7);
            assert_eq!(board.gpio.trigger(5), None, "interrupt type {kind}, not enabled");
        }
        assert_eq!(Board::with_interrupt(5, 0).gpio.trigger(5), None);
    }

    #[test]
    fn an_output_pin_reads_back_and_triggers_its_own_interrupt() {
        let mut board = Board::with_interrupt(6, 3);
        board.store(ENABLE_W1TS, 1 << 6);
        board.store(OUT_W1TS, 1 << 6);
        assert_eq!(board.gpio.peek(IN), 1 << 6);
        assert_eq!(board.gpio.peek(PCPU_INT), 1 << 6);
        board.store(STATUS_W1TC, 1 << 6);
        assert!(!board.gpio.active().0);
        board.store(OUT_W1TC, 1 << 6);
        assert!(board.gpio.active().0);
    }

    #[test]
    fn a_status_bit_without_enable_does_not_ask_for_service() {
        let mut board = Board::new();
        board.store(PIN0 + 4 * 3, 1 << 7);
        board.drive(3, Drive::High);
        assert_eq!(board.gpio.peek(STATUS), 1 << 3);
        assert_eq!(board.gpio.active(), (false, false));
        board.store(PIN0 + 4 * 3, 1 << 7 | 2 << 13);
        assert_eq!(board.gpio.active(), (false, true));
    }

    #[test]
    fn pulls_decide_where_nobody_drives() {
        let mut board = Board::new();
        board.mux.store(0x04 + 4 * 4, 1 << 12 | 1 << 8);
        board.mux.store(0x04 + 4 * 5, 1 << 12 | 1 << 8 | 1 << 7);
        board.follow();
        assert_eq!(board.gpio.peek(IN), 1 << 4);
        board.drive(4, Drive::Low);
        assert_eq!(board.gpio.peek(IN), 0);
        board.drive(4, Drive::Released);
        assert_eq!(board.gpio.peek(IN), 1 << 4);
    }

    #[test]
    fn a_peripheral_signal_reaches_any_pin_and_can_be_turned_round() {
        let mut board = Board::new();
        board.store(FUNC0_OUT_SEL_CFG + 4 * 3, 45);
        board.store(FUNC0_OUT_SEL_CFG + 4 * 6, 45 | 1 << 8);
        board.signals.set(45, true, true);
        board.follow();
        assert_eq!(board.gpio.peek(IN), 1 << 3);
        board.signals.set(45, false, true);
        board.follow();
        assert_eq!(board.gpio.peek(IN), 1 << 6);
        // Without its own enable the peripheral's output floats, unless GPIO_ENABLE decides (OEN_SEL).
        board.signals.set(45, false, false);
        board.follow();
        assert_eq!(board.gpio.drives(&board.signals).strong(), 0);
        board.store(FUNC0_OUT_SEL_CFG + 4 * 6, 45 | 1 << 8 | 1 << 9);
        board.store(ENABLE_W1TS, 1 << 6);
        assert_eq!(board.gpio.drives(&board.signals).high, 1 << 6);
        // OEN_INV_SEL turns the enabling round.
        board.store(FUNC0_OUT_SEL_CFG + 4 * 6, 45 | 1 << 8 | 1 << 9 | 1 << 10);
        assert_eq!(board.gpio.drives(&board.signals).strong(), 0);
    }

    #[test]
    fn an_open_drain_output_only_pulls_low() {
        let mut board = Board::new();
        board.store(PIN0 + 4 * 7, 1 << 2);
        board.store(ENABLE_W1TS, 1 << 7);
        assert_eq!(board.gpio.drives(&board.signals).low, 1 << 7);
        board.store(OUT_W1TS, 1 << 7);
        assert_eq!(board.gpio.drives(&board.signals).strong(), 0);
        board.drive(7, Drive::PullUp);
        assert_eq!(board.gpio.peek(IN), 1 << 7);
    }

    #[test]
    fn an_input_signal_comes_from_a_pin_a_constant_or_inverted() {
        let mut board = Board::new();
        let select = FUNC0_IN_SEL_CFG + 4 * 51;
        assert_eq!(board.gpio.input(51), None, "RMT has no pad of its own");
        board.store(select, 1 << 6 | 8);
        board.drive(8, Drive::High);
        assert_eq!(board.gpio.input(51), Some(true));
        board.store(select, 1 << 6 | 1 << 5 | 8);
        assert_eq!(board.gpio.input(51), Some(false));
        board.store(select, 1 << 6 | 0x1E);
        assert_eq!(board.gpio.input(51), Some(true));
        board.store(select, 1 << 6 | 0x1F);
        assert_eq!(board.gpio.input(51), Some(false));
        assert_eq!(board.gpio.edge_pins() >> 8 & 1, 0);
    }

    #[test]
    fn a_pads_own_function_bypasses_the_matrix() {
        let mut board = Board::new();
        board.signals.set(signal::FSPICLK, true, true);
        board.mux.store(0x04 + 4 * 6, 2 << 12);
        board.follow();
        assert_eq!(board.gpio.peek(IN), 1 << 6);
        board.mux.store(0x04 + 4 * 2, 2 << 12);
        board.signals.set(signal::FSPIQ, false, false);
        board.follow();
        board.drive(2, Drive::High);
        assert_eq!(board.gpio.input(signal::FSPIQ), Some(true));
        // The JTAG function does not let GPIO_OUT through.
        board.mux.store(0x04 + 4 * 5, 0);
        board.store(ENABLE_W1TS, 1 << 5);
        board.store(OUT_W1TS, 1 << 5);
        assert_eq!(board.gpio.drives(&board.signals).of(5), Drive::Released);
    }

    #[test]
    fn a_wake_up_level_is_seen_only_where_it_is_enabled() {
        let mut board = Board::new();
        board.store(PIN0 + 4 * 4, 5 << 7 | 1 << 10);
        assert!(!board.gpio.wakes());
        board.drive(4, Drive::High);
        assert!(board.gpio.wakes());
        board.store(PIN0 + 4 * 4, 5 << 7);
        assert!(!board.gpio.wakes());
    }
}

//! The electrical half of an SPI peripheral: it listens to clock, data and chip select, whoever
//! drives them, and hands bytes to an [`SpiTarget`].

use std::any::Any;
use std::fmt::Debug;
use std::hash::Hasher;

use super::{Drive, PinDevice};
use crate::bus::Tick;

/// A device on an SPI bus, byte by byte, most significant bit first.
pub trait SpiTarget: Any + Debug + Send + Sync {
    /// Chip select went active or inactive; the result is the first byte to send.
    fn selected(&mut self, now: Tick, active: bool) -> u8;

    /// A byte has come in; the result is the byte that goes out during the next one.
    fn exchanged(&mut self, now: Tick, byte: u8) -> u8;

    /// A further pin of the port, such as data/command or reset, has changed (0: the first pin after
    /// the four of the bus).
    fn side_pin(&mut self, now: Tick, n: usize, level: bool) {
        let _ = (now, n, level);
    }

    /// What it does to a further pin.
    fn side_drive(&self, n: usize) -> Drive {
        let _ = n;
        Drive::Released
    }

    /// A message from [`Machine::tell_device`](crate::Machine::tell_device).
    fn tell(&mut self, now: Tick, message: &[u8]) {
        let _ = (now, message);
    }

    /// A copy for a snapshot or a fork.
    fn boxed_clone(&self) -> Box<dyn SpiTarget>;

    /// Feeds everything that decides how it goes on into a hash.
    fn hash_state(&self, state: &mut dyn Hasher);
}

/// Clock polarity and phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SpiMode {
    /// CPOL: the clock's level between transfers.
    pub polarity: bool,
    /// CPHA: data is sampled at the second edge of each bit.
    pub phase: bool,
}

const SCK: u32 = 1;
const MOSI: u32 = 2;
const CS: u32 = 8;
/// Pins of the bus itself.
const BUS_PINS: usize = 4;

/// An SPI peripheral's port; its pins are SCK, MOSI, MISO, CS (active low), then any further ones.
#[derive(Debug)]
pub struct SpiPort {
    target: Box<dyn SpiTarget>,
    mode: SpiMode,
    levels: u32,
    bits: u8,
    input: u8,
    output: u8,
    /// The level of MISO.
    shown: bool,
}

impl SpiPort {
    /// A port for a device.
    #[must_use]
    pub fn new(mode: SpiMode, target: Box<dyn SpiTarget>) -> Self {
        let clock = if mode.polarity { SCK } else { 0 };
        Self { target, mode, levels: CS | clock, bits: 0, input: 0, output: 0, shown: false }
    }

    /// The device, to be looked at.
    #[must_use]
    pub fn target<T: SpiTarget>(&self) -> Option<&T> {
        (self.target.as_ref() as &dyn Any).downcast_ref()
    }

    fn is_selected(&self) -> bool {
        self.levels & CS == 0
    }

    fn sample(&mut self, now: Tick, mosi: bool) {
        self.input = self.input << 1 | u8::from(mosi);
        self.bits += 1;
        if self.bits == 8 {
            self.bits = 0;
            self.output = self.target.exchanged(now, self.input);
        }
    }

    fn shift_out(&mut self) {
        self.shown = self.output << self.bits & 0x80 != 0;
    }
}

impl PinDevice for SpiPort {
    fn levels_changed(&mut self, now: Tick, levels: u32) {
        let changed = self.levels ^ levels;
        self.levels = levels;
        if changed & CS != 0 {
            self.bits = 0;
            self.output = self.target.selected(now, levels & CS == 0);
            self.shift_out();
        }
        let mut side = changed >> BUS_PINS;
        while side != 0 {
            let n = side.trailing_zeros() as usize;
            side &= side - 1;
            self.target.side_pin(now, n, levels >> (BUS_PINS + n) & 1 != 0);
        }
        if changed & SCK != 0 && self.is_selected() {
            let leading = (levels & SCK != 0) != self.mode.polarity;
            if leading != self.mode.phase {
                self.sample(now, levels & MOSI != 0);
            } else {
                self.shift_out();
            }
        }
    }

    fn drive(&self, n: usize) -> Drive {
        match n {
            2 if self.is_selected() => Drive::to(self.shown),
            n if n >= BUS_PINS => self.target.side_drive(n - BUS_PINS),
            _ => Drive::Released,
        }
    }

    fn tell(&mut self, now: Tick, message: &[u8]) {
        self.target.tell(now, message);
    }

    fn boxed_clone(&self) -> Box<dyn PinDevice> {
        Box::new(Self { target: self.target.boxed_clone(), ..*self })
    }

    fn hash_state(&self, state: &mut dyn Hasher) {
        self.target.hash_state(state);
        state.write_u32(self.levels);
        for byte in [self.bits, self.input, self.output, u8::from(self.shown)] {
            state.write_u8(byte);
        }
    }
}

//! The listening side of an I2C bus: start and stop conditions, bits and acknowledgements out of the
//! levels of two wires. Devices on the bench and the chip's own I2C0 as a target share it.

use crate::bus::Tick;

/// Level bit of the clock line.
pub(crate) const SCL: u32 = 1;
/// Level bit of the data line.
pub(crate) const SDA: u32 = 2;

/// Whoever understands the bytes.
pub(crate) trait Listener {
    /// Whether it answers to the address byte's address.
    fn addressed(&mut self, now: Tick, address: u8, read: bool) -> bool;
    /// A byte for it; whether it is acknowledged.
    fn written(&mut self, now: Tick, byte: u8) -> bool;
    /// The next byte from it; `None`: it holds the clock until [`Wire::send`] has the byte.
    fn read(&mut self, now: Tick) -> Option<u8>;
    /// The controller has read enough.
    fn read_enough(&mut self, now: Tick) {
        self.stopped(now);
    }
    /// Its part in the transfer is over.
    fn stopped(&mut self, now: Tick);
}

/// Where it stands in a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    /// Between transfers, or in one that is somebody else's.
    Idle,
    /// Bits of the address byte are coming in.
    Address,
    /// Bits of a data byte are coming in.
    Write,
    /// Bits of a data byte are going out.
    Read,
}

/// One listener's view of the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Wire {
    levels: u32,
    phase: Phase,
    /// Clock pulses seen of the present byte, 0..=9.
    bits: u8,
    shift: u8,
    /// Whether the byte is acknowledged: by the listener when writing, by the controller when reading.
    acknowledged: bool,
    /// The listener holds SDA low.
    low: bool,
    /// The byte that is to go out next is still to come.
    awaits_byte: bool,
}

impl Wire {
    /// A bus at rest.
    pub(crate) fn new() -> Self {
        Self {
            levels: SCL | SDA,
            phase: Phase::Idle,
            bits: 0,
            shift: 0,
            acknowledged: false,
            low: false,
            awaits_byte: false,
        }
    }

    /// Whether the listener holds SDA low.
    pub(crate) fn holds_sda(&self) -> bool {
        self.low
    }

    /// Whether the listener is part of the transfer.
    pub(crate) fn is_taking_part(&self) -> bool {
        matches!(self.phase, Phase::Write | Phase::Read)
    }

    /// Whether the listener owes the byte that is to go out next.
    pub(crate) fn awaits_byte(&self) -> bool {
        self.awaits_byte
    }

    /// The byte that goes out next. SCL is low.
    pub(crate) fn send(&mut self, byte: u8) {
        self.awaits_byte = false;
        self.shift = byte;
        self.low = byte & 0x80 == 0;
    }

    /// The wires' levels are these from now on.
    pub(crate) fn levels_changed(&mut self, now: Tick, levels: u32, listener: &mut dyn Listener) {
        let (before, changed) = (self.levels, self.levels ^ levels);
        self.levels = levels;
        let sda = levels & SDA != 0;
        if changed & SCL != 0 {
            if levels & SCL != 0 {
                self.rising(sda);
            } else {
                self.falling(now, listener);
            }
        } else if changed & SDA != 0 && before & SCL != 0 {
            if self.is_taking_part() {
                listener.stopped(now);
            }
            self.phase = if sda { Phase::Idle } else { Phase::Address };
            self.bits = 0;
            self.shift = 0;
            self.low = false;
            self.awaits_byte = false;
        }
    }

    /// SCL rose: the bit on SDA counts.
    fn rising(&mut self, sda: bool) {
        if self.phase == Phase::Idle {
            return;
        }
        if self.bits < 8 {
            self.shift = self.shift << 1 | u8::from(sda);
        } else if self.phase == Phase::Read {
            self.acknowledged = !sda;
        }
        self.bits = (self.bits + 1).min(9);
    }

    /// SCL fell: the next bit is put on SDA.
    fn falling(&mut self, now: Tick, listener: &mut dyn Listener) {
        match (self.phase, self.bits) {
            (Phase::Idle, _) | (_, 0) => {}
            (Phase::Address, 8) => {
                self.acknowledged = listener.addressed(now, self.shift >> 1, self.shift & 1 != 0);
                self.low = self.acknowledged;
            }
            (Phase::Write, 8) => {
                self.acknowledged = listener.written(now, self.shift);
                self.low = self.acknowledged;
            }
            (Phase::Read, 8) => self.low = false,
            (phase, 9) => self.byte_is_over(now, phase, listener),
            // `rising` has moved the bits that are out already; the next one is at the top again.
            (Phase::Read, _) => self.low = self.shift & 0x80 == 0,
            _ => {}
        }
    }

    fn byte_is_over(&mut self, now: Tick, phase: Phase, listener: &mut dyn Listener) {
        let reads = if phase == Phase::Address { self.shift & 1 != 0 } else { phase == Phase::Read };
        self.bits = 0;
        self.low = false;
        if !self.acknowledged {
            // Not ours, or one side has had enough: silence until the next start.
            match phase {
                Phase::Read => listener.read_enough(now),
                Phase::Write => listener.stopped(now),
                Phase::Idle | Phase::Address => {}
            }
            self.phase = Phase::Idle;
        } else if reads {
            self.phase = Phase::Read;
            match listener.read(now) {
                Some(byte) => self.send(byte),
                None => self.awaits_byte = true,
            }
        } else {
            self.phase = Phase::Write;
            self.shift = 0;
        }
    }
}

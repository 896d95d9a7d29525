//! The electrical half of an I2C target: it listens to SCL and SDA, whoever drives them, and hands
//! bytes to an [`I2cTarget`].

use std::any::Any;
use std::fmt::Debug;
use std::hash::Hasher;

use super::{Drive, PinDevice};
use crate::bus::Tick;

/// A device on an I2C bus, byte by byte. What it answers is put on the wires bit by bit at the pace of
/// the controller's clock, so transfers cost their time.
pub trait I2cTarget: Any + Debug + Send + Sync {
    /// Whether it answers to this 7-bit address. Called after each address byte; `read` says what is
    /// going to follow. A refusal leaves the address unacknowledged.
    fn addressed(&mut self, now: Tick, address: u8, read: bool) -> bool;

    /// A byte from the controller; the result says whether it is acknowledged.
    fn written(&mut self, now: Tick, byte: u8) -> bool;

    /// The next byte for the controller.
    fn read(&mut self, now: Tick) -> u8;

    /// The transfer is over: a stop, or a start for somebody else.
    fn stopped(&mut self, now: Tick) {
        let _ = now;
    }

    /// A message from [`Machine::tell_device`](crate::Machine::tell_device).
    fn tell(&mut self, now: Tick, message: &[u8]) {
        let _ = (now, message);
    }

    /// A copy for a snapshot or a fork.
    fn boxed_clone(&self) -> Box<dyn I2cTarget>;

    /// Feeds everything that decides how it goes on into a hash.
    fn hash_state(&self, state: &mut dyn Hasher);
}

impl Clone for Box<dyn I2cTarget> {
    fn clone(&self) -> Self {
        self.as_ref().boxed_clone()
    }
}

/// Where the port stands in a transfer.
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

/// An I2C target's port; its pins are SCL, SDA.
#[derive(Clone, Debug)]
pub struct I2cPort {
    target: Box<dyn I2cTarget>,
    levels: u32,
    phase: Phase,
    /// Clock pulses seen of the present byte, 0..=9.
    bits: u8,
    shift: u8,
    /// Whether the byte is acknowledged (by us when writing, by the controller when reading).
    acknowledge: bool,
    /// SDA is held low.
    low: bool,
}

const SCL: u32 = 1;
const SDA: u32 = 2;

impl I2cPort {
    /// A port for a target. Pull-ups are not part of it: drive the pins with
    /// [`Drive::PullUp`], as a module's resistors do.
    #[must_use]
    pub fn new(target: Box<dyn I2cTarget>) -> Self {
        Self { target, levels: SCL | SDA, phase: Phase::Idle, bits: 0, shift: 0, acknowledge: false, low: false }
    }

    /// The target, to be looked at.
    #[must_use]
    pub fn target<T: I2cTarget>(&self) -> Option<&T> {
        (self.target.as_ref() as &dyn Any).downcast_ref()
    }

    /// The target, for a device that has more pins than the bus and keeps a port inside.
    pub fn target_mut<T: I2cTarget>(&mut self) -> Option<&mut T> {
        (self.target.as_mut() as &mut dyn Any).downcast_mut()
    }

    fn begin(&mut self, now: Tick) {
        if self.phase != Phase::Idle {
            self.target.stopped(now);
        }
        self.phase = Phase::Address;
        self.bits = 0;
        self.shift = 0;
        self.low = false;
    }

    fn end(&mut self, now: Tick) {
        if matches!(self.phase, Phase::Write | Phase::Read) {
            self.target.stopped(now);
        }
        self.phase = Phase::Idle;
        self.low = false;
    }

    /// SCL rose: the bit on SDA counts.
    fn rising(&mut self, sda: bool) {
        if self.phase == Phase::Idle {
            return;
        }
        if self.bits < 8 {
            self.shift = self.shift << 1 | u8::from(sda);
        } else if self.phase == Phase::Read {
            self.acknowledge = !sda;
        }
        self.bits += 1;
    }

    /// SCL fell: the next bit is put on SDA.
    fn falling(&mut self, now: Tick) {
        match (self.phase, self.bits) {
            (Phase::Idle, _) | (_, 0) => {}
            (Phase::Address, 8) => {
                self.acknowledge = self.target.addressed(now, self.shift >> 1, self.shift & 1 != 0);
                self.low = self.acknowledge;
            }
            (Phase::Write, 8) => {
                self.acknowledge = self.target.written(now, self.shift);
                self.low = self.acknowledge;
            }
            (Phase::Read, 8) => self.low = false,
            (phase, 9) => {
                let read = if phase == Phase::Address { self.shift & 1 != 0 } else { phase == Phase::Read };
                self.bits = 0;
                self.low = false;
                if !self.acknowledge {
                    // Not ours, or the controller has had enough: silence until the next start.
                    if phase != Phase::Address {
                        self.target.stopped(now);
                    }
                    self.phase = Phase::Idle;
                } else if read {
                    self.phase = Phase::Read;
                    self.shift = self.target.read(now);
                    self.low = self.shift & 0x80 == 0;
                } else {
                    self.phase = Phase::Write;
                    self.shift = 0;
                }
            }
            // `rising` has rotated the bits that are out already; the next one is at the top again.
            (Phase::Read, _) => self.low = self.shift & 0x80 == 0,
            _ => {}
        }
    }
}

impl PinDevice for I2cPort {
    fn levels_changed(&mut self, now: Tick, levels: u32) {
        let (before, changed) = (self.levels, self.levels ^ levels);
        self.levels = levels;
        let sda = levels & SDA != 0;
        if changed & SCL != 0 {
            if levels & SCL != 0 {
                self.rising(sda);
            } else {
                self.falling(now);
            }
        } else if changed & SDA != 0 && before & SCL != 0 {
            if sda {
                self.end(now);
            } else {
                self.begin(now);
            }
        }
    }

    fn drive(&self, n: usize) -> Drive {
        Drive::open_drain(n != 1 || !self.low)
    }

    fn tell(&mut self, now: Tick, message: &[u8]) {
        self.target.tell(now, message);
    }

    fn boxed_clone(&self) -> Box<dyn PinDevice> {
        Box::new(self.clone())
    }

    fn hash_state(&self, state: &mut dyn Hasher) {
        self.target.hash_state(state);
        for byte in [self.levels as u8, self.phase as u8, self.bits, self.shift] {
            state.write_u8(byte);
        }
        state.write_u8(u8::from(self.acknowledge) | u8::from(self.low) << 1);
    }
}

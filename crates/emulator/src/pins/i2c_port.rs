//! The electrical half of an I2C target: it listens to SCL and SDA, whoever drives them, and hands
//! bytes to an [`I2cTarget`].

use std::any::Any;
use std::fmt::Debug;
use std::hash::{Hash, Hasher};

use super::i2c_wire::{Listener, Wire};
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

/// An I2C target's port; its pins are SCL, SDA.
#[derive(Clone, Debug)]
pub struct I2cPort {
    target: Box<dyn I2cTarget>,
    wire: Wire,
}

impl I2cPort {
    /// A port for a target. Pull-ups are not part of it: pull the pins with [`Drive::PullUp`], as the
    /// resistors on a module do.
    #[must_use]
    pub fn new(target: Box<dyn I2cTarget>) -> Self {
        Self { target, wire: Wire::new() }
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
}

impl Listener for Box<dyn I2cTarget> {
    fn addressed(&mut self, now: Tick, address: u8, read: bool) -> bool {
        self.as_mut().addressed(now, address, read)
    }

    fn written(&mut self, now: Tick, byte: u8) -> bool {
        self.as_mut().written(now, byte)
    }

    fn read(&mut self, now: Tick) -> Option<u8> {
        Some(self.as_mut().read(now))
    }

    fn stopped(&mut self, now: Tick) {
        self.as_mut().stopped(now);
    }
}

impl PinDevice for I2cPort {
    fn levels_changed(&mut self, now: Tick, levels: u32) {
        self.wire.levels_changed(now, levels, &mut self.target);
    }

    fn drive(&self, n: usize) -> Drive {
        Drive::open_drain(n != 1 || !self.wire.holds_sda())
    }

    fn tell(&mut self, now: Tick, message: &[u8]) {
        self.target.tell(now, message);
    }

    fn boxed_clone(&self) -> Box<dyn PinDevice> {
        Box::new(Self { target: self.target.boxed_clone(), wire: self.wire })
    }

    fn hash_state(&self, mut state: &mut dyn Hasher) {
        self.target.hash_state(state);
        self.wire.hash(&mut state);
    }
}

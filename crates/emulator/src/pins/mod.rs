//! The chip's pins as the outside sees them: what each side does to a pin, what is told of it with
//! exact ticks, and what can be connected: wires between pins, and devices that live on pins.
//!
//! Everything here is pin-exact: a device sees the levels that the chip puts on its pins at the tick
//! at which they change, whoever made them (GPIO, LEDC, RMT, I2C0, SPI2 or a bit-banging program),
//! and answers with levels of its own. [`I2cPort`] and [`SpiPort`] turn those levels into bytes for
//! devices that only care about bytes.

mod bench;
mod device;
mod i2c_port;
pub(crate) mod i2c_wire;
mod spi_port;
mod wave;

pub use bench::{AttachError, DeviceId};
pub(crate) use bench::{Bench, Planned};
pub use device::PinDevice;
pub use i2c_port::{I2cPort, I2cTarget};
pub use spi_port::{SpiMode, SpiPort, SpiTarget};
pub use wave::Wave;

use crate::bus::Tick;

/// Pins of the chip, GPIO0 to GPIO21.
pub const PINS: u8 = 22;

/// What one side, the chip or the outside, does to a pin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Drive {
    /// Nothing.
    #[default]
    Released,
    /// A resistor to ground: decides where nobody drives.
    PullDown,
    /// A resistor to 3.3 V.
    PullUp,
    /// Driven low.
    Low,
    /// Driven high.
    High,
}

impl Drive {
    /// Driven to a level.
    #[must_use]
    pub fn to(level: bool) -> Self {
        if level { Self::High } else { Self::Low }
    }

    /// What an open-drain output does: low, or nothing.
    #[must_use]
    pub fn open_drain(level: bool) -> Self {
        if level { Self::Released } else { Self::Low }
    }
}

/// What is told of a watched pin whenever it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinEvent {
    /// When.
    pub tick: Tick,
    /// GPIO number.
    pub pin: u8,
    /// The level that everybody at this pin sees from now on.
    pub level: bool,
    /// What the chip does to it.
    pub chip: Drive,
    /// The pulse train that LEDC puts out here from now on. Its edges are not told one by one: the
    /// wave says exactly when they are, until the next event of this pin.
    pub wave: Option<Wave>,
}

/// What a pin's interrupt waits for (TRM, `GPIO_PINn_INT_TYPE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// A rising edge.
    Rising,
    /// A falling edge.
    Falling,
    /// Either edge.
    Both,
    /// A low level, for as long as it lasts.
    Low,
    /// A high level.
    High,
}

/// How a pin stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinState {
    /// The level everybody sees.
    pub level: bool,
    /// What the chip does.
    pub chip: Drive,
    /// What the outside does.
    pub outside: Drive,
    /// Both sides drive, and against each other: a short circuit. The level is the chip's.
    pub contention: bool,
    /// LEDC's pulse train on this pin.
    pub wave: Option<Wave>,
    /// What its interrupt waits for; `None` where it waits for nothing.
    pub trigger: Option<Trigger>,
}

/// What one side does to all pins, as bit masks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Drives {
    pub(crate) low: u32,
    pub(crate) high: u32,
    pub(crate) pull_down: u32,
    pub(crate) pull_up: u32,
}

impl Drives {
    /// Adds what somebody does to one pin.
    pub(crate) fn add(&mut self, pin: u8, drive: Drive) {
        let mask = 1_u32.checked_shl(u32::from(pin)).unwrap_or(0);
        match drive {
            Drive::Released => {}
            Drive::PullDown => self.pull_down |= mask,
            Drive::PullUp => self.pull_up |= mask,
            Drive::Low => self.low |= mask,
            Drive::High => self.high |= mask,
        }
    }

    /// Takes away what is done to one pin.
    pub(crate) fn remove(&mut self, pin: u8) {
        let others = !1_u32.checked_shl(u32::from(pin)).unwrap_or(0);
        for mask in [&mut self.low, &mut self.high, &mut self.pull_down, &mut self.pull_up] {
            *mask &= others;
        }
    }

    /// What is done to one pin; the stronger and the lower wins.
    pub(crate) fn of(self, pin: u8) -> Drive {
        let has = |mask: u32| mask.checked_shr(u32::from(pin)).unwrap_or(0) & 1 != 0;
        if has(self.low) {
            Drive::Low
        } else if has(self.high) {
            Drive::High
        } else if has(self.pull_down) {
            Drive::PullDown
        } else if has(self.pull_up) {
            Drive::PullUp
        } else {
            Drive::Released
        }
    }

    /// Pins that are driven, not only pulled.
    pub(crate) fn strong(self) -> u32 {
        self.low | self.high
    }

    /// Lets the pins of each wire share what is done to any of them.
    pub(crate) fn share(&mut self, wires: &[u32]) {
        for &wire in wires {
            for mask in [&mut self.low, &mut self.high, &mut self.pull_down, &mut self.pull_up] {
                if *mask & wire != 0 {
                    *mask |= wire;
                }
            }
        }
    }

    /// The levels that follow when the chip does `self` and the outside `outside`: who drives wins
    /// over who pulls, the chip over the outside, low over high; an open pin is low.
    pub(crate) fn levels(self, outside: Self) -> u32 {
        let up = self.pull_up | outside.pull_up;
        let down = self.pull_down | outside.pull_down;
        let driven_outside = outside.high & !outside.low | !outside.strong() & up & !down;
        self.high & !self.low | !self.strong() & driven_outside
    }

    /// Pins at which both sides drive to different levels, or one side does so to itself.
    pub(crate) fn contention(self, outside: Self) -> u32 {
        (self.low | outside.low) & (self.high | outside.high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stronger_side_decides_and_a_short_circuit_shows() {
        let mut chip = Drives::default();
        let mut outside = Drives::default();
        chip.add(1, Drive::PullUp);
        chip.add(2, Drive::High);
        chip.add(3, Drive::PullUp);
        outside.add(1, Drive::Low);
        outside.add(2, Drive::Low);
        outside.add(4, Drive::High);
        outside.add(200, Drive::High);
        assert_eq!(chip.levels(outside), 1 << 2 | 1 << 3 | 1 << 4);
        assert_eq!(chip.contention(outside), 1 << 2);
        assert_eq!((chip.of(1), outside.of(1), outside.of(0)), (Drive::PullUp, Drive::Low, Drive::Released));
    }

    #[test]
    fn a_wire_carries_what_is_done_to_either_end() {
        let mut chip = Drives::default();
        chip.add(4, Drive::High);
        chip.share(&[1 << 4 | 1 << 5]);
        assert_eq!(chip.levels(Drives::default()), 1 << 4 | 1 << 5);
    }
}

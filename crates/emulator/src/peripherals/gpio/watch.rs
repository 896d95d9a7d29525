//! Which pins somebody inside the chip watches, worked out when the registers change, so that a pin at which
//! nobody looks moves at little cost.

use std::hash::{Hash, Hasher};

use super::signal;
use super::{FUNC0_IN_SEL_CFG, Gpio, PIN0, REGISTER_PINS};
use crate::peripherals::{bit, field};

/// Signals that peripherals hear: all that `Chip::tell_peripherals` hands over.
const HEARD: [usize; 7] = [
    signal::RMT_SIG0,
    signal::RMT_SIG0 + 1,
    signal::I2CEXT0_SCL,
    signal::I2CEXT0_SDA,
    signal::U1RXD,
    signal::FSPID,
    signal::FSPIQ,
];

/// One bit for each pin. It follows from the registers, and so is no state of its own: it is in no hash.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    /// The pin's interrupt is set off by such an edge, or as long as there is such a level.
    pub(super) rising: u32,
    pub(super) falling: u32,
    pub(super) low: u32,
    pub(super) high: u32,
    /// The level reaches a peripheral's input.
    pub(super) heard: u32,
    /// The pin carries a peripheral's signal that does not stand still.
    pub(super) moving: u32,
}

impl Hash for Watch {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl Watch {
    pub(super) fn of(gpio: &Gpio) -> Self {
        let mut watch = Self::default();
        for pin in 0..REGISTER_PINS {
            let mask = 1 << pin;
            match field(gpio.registers.get(PIN0 + 4 * pin), 7, 9) {
                1 => watch.rising |= mask,
                2 => watch.falling |= mask,
                3 => {
                    watch.rising |= mask;
                    watch.falling |= mask;
                }
                4 => watch.low |= mask,
                5 => watch.high |= mask,
                _ => {}
            }
            if bit(gpio.routes.routed, pin) && signal::moves(gpio.routes.signals[pin as usize].into()) {
                watch.moving |= mask;
            }
        }
        for signal in HEARD {
            let config = gpio.registers.get(FUNC0_IN_SEL_CFG + 4 * signal as u32);
            let pin = if bit(config, 6) { Some(field(config, 0, 4)) } else { gpio.pads.input_pad(signal) };
            watch.heard |= pin.map_or(0, |pin| 1 << pin);
        }
        watch
    }
}

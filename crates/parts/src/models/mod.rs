//! The parts themselves, each a small deterministic machine outside the chip: it plans the tick of
//! its next event, follows the levels of its pins with their exact ticks, is moved by a learner, and
//! shows something.
//!
//! A model keeps its own future: no event depends on when the chip's run happened to be divided.
//! Parts that only show what the chip does (LEDs, a buzzer) are no models, see `lamps.rs`.

mod board_pin;
mod button;
mod contact;
mod encoder;
mod gps;
mod hc_sr04;
mod motion;
mod nec;
mod pulses;
mod rain_gauge;
mod tmp117;
mod ws2812;

use std::hash::Hash;

use emulator::bus::Tick;
use emulator::pins::Drive;

use crate::draw::Draw;
use crate::shown::Shown;
use crate::wiring::Placed;

/// The most pins that a part has.
pub(crate) const MAX_ROLES: usize = 3;

/// What a part does to its pins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Acts([Drive; MAX_ROLES]);

impl Acts {
    pub(crate) fn drive(&mut self, role: usize, drive: Drive) {
        if let Some(slot) = self.0.get_mut(role) {
            *slot = drive;
        }
    }

    pub(crate) fn of(&self, role: usize) -> Drive {
        self.0.get(role).copied().unwrap_or_default()
    }
}

/// What every part can do.
pub(crate) trait Model {
    /// It is connected: puts its pins where they are at rest and plans its first event.
    fn connect(&mut self, _now: Tick, _acts: &mut Acts) {}

    /// The tick of its next event; `Tick::MAX`: none is planned.
    fn deadline(&self) -> Tick {
        Tick::MAX
    }

    /// Lets its next event happen, which is due.
    fn step(&mut self, _acts: &mut Acts) {}

    /// The level of one of its pins changed; what the part itself does there counts as well.
    fn edge(&mut self, _at: Tick, _role: usize, _level: bool, _acts: &mut Acts) {}

    /// A control is moved; key and value are the catalogue's.
    fn control(&mut self, _now: Tick, _key: &'static str, _value: i64, _acts: &mut Acts) {}

    /// What it shows at this tick.
    fn shown(&self, now: Tick) -> Shown;
}

macro_rules! parts {
    ($($name:literal => $variant:ident($model:ty)),* $(,)?) => {
        /// A part's state.
        #[derive(Clone, Debug, Hash)]
        pub(crate) enum Part {
            $($variant($model),)*
        }

        impl Part {
            /// The model of a placed part; `None`: the kind only shows what the chip does, or is no
            /// more than a wire.
            pub(crate) fn new(placed: &Placed, draw: Draw) -> Option<Self> {
                match placed.kind.name {
                    $($name => Some(Self::$variant(<$model>::new(placed, draw))),)*
                    _ => None,
                }
            }

            pub(crate) fn model(&self) -> &dyn Model {
                match self {
                    $(Self::$variant(model) => model,)*
                }
            }

            pub(crate) fn model_mut(&mut self) -> &mut dyn Model {
                match self {
                    $(Self::$variant(model) => model,)*
                }
            }
        }
    };
}

parts! {
    "button" => Button(button::Button),
    "switch" => Switch(button::Button),
    "encoder" => Encoder(encoder::Encoder),
    "pulses" => Pulses(pulses::Pulses),
    "pir" => Pir(motion::Pir),
    "hall" => Hall(motion::Hall),
    "rain-gauge" => RainGauge(rain_gauge::RainGauge),
    "hc-sr04" => HcSr04(hc_sr04::HcSr04),
    "nec-receiver" => NecReceiver(nec::NecReceiver),
    "ws2812" => Ws2812(ws2812::Ws2812),
    "tmp117" => Tmp117(tmp117::Tmp117),
    "gps" => Gps(gps::Gps),
    "board-pin" => BoardPin(board_pin::BoardPin),
}

#[cfg(test)]
pub(crate) mod bench;
#[cfg(test)]
mod reference;

//! A wiring connected to a virtual board.
//!
//! Parts that do something at their pins become devices of the machine (`device.rs`): they run at
//! exact ticks within its event queue, and belong to its snapshots and forks. [`Wired`] is the host's
//! hold on them: it moves controls, now or at a planned tick, both recorded in the machine's log of
//! inputs; it follows what the chip's pins tell for the parts that only show it; and it reads what
//! every part shows.

use emulator::Machine;
use emulator::bus::Tick;
use emulator::pins::{AttachError, Drive, PinEvent};

use crate::catalogue::{Control, Kind};
use crate::device::{MAX_ORDERS, Order, PartDevice};
use crate::draw::Draw;
use crate::lamps::Lamp;
use crate::mistake::MoveError;
use crate::models::Part;
use crate::shown::Shown;
use crate::time::from_us;
use crate::wiring::{Placed, Wiring};

/// Pins that a header has, bit n for GPIO n: all but those of the flash chip.
pub const HEADER_PINS: u32 = 0x003C_07FF;

/// Where a part's state is.
#[derive(Clone, Debug)]
enum Hold {
    Device(emulator::pins::DeviceId),
    Lamp(Lamp),
    /// A voltage at an analog pin.
    Slider {
        channel: u8,
        /// Its positions, in thousandths, and since when; the last planned one last.
        positions: Vec<(Tick, u16)>,
    },
    Wire {
        from: u8,
        to: u8,
    },
}

#[derive(Clone, Debug)]
struct Slot {
    name: String,
    kind: &'static Kind,
    hold: Hold,
}

/// Parts on a board's pins.
#[derive(Clone, Debug)]
pub struct Wired {
    slots: Vec<Slot>,
}

impl Wired {
    /// Connects a wiring at the instant where the machine stands, and watches the board's pins.
    ///
    /// The seed decides every part's chance. What the wiring moves by itself is planned from now on.
    ///
    /// # Errors
    /// [`AttachError`] if the machine carries too many devices or plans already.
    pub fn connect(wiring: &Wiring, seed: u64, machine: &mut Machine) -> Result<Self, AttachError> {
        let mut wired = Self::attach(wiring, seed, machine)?;
        wired.begin(wiring, machine);
        Ok(wired)
    }

    /// Connects the parts of a wiring, as [`connect`](Self::connect) does, and plans none of its moves: they count from
    /// [`begin`](Self::begin).
    ///
    /// # Errors
    /// [`AttachError`] if the machine carries too many devices or plans already.
    pub fn attach(wiring: &Wiring, seed: u64, machine: &mut Machine) -> Result<Self, AttachError> {
        let mut wired = Self { slots: Vec::with_capacity(wiring.parts().len()) };
        for placed in wiring.parts() {
            match hold(placed, seed, machine) {
                Ok(hold) => wired.slots.push(Slot { name: placed.name.clone(), kind: placed.kind, hold }),
                Err(error) => {
                    wired.disconnect(machine);
                    return Err(error);
                }
            }
        }
        machine.watch_pins(HEADER_PINS);
        Ok(wired)
    }

    /// Plans what the wiring moves by itself, its microseconds counted from the instant where the machine stands. The
    /// wiring is the one that was attached.
    pub fn begin(&mut self, wiring: &Wiring, machine: &mut Machine) {
        let now = machine.ticks();
        for one in wiring.moves() {
            let at = now.saturating_add(from_us(one.at_us));
            // They are within bounds. So many others may wait already that one finds no room; it is left out then.
            let _ = self.order(machine, at, one.part, one.control, one.value);
        }
    }

    /// Takes all parts off the board.
    pub fn disconnect(self, machine: &mut Machine) {
        for slot in self.slots {
            match slot.hold {
                Hold::Device(id) => drop(machine.detach(id)),
                Hold::Wire { from, to } => {
                    // The wire's pins exist.
                    let taken = machine.disconnect_pins(&[from, to]);
                    debug_assert!(taken.is_ok(), "{taken:?}");
                }
                Hold::Slider { channel, .. } => machine.set_analog(channel, 0),
                Hold::Lamp(_) => {}
            }
        }
    }

    /// Moves a control now.
    ///
    /// # Errors
    /// [`MoveError`]; nothing was moved then.
    pub fn set(&mut self, machine: &mut Machine, part: &str, control: &str, value: i64) -> Result<(), MoveError> {
        let now = machine.ticks();
        self.set_at(machine, now, part, control, value)
    }

    /// Moves a control at an exact tick.
    ///
    /// # Errors
    /// [`MoveError`]; nothing was planned then.
    pub fn set_at(
        &mut self,
        machine: &mut Machine,
        at: Tick,
        part: &str,
        control: &str,
        value: i64,
    ) -> Result<(), MoveError> {
        let index = self.slots.iter().position(|slot| slot.name == part);
        let Some(index) = index else { return Err(MoveError::UnknownPart { part: part.to_owned() }) };
        let found = self.slots[index].kind.controls.iter().find(|known| known.key == control);
        let Some(control) = found else {
            return Err(MoveError::UnknownControl { part: part.to_owned(), control: control.to_owned() });
        };
        let Control { min, max, .. } = *control;
        if !(min..=max).contains(&value) {
            return Err(MoveError::OutOfRange { control: control.key.to_owned(), value, min, max });
        }
        let now = machine.ticks();
        if at < now {
            return Err(MoveError::Past { asked: at, now });
        }
        self.order(machine, at, index, control, value)
    }

    /// Plans a move that was found sound.
    fn order(
        &mut self,
        machine: &mut Machine,
        at: Tick,
        part: usize,
        control: &'static Control,
        value: i64,
    ) -> Result<(), MoveError> {
        let Some(slot) = self.slots.get_mut(part) else { return Ok(()) };
        let full = Err(MoveError::TooMany { most: MAX_ORDERS });
        match &mut slot.hold {
            Hold::Device(id) => {
                let not_connected = || MoveError::NotConnected { part: slot.name.clone() };
                let device = machine.device::<PartDevice>(*id).ok_or_else(not_connected)?;
                if !device.has_room() {
                    return full;
                }
                let place = slot.kind.controls.iter().position(|known| known == control);
                let number = place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX);
                let order = Order { at, control: number, value };
                machine.tell_device(*id, &order.to_bytes()).map_err(|_| not_connected())?;
            }
            Hold::Slider { channel, positions } => {
                let now = machine.ticks();
                let position_permille = value.clamp(0, 1000) as u16;
                // What is past is only needed once.
                let past = positions.partition_point(|&(since, _)| since <= now).saturating_sub(1);
                positions.drain(..past);
                if positions.len() >= MAX_ORDERS {
                    return full;
                }
                if machine.plan_analog(at, *channel, raw(position_permille)).is_err() {
                    return full;
                }
                let place = positions.partition_point(|&(since, _)| since <= at);
                positions.insert(place, (at, position_permille));
            }
            // They have no controls.
            Hold::Lamp(_) | Hold::Wire { .. } => {}
        }
        Ok(())
    }

    /// Follows what the machine told of its pins, for the parts that only show it:
    /// what [`Machine::take_pin_events`] returned, each event once.
    pub fn follow(&mut self, events: &[PinEvent]) {
        for slot in &mut self.slots {
            if let Hold::Lamp(lamp) = &mut slot.hold {
                events.iter().for_each(|event| lamp.event(event));
            }
        }
    }

    /// The names of the parts, in the wiring's order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.slots.iter().map(|slot| slot.name.as_str())
    }

    /// What a part shows now; `None`: no part of this name, or this machine does not carry it.
    #[must_use]
    pub fn shown(&self, machine: &Machine, part: &str) -> Option<Shown> {
        self.slots.iter().find(|slot| slot.name == part).and_then(|slot| show(slot, machine))
    }

    /// What every part shows now, in the wiring's order; `None`: this machine does not carry it.
    #[must_use]
    pub fn all_shown(&self, machine: &Machine) -> Vec<Option<Shown>> {
        self.slots.iter().map(|slot| show(slot, machine)).collect()
    }
}

fn raw(position_permille: u16) -> u16 {
    (u32::from(position_permille) * 4095 / 1000) as u16
}

fn hold(placed: &Placed, seed: u64, machine: &mut Machine) -> Result<Hold, AttachError> {
    let now = machine.ticks();
    if let Some(part) = Part::new(placed, Draw::for_part(seed, &placed.name)) {
        let connected = placed.pins.iter().enumerate().filter_map(|(role, pin)| Some((role, (*pin)?)));
        let (roles, pins): (Vec<usize>, Vec<u8>) = connected.unzip();
        let device = PartDevice::new(placed.kind, part, roles);
        return machine.attach(Box::new(device), &pins).map(Hold::Device);
    }
    if let Some(mut lamp) = Lamp::new(placed) {
        for &pin in placed.pins.iter().flatten() {
            if let Some(state) = machine.pin(pin) {
                lamp.connect(now, pin, &state);
            }
        }
        return Ok(Hold::Lamp(lamp));
    }
    // A potentiometer has one pin, a wire two; both have theirs in a sound wiring.
    match placed.pins[..] {
        [Some(channel)] => {
            let position_permille = placed.amount("position_permille").min(1000) as u16;
            machine.set_analog(channel, raw(position_permille));
            Ok(Hold::Slider { channel, positions: vec![(now, position_permille)] })
        }
        [Some(from), Some(to)] => machine.connect_pins(&[from, to]).map(|()| Hold::Wire { from, to }),
        _ => Err(AttachError::NoDevice),
    }
}

fn show(slot: &Slot, machine: &Machine) -> Option<Shown> {
    let now = machine.ticks();
    let shown = match &slot.hold {
        Hold::Device(id) => machine.device::<PartDevice>(*id)?.shown(now),
        Hold::Lamp(lamp) => lamp.shown(now),
        Hold::Slider { positions, .. } => {
            let present = positions.partition_point(|&(since, _)| since <= now).saturating_sub(1);
            let position_permille = positions.get(present).map_or(0, |position| position.1);
            Shown::Slider { position_permille: u32::from(position_permille), raw: raw(position_permille) }
        }
        Hold::Wire { from, .. } => {
            let carries = machine.pin(*from).filter(|state| {
                [state.chip, state.outside].iter().any(|drive| matches!(drive, Drive::Low | Drive::High))
            });
            Shown::Wire { carries: carries.map(|state| state.level) }
        }
    };
    Some(shown)
}

//! What lies around the chip on the bench: who drives which pin, what is planned, which devices and
//! wires are connected, and what is told of the pins that somebody watches.

use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::hash::{Hash, Hasher};

use super::{Drive, Drives, PINS, PinDevice, PinEvent, Wave};
use crate::bus::{TICKS_PER_SECOND, Tick};

/// Events kept until somebody fetches them.
const EVENT_CAPACITY: usize = 1 << 16;
/// Inputs that may be planned at once.
const MAX_PLANNED: usize = 1 << 16;
/// Devices that may be connected at once.
const MAX_DEVICES: usize = 64;
/// Wires that may be connected at once.
const MAX_WIRES: usize = 32;
/// Rounds in which devices answer each other within one tick: a loop of inverters ends here.
const MAX_ROUNDS: usize = 16;
/// A device is run at most so often by its own wish.
const MIN_DEVICE_STEP: Tick = TICKS_PER_SECOND / 1_000_000;

/// A device connected to a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceId(u32);

/// Why something cannot be connected or planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttachError {
    /// No such pin.
    #[error("the chip has no GPIO{0}")]
    NoPin(u8),
    /// Too many are connected.
    #[error("{MAX_DEVICES} devices or {MAX_WIRES} wires are already connected")]
    Full,
    /// No such device.
    #[error("this device is not connected")]
    NoDevice,
    /// The tick is already past.
    #[error("tick {asked} is past: it is {now} now")]
    Past {
        /// The tick asked for.
        asked: Tick,
        /// Where the machine stands.
        now: Tick,
    },
    /// Too many inputs are planned.
    #[error("{MAX_PLANNED} inputs are already planned")]
    TooManyPlanned,
}

/// An input at an exact tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Planned {
    Pin { pin: u8, drive: Drive },
    Analog { channel: u8, raw: u16 },
}

#[derive(Clone, Debug)]
struct Attached {
    id: DeviceId,
    device: Box<dyn PinDevice>,
    pins: Vec<u8>,
    mask: u32,
    /// When it is run next.
    due: Tick,
}

impl Attached {
    fn levels(&self, levels: u32) -> u32 {
        self.pins.iter().enumerate().map(|(n, &pin)| (levels >> pin & 1) << n).sum()
    }

    fn plan(&mut self, earliest: Tick) {
        self.due = self.device.deadline().max(earliest);
    }
}

/// The bench around the chip.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bench {
    /// What the host itself does to each pin.
    hands: Drives,
    wires: Vec<u32>,
    devices: Vec<Attached>,
    next_id: u32,
    planned: BTreeMap<(Tick, u64), Planned>,
    planned_so_far: u64,
    watch: BenchWatch,
}

/// What the host wants to know; no part of the machine's state.
#[derive(Clone, Debug, Default)]
struct BenchWatch {
    watched: u32,
    stop_on: u32,
    events: VecDeque<PinEvent>,
    lost: u64,
    stopped: Option<u8>,
    /// The pulse train last told of each pin.
    waves: [Option<Wave>; PINS as usize],
}

impl Hash for Bench {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hands.hash(state);
        self.wires.hash(state);
        self.planned.hash(state);
        for attached in &self.devices {
            (attached.id, &attached.pins, attached.due).hash(state);
            attached.device.hash_state(state);
        }
    }
}

impl Bench {
    // ---- what the outside does ------------------------------------------------------------------

    /// What hands and devices do to the pins.
    pub(crate) fn drives(&self) -> Drives {
        let mut drives = self.hands;
        for attached in &self.devices {
            for (n, &pin) in attached.pins.iter().enumerate() {
                drives.add(pin, attached.device.drive(n));
            }
        }
        drives.share(&self.wires);
        drives
    }

    pub(crate) fn wires(&self) -> &[u32] {
        &self.wires
    }

    /// Drives a pin by hand; pins that the chip does not have are ignored.
    pub(crate) fn drive(&mut self, pin: u8, drive: Drive) {
        if pin < PINS {
            self.hands.remove(pin);
            self.hands.add(pin, drive);
        }
    }

    /// Connects pins with each other.
    pub(crate) fn connect(&mut self, pins: &[u8]) -> Result<(), AttachError> {
        let mut wire = mask_of(pins)?;
        // Wires that meet are one wire.
        self.wires.retain(|&other| {
            let apart = other & wire == 0;
            wire |= if apart { 0 } else { other };
            apart
        });
        if self.wires.len() >= MAX_WIRES {
            return Err(AttachError::Full);
        }
        self.wires.push(wire);
        Ok(())
    }

    /// Takes all wires off these pins.
    pub(crate) fn disconnect(&mut self, pins: &[u8]) -> Result<(), AttachError> {
        let mask = mask_of(pins)?;
        for wire in &mut self.wires {
            *wire &= !mask;
        }
        self.wires.retain(|wire| wire.count_ones() > 1);
        Ok(())
    }

    // ---- what is planned ------------------------------------------------------------------------

    pub(crate) fn plan(&mut self, now: Tick, tick: Tick, input: Planned) -> Result<(), AttachError> {
        if tick < now {
            return Err(AttachError::Past { asked: tick, now });
        }
        if let Planned::Pin { pin, .. } = input {
            mask_of(&[pin])?;
        }
        if self.planned.len() >= MAX_PLANNED {
            return Err(AttachError::TooManyPlanned);
        }
        self.planned.insert((tick, self.planned_so_far), input);
        self.planned_so_far += 1;
        Ok(())
    }

    /// Forgets what is planned for a pin.
    pub(crate) fn forget_planned(&mut self, of: u8) {
        self.planned.retain(|_, input| !matches!(input, Planned::Pin { pin, .. } if *pin == of));
    }

    /// The next planned input or device's deadline.
    pub(crate) fn deadline(&self) -> Tick {
        let planned = self.planned.keys().next().map_or(Tick::MAX, |&(tick, _)| tick);
        self.devices.iter().map(|attached| attached.due).min().unwrap_or(Tick::MAX).min(planned)
    }

    /// Takes the next planned input that is due.
    pub(crate) fn take_due(&mut self, now: Tick) -> Option<Planned> {
        let entry = self.planned.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(entry.remove())
    }

    /// Runs the devices that are due.
    pub(crate) fn run(&mut self, now: Tick) {
        for attached in self.devices.iter_mut().filter(|attached| attached.due <= now) {
            attached.device.run(now);
            attached.plan(now.saturating_add(MIN_DEVICE_STEP));
        }
    }

    // ---- devices --------------------------------------------------------------------------------

    pub(crate) fn attach(
        &mut self,
        now: Tick,
        levels: u32,
        device: Box<dyn PinDevice>,
        pins: &[u8],
    ) -> Result<DeviceId, AttachError> {
        let mask = mask_of(pins)?;
        if self.devices.len() >= MAX_DEVICES {
            return Err(AttachError::Full);
        }
        let id = DeviceId(self.next_id);
        self.next_id += 1;
        let mut attached = Attached { id, device, pins: pins.to_vec(), mask, due: Tick::MAX };
        let levels = attached.levels(levels);
        attached.device.levels_changed(now, levels);
        attached.plan(now);
        self.devices.push(attached);
        Ok(id)
    }

    pub(crate) fn detach(&mut self, id: DeviceId) -> Option<Box<dyn PinDevice>> {
        let at = self.devices.iter().position(|attached| attached.id == id)?;
        Some(self.devices.remove(at).device)
    }

    pub(crate) fn device<T: PinDevice>(&self, id: DeviceId) -> Option<&T> {
        let attached = self.devices.iter().find(|attached| attached.id == id)?;
        (attached.device.as_ref() as &dyn Any).downcast_ref()
    }

    pub(crate) fn tell(&mut self, now: Tick, id: DeviceId, message: &[u8]) -> Result<(), AttachError> {
        let attached = self.devices.iter_mut().find(|attached| attached.id == id).ok_or(AttachError::NoDevice)?;
        attached.device.tell(now, message);
        attached.plan(now);
        Ok(())
    }

    /// Tells the devices on pins that changed.
    pub(crate) fn tell_levels(&mut self, now: Tick, changed: u32, levels: u32) {
        for attached in self.devices.iter_mut().filter(|attached| attached.mask & changed != 0) {
            let levels = attached.levels(levels);
            attached.device.levels_changed(now, levels);
            attached.plan(now);
        }
    }

    /// Rounds in which pins may settle within one tick.
    pub(crate) fn max_rounds() -> usize {
        MAX_ROUNDS
    }

    /// Pins whose single edges somebody here has to see: devices and wires hang on them.
    pub(crate) fn edge_pins(&self) -> u32 {
        let devices: u32 = self.devices.iter().fold(0, |pins, attached| pins | attached.mask);
        self.wires.iter().fold(devices, |pins, wire| pins | wire)
    }

    // ---- what is told ---------------------------------------------------------------------------

    pub(crate) fn watch(&mut self, pins: u32) {
        self.watch.watched = pins;
    }

    pub(crate) fn stop_on(&mut self, pins: u32) {
        self.watch.stop_on = pins;
    }

    /// Pins about which events are to be made.
    pub(crate) fn watched(&self) -> u32 {
        self.watch.watched | self.watch.stop_on
    }

    /// Notes the pulse train on a watched pin; whether it is another one than before.
    pub(crate) fn note_wave(&mut self, pin: u8, wave: Option<Wave>) -> bool {
        let told = self.watch.waves.get_mut(usize::from(pin));
        told.is_some_and(|told| std::mem::replace(told, wave) != wave)
    }

    pub(crate) fn report(&mut self, event: PinEvent) {
        let watch = &mut self.watch;
        let is_in = |mask: u32| mask >> event.pin & 1 != 0;
        if is_in(watch.stop_on) && watch.stopped.is_none() {
            watch.stopped = Some(event.pin);
        }
        if is_in(watch.watched) {
            if watch.events.len() < EVENT_CAPACITY {
                watch.events.push_back(event);
            } else {
                watch.lost += 1;
            }
        }
    }

    pub(crate) fn take_events(&mut self) -> Vec<PinEvent> {
        std::mem::take(&mut self.watch.events).into()
    }

    pub(crate) fn lost_events(&self) -> u64 {
        self.watch.lost
    }

    /// Whether a change on a pin asks for a stop.
    pub(crate) fn wants_stop(&self) -> bool {
        self.watch.stopped.is_some()
    }

    pub(crate) fn take_stop(&mut self) -> Option<u8> {
        self.watch.stopped.take()
    }

    /// Takes over another bench's state; what the host watches stays.
    pub(crate) fn restore(&mut self, other: &Self) {
        let Self { hands, wires, devices, next_id, planned, planned_so_far, watch: _ } = self;
        hands.clone_from(&other.hands);
        wires.clone_from(&other.wires);
        devices.clone_from(&other.devices);
        next_id.clone_from(&other.next_id);
        planned.clone_from(&other.planned);
        planned_so_far.clone_from(&other.planned_so_far);
    }
}

fn mask_of(pins: &[u8]) -> Result<u32, AttachError> {
    pins.iter().try_fold(0, |mask, &pin| if pin < PINS { Ok(mask | 1 << pin) } else { Err(AttachError::NoPin(pin)) })
}

//! A part as the virtual board's device: its state is part of the machine's, so that snapshots, forks,
//! replays and the explorer carry it along.

use std::hash::{Hash, Hasher};

use emulator::bus::Tick;
use emulator::pins::{Drive, PinDevice};

use crate::catalogue::{Control, Kind};
use crate::models::{Acts, Part};
use crate::shown::Shown;

/// Events of one part that may fall on one tick; what is more waits for the machine's next round.
const MAX_STEPS: usize = 64;

/// A control to be moved, as it stands in the machine's log of inputs: which, to what, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Order {
    pub(crate) at: Tick,
    pub(crate) control: u8,
    pub(crate) value: i64,
}

impl Order {
    const BYTES: usize = 17;

    pub(crate) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[0] = self.control;
        bytes[1..9].copy_from_slice(&self.value.to_le_bytes());
        bytes[9..].copy_from_slice(&self.at.to_le_bytes());
        bytes
    }

    /// `None`: no order of this format.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (control, rest) = bytes.split_first()?;
        let (value, at) = rest.split_first_chunk()?;
        Some(Self {
            control: *control,
            value: i64::from_le_bytes(*value),
            at: Tick::from_le_bytes(at.try_into().ok()?),
        })
    }
}

/// A part on its pins.
#[derive(Clone, Debug, Hash)]
pub(crate) struct PartDevice {
    kind: &'static Kind,
    part: Part,
    /// Which role each of the device's pins has; what is not connected is left out.
    roles: Vec<usize>,
    acts: Acts,
    levels: u32,
    connected: bool,
    /// Orders that wait, the earliest last; of one tick, the first given last.
    orders: Vec<Order>,
}

/// Orders that may wait at one part.
pub(crate) const MAX_ORDERS: usize = 4096;

impl PartDevice {
    pub(crate) fn new(kind: &'static Kind, part: Part, roles: Vec<usize>) -> Self {
        let acts = Acts::default();
        Self { kind, part, roles, acts, levels: 0, connected: false, orders: Vec::new() }
    }

    /// Whether another order may wait.
    pub(crate) fn has_room(&self) -> bool {
        self.orders.len() < MAX_ORDERS
    }

    pub(crate) fn shown(&self, now: Tick) -> Shown {
        self.part.model().shown(now)
    }

    fn control(&self, order: Order) -> Option<&'static Control> {
        let control = self.kind.controls.get(usize::from(order.control))?;
        (control.min..=control.max).contains(&order.value).then_some(control)
    }

    fn obey(&mut self, now: Tick, order: Order) {
        if let Some(control) = self.control(order) {
            self.part.model_mut().control(now, control.key, order.value, &mut self.acts);
        }
    }

    fn next_order(&self) -> Tick {
        self.orders.last().map_or(Tick::MAX, |order| order.at)
    }
}

impl PinDevice for PartDevice {
    fn levels_changed(&mut self, now: Tick, levels: u32) {
        let first = !std::mem::replace(&mut self.connected, true);
        if first {
            self.part.model_mut().connect(now, &mut self.acts);
        }
        let changed = self.levels ^ levels;
        self.levels = levels;
        for (n, &role) in self.roles.iter().enumerate() {
            if first || changed >> n & 1 != 0 {
                self.part.model_mut().edge(now, role, levels >> n & 1 != 0, &mut self.acts);
            }
        }
    }

    fn drive(&self, n: usize) -> Drive {
        self.roles.get(n).map_or(Drive::Released, |&role| self.acts.of(role))
    }

    fn deadline(&self) -> Tick {
        self.part.model().deadline().min(self.next_order())
    }

    /// Lets what is due happen, up to the first change at a pin: each edge must be seen on its own.
    fn run(&mut self, now: Tick) {
        let before = self.acts;
        for _ in 0..MAX_STEPS {
            let (order, event) = (self.next_order(), self.part.model().deadline());
            if order.min(event) > now || self.acts != before {
                break;
            }
            if order <= event {
                if let Some(order) = self.orders.pop() {
                    self.obey(order.at, order);
                }
            } else {
                self.part.model_mut().step(&mut self.acts);
            }
        }
    }

    fn tell(&mut self, now: Tick, message: &[u8]) {
        let Some(order) = Order::from_bytes(message) else { return };
        if order.at <= now {
            self.obey(now, order);
        } else if self.has_room() {
            // Before all that come later, behind all of the same tick: the last one is the next.
            let place = self.orders.partition_point(|other| other.at > order.at);
            self.orders.insert(place, order);
        }
    }

    fn boxed_clone(&self) -> Box<dyn PinDevice> {
        Box::new(self.clone())
    }

    fn hash_state(&self, mut state: &mut dyn Hasher) {
        self.hash(&mut state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_survive_the_log_of_inputs() {
        let order = Order { at: 0x0123_4567_89AB_CDEF, control: 3, value: -42 };
        assert_eq!(Order::from_bytes(&order.to_bytes()), Some(order));
        for length in 0..Order::BYTES {
            assert_eq!(Order::from_bytes(&order.to_bytes()[..length]), None);
        }
        assert_eq!(Order::from_bytes(&[0; Order::BYTES + 1]), None);
    }
}

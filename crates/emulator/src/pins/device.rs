//! What a device on the chip's pins has to be.

use std::any::Any;
use std::fmt::Debug;
use std::hash::Hasher;

use super::Drive;
use crate::bus::Tick;

/// A device that is connected to pins: a sensor, a display's controller, another chip's port.
///
/// Its state is part of the machine's: it is kept in snapshots, copied in forks and hashed, so it must
/// depend on nothing but the calls below. "Its pins" are numbered in the order in which they were given
/// to [`Machine::attach`](crate::Machine::attach).
///
/// After every call the machine asks for [`drive`](Self::drive) and [`deadline`](Self::deadline) anew.
pub trait PinDevice: Any + Debug + Send + Sync {
    /// The levels of its pins have changed (bit n: its pin n); called once when it is attached, and
    /// then at the very tick of each change, its own ones included.
    fn levels_changed(&mut self, now: Tick, levels: u32);

    /// What it does to its pin `n`.
    fn drive(&self, n: usize) -> Drive;

    /// When it wants to be run next (`Tick::MAX`: not by itself). What is due is run at once; a device
    /// that is always due would stand in the machine's way, so it is run at most once a microsecond.
    fn deadline(&self) -> Tick {
        Tick::MAX
    }

    /// Its deadline has come.
    fn run(&mut self, now: Tick) {
        let _ = now;
    }

    /// Somebody turned its knob: a message from [`Machine::tell_device`](crate::Machine::tell_device),
    /// which is recorded in the input log and so can be replayed.
    fn tell(&mut self, now: Tick, message: &[u8]) {
        let _ = (now, message);
    }

    /// A copy for a snapshot or a fork.
    fn boxed_clone(&self) -> Box<dyn PinDevice>;

    /// Feeds everything that decides how it goes on into a hash.
    fn hash_state(&self, state: &mut dyn Hasher);
}

impl Clone for Box<dyn PinDevice> {
    fn clone(&self) -> Self {
        self.as_ref().boxed_clone()
    }
}

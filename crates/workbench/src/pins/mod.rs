//! What is wired to an emulated board's pins, for as long as the board lives: parts, and a record of the pins if somebody
//! wants one.

mod callbacks;
mod stamped;
#[cfg(test)]
mod tests;
mod told;

use std::sync::{Arc, LazyLock};

use emulator::bus::Tick;
use emulator::pins::AttachError;
use emulator::{Machine, Stop, Stops};
use inspector::symbols::Symbols;
use parts::{MoveError, Scope, Shown, Wired, Wiring};
use serde::Serialize;

use callbacks::Callbacks;
pub(crate) use stamped::Stamped;
use told::Record;
pub use told::Wanted;

/// What one part shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartShown {
    /// The part's name in its wiring.
    pub name: String,
    /// What is seen of it.
    pub shown: Shown,
}

/// The pins of one board.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pins {
    on: Option<(Arc<Wiring>, Wired)>,
    scope: Option<Scope>,
    callbacks: Option<Callbacks>,
}

impl Pins {
    /// Connects these parts in the place of those that are there. Their moves wait for [`begin`](Self::begin).
    pub(crate) fn wire(&mut self, wiring: &Arc<Wiring>, seed: u64, machine: &mut Machine) -> Result<(), AttachError> {
        if let Some((_, wired)) = self.on.take() {
            wired.disconnect(machine);
        }
        if !wiring.parts().is_empty() {
            self.on = Some((Arc::clone(wiring), Wired::attach(wiring, seed, machine)?));
        }
        Ok(())
    }

    /// From now on what the wiring moves by itself counts.
    pub(crate) fn begin(&mut self, machine: &mut Machine) {
        if let Some((wiring, wired)) = &mut self.on {
            wired.begin(wiring, machine);
        }
    }

    /// Keeps the last so many changes of the pins from now on.
    pub(crate) fn record(&mut self, machine: &mut Machine, changes: usize) {
        self.scope = Some(Scope::begin(machine, changes));
    }

    /// Keeps as well what becomes of interrupts. The machine's stops are this record's from now on, so a run that somebody
    /// else watches has none.
    pub(crate) fn record_callbacks(&mut self, machine: &mut Machine, steps: usize, symbols: &Symbols) {
        // A firmware without these functions is not ours: its pins are recorded all the same.
        self.callbacks = Callbacks::of(symbols, steps).ok();
        machine.set_stops(self.callbacks.as_ref().map(Callbacks::stops).unwrap_or_default());
    }

    /// The record, if one is kept.
    pub(crate) fn scope(&self) -> Option<&Scope> {
        self.scope.as_ref()
    }

    /// Keeps nothing any more.
    pub(crate) fn forget_record(&mut self, machine: &mut Machine) {
        self.scope = None;
        if self.callbacks.take().is_some() {
            machine.set_stops(Stops::default());
        }
    }

    /// Runs the machine, and looks at what is recorded of its interrupts.
    pub(crate) fn run(&mut self, machine: &mut Machine, until: Tick) -> Stop {
        match &mut self.callbacks {
            Some(callbacks) => callbacks.run(machine, until),
            None => machine.run_until(until),
        }
    }

    /// The record, if one is kept, to be told as number `number`.
    pub(crate) fn record_of(&self, machine: &Machine, number: u64) -> Option<Record<'_>> {
        static NOTHING: LazyLock<Wiring> = LazyLock::new(Wiring::default);
        let wiring = self.on.as_ref().map_or(&*NOTHING, |(wiring, _)| wiring);
        let (scope, callbacks) = (self.scope.as_ref()?, self.callbacks.as_ref());
        Some(Record { number, scope, callbacks, wiring, now: machine.ticks() })
    }

    /// Hears what the machine tells of its pins; called whenever it has run.
    pub(crate) fn follow(&mut self, machine: &mut Machine) {
        let events = match (&mut self.scope, &self.on) {
            (Some(scope), _) => scope.take(machine),
            (None, Some(_)) => machine.take_pin_events(),
            (None, None) => return,
        };
        if let Some((_, wired)) = &mut self.on {
            wired.follow(&events);
        }
    }

    /// Moves a control of a part now.
    pub(crate) fn move_part(
        &mut self,
        machine: &mut Machine,
        part: &str,
        control: &str,
        value: i64,
    ) -> Result<(), MoveError> {
        match &mut self.on {
            Some((_, wired)) => wired.set(machine, part, control, value),
            None => Err(MoveError::NotConnected { part: part.to_owned() }),
        }
    }

    /// What every part shows, in the wiring's order.
    pub(crate) fn shown(&self, machine: &Machine) -> Vec<PartShown> {
        let Some((_, wired)) = &self.on else { return Vec::new() };
        let shown = wired.names().zip(wired.all_shown(machine));
        shown.filter_map(|(name, shown)| Some(PartShown { name: name.to_owned(), shown: shown? })).collect()
    }
}

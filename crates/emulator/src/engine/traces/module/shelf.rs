//! The traces of the module that the tab has been given: the part that `code` plays where machine code is made.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::context::SLOTS;
use super::frame::{Arena, Entry, Refused};
use super::table::{self, Source};
use crate::cpu::{Registers, Timing};
use crate::engine::block::Spread;
use crate::memory::{CodeUnit, Memory};

/// What all machines of the tab use, once it is there.
static OFFERED: OnceLock<Arc<Code>> = OnceLock::new();

/// Lets machines that are made from now on use the traces of a module, the first that is offered. `run` is the place of its
/// function of this name in the tab's table of functions, `table` what the module says of its traces. Returns whether the table
/// can be read.
pub fn offer(run: usize, table: &[u8]) -> bool {
    let Some(code) = table::read(table).and_then(|sources| Code::of(Arc::new(Arena::new(run)), sources)) else {
        return false;
    };
    OFFERED.get_or_init(|| Arc::new(code));
    true
}

/// A trace of the module.
#[derive(Debug)]
pub(in super::super) struct Trace {
    pub(in super::super) entry: Entry,
    source: Source,
    /// What its code stands in, none of them twice and no ROM, once a machine has been told to mark it.
    units: OnceLock<Box<[CodeUnit]>>,
}

impl Trace {
    /// What its code stands in, if it was marked.
    pub(in super::super) fn units(&self) -> &[CodeUnit] {
        self.units.get().map_or(&[], |units| units)
    }

    /// Lets the memory tell when the code changes.
    pub(in super::super) fn mark(&self, memory: &mut Memory) {
        self.units.get_or_init(|| memory.code_units(self.source.addresses()));
        for address in self.source.addresses() {
            memory.mark_code(address);
        }
    }
}

/// The module's traces, for all machines.
#[derive(Debug)]
pub(in super::super) struct Code {
    shelf: Mutex<Shelf>,
}

/// What the module holds; it does not change.
#[derive(Debug)]
pub(in super::super) struct Shelf {
    arena: Arc<Arena>,
    traces: HashMap<u32, Vec<Arc<Trace>>, Spread>,
    slots: HashMap<u32, u32, Spread>,
    /// The address of each slot.
    slot_pcs: Vec<u32>,
}

impl Code {
    /// `None` if there are more than a context has slots for.
    fn of(arena: Arc<Arena>, sources: Vec<Source>) -> Option<Self> {
        let mut shelf = Shelf { arena, traces: HashMap::default(), slots: HashMap::default(), slot_pcs: Vec::new() };
        for (entry, source) in Entry::all().zip(sources) {
            let pc = source.pc();
            if let std::collections::hash_map::Entry::Vacant(slot) = shelf.slots.entry(pc) {
                slot.insert(shelf.slot_pcs.len() as u32);
                shelf.slot_pcs.push(pc);
            }
            shelf.traces.entry(pc).or_default().push(Arc::new(Trace { entry, source, units: OnceLock::new() }));
        }
        (shelf.slot_pcs.len() <= SLOTS).then_some(Self { shelf: Mutex::new(shelf) })
    }

    /// What a new machine uses.
    ///
    /// # Errors
    /// [`Refused`] where no module was offered.
    pub(in super::super) fn begin() -> Result<Arc<Self>, Refused> {
        OFFERED.get().cloned().ok_or(Refused)
    }

    pub(in super::super) fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    /// Where all traces are.
    pub(in super::super) fn arena(&self) -> &Arc<Arena> {
        &self.arena
    }

    /// The slot of an address at which a trace begins.
    pub(in super::super) fn slot(&self, pc: u32) -> Option<u32> {
        self.slots.get(&pc).copied()
    }

    /// The addresses of all slots.
    pub(in super::super) fn slot_pcs(&self) -> &[u32] {
        &self.slot_pcs
    }

    /// The trace that begins at `pc`, if the module has one for the code that stands there. All count silicon's time.
    pub(in super::super) fn known(
        &self,
        memory: &Memory,
        pc: u32,
        breakpoints: &[u32],
        timing: Timing,
    ) -> Option<Arc<Trace>> {
        let fits = |trace: &&Arc<Trace>| timing == Timing::Silicon && trace.source.stands_in(memory, breakpoints);
        self.traces.get(&pc).into_iter().flatten().find(fits).cloned()
    }

    /// Nothing: no trace can be made here.
    ///
    /// # Errors
    /// None: where machine code is made, there may be no room for it.
    pub(in super::super) fn trace(
        &mut self,
        _: &Memory,
        _: &Registers,
        _: u32,
        _: &[u32],
        _: Timing,
    ) -> Result<Option<Arc<Trace>>, Refused> {
        Ok(None)
    }
}

//! Which traces one machine uses: attached where its own memory shows the code that they were compiled from.

use std::collections::HashMap;
use std::sync::Arc;

#[cfg(machine_code)]
use super::code::{Code, Shelf, Trace};
#[cfg(not(machine_code))]
use super::module::frame::{Arena, Entry, Frame, Refused};
#[cfg(not(machine_code))]
use super::module::shelf::{Code, Shelf, Trace};
#[cfg(machine_code)]
use super::native::{Arena, Entry, Frame, Refused};
use crate::cpu::{Hart, Timing};
use crate::engine::block::Spread;
use crate::memory::{CodeUnit, Memory};

/// Addresses whose counters share a place.
const WAYS: usize = 4;
/// Places for counters.
const SETS: usize = 1 << 10;
/// A counter's value where no trace can begin.
const NEVER: u8 = u8::MAX;

/// How often the program came to an address without a trace. No counter is for address 0, where no code is.
#[derive(Clone, Copy, Debug, Default)]
struct Counter {
    pc: u32,
    count: u8,
}

/// One machine's view of the shared code.
#[derive(Debug)]
pub(super) struct Links {
    code: Arc<Code>,
    pub(super) frame: Frame,
    /// The arena of the shelf that the frame was last moved to.
    arena: Arc<Arena>,
    attached: HashMap<u32, Arc<Trace>, Spread>,
    by_unit: HashMap<CodeUnit, Vec<u32>, Spread>,
    /// How many slots of the shelf the frame has.
    slots: usize,
    /// The model of time for which traces are attached.
    timing: Timing,
    counters: Vec<[Counter; WAYS]>,
    /// There may be counters that say `NEVER`.
    nevers: bool,
}

impl Links {
    /// Nothing is attached yet.
    pub(super) fn new(code: Arc<Code>) -> Self {
        let arena = Arc::clone(code.shelf().arena());
        Self {
            frame: Frame::new(Arc::clone(&arena)),
            code,
            arena,
            attached: HashMap::default(),
            by_unit: HashMap::default(),
            slots: 0,
            timing: Timing::default(),
            counters: vec![[Counter::default(); WAYS]; SETS],
            nevers: false,
        }
    }

    /// The view of another machine on the same code, with nothing attached.
    pub(super) fn fork(&self) -> Self {
        let mut fork = Self::new(Arc::clone(&self.code));
        // It will come to most of what this one has come to.
        fork.attached.reserve(self.attached.len());
        fork
    }

    /// From now on traces for this model of time are attached.
    pub(super) fn set_timing(&mut self, timing: Timing) {
        if self.timing != timing {
            self.timing = timing;
            self.detach_all();
        }
    }

    /// How many traces are attached.
    pub(super) fn len(&self) -> usize {
        self.attached.len()
    }

    /// The trace at which the hart stands. One is made when the program has come there `threshold` times.
    #[inline]
    pub(super) fn find(
        &mut self,
        memory: &mut Memory,
        hart: &Hart,
        threshold: u8,
        breakpoints: &[u32],
    ) -> Option<Entry> {
        let pc = hart.pc;
        if let Some(entry) = self.frame.jump(pc) {
            return Some(entry);
        }
        let counters = &mut self.counters[(pc >> 1) as usize % SETS];
        if let Some(counter) = counters.iter_mut().find(|counter| counter.pc == pc) {
            if counter.count == NEVER {
                return None;
            }
            counter.count += 1;
            if counter.count < threshold {
                return None;
            }
            *counter = Counter::default();
        } else if let Some(attached) = self.attached.get(&pc) {
            self.frame.set_jump(pc, attached.entry);
            return Some(attached.entry);
        } else if threshold > 1 {
            begin_counter(counters, Counter { pc, count: 1 });
            // Another machine may have had it compiled.
            return self.attach(memory, hart, breakpoints, false);
        }
        self.attach(memory, hart, breakpoints, true)
    }

    /// Attaches the trace at `pc`, if there is one or it is to be compiled.
    #[inline(never)]
    fn attach(&mut self, memory: &mut Memory, hart: &Hart, breakpoints: &[u32], compile: bool) -> Option<Entry> {
        let pc = hart.pc;
        let code = Arc::clone(&self.code);
        let mut shelf = code.shelf();
        let trace = match shelf.known(memory, pc, breakpoints, self.timing) {
            Some(trace) => Ok(Some(trace)),
            None if compile => shelf.trace(memory, &hart.x, pc, breakpoints, self.timing),
            None => return None,
        };
        if !Arc::ptr_eq(&self.arena, shelf.arena()) {
            self.arena = Arc::clone(shelf.arena());
            self.frame.move_to(Arc::clone(&self.arena));
            self.attached.clear();
            self.by_unit.clear();
            self.slots = 0;
        }
        let Ok(Some(trace)) = trace else {
            // Nothing was compiled, or no arena can be had, which is no better the next time.
            begin_counter(&mut self.counters[(pc >> 1) as usize % SETS], Counter { pc, count: NEVER });
            self.nevers = true;
            return None;
        };
        for counter in self.counters[(pc >> 1) as usize % SETS].iter_mut().filter(|counter| counter.pc == pc) {
            *counter = Counter::default();
        }
        trace.mark(memory);
        for &unit in trace.units() {
            self.by_unit.entry(unit).or_default().push(pc);
        }
        let entry = trace.entry;
        self.attached.insert(pc, trace);
        self.take_slots(&shelf);
        if let Some(slot) = shelf.slot(pc) {
            self.frame.set_slot(slot, Some(entry));
        }
        self.frame.set_jump(pc, entry);
        Some(entry)
    }

    /// Lets the slots that the shelf has made since lead somewhere: a trace that uses them may be entered now.
    fn take_slots(&mut self, shelf: &Shelf) {
        let new = self.slots as u32..shelf.slot_pcs().len() as u32;
        self.slots = shelf.slot_pcs().len();
        // A fork finds many slots at once, and has few traces.
        let many = new.len() > self.attached.len();
        for slot in new.clone() {
            let attached = if many { None } else { self.attached.get(&shelf.slot_pcs()[slot as usize]) };
            self.frame.set_slot(slot, attached.map(|attached| attached.entry));
        }
        if many {
            for (&pc, attached) in &self.attached {
                if let Some(slot) = shelf.slot(pc).filter(|slot| new.contains(slot)) {
                    self.frame.set_slot(slot, Some(attached.entry));
                }
            }
        }
    }

    /// Detaches the traces whose code was overwritten or mapped away.
    pub(super) fn detach_stale(&mut self, stale: &[CodeUnit]) {
        for unit in stale {
            for pc in self.by_unit.remove(unit).unwrap_or_default() {
                self.detach(pc);
            }
        }
        self.forget_nevers();
    }

    fn detach(&mut self, pc: u32) {
        let Some(attached) = self.attached.remove(&pc) else { return };
        for unit in attached.units() {
            if let Some(pcs) = self.by_unit.get_mut(unit) {
                pcs.retain(|&other| other != pc);
            }
        }
        self.frame.clear_jump(pc);
        // A slot that the shelf has made since is not used by what this machine has attached.
        let shelf = self.code.shelf();
        if Arc::ptr_eq(&self.arena, shelf.arena())
            && let Some(slot) = shelf.slot(pc)
            && (slot as usize) < self.slots
        {
            self.frame.set_slot(slot, None);
        }
    }

    /// Detaches everything; nothing of it is marked any more.
    pub(super) fn detach_all(&mut self) {
        self.frame.forget_flash();
        self.forget_nevers();
        if self.attached.is_empty() {
            // No jump or slot leads anywhere.
            return;
        }
        self.attached.clear();
        self.by_unit.clear();
        self.frame.clear_jumps();
        for slot in 0..self.slots {
            self.frame.set_slot(slot as u32, None);
        }
    }

    fn forget_nevers(&mut self) {
        if std::mem::take(&mut self.nevers) {
            self.counters.fill([Counter::default(); WAYS]);
        }
    }
}

/// Links of a new machine, if the host lets code be made, or has some.
pub(super) fn new_links() -> Result<Links, Refused> {
    Ok(Links::new(Code::begin()?))
}

/// Begins to count in place of the counter that has come least far.
fn begin_counter(counters: &mut [Counter; WAYS], counter: Counter) {
    if let Some(least) = counters.iter_mut().min_by_key(|counter| counter.count) {
        *least = counter;
    }
}

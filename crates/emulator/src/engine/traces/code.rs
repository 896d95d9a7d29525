//! Traces that machines share: a machine and its forks compile each path once.
//!
//! Shared code says what it was compiled from. A machine compares that with its own memory before it attaches a
//! trace, and marks it there, so that a change of it detaches the trace again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Emitter;
use super::context::SLOTS;
use super::lower::lower;
use super::native::{Arena, Entry, Refused, Writer};
use super::path::Path;
use super::target::Target;
use crate::cpu::{Registers, Timing};
use crate::engine::block::Spread;
use crate::memory::{CodeUnit, Memory};

/// Traces kept for one address, compiled from different code there: self-modifying programs and their
/// forks, or breakpoints that end a path early.
const MAX_VARIANTS: usize = 4;
/// Slots that the exits of one trace may need.
const SLOTS_OF_A_TRACE: usize = super::path::TRACE_LENGTH + 1;

/// A compiled trace.
#[derive(Debug)]
pub(super) struct Trace {
    pub(super) entry: Entry,
    /// The model of time that it counts in.
    timing: Timing,
    /// What it was compiled from.
    runs: Box<[Run]>,
    /// What its code stands in: none of them twice, and no ROM.
    units: Box<[CodeUnit]>,
}

/// Code that stands together, in one unit.
#[derive(Debug)]
struct Run {
    pc: u32,
    bytes: Box<[u8]>,
}

impl Trace {
    fn new(entry: Entry, timing: Timing, path: &Path, memory: &Memory) -> Self {
        let runs = runs(path, memory);
        let units = memory.code_units(runs.iter().map(|run| run.pc));
        Self { entry, timing, runs, units }
    }

    pub(super) fn units(&self) -> &[CodeUnit] {
        &self.units
    }

    /// Lets the memory tell when the code changes.
    pub(super) fn mark(&self, memory: &mut Memory) {
        for run in &self.runs {
            memory.mark_code_bytes(run.pc, run.bytes.len() as u32);
        }
    }

    /// Whether the machine would execute exactly what was compiled.
    fn stands_in(&self, memory: &Memory, breakpoints: &[u32]) -> bool {
        self.runs.iter().all(|run| {
            memory.code_bytes(run.pc, run.bytes.len()) == Some(&run.bytes)
                && !breakpoints.iter().any(|address| (address.wrapping_sub(run.pc) as usize) < run.bytes.len())
        })
    }
}

/// Everything compiled for a family of machines.
#[derive(Debug)]
pub(super) struct Code {
    shelf: Mutex<Shelf>,
}

/// What one arena holds.
#[derive(Debug)]
pub(super) struct Shelf {
    writer: Writer,
    traces: HashMap<u32, Vec<Arc<Trace>>, Spread>,
    slots: HashMap<u32, u32, Spread>,
    /// The address of each slot.
    slot_pcs: Vec<u32>,
    emitter: Emitter,
    bytes: Vec<u8>,
}

impl Code {
    /// Nothing is compiled yet.
    ///
    /// # Errors
    /// [`Refused`] where the host does not let us.
    pub(super) fn begin() -> Result<Arc<Self>, Refused> {
        Ok(Arc::new(Self { shelf: Mutex::new(Shelf::new()?) }))
    }

    /// A shelf is changed in steps that each leave it sound, so one that a panic has left is used on.
    pub(super) fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn new() -> Result<Self, Refused> {
        let mut emitter = Emitter::default();
        Ok(Self {
            writer: Writer::new(&mut emitter)?,
            traces: HashMap::default(),
            slots: HashMap::default(),
            slot_pcs: Vec::new(),
            emitter,
            bytes: Vec::new(),
        })
    }

    /// The arena in which all traces of this shelf stand. It is another one after everything was
    /// dropped because no more found room.
    pub(super) fn arena(&self) -> &Arc<Arena> {
        self.writer.arena()
    }

    /// The slot of an address, if a trace leads there.
    pub(super) fn slot(&self, pc: u32) -> Option<u32> {
        self.slots.get(&pc).copied()
    }

    /// The addresses of all slots.
    pub(super) fn slot_pcs(&self) -> &[u32] {
        &self.slot_pcs
    }

    /// The trace that begins at `pc`, if this or another machine has had it compiled from the same code.
    pub(super) fn known(&self, memory: &Memory, pc: u32, breakpoints: &[u32], timing: Timing) -> Option<Arc<Trace>> {
        let fits = |trace: &&Arc<Trace>| trace.timing == timing && trace.stands_in(memory, breakpoints);
        self.traces.get(&pc).into_iter().flatten().find(fits).cloned()
    }

    /// The trace that begins at `pc`, compiled now as the program goes on with these registers. `None` if none can begin
    /// there.
    ///
    /// # Errors
    /// [`Refused`] if everything had to be dropped for want of room and the host gives no other arena.
    pub(super) fn trace(
        &mut self,
        memory: &Memory,
        x: &Registers,
        pc: u32,
        breakpoints: &[u32],
        timing: Timing,
    ) -> Result<Option<Arc<Trace>>, Refused> {
        let path = Path::discover(memory, x, pc, breakpoints, timing);
        if path.steps.is_empty() {
            return Ok(None);
        }
        if self.slot_pcs.len() + SLOTS_OF_A_TRACE > SLOTS {
            *self = Self::new()?;
        }
        let Some(entry) = self.compile(&path, timing) else { return Ok(None) };
        let entry = match entry {
            Some(entry) => entry,
            None => {
                *self = Self::new()?;
                match self.compile(&path, timing) {
                    Some(Some(entry)) => entry,
                    _ => return Ok(None),
                }
            }
        };
        let trace = Arc::new(Trace::new(entry, timing, &path, memory));
        let variants = self.traces.entry(pc).or_default();
        if variants.len() == MAX_VARIANTS {
            variants.remove(0);
        }
        variants.push(Arc::clone(&trace));
        Ok(Some(trace))
    }

    /// `None` if the path cannot be encoded, `Some(None)` if it finds no room.
    fn compile(&mut self, path: &Path, timing: Timing) -> Option<Option<Entry>> {
        let Self { writer, slots, slot_pcs, emitter, bytes, .. } = self;
        bytes.clear();
        lower(path, timing, emitter, |pc| {
            *slots.entry(pc).or_insert_with(|| {
                slot_pcs.push(pc);
                slot_pcs.len() as u32 - 1
            })
        });
        emitter.finish(bytes).ok()?;
        Some(writer.place(bytes))
    }
}

/// The code that a path consists of.
fn runs(path: &Path, memory: &Memory) -> Box<[Run]> {
    let mut runs: Vec<(u32, Vec<u8>)> = Vec::new();
    for step in &path.steps {
        let mut address = step.pc;
        while address != step.link {
            // It was fetched when the path was discovered.
            let halfword = memory.fetch(address).unwrap_or_default().to_le_bytes();
            match runs.last_mut() {
                Some((pc, bytes))
                    if pc.wrapping_add(bytes.len() as u32) == address
                        && memory.code_unit(*pc) == memory.code_unit(address) =>
                {
                    bytes.extend(halfword);
                }
                _ => runs.push((address, halfword.to_vec())),
            }
            address = address.wrapping_add(2);
        }
    }
    runs.into_iter().map(|(pc, bytes)| Run { pc, bytes: bytes.into() }).collect()
}

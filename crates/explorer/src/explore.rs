//! Arrivals tried: from the window's first boundary to the finishing mark, with interrupts put in.

use std::ops::ControlFlow;

use emulator::bus::Tick;
use emulator::cpu::{Observer, Trap, TrapRecord};
use emulator::{Injection, InjectionError, Source, Stop};

use crate::window::{Deadline, End, FINISH_MARK, Window, end_of};

/// What became of one run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Run {
    /// Values that the program reported, by number.
    pub values: Vec<Option<i32>>,
    /// Where interrupts were delivered, in instructions from the window's first boundary, in order.
    /// Deferred ones are delivered later than they arrive.
    pub delivered: Vec<Delivery>,
    /// Why it did not reach the finishing mark, if so.
    pub end: Option<End>,
    /// Where the scheduler called something that was queued, in instructions from the window's first
    /// boundary, in order: soft callbacks run there, however early they were delivered.
    pub scheduled: Vec<u32>,
    /// Instructions executed from the window's first boundary to the end.
    pub instructions: u64,
}

/// An interrupt that the hart took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Delivery {
    /// Instructions since the window's first boundary.
    pub instruction: u32,
    /// The instruction of main, or of another handler, that waits meanwhile.
    pub pc: u32,
    /// Ticks of 1/480 MHz since the window's first boundary.
    pub ticks: Tick,
}

/// Interrupts arriving at boundaries of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrivals<'a> {
    /// Which source asks for service.
    pub source: Source,
    /// Before which instruction, counted from the window's first boundary. Instructions of handlers
    /// count as well: a second arrival may land in the handler of the first, and is then one with
    /// it or waits for its end, as on the chip.
    pub at: &'a [u32],
}

/// Collects interrupt traps.
struct Deliveries {
    first_instruction: u64,
    first_tick: Tick,
    list: Vec<Delivery>,
}

/// More deliveries than these say nothing new.
const MAX_DELIVERIES: usize = 8;

impl Observer for Deliveries {
    fn trap(&mut self, record: &TrapRecord) {
        if matches!(record.trap, Trap::Interrupt(_)) && self.list.len() < MAX_DELIVERIES {
            self.list.push(Delivery {
                instruction: u32::try_from(record.instructions - self.first_instruction).unwrap_or(u32::MAX),
                pc: record.pc,
                ticks: record.now - self.first_tick,
            });
        }
    }
}

impl Window {
    /// Runs from the window's first boundary to the finishing mark, with interrupts at `arrivals`.
    ///
    /// Sources without an event of their own (see [`Source::has_event`]) never arrive.
    pub fn try_arrivals(&mut self, arrivals: &Arrivals<'_>) -> Run {
        let injections: Vec<(u32, Injection)> =
            arrivals.at.iter().map(|&at| (at, Injection::Source(arrivals.source))).collect();
        self.run_from_begin(&injections)
    }

    /// Runs from the window's first boundary with the source's own alarm moved to the tick of one
    /// boundary: the long way to the same outcome as [`try_arrivals`](Self::try_arrivals).
    ///
    /// # Errors
    /// [`InjectionError`] for sources that are no alarms.
    pub fn try_alarm(&mut self, source: Source, at: u32) -> Result<Run, InjectionError> {
        self.machine.restore(&self.begin);
        let boundary = self.boundaries.get(at as usize).or(self.boundaries.last());
        self.machine.plan_alarm(source, boundary.map_or(0, |boundary| boundary.tick))?;
        Ok(self.run_to_finish())
    }

    pub(crate) fn run_from_begin(&mut self, injections: &[(u32, Injection)]) -> Run {
        self.machine.restore(&self.begin);
        for (at, injection) in injections {
            // Refused only for sources without an event, as documented.
            let _ = self.machine.raise_at(self.first_instruction + u64::from(*at), injection.clone());
        }
        self.run_to_finish()
    }

    fn run_to_finish(&mut self) -> Run {
        let mut deliveries = Deliveries {
            first_instruction: self.first_instruction,
            first_tick: self.machine.ticks(),
            list: Vec::new(),
        };
        let deadline = Deadline::after(&self.machine, self.limits.run_instructions, self.limits.ticks);
        let (mut values, mut scheduled) = (Vec::new(), Vec::new());
        let end = loop {
            let stop = self.machine.run_observed(deadline.tick, deadline.instructions, &mut deliveries);
            match stop {
                Stop::Breakpoint(pc) if pc == self.hooks.mark => {
                    let Some(reached) = self.believed() else { continue };
                    if reached.mark == FINISH_MARK {
                        break None;
                    }
                    reached.note(&mut values);
                }
                Stop::Breakpoint(_) if scheduled.len() < MAX_DELIVERIES => scheduled.push(self.instructions_so_far()),
                other => {
                    if let Some(end) = end_of(other) {
                        break Some(end);
                    }
                }
            }
        };
        let instructions = self.machine.instructions() - self.first_instruction;
        Run { values, delivered: deliveries.list, scheduled, end, instructions }
    }

    /// Instructions since the window's first boundary.
    pub(crate) fn instructions_so_far(&self) -> u32 {
        u32::try_from(self.machine.instructions() - self.first_instruction).unwrap_or(u32::MAX)
    }

    /// Tries one interrupt of `source` at each boundary in `range`, telling `each` what became of it.
    ///
    /// `each` ends the exploration by breaking.
    pub fn try_each(
        &mut self,
        source: Source,
        range: std::ops::Range<u32>,
        mut each: impl FnMut(u32, Run) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for at in range {
            each(at, self.try_arrivals(&Arrivals { source, at: &[at] }))?;
        }
        ControlFlow::Continue(())
    }
}

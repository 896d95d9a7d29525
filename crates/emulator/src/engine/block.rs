//! The fast engine: keeps straight runs of instructions decoded and executes them without looking
//! around in between.
//!
//! A block goes on across direct jumps and calls, returns from calls within the block, and branches,
//! which are foreseen to be taken if they lead back; so it is a path and not a basic block in the
//! strict sense, and it is left where the program takes another way. It never contains an operation on the privileged part of
//! the hart: those are executed one by one as the plain engine does, and looked around after.

mod cache;

use super::{Engine, Exit, Limits, boundary};
use crate::bus::{Devices, Tick};
use crate::cpu::execute::{self, Clock, Flow, World};
use crate::cpu::{Activity, Hart, Observer, Trap};
use crate::memory::{CodeUnit, Memory};
use cache::Cache;
#[cfg(traces)]
pub(super) use cache::Spread;

/// Keeps blocks of decoded instructions; what it keeps is bounded.
#[derive(Debug, Default)]
pub struct Block {
    cache: Cache,
    /// The breakpoints for which the blocks were made: no block continues across one.
    breakpoints: Vec<u32>,
}

impl Engine for Block {
    fn run<D: Devices, O: Observer>(
        &mut self,
        hart: &mut Hart,
        memory: &mut Memory,
        devices: &mut D,
        limits: &Limits<'_>,
        observer: &mut O,
    ) -> Exit {
        self.follow_breakpoints(memory, limits.breakpoints);
        loop {
            let budget = match boundary::cross(hart, memory, devices, limits, observer) {
                Ok(budget) => budget,
                Err(exit) => return exit,
            };
            if memory.has_stale() {
                self.drop_stale(&memory.take_stale());
            }
            if O::STEPS {
                execute::step(hart, memory, devices, budget.ticks_per_cycle, observer);
            } else {
                self.run_blocks(hart, memory, devices, &budget, observer);
            }
            if let Activity::LockedUp(exception) = hart.activity {
                return Exit::Lockup(exception);
            }
        }
    }

    fn forget(&mut self, memory: &mut Memory) {
        self.cache.clear(memory);
    }
}

impl Block {
    /// How many decoded instructions are kept at most.
    pub const CAPACITY: usize = cache::CAPACITY;

    /// How many decoded instructions are kept now.
    #[must_use]
    pub fn decoded_instructions(&self) -> usize {
        self.cache.decoded_instructions()
    }

    /// From now on no block continues across one of these.
    pub(super) fn follow_breakpoints(&mut self, memory: &mut Memory, breakpoints: &[u32]) {
        if self.breakpoints != breakpoints {
            self.cache.clear(memory);
            self.breakpoints = breakpoints.to_vec();
        }
    }

    /// Drops the blocks with code in these units.
    pub(super) fn drop_stale(&mut self, stale: &[CodeUnit]) {
        self.cache.drop_stale(stale);
    }

    /// How often everything was dropped, and with it the memory's marks.
    pub(super) fn drops(&self) -> u64 {
        self.cache.drops()
    }

    /// Executes blocks until the budget is used up or something has to be looked at.
    pub(super) fn run_blocks<D: Devices, O: Observer>(
        &mut self,
        hart: &mut Hart,
        memory: &mut Memory,
        devices: &mut D,
        budget: &boundary::Budget,
        observer: &mut O,
    ) {
        self.run_some::<_, _, false>(hart, memory, devices, budget, observer);
    }

    /// Executes one block, or as much of it as the budget allows; says whether something has to be looked at.
    pub(super) fn run_one<D: Devices, O: Observer>(
        &mut self,
        hart: &mut Hart,
        memory: &mut Memory,
        devices: &mut D,
        budget: &boundary::Budget,
        observer: &mut O,
    ) -> bool {
        self.run_some::<_, _, true>(hart, memory, devices, budget, observer)
    }

    #[inline(always)]
    fn run_some<D: Devices, O: Observer, const ONE: bool>(
        &mut self,
        hart: &mut Hart,
        memory: &mut Memory,
        devices: &mut D,
        budget: &boundary::Budget,
        observer: &mut O,
    ) -> bool {
        let ticks_per_cycle = budget.ticks_per_cycle;
        let (x, began) = (&mut hart.x, hart.now);
        let mut world = World { x, memory, devices, observer, clock: Clock { began, executed: 0, ticks_per_cycle } };
        let mut pc = hart.pc;
        let mut exception = None;
        let (mut system, mut must_look) = (false, false);
        while world.clock.executed < budget.instructions {
            let block = self.cache.find(world.memory, pc, &self.breakpoints);
            let (ops, places) = self.cache.contents(block);
            if ops.is_empty() {
                system = true;
                break;
            }
            let left = usize::try_from(budget.instructions - world.clock.executed).unwrap_or(usize::MAX);
            let run = world.execute(&ops[..ops.len().min(left)], places);
            world.clock.executed += run.last as u64 + 1;
            match run.flow {
                Flow::Jump(target) => pc = target,
                Flow::Next { look } => {
                    pc = places.get(run.last + 1).map_or(block.next, |place| place.pc);
                    if look {
                        must_look = true;
                        break;
                    }
                }
                Flow::Raised(raised) => {
                    pc = places[run.last].pc;
                    exception = Some(raised);
                    break;
                }
            }
            if ONE || !self.breakpoints.is_empty() {
                break;
            }
        }
        let executed = world.clock.executed;
        hart.pc = pc;
        hart.instructions += executed;
        hart.now += executed * Tick::from(ticks_per_cycle);
        if let Some(exception) = exception {
            hart.enter_trap(Trap::Exception(exception), observer);
        } else if system {
            execute::step(hart, memory, devices, ticks_per_cycle, observer);
        }
        must_look || system || exception.is_some()
    }
}

//! The fast engine: keeps straight runs of instructions decoded and executes them without looking
//! around in between.
//!
//! A block goes on across branches that are not taken and across direct jumps, so it is a path and
//! not a basic block in the strict sense. It never contains an operation on the privileged part of
//! the hart: those are executed one by one as the plain engine does, and looked around after.

mod cache;

use super::{Engine, Exit, Limits, boundary};
use crate::bus::{Devices, Tick};
use crate::cpu::execute::{self, Flow, Site, World};
use crate::cpu::{Activity, Hart, Observer, Trap};
use crate::memory::Memory;
use cache::{Cache, Place};

/// Keeps blocks of decoded instructions; what it keeps is bounded.
#[derive(Debug, Default)]
pub struct Block {
    cache: Cache,
    /// The breakpoints for which the blocks were made: no block continues across one.
    breakpoints: Vec<u32>,
}

/// The site of an operation in a block.
struct InBlock<'a> {
    place: &'a Place,
    /// The tick at which the run of blocks began, and the instructions executed since.
    began: Tick,
    executed: u64,
    ticks_per_cycle: u32,
}

impl Site for InBlock<'_> {
    #[inline(always)]
    fn pc(&self) -> u32 {
        self.place.pc
    }

    #[inline(always)]
    fn next(&self) -> u32 {
        self.place.next
    }

    #[inline(always)]
    fn now(&self) -> Tick {
        self.began + self.executed * Tick::from(self.ticks_per_cycle)
    }
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
        if self.breakpoints != limits.breakpoints {
            self.cache.clear(memory);
            self.breakpoints = limits.breakpoints.to_vec();
        }
        loop {
            let budget = match boundary::cross(hart, memory, devices, limits, observer) {
                Ok(budget) => budget,
                Err(exit) => return exit,
            };
            if memory.has_stale() {
                self.cache.drop_stale(memory);
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

    /// Executes blocks until the budget is used up or something has to be looked at.
    fn run_blocks<D: Devices, O: Observer>(
        &mut self,
        hart: &mut Hart,
        memory: &mut Memory,
        devices: &mut D,
        budget: &boundary::Budget,
        observer: &mut O,
    ) {
        let ticks_per_cycle = budget.ticks_per_cycle;
        let began = hart.now;
        let mut executed = 0;
        let mut pc = hart.pc;
        let mut exception = None;
        let mut system = false;
        while executed < budget.instructions {
            let block = self.cache.find(memory, pc, &self.breakpoints);
            let (ops, places) = self.cache.contents(block);
            if ops.is_empty() {
                system = true;
                break;
            }
            let left = usize::try_from(budget.instructions - executed).unwrap_or(usize::MAX);
            let mut world = World { x: &mut hart.x, memory, devices, observer };
            let mut look = false;
            let mut index = 0;
            let count = ops.len().min(left);
            loop {
                let site = InBlock { place: &places[index], began, executed: executed + index as u64, ticks_per_cycle };
                let outcome = world.execute(ops[index], &site);
                index += 1;
                match outcome {
                    Ok(Flow::Next) if index < count => {}
                    Ok(Flow::Next) => {
                        pc = places[index - 1].next;
                        break;
                    }
                    Ok(Flow::Jump(target)) => {
                        pc = target;
                        break;
                    }
                    Ok(Flow::Look) => {
                        pc = places[index - 1].next;
                        look = true;
                        break;
                    }
                    Err(raised) => {
                        pc = places[index - 1].pc;
                        exception = Some(raised);
                        break;
                    }
                }
            }
            executed += index as u64;
            if look || exception.is_some() || !self.breakpoints.is_empty() {
                break;
            }
        }
        hart.pc = pc;
        hart.instructions += executed;
        hart.now += executed * Tick::from(ticks_per_cycle);
        if let Some(exception) = exception {
            hart.enter_trap(Trap::Exception(exception), observer);
        } else if system {
            execute::step(hart, memory, devices, ticks_per_cycle, observer);
        }
    }
}

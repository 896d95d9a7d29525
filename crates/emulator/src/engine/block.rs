//! The fast engine: keeps straight runs of instructions decoded and executes them without looking
//! around in between.
//!
//! A block goes on across direct jumps and calls, returns from calls within the block, and branches,
//! which are foreseen to be taken if they lead back; so it is a path and not a basic block in the
//! strict sense, and it is left where the program takes another way. It never contains an operation on the privileged part of
//! the hart: those are executed one by one as the plain engine does, and looked around after.
//!
//! What a block costs is known when it is decoded, on the way that was foreseen. When it is executed,
//! the rest is added: leaving it, a register that was loaded right before it, lines of flash that are
//! not in the cache, and waiting for the bus.

mod cache;

use super::{Budget, Engine, Exit, Limits, Sieve, boundary};
use crate::bus::{Devices, Tick};
use crate::cpu::execute::{self, After, Clock, Flow, Place, Run, World};
use crate::cpu::timing::{self, Timing};
use crate::cpu::{Activity, Exception, Hart, Observer, Op, Reg, Trap};
use crate::memory::{CodeUnit, Memory};
#[cfg(traces)]
pub(super) use cache::Spread;
use cache::{Cache, Lines};

/// Keeps blocks of decoded instructions; what it keeps is bounded.
#[derive(Debug, Default)]
pub struct Block {
    cache: Cache,
    /// The breakpoints for which the blocks were made: no block continues across one.
    breakpoints: Vec<u32>,
    sieve: Sieve,
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
        self.prepare(hart, memory, limits.breakpoints);
        loop {
            let budget = match boundary::cross(hart, memory, devices, limits, observer) {
                Ok(budget) => budget,
                Err(exit) => return exit,
            };
            if memory.has_stale() {
                self.drop_stale(&memory.take_stale());
            }
            if O::STEPS || hart.csr.counts_events() {
                execute::step(hart, memory, devices, &budget, observer);
            } else {
                self.run_budget(hart, memory, devices, &budget, observer);
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

    /// From now on blocks are decoded for this hart's time, and none continues across a breakpoint.
    pub(super) fn prepare(&mut self, hart: &Hart, memory: &mut Memory, breakpoints: &[u32]) {
        if self.breakpoints != breakpoints {
            self.cache.clear(memory);
            self.breakpoints = breakpoints.to_vec();
            self.sieve = Sieve::of(breakpoints);
        }
        self.cache.set_timing(memory, hart.timing);
    }

    /// Drops the blocks with code in these units.
    pub(super) fn drop_stale(&mut self, stale: &[CodeUnit]) {
        self.cache.drop_stale(stale);
    }

    /// How often everything was dropped, and with it the memory's marks.
    #[cfg(traces)]
    pub(super) fn drops(&self) -> u64 {
        self.cache.drops()
    }

    /// Executes blocks until the budget is used up or something has to be looked at.
    pub(super) fn run_budget<D: Devices, O: Observer>(
        &mut self,
        hart: &mut Hart,
        memory: &mut Memory,
        devices: &mut D,
        budget: &Budget,
        observer: &mut O,
    ) {
        match hart.timing {
            Timing::Unit => self.run_blocks::<_, _, false>(hart, memory, devices, budget, observer),
            Timing::Silicon => self.run_timed_blocks::<_, _, false>(hart, memory, devices, budget, observer),
        };
    }

    /// Executes one block, or as much of it as the budget allows; says whether something has to be looked at.
    #[cfg(traces)]
    pub(super) fn run_one<D: Devices, O: Observer>(
        &mut self,
        hart: &mut Hart,
        memory: &mut Memory,
        devices: &mut D,
        budget: &Budget,
        observer: &mut O,
    ) -> bool {
        match hart.timing {
            Timing::Unit => self.run_blocks::<_, _, true>(hart, memory, devices, budget, observer),
            Timing::Silicon => self.run_timed_blocks::<_, _, true>(hart, memory, devices, budget, observer),
        }
    }

    /// Executes blocks (or `ONE`) in unit time until the budget is used up or something has to be looked at, and says
    /// whether it is that.
    fn run_blocks<D: Devices, O: Observer, const ONE: bool>(
        &mut self,
        hart: &mut Hart,
        memory: &mut Memory,
        devices: &mut D,
        budget: &Budget,
        observer: &mut O,
    ) -> bool {
        let instructions = budget.instructions.min(budget.cycles);
        let clock = Clock::new(hart, budget);
        let mut world = World { x: &mut hart.x, memory, devices, observer, clock };
        let mut pc = hart.pc;
        let mut end = End::Boundary;
        // An instruction is a cycle, so that the clock counts both.
        while world.clock.cycles < instructions {
            let block = self.cache.find(world.memory, pc, &self.breakpoints);
            let (ops, places) = self.cache.contents(block);
            if ops.is_empty() {
                end = End::System;
                break;
            }
            let left = usize::try_from(instructions - world.clock.cycles).unwrap_or(usize::MAX);
            let run = world.execute(&ops[..ops.len().min(left)], places, 0);
            world.clock.cycles += run.last as u64 + 1;
            match run.flow {
                Flow::Jump(target) => pc = target,
                Flow::Next(after) => {
                    pc = places.get(run.last + 1).map_or(block.next, |place| place.pc);
                    if after == After::Look {
                        end = End::Look;
                        break;
                    }
                }
                Flow::Raised(raised) => {
                    pc = places[run.last].pc;
                    end = End::Raised(raised);
                    break;
                }
            }
            if ONE || self.sieve.may_hold(pc) {
                break;
            }
        }
        let executed = world.clock.cycles;
        hart.pc = pc;
        hart.instructions += executed;
        hart.now += executed * Tick::from(budget.ticks_per_cycle);
        end.carry_out(hart, memory, devices, budget, observer)
    }

    /// Executes blocks as [`run_blocks`](Self::run_blocks) does, in silicon's time.
    fn run_timed_blocks<D: Devices, O: Observer, const ONE: bool>(
        &mut self,
        hart: &mut Hart,
        memory: &mut Memory,
        devices: &mut D,
        budget: &Budget,
        observer: &mut O,
    ) -> bool {
        let clock = Clock::new(hart, budget);
        let (mut pc, mut line, mut pending) = (hart.pc, hart.fetch_line, hart.pending_load);
        let mut world = World { x: &mut hart.x, memory, devices, observer, clock };
        let mut executed = 0;
        let mut end = End::Boundary;
        while executed < budget.instructions && world.clock.cycles < budget.cycles {
            let block = self.cache.find(world.memory, pc, &self.breakpoints);
            let (ops, places, lines) = self.cache.timed_contents(block);
            if ops.is_empty() {
                end = End::System;
                break;
            }
            let enters = timing::line_of(pc) != line && timing::is_flash_code(pc);
            let first = Lines { enters, ..lines[0] };
            if pending != Reg::X0 {
                world.clock.cycles += u64::from(timing::hazard(ops[0], pending));
            }
            let left = Budget { instructions: budget.instructions - executed, ..*budget };
            let run = run_block(&mut world, ops, places, lines, first, &left);
            let last = &places[run.last];
            executed += run.last as u64 + 1;
            line = timing::line_of(last.link().wrapping_sub(1));
            pending = Reg::X0;
            world.clock.cycles += last.acts();
            match run.flow {
                Flow::Jump(target) => {
                    world.clock.cycles += u64::from(last.cycles_leaving());
                    pc = target;
                }
                Flow::Next(after) => {
                    world.clock.cycles += u64::from(last.cycles());
                    pending = timing::loaded(ops[run.last]);
                    pc = places.get(run.last + 1).map_or(block.next, |place| place.pc);
                    if after == After::Look {
                        end = End::Look;
                        break;
                    }
                }
                Flow::Raised(raised) => {
                    world.clock.cycles += u64::from(last.cycles());
                    pc = last.pc;
                    end = End::Raised(raised);
                    break;
                }
            }
            if ONE || self.sieve.may_hold(pc) {
                break;
            }
        }
        let cycles = world.clock.cycles;
        (hart.pc, hart.fetch_line, hart.pending_load) = (pc, line, pending);
        hart.instructions += executed;
        hart.stall_cycles += cycles - executed;
        hart.now += cycles * Tick::from(budget.ticks_per_cycle);
        end.carry_out(hart, memory, devices, budget, observer)
    }
}

/// Executes a block, or as much of it as may begin within `left`: so many instructions, and until the
/// clock shows so many cycles. The lines of the `first` operation are not those that were foreseen.
#[inline(always)]
fn run_block<D: Devices, O: Observer>(
    world: &mut World<'_, D, O>,
    ops: &[Op],
    places: &[Place],
    lines: &[Lines],
    first: Lines,
    left: &Budget,
) -> Run {
    let ops = &ops[..ops.len().min(usize::try_from(left.instructions).unwrap_or(usize::MAX))];
    let last_begins = u64::from(places[ops.len() - 1].begins);
    let mut index = 0;
    let mut at = first;
    loop {
        if at.enters {
            world.clock.fetch(world.memory, places[index].pc);
        }
        if at.crosses {
            world.clock.fetch(world.memory, places[index].link().wrapping_sub(1));
        }
        let mut end = ops.len().min(index + usize::from(at.run));
        if world.clock.cycles + last_begins >= left.cycles {
            // What is to begin too late is left out; the present operation has begun.
            let (begun, cycles) = (index + 1, world.clock.cycles);
            let more = &places[begun..end];
            end = begun + more.partition_point(|place| cycles + u64::from(place.begins) < left.cycles);
        }
        let run = world.execute(&ops[..end], places, index);
        index = run.last + 1;
        let goes_on = matches!(run.flow, Flow::Next(After::GoOn | After::Waited)) && index < ops.len();
        if !goes_on || world.clock.cycles + u64::from(places[index].begins) >= left.cycles {
            return run;
        }
        at = lines[index];
    }
}

/// How a run of blocks ended.
enum End {
    /// At a boundary, and there is nothing more to do.
    Boundary,
    /// At a boundary where something has to be looked at.
    Look,
    /// Before an instruction that is in no block.
    System,
    /// With an instruction that could not be carried out.
    Raised(Exception),
}

impl End {
    /// Does what is left to do; returns whether something has to be looked at.
    fn carry_out<D: Devices, O: Observer>(
        self,
        hart: &mut Hart,
        memory: &mut Memory,
        devices: &mut D,
        budget: &Budget,
        observer: &mut O,
    ) -> bool {
        match self {
            Self::Boundary => return false,
            Self::Look => {}
            Self::System => execute::step(hart, memory, devices, budget, observer),
            Self::Raised(exception) => hart.enter_trap(Trap::Exception(exception), budget.ticks_per_cycle, observer),
        }
        true
    }
}

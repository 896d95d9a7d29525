//! The fastest engine: compiles the paths that a program goes again and again into machine code.
//!
//! | file | what it does |
//! |---|---|
//! | `path` | discovers which instructions a trace consists of |
//! | `guess` | where the program is about to go |
//! | `lower` | the front: says what they mean in the words of `target`, or leaves it to the helper (`call`) |
//! | `x86_64`, `aarch64` | the back ends: encode those words |
//! | `state`, `context` | what emitted code works on |
//! | `help` | does what emitted code leaves to others |
//! | `native` | executable memory, and entering code; the only `unsafe` code |
//! | `code` | traces, shared by a machine and its forks |
//! | `module` | traces for the learner's tab, made beforehand |
//! | `links` | which of them one machine uses |
//!
//! A trace is compiled when its beginning was come to often enough; until then, for the last
//! instructions before something is due, and for everything on the privileged part of the hart, the
//! block engine runs. So nothing that the guest or the host can see depends on what is compiled when.

#[cfg(all(machine_code, any(target_arch = "aarch64", test)))]
mod aarch64;
mod call;
#[cfg(machine_code)]
mod code;
#[cfg(machine_code)]
mod context;
#[cfg(machine_code)]
mod guess;
mod help;
mod links;
#[cfg(machine_code)]
mod lower;
pub mod module;
#[cfg(machine_code)]
pub(crate) mod native;
#[cfg(machine_code)]
mod path;
#[cfg(all(machine_code, test))]
mod random;
mod state;
#[cfg(machine_code)]
mod target;
#[cfg(target_arch = "x86_64")]
mod x86_64;

use super::block::Block;
use super::{Budget, Engine, Exit, Limits, THRESHOLD, boundary};
use crate::bus::Devices;
use crate::cpu::{Activity, Hart, Instruction, Observer, Reg, Trap, execute, timing};
use crate::memory::Memory;
#[cfg(target_arch = "aarch64")]
use aarch64::Emitter;
use links::Links;
use state::Left;
#[cfg(target_arch = "x86_64")]
use x86_64::Emitter;

/// Compiles traces where the host allows that, and is the block engine elsewhere.
#[derive(Debug)]
pub struct Traces {
    block: Block,
    links: Option<Links>,
    threshold: u8,
    /// The breakpoints for which traces are attached: none of them holds one.
    breakpoints: Vec<u32>,
}

impl Default for Traces {
    fn default() -> Self {
        Self::with_threshold(THRESHOLD)
    }
}

impl Traces {
    /// An engine that compiles a trace when its beginning is come to for the `threshold`th time.
    #[must_use]
    pub fn with_threshold(threshold: u8) -> Self {
        Self {
            block: Block::default(),
            links: links::new_links().ok(),
            // The highest value means something else to counters.
            threshold: threshold.clamp(1, u8::MAX - 1),
            breakpoints: Vec::new(),
        }
    }

    /// Whether traces are compiled: the host may refuse memory for machine code.
    #[must_use]
    pub fn compiles(&self) -> bool {
        self.links.is_some()
    }

    /// How many traces the machine uses at present.
    #[must_use]
    pub fn attached_traces(&self) -> usize {
        self.links.as_ref().map_or(0, Links::len)
    }

    /// An engine for a fork of the machine, which shares the compiled code.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            block: Block::default(),
            links: self.links.as_ref().map(Links::fork),
            threshold: self.threshold,
            breakpoints: Vec::new(),
        }
    }

    /// Executes until the budget is used up or something has to be looked at.
    fn run_until_due<D: Devices, O: Observer>(
        &mut self,
        hart: &mut Hart,
        memory: &mut Memory,
        devices: &mut D,
        budget: &Budget,
        observer: &mut O,
    ) {
        let Self { block, links: Some(links), threshold, breakpoints } = self else {
            return self.block.run_budget(hart, memory, devices, budget, observer);
        };
        let ends = Ends {
            instructions: hart.instructions.saturating_add(budget.instructions),
            cycles: hart.cycles().saturating_add(budget.cycles),
        };
        while let Some(left) = ends.left(hart, budget) {
            let entry =
                if waits_for_load(hart, memory) { None } else { links.find(memory, hart, *threshold, breakpoints) };
            let Some(entry) = entry else {
                let drops = block.drops();
                let look = block.run_one(hart, memory, devices, &left, observer);
                if block.drops() != drops {
                    // The block engine has dropped everything, and all marks in memory with it.
                    links.detach_all();
                }
                if look || breakpoints.contains(&hart.pc) {
                    return;
                }
                continue;
            };
            let outcome = links.frame.run(entry, hart, memory, devices, &left);
            match outcome.left {
                Left::Miss if breakpoints.contains(&hart.pc) => return,
                Left::Miss => {}
                Left::Budget => {
                    if let Some(left) = ends.left(hart, budget) {
                        let drops = block.drops();
                        block.run_budget(hart, memory, devices, &left, observer);
                        if block.drops() != drops {
                            links.detach_all();
                        }
                    }
                    return;
                }
                Left::Look => return,
                Left::Raised => {
                    if let Some(exception) = outcome.exception {
                        hart.enter_trap(Trap::Exception(exception), budget.ticks_per_cycle, observer);
                    }
                    return;
                }
            }
        }
    }
}

/// Where a budget ends.
struct Ends {
    instructions: u64,
    cycles: u64,
}

impl Ends {
    /// What of the budget is left; `None` if no instruction may begin.
    fn left(&self, hart: &Hart, budget: &Budget) -> Option<Budget> {
        let instructions = self.instructions.saturating_sub(hart.instructions);
        let cycles = self.cycles.saturating_sub(hart.cycles());
        (instructions > 0 && cycles > 0).then_some(Budget { instructions, cycles, ..*budget })
    }
}

/// Whether the next instruction has to wait for what the last one loaded. Traces begin with one that need not.
fn waits_for_load(hart: &Hart, memory: &Memory) -> bool {
    hart.pending_load != Reg::X0
        && Instruction::fetch(memory, hart.pc).is_ok_and(|next| timing::hazard(next.op, hart.pending_load) > 0)
}

impl Engine for Traces {
    fn run<D: Devices, O: Observer>(
        &mut self,
        hart: &mut Hart,
        memory: &mut Memory,
        devices: &mut D,
        limits: &Limits<'_>,
        observer: &mut O,
    ) -> Exit {
        let drops = self.block.drops();
        self.block.prepare(hart, memory, limits.breakpoints);
        if let Some(links) = &mut self.links {
            links.set_timing(hart.timing);
            if self.block.drops() != drops {
                links.detach_all();
            }
        }
        if self.breakpoints != limits.breakpoints {
            self.breakpoints = limits.breakpoints.to_vec();
        }
        loop {
            let budget = match boundary::cross(hart, memory, devices, limits, observer) {
                Ok(budget) => budget,
                Err(exit) => return exit,
            };
            if memory.has_stale() {
                // The memory tells each change once, and both have to know it.
                let stale = memory.take_stale();
                self.block.drop_stale(&stale);
                if let Some(links) = &mut self.links {
                    links.detach_stale(&stale);
                }
            }
            if O::STEPS || hart.csr.counts_events() {
                execute::step(hart, memory, devices, &budget, observer);
            } else {
                self.run_until_due(hart, memory, devices, &budget, observer);
            }
            if let Activity::LockedUp(exception) = hart.activity {
                return Exit::Lockup(exception);
            }
        }
    }

    fn forget(&mut self, memory: &mut Memory) {
        self.block.forget(memory);
        if let Some(links) = &mut self.links {
            links.detach_all();
        }
    }
}

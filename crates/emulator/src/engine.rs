//! Execution engines: what moves a [`Hart`] through its program.
//!
//! [`Plain`] decodes every instruction anew and looks around at every instruction boundary: it is
//! the oracle. [`Block`] keeps blocks decoded and looks around only where something can have
//! changed. [`Traces`] compiles what is executed often. All leave exactly the same state at every boundary where they stop.
//!
//! What an instruction costs is in `cpu::timing`. An interrupt can be taken at every instruction
//! boundary.

mod any;
mod block;
mod boundary;
mod plain;
#[cfg(traces)]
pub mod traces;
#[cfg(not(traces))]
#[path = "engine/traces_absent.rs"]
pub(crate) mod traces;

use crate::bus::{Devices, Tick};
use crate::cpu::{Exception, Hart, Observer};
use crate::memory::Memory;

pub(crate) use any::AnyEngine;
pub use any::{EngineKind, UnknownEngine};
pub use block::Block;
pub(crate) use boundary::Budget;
pub use plain::Plain;
pub use traces::Traces;

/// How often a program comes to an address before its trace is compiled.
pub(crate) const THRESHOLD: u8 = 16;

/// Where a run ends at the latest.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    /// Stop at the first instruction boundary at or after this tick.
    pub tick: Tick,
    /// Stop when [`Hart::instructions`] has reached this count.
    pub instructions: u64,
    /// Stop before an instruction at one of these addresses is executed.
    pub breakpoints: &'a [u32],
    /// The instruction count at which breakpoints are not looked at: where the last run ended with
    /// [`Exit::Breakpoint`], so that this one goes on.
    pub resume_at: Option<u64>,
}

impl Limits<'_> {
    /// No limit at all.
    pub const NONE: Self = Self { tick: Tick::MAX, instructions: u64::MAX, breakpoints: &[], resume_at: None };
}

/// Why a run ended. The hart always stands at an instruction boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The tick limit was reached.
    Tick,
    /// The instruction limit was reached.
    Instructions,
    /// The instruction at this address is next.
    Breakpoint(u32),
    /// [`Devices::stop_requested`] said so.
    Device,
    /// The hart waits for an interrupt, and no event that could raise one is planned.
    Idle,
    /// The trap handler cannot be executed, see [`Activity::LockedUp`](crate::cpu::Activity). Reported
    /// when it happens, and when a run begins that cannot be ended by an event or the tick limit.
    Lockup(Exception),
}

/// Runs a hart.
pub trait Engine {
    /// Runs until a limit is reached or something ends the run.
    ///
    /// Always use an engine with one [`Memory`], or call [`Engine::forget`] in between.
    fn run<D: Devices, O: Observer>(
        &mut self,
        hart: &mut Hart,
        memory: &mut Memory,
        devices: &mut D,
        limits: &Limits<'_>,
        observer: &mut O,
    ) -> Exit;

    /// Drops everything that is kept between runs.
    fn forget(&mut self, memory: &mut Memory);
}

/// Says of most addresses at once that no breakpoint is there.
#[derive(Debug, Default)]
struct Sieve([u64; 16]);

impl Sieve {
    fn of(breakpoints: &[u32]) -> Self {
        let mut sieve = Self::default();
        for &address in breakpoints {
            let (word, bit) = Self::place(address);
            sieve.0[word] |= bit;
        }
        sieve
    }

    /// Whether there may be a breakpoint at `address`.
    #[inline(always)]
    fn may_hold(&self, address: u32) -> bool {
        let (word, bit) = Self::place(address);
        self.0[word] & bit != 0
    }

    const fn place(address: u32) -> (usize, u64) {
        ((address >> 7) as usize % 16, 1 << (address >> 1 & 63))
    }
}

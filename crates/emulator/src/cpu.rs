//! The RV32IMC hart of the ESP32-C3: registers, privilege, counters, and what instructions do.
//!
//! The files follow the RISC-V manuals: [`decode`] and [`compressed`] make an [`Op`], `execute`
//! carries it out, [`csr`] and [`trap`] hold the privileged part. The hart has no loop of its own;
//! `engine` runs it.

pub mod compressed;
pub mod csr;
pub mod decode;
pub(crate) mod execute;
pub mod observe;
mod performance;
mod register;
pub mod timing;
pub mod trap;

use crate::bus::{AccessFault, Tick};
use crate::memory::Memory;

pub use csr::CsrFile;
pub use decode::Op;
pub use observe::{Access, Observer, Step, TrapLog, TrapLogEntry, TrapRecord};
pub use register::{Reg, Registers};
pub use timing::Timing;
pub use trap::{Cause, Exception, Trap};

/// The privilege mode; the chip has machine and user mode (`misa` shows "U").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Privilege {
    /// User mode.
    User = 0,
    /// Machine mode.
    Machine = 3,
}

/// Whether the hart executes instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Activity {
    /// It does.
    Running,
    /// WFI: it waits until an interrupt line asks for service.
    Waiting,
    /// The exception handler's own first instruction cannot be executed, so that nothing but a
    /// reset ends the loop of exceptions. Time goes on (a watchdog may bite), instructions do not.
    LockedUp(Exception),
}

/// How many instructions still run between an interrupt becoming deliverable and its trap.
///
/// It must not be 0 for the mask ROM: `uart_buff_switch` enables an interrupt one instruction
/// before it stores the channel that the handler uses.
pub const INTERRUPT_LATENCY: u64 = 1;

/// The architectural state of the hart, with its position in time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Hart {
    /// The integer registers.
    pub x: Registers,
    /// Address of the next instruction.
    pub pc: u32,
    /// Control and status registers.
    pub csr: CsrFile,
    /// The current privilege mode.
    pub privilege: Privilege,
    /// Whether it executes.
    pub activity: Activity,
    /// The tick at which the next instruction begins.
    pub now: Tick,
    /// Instructions executed since the hart was made; one that traps counts as well.
    pub instructions: u64,
    /// CPU cycles since the hart was made that instructions took beyond their first one, and that
    /// entering traps took.
    pub stall_cycles: u64,
    /// CPU cycles spent waiting (WFI) since the hart was made.
    pub idle_cycles: u64,
    /// Ticks spent waiting (WFI) since the hart was made.
    pub idle_ticks: Tick,
    /// What instructions cost.
    pub timing: Timing,
    /// The register that the instruction before loaded, x0 if it was no load. Stays x0 in unit time.
    pub(crate) pending_load: Reg,
    /// The line (address / 32) that holds the last byte of the instruction before. Stays 0 in unit time.
    pub(crate) fetch_line: u32,
    /// See [`INTERRUPT_LATENCY`]. Counted in instructions; waking from WFI has no latency.
    pub interrupt_latency: u64,
    /// The instruction count from which the interrupt that is deliverable now may be taken.
    pub(crate) interrupt_due: Option<u64>,
}

impl Hart {
    /// A hart at tick 0 that is about to execute the instruction at `pc` in machine mode, in unit time.
    #[must_use]
    pub fn new(pc: u32) -> Self {
        Self {
            x: Registers::default(),
            pc,
            csr: CsrFile::default(),
            privilege: Privilege::Machine,
            activity: Activity::Running,
            now: 0,
            instructions: 0,
            stall_cycles: 0,
            idle_cycles: 0,
            idle_ticks: 0,
            timing: Timing::Unit,
            pending_load: Reg::X0,
            fetch_line: 0,
            interrupt_latency: INTERRUPT_LATENCY,
            interrupt_due: None,
        }
    }

    /// A reset of the CPU: registers and CSRs begin anew at `pc`; time and its counters go on.
    pub fn reset(&mut self, pc: u32) {
        let mut new = Self::new(pc);
        new.now = self.now;
        new.instructions = self.instructions;
        new.stall_cycles = self.stall_cycles;
        new.timing = self.timing;
        new.idle_cycles = self.idle_cycles;
        new.idle_ticks = self.idle_ticks;
        new.interrupt_latency = self.interrupt_latency;
        new.restart_counters();
        *self = new;
    }

    /// CPU cycles since the hart was made: what instructions and traps took, and waiting.
    #[inline]
    #[must_use]
    pub fn cycles(&self) -> u64 {
        self.instructions + self.stall_cycles + self.idle_cycles
    }

    /// Whether an interrupt may be taken: `mstatus.MIE`, and always in user mode.
    #[must_use]
    pub fn interrupts_enabled(&self) -> bool {
        self.csr.mstatus.mie || self.privilege == Privilege::User
    }
}

/// An instruction as it stands in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// What it does.
    pub op: Op,
    /// Bytes it takes: 2 or 4.
    pub length: u32,
}

impl Instruction {
    /// Fetches and decodes the instruction at `pc`.
    ///
    /// # Errors
    /// The instruction access fault, with the address of the part that cannot be read.
    pub fn fetch(memory: &Memory, pc: u32) -> Result<Self, Exception> {
        let fault = |address| move |AccessFault| Exception { cause: Cause::InstructionAccessFault, tval: address };
        let low = memory.fetch(pc).map_err(fault(pc))?;
        if low & 3 != 3 {
            return Ok(Self { op: compressed::expand(low), length: 2 });
        }
        let rest = pc.wrapping_add(2);
        let high = memory.fetch(rest).map_err(fault(rest))?;
        Ok(Self { op: decode::decode(u32::from(high) << 16 | u32::from(low)), length: 4 })
    }
}

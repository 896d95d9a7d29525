//! Exceptions, interrupts and the return from them (privileged manual, sections "Machine Trap-Vector
//! Base-Address Register", "Machine Cause Register" and "Trap Return").

use super::observe::{Observer, TrapRecord};
use super::timing::{TRAP_ENTRY, Timing};
use super::{Activity, Hart, Privilege};

/// Why an exception was raised; the values are those of `mcause`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Cause {
    /// Jump to an odd address; cannot happen with compressed instructions, listed for the manual's sake.
    InstructionAddressMisaligned = 0,
    /// No code memory at the address.
    InstructionAccessFault = 1,
    /// Reserved or unknown encoding, unknown or forbidden CSR.
    IllegalInstruction = 2,
    /// EBREAK.
    Breakpoint = 3,
    /// Misaligned read of a device register.
    LoadAddressMisaligned = 4,
    /// Nothing answers a read.
    LoadAccessFault = 5,
    /// Misaligned write of a device register.
    StoreAddressMisaligned = 6,
    /// Nothing answers a write.
    StoreAccessFault = 7,
    /// ECALL in user mode.
    EnvironmentCallFromUser = 8,
    /// ECALL in machine mode.
    EnvironmentCallFromMachine = 11,
}

/// A synchronous exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Exception {
    /// Goes to `mcause`.
    pub cause: Cause,
    /// Goes to `mtval`: the faulting address, or the bits of the illegal instruction.
    pub tval: u32,
}

/// What makes the hart leave the program's flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// The instruction at `mepc` raised it.
    Exception(Exception),
    /// CPU interrupt line 1 to 31.
    Interrupt(u8),
}

impl Trap {
    /// The value for `mcause`.
    #[must_use]
    pub fn mcause(self) -> u32 {
        match self {
            Self::Exception(exception) => exception.cause as u32,
            Self::Interrupt(line) => 1 << 31 | u32::from(line),
        }
    }
}

impl Hart {
    /// Enters the trap handler; `self.pc` is the instruction that faulted or is put off.
    ///
    /// The manual's steps: `mepc`, `mcause` and `mtval` are written, MIE moves to MPIE and is
    /// cleared, the mode moves to MPP and becomes machine mode, and the pc is set to BASE for an
    /// exception or BASE + 4 x cause for an interrupt (the chip's `mtvec` is always vectored).
    ///
    /// On silicon that takes time; a loaded register and the line of code are kept in mind meanwhile.
    pub(crate) fn enter_trap<O: Observer>(&mut self, trap: Trap, ticks_per_cycle: u32, observer: &mut O) {
        if self.timing == Timing::Silicon {
            self.stall(TRAP_ENTRY.into(), ticks_per_cycle);
        }
        let pc = self.pc;
        let base = self.csr.mtvec_base();
        let (handler, tval) = match trap {
            Trap::Exception(exception) => (base, exception.tval),
            Trap::Interrupt(line) => (base.wrapping_add(4 * u32::from(line)), 0),
        };
        self.csr.mepc = pc;
        self.csr.mcause = trap.mcause();
        self.csr.mtval = tval;
        self.csr.mstatus.mpie = self.csr.mstatus.mie;
        self.csr.mstatus.mie = false;
        self.csr.mstatus.mpp = self.privilege;
        self.privilege = Privilege::Machine;
        self.pc = handler;
        self.interrupt_due = None;
        if let Trap::Exception(exception) = trap
            && pc == handler
            && matches!(exception.cause, Cause::InstructionAccessFault | Cause::IllegalInstruction)
        {
            self.activity = Activity::LockedUp(exception);
        }
        observer.trap(&TrapRecord { instructions: self.instructions, now: self.now, trap, pc, handler });
    }

    /// MRET: MPIE moves back to MIE, the mode to MPP, and the program goes on at `mepc`.
    pub(crate) fn return_from_trap<O: Observer>(&mut self, observer: &mut O) {
        let status = &mut self.csr.mstatus;
        status.mie = status.mpie;
        status.mpie = true;
        self.privilege = status.mpp;
        status.mpp = Privilege::User;
        let from = self.pc;
        self.pc = self.csr.mepc;
        observer.mret(self.instructions, self.now, from, self.pc);
    }
}

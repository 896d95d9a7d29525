//! Control and status registers (privileged manual, chapter "Machine-Level ISA", and ESP32-C3
//! Technical Reference Manual, chapter "ESP-RISC-V CPU").
//!
//! PMP and trigger registers only store: nothing is protected and no trigger fires. `mie`, `mip` and
//! the standard counters are not in the chip's manual, which uses the interrupt matrix and `mpccr`
//! instead; they are kept so that generic RISC-V software runs as well, and change nothing.

use super::performance::{Counts, PerformanceCounter};
use super::{Hart, Privilege};

/// The number of `mstatus`.
pub(crate) const MSTATUS: u16 = 0x300;
/// MIE in `mstatus`.
#[cfg(all(machine_code, target_arch = "x86_64"))]
pub(crate) const MIE: u32 = 1 << 3;

/// The chip's identity registers, as its manual gives them.
const MVENDORID: u32 = 0x612;
const MARCHID: u32 = 0x8000_0001;
const MIMPID: u32 = 1;
/// RV32, extensions C, I, M and U.
const MISA: u32 = 1 << 30 | 1 << 20 | 1 << 12 | 1 << 8 | 1 << 2;

/// `mstatus`: the fields that the chip has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mstatus {
    /// Interrupts are enabled in machine mode (bit 3).
    pub mie: bool,
    /// What MIE was before the trap (bit 7).
    pub mpie: bool,
    /// The mode before the trap (bits 12:11).
    pub mpp: Privilege,
    /// WFI is illegal in user mode (bit 21).
    pub tw: bool,
}

impl Mstatus {
    pub(crate) fn bits(self) -> u32 {
        u32::from(self.mie) << 3 | u32::from(self.mpie) << 7 | (self.mpp as u32) << 11 | u32::from(self.tw) << 21
    }

    pub(crate) fn from_bits(bits: u32) -> Self {
        // MPP holds only modes that exist: anything but user mode is machine mode.
        let mpp = if bits >> 11 & 3 == 0 { Privilege::User } else { Privilege::Machine };
        Self { mie: bits >> 3 & 1 != 0, mpie: bits >> 7 & 1 != 0, mpp, tw: bits >> 21 & 1 != 0 }
    }
}

/// The control and status registers that hold state of their own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CsrFile {
    /// Status of the hart.
    pub mstatus: Mstatus,
    /// BASE in bits 31:2. The chip ignores bits 7:2; they are kept for software written for others.
    mtvec: u32,
    /// For the trap handler's use.
    pub mscratch: u32,
    /// Where a trap handler returns to.
    pub mepc: u32,
    /// Why the last trap was taken.
    pub mcause: u32,
    /// Address or instruction of the last exception.
    pub mtval: u32,
    mie: u32,
    mcounteren: u32,
    mcountinhibit: u32,
    /// What is added to the hart's cycle and instruction counts (wrapping).
    mcycle_offset: u64,
    minstret_offset: u64,
    /// `mpcer`, `mpcmr` and `mpccr`, which are also at 0x800 to 0x802, where user mode can reach them: the
    /// mask ROM selects cycles there, and the bootloader finds them at 0x7E2.
    pub(super) performance: PerformanceCounter,
    gpio_oen: u32,
    gpio_out: u32,
    pmpcfg: [u32; 4],
    pmpaddr: [u32; 16],
    /// `tselect`, `tdata1` to `tdata3`, 0x7A4 and `tcontrol`.
    triggers: [u32; 6],
}

impl Default for CsrFile {
    fn default() -> Self {
        Self {
            mstatus: Mstatus { mie: false, mpie: false, mpp: Privilege::Machine, tw: false },
            mtvec: 0,
            mscratch: 0,
            mepc: 0,
            mcause: 0,
            mtval: 0,
            mie: 0,
            mcounteren: 0,
            mcountinhibit: 0,
            mcycle_offset: 0,
            minstret_offset: 0,
            performance: PerformanceCounter::default(),
            gpio_oen: 0,
            gpio_out: 0,
            pmpcfg: [0; 4],
            pmpaddr: [0; 16],
            triggers: [0; 6],
        }
    }
}

impl CsrFile {
    /// Where exceptions go, and the first entry of the interrupt vector table.
    #[must_use]
    pub fn mtvec_base(&self) -> u32 {
        self.mtvec
    }

    /// Whether the performance counter counts what only single steps tell.
    pub(crate) fn counts_events(&self) -> bool {
        self.performance.counts_events()
    }
}

/// The CSR does not exist, or not for this mode and kind of access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IllegalCsr;

/// What an instruction does to a CSR, beside reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CsrChange {
    None,
    Replace,
    Set,
    Clear,
}

impl CsrChange {
    /// What becomes of what was there.
    fn applied(self, old: u32, source: u32) -> u32 {
        match self {
            Self::None => old,
            Self::Replace => source,
            Self::Set => old | source,
            Self::Clear => old & !source,
        }
    }
}

impl Hart {
    /// Changes a CSR as an instruction does; returns what it held.
    ///
    /// # Errors
    /// As [`read_csr`](Self::read_csr) and [`write_csr`](Self::write_csr).
    pub(crate) fn exchange_csr(&mut self, csr: u16, change: CsrChange, source: u32) -> Result<u32, IllegalCsr> {
        let old = self.read_csr(csr)?;
        if csr == MSTATUS {
            // What programs hold interrupts back with, in loops.
            self.csr.mstatus = Mstatus::from_bits(change.applied(old, source));
            return Ok(old);
        }
        if change != CsrChange::None {
            self.write_csr(csr, change.applied(old, source))?;
        }
        Ok(old)
    }

    /// Reads a CSR. No CSR of this hart has side effects on reads.
    ///
    /// # Errors
    /// [`IllegalCsr`] if it does not exist, or not for the current mode.
    pub fn read_csr(&self, csr: u16) -> Result<u32, IllegalCsr> {
        self.check_privilege(csr)?;
        let file = &self.csr;
        Ok(match csr {
            // `ustatus`: the mask ROM clears it first of all; there are no user-level interrupts.
            0x000 => 0,
            MSTATUS => file.mstatus.bits(),
            0x301 => MISA,
            0x304 => file.mie,
            // Vectored is the only mode.
            0x305 => file.mtvec | 1,
            0x306 => file.mcounteren,
            0x320 => file.mcountinhibit,
            0x340 => file.mscratch,
            0x341 => file.mepc,
            0x342 => file.mcause,
            0x343 => file.mtval,
            // `mip` and `mstatush`: nothing in them.
            0x344 | 0x310 => 0,
            0x3A0..=0x3A3 => file.pmpcfg[usize::from(csr - 0x3A0)],
            0x3B0..=0x3BF => file.pmpaddr[usize::from(csr - 0x3B0)],
            0x7A0..=0x7A5 => file.triggers[usize::from(csr - 0x7A0)],
            0x7E0 | 0x800 => file.performance.events(),
            0x7E1 | 0x801 => file.performance.mode(),
            0x7E2 | 0x802 => file.performance.read(&self.counts()),
            // Dedicated GPIO: output enable, input, output. No pin is connected.
            0x803 => file.gpio_oen,
            0x804 => 0,
            0x805 => file.gpio_out,
            0xB00 => self.mcycle() as u32,
            0xB80 => (self.mcycle() >> 32) as u32,
            0xB02 => self.minstret() as u32,
            0xB82 => (self.minstret() >> 32) as u32,
            0xC00 | 0xC01 | 0xC02 | 0xC80 | 0xC81 | 0xC82 => {
                let bit = csr & 3;
                if self.privilege == Privilege::User && file.mcounteren >> bit & 1 == 0 {
                    return Err(IllegalCsr);
                }
                let counter = if bit == 2 { self.minstret() } else { self.mcycle() };
                if csr & 0x80 == 0 { counter as u32 } else { (counter >> 32) as u32 }
            }
            0xF11 => MVENDORID,
            0xF12 => MARCHID,
            0xF13 => MIMPID,
            // `mhartid` and `mconfigptr`.
            0xF14 | 0xF15 => 0,
            _ => return Err(IllegalCsr),
        })
    }

    /// Writes a CSR; fields that cannot hold the value keep what they can.
    ///
    /// # Errors
    /// [`IllegalCsr`] if it does not exist, not for the current mode, or is read-only.
    pub fn write_csr(&mut self, csr: u16, value: u32) -> Result<(), IllegalCsr> {
        self.check_privilege(csr)?;
        // The two highest bits of a CSR's number say whether it is read-only.
        if csr >> 10 == 3 {
            return Err(IllegalCsr);
        }
        // A written counter shows the written value to the next instruction: the write takes the
        // place of the instruction's own increment, in both halves.
        let next_cycles = self.cycles() + 1;
        let (counts, next_counts) = (self.counts(), self.counts().next());
        let next_instructions = self.instructions + 1;
        let (mcycle, minstret) = (self.mcycle(), self.minstret());
        let file = &mut self.csr;
        match csr {
            MSTATUS => file.mstatus = Mstatus::from_bits(value),
            0x000 | 0x301 | 0x344 | 0x310 => {}
            0x304 => file.mie = value,
            0x305 => file.mtvec = value & !3,
            0x306 => file.mcounteren = value & 7,
            0x320 => file.mcountinhibit = value & 5,
            0x340 => file.mscratch = value,
            0x341 => file.mepc = value & !1,
            0x342 => file.mcause = value & 0x8000_001F,
            0x343 => file.mtval = value,
            0x3A0..=0x3A3 => file.pmpcfg[usize::from(csr - 0x3A0)] = value,
            0x3B0..=0x3BF => file.pmpaddr[usize::from(csr - 0x3B0)] = value,
            0x7A0..=0x7A5 => file.triggers[usize::from(csr - 0x7A0)] = value,
            0x7E0 | 0x800 => file.performance.select_events(value, &counts, &next_counts),
            0x7E1 | 0x801 => file.performance.set_mode(value, &counts, &next_counts),
            0x7E2 | 0x802 => file.performance.write(value, &next_counts),
            0x803 => file.gpio_oen = value,
            0x804 => {}
            0x805 => file.gpio_out = value,
            0xB00 => file.mcycle_offset = with_low(mcycle, value).wrapping_sub(next_cycles),
            0xB80 => file.mcycle_offset = with_high(mcycle, value).wrapping_sub(next_cycles),
            0xB02 => file.minstret_offset = with_low(minstret, value).wrapping_sub(next_instructions),
            0xB82 => file.minstret_offset = with_high(minstret, value).wrapping_sub(next_instructions),
            _ => return Err(IllegalCsr),
        }
        Ok(())
    }

    /// Bits 9:8 of a CSR's number are the lowest privilege that may access it.
    fn check_privilege(&self, csr: u16) -> Result<(), IllegalCsr> {
        if csr >> 8 & 3 > self.privilege as u16 { Err(IllegalCsr) } else { Ok(()) }
    }

    fn counts(&self) -> Counts {
        let Self { instructions, stall_cycles, idle_cycles, .. } = *self;
        Counts { instructions, stall_cycles, idle_cycles }
    }

    /// Lets the standard counters read 0 now, as after a reset.
    pub(super) fn restart_counters(&mut self) {
        self.csr.mcycle_offset = self.cycles().wrapping_neg();
        self.csr.minstret_offset = self.instructions.wrapping_neg();
    }

    fn mcycle(&self) -> u64 {
        self.cycles().wrapping_add(self.csr.mcycle_offset)
    }

    fn minstret(&self) -> u64 {
        self.instructions.wrapping_add(self.csr.minstret_offset)
    }
}

fn with_low(counter: u64, value: u32) -> u64 {
    counter & !0xFFFF_FFFF | u64::from(value)
}

fn with_high(counter: u64, value: u32) -> u64 {
    counter & 0xFFFF_FFFF | u64::from(value) << 32
}

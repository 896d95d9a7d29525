//! What time costs: the one table of the hart's cycles, and where each number comes from.
//!
//! Two models can be chosen. [`Timing::Unit`] lets every instruction take one cycle.
//! [`Timing::Silicon`] charges what was measured on chips:
//!
//! | what | cycles | where from |
//! |---|---|---|
//! | integer operation, CSR access, store, load | 1 | measured on the ESP32-C3 with its performance counters (micro-benchmarks of the project niccle, ctrlsrc.io, 2023) |
//! | the instruction behind a load uses what was loaded | +1 | the same |
//! | `jal`, `jalr` | 2 | the same, for `j`; `jalr` is taken to be the same |
//! | branch not taken, taken | 1, 3 | the same: there is no prediction |
//! | `mul` | 2 | inferred: with it the mix of CoreMark costs what Espressif publishes; the ESP32-C6 shows 1 |
//! | `mulh`, `mulhsu`, `mulhu` | 2 | ESP32-C6 (LLTA-Bench) |
//! | `div`, `divu`, `rem`, `remu` | 10 | ESP32-C6 (LLTA-Bench) |
//! | trap entry | 4 | Technical Reference Manual, "Interrupt Controller", on latency, for interrupts; exceptions are taken to be the same |
//! | `mret` | 3 | not measured: taken to refill the pipeline as a taken branch does |
//! | access to a peripheral | +7; from 0x600C_0000 on +1 for reads | estimate |
//! | a line of flash that is not in the cache | see `peripherals/spi0.rs` | derived from the flash controller's registers |
//!
//! The rules need to remember one register of the instruction before ([`Hart::pending_load`]) and
//! the line of flash that is being executed ([`Hart::fetch_line`]). All that is charged before an
//! instruction acts (its line of code, the wait for a loaded register) is over when a device sees
//! its access; what follows (a longer operation, the bus) comes after.
//!
//! Not measured and so not charged: the second of two stores of bytes, loads in a row that take 2
//! now and then, accesses that are not aligned, the instructions behind a write to a CSR.

use super::{Hart, Op, Reg};
use crate::bus::Tick;
use crate::memory::{FLASH_CODE_BASE, FLASH_DATA_BASE, FLASH_WINDOW_SIZE};

/// Which model says what an instruction costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Timing {
    /// As on the chip, see the table of [`timing`](self). New boards keep it unless they are told otherwise.
    #[default]
    Silicon,
    /// Every instruction takes one cycle.
    Unit,
}

impl std::fmt::Display for Timing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Silicon => "silicon",
            Self::Unit => "unit",
        })
    }
}

impl std::str::FromStr for Timing {
    type Err = UnknownTiming;

    fn from_str(name: &str) -> Result<Self, UnknownTiming> {
        let known = [Self::Silicon, Self::Unit].into_iter().find(|timing| timing.to_string() == name);
        known.ok_or_else(|| UnknownTiming(name.to_owned()))
    }
}

/// There is no model of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no model of time `{0}`; there are silicon and unit")]
pub struct UnknownTiming(pub String);

/// What a taken branch costs beyond one that is not.
pub(crate) const TAKEN_EXTRA: u8 = 2;
/// How long the instruction behind a load waits if it uses what was loaded.
pub(crate) const LOAD_HAZARD: u8 = 1;
/// From the boundary where a trap is taken to the handler's first instruction.
pub(crate) const TRAP_ENTRY: u8 = 4;

/// Cycles of an operation that waits for nothing; a branch is not taken.
pub(crate) const fn cycles(op: Op) -> u8 {
    match op {
        Op::Jal { .. } | Op::Jalr { .. } => 2,
        Op::Mul { .. } | Op::Mulh { .. } | Op::Mulhsu { .. } | Op::Mulhu { .. } => 2,
        Op::Div { .. } | Op::Divu { .. } | Op::Rem { .. } | Op::Remu { .. } => 10,
        Op::Mret => 3,
        _ => 1,
    }
}

/// Cycles of an operation that ends in a jump to somewhere: a branch that is taken, or a jump.
pub(crate) const fn cycles_jumping(op: Op) -> u8 {
    match op {
        Op::Beq { .. } | Op::Bne { .. } | Op::Blt { .. } | Op::Bge { .. } | Op::Bltu { .. } | Op::Bgeu { .. } => {
            cycles(op) + TAKEN_EXTRA
        }
        _ => cycles(op),
    }
}

/// The register that a load delivers, which an instruction right behind it has to wait for; x0 if
/// the operation is no load, or loads nothing.
pub(crate) const fn loaded(op: Op) -> Reg {
    match op {
        Op::Lb { rd, .. } | Op::Lh { rd, .. } | Op::Lw { rd, .. } | Op::Lbu { rd, .. } | Op::Lhu { rd, .. } => rd,
        _ => Reg::X0,
    }
}

/// The registers that an operation reads, x0 where there is none.
const fn sources(op: Op) -> (Reg, Reg) {
    match op {
        Op::Beq { rs1, rs2, .. }
        | Op::Bne { rs1, rs2, .. }
        | Op::Blt { rs1, rs2, .. }
        | Op::Bge { rs1, rs2, .. }
        | Op::Bltu { rs1, rs2, .. }
        | Op::Bgeu { rs1, rs2, .. }
        | Op::Sb { rs1, rs2, .. }
        | Op::Sh { rs1, rs2, .. }
        | Op::Sw { rs1, rs2, .. }
        | Op::Add { rs1, rs2, .. }
        | Op::Sub { rs1, rs2, .. }
        | Op::Sll { rs1, rs2, .. }
        | Op::Slt { rs1, rs2, .. }
        | Op::Sltu { rs1, rs2, .. }
        | Op::Xor { rs1, rs2, .. }
        | Op::Srl { rs1, rs2, .. }
        | Op::Sra { rs1, rs2, .. }
        | Op::Or { rs1, rs2, .. }
        | Op::And { rs1, rs2, .. }
        | Op::Mul { rs1, rs2, .. }
        | Op::Mulh { rs1, rs2, .. }
        | Op::Mulhsu { rs1, rs2, .. }
        | Op::Mulhu { rs1, rs2, .. }
        | Op::Div { rs1, rs2, .. }
        | Op::Divu { rs1, rs2, .. }
        | Op::Rem { rs1, rs2, .. }
        | Op::Remu { rs1, rs2, .. } => (rs1, rs2),
        Op::Jalr { rs1, .. }
        | Op::Lb { rs1, .. }
        | Op::Lh { rs1, .. }
        | Op::Lw { rs1, .. }
        | Op::Lbu { rs1, .. }
        | Op::Lhu { rs1, .. }
        | Op::Addi { rs1, .. }
        | Op::Slti { rs1, .. }
        | Op::Sltiu { rs1, .. }
        | Op::Xori { rs1, .. }
        | Op::Ori { rs1, .. }
        | Op::Andi { rs1, .. }
        | Op::Slli { rs1, .. }
        | Op::Srli { rs1, .. }
        | Op::Srai { rs1, .. }
        | Op::Csrrw { rs1, .. }
        | Op::Csrrs { rs1, .. }
        | Op::Csrrc { rs1, .. } => (rs1, Reg::X0),
        Op::Lui { .. }
        | Op::Auipc { .. }
        | Op::Jal { .. }
        | Op::Fence
        | Op::FenceI
        | Op::Ecall
        | Op::Ebreak
        | Op::Csrrwi { .. }
        | Op::Csrrsi { .. }
        | Op::Csrrci { .. }
        | Op::Mret
        | Op::Wfi
        | Op::Illegal { .. } => (Reg::X0, Reg::X0),
    }
}

/// How many cycles `op` waits if `pending` was loaded by the instruction before it (x0: none was).
pub(crate) fn hazard(op: Op, pending: Reg) -> u8 {
    let (first, second) = sources(op);
    if pending != Reg::X0 && (first == pending || second == pending) { LOAD_HAZARD } else { 0 }
}

/// Cycles that an access to a peripheral takes beyond those of the instruction.
///
/// Estimate. Pins toggled through registers stay below 10 MHz on this chip (measurements of GPIO speed,
/// ctrlsrc.io, 2023), so that two writes and a jump take more than 16 cycles of 160 MHz. A read is taken
/// to last as long as a write. What hangs directly on the CPU's own bus (from 0x600C_0000 on: SYSTEM,
/// interrupt matrix, EXTMEM) is not behind that bridge and is taken to answer at once.
pub(crate) const fn bus_wait(address: u32, store: bool) -> u8 {
    match (address >= 0x600C_0000, store) {
        (true, true) => 0,
        (true, false) => 1,
        (false, _) => 7,
    }
}

/// Which line of 32 bytes an address is in.
#[inline(always)]
pub(crate) const fn line_of(address: u32) -> u32 {
    address >> 5
}

/// Whether code at `address` comes through the cache.
#[inline(always)]
pub(crate) const fn is_flash_code(address: u32) -> bool {
    address.wrapping_sub(FLASH_CODE_BASE) < FLASH_WINDOW_SIZE
}

/// Whether data at `address` comes through the cache (both windows can be read).
#[inline(always)]
pub(crate) const fn is_flash(address: u32) -> bool {
    address.wrapping_sub(FLASH_DATA_BASE) < FLASH_WINDOW_SIZE || is_flash_code(address)
}

impl Hart {
    /// Lets cycles pass beyond the one that every instruction is counted for.
    #[inline]
    pub(crate) fn stall(&mut self, cycles: u64, ticks_per_cycle: u32) {
        self.stall_cycles += cycles;
        self.now += cycles * Tick::from(ticks_per_cycle);
    }
}

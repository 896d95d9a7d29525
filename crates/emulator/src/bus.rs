//! The border between the hart and the rest of the chip.
//!
//! The execution engines (`cpu`, `engine`) know core memory directly, because most accesses go
//! there and speed depends on it. Everything else is behind [`Devices`], which the chip implements.

use crate::memory::Memory;

/// A point in virtual time, in units of 1/480 MHz: every clock of the chip (160, 80, 40, 20 and
/// 16 MHz) divides it, so that no rounding ever happens.
pub type Tick = u64;

/// How many [`Tick`]s make a second of virtual time.
pub const TICKS_PER_SECOND: Tick = 480_000_000;

/// The size of one data access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// 8 bits.
    Byte,
    /// 16 bits.
    Half,
    /// 32 bits.
    Word,
}

impl Width {
    /// How many bytes are accessed.
    #[inline(always)]
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Byte => 1,
            Self::Half => 2,
            Self::Word => 4,
        }
    }
}

/// An access that nothing on the bus answers; the hart turns it into an access-fault exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessFault;

/// What a device access may have changed for the running engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing that the engine caches: it may go on with the current block.
    None,
    /// Interrupt lines, the next event, the CPU clock or the wish to stop may have changed: the
    /// engine leaves its block after this instruction and asks again.
    Reschedule,
}

/// Everything outside core memory, as the hart sees it.
///
/// `now` is always the exact tick at which the accessing instruction acts. `memory` is passed in because
/// direct memory access, the cache controller and the flash controller work on it. Accesses are
/// always naturally aligned: the hart raises the misaligned exceptions itself.
///
/// What [`next_event`](Devices::next_event), [`interrupt`](Devices::interrupt),
/// [`ticks_per_cycle`](Devices::ticks_per_cycle), [`flash_line_ticks`](Devices::flash_line_ticks) and
/// [`stop_requested`](Devices::stop_requested) answer may change only in `run_events`, or in an access that returns [`Effect::Reschedule`], or
/// while no engine runs. The fast engine relies on it.
pub trait Devices {
    /// Reads a peripheral register. Reads may have side effects (FIFOs).
    ///
    /// # Errors
    /// [`AccessFault`] where no device answers.
    fn load(
        &mut self,
        memory: &mut Memory,
        now: Tick,
        address: u32,
        width: Width,
    ) -> Result<(u32, Effect), AccessFault>;

    /// Writes a peripheral register; `value` holds the data in its low bits.
    ///
    /// # Errors
    /// [`AccessFault`] where no device answers.
    fn store(
        &mut self,
        memory: &mut Memory,
        now: Tick,
        address: u32,
        width: Width,
        value: u32,
    ) -> Result<Effect, AccessFault>;

    /// The tick of the next device event (`Tick::MAX`: none is planned).
    fn next_event(&self) -> Tick;

    /// Lets every event due at or before `now` happen, in order.
    fn run_events(&mut self, memory: &mut Memory, now: Tick);

    /// The CPU interrupt line (1..=31) that asks for service now: enabled, with a priority above 0
    /// and at or above the threshold; the highest priority first, then the lowest line.
    fn interrupt(&self) -> Option<u8>;

    /// Ticks per CPU cycle at the clock selected now (3 at 160 MHz, 6 at 80, 12 at 40, 24 at 20).
    fn ticks_per_cycle(&self) -> u32;

    /// Whether the hart is held: time passes, no instruction is executed and no interrupt taken. The
    /// same rule holds for it as for the answers above.
    fn holds_hart(&self) -> bool {
        false
    }

    /// How long the cache takes to read a line of flash.
    fn flash_line_ticks(&self) -> u32;

    /// Whether the engine shall return to its caller at this instruction boundary: a reset was
    /// asked for, or something happened that the host waits for. The caller finds out what, and
    /// takes the request back before it runs the engine again.
    fn stop_requested(&self) -> bool;
}

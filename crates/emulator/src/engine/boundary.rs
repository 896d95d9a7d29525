//! What happens between two instructions. Both engines go through here, the plain one at every
//! boundary, the fast one at every boundary where something can have changed.

use super::{Exit, Limits};
use crate::bus::{Devices, Tick};
use crate::cpu::{Activity, Hart, Observer, Trap};
use crate::memory::Memory;

/// How the hart may go on: the next instruction begins now, and others may begin as long as fewer
/// instructions and cycles than these have passed. Only an instruction itself can make something due sooner.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    /// At least 1.
    pub(crate) instructions: u64,
    /// At least 1.
    pub(crate) cycles: u64,
    /// The CPU clock.
    pub(crate) ticks_per_cycle: u32,
    /// What it costs to read a line of flash.
    pub(crate) miss_cycles: u32,
}

/// Lets everything happen that is due at this boundary: limits, events, waiting, interrupts and
/// breakpoints, in this order.
pub(super) fn cross<D: Devices, O: Observer>(
    hart: &mut Hart,
    memory: &mut Memory,
    devices: &mut D,
    limits: &Limits<'_>,
    observer: &mut O,
) -> Result<Budget, Exit> {
    let mut instructions;
    loop {
        let line = look_around(hart, memory, devices, limits)?;
        instructions = limits.instructions - hart.instructions;
        match line {
            Some(line) if hart.interrupts_enabled() => {
                let due = *hart.interrupt_due.get_or_insert(hart.instructions + hart.interrupt_latency);
                if due <= hart.instructions {
                    // That took time, in which other things may have come.
                    hart.enter_trap(Trap::Interrupt(line), devices.ticks_per_cycle().max(1), observer);
                    continue;
                }
                instructions = instructions.min(due - hart.instructions);
            }
            _ => hart.interrupt_due = None,
        }
        break;
    }

    if limits.breakpoints.contains(&hart.pc) && limits.resume_at != Some(hart.instructions) {
        return Err(Exit::Breakpoint(hart.pc));
    }

    let ticks_per_cycle = devices.ticks_per_cycle().max(1);
    let due = devices.next_event().min(limits.tick);
    let cycles = due.saturating_sub(hart.now).div_ceil(Tick::from(ticks_per_cycle));
    let miss_cycles = devices.flash_line_ticks().div_ceil(ticks_per_cycle);
    Ok(Budget { instructions: instructions.max(1), cycles: cycles.max(1), ticks_per_cycle, miss_cycles })
}

/// Looks at stops, limits and events, and waits if the hart does, until it goes on; returns the line
/// that asks for service then.
fn look_around<D: Devices>(
    hart: &mut Hart,
    memory: &mut Memory,
    devices: &mut D,
    limits: &Limits<'_>,
) -> Result<Option<u8>, Exit> {
    loop {
        if devices.stop_requested() {
            return Err(Exit::Device);
        }
        if hart.now >= limits.tick {
            return Err(Exit::Tick);
        }
        if hart.instructions >= limits.instructions {
            return Err(Exit::Instructions);
        }
        if devices.next_event() <= hart.now {
            devices.run_events(memory, hart.now);
            if devices.stop_requested() {
                return Err(Exit::Device);
            }
        }
        if devices.holds_hart() {
            wait(hart, devices, limits).ok_or(Exit::Idle)?;
            continue;
        }
        let line = devices.interrupt();
        match hart.activity {
            Activity::Running => return Ok(line),
            Activity::Waiting if line.is_some() => {
                // The CPU is awake before it can be interrupted; there is nothing to wait for.
                hart.activity = Activity::Running;
                hart.interrupt_due = Some(hart.instructions);
                return Ok(line);
            }
            Activity::Waiting => wait(hart, devices, limits).ok_or(Exit::Idle)?,
            Activity::LockedUp(exception) => wait(hart, devices, limits).ok_or(Exit::Lockup(exception))?,
        }
    }
}

/// Lets time pass until the next event or the limit; `None` if neither will ever come.
///
/// Whole cycles pass, so that it makes no difference for the phase of the CPU clock where a run was
/// divided.
fn wait<D: Devices>(hart: &mut Hart, devices: &D, limits: &Limits<'_>) -> Option<()> {
    let due = devices.next_event().min(limits.tick);
    if due == Tick::MAX {
        return None;
    }
    let ticks_per_cycle = Tick::from(devices.ticks_per_cycle().max(1));
    let cycles = due.saturating_sub(hart.now).div_ceil(ticks_per_cycle).max(1);
    let ticks = cycles.saturating_mul(ticks_per_cycle).min(Tick::MAX - hart.now);
    hart.now += ticks;
    hart.idle_ticks += ticks;
    hart.idle_cycles += cycles;
    Some(())
}

//! How long interrupts have held a program up.

use emulator::bus::{TICKS_PER_SECOND, Tick};
use emulator::cpu::{Observer, Trap, TrapRecord};

/// Adds up the time between an interrupt of main and the return to it, with all interrupts that nest in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupted {
    /// The instruction that main goes on with, and when it was interrupted.
    since: Option<(u32, Tick)>,
    total: Tick,
}

impl Interrupted {
    /// All interrupts that are over, in microseconds.
    pub(crate) fn us(&self) -> f64 {
        self.total as f64 / (TICKS_PER_SECOND / 1_000_000) as f64
    }
}

impl Observer for Interrupted {
    fn trap(&mut self, record: &TrapRecord) {
        if let Trap::Interrupt(_) = record.trap {
            self.since.get_or_insert((record.pc, record.now));
        }
    }

    fn mret(&mut self, _instructions: u64, now: Tick, _from: u32, to: u32) {
        // What nests returns into a routine, and not to where main was.
        if let Some((_, since)) = self.since.take_if(|(main, _)| *main == to) {
            self.total += now - since;
        }
    }
}

#[cfg(test)]
mod tests {
    use emulator::cpu::{Cause, Exception};

    use super::*;

    #[test]
    fn interrupts_within_an_interrupt_are_a_part_of_it() {
        let mut interrupted = Interrupted::default();
        let us = TICKS_PER_SECOND / 1_000_000;
        let trap = |pc: u32, now: Tick| TrapRecord {
            instructions: 0,
            now,
            trap: Trap::Interrupt(2),
            pc,
            handler: 0x4038_0000,
        };
        interrupted.trap(&trap(0x4200_0010, 10 * us));
        interrupted.trap(&trap(0x4038_0100, 12 * us));
        interrupted.mret(0, 15 * us, 0x4038_0200, 0x4038_0100);
        assert_eq!(interrupted.us(), 0.0);
        interrupted.mret(0, 20 * us, 0x4038_0200, 0x4200_0010);
        assert_eq!(interrupted.us(), 10.0);
        // An exception is the program's own time.
        interrupted.trap(&TrapRecord {
            trap: Trap::Exception(Exception { cause: Cause::Breakpoint, tval: 0 }),
            ..trap(0x4200_0010, 30 * us)
        });
        interrupted.mret(0, 40 * us, 0x4038_0200, 0x4200_0014);
        interrupted.trap(&trap(0x4200_0010, 50 * us));
        interrupted.mret(0, 51 * us, 0x4038_0200, 0x4200_0010);
        assert_eq!(interrupted.us(), 11.0);
    }
}

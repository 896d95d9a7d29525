//! The system alarm: one comparator shared by everything that the firmware itself waits for.

use crate::clock::{self, Comparator};
use crate::interrupts::{self, Shared};
use crate::{console, guard, run, telemetry};
use esp_hal::peripherals::Interrupt;

/// What waits for the alarm.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiter {
    /// Main sleeps in `fw_wait`.
    Main = 0,
    /// The next telemetry sample.
    Sample = 1,
    /// The load guard's next look.
    Guard = 2,
    /// The next step of a stop that main has not answered.
    Stop = 3,
    /// Text waits for space in a console.
    Console = 4,
    /// The UART may be ready for another speed.
    Baud = 5,
}

const WAITERS: usize = 6;
const NEVER: u64 = u64::MAX;

static DEADLINES: Shared<[u64; WAITERS]> = Shared::new([NEVER; WAITERS]);

pub(crate) fn init() {
    interrupts::bind(Interrupt::SYSTIMER_TARGET2, routine, interrupts::KERNEL);
}

/// Wakes a waiter at `ticks`. From anywhere.
pub(crate) fn set(waiter: Waiter, ticks: u64) {
    DEADLINES.with(|deadlines| {
        deadlines[waiter as usize] = ticks;
        rearm(deadlines);
    });
}

/// Takes a waiter's deadline back. From anywhere.
pub(crate) fn cancel(waiter: Waiter) {
    set(waiter, NEVER);
}

fn rearm(deadlines: &[u64; WAITERS]) {
    match deadlines.iter().copied().min().unwrap_or(NEVER) {
        NEVER => clock::disarm(Comparator::System),
        next => clock::arm(Comparator::System, next),
    }
}

extern "C" fn routine() {
    clock::acknowledge(Comparator::System);
    let now = clock::ticks();
    let due = DEADLINES.with(|deadlines| {
        let due = deadlines.map(|deadline| deadline <= now);
        for (deadline, due) in deadlines.iter_mut().zip(due) {
            if due {
                *deadline = NEVER;
            }
        }
        rearm(deadlines);
        due
    });
    // Who sleeps needs no call: the interrupt has woken it.
    if due[Waiter::Sample as usize] {
        telemetry::sample_due(now);
    }
    if due[Waiter::Guard as usize] {
        guard::look(now);
    }
    if due[Waiter::Stop as usize] {
        run::press_stop(now);
    }
    if due[Waiter::Baud as usize] {
        console::uart::change_baud_if_idle(now);
    }
}

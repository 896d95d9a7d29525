//! Timers that share one alarm of the chip: timer 0 of timer group 0 (TRM, chapter 11), which counts as the system
//! timer does, 16 MHz.

use esp_hal::peripherals::{Interrupt, TIMG0};
use esp_hal::timer::timg::TimerGroup;
use micropython_sys::{ALARMS, TIMERS};

use crate::clock;
use crate::interrupts::{self, Shared};
use crate::sources;

const COUNT: usize = TIMERS - ALARMS;
const NEVER: u64 = u64::MAX;
/// From the bus clock of 80 MHz to the system timer's rate.
const DIVIDER: u16 = 5;
/// An alarm that has just passed must still be met.
const SOONEST_TICKS: u64 = 4;

static DEADLINES: Shared<[u64; COUNT]> = Shared::new([NEVER; COUNT]);

pub(crate) fn init(timer_group: TIMG0<'static>) {
    // The driver switches the clock on, and nothing switches it off again.
    let _ = TimerGroup::new(timer_group);
    interrupts::bind(Interrupt::TG0_T0_LEVEL, routine, interrupts::lesson_level(1));
    TIMG0::regs().int_ena().modify(|_, w| w.t(0).set_bit());
}

/// Makes a slot's alarm fire at `ticks`, at once if that has passed. From anywhere.
#[esp_hal::ram]
pub(crate) fn arm(slot: usize, ticks: u64) {
    DEADLINES.with(|deadlines| {
        deadlines[slot - ALARMS] = ticks;
        program(deadlines);
    });
}

/// Takes a slot's alarm back. From anywhere.
pub(crate) fn disarm(slot: usize) {
    arm(slot, NEVER);
}

/// Sets the hardware to the earliest deadline. With interrupts off.
#[esp_hal::ram]
fn program(deadlines: &[u64; COUNT]) {
    let timer = TIMG0::regs().t(0);
    timer.config().write(|w| unsafe { w.divider().bits(DIVIDER).increase().set_bit() });
    TIMG0::regs().int_clr().write(|w| w.t(0).clear_bit_by_one());
    let next = deadlines.iter().copied().min().unwrap_or(NEVER);
    if next == NEVER {
        return;
    }
    let wait = next.saturating_sub(clock::ticks()).max(SOONEST_TICKS);
    timer.loadlo().write(|w| unsafe { w.bits(0) });
    timer.loadhi().write(|w| unsafe { w.bits(0) });
    timer.load().write(|w| unsafe { w.bits(1) });
    timer.alarmlo().write(|w| unsafe { w.bits(wait as u32) });
    timer.alarmhi().write(|w| unsafe { w.bits((wait >> 32) as u32) });
    timer.config().modify(|_, w| w.alarm_en().set_bit().en().set_bit());
}

#[esp_hal::ram]
extern "C" fn routine() {
    TIMG0::regs().int_clr().write(|w| w.t(0).clear_bit_by_one());
    let now = clock::ticks();
    let due = DEADLINES.with(|deadlines| {
        let due = deadlines.map(|deadline| deadline <= now);
        for (deadline, due) in deadlines.iter_mut().zip(due) {
            if due {
                *deadline = NEVER;
            }
        }
        program(deadlines);
        due
    });
    for (timer, due) in due.into_iter().enumerate() {
        if due {
            sources::alarm(ALARMS + timer);
        }
    }
}

//! Time: the system timer's unit 0, 52 bits at 16 MHz (ESP32-C3 TRM, chapter 10), and its alarms.

use core::arch::asm;

use esp_hal::peripherals::SYSTIMER;
use esp_hal::timer::systimer::{SystemTimer, Unit};

use crate::interrupts;

/// Ticks of the system timer in one second.
pub(crate) const TICKS_PER_SECOND: u64 = 16_000_000;
/// Ticks of the system timer in one microsecond.
pub(crate) const TICKS_PER_MICRO: u64 = 16;

/// The comparators, by their number in the hardware.
#[derive(Clone, Copy)]
pub(crate) enum Comparator {
    Timer0 = 0,
    Timer1 = 1,
    System = 2,
}

/// Puts all comparators into target mode, disarmed, with their interrupts on.
pub(crate) fn init() {
    for n in 0..3 {
        SYSTIMER::regs().target_conf(n).modify(|_, w| w.period_mode().clear_bit().timer_unit_sel().clear_bit());
    }
    // Counts cycles (TRM, 1.5.3 "Performance Counter"): what is counted, and that it is.
    // SAFETY: nothing else uses the counter.
    unsafe { asm!("csrwi 0x7E0, 1", "csrwi 0x7E1, 1") };
    SYSTIMER::regs().int_ena().write(|w| w.target(0).set_bit().target(1).set_bit().target(2).set_bit());
}

/// Ticks since reset. From anywhere.
#[esp_hal::ram]
pub(crate) fn ticks() -> u64 {
    SystemTimer::unit_value(Unit::Unit0)
}

/// Microseconds since reset. From anywhere.
pub(crate) fn micros() -> u64 {
    ticks() / TICKS_PER_MICRO
}

/// Makes a comparator fire when the counter reaches `target`, at once if it has. From anywhere.
///
/// The order is that of ESP-IDF's `systimer_hal_set_alarm_target`: a comparator is reloaded while it is off.
#[esp_hal::ram]
pub(crate) fn arm(comparator: Comparator, target: u64) {
    let n = comparator as usize;
    let regs = SYSTIMER::regs();
    interrupts::free(|| {
        enable(comparator, false);
        regs.trgt(n).hi().write(|w| unsafe { w.hi().bits((target >> 32) as u32) });
        regs.trgt(n).lo().write(|w| unsafe { w.lo().bits(target as u32) });
        regs.comp_load(n).write(|w| w.load().set_bit());
        enable(comparator, true);
    });
}

/// Takes an alarm back, also one that is pending. From anywhere.
pub(crate) fn disarm(comparator: Comparator) {
    interrupts::free(|| {
        enable(comparator, false);
        acknowledge(comparator);
    });
}

/// Clears a comparator's interrupt. From its interrupt routine.
#[esp_hal::ram]
pub(crate) fn acknowledge(comparator: Comparator) {
    SYSTIMER::regs().int_clr().write(|w| w.target(comparator as u8).clear_bit_by_one());
}

#[esp_hal::ram]
fn enable(comparator: Comparator, on: bool) {
    SYSTIMER::regs().conf().modify(|_, w| match comparator {
        Comparator::Timer0 => w.target0_work_en().bit(on),
        Comparator::Timer1 => w.target1_work_en().bit(on),
        Comparator::System => w.target2_work_en().bit(on),
    });
}

//! Sleeps, and what outlives a reset: calendar, RTC memory, why the chip was reset.
//!
//! A sleep waits with Python's interrupts masked, and a deep one ends in a reset. What a program can tell is as in a
//! real one; the chip stays powered meanwhile, so that the host can still stop a program that sleeps for ever.

use esp_hal::peripherals::GPIO;
use esp_hal::rtc_cntl::SocResetReason;
use esp_hal::system::Cpu;
use portable_atomic::{AtomicBool, AtomicU32, Ordering};
use protocol::board::Sleep;

use crate::alarm::{self, Waiter};
use crate::clock::{self, TICKS_PER_MICRO, TICKS_PER_SECOND};
use crate::interrupts::{self, Shared};
use crate::{console, run, vm};

const MEMORY_BYTES: usize = 2048;
/// RTC memory holds anything after power-up; this word says that it is ours.
const OURS: u32 = 0x1507_2026;

/// In RTC memory, which keeps its content over every reset but power-up.
#[repr(C)]
struct Kept {
    magic: u32,
    /// What the calendar showed at `restarts`' beginning, in microseconds since 2000.
    calendar_us: u64,
    memory_len: u32,
    memory: [u8; MEMORY_BYTES],
    /// The reset to come is the end of a deep sleep, by this `esp_sleep_source_t`; 0: it is not.
    woken_by: u32,
}

// SAFETY: plain numbers; any bits are a value.
unsafe impl esp_hal::Persistable for Kept {}

#[esp_hal::ram(unstable(rtc_fast, persistent))]
static mut KEPT: Kept = Kept { magic: 0, calendar_us: 0, memory_len: 0, memory: [0; MEMORY_BYTES], woken_by: 0 };
/// `KEPT` is used with interrupts off only.
static LOCK: Shared<()> = Shared::new(());

/// `esp_sleep_source_t`.
const BY_TIMER: u32 = 4;
const BY_GPIO: u32 = 7;

static WOKEN_BY: AtomicU32 = AtomicU32::new(0);
static WAS_DEEP: AtomicBool = AtomicBool::new(false);
static WAKE_PINS: AtomicU32 = AtomicU32::new(0);
static WAKE_LEVEL: AtomicBool = AtomicBool::new(false);
/// The VM was started anew without a reset.
static SOFT: AtomicBool = AtomicBool::new(false);

fn kept<R>(f: impl FnOnce(&mut Kept) -> R) -> R {
    LOCK.with(|()| {
        let kept = &raw mut KEPT;
        // SAFETY: with interrupts off nothing else holds a reference.
        f(unsafe { &mut *kept })
    })
}

/// Takes over what the last run of the chip left.
pub(crate) fn init() {
    let woken_by = kept(|kept| {
        if kept.magic != OURS || kept.memory_len as usize > MEMORY_BYTES {
            (kept.magic, kept.calendar_us, kept.memory_len, kept.woken_by) = (OURS, 0, 0, 0);
        }
        core::mem::take(&mut kept.woken_by)
    });
    WOKEN_BY.store(woken_by, Ordering::Relaxed);
    WAS_DEEP.store(woken_by != 0, Ordering::Relaxed);
}

/// The calendar goes on over a reset from where it was.
pub(crate) fn before_reset() {
    let now = clock::micros();
    kept(|kept| kept.calendar_us += now);
}

/// A soft reset.
pub(crate) fn vm_restarted() {
    SOFT.store(true, Ordering::Relaxed);
}

#[unsafe(no_mangle)]
extern "C" fn fw_calendar_us() -> u64 {
    kept(|kept| kept.calendar_us) + clock::micros()
}

#[unsafe(no_mangle)]
extern "C" fn fw_calendar_set_us(us: u64) {
    let now = clock::micros();
    kept(|kept| kept.calendar_us = us.wrapping_sub(now));
}

#[unsafe(no_mangle)]
extern "C" fn fw_rtc_memory(len: *mut usize) -> *mut u8 {
    kept(|kept| {
        // SAFETY: C hands over a place for a number.
        unsafe { len.write(kept.memory_len as usize) };
        kept.memory.as_mut_ptr()
    })
}

#[unsafe(no_mangle)]
extern "C" fn fw_rtc_memory_resize(len: usize) -> bool {
    let fits = len <= MEMORY_BYTES;
    if fits {
        kept(|kept| kept.memory_len = len as u32);
    }
    fits
}

#[unsafe(no_mangle)]
extern "C" fn fw_wake_on_pins(mask: u32, high: bool) {
    WAKE_PINS.store(mask, Ordering::Relaxed);
    WAKE_LEVEL.store(high, Ordering::Relaxed);
}

#[unsafe(no_mangle)]
extern "C" fn fw_wake_reason() -> u32 {
    WOKEN_BY.load(Ordering::Relaxed)
}

/// `machine.PWRON_RESET` and so on, as `ports/esp32/modmachine.c` has them.
#[unsafe(no_mangle)]
extern "C" fn fw_reset_cause() -> u32 {
    const POWER_ON: u32 = 1;
    const HARD: u32 = 2;
    const WATCHDOG: u32 = 3;
    const DEEP_SLEEP: u32 = 4;
    const SOFT_RESET: u32 = 5;
    if SOFT.load(Ordering::Relaxed) {
        return SOFT_RESET;
    }
    if WAS_DEEP.load(Ordering::Relaxed) {
        return DEEP_SLEEP;
    }
    match esp_hal::rtc_cntl::reset_reason(Cpu::ProCpu) {
        Some(SocResetReason::ChipPowerOn | SocResetReason::SysBrownOut) => POWER_ON,
        Some(SocResetReason::CoreDeepSleep) => DEEP_SLEEP,
        Some(
            SocResetReason::CoreMwdt0
            | SocResetReason::CoreMwdt1
            | SocResetReason::CoreRtcWdt
            | SocResetReason::Cpu0Mwdt0
            | SocResetReason::Cpu0RtcWdt
            | SocResetReason::SysRtcWdt
            | SocResetReason::Cpu0Mwdt1
            | SocResetReason::SysSuperWdt,
        ) => WATCHDOG,
        Some(_) => HARD,
        None => 0,
    }
}

/// Whether one of the wake pins has the level that wakes.
fn pins_wake() -> bool {
    let mask = WAKE_PINS.load(Ordering::Relaxed);
    let levels = GPIO::regs().in_().read().bits() & mask;
    if WAKE_LEVEL.load(Ordering::Relaxed) { levels != 0 } else { mask != 0 && levels == 0 }
}

/// Waits for the end of a sleep and returns what ended it; Ctrl-C and Stop do, too.
fn wait(ms: i32) -> u32 {
    /// How often the pins are looked at, in ticks.
    const LOOK: u64 = TICKS_PER_SECOND / 10_000;
    let deadline = u64::try_from(ms).map(|ms| clock::ticks() + ms * (TICKS_PER_SECOND / 1000)).unwrap_or(u64::MAX);
    let were_enabled = interrupts::lesson_disable();
    let woken_by = loop {
        let now = clock::ticks();
        if pins_wake() {
            break BY_GPIO;
        }
        if now >= deadline {
            break BY_TIMER;
        }
        if vm::is_interrupted() {
            break 0;
        }
        let look = if WAKE_PINS.load(Ordering::Relaxed) == 0 { u64::MAX } else { now + LOOK };
        let next = deadline.min(look);
        if next != u64::MAX {
            alarm::set(Waiter::Main, next);
        }
        interrupts::wait_unless(|| vm::is_interrupted() || clock::ticks() >= next);
    };
    alarm::cancel(Waiter::Main);
    interrupts::lesson_restore(were_enabled);
    woken_by
}

#[unsafe(no_mangle)]
extern "C" fn fw_light_sleep(ms: i32) {
    WOKEN_BY.store(wait(ms), Ordering::Relaxed);
}

#[unsafe(no_mangle)]
extern "C" fn fw_deep_sleep(ms: i32) -> ! {
    let (pins, high) = (WAKE_PINS.load(Ordering::Relaxed), WAKE_LEVEL.load(Ordering::Relaxed));
    let told = Sleep { ms: u32::try_from(ms).ok(), pins, high, woken: None };
    run::asleep(told);
    console::flush();
    let woken_by = wait(ms);
    kept(|kept| kept.woken_by = woken_by);
    let woken = match woken_by {
        BY_TIMER => Some("timer"),
        BY_GPIO => Some("pin"),
        _ => None,
    };
    if woken.is_some() {
        run::asleep(Sleep { woken, ..told });
        console::flush();
    }
    before_reset();
    esp_hal::system::software_reset()
}

/// Milliseconds of the calendar are those of the system timer.
const _: () = assert!(TICKS_PER_MICRO * 1_000_000 == TICKS_PER_SECOND);

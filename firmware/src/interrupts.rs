//! Interrupt levels, masking, and the two software interrupts.
//!
//! The chip's controller has 31 lines with priorities 1..15 and a mask bit each (ESP32-C3 TRM,
//! section 8.3); esp-hal maps a source of priority n to the line of that priority and nests by priority.

use core::arch::asm;
use core::cell::UnsafeCell;
use portable_atomic::{AtomicU32, Ordering};

use esp_hal::interrupt::{self, InterruptHandler, Priority};
use esp_hal::peripherals::{INTERRUPT_CORE0, Interrupt, SYSTEM};

/// Telemetry: above main only.
pub(crate) const TELEMETRY: Priority = Priority::Priority1;
/// Consoles, system alarm and load guard: above everything.
pub(crate) const KERNEL: Priority = Priority::Priority15;
/// Level of a lesson's interrupt of Python priority 1; priority 7 is six levels higher.
const LESSON_LOWEST: u8 = 2;
const LESSON_LEVELS: u8 = 7;

/// State that several levels share. Access is through [`Shared::with`], which keeps all interrupts out.
pub(crate) struct Shared<T>(UnsafeCell<T>);

// SAFETY: one core, and `with` excludes every interrupt for as long as the reference lives.
unsafe impl<T> Sync for Shared<T> {}

impl<T> Shared<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// Runs `f` with the state; interrupts are off meanwhile, so it must be short, and must not nest.
    #[inline(always)]
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: nothing else runs, and `f` cannot reach the cell again.
        free(|| f(unsafe { &mut *self.0.get() }))
    }

    /// The state's address, for those whose accesses cannot overlap by their level.
    #[inline(always)]
    pub(crate) fn get(&self) -> *mut T {
        self.0.get()
    }
}

/// Runs `f` with all interrupts off (mstatus.MIE).
#[inline(always)]
pub(crate) fn free<R>(f: impl FnOnce() -> R) -> R {
    let mstatus: u32;
    // SAFETY: clearing MIE and setting it again if it was set is always allowed.
    unsafe { asm!("csrrci {}, mstatus, 8", out(reg) mstatus) };
    let result = f();
    unsafe { asm!("csrs mstatus, {}", in(reg) mstatus & 8) };
    result
}

/// Sleeps until an interrupt, unless `ready` says that what is waited for has already happened.
///
/// Interrupts are off between the question and WFI, which wakes for a masked one all the same
/// (RISC-V privileged specification, 3.3.3), so none is slept through.
pub(crate) fn wait_unless(ready: impl FnOnce() -> bool) {
    free(|| {
        if !ready() {
            // SAFETY: waiting has no other effect.
            unsafe { asm!("wfi") };
        }
    });
}

/// The lines of the lesson levels, as bits of CPU_INT_ENABLE.
static LESSON_LINES: AtomicU32 = AtomicU32::new(0);
/// The same and telemetry's: all whose routines take longer than a moment.
static LONG_LINES: AtomicU32 = AtomicU32::new(0);

/// Finds out which lines esp-hal uses for telemetry and the lesson levels.
pub(crate) fn init() {
    // An unused source is mapped to each level in turn, and where it went is read back.
    let line = |level| {
        interrupt::enable(Interrupt::FROM_CPU_INTR3, level);
        1 << INTERRUPT_CORE0::regs().core_0_intr_map(Interrupt::FROM_CPU_INTR3 as usize).read().map().bits()
    };
    let lesson_lines = (1..=LESSON_LEVELS).map(|priority| line(lesson_level(priority))).fold(0, |all, line| all | line);
    LONG_LINES.store(lesson_lines | line(TELEMETRY), Ordering::Relaxed);
    interrupt::disable(esp_hal::system::Cpu::ProCpu, Interrupt::FROM_CPU_INTR3);
    LESSON_LINES.store(lesson_lines, Ordering::Relaxed);
}

/// The level of a lesson's interrupt; `priority` is Python's, 1..=7.
pub(crate) fn lesson_level(priority: u8) -> Priority {
    const LEVELS: [Priority; LESSON_LEVELS as usize] = [
        Priority::Priority2,
        Priority::Priority3,
        Priority::Priority4,
        Priority::Priority5,
        Priority::Priority6,
        Priority::Priority7,
        Priority::Priority8,
    ];
    const { assert!(LEVELS[0] as u8 == LESSON_LOWEST) };
    LEVELS[usize::from(priority.clamp(1, LESSON_LEVELS) - 1)]
}

/// Binds a routine to an interrupt source.
pub(crate) fn bind(source: Interrupt, routine: extern "C" fn(), level: Priority) {
    interrupt::bind_handler(source, InterruptHandler::new(routine, level));
}

/// Moves a source to another level.
pub(crate) fn set_level(source: Interrupt, level: Priority) {
    interrupt::enable(source, level);
}

/// Masks lines; returns those that were enabled.
#[esp_hal::ram]
fn mask(lines: u32) -> u32 {
    let register = INTERRUPT_CORE0::regs().cpu_int_enable();
    let enabled = register.read().bits();
    register.write(|w| unsafe { w.bits(enabled & !lines) });
    // A write takes effect on its way; reading it back makes sure that it has arrived.
    register.read();
    enabled & lines
}

/// Unmasks lines.
#[esp_hal::ram]
fn unmask(lines: u32) {
    let register = INTERRUPT_CORE0::regs().cpu_int_enable();
    register.modify(|r, w| unsafe { w.bits(r.bits() | lines) });
    register.read();
}

/// Masks the lesson levels; returns whether they were enabled. From main and lesson levels.
#[esp_hal::ram]
pub(crate) fn lesson_disable() -> bool {
    mask(LESSON_LINES.load(Ordering::Relaxed)) != 0
}

/// Unmasks the lesson levels if `enabled`. From main and lesson levels.
#[esp_hal::ram]
pub(crate) fn lesson_restore(enabled: bool) {
    if enabled {
        unmask(LESSON_LINES.load(Ordering::Relaxed));
    }
}

/// Runs `f` without lessons and telemetry: neither a sample may come between, nor a callback wait for one.
/// From main and lesson levels.
#[inline(always)]
pub(crate) fn undisturbed<R>(f: impl FnOnce() -> R) -> R {
    let masked = mask(LONG_LINES.load(Ordering::Relaxed));
    let result = f();
    unmask(masked);
    result
}

/// Lowers the running level to that of main. Only for a context that abandons the stack.
pub(crate) fn drop_to_main() {
    // esp-hal keeps the threshold one above the running level.
    INTERRUPT_CORE0::regs().cpu_int_thresh().write(|w| unsafe { w.bits(1) });
}

/// The software interrupts of the firmware.
#[derive(Clone, Copy)]
pub(crate) enum Software {
    Telemetry = 0,
    Fire = 1,
}

impl Software {
    /// Raises it; it is taken as soon as its level allows. From anywhere.
    #[esp_hal::ram]
    pub(crate) fn raise(self) {
        let register = SYSTEM::regs().cpu_intr_from_cpu(self as usize);
        register.write(|w| w.cpu_intr().set_bit());
        register.read();
    }

    /// Takes it back, or acknowledges it.
    #[esp_hal::ram]
    pub(crate) fn clear(self) {
        let register = SYSTEM::regs().cpu_intr_from_cpu(self as usize);
        register.write(|w| w.cpu_intr().clear_bit());
        register.read();
    }
}

//! Running the VM, waiting on its behalf, and restarting it from outside.

use core::arch::naked_asm;
use portable_atomic::{AtomicU32, Ordering};

use esp_hal::peripherals::LPWR;
use micropython_sys as port;

use crate::alarm::{self, Waiter};
use crate::clock::{self, TICKS_PER_SECOND};
use crate::{console, guard, i2c_target, interrupts, lab, memory, run, sleep, sources, telemetry};

/// Starts of the VM since reset.
static STARTS: AtomicU32 = AtomicU32::new(0);

/// Restarts of the VM since the chip's reset.
pub(crate) fn restarts() -> u32 {
    STARTS.load(Ordering::Relaxed).saturating_sub(1)
}

/// Runs the VM in main's context.
pub(crate) fn run() -> ! {
    alarm::init();
    // SAFETY: main's own stack and the heap that nothing else uses.
    unsafe { port::port_vm_run(memory::stack_top(), memory::main_stack_bytes(), memory::heap(), memory::HEAP_BYTES) }
}

/// Makes the running interrupt routine return into a fresh VM instead of what it interrupted.
///
/// Only from a routine of level [`interrupts::KERNEL`]: esp-hal does not nest that level, so `mepc`
/// still is the address that it returns to.
pub(crate) fn restart_on_return() {
    // SAFETY: `abandon_stack` needs nothing of the interrupted context.
    unsafe { riscv::register::mepc::write(abandon_stack as *const () as usize) };
}

#[unsafe(naked)]
extern "C" fn abandon_stack() -> ! {
    naked_asm!(
        "csrci mstatus, 8",
        "la sp, _stack_start",
        "andi sp, sp, -16",
        "j {restart}",
        restart = sym restart,
    )
}

/// On the fresh stack, interrupts off: forgets what the old VM was doing.
extern "C" fn restart() -> ! {
    sources::stop_all();
    // Its memory was in the heap that is gone.
    i2c_target::fw_i2c_target_stop();
    guard::forget();
    lab::forget_vm();
    telemetry::forget_interrupted();
    interrupts::lesson_restore(true);
    interrupts::drop_to_main();
    // SAFETY: the state that interrupts read is in order again; the stack is fresh.
    unsafe {
        riscv::interrupt::enable();
        port::port_vm_run_after_restart(
            memory::stack_top(),
            memory::main_stack_bytes(),
            memory::heap(),
            memory::HEAP_BYTES,
        )
    }
}

/// The VM is initialised and will run its start files.
#[unsafe(no_mangle)]
extern "C" fn fw_vm_started() {
    if STARTS.fetch_add(1, Ordering::Relaxed) > 0 {
        sleep::vm_restarted();
    }
    sources::stop_all();
    lab::forget_vm();
    interrupts::lesson_restore(true);
    run::vm_started();
    telemetry::say_hello();
}

/// Sleeps until an interrupt may have brought something for the VM, input at the console included. From main and lesson
/// levels.
#[unsafe(no_mangle)]
extern "C" fn fw_wait(timeout_ms: i32) {
    let timeout = u64::try_from(timeout_ms).ok().map(|ms| ms * (TICKS_PER_SECOND / 1000));
    wait(timeout, console::readable);
}

/// As [`fw_wait`], for those who have no use for input: what was typed ahead must not keep a sleeping program busy.
#[unsafe(no_mangle)]
extern "C" fn fw_doze_us(timeout_us: u32) {
    wait(Some(u64::from(timeout_us) * (TICKS_PER_SECOND / 1_000_000)), || false);
}

/// Waits for so many ticks at most; `None`: without a limit.
fn wait(timeout: Option<u64>, input: impl FnOnce() -> bool) {
    let deadline = timeout.map(|ticks| clock::ticks() + ticks);
    if let Some(deadline) = deadline {
        alarm::set(Waiter::Main, deadline);
    }
    interrupts::wait_unless(|| {
        input()
            // SAFETY: only reads the VM's flags.
            || unsafe { port::port_vm_pending() }
            || deadline.is_some_and(|deadline| clock::ticks() >= deadline)
    });
    if deadline.is_some() {
        alarm::cancel(Waiter::Main);
    }
}

#[unsafe(no_mangle)]
extern "C" fn fw_ticks() -> u64 {
    clock::ticks()
}

#[unsafe(no_mangle)]
extern "C" fn fw_micros() -> u64 {
    clock::micros()
}

#[unsafe(no_mangle)]
extern "C" fn fw_random() -> u32 {
    esp_hal::rng::Rng::new().random()
}

#[unsafe(no_mangle)]
extern "C" fn fw_chip_reset() -> ! {
    console::flush();
    sleep::before_reset();
    esp_hal::system::software_reset()
}

/// Resets into the ROM's download mode, where esptool and its like find the chip without DTR and RTS.
#[unsafe(no_mangle)]
extern "C" fn fw_chip_bootloader() -> ! {
    console::flush();
    sleep::before_reset();
    LPWR::regs().option1().modify(|_, w| w.force_download_boot().set_bit());
    esp_hal::system::software_reset()
}

/// Whether a Ctrl-C or a Stop waits for main. From anywhere.
pub(crate) fn is_interrupted() -> bool {
    // SAFETY: only reads the VM's flags.
    unsafe { port::port_vm_interrupted() }
}

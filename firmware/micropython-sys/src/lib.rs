//! The border between the MicroPython core (C) and the firmware (Rust).
//!
//! Everything here is C. Functions named `port_*` are implemented in `port/*.c` and called by the
//! firmware; the functions that C calls are named `fw_*`, declared in `port/firmware.h`, and
//! implemented by the firmware with the same names.
//!
//! # Rules
//! A Python exception is a jump of C (`nlr`) that must not cross a Rust frame. Every function here
//! either catches or cannot raise. The firmware holds no borrow of its own state while it calls one
//! that runs Python ([`port_irq_hard`], [`port_irq_fired`], [`port_vm_run`]).
#![no_std]

/// Version of the MicroPython core that this crate was compiled from.
pub const VERSION: &str = env!("MICROPYTHON_VERSION");

/// What can interrupt, as `FW_SLOTS` in `port/firmware.h`: timers, pins, UART1, I2C0 as a target.
pub const SLOTS: usize = 21;
/// `FW_ALARMS`: timers with an alarm of their own, `machine.Timer`.
pub const ALARMS: usize = 2;
/// `FW_TIMERS`: all timers, the first slots.
pub const TIMERS: usize = 8;
/// `FW_FIRST_PIN`: the slot of pin 0.
pub const FIRST_PIN: usize = TIMERS;
/// `FW_PINS`.
pub const PINS: usize = 11;
/// `FW_UART`: the slot of UART1.
pub const UART: usize = FIRST_PIN + PINS;
/// `FW_I2C_TARGET`: the slot of I2C0 as a target.
pub const I2C_TARGET: usize = UART + 1;

/// What became of a hard callback; `PORT_HARD_*` in `port/firmware.h`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hard {
    /// It returned.
    Returned = 0,
    /// It raised; the exception was printed and reported.
    Raised = 1,
    /// The load guard ended it.
    Aborted = 2,
}

/// `fw_text_t`: bytes that C keeps alive until the VM restarts.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Text {
    pub text: *const u8,
    pub len: usize,
}

/// `fw_source_stats_t`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct SourceStats {
    pub expected: u32,
    pub fired: u32,
    pub missed: u32,
    pub ran: u32,
    pub dropped: u32,
    pub queued: u32,
    pub disabled: u32,
}

unsafe extern "C" {
    /// Runs the slot's callback under hard rules. From the interrupt routine of the slot only.
    pub fn port_irq_hard(slot: u32) -> Hard;
    /// Queues the slot's callback; `false`: the queue is full. From the interrupt routine of the slot only.
    pub fn port_irq_soft(slot: u32) -> bool;
    /// Runs what `lab.fire` was given. From its interrupt only.
    pub fn port_irq_fired() -> Hard;
    /// Depth of the scheduler's queue. From anywhere.
    pub fn port_queue_depth() -> u32;
    /// Requests a `KeyboardInterrupt` in main. From any interrupt.
    pub fn port_keyboard_interrupt();
    /// Requests (or takes back) that the innermost hard callback, or else main, is left at its next
    /// jump. From any interrupt.
    pub fn port_vm_abort(abort: bool);
    /// The byte that interrupts a program, -1 while none runs. From anywhere.
    pub fn port_interrupt_char() -> i32;
    /// Whether main is to be interrupted, or left. From anywhere.
    pub fn port_vm_interrupted() -> bool;
    /// Whether main has something to do: a queued function or a pending exception. From anywhere.
    pub fn port_vm_pending() -> bool;
    /// Runs the VM for ever. `stack_top` is the initial stack pointer of the calling context, main.
    pub fn port_vm_run(stack_top: *mut u8, stack_bytes: usize, heap: *mut u8, heap_bytes: usize) -> !;
    /// The same after the firmware abandoned the old stack.
    pub fn port_vm_run_after_restart(stack_top: *mut u8, stack_bytes: usize, heap: *mut u8, heap_bytes: usize) -> !;
}

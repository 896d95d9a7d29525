//! Where things lie in RAM: Python's heap is a static, main's stack is what the linker leaves.

use core::cell::UnsafeCell;

/// Size of Python's heap.
pub(crate) const HEAP_BYTES: usize = 176 * 1024;
/// What of the stack is kept for interrupts: one hard callback of every level is never that deep.
const INTERRUPT_STACK_BYTES: usize = 32 * 1024;
/// Deeper recursion of main than this ends in `RuntimeError: maximum recursion depth exceeded`.
const MAIN_STACK_MAX_BYTES: usize = 40 * 1024;

#[repr(C, align(16))]
struct Heap(UnsafeCell<[u8; HEAP_BYTES]>);

// SAFETY: only the VM uses it, through the pointer below.
unsafe impl Sync for Heap {}

static HEAP: Heap = Heap(UnsafeCell::new([0; HEAP_BYTES]));

unsafe extern "C" {
    static mut _stack_start: u8;
    static mut _stack_end: u8;
}

/// Start of Python's heap, [`HEAP_BYTES`] long.
pub(crate) fn heap() -> *mut u8 {
    HEAP.0.get().cast()
}

/// Initial stack pointer of main.
pub(crate) fn stack_top() -> *mut u8 {
    &raw mut _stack_start
}

/// How much of the stack main may use, in bytes.
pub(crate) fn main_stack_bytes() -> usize {
    let all = (&raw mut _stack_start).addr() - (&raw mut _stack_end).addr();
    all.saturating_sub(INTERRUPT_STACK_BYTES).min(MAIN_STACK_MAX_BYTES)
}

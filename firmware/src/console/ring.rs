//! A byte ring with one reader and one writer at a time, without a lock.

use core::cell::UnsafeCell;
use portable_atomic::{AtomicUsize, Ordering};

/// Holds up to `N` bytes; `N` must be a power of two.
pub(crate) struct Ring<const N: usize> {
    bytes: UnsafeCell<[u8; N]>,
    // Both count bytes for ever; their difference is what the ring holds.
    written: AtomicUsize,
    read: AtomicUsize,
}

// SAFETY: the writer touches only bytes outside `read..written`, the reader only those inside.
unsafe impl<const N: usize> Sync for Ring<N> {}

impl<const N: usize> Ring<N> {
    pub(crate) const fn new() -> Self {
        const { assert!(N.is_power_of_two()) };
        Self { bytes: UnsafeCell::new([0; N]), written: AtomicUsize::new(0), read: AtomicUsize::new(0) }
    }

    pub(crate) fn len(&self) -> usize {
        self.written.load(Ordering::Acquire).wrapping_sub(self.read.load(Ordering::Acquire))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn space(&self) -> usize {
        N - self.len()
    }

    /// Appends as much of `bytes` as fits and returns how much. By the writer.
    #[esp_hal::ram]
    pub(crate) fn push(&self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.space());
        let written = self.written.load(Ordering::Relaxed);
        for (i, byte) in bytes.iter().take(count).enumerate() {
            // SAFETY: the index is below N and outside of what the reader may touch.
            unsafe { self.bytes.get().cast::<u8>().add(written.wrapping_add(i) % N).write(*byte) };
        }
        self.written.store(written.wrapping_add(count), Ordering::Release);
        count
    }

    /// Takes the oldest byte. By the reader.
    #[esp_hal::ram]
    pub(crate) fn pop(&self) -> Option<u8> {
        if self.is_empty() {
            return None;
        }
        let read = self.read.load(Ordering::Relaxed);
        // SAFETY: the index is below N and inside of what the writer has published.
        let byte = unsafe { self.bytes.get().cast::<u8>().add(read % N).read() };
        self.read.store(read.wrapping_add(1), Ordering::Release);
        Some(byte)
    }
}

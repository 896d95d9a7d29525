//! Snapshots of a whole machine, and the hash by which states are compared.

use std::hash::{Hash, Hasher};

use crate::chip::Chip;
use crate::cpu::Hart;
use crate::machine::Wiring;
use crate::memory::MemorySnapshot;

/// Everything that decides how a machine goes on. Cloning it shares memory contents and flash.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(crate) hart: Hart,
    pub(crate) memory: MemorySnapshot,
    pub(crate) chip: Box<Chip>,
    pub(crate) wiring: Wiring,
}

/// A hash that is the same on every host: input is taken as bytes in a fixed order, words as their
/// little-endian bytes. Not for secrets.
pub(crate) struct StateHasher {
    state: u64,
    /// Bytes of a word that is not complete yet.
    partial: u64,
    filled: u32,
}

const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

impl StateHasher {
    pub(crate) fn new() -> Self {
        Self { state: 0x1508_3A5E_ED00_C3C3, partial: 0, filled: 0 }
    }

    /// The hash of one value.
    pub(crate) fn of(value: &impl Hash) -> u64 {
        let mut hasher = Self::new();
        value.hash(&mut hasher);
        hasher.finish()
    }

    fn mix(&mut self, word: u64) {
        let product = u128::from(self.state ^ word) * u128::from(MULTIPLIER);
        self.state = (product as u64 ^ (product >> 64) as u64).rotate_left(23) ^ word;
    }
}

impl Hasher for StateHasher {
    fn finish(&self) -> u64 {
        let mut end = Self { state: self.state, partial: 0, filled: 0 };
        end.mix(self.partial);
        end.mix(u64::from(self.filled));
        end.state
    }

    fn write(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while self.filled != 0
            && let Some((&byte, later)) = rest.split_first()
        {
            self.write_u8(byte);
            rest = later;
        }
        let (words, last) = rest.as_chunks::<8>();
        for &word in words {
            self.mix(u64::from_le_bytes(word));
        }
        for &byte in last {
            self.write_u8(byte);
        }
    }

    fn write_u8(&mut self, byte: u8) {
        self.partial |= u64::from(byte) << (8 * self.filled);
        self.filled += 1;
        if self.filled == 8 {
            let word = std::mem::take(&mut self.partial);
            self.filled = 0;
            self.mix(word);
        }
    }

    fn write_u16(&mut self, value: u16) {
        self.write(&value.to_le_bytes());
    }

    fn write_u32(&mut self, value: u32) {
        self.write(&value.to_le_bytes());
    }

    fn write_u64(&mut self, value: u64) {
        self.write(&value.to_le_bytes());
    }

    fn write_u128(&mut self, value: u128) {
        self.write(&value.to_le_bytes());
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }

    fn write_i8(&mut self, value: i8) {
        self.write_u8(value as u8);
    }

    fn write_i32(&mut self, value: i32) {
        self.write_u32(value as u32);
    }

    fn write_isize(&mut self, value: isize) {
        self.write_u64(value as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_depends_on_every_byte_and_on_nothing_else() {
        let bytes: Vec<u8> = (0..100).collect();
        let whole = |bytes: &[u8]| {
            let mut hasher = StateHasher::new();
            hasher.write(bytes);
            hasher.finish()
        };
        let mut split = StateHasher::new();
        split.write(&bytes[..13]);
        split.write(&bytes[13..]);
        assert_eq!(whole(&bytes), split.finish());
        for n in 0..bytes.len() {
            let mut other = bytes.clone();
            other[n] ^= 1;
            assert_ne!(whole(&bytes), whole(&other), "byte {n}");
            assert_ne!(whole(&bytes), whole(&bytes[..n]), "length {n}");
        }
        assert_eq!(whole(b"pinned"), 0x1C8B_907B_84F4_F869, "a fixed value, on every host");
    }
}

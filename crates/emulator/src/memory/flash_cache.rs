//! The cache between the chip's buses and the flash, as far as time goes: which lines are in it, and
//! which were used last. What a line holds is not kept, because reads are always coherent.
//!
//! 16 KB, 8 ways, lines of 32 bytes, shared by the instruction bus and the data bus (Technical
//! Reference Manual, chapter "System and Memory"); the line that was not used for longest is replaced
//! (LRU: seen on the ESP32-C6 by LLTA-Bench). Tags are those of the windows' addresses, as the
//! MMU is behind the cache; both windows show the same pages, so that bit 25 and up play no role.

use std::hash::{Hash, Hasher};

/// Bits of an address inside a line.
const LINE_BITS: u32 = 5;
/// Lines at the same place, of which any may hold an address.
const WAYS: usize = 8;
/// Places for lines.
const SETS: usize = 16 * 1024 / (WAYS << LINE_BITS);
/// Bits of an address that the windows share: 8 MB.
const WINDOW_BITS: u32 = 23;
/// Nothing is in this way; tags have 12 bits.
const EMPTY: u16 = u16::MAX;

/// The tags, each set's most recently used line first: that is all there is to LRU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FlashCache {
    sets: [[u16; WAYS]; SETS],
}

impl FlashCache {
    /// An empty cache.
    pub(crate) fn new() -> Self {
        Self { sets: [[EMPTY; WAYS]; SETS] }
    }

    /// Looks the line of `address` (in one of the flash windows) up and makes it the most recently
    /// used of its set; returns whether it has to be read from flash.
    #[inline(always)]
    pub(crate) fn misses(&mut self, address: u32) -> bool {
        let (set, tag) = place(address);
        // A line that was the last one to be used in its set changes nothing.
        self.sets[set][0] != tag && self.reorder(set, tag)
    }

    /// Whether [`FlashCache::misses`] would say that the line has to be read.
    #[cfg(traces)]
    pub(crate) fn would_miss(&self, address: u32) -> bool {
        let (set, tag) = place(address);
        !self.sets[set].contains(&tag)
    }

    /// The sets' tags, for emitted code, which does what [`FlashCache::misses`] does.
    #[cfg(traces)]
    pub(crate) fn tags(&mut self) -> *mut u16 {
        self.sets.as_mut_ptr().cast()
    }

    /// Where emitted code finds the first tag of an address's set, in bytes from [`FlashCache::tags`], and the tag
    /// that it shows if that line was used last.
    #[cfg(traces)]
    pub(crate) const fn first_tag(address: u32) -> (u32, u16) {
        let (set, tag) = place(address);
        ((set * WAYS * size_of::<u16>()) as u32, tag)
    }

    #[inline(never)]
    fn reorder(&mut self, set: usize, tag: u16) -> bool {
        let ways = &mut self.sets[set];
        let found = ways.iter().position(|&held| held == tag);
        ways[..=found.unwrap_or(WAYS - 1)].rotate_right(1);
        ways[0] = tag;
        found.is_none()
    }

    /// Drops the lines that hold any of the `length` bytes from `address` on.
    pub(crate) fn invalidate(&mut self, address: u32, length: u32) {
        let lines = (address % (1 << LINE_BITS)).saturating_add(length).div_ceil(1 << LINE_BITS);
        if lines >= 1 << (WINDOW_BITS - LINE_BITS) {
            return self.clear();
        }
        for line in 0..lines {
            let (set, tag) = place(address.wrapping_add(line << LINE_BITS));
            let ways = &mut self.sets[set];
            if let Some(found) = ways.iter().position(|&held| held == tag) {
                ways[found..].rotate_left(1);
                ways[WAYS - 1] = EMPTY;
            }
        }
    }

    /// Drops all lines.
    pub(crate) fn clear(&mut self) {
        self.sets = [[EMPTY; WAYS]; SETS];
    }
}

impl Hash for FlashCache {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for &tag in self.sets.as_flattened() {
            state.write_u16(tag);
        }
    }
}

/// The set of an address, and what tells it from others of that set.
#[inline(always)]
const fn place(address: u32) -> (usize, u16) {
    let line = address % (1 << WINDOW_BITS) >> LINE_BITS;
    (line as usize % SETS, (line as usize / SETS) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Addresses of one set are that far apart.
    const STRIDE: u32 = (SETS as u32) << LINE_BITS;

    #[test]
    fn eight_lines_of_a_set_fit_and_the_ninth_replaces_the_least_recently_used() {
        let mut cache = FlashCache::new();
        let line = |n: u32| 0x4200_0040 + n * STRIDE;
        for n in 0..8 {
            assert!(cache.misses(line(n)), "cold");
        }
        for n in 0..8 {
            assert!(!cache.misses(line(n) + 31), "warm");
        }
        assert!(!cache.misses(line(0)));
        assert!(cache.misses(line(8)), "the ninth");
        assert!(!cache.misses(line(0)), "was used since");
        assert!(cache.misses(line(1)), "was not");
    }

    #[test]
    fn sixteen_kilobytes_fit_wherever_they_begin() {
        let mut cache = FlashCache::new();
        for round in 0..3 {
            let misses = (0..512).filter(|n| cache.misses(0x4212_3460 + n * 32)).count();
            assert_eq!(misses, if round == 0 { 512 } else { 0 });
        }
        // One line more than there is room for: with LRU its whole set is replaced in each round.
        let misses = |cache: &mut FlashCache| (0..513).filter(|n| cache.misses(0x4212_3460 + n * 32)).count();
        misses(&mut cache);
        assert_eq!(misses(&mut cache), 9);
    }

    #[test]
    fn both_windows_share_lines() {
        let mut cache = FlashCache::new();
        assert!(cache.misses(0x4200_1230));
        assert!(!cache.misses(0x3C00_1234));
        assert!(cache.misses(0x3C40_1234));
    }

    #[test]
    fn ranges_are_invalidated_to_the_line() {
        let mut cache = FlashCache::new();
        let fill = |cache: &mut FlashCache| (0..4).filter(|n| cache.misses(0x4200_0000 + n * 32)).count();
        fill(&mut cache);
        cache.invalidate(0x4200_003F, 2);
        assert_eq!(fill(&mut cache), 2, "the lines at 0x20 and 0x40");
        cache.invalidate(0x4200_0000, 0);
        assert_eq!(fill(&mut cache), 0);
        cache.invalidate(0x4200_0000, u32::MAX);
        assert_eq!(cache, FlashCache::new());
    }
}

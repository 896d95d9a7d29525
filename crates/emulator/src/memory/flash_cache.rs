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
/// Nothing is in this way; lines have 18 bits.
const NO_LINE: u32 = u32::MAX;

/// A way of a set, as emitted code sees it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Way {
    /// When the line was used last: the lower, the later. The highest where there is none.
    used: u64,
    line: u32,
    _unused: u32,
}

impl Way {
    const EMPTY: Self = Self { used: u64::MAX, line: NO_LINE, _unused: 0 };
}

/// Which lines are there, and in which order those of a set were used: that is all there is to LRU, and all that is
/// compared and hashed. In which way a line is, and what the clock says, makes no difference.
#[derive(Clone, Debug)]
pub(crate) struct FlashCache {
    sets: [[Way; WAYS]; SETS],
    /// The way of each set that [`FlashCache::misses`] found last, where it looks first.
    latest: [u8; SETS],
    /// What the next line to be used is marked with. It only runs down.
    clock: u64,
}

impl FlashCache {
    /// An empty cache.
    pub(crate) fn new() -> Self {
        Self { sets: [[Way::EMPTY; WAYS]; SETS], latest: [0; SETS], clock: u64::MAX / 2 }
    }

    /// Looks the line of `address` (in one of the flash windows) up and makes it the most recently
    /// used of its set; returns whether it has to be read from flash.
    #[inline(always)]
    pub(crate) fn misses(&mut self, address: u32) -> bool {
        let (line, used) = (line(address), self.clock);
        self.clock = used.wrapping_sub(1);
        let set = line as usize % SETS;
        let latest = &mut self.sets[set][usize::from(self.latest[set]) % WAYS];
        if latest.line == line {
            latest.used = used;
            return false;
        }
        self.look_up(set, line, used)
    }

    #[inline(never)]
    fn look_up(&mut self, set: usize, line: u32, used: u64) -> bool {
        let ways = &mut self.sets[set];
        let found = ways.iter().position(|way| way.line == line);
        let longest_ago = || (0..WAYS).max_by_key(|&way| ways[way].used).unwrap_or(0);
        let way = found.unwrap_or_else(longest_ago);
        ways[way] = Way { used, line, _unused: 0 };
        self.latest[set] = way as u8;
        found.is_none()
    }

    /// Drops the lines that hold any of the `length` bytes from `address` on.
    pub(crate) fn invalidate(&mut self, address: u32, length: u32) {
        let lines = (address % (1 << LINE_BITS)).saturating_add(length).div_ceil(1 << LINE_BITS);
        if lines >= 1 << (WINDOW_BITS - LINE_BITS) {
            return self.clear();
        }
        for n in 0..lines {
            let line = line(address.wrapping_add(n << LINE_BITS));
            for way in &mut self.sets[line as usize % SETS] {
                if way.line == line {
                    *way = Way::EMPTY;
                }
            }
        }
    }

    /// Drops all lines.
    pub(crate) fn clear(&mut self) {
        self.sets = [[Way::EMPTY; WAYS]; SETS];
    }

    /// The lines of each set, the most recently used first.
    fn order(&self) -> impl Iterator<Item = [u32; WAYS]> {
        self.sets.iter().map(|ways| {
            let mut ways = *ways;
            ways.sort_unstable_by_key(|way| way.used);
            ways.map(|way| way.line)
        })
    }
}

/// What emitted code needs to look lines up as [`FlashCache::misses`] does.
#[cfg(traces)]
impl FlashCache {
    /// Bytes of a way, of which there are [`FlashCache::WAYS`] in each of [`FlashCache::SETS`] sets, one behind the other.
    pub(crate) const WAY_SIZE: usize = size_of::<Way>();
    #[cfg(machine_code)]
    pub(crate) const WAYS: usize = WAYS;
    #[cfg(machine_code)]
    pub(crate) const SETS: usize = SETS;
    /// Bits of an address inside a line, and all that decide which it is.
    #[cfg(machine_code)]
    pub(crate) const LINE_BITS: u32 = LINE_BITS;
    #[cfg(machine_code)]
    pub(crate) const WINDOW_MASK: u32 = (1 << WINDOW_BITS) - 1;
    /// Where in a way the mark of its last use stands (64 bits), and its line (32 bits).
    #[cfg(machine_code)]
    pub(crate) const USED: usize = std::mem::offset_of!(Way, used);
    #[cfg(machine_code)]
    pub(crate) const LINE: usize = std::mem::offset_of!(Way, line);

    /// The first way of the first set.
    pub(crate) fn ways(&mut self) -> *mut u8 {
        self.sets.as_mut_ptr().cast()
    }

    /// The line of an address, as a way shows it.
    pub(crate) const fn line(address: u32) -> u32 {
        line(address)
    }

    /// How many bytes behind the first way that way stands that holds the line of `address`; `None` if none does.
    pub(crate) fn offset(&self, address: u32) -> Option<u16> {
        let line = line(address);
        let set = line as usize % SETS;
        let way = self.sets[set].iter().position(|way| way.line == line)?;
        Some(((set * WAYS + way) * Self::WAY_SIZE) as u16)
    }

    /// What the next line to be used is marked with.
    pub(crate) fn clock(&self) -> u64 {
        self.clock
    }

    /// Lines were marked down to this, or are from now on.
    pub(crate) fn set_clock(&mut self, clock: u64) {
        self.clock = clock;
    }
}

impl PartialEq for FlashCache {
    fn eq(&self, other: &Self) -> bool {
        self.order().eq(other.order())
    }
}

impl Eq for FlashCache {}

impl Hash for FlashCache {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for line in self.order().flatten() {
            // What tells it from others of its set.
            let tag = if line == NO_LINE { u16::MAX } else { (line as usize / SETS) as u16 };
            state.write_u16(tag);
        }
    }
}

/// Which line of the windows an address is in. Its lower bits choose the set.
#[inline(always)]
const fn line(address: u32) -> u32 {
    (address % (1 << WINDOW_BITS)) >> LINE_BITS
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

    #[test]
    fn only_lines_and_their_order_tell_caches_apart() {
        let hash = |cache: &FlashCache| {
            let mut hasher = std::hash::DefaultHasher::new();
            cache.hash(&mut hasher);
            hasher.finish()
        };
        let line = |n: u32| 0x4200_0040 + n * STRIDE;
        let looked_up = |lines: &[u32]| {
            let mut cache = FlashCache::new();
            for &n in lines {
                cache.misses(line(n));
            }
            cache
        };
        let (once, often) = (looked_up(&[1, 2, 3]), looked_up(&[3, 2, 3, 3, 1, 2, 3]));
        assert_eq!((&once, hash(&once)), (&often, hash(&often)));
        let other = looked_up(&[1, 3, 2]);
        assert!(once != other && hash(&once) != hash(&other));
        let mut emptied = looked_up(&[9, 1, 2, 3]);
        emptied.invalidate(line(9), 4);
        assert_eq!((&once, hash(&once)), (&emptied, hash(&emptied)));
    }
}

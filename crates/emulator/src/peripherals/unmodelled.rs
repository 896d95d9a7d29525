//! Peripherals that are not modelled. Their registers start at the documented reset value and read
//! back what was written to them; the first access to each is recorded for the host.

use std::sync::Arc;

use crate::bus::Tick;

/// First peripheral address.
pub(crate) const BASE: u32 = 0x6000_0000;
/// Bytes of peripheral address space.
pub(crate) const SIZE: u32 = 0xD_2000;

const PAGE: u32 = 0x1000;
const PAGE_WORDS: usize = (PAGE / 4) as usize;
const PAGES: usize = (SIZE / PAGE) as usize;
/// Accesses kept for the host; later ones are counted.
const LOG_CAPACITY: usize = 1024;

/// The first access to a register that is not modelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UnmodelledAccess {
    /// Name of the block in the Technical Reference Manual, or `reserved`.
    pub block: &'static str,
    /// First address of the block.
    pub base: u32,
    /// Offset of the register in its block.
    pub offset: u32,
    /// Whether it was written.
    pub write: bool,
    /// When it happened.
    pub tick: Tick,
}

#[derive(Clone, Hash)]
struct Page {
    words: [u32; PAGE_WORDS],
    /// One bit per word: an access was recorded.
    seen: [u64; PAGE_WORDS / 64],
}

/// The registers of everything that is not modelled, in pages that snapshots share.
#[derive(Hash)]
pub(crate) struct Unmodelled {
    pages: Vec<Arc<Page>>,
    log: Vec<UnmodelledAccess>,
    log_lost: u64,
}
impl Clone for Unmodelled {
    fn clone(&self) -> Self {
        Self { pages: self.pages.clone(), log: self.log.clone(), log_lost: self.log_lost }
    }

    fn clone_from(&mut self, other: &Self) {
        for (page, others) in self.pages.iter_mut().zip(&other.pages) {
            if !Arc::ptr_eq(page, others) {
                page.clone_from(others);
            }
        }
        self.log.clone_from(&other.log);
        self.log_lost = other.log_lost;
    }
}

impl Unmodelled {
    /// Every register at its reset value, nothing recorded.
    pub(crate) fn new() -> Self {
        let blank = Arc::new(Page { words: [0; PAGE_WORDS], seen: [0; PAGE_WORDS / 64] });
        let mut unmodelled = Self { pages: vec![blank; PAGES], log: Vec::new(), log_lost: 0 };
        unmodelled.reset();
        unmodelled
    }

    /// Every register back at its reset value; what was recorded stays.
    pub(crate) fn reset(&mut self) {
        for page in &mut self.pages {
            if page.words.iter().any(|&word| word != 0) {
                Arc::make_mut(page).words.fill(0);
            }
        }
        for &(first, count, reset, _) in REGISTERS.iter().filter(|&&(_, _, reset, _)| reset != 0) {
            for n in 0..count {
                *self.word_mut(first + 4 * n) = reset;
            }
        }
    }

    /// The first accesses so far, oldest first, and how many more did not fit.
    pub(crate) fn log(&self) -> (&[UnmodelledAccess], u64) {
        (&self.log, self.log_lost)
    }

    pub(crate) fn peek(&self, address: u32) -> u32 {
        let offset = address.wrapping_sub(BASE);
        self.pages.get((offset / PAGE) as usize).map_or(0, |page| page.words[(offset % PAGE / 4) as usize])
    }

    /// Records an access if it is the first one to that register.
    pub(crate) fn record(&mut self, access: UnmodelledAccess) {
        let offset = (access.base + access.offset).wrapping_sub(BASE);
        let word = (offset % PAGE / 4) as usize;
        let Some(page) = self.pages.get_mut((offset / PAGE) as usize) else { return };
        if page.seen[word / 64] >> (word % 64) & 1 != 0 {
            return;
        }
        Arc::make_mut(page).seen[word / 64] |= 1 << (word % 64);
        if self.log.len() < LOG_CAPACITY {
            self.log.push(access);
        } else {
            self.log_lost += 1;
        }
    }

    pub(crate) fn store(&mut self, address: u32, value: u32) {
        let offset = address.wrapping_sub(BASE);
        if offset >= SIZE {
            return;
        }
        let address = address & !3;
        let held = held_bits(address);
        let value = value & held | reset_value(address) & !held;
        if self.peek(address) != value {
            *self.word_mut(address) = value;
        }
    }

    fn word_mut(&mut self, address: u32) -> &mut u32 {
        let offset = address - BASE;
        &mut Arc::make_mut(&mut self.pages[(offset / PAGE) as usize]).words[(offset % PAGE / 4) as usize]
    }
}

impl std::fmt::Debug for Unmodelled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unmodelled").field("log", &self.log).field("log_lost", &self.log_lost).finish_non_exhaustive()
    }
}

fn entry(address: u32) -> Option<&'static (u32, u32, u32, u32)> {
    let after = REGISTERS.partition_point(|&(first, ..)| first <= address);
    REGISTERS[..after].last().filter(|&&(first, count, ..)| address < first + 4 * count)
}

/// The bits of a register that keep what is written to them.
fn held_bits(address: u32) -> u32 {
    entry(address).map_or(u32::MAX, |&(_, _, _, held)| held)
}

fn reset_value(address: u32) -> u32 {
    entry(address).map_or(0, |&(_, _, reset, _)| reset)
}

/// Registers of blocks that are not modelled: first address, number of registers, reset value, and
/// the bits that keep what is written (write-only, self-clearing and read-only bits do not). In
/// order of address; registers that start at 0 and keep everything are not listed. The values are
/// those of Espressif's SVD file for the ESP32-C3, as the `esp32c3` crate 0.34 has them.
#[rustfmt::skip]
const REGISTERS: &[(u32, u32, u32, u32)] = &[
    (0x6000_3008, 1, 0x002C_2000, 0xFFFF_FFFF),
    (0x6000_300C, 1, 0x0000_0000, 0xBFFF_FFFF),
    (0x6000_3010, 1, 0x0000_0021, 0x7FFF_FFFF),
    (0x6000_3014, 1, 0x0003_0103, 0xFFFF_FFFF),
    (0x6000_301C, 1, 0x5C00_0007, 0xFFFF_FFFF),
    (0x6000_3020, 1, 0x7000_0000, 0xFFFF_FFFF),
    (0x6000_3054, 1, 0x0000_0200, 0xFFFF_FFFF),
    (0x6000_30A8, 1, 0x0000_0001, 0xFFFF_FFFF),
    (0x6000_30DC, 1, 0x0000_0001, 0xFFFF_FFFF),
    (0x6000_4F00, 4, 0x0000_FF00, 0xFFFF_FFFF),
    (0x6001_3004, 1, 0x0000_020B, 0xFFFF_F3DF),
    (0x6001_3008, 1, 0x0000_C000, 0x0000_0000),
    (0x6001_300C, 1, 0x0000_0010, 0xFFFF_FFFF),
    (0x6001_3014, 1, 0x0000_0000, 0x0000_0000),
    (0x6001_3018, 1, 0x0000_408B, 0xFFFF_FFFF),
    (0x6001_3020, 1, 0x0000_0002, 0x0000_0000),
    (0x6001_3024, 1, 0x0000_0000, 0x0000_0000),
    (0x6001_302C, 1, 0x0000_0000, 0x0000_0000),
    (0x6001_3040, 4, 0x0000_0008, 0xFFFF_FFFF),
    (0x6001_3050, 1, 0x0000_0300, 0xFFFF_FFFF),
    (0x6001_3054, 1, 0x0020_0000, 0xFFFF_FFFF),
    (0x6001_3078, 2, 0x0000_0010, 0xFFFF_FFFF),
    (0x6001_3084, 1, 0x0000_0000, 0xFFFF_F7FF),
    (0x6001_3100, 1, 0x0000_0000, 0x0000_0000),
    (0x6001_3180, 1, 0x0000_0000, 0x0000_0000),
    (0x6001_4000, 1, 0x0000_06E0, 0xFFFF_FFFF),
    (0x6001_4008, 1, 0x0000_0000, 0x0000_0000),
    (0x6001_4010, 1, 0x0000_0000, 0x0000_0000),
    (0x6001_4014, 1, 0x0000_0033, 0xFFFF_FFFF),
    (0x6001_4018, 2, 0x0000_0000, 0x0000_0000),
    (0x6001_4020, 1, 0x0000_0033, 0xFFFF_FFFF),
    (0x6001_4024, 1, 0x0081_0810, 0xFFFF_FFFF),
    (0x6001_4028, 1, 0x0000_0008, 0xFFFF_FFF7),
    (0x6001_402C, 1, 0x0000_0000, 0x0000_0000),
    (0x6001_406C, 4, 0x00DC_DBC0, 0xFFFF_FFFF),
    (0x6001_407C, 1, 0x0000_0080, 0xFFFF_FFFF),
    (0x6001_6010, 2, 0x0071_0200, 0xFE7F_FFF8),
    (0x6001_6018, 1, 0x30FF_FF02, 0xFFFF_FFFF),
    (0x6001_601C, 1, 0x0000_01E8, 0xFFFF_3FF9),
    (0x6001_6020, 1, 0x30FF_FF02, 0xFFFF_FFFF),
    (0x6001_6024, 1, 0x0000_01E8, 0xFFFF_3FF9),
    (0x6001_6028, 4, 0x0000_0000, 0x0000_0000),
    (0x6001_603C, 1, 0x0000_0000, 0x0000_0000),
    (0x6001_6044, 1, 0x0000_0000, 0x0000_0000),
    (0x6001_6048, 2, 0x0040_0040, 0xFFFF_FFFF),
    (0x6001_6058, 2, 0x0000_0080, 0xFFEF_FFFF),
    (0x6001_6060, 2, 0x0000_0080, 0xFFFF_FFFF),
    (0x6001_6068, 1, 0x0500_0010, 0xFFFF_FFFF),
    (0x6001_6070, 1, 0x0000_0000, 0x0000_0000),
    (0x6001_9000, 1, 0x0000_0000, 0xFFFE_FFEF),
    (0x6001_900C, 1, 0x4000_0000, 0xFFFF_FFFF),
    (0x6001_9010, 1, 0x0000_0000, 0x0000_0000),
    (0x6001_9014, 1, 0x0000_0000, 0xFFFE_FFEF),
    (0x6001_9020, 1, 0x4000_0000, 0xFFFF_FFFF),
    (0x6001_9024, 1, 0x0000_0000, 0x0000_0000),
    (0x6001_9028, 1, 0x0000_0000, 0xFFFE_FFEF),
    (0x6001_9034, 1, 0x4000_0000, 0xFFFF_FFFF),
    (0x6001_9038, 1, 0x0000_0000, 0x0000_0000),
    (0x6001_903C, 1, 0x0000_0000, 0xFFFE_FFEF),
    (0x6001_9048, 1, 0x4000_0000, 0xFFFF_FFFF),
    (0x6001_904C, 1, 0x0000_0000, 0x0000_0000),
    (0x6001_9050, 1, 0x0000_0000, 0xFFFE_FFEF),
    (0x6001_905C, 1, 0x4000_0000, 0xFFFF_FFFF),
    (0x6001_9060, 1, 0x0000_0000, 0x0000_0000),
    (0x6001_9064, 1, 0x0000_0000, 0xFFFE_FFEF),
    (0x6001_9070, 1, 0x4000_0000, 0xFFFF_FFFF),
    (0x6001_9074, 1, 0x0000_0000, 0x0000_0000),
    (0x6001_90A0, 1, 0x0080_0000, 0xFDFF_FFFF),
    (0x6001_90A4, 1, 0x0000_0000, 0x0000_0000),
    (0x6001_90A8, 1, 0x0080_0000, 0xFDFF_FFFF),
    (0x6001_90AC, 1, 0x0000_0000, 0x0000_0000),
    (0x6001_90B0, 1, 0x0080_0000, 0xFDFF_FFFF),
    (0x6001_90B4, 1, 0x0000_0000, 0x0000_0000),
    (0x6001_90B8, 1, 0x0080_0000, 0xFDFF_FFFF),
    (0x6001_90BC, 1, 0x0000_0000, 0x0000_0000),
    (0x6001_90C4, 1, 0x0000_0000, 0x0000_0000),
    (0x6001_90CC, 1, 0x0000_0000, 0x0000_0000),
    (0x6002_4008, 1, 0x003C_0000, 0xFFFF_FFFF),
    (0x6002_400C, 1, 0x8000_3043, 0xFFFF_FFFF),
    (0x6002_4010, 1, 0x8000_00C0, 0xFFFF_FFFF),
    (0x6002_4014, 1, 0xB841_0007, 0xFFFF_FFFF),
    (0x6002_4018, 1, 0x7800_0000, 0xFFFF_FFFF),
    (0x6002_4020, 1, 0x0000_003E, 0xFFFF_FFFF),
    (0x6002_4030, 1, 0x0000_0000, 0x1FFF_FFFF),
    (0x6002_4038, 1, 0x0000_0000, 0x0000_0000),
    (0x6002_4040, 1, 0x0000_0000, 0x0000_0000),
    (0x6002_40E0, 1, 0x0280_0000, 0xF7FF_FFFF),
    (0x6002_6000, 1, 0x0000_0001, 0xFFFF_FFFF),
    (0x6002_6004, 1, 0x0001_0727, 0xFFFF_FFFF),
    (0x6002_6008, 1, 0x0000_07FF, 0xFFFF_FFFF),
    (0x6002_6014, 1, 0xFFFC_E030, 0xFFFF_FFFF),
    (0x6002_6028, 1, 0x0000_0003, 0xFFFF_FFFF),
    (0x6002_6048, 1, 0x0000_0400, 0xFFFF_FFFF),
    (0x6002_6088, 1, 0x0000_0000, 0xFFFF_FFFD),
    (0x6002_608C, 1, 0x0000_0000, 0x0000_0000),
    (0x6002_609C, 1, 0x0000_0015, 0xFFFF_FFFF),
    (0x6002_60A4, 1, 0x0000_003F, 0xFFFF_FFFF),
    (0x6002_60AC, 1, 0x0000_003F, 0xFFFF_FFFF),
    (0x6002_60B0, 1, 0x0000_0000, 0x0000_0000),
    (0x6002_60B4, 1, 0x0000_6480, 0xDFFF_FFFF),
    (0x6002_60C0, 2, 0x0000_0000, 0x0000_0000),
    (0x6002_60D0, 1, 0x0000_0000, 0x0000_0000),
    (0x6002_B000, 1, 0x0000_0001, 0xFFFF_FFFF),
    (0x6002_B004, 3, 0x0000_0000, 0x0000_0000),
    (0x6002_B02C, 2, 0x0000_0000, 0x0000_0000),
    (0x6002_B034, 1, 0x0000_0060, 0xFFFF_FFFF),
    (0x6002_B074, 1, 0x0000_0000, 0x0000_0000),
    (0x6002_D00C, 2, 0x0000_0000, 0x0000_0000),
    (0x6002_D018, 1, 0x0000_0000, 0x0000_0000),
    (0x6002_D020, 1, 0x0000_9600, 0xFFFF_FFFC),
    (0x6002_D024, 1, 0x0000_B200, 0xFFFF_FFFC),
    (0x6002_D028, 1, 0x2F3D_E300, 0xFFFF_FFFF),
    (0x6002_D02C, 1, 0x6F3D_E300, 0xFFFF_FFFF),
    (0x6002_D030, 2, 0x0000_0002, 0xFFFF_FFFF),
    (0x6002_D038, 2, 0x0000_0200, 0xFFFF_FFFF),
    (0x6002_D040, 1, 0x004A_A004, 0xFFFF_FFFF),
    (0x6002_D044, 1, 0x03F7_83C0, 0xFFFF_FFFF),
    (0x6002_D050, 2, 0x0000_FFFF, 0xFFFF_FFFF),
    (0x6002_D060, 1, 0x0000_0810, 0xFFFF_FFFF),
    (0x6002_D064, 1, 0x0000_0040, 0xFFFF_FFFF),
    (0x6002_D06C, 1, 0x0000_0001, 0x0000_0000),
    (0x6003_C808, 5, 0x0000_0000, 0x0000_0000),
    (0x6003_C820, 1, 0x0000_0001, 0xFFFF_FFFF),
    (0x6003_DE00, 6, 0x0000_0000, 0x0000_0000),
    (0x6003_E040, 12, 0x0000_0000, 0x0000_0000),
    (0x6003_E0F0, 4, 0x0000_0000, 0x0000_0000),
    (0x600C_101C, 1, 0x0000_000F, 0xFFFF_FFFF),
    (0x600C_102C, 1, 0x0000_000F, 0xFFFF_FFFF),
    (0x600C_1034, 1, 0x0000_0003, 0xFFFF_FFFF),
    (0x600C_103C, 1, 0x000F_F0FF, 0xFFFF_FFFF),
    (0x600C_1044, 1, 0x000F_F0FF, 0xFFFF_FFFF),
    (0x600C_104C, 1, 0x000F_F0FF, 0xFFFF_FFFF),
    (0x600C_1054, 1, 0x000F_F0FF, 0xFFFF_FFFF),
    (0x600C_105C, 1, 0x000F_F0FF, 0xFFFF_FFFF),
    (0x600C_1064, 1, 0x000F_F0FF, 0xFFFF_FFFF),
    (0x600C_106C, 1, 0x000F_F0FF, 0xFFFF_FFFF),
    (0x600C_1074, 1, 0x000F_F0FF, 0xFFFF_FFFF),
    (0x600C_107C, 1, 0x000F_F0FF, 0xFFFF_FFFF),
    (0x600C_1108, 2, 0x0000_3FFF, 0xFFFF_FFFF),
    (0x600C_1170, 1, 0x0000_0001, 0xFFFF_FFFF),
    (0x600C_C04C, 4, 0x0000_0000, 0x0000_0000),
];

#[cfg(test)]
mod tests {
    use super::*;

    const LEDC_CONF: u32 = 0x6001_90D0;

    #[test]
    fn the_table_is_in_order() {
        assert!(REGISTERS.windows(2).all(|pair| pair[0].0 + 4 * pair[0].1 <= pair[1].0));
    }

    #[test]
    fn registers_start_at_reset_and_keep_what_is_written() {
        let mut unmodelled = Unmodelled::new();
        for &(first, count, reset, held) in REGISTERS {
            for address in (0..count).map(|n| first + 4 * n) {
                assert_eq!(unmodelled.peek(address), reset, "{address:#x}");
                unmodelled.store(address, u32::MAX);
                assert_eq!(unmodelled.peek(address), held | reset & !held, "{address:#x}");
            }
        }
        unmodelled.store(LEDC_CONF, 0x1234);
        assert_eq!(unmodelled.peek(LEDC_CONF), 0x1234);
        unmodelled.store(BASE + SIZE, 1);
        unmodelled.store(BASE - 4, 1);
        assert_eq!((unmodelled.peek(BASE + SIZE), unmodelled.peek(0)), (0, 0));
    }

    #[test]
    fn each_register_is_recorded_once_and_the_log_is_bounded() {
        let mut unmodelled = Unmodelled::new();
        for round in 0..3 {
            for word in 0..2 * LOG_CAPACITY as u32 {
                let access =
                    UnmodelledAccess { block: "reserved", base: BASE, offset: 4 * word, write: false, tick: round };
                unmodelled.record(access);
            }
        }
        let (log, lost) = unmodelled.log();
        assert_eq!((log.len(), lost), (LOG_CAPACITY, LOG_CAPACITY as u64));
        assert!(log.iter().all(|access| access.tick == 0));
    }

    #[test]
    fn a_copy_shares_pages_until_one_side_writes() {
        let mut unmodelled = Unmodelled::new();
        let copy = unmodelled.clone();
        unmodelled.store(LEDC_CONF, 7);
        assert_eq!((unmodelled.peek(LEDC_CONF), copy.peek(LEDC_CONF)), (7, 0));
    }
}

//! eFuse controller (TRM, chapter "eFuse Controller"): the one-time programmable memory. Bits are only
//! ever set; what was burnt is read from the registers after a read command or a reset, as on the chip.

use super::{Interrupts, Registers, bit, field};

const PGM_DATA0: u32 = 0x000;
const RD_WR_DIS: u32 = 0x02C;
const RD_END: u32 = 0x17C;
const RD_RS_ERR1: u32 = 0x1C4;
const CONF: u32 = 0x1CC;
const CMD: u32 = 0x1D4;
const INT_RAW: u32 = 0x1D8;
const INT_ST: u32 = 0x1DC;
const INT_ENA: u32 = 0x1E0;
const INT_CLR: u32 = 0x1E4;

const RESET: &[(u32, u32)] = &[
    (0x1C8, 0x0000_0002),
    (0x1E8, 0x0001_FE1C),
    (0x1EC, 0x1200_0000),
    (0x1F0, 0x0028_8000),
    (0x1F4, 0x0000_0190),
    (0x1FC, 0x0200_7200),
];

/// EFUSE_OP_CODE of the two commands.
const READ: u32 = 0x5AA5;
const PROGRAM: u32 = 0x5A5A;
/// Words of all blocks, in the order of the RD registers.
const WORDS: usize = 84;
/// First word and number of words of each block: BLOCK0 (with its write protection), BLOCK1, then
/// nine of eight words each.
const BLOCKS: usize = 11;

fn block(number: usize) -> (usize, usize) {
    match number {
        0 => (0, 6),
        1 => (6, 6),
        _ => (12 + 8 * (number - 2), 8),
    }
}

/// The bit of WR_DIS that protects a block as a whole (TRM, table "Parameters in BLOCK0").
fn write_protection(number: usize) -> Option<u32> {
    match number {
        1..=10 => Some(19 + number as u32),
        _ => None,
    }
}

/// Parameters of BLOCK0 with a protection of their own: bit of WR_DIS, word, and bits of the word.
const PROTECTED: &[(u32, usize, u32)] = &[
    // RD_DIS; the boot and debug switches; WDT_DELAY_SEL; SPI_BOOT_CRYPT_CNT; the key revocations.
    (0, 1, 0x0000_007F),
    (2, 1, 0x001F_FF80),
    (30, 1, 0x0600_0000),
    (3, 2, 0x0003_0000),
    (4, 2, 0x001C_0000),
    (5, 2, 0x0020_0000),
    (6, 2, 0x0040_0000),
    (7, 2, 0x0080_0000),
    (8, 2, 0x0F00_0000),
    (9, 2, 0xF000_0000),
    (10, 3, 0x0000_000F),
    (11, 3, 0x0000_00F0),
    (12, 3, 0x0000_0F00),
    (13, 3, 0x0000_F000),
    (15, 3, 0x0010_0000),
    (16, 3, 0x0020_0000),
    (18, 3, 0xF000_0000),
    (18, 4, 0x0000_FFFF),
];

/// Chip revision as burnt into eFuse, `major.minor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChipRevision {
    /// WAFER_VERSION_MAJOR.
    pub major: u8,
    /// WAFER_VERSION_MINOR.
    pub minor: u8,
}

/// The contents of a chip's eFuse memory, to be kept beside its flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EfuseImage([u32; WORDS]);

impl EfuseImage {
    /// How many bytes [`to_bytes`](Self::to_bytes) gives.
    pub const BYTES: usize = 4 * WORDS;

    /// An unburnt memory with a MAC address and a chip revision.
    #[must_use]
    pub fn new(mac: [u8; 6], revision: ChipRevision) -> Self {
        let mut words = [0; WORDS];
        let (first, _) = block(1);
        let [a, b, c, d, e, f] = mac;
        words[first] = u32::from_be_bytes([c, d, e, f]);
        words[first + 1] = u32::from(u16::from_be_bytes([a, b]));
        // WAFER_VERSION_MINOR_LO is bits 20:18 of word 3, its high bit is bit 23 of word 5,
        // WAFER_VERSION_MAJOR is bits 25:24 of word 5.
        let (major, minor) = (u32::from(revision.major), u32::from(revision.minor));
        words[first + 3] = (minor & 7) << 18;
        words[first + 5] = (major & 3) << 24 | (minor >> 3 & 1) << 23;
        Self(words)
    }

    /// The memory as bytes, words in little-endian order as the RD registers show them.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// The memory from what [`to_bytes`](Self::to_bytes) gave; `None` if the length is another.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let words: Vec<u32> = bytes.as_chunks::<4>().0.iter().map(|&word| u32::from_le_bytes(word)).collect();
        words.try_into().ok().filter(|_| bytes.len() == Self::BYTES).map(Self)
    }

    /// Whether every bit burnt in `earlier` is burnt here as well.
    #[must_use]
    pub fn continues(&self, earlier: &Self) -> bool {
        self.0.iter().zip(&earlier.0).all(|(now, then)| now & then == *then)
    }
}

/// The EFUSE block at 0x6000_8800.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Efuse {
    registers: Registers<0x80>,
    /// The memory itself.
    burnt: EfuseImage,
    /// What the RD registers show: the memory as it was read last.
    shown: EfuseImage,
    interrupts: Interrupts,
}

impl Efuse {
    /// A chip with this memory.
    pub(crate) fn new(image: EfuseImage) -> Self {
        let registers = Registers::new(RESET);
        let mut efuse = Self { registers, burnt: image, shown: image, interrupts: Interrupts::default() };
        efuse.read();
        efuse
    }

    /// A reset: the registers begin anew, and the memory is read.
    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.burnt);
    }

    /// The memory.
    pub(crate) fn image(&self) -> EfuseImage {
        self.burnt
    }

    /// Whether the interrupt source is active.
    pub(crate) fn active(&self) -> bool {
        self.interrupts.active()
    }

    /// Takes the memory over into the RD registers; blocks that RD_DIS hides read 0.
    fn read(&mut self) {
        self.shown = self.burnt;
        let hidden = field(self.burnt.0[1], 0, 6);
        for key in (0..7).filter(|&key| bit(hidden, key)) {
            let (first, words) = block(4 + key as usize);
            self.shown.0[first..first + words].fill(0);
        }
    }

    /// Burns PGM_DATA into a block, bit by bit, where nothing protects it.
    fn program(&mut self, number: usize) {
        let locks = self.burnt.0[0];
        if number >= BLOCKS || write_protection(number).is_some_and(|lock| bit(locks, lock)) {
            return;
        }
        let (first, words) = block(number);
        for n in 0..words {
            let mut bits = self.registers.get(PGM_DATA0 + 4 * n as u32);
            if number == 0 {
                for &(lock, _, mask) in PROTECTED.iter().filter(|&&(_, word, _)| word == n) {
                    bits &= if bit(locks, lock) { !mask } else { u32::MAX };
                }
            }
            self.burnt.0[first + n] |= bits;
        }
    }

    fn command(&mut self, value: u32) {
        // READ_CMD and PGM_CMD clear themselves when they are done, and both report it.
        let code = field(self.registers.get(CONF), 0, 15);
        if bit(value, 0) && code == READ {
            self.read();
            self.interrupts.raw |= 1;
        }
        if bit(value, 1) && code == PROGRAM {
            self.program(field(value, 2, 5) as usize);
            self.interrupts.raw |= 2;
        }
    }

    pub(crate) fn peek(&self, offset: u32) -> u32 {
        match offset {
            RD_WR_DIS..RD_END => self.shown.0[((offset - RD_WR_DIS) / 4) as usize],
            CMD | INT_CLR => 0,
            INT_RAW => self.interrupts.raw,
            INT_ST => self.interrupts.status(),
            INT_ENA => self.interrupts.enabled,
            _ => self.registers.get(offset),
        }
    }

    pub(crate) fn store(&mut self, offset: u32, value: u32) {
        match offset {
            CMD => self.command(value),
            INT_ENA => self.interrupts.enabled = value & 3,
            INT_CLR => self.interrupts.raw &= !value,
            RD_WR_DIS..=RD_RS_ERR1 | INT_RAW | INT_ST => {}
            _ => self.registers.set(offset, value),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RD_MAC_SPI_SYS_0: u32 = 0x044;
    const RD_MAC_SPI_SYS_1: u32 = 0x048;
    const RD_MAC_SPI_SYS_3: u32 = 0x050;
    const RD_MAC_SPI_SYS_5: u32 = 0x058;
    const RD_REPEAT_DATA3: u32 = 0x03C;
    const RD_KEY0: u32 = 0x09C;

    fn unburnt() -> Efuse {
        Efuse::new(EfuseImage::new([0x60, 0x55, 0xF9, 1, 2, 3], ChipRevision { major: 1, minor: 9 }))
    }

    fn burn(efuse: &mut Efuse, number: u32, data: [u32; 8]) {
        for (n, word) in (0..).zip(data) {
            efuse.store(PGM_DATA0 + 4 * n, word);
        }
        efuse.store(CONF, PROGRAM);
        efuse.store(CMD, 1 << 1 | number << 2);
        efuse.store(CONF, READ);
        efuse.store(CMD, 1);
    }

    #[test]
    fn mac_and_revision_stand_where_the_manual_says() {
        let mut efuse = unburnt();
        assert_eq!((efuse.peek(RD_MAC_SPI_SYS_1), efuse.peek(RD_MAC_SPI_SYS_0)), (0x6055, 0xF901_0203));
        assert_eq!(efuse.peek(RD_MAC_SPI_SYS_3) >> 18 & 7, 1);
        assert_eq!(efuse.peek(RD_MAC_SPI_SYS_5) >> 23 & 7, 0b011);
        efuse.store(RD_MAC_SPI_SYS_0, 0);
        assert_eq!(efuse.peek(RD_MAC_SPI_SYS_0), 0xF901_0203, "read only");
        assert_eq!(efuse.peek(CMD), 0);
    }

    #[test]
    fn burning_sets_bits_for_good_and_shows_them_after_a_read() {
        let mut efuse = unburnt();
        efuse.store(PGM_DATA0 + 4 * 4, 3 << 6);
        efuse.store(CMD, 1 << 1);
        assert_eq!(efuse.interrupts.raw, 0, "the operation code is missing");
        efuse.store(CONF, PROGRAM);
        efuse.store(CMD, 1 << 1);
        assert_eq!((efuse.peek(RD_REPEAT_DATA3), efuse.interrupts.raw), (0, 2));
        efuse.store(CONF, READ);
        efuse.store(CMD, 1);
        assert_eq!(efuse.peek(RD_REPEAT_DATA3), 3 << 6);
        // UART_PRINT_CONTROL cannot be taken back, and outlives every reset.
        burn(&mut efuse, 0, [0; 8]);
        efuse.reset();
        assert_eq!(efuse.peek(RD_REPEAT_DATA3), 3 << 6);
        assert!(efuse.image().continues(&unburnt().image()));
        assert!(!unburnt().image().continues(&efuse.image()));
    }

    #[test]
    fn a_protected_block_and_a_protected_parameter_stay() {
        let mut efuse = unburnt();
        burn(&mut efuse, 3, [1, 0, 0, 0, 0, 0, 0, 0]);
        burn(&mut efuse, 0, [1 << 22 | 1 << 18, 0, 0, 0, 0, 0, 0, 0]);
        burn(&mut efuse, 3, [2, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(efuse.peek(0x07C), 1);
        burn(&mut efuse, 0, [0, 0, 0, 0, 3 << 6, 0, 0, 0]);
        assert_eq!(efuse.peek(RD_REPEAT_DATA3), 0);
    }

    #[test]
    fn a_hidden_key_reads_zero_and_is_still_there() {
        let mut efuse = unburnt();
        burn(&mut efuse, 4, [0xDEAD; 8]);
        assert_eq!(efuse.peek(RD_KEY0), 0xDEAD);
        burn(&mut efuse, 0, [0, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(efuse.peek(RD_KEY0), 0);
        assert_eq!(efuse.image().0[block(4).0], 0xDEAD);
    }

    #[test]
    fn an_image_survives_as_bytes_and_others_are_refused() {
        let mut efuse = unburnt();
        burn(&mut efuse, 10, [7; 8]);
        let bytes = efuse.image().to_bytes();
        assert_eq!(EfuseImage::from_bytes(&bytes), Some(efuse.image()));
        assert_eq!(EfuseImage::from_bytes(&bytes[1..]), None);
        assert_eq!(EfuseImage::from_bytes(&[bytes, vec![0]].concat()), None);
    }

    proptest! {
        #[test]
        fn no_sequence_of_stores_takes_a_bit_back(stores: Vec<(u8, u32)>) {
            let mut efuse = unburnt();
            for (offset, value) in stores {
                let before = efuse.image();
                efuse.store(CONF, PROGRAM);
                efuse.store(u32::from(offset) * 4, value);
                efuse.store(CMD, value);
                prop_assert!(efuse.image().continues(&before));
            }
        }
    }
}

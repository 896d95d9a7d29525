//! eFuse controller (TRM, chapter "eFuse Controller"): the one-time programmable memory as an
//! unprotected chip holds it. Reading works; burning is accepted and changes nothing.

use super::Registers;

const RD_WR_DIS: u32 = 0x02C;
const RD_MAC_SPI_SYS_0: u32 = 0x044;
const RD_MAC_SPI_SYS_1: u32 = 0x048;
const RD_MAC_SPI_SYS_3: u32 = 0x050;
const RD_MAC_SPI_SYS_5: u32 = 0x058;
const RD_RS_ERR1: u32 = 0x1C4;
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

/// Chip revision as burnt into eFuse, `major.minor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChipRevision {
    /// WAFER_VERSION_MAJOR.
    pub major: u8,
    /// WAFER_VERSION_MINOR.
    pub minor: u8,
}

/// The EFUSE block at 0x6000_8800.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Efuse {
    registers: Registers<0x80>,
    raw: u32,
    enabled: u32,
}

impl Efuse {
    /// An eFuse memory with a MAC address and a chip revision, otherwise unburnt.
    pub(crate) fn new(mac: [u8; 6], revision: ChipRevision) -> Self {
        let mut registers = Registers::new(RESET);
        let [a, b, c, d, e, f] = mac;
        registers.set(RD_MAC_SPI_SYS_0, u32::from_be_bytes([c, d, e, f]));
        registers.set(RD_MAC_SPI_SYS_1, u32::from(u16::from_be_bytes([a, b])));
        // WAFER_VERSION_MINOR_LO is bits 20:18 of word 3, its high bit is bit 23 of word 5,
        // WAFER_VERSION_MAJOR is bits 25:24 of word 5.
        let (major, minor) = (u32::from(revision.major), u32::from(revision.minor));
        registers.set(RD_MAC_SPI_SYS_3, (minor & 7) << 18);
        registers.set(RD_MAC_SPI_SYS_5, (major & 3) << 24 | (minor >> 3 & 1) << 23);
        Self { registers, raw: 0, enabled: 0 }
    }

    pub(crate) fn peek(&self, offset: u32) -> u32 {
        match offset {
            CMD | INT_CLR => 0,
            INT_RAW => self.raw,
            INT_ST => self.raw & self.enabled,
            INT_ENA => self.enabled,
            _ => self.registers.get(offset),
        }
    }

    pub(crate) fn store(&mut self, offset: u32, value: u32) {
        match offset {
            // READ_CMD and PGM_CMD clear themselves when they are done, and both report it.
            CMD => self.raw |= value & 3,
            INT_ENA => self.enabled = value & 3,
            INT_CLR => self.raw &= !value,
            RD_WR_DIS..=RD_RS_ERR1 | INT_RAW | INT_ST => {}
            _ => self.registers.set(offset, value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mac_and_revision_stand_where_the_manual_says() {
        let mut efuse = Efuse::new([0x60, 0x55, 0xF9, 1, 2, 3], ChipRevision { major: 1, minor: 9 });
        assert_eq!((efuse.peek(RD_MAC_SPI_SYS_1), efuse.peek(RD_MAC_SPI_SYS_0)), (0x6055, 0xF901_0203));
        assert_eq!(efuse.peek(RD_MAC_SPI_SYS_3) >> 18 & 7, 1);
        assert_eq!(efuse.peek(RD_MAC_SPI_SYS_5) >> 23 & 7, 0b011);
        efuse.store(RD_MAC_SPI_SYS_0, 0);
        assert_eq!(efuse.peek(RD_MAC_SPI_SYS_0), 0xF901_0203, "read only");
        efuse.store(CMD, 2);
        assert_eq!(efuse.peek(CMD), 0);
    }
}

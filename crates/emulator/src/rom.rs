//! The mask ROM: the first code the chip runs, in each revision that Espressif has published.
//!
//! The images are made at build time from the `espflash` package (see `build.rs`).

use crate::peripherals::efuse::ChipRevision;

/// The contents of a chip's mask ROM, and the revision of the chips that carry it.
#[derive(Clone, Copy)]
pub struct Rom {
    image: &'static [u8],
    revision: ChipRevision,
}

impl Rom {
    /// ROM of chip revision v0.3 (ECO3), the one most boards have.
    #[must_use]
    pub fn esp32c3_rev3() -> Self {
        Self {
            image: include_bytes!(concat!(env!("OUT_DIR"), "/rev3.rom")),
            revision: ChipRevision { major: 0, minor: 3 },
        }
    }

    /// ROM of the first chips, revision v0.0.
    #[must_use]
    pub fn esp32c3_rev0() -> Self {
        Self {
            image: include_bytes!(concat!(env!("OUT_DIR"), "/rev0.rom")),
            revision: ChipRevision { major: 0, minor: 0 },
        }
    }

    /// ROM of chip revision v1.1.
    #[must_use]
    pub fn esp32c3_rev101() -> Self {
        Self {
            image: include_bytes!(concat!(env!("OUT_DIR"), "/rev101.rom")),
            revision: ChipRevision { major: 1, minor: 1 },
        }
    }

    /// The bytes from 0x4000_0000 on.
    #[must_use]
    pub fn image(&self) -> &'static [u8] {
        self.image
    }

    /// The chip revision that eFuse shows beside this ROM.
    #[must_use]
    pub fn revision(&self) -> ChipRevision {
        self.revision
    }
}

impl Default for Rom {
    fn default() -> Self {
        Self::esp32c3_rev3()
    }
}

impl std::fmt::Debug for Rom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rom(v{}.{})", self.revision.major, self.revision.minor)
    }
}

/// Espressif's second-stage bootloader for images that are put together without a build of their
/// own, as the `espflash` package carries it. It belongs at flash offset 0.
#[must_use]
pub fn bootloader(mode: FlashMode) -> &'static [u8] {
    match mode {
        FlashMode::Dio => include_bytes!(concat!(env!("OUT_DIR"), "/dio-bootloader.bin")),
        FlashMode::Qio => include_bytes!(concat!(env!("OUT_DIR"), "/qio-bootloader.bin")),
    }
}

/// How the bootloader talks to the flash chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlashMode {
    /// Two data lines, 40 MHz.
    Dio,
    /// Four data lines, 80 MHz.
    Qio,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::ROM_SIZE;

    #[test]
    fn every_rom_fills_its_address_range_and_starts_with_a_jump() {
        for rom in [Rom::esp32c3_rev0(), Rom::esp32c3_rev3(), Rom::esp32c3_rev101()] {
            assert_eq!(rom.image().len(), ROM_SIZE, "{rom:?}");
            // JAL x0 or a compressed C.J at the reset vector.
            let first = u16::from_le_bytes([rom.image()[0], rom.image()[1]]);
            assert!(first & 0x7F == 0x6F || first & 0xE003 == 0xA001, "{rom:?} {first:#06x}");
        }
    }

    #[test]
    fn bootloaders_are_application_images() {
        for mode in [FlashMode::Dio, FlashMode::Qio] {
            assert_eq!(bootloader(mode)[0], 0xE9);
        }
    }
}

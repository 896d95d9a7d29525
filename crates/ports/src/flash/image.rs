//! What is to be written: images, and what can be said about them before a board is touched.

use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use espflash::target::Chip;
use sha2::{Digest as _, Sha256};

use super::FlashFault;
use crate::folder;

/// First byte of every bootloader and application image (ESP-IDF, `esp_image_header_t`).
const IMAGE_MAGIC: u8 = 0xE9;
/// Start value of an image's checksum (ESP-IDF, `esp_rom_checksum`).
const CHECKSUM_SEED: u8 = 0xEF;
/// No module has more flash.
const IMAGE_MAX_BYTES: usize = 32 << 20;
const HEADER_BYTES: usize = 24;
const SEGMENT_HEADER_BYTES: usize = 8;
/// Smallest unit a flash chip erases; also what "nothing here" is judged by.
pub(super) const SECTOR_BYTES: usize = 4096;

/// `FILE` or `FILE@OFFSET`, as the command line has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageArgument {
    /// The file.
    pub path: PathBuf,
    /// Where it goes in flash; where the chip boots from, if left out.
    pub offset: Option<u32>,
}

impl FromStr for ImageArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((path, offset)) = text.rsplit_once('@') else {
            return Ok(Self { path: text.into(), offset: None });
        };
        let number = match offset.strip_prefix("0x").or_else(|| offset.strip_prefix("0X")) {
            Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
            None => offset.parse(),
        };
        match number {
            Ok(offset) => Ok(Self { path: path.into(), offset: Some(offset) }),
            Err(_) => Err(format!("{offset:?} is no flash address; write FILE@0x10000, or only FILE")),
        }
    }
}

/// Bytes for one place in flash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// What people call it.
    pub name: String,
    /// Where it goes; where the chip boots from, if unknown yet.
    pub offset: Option<u32>,
    /// The contents.
    pub data: Vec<u8>,
    /// Whether places that would stay blank are left as they are.
    pub sparse: bool,
}

impl Image {
    /// The lesson firmware for the ESP32-C3, with its bootloader and partition table.
    #[must_use]
    pub fn lesson_firmware(flash_image: &[u8]) -> Self {
        Self { name: "lesson firmware".to_owned(), offset: Some(0), data: flash_image.to_vec(), sparse: true }
    }

    /// Reads an image file.
    ///
    /// # Errors
    /// [`FlashFault::ImageUnreadable`].
    pub fn read(argument: &ImageArgument) -> Result<Self, FlashFault> {
        let path: &Path = &argument.path;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        match folder::read_at_most(path, IMAGE_MAX_BYTES) {
            Ok(None) => {
                let source = io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than any chip's flash");
                Err(FlashFault::ImageUnreadable { path: path.to_owned(), source })
            }
            Ok(Some(data)) => Ok(Self { name, offset: argument.offset, data, sparse: false }),
            Err(source) => Err(FlashFault::ImageUnreadable { path: path.to_owned(), source }),
        }
    }

    /// SHA-256 of the contents, in hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> String {
        Sha256::digest(&self.data).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether the beginning claims to be something that a chip boots.
    fn is_bootable(&self) -> bool {
        self.data.first() == Some(&IMAGE_MAGIC)
    }

    /// Checks everything that needs no board.
    ///
    /// # Errors
    /// [`FlashFault::NotAnImage`] and [`FlashFault::ImageDamaged`].
    pub fn check(&self) -> Result<(), FlashFault> {
        let not_an_image = |why: &str| FlashFault::NotAnImage { name: self.name.clone(), why: why.to_owned() };
        if self.data.is_empty() {
            return Err(not_an_image("it is empty"));
        }
        if self.offset.is_some_and(|offset| !(offset as usize).is_multiple_of(SECTOR_BYTES)) {
            return Err(not_an_image("its address is not a multiple of 0x1000, the smallest part a flash chip erases"));
        }
        if self.is_bootable() {
            return self.check_segments().map_err(|why| FlashFault::ImageDamaged { name: self.name.clone(), why });
        }
        if self.offset.is_none() {
            return Err(not_an_image("it does not begin as an ESP32 image does; name its address if that is meant"));
        }
        Ok(())
    }

    /// Walks through the first image: every segment is there, checksum and hash are right.
    fn check_segments(&self) -> Result<(), String> {
        let data = &self.data;
        let word = |at: usize| -> Result<u32, String> {
            let bytes = data.get(at..at + 4).ok_or("it is cut off")?;
            Ok(u32::from_le_bytes(bytes.try_into().map_err(|_| "it is cut off")?))
        };
        let count = *data.get(1).ok_or("it is cut off")?;
        if !(1..=16).contains(&count) {
            return Err(format!("it claims to have {count} segments"));
        }
        let mut at = HEADER_BYTES;
        let mut checksum = CHECKSUM_SEED;
        for _ in 0..count {
            let length = word(at + 4)? as usize;
            let start = at + SEGMENT_HEADER_BYTES;
            let end = start.checked_add(length).ok_or("it is cut off")?;
            checksum ^= data.get(start..end).ok_or("it is cut off")?.iter().fold(0, |sum, byte| sum ^ byte);
            at = end;
        }
        // The checksum is the last byte of a 16-byte line.
        let last = at | 15;
        if *data.get(last).ok_or("it is cut off")? != checksum {
            return Err("its checksum is wrong".to_owned());
        }
        let hash_appended = data.get(23) == Some(&1);
        if hash_appended {
            let hash = data.get(last + 1..last + 33).ok_or("it is cut off")?;
            if Sha256::digest(&data[..=last]).as_slice() != hash {
                return Err("its SHA-256 is wrong".to_owned());
            }
        }
        Ok(())
    }

    /// Checks that the image suits the chip; returns where it goes.
    ///
    /// # Errors
    /// [`FlashFault::WrongChip`] and [`FlashFault::FlashTooSmall`].
    pub fn fit(&self, chip: Chip, flash_bytes: u32) -> Result<u32, FlashFault> {
        let offset = self.offset.unwrap_or_else(|| chip.boot_address());
        if self.is_bootable()
            && let Some(&[low, high]) = self.data.get(12..14)
        {
            let id = u16::from_le_bytes([low, high]);
            if id != chip.id() {
                let made_for = Chip::try_from(id).map_or_else(|_| format!("chip number {id}"), |chip| chip.to_string());
                return Err(FlashFault::WrongChip { name: self.name.clone(), made_for, chip: chip.to_string() });
            }
        }
        let needed_bytes = offset as usize + self.data.len();
        if needed_bytes > flash_bytes as usize {
            return Err(FlashFault::FlashTooSmall { name: self.name.clone(), needed_bytes, flash_bytes });
        }
        Ok(offset)
    }

    /// The least revision of the chip that the image runs on, as major * 100 + minor; 0 for any.
    #[must_use]
    pub fn minimum_revision(&self) -> u16 {
        match self.data.get(15..17) {
            Some(&[low, high]) if self.is_bootable() => u16::from_le_bytes([low, high]),
            _ => 0,
        }
    }

    /// The runs of bytes to write, each starting at a sector: offset within the image, and bytes.
    #[must_use]
    pub fn parts(&self) -> Vec<(u32, &[u8])> {
        if !self.sparse {
            return vec![(0, &self.data)];
        }
        let mut parts: Vec<(u32, &[u8])> = Vec::new();
        for (number, sector) in self.data.chunks(SECTOR_BYTES).enumerate() {
            if sector.iter().all(|&byte| byte == 0xFF) {
                continue;
            }
            let at = number * SECTOR_BYTES;
            let end = at + sector.len();
            match parts.last_mut() {
                Some((start, bytes)) if *start as usize + bytes.len() == at => {
                    *bytes = &self.data[*start as usize..end];
                }
                _ => parts.push((at as u32, sector)),
            }
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An image with two segments, built by the format's rules.
    pub(in crate::flash) fn image(chip: Chip) -> Vec<u8> {
        let mut data = vec![IMAGE_MAGIC, 2, 0, 0x20, 0, 0, 0x38, 0x40, 0xEE, 0, 0, 0];
        data.extend(chip.id().to_le_bytes());
        data.extend([3, 44, 1, 0xC7, 0, 0, 0, 0, 0, 1]);
        let mut checksum = CHECKSUM_SEED;
        for length in [100u32, 36] {
            data.extend(0x4038_0000u32.to_le_bytes());
            data.extend(length.to_le_bytes());
            let contents: Vec<u8> = (0..length).map(|n| (n * 37 + length) as u8).collect();
            checksum = contents.iter().fold(checksum, |sum, byte| sum ^ byte);
            data.extend(contents);
        }
        while data.len() % 16 != 15 {
            data.push(0);
        }
        data.push(checksum);
        let hash = Sha256::digest(&data);
        data.extend(hash);
        data
    }

    fn named(data: Vec<u8>, offset: Option<u32>) -> Image {
        Image { name: "test.bin".to_owned(), offset, data, sparse: false }
    }

    #[test]
    fn arguments_name_a_file_and_perhaps_an_address() {
        let argument = |text: &str| text.parse::<ImageArgument>();
        let expected = |path: &str, offset| Ok(ImageArgument { path: path.into(), offset });
        assert_eq!(argument("a.bin"), expected("a.bin", None));
        assert_eq!(argument("a.bin@0x10000"), expected("a.bin", Some(0x1_0000)));
        assert_eq!(argument("x@y.bin@65536"), expected("x@y.bin", Some(65_536)));
        assert!(argument("a.bin@here").is_err());
    }

    #[test]
    fn an_image_for_another_chip_is_refused_and_the_right_one_knows_its_place() {
        for (chip, boot_address) in [(Chip::Esp32, 0x1000), (Chip::Esp32c3, 0), (Chip::Esp32s2, 0x1000)] {
            let image = named(image(chip), None);
            image.check().unwrap();
            assert_eq!(image.fit(chip, 4 << 20).unwrap(), boot_address);
            let refused = image.fit(Chip::Esp32c6, 4 << 20).unwrap_err();
            assert_eq!(refused.code(), "flash-wrong-chip", "{refused}");
        }
    }

    #[test]
    fn an_image_that_does_not_fit_is_refused() {
        let mut data = image(Chip::Esp32c3);
        data.resize(0x1000, 0xFF);
        let image = named(data, Some(0x3F_F000));
        assert_eq!(image.fit(Chip::Esp32c3, 4 << 20).unwrap(), 0x3F_F000);
        assert_eq!(image.fit(Chip::Esp32c3, 2 << 20).unwrap_err().code(), "flash-too-small");
    }

    #[test]
    fn data_that_is_no_image_needs_an_address() {
        assert_eq!(named(b"hello".to_vec(), None).check().unwrap_err().code(), "flash-not-an-image");
        named(b"hello".to_vec(), Some(0x8000)).check().unwrap();
        assert_eq!(named(b"hello".to_vec(), Some(0x8001)).check().unwrap_err().code(), "flash-not-an-image");
    }

    #[test]
    fn a_sparse_image_writes_only_what_is_there() {
        let mut data = vec![0xFF; 10 * SECTOR_BYTES];
        data[5] = 0;
        data[SECTOR_BYTES] = 0;
        data[8 * SECTOR_BYTES - 1] = 0;
        let mut image = named(data, Some(0));
        image.sparse = true;
        let parts: Vec<_> = image.parts().into_iter().map(|(at, bytes)| (at, bytes.len())).collect();
        assert_eq!(parts, [(0, 2 * SECTOR_BYTES), (7 * SECTOR_BYTES as u32, SECTOR_BYTES)]);
    }

    proptest! {
        #[test]
        fn every_damage_to_an_image_is_found(at in 24usize..208, bit in 0u8..8) {
            let mut data = image(Chip::Esp32c3);
            prop_assume!(at < data.len());
            data[at] ^= 1 << bit;
            prop_assert!(named(data, None).check().is_err());
        }

        #[test]
        fn a_cut_image_is_found(length in 1usize..200) {
            let data = image(Chip::Esp32c3);
            prop_assume!(length < data.len());
            let error = named(data[..length].to_vec(), None).check().unwrap_err();
            prop_assert_eq!(error.code(), "flash-image-damaged");
        }

        #[test]
        fn any_bytes_are_judged_without_a_panic(data in prop::collection::vec(any::<u8>(), 0..400)) {
            let mut data = data;
            if let Some(first) = data.first_mut() {
                *first = IMAGE_MAGIC;
            }
            let image = named(data, None);
            let _ = (image.check(), image.fit(Chip::Esp32c3, 1 << 20), image.minimum_revision());
        }
    }
}

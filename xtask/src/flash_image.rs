//! Turns an application's ELF file into a whole flash content.

use std::path::Path;

use espflash::flasher::{FlashData, FlashFrequency, FlashMode, FlashSettings, FlashSize};
use espflash::image_format::idf::IdfBootloaderFormat;
use espflash::target::{Chip, XtalFrequency};

use crate::failure::{Code, Failure, Result};

/// The flash of the boards we build for, in bytes.
pub(crate) const FLASH_SIZE_BYTES: usize = 4 * 1024 * 1024;

/// Lays bootloader, partition table and application out as they lie in the
/// 4 MB flash of an ESP32-C3; unused bytes are 0xFF, as after an erase.
///
/// Flash settings are those of the common ESP32-C3 boards (DIO, 80 MHz, 4 MB),
/// and so is the crystal (40 MHz). Without `partitions` espflash's default
/// table is used: `nvs`, `phy_init` and one `factory` application.
///
/// # Errors
/// When the ELF file is not an ESP32-C3 application or does not fit.
pub(crate) fn merged_image(elf: &[u8], partitions: Option<&Path>) -> Result<Vec<u8>> {
    let settings = FlashSettings::new(Some(FlashMode::Dio), Some(FlashSize::_4Mb), Some(FlashFrequency::_80Mhz));
    let flash = FlashData::new(settings, 0, None, Chip::Esp32c3, XtalFrequency::_40Mhz);
    let format = IdfBootloaderFormat::new(elf, &flash, partitions, None, None, None)
        .map_err(|error| not_an_application(&error.to_string()))?;
    let mut image = vec![0xFF; FLASH_SIZE_BYTES];
    for segment in format.flash_segments() {
        let begin = segment.addr as usize;
        let end = begin + segment.data().len();
        image
            .get_mut(begin..end)
            .ok_or_else(|| not_an_application("it is larger than the flash"))?
            .copy_from_slice(segment.data());
    }
    Ok(image)
}

fn not_an_application(why: &str) -> Failure {
    Failure::new(
        Code::BuildOutput,
        format!("The ELF file cannot become a flash image: {why}."),
        "Check the partition table and the application's size.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_an_elf_file_is_refused() {
        let failure = merged_image(b"not an ELF file", None).unwrap_err();
        assert_eq!(failure.code(), Code::BuildOutput);
    }
}

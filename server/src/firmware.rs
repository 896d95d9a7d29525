//! The lesson firmware, carried inside the binary so that a release is one file.

use std::sync::OnceLock;

use ports::flash::Image;
use workbench::emulated::{BootedBoard, Emulation};
use workbench::firmware::LessonFirmware;
use workbench::line::LineFault;

/// The whole 4 MB flash of a board that has the lesson firmware: bootloader,
/// partition table and application; erased bytes are 0xFF.
pub static FLASH_IMAGE: &[u8] = include_bytes!(env!("ISRLAB_FLASH_IMAGE"));

/// The firmware's ELF file, with symbols and line tables.
pub static ELF: &[u8] = include_bytes!(env!("ISRLAB_FIRMWARE_ELF"));

/// The same as the workbench takes it.
#[must_use]
pub fn lesson_firmware() -> LessonFirmware {
    static FIRMWARE: OnceLock<LessonFirmware> = OnceLock::new();
    FIRMWARE.get_or_init(|| LessonFirmware::new(FLASH_IMAGE, ELF)).clone()
}

/// A board with it, booted once in a process.
///
/// # Errors
/// The emulation failed, or the firmware did not come up.
pub fn booted() -> Result<BootedBoard, LineFault> {
    static BOOTED: OnceLock<Result<BootedBoard, LineFault>> = OnceLock::new();
    BOOTED.get_or_init(|| BootedBoard::boot(lesson_firmware())).clone()
}

/// A board with it, emulated in this way.
///
/// # Errors
/// The emulation failed, or the firmware did not come up.
pub fn booted_as(emulation: Emulation) -> Result<BootedBoard, LineFault> {
    if emulation == Emulation::default() { booted() } else { BootedBoard::boot_as(lesson_firmware(), emulation) }
}

/// What is written to an attached board.
#[must_use]
pub fn image() -> Image {
    Image::lesson_firmware(FLASH_IMAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First byte of a bootloader or application image (`esp_image_header_t`).
    const IMAGE_MAGIC: u8 = 0xE9;
    /// First bytes of a partition table entry (`esp_partition_info_t`).
    const PARTITION_MAGIC: [u8; 2] = [0xAA, 0x50];

    #[test]
    fn the_flash_image_is_a_whole_flash_with_bootloader_partitions_and_application() {
        assert_eq!(FLASH_IMAGE.len(), 4 * 1024 * 1024);
        assert_eq!(FLASH_IMAGE[0], IMAGE_MAGIC);
        assert_eq!(FLASH_IMAGE[0x8000..0x8002], PARTITION_MAGIC);
        assert_eq!(FLASH_IMAGE[0x1_0000], IMAGE_MAGIC);
    }

    #[test]
    fn the_elf_file_is_for_the_boards_processor() {
        assert_eq!(&ELF[..4], b"\x7fELF");
        // e_machine of the ELF header: 243 is RISC-V.
        assert_eq!(ELF[18..20], 243_u16.to_le_bytes());
    }
}

//! Flash contents put together by hand: application images as the ROM and the bootloader load them
//! (ESP-IDF programming guide, "App Image Format" and "Partition Tables").

use emulator::FlashImage;
use emulator::rom::{FlashMode, bootloader};

/// Where first-stage code is loaded: SRAM1 on the instruction bus, below what the ROM uses.
pub(crate) const CODE: u32 = 0x4038_0000;

const APP_OFFSET: u32 = 0x1_0000;
/// Where an application's read-only data and code are mapped; inside their pages they stand as
/// they do in flash.
const APP_DATA: u32 = 0x3C00_0020;
const APP_CODE: u32 = 0x4201_0128;

/// The application description at the start of the read-only data, which the bootloader looks for.
const DESCRIPTION: usize = 256;
const DESCRIPTION_MAGIC: u32 = 0xABCD_5432;

fn image(entry: u32, segments: &[(u32, &[u8])]) -> Vec<u8> {
    // Magic, segments, DIO, 80 MHz and 4 MB, entry.
    let mut image = vec![0xE9, segments.len() as u8, 2, 0x2F];
    image.extend_from_slice(&entry.to_le_bytes());
    // No write protection pin, drive settings 0; chip ESP32-C3 (5), any revision, no hash appended.
    image.extend_from_slice(&[0xEE, 0, 0, 0, 5, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0, 0]);
    for (address, bytes) in segments {
        image.extend_from_slice(&address.to_le_bytes());
        image.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        image.extend_from_slice(bytes);
    }
    let checksum = segments.iter().flat_map(|(_, bytes)| *bytes).fold(0xEF, |sum, byte| sum ^ byte);
    while image.len() % 16 != 15 {
        image.push(0);
    }
    image.push(checksum);
    image
}

fn bytes_of(code: &[u32]) -> Vec<u8> {
    code.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// An image with one segment of code in RAM, which is also where it begins.
pub(crate) fn ram_image(code: &[u32]) -> Vec<u8> {
    image(CODE, &[(CODE, &bytes_of(code))])
}

/// An application as ESP-IDF's linker lays it out: a description that asks for nothing, and code
/// that runs from flash.
pub(crate) fn app_image(code: &[u32]) -> Vec<u8> {
    let mut description = DESCRIPTION_MAGIC.to_le_bytes().to_vec();
    description.resize(DESCRIPTION, 0);
    image(APP_CODE, &[(APP_DATA, &description), (APP_CODE, &bytes_of(code))])
}

/// The real bootloader, a partition table with one application, and that application.
pub(crate) fn bootable(mode: FlashMode, code: &[u32]) -> FlashImage {
    let mut entry = vec![0xAA, 0x50, 0, 0];
    entry.extend_from_slice(&APP_OFFSET.to_le_bytes());
    entry.extend_from_slice(&0x10_0000_u32.to_le_bytes());
    entry.extend_from_slice(b"factory\0\0\0\0\0\0\0\0\0");
    entry.extend_from_slice(&[0; 4]);
    let mut flash = FlashImage::blank();
    flash.place(0, bootloader(mode)).unwrap();
    flash.place(0x8000, &entry).unwrap();
    flash.place(APP_OFFSET as usize, &app_image(code)).unwrap();
    flash
}

/// Flash whose first-stage code is `code` itself: the ROM loads it as if it were the bootloader.
pub(crate) fn first_stage(code: &[u32]) -> FlashImage {
    let mut flash = FlashImage::blank();
    flash.place(0, &ram_image(code)).unwrap();
    flash
}

/// `lui rd, value >> 12` and `addi rd, rd, value`.
pub(crate) fn load_constant(rd: u32, value: u32) -> [u32; 2] {
    let high = value.wrapping_add(0x800) & 0xFFFF_F000;
    let low = value.wrapping_sub(high) & 0xFFF;
    [high | rd << 7 | 0x37, low << 20 | rd << 15 | rd << 7 | 0x13]
}

/// `sw rs2, 0(rs1)`.
pub(crate) fn store_word(rs2: u32, rs1: u32) -> u32 {
    rs2 << 20 | rs1 << 15 | 2 << 12 | 0x23
}

/// `lw rd, 0(rs1)`.
pub(crate) fn load_word(rd: u32, rs1: u32) -> u32 {
    rs1 << 15 | 2 << 12 | rd << 7 | 0x03
}

/// `j .`.
pub(crate) const LOOP: u32 = 0x0000_006F;

/// Stores `value` to the register at `address`, by way of x5 and x6.
pub(crate) fn poke(address: u32, value: u32) -> Vec<u32> {
    let mut code = Vec::new();
    code.extend(load_constant(5, address));
    code.extend(load_constant(6, value));
    code.push(store_word(6, 5));
    code
}

/// A program that pokes registers one after the other and then spins.
pub(crate) fn pokes(pokes: &[(u32, u32)]) -> Vec<u32> {
    let mut code: Vec<u32> = pokes.iter().flat_map(|&(address, value)| poke(address, value)).collect();
    code.push(LOOP);
    code
}

/// A program that prints `text` on UART0 and then does as `end` says. It fits into the FIFO.
pub(crate) fn prints(text: &str, end: &[u32]) -> Vec<u32> {
    let mut code: Vec<u32> = text.bytes().flat_map(|byte| poke(0x6000_0000, byte.into())).collect();
    code.extend_from_slice(end);
    code.push(LOOP);
    code
}

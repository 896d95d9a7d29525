//! The file system's partition, by the partition table in flash.
//!
//! While flash is written or erased nothing can be fetched from it, so `esp-storage` keeps interrupts
//! off for up to one sector's erase time.

use esp_bootloader_esp_idf::partitions::{PARTITION_TABLE_MAX_LEN, read_partition_table};
use esp_hal::peripherals::FLASH;
use esp_storage::FlashStorage;

use crate::interrupts::Shared;

/// Label of the partition in `partitions.csv`.
const LABEL: &str = "vfs";
/// `MP_EIO` of `py/mperrno.h`.
const EIO: i32 = 5;
/// `MP_EINVAL` of `py/mperrno.h`.
const EINVAL: i32 = 22;

struct Partition {
    flash: FlashStorage<'static>,
    offset: u32,
    len: u32,
}

static PARTITION: Shared<Option<Partition>> = Shared::new(None);

/// Finds the partition; without one the board has no file system.
pub(crate) fn init(flash: FLASH<'static>) {
    let mut flash = FlashStorage::new(flash);
    let mut table = [0; PARTITION_TABLE_MAX_LEN];
    let found = read_partition_table(&mut flash, &mut table)
        .ok()
        .and_then(|table| table.iter().find(|entry| entry.label_as_str() == LABEL).map(|e| (e.offset(), e.len())));
    if let Some((offset, len)) = found {
        PARTITION.with(|partition| *partition = Some(Partition { flash, offset, len }));
    }
}

/// Runs `f` with the partition and the absolute address of `offset`. In main only.
fn access(offset: u32, len: usize, f: impl FnOnce(&mut FlashStorage<'static>, u32) -> bool) -> i32 {
    // SAFETY: only main, which alone runs the file system, gets here after `init`.
    let Some(partition) = (unsafe { &mut *PARTITION.get() }) else { return -EIO };
    let fits = u32::try_from(len).ok().and_then(|len| offset.checked_add(len)).is_some_and(|end| end <= partition.len);
    if !fits {
        return -EINVAL;
    }
    let address = partition.offset + offset;
    if f(&mut partition.flash, address) { 0 } else { -EIO }
}

#[unsafe(no_mangle)]
extern "C" fn fw_flash_size() -> u32 {
    PARTITION.with(|partition| partition.as_ref().map_or(0, |partition| partition.len))
}

#[unsafe(no_mangle)]
extern "C" fn fw_flash_read(offset: u32, bytes: *mut u8, len: usize) -> i32 {
    // SAFETY: C hands over a writable buffer of that length.
    let bytes = unsafe { core::slice::from_raw_parts_mut(bytes, len) };
    access(offset, len, |flash, address| flash.read_nor(address, bytes).is_ok())
}

#[unsafe(no_mangle)]
extern "C" fn fw_flash_write(offset: u32, bytes: *const u8, len: usize) -> i32 {
    // SAFETY: C hands over a readable buffer of that length.
    let bytes = unsafe { core::slice::from_raw_parts(bytes, len) };
    access(offset, len, |flash, address| flash.write_nor(address, bytes).is_ok())
}

#[unsafe(no_mangle)]
extern "C" fn fw_flash_erase(offset: u32, len: usize) -> i32 {
    access(offset, len, |flash, address| flash.erase(address, address + len as u32).is_ok())
}

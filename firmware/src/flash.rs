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

/// What the partition table says of one partition; `fw_partition_t`.
#[repr(C)]
pub(crate) struct Entry {
    kind: u8,
    subtype: u8,
    encrypted: bool,
    address: u32,
    size: u32,
    label: [u8; 17],
}

/// The partition of this number, in the order of the table. False: there is none.
#[unsafe(no_mangle)]
extern "C" fn fw_partition(index: u32, entry: *mut Entry) -> bool {
    // SAFETY: only main gets here.
    let Some(partition) = (unsafe { &mut *PARTITION.get() }) else { return false };
    let mut table = [0; PARTITION_TABLE_MAX_LEN];
    let Ok(table) = read_partition_table(&mut partition.flash, &mut table) else { return false };
    let Some(found) = table.iter().nth(index as usize) else { return false };
    let [kind, subtype] = [found.raw_type(), found.raw_subtype()];
    let mut label = [0; 17];
    for (to, from) in label.iter_mut().zip(found.label_as_str().bytes().take(16)) {
        *to = from;
    }
    let (address, size) = (found.offset(), found.len());
    // SAFETY: C hands over room for one.
    unsafe { entry.write(Entry { kind, subtype, encrypted: found.is_encrypted(), address, size, label }) };
    true
}

/// The whole flash, for partitions other than the file system's. In main only.
fn access_all(f: impl FnOnce(&mut FlashStorage<'static>) -> bool) -> i32 {
    // SAFETY: only main gets here.
    let Some(partition) = (unsafe { &mut *PARTITION.get() }) else { return -EIO };
    if f(&mut partition.flash) { 0 } else { -EIO }
}

#[unsafe(no_mangle)]
extern "C" fn fw_chip_flash_read(address: u32, bytes: *mut u8, len: usize) -> i32 {
    // SAFETY: C hands over a writable buffer of that length.
    let bytes = unsafe { core::slice::from_raw_parts_mut(bytes, len) };
    access_all(|flash| flash.read_nor(address, bytes).is_ok())
}

#[unsafe(no_mangle)]
extern "C" fn fw_chip_flash_write(address: u32, bytes: *const u8, len: usize) -> i32 {
    // SAFETY: C hands over a readable buffer of that length.
    let bytes = unsafe { core::slice::from_raw_parts(bytes, len) };
    access_all(|flash| flash.write_nor(address, bytes).is_ok())
}

#[unsafe(no_mangle)]
extern "C" fn fw_chip_flash_erase(address: u32, len: usize) -> i32 {
    access_all(|flash| flash.erase(address, address + len as u32).is_ok())
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

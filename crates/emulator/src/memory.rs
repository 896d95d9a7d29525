//! Core memory: what the hart reaches without asking a device.
//!
//! ROM, internal SRAM (seen twice, by the instruction and by the data bus), RTC fast memory, and
//! the flash windows behind the cache's MMU table. Addresses are those of the ESP32-C3 Technical
//! Reference Manual, chapter "System and Memory". Of the cache only the time is modelled
//! (`flash_cache`): a mapped flash page always shows the present contents of the flash.

mod flash_cache;
mod ram;

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::bus::{AccessFault, Width};
use crate::flash::{FLASH_PAGE, FlashImage};
#[cfg(not(traces))]
use flash_cache::FlashCache;
#[cfg(traces)]
pub(crate) use flash_cache::FlashCache;
use ram::{AnyRam, FixedRam};

pub use ram::GRANULE;

/// First address of the mask ROM on the instruction bus.
pub const ROM_BASE: u32 = 0x4000_0000;
/// Bytes of mask ROM.
pub const ROM_SIZE: usize = 0x6_0000;
/// First address of the ROM's view on the data bus.
pub const ROM_DATA_BASE: u32 = 0x3FF0_0000;
/// Where in the ROM the data-bus view begins.
pub const ROM_DATA_OFFSET: usize = 0x4_0000;
/// First address of internal SRAM on the instruction bus.
pub const IRAM_BASE: u32 = 0x4037_C000;
/// Bytes of internal SRAM: SRAM0 (16 KiB, instruction bus only) and SRAM1 (384 KiB).
pub const SRAM_SIZE: usize = 0x6_4000;
/// First address of SRAM1 on the data bus.
pub const DRAM_BASE: u32 = 0x3FC8_0000;
/// Bytes of SRAM1.
pub const DRAM_SIZE: usize = 0x6_0000;
/// Where in internal SRAM the data-bus view begins: behind SRAM0.
pub const DRAM_OFFSET: usize = SRAM_SIZE - DRAM_SIZE;
/// First address of RTC fast memory.
pub const RTC_BASE: u32 = 0x5000_0000;
/// Bytes of RTC fast memory.
pub const RTC_SIZE: usize = 0x2000;
/// First address of the flash window on the instruction bus.
pub const FLASH_CODE_BASE: u32 = 0x4200_0000;
/// First address of the flash window on the data bus.
pub const FLASH_DATA_BASE: u32 = 0x3C00_0000;
/// Bytes of each flash window.
pub const FLASH_WINDOW_SIZE: u32 = 0x80_0000;
/// Entries of the MMU table, which both windows share.
pub const MMU_ENTRIES: usize = 128;
/// The bit of an MMU entry that says that nothing is mapped.
pub const MMU_INVALID: u32 = 1 << 8;

/// From here on there are peripherals, and no memory but what a bare hart may have.
const PERIPHERALS: u32 = 0x6000_0000;
const RTC_OFFSET: usize = SRAM_SIZE;
const CHIP_RAM_SIZE: usize = SRAM_SIZE + RTC_SIZE;
const CHIP_GRANULES: usize = CHIP_RAM_SIZE / GRANULE;
/// Bits of an address inside a page of the flash windows.
pub(crate) const MMU_PAGE_BITS: u32 = 16;

/// What a store to core memory hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// Data.
    Data,
    /// Bytes that an engine holds decoded: it has to look at `Memory::take_stale` before it
    /// executes anything else.
    Code,
}

/// Memory contents that a [`Memory`] can return to.
///
/// Cloning it is cheap: all contents are shared.
#[derive(Clone, Debug)]
pub struct MemorySnapshot {
    ram: Arc<[u8]>,
    extra: Arc<[u8]>,
    flash: FlashImage,
    mmu: [u16; MMU_ENTRIES],
    cache: FlashCache,
}

/// ROM, internal RAM, RTC memory and the flash windows, with their decoded-code bookkeeping.
#[derive(Clone, Debug)]
pub struct Memory {
    rom: Arc<[u8]>,
    /// SRAM and RTC fast memory, one behind the other.
    ram: FixedRam<CHIP_RAM_SIZE, CHIP_GRANULES>,
    /// A bare hart's own RAM and its first address (empty on the chip).
    extra: AnyRam,
    extra_base: u32,
    flash: FlashImage,
    mmu: [u16; MMU_ENTRIES],
    /// Which lines of flash the chip's cache holds; empty in unit time.
    pub(crate) cache: FlashCache,
    /// One bit per MMU entry: an engine holds code decoded from this window page.
    window_has_code: u128,
    /// One bit per MMU entry: that code is no longer what the flash shows.
    window_stale: u128,
    /// Counts everything after which a flash page may be found elsewhere.
    flash_version: u64,
}

impl Memory {
    /// The memory of an ESP32-C3 after power-on: RAM is zero, nothing is mapped.
    ///
    /// `rom` is the ROM as it stands from [`ROM_BASE`] on, at most [`ROM_SIZE`] bytes of it.
    #[must_use]
    pub fn new(rom: &[u8], flash: FlashImage) -> Self {
        Self::build(rom[..rom.len().min(ROM_SIZE)].into(), flash, 0, 0)
    }

    /// The memory of a bare hart: `size` bytes of RAM at `base`, beside the chip's own RAM.
    ///
    /// There is no ROM and nothing is mapped. `base` must not lie inside the chip's own memory,
    /// which is found first.
    #[must_use]
    pub fn bare(base: u32, size: usize) -> Self {
        Self::build([].into(), FlashImage::blank(), base, size)
    }

    fn build(rom: Arc<[u8]>, flash: FlashImage, extra_base: u32, extra_size: usize) -> Self {
        Self {
            rom,
            ram: FixedRam::new(),
            extra: AnyRam::new(extra_size),
            extra_base,
            flash,
            mmu: [MMU_INVALID as u16; MMU_ENTRIES],
            cache: FlashCache::new(),
            window_has_code: 0,
            window_stale: 0,
            flash_version: 1,
        }
    }

    /// Sets every byte of SRAM (and of a bare hart's RAM) to zero and unmaps the flash, as a loss
    /// of power does; RTC fast memory and the flash contents follow the caller's wishes.
    pub fn power_cycle(&mut self) {
        self.ram.fill_zero();
        self.extra.fill_zero();
        for index in 0..MMU_ENTRIES {
            self.set_mmu_entry(index, MMU_INVALID);
        }
        self.cache.clear();
    }

    // ---- the hart's accesses ------------------------------------------------------------------

    /// Reads SRAM on the data bus, where most accesses go.
    #[inline(always)]
    pub(crate) fn load_dram(&self, address: u32, width: Width) -> Option<u32> {
        let dram = address.wrapping_sub(DRAM_BASE) as usize;
        (dram <= DRAM_SIZE - width.bytes()).then(|| self.ram.load(dram + DRAM_OFFSET, width))
    }

    /// Writes SRAM on the data bus if there is nothing to be kept in mind about it.
    #[inline(always)]
    pub(crate) fn store_dram(&mut self, address: u32, width: Width, value: u32) -> bool {
        let dram = address.wrapping_sub(DRAM_BASE) as usize;
        dram <= DRAM_SIZE - width.bytes() && self.ram.store_unwatched(dram + DRAM_OFFSET, width, value)
    }

    /// Where `size` bytes at `address` stand in RAM.
    fn locate(&self, address: u32, size: usize) -> Option<Located> {
        let dram = address.wrapping_sub(DRAM_BASE) as usize;
        if dram <= DRAM_SIZE - size {
            return Some(Located::Chip(dram + DRAM_OFFSET));
        }
        self.locate_code(address, size)
    }

    /// As [`Memory::locate`], on the instruction bus.
    fn locate_code(&self, address: u32, size: usize) -> Option<Located> {
        let iram = address.wrapping_sub(IRAM_BASE) as usize;
        if iram <= SRAM_SIZE - size {
            return Some(Located::Chip(iram));
        }
        let rtc = address.wrapping_sub(RTC_BASE) as usize;
        if rtc <= RTC_SIZE - size {
            return Some(Located::Chip(rtc + RTC_OFFSET));
        }
        let extra = address.wrapping_sub(self.extra_base) as usize;
        let last = self.extra.bytes().len().checked_sub(size)?;
        (extra <= last).then_some(Located::Extra(extra))
    }

    /// Whether there may be memory at `address`, so that it is worth looking where.
    #[inline]
    pub(crate) fn may_be_here(&self, address: u32) -> bool {
        address < PERIPHERALS || !self.extra.bytes().is_empty()
    }

    /// Reads without side effects; `None` where a device may answer. Any alignment is allowed.
    #[must_use]
    #[inline]
    pub fn load(&self, address: u32, width: Width) -> Option<u32> {
        if self.may_be_here(address) { self.find_and_load(address, width) } else { None }
    }

    fn find_and_load(&self, address: u32, width: Width) -> Option<u32> {
        let size = width.bytes();
        if let Some(page) = self.flash_page(address) {
            let start = address as usize % FLASH_PAGE;
            if start + size <= FLASH_PAGE {
                return Some(little_endian(&page[start..], width));
            }
            return self.load_bytewise(address, size);
        }
        if let Some(offset) = rom_offset(address, size) {
            return self.rom.get(offset..offset + size).map(|bytes| little_endian(bytes, width));
        }
        Some(match self.locate(address, size)? {
            Located::Chip(offset) => self.ram.load(offset, width),
            Located::Extra(offset) => self.extra.load(offset, width),
        })
    }

    /// An access over the border of two mapped pages.
    fn load_bytewise(&self, address: u32, size: usize) -> Option<u32> {
        let mut value = 0;
        for index in 0..size as u32 {
            value |= self.load(address.wrapping_add(index), Width::Byte)? << (8 * index);
        }
        Some(value)
    }

    /// Writes RAM; `None` where the address is not RAM. Any alignment is allowed.
    #[inline]
    pub fn store(&mut self, address: u32, width: Width, value: u32) -> Option<Stored> {
        if self.may_be_here(address) { self.find_and_store(address, width, value) } else { None }
    }

    fn find_and_store(&mut self, address: u32, width: Width, value: u32) -> Option<Stored> {
        Some(match self.locate(address, width.bytes())? {
            Located::Chip(offset) => self.ram.store(offset, width, value),
            Located::Extra(offset) => self.extra.store(offset, width, value),
        })
    }

    /// Reads 16 bits of code; only memory on the instruction bus holds code.
    ///
    /// # Errors
    /// [`AccessFault`] where no code can stand, or an unmapped flash page.
    #[inline]
    pub fn fetch(&self, address: u32) -> Result<u16, AccessFault> {
        let iram = address.wrapping_sub(IRAM_BASE) as usize;
        if iram <= SRAM_SIZE - 2 {
            return Ok(self.ram.load(iram, Width::Half) as u16);
        }
        if address.wrapping_sub(FLASH_CODE_BASE) < FLASH_WINDOW_SIZE {
            let page = self.flash_page(address).ok_or(AccessFault)?;
            let start = address as usize % FLASH_PAGE;
            return Ok(u16::from_le_bytes([page[start], page[start + 1]]));
        }
        let rom = address.wrapping_sub(ROM_BASE) as usize;
        if rom <= ROM_SIZE - 2 {
            let bytes = self.rom.get(rom..rom + 2).ok_or(AccessFault)?;
            return Ok(u16::from_le_bytes([bytes[0], bytes[1]]));
        }
        Ok(match self.locate_code(address, 2).ok_or(AccessFault)? {
            Located::Chip(offset) => self.ram.load(offset, Width::Half) as u16,
            Located::Extra(offset) => self.extra.load(offset, Width::Half) as u16,
        })
    }

    // ---- host, DMA and loaders ----------------------------------------------------------------

    /// Copies core memory out; no side effects.
    ///
    /// # Errors
    /// [`AccessFault`] if a byte of the range is not core memory.
    pub fn read(&self, address: u32, bytes: &mut [u8]) -> Result<(), AccessFault> {
        for (index, byte) in bytes.iter_mut().enumerate() {
            let at = address.wrapping_add(index as u32);
            *byte = self.load(at, Width::Byte).ok_or(AccessFault)? as u8;
        }
        Ok(())
    }

    /// Writes RAM from outside the hart (DMA, loader, debugger); decoded code follows.
    ///
    /// # Errors
    /// [`AccessFault`] at the first byte that is not RAM; those before it are written.
    pub fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), AccessFault> {
        for (index, &byte) in bytes.iter().enumerate() {
            let at = address.wrapping_add(index as u32);
            self.store(at, Width::Byte, u32::from(byte)).ok_or(AccessFault)?;
        }
        Ok(())
    }

    /// The flash contents.
    #[must_use]
    pub fn flash(&self) -> &FlashImage {
        &self.flash
    }

    /// The flash contents, to be changed; call [`Memory::flash_changed`] for what was changed.
    pub fn flash_mut(&mut self) -> &mut FlashImage {
        // A page that is written moves if it is shared.
        self.flash_version += 1;
        &mut self.flash
    }

    /// Drops code decoded from `length` bytes of flash at `offset`.
    pub fn flash_changed(&mut self, offset: usize, length: usize) {
        if length == 0 {
            return;
        }
        let pages = offset / FLASH_PAGE..=(offset + length - 1) / FLASH_PAGE;
        for index in 0..MMU_ENTRIES {
            if pages.contains(&usize::from(self.mmu[index])) {
                self.window_changed(index);
            }
        }
    }

    /// Entry `index` (below [`MMU_ENTRIES`], higher ones wrap) of the MMU table.
    #[must_use]
    pub fn mmu_entry(&self, index: usize) -> u32 {
        u32::from(self.mmu[index % MMU_ENTRIES])
    }

    /// Writes an entry of the MMU table: bit 8 unmaps, bits 7:0 are the flash page.
    pub fn set_mmu_entry(&mut self, index: usize, value: u32) {
        let index = index % MMU_ENTRIES;
        let value = (value & 0x1FF) as u16;
        if self.mmu[index] != value {
            self.mmu[index] = value;
            self.window_changed(index);
        }
    }

    #[inline]
    fn flash_page(&self, address: u32) -> Option<&[u8; FLASH_PAGE]> {
        let in_window = address.wrapping_sub(FLASH_DATA_BASE) < FLASH_WINDOW_SIZE
            || address.wrapping_sub(FLASH_CODE_BASE) < FLASH_WINDOW_SIZE;
        if !in_window {
            return None;
        }
        let entry = u32::from(self.mmu[(address >> MMU_PAGE_BITS) as usize % MMU_ENTRIES]);
        (entry & MMU_INVALID == 0).then(|| &**self.flash.page(entry as usize))
    }

    // ---- for emitted code ---------------------------------------------------------------------

    /// The first byte of SRAM on the data bus, of which there are [`DRAM_SIZE`], and the flags of its granules. They
    /// stay where they are as long as this memory exists.
    #[cfg(traces)]
    pub(crate) fn dram_parts(&mut self) -> (*mut u8, *mut u8) {
        self.ram.parts_from(DRAM_OFFSET)
    }

    /// Changes whenever [`Memory::flash_pages`] may answer otherwise; never 0.
    #[cfg(traces)]
    pub(crate) fn flash_version(&self) -> u64 {
        self.flash_version
    }

    /// Where the [`FLASH_PAGE`] bytes behind each entry of the MMU table are; null where nothing is mapped.
    #[cfg(traces)]
    pub(crate) fn flash_pages(&self, pages: &mut [*const u8; MMU_ENTRIES]) {
        for (page, &entry) in pages.iter_mut().zip(&self.mmu) {
            let entry = u32::from(entry);
            *page = if entry & MMU_INVALID == 0 { self.flash.page(entry as usize).as_ptr() } else { std::ptr::null() };
        }
    }

    // ---- decoded code -------------------------------------------------------------------------

    /// The part of memory whose change makes code at `address` stale; `None` for ROM, which never
    /// changes, and for what is not code memory.
    pub(crate) fn code_unit(&self, address: u32) -> Option<CodeUnit> {
        if address.wrapping_sub(FLASH_CODE_BASE) < FLASH_WINDOW_SIZE {
            return Some(CodeUnit::Window((address >> MMU_PAGE_BITS) as usize % MMU_ENTRIES));
        }
        Some(CodeUnit::Granule(match self.locate_code(address, 1)? {
            Located::Chip(offset) => offset / GRANULE,
            Located::Extra(offset) => CHIP_GRANULES + offset / GRANULE,
        }))
    }

    /// The units of code at these addresses, none of them twice.
    #[cfg(traces)]
    pub(crate) fn code_units(&self, addresses: impl Iterator<Item = u32>) -> Box<[CodeUnit]> {
        let mut units = Vec::new();
        for unit in addresses.filter_map(|address| self.code_unit(address)) {
            if !units.contains(&unit) {
                units.push(unit);
            }
        }
        units.into()
    }

    /// Records that an engine holds the 16 bits at `address` decoded.
    pub(crate) fn mark_code(&mut self, address: u32) {
        if address.wrapping_sub(FLASH_CODE_BASE) < FLASH_WINDOW_SIZE {
            self.window_has_code |= 1 << ((address >> MMU_PAGE_BITS) as usize % MMU_ENTRIES);
            return;
        }
        match self.locate_code(address, 1) {
            Some(Located::Chip(offset)) => self.ram.mark_code(offset),
            Some(Located::Extra(offset)) => self.extra.mark_code(offset),
            None => {}
        }
    }

    /// Records the same of `length` bytes from `address` on, which stand in one unit.
    #[cfg(machine_code)]
    pub(crate) fn mark_code_bytes(&mut self, address: u32, length: u32) {
        if let Some(CodeUnit::Window(_)) = self.code_unit(address) {
            // Windows are marked as a whole.
            return self.mark_code(address);
        }
        for offset in (0..length).step_by(2) {
            self.mark_code(address.wrapping_add(offset));
        }
    }

    /// The `length` bytes from `address` on, as [`Memory::fetch`] reads them, if they stand together; `None` elsewhere.
    #[cfg(machine_code)]
    pub(crate) fn code_bytes(&self, address: u32, length: usize) -> Option<&[u8]> {
        if address.wrapping_sub(FLASH_CODE_BASE) < FLASH_WINDOW_SIZE {
            let start = address as usize % FLASH_PAGE;
            return self.flash_page(address)?.get(start..start + length);
        }
        if let Some(offset) = rom_offset(address, length) {
            return self.rom.get(offset..offset + length);
        }
        match self.locate_code(address, length)? {
            Located::Chip(offset) => self.ram.bytes().get(offset..offset + length),
            Located::Extra(offset) => self.extra.bytes().get(offset..offset + length),
        }
    }

    /// Whether decoded code has changed since [`Memory::take_stale`].
    #[inline(always)]
    pub(crate) fn has_stale(&self) -> bool {
        self.ram.has_stale() || self.extra.has_stale() || self.window_stale != 0
    }

    /// Hands over the units whose decoded code is stale; they count as free of code from now on.
    pub(crate) fn take_stale(&mut self) -> Vec<CodeUnit> {
        let mut stale: Vec<_> = self.ram.take_stale().into_iter().map(CodeUnit::Granule).collect();
        stale.extend(self.extra.take_stale().into_iter().map(|granule| CodeUnit::Granule(CHIP_GRANULES + granule)));
        let windows = std::mem::take(&mut self.window_stale);
        stale.extend((0..MMU_ENTRIES).filter(|index| windows >> index & 1 != 0).map(CodeUnit::Window));
        stale
    }

    /// Forgets all bookkeeping, for an engine that has dropped everything it held decoded.
    pub(crate) fn forget_code(&mut self) {
        self.ram.forget_code();
        self.extra.forget_code();
        self.window_has_code = 0;
        self.window_stale = 0;
    }

    fn window_changed(&mut self, index: usize) {
        self.flash_version += 1;
        self.window_stale |= self.window_has_code & (1 << index);
        self.window_has_code &= !(1 << index);
    }

    // ---- snapshots ----------------------------------------------------------------------------

    /// Keeps the present contents; from now on what is written is tracked, so that
    /// [`Memory::restore`] to this snapshot costs only what was touched.
    pub fn snapshot(&mut self) -> MemorySnapshot {
        MemorySnapshot {
            ram: self.ram.snapshot(),
            extra: self.extra.snapshot(),
            flash: self.flash.clone(),
            mmu: self.mmu,
            cache: self.cache.clone(),
        }
    }

    /// Returns to `snapshot`, which must come from a memory of the same shape and ROM.
    pub fn restore(&mut self, snapshot: &MemorySnapshot) {
        self.ram.restore(&snapshot.ram);
        self.extra.restore(&snapshot.extra);
        for index in 0..MMU_ENTRIES {
            let (old, new) = (self.mmu[index], snapshot.mmu[index]);
            let page = usize::from(new);
            if old != new || !Arc::ptr_eq(self.flash.page(page), snapshot.flash.page(page)) {
                self.window_changed(index);
            }
        }
        self.mmu = snapshot.mmu;
        self.cache.clone_from(&snapshot.cache);
        self.flash.share(&snapshot.flash);
    }
}

/// Compares what the guest can see: ROM, RAM, the MMU table and the flash.
impl PartialEq for Memory {
    fn eq(&self, other: &Self) -> bool {
        let rom = Arc::ptr_eq(&self.rom, &other.rom) || self.rom == other.rom;
        rom && self.ram.bytes() == other.ram.bytes()
            && self.extra.bytes() == other.extra.bytes()
            && self.mmu == other.mmu
            && self.cache == other.cache
            && self.flash == other.flash
    }
}

/// Hashes what the guest can see: RAM, the MMU table and the flash (the ROM never changes).
impl Hash for Memory {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.ram.bytes());
        state.write(self.extra.bytes());
        for entry in self.mmu {
            state.write_u16(entry);
        }
        self.cache.hash(state);
        for index in 0..crate::flash::FLASH_PAGES {
            state.write(&self.flash.page(index)[..]);
        }
    }
}

/// A part of code memory that becomes stale as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum CodeUnit {
    /// [`GRANULE`] bytes of RAM.
    Granule(usize),
    /// The flash page behind one MMU entry.
    Window(usize),
}

/// A place in RAM.
#[derive(Clone, Copy)]
enum Located {
    /// In the chip's own RAM.
    Chip(usize),
    /// In a bare hart's own RAM.
    Extra(usize),
}

fn rom_offset(address: u32, size: usize) -> Option<usize> {
    let code = address.wrapping_sub(ROM_BASE) as usize;
    if code <= ROM_SIZE - size {
        return Some(code);
    }
    let data = address.wrapping_sub(ROM_DATA_BASE) as usize;
    (data <= ROM_SIZE - ROM_DATA_OFFSET - size).then_some(data + ROM_DATA_OFFSET)
}

/// The first `width` of `bytes`, which are at least as many.
fn little_endian(bytes: &[u8], width: Width) -> u32 {
    match width {
        Width::Byte => u32::from(bytes[0]),
        Width::Half => u32::from(u16::from_le_bytes([bytes[0], bytes[1]])),
        Width::Word => u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]),
    }
}

//! The contents of the board's 4 MB NOR flash.
//!
//! Flash is shared copy-on-write in pages of the size the MMU maps, so that a snapshot or a fork
//! of a board costs pointers and not megabytes, and so that a mapped page is one contiguous slice.

use std::ops::Range;
use std::sync::Arc;

/// Bytes in the flash chip: 4 MiB, the size of the ESP32-C3 modules with flash in the package.
pub const FLASH_SIZE: usize = 4 * 1024 * 1024;
/// Bytes in one page of copy-on-write, which is also one MMU page (TRM, chapter "System and Memory").
pub const FLASH_PAGE: usize = 64 * 1024;
/// Pages in the flash chip.
pub const FLASH_PAGES: usize = FLASH_SIZE / FLASH_PAGE;

/// One 64 KiB page.
pub type FlashPage = [u8; FLASH_PAGE];

/// Contents of a 4 MiB NOR flash; cloning it shares every page.
#[derive(Clone)]
pub struct FlashImage {
    pages: Vec<Arc<FlashPage>>,
}

/// Why bytes are not a flash image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlashImageError {
    /// The bytes do not fill the chip exactly.
    #[error("a flash image is exactly {FLASH_SIZE} bytes, this one has {0}")]
    WrongSize(usize),
    /// A part was to be placed beyond the end of the chip.
    #[error("{length} bytes at {offset:#x} do not fit into {FLASH_SIZE} bytes of flash")]
    OutOfRange {
        /// Where the part was to start.
        offset: usize,
        /// How long the part is.
        length: usize,
    },
}

impl FlashImage {
    /// An erased chip: every byte is 0xFF.
    #[must_use]
    pub fn blank() -> Self {
        let page = page_from(&[]);
        Self { pages: vec![page; FLASH_PAGES] }
    }

    /// Takes the whole contents of a chip.
    ///
    /// # Errors
    /// [`FlashImageError::WrongSize`] unless `bytes` is exactly [`FLASH_SIZE`] long.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FlashImageError> {
        if bytes.len() != FLASH_SIZE {
            return Err(FlashImageError::WrongSize(bytes.len()));
        }
        let mut image = Self::blank();
        image.place(0, bytes)?;
        Ok(image)
    }

    /// Overwrites the contents from `offset` on, as a programmer on the bench would.
    ///
    /// # Errors
    /// [`FlashImageError::OutOfRange`] if `bytes` do not fit; nothing is written then.
    pub fn place(&mut self, offset: usize, bytes: &[u8]) -> Result<(), FlashImageError> {
        if offset.checked_add(bytes.len()).is_none_or(|end| end > FLASH_SIZE) {
            return Err(FlashImageError::OutOfRange { offset, length: bytes.len() });
        }
        let mut at = offset;
        let mut rest = bytes;
        while !rest.is_empty() {
            let start = at % FLASH_PAGE;
            let (now, later) = rest.split_at(rest.len().min(FLASH_PAGE - start));
            let held = &self.pages[at / FLASH_PAGE][start..start + now.len()];
            if held != now {
                self.page_mut(at / FLASH_PAGE)[start..start + now.len()].copy_from_slice(now);
            }
            at += now.len();
            rest = later;
        }
        Ok(())
    }

    /// Page `index`; a chip of 4 MiB answers higher addresses again from its start.
    #[must_use]
    pub fn page(&self, index: usize) -> &Arc<FlashPage> {
        &self.pages[index % FLASH_PAGES]
    }

    /// The byte at `address`, which wraps at the size of the chip.
    #[must_use]
    pub fn byte(&self, address: u32) -> u8 {
        let address = address as usize % FLASH_SIZE;
        self.pages[address / FLASH_PAGE][address % FLASH_PAGE]
    }

    /// Programs one byte the way NOR cells do: bits only go from 1 to 0.
    pub fn program(&mut self, address: u32, value: u8) {
        let address = address as usize % FLASH_SIZE;
        let held = self.pages[address / FLASH_PAGE][address % FLASH_PAGE];
        if held & value != held {
            self.page_mut(address / FLASH_PAGE)[address % FLASH_PAGE] = held & value;
        }
    }

    /// Sets `length` bytes (a power of two, at most the whole chip) to 0xFF, from the boundary of
    /// that size at or below `address`.
    pub fn erase(&mut self, address: u32, length: usize) {
        let length = length.min(FLASH_SIZE);
        let start = (address as usize % FLASH_SIZE) & !(length.max(1) - 1);
        for index in start / FLASH_PAGE..(start + length).div_ceil(FLASH_PAGE) {
            let page_start = index * FLASH_PAGE;
            let from = start.max(page_start) - page_start;
            let to = (start + length).min(page_start + FLASH_PAGE) - page_start;
            if self.pages[index][from..to].iter().any(|&byte| byte != 0xFF) {
                self.page_mut(index)[from..to].fill(0xFF);
            }
        }
    }

    /// The whole contents, [`FLASH_SIZE`] bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.pages.iter().flat_map(|page| page.iter().copied()).collect()
    }

    /// Takes over the contents of `other`, sharing its pages.
    pub fn share(&mut self, other: &Self) {
        for (mine, theirs) in self.pages.iter_mut().zip(&other.pages) {
            if !Arc::ptr_eq(mine, theirs) {
                *mine = Arc::clone(theirs);
            }
        }
    }

    /// Takes over some pages of `other`, sharing them; those beyond the chip are left out.
    pub fn share_pages(&mut self, pages: Range<usize>, other: &Self) {
        let pages = pages.start.min(FLASH_PAGES)..pages.end.min(FLASH_PAGES);
        for index in pages {
            self.pages[index] = Arc::clone(&other.pages[index]);
        }
    }

    fn page_mut(&mut self, index: usize) -> &mut FlashPage {
        let page = &mut self.pages[index];
        if Arc::get_mut(page).is_none() {
            *page = page_from(&page[..]);
        }
        Arc::get_mut(page).expect("the page was just made and is not shared")
    }
}

/// Makes a page on the heap from its first bytes; the rest is erased.
fn page_from(bytes: &[u8]) -> Arc<FlashPage> {
    let mut contents = vec![0xFF_u8; FLASH_PAGE];
    contents[..bytes.len()].copy_from_slice(bytes);
    let contents: Arc<[u8]> = contents.into();
    contents.try_into().expect("the contents have the length of a page")
}

impl Default for FlashImage {
    fn default() -> Self {
        Self::blank()
    }
}

impl PartialEq for FlashImage {
    fn eq(&self, other: &Self) -> bool {
        self.pages.iter().zip(&other.pages).all(|(mine, theirs)| Arc::ptr_eq(mine, theirs) || mine == theirs)
    }
}

impl Eq for FlashImage {}

impl std::fmt::Debug for FlashImage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let used = self.pages.iter().filter(|page| page.iter().any(|&byte| byte != 0xFF)).count();
        write!(f, "FlashImage({used} of {FLASH_PAGES} pages used)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programming_only_clears_bits_and_erasing_sets_them() {
        let mut flash = FlashImage::blank();
        flash.program(0x1234, 0xF0);
        flash.program(0x1234, 0x3C);
        assert_eq!(flash.byte(0x1234), 0x30);
        flash.erase(0x1FFF, 0x1000);
        assert_eq!(flash.byte(0x1234), 0xFF);
    }

    #[test]
    fn an_erase_stays_in_its_sector() {
        let mut flash = FlashImage::blank();
        flash.place(0xFFFE, &[1, 2, 3, 4]).unwrap();
        flash.erase(0xFFFF, 0x1000);
        assert_eq!(
            [flash.byte(0xFFFE), flash.byte(0xFFFF), flash.byte(0x1_0000), flash.byte(0x1_0001)],
            [0xFF, 0xFF, 3, 4]
        );
    }

    #[test]
    fn pages_are_taken_over_and_shared() {
        let (mut mine, mut other) = (FlashImage::blank(), FlashImage::blank());
        other.place(FLASH_PAGE, &[7]).unwrap();
        other.place(3 * FLASH_PAGE, &[8]).unwrap();
        mine.share_pages(1..3, &other);
        assert_eq!((mine.byte(FLASH_PAGE as u32), mine.byte(3 * FLASH_PAGE as u32)), (7, 0xFF));
        assert!(Arc::ptr_eq(mine.page(1), other.page(1)));
        mine.share_pages(3..FLASH_PAGES + 9, &other);
        assert_eq!(mine.byte(3 * FLASH_PAGE as u32), 8);
    }

    #[test]
    fn a_clone_shares_pages_until_one_side_writes() {
        let mut first = FlashImage::blank();
        first.place(0, &[1, 2, 3]).unwrap();
        let second = first.clone();
        first.program(0, 0);
        assert_eq!((first.byte(0), second.byte(0)), (0, 1));
        assert!(Arc::ptr_eq(first.page(1), second.page(1)));
        first.share(&second);
        assert_eq!(first, second);
    }

    #[test]
    fn only_whole_chips_and_parts_that_fit_are_taken() {
        assert_eq!(FlashImage::from_bytes(&[0; 5]), Err(FlashImageError::WrongSize(5)));
        let mut flash = FlashImage::blank();
        assert!(flash.place(FLASH_SIZE - 1, &[0, 0]).is_err());
        assert!(flash.place(usize::MAX, &[0, 0]).is_err());
        assert_eq!(flash, FlashImage::blank());
    }
}

//! Guest RAM in the middle of nowhere: whatever 32-bit index emitted code should ever use, with whatever scale, it lies in a
//! reservation that nobody may touch. Should a comparison be missing or wrong, the process ends; a guest does not
//! read or write the host's memory.

use std::alloc::{Layout, handle_alloc_error};
use std::ptr::{self, NonNull};
use std::slice;

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect};
use rustix::param::page_size;

use super::Mapping;

/// As far as an index of 32 bits reaches, scaled by a word. Address space costs nothing; where it is limited
/// (`RLIMIT_AS`), one page on each side has to do.
const REACH: usize = 4 << 32;

/// `SIZE` bytes of RAM between pages that cannot be accessed.
#[derive(Debug)]
pub(crate) struct Guarded<const SIZE: usize> {
    /// Dropped with this, and for nothing else here.
    _reservation: Mapping,
    bytes: NonNull<[u8; SIZE]>,
}

// SAFETY: the bytes belong to this alone and are borrowed through it.
unsafe impl<const SIZE: usize> Send for Guarded<SIZE> {}
// SAFETY: as above.
unsafe impl<const SIZE: usize> Sync for Guarded<SIZE> {}

impl<const SIZE: usize> Guarded<SIZE> {
    /// RAM full of zeros.
    pub(crate) fn new() -> Self {
        Self::reserve(REACH)
            .or_else(|| Self::reserve(page_size()))
            .unwrap_or_else(|| handle_alloc_error(Layout::new::<[u8; SIZE]>()))
    }

    fn reserve(behind: usize) -> Option<Self> {
        let page = page_size();
        let pages = SIZE.next_multiple_of(page);
        let size = page + pages + behind;
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: a new private mapping at an address that the kernel chooses.
        let start = unsafe { mmap_anonymous(ptr::null_mut(), size, ProtFlags::empty(), flags).ok()? };
        let reservation = Mapping { start: start.cast(), size };
        // The last byte is followed by what cannot be accessed; where `SIZE` fills no page, the first is not preceded by it.
        let first_page = reservation.start.wrapping_add(page);
        // SAFETY: the range lies in the mapping, which is ours and holds nothing.
        unsafe { mprotect(first_page.cast(), pages, MprotectFlags::READ | MprotectFlags::WRITE).ok()? };
        let bytes = NonNull::new(first_page.wrapping_add(pages - SIZE))?.cast();
        Some(Self { _reservation: reservation, bytes })
    }
}

impl<const SIZE: usize> AsRef<[u8]> for Guarded<SIZE> {
    #[inline(always)]
    fn as_ref(&self) -> &[u8] {
        // SAFETY: `SIZE` bytes of a mapping that lives as long as `self` may be read, and are borrowed as `self` is.
        unsafe { slice::from_raw_parts(self.bytes.as_ptr().cast(), SIZE) }
    }
}

impl<const SIZE: usize> AsMut<[u8]> for Guarded<SIZE> {
    #[inline(always)]
    fn as_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and `self` is borrowed by nobody else.
        unsafe { slice::from_raw_parts_mut(self.bytes.as_ptr().cast(), SIZE) }
    }
}

impl<const SIZE: usize> Clone for Guarded<SIZE> {
    fn clone(&self) -> Self {
        let mut copy = Self::new();
        copy.as_mut().copy_from_slice(self.as_ref());
        copy
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::Command;

    use super::*;

    const SIZE: usize = 3 << 16;
    /// Where the child of the test is to reach, as an offset from the first byte.
    const REACHES: &str = "ISRLAB_TEST_GUARDED_REACHES";
    /// The number of the signal that ends it.
    const SIGSEGV: i32 = 11;

    #[test]
    fn it_is_ram_and_a_copy_is_its_own() {
        let mut ram = Guarded::<SIZE>::new();
        assert!(ram.as_ref().iter().all(|byte| *byte == 0) && ram.as_ref().len() == SIZE);
        ram.as_mut()[SIZE - 1] = 7;
        let mut copy = ram.clone();
        copy.as_mut()[0] = 8;
        assert_eq!((ram.as_ref()[0], ram.as_ref()[SIZE - 1], copy.as_ref()[SIZE - 1]), (0, 7, 7));
        let small = Guarded::<100>::reserve(page_size()).unwrap();
        assert_eq!(small.bytes.addr().get() % page_size(), page_size() - 100);
    }

    #[test]
    fn whatever_lies_around_it_ends_the_process() {
        if let Ok(offset) = std::env::var(REACHES) {
            let ram = Guarded::<SIZE>::new();
            let at = ram.bytes.as_ptr().cast::<u8>().wrapping_offset(offset.parse().unwrap());
            // SAFETY: there is none, on purpose: the process is a test's child, and ends here unless the offset is within.
            let read = unsafe { ptr::read_volatile(at) };
            assert_eq!(read, 0);
            return;
        }
        let child = |offset: i64| {
            let mut child = Command::new(std::env::current_exe().unwrap());
            // The test runner's names have no crate in front.
            let (_, module) = module_path!().split_once("::").unwrap();
            child.args(["--exact", &format!("{module}::whatever_lies_around_it_ends_the_process")]);
            child.env(REACHES, offset.to_string()).output().unwrap()
        };
        assert!(child(SIZE as i64 - 1).status.success());
        for offset in [-1, SIZE as i64, 1 << 20, 1 << 32, (4 << 32) - 1] {
            assert_eq!(child(offset).status.signal(), Some(SIGSEGV), "{offset:#x}");
        }
    }
}

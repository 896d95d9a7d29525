//! Guest RAM in the middle of nowhere: whatever 32-bit index emitted code should ever use, with whatever scale, it lies in a
//! reservation that nobody may touch. Should a comparison be missing or wrong, the process ends; a guest does not
//! read or write the host's memory.

use std::alloc::{Layout, handle_alloc_error};
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::{Mutex, PoisonError};

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect};
use rustix::param::page_size;

use super::Mapping;

/// As far as an index of 32 bits reaches, scaled by a word. Address space costs nothing; where it is limited
/// (`RLIMIT_AS`), one page on each side has to do.
const REACH: usize = 4 << 32;

/// So many reservations are kept for the next board: the system takes several times as long to give the pages of a new one as it
/// takes to copy what a fork begins with.
const SPARES: usize = 16;
static SPARE: Mutex<Vec<Reservation>> = Mutex::new(Vec::new());

/// Bytes between pages that cannot be accessed.
#[derive(Debug)]
struct Reservation {
    /// Dropped with this, and for nothing else here.
    _mapping: Mapping,
    bytes: NonNull<u8>,
    size: usize,
}

// SAFETY: the bytes belong to this alone and are borrowed through its owner.
unsafe impl Send for Reservation {}
// SAFETY: as above.
unsafe impl Sync for Reservation {}

impl Reservation {
    /// Of zeros.
    fn new(bytes: usize, behind: usize) -> Option<Self> {
        let page = page_size();
        let pages = bytes.next_multiple_of(page);
        let size = page + pages + behind;
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: a new private mapping at an address that the kernel chooses.
        let start = unsafe { mmap_anonymous(ptr::null_mut(), size, ProtFlags::empty(), flags).ok()? };
        let mapping = Mapping { start: start.cast(), size };
        // The last byte is followed by what cannot be accessed; where the bytes fill no page, the first is not preceded by it.
        let first_page = mapping.start.wrapping_add(page);
        // SAFETY: the range lies in the mapping, which is ours and holds nothing.
        unsafe { mprotect(first_page.cast(), pages, MprotectFlags::READ | MprotectFlags::WRITE).ok()? };
        let first = NonNull::new(first_page.wrapping_add(pages - bytes))?;
        Some(Self { _mapping: mapping, bytes: first, size: bytes })
    }
}

/// `SIZE` bytes of RAM between pages that cannot be accessed.
#[derive(Debug)]
pub(crate) struct Guarded<const SIZE: usize>(ManuallyDrop<Reservation>);

impl<const SIZE: usize> Guarded<SIZE> {
    /// RAM full of zeros.
    pub(crate) fn new() -> Self {
        match Self::spare() {
            Some(mut spare) => {
                spare.as_mut().fill(0);
                spare
            }
            None => Self::reserve(),
        }
    }

    /// RAM that another board has had, with everything that it left there.
    fn spare() -> Option<Self> {
        let mut spares = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
        let at = spares.iter().position(|spare| spare.size == SIZE)?;
        Some(Self(ManuallyDrop::new(spares.swap_remove(at))))
    }

    fn reserve() -> Self {
        let reservation = Reservation::new(SIZE, REACH).or_else(|| Reservation::new(SIZE, page_size()));
        Self(ManuallyDrop::new(reservation.unwrap_or_else(|| handle_alloc_error(Layout::new::<[u8; SIZE]>()))))
    }
}

impl<const SIZE: usize> Drop for Guarded<SIZE> {
    fn drop(&mut self) {
        // SAFETY: it is taken once, and nothing uses it afterwards.
        let reservation = unsafe { ManuallyDrop::take(&mut self.0) };
        let mut spares = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
        if spares.len() < SPARES {
            spares.push(reservation);
        }
    }
}

impl<const SIZE: usize> AsRef<[u8]> for Guarded<SIZE> {
    #[inline(always)]
    fn as_ref(&self) -> &[u8] {
        // SAFETY: `SIZE` bytes of a mapping that lives as long as `self` may be read, and are borrowed as `self` is.
        unsafe { slice::from_raw_parts(self.0.bytes.as_ptr(), SIZE) }
    }
}

impl<const SIZE: usize> AsMut<[u8]> for Guarded<SIZE> {
    #[inline(always)]
    fn as_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and `self` is borrowed by nobody else.
        unsafe { slice::from_raw_parts_mut(self.0.bytes.as_ptr(), SIZE) }
    }
}

impl<const SIZE: usize> Clone for Guarded<SIZE> {
    fn clone(&self) -> Self {
        let mut copy = Self::spare().unwrap_or_else(Self::reserve);
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
        let small = Reservation::new(100, page_size()).unwrap();
        assert_eq!(small.bytes.addr().get() % page_size(), page_size() - 100);
    }

    #[test]
    fn nothing_of_one_board_is_seen_by_the_next_and_few_are_kept() {
        const OWN: usize = 5 << 12;
        let used = || {
            let mut ram = Guarded::<OWN>::new();
            ram.as_mut().fill(0xA5);
            ram
        };
        drop((0..2 * SPARES).map(|_| used()).collect::<Vec<_>>());
        assert!(SPARE.lock().unwrap().len() <= SPARES);
        let next: Vec<_> = (0..2 * SPARES).map(|_| Guarded::<OWN>::new()).collect();
        assert!(next.iter().all(|ram| ram.as_ref().iter().all(|byte| *byte == 0)));
        drop(used());
        let copy = next[0].clone();
        assert_eq!(copy.as_ref(), next[0].as_ref());
    }

    #[test]
    fn whatever_lies_around_it_ends_the_process() {
        if let Ok(offset) = std::env::var(REACHES) {
            let ram = Guarded::<SIZE>::new();
            let at = ram.0.bytes.as_ptr().wrapping_offset(offset.parse().unwrap());
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

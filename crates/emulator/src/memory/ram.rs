//! RAM with the bookkeeping that snapshots and decoded code need.
//!
//! Both kinds of bookkeeping share one byte of flags per granule, so that a store in the steady
//! state pays a single comparison: the granule is already known to differ from the base snapshot,
//! and holds no decoded code.

use std::sync::Arc;

use crate::bus::Width;

/// Bytes of RAM that share their flags: the unit that a restore copies.
pub const GRANULE: usize = 256;

/// The granule is listed in `dirty` (or there is no base to differ from).
const DIRTY: u8 = 1;
/// An engine holds code decoded from this granule.
const CODE: u8 = 2;

/// One bit per halfword of a granule.
type HalfwordBits = u128;

/// RAM with its flags. `B` holds the bytes and `F` one byte of flags per granule; where both are
/// arrays their sizes are known to the compiler, and accesses need no second bounds check.
#[derive(Clone, Debug)]
pub(super) struct Ram<B, F> {
    bytes: B,
    flags: F,
    /// Which halfwords of each granule are held decoded.
    code: Box<[HalfwordBits]>,
    /// What the RAM held when it was last snapshot or restored.
    base: Option<Arc<[u8]>>,
    /// Granules that may differ from `base`.
    dirty: Vec<u32>,
    /// Granules whose decoded code was overwritten.
    stale: Vec<u32>,
}

/// What emitted code reaches lies between pages that cannot be accessed.
#[cfg(machine_code)]
type Held<const SIZE: usize> = crate::engine::traces::native::Guarded<SIZE>;
#[cfg(not(machine_code))]
type Held<const SIZE: usize> = Fixed<SIZE>;

/// Bytes on the heap, as many as the compiler knows.
#[derive(Clone, Debug)]
pub(super) struct Fixed<const SIZE: usize>(Box<[u8; SIZE]>);

#[cfg(not(machine_code))]
impl<const SIZE: usize> Fixed<SIZE> {
    fn new() -> Self {
        // By way of the heap, because such arrays are too large for the stack.
        Self(vec![0; SIZE].try_into().expect("the length is the array's"))
    }
}

impl<const SIZE: usize> AsRef<[u8]> for Fixed<SIZE> {
    #[inline(always)]
    fn as_ref(&self) -> &[u8] {
        &self.0[..]
    }
}

impl<const SIZE: usize> AsMut<[u8]> for Fixed<SIZE> {
    #[inline(always)]
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.0[..]
    }
}

/// RAM of a size known to the compiler; `GRANULES` is `SIZE / GRANULE`.
pub(super) type FixedRam<const SIZE: usize, const GRANULES: usize> = Ram<Held<SIZE>, Fixed<GRANULES>>;

/// RAM of any size.
pub(super) type AnyRam = Ram<Box<[u8]>, Box<[u8]>>;

impl<const SIZE: usize, const GRANULES: usize> FixedRam<SIZE, GRANULES> {
    pub(super) fn new() -> Self {
        const { assert!(GRANULES * GRANULE == SIZE) };
        Self::with(Held::new(), Fixed(Box::new([DIRTY; GRANULES])))
    }
}

impl AnyRam {
    pub(super) fn new(size: usize) -> Self {
        Self::with(vec![0; size].into(), vec![DIRTY; size.div_ceil(GRANULE)].into())
    }
}

impl<B, F> Ram<B, F>
where
    B: AsRef<[u8]> + AsMut<[u8]>,
    F: AsRef<[u8]> + AsMut<[u8]>,
{
    fn with(bytes: B, flags: F) -> Self {
        let code = vec![0; flags.as_ref().len()].into();
        Self { bytes, flags, code, base: None, dirty: Vec::new(), stale: Vec::new() }
    }

    #[inline(always)]
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }

    #[inline(always)]
    fn bytes_mut(&mut self) -> &mut [u8] {
        self.bytes.as_mut()
    }

    /// The byte at `offset`, which begins a granule, and that granule's flags, for emitted code. It does what
    /// [`Ram::store_unwatched`] does: it stores only where the flags are exactly `DIRTY`.
    #[cfg(traces)]
    pub(super) fn parts_from(&mut self, offset: usize) -> (*mut u8, *mut u8) {
        const { assert!(DIRTY == 1, "the back ends compare with this") };
        let flags = self.flags_mut()[offset / GRANULE..].as_mut_ptr();
        (self.bytes_mut()[offset..].as_mut_ptr(), flags)
    }

    #[inline(always)]
    fn flags(&self, granule: usize) -> u8 {
        self.flags.as_ref()[granule]
    }

    #[inline(always)]
    fn flags_mut(&mut self) -> &mut [u8] {
        self.flags.as_mut()
    }

    fn granules(&self) -> usize {
        self.flags.as_ref().len()
    }

    #[inline(always)]
    pub(super) fn load(&self, offset: usize, width: Width) -> u32 {
        match width {
            Width::Byte => u32::from(self.bytes()[offset]),
            Width::Half => u32::from(u16::from_le_bytes(self.take(offset))),
            Width::Word => u32::from_le_bytes(self.take(offset)),
        }
    }

    #[inline(always)]
    fn take<const N: usize>(&self, offset: usize) -> [u8; N] {
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.bytes()[offset..offset + N]);
        bytes
    }

    #[inline(always)]
    fn put(&mut self, offset: usize, width: Width, value: u32) {
        let size = width.bytes();
        self.bytes_mut()[offset..offset + size].copy_from_slice(&value.to_le_bytes()[..size]);
    }

    /// Stores if there is nothing to be kept in mind about it: the usual case, and the fast one.
    #[inline(always)]
    pub(super) fn store_unwatched(&mut self, offset: usize, width: Width, value: u32) -> bool {
        let usual = offset & (width.bytes() - 1) == 0 && self.flags(offset / GRANULE) == DIRTY;
        if usual {
            self.put(offset, width, value);
        }
        usual
    }

    pub(super) fn store(&mut self, offset: usize, width: Width, value: u32) -> super::Stored {
        if self.store_unwatched(offset, width, value) {
            return super::Stored::Data;
        }
        self.store_watched(offset, width, value)
    }

    /// A store into a granule that is clean, holds code, or is perhaps left again half-way.
    fn store_watched(&mut self, offset: usize, width: Width, value: u32) -> super::Stored {
        let end = offset + width.bytes();
        for granule in offset / GRANULE..=(end - 1) / GRANULE {
            self.mark_dirty(granule);
        }
        self.put(offset, width, value);
        let mut stored = super::Stored::Data;
        for halfword in offset / 2..=(end - 1) / 2 {
            let granule = halfword / (GRANULE / 2);
            if self.code[granule] >> (halfword % (GRANULE / 2)) & 1 != 0 {
                self.make_stale(granule);
                stored = super::Stored::Code;
            }
        }
        // The halfword may have gone stale by an earlier store that nobody has looked at yet.
        if self.stale.is_empty() { stored } else { super::Stored::Code }
    }

    fn mark_dirty(&mut self, granule: usize) {
        if self.flags(granule) & DIRTY == 0 {
            self.flags_mut()[granule] |= DIRTY;
            self.dirty.push(granule as u32);
        }
    }

    fn make_stale(&mut self, granule: usize) {
        self.stale.push(granule as u32);
        self.code[granule] = 0;
        self.flags_mut()[granule] &= !CODE;
    }

    pub(super) fn fill_zero(&mut self) {
        for granule in 0..self.granules() {
            self.mark_dirty(granule);
            if self.flags(granule) & CODE != 0 {
                self.make_stale(granule);
            }
        }
        self.bytes_mut().fill(0);
    }

    pub(super) fn mark_code(&mut self, offset: usize) {
        let granule = offset / GRANULE;
        self.flags_mut()[granule] |= CODE;
        self.code[granule] |= 1 << (offset % GRANULE / 2);
    }

    #[inline(always)]
    pub(super) fn has_stale(&self) -> bool {
        !self.stale.is_empty()
    }

    pub(super) fn take_stale(&mut self) -> Vec<usize> {
        self.stale.drain(..).map(|granule| granule as usize).collect()
    }

    pub(super) fn forget_code(&mut self) {
        self.stale.clear();
        self.code.fill(0);
        for flags in self.flags_mut() {
            *flags &= !CODE;
        }
    }

    pub(super) fn snapshot(&mut self) -> Arc<[u8]> {
        let contents: Arc<[u8]> = match self.base.take() {
            Some(base) if self.dirty.is_empty() => base,
            _ => Arc::from(self.bytes()),
        };
        self.follow(Arc::clone(&contents));
        contents
    }

    pub(super) fn restore(&mut self, contents: &Arc<[u8]>) {
        if self.base.as_ref().is_some_and(|base| Arc::ptr_eq(base, contents)) {
            for index in 0..self.dirty.len() {
                let granule = self.dirty[index] as usize;
                self.restore_granule(granule, contents);
                self.flags_mut()[granule] &= !DIRTY;
            }
            self.dirty.clear();
        } else {
            for granule in 0..self.granules() {
                self.restore_granule(granule, contents);
            }
            self.follow(Arc::clone(contents));
        }
    }

    fn restore_granule(&mut self, granule: usize, contents: &[u8]) {
        let range = granule * GRANULE..((granule + 1) * GRANULE).min(self.bytes().len());
        let has_code = self.flags(granule) & CODE != 0;
        let (now, then) = (&mut self.bytes_mut()[range.clone()], &contents[range]);
        let stale = has_code && now != then;
        now.copy_from_slice(then);
        if stale {
            self.make_stale(granule);
        }
    }

    /// Tracks differences from `base`, which is what the RAM holds now.
    fn follow(&mut self, base: Arc<[u8]>) {
        self.base = Some(base);
        self.dirty.clear();
        for flags in self.flags_mut() {
            *flags &= !DIRTY;
        }
    }
}

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

/// RAM with its flags.
#[derive(Clone, Debug)]
pub(super) struct Ram {
    bytes: Box<[u8]>,
    flags: Box<[u8]>,
    /// Which halfwords of each granule are held decoded.
    code: Box<[HalfwordBits]>,
    /// What the RAM held when it was last snapshot or restored.
    base: Option<Arc<[u8]>>,
    /// Granules that may differ from `base`.
    dirty: Vec<u32>,
    /// Granules whose decoded code was overwritten.
    stale: Vec<u32>,
}

impl Ram {
    pub(super) fn new(size: usize) -> Self {
        let granules = size.div_ceil(GRANULE);
        Self {
            bytes: vec![0; size].into(),
            flags: vec![DIRTY; granules].into(),
            code: vec![0; granules].into(),
            base: None,
            dirty: Vec::new(),
            stale: Vec::new(),
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    #[inline(always)]
    pub(super) fn load(&self, offset: usize, width: Width) -> u32 {
        match width {
            Width::Byte => u32::from(self.bytes[offset]),
            Width::Half => u32::from(u16::from_le_bytes(self.take(offset))),
            Width::Word => u32::from_le_bytes(self.take(offset)),
        }
    }

    #[inline(always)]
    fn take<const N: usize>(&self, offset: usize) -> [u8; N] {
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.bytes[offset..offset + N]);
        bytes
    }

    #[inline(always)]
    fn put(&mut self, offset: usize, width: Width, value: u32) {
        let size = width.bytes();
        self.bytes[offset..offset + size].copy_from_slice(&value.to_le_bytes()[..size]);
    }

    #[inline(always)]
    pub(super) fn store(&mut self, offset: usize, width: Width, value: u32) -> super::Stored {
        let aligned = offset & (width.bytes() - 1) == 0;
        if aligned && self.flags[offset / GRANULE] == DIRTY {
            self.put(offset, width, value);
            return super::Stored::Data;
        }
        self.store_watched(offset, width, value)
    }

    /// A store into a granule that is clean, holds code, or is perhaps left again half-way.
    #[cold]
    #[inline(never)]
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
        if self.flags[granule] & DIRTY == 0 {
            self.flags[granule] |= DIRTY;
            self.dirty.push(granule as u32);
        }
    }

    fn make_stale(&mut self, granule: usize) {
        self.stale.push(granule as u32);
        self.code[granule] = 0;
        self.flags[granule] &= !CODE;
    }

    pub(super) fn fill_zero(&mut self) {
        for granule in 0..self.flags.len() {
            self.mark_dirty(granule);
            if self.flags[granule] & CODE != 0 {
                self.make_stale(granule);
            }
        }
        self.bytes.fill(0);
    }

    pub(super) fn mark_code(&mut self, offset: usize) {
        let granule = offset / GRANULE;
        self.flags[granule] |= CODE;
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
        for flags in &mut self.flags {
            *flags &= !CODE;
        }
    }

    pub(super) fn snapshot(&mut self) -> Arc<[u8]> {
        let contents: Arc<[u8]> = match self.base.take() {
            Some(base) if self.dirty.is_empty() => base,
            _ => Arc::from(&*self.bytes),
        };
        self.follow(Arc::clone(&contents));
        contents
    }

    pub(super) fn restore(&mut self, contents: &Arc<[u8]>) {
        if self.base.as_ref().is_some_and(|base| Arc::ptr_eq(base, contents)) {
            for index in 0..self.dirty.len() {
                let granule = self.dirty[index] as usize;
                self.restore_granule(granule, contents);
                self.flags[granule] &= !DIRTY;
            }
            self.dirty.clear();
        } else {
            for granule in 0..self.flags.len() {
                self.restore_granule(granule, contents);
            }
            self.follow(Arc::clone(contents));
        }
    }

    fn restore_granule(&mut self, granule: usize, contents: &[u8]) {
        let range = granule * GRANULE..((granule + 1) * GRANULE).min(self.bytes.len());
        let (now, then) = (&mut self.bytes[range.clone()], &contents[range]);
        let stale = self.flags[granule] & CODE != 0 && now != then;
        now.copy_from_slice(then);
        if stale {
            self.make_stale(granule);
        }
    }

    /// Tracks differences from `base`, which is what the RAM holds now.
    fn follow(&mut self, base: Arc<[u8]>) {
        self.base = Some(base);
        self.dirty.clear();
        for flags in &mut self.flags {
            *flags &= !DIRTY;
        }
    }
}

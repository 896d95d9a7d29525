//! How much may be kept: by one visitor, and by all of them together.
//!
//! Before it comes to the latter, what nobody would miss goes first: outcomes of visitors without any work of their own, those
//! who were not here for longest first.

/// Bounds on what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The size of all that is kept.
    pub bytes: u64,
    /// What one visitor's programs and answers may take up.
    pub visitor_bytes: u64,
}

impl Default for Quota {
    /// A class of 40 needs 20 MB for the whole course: 24 programs of some kilobytes and their outcomes each.
    fn default() -> Self {
        Self { bytes: 512 << 20, visitor_bytes: 1 << 20 }
    }
}

/// Of what there may be, so much in a hundred is filled before anything is forgotten.
pub(super) const FULL_PERCENT: u64 = 90;
/// Visitors whose outcomes are forgotten at once.
pub(super) const FORGOTTEN_AT_ONCE: u32 = 50;
/// A visitor of whom nothing is kept is forgotten after a day.
pub(super) const NOTHING_KEPT_S: i64 = 24 * 3600;

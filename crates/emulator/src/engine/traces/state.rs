//! Where a machine stands while traces run: what emitted code keeps up to date, wherever it runs.

/// Within its cycle an instruction uses the lines of its code before that of its data.
pub(super) const MARK_CODE: u64 = 3;
pub(super) const MARK_DATA: u64 = 2;
/// The hart's `mstatus` is not shown; it never holds that.
pub(super) const NO_MSTATUS: u32 = u32::MAX;

/// Why emitted code was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Left {
    /// The program goes on at an address for which no trace is known.
    Miss = 0,
    /// The budget does not reach to the end of the trace.
    Budget = 1,
    /// The engine has to look around: a device or code has changed.
    Look = 2,
    /// An access raised an exception.
    Raised = 3,
}

impl Left {
    pub(super) fn from_word(word: u32) -> Self {
        match word {
            0 => Self::Miss,
            1 => Self::Budget,
            2 => Self::Look,
            _ => Self::Raised,
        }
    }
}

/// What traces work on besides memory. Zero is a valid value of each field while no code runs.
#[repr(C)]
#[derive(Debug, Default)]
pub(super) struct State {
    /// The guest's registers, as far as they are not in the host's. `x[0]` is never written.
    pub(super) x: [u32; 32],
    /// Cycles that may pass until something is due.
    pub(super) budget: i64,
    /// Instructions that may be executed until then. In unit time the budget says that as well.
    pub(super) instructions: i64,
    /// A [`Left`].
    pub(super) exit: u32,
    /// Where the program goes on.
    pub(super) pc: u32,
    /// The line of the last byte of the instruction before, in silicon's time.
    pub(super) line: u32,
    /// The register that the instruction before has loaded, in silicon's time.
    pub(super) pending: u32,
    /// What a line that is used is marked with where 4 times the cycles that are left and [`MARK_CODE`] or [`MARK_DATA`] are
    /// added: the later, the lower.
    pub(super) epoch: u64,
    /// The hart's `mstatus`, as long as nothing follows from another MIE: in machine mode, and with no interrupt that asks for
    /// service. Otherwise [`NO_MSTATUS`], and the helper sees to it.
    pub(super) mstatus: u32,
}

/// For each line of flash where in the cache its way most likely is, in bytes behind the first way. Whoever goes by that
/// looks whether the line is really there.
pub(super) type Hints = [u16; HINTS];
/// Those of code and data of a firmware of 2 MB do not share any.
pub(super) const HINTS: usize = 1 << 16;

//! What a back end has to offer: one small instruction at a time, in the guest's terms.
//!
//! The front (`lower`) knows what RISC-V operations mean and says it in these words; a back end
//! knows where guest registers live on its host and how the words are encoded there. Labels are bound behind their
//! uses, except for the trace's head, so that a back end without free jumps (WebAssembly) can offer the same.

pub(super) use super::call::{Call, CsrAccess, Operand, REQUEST_KINDS};
use crate::bus::Width;
use crate::cpu::Reg;

/// Operations on two words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alu {
    Add,
    Sub,
    And,
    Or,
    Xor,
    /// Shifts look at the lower five bits of their second operand.
    ShiftLeft,
    ShiftRight,
    ShiftRightArithmetic,
    /// 1 if the first is less, else 0.
    LessSigned,
    LessUnsigned,
}

/// Multiplications and divisions, with RISC-V's meaning of division by zero and of overflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MulDiv {
    Mul,
    MulHighSigned,
    MulHighSignedUnsigned,
    MulHighUnsigned,
    DivSigned,
    DivUnsigned,
    RemSigned,
    RemUnsigned,
}

/// When a branch is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Equal,
    NotEqual,
    LessSigned,
    NotLessSigned,
    LessUnsigned,
    NotLessUnsigned,
}

impl Condition {
    /// The condition that holds when this one does not.
    pub(super) fn inverse(self) -> Self {
        match self {
            Self::Equal => Self::NotEqual,
            Self::NotEqual => Self::Equal,
            Self::LessSigned => Self::NotLessSigned,
            Self::NotLessSigned => Self::LessSigned,
            Self::LessUnsigned => Self::NotLessUnsigned,
            Self::NotLessUnsigned => Self::LessUnsigned,
        }
    }
}

/// What the head of a trace takes from the budget for all of it, on the way that was foreseen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) instructions: u32,
    /// In unit time as many.
    pub(super) cycles: u32,
    /// Silicon's time: instructions and cycles are counted apart, and lines of flash are looked up.
    pub(super) silicon: bool,
}

/// What of a trace's [`Cost`] is given back where it is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refund {
    /// Instructions that are not executed.
    pub(super) instructions: u32,
    /// Cycles that do not pass; negative where leaving costs more than going on.
    pub(super) cycles: i32,
}

/// Where an access stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Site {
    /// Address of the instruction.
    pub(super) pc: u32,
    /// Bytes of the instruction.
    pub(super) length: u32,
    /// Instructions of the trace from this one on, itself included.
    pub(super) unused: u32,
    /// What of the trace's cycles has not passed when the instruction acts.
    pub(super) unspent: u32,
}

/// A load or a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MemoryAccess {
    /// A store; otherwise a load.
    pub(super) store: bool,
    pub(super) width: Width,
    /// A load that extends the sign.
    pub(super) signed: bool,
    /// Where a load goes, or what a store stores.
    pub(super) register: Reg,
    pub(super) base: Reg,
    pub(super) offset: u32,
    pub(super) site: Site,
}

/// An instruction whose code stands in a line of flash that has to be looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fetch {
    /// The trace's first instruction: whether it enters a line depends on where the program comes from.
    pub(super) first: bool,
    /// Its first byte is in another line than the last byte of the instruction before.
    pub(super) enters: bool,
    /// What the instruction before has loaded.
    pub(super) pending: Reg,
    /// The last byte of the instruction before.
    pub(super) before: u32,
    /// `unspent` is what has not passed at the boundary before the instruction.
    pub(super) site: Site,
}

/// How a trace is left, besides where the helper says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SideExit {
    /// The budget does not reach to the end of the trace: nothing of it was executed.
    Budget {
        /// The trace's address.
        pc: u32,
    },
    /// The program goes on at a known address.
    Link {
        /// That address.
        pc: u32,
        /// Its slot in the table of links.
        slot: u32,
        refund: Refund,
        /// The line of the last byte that was executed; kept in mind in silicon's time.
        line: u32,
    },
    /// The program goes on at the address that [`Target::expect`] found.
    Register { refund: Refund, line: u32 },
    /// The program goes on at a known address, where the instruction may have to wait for what was
    /// loaded. There is no link for that.
    Loaded { pc: u32, register: Reg, line: u32 },
}

/// Code could not be encoded; the block engine runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotEncodable;

/// Emits one trace.
pub(super) trait Target {
    /// A place to jump to.
    type Label: Copy;

    /// Makes a label.
    fn label(&mut self) -> Self::Label;

    /// The label stands here.
    fn bind(&mut self, label: Self::Label);

    /// The head: takes `cost` from the budget and leaves to `out` if it does not suffice.
    fn head(&mut self, cost: Cost, out: Self::Label);

    /// Jumps back to the head; `line` as in [`SideExit::Link`].
    fn jump(&mut self, head: Self::Label, line: u32);

    /// Looks up the lines of an instruction in flash.
    fn fetch(&mut self, fetch: &Fetch);

    /// `rd` becomes a constant. Nobody writes x0.
    fn constant(&mut self, rd: Reg, value: u32);

    /// `rd` becomes what `rs` holds.
    fn copy(&mut self, rd: Reg, rs: Reg);

    /// An operation on two words.
    fn alu(&mut self, alu: Alu, rd: Reg, rs1: Reg, operand: Operand);

    /// A multiplication or division.
    fn mul_div(&mut self, operation: MulDiv, rd: Reg, rs1: Reg, rs2: Reg);

    /// Jumps if the condition holds.
    fn branch(&mut self, condition: Condition, rs1: Reg, rs2: Reg, taken: Self::Label);

    /// A load or store; what cannot be done here is done by the helper, and may leave the trace.
    fn access(&mut self, access: &MemoryAccess);

    /// `rd` becomes what a CSR held; the helper does it, and may leave the trace.
    fn access_csr(&mut self, rd: Reg, access: CsrAccess, site: Site);

    /// Works out where JALR leads and jumps to `other` unless it is `expected`; `link` is what `rd` becomes.
    fn expect(&mut self, rs1: Reg, offset: u32, link: Option<(Reg, u32)>, expected: u32, other: Self::Label);

    /// JALR to wherever; `link` is what `rd` becomes, `line` as in [`SideExit::Link`].
    fn jump_register(&mut self, rs1: Reg, offset: u32, link: Option<(Reg, u32)>, line: u32);

    /// Leaves the trace.
    fn leave(&mut self, exit: SideExit);

    /// Ends the trace and hands its bytes over; they run at any address.
    ///
    /// # Errors
    /// [`NotEncodable`]; the target is as new afterwards.
    fn finish(&mut self, place: &mut Vec<u8>) -> Result<(), NotEncodable>;
}

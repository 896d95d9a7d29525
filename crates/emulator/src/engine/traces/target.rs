//! What a back end has to offer: one small instruction at a time, in the guest's terms.
//!
//! The front (`lower`) knows what RISC-V operations mean and says it in these words; a back end
//! knows where guest registers live on its host and how the words are encoded there. Labels are bound behind their
//! uses, except for the trace's head, so that a back end without free jumps (WebAssembly) can offer the same.

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

/// The second operand of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    Register(Reg),
    Immediate(u32),
}

/// Where an access stands, packed for the helper that does what the emitted code does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Site {
    /// Address of the instruction.
    pub(super) pc: u32,
    /// Bytes of the instruction.
    pub(super) length: u32,
    /// Instructions of the trace from this one on, itself included: what of the budget, which the trace's
    /// head has taken as a whole, is not used up when this one begins.
    pub(super) unused: u32,
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

impl MemoryAccess {
    /// What the helper has to know beside address and pc, in one word.
    pub(super) fn packed(&self) -> u32 {
        let width = match self.width {
            Width::Byte => 0,
            Width::Half => 1,
            Width::Word => 2,
        };
        u32::from(self.store)
            | u32::from(self.signed) << 1
            | width << 2
            | (self.register as u32) << 4
            | u32::from(self.site.length == 4) << 9
            | self.site.unused << 16
    }
}

/// A [`MemoryAccess`] as the helper gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unpacked {
    pub(super) store: bool,
    pub(super) signed: bool,
    pub(super) width: Width,
    pub(super) register: Reg,
    pub(super) length: u32,
    pub(super) unused: u32,
}

impl Unpacked {
    pub(super) fn from_word(word: u32) -> Self {
        Self {
            store: word & 1 != 0,
            signed: word & 2 != 0,
            width: match word >> 2 & 3 {
                0 => Width::Byte,
                1 => Width::Half,
                _ => Width::Word,
            },
            register: Reg::from_field(word >> 4),
            length: if word >> 9 & 1 != 0 { 4 } else { 2 },
            unused: word >> 16,
        }
    }

    /// What a load makes of the value that it got.
    pub(super) fn extend(self, value: u32) -> u32 {
        match (self.signed, self.width) {
            (true, Width::Byte) => value as u8 as i8 as u32,
            (true, Width::Half) => value as u16 as i16 as u32,
            _ => value,
        }
    }
}

/// How a trace is left, besides at the sites of accesses.
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
        /// Instructions of the trace that were not executed.
        unused: u32,
    },
    /// The program goes on at the address that [`Target::expect`] found.
    Register {
        /// Instructions of the trace that were not executed.
        unused: u32,
    },
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
    fn head(&mut self, cost: u32, out: Self::Label);

    /// Jumps back to the head.
    fn jump(&mut self, head: Self::Label);

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

    /// Works out where JALR leads and jumps to `other` unless it is `expected`.
    fn expect(&mut self, rs1: Reg, offset: u32, expected: u32, other: Self::Label);

    /// JALR to wherever; `link` is what `rd` becomes.
    fn jump_register(&mut self, rs1: Reg, offset: u32, link: Option<(Reg, u32)>);

    /// Leaves the trace.
    fn leave(&mut self, exit: SideExit);

    /// Ends the trace and hands its bytes over; they run at any address.
    ///
    /// # Errors
    /// [`NotEncodable`]; the target is as new afterwards.
    fn finish(&mut self, place: &mut Vec<u8>) -> Result<(), NotEncodable>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_helper_is_told_comes_back() {
        for width in [Width::Byte, Width::Half, Width::Word] {
            for (store, signed) in [(false, false), (false, true), (true, false)] {
                for (register, length, unused) in [(Reg::X0, 2, 1), (Reg::X31, 4, 96), (Reg::X15, 2, 0xFFFF)] {
                    let site = Site { pc: 0, length, unused };
                    let access = MemoryAccess { store, width, signed, register, base: Reg::X2, offset: 0, site };
                    let expected = Unpacked { store, signed, width, register, length, unused };
                    assert_eq!(Unpacked::from_word(access.packed()), expected);
                }
            }
        }
    }
}

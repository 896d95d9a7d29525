//! The back end for WebAssembly, its outer half: takes the front's words down, and puts a function together when all of them
//! are known, because WebAssembly wants to know where a jump leads when it is made.
//!
//! A trace is a function of its context that returns the number of the trace to go on with, or 0:
//!
//! ```text
//! block exit 0          ;; the budget's
//!   ...
//!     block exit n
//!       block gone      ;; the helper has left the trace
//!         loop          ;; if the path leads back to its head
//!           the path
//!         end
//!       end
//!       return 0
//!     end
//!     leave by exit n
//!   ...
//! end
//! leave by exit 0
//! ```
//!
//! All that is counted from the end, and registers have the same locals everywhere: so paths that end alike become functions that end
//! alike, of which the network carries the end once.

use wasm_encoder::Function;

use super::super::target::{
    Alu, Condition, Cost, CsrAccess, Fetch, MemoryAccess, MulDiv, NotEncodable, Operand, SideExit, Site, Target,
};
use super::body::Body;
use crate::cpu::Reg;

/// A place to jump to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label(usize);

/// One word of the front, see [`Target`].
#[derive(Clone, Copy, Debug)]
pub(super) enum Word {
    Bind(Label),
    Head { cost: Cost, out: Label },
    Jump { line: u32 },
    Fetch(Fetch),
    Constant { rd: Reg, value: u32 },
    Copy { rd: Reg, rs: Reg },
    Alu { alu: Alu, rd: Reg, rs1: Reg, operand: Operand },
    MulDiv { operation: MulDiv, rd: Reg, rs1: Reg, rs2: Reg },
    Branch { condition: Condition, rs1: Reg, rs2: Reg, taken: Label },
    Access(MemoryAccess),
    AccessCsr { rd: Reg, access: CsrAccess, site: Site },
    Expect { rs1: Reg, offset: u32, link: Option<(Reg, u32)>, expected: u32, other: Label },
    JumpRegister { rs1: Reg, offset: u32, link: Option<(Reg, u32)>, line: u32 },
    Leave(SideExit),
}

impl Word {
    /// The registers that it reads into locals, a bit for each.
    fn reads(&self) -> u32 {
        let of = |operand| match operand {
            Operand::Register(reg) => bit(reg),
            Operand::Immediate(_) => 0,
        };
        match *self {
            Self::Copy { rs, .. } => bit(rs),
            Self::Alu { rs1, operand, .. } => bit(rs1) | of(operand),
            Self::MulDiv { rs1, rs2, .. } | Self::Branch { rs1, rs2, .. } => bit(rs1) | bit(rs2),
            Self::Access(MemoryAccess { store: true, register, base, .. }) => bit(register) | bit(base),
            Self::Access(MemoryAccess { base, .. }) => bit(base),
            Self::Expect { rs1, .. } | Self::JumpRegister { rs1, .. } => bit(rs1),
            // The helper reads what a CSR is changed by.
            _ => 0,
        }
    }

    /// The registers that it writes, a bit for each.
    fn writes(&self) -> u32 {
        match *self {
            Self::Constant { rd, .. }
            | Self::Copy { rd, .. }
            | Self::Alu { rd, .. }
            | Self::MulDiv { rd, .. }
            | Self::AccessCsr { rd, .. } => bit(rd),
            Self::Access(MemoryAccess { store: false, register, .. }) => bit(register),
            Self::Expect { link: Some((rd, _)), .. } | Self::JumpRegister { link: Some((rd, _)), .. } => bit(rd),
            _ => 0,
        }
    }
}

/// The bit of a register; x0 has none, because it needs no local.
pub(super) fn bit(reg: Reg) -> u32 {
    (1 << reg as u32) & !1
}

/// Emits traces for WebAssembly.
#[derive(Debug, Default)]
pub(super) struct Emitter {
    words: Vec<Word>,
    labels: usize,
}

impl Emitter {
    /// Ends the trace and returns its function.
    pub(super) fn function(&mut self) -> Function {
        let words = std::mem::take(&mut self.words);
        self.labels = 0;
        let (mut read_first, mut written) = (0, 0);
        for word in &words {
            read_first |= word.reads() & !written;
            written |= word.writes();
        }
        // The first label is the head's; where the others are bound the path has ended.
        let mut parts = words.split(|word| matches!(word, Word::Bind(_)));
        let labels = words.iter().filter_map(|word| if let Word::Bind(label) = word { Some(*label) } else { None });
        let path = parts.nth(1).unwrap_or_default();
        let exits: Vec<(Label, &[Word])> = labels.skip(1).zip(parts).collect();
        let loops = path.iter().any(|word| matches!(word, Word::Jump { .. }));
        let mut body = Body::begin(exits.iter().map(|(label, _)| *label).collect(), loops.then_some(read_first));
        path.iter().for_each(|word| body.word(word));
        body.end_path();
        for (_, leaves) in exits.iter().rev() {
            body.bind_exit();
            leaves.iter().for_each(|word| body.word(word));
        }
        body.end()
    }
}

impl Target for Emitter {
    type Label = Label;

    fn label(&mut self) -> Label {
        self.labels += 1;
        Label(self.labels)
    }

    fn bind(&mut self, label: Label) {
        self.words.push(Word::Bind(label));
    }

    fn head(&mut self, cost: Cost, out: Label) {
        self.words.push(Word::Head { cost, out });
    }

    fn jump(&mut self, _head: Label, line: u32) {
        self.words.push(Word::Jump { line });
    }

    fn fetch(&mut self, fetch: &Fetch) {
        self.words.push(Word::Fetch(*fetch));
    }

    fn constant(&mut self, rd: Reg, value: u32) {
        self.words.push(Word::Constant { rd, value });
    }

    fn copy(&mut self, rd: Reg, rs: Reg) {
        self.words.push(Word::Copy { rd, rs });
    }

    fn alu(&mut self, alu: Alu, rd: Reg, rs1: Reg, operand: Operand) {
        self.words.push(Word::Alu { alu, rd, rs1, operand });
    }

    fn mul_div(&mut self, operation: MulDiv, rd: Reg, rs1: Reg, rs2: Reg) {
        self.words.push(Word::MulDiv { operation, rd, rs1, rs2 });
    }

    fn branch(&mut self, condition: Condition, rs1: Reg, rs2: Reg, taken: Label) {
        self.words.push(Word::Branch { condition, rs1, rs2, taken });
    }

    fn access(&mut self, access: &MemoryAccess) {
        self.words.push(Word::Access(*access));
    }

    fn access_csr(&mut self, rd: Reg, access: CsrAccess, site: Site) {
        self.words.push(Word::AccessCsr { rd, access, site });
    }

    fn expect(&mut self, rs1: Reg, offset: u32, link: Option<(Reg, u32)>, expected: u32, other: Label) {
        self.words.push(Word::Expect { rs1, offset, link, expected, other });
    }

    fn jump_register(&mut self, rs1: Reg, offset: u32, link: Option<(Reg, u32)>, line: u32) {
        self.words.push(Word::JumpRegister { rs1, offset, link, line });
    }

    fn leave(&mut self, exit: SideExit) {
        self.words.push(Word::Leave(exit));
    }

    fn finish(&mut self, place: &mut Vec<u8>) -> Result<(), NotEncodable> {
        place.extend(self.function().into_raw_body());
        Ok(())
    }
}

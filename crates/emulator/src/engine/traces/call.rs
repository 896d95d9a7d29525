//! What traces tell the helper: each request is one word of 32 bits, beside an address and the pc.

#[cfg(machine_code)]
use super::target::{Fetch, MemoryAccess, Site};
use crate::bus::Width;
use crate::cpu::Reg;
use crate::cpu::csr::CsrChange;
#[cfg(all(machine_code, target_arch = "x86_64"))]
use crate::cpu::csr::MSTATUS;

/// The second operand of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    Register(Reg),
    Immediate(u32),
}

/// The kinds of requests, by which a helper is chosen.
pub(super) const REQUEST_KINDS: usize = 4;
pub(super) const LOAD: usize = 0;
pub(super) const STORE: usize = 1;
pub(super) const FETCH: usize = 2;
pub(super) const CSR: usize = 3;

/// What the helper shall do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    Load {
        width: Width,
        signed: bool,
    },
    Store {
        width: Width,
    },
    Fetch {
        first: bool,
        enters: bool,
    },
    /// The address is a [`CsrAccess`].
    Csr,
}

/// An access to a CSR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CsrAccess {
    pub(super) csr: u16,
    pub(super) change: CsrChange,
    /// A register, or five bits.
    pub(super) source: Operand,
}

impl CsrAccess {
    pub(super) fn from_word(word: u32) -> Self {
        let source = word >> 15 & 31;
        Self {
            csr: (word & 0xFFF) as u16,
            change: match word >> 12 & 3 {
                0 => CsrChange::None,
                1 => CsrChange::Replace,
                2 => CsrChange::Set,
                _ => CsrChange::Clear,
            },
            source: match word >> 14 & 1 {
                0 => Operand::Immediate(source),
                _ => Operand::Register(Reg::from_field(source)),
            },
        }
    }
}

/// What the helper is told in one word, beside an address and the pc (or what is before it).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) request: Request,
    /// The register that is loaded or stored, or that the instruction before has loaded.
    pub(super) register: Reg,
    pub(super) length: u32,
    pub(super) unused: u32,
    pub(super) unspent: u32,
}

impl Call {
    #[inline(always)]
    pub(super) fn from_word(word: u32) -> Self {
        let width = match word >> 2 & 3 {
            0 => Width::Byte,
            1 => Width::Half,
            _ => Width::Word,
        };
        let request = match word as usize % REQUEST_KINDS {
            LOAD => Request::Load { width, signed: word >> 4 & 1 != 0 },
            STORE => Request::Store { width },
            FETCH => Request::Fetch { first: word >> 2 & 1 != 0, enters: word >> 3 & 1 != 0 },
            _ => Request::Csr,
        };
        Self {
            request,
            register: Reg::from_field(word >> 5),
            length: if word >> 10 & 1 != 0 { 4 } else { 2 },
            unused: word >> 11 & 0x7F,
            unspent: word >> 18,
        }
    }
}

/// The making of requests, where traces are made.
#[cfg(machine_code)]
impl CsrAccess {
    /// Whether `mstatus` is read, and nothing of it changed but MIE, as programs do that hold interrupts back. A register has
    /// to be looked at.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn is_about_interrupts(self) -> bool {
        self.csr == MSTATUS && self.change != CsrChange::Replace
    }

    pub(super) fn to_word(self) -> u32 {
        let (is_register, source) = match self.source {
            Operand::Register(register) => (1, register as u32),
            Operand::Immediate(bits) => (0, bits & 31),
        };
        u32::from(self.csr) | (self.change as u32) << 12 | is_register << 14 | source << 15
    }
}

/// As above.
#[cfg(machine_code)]
impl Call {
    /// For an access.
    pub(super) fn access(access: &MemoryAccess) -> Self {
        let &MemoryAccess { store, width, signed, register, site, .. } = access;
        let request = if store { Request::Store { width } } else { Request::Load { width, signed } };
        Self { request, register, length: site.length, unused: site.unused, unspent: site.unspent }
    }

    /// For a fetch.
    pub(super) fn fetch(fetch: &Fetch) -> Self {
        let &Fetch { first, enters, pending, site, .. } = fetch;
        let request = Request::Fetch { first, enters };
        Self { request, register: pending, length: site.length, unused: site.unused, unspent: site.unspent }
    }

    /// For an access to a CSR, which is read into `register`.
    pub(super) fn csr(register: Reg, site: Site) -> Self {
        let Site { length, unused, unspent, .. } = site;
        Self { request: Request::Csr, register, length, unused, unspent }
    }

    /// Bits 1:0 are the kind, 3:2 the width or what is looked up, 4 the sign; then come the register, the length,
    /// and what is not used or spent.
    pub(super) fn to_word(self) -> u32 {
        let code = |width| match width {
            Width::Byte => 0,
            Width::Half => 1,
            Width::Word => 2,
        };
        let request = match self.request {
            Request::Load { width, signed } => LOAD as u32 | code(width) << 2 | u32::from(signed) << 4,
            Request::Store { width } => STORE as u32 | code(width) << 2,
            Request::Fetch { first, enters } => FETCH as u32 | u32::from(first) << 2 | u32::from(enters) << 3,
            Request::Csr => CSR as u32,
        };
        debug_assert!(self.unused < 1 << 7 && self.unspent < 1 << 14, "traces are short");
        request
            | (self.register as u32) << 5
            | u32::from(self.length == 4) << 10
            | self.unused << 11
            | self.unspent << 18
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_to_a_csr_comes_back() {
        for change in [CsrChange::None, CsrChange::Replace, CsrChange::Set, CsrChange::Clear] {
            for source in [Operand::Immediate(0), Operand::Immediate(31), Operand::Register(Reg::X31)] {
                for csr in [0, 0x300, 0xFFF] {
                    let access = CsrAccess { csr, change, source };
                    assert_eq!(CsrAccess::from_word(access.to_word()), access);
                }
            }
        }
    }

    #[test]
    fn what_the_helper_is_told_comes_back() {
        let mut requests = vec![Request::Csr];
        for width in [Width::Byte, Width::Half, Width::Word] {
            requests.extend([Request::Store { width }, Request::Load { width, signed: true }]);
            requests.push(Request::Load { width, signed: false });
        }
        for first in [false, true] {
            requests.extend([false, true].map(|enters| Request::Fetch { first, enters }));
        }
        for request in requests {
            for (register, length, unused, unspent) in
                [(Reg::X0, 2, 1, 1), (Reg::X31, 4, 96, 16_383), (Reg::X15, 2, 127, 0)]
            {
                let call = Call { request, register, length, unused, unspent };
                assert_eq!(Call::from_word(call.to_word()), call);
            }
        }
    }
}

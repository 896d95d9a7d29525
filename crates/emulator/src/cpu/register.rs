//! The integer registers (unprivileged manual, section "Programmers' Model for Base Integer ISA").

/// The number of an integer register. As an enum it needs no bounds check as an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[allow(missing_docs, reason = "x0 to x31 are the manual's names")]
#[rustfmt::skip]
pub enum Reg {
    X0, X1, X2, X3, X4, X5, X6, X7, X8, X9, X10, X11, X12, X13, X14, X15,
    X16, X17, X18, X19, X20, X21, X22, X23, X24, X25, X26, X27, X28, X29, X30, X31,
}

#[rustfmt::skip]
const ALL: [Reg; 32] = {
    use Reg::*;
    [
        X0, X1, X2, X3, X4, X5, X6, X7, X8, X9, X10, X11, X12, X13, X14, X15,
        X16, X17, X18, X19, X20, X21, X22, X23, X24, X25, X26, X27, X28, X29, X30, X31,
    ]
};

impl Reg {
    /// The register of a 5-bit field; higher bits are ignored.
    #[must_use]
    pub const fn from_field(field: u32) -> Self {
        ALL[(field & 0x1F) as usize]
    }

    /// The register of a 3-bit field of a compressed instruction: x8 to x15.
    #[must_use]
    pub const fn from_compressed_field(field: u32) -> Self {
        Self::from_field(8 + (field & 7))
    }
}

/// The 32 integer registers; x0 always reads 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Registers([u32; 32]);

impl Registers {
    /// The contents of `reg`.
    #[inline(always)]
    #[must_use]
    pub fn get(&self, reg: Reg) -> u32 {
        self.0[reg as usize & 31]
    }

    /// Writes `reg`; a write to x0 is lost.
    #[inline(always)]
    pub fn set(&mut self, reg: Reg, value: u32) {
        self.0[reg as usize & 31] = value;
        // Cheaper than a branch on every write.
        self.0[0] = 0;
    }

    /// Writes all registers; what stands for x0 is lost.
    #[cfg(traces)]
    pub(crate) fn set_all(&mut self, values: &[u32; 32]) {
        self.0 = *values;
        self.0[0] = 0;
    }

    /// All registers, x0 first.
    #[must_use]
    pub fn all(&self) -> &[u32; 32] {
        &self.0
    }
}

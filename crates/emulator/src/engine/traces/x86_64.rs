//! The back end for x86-64.
//!
//! | host | holds |
//! |---|---|
//! | rbp | the [`Context`](super::context::Context) |
//! | rbx | the first byte of SRAM on the data bus |
//! | r15 | the budget |
//! | rsi, rdi, r8 to r14 | the guest's x15, x14, x2, x8 to x13 |
//! | rax, rcx, rdx | nothing for longer than one operation |
//!
//! Other guest registers stand in the context; x0 stands there as a zero that nobody writes. The
//! mapping is the same in all traces, so that nothing moves where one leads to the next.
#![allow(clippy::useless_conversion, reason = "the assembler's macro converts host registers, which are bytes here")]

use dynasmrt::x64::X64Relocation;
use dynasmrt::{DynamicLabel, DynasmApi, DynasmLabelApi, VecAssembler};

use super::context::{JUMP_MASK, at};
use super::state::{HINTS, MARK_CODE, NO_MSTATUS};
use super::target::{
    Alu, Call, Condition, Cost, CsrAccess, Fetch, MemoryAccess, MulDiv, NotEncodable, Operand, Refund, SideExit, Site,
    Target,
};
use crate::bus::Width;
use crate::cpu::Reg;
use crate::cpu::csr::{CsrChange, MIE};
use crate::cpu::timing::line_of;
use crate::memory::{DRAM_BASE, DRAM_SIZE, FlashCache};

const RAX: u8 = 0;
const RCX: u8 = 1;
const RDX: u8 = 2;

/// Guest registers that live in the host's.
const HOMES: [(Reg, u8); 9] = [
    (Reg::X15, 6),
    (Reg::X14, 7),
    (Reg::X2, 8),
    (Reg::X8, 9),
    (Reg::X9, 10),
    (Reg::X10, 11),
    (Reg::X11, 12),
    (Reg::X12, 13),
    (Reg::X13, 14),
];

/// Where a guest register is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Home {
    Host(u8),
    /// Offset in the context.
    Context(i8),
}

fn home(reg: Reg) -> Home {
    match reg {
        Reg::X15 => Home::Host(6),
        Reg::X14 => Home::Host(7),
        Reg::X2 => Home::Host(8),
        Reg::X8 => Home::Host(9),
        Reg::X9 => Home::Host(10),
        Reg::X10 => Home::Host(11),
        Reg::X11 => Home::Host(12),
        Reg::X12 => Home::Host(13),
        Reg::X13 => Home::Host(14),
        other => Home::Context(4 * other as i8),
    }
}

macro_rules! asm {
    ($emitter:expr, $($code:tt)*) => { dynasmrt::dynasm!($emitter.ops ; .arch x64 ; $($code)*) };
}

mod common;
mod elsewhere;

/// Emits `mnemonic` for the one of the six operations that x86 encodes alike.
macro_rules! arithmetic {
    ($emitter:expr, $op:expr, $($operands:tt)*) => {
        match $op {
            Arithmetic::Add => asm!($emitter, add $($operands)*),
            Arithmetic::Sub => asm!($emitter, sub $($operands)*),
            Arithmetic::And => asm!($emitter, and $($operands)*),
            Arithmetic::Or => asm!($emitter, or $($operands)*),
            Arithmetic::Xor => asm!($emitter, xor $($operands)*),
            Arithmetic::Compare => asm!($emitter, cmp $($operands)*),
        }
    };
}

macro_rules! shift {
    ($emitter:expr, $alu:expr, $($operands:tt)*) => {
        match $alu {
            Alu::ShiftLeft => asm!($emitter, shl $($operands)*),
            Alu::ShiftRight => asm!($emitter, shr $($operands)*),
            _ => asm!($emitter, sar $($operands)*),
        }
    };
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Arithmetic {
    Add,
    Sub,
    And,
    Or,
    Xor,
    Compare,
}

impl Arithmetic {
    fn of(alu: Alu) -> Option<Self> {
        Some(match alu {
            Alu::Add => Self::Add,
            Alu::Sub => Self::Sub,
            Alu::And => Self::And,
            Alu::Or => Self::Or,
            Alu::Xor => Self::Xor,
            _ => return None,
        })
    }
}

/// What the emitted code could not do where it stands, and does behind the trace.
#[derive(Debug)]
struct Elsewhere {
    what: What,
    begins: DynamicLabel,
    back: DynamicLabel,
}

#[derive(Debug)]
enum What {
    Access(MemoryAccess),
    /// A line that is not where the hint says, and where to go if it is nowhere.
    Line {
        line: u32,
        nowhere: DynamicLabel,
    },
    /// An instruction with a line that is nowhere.
    Fetch(Fetch),
    Csr {
        rd: Reg,
        access: CsrAccess,
        site: Site,
    },
}

/// Emits traces for x86-64.
#[derive(Debug)]
pub(super) struct Emitter {
    ops: VecAssembler<X64Relocation>,
    elsewhere: Vec<Elsewhere>,
    /// What the head of the present trace takes from the budget.
    cost: Cost,
    /// Where it is left if only the cycles were taken.
    cycles_taken: Option<DynamicLabel>,
}

impl Default for Emitter {
    fn default() -> Self {
        Self { ops: VecAssembler::new(0), elsewhere: Vec::new(), cost: Cost::default(), cycles_taken: None }
    }
}

impl Emitter {
    fn load_homes(&mut self) {
        for (reg, host) in HOMES {
            asm!(self, mov Rd(host), [BYTE rbp + 4 * reg as i8]);
        }
    }

    fn store_homes(&mut self) {
        for (reg, host) in HOMES {
            asm!(self, mov [BYTE rbp + 4 * reg as i8], Rd(host));
        }
    }

    fn load_immediate(&mut self, host: u8, value: u32) {
        if value == 0 {
            asm!(self, xor Rd(host), Rd(host));
        } else {
            asm!(self, mov Rd(host), DWORD value as i32);
        }
    }

    /// `host` becomes what `reg` holds.
    fn get(&mut self, host: u8, reg: Reg) {
        match home(reg) {
            Home::Host(from) if from == host => {}
            Home::Host(from) => asm!(self, mov Rd(host), Rd(from)),
            Home::Context(at) => asm!(self, mov Rd(host), [BYTE rbp + at]),
        }
    }

    /// `reg`, which is not x0, becomes what `host` holds.
    fn set(&mut self, reg: Reg, host: u8) {
        match home(reg) {
            Home::Host(to) if to == host => {}
            Home::Host(to) => asm!(self, mov Rd(to), Rd(host)),
            Home::Context(at) => asm!(self, mov [BYTE rbp + at], Rd(host)),
        }
    }

    fn with_register(&mut self, op: Arithmetic, host: u8, reg: Reg) {
        match home(reg) {
            Home::Host(from) => arithmetic!(self, op, Rd(host), Rd(from)),
            Home::Context(at) => arithmetic!(self, op, Rd(host), [BYTE rbp + at]),
        }
    }

    fn with_immediate(&mut self, op: Arithmetic, host: u8, value: u32) {
        match i8::try_from(value as i32) {
            Ok(value) => match op {
                Arithmetic::Add => asm!(self, add Rd(host), BYTE value),
                Arithmetic::And => asm!(self, and Rd(host), BYTE value),
                Arithmetic::Or => asm!(self, or Rd(host), BYTE value),
                Arithmetic::Xor => asm!(self, xor Rd(host), BYTE value),
                Arithmetic::Sub => asm!(self, sub Rd(host), BYTE value),
                Arithmetic::Compare => asm!(self, cmp Rd(host), DWORD i32::from(value)),
            },
            Err(_) => arithmetic!(self, op, Rd(host), DWORD value as i32),
        }
    }

    fn with(&mut self, op: Arithmetic, host: u8, operand: Operand) {
        match operand {
            Operand::Register(reg) => self.with_register(op, host, reg),
            Operand::Immediate(value) => self.with_immediate(op, host, value),
        }
    }

    /// As [`Emitter::with`], on a register that stands in the context, in place.
    fn in_context(&mut self, op: Arithmetic, at: i8, operand: Operand) {
        match operand {
            Operand::Register(reg) => {
                let from = match home(reg) {
                    Home::Host(from) => from,
                    Home::Context(_) => {
                        self.get(RAX, reg);
                        RAX
                    }
                };
                arithmetic!(self, op, [BYTE rbp + at], Rd(from));
            }
            Operand::Immediate(value) => arithmetic!(self, op, DWORD [BYTE rbp + at], DWORD value as i32),
        }
    }

    fn arithmetic(&mut self, op: Arithmetic, rd: Reg, rs1: Reg, operand: Operand) {
        match home(rd) {
            Home::Context(at) if rd == rs1 => self.in_context(op, at, operand),
            Home::Context(_) => {
                self.get(RAX, rs1);
                self.with(op, RAX, operand);
                self.set(rd, RAX);
            }
            Home::Host(to) => match (operand, home(rs1)) {
                _ if rd == rs1 => self.with(op, to, operand),
                (Operand::Register(rs2), _) if rs2 == rd => {
                    if op == Arithmetic::Sub {
                        asm!(self, neg Rd(to));
                        self.with_register(Arithmetic::Add, to, rs1);
                    } else {
                        self.with_register(op, to, rs1);
                    }
                }
                (Operand::Immediate(value), Home::Host(from)) if op == Arithmetic::Add => {
                    match i8::try_from(value as i32) {
                        Ok(value) => asm!(self, lea Rd(to), [BYTE Rq(from) + value]),
                        Err(_) => asm!(self, lea Rd(to), [DWORD Rq(from) + value as i32]),
                    }
                }
                _ => {
                    self.get(to, rs1);
                    self.with(op, to, operand);
                }
            },
        }
    }

    fn shift(&mut self, alu: Alu, rd: Reg, rs1: Reg, operand: Operand) {
        // Counts are taken modulo 32 by x86 as by RISC-V.
        if let Operand::Register(rs2) = operand {
            self.get(RCX, rs2);
        }
        let (host, in_place) = match home(rd) {
            Home::Host(to) if !matches!(operand, Operand::Register(_)) || rd == rs1 => (to, true),
            _ => (RAX, false),
        };
        self.get(host, rs1);
        match operand {
            Operand::Register(_) => shift!(self, alu, Rd(host), cl),
            Operand::Immediate(count) => shift!(self, alu, Rd(host), BYTE count as i8),
        }
        if !in_place {
            self.set(rd, host);
        }
    }

    fn compare(&mut self, rs1: Reg, operand: Operand) {
        match (home(rs1), operand) {
            (Home::Host(host), Operand::Register(Reg::X0) | Operand::Immediate(0)) => {
                asm!(self, test Rd(host), Rd(host));
            }
            (Home::Host(host), _) => self.with(Arithmetic::Compare, host, operand),
            (Home::Context(at), Operand::Register(Reg::X0)) => {
                self.in_context(Arithmetic::Compare, at, Operand::Immediate(0));
            }
            (Home::Context(at), _) => self.in_context(Arithmetic::Compare, at, operand),
        }
    }

    /// eax becomes the address less `base`.
    fn address(&mut self, reg: Reg, offset: u32, base: u32) {
        let offset = offset.wrapping_sub(base) as i32;
        match home(reg) {
            Home::Host(from) => asm!(self, lea eax, [DWORD Rq(from) + offset]),
            Home::Context(at) => asm!(self, mov eax, DWORD offset; add eax, [BYTE rbp + at]),
        }
    }

    /// Loads from `[base + rax]` or `[base + rcx]` into the register's home.
    fn load_from(&mut self, access: &MemoryAccess, base: u8, index: u8) {
        if access.register == Reg::X0 {
            return;
        }
        let host = match home(access.register) {
            Home::Host(host) => host,
            Home::Context(_) => RCX,
        };
        match (access.width, access.signed) {
            (Width::Byte, true) => asm!(self, movsx Rd(host), BYTE [Rq(base) + Rq(index)]),
            (Width::Byte, false) => asm!(self, movzx Rd(host), BYTE [Rq(base) + Rq(index)]),
            (Width::Half, true) => asm!(self, movsx Rd(host), WORD [Rq(base) + Rq(index)]),
            (Width::Half, false) => asm!(self, movzx Rd(host), WORD [Rq(base) + Rq(index)]),
            (Width::Word, _) => asm!(self, mov Rd(host), [Rq(base) + Rq(index)]),
        }
        self.set(access.register, host);
    }

    /// Aligned, inside SRAM on the data bus, and nothing is to be kept in mind about the granule.
    fn store(&mut self, access: &MemoryAccess, elsewhere: DynamicLabel) {
        let size = access.width.bytes() as i32;
        let bits = access.width.bytes().trailing_zeros() as i8;
        if bits > 0 {
            // Bits that a misaligned address has below move to the top, where the comparison finds them.
            asm!(self, ror eax, BYTE bits);
        }
        asm!(self, cmp eax, DWORD DRAM_SIZE as i32 / size; jae =>elsewhere);
        asm!(self, mov ecx, eax; shr ecx, BYTE 8 - bits; mov rdx, [rbp + at::FLAGS]);
        asm!(self, cmp BYTE [rdx + rcx], BYTE 1; jne =>elsewhere);
        let host = match home(access.register) {
            Home::Host(host) => host,
            Home::Context(at) => {
                asm!(self, mov ecx, [BYTE rbp + at]);
                RCX
            }
        };
        match access.width {
            Width::Byte => asm!(self, mov[rbx + rax], Rb(host)),
            Width::Half => asm!(self, mov[rbx + rax * 2], Rw(host)),
            Width::Word => asm!(self, mov[rbx + rax * 4], Rd(host)),
        }
    }

    /// eax becomes where JALR leads.
    fn target_address(&mut self, rs1: Reg, offset: u32) {
        self.get(RAX, rs1);
        if offset != 0 {
            self.with_immediate(Arithmetic::Add, RAX, offset);
        }
        asm!(self, and eax, BYTE -2);
    }

    /// Goes on at the address in eax.
    fn jump_to_eax(&mut self) {
        asm!(self, mov ecx, eax; and ecx, DWORD JUMP_MASK as i32);
        asm!(self, cmp [rbp + rcx * 8 + at::JUMPS], eax; jne >unknown; jmp QWORD [rbp + rcx * 8 + at::JUMPS + 8]);
        asm!(self, unknown:; jmp QWORD [rbp + at::MISS]);
    }

    fn repay(&mut self, refund: Refund) {
        match refund.cycles {
            0 => {}
            cycles => asm!(self, add r15, DWORD cycles),
        }
        if self.cost.silicon && refund.instructions > 0 {
            asm!(self, add QWORD [rbp + at::INSTRUCTIONS], DWORD refund.instructions as i32);
        }
    }

    /// Keeps in mind which line the program leaves.
    fn leave_line(&mut self, line: u32) {
        if self.cost.silicon {
            asm!(self, mov DWORD [rbp + at::LINE], DWORD line as i32);
        }
    }

    fn call_for_csr(&mut self, rd: Reg, access: CsrAccess, site: Site) {
        asm!(self, mov eax, DWORD access.to_word() as i32; mov edx, DWORD Call::csr(rd, site).to_word() as i32);
        asm!(self, mov ecx, DWORD site.pc as i32; call QWORD [rbp + at::CALL]);
    }

    /// Reads `mstatus` and changes MIE, unless that is the helper's.
    fn change_interrupts(&mut self, rd: Reg, access: CsrAccess, helper: DynamicLabel) {
        asm!(self, mov eax, [rbp + at::MSTATUS]; cmp eax, DWORD NO_MSTATUS as i32; je =>helper);
        match (access.change, access.source) {
            (CsrChange::None | CsrChange::Replace, _) => {}
            // Of the bits that an immediate has only MIE is there.
            (CsrChange::Set, Operand::Immediate(bits)) => {
                asm!(self, or DWORD [rbp + at::MSTATUS], DWORD (bits & MIE) as i32);
            }
            (CsrChange::Clear, Operand::Immediate(bits)) => {
                asm!(self, and DWORD [rbp + at::MSTATUS], DWORD !(bits & MIE) as i32);
            }
            (change, Operand::Register(reg)) => {
                self.get(RCX, reg);
                asm!(self, test ecx, DWORD !MIE as i32; jnz =>helper);
                match change {
                    CsrChange::Set => asm!(self, or[rbp + at::MSTATUS], ecx),
                    _ => asm!(self, not ecx; and [rbp + at::MSTATUS], ecx),
                }
            }
        }
        if rd != Reg::X0 {
            self.set(rd, RAX);
        }
    }

    /// Uses the line of an address, unless it is `nowhere`.
    fn use_line(&mut self, address: u32, unspent: u32, nowhere: DynamicLabel) {
        let (begins, back) = (self.label(), self.label());
        let line = FlashCache::line(address);
        let hint = at::HINTS + 2 * (line as usize % HINTS) as i32;
        asm!(self, movzx edx, WORD [rbp + hint]; add rdx, [rbp + at::WAYS]);
        asm!(self, cmp DWORD [BYTE rdx + FlashCache::LINE as i8], line as i32; jne =>begins; =>back);
        self.mark_used(unspent, MARK_CODE);
        self.elsewhere.push(Elsewhere { what: What::Line { line, nowhere }, begins, back });
    }

    /// Marks the line in the way at rdx as used now.
    fn mark_used(&mut self, unspent: u32, mark: u64) {
        let later = 4 * unspent as i32 + mark as i32;
        asm!(self, mov rax, [rbp + at::EPOCH]; lea rax, [rax + r15 * 4 + later]);
        asm!(self, mov [BYTE rdx + FlashCache::USED as i8], rax);
    }
}

impl Target for Emitter {
    type Label = DynamicLabel;

    fn label(&mut self) -> DynamicLabel {
        self.ops.new_dynamic_label()
    }

    fn bind(&mut self, label: DynamicLabel) {
        asm!(self, =>label);
    }

    fn head(&mut self, cost: Cost, out: DynamicLabel) {
        // What was taken is given back behind `out`: that is where it is seldom needed.
        self.cost = cost;
        self.cycles_taken = None;
        if cost.silicon {
            let cycles_taken = self.label();
            self.cycles_taken = Some(cycles_taken);
            asm!(self, sub r15, DWORD cost.cycles as i32; jl =>cycles_taken);
            asm!(self, sub QWORD [rbp + at::INSTRUCTIONS], DWORD cost.instructions as i32; jl =>out);
        } else {
            asm!(self, sub r15, DWORD cost.cycles as i32; jl =>out);
        }
    }

    fn jump(&mut self, head: DynamicLabel, line: u32) {
        self.leave_line(line);
        asm!(self, jmp =>head);
    }

    fn fetch(&mut self, fetch: &Fetch) {
        let (nowhere, back) = (self.label(), self.label());
        let Fetch { first, enters, site, .. } = *fetch;
        let last = site.pc.wrapping_add(site.length - 1);
        if first {
            asm!(self, cmp DWORD [rbp + at::LINE], DWORD line_of(site.pc) as i32; je >same);
        }
        if first || enters {
            self.use_line(site.pc, site.unspent, nowhere);
        }
        asm!(self, same:);
        if line_of(last) != line_of(site.pc) {
            self.use_line(last, site.unspent, nowhere);
        }
        asm!(self, =>back);
        self.elsewhere.push(Elsewhere { what: What::Fetch(*fetch), begins: nowhere, back });
    }

    fn constant(&mut self, rd: Reg, value: u32) {
        match home(rd) {
            Home::Host(host) => self.load_immediate(host, value),
            Home::Context(at) => asm!(self, mov DWORD [BYTE rbp + at], DWORD value as i32),
        }
    }

    fn copy(&mut self, rd: Reg, rs: Reg) {
        match (home(rd), home(rs)) {
            (Home::Host(to), _) => self.get(to, rs),
            (Home::Context(_), Home::Host(from)) => self.set(rd, from),
            (Home::Context(_), Home::Context(_)) => {
                self.get(RAX, rs);
                self.set(rd, RAX);
            }
        }
    }

    fn alu(&mut self, alu: Alu, rd: Reg, rs1: Reg, operand: Operand) {
        if let Some(op) = Arithmetic::of(alu) {
            return self.arithmetic(op, rd, rs1, operand);
        }
        match alu {
            Alu::LessSigned | Alu::LessUnsigned => {
                self.compare(rs1, operand);
                match alu {
                    Alu::LessSigned => asm!(self, setl al),
                    _ => asm!(self, setb al),
                }
                match home(rd) {
                    Home::Host(host) => asm!(self, movzx Rd(host), al),
                    Home::Context(at) => asm!(self, movzx eax, al; mov [BYTE rbp + at], eax),
                }
            }
            _ => self.shift(alu, rd, rs1, operand),
        }
    }

    fn mul_div(&mut self, operation: MulDiv, rd: Reg, rs1: Reg, rs2: Reg) {
        let sign_extended = |emitter: &mut Self, host: u8, reg: Reg| match home(reg) {
            Home::Host(from) => asm!(emitter, movsxd Rq(host), Rd(from)),
            Home::Context(at) => asm!(emitter, movsxd Rq(host), DWORD [BYTE rbp + at]),
        };
        let result = match operation {
            MulDiv::Mul => {
                self.get(RAX, rs1);
                match home(rs2) {
                    Home::Host(from) => asm!(self, imul eax, Rd(from)),
                    Home::Context(at) => asm!(self, imul eax, [BYTE rbp + at]),
                }
                RAX
            }
            MulDiv::MulHighSigned | MulDiv::MulHighSignedUnsigned | MulDiv::MulHighUnsigned => {
                if operation == MulDiv::MulHighUnsigned {
                    self.get(RAX, rs1);
                } else {
                    sign_extended(self, RAX, rs1);
                }
                if operation == MulDiv::MulHighSigned {
                    sign_extended(self, RCX, rs2);
                } else {
                    self.get(RCX, rs2);
                }
                asm!(self, imul rax, rcx; shr rax, BYTE 32);
                RAX
            }
            // In 64 bits -2^31 / -1 does not overflow, and its lower half is what RISC-V asks for.
            MulDiv::DivSigned => {
                sign_extended(self, RAX, rs1);
                sign_extended(self, RCX, rs2);
                asm!(self, test ecx, ecx; jnz >divide; mov eax, -1; jmp >done);
                asm!(self, divide:; cqo; idiv rcx; done:);
                RAX
            }
            MulDiv::RemSigned => {
                sign_extended(self, RAX, rs1);
                sign_extended(self, RCX, rs2);
                asm!(self, mov edx, eax; test ecx, ecx; jz >done; cqo; idiv rcx; done:);
                RDX
            }
            MulDiv::DivUnsigned => {
                self.get(RAX, rs1);
                self.get(RCX, rs2);
                asm!(self, test ecx, ecx; jnz >divide; mov eax, -1; jmp >done);
                asm!(self, divide:; xor edx, edx; div ecx; done:);
                RAX
            }
            MulDiv::RemUnsigned => {
                self.get(RAX, rs1);
                self.get(RCX, rs2);
                asm!(self, mov edx, eax; test ecx, ecx; jz >done; xor edx, edx; div ecx; done:);
                RDX
            }
        };
        self.set(rd, result);
    }

    fn branch(&mut self, condition: Condition, rs1: Reg, rs2: Reg, taken: DynamicLabel) {
        self.compare(rs1, Operand::Register(rs2));
        match condition {
            Condition::Equal => asm!(self, je =>taken),
            Condition::NotEqual => asm!(self, jne =>taken),
            Condition::LessSigned => asm!(self, jl =>taken),
            Condition::NotLessSigned => asm!(self, jge =>taken),
            Condition::LessUnsigned => asm!(self, jb =>taken),
            Condition::NotLessUnsigned => asm!(self, jae =>taken),
        }
    }

    fn access(&mut self, access: &MemoryAccess) {
        let (begins, back) = (self.label(), self.label());
        self.address(access.base, access.offset, DRAM_BASE);
        if access.store {
            self.store(access, begins);
        } else {
            // The access is bounded here, whatever is known about its address.
            let last = (DRAM_SIZE - access.width.bytes()) as i32;
            asm!(self, cmp eax, DWORD last; ja =>begins);
            self.load_from(access, 3, RAX);
        }
        asm!(self, =>back);
        self.elsewhere.push(Elsewhere { what: What::Access(*access), begins, back });
    }

    fn access_csr(&mut self, rd: Reg, access: CsrAccess, site: Site) {
        let (helper, back) = (self.label(), self.label());
        if access.is_about_interrupts() {
            self.change_interrupts(rd, access, helper);
            asm!(self, =>back);
            self.elsewhere.push(Elsewhere { what: What::Csr { rd, access, site }, begins: helper, back });
        } else {
            self.call_for_csr(rd, access, site);
        }
    }

    fn expect(&mut self, rs1: Reg, offset: u32, link: Option<(Reg, u32)>, expected: u32, other: DynamicLabel) {
        self.target_address(rs1, offset);
        if let Some((rd, value)) = link {
            self.constant(rd, value);
        }
        asm!(self, cmp eax, DWORD expected as i32; jne =>other);
    }

    fn jump_register(&mut self, rs1: Reg, offset: u32, link: Option<(Reg, u32)>, line: u32) {
        self.target_address(rs1, offset);
        if let Some((rd, value)) = link {
            self.constant(rd, value);
        }
        self.leave_line(line);
        self.jump_to_eax();
    }

    fn leave(&mut self, exit: SideExit) {
        match exit {
            SideExit::Budget { pc } => {
                if let Some(cycles_taken) = self.cycles_taken {
                    asm!(self, add QWORD [rbp + at::INSTRUCTIONS], DWORD self.cost.instructions as i32; =>cycles_taken);
                }
                asm!(self, add r15, DWORD self.cost.cycles as i32);
                asm!(self, mov eax, DWORD pc as i32; jmp QWORD [rbp + at::BUDGET_OUT]);
            }
            SideExit::Link { pc, slot, refund, line } => {
                self.repay(refund);
                self.leave_line(line);
                asm!(self, mov eax, DWORD pc as i32; jmp QWORD [rbp + (at::SLOTS + 8 * slot as i32)]);
            }
            SideExit::Register { refund, line } => {
                self.repay(refund);
                self.leave_line(line);
                self.jump_to_eax();
            }
            SideExit::Loaded { pc, register, line } => {
                self.leave_line(line);
                asm!(self, mov DWORD [rbp + at::PENDING], register as i32);
                asm!(self, mov eax, DWORD pc as i32; jmp QWORD [rbp + at::MISS]);
            }
        }
    }

    fn finish(&mut self, place: &mut Vec<u8>) -> Result<(), NotEncodable> {
        self.things_elsewhere();
        let result = self.ops.drain().map(|bytes| place.extend(bytes)).or(Err(NotEncodable));
        if result.is_err() {
            *self = Self::default();
        }
        result
    }
}

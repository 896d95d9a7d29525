//! The back end for AArch64.
//!
//! | host | holds |
//! |---|---|
//! | x19 | the [`Context`](super::context::Context) |
//! | w20 to w28 | the guest's x2 and x8 to x15 |
//! | x15 | the budget |
//! | x9 | instructions that may be executed, in silicon's time |
//! | x14, x13 | the first byte of SRAM on the data bus, the flags of its granules |
//! | x12, x17 | the ways of the flash's cache, and what a use of a line now is reckoned from |
//! | w11, w10 | the first address of SRAM, and the last offset at which a word of it begins |
//! | x0 to x8, x16 | nothing for longer than one operation |
//!
//! Other guest registers stand in the context; x0 stands there as a zero that nobody writes.
#![allow(clippy::useless_conversion, reason = "the assembler's macro converts host registers, which are bytes here")]

use dynasmrt::aarch64::{Aarch64Relocation, encode_logical_immediate_32bit};
use dynasmrt::{DynamicLabel, DynasmApi, DynasmLabelApi, VecAssembler, dynasm};

use super::context::{JUMP_MASK, at};
use super::state::{HINTS, Left, MARK_CODE, MARK_DATA};
use super::target::{
    Alu, Call, Condition, Cost, CsrAccess, Fetch, MemoryAccess, MulDiv, NotEncodable, Operand, REQUEST_KINDS, Refund,
    SideExit, Site, Target,
};
use crate::bus::Width;
use crate::cpu::Reg;
use crate::cpu::timing::line_of;
use crate::memory::{DRAM_BASE, DRAM_SIZE, FLASH_DATA_BASE, FLASH_WINDOW_SIZE, FlashCache};

/// Guest registers that live in the host's.
const HOMES: [(Reg, u8); 9] = [
    (Reg::X2, 20),
    (Reg::X8, 21),
    (Reg::X9, 22),
    (Reg::X10, 23),
    (Reg::X11, 24),
    (Reg::X12, 25),
    (Reg::X13, 26),
    (Reg::X14, 27),
    (Reg::X15, 28),
];

fn home(reg: Reg) -> Option<u8> {
    match reg {
        Reg::X2 => Some(20),
        Reg::X8 | Reg::X9 | Reg::X10 | Reg::X11 | Reg::X12 | Reg::X13 | Reg::X14 | Reg::X15 => Some(13 + reg as u8),
        _ => None,
    }
}

/// Where a register that has no home stands in the context.
fn offset(reg: Reg) -> u32 {
    4 * reg as u32
}

macro_rules! asm {
    ($emitter:expr, $($code:tt)*) => { dynasm!($emitter.ops ; .arch aarch64 ; $($code)*) };
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
    Fetch(Fetch),
}

/// Emits traces for AArch64.
#[derive(Debug)]
pub(super) struct Emitter {
    ops: VecAssembler<Aarch64Relocation>,
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

/// Where the parts of the common code begin.
#[cfg_attr(not(target_arch = "aarch64"), allow(dead_code, reason = "tests on other hosts enter and leave only"))]
pub(super) struct Common {
    /// `extern "C" fn(context, code)`.
    pub(super) enter: usize,
    pub(super) miss: usize,
    pub(super) budget: usize,
    pub(super) call: usize,
    pub(super) touch: usize,
}

impl Emitter {
    /// Emits what all traces use, and says where its parts begin.
    pub(super) fn common(&mut self, place: &mut Vec<u8>) -> Result<Common, NotEncodable> {
        let enter = self.ops.offset().0;
        asm!(self, stp x29, x30, [sp, -96]!; stp x19, x20, [sp, 16]; stp x21, x22, [sp, 32]);
        asm!(self, stp x23, x24, [sp, 48]; stp x25, x26, [sp, 64]; stp x27, x28, [sp, 80]; mov x19, x0);
        asm!(self, mov x16, x1);
        self.load_fixed();
        asm!(self, br x16);

        let miss = self.ops.offset().0;
        asm!(self, movz w3, Left::Miss as u32; b >leave);
        let budget = self.ops.offset().0;
        asm!(self, movz w3, Left::Budget as u32; leave:);
        asm!(self, str w3, [x19, at::EXIT as u32]; str w0, [x19, at::PC as u32]);
        self.store_fixed();
        asm!(self, leave_stored:; ldp x19, x20, [sp, 16]; ldp x21, x22, [sp, 32]; ldp x23, x24, [sp, 48]);
        asm!(self, ldp x25, x26, [sp, 64]; ldp x27, x28, [sp, 80]; ldp x29, x30, [sp], 96; ret);

        // w0: address; w1: what is asked for; w2: pc.
        let call = self.ops.offset().0;
        self.store_fixed();
        asm!(self, str x30, [sp, -16]!; mov w3, w2; mov w2, w1; mov w1, w0; mov x0, x19);
        asm!(self, and x16, x2, REQUEST_KINDS as u64 - 1; add x16, x19, x16, lsl 3; ldr x16, [x16, at::HELPERS as u32]);
        asm!(self, blr x16; ldr x30, [sp], 16; cbnz w0, >gone);
        self.load_fixed();
        asm!(self, ret; gone:; b <leave_stored);
        self.finish(place)?;
        // Lines that are not where the hint says are looked up by the helper.
        Ok(Common { enter, miss, budget, call, touch: call })
    }

    fn load_fixed(&mut self) {
        for (reg, host) in HOMES {
            asm!(self, ldr W(host), [x19, offset(reg)]);
        }
        asm!(self, ldr x15, [x19, at::BUDGET as u32]; ldr x9, [x19, at::INSTRUCTIONS as u32]);
        asm!(self, ldr x14, [x19, at::RAM as u32]; ldr x13, [x19, at::FLAGS as u32]);
        asm!(self, ldr x12, [x19, at::WAYS as u32]; ldr x17, [x19, at::EPOCH as u32]);
        self.immediate(11, DRAM_BASE);
        self.immediate(10, DRAM_SIZE as u32 - 4);
    }

    fn store_fixed(&mut self) {
        for (reg, host) in HOMES {
            asm!(self, str W(host), [x19, offset(reg)]);
        }
        asm!(self, str x15, [x19, at::BUDGET as u32]; str x9, [x19, at::INSTRUCTIONS as u32]);
    }

    fn immediate(&mut self, host: u8, value: u32) {
        let (low, high) = (value & 0xFFFF, value >> 16);
        if high == 0xFFFF {
            asm!(self, movn W(host), !value & 0xFFFF);
        } else if low == 0 && high != 0 {
            asm!(self, movz W(host), high, lsl 16);
        } else {
            asm!(self, movz W(host), low);
            if high != 0 {
                asm!(self, movk W(host), high, lsl 16);
            }
        }
    }

    /// The host register that holds `reg`, which is `scratch` if it has no home.
    fn get(&mut self, reg: Reg, scratch: u8) -> u8 {
        if let Some(host) = home(reg) {
            return host;
        }
        if reg == Reg::X0 {
            asm!(self, movz W(scratch), 0);
        } else {
            asm!(self, ldr W(scratch), [x19, offset(reg)]);
        }
        scratch
    }

    /// Where a result for `reg` is computed; [`Emitter::put`] brings it home.
    fn result(reg: Reg) -> u8 {
        home(reg).unwrap_or(3)
    }

    fn put(&mut self, reg: Reg, host: u8) {
        match home(reg) {
            Some(to) if to == host => {}
            Some(to) => asm!(self, mov W(to), W(host)),
            None => asm!(self, str W(host), [x19, offset(reg)]),
        }
    }

    /// `to` becomes `from` plus `value`.
    fn add(&mut self, to: u8, from: u8, value: u32) {
        match (value, value.wrapping_neg()) {
            (value @ 0..4096, _) => asm!(self, add WSP(to), WSP(from), value),
            (_, value @ 0..4096) => asm!(self, sub WSP(to), WSP(from), value),
            _ => {
                self.immediate(8, value);
                asm!(self, add W(to), W(from), w8);
            }
        }
    }

    fn alu_immediate(&mut self, alu: Alu, to: u8, from: u8, value: u32) {
        let encodable = encode_logical_immediate_32bit(value).is_some();
        match alu {
            Alu::Add => return self.add(to, from, value),
            Alu::ShiftLeft => return asm!(self, lsl W(to), W(from), value & 31),
            Alu::ShiftRight => return asm!(self, lsr W(to), W(from), value & 31),
            Alu::ShiftRightArithmetic => return asm!(self, asr W(to), W(from), value & 31),
            Alu::And if encodable => return asm!(self, and WSP(to), W(from), value),
            Alu::Or if encodable => return asm!(self, orr WSP(to), W(from), value),
            Alu::Xor if encodable => return asm!(self, eor WSP(to), W(from), value),
            _ => {}
        }
        self.immediate(8, value);
        self.alu_register(alu, to, from, 8);
    }

    fn alu_register(&mut self, alu: Alu, to: u8, first: u8, second: u8) {
        match alu {
            Alu::Add => asm!(self, add W(to), W(first), W(second)),
            Alu::Sub => asm!(self, sub W(to), W(first), W(second)),
            Alu::And => asm!(self, and W(to), W(first), W(second)),
            Alu::Or => asm!(self, orr W(to), W(first), W(second)),
            Alu::Xor => asm!(self, eor W(to), W(first), W(second)),
            // Counts are taken modulo 32 here as by RISC-V.
            Alu::ShiftLeft => asm!(self, lsl W(to), W(first), W(second)),
            Alu::ShiftRight => asm!(self, lsr W(to), W(first), W(second)),
            Alu::ShiftRightArithmetic => asm!(self, asr W(to), W(first), W(second)),
            Alu::LessSigned => asm!(self, cmp W(first), W(second); cset W(to), lt),
            Alu::LessUnsigned => asm!(self, cmp W(first), W(second); cset W(to), lo),
        }
    }

    /// Loads from `[base + index]` into the register's home.
    fn load_from(&mut self, access: &MemoryAccess, base: u8, index: u8) {
        if access.register == Reg::X0 {
            return;
        }
        let host = Self::result(access.register);
        match (access.width, access.signed) {
            (Width::Byte, true) => asm!(self, ldrsb W(host), [X(base), X(index)]),
            (Width::Byte, false) => asm!(self, ldrb W(host), [X(base), X(index)]),
            (Width::Half, true) => asm!(self, ldrsh W(host), [X(base), X(index)]),
            (Width::Half, false) => asm!(self, ldrh W(host), [X(base), X(index)]),
            (Width::Word, _) => asm!(self, ldr W(host), [X(base), X(index)]),
        }
        self.put(access.register, host);
    }

    /// Aligned, and nothing is to be kept in mind about the granule.
    fn store(&mut self, access: &MemoryAccess, elsewhere: DynamicLabel) {
        let low = access.width.bytes() as u32 - 1;
        if low > 0 {
            asm!(self, tst w0, low; b.ne =>elsewhere);
        }
        asm!(self, lsr w4, w0, 8; ldrb w4, [x13, x4]; cmp w4, 1; b.ne =>elsewhere);
        let host = self.get(access.register, 3);
        match access.width {
            Width::Byte => asm!(self, strb W(host), [x14, x0]),
            Width::Half => asm!(self, strh W(host), [x14, x0]),
            Width::Word => asm!(self, str W(host), [x14, x0]),
        }
    }

    fn things_elsewhere(&mut self) {
        for Elsewhere { what, begins, back } in std::mem::take(&mut self.elsewhere) {
            asm!(self, =>begins);
            let (word, pc) = match &what {
                What::Access(access) => {
                    asm!(self, add w0, w0, w11);
                    if !access.store {
                        self.load_from_flash(access, back);
                    }
                    (Call::access(access).to_word(), access.site.pc)
                }
                What::Fetch(fetch) => {
                    self.immediate(0, fetch.site.pc);
                    (Call::fetch(fetch).to_word(), fetch.before)
                }
            };
            asm!(self, helper:);
            self.immediate(1, word);
            self.immediate(2, pc);
            asm!(self, ldr x16, [x19, at::CALL as u32]; blr x16; b =>back);
        }
    }

    /// A load from the flash's data window that is aligned and needs nobody's help; else goes on behind it.
    fn load_from_flash(&mut self, access: &MemoryAccess, back: DynamicLabel) {
        const { assert!(FLASH_DATA_BASE & 0xFFFF == 0 && FLASH_WINDOW_SIZE & 0xFFFF == 0) };
        asm!(self, movz w4, FLASH_DATA_BASE >> 16, lsl 16; sub w4, w0, w4);
        asm!(self, movz w5, FLASH_WINDOW_SIZE >> 16, lsl 16; cmp w4, w5; b.hs >helper);
        let low = access.width.bytes() as u32 - 1;
        if low > 0 {
            asm!(self, tst w0, low; b.ne >helper);
        }
        asm!(self, lsr w5, w4, 16; add x7, x19, at::FLASH as u32; ldr x7, [x7, x5, lsl 3]; cbz x7, >helper);
        if self.cost.silicon {
            const { assert!(HINTS.is_power_of_two()) };
            asm!(self, lsr w5, w4, FlashCache::LINE_BITS; and w6, w5, HINTS as u32 - 1);
            self.immediate(8, at::HINTS as u32);
            asm!(self, add x8, x19, x8; ldrh w6, [x8, x6, lsl 1]; add x6, x12, x6);
            asm!(self, ldr w8, [x6, FlashCache::LINE as u32]; cmp w8, w5; b.ne >helper);
            self.mark_used(6, access.site.unspent, MARK_DATA);
        }
        asm!(self, and w4, w4, 0xFFFF);
        self.load_from(access, 7, 4);
        asm!(self, b =>back);
    }

    /// w0 becomes where JALR leads.
    fn target_address(&mut self, rs1: Reg, offset: u32) {
        let from = self.get(rs1, 3);
        self.add(0, from, offset);
        asm!(self, and w0, w0, 0xFFFF_FFFE);
    }

    /// Goes on at the address in w0.
    fn jump_to_w0(&mut self) {
        asm!(self, and w4, w0, JUMP_MASK; add x5, x19, at::JUMPS as u32; add x5, x5, x4, lsl 3);
        asm!(self, ldr w4, [x5]; cmp w4, w0; b.ne >unknown; ldr x16, [x5, 8]; br x16);
        asm!(self, unknown:; ldr x16, [x19, at::MISS as u32]; br x16);
    }

    fn repay(&mut self, refund: Refund) {
        match refund.cycles {
            0 => {}
            cycles @ 1.. => asm!(self, add x15, x15, cycles as u32),
            cycles => asm!(self, sub x15, x15, cycles.unsigned_abs()),
        }
        if self.cost.silicon && refund.instructions > 0 {
            asm!(self, add x9, x9, refund.instructions);
        }
    }

    /// Keeps in mind which line the program leaves.
    fn leave_line(&mut self, line: u32) {
        if self.cost.silicon {
            self.immediate(4, line);
            asm!(self, str w4, [x19, at::LINE as u32]);
        }
    }

    /// Uses the line of an address, unless it is not where the hint says.
    fn use_line(&mut self, address: u32, unspent: u32, elsewhere: DynamicLabel) {
        let line = FlashCache::line(address);
        self.immediate(4, at::HINTS as u32 + 2 * (line % HINTS as u32));
        self.immediate(5, line);
        asm!(self, ldrh w4, [x19, x4]; add x4, x12, x4; ldr w6, [x4, FlashCache::LINE as u32]);
        asm!(self, cmp w6, w5; b.ne =>elsewhere);
        self.mark_used(4, unspent, MARK_CODE);
    }

    /// Marks the line in the way at `way` as used now.
    fn mark_used(&mut self, way: u8, unspent: u32, mark: u64) {
        self.immediate(8, 4 * unspent + mark as u32);
        asm!(self, add x5, x17, x15, lsl 2; add x5, x5, x8; str x5, [X(way), FlashCache::USED as u32]);
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
            asm!(self, subs x15, x15, cost.cycles; b.lt =>cycles_taken);
            asm!(self, subs x9, x9, cost.instructions; b.lt =>out);
        } else {
            asm!(self, subs x15, x15, cost.cycles; b.lt =>out);
        }
    }

    fn jump(&mut self, head: DynamicLabel, line: u32) {
        self.leave_line(line);
        asm!(self, b =>head);
    }

    fn fetch(&mut self, fetch: &Fetch) {
        let (begins, back) = (self.label(), self.label());
        let Fetch { first, enters, site, .. } = *fetch;
        let last = site.pc.wrapping_add(site.length - 1);
        if first {
            self.immediate(5, line_of(site.pc));
            asm!(self, ldr w4, [x19, at::LINE as u32]; cmp w4, w5; b.eq >same);
        }
        if first || enters {
            self.use_line(site.pc, site.unspent, begins);
        }
        asm!(self, same:);
        if line_of(last) != line_of(site.pc) {
            self.use_line(last, site.unspent, begins);
        }
        asm!(self, =>back);
        self.elsewhere.push(Elsewhere { what: What::Fetch(*fetch), begins, back });
    }

    fn constant(&mut self, rd: Reg, value: u32) {
        let host = Self::result(rd);
        self.immediate(host, value);
        self.put(rd, host);
    }

    fn copy(&mut self, rd: Reg, rs: Reg) {
        let from = self.get(rs, 3);
        self.put(rd, from);
    }

    fn alu(&mut self, alu: Alu, rd: Reg, rs1: Reg, operand: Operand) {
        let (to, first) = (Self::result(rd), self.get(rs1, 3));
        match operand {
            Operand::Immediate(value) => self.alu_immediate(alu, to, first, value),
            Operand::Register(rs2) => {
                let second = self.get(rs2, 4);
                self.alu_register(alu, to, first, second);
            }
        }
        self.put(rd, to);
    }

    fn mul_div(&mut self, operation: MulDiv, rd: Reg, rs1: Reg, rs2: Reg) {
        let (to, first, second) = (Self::result(rd), self.get(rs1, 3), self.get(rs2, 4));
        match operation {
            MulDiv::Mul => asm!(self, mul W(to), W(first), W(second)),
            MulDiv::MulHighSigned => asm!(self, smull x5, W(first), W(second); lsr X(to), x5, 32),
            MulDiv::MulHighUnsigned => asm!(self, umull x5, W(first), W(second); lsr X(to), x5, 32),
            MulDiv::MulHighSignedUnsigned => {
                asm!(self, sxtw x5, W(first); mov w6, W(second); mul x5, x5, x6; lsr X(to), x5, 32);
            }
            // Division by zero gives 0 here and all ones there.
            MulDiv::DivSigned => {
                asm!(self, sdiv w5, W(first), W(second); cmp W(second), wzr; csinv W(to), w5, wzr, ne);
            }
            MulDiv::DivUnsigned => {
                asm!(self, udiv w5, W(first), W(second); cmp W(second), wzr; csinv W(to), w5, wzr, ne);
            }
            // And that 0 makes the remainder the dividend, as it should be.
            MulDiv::RemSigned => asm!(self, sdiv w5, W(first), W(second); msub W(to), w5, W(second), W(first)),
            MulDiv::RemUnsigned => asm!(self, udiv w5, W(first), W(second); msub W(to), w5, W(second), W(first)),
        }
        self.put(rd, to);
    }

    fn branch(&mut self, condition: Condition, rs1: Reg, rs2: Reg, taken: DynamicLabel) {
        let (first, second) = (self.get(rs1, 3), self.get(rs2, 4));
        asm!(self, cmp W(first), W(second));
        match condition {
            Condition::Equal => asm!(self, b.eq =>taken),
            Condition::NotEqual => asm!(self, b.ne =>taken),
            Condition::LessSigned => asm!(self, b.lt =>taken),
            Condition::NotLessSigned => asm!(self, b.ge =>taken),
            Condition::LessUnsigned => asm!(self, b.lo =>taken),
            Condition::NotLessUnsigned => asm!(self, b.hs =>taken),
        }
    }

    fn access(&mut self, access: &MemoryAccess) {
        let (begins, back) = (self.label(), self.label());
        let base = self.get(access.base, 3);
        asm!(self, sub w0, W(base), w11);
        if access.offset != 0 {
            self.add(0, 0, access.offset);
        }
        // The access is bounded here, whatever is known about its address.
        asm!(self, cmp w0, w10; b.hi =>begins);
        if access.store {
            self.store(access, begins);
        } else {
            self.load_from(access, 14, 0);
        }
        asm!(self, =>back);
        self.elsewhere.push(Elsewhere { what: What::Access(*access), begins, back });
    }

    fn access_csr(&mut self, rd: Reg, access: CsrAccess, site: Site) {
        self.immediate(0, access.to_word());
        self.immediate(1, Call::csr(rd, site).to_word());
        self.immediate(2, site.pc);
        asm!(self, ldr x16, [x19, at::CALL as u32]; blr x16);
    }

    fn expect(&mut self, rs1: Reg, offset: u32, link: Option<(Reg, u32)>, expected: u32, other: DynamicLabel) {
        self.target_address(rs1, offset);
        if let Some((rd, value)) = link {
            self.constant(rd, value);
        }
        self.immediate(4, expected);
        asm!(self, cmp w0, w4; b.ne =>other);
    }

    fn jump_register(&mut self, rs1: Reg, offset: u32, link: Option<(Reg, u32)>, line: u32) {
        self.target_address(rs1, offset);
        if let Some((rd, value)) = link {
            self.constant(rd, value);
        }
        self.leave_line(line);
        self.jump_to_w0();
    }

    fn leave(&mut self, exit: SideExit) {
        match exit {
            SideExit::Budget { pc } => {
                if let Some(cycles_taken) = self.cycles_taken {
                    asm!(self, add x9, x9, self.cost.instructions; =>cycles_taken);
                }
                asm!(self, add x15, x15, self.cost.cycles);
                self.immediate(0, pc);
                asm!(self, ldr x16, [x19, at::BUDGET_OUT as u32]; br x16);
            }
            SideExit::Link { pc, slot, refund, line } => {
                self.repay(refund);
                self.leave_line(line);
                self.immediate(0, pc);
                self.immediate(4, at::SLOTS as u32 + 8 * slot);
                asm!(self, ldr x16, [x19, x4]; br x16);
            }
            SideExit::Register { refund, line } => {
                self.repay(refund);
                self.leave_line(line);
                self.jump_to_w0();
            }
            SideExit::Loaded { pc, register, line } => {
                self.leave_line(line);
                self.immediate(4, register as u32);
                asm!(self, str w4, [x19, at::PENDING as u32]);
                self.immediate(0, pc);
                asm!(self, ldr x16, [x19, at::MISS as u32]; br x16);
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

#[cfg(test)]
mod tests;

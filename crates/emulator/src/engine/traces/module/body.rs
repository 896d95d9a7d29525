//! The back end for WebAssembly, its inner half: what each word becomes.
//!
//! A guest register is a local from its first use in the trace on. What was written is stored in the context before anybody
//! could look there: where the trace may be left or the helper called. It stays in its local as well, so that a call changes
//! only the register that is loaded.

use wasm_encoder::{BlockType, Function, InstructionSink, MemArg, MemArgTarget, ValType};

use super::super::state::{HINTS, Left, MARK_CODE};
use super::super::target::{Alu, Call, Condition, Cost, Fetch, MemoryAccess, MulDiv, Operand, Refund, SideExit, Site};
use super::common;
use super::context::{NO_TRACE, at};
use super::emitter::{Label, Word, bit};
use crate::bus::Width;
use crate::cpu::Reg;
use crate::cpu::timing::line_of;
use crate::memory::{DRAM_BASE, DRAM_SIZE, FlashCache, GRANULE};

/// The context, a parameter of every function.
pub(super) const CONTEXT: u32 = 0;
/// What of the context every access needs: the first byte of SRAM on the data bus, its flags, the cache's ways.
const RAM: u32 = 1;
const FLAGS: u32 = 2;
const WAYS: u32 = 3;
/// The address of an access less [`DRAM_BASE`], or where JALR leads.
const ADDRESS: u32 = 4;
const SCRATCH: u32 = 5;
/// From here on guest registers have their locals, x0 none.
const REGISTERS: u32 = 6;
/// What is left of the budget.
const BUDGET: u32 = REGISTERS + 31;

/// Both counts of a budget, see [`Context::left`](super::context::Context::left), are negative nowhere.
const NEITHER_NEGATIVE: i64 = (1 << 31) | i64::MIN;
/// There is no slot for an address at which no trace begins.
pub(super) const NO_SLOT: u32 = u32::MAX;

/// The instruction's offset, and its alignment as a power of two.
pub(super) const fn place(offset: u64, align: u32) -> MemArg {
    MemArg { offset, align, target: MemArgTarget::Memory(0), ordering: None }
}

/// A word of the context.
pub(super) const fn word_at(offset: u64) -> MemArg {
    place(offset, 2)
}

/// A word of 64 bits of the context.
pub(super) const fn long_at(offset: u64) -> MemArg {
    place(offset, 3)
}

/// The registers of a set with a bit for each.
fn registers(set: u32) -> impl Iterator<Item = usize> {
    (1..32).filter(move |reg| set >> reg & 1 != 0)
}

/// The local of a register.
fn local_of(reg: usize) -> u32 {
    REGISTERS + reg as u32 - 1
}

fn register_at(reg: usize) -> MemArg {
    word_at(at::X + 4 * reg as u64)
}

/// Loads from the address on the stack.
pub(super) fn load(sink: &mut InstructionSink<'_>, width: Width, signed: bool) {
    match (width, signed) {
        (Width::Byte, true) => sink.i32_load8_s(place(0, 0)),
        (Width::Byte, false) => sink.i32_load8_u(place(0, 0)),
        (Width::Half, true) => sink.i32_load16_s(place(0, 0)),
        (Width::Half, false) => sink.i32_load16_u(place(0, 0)),
        (Width::Word, _) => sink.i32_load(place(0, 0)),
    };
}

/// Goes on at the address in the local `pc`; `entry` is lost.
pub(super) fn jump_to(sink: &mut InstructionSink<'_>, pc: u32, entry: u32) {
    sink.local_get(CONTEXT).local_get(pc).i32_store(word_at(at::PC));
    sink.local_get(pc).i32_const(at::JUMP_MASK as i32).i32_and().i32_const(at::JUMP_SHIFT as i32).i32_shl();
    sink.local_get(CONTEXT).i32_add().local_tee(entry).i32_load(word_at(at::JUMP_PC)).local_get(pc).i32_eq();
    sink.if_(BlockType::Empty).local_get(entry).i32_load(word_at(at::JUMP_TRACE)).return_().end();
    sink.i32_const(NO_TRACE as i32).return_();
}

/// Both counts of a budget in one number.
fn packed(cycles: i32, instructions: u32) -> i64 {
    (i64::from(cycles) << 32) + i64::from(instructions)
}

/// Marks the line in the way at the local `way` as used now: `later` pushes 4 times the cycles that had not passed when the
/// budget was counted, with the mark added.
pub(super) fn mark_used(sink: &mut InstructionSink<'_>, way: u32, later: impl FnOnce(&mut InstructionSink<'_>)) {
    // The cycles that are left stand from bit 32 on.
    sink.local_get(way)
        .local_get(CONTEXT)
        .i64_load(long_at(at::LEFT))
        .i64_const(30)
        .i64_shr_s()
        .i64_const(-4)
        .i64_and();
    sink.local_get(CONTEXT).i64_load(long_at(at::EPOCH)).i64_add();
    later(sink);
    sink.i64_add().i64_store(long_at(FlashCache::USED as u64));
}

/// A function that is being put together.
pub(super) struct Body {
    function: Function,
    /// Registers whose locals hold what they hold, and of these the ones whose place in the context does not.
    held: u32,
    dirty: u32,
    /// Labels behind the path, the outermost first.
    exits: Vec<Label>,
    /// The path leads back to its head.
    loops: bool,
}

impl Body {
    /// A function with these exits. A loop to the head begins with the registers that it reads before it writes them.
    pub(super) fn begin(exits: Vec<Label>, read_by_loop: Option<u32>) -> Self {
        let function = Function::new([(BUDGET - RAM, ValType::I32), (1, ValType::I64)]);
        let mut body = Self { function, held: 0, dirty: 0, exits, loops: read_by_loop.is_some() };
        for _ in 0..=body.exits.len() {
            body.sink().block(BlockType::Empty);
        }
        for (local, offset) in [(RAM, at::RAM), (FLAGS, at::FLAGS), (WAYS, at::WAYS)] {
            body.sink().local_get(CONTEXT).i32_load(word_at(offset)).local_set(local);
        }
        if let Some(read) = read_by_loop {
            for reg in registers(read) {
                body.sink().local_get(CONTEXT).i32_load(register_at(reg)).local_set(local_of(reg));
            }
            body.held = read;
            body.sink().loop_(BlockType::Empty);
        }
        body
    }

    /// The path ends here; it has left the trace. Who comes here has gone by the helper.
    pub(super) fn end_path(&mut self) {
        if self.loops {
            self.sink().end();
        }
        self.sink().unreachable().end().i32_const(NO_TRACE as i32).return_();
    }

    /// The innermost exit that is not bound yet stands here. Whoever comes has stored everything.
    pub(super) fn bind_exit(&mut self) {
        self.dirty = 0;
        self.sink().end();
    }

    /// Ends the function behind its last exit, which leaves.
    pub(super) fn end(mut self) -> Function {
        self.sink().end();
        self.function
    }

    /// Encodes one word of the path, or how an exit leaves.
    pub(super) fn word(&mut self, word: &Word) {
        match *word {
            Word::Bind(_) => {}
            Word::Head { cost, out } => self.head(cost, out),
            Word::Jump { line } => {
                self.store_dirty();
                self.put(at::LINE, line);
                self.sink().br(0);
            }
            Word::Fetch(ref fetch) => self.fetch(fetch),
            Word::Constant { rd, value } => {
                self.sink().i32_const(value as i32);
                self.set(rd);
            }
            Word::Copy { rd, rs } => {
                self.get(rs);
                self.set(rd);
            }
            Word::Alu { alu, rd, rs1, operand } => self.alu(alu, rd, rs1, operand),
            Word::MulDiv { operation, rd, rs1, rs2 } => self.mul_div(operation, rd, rs1, rs2),
            Word::Branch { condition, rs1, rs2, taken } => {
                self.store_dirty();
                self.condition(condition, rs1, rs2);
                self.exit_if(taken);
            }
            Word::Access(ref access) if access.store => self.store(access),
            Word::Access(ref access) => self.load(access),
            Word::AccessCsr { rd, access, site } => {
                self.store_dirty();
                let call = Call::csr(rd, site).to_word();
                self.sink().local_get(CONTEXT).i32_const(access.to_word() as i32);
                self.sink().i32_const(call as i32).i32_const(site.pc as i32).call(common::HELP);
                self.gone_if(0);
                self.held &= !bit(rd);
            }
            Word::Expect { rs1, offset, link, expected, other } => {
                self.target_address(rs1, offset);
                self.link(link);
                self.store_dirty();
                self.sink().local_get(ADDRESS).i32_const(expected as i32).i32_ne();
                self.exit_if(other);
            }
            Word::JumpRegister { rs1, offset, link, line } => {
                self.target_address(rs1, offset);
                self.link(link);
                self.store_dirty();
                self.put(at::LINE, line);
                jump_to(&mut self.sink(), ADDRESS, SCRATCH);
            }
            Word::Leave(exit) => {
                self.store_dirty();
                self.leave(exit);
            }
        }
    }

    fn sink(&mut self) -> InstructionSink<'_> {
        self.function.instructions()
    }

    /// Pushes what a register holds.
    fn get(&mut self, reg: Reg) {
        if reg == Reg::X0 {
            self.sink().i32_const(0);
            return;
        }
        let local = local_of(reg as usize);
        if self.held & bit(reg) != 0 {
            self.sink().local_get(local);
        } else {
            self.sink().local_get(CONTEXT).i32_load(register_at(reg as usize)).local_tee(local);
            self.held |= bit(reg);
        }
    }

    /// Lets the register's local hold what it holds, before ways part of which only one would read it.
    fn hold(&mut self, reg: Reg) {
        if reg != Reg::X0 && self.held & bit(reg) == 0 {
            self.get(reg);
            self.sink().drop();
        }
    }

    /// Pops what a register, which is not x0, becomes.
    fn set(&mut self, reg: Reg) {
        self.sink().local_set(local_of(reg as usize));
        self.held |= bit(reg);
        self.dirty |= bit(reg);
    }

    /// Stores what was written in the context.
    fn store_dirty(&mut self) {
        let dirty = std::mem::take(&mut self.dirty);
        for reg in registers(dirty) {
            self.sink().local_get(CONTEXT).local_get(local_of(reg)).i32_store(register_at(reg));
        }
    }

    /// Puts a constant into the context.
    fn put(&mut self, offset: u64, value: u32) {
        self.sink().local_get(CONTEXT).i32_const(value as i32).i32_store(word_at(offset));
    }

    /// Goes to an exit if what is on the stack is not 0. Everything is stored.
    fn exit_if(&mut self, label: Label) {
        let inner = self.exits.iter().rev().position(|&exit| exit == label).unwrap_or_default();
        // The exit of those who have gone is within all others.
        let depth = inner as u32 + 1 + u32::from(self.loops);
        self.sink().br_if(depth);
    }

    /// Leaves if the helper's answer, which is on the stack, says so. `within` blocks were begun on the path.
    fn gone_if(&mut self, within: u32) {
        let depth = u32::from(self.loops) + within;
        self.sink().br_if(depth);
    }

    fn head(&mut self, cost: Cost, out: Label) {
        // What is lacking is not taken, so that nothing has to be given back.
        self.sink().local_get(CONTEXT).i64_load(long_at(at::LEFT));
        self.sink().i64_const(packed(cost.cycles as i32, cost.instructions)).i64_sub().local_tee(BUDGET);
        self.sink().i64_const(NEITHER_NEGATIVE).i64_and().i64_const(0).i64_ne();
        self.exit_if(out);
        self.sink().local_get(CONTEXT).local_get(BUDGET).i64_store(long_at(at::LEFT));
    }

    fn alu(&mut self, alu: Alu, rd: Reg, rs1: Reg, operand: Operand) {
        self.get(rs1);
        match operand {
            Operand::Register(rs2) => self.get(rs2),
            Operand::Immediate(value) => {
                self.sink().i32_const(value as i32);
            }
        }
        // Counts of shifts are taken modulo 32 by WebAssembly as by RISC-V.
        match alu {
            Alu::Add => self.sink().i32_add(),
            Alu::Sub => self.sink().i32_sub(),
            Alu::And => self.sink().i32_and(),
            Alu::Or => self.sink().i32_or(),
            Alu::Xor => self.sink().i32_xor(),
            Alu::ShiftLeft => self.sink().i32_shl(),
            Alu::ShiftRight => self.sink().i32_shr_u(),
            Alu::ShiftRightArithmetic => self.sink().i32_shr_s(),
            Alu::LessSigned => self.sink().i32_lt_s(),
            Alu::LessUnsigned => self.sink().i32_lt_u(),
        };
        self.set(rd);
    }

    fn condition(&mut self, condition: Condition, rs1: Reg, rs2: Reg) {
        self.get(rs1);
        self.get(rs2);
        match condition {
            Condition::Equal => self.sink().i32_eq(),
            Condition::NotEqual => self.sink().i32_ne(),
            Condition::LessSigned => self.sink().i32_lt_s(),
            Condition::NotLessSigned => self.sink().i32_ge_s(),
            Condition::LessUnsigned => self.sink().i32_lt_u(),
            Condition::NotLessUnsigned => self.sink().i32_ge_u(),
        };
    }

    /// Pushes a register as 64 bits.
    fn get_long(&mut self, reg: Reg, signed: bool) {
        self.get(reg);
        if signed {
            self.sink().i64_extend_i32_s();
        } else {
            self.sink().i64_extend_i32_u();
        }
    }

    fn mul_div(&mut self, operation: MulDiv, rd: Reg, rs1: Reg, rs2: Reg) {
        use MulDiv::{DivSigned, DivUnsigned, MulHighSigned, MulHighSignedUnsigned, RemSigned};
        let signed = matches!(operation, MulHighSigned | MulHighSignedUnsigned | DivSigned | RemSigned);
        match operation {
            MulDiv::Mul => {
                self.get(rs1);
                self.get(rs2);
                self.sink().i32_mul();
            }
            MulHighSigned | MulHighSignedUnsigned | MulDiv::MulHighUnsigned => {
                self.get_long(rs1, signed);
                self.get_long(rs2, operation == MulHighSigned);
                self.sink().i64_mul().i64_const(32).i64_shr_u().i32_wrap_i64();
            }
            DivSigned | DivUnsigned | RemSigned | MulDiv::RemUnsigned => {
                self.hold(rs1);
                self.get(rs2);
                self.sink().i32_eqz().if_(BlockType::Result(ValType::I32));
                if matches!(operation, DivSigned | DivUnsigned) {
                    self.sink().i32_const(-1);
                } else {
                    self.get(rs1);
                }
                self.sink().else_();
                // In 64 bits -2^31 / -1 does not overflow, and its lower half is what RISC-V asks for.
                self.get_long(rs1, signed);
                self.get_long(rs2, signed);
                match operation {
                    DivSigned => self.sink().i64_div_s(),
                    DivUnsigned => self.sink().i64_div_u(),
                    RemSigned => self.sink().i64_rem_s(),
                    _ => self.sink().i64_rem_u(),
                };
                self.sink().i32_wrap_i64().end();
            }
        }
        self.set(rd);
    }

    /// The local `ADDRESS` becomes an access's address less [`DRAM_BASE`].
    fn address(&mut self, access: &MemoryAccess) {
        self.get(access.base);
        self.sink().i32_const(access.offset.wrapping_sub(DRAM_BASE) as i32).i32_add().local_set(ADDRESS);
    }

    /// Has the helper carry out the access at the local `ADDRESS`.
    fn help(&mut self, access: &MemoryAccess, within: u32) {
        let call = Call::access(access).to_word();
        self.sink().local_get(CONTEXT).local_get(ADDRESS).i32_const(DRAM_BASE as i32).i32_add();
        self.sink().i32_const(call as i32).i32_const(access.site.pc as i32).call(common::HELP);
        self.gone_if(within);
    }

    fn load(&mut self, access: &MemoryAccess) {
        let &MemoryAccess { width, signed, register, site, .. } = access;
        self.store_dirty();
        self.address(access);
        // The access is bounded here, whatever is known about its address.
        self.sink().local_get(ADDRESS).i32_const((DRAM_SIZE - width.bytes()) as i32).i32_gt_u();
        if register == Reg::X0 {
            self.sink().if_(BlockType::Empty);
            self.help(access, 1);
            self.sink().end();
            return;
        }
        let call = Call::access(access).to_word();
        self.sink().if_(BlockType::Result(ValType::I32)).local_get(CONTEXT).local_get(ADDRESS);
        self.sink().i32_const(call as i32).i32_const(site.pc as i32).call(common::load_elsewhere(width, signed));
        self.gone_if(1);
        self.sink().else_().local_get(RAM).local_get(ADDRESS).i32_add();
        load(&mut self.sink(), width, signed);
        self.sink().end();
        self.set(register);
    }

    /// Aligned, inside SRAM on the data bus, and nothing is to be kept in mind about the granule; else the helper does it.
    fn store(&mut self, access: &MemoryAccess) {
        let &MemoryAccess { width, register, .. } = access;
        self.store_dirty();
        self.hold(register);
        self.address(access);
        self.sink().block(BlockType::Empty).block(BlockType::Empty).local_get(ADDRESS);
        if width != Width::Byte {
            // Bits that a misaligned address has below move to the top, where the comparison finds them.
            self.sink().i32_const(width.bytes().trailing_zeros() as i32).i32_rotr();
        }
        self.sink().i32_const((DRAM_SIZE / width.bytes()) as i32).i32_ge_u().br_if(0);
        self.sink().local_get(FLAGS).local_get(ADDRESS).i32_const(GRANULE.trailing_zeros() as i32).i32_shr_u();
        self.sink().i32_add().i32_load8_u(place(0, 0)).i32_const(1).i32_ne().br_if(0);
        self.sink().local_get(RAM).local_get(ADDRESS).i32_add();
        self.get(register);
        match width {
            Width::Byte => self.sink().i32_store8(place(0, 0)),
            Width::Half => self.sink().i32_store16(place(0, 0)),
            Width::Word => self.sink().i32_store(place(0, 0)),
        };
        self.sink().br(1).end();
        self.help(access, 1);
        self.sink().end();
    }

    /// Uses the lines of an instruction that are where the hints say; else looks them up.
    fn fetch(&mut self, fetch: &Fetch) {
        let Fetch { first, enters, site, before, .. } = *fetch;
        let last = site.pc.wrapping_add(site.length - 1);
        let crosses = line_of(last) != line_of(site.pc);
        self.store_dirty();
        self.sink().block(BlockType::Empty).block(BlockType::Empty);
        if first {
            // It enters its line unless the program was there.
            self.sink().local_get(CONTEXT).i32_load(word_at(at::LINE)).i32_const(line_of(site.pc) as i32);
        }
        match (first, crosses) {
            (true, false) => {
                self.sink().i32_eq().br_if(1);
                self.use_line(site, site.pc, 0);
            }
            (true, true) => {
                self.sink().i32_ne().if_(BlockType::Empty);
                self.use_line(site, site.pc, 1);
                self.sink().end();
            }
            (false, _) if enters => self.use_line(site, site.pc, 0),
            (false, _) => {}
        }
        if crosses {
            self.use_line(site, last, 0);
        }
        let call = Call::fetch(fetch).to_word();
        self.sink().br(1).end().local_get(CONTEXT).i32_const(site.pc as i32).i32_const(call as i32);
        self.sink().i32_const(site.pc.wrapping_sub(before) as i32).call(common::FETCH);
        self.gone_if(1);
        self.sink().end();
    }

    /// Uses the line of an address, or leaves the block that is the innermost but so many if it is not where its hint says.
    fn use_line(&mut self, site: Site, address: u32, within: u32) {
        let line = FlashCache::line(address);
        let hint = at::HINTS + 2 * u64::from(line % HINTS as u32);
        self.sink().local_get(CONTEXT).i32_load16_u(place(hint, 1)).local_get(WAYS).i32_add().local_tee(SCRATCH);
        self.sink().i32_load(word_at(FlashCache::LINE as u64)).i32_const(line as i32).i32_ne().br_if(within);
        mark_used(&mut self.sink(), SCRATCH, |sink| {
            sink.i64_const((4 * u64::from(site.unspent) + MARK_CODE).cast_signed());
        });
    }

    /// The local `ADDRESS` becomes where JALR leads.
    fn target_address(&mut self, rs1: Reg, offset: u32) {
        self.get(rs1);
        if offset != 0 {
            self.sink().i32_const(offset as i32).i32_add();
        }
        self.sink().i32_const(-2).i32_and().local_set(ADDRESS);
    }

    /// The register becomes what JALR links to.
    fn link(&mut self, link: Option<(Reg, u32)>) {
        if let Some((rd, value)) = link {
            self.sink().i32_const(value as i32);
            self.set(rd);
        }
    }

    fn repay(&mut self, refund: Refund) {
        let refund = packed(refund.cycles, refund.instructions);
        if refund != 0 {
            self.sink().local_get(CONTEXT).local_get(CONTEXT).i64_load(long_at(at::LEFT));
            self.sink().i64_const(refund).i64_add().i64_store(long_at(at::LEFT));
        }
    }

    fn leave(&mut self, exit: SideExit) {
        match exit {
            SideExit::Budget { pc } => {
                self.put(at::PC, pc);
                self.put(at::EXIT, Left::Budget as u32);
                self.sink().i32_const(NO_TRACE as i32).return_();
            }
            SideExit::Link { pc, slot, refund, line } => {
                self.repay(refund);
                self.put(at::LINE, line);
                self.put(at::PC, pc);
                if slot == NO_SLOT {
                    self.sink().i32_const(NO_TRACE as i32).return_();
                } else {
                    self.sink().local_get(CONTEXT).i32_load(word_at(at::SLOTS + 4 * u64::from(slot))).return_();
                }
            }
            SideExit::Register { refund, line } => {
                self.repay(refund);
                self.put(at::LINE, line);
                self.sink().local_get(CONTEXT).local_get(ADDRESS).call(common::JUMP).return_();
            }
            SideExit::Loaded { pc, register, line } => {
                self.put(at::LINE, line);
                self.put(at::PENDING, register as u32);
                self.put(at::PC, pc);
                self.sink().i32_const(NO_TRACE as i32).return_();
            }
        }
    }
}

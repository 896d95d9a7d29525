//! The front: what each operation of a path means, and what it costs, said in a back end's words.

use super::path::{Path, Step, csr_access};
use super::target::{Alu, Condition, Cost, Fetch, MemoryAccess, MulDiv, Operand, Refund, SideExit, Site, Target};
use crate::bus::Width;
use crate::cpu::timing::{self, Timing};
use crate::cpu::{Op, Reg};

/// What one step of a path costs, in cycles.
#[derive(Clone, Copy, Debug)]
struct StepCost {
    /// From the trace's beginning to the boundary before the step.
    begins: u32,
    /// What it waits for the step before.
    hazard: u32,
    /// What it takes on the way that was foreseen.
    cycles: u32,
    /// What it takes if it leaves that way.
    leaving: u32,
}

/// Emits the trace of a path that is not empty. `slot` gives the slot of an address in the table of links.
pub(super) fn lower<T: Target>(path: &Path, timing: Timing, target: &mut T, mut slot: impl FnMut(u32) -> u32) {
    let (Some(&Step { pc: start, .. }), Some(&last)) = (path.steps.first(), path.steps.last()) else { return };
    let (costs, total) = costs(path, timing);
    let count = path.steps.len() as u32;
    let silicon = timing == Timing::Silicon;
    let mut exits: Vec<(T::Label, SideExit)> = Vec::new();

    let (head, out) = (target.label(), target.label());
    exits.push((out, SideExit::Budget { pc: start }));
    target.bind(head);
    target.head(Cost { instructions: count, cycles: total, silicon }, out);

    let mut goes_on = true;
    for (index, step) in path.steps.iter().enumerate() {
        let cost = costs[index];
        let unused = count - index as u32;
        let site = |unspent| Site { pc: step.pc, length: step.link.wrapping_sub(step.pc), unused, unspent };
        if silicon && timing::is_flash_code(step.pc) {
            fetch(target, index.checked_sub(1).map(|before| &path.steps[before]), step, site(total - cost.begins));
        }
        let acts = cost.begins + cost.hazard;
        let refund = Refund { instructions: unused - 1, cycles: total as i32 - (acts + cost.leaving) as i32 };
        let line = line_behind(step);
        let following = path.steps.get(index + 1).map(|step| step.pc);
        match step.op {
            Op::Jalr { rd, rs1, imm } => match following {
                Some(expected) => {
                    let other = target.label();
                    exits.push((other, SideExit::Register { refund, line }));
                    target.expect(rs1, imm, (rd != Reg::X0).then_some((rd, step.link)), expected, other);
                }
                None => {
                    target.jump_register(rs1, imm, (rd != Reg::X0).then_some((rd, step.link)), line);
                    goes_on = false;
                }
            },
            op => match condition(op) {
                Some((condition, rs1, rs2, imm)) => {
                    let taken = step.pc.wrapping_add(imm);
                    let foreseen = following.unwrap_or(path.next);
                    let (condition, pc) =
                        if foreseen == step.link { (condition, taken) } else { (condition.inverse(), step.link) };
                    let other = target.label();
                    exits.push((other, SideExit::Link { pc, slot: slot(pc), refund, line }));
                    target.branch(condition, rs1, rs2, other);
                }
                None => match csr_access(op) {
                    Some((rd, access)) => target.access_csr(rd, access, site(total - acts)),
                    None => straight(target, *step, site(total - acts)),
                },
            },
        }
    }
    let line = line_behind(&last);
    let loaded = timing::loaded(last.op);
    if goes_on && silicon && loaded != Reg::X0 {
        target.leave(SideExit::Loaded { pc: path.next, register: loaded, line });
    } else if goes_on && path.next == start {
        target.jump(head, line);
    } else if goes_on {
        let refund = Refund { instructions: 0, cycles: 0 };
        target.leave(SideExit::Link { pc: path.next, slot: slot(path.next), refund, line });
    }
    for (label, exit) in exits {
        target.bind(label);
        target.leave(exit);
    }
}

/// The cost of each step, and of all of them.
fn costs(path: &Path, timing: Timing) -> (Vec<StepCost>, u32) {
    let mut begins = 0;
    let mut pending = Reg::X0;
    let costs = path.steps.iter().enumerate().map(|(index, step)| {
        let cost = match timing {
            Timing::Unit => StepCost { begins, hazard: 0, cycles: 1, leaving: 1 },
            Timing::Silicon => {
                let foreseen = path.steps.get(index + 1).map_or(path.next, |step| step.pc);
                let (staying, jumping) = (timing::cycles(step.op).into(), timing::cycles_jumping(step.op).into());
                let jumps = condition(step.op).is_some() && foreseen != step.link;
                let (cycles, leaving) = if jumps { (jumping, staying) } else { (staying, jumping) };
                StepCost { begins, hazard: timing::hazard(step.op, pending).into(), cycles, leaving }
            }
        };
        begins += cost.hazard + cost.cycles;
        pending = timing::loaded(step.op);
        cost
    });
    let costs: Vec<StepCost> = costs.collect();
    (costs, begins)
}

/// The line of the last byte of a step.
fn line_behind(step: &Step) -> u32 {
    timing::line_of(step.link.wrapping_sub(1))
}

/// Looks up the lines in which a step's code stands, as far as it does not stand in the line of the step before.
fn fetch<T: Target>(target: &mut T, before: Option<&Step>, step: &Step, site: Site) {
    let line = timing::line_of(step.pc);
    let crosses = line != line_behind(step);
    let enters = before.is_none_or(|before| line_behind(before) != line);
    if enters || crosses {
        let pending = before.map_or(Reg::X0, |before| timing::loaded(before.op));
        let before_pc = before.map_or(step.pc, |before| before.link).wrapping_sub(1);
        target.fetch(&Fetch { first: before.is_none(), enters, pending, before: before_pc, site });
    }
}

/// The condition, operands and offset of a branch.
fn condition(op: Op) -> Option<(Condition, Reg, Reg, u32)> {
    Some(match op {
        Op::Beq { rs1, rs2, imm } => (Condition::Equal, rs1, rs2, imm),
        Op::Bne { rs1, rs2, imm } => (Condition::NotEqual, rs1, rs2, imm),
        Op::Blt { rs1, rs2, imm } => (Condition::LessSigned, rs1, rs2, imm),
        Op::Bge { rs1, rs2, imm } => (Condition::NotLessSigned, rs1, rs2, imm),
        Op::Bltu { rs1, rs2, imm } => (Condition::LessUnsigned, rs1, rs2, imm),
        Op::Bgeu { rs1, rs2, imm } => (Condition::NotLessUnsigned, rs1, rs2, imm),
        _ => return None,
    })
}

/// An operation that the next one of the path follows.
#[rustfmt::skip]
fn straight<T: Target>(target: &mut T, step: Step, site: Site) {
    use Operand::{Immediate, Register};
    let Step { pc, link, op } = step;
    match op {
        Op::Lui { rd, imm } => constant(target, rd, imm),
        Op::Auipc { rd, imm } => constant(target, rd, pc.wrapping_add(imm)),
        Op::Jal { rd, .. } => constant(target, rd, link),
        Op::Lb { rd, rs1, imm } => load(target, rd, rs1, imm, Width::Byte, true, site),
        Op::Lh { rd, rs1, imm } => load(target, rd, rs1, imm, Width::Half, true, site),
        Op::Lw { rd, rs1, imm } => load(target, rd, rs1, imm, Width::Word, false, site),
        Op::Lbu { rd, rs1, imm } => load(target, rd, rs1, imm, Width::Byte, false, site),
        Op::Lhu { rd, rs1, imm } => load(target, rd, rs1, imm, Width::Half, false, site),
        Op::Sb { rs1, rs2, imm } => store(target, rs1, rs2, imm, Width::Byte, site),
        Op::Sh { rs1, rs2, imm } => store(target, rs1, rs2, imm, Width::Half, site),
        Op::Sw { rs1, rs2, imm } => store(target, rs1, rs2, imm, Width::Word, site),
        Op::Addi { rd, rs1, imm } => alu(target, Alu::Add, rd, rs1, Immediate(imm)),
        Op::Slti { rd, rs1, imm } => alu(target, Alu::LessSigned, rd, rs1, Immediate(imm)),
        Op::Sltiu { rd, rs1, imm } => alu(target, Alu::LessUnsigned, rd, rs1, Immediate(imm)),
        Op::Xori { rd, rs1, imm } => alu(target, Alu::Xor, rd, rs1, Immediate(imm)),
        Op::Ori { rd, rs1, imm } => alu(target, Alu::Or, rd, rs1, Immediate(imm)),
        Op::Andi { rd, rs1, imm } => alu(target, Alu::And, rd, rs1, Immediate(imm)),
        Op::Slli { rd, rs1, shamt } => alu(target, Alu::ShiftLeft, rd, rs1, Immediate(u32::from(shamt & 31))),
        Op::Srli { rd, rs1, shamt } => alu(target, Alu::ShiftRight, rd, rs1, Immediate(u32::from(shamt & 31))),
        Op::Srai { rd, rs1, shamt } => {
            alu(target, Alu::ShiftRightArithmetic, rd, rs1, Immediate(u32::from(shamt & 31)));
        }
        Op::Add { rd, rs1, rs2 } => alu(target, Alu::Add, rd, rs1, Register(rs2)),
        Op::Sub { rd, rs1, rs2 } => alu(target, Alu::Sub, rd, rs1, Register(rs2)),
        Op::Sll { rd, rs1, rs2 } => alu(target, Alu::ShiftLeft, rd, rs1, Register(rs2)),
        Op::Slt { rd, rs1, rs2 } => alu(target, Alu::LessSigned, rd, rs1, Register(rs2)),
        Op::Sltu { rd, rs1, rs2 } => alu(target, Alu::LessUnsigned, rd, rs1, Register(rs2)),
        Op::Xor { rd, rs1, rs2 } => alu(target, Alu::Xor, rd, rs1, Register(rs2)),
        Op::Srl { rd, rs1, rs2 } => alu(target, Alu::ShiftRight, rd, rs1, Register(rs2)),
        Op::Sra { rd, rs1, rs2 } => alu(target, Alu::ShiftRightArithmetic, rd, rs1, Register(rs2)),
        Op::Or { rd, rs1, rs2 } => alu(target, Alu::Or, rd, rs1, Register(rs2)),
        Op::And { rd, rs1, rs2 } => alu(target, Alu::And, rd, rs1, Register(rs2)),
        Op::Mul { rd, rs1, rs2 } => mul_div(target, MulDiv::Mul, rd, rs1, rs2),
        Op::Mulh { rd, rs1, rs2 } => mul_div(target, MulDiv::MulHighSigned, rd, rs1, rs2),
        Op::Mulhsu { rd, rs1, rs2 } => mul_div(target, MulDiv::MulHighSignedUnsigned, rd, rs1, rs2),
        Op::Mulhu { rd, rs1, rs2 } => mul_div(target, MulDiv::MulHighUnsigned, rd, rs1, rs2),
        Op::Div { rd, rs1, rs2 } => mul_div(target, MulDiv::DivSigned, rd, rs1, rs2),
        Op::Divu { rd, rs1, rs2 } => mul_div(target, MulDiv::DivUnsigned, rd, rs1, rs2),
        Op::Rem { rd, rs1, rs2 } => mul_div(target, MulDiv::RemSigned, rd, rs1, rs2),
        Op::Remu { rd, rs1, rs2 } => mul_div(target, MulDiv::RemUnsigned, rd, rs1, rs2),
        // As in `execute`: one hart in order, and stores are seen by fetches at once.
        Op::Fence | Op::FenceI => {}
        Op::Jalr { .. } | Op::Beq { .. } | Op::Bne { .. } | Op::Blt { .. } | Op::Bge { .. } | Op::Bltu { .. }
        | Op::Bgeu { .. } => unreachable!("`lower` handles what may leave the path"),
        Op::Ecall | Op::Ebreak | Op::Csrrw { .. } | Op::Csrrs { .. } | Op::Csrrc { .. } | Op::Csrrwi { .. }
        | Op::Csrrsi { .. } | Op::Csrrci { .. } | Op::Mret | Op::Wfi | Op::Illegal { .. } => {
            unreachable!("paths end before what needs the privileged part")
        }
    }
}

fn constant<T: Target>(target: &mut T, rd: Reg, value: u32) {
    if rd != Reg::X0 {
        target.constant(rd, value);
    }
}

fn alu<T: Target>(target: &mut T, alu: Alu, rd: Reg, rs1: Reg, operand: Operand) {
    match (alu, operand) {
        // NOP and hints.
        _ if rd == Reg::X0 => {}
        (Alu::Add | Alu::Or | Alu::Xor, Operand::Immediate(imm)) if rs1 == Reg::X0 => target.constant(rd, imm),
        (Alu::Add, Operand::Immediate(0)) => target.copy(rd, rs1),
        (Alu::Add | Alu::Or | Alu::Xor, Operand::Register(rs2)) if rs1 == Reg::X0 => target.copy(rd, rs2),
        (Alu::Add | Alu::Or | Alu::Xor | Alu::Sub, Operand::Register(Reg::X0)) => target.copy(rd, rs1),
        _ => target.alu(alu, rd, rs1, operand),
    }
}

fn mul_div<T: Target>(target: &mut T, operation: MulDiv, rd: Reg, rs1: Reg, rs2: Reg) {
    if rd != Reg::X0 {
        target.mul_div(operation, rd, rs1, rs2);
    }
}

fn load<T: Target>(target: &mut T, rd: Reg, base: Reg, offset: u32, width: Width, signed: bool, site: Site) {
    // A load into x0 is carried out all the same: devices may do something when they are read.
    target.access(&MemoryAccess { store: false, width, signed, register: rd, base, offset, site });
}

fn store<T: Target>(target: &mut T, base: Reg, value: Reg, offset: u32, width: Width, site: Site) {
    target.access(&MemoryAccess { store: true, width, signed: false, register: value, base, offset, site });
}

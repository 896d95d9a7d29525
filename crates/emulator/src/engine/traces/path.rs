//! Discovery: which instructions a trace consists of.
//!
//! A trace is a path through the program, as the block engine's blocks are: it goes on across jumps, calls, returns and branches. Which
//! way those lead is taken from what the program is about to do ([`Guess`]); where that is not known, branches are
//! foreseen to be taken where they lead back, and calls within the path to return.

use super::guess::Guess;
use super::target::{CsrAccess, Operand};
use crate::cpu::csr::{CsrChange, MSTATUS};
use crate::cpu::timing::{self, Timing};
use crate::cpu::{Instruction, Op, Reg, Registers};
use crate::memory::Memory;

/// The longest trace, in instructions.
pub(super) const TRACE_LENGTH: usize = 96;
/// A loop that is at least this long is not unrolled further: the trace jumps back to its head.
const LOOP_LENGTH: usize = 24;

/// One instruction of a path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) pc: u32,
    /// The address behind it.
    pub(super) link: u32,
    pub(super) op: Op,
}

/// What follows a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The path goes on at this address.
    GoesOn(u32),
    /// The program goes on at this address, and the path ends.
    Ends(u32),
    /// Nobody knows, and the path ends.
    Open,
}

impl Way {
    /// The way that the form of an instruction lets foresee.
    pub(super) fn of(by_form: Option<u32>) -> Self {
        by_form.map_or(Self::Open, Self::GoesOn)
    }
}

/// A path through the program.
#[derive(Debug, Default)]
pub(super) struct Path {
    pub(super) steps: Vec<Step>,
    /// What is executed after the last instruction, unless that one jumps to an address in a register.
    pub(super) next: u32,
}

impl Path {
    /// Follows the program from `start`. The path is empty if no trace can begin there: the first
    /// instruction needs the privileged part of the hart, or cannot be fetched.
    pub(super) fn discover(memory: &Memory, x: &Registers, start: u32, breakpoints: &[u32], timing: Timing) -> Self {
        let mut guess = Guess::new(memory, x);
        Self::discover_by(memory, start, breakpoints, timing, &mut |step, by_form| {
            let guessed = guess.follow(step.op, step.pc, step.link).filter(|_| repeats(step.op));
            Way::of(guessed.or(by_form))
        })
    }

    /// The same, where `foresight` chooses the way behind each step. It is told which one the form of the instruction lets
    /// foresee.
    pub(super) fn discover_by(
        memory: &Memory,
        start: u32,
        breakpoints: &[u32],
        timing: Timing,
        foresight: &mut dyn FnMut(&Step, Option<u32>) -> Way,
    ) -> Self {
        let mut path = Self::follow(memory, start, breakpoints, foresight);
        if timing == Timing::Silicon {
            // What follows a load may have to wait for it. That is known within a trace, and links are for what
            // need not wait, so no trace ends with a load if it can be helped.
            while let [_, .., Step { pc, op, .. }] = path.steps[..]
                && timing::loaded(op) != Reg::X0
            {
                path.next = pc;
                path.steps.pop();
            }
        }
        path
    }

    fn follow(
        memory: &Memory,
        start: u32,
        breakpoints: &[u32],
        foresight: &mut dyn FnMut(&Step, Option<u32>) -> Way,
    ) -> Self {
        let mut path = Self { steps: Vec::with_capacity(TRACE_LENGTH), next: start };
        // Where calls within the trace return to.
        let mut returns = Vec::new();
        while path.steps.len() < TRACE_LENGTH {
            let pc = path.next;
            if breakpoints.contains(&pc) || (pc == start && path.steps.len() >= LOOP_LENGTH) {
                break;
            }
            let Ok(Instruction { op, length }) = Instruction::fetch(memory, pc) else { break };
            if op.is_system() && csr_access(op).is_none() {
                break;
            }
            let link = pc.wrapping_add(length);
            let step = Step { pc, link, op };
            path.steps.push(step);
            let by_form = foresee(op, pc, link, &mut returns);
            match foresight(&step, by_form) {
                Way::GoesOn(next) => path.next = next,
                Way::Ends(next) => {
                    path.next = next;
                    break;
                }
                Way::Open => break,
            }
            if let Op::Jalr { rd: Reg::X1, .. } = op {
                returns.push(link);
            }
        }
        path
    }
}

/// The register that is loaded and the access, of an operation that only reads a CSR, which has no side effects, or that
/// writes `mstatus`. Boot is waiting by counters, and programs hold interrupts back in loops, so that these are
/// worth being in traces.
pub(super) fn csr_access(op: Op) -> Option<(Reg, CsrAccess)> {
    let (rd, csr, change, source) = match op {
        Op::Csrrw { rd, rs1, csr } => (rd, csr, CsrChange::Replace, Operand::Register(rs1)),
        Op::Csrrwi { rd, uimm, csr } => (rd, csr, CsrChange::Replace, Operand::Immediate(uimm.into())),
        // The set and clear forms write only if their source is not x0 or 0.
        Op::Csrrs { rd, rs1: Reg::X0, csr }
        | Op::Csrrc { rd, rs1: Reg::X0, csr }
        | Op::Csrrsi { rd, uimm: 0, csr }
        | Op::Csrrci { rd, uimm: 0, csr } => (rd, csr, CsrChange::None, Operand::Immediate(0)),
        Op::Csrrs { rd, rs1, csr } => (rd, csr, CsrChange::Set, Operand::Register(rs1)),
        Op::Csrrc { rd, rs1, csr } => (rd, csr, CsrChange::Clear, Operand::Register(rs1)),
        Op::Csrrsi { rd, uimm, csr } => (rd, csr, CsrChange::Set, Operand::Immediate(uimm.into())),
        Op::Csrrci { rd, uimm, csr } => (rd, csr, CsrChange::Clear, Operand::Immediate(uimm.into())),
        _ => return None,
    };
    (change == CsrChange::None || csr == MSTATUS).then_some((rd, CsrAccess { csr, change, source }))
}

/// Whether an operation most likely leads again where it leads this time: a jump through a table does not.
fn repeats(op: Op) -> bool {
    !matches!(op, Op::Jalr { rd: Reg::X0, rs1, .. } if rs1 != Reg::X1)
}

/// Which address most likely follows; `None` if that cannot be foreseen.
fn foresee(op: Op, pc: u32, link: u32, returns: &mut Vec<u32>) -> Option<u32> {
    match op {
        Op::Jal { rd, imm } => {
            if rd == Reg::X1 {
                returns.push(link);
            }
            Some(pc.wrapping_add(imm))
        }
        Op::Jalr { rd: Reg::X0, rs1: Reg::X1, imm: 0 } => returns.pop(),
        Op::Jalr { .. } => None,
        _ => Some(taken(op, pc).filter(|&taken| leads_back(pc, taken)).unwrap_or(link)),
    }
}

/// Where a branch leads that is taken; `None` for other instructions.
pub(super) fn taken(op: Op, pc: u32) -> Option<u32> {
    match op {
        Op::Beq { imm, .. }
        | Op::Bne { imm, .. }
        | Op::Blt { imm, .. }
        | Op::Bge { imm, .. }
        | Op::Bltu { imm, .. }
        | Op::Bgeu { imm, .. } => Some(pc.wrapping_add(imm)),
        _ => None,
    }
}

fn leads_back(pc: u32, taken: u32) -> bool {
    (taken.wrapping_sub(pc) as i32) < 0
}

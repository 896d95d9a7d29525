//! Decoded blocks and where to find them.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::cpu::execute::Place;
use crate::cpu::timing::{self, Timing};
use crate::cpu::{Instruction, Op, Reg};
use crate::memory::{CodeUnit, Memory};

/// The longest block, in instructions.
const BLOCK_LENGTH: usize = 64;
/// Decoded instructions kept at most; when they are used up, everything is decoded anew.
pub(super) const CAPACITY: usize = 1 << 18;
/// Entries of the table that is looked at first.
const FRONT: usize = 1 << 12;

/// A block: a range of the decoded operations, and what is executed after the last one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BlockRange {
    start: u32,
    end: u32,
    pub(super) next: u32,
}

/// An entry of the front table; odd addresses do not occur, so 1 is no address.
#[derive(Clone, Copy, Debug)]
struct Front {
    pc: u32,
    block: BlockRange,
}

const NO_FRONT: Front = Front { pc: 1, block: BlockRange { start: 0, end: 0, next: 0 } };

/// Where the code of an operation crosses lines of flash, as seen by the operation before it in its
/// block. Nothing is kept in unit time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lines {
    /// How many operations, this one included, are executed before the next line has to be looked up.
    pub(super) run: u8,
    /// Its first byte is in a new line.
    pub(super) enters: bool,
    /// Its last byte is in the line behind that of its first byte.
    pub(super) crosses: bool,
}

/// All decoded blocks.
#[derive(Debug)]
pub(super) struct Cache {
    /// The model of time for which they were decoded.
    timing: Timing,
    ops: Vec<Op>,
    places: Vec<Place>,
    lines: Vec<Lines>,
    by_pc: HashMap<u32, BlockRange, Spread>,
    front: Box<[Front; FRONT]>,
    /// Which blocks (by address) hold code from a unit; may name blocks that are gone.
    by_unit: HashMap<CodeUnit, Vec<u32>, Spread>,
    drops: u64,
}

pub(in crate::engine) type Spread = BuildHasherDefault<SpreadHasher>;

/// Spreads addresses and units over the buckets (Fibonacci hashing). Blocks that a guest has just started
/// are decoded by the ten thousand, and the standard hash took longer than the decoding. A guest that
/// chooses its addresses finds no more than some thousand that share a bucket: it has not enough memory.
#[derive(Debug, Default)]
pub(in crate::engine) struct SpreadHasher(u64);

impl Hasher for SpreadHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(byte.into());
        }
    }

    fn write_u32(&mut self, n: u32) {
        self.write_u64(n.into());
    }

    fn write_u64(&mut self, n: u64) {
        // The buckets are chosen by the lower bits and the tags by the upper ones.
        self.0 = (self.0 ^ n).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32);
    }

    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            timing: Timing::default(),
            ops: Vec::new(),
            places: Vec::new(),
            lines: Vec::new(),
            by_pc: HashMap::default(),
            front: Box::new([NO_FRONT; FRONT]),
            by_unit: HashMap::default(),
            drops: 0,
        }
    }
}

impl Cache {
    pub(super) fn decoded_instructions(&self) -> usize {
        self.ops.len()
    }

    /// The operations of a block and their places.
    #[inline(always)]
    pub(super) fn contents(&self, block: BlockRange) -> (&[Op], &[Place]) {
        let range = block.start as usize..block.end as usize;
        (&self.ops[range.clone()], &self.places[range])
    }

    /// What [`contents`](Self::contents) says, and the lines of flash that hold the operations.
    #[inline(always)]
    pub(super) fn timed_contents(&self, block: BlockRange) -> (&[Op], &[Place], &[Lines]) {
        let range = block.start as usize..block.end as usize;
        (&self.ops[range.clone()], &self.places[range.clone()], &self.lines[range])
    }

    /// Decodes for another model of time from now on.
    pub(super) fn set_timing(&mut self, memory: &mut Memory, timing: Timing) {
        if self.timing != timing {
            self.clear(memory);
            self.timing = timing;
        }
    }

    /// The block that begins at `pc`, decoded now if need be. It is empty if the first instruction
    /// is one that blocks do not contain, or cannot be fetched.
    #[inline(always)]
    pub(super) fn find(&mut self, memory: &mut Memory, pc: u32, breakpoints: &[u32]) -> BlockRange {
        let front = self.front[front_index(pc)];
        if front.pc == pc {
            return front.block;
        }
        self.find_behind(memory, pc, breakpoints)
    }

    #[inline(never)]
    fn find_behind(&mut self, memory: &mut Memory, pc: u32, breakpoints: &[u32]) -> BlockRange {
        let block = match self.by_pc.get(&pc) {
            Some(&block) => block,
            None => {
                if self.ops.len() + BLOCK_LENGTH > CAPACITY || self.by_pc.len() >= CAPACITY {
                    self.clear(memory);
                }
                let block = self.decode(memory, pc, breakpoints);
                self.by_pc.insert(pc, block);
                block
            }
        };
        self.front[front_index(pc)] = Front { pc, block };
        block
    }

    fn decode(&mut self, memory: &mut Memory, start_pc: u32, breakpoints: &[u32]) -> BlockRange {
        let start = self.ops.len();
        let mut pc = start_pc;
        // Where calls within the block return to.
        let mut returns = Vec::new();
        let mut watched = None;
        while self.ops.len() - start < BLOCK_LENGTH {
            if pc != start_pc && breakpoints.contains(&pc) {
                break;
            }
            let Ok(Instruction { op, length }) = Instruction::fetch(memory, pc) else {
                // What cannot be fetched now may be mapped later.
                self.watch(memory, start_pc, pc, 4, &mut watched);
                break;
            };
            // An empty block depends on its first instruction, too.
            self.watch(memory, start_pc, pc, length, &mut watched);
            if op.is_system() {
                break;
            }
            let link = pc.wrapping_add(length);
            let (foreseen, next) = foresee(op, pc, link, &mut returns);
            self.place(start, op, pc, link, foreseen != op);
            self.ops.push(foreseen);
            let Some(next) = next else { break };
            pc = next;
        }
        if self.timing == Timing::Silicon {
            self.find_lines(start);
        }
        BlockRange { start: start as u32, end: self.ops.len() as u32, next: pc }
    }

    /// Notes when and where the next operation of the block that begins at `start` is executed;
    /// `turned`: the block goes on where it jumps to.
    fn place(&mut self, start: usize, op: Op, pc: u32, link: u32, turned: bool) {
        let (cycles, cycles_leaving) = match (self.timing, turned) {
            (Timing::Unit, _) => (1, 1),
            (Timing::Silicon, false) => (timing::cycles(op), timing::cycles_jumping(op)),
            (Timing::Silicon, true) => (timing::cycles_jumping(op), timing::cycles(op)),
        };
        let (begins, hazard) = match self.places[start..].last() {
            None => (0, 0),
            Some(before) => {
                let begins = before.begins + u16::from(before.hazard()) + u16::from(before.cycles());
                let waits = self.timing == Timing::Silicon;
                let pending = if waits { timing::loaded(self.ops[self.ops.len() - 1]) } else { Reg::X0 };
                (begins, timing::hazard(op, pending))
            }
        };
        self.places.push(Place::new(pc, link.wrapping_sub(pc), begins, hazard, cycles, cycles_leaving));
    }

    /// Finds out where the block that begins at `start` enters lines of flash.
    fn find_lines(&mut self, start: usize) {
        let mut line = None;
        for place in &self.places[start..] {
            let (first, last) = (timing::line_of(place.pc), timing::line_of(place.link().wrapping_sub(1)));
            let flash = timing::is_flash_code(place.pc);
            // Whether the first operation enters a line is only known when the block is executed.
            let enters = flash && line.is_some_and(|line| line != first);
            self.lines.push(Lines { run: 0, enters, crosses: flash && first != last });
            line = Some(last);
        }
        let mut run = 0;
        for lines in self.lines[start..].iter_mut().rev() {
            run += 1;
            lines.run = run;
            if lines.enters || lines.crosses {
                run = 0;
            }
        }
    }

    /// Makes the block at `start_pc` depend on the `length` bytes of code at `pc`. `watched` is the unit
    /// that this block was last made to depend on.
    fn watch(&mut self, memory: &mut Memory, start_pc: u32, pc: u32, length: u32, watched: &mut Option<CodeUnit>) {
        for half in (0..length).step_by(2) {
            let address = pc.wrapping_add(half);
            let Some(unit) = memory.code_unit(address) else { continue };
            memory.mark_code(address);
            if *watched == Some(unit) {
                continue;
            }
            *watched = Some(unit);
            let blocks = self.by_unit.entry(unit).or_default();
            if blocks.last() != Some(&start_pc) {
                blocks.push(start_pc);
            }
        }
    }

    /// Drops the blocks whose code was overwritten or mapped away.
    pub(super) fn drop_stale(&mut self, stale: &[CodeUnit]) {
        for unit in stale {
            for pc in self.by_unit.remove(unit).unwrap_or_default() {
                self.by_pc.remove(&pc);
                let front = &mut self.front[front_index(pc)];
                if front.pc == pc {
                    *front = NO_FRONT;
                }
            }
        }
    }

    /// How often everything was dropped.
    #[cfg(traces)]
    pub(super) fn drops(&self) -> u64 {
        self.drops
    }

    /// Drops everything.
    pub(super) fn clear(&mut self, memory: &mut Memory) {
        self.drops += 1;
        self.ops.clear();
        self.places.clear();
        self.lines.clear();
        self.by_pc.clear();
        self.by_unit.clear();
        self.front.fill(NO_FRONT);
        memory.forget_code();
    }
}

/// How an operation is executed in a block, and which address follows in the block; `None` if that
/// cannot be foreseen.
fn foresee(op: Op, pc: u32, link: u32, returns: &mut Vec<u32>) -> (Op, Option<u32>) {
    match op {
        // In a block the address is a constant, and so is what a jump links to.
        Op::Auipc { rd, imm } => (Op::Lui { rd, imm: pc.wrapping_add(imm) }, Some(link)),
        Op::Jal { rd, imm } => {
            if rd == Reg::X1 {
                returns.push(link);
            }
            (Op::Lui { rd, imm: link }, Some(pc.wrapping_add(imm)))
        }
        Op::Jalr { rd: Reg::X0, rs1: Reg::X1, imm: 0 } => (op, returns.pop()),
        Op::Jalr { .. } => (op, None),
        _ => match taken_back(op) {
            // The block goes on at the target, and is left for what is behind the branch.
            Some((inverse, imm)) => (inverse(link.wrapping_sub(pc)), Some(pc.wrapping_add(imm))),
            None => (op, Some(link)),
        },
    }
}

/// For a branch that leads back: the branch with the opposite condition, and the offset.
fn taken_back(op: Op) -> Option<(impl Fn(u32) -> Op, u32)> {
    let (Op::Beq { imm, .. }
    | Op::Bne { imm, .. }
    | Op::Blt { imm, .. }
    | Op::Bge { imm, .. }
    | Op::Bltu { imm, .. }
    | Op::Bgeu { imm, .. }) = op
    else {
        return None;
    };
    let inverse = move |imm| match op {
        Op::Beq { rs1, rs2, .. } => Op::Bne { rs1, rs2, imm },
        Op::Bne { rs1, rs2, .. } => Op::Beq { rs1, rs2, imm },
        Op::Blt { rs1, rs2, .. } => Op::Bge { rs1, rs2, imm },
        Op::Bge { rs1, rs2, .. } => Op::Blt { rs1, rs2, imm },
        Op::Bltu { rs1, rs2, .. } => Op::Bgeu { rs1, rs2, imm },
        Op::Bgeu { rs1, rs2, .. } => Op::Bltu { rs1, rs2, imm },
        other => other,
    };
    ((imm as i32) < 0).then_some((inverse, imm))
}

fn front_index(pc: u32) -> usize {
    (pc >> 1) as usize % FRONT
}

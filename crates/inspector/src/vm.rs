//! MicroPython's own structures, read from guest memory without touching it.
//!
//! Layouts are those of MicroPython 1.25 and 1.26 on a 32-bit target with object representation A and qstr
//! tables (`py/bc.h:mp_code_state_t`, `py/objfun.h:mp_obj_fun_bc_t`, `py/bc.h:mp_module_context_t`,
//! `py/qstr.h:qstr_pool_t`). Everything read is checked or bounded: a guest may have overwritten it.

use crate::bytecode::{Argument, Instruction, Prelude};
use crate::symbols::{SymbolError, Symbols};
use emulator::bus::Width;
use emulator::memory::Memory;

/// The longest function that is listed, in bytes of bytecode with its prelude.
const MAX_FUNCTION_BYTES: usize = 16 * 1024;
/// The longest name that is read, in bytes.
const MAX_NAME_BYTES: usize = 128;
/// The most qstr pools that are searched.
const MAX_POOLS: usize = 64;

/// Where the firmware keeps what the explorer reads.
#[derive(Clone, Copy, Debug)]
pub struct VmLayout {
    /// Address of the pointer to the code state being executed.
    pub code_state: u32,
    /// Address of the pointer to the newest qstr pool.
    pub last_pool: u32,
}

impl VmLayout {
    /// Finds the firmware's exports.
    ///
    /// # Errors
    /// [`SymbolError::Missing`] names the one that is not there.
    pub fn find(symbols: &Symbols, memory: &Memory) -> Result<Self, SymbolError> {
        let last_pool =
            word(memory, symbols.address("port_last_pool")?).ok_or(SymbolError::Missing("port_last_pool"))?;
        Ok(Self { code_state: symbols.address("port_code_state")?, last_pool })
    }
}

/// Where the VM is: a function of the program, and the bytecode that it executes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// Address of the function's bytecode; identifies the function.
    pub function: u32,
    /// Address of the module context that the function was defined in.
    pub context: u32,
    /// Address in the bytecode, as the VM stored it last (`code_state->ip`).
    pub ip: u32,
}

/// Reads the code state that the firmware says it executes; `None` while no bytecode runs.
#[must_use]
pub fn position(memory: &Memory, layout: &VmLayout) -> Option<Position> {
    let code_state = word(memory, layout.code_state).filter(|&pointer| pointer != 0)?;
    let function_object = word(memory, code_state)?;
    let ip = word(memory, code_state.wrapping_add(4))?;
    Some(Position {
        function: word(memory, function_object.wrapping_add(12))?,
        context: word(memory, function_object.wrapping_add(4))?,
        ip,
    })
}

/// A function of the program, taken apart.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The function's name; `<module>` for a program's top level.
    pub name: String,
    /// The file's name, as tracebacks print it.
    pub file: String,
    /// Address of the first opcode.
    pub opcodes: u32,
    /// The module context that it was defined in: every text that is compiled has its own.
    pub context: u32,
    /// Its instructions, in order, each with its source line and its argument in words.
    pub lines: Vec<ListingLine>,
}

/// One instruction of a [`Listing`].
#[derive(Clone, Debug)]
pub struct ListingLine {
    /// The instruction.
    pub instruction: Instruction,
    /// Its argument, names resolved.
    pub argument: String,
    /// Its source line, counted from 1.
    pub line: u32,
}

impl Listing {
    /// Takes apart the function at `position`, up to and with the instruction at its `ip`, and on to
    /// the end of what decodes.
    #[must_use]
    pub fn read(memory: &Memory, layout: &VmLayout, position: Position) -> Option<Self> {
        let names =
            Names { memory, last_pool: layout.last_pool, qstr_table: word(memory, position.context.wrapping_add(8))? };
        let mut bytes = vec![0; MAX_FUNCTION_BYTES];
        let len = readable(memory, position.function, &mut bytes);
        let bytes = &bytes[..len];
        let prelude = Prelude::decode(bytes)?;
        let code = bytes.get(prelude.opcodes as usize..)?;
        let mut lines = Vec::new();
        let (mut offset, mut furthest) = (0, 0);
        while let Some(instruction) = Instruction::decode(code, offset) {
            offset += instruction.len;
            if let Argument::Target(target) = instruction.argument {
                furthest = furthest.max(target);
            }
            let ends = matches!(instruction.opcode, "RETURN_VALUE" | "RAISE_OBJ") && offset > furthest;
            lines.push(ListingLine {
                argument: names.describe(&instruction),
                line: prelude.line(instruction.offset),
                instruction,
            });
            if ends {
                break;
            }
        }
        let opcodes = position.function.wrapping_add(prelude.opcodes);
        Some(Self {
            name: names.table(prelude.name)?,
            file: names.table(0)?,
            opcodes,
            context: position.context,
            lines,
        })
    }

    /// The index of the instruction at address `ip`.
    #[must_use]
    pub fn index_at(&self, ip: u32) -> Option<usize> {
        let offset = ip.wrapping_sub(self.opcodes);
        self.lines.binary_search_by_key(&offset, |line| line.instruction.offset).ok()
    }
}

/// Resolves names of one module.
struct Names<'a> {
    memory: &'a Memory,
    last_pool: u32,
    qstr_table: u32,
}

impl Names<'_> {
    /// The name at an index of the module's qstr table.
    fn table(&self, index: u32) -> Option<String> {
        let mut short = [0; 2];
        self.memory.read(self.qstr_table.wrapping_add(index.wrapping_mul(2)), &mut short).ok()?;
        qstr_text(self.memory, self.last_pool, u32::from(u16::from_le_bytes(short)))
    }

    fn describe(&self, instruction: &Instruction) -> String {
        match instruction.argument {
            Argument::None => String::new(),
            Argument::Name(index) => self.table(index).unwrap_or_else(|| format!("qstr {index}")),
            Argument::Integer(value) => value.to_string(),
            Argument::Count(count) => count.to_string(),
            Argument::Target(offset) => offset.to_string(),
            Argument::Operator(number, name) => format!("{number} {name}"),
            Argument::Call(positional, 0) => format!("{positional} arguments"),
            Argument::Call(positional, keyword) => format!("{positional} arguments, {keyword} by name"),
        }
    }
}

/// The text of a qstr: pools are chained from the newest to the oldest.
#[must_use]
pub fn qstr_text(memory: &Memory, last_pool: u32, qstr: u32) -> Option<String> {
    let mut pool = word(memory, last_pool)?;
    for _ in 0..MAX_POOLS {
        let previous = word(memory, pool)?;
        let before = word(memory, pool.wrapping_add(4))? & 0x7FFF_FFFF;
        if qstr >= before {
            let (index, count) = (qstr - before, word(memory, pool.wrapping_add(12))?);
            if index >= count {
                return None;
            }
            let lengths = word(memory, pool.wrapping_add(20))?;
            let mut length = [0];
            memory.read(lengths.wrapping_add(index), &mut length).ok()?;
            let text = word(memory, pool.wrapping_add(24).wrapping_add(index.wrapping_mul(4)))?;
            let mut bytes = vec![0; usize::from(length[0]).min(MAX_NAME_BYTES)];
            memory.read(text, &mut bytes).ok()?;
            return Some(String::from_utf8_lossy(&bytes).into_owned());
        }
        pool = previous;
    }
    None
}

/// Reads as many bytes as are there.
fn readable(memory: &Memory, address: u32, bytes: &mut [u8]) -> usize {
    const CHUNK: usize = 64;
    for (index, chunk) in bytes.chunks_mut(CHUNK).enumerate() {
        if memory.read(address.wrapping_add((index * CHUNK) as u32), chunk).is_err() {
            return index * CHUNK;
        }
    }
    bytes.len()
}

/// Reads a word, wherever it lies.
#[must_use]
pub fn word(memory: &Memory, address: u32) -> Option<u32> {
    memory.load(address, Width::Word)
}

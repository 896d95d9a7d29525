//! MicroPython bytecode, version 6, read back: one [`Instruction`] at a time, and the function
//! prelude with its line numbers.
//!
//! Encodings are those of MicroPython 1.25 and 1.26 `py/bc0.h` (opcodes) and `py/bc.h` (prelude).

/// One bytecode instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Byte offset from the function's first opcode.
    pub offset: u32,
    /// Length in bytes, argument included.
    pub len: u32,
    /// Name, as MicroPython's own disassembler prints it.
    pub opcode: &'static str,
    /// The argument.
    pub argument: Argument,
}

/// What follows an opcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// Nothing.
    None,
    /// A name: a qstr, or an index into the module's qstr table where the build uses one.
    Name(u32),
    /// A literal integer.
    Integer(i32),
    /// A slot, a count, or an index into a table.
    Count(u32),
    /// The offset that a jump goes to, from the function's first opcode.
    Target(u32),
    /// A unary or binary operator: its number and its method's name.
    Operator(u8, &'static str),
    /// A call: positional arguments, keyword arguments.
    Call(u8, u8),
}

impl Instruction {
    /// Whether the VM may run a scheduled callback after this instruction.
    ///
    /// `py/vm.c:mp_execute_bytecode` goes through `pending_exception_check` after these opcodes
    /// alone, whether the jump is taken or not; `FOR_ITER`, calls and stores are not among them.
    #[must_use]
    pub fn is_safe_point(&self) -> bool {
        matches!(
            self.opcode,
            "JUMP"
                | "POP_JUMP_IF_TRUE"
                | "POP_JUMP_IF_FALSE"
                | "JUMP_IF_TRUE_OR_POP"
                | "JUMP_IF_FALSE_OR_POP"
                | "UNWIND_JUMP"
                | "POP_EXCEPT_JUMP"
        )
    }

    /// Decodes the instruction at `offset` of a function's opcodes; `None` where there is none.
    #[must_use]
    pub fn decode(code: &[u8], offset: u32) -> Option<Self> {
        let mut reader = Reader { code, at: offset as usize };
        let byte = reader.byte()?;
        let (opcode, argument) = match byte {
            0x70..=0xAF => ("LOAD_CONST_SMALL_INT", Argument::Integer(i32::from(byte) - 0x70 - 16)),
            0xB0..=0xBF => ("LOAD_FAST", Argument::Count(u32::from(byte - 0xB0))),
            0xC0..=0xCF => ("STORE_FAST", Argument::Count(u32::from(byte - 0xC0))),
            0xD0..=0xD3 => ("UNARY_OP", Argument::Operator(byte - 0xD0, UNARY[usize::from(byte - 0xD0)])),
            0xD7..=0xF9 => ("BINARY_OP", Argument::Operator(byte - 0xD7, BINARY[usize::from(byte - 0xD7)])),
            _ => {
                let (_, opcode, format) = OPCODES.iter().find(|(code, ..)| *code == byte)?;
                (*opcode, reader.argument(*format)?)
            }
        };
        let len = u32::try_from(reader.at).ok()? - offset;
        Some(Self { offset, len, opcode, argument })
    }
}

/// How an argument is encoded.
#[derive(Clone, Copy)]
enum Format {
    None,
    Qstr,
    VarInt,
    VarUint,
    VarUintAndByte,
    Call,
    Signed,
    SignedAndByte,
    Unsigned,
}

/// `py/bc0.h`, in the order of the codes.
const OPCODES: [(u8, &str, Format); 72] = [
    (0x10, "LOAD_CONST_STRING", Format::Qstr),
    (0x11, "LOAD_NAME", Format::Qstr),
    (0x12, "LOAD_GLOBAL", Format::Qstr),
    (0x13, "LOAD_ATTR", Format::Qstr),
    (0x14, "LOAD_METHOD", Format::Qstr),
    (0x15, "LOAD_SUPER_METHOD", Format::Qstr),
    (0x16, "STORE_NAME", Format::Qstr),
    (0x17, "STORE_GLOBAL", Format::Qstr),
    (0x18, "STORE_ATTR", Format::Qstr),
    (0x19, "DELETE_NAME", Format::Qstr),
    (0x1A, "DELETE_GLOBAL", Format::Qstr),
    (0x1B, "IMPORT_NAME", Format::Qstr),
    (0x1C, "IMPORT_FROM", Format::Qstr),
    (0x20, "MAKE_CLOSURE", Format::VarUintAndByte),
    (0x21, "MAKE_CLOSURE_DEFARGS", Format::VarUintAndByte),
    (0x22, "LOAD_CONST_SMALL_INT", Format::VarInt),
    (0x23, "LOAD_CONST_OBJ", Format::VarUint),
    (0x24, "LOAD_FAST_N", Format::VarUint),
    (0x25, "LOAD_DEREF", Format::VarUint),
    (0x26, "STORE_FAST_N", Format::VarUint),
    (0x27, "STORE_DEREF", Format::VarUint),
    (0x28, "DELETE_FAST", Format::VarUint),
    (0x29, "DELETE_DEREF", Format::VarUint),
    (0x2A, "BUILD_TUPLE", Format::VarUint),
    (0x2B, "BUILD_LIST", Format::VarUint),
    (0x2C, "BUILD_MAP", Format::VarUint),
    (0x2D, "BUILD_SET", Format::VarUint),
    (0x2E, "BUILD_SLICE", Format::VarUint),
    (0x2F, "STORE_COMP", Format::VarUint),
    (0x30, "UNPACK_SEQUENCE", Format::VarUint),
    (0x31, "UNPACK_EX", Format::VarUint),
    (0x32, "MAKE_FUNCTION", Format::VarUint),
    (0x33, "MAKE_FUNCTION_DEFARGS", Format::VarUint),
    (0x34, "CALL_FUNCTION", Format::Call),
    (0x35, "CALL_FUNCTION_VAR_KW", Format::Call),
    (0x36, "CALL_METHOD", Format::Call),
    (0x37, "CALL_METHOD_VAR_KW", Format::Call),
    (0x40, "UNWIND_JUMP", Format::SignedAndByte),
    (0x42, "JUMP", Format::Signed),
    (0x43, "POP_JUMP_IF_TRUE", Format::Signed),
    (0x44, "POP_JUMP_IF_FALSE", Format::Signed),
    (0x45, "JUMP_IF_TRUE_OR_POP", Format::Unsigned),
    (0x46, "JUMP_IF_FALSE_OR_POP", Format::Unsigned),
    (0x47, "SETUP_WITH", Format::Unsigned),
    (0x48, "SETUP_EXCEPT", Format::Unsigned),
    (0x49, "SETUP_FINALLY", Format::Unsigned),
    (0x4A, "POP_EXCEPT_JUMP", Format::Unsigned),
    (0x4B, "FOR_ITER", Format::Unsigned),
    (0x50, "LOAD_CONST_FALSE", Format::None),
    (0x51, "LOAD_CONST_NONE", Format::None),
    (0x52, "LOAD_CONST_TRUE", Format::None),
    (0x53, "LOAD_NULL", Format::None),
    (0x54, "LOAD_BUILD_CLASS", Format::None),
    (0x55, "LOAD_SUBSCR", Format::None),
    (0x56, "STORE_SUBSCR", Format::None),
    (0x57, "DUP_TOP", Format::None),
    (0x58, "DUP_TOP_TWO", Format::None),
    (0x59, "POP_TOP", Format::None),
    (0x5A, "ROT_TWO", Format::None),
    (0x5B, "ROT_THREE", Format::None),
    (0x5C, "WITH_CLEANUP", Format::None),
    (0x5D, "END_FINALLY", Format::None),
    (0x5E, "GET_ITER", Format::None),
    (0x5F, "GET_ITER_STACK", Format::None),
    (0x62, "STORE_MAP", Format::None),
    (0x63, "RETURN_VALUE", Format::None),
    (0x64, "RAISE_LAST", Format::None),
    (0x65, "RAISE_OBJ", Format::None),
    (0x66, "RAISE_FROM", Format::None),
    (0x67, "YIELD_VALUE", Format::None),
    (0x68, "YIELD_FROM", Format::None),
    (0x69, "IMPORT_STAR", Format::None),
];

/// `py/runtime0.h:mp_unary_op_t`, the part that bytecode holds.
const UNARY: [&str; 4] = ["__pos__", "__neg__", "__invert__", "not"];

/// `py/runtime0.h:mp_binary_op_t`, the part that bytecode holds.
const BINARY: [&str; 35] = [
    "__lt__",
    "__gt__",
    "__eq__",
    "__le__",
    "__ge__",
    "__ne__",
    "in",
    "is",
    "except",
    "__ior__",
    "__ixor__",
    "__iand__",
    "__ilshift__",
    "__irshift__",
    "__iadd__",
    "__isub__",
    "__imul__",
    "__imatmul__",
    "__ifloordiv__",
    "__itruediv__",
    "__imod__",
    "__ipow__",
    "__or__",
    "__xor__",
    "__and__",
    "__lshift__",
    "__rshift__",
    "__add__",
    "__sub__",
    "__mul__",
    "__matmul__",
    "__floordiv__",
    "__truediv__",
    "__mod__",
    "__pow__",
];

/// Reads bytes of bytecode in order.
struct Reader<'a> {
    code: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.code.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    /// Seven bits a byte, most significant first, the high bit set on all but the last.
    fn var_uint(&mut self) -> Option<u32> {
        let mut value = 0u32;
        for _ in 0..5 {
            let byte = self.byte()?;
            value = value << 7 | u32::from(byte & 0x7F);
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// As [`var_uint`](Self::var_uint), with bit 6 of the first byte as the sign.
    fn var_int(&mut self) -> Option<i32> {
        let negative = self.code.get(self.at)? & 0x40 != 0;
        let mut value = if negative { -1i32 } else { 0 };
        for _ in 0..5 {
            let byte = self.byte()?;
            value = value << 7 | i32::from(byte & 0x7F);
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A distance of one or two bytes; `bias` (0x40, or 0x4000 for two bytes) makes it signed.
    fn distance(&mut self, signed: bool) -> Option<i32> {
        let first = self.byte()?;
        Some(if first & 0x80 == 0 {
            i32::from(first) - if signed { 0x40 } else { 0 }
        } else {
            (i32::from(first & 0x7F) | i32::from(self.byte()?) << 7) - if signed { 0x4000 } else { 0 }
        })
    }

    /// A jump's target; distances count from the end of their own bytes.
    fn target(&mut self, signed: bool) -> Option<Argument> {
        let distance = self.distance(signed)?;
        Some(Argument::Target(u32::try_from(self.at).ok()?.checked_add_signed(distance)?))
    }

    fn argument(&mut self, format: Format) -> Option<Argument> {
        Some(match format {
            Format::None => Argument::None,
            Format::Qstr => Argument::Name(self.var_uint()?),
            Format::VarInt => Argument::Integer(self.var_int()?),
            Format::VarUint => Argument::Count(self.var_uint()?),
            Format::VarUintAndByte => {
                let count = self.var_uint()?;
                self.byte()?;
                Argument::Count(count)
            }
            Format::Call => {
                let packed = self.var_uint()?;
                Argument::Call((packed & 0xFF) as u8, (packed >> 8 & 0xFF) as u8)
            }
            Format::Signed => self.target(true)?,
            Format::SignedAndByte => {
                let target = self.target(true)?;
                self.byte()?;
                target
            }
            Format::Unsigned => self.target(false)?,
        })
    }
}

/// What precedes a function's opcodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prelude {
    /// The function's name: a qstr, or an index into the module's qstr table.
    pub name: u32,
    /// Where the opcodes begin, in bytes from the function's bytecode.
    pub opcodes: u32,
    /// Pairs of (bytes of bytecode, lines) as the compiler wrote them.
    lines: Vec<(u32, u32)>,
}

impl Prelude {
    /// Decodes the prelude at the beginning of a function's bytecode; `None` where it is none.
    #[must_use]
    pub fn decode(bytecode: &[u8]) -> Option<Self> {
        let mut reader = Reader { code: bytecode, at: 0 };
        // Signature: xSSSSEAA, then xFSSKAED as long as x is set. Only the counts of positional (A)
        // and keyword-only (K) arguments matter here: their names precede the line numbers.
        let mut byte = reader.byte()?;
        let (mut positional, mut keyword_only) = (u32::from(byte & 3), 0u32);
        let mut round = 0;
        while byte & 0x80 != 0 {
            byte = reader.byte()?;
            positional |= u32::from(byte & 4).checked_shl(round)?;
            keyword_only |= u32::from(byte >> 3 & 1).checked_shl(round)?;
            round += 1;
        }
        // Sizes: xIIIIIIC, least significant first.
        let (mut info, mut cells, mut round) = (0u32, 0u32, 0u32);
        loop {
            let byte = reader.byte()?;
            cells |= u32::from(byte & 1).checked_shl(round)?;
            info |= u32::from(byte >> 1 & 0x3F).checked_shl(6 * round)?;
            round += 1;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let info_end = reader.at.checked_add(info as usize)?;
        let name = reader.var_uint()?;
        for _ in 0..positional.checked_add(keyword_only)? {
            reader.var_uint()?;
        }
        let mut lines = Vec::new();
        while reader.at < info_end {
            let byte = u32::from(reader.byte()?);
            lines.push(if byte & 0x80 == 0 {
                (byte & 0x1F, byte >> 5)
            } else {
                (byte & 0x0F, (byte << 4 & 0x700) | u32::from(reader.byte()?))
            });
        }
        let opcodes = u32::try_from(info_end).ok()?.checked_add(cells)?;
        Some(Self { name, opcodes, lines })
    }

    /// The source line of the instruction at `offset` from the first opcode, as
    /// `py/bc.h:mp_bytecode_get_source_line` computes it for tracebacks.
    #[must_use]
    pub fn line(&self, mut offset: u32) -> u32 {
        let mut line = 1;
        for &(bytes, lines) in &self.lines {
            if offset < bytes {
                break;
            }
            offset -= bytes;
            line += lines;
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(bytes: &[u8], opcode: &str, argument: Argument) {
        let instruction = Instruction::decode(bytes, 0).expect("an instruction");
        assert_eq!((instruction.opcode, instruction.argument), (opcode, argument));
        assert_eq!(instruction.len as usize, bytes.len());
    }

    #[test]
    fn every_kind_of_argument() {
        check(&[0x12, 0x81, 0x02], "LOAD_GLOBAL", Argument::Name(130));
        check(&[0x22, 0x80, 0x7F], "LOAD_CONST_SMALL_INT", Argument::Integer(127));
        check(&[0x22, 0x7F], "LOAD_CONST_SMALL_INT", Argument::Integer(-1));
        check(&[0x81], "LOAD_CONST_SMALL_INT", Argument::Integer(1));
        check(&[0xE5], "BINARY_OP", Argument::Operator(14, "__iadd__"));
        check(&[0x42, 0x40 - 2], "JUMP", Argument::Target(0));
        check(&[0x44, 0x42], "POP_JUMP_IF_FALSE", Argument::Target(4));
        check(&[0x4B, 0x80, 0x01], "FOR_ITER", Argument::Target(131));
        check(&[0x34, 0x82, 0x01], "CALL_FUNCTION", Argument::Call(1, 1));
        check(&[0x20, 0x03, 0x01], "MAKE_CLOSURE", Argument::Count(3));
        check(&[0x40, 0x41, 0x00], "UNWIND_JUMP", Argument::Target(3));
    }

    #[test]
    fn only_jumps_are_safe_points() {
        let safe: Vec<&str> = (0..=255u8)
            .filter_map(|byte| Instruction::decode(&[byte, 0x40, 0, 0], 0))
            .filter(Instruction::is_safe_point)
            .map(|instruction| instruction.opcode)
            .collect();
        assert_eq!(safe.len(), 7);
        assert!(!safe.contains(&"FOR_ITER"));
    }

    #[test]
    fn codes_without_meaning_are_none() {
        for byte in [0x00, 0x0F, 0x1D, 0x41, 0x4C, 0x60, 0x6A, 0xD4, 0xFA, 0xFF] {
            assert_eq!(Instruction::decode(&[byte, 0, 0, 0], 0), None, "{byte:#x}");
        }
    }

    #[test]
    fn lines_follow_the_table() {
        // Signature (one positional argument), 5 bytes of info, no cells; name 7, argument 8;
        // then (4 bytes, 2 lines) and (3 bytes, 0x12C lines).
        let bytecode = [0x01, 5 << 1, 7, 8, 2 << 5 | 4, 0x80 | 1 << 4 | 3, 44, 0x51];
        let prelude = Prelude::decode(&bytecode).expect("a prelude");
        assert_eq!((prelude.name, prelude.opcodes), (7, 7));
        assert_eq!([0, 3, 4, 6, 7, 100].map(|offset| prelude.line(offset)), [1, 1, 3, 3, 303, 303]);
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..40), offset in 0u32..50) {
            let _ = Instruction::decode(&bytes, offset);
            let _ = Prelude::decode(&bytes).map(|prelude| prelude.line(offset));
        }
    }
}

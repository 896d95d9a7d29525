//! Python's variables in guest memory: where a program's globals lie, and what a word there means.
//!
//! A global is a slot of a dictionary's table, so whoever loads or stores that slot reads or writes
//! the variable. The items of global byte arrays and arrays are variables too: `buf[3]`. Layouts are
//! those of MicroPython 1.25 and 1.26 (`py/obj.h`, `py/objarray.h`) with object representation A.

use std::collections::BTreeMap;
use std::ops::Range;

use emulator::memory::Memory;

use crate::symbols::Symbols;
use crate::vm::{qstr_text, word};

/// The most slots of a dictionary that are read.
const MAX_SLOTS: u32 = 4096;
/// The longest text that is shown of a string.
const MAX_TEXT_BYTES: usize = 32;

/// A variable: a global, or an item of a global array.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Variable {
    /// A global's name.
    Global(String),
    /// An item of an array that a global holds.
    Item(String, u32),
}

impl std::fmt::Display for Variable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Global(name) => f.write_str(name),
            Self::Item(name, index) => write!(f, "{name}[{index}]"),
        }
    }
}

/// A piece of memory that holds variables.
#[derive(Clone, Debug)]
enum Place {
    Slot(String),
    /// Items of so many bytes; `text` are items that are numbers without a sign.
    Items {
        name: String,
        bytes: u32,
        signed: bool,
    },
}

/// The globals of a program, by address.
#[derive(Clone, Debug, Default)]
pub struct Globals {
    dictionary: u32,
    /// By first address: the address after the last, and what is there.
    places: BTreeMap<u32, (u32, Place)>,
    types: Types,
}

/// Addresses of the types that are told apart.
#[derive(Clone, Copy, Debug, Default)]
struct Types {
    bytearray: Option<u32>,
    array: Option<u32>,
    last_pool: u32,
}

impl Globals {
    /// Reads the dictionary of the module whose context is at `context`.
    #[must_use]
    pub fn read(memory: &Memory, symbols: &Symbols, last_pool: u32, context: u32) -> Self {
        let types = Types {
            bytearray: symbols.address("mp_type_bytearray").ok(),
            array: symbols.address("mp_type_array").ok(),
            last_pool,
        };
        let dictionary = word(memory, context.wrapping_add(4)).unwrap_or(0);
        let mut globals = Self { dictionary, places: BTreeMap::new(), types };
        globals.refresh(memory);
        globals
    }

    /// Reads the dictionary again: a new name may have moved all slots.
    pub fn refresh(&mut self, memory: &Memory) {
        self.places.clear();
        let header = |offset| word(memory, self.dictionary.wrapping_add(offset));
        let (Some(alloc), Some(table)) = (header(8), header(12)) else { return };
        for index in 0..alloc.min(MAX_SLOTS) {
            let slot = table.wrapping_add(8 * index);
            let (Some(key), Some(value)) = (word(memory, slot), word(memory, slot.wrapping_add(4))) else { return };
            // A qstr object is the qstr's number over the tag 010.
            if key & 7 != 2 {
                continue;
            }
            let Some(name) = qstr_text(memory, self.types.last_pool, key >> 3) else { continue };
            if let Some((from, to, items)) = self.items(memory, &name, value) {
                self.places.insert(from, (to, items));
            }
            let at = slot.wrapping_add(4);
            self.places.insert(at, (at.wrapping_add(4), Place::Slot(name)));
        }
    }

    /// The bytes of an array object.
    fn items(&self, memory: &Memory, name: &str, object: u32) -> Option<(u32, u32, Place)> {
        if object & 3 != 0 || object == 0 {
            return None;
        }
        let kind = word(memory, object).filter(|&kind| kind != 0)?;
        let code = word(memory, object.wrapping_add(4))? as u8;
        let (bytes, signed) = match code {
            _ if Some(kind) == self.types.bytearray => (1, false),
            _ if Some(kind) != self.types.array => return None,
            b'b' => (1, true),
            b'B' => (1, false),
            b'h' => (2, true),
            b'H' => (2, false),
            b'i' | b'l' => (4, true),
            b'I' | b'L' => (4, false),
            _ => return None,
        };
        let length = word(memory, object.wrapping_add(8))?.checked_mul(bytes)?;
        let from = word(memory, object.wrapping_add(12))?;
        (length > 0).then(|| (from, from.saturating_add(length), Place::Items { name: name.to_owned(), bytes, signed }))
    }

    /// Whether a store to `address` moves the slots.
    #[must_use]
    pub fn is_table_pointer(&self, address: u32) -> bool {
        address == self.dictionary.wrapping_add(12)
    }

    /// The addresses of a variable's bytes and the variable, if `address` is its first byte.
    #[must_use]
    pub fn variable_at(&self, address: u32) -> Option<(Range<u32>, Variable)> {
        let (&from, (to, place)) = self.places.range(..=address).next_back()?;
        if address >= *to {
            return None;
        }
        match place {
            Place::Slot(name) if address == from => Some((from..*to, Variable::Global(name.clone()))),
            Place::Items { name, bytes, .. } if (address - from).is_multiple_of(*bytes) => {
                Some((address..address.wrapping_add(*bytes), Variable::Item(name.clone(), (address - from) / bytes)))
            }
            _ => None,
        }
    }

    /// What the bits of a variable at `address` mean, in Python's words.
    #[must_use]
    pub fn value_text(&self, memory: &Memory, address: u32, bits: u32) -> String {
        match self.places.range(..=address).next_back() {
            Some((_, (to, Place::Items { bytes, signed, .. }))) if address < *to => {
                let shift = 32 - 8 * bytes;
                if *signed {
                    ((bits << shift).cast_signed() >> shift).to_string()
                } else {
                    (bits << shift >> shift).to_string()
                }
            }
            _ => self.object_text(memory, bits),
        }
    }

    /// What an object is, in Python's words.
    #[must_use]
    pub fn object_text(&self, memory: &Memory, object: u32) -> String {
        match object {
            0 => "<nothing>".into(),
            6 => "None".into(),
            14 => "False".into(),
            30 => "True".into(),
            small if small & 1 == 1 => (small.cast_signed() >> 1).to_string(),
            name if name & 7 == 2 => match qstr_text(memory, self.types.last_pool, name >> 3) {
                Some(text) => format!("'{}'", text.chars().take(MAX_TEXT_BYTES).collect::<String>()),
                None => "<str>".into(),
            },
            pointer => match self.type_name(memory, pointer) {
                Some(name) if name == "str" => match str_text(memory, pointer) {
                    Some(text) => format!("'{text}'"),
                    None => "<str>".into(),
                },
                Some(name) => format!("<{name}>"),
                None => "<object>".into(),
            },
        }
    }

    /// The name in the type of the object at `pointer`.
    fn type_name(&self, memory: &Memory, pointer: u32) -> Option<String> {
        let kind = word(memory, pointer)?;
        // `py/obj.h:mp_obj_type_t`: base, flags (16 bits), name (16 bits).
        let name = word(memory, kind.wrapping_add(4))? >> 16;
        qstr_text(memory, self.types.last_pool, name)
    }

    /// What a variable holds now.
    #[must_use]
    pub fn present(&self, memory: &Memory, address: Range<u32>) -> String {
        let mut bytes = [0; 4];
        let length = (address.end.saturating_sub(address.start) as usize).min(4);
        if memory.read(address.start, &mut bytes[..length]).is_err() {
            return "<nothing>".into();
        }
        self.value_text(memory, address.start, u32::from_le_bytes(bytes))
    }
}

/// The beginning of a `str` object (`py/objstr.h:mp_obj_str_t`: base, hash, length, bytes).
fn str_text(memory: &Memory, object: u32) -> Option<String> {
    let length = word(memory, object.wrapping_add(8))?.min(MAX_TEXT_BYTES as u32);
    let mut bytes = vec![0; length as usize];
    memory.read(word(memory, object.wrapping_add(12))?, &mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

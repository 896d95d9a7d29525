//! Names of the firmware's functions and variables, from the ELF that belongs to an image.

use object::{Object, ObjectSymbol, SymbolKind};
use std::collections::HashMap;

/// Why an ELF file is of no use for exploring.
#[derive(Debug, thiserror::Error)]
pub enum SymbolError {
    /// It cannot be parsed.
    #[error("the firmware's ELF file cannot be read: {0}")]
    Unreadable(#[from] object::read::Error),
    /// A symbol that the explorer needs is not in it.
    #[error("the firmware's ELF file has no symbol `{0}`; build the firmware with symbols (cargo xtask firmware)")]
    Missing(&'static str),
}

/// A function of the firmware.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Function {
    start: u32,
    end: u32,
    name: String,
}

/// The firmware's symbols, by name and by address.
#[derive(Clone, Debug, Default)]
pub struct Symbols {
    addresses: HashMap<String, u32>,
    /// Sorted by `start`.
    functions: Vec<Function>,
}

impl Symbols {
    /// Reads the symbol table of a 32-bit ELF file.
    ///
    /// # Errors
    /// [`SymbolError::Unreadable`].
    pub fn parse(elf: &[u8]) -> Result<Self, SymbolError> {
        let file = object::File::parse(elf)?;
        let mut symbols = Self::default();
        for symbol in file.symbols() {
            let (Ok(name), Ok(start)) = (symbol.name(), u32::try_from(symbol.address())) else { continue };
            if name.is_empty() || symbol.is_undefined() {
                continue;
            }
            symbols.addresses.insert(name.to_owned(), start);
            if symbol.kind() == SymbolKind::Text && symbol.size() > 0 {
                let end = start.saturating_add(u32::try_from(symbol.size()).unwrap_or(u32::MAX));
                symbols.functions.push(Function { start, end, name: name.to_owned() });
            }
        }
        symbols.functions.sort_by(|a, b| (a.start, &a.name).cmp(&(b.start, &b.name)));
        Ok(symbols)
    }

    /// The address of a symbol.
    ///
    /// # Errors
    /// [`SymbolError::Missing`].
    pub fn address(&self, name: &'static str) -> Result<u32, SymbolError> {
        self.addresses.get(name).copied().ok_or(SymbolError::Missing(name))
    }

    /// The function that holds `address`, and how many bytes into it.
    #[must_use]
    pub fn function_at(&self, address: u32) -> Option<(&str, u32)> {
        let after = self.functions.partition_point(|function| function.start <= address);
        let function = self.functions[..after].iter().rev().take(8).find(|function| address < function.end)?;
        Some((&function.name, address - function.start))
    }
}

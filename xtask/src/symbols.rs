//! An ELF file's names without its code: what the explorer in a page needs of the firmware, in a fraction of the bytes.
//!
//! The file is an ELF file again (System V ABI, chapter 4: 32 bits, little-endian), so that whoever reads the whole one
//! reads this one: a header, the symbol table and its names.

const HEADER_BYTES: usize = 52;
const SECTION_BYTES: usize = 40;
const SYMBOL_BYTES: usize = 16;
/// Section types.
const SYMTAB: u32 = 2;
const STRTAB: u32 = 3;
/// The section index of what is defined nowhere, and of what is an address by itself.
const UNDEFINED: u16 = 0;
const ABSOLUTE: u16 = 0xFFF1;
/// Symbol types: no type, variable, function; others name files and sections.
const NAMED: [u8; 3] = [0, 1, 2];
/// Sections of the new file: none, symbols, names.
const SECTIONS: usize = 3;

/// The symbols of an ELF file as an ELF file without code. `None`: it is not such a file, or has no symbols.
pub(crate) fn without_code(elf: &[u8]) -> Option<Vec<u8>> {
    if !elf.starts_with(b"\x7fELF\x01\x01") {
        return None;
    }
    let sections = (0..usize::from(half(elf, 48)?)).map(|at| (word(elf, 32), at * SECTION_BYTES));
    let mut tables = sections.filter_map(|(start, at)| elf.get(start? as usize + at..));
    let table = tables.find(|section| word(section, 4) == Some(SYMTAB))?;
    let symbols = contents(elf, table)?;
    let names_at = word(elf, 32)? as usize + word(table, 24)? as usize * SECTION_BYTES;
    let names = contents(elf, elf.get(names_at..)?)?;
    let (mut kept, mut kept_names) = (vec![0; SYMBOL_BYTES], vec![0]);
    for symbol in symbols.chunks_exact(SYMBOL_BYTES) {
        let name = names.get(word(symbol, 0)? as usize..)?.split(|byte| *byte == 0).next()?;
        // Compilers mark places in the code with names such as `.L12` and `$x`.
        let of_the_compiler = name.is_empty() || name.starts_with(b".") || name.starts_with(b"$");
        if of_the_compiler || half(symbol, 14)? == UNDEFINED || !NAMED.contains(&(symbol[12] & 15)) {
            continue;
        }
        kept.extend((kept_names.len() as u32).to_le_bytes());
        kept.extend(&symbol[4..14]);
        kept.extend(ABSOLUTE.to_le_bytes());
        kept_names.extend(name);
        kept_names.push(0);
    }
    (kept.len() > SYMBOL_BYTES).then(|| file(elf, &kept, &kept_names))
}

/// The file: header, section headers, symbols, names. Names of the sections are not needed: they have the empty one.
fn file(elf: &[u8], symbols: &[u8], names: &[u8]) -> Vec<u8> {
    let symbols_at = HEADER_BYTES + SECTIONS * SECTION_BYTES;
    let names_at = symbols_at + symbols.len();
    let mut file = elf[..HEADER_BYTES].to_vec();
    // Neither entry point nor program headers; the sections follow the header.
    file[24..36].fill(0);
    file[32..36].copy_from_slice(&(HEADER_BYTES as u32).to_le_bytes());
    file[42..46].fill(0);
    file[46..48].copy_from_slice(&(SECTION_BYTES as u16).to_le_bytes());
    file[48..50].copy_from_slice(&(SECTIONS as u16).to_le_bytes());
    file[50..52].copy_from_slice(&2_u16.to_le_bytes());
    file.extend([0; SECTION_BYTES]);
    let section = |kind: u32, at: usize, size: usize, link: u32, info: u32, entry: usize| {
        [0, kind, 0, 0, at as u32, size as u32, link, info, 1, entry as u32].map(u32::to_le_bytes).concat()
    };
    file.extend(section(SYMTAB, symbols_at, symbols.len(), 2, 1, SYMBOL_BYTES));
    file.extend(section(STRTAB, names_at, names.len(), 0, 0, 0));
    file.extend(symbols);
    file.extend(names);
    file
}

/// What a section header speaks of.
fn contents<'f>(elf: &'f [u8], section: &[u8]) -> Option<&'f [u8]> {
    elf.get(word(section, 16)? as usize..)?.get(..word(section, 20)? as usize)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table with these symbols: name, address, size, type, section.
    fn elf(symbols: &[(&str, u32, u32, u8, u16)]) -> Vec<u8> {
        let (mut table, mut names) = (vec![0; SYMBOL_BYTES], vec![0]);
        for (name, address, size, kind, section) in symbols {
            table.extend((names.len() as u32).to_le_bytes());
            table.extend([address.to_le_bytes(), size.to_le_bytes()].concat());
            table.extend([*kind, 0]);
            table.extend(section.to_le_bytes());
            names.extend(name.as_bytes());
            names.push(0);
        }
        let mut header = vec![0; HEADER_BYTES];
        header[..6].copy_from_slice(b"\x7fELF\x01\x01");
        file(&header, &table, &names)
    }

    #[test]
    fn functions_and_variables_stay_and_everything_else_goes() {
        let whole = elf(&[
            ("main", 0x4200_0000, 8, 2, 1),
            ("", 1, 0, 0, 1),
            (".L1", 2, 0, 0, 1),
            ("elsewhere", 3, 0, 0, UNDEFINED),
            ("main.c", 4, 0, 4, 1),
            ("counter", 0x3FC8_0000, 4, 1, 7),
        ]);
        let expected = elf(&[("main", 0x4200_0000, 8, 2, ABSOLUTE), ("counter", 0x3FC8_0000, 4, 1, ABSOLUTE)]);
        assert_eq!(without_code(&whole), Some(expected.clone()));
        assert_eq!(without_code(&expected), Some(expected));
    }

    #[test]
    fn what_is_no_elf_file_or_cut_off_is_refused() {
        let whole = elf(&[("main", 1, 8, 2, 1)]);
        assert_eq!(without_code(b"\x7fELF\x02\x01"), None);
        assert_eq!(without_code(&elf(&[])), None);
        for length in 0..whole.len() {
            assert_eq!(without_code(&whole[..length]), None, "{length} bytes");
        }
    }
}

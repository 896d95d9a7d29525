//! What stands beside the traces of a module: which code each was compiled from. The module carries it as a custom section.
//!
//! All numbers are little-endian words. First the count of traces; then for each, in the order of their numbers: the count of its runs,
//! the address and the count of halfwords of each run (the first begins the trace), and four words of the digest.

use sha2::{Digest as _, Sha256};

use crate::memory::Memory;

/// The first 16 bytes of SHA-256 over the halfwords of all runs.
pub(super) type Digest = [u8; 16];

/// Code that stands together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Run {
    pub(super) pc: u32,
    pub(super) halfwords: u32,
}

/// What a trace was compiled from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Source {
    pub(super) runs: Box<[Run]>,
    pub(super) digest: Digest,
}

impl Source {
    /// The code of these runs as it stands in memory; `None` where none can stand.
    #[cfg(machine_code)]
    pub(super) fn of(runs: Box<[Run]>, memory: &Memory) -> Option<Self> {
        let digest = digest(&runs, memory)?;
        Some(Self { runs, digest })
    }

    /// The trace's first instruction.
    pub(super) fn pc(&self) -> u32 {
        self.runs.first().map_or(0, |run| run.pc)
    }

    /// The addresses of all halfwords.
    #[cfg(any(not(machine_code), test))]
    pub(super) fn addresses(&self) -> impl Iterator<Item = u32> {
        addresses(&self.runs)
    }

    /// Whether the machine would execute exactly what was compiled.
    #[cfg(not(machine_code))]
    pub(super) fn stands_in(&self, memory: &Memory, breakpoints: &[u32]) -> bool {
        (breakpoints.is_empty() || !self.addresses().any(|address| breakpoints.contains(&address)))
            && digest(&self.runs, memory) == Some(self.digest)
    }
}

fn addresses(runs: &[Run]) -> impl Iterator<Item = u32> {
    runs.iter().flat_map(|run| (0..run.halfwords).map(|n| run.pc.wrapping_add(2 * n)))
}

fn digest(runs: &[Run], memory: &Memory) -> Option<Digest> {
    let mut sum = Sha256::new();
    for address in addresses(runs) {
        sum.update(memory.fetch(address).ok()?.to_le_bytes());
    }
    sum.finalize().first_chunk().copied()
}

/// Writes the table.
#[cfg(machine_code)]
pub(super) fn write<'a>(sources: impl ExactSizeIterator<Item = &'a Source>) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend((sources.len() as u32).to_le_bytes());
    for source in sources {
        bytes.extend((source.runs.len() as u32).to_le_bytes());
        for run in &source.runs {
            bytes.extend(run.pc.to_le_bytes());
            bytes.extend(run.halfwords.to_le_bytes());
        }
        bytes.extend(source.digest);
    }
    bytes
}

/// Reads a table; `None` if it is none.
#[cfg(any(not(machine_code), test))]
pub(super) fn read(mut bytes: &[u8]) -> Option<Vec<Source>> {
    let count = word(&mut bytes)?;
    let mut sources = Vec::new();
    for _ in 0..count {
        let mut runs = Vec::new();
        for _ in 0..word(&mut bytes)? {
            runs.push(Run { pc: word(&mut bytes)?, halfwords: word(&mut bytes)? });
        }
        let (digest, rest) = bytes.split_first_chunk()?;
        bytes = rest;
        sources.push(Source { runs: runs.into(), digest: *digest });
    }
    bytes.is_empty().then_some(sources)
}

#[cfg(any(not(machine_code), test))]
fn word(bytes: &mut &[u8]) -> Option<u32> {
    let (word, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u32::from_le_bytes(*word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_comes_back_and_half_of_one_is_none() {
        let run = |pc, halfwords| Run { pc, halfwords };
        let sources = [
            Source { runs: [run(0x4200_0010, 7), run(0x4038_0000, 1)].into(), digest: [7; 16] },
            Source { runs: [run(0x4038_0002, 96)].into(), digest: [0xFF; 16] },
        ];
        let written = write(sources.iter());
        assert_eq!(read(&written).as_deref(), Some(&sources[..]));
        assert_eq!(sources[0].pc(), 0x4200_0010);
        assert_eq!(sources[0].addresses().last(), Some(0x4038_0000));
        for length in 0..written.len() {
            assert_eq!(read(&written[..length]), None, "{length}");
        }
    }

    #[test]
    fn a_changed_halfword_changes_the_digest() {
        let mut memory = Memory::bare(0x8000_0000, 64);
        let runs: Box<[Run]> = [Run { pc: 0x8000_0000, halfwords: 4 }].into();
        let before = Source::of(runs.clone(), &memory).unwrap();
        assert_eq!(Source::of(runs.clone(), &memory).unwrap(), before);
        memory.write(0x8000_0006, &[1]).unwrap();
        assert_ne!(Source::of(runs, &memory).unwrap(), before);
        assert_eq!(Source::of([Run { pc: 0x9000_0000, halfwords: 1 }].into(), &memory), None);
    }
}

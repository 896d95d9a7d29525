//! SHA accelerator (TRM, chapter "SHA Accelerator"): SHA-1, SHA-224 and SHA-256, block by block
//! and by GDMA. The hash is there at once; the accelerator reports itself busy for as long as the work
//! takes, and obeys nothing meanwhile.

use super::gdma::{DmaPeripheral, Gdma};
use super::{Registers, bit, field};
use crate::bus::Tick;
use crate::memory::Memory;

const MODE: u32 = 0x00;
const DMA_BLOCK_NUM: u32 = 0x0C;
const START: u32 = 0x10;
const CONTINUE: u32 = 0x14;
const BUSY: u32 = 0x18;
const DMA_START: u32 = 0x1C;
const DMA_CONTINUE: u32 = 0x20;
const CLEAR_IRQ: u32 = 0x24;
const IRQ_ENA: u32 = 0x28;
const DATE: u32 = 0x2C;
const H_MEM: u32 = 0x40;
const M_MEM: u32 = 0x80;

/// Bytes in a message block of all three functions.
const BLOCK: usize = 64;
/// Time for one block: about 80 cycles of the 160 MHz crypto clock.
const BLOCK_TICKS: Tick = 80 * 3;

const SHA1_INITIAL: [u32; 8] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0, 0, 0, 0];
const SHA224_INITIAL: [u32; 8] =
    [0xC105_9ED8, 0x367C_D507, 0x3070_DD17, 0xF70E_5939, 0xFFC0_0B31, 0x6858_1511, 0x64F9_8FA7, 0xBEFA_4FA4];
const SHA256_INITIAL: [u32; 8] =
    [0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A, 0x510E_527F, 0x9B05_688C, 0x1F83_D9AB, 0x5BE0_CD19];

/// The SHA block at 0x6003_B000.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Sha {
    registers: Registers<0x30>,
    /// When the running operation is done (`Tick::MAX`: none runs), and whether it raises the interrupt.
    done_at: Tick,
    by_dma: bool,
    finished: bool,
}

impl Sha {
    pub(crate) fn new() -> Self {
        Self { registers: Registers::new(&[(DATE, 0x2019_0402)]), done_at: Tick::MAX, by_dma: false, finished: false }
    }

    /// Whether the interrupt source is active.
    pub(crate) fn active(&self) -> bool {
        self.finished && bit(self.registers.get(IRQ_ENA), 0)
    }

    /// When the running operation is done.
    pub(crate) fn deadline(&self) -> Tick {
        self.done_at
    }

    /// Ends the operation that is due.
    pub(crate) fn run(&mut self, now: Tick) {
        if self.done_at <= now {
            self.done_at = Tick::MAX;
            self.finished |= std::mem::take(&mut self.by_dma);
        }
    }

    pub(crate) fn peek(&self, offset: u32) -> u32 {
        match offset {
            BUSY => u32::from(self.done_at != Tick::MAX),
            START | CONTINUE | DMA_START | DMA_CONTINUE | CLEAR_IRQ => 0,
            _ => self.registers.get(offset),
        }
    }

    pub(crate) fn store(&mut self, memory: &mut Memory, dma: &mut Gdma, now: Tick, offset: u32, value: u32) {
        let busy = self.done_at != Tick::MAX;
        match offset {
            START | CONTINUE | DMA_START | DMA_CONTINUE if busy => {}
            START | CONTINUE => {
                if bit(value, 0) {
                    let block = self.message_block();
                    self.digest(offset == START, &block);
                    self.done_at = now.saturating_add(BLOCK_TICKS);
                }
            }
            DMA_START | DMA_CONTINUE => {
                if bit(value, 0) {
                    let wanted = field(self.registers.get(DMA_BLOCK_NUM), 0, 5) as usize * BLOCK;
                    if let Some(message) = dma.fetch(memory, DmaPeripheral::Sha, wanted) {
                        self.digest(offset == DMA_START, &message.bytes);
                        let blocks = message.bytes.len().div_ceil(BLOCK) as Tick;
                        self.done_at = now.saturating_add(message.ticks + blocks * BLOCK_TICKS);
                        self.by_dma = true;
                    }
                }
            }
            CLEAR_IRQ => self.finished &= !bit(value, 0),
            BUSY => {}
            _ => self.registers.set(offset, value),
        }
    }

    fn message_block(&self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        for (n, chunk) in block.chunks_exact_mut(4).enumerate() {
            chunk.copy_from_slice(&self.registers.get(M_MEM + 4 * n as u32).to_le_bytes());
        }
        block
    }

    /// Takes whole blocks of `message` into the hash; `first` starts from the initial value.
    fn digest(&mut self, first: bool, message: &[u8]) {
        let mode = field(self.registers.get(MODE), 0, 2);
        // H_MEM shows the hash as bytes in their usual order, so its words are byte-swapped.
        let mut state = match (first, mode) {
            (false, _) => std::array::from_fn(|n| self.registers.get(H_MEM + 4 * n as u32).swap_bytes()),
            (true, 0) => SHA1_INITIAL,
            (true, 1) => SHA224_INITIAL,
            (true, _) => SHA256_INITIAL,
        };
        for block in message.chunks_exact(BLOCK) {
            let block = block.try_into().expect("chunks_exact gives whole blocks");
            if mode == 0 {
                let mut short = [state[0], state[1], state[2], state[3], state[4]];
                sha1::compress(&mut short, std::slice::from_ref(sha1_block(block)));
                state[..5].copy_from_slice(&short);
            } else {
                sha2::compress256(&mut state, std::slice::from_ref(sha1_block(block)));
            }
        }
        for (n, word) in state.into_iter().enumerate() {
            self.registers.set(H_MEM + 4 * n as u32, word.swap_bytes());
        }
    }
}

/// The same block in the array type of the hash libraries.
fn sha1_block(block: &[u8; BLOCK]) -> &sha1::digest::generic_array::GenericArray<u8, sha1::digest::consts::U64> {
    block.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flash::FlashImage;
    use sha2::Digest;

    /// `message` with the padding that makes it whole blocks.
    fn padded(message: &[u8]) -> Vec<u8> {
        let mut bytes = message.to_vec();
        bytes.push(0x80);
        while bytes.len() % BLOCK != 56 {
            bytes.push(0);
        }
        bytes.extend_from_slice(&(message.len() as u64 * 8).to_be_bytes());
        bytes
    }

    fn by_blocks(mode: u32, message: &[u8], length: usize) -> Vec<u8> {
        let (mut memory, mut dma, mut sha) = (Memory::new(&[], FlashImage::blank()), Gdma::new(), Sha::new());
        sha.store(&mut memory, &mut dma, 0, MODE, mode);
        let mut now = 0;
        for (n, block) in padded(message).chunks(BLOCK).enumerate() {
            for (word, chunk) in block.chunks(4).enumerate() {
                let value = u32::from_le_bytes(chunk.try_into().unwrap());
                sha.store(&mut memory, &mut dma, now, M_MEM + 4 * word as u32, value);
            }
            sha.store(&mut memory, &mut dma, now, if n == 0 { START } else { CONTINUE }, 1);
            assert_eq!(sha.peek(BUSY), 1);
            now = sha.deadline();
            sha.run(now);
            assert_eq!(sha.peek(BUSY), 0);
        }
        (0..length as u32 / 4).flat_map(|n| sha.peek(H_MEM + 4 * n).to_le_bytes()).collect()
    }

    #[test]
    fn block_mode_agrees_with_the_standard_functions() {
        let message: Vec<u8> = (0..200).collect();
        for message in [&[][..], b"abc", &message] {
            assert_eq!(by_blocks(0, message, 20), sha1::Sha1::digest(message).as_slice());
            assert_eq!(by_blocks(1, message, 28), sha2::Sha224::digest(message).as_slice());
            assert_eq!(by_blocks(2, message, 32), sha2::Sha256::digest(message).as_slice());
        }
    }

    #[test]
    fn dma_mode_takes_its_blocks_from_the_list() {
        let (mut memory, mut dma, mut sha) = (Memory::new(&[], FlashImage::blank()), Gdma::new(), Sha::new());
        let message = padded(b"The quick brown fox jumps over the lazy dog, twice, to fill more than one block");
        memory.write(0x3FCA_0000, &message).unwrap();
        let head = 1_u32 << 31 | 1 << 30 | (message.len() as u32) << 12 | message.len() as u32;
        for (n, word) in [head, 0x3FCA_0000, 0].into_iter().enumerate() {
            memory.write(0x3FC9_0000 + 4 * n as u32, &word.to_le_bytes()).unwrap();
        }
        dma.store(&mut memory, 0, 0x100, DmaPeripheral::Sha as u32);
        dma.store(&mut memory, 0, 0x0E0, 1 << 21 | 0x9_0000);
        sha.store(&mut memory, &mut dma, 0, MODE, 2);
        sha.store(&mut memory, &mut dma, 0, IRQ_ENA, 1);
        sha.store(&mut memory, &mut dma, 0, DMA_BLOCK_NUM, 2);
        sha.store(&mut memory, &mut dma, 0, DMA_START, 1);
        assert!(!sha.active());
        sha.run(sha.deadline());
        assert!(sha.active());
        let hash: Vec<u8> = (0..8).flat_map(|n| sha.peek(H_MEM + 4 * n).to_le_bytes()).collect();
        let expected =
            sha2::Sha256::digest(b"The quick brown fox jumps over the lazy dog, twice, to fill more than one block");
        assert_eq!(hash, expected.as_slice());
        sha.store(&mut memory, &mut dma, 0, CLEAR_IRQ, 1);
        assert!(!sha.active());
    }
}

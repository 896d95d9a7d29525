//! AES accelerator (TRM, chapter "AES Accelerator"): AES-128 and AES-256, single blocks through
//! registers and the block cipher modes ECB, CBC, OFB, CTR, CFB8 and CFB128 by GDMA. GCM is not
//! modelled. The text is there at once; the accelerator reports itself busy for as long as the work
//! takes, and obeys nothing meanwhile.

use ::aes::cipher::{BlockDecrypt, BlockEncrypt, KeyInit};
use ::aes::{Aes128, Aes256, Block};

use super::gdma::{DmaPeripheral, Gdma};
use super::{Registers, bit, field};
use crate::bus::Tick;
use crate::memory::Memory;

const KEY_0: u32 = 0x00;
const TEXT_IN_0: u32 = 0x20;
const TEXT_OUT_0: u32 = 0x30;
const MODE: u32 = 0x40;
const TRIGGER: u32 = 0x48;
const STATE: u32 = 0x4C;
const IV_MEM: u32 = 0x50;
const DMA_ENABLE: u32 = 0x90;
const BLOCK_MODE: u32 = 0x94;
const BLOCK_NUM: u32 = 0x98;
const INC_SEL: u32 = 0x9C;
const CONTINUE: u32 = 0xA8;
const INT_CLR: u32 = 0xAC;
const INT_ENA: u32 = 0xB0;
const DMA_EXIT: u32 = 0xB8;

/// Bytes in a block.
const BLOCK: usize = 16;
/// Blocks one DMA operation may ask for: as much as internal RAM can hold.
const MAX_BLOCKS: u32 = 0x6_0000 / BLOCK as u32;
/// STATE while an operation runs.
const BUSY: u32 = 1;
/// STATE after a DMA operation, until DMA_EXIT.
const DONE: u32 = 2;
/// Time for one block: about 15 cycles of the 160 MHz crypto clock.
const BLOCK_TICKS: Tick = 15 * 3;

/// The AES block at 0x6003_A000.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Aes {
    registers: Registers<0x2F>,
    state: u32,
    /// When the running operation is done (`Tick::MAX`: none runs), and the state it leaves.
    done_at: Tick,
    state_then: u32,
    finished: bool,
}

enum Cipher {
    Aes128(Box<Aes128>),
    Aes256(Box<Aes256>),
}

impl Cipher {
    fn encrypt(&self, bytes: &[u8; BLOCK]) -> [u8; BLOCK] {
        let mut block = Block::from(*bytes);
        match self {
            Self::Aes128(cipher) => cipher.encrypt_block(&mut block),
            Self::Aes256(cipher) => cipher.encrypt_block(&mut block),
        }
        block.into()
    }

    fn decrypt(&self, bytes: &[u8; BLOCK]) -> [u8; BLOCK] {
        let mut block = Block::from(*bytes);
        match self {
            Self::Aes128(cipher) => cipher.decrypt_block(&mut block),
            Self::Aes256(cipher) => cipher.decrypt_block(&mut block),
        }
        block.into()
    }
}

impl Aes {
    pub(crate) fn new() -> Self {
        Self {
            registers: Registers::new(&[(0xB4, 0x2019_1210)]),
            state: 0,
            done_at: Tick::MAX,
            state_then: 0,
            finished: false,
        }
    }

    /// Whether the interrupt source is active.
    pub(crate) fn active(&self) -> bool {
        self.finished && bit(self.registers.get(INT_ENA), 0)
    }

    /// When the running operation is done.
    pub(crate) fn deadline(&self) -> Tick {
        self.done_at
    }

    /// Ends the operation that is due.
    pub(crate) fn run(&mut self, now: Tick) {
        if self.done_at <= now {
            self.done_at = Tick::MAX;
            self.state = self.state_then;
            self.finished |= self.state == DONE;
        }
    }

    fn be_busy(&mut self, now: Tick, ticks: Tick, state_then: u32) {
        self.state = BUSY;
        self.state_then = state_then;
        self.done_at = now.saturating_add(ticks);
    }

    pub(crate) fn peek(&self, offset: u32) -> u32 {
        match offset {
            TRIGGER | CONTINUE | INT_CLR | DMA_EXIT => 0,
            STATE => self.state,
            _ => self.registers.get(offset),
        }
    }

    pub(crate) fn store(&mut self, memory: &mut Memory, dma: &mut Gdma, now: Tick, offset: u32, value: u32) {
        match offset {
            TRIGGER | DMA_EXIT if self.state == BUSY => {}
            TRIGGER => {
                if bit(value, 0) {
                    if bit(self.registers.get(DMA_ENABLE), 0) {
                        self.run_by_dma(memory, dma, now);
                    } else {
                        self.run_block();
                        self.be_busy(now, BLOCK_TICKS, 0);
                    }
                }
            }
            DMA_EXIT => self.state = 0,
            INT_CLR => self.finished &= !bit(value, 0),
            STATE | CONTINUE => {}
            _ => self.registers.set(offset, value),
        }
    }

    fn bytes<const N: usize>(&self, offset: u32) -> [u8; N] {
        let mut bytes = [0; N];
        for (n, chunk) in bytes.chunks_exact_mut(4).enumerate() {
            chunk.copy_from_slice(&self.registers.get(offset + 4 * n as u32).to_le_bytes());
        }
        bytes
    }

    fn set_bytes(&mut self, offset: u32, bytes: &[u8; BLOCK]) {
        for (n, chunk) in bytes.chunks_exact(4).enumerate() {
            self.registers.set(offset + 4 * n as u32, u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]));
        }
    }

    fn cipher(&self) -> Cipher {
        // MODE: 0 and 4 are AES-128, 2 and 6 AES-256; from 4 on the text is decrypted.
        if field(self.registers.get(MODE), 0, 1) == 2 {
            Cipher::Aes256(Box::new(Aes256::new(&self.bytes::<32>(KEY_0).into())))
        } else {
            Cipher::Aes128(Box::new(Aes128::new(&self.bytes::<16>(KEY_0).into())))
        }
    }

    fn decrypts(&self) -> bool {
        bit(self.registers.get(MODE), 2)
    }

    /// One block from TEXT_IN to TEXT_OUT.
    fn run_block(&mut self) {
        let text = self.bytes(TEXT_IN_0);
        let cipher = self.cipher();
        let result = if self.decrypts() { cipher.decrypt(&text) } else { cipher.encrypt(&text) };
        self.set_bytes(TEXT_OUT_0, &result);
    }

    /// BLOCK_NUM blocks from the transmit list to the receive list.
    fn run_by_dma(&mut self, memory: &mut Memory, dma: &mut Gdma, now: Tick) {
        let wanted = self.registers.get(BLOCK_NUM).min(MAX_BLOCKS) as usize * BLOCK;
        let Some(fetched) = dma.fetch(memory, DmaPeripheral::Aes, wanted) else { return };
        let mut text = fetched.bytes;
        text.resize(text.len().next_multiple_of(BLOCK), 0);
        let result = self.run_mode(&text);
        let delivery = dma.deliver(memory, DmaPeripheral::Aes, &result);
        // CFB8 encrypts a block for every byte.
        let work = if field(self.registers.get(BLOCK_MODE), 0, 2) == 4 { result.len() } else { result.len() / BLOCK };
        self.be_busy(now, fetched.ticks + delivery + (work as Tick + 1) * BLOCK_TICKS, DONE);
    }

    /// Applies the block cipher mode; IV_MEM takes the value with which the next call goes on.
    fn run_mode(&mut self, text: &[u8]) -> Vec<u8> {
        let cipher = self.cipher();
        let decrypts = self.decrypts();
        let mode = field(self.registers.get(BLOCK_MODE), 0, 2);
        let mut vector = self.bytes::<BLOCK>(IV_MEM);
        let mut result = Vec::with_capacity(text.len());
        for chunk in text.chunks_exact(BLOCK) {
            let input: [u8; BLOCK] = chunk.try_into().expect("chunks_exact gives whole blocks");
            let output = match mode {
                1 if decrypts => {
                    let output = xor(&cipher.decrypt(&input), &vector);
                    vector = input;
                    output
                }
                1 => {
                    vector = cipher.encrypt(&xor(&input, &vector));
                    vector
                }
                2 => {
                    vector = cipher.encrypt(&vector);
                    xor(&input, &vector)
                }
                3 => {
                    let output = xor(&input, &cipher.encrypt(&vector));
                    self.increment(&mut vector);
                    output
                }
                4 => cipher_feedback_8(&cipher, decrypts, &mut vector, &input),
                5 => {
                    let output = xor(&input, &cipher.encrypt(&vector));
                    vector = if decrypts { input } else { output };
                    output
                }
                _ if decrypts => cipher.decrypt(&input),
                _ => cipher.encrypt(&input),
            };
            result.extend_from_slice(&output);
        }
        self.set_bytes(IV_MEM, &vector);
        result
    }

    /// Counts the counter block up by its last 32 bits, or by all 128 if INC_SEL says so.
    fn increment(&self, counter: &mut [u8; BLOCK]) {
        if bit(self.registers.get(INC_SEL), 0) {
            *counter = u128::from_be_bytes(*counter).wrapping_add(1).to_be_bytes();
        } else {
            let whole = u128::from_be_bytes(*counter);
            let low = (whole as u32).wrapping_add(1);
            *counter = (whole & !u128::from(u32::MAX) | u128::from(low)).to_be_bytes();
        }
    }
}

fn xor(left: &[u8; BLOCK], right: &[u8; BLOCK]) -> [u8; BLOCK] {
    std::array::from_fn(|n| left[n] ^ right[n])
}

fn cipher_feedback_8(cipher: &Cipher, decrypts: bool, vector: &mut [u8; BLOCK], input: &[u8; BLOCK]) -> [u8; BLOCK] {
    std::array::from_fn(|n| {
        let output = input[n] ^ cipher.encrypt(vector)[0];
        vector.rotate_left(1);
        vector[BLOCK - 1] = if decrypts { input[n] } else { output };
        output
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flash::FlashImage;

    // NIST SP 800-38A, appendix F: key, initialisation vector, counter and the first block.
    const KEY: u128 = 0x2b7e1516_28aed2a6_abf71588_09cf4f3c;
    const IV: u128 = 0x00010203_04050607_08090a0b_0c0d0e0f;
    const COUNTER: u128 = 0xf0f1f2f3_f4f5f6f7_f8f9fafb_fcfdfeff;
    const PLAIN: [u128; 2] = [0x6bc1bee2_2e409f96_e93d7e11_7393172a, 0xae2d8a57_1e03ac9c_9eb76fac_45af8e51];

    fn aes(mode: u32, block_mode: u32, vector: u128) -> Aes {
        let mut aes = Aes::new();
        aes.set_bytes(KEY_0, &KEY.to_be_bytes());
        aes.set_bytes(IV_MEM, &vector.to_be_bytes());
        aes.registers.set(MODE, mode);
        aes.registers.set(BLOCK_MODE, block_mode);
        aes
    }

    #[track_caller]
    fn check(block_mode: u32, vector: u128, cipher_text: [u128; 2]) {
        let plain: Vec<u8> = PLAIN.iter().flat_map(|block| block.to_be_bytes()).collect();
        let expected: Vec<u8> = cipher_text.iter().flat_map(|block| block.to_be_bytes()).collect();
        assert_eq!(aes(0, block_mode, vector).run_mode(&plain), expected, "encryption");
        assert_eq!(aes(4, block_mode, vector).run_mode(&expected), plain, "decryption");
    }

    #[test]
    fn block_cipher_modes_give_the_nist_vectors() {
        check(0, 0, [0x3ad77bb4_0d7a3660_a89ecaf3_2466ef97, 0xf5d3d585_03b9699d_e785895a_96fdbaaf]);
        check(1, IV, [0x7649abac_8119b246_cee98e9b_12e9197d, 0x5086cb9b_507219ee_95db113a_917678b2]);
        check(2, IV, [0x3b3fd92e_b72dad20_333449f8_e83cfb4a, 0x7789508d_16918f03_f53c52da_c54ed825]);
        check(3, COUNTER, [0x874d6191_b620e326_1bef6864_990db6ce, 0x9806f66b_7970fdff_8617187b_b9fffdff]);
        check(4, IV, [0x3b79424c_9c0dd436_bace9e0e_d4586a4f, 0x32b9ded5_0ae3ba69_d472e882_67fb5052]);
        check(5, IV, [0x3b3fd92e_b72dad20_333449f8_e83cfb4a, 0xc8a64537_a0b3a93f_cde3cdad_9f1ce58b]);
    }

    #[test]
    fn one_block_through_the_registers() {
        let (mut memory, mut dma) = (Memory::new(&[], FlashImage::blank()), Gdma::new());
        let mut aes = aes(0, 0, 0);
        aes.set_bytes(TEXT_IN_0, &PLAIN[0].to_be_bytes());
        aes.store(&mut memory, &mut dma, 0, TRIGGER, 1);
        assert_eq!((aes.peek(STATE), aes.deadline()), (BUSY, BLOCK_TICKS));
        aes.run(BLOCK_TICKS);
        assert_eq!(aes.peek(STATE), 0);
        assert_eq!(aes.bytes::<16>(TEXT_OUT_0), 0x3ad77bb4_0d7a3660_a89ecaf3_2466ef97_u128.to_be_bytes());
    }

    #[test]
    fn aes_256_uses_the_whole_key() {
        // FIPS 197, appendix C.3.
        let mut aes = Aes::new();
        for n in 0..8_u32 {
            aes.registers.set(
                KEY_0 + 4 * n,
                u32::from_le_bytes([4 * n as u8, 4 * n as u8 + 1, 4 * n as u8 + 2, 4 * n as u8 + 3]),
            );
        }
        aes.registers.set(MODE, 2);
        aes.set_bytes(TEXT_IN_0, &0x00112233_44556677_8899aabb_ccddeeff_u128.to_be_bytes());
        aes.run_block();
        assert_eq!(aes.bytes::<16>(TEXT_OUT_0), 0x8ea2b7ca_516745bf_eafc4990_4b496089_u128.to_be_bytes());
    }
}

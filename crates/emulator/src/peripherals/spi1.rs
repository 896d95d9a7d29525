//! SPI1, the flash controller of the CPU (TRM, chapter "SPI Controller"), and the commands of the
//! NOR flash chip behind it. Transfers are finished as soon as they are started; erasing and
//! programming keep the flash chip busy, though not for as long as on silicon.

use super::{Registers, bit, field};
use crate::bus::{TICKS_PER_SECOND, Tick};
use crate::flash::{FLASH_SIZE, FlashImage};

const CMD: u32 = 0x00;
const ADDR: u32 = 0x04;
const USER: u32 = 0x18;
const USER1: u32 = 0x1C;
const USER2: u32 = 0x20;
const MOSI_DLEN: u32 = 0x24;
const MISO_DLEN: u32 = 0x28;
const RD_STATUS: u32 = 0x2C;
const W0: u32 = 0x58;
const CTRL2: u32 = 0x10;
const INT_CLR: u32 = 0xC4;

const RESET: &[(u32, u32)] = &[
    (0x08, 0x002C_A000),
    (0x0C, 0x0000_0FFC),
    (0x14, 0x0003_0103),
    (USER, 0x8000_0000),
    (USER1, 0x5C00_0007),
    (USER2, 0x7000_0000),
    (0x34, 0x0000_0002),
    (0x38, 0xFFFF_FFFF),
    (0x98, 0x0000_0014),
    (0x9C, 0x0800_2000),
    (0xA0, 0x0005_757A),
    (0xDC, 0x0000_0001),
    (0x3FC, 0x0210_1040),
];

/// Manufacturer and device identification that RDID answers: Winbond W25Q32, 4 MB.
const JEDEC_ID: [u8; 3] = [0xEF, 0x40, 0x16];
/// Unique identification that command 4B answers.
const UNIQUE_ID: [u8; 8] = *b"ISRLAB01";
/// Bytes in the data buffer W0 to W15.
const BUFFER: usize = 64;

/// Time to program a page; silicon takes about 0.4 ms.
const PROGRAM_TICKS: Tick = TICKS_PER_SECOND / 50_000;
/// Time to erase a sector of 4 KiB; silicon takes about 45 ms.
const ERASE_SECTOR_TICKS: Tick = TICKS_PER_SECOND / 2000;
/// Bytes in a sector.
const SECTOR: usize = 4 * 1024;

/// An operation is running, in status register 1.
const STATUS_BUSY: u8 = 1 << 0;
/// Write enable latch in status register 1.
const STATUS_WEL: u8 = 1 << 1;

/// The SPI1 block at 0x6000_2000 with the flash chip's own registers.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Spi1 {
    registers: Registers<0x100>,
    /// Status registers 1, 2 and 3 of the flash chip.
    status: [u8; 3],
    /// Until when the flash chip is busy erasing or programming.
    busy_until: Tick,
    /// In deep power-down nothing but the release is obeyed.
    powered_down: bool,
}

/// A part of the flash that a command changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Changed {
    /// First changed byte.
    pub(crate) offset: usize,
    /// Number of bytes.
    pub(crate) length: usize,
}

impl Spi1 {
    pub(crate) fn new() -> Self {
        Self { registers: Registers::new(RESET), status: [0; 3], busy_until: 0, powered_down: false }
    }

    /// Resets the controller; the flash chip keeps its power and its state.
    pub(crate) fn reset(&mut self) {
        self.registers = Registers::new(RESET);
    }

    pub(crate) fn peek(&self, offset: u32) -> u32 {
        match offset {
            // Commands are finished, the state machines idle.
            CMD | CTRL2 | INT_CLR => 0,
            _ => self.registers.get(offset),
        }
    }

    /// Writes a register; returns what part of the flash a command changed. Only commands ask for the flash.
    pub(crate) fn store<'f>(
        &mut self,
        flash: impl FnOnce() -> &'f mut FlashImage,
        now: Tick,
        offset: u32,
        value: u32,
    ) -> Option<Changed> {
        if offset != CMD {
            self.registers.set(offset, value);
            return None;
        }
        let flash = flash();
        if now >= self.busy_until {
            self.status[0] &= !STATUS_BUSY;
        }
        let changed = if bit(value, 18) { self.user_command(flash) } else { self.fixed_command(flash, value) };
        if let Some(Changed { length, .. }) = changed {
            let ticks = if length < SECTOR { PROGRAM_TICKS } else { (length / SECTOR) as Tick * ERASE_SECTOR_TICKS };
            self.busy_until = now.saturating_add(ticks);
            self.status[0] |= STATUS_BUSY;
        }
        changed
    }

    fn buffer(&self) -> [u8; BUFFER] {
        let mut bytes = [0; BUFFER];
        for (n, chunk) in bytes.chunks_exact_mut(4).enumerate() {
            chunk.copy_from_slice(&self.registers.get(W0 + 4 * n as u32).to_le_bytes());
        }
        bytes
    }

    fn set_buffer(&mut self, bytes: &[u8]) {
        for (n, chunk) in bytes.chunks(4).take(BUFFER / 4).enumerate() {
            let mut word = self.registers.get(W0 + 4 * n as u32).to_le_bytes();
            word[..chunk.len()].copy_from_slice(chunk);
            self.registers.set(W0 + 4 * n as u32, u32::from_le_bytes(word));
        }
    }

    /// A transfer whose phases the USER registers describe.
    fn user_command(&mut self, flash: &mut FlashImage) -> Option<Changed> {
        let user = self.registers.get(USER);
        if !bit(user, 31) {
            return None;
        }
        let opcode = self.registers.get(USER2) as u8;
        // The address is right-aligned in ADDR.
        let bits = if bit(user, 30) { field(self.registers.get(USER1), 26, 31) + 1 } else { 0 };
        let address = match bits {
            0 => 0,
            1..32 => self.registers.get(ADDR) & ((1 << bits) - 1),
            _ => self.registers.get(ADDR),
        };
        let length = |register, enabled| {
            if enabled { ((field(register, 0, 9) as usize + 1) / 8).min(BUFFER) } else { 0 }
        };
        let sent = length(self.registers.get(MOSI_DLEN), bit(user, 27));
        let received = length(self.registers.get(MISO_DLEN), bit(user, 28));
        let data = self.buffer();
        let mut answer = [0; BUFFER];
        let changed = self.flash_command(flash, opcode, address, &data[..sent], &mut answer[..received]);
        self.set_buffer(&answer[..received]);
        changed
    }

    /// One of the commands that have a bit of their own in CMD.
    fn fixed_command(&mut self, flash: &mut FlashImage, command: u32) -> Option<Changed> {
        let address = self.registers.get(ADDR) & 0xFF_FFFF;
        // Page program takes its length from the top byte of ADDR.
        let length = (self.registers.get(ADDR) >> 24) as usize;
        let data = self.buffer();
        let mut answer = [0; BUFFER];
        if bit(command, 31) {
            self.flash_command(flash, 0x03, address, &[], &mut answer[..length.min(BUFFER)]);
            self.set_buffer(&answer[..length.min(BUFFER)]);
            return None;
        }
        if bit(command, 28) {
            self.flash_command(flash, 0x9F, 0, &[], &mut answer[..3]);
            self.registers.set(W0, u32::from_le_bytes([answer[0], answer[1], answer[2], 0]));
            return None;
        }
        if bit(command, 27) {
            self.flash_command(flash, 0x05, 0, &[], &mut answer[..1]);
            self.registers.set(RD_STATUS, u32::from(answer[0]));
            return None;
        }
        if bit(command, 26) {
            let status = self.registers.get(RD_STATUS).to_le_bytes();
            // WRSR_2B in CTRL sends two bytes.
            let sent = if bit(self.registers.get(0x08), 22) { 2 } else { 1 };
            return self.flash_command(flash, 0x01, 0, &status[..sent], &mut []);
        }
        let simple = [(30, 0x06), (29, 0x04), (25, 0x02), (24, 0x20), (23, 0xD8), (22, 0xC7), (21, 0xB9), (20, 0xAB)];
        let (number, opcode) = simple.into_iter().find(|&(number, _)| bit(command, number))?;
        let sent = if number == 25 { length.min(BUFFER) } else { 0 };
        self.flash_command(flash, opcode, address, &data[..sent], &mut [])
    }

    /// What the flash chip does with a command; the answer is filled with what it drives.
    fn flash_command(
        &mut self,
        flash: &mut FlashImage,
        opcode: u8,
        address: u32,
        data: &[u8],
        answer: &mut [u8],
    ) -> Option<Changed> {
        answer.fill(0xFF);
        if self.powered_down && opcode != 0xAB {
            return None;
        }
        // While it is busy the flash chip answers nothing but its status.
        if self.status[0] & STATUS_BUSY != 0 && !matches!(opcode, 0x05 | 0x35 | 0x15) {
            return None;
        }
        match opcode {
            0x9F => fill(answer, &JEDEC_ID),
            0x90 => fill(answer, &[JEDEC_ID[0], 0x15]),
            0x4B => fill(answer, &UNIQUE_ID),
            0x05 => answer.fill(self.status[0]),
            0x35 => answer.fill(self.status[1]),
            0x15 => answer.fill(self.status[2]),
            0x06 | 0x50 => self.status[0] |= STATUS_WEL,
            0x04 => self.status[0] &= !STATUS_WEL,
            0x01 | 0x31 | 0x11 => self.write_status(opcode, data),
            0x03 | 0x0B | 0x3B | 0x6B | 0xBB | 0xEB => {
                for (n, byte) in answer.iter_mut().enumerate() {
                    *byte = flash.byte(address.wrapping_add(n as u32));
                }
            }
            0x5A => {
                for (n, byte) in answer.iter_mut().enumerate() {
                    *byte = sfdp(address.wrapping_add(n as u32));
                }
            }
            0x02 | 0x32 => return self.program(flash, address, data),
            0x20 => return self.erase(flash, address, 4 * 1024),
            0x52 => return self.erase(flash, address, 32 * 1024),
            0xD8 => return self.erase(flash, address, 64 * 1024),
            0x60 | 0xC7 => return self.erase(flash, 0, FLASH_SIZE),
            0xB9 => self.powered_down = true,
            0xAB => {
                self.powered_down = false;
                answer.fill(0x15);
            }
            0x99 => (self.status, self.powered_down) = ([0; 3], false),
            _ => {}
        }
        None
    }

    fn write_status(&mut self, opcode: u8, data: &[u8]) {
        if self.status[0] & STATUS_WEL == 0 {
            return;
        }
        let first = match opcode {
            0x01 => 0,
            0x31 => 1,
            _ => 2,
        };
        for (register, &value) in self.status.iter_mut().skip(first).zip(data) {
            *register = value;
        }
        // BUSY and WEL are not storage.
        self.status[0] &= !3;
    }

    fn takes_write(&mut self) -> bool {
        let enabled = self.status[0] & STATUS_WEL != 0;
        self.status[0] &= !STATUS_WEL;
        enabled
    }

    /// Programs at most one page; behind its end the address wraps to its start.
    fn program(&mut self, flash: &mut FlashImage, address: u32, data: &[u8]) -> Option<Changed> {
        if !self.takes_write() {
            return None;
        }
        let page = (address as usize % FLASH_SIZE) & !0xFF;
        for (n, &byte) in data.iter().enumerate() {
            flash.program((page | (address as usize + n) & 0xFF) as u32, byte);
        }
        Some(Changed { offset: page, length: 256 })
    }

    fn erase(&mut self, flash: &mut FlashImage, address: u32, length: usize) -> Option<Changed> {
        if !self.takes_write() {
            return None;
        }
        flash.erase(address, length);
        Some(Changed { offset: (address as usize % FLASH_SIZE) & !(length - 1), length })
    }
}

/// Repeats `pattern` over the answer, as flash chips do when they are clocked on.
fn fill(answer: &mut [u8], pattern: &[u8]) {
    for (byte, &value) in answer.iter_mut().zip(pattern.iter().cycle()) {
        *byte = value;
    }
}

/// The Serial Flash Discoverable Parameters (JEDEC JESD216): header, one parameter header, and
/// the first nine words of the basic table of a 32 Mbit chip.
fn sfdp(address: u32) -> u8 {
    const TABLE_AT: u32 = 0x80;
    const HEADER: [u32; 4] = [0x5044_4653, 0xFF00_0100, 0x0900_0000 | 0x0100 << 8, 0xFF00_0000 | TABLE_AT];
    const TABLE: [u32; 9] = [
        0xFFF9_20E5,
        FLASH_SIZE as u32 * 8 - 1,
        0x6B08_EB44,
        0xBB42_3B08,
        0xFFFF_FFFE,
        0x0000_FFFF,
        0xEB40_FFFF,
        0x520F_200C,
        0xFFFF_D810,
    ];
    let word = match address / 4 {
        n @ 0..4 => HEADER[n as usize],
        n if (TABLE_AT / 4..TABLE_AT / 4 + 9).contains(&n) => TABLE[(n - TABLE_AT / 4) as usize],
        _ => u32::MAX,
    };
    word.to_le_bytes()[(address % 4) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The flash chip is never busy any more then.
    const LATER: Tick = Tick::MAX;

    /// Runs a user command with an address of 24 bits and returns what came back.
    fn run(
        spi: &mut Spi1,
        flash: &mut FlashImage,
        opcode: u32,
        address: Option<u32>,
        data: &[u8],
        answer: usize,
    ) -> Vec<u8> {
        // Every command comes when the one before is done.
        let now = spi.busy_until;
        let mut user = 1 << 31;
        if let Some(address) = address {
            user |= 1 << 30;
            spi.store(|| flash, now, USER1, 23 << 26);
            spi.store(|| flash, now, ADDR, address);
        }
        if !data.is_empty() {
            user |= 1 << 27;
            spi.store(|| flash, now, MOSI_DLEN, data.len() as u32 * 8 - 1);
            spi.set_buffer(data);
        }
        if answer > 0 {
            user |= 1 << 28;
            spi.store(|| flash, now, MISO_DLEN, answer as u32 * 8 - 1);
        }
        spi.store(|| flash, now, USER, user);
        spi.store(|| flash, now, USER2, 7 << 28 | opcode);
        spi.store(|| flash, now, CMD, 1 << 18);
        assert_eq!(spi.peek(CMD), 0);
        spi.buffer()[..answer].to_vec()
    }

    #[test]
    fn only_commands_ask_for_the_flash() {
        let mut spi = Spi1::new();
        for offset in (4..0x100).step_by(4) {
            assert!(spi.store(|| unreachable!("{offset:#x}"), LATER, offset, u32::MAX).is_none());
        }
    }

    #[test]
    fn identification() {
        let (mut spi, mut flash) = (Spi1::new(), FlashImage::blank());
        assert_eq!(run(&mut spi, &mut flash, 0x9F, None, &[], 3), JEDEC_ID);
        assert_eq!(run(&mut spi, &mut flash, 0x5A, Some(0), &[], 4), b"SFDP");
        assert_eq!(run(&mut spi, &mut flash, 0x4B, Some(0), &[], 8), UNIQUE_ID);
        spi.store(|| &mut flash, LATER, CMD, 1 << 28);
        assert_eq!(spi.peek(W0), 0x0016_40EF);
    }

    #[test]
    fn write_enable_guards_program_and_erase() {
        let (mut spi, mut flash) = (Spi1::new(), FlashImage::blank());
        run(&mut spi, &mut flash, 0x02, Some(0x100), &[1, 2, 3], 0);
        assert_eq!(flash, FlashImage::blank());
        run(&mut spi, &mut flash, 0x06, None, &[], 0);
        assert_eq!(run(&mut spi, &mut flash, 0x05, None, &[], 1), [STATUS_WEL]);
        run(&mut spi, &mut flash, 0x02, Some(0x1FE), &[1, 2, 3], 0);
        assert_eq!(spi.status[0], STATUS_BUSY);
        assert_eq!(run(&mut spi, &mut flash, 0x05, None, &[], 1), [0]);
        assert_eq!([flash.byte(0x1FE), flash.byte(0x1FF), flash.byte(0x100)], [1, 2, 3], "wraps in its page");
        for opcode in [0x03, 0x0B, 0x3B, 0x6B, 0xBB, 0xEB] {
            assert_eq!(run(&mut spi, &mut flash, opcode, Some(0x1FE), &[], 3), [1, 2, 0xFF], "{opcode:#x}");
        }
        run(&mut spi, &mut flash, 0x06, None, &[], 0);
        run(&mut spi, &mut flash, 0x20, Some(0xFFF), &[], 0);
        assert_eq!(flash, FlashImage::blank());
    }

    #[test]
    fn a_busy_flash_chip_answers_nothing_but_its_status() {
        let (mut spi, mut flash) = (Spi1::new(), FlashImage::blank());
        for (opcode, address) in [(0x06, None), (0xD8, Some(0))] {
            run(&mut spi, &mut flash, opcode, address, &[], 0);
        }
        assert_eq!(spi.busy_until, 16 * ERASE_SECTOR_TICKS);
        spi.store(|| &mut flash, spi.busy_until - 1, CMD, 1 << 27);
        assert_eq!(spi.peek(RD_STATUS), u32::from(STATUS_BUSY));
        spi.store(|| &mut flash, spi.busy_until - 1, CMD, 1 << 28);
        assert_eq!(spi.peek(W0), 0x00FF_FFFF);
        spi.store(|| &mut flash, spi.busy_until, CMD, 1 << 28);
        assert_eq!(spi.peek(W0), 0x0016_40EF);
    }

    #[test]
    fn fixed_commands_do_the_same() {
        let (mut spi, mut flash) = (Spi1::new(), FlashImage::blank());
        spi.store(|| &mut flash, LATER, CMD, 1 << 30);
        spi.store(|| &mut flash, LATER, CMD, 1 << 27);
        assert_eq!(spi.peek(RD_STATUS), u32::from(STATUS_WEL));
        spi.store(|| &mut flash, LATER, ADDR, 4 << 24 | 0x2_0000);
        spi.set_buffer(&[9, 8, 7, 6]);
        assert_eq!(spi.store(|| &mut flash, LATER, CMD, 1 << 25), Some(Changed { offset: 0x2_0000, length: 256 }));
        assert_eq!(flash.byte(0x2_0003), 6);
        spi.store(|| &mut flash, LATER, CMD, 1 << 30);
        spi.store(|| &mut flash, LATER, ADDR, 0x2_1234);
        assert_eq!(spi.store(|| &mut flash, LATER, CMD, 1 << 23), Some(Changed { offset: 0x2_0000, length: 0x1_0000 }));
        assert_eq!(flash, FlashImage::blank());
    }

    #[test]
    fn status_registers_are_written_in_one_or_two_commands() {
        let (mut spi, mut flash) = (Spi1::new(), FlashImage::blank());
        run(&mut spi, &mut flash, 0x31, None, &[2], 0);
        assert_eq!(run(&mut spi, &mut flash, 0x35, None, &[], 1), [0], "without write enable nothing happens");
        run(&mut spi, &mut flash, 0x06, None, &[], 0);
        run(&mut spi, &mut flash, 0x01, None, &[0, 2], 0);
        assert_eq!(run(&mut spi, &mut flash, 0x35, None, &[], 1), [2]);
    }

    #[test]
    fn any_register_contents_are_survived() {
        let (mut spi, mut flash) = (Spi1::new(), FlashImage::blank());
        for value in [0, u32::MAX, 0x8000_0000, 0x7FFF_FFFF] {
            for offset in (4..0x400).step_by(4) {
                spi.store(|| &mut flash, LATER, offset, value);
            }
            for number in 17..32 {
                spi.store(|| &mut flash, LATER, CMD, 1 << number);
            }
            for opcode in 0..=255 {
                spi.store(|| &mut flash, LATER, USER2, opcode);
                spi.store(|| &mut flash, LATER, CMD, 1 << 18);
            }
        }
    }
}

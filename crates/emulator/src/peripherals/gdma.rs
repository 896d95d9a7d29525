//! General DMA controller, GDMA (block DMA; TRM, chapter "GDMA Controller"): three channels that
//! walk linked lists of descriptors in memory. The bytes move at the instant a peripheral (SHA, AES, SPI2)
//! or its partner (memory to memory) is ready; how long that keeps the unit busy is accounted for.

use super::{Interrupts, Registers, bit, field};
use crate::bus::Tick;
use crate::memory::Memory;

const CHANNEL0: u32 = 0x070;
const CHANNEL_SPAN: u32 = 0xC0;
const INTERRUPT_SPAN: u32 = 0x10;
const CHANNELS: u32 = 3;

const IN_CONF0: u32 = 0x00;
const INFIFO_STATUS: u32 = 0x08;
const IN_LINK: u32 = 0x10;
const IN_STATE: u32 = 0x14;
const IN_SUC_EOF_DES_ADDR: u32 = 0x18;
const IN_DSCR: u32 = 0x20;
const IN_PERI_SEL: u32 = 0x30;
const OUT_CONF0: u32 = 0x60;
const OUTFIFO_STATUS: u32 = 0x68;
const OUT_LINK: u32 = 0x70;
const OUT_STATE: u32 = 0x74;
const OUT_EOF_DES_ADDR: u32 = 0x78;
const OUT_DSCR: u32 = 0x80;
const OUT_PERI_SEL: u32 = 0x90;

const IN_DONE_INT: u32 = 1 << 0;
const IN_SUC_EOF_INT: u32 = 1 << 1;
const OUT_DONE_INT: u32 = 1 << 3;
const OUT_EOF_INT: u32 = 1 << 4;
const IN_DSCR_ERR_INT: u32 = 1 << 5;
const OUT_DSCR_ERR_INT: u32 = 1 << 6;
const IN_DSCR_EMPTY_INT: u32 = 1 << 7;
const OUT_TOTAL_EOF_INT: u32 = 1 << 8;
const ALL_INTS: u32 = 0x1FFF;

/// Descriptors one transfer may visit: a list that runs in a circle ends here.
const MAX_DESCRIPTORS: usize = 4096;
/// Bytes one copy from memory to memory may move: all of internal RAM.
const MAX_COPY: usize = 0x6_0000;
/// Time for reading a descriptor and writing it back: about 20 cycles of the 80 MHz bus.
const DESCRIPTOR_TICKS: Tick = 120;
/// Time for moving four bytes: one cycle of the 80 MHz bus.
const WORD_TICKS: Tick = 6;

/// Peripherals with a GDMA interface, by the number in PERI_SEL (TRM, table "Peripherals").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum DmaPeripheral {
    /// GP-SPI2.
    Spi2 = 0,
    /// AES accelerator.
    Aes = 6,
    /// SHA accelerator.
    Sha = 7,
}

/// The DMA block at 0x6003_F000.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Gdma {
    registers: Registers<0xAD>,
    interrupts: [Interrupts; CHANNELS as usize],
    /// Descriptor each channel's transmit and receive side stands at; 0: none.
    out_at: [u32; CHANNELS as usize],
    in_at: [u32; CHANNELS as usize],
    /// Bytes of the present transmit descriptor that are already gone.
    out_offset: [usize; CHANNELS as usize],
    /// When each channel is done with its copy from memory to memory (`Tick::MAX`: none runs).
    busy_until: [Tick; CHANNELS as usize],
}

/// Bytes that a transmit list gave, and how long that took.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fetched {
    /// The bytes, as many as there were.
    pub(crate) bytes: Vec<u8>,
    /// Time on the bus.
    pub(crate) ticks: Tick,
}

/// One descriptor as it stands in memory.
#[derive(Clone, Copy)]
struct Descriptor {
    size: usize,
    length: usize,
    end_of_frame: bool,
    buffer: u32,
    next: u32,
}

impl Gdma {
    pub(crate) fn new() -> Self {
        let mut registers = Registers::new(&[(0x48, 0x0200_8250)]);
        for channel in 0..CHANNELS {
            let base = CHANNEL0 + channel * CHANNEL_SPAN;
            registers.set(base + INFIFO_STATUS, 0x0780_0003);
            registers.set(base + 0x0C, 0x0000_0800);
            registers.set(base + IN_LINK, 0x0110_0000);
            registers.set(base + IN_PERI_SEL, 0x3F);
            registers.set(base + OUT_CONF0, 0x08);
            registers.set(base + OUTFIFO_STATUS, 0x0780_0002);
            registers.set(base + OUT_LINK, 0x0080_0000);
            registers.set(base + OUT_PERI_SEL, 0x3F);
        }
        Self {
            registers,
            interrupts: Default::default(),
            out_at: [0; 3],
            in_at: [0; 3],
            out_offset: [0; 3],
            busy_until: [Tick::MAX; 3],
        }
    }

    /// The levels of the three channels' interrupt sources.
    pub(crate) fn active(&self) -> [bool; 3] {
        std::array::from_fn(|channel| self.interrupts[channel].active())
    }

    fn register(&self, channel: usize, offset: u32) -> u32 {
        self.registers.get(CHANNEL0 + channel as u32 * CHANNEL_SPAN + offset)
    }

    fn set_register(&mut self, channel: usize, offset: u32, value: u32) {
        self.registers.set(CHANNEL0 + channel as u32 * CHANNEL_SPAN + offset, value);
    }

    pub(crate) fn peek(&self, offset: u32) -> u32 {
        if offset < CHANNELS * INTERRUPT_SPAN {
            let interrupts = &self.interrupts[(offset / INTERRUPT_SPAN) as usize];
            return match offset % INTERRUPT_SPAN {
                0x0 => interrupts.raw,
                0x4 => interrupts.status(),
                0x8 => interrupts.enabled,
                _ => 0,
            };
        }
        self.registers.get(offset)
    }

    /// When the next copy from memory to memory is done (`Tick::MAX`: none runs).
    pub(crate) fn deadline(&self) -> Tick {
        self.busy_until.into_iter().min().unwrap_or(Tick::MAX)
    }

    /// Ends the copies that are due; a channel that was started again meanwhile goes on.
    pub(crate) fn run(&mut self, memory: &mut Memory, now: Tick) {
        for channel in 0..CHANNELS as usize {
            if self.busy_until[channel] <= now {
                self.busy_until[channel] = Tick::MAX;
                self.copy_memory(memory, now, channel);
            }
        }
    }

    /// Writes a register; starting both sides of a memory-to-memory channel begins a copy.
    pub(crate) fn store(&mut self, memory: &mut Memory, now: Tick, offset: u32, value: u32) {
        if offset < CHANNELS * INTERRUPT_SPAN {
            let interrupts = &mut self.interrupts[(offset / INTERRUPT_SPAN) as usize];
            match offset % INTERRUPT_SPAN {
                0x0 => interrupts.raw = value & ALL_INTS,
                0x8 => interrupts.enabled = value & ALL_INTS,
                0xC => interrupts.raw &= !value,
                _ => {}
            }
            return;
        }
        if !(CHANNEL0..CHANNEL0 + CHANNELS * CHANNEL_SPAN).contains(&offset) {
            self.registers.set(offset, value);
            return;
        }
        let channel = ((offset - CHANNEL0) / CHANNEL_SPAN) as usize;
        match (offset - CHANNEL0) % CHANNEL_SPAN {
            IN_CONF0 => {
                if bit(value, 0) {
                    self.in_at[channel] = 0;
                }
                self.registers.set(offset, value);
            }
            OUT_CONF0 => {
                if bit(value, 0) {
                    self.out_at[channel] = 0;
                }
                self.registers.set(offset, value);
            }
            IN_LINK => {
                // STOP 21, START 22, RESTART 23; PARK 24 reads 1 while idle.
                self.registers.set(offset, value & 0x001F_FFFF & !(1 << 21) | 1 << 24);
                if bit(value, 21) {
                    self.in_at[channel] = 0;
                }
                if value & 3 << 22 != 0 {
                    self.in_at[channel] = link_address(value);
                }
                self.copy_memory(memory, now, channel);
            }
            OUT_LINK => {
                // STOP 20, START 21, RESTART 22; PARK 23 reads 1 while idle.
                self.registers.set(offset, value & 0x000F_FFFF | 1 << 23);
                if bit(value, 20) {
                    self.out_at[channel] = 0;
                }
                if value & 3 << 21 != 0 {
                    self.out_at[channel] = link_address(value);
                    self.out_offset[channel] = 0;
                }
                self.copy_memory(memory, now, channel);
            }
            INFIFO_STATUS | OUTFIFO_STATUS | IN_STATE | OUT_STATE | IN_SUC_EOF_DES_ADDR | OUT_EOF_DES_ADDR
            | IN_DSCR | OUT_DSCR => {}
            _ => self.registers.set(offset, value),
        }
    }

    /// The channel that sends to (`outgoing`) or receives from `peripheral`.
    fn channel_of(&self, peripheral: DmaPeripheral, outgoing: bool) -> Option<usize> {
        let select = if outgoing { OUT_PERI_SEL } else { IN_PERI_SEL };
        (0..CHANNELS as usize).find(|&channel| field(self.register(channel, select), 0, 5) == peripheral as u32)
    }

    /// Hands the peripheral up to `wanted` bytes from its transmit list; `None` if no started
    /// channel is connected to it or the list is broken.
    pub(crate) fn fetch(&mut self, memory: &mut Memory, peripheral: DmaPeripheral, wanted: usize) -> Option<Fetched> {
        let channel = self.channel_of(peripheral, true)?;
        (self.out_at[channel] != 0).then(|| self.gather(memory, channel, wanted))
    }

    /// Takes bytes from the peripheral into its receive list; returns how long that took.
    pub(crate) fn deliver(&mut self, memory: &mut Memory, peripheral: DmaPeripheral, bytes: &[u8]) -> Tick {
        match self.channel_of(peripheral, false) {
            Some(channel) if self.in_at[channel] != 0 => self.scatter(memory, channel, bytes),
            _ => 0,
        }
    }

    /// A channel in memory-to-memory mode copies when both its sides are started and the copy
    /// before is done.
    fn copy_memory(&mut self, memory: &mut Memory, now: Tick, channel: usize) {
        let memory_mode = bit(self.register(channel, IN_CONF0), 4);
        let idle = self.busy_until[channel] == Tick::MAX;
        if memory_mode && idle && self.out_at[channel] != 0 && self.in_at[channel] != 0 {
            let fetched = self.gather(memory, channel, MAX_COPY);
            let ticks = fetched.ticks + self.scatter(memory, channel, &fetched.bytes);
            self.busy_until[channel] = now.saturating_add(ticks.max(1));
        }
    }

    /// Walks the transmit list until `wanted` bytes are there or the list ends.
    fn gather(&mut self, memory: &mut Memory, channel: usize, wanted: usize) -> Fetched {
        let mut bytes = Vec::new();
        let mut ticks = 0;
        for _ in 0..MAX_DESCRIPTORS {
            let at = self.out_at[channel];
            if at == 0 || bytes.len() >= wanted {
                break;
            }
            let Some(descriptor) = read_descriptor(memory, at) else {
                self.interrupts[channel].raw |= OUT_DSCR_ERR_INT;
                self.out_at[channel] = 0;
                break;
            };
            let start = bytes.len();
            let gone = self.out_offset[channel].min(descriptor.length);
            let taken = (descriptor.length - gone).min(wanted - start);
            bytes.resize(start + taken, 0);
            if memory.read(descriptor.buffer.wrapping_add(gone as u32), &mut bytes[start..]).is_err() {
                self.interrupts[channel].raw |= OUT_DSCR_ERR_INT;
            }
            ticks += DESCRIPTOR_TICKS + taken.div_ceil(4) as Tick * WORD_TICKS;
            if gone + taken < descriptor.length {
                self.out_offset[channel] = gone + taken;
                break;
            }
            self.out_offset[channel] = 0;
            // OUT_AUTO_WRBACK hands the descriptor back to the CPU.
            if bit(self.register(channel, OUT_CONF0), 2) {
                give_back(memory, at, None);
            }
            self.set_register(channel, OUT_DSCR, at);
            self.interrupts[channel].raw |= OUT_DONE_INT;
            if descriptor.end_of_frame {
                self.set_register(channel, OUT_EOF_DES_ADDR, at);
                self.interrupts[channel].raw |= OUT_EOF_INT;
            }
            self.out_at[channel] = descriptor.next;
            if descriptor.next == 0 {
                self.interrupts[channel].raw |= OUT_TOTAL_EOF_INT;
            }
        }
        Fetched { bytes, ticks }
    }

    /// Fills the receive list with `bytes`; returns how long that took.
    fn scatter(&mut self, memory: &mut Memory, channel: usize, bytes: &[u8]) -> Tick {
        let mut rest = bytes;
        let mut ticks = 0;
        for _ in 0..MAX_DESCRIPTORS {
            let at = self.in_at[channel];
            if at == 0 {
                self.interrupts[channel].raw |= IN_DSCR_EMPTY_INT;
                return ticks;
            }
            let Some(descriptor) = read_descriptor(memory, at) else {
                self.interrupts[channel].raw |= IN_DSCR_ERR_INT;
                self.in_at[channel] = 0;
                return ticks;
            };
            let (now, later) = rest.split_at(rest.len().min(descriptor.size));
            rest = later;
            if memory.write(descriptor.buffer, now).is_err() {
                self.interrupts[channel].raw |= IN_DSCR_ERR_INT;
            }
            ticks += DESCRIPTOR_TICKS + now.len().div_ceil(4) as Tick * WORD_TICKS;
            give_back(memory, at, Some((now.len(), rest.is_empty())));
            self.set_register(channel, IN_DSCR, at);
            self.interrupts[channel].raw |= IN_DONE_INT;
            self.in_at[channel] = descriptor.next;
            if rest.is_empty() {
                self.set_register(channel, IN_SUC_EOF_DES_ADDR, at);
                self.interrupts[channel].raw |= IN_SUC_EOF_INT;
                return ticks;
            }
        }
        ticks
    }
}

/// The address a LINK register starts from: its low 20 bits, inside internal RAM.
fn link_address(value: u32) -> u32 {
    0x3FC0_0000 | value & 0xF_FFFF
}

fn read_descriptor(memory: &Memory, at: u32) -> Option<Descriptor> {
    let mut bytes = [0; 12];
    memory.read(at, &mut bytes).ok()?;
    let word = |n: usize| u32::from_le_bytes([bytes[n], bytes[n + 1], bytes[n + 2], bytes[n + 3]]);
    let head = word(0);
    Some(Descriptor {
        size: field(head, 0, 11) as usize,
        length: field(head, 12, 23) as usize,
        end_of_frame: bit(head, 30),
        buffer: word(4),
        next: word(8),
    })
}

/// Clears a descriptor's owner bit; for a received one also sets length and end of frame.
fn give_back(memory: &mut Memory, at: u32, received: Option<(usize, bool)>) {
    let mut head = [0; 4];
    if memory.read(at, &mut head).is_err() {
        return;
    }
    let mut value = u32::from_le_bytes(head) & !(1 << 31);
    if let Some((length, end)) = received {
        value = value & !(0xFFF << 12 | 1 << 30) | (length as u32) << 12 | u32::from(end) << 30;
    }
    // The read above showed that the address is core memory; ROM and flash just do not change.
    let _ = memory.write(at, &value.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flash::FlashImage;

    const LIST: u32 = 0x3FC9_0000;

    fn descriptor(memory: &mut Memory, at: u32, length: u32, eof: bool, buffer: u32, next: u32) {
        let head = 1 << 31 | u32::from(eof) << 30 | length << 12 | length;
        for (n, word) in [head, buffer, next].into_iter().enumerate() {
            memory.write(at + 4 * n as u32, &word.to_le_bytes()).unwrap();
        }
    }

    #[test]
    fn memory_to_memory_copies_between_lists_of_different_shape() {
        let mut memory = Memory::new(&[], FlashImage::blank());
        let mut dma = Gdma::new();
        let source: Vec<u8> = (0..100).collect();
        memory.write(0x3FCA_0000, &source).unwrap();
        descriptor(&mut memory, LIST, 60, false, 0x3FCA_0000, LIST + 12);
        descriptor(&mut memory, LIST + 12, 40, true, 0x3FCA_003C, 0);
        descriptor(&mut memory, LIST + 24, 90, false, 0x3FCB_0000, LIST + 36);
        descriptor(&mut memory, LIST + 36, 90, false, 0x3FCB_1000, 0);
        dma.store(&mut memory, 0, CHANNEL0 + IN_CONF0, 1 << 4);
        dma.store(&mut memory, 0, 0x8, IN_SUC_EOF_INT);
        dma.store(&mut memory, 0, CHANNEL0 + IN_LINK, 1 << 22 | (LIST + 24) & 0xF_FFFF);
        assert_eq!(dma.active(), [false; 3]);
        dma.store(&mut memory, 0, CHANNEL0 + OUT_LINK, 1 << 21 | LIST & 0xF_FFFF);
        assert_eq!(dma.active(), [true, false, false]);
        let (mut first, mut second) = ([0; 90], [0; 10]);
        memory.read(0x3FCB_0000, &mut first).unwrap();
        memory.read(0x3FCB_1000, &mut second).unwrap();
        assert_eq!([&first[..], &second[..]].concat(), source);
        let mut head = [0; 4];
        memory.read(LIST + 36, &mut head).unwrap();
        let head = u32::from_le_bytes(head);
        assert_eq!((head >> 31, head >> 30 & 1, head >> 12 & 0xFFF), (0, 1, 10));
        // While it is busy a new start waits.
        let done = dma.deadline();
        assert!(done > 0 && done < Tick::MAX);
        memory.write(0x3FCB_0000, &[0; 90]).unwrap();
        dma.store(&mut memory, 1, CHANNEL0 + IN_LINK, 1 << 22 | (LIST + 24) & 0xF_FFFF);
        dma.store(&mut memory, 1, CHANNEL0 + OUT_LINK, 1 << 21 | LIST & 0xF_FFFF);
        assert_eq!(memory.load(0x3FCB_0001, crate::bus::Width::Byte), Some(0));
        dma.run(&mut memory, done);
        assert_eq!(memory.load(0x3FCB_0001, crate::bus::Width::Byte), Some(1));
    }

    #[test]
    fn a_circular_or_broken_list_ends() {
        let mut memory = Memory::new(&[], FlashImage::blank());
        let mut dma = Gdma::new();
        descriptor(&mut memory, LIST, 4095, false, 0x3FCA_0000, LIST);
        dma.store(&mut memory, 0, CHANNEL0 + OUT_PERI_SEL, DmaPeripheral::Sha as u32);
        dma.store(&mut memory, 0, CHANNEL0 + OUT_LINK, 1 << 21 | LIST & 0xF_FFFF);
        let fetched = dma.fetch(&mut memory, DmaPeripheral::Sha, 5000).unwrap();
        assert_eq!((fetched.bytes.len(), fetched.ticks), (5000, 2 * DESCRIPTOR_TICKS + (1024 + 227) * WORD_TICKS));
        assert_eq!(dma.out_offset[0], 905, "the next fetch goes on inside the descriptor");
        assert_eq!(dma.fetch(&mut memory, DmaPeripheral::Aes, 64), None);
        descriptor(&mut memory, LIST, 16, false, 0, 0x1234);
        dma.store(&mut memory, 0, CHANNEL0 + OUT_LINK, 1 << 21 | LIST & 0xF_FFFF);
        assert_eq!(dma.fetch(&mut memory, DmaPeripheral::Sha, 64).unwrap().bytes.len(), 16);
        assert_ne!(dma.peek(0) & OUT_DSCR_ERR_INT, 0);
    }
}

//! General-purpose SPI controller, GP-SPI2 (TRM, chapter "SPI Controller"), as a controller with one
//! data line each way: command, address, dummy and data phases, out of the CPU's buffer or by DMA.
//! Every edge of the clock is an event at its exact tick.

use super::gdma::{DmaPeripheral, Gdma};
use super::gpio::{Signals, signal};
use super::{Interrupts, Registers, bit, field};
use crate::bus::Tick;
use crate::clock::Moment;
use crate::memory::Memory;

const CMD: u32 = 0x00;
const ADDR: u32 = 0x04;
const CTRL: u32 = 0x08;
const CLOCK: u32 = 0x0C;
const USER: u32 = 0x10;
const USER1: u32 = 0x14;
const USER2: u32 = 0x18;
const MS_DLEN: u32 = 0x1C;
const MISC: u32 = 0x20;
const DMA_CONF: u32 = 0x30;
const DMA_INT_ENA: u32 = 0x34;
const DMA_INT_CLR: u32 = 0x38;
const DMA_INT_RAW: u32 = 0x3C;
const DMA_INT_ST: u32 = 0x40;
const W0: u32 = 0x98;
const W_END: u32 = 0xD8;
const SLAVE: u32 = 0xE0;

const TRANS_DONE_INT: u32 = 1 << 12;
const DMA_OUTFIFO_EMPTY_ERR_INT: u32 = 1 << 1;
const ALL_INTS: u32 = 0x1F_FFFF;
/// Chip selects.
const SELECTS: usize = 6;
/// Bytes in the CPU's buffer.
const BUFFER: usize = 64;

/// What the clock line is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Step {
    /// Chip select is active, the clock has not begun.
    Setup,
    /// The first half of a bit is over at the next event.
    First,
    /// The second half.
    Second,
    /// Chip select stays for a while.
    Hold,
}

/// A transfer under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Transfer {
    step: Step,
    until: Tick,
    half: Tick,
    /// Bits in all, and those that are over.
    bits: usize,
    at: usize,
    /// The bit on the data line.
    shown: usize,
    /// What is sent, packed, most significant bit first, from bit 0 of the transfer on.
    output: Vec<u8>,
    /// Bits up to here are driven.
    driven: usize,
    /// What is received counts from this bit on.
    input_from: usize,
    input: Vec<u8>,
    by_dma: bool,
    hold: Tick,
    clock: bool,
}

impl Transfer {
    fn output_bit(&self) -> bool {
        self.output.get(self.shown / 8).is_some_and(|byte| byte << (self.shown % 8) & 0x80 != 0)
    }
}

/// The SPI2 block at 0x6002_4000.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Spi2 {
    registers: Registers<0x40>,
    interrupts: Interrupts,
    transfer: Option<Box<Transfer>>,
    /// The level of MOSI between transfers.
    rest: bool,
    /// Levels at the inputs: FSPID, FSPIQ.
    inputs: (bool, bool),
}

impl Spi2 {
    pub(crate) fn new() -> Self {
        Self {
            registers: Registers::new(&[
                (CTRL, 0x003C_0000),
                (CLOCK, 0x8000_3043),
                (USER, 0x8000_00C0),
                (USER1, 0xB841_0007),
                (USER2, 0x7800_0000),
                (MISC, 0x3E),
                (SLAVE, 0x0280_0000),
                (0xF0, 0x0200_7220),
            ]),
            interrupts: Interrupts::default(),
            transfer: None,
            rest: false,
            inputs: (false, false),
        }
    }

    /// Whether the interrupt source is active.
    pub(crate) fn active(&self) -> bool {
        self.interrupts.active()
    }

    fn is_slave(&self) -> bool {
        bit(self.registers.get(SLAVE), 26)
    }

    // ---- wires ----------------------------------------------------------------------------------

    /// What it puts out towards the matrix.
    pub(crate) fn put_out(&self, signals: &mut Signals) {
        if self.is_slave() {
            for number in signal::FSPICLK..signal::FSPICS0 + SELECTS {
                signals.set(number, false, false);
            }
            return;
        }
        let misc = self.registers.get(MISC);
        let idle = bit(misc, 29);
        let (clock, data, driven) = match &self.transfer {
            Some(transfer) if transfer.shown < transfer.bits => {
                (transfer.clock, transfer.output_bit(), transfer.shown < transfer.driven)
            }
            Some(transfer) => (transfer.clock, self.rest, true),
            None => (idle, self.rest, true),
        };
        // One line for both ways (SIO) is released while it is read; MOSI of its own rests instead.
        let three_wire = bit(self.registers.get(USER), 17);
        signals.set(signal::FSPICLK, clock, !bit(misc, 6));
        signals.set(signal::FSPID, if driven { data } else { self.rest }, driven || !three_wire);
        signals.set(signal::FSPIQ, false, false);
        signals.set(signal::FSPIWP, true, true);
        signals.set(signal::FSPIHD, true, true);
        let active = self.transfer.is_some() || bit(misc, 30);
        for n in 0..SELECTS {
            let selected = active && !bit(misc, n as u32);
            signals.set(signal::FSPICS0 + n, selected == bit(misc, 7 + n as u32), true);
        }
    }

    /// The levels at its inputs.
    pub(crate) fn set_inputs(&mut self, data: bool, q: bool) {
        self.inputs = (data, q);
    }

    /// When the next edge is due.
    pub(crate) fn deadline(&self) -> Tick {
        self.transfer.as_ref().map_or(Tick::MAX, |transfer| transfer.until)
    }

    /// Lets the edge that is due happen.
    pub(crate) fn run(&mut self, memory: &mut Memory, dma: &mut Gdma, at: Moment) {
        let three_wire = bit(self.registers.get(USER), 17);
        let input = if three_wire { self.inputs.0 } else { self.inputs.1 };
        let (idle, second_edge) = (bit(self.registers.get(MISC), 29), self.samples_at_second_edge());
        let Some(transfer) = self.transfer.as_mut().filter(|transfer| transfer.until <= at.now) else { return };
        transfer.until = transfer.until.saturating_add(transfer.half);
        match transfer.step {
            Step::Setup if transfer.bits == 0 => transfer.step = Step::Hold,
            Step::Setup => transfer.step = Step::First,
            Step::First => {
                // The leading edge.
                transfer.clock = !idle;
                transfer.step = Step::Second;
                if second_edge {
                    transfer.shown = transfer.at;
                } else {
                    sample(transfer, input);
                }
            }
            Step::Second => {
                // The trailing edge.
                transfer.clock = idle;
                if second_edge {
                    sample(transfer, input);
                }
                transfer.at += 1;
                if !second_edge {
                    transfer.shown = transfer.at;
                }
                transfer.step = if transfer.at < transfer.bits { Step::First } else { Step::Hold };
                if transfer.at == transfer.bits {
                    transfer.until = at.now.saturating_add(transfer.hold);
                }
            }
            Step::Hold => self.finish(memory, dma),
        }
    }

    /// CPHA: the line is read at the second edge of each bit.
    fn samples_at_second_edge(&self) -> bool {
        bit(self.registers.get(USER), 9) != bit(self.registers.get(MISC), 29)
    }

    fn finish(&mut self, memory: &mut Memory, dma: &mut Gdma) {
        let Some(transfer) = self.transfer.take() else { return };
        self.interrupts.raw |= TRANS_DONE_INT;
        if transfer.input_from >= transfer.bits {
            return;
        }
        let reversed = bit(self.registers.get(CTRL), 25);
        let turn = |byte: u8| if reversed { byte.reverse_bits() } else { byte };
        let input: Vec<u8> = transfer.input.iter().map(|&byte| turn(byte)).collect();
        if transfer.by_dma {
            dma.deliver(memory, DmaPeripheral::Spi2, &input);
            return;
        }
        let first = if bit(self.registers.get(USER), 24) { BUFFER / 2 } else { 0 };
        for (n, &byte) in input.iter().enumerate().take(BUFFER - first) {
            let offset = W0 + ((first + n) as u32 & !3);
            let shift = (first + n) as u32 % 4 * 8;
            let word = self.registers.get(offset) & !(0xFF << shift) | u32::from(byte) << shift;
            self.registers.set(offset, word);
        }
    }

    // ---- beginning ------------------------------------------------------------------------------

    /// Half a cycle of the clock.
    fn half_cycle(&self, at: Moment) -> Tick {
        let clock = self.registers.get(CLOCK);
        let divider = if bit(clock, 31) { 1 } else { (field(clock, 18, 21) + 1) * (field(clock, 12, 17) + 1) };
        (Tick::from(at.clocks.apb) * Tick::from(divider) / 2).max(1)
    }

    /// CMD.USR: begins a transfer.
    fn begin(&mut self, memory: &mut Memory, dma: &mut Gdma, at: Moment) {
        let (user, user1, user2) = (self.registers.get(USER), self.registers.get(USER1), self.registers.get(USER2));
        let mut bits = Packed::default();
        if bit(user, 31) {
            let length = field(user2, 28, 31) + 1;
            let value = field(user2, 0, 15) as u16;
            // The low byte goes first.
            bits.push(&value.to_le_bytes(), length as usize);
        }
        if bit(user, 30) {
            let length = field(user1, 27, 31) + 1;
            bits.push(&self.registers.get(ADDR).to_be_bytes(), length as usize);
        }
        if bit(user, 29) {
            bits.push(&[], field(user1, 0, 7) as usize + 1);
        }
        let data_bits = field(self.registers.get(MS_DLEN), 0, 17) as usize + 1;
        let (sends, receives, both) = (bit(user, 27), bit(user, 28), bit(user, 0));
        let dma_conf = self.registers.get(DMA_CONF);
        let mut input_from = usize::MAX;
        if receives && both {
            input_from = bits.length;
        }
        if sends || both && receives {
            let bytes = self.data_to_send(memory, dma, data_bits.div_ceil(8), bit(dma_conf, 28));
            bits.push(&bytes, data_bits);
        }
        let driven = bits.length;
        if receives && !both {
            input_from = bits.length;
            bits.push(&[], data_bits);
        }
        let half = self.half_cycle(at);
        let setup = if bit(user, 7) { Tick::from(field(user1, 17, 21) + 1) } else { 0 };
        let hold = if bit(user, 6) { Tick::from(field(user1, 22, 26)) } else { 0 };
        let received = bits.length.saturating_sub(input_from).div_ceil(8);
        self.transfer = Some(Box::new(Transfer {
            step: Step::Setup,
            until: at.now.saturating_add(half * (2 * setup).max(1)),
            half,
            bits: bits.length,
            at: 0,
            shown: 0,
            output: bits.bytes,
            driven,
            input_from,
            input: vec![0; received],
            by_dma: bit(dma_conf, 27),
            hold: half * (2 * hold).max(1),
            clock: bit(self.registers.get(MISC), 29),
        }));
    }

    fn data_to_send(&mut self, memory: &mut Memory, dma: &mut Gdma, wanted: usize, by_dma: bool) -> Vec<u8> {
        let mut bytes = if by_dma {
            let fetched = dma.fetch(memory, DmaPeripheral::Spi2, wanted).map_or_else(Vec::new, |fetched| fetched.bytes);
            if fetched.len() < wanted {
                self.interrupts.raw |= DMA_OUTFIFO_EMPTY_ERR_INT;
            }
            fetched
        } else {
            let first = if bit(self.registers.get(USER), 25) { BUFFER / 2 } else { 0 };
            let words = (W0..W_END).step_by(4).flat_map(|offset| self.registers.get(offset).to_le_bytes());
            words.skip(first).take(wanted).collect()
        };
        if bit(self.registers.get(CTRL), 26) {
            bytes.iter_mut().for_each(|byte| *byte = byte.reverse_bits());
        }
        bytes
    }

    // ---- registers ------------------------------------------------------------------------------

    pub(crate) fn peek(&self, offset: u32) -> u32 {
        match offset {
            CMD => self.registers.get(CMD) & 0x3_FFFF | u32::from(self.transfer.is_some()) << 24,
            DMA_INT_RAW => self.interrupts.raw,
            DMA_INT_ST => self.interrupts.status(),
            DMA_INT_ENA => self.interrupts.enabled,
            DMA_INT_CLR => 0,
            _ => self.registers.get(offset),
        }
    }

    pub(crate) fn store(&mut self, memory: &mut Memory, dma: &mut Gdma, at: Moment, offset: u32, value: u32) {
        match offset {
            CMD => {
                // UPDATE takes effect at once.
                self.registers.set(CMD, value & 0x3_FFFF);
                if bit(value, 24) && self.transfer.is_none() && !self.is_slave() {
                    self.begin(memory, dma, at);
                }
            }
            DMA_INT_ENA => self.interrupts.enabled = value & ALL_INTS,
            DMA_INT_CLR => self.interrupts.raw &= !value,
            // Drivers set bits here to call their own handler.
            DMA_INT_RAW => self.interrupts.raw = value & ALL_INTS,
            DMA_INT_ST => {}
            // The FIFO resets and the soft reset are commands.
            DMA_CONF => self.registers.set(offset, value & !(7 << 29)),
            SLAVE => {
                self.registers.set(offset, value & !(1 << 27));
                if bit(value, 27) {
                    self.transfer = None;
                }
            }
            CTRL => {
                self.registers.set(offset, value);
                // D_POL: the level of the data line at rest.
                self.rest = bit(value, 19);
            }
            _ => self.registers.set(offset, value),
        }
    }
}

fn sample(transfer: &mut Transfer, level: bool) {
    let Some(n) = transfer.at.checked_sub(transfer.input_from) else { return };
    if let Some(byte) = transfer.input.get_mut(n / 8) {
        *byte |= u8::from(level) << (7 - n % 8);
    }
}

/// Bits in the order in which they are sent.
#[derive(Default)]
struct Packed {
    bytes: Vec<u8>,
    length: usize,
}

impl Packed {
    /// Adds bits from the most significant on; what `from` does not have is 0.
    fn push(&mut self, from: &[u8], bits: usize) {
        self.bytes.resize((self.length + bits).div_ceil(8), 0);
        for n in 0..bits.min(8 * from.len()) {
            let to = self.length + n;
            self.bytes[to / 8] |= (from[n / 8] >> (7 - n % 8) & 1) << (7 - to % 8);
        }
        self.length += bits;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clocks;
    use crate::flash::FlashImage;

    const CLOCKS: Clocks = Clocks { cpu: 3, apb: 6 };

    struct Bench {
        spi: Spi2,
        dma: Gdma,
        memory: Memory,
        now: Tick,
        /// Rising edges of the clock: tick, MOSI.
        rises: Vec<(Tick, bool)>,
        falls: Vec<Tick>,
    }

    impl Bench {
        /// 1 MHz, full duplex, MOSI and MISO.
        fn new() -> Self {
            let memory = Memory::new(&[], FlashImage::blank());
            let mut bench =
                Self { spi: Spi2::new(), dma: Gdma::new(), memory, now: 0, rises: Vec::new(), falls: Vec::new() };
            bench.store(CLOCK, 7 << 18 | 9 << 12 | 4 << 6 | 9);
            bench.store(USER, 1 << 28 | 1 << 27 | 1 << 7 | 1 << 6 | 1);
            bench
        }

        fn store(&mut self, offset: u32, value: u32) {
            let at = Moment { now: self.now, clocks: CLOCKS };
            self.spi.store(&mut self.memory, &mut self.dma, at, offset, value);
        }

        fn wires(&self) -> (bool, bool, bool) {
            let mut signals = Signals::IDLE;
            self.spi.put_out(&mut signals);
            let level = |number: usize| signals.levels >> number & 1 != 0;
            (level(signal::FSPICLK), level(signal::FSPID), level(signal::FSPICS0))
        }

        /// Runs to the end, MISO tied to `miso` of MOSI.
        fn run(&mut self, miso: impl Fn(bool) -> bool) {
            while self.spi.deadline() != Tick::MAX {
                let before = self.wires();
                self.spi.set_inputs(before.1, miso(before.1));
                self.now = self.spi.deadline();
                let at = Moment { now: self.now, clocks: CLOCKS };
                self.spi.run(&mut self.memory, &mut self.dma, at);
                let after = self.wires();
                if after.0 && !before.0 {
                    self.rises.push((self.now, after.1));
                }
                if before.0 && !after.0 {
                    self.falls.push(self.now);
                }
            }
        }
    }

    fn word(bits: &[(Tick, bool)]) -> u32 {
        bits.iter().fold(0, |word, &(_, bit)| word << 1 | u32::from(bit))
    }

    #[test]
    fn a_full_duplex_transfer_sends_and_receives_at_its_rate() {
        let mut bench = Bench::new();
        bench.store(W0, 0x3C_A5);
        bench.store(MS_DLEN, 15);
        bench.store(DMA_INT_ENA, TRANS_DONE_INT);
        assert_eq!(bench.wires(), (false, false, true));
        bench.store(CMD, 1 << 24);
        assert!(!bench.wires().2, "selected");
        assert_ne!(bench.spi.peek(CMD) & 1 << 24, 0);
        bench.run(|mosi| !mosi);
        assert_eq!(word(&bench.rises), 0xA53C);
        assert_eq!(bench.rises[1].0 - bench.rises[0].0, 480);
        assert_eq!(bench.falls[0] - bench.rises[0].0, 240);
        assert_eq!(bench.spi.peek(W0), !0x3C_A5 & 0xFFFF);
        assert!(bench.spi.active());
        assert_eq!(bench.spi.peek(CMD) & 1 << 24, 0);
        assert!(bench.wires().2, "released");
        bench.store(DMA_INT_CLR, TRANS_DONE_INT);
        assert!(!bench.spi.active());
    }

    #[test]
    fn phases_follow_each_other_and_only_data_is_received() {
        let mut bench = Bench::new();
        bench.store(USER, 1 << 31 | 1 << 30 | 1 << 29 | 1 << 28);
        bench.store(USER2, 7 << 28 | 0x9F);
        bench.store(USER1, 23 << 27 | 3);
        bench.store(ADDR, 0x1234_5600);
        bench.store(MS_DLEN, 7);
        bench.store(CMD, 1 << 24);
        bench.run(|_| true);
        assert_eq!(bench.rises.len(), 8 + 24 + 4 + 8);
        assert_eq!(word(&bench.rises[..32]), 0x9F12_3456);
        assert_eq!(bench.spi.peek(W0) & 0xFF, 0xFF);
    }

    #[test]
    fn modes_differ_in_the_idle_level_and_the_edge() {
        for (mode, polarity, edge) in [(0, 0, 0), (1, 0, 1), (2, 1, 1), (3, 1, 0)] {
            let mut bench = Bench::new();
            bench.store(USER, 1 << 28 | 1 << 27 | 1 | edge << 9);
            bench.store(MISC, 0x3E | polarity << 29);
            assert_eq!(bench.wires().0, polarity == 1, "mode {mode}");
            assert_eq!(bench.spi.samples_at_second_edge(), mode % 2 == 1);
            bench.store(W0, 0x96);
            bench.store(MS_DLEN, 7);
            bench.store(CMD, 1 << 24);
            bench.run(|mosi| mosi);
            assert_eq!(bench.spi.peek(W0) & 0xFF, 0x96, "mode {mode}");
        }
    }

    #[test]
    fn dma_carries_more_than_the_buffer() {
        const LIST: u32 = 0x3FC9_0000;
        let mut bench = Bench::new();
        let source: Vec<u8> = (0..200).collect();
        bench.memory.write(0x3FCA_0000, &source).unwrap();
        for (at, buffer) in [(LIST, 0x3FCA_0000_u32), (LIST + 12, 0x3FCB_0000)] {
            let head = 1_u32 << 31 | 1 << 30 | 200 << 12 | 200;
            for (n, word) in [head, buffer, 0].into_iter().enumerate() {
                bench.memory.write(at + 4 * n as u32, &word.to_le_bytes()).unwrap();
            }
        }
        let dma = |bench: &mut Bench, offset: u32, value: u32| {
            bench.dma.store(&mut bench.memory, 0, 0x70 + offset, value);
        };
        dma(&mut bench, 0x30, 0);
        dma(&mut bench, 0x90, 0);
        dma(&mut bench, 0x10, 1 << 22 | (LIST + 12) & 0xF_FFFF);
        dma(&mut bench, 0x70, 1 << 21 | LIST & 0xF_FFFF);
        bench.store(DMA_CONF, 3 << 27);
        bench.store(MS_DLEN, 200 * 8 - 1);
        bench.store(CMD, 1 << 24);
        bench.run(|mosi| mosi);
        let mut received = [0; 200];
        bench.memory.read(0x3FCB_0000, &mut received).unwrap();
        assert_eq!(received.as_slice(), source);
        assert_eq!(bench.spi.peek(DMA_INT_RAW), TRANS_DONE_INT);
    }

    #[test]
    fn an_empty_dma_list_sends_zeros_and_says_so() {
        let mut bench = Bench::new();
        bench.store(DMA_CONF, 3 << 27);
        bench.store(MS_DLEN, 31);
        bench.store(CMD, 1 << 24);
        bench.run(|mosi| mosi);
        assert_eq!(word(&bench.rises), 0);
        assert_eq!(bench.spi.peek(DMA_INT_RAW), TRANS_DONE_INT | DMA_OUTFIFO_EMPTY_ERR_INT);
    }

    #[test]
    fn least_significant_bit_first_turns_every_byte() {
        let mut bench = Bench::new();
        bench.store(CTRL, 3 << 25);
        bench.store(W0, 0x01);
        bench.store(MS_DLEN, 7);
        bench.store(CMD, 1 << 24);
        bench.run(|mosi| mosi);
        assert_eq!(word(&bench.rises), 0x80);
        assert_eq!(bench.spi.peek(W0) & 0xFF, 0x01);
    }

    #[test]
    fn three_wires_share_the_data_line() {
        let mut bench = Bench::new();
        bench.store(USER, 1 << 31 | 1 << 28 | 1 << 17);
        bench.store(USER2, 7 << 28 | 0x55);
        bench.store(MS_DLEN, 7);
        bench.store(CMD, 1 << 24);
        let mut released = 0;
        while bench.spi.deadline() != Tick::MAX {
            let mut signals = Signals::IDLE;
            bench.spi.put_out(&mut signals);
            released += u32::from(signals.enabled >> signal::FSPID & 1 == 0);
            bench.spi.set_inputs(true, false);
            let at = Moment { now: bench.spi.deadline(), clocks: CLOCKS };
            bench.spi.run(&mut bench.memory, &mut bench.dma, at);
        }
        assert_eq!(released, 16, "both halves of eight bits");
        assert_eq!(bench.spi.peek(W0) & 0xFF, 0xFF);
    }
}

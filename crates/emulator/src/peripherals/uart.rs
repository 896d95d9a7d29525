//! UART0 and UART1 (TRM, chapter "UART Controller"): FIFOs of 128 bytes, true line timing in both
//! directions, receive timeout and autobaud detection.
//!
//! The line is a wire: what the host sends waits outside and arrives byte by byte at the baud rate
//! the chip has selected, so that the receive FIFO overflows exactly when the real one would. A
//! host that talks at another rate than the chip listens to is not modelled, except that autobaud
//! detection measures the line's own rate.

use std::collections::VecDeque;

use super::{Interrupts, Registers, bit, field};
use crate::bus::{TICKS_PER_SECOND, Tick};
use crate::clock::{Moment, XTAL_HZ};
use crate::in_place::clone_in_place;

const FIFO: u32 = 0x00;
const INT_RAW: u32 = 0x04;
const INT_ST: u32 = 0x08;
const INT_ENA: u32 = 0x0C;
const INT_CLR: u32 = 0x10;
const CLKDIV: u32 = 0x14;
const STATUS: u32 = 0x1C;
const CONF0: u32 = 0x20;
const CONF1: u32 = 0x24;
const LOWPULSE: u32 = 0x28;
const HIGHPULSE: u32 = 0x2C;
const RXD_CNT: u32 = 0x30;
const MEM_CONF: u32 = 0x60;
const MEM_TX_STATUS: u32 = 0x64;
const MEM_RX_STATUS: u32 = 0x68;
const FSM_STATUS: u32 = 0x6C;
const POSPULSE: u32 = 0x70;
const NEGPULSE: u32 = 0x74;
const CLK_CONF: u32 = 0x78;
const ID: u32 = 0x80;

const RESET: &[(u32, u32)] = &[
    (CLKDIV, 0x0000_02B6),
    (0x18, 0x0000_0008),
    (CONF0, 0x1000_001C),
    (CONF1, 0x0000_C060),
    (0x38, 0x0000_00F0),
    (0x3C, 0x0000_26E0),
    (0x40, 0x0000_2200),
    (0x44, 0x0000_000A),
    (0x48, 0x0004_0100),
    (0x50, 0x0000_0901),
    (0x54, 0x0000_0901),
    (0x58, 0x0000_000B),
    (0x5C, 0x0000_032B),
    (MEM_CONF, 0x000A_0012),
    (CLK_CONF, 0x0370_1000),
    (0x7C, 0x0200_8270),
    (ID, 0x4000_0500),
];

const RXFIFO_FULL_INT: u32 = 1 << 0;
const TXFIFO_EMPTY_INT: u32 = 1 << 1;
const RXFIFO_OVF_INT: u32 = 1 << 4;
const RXFIFO_TOUT_INT: u32 = 1 << 8;
const TX_DONE_INT: u32 = 1 << 14;
const ALL_INTS: u32 = 0x000F_FFFF;

/// Bytes in each FIFO.
const FIFO_SIZE: usize = 128;
/// Bytes that may wait on the host's side of the wire.
const LINE_CAPACITY: usize = 1 << 20;
/// The rate autobaud detection finds when the host has not named one.
const DEFAULT_LINE_BAUD: u32 = 115_200;

/// Whether a load from this register does more than answer: it takes a byte out.
pub(crate) fn acts_when_read(offset: u32) -> bool {
    offset == FIFO
}

/// A frame that comes over a pin; each bit is read in its middle.
#[derive(Clone, Copy, Debug, Hash)]
struct Frame {
    /// When the start bit began.
    begun: Tick,
    /// Bits that are read, the start bit the lowest, and how many.
    bits: u32,
    read: u64,
}

/// A UART, blocks UART0 at 0x6000_0000 and UART1 at 0x6001_0000.
#[derive(Debug, Hash)]
pub(crate) struct Uart {
    registers: Registers<0x21>,
    interrupts: Interrupts,
    transmit: VecDeque<u8>,
    receive: VecDeque<u8>,
    /// The byte being sent and the tick at which its stop bit ends.
    sending: Option<(u8, Tick)>,
    /// When the next byte from the wire has arrived (`Tick::MAX`: the line is idle).
    arrives: Tick,
    /// When the receive timeout is over (`Tick::MAX`: not counting).
    timeout: Tick,
    /// Edges counted by autobaud detection.
    edges: u32,
    /// The level of the pin that the matrix brings here, and the frame that comes over it.
    pin: bool,
    frame: Option<Frame>,
    /// When the middle of that frame's stop bit is reached (`Tick::MAX`: none comes).
    frame_due: Tick,
}
clone_in_place!(Uart {
    registers,
    interrupts,
    transmit,
    receive,
    sending,
    arrives,
    timeout,
    edges,
    pin,
    frame,
    frame_due
});

/// The host's end of a UART: what is on the wire towards the chip, and what came out of it.
#[derive(Debug, Default, Hash)]
pub(crate) struct Line {
    incoming: VecDeque<u8>,
    baud: Option<u32>,
}
clone_in_place!(Line { incoming, baud });

impl Line {
    /// Puts bytes on the wire; returns how many there was room for.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> usize {
        let taken = bytes.len().min(LINE_CAPACITY.saturating_sub(self.incoming.len()));
        self.incoming.extend(&bytes[..taken]);
        taken
    }

    /// Bytes that have not arrived yet.
    pub(crate) fn waiting(&self) -> usize {
        self.incoming.len()
    }

    /// Names the host's baud rate, which autobaud detection measures.
    pub(crate) fn set_baud(&mut self, baud: u32) {
        self.baud = Some(baud.clamp(300, 5_000_000));
    }
}

impl Uart {
    pub(crate) fn new() -> Self {
        Self {
            registers: Registers::new(RESET),
            interrupts: Interrupts { raw: TXFIFO_EMPTY_INT, enabled: 0 },
            transmit: VecDeque::with_capacity(FIFO_SIZE),
            receive: VecDeque::with_capacity(FIFO_SIZE),
            sending: None,
            arrives: Tick::MAX,
            timeout: Tick::MAX,
            edges: 0,
            pin: true,
            frame: None,
            frame_due: Tick::MAX,
        }
    }

    /// Whether the interrupt source is active.
    pub(crate) fn active(&self) -> bool {
        self.interrupts.active()
    }

    /// Frequency of the core clock in Hz, after the divider in CLK_CONF.
    fn core_hz(&self, at: Moment) -> u64 {
        let conf = self.registers.get(CLK_CONF);
        let source = match field(conf, 20, 21) {
            1 => TICKS_PER_SECOND / u64::from(at.clocks.apb.max(1)),
            2 => 17_500_000,
            _ => XTAL_HZ,
        };
        source / (u64::from(field(conf, 12, 19)) + 1)
    }

    /// Ticks for `bits` bit times at the selected baud rate, at least 1.
    fn bit_ticks(&self, at: Moment, bits: u64) -> Tick {
        let divider = self.registers.get(CLKDIV);
        let sixteenths = (u64::from(field(divider, 0, 11)) * 16 + u64::from(field(divider, 20, 23))).max(16);
        (bits * sixteenths * TICKS_PER_SECOND / (16 * self.core_hz(at).max(1))).max(1)
    }

    /// Bits of one frame up to the first stop bit, as CONF0 sets them.
    fn frame_bits(&self) -> u64 {
        let conf = self.registers.get(CONF0);
        u64::from(1 + 5 + field(conf, 2, 3) + u32::from(bit(conf, 1)) + 1)
    }

    /// Reads the bits of the frame on the pin whose middle has been passed.
    fn read_bits(&mut self, at: Moment) {
        let Some(mut frame) = self.frame else { return };
        while frame.read < self.frame_bits()
            && frame.begun.saturating_add(self.bit_ticks(at, 2 * frame.read + 1) / 2) <= at.now
        {
            frame.bits |= u32::from(self.pin) << frame.read;
            frame.read += 1;
        }
        self.frame = Some(frame);
    }

    /// The pin that the matrix brings to the receiver has this level from now on.
    pub(crate) fn set_input(&mut self, at: Moment, level: bool) {
        if level == self.pin {
            return;
        }
        self.read_bits(at);
        self.pin = level;
        if self.frame.is_none() && !level {
            self.frame = Some(Frame { begun: at.now, bits: 0, read: 0 });
            let middle = self.bit_ticks(at, 2 * self.frame_bits() - 1) / 2;
            self.frame_due = at.now.saturating_add(middle);
        }
    }

    /// The frame on the pin has come to its stop bit. Without one it is no byte.
    fn take_frame(&mut self, at: Moment) {
        self.read_bits(at);
        self.frame_due = Tick::MAX;
        let Some(frame) = self.frame.take() else { return };
        let data = 5 + field(self.registers.get(CONF0), 2, 3);
        if frame.bits >> (self.frame_bits() - 1) & 1 != 0 {
            self.take_byte(at, (frame.bits >> 1 & ((1 << data) - 1)) as u8);
        }
    }

    /// Ticks for one frame: start bit, data, parity and stop bits as CONF0 sets them.
    fn frame_ticks(&self, at: Moment) -> Tick {
        let conf = self.registers.get(CONF0);
        let stop = if field(conf, 4, 5) > 1 { 2 } else { 1 };
        self.bit_ticks(at, u64::from(1 + 5 + field(conf, 2, 3) + u32::from(bit(conf, 1)) + stop))
    }

    /// The selected baud rate, for the host's information.
    pub(crate) fn baud(&self, at: Moment) -> u32 {
        (TICKS_PER_SECOND * 64 / self.bit_ticks(at, 64)) as u32
    }

    /// The tick of the next event on the line.
    pub(crate) fn deadline(&self) -> Tick {
        self.sending.map_or(Tick::MAX, |(_, ends)| ends).min(self.arrives).min(self.timeout).min(self.frame_due)
    }

    /// Starts the next incoming byte if the line is idle and something waits.
    pub(crate) fn listen(&mut self, at: Moment, line: &Line) {
        if self.arrives == Tick::MAX && !line.incoming.is_empty() {
            self.arrives = at.now.saturating_add(self.frame_ticks(at));
        }
    }

    /// Lets what is due on the line happen; returns the byte whose transmission ended.
    pub(crate) fn run(&mut self, at: Moment, line: &mut Line) -> Option<u8> {
        if self.arrives <= at.now {
            self.arrives = Tick::MAX;
            if let Some(byte) = line.incoming.pop_front() {
                self.take_byte(at, byte);
            }
            self.listen(at, line);
        }
        if self.frame_due <= at.now {
            self.take_frame(at);
        }
        if self.timeout <= at.now {
            self.timeout = Tick::MAX;
            if !self.receive.is_empty() {
                self.interrupts.raw |= RXFIFO_TOUT_INT;
            }
        }
        let mut sent = None;
        if let Some((byte, ends)) = self.sending
            && ends <= at.now
        {
            self.sending = None;
            if bit(self.registers.get(CONF0), 14) {
                self.take_byte(at, byte);
            } else {
                sent = Some(byte);
            }
            self.start_sending(at);
            if self.sending.is_none() {
                self.interrupts.raw |= TX_DONE_INT;
            }
        }
        self.follow_levels();
        sent
    }

    /// A byte has arrived on the receive pin.
    fn take_byte(&mut self, at: Moment, byte: u8) {
        if bit(self.registers.get(CONF0), 27) {
            self.edges = (self.edges + edges_of(byte)).min(0x3FF);
        }
        if self.receive.len() < FIFO_SIZE {
            self.receive.push_back(byte);
        } else {
            self.interrupts.raw |= RXFIFO_OVF_INT;
        }
        self.restart_timeout(at);
    }

    fn restart_timeout(&mut self, at: Moment) {
        let enabled = bit(self.registers.get(CONF1), 21);
        self.timeout = if enabled && !self.receive.is_empty() {
            let bits = u64::from(field(self.registers.get(MEM_CONF), 16, 25)).max(1);
            at.now.saturating_add(self.bit_ticks(at, bits))
        } else {
            Tick::MAX
        };
    }

    fn start_sending(&mut self, at: Moment) {
        if self.sending.is_none()
            && let Some(byte) = self.transmit.pop_front()
        {
            self.sending = Some((byte, at.now.saturating_add(self.frame_ticks(at))));
        }
    }

    /// Sets the raw bits that follow the fill of the FIFOs. They stay until they are cleared, and
    /// come back at once if their condition still holds.
    fn follow_levels(&mut self) {
        let conf = self.registers.get(CONF1);
        // The manual says "more than" the threshold; the mask ROM sets 1 and relies on being called
        // for a single byte.
        if self.receive.len() as u32 >= field(conf, 0, 8).max(1) {
            self.interrupts.raw |= RXFIFO_FULL_INT;
        }
        if (self.transmit.len() as u32) < field(conf, 9, 17) {
            self.interrupts.raw |= TXFIFO_EMPTY_INT;
        }
    }

    pub(crate) fn peek(&self, at: Moment, line: &Line, offset: u32) -> u32 {
        match offset {
            FIFO => self.receive.front().copied().map_or(0, u32::from),
            INT_RAW => self.interrupts.raw,
            INT_ST => self.interrupts.status(),
            INT_ENA => self.interrupts.enabled,
            INT_CLR => 0,
            STATUS => 0xE000_C000 | (self.transmit.len() as u32) << 16 | self.receive.len() as u32,
            // Shortest pulse of each level: one bit time of the line, in core clock cycles. Bytes
            // of a synchronisation pattern contain single bits of both levels.
            LOWPULSE | HIGHPULSE => match (self.edges, self.line_bit(at, line)) {
                (0, _) => 0xFFF,
                (_, cycles) => cycles.saturating_sub(1).min(0xFFF),
            },
            POSPULSE | NEGPULSE => match (self.edges, self.line_bit(at, line)) {
                (0, _) => 0xFFF,
                (_, cycles) => (2 * cycles).saturating_sub(1).min(0xFFF),
            },
            RXD_CNT => self.edges,
            MEM_TX_STATUS => 0,
            MEM_RX_STATUS => 0x0008_0100,
            // ST_UTX_OUT is 0 while the transmitter is idle.
            FSM_STATUS => u32::from(self.sending.is_some()) << 4,
            _ => self.registers.get(offset),
        }
    }

    fn line_bit(&self, at: Moment, line: &Line) -> u32 {
        (self.core_hz(at) / u64::from(line.baud.unwrap_or(DEFAULT_LINE_BAUD))) as u32
    }

    /// Reads a register; reading FIFO takes a byte out of it.
    pub(crate) fn load(&mut self, at: Moment, line: &Line, offset: u32) -> u32 {
        let value = self.peek(at, line, offset);
        if offset == FIFO {
            self.receive.pop_front();
            if self.receive.is_empty() {
                self.timeout = Tick::MAX;
            }
        }
        value
    }

    pub(crate) fn store(&mut self, at: Moment, offset: u32, value: u32) {
        match offset {
            FIFO => {
                // A full FIFO loses what does not fit, as the hardware does.
                if self.transmit.len() < FIFO_SIZE {
                    self.transmit.push_back(value as u8);
                }
                self.start_sending(at);
            }
            INT_RAW => self.interrupts.raw = value & ALL_INTS,
            INT_ENA => self.interrupts.enabled = value & ALL_INTS,
            INT_CLR => self.interrupts.raw &= !value,
            CONF0 => {
                if bit(value, 17) {
                    self.receive.clear();
                    self.timeout = Tick::MAX;
                }
                if bit(value, 18) {
                    self.transmit.clear();
                }
                if bit(value, 27) && !bit(self.registers.get(CONF0), 27) {
                    self.edges = 0;
                }
                self.registers.set(offset, value);
            }
            CONF1 => {
                self.registers.set(offset, value);
                self.restart_timeout(at);
            }
            // REG_UPDATE clears itself when the core has taken over the configuration.
            ID => self.registers.set(offset, value & !(1 << 31)),
            INT_ST | STATUS | LOWPULSE | HIGHPULSE | RXD_CNT | MEM_TX_STATUS | MEM_RX_STATUS | FSM_STATUS
            | POSPULSE | NEGPULSE => {}
            _ => self.registers.set(offset, value),
        }
        self.follow_levels();
    }
}

/// Level changes on the line while one byte is sent with start and stop bit.
fn edges_of(byte: u8) -> u32 {
    let frame = u16::from(byte) << 1 | 1 << 9;
    // The line was idle (high) before the start bit.
    let before = frame << 1 | 1;
    ((frame ^ before) & 0x3FF).count_ones()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clocks;

    fn at(now: Tick) -> Moment {
        Moment { now, clocks: Clocks { cpu: 3, apb: 6 } }
    }

    /// 115,200 baud from the crystal: 40 MHz / 347 3/16.
    fn configured() -> (Uart, Line) {
        let mut uart = Uart::new();
        uart.store(at(0), CLK_CONF, 0x0370_0000);
        uart.store(at(0), CLKDIV, 347 | 3 << 20);
        (uart, Line::default())
    }

    const BIT: Tick = TICKS_PER_SECOND / 115_200;

    #[test]
    fn a_byte_takes_ten_bit_times() {
        let (mut uart, mut line) = configured();
        uart.store(at(0), FIFO, u32::from(b'A'));
        uart.store(at(0), FIFO, u32::from(b'B'));
        let first = uart.deadline();
        assert!(first.abs_diff(10 * BIT) < BIT / 10, "{first}");
        assert_eq!(uart.peek(at(0), &line, STATUS) >> 16 & 0x3FF, 1);
        assert_ne!(uart.peek(at(0), &line, FSM_STATUS), 0);
        assert_eq!(uart.run(at(first), &mut line), Some(b'A'));
        assert_eq!(uart.run(at(2 * first), &mut line), Some(b'B'));
        assert_eq!(uart.peek(at(0), &line, FSM_STATUS), 0);
        assert_ne!(uart.peek(at(0), &line, INT_RAW) & TX_DONE_INT, 0);
        assert!(uart.baud(at(0)).abs_diff(115_200) < 300);
    }

    #[test]
    fn received_bytes_arrive_at_line_rate_and_time_out() {
        let (mut uart, mut line) = configured();
        uart.store(at(0), CONF1, 1 << 21 | 2);
        uart.store(at(0), MEM_CONF, 0x0002_0012 | 10 << 16);
        uart.store(at(0), INT_ENA, RXFIFO_FULL_INT | RXFIFO_TOUT_INT);
        line.send(b"xyz");
        uart.listen(at(0), &line);
        let frame = uart.deadline();
        uart.run(at(frame), &mut line);
        assert_eq!(uart.peek(at(frame), &line, STATUS) & 0x3FF, 1);
        assert!(!uart.active());
        uart.run(at(2 * frame), &mut line);
        assert!(uart.active(), "2 bytes reach the threshold");
        uart.run(at(3 * frame), &mut line);
        for expected in b"xyz" {
            assert_eq!(uart.load(at(3 * frame), &line, FIFO), u32::from(*expected));
        }
        uart.store(at(3 * frame), INT_CLR, RXFIFO_FULL_INT);
        assert!(!uart.active());
        assert_eq!(uart.deadline(), Tick::MAX, "an empty FIFO does not time out");
        line.send(b"!");
        uart.listen(at(4 * frame), &line);
        uart.run(at(5 * frame), &mut line);
        let timeout = uart.deadline();
        assert!(timeout > 5 * frame);
        uart.run(at(timeout), &mut line);
        assert_eq!(uart.peek(at(timeout), &line, INT_ST), RXFIFO_TOUT_INT);
    }

    #[test]
    fn a_byte_is_read_off_a_pin_bit_by_bit() {
        let (mut uart, mut line) = configured();
        // Start bit, 0x4B with the lowest bit first, stop bit; then a line that is held low.
        let levels = [false, true, true, false, true, false, false, true, false, true];
        for (n, level) in (0..).zip(levels) {
            uart.set_input(at(1000 + n * BIT), level);
        }
        assert_eq!(uart.peek(at(0), &line, STATUS) & 0x3FF, 0, "the stop bit has not come yet");
        let due = uart.deadline();
        assert!(due.abs_diff(1000 + 19 * BIT / 2) < BIT / 10, "{due}");
        uart.run(at(due), &mut line);
        assert_eq!(uart.load(at(due), &line, FIFO), 0x4B);
        uart.set_input(at(20 * BIT), false);
        let due = uart.deadline();
        uart.run(at(due), &mut line);
        assert_eq!((uart.peek(at(due), &line, STATUS) & 0x3FF, uart.deadline()), (0, Tick::MAX));
    }

    #[test]
    fn the_receive_fifo_overflows_after_128_bytes() {
        let (mut uart, mut line) = configured();
        line.send(&[0x55; 130]);
        uart.listen(at(0), &line);
        while uart.deadline() != Tick::MAX {
            uart.run(at(uart.deadline()), &mut line);
        }
        assert_eq!(uart.peek(at(0), &line, STATUS) & 0x3FF, 128);
        assert_ne!(uart.peek(at(0), &line, INT_RAW) & RXFIFO_OVF_INT, 0);
    }

    #[test]
    fn clearing_a_level_interrupt_whose_cause_remains_sets_it_again() {
        let (mut uart, line) = configured();
        uart.store(at(0), INT_CLR, TXFIFO_EMPTY_INT);
        assert_ne!(uart.peek(at(0), &line, INT_RAW) & TXFIFO_EMPTY_INT, 0);
    }

    #[test]
    fn autobaud_counts_edges_and_measures_the_line() {
        let (mut uart, mut line) = configured();
        assert_eq!(edges_of(0x55), 10);
        assert_eq!(edges_of(0x00), 2);
        assert_eq!(edges_of(0xFF), 2);
        uart.store(at(0), CONF0, 0x1800_001C);
        line.set_baud(57_600);
        line.send(&[0x55; 20]);
        uart.listen(at(0), &line);
        while uart.deadline() != Tick::MAX {
            uart.run(at(uart.deadline()), &mut line);
        }
        assert_eq!(uart.peek(at(0), &line, RXD_CNT), 200);
        assert_eq!(uart.peek(at(0), &line, LOWPULSE), 40_000_000 / 57_600 - 1);
    }

    #[test]
    fn resets_and_garbage_in_the_dividers_are_survived() {
        let (mut uart, mut line) = configured();
        for value in [0, u32::MAX] {
            uart.store(at(0), CLKDIV, value);
            uart.store(at(0), CLK_CONF, value);
            uart.store(at(0), FIFO, 1);
            assert!(uart.deadline() > 0);
            uart.run(at(Tick::MAX - 1), &mut line);
        }
    }
}

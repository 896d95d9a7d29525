//! Remote control peripheral, RMT (TRM, chapter "Remote Control Peripheral"): two transmitters that
//! play pulses from memory, two receivers that measure them into memory. Each edge is an event at its
//! exact tick.

use super::{Interrupts, Registers, bit, field};
use crate::bus::Tick;
use crate::clock::{Clocks, Moment, XTAL_TICKS};

const CH0DATA: u32 = 0x00;
const CH3DATA: u32 = 0x0C;
const TX_CONF0: u32 = 0x10;
const RX_CONF0: u32 = 0x18;
const RX_CONF1: u32 = 0x1C;
const RX_END: u32 = 0x28;
const STATUS0: u32 = 0x28;
const STATUS3: u32 = 0x34;
const INT_RAW: u32 = 0x38;
const INT_ST: u32 = 0x3C;
const INT_ENA: u32 = 0x40;
const INT_CLR: u32 = 0x44;
const CARRIER_DUTY: u32 = 0x48;
const TX_LIM: u32 = 0x58;
const RX_LIM: u32 = 0x60;
const SYS_CONF: u32 = 0x68;
const REF_CNT_RST: u32 = 0x70;
const MEMORY: u32 = 0x400;
const MEMORY_END: u32 = MEMORY + 4 * MEMORY_WORDS as u32;

/// Words of memory per channel, and in all.
const BLOCK_WORDS: usize = 48;
const MEMORY_WORDS: usize = 4 * BLOCK_WORDS;
/// Transmitters, and receivers.
pub(crate) const PAIRS: usize = 2;

const END_INT: u32 = 0;
const ERR_INT: u32 = 4;
const THR_INT: u32 = 8;
const LOOP_INT: u32 = 12;
/// Ticks per cycle of the fast RC oscillator, as in SYSTEM.
const RC_FAST_TICKS: u32 = 27;

/// The length of a channel's count as a fraction, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct CountLength {
    ticks: u64,
    per: u64,
}

impl CountLength {
    fn ticks_for(self, counts: u64) -> Tick {
        (counts * self.ticks).div_ceil(self.per)
    }

    fn counts_in(self, ticks: Tick) -> u64 {
        u64::try_from(u128::from(ticks) * u128::from(self.per) / u128::from(self.ticks.max(1))).unwrap_or(u64::MAX)
    }
}

/// A transmitter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Transmitter {
    running: bool,
    /// The word it stands at, and whether in its second half.
    at: usize,
    second: bool,
    /// When the pulse began, in counts since `start`.
    start: Tick,
    counts: u64,
    /// The level of the pulse, and when it ends.
    level: bool,
    until: Tick,
    /// Where the carrier stands within the pulse, and when it changes.
    carrier_low: bool,
    carrier_until: Tick,
    sent: usize,
    loops: u32,
    /// Where the CPU writes next through CHnDATA.
    write_at: usize,
}

/// A receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Receiver {
    input: bool,
    /// Since when the input has had its level, once a first edge has come.
    since: Option<Tick>,
    at: usize,
    second: bool,
    received: usize,
    /// Where the CPU reads next through CHnDATA.
    read_at: usize,
}

/// The RMT block at 0x6001_6000.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Rmt {
    registers: Registers<0x40>,
    memory: [u32; MEMORY_WORDS],
    interrupts: Interrupts,
    transmitters: [Transmitter; PAIRS],
    receivers: [Receiver; PAIRS],
}

impl Rmt {
    pub(crate) fn new() -> Self {
        Self {
            registers: Registers::new(&[
                (TX_CONF0, 0x0071_0200),
                (TX_CONF0 + 4, 0x0071_0200),
                (RX_CONF0, 0x30FF_FF02),
                (RX_CONF1, 0x0000_01E8),
                (RX_CONF0 + 8, 0x30FF_FF02),
                (RX_CONF1 + 8, 0x0000_01E8),
                (CARRIER_DUTY, 0x0040_0040),
                (CARRIER_DUTY + 4, 0x0040_0040),
                (TX_LIM, 0x80),
                (TX_LIM + 4, 0x80),
                (RX_LIM, 0x80),
                (RX_LIM + 4, 0x80),
                (SYS_CONF, 0x0500_0010),
                (0xCC, 0x0200_6231),
            ]),
            memory: [0; MEMORY_WORDS],
            interrupts: Interrupts::default(),
            transmitters: Default::default(),
            receivers: Default::default(),
        }
    }

    /// Whether the interrupt source is active.
    pub(crate) fn active(&self) -> bool {
        self.interrupts.active()
    }

    fn tx_conf(&self, n: usize) -> u32 {
        self.registers.get(TX_CONF0 + 4 * n as u32)
    }

    /// One cycle of the clock that all channels divide.
    fn source(&self, clocks: Clocks) -> CountLength {
        let conf = self.registers.get(SYS_CONF);
        let source = match field(conf, 24, 25) {
            2 => RC_FAST_TICKS,
            3 => XTAL_TICKS,
            _ => clocks.apb,
        };
        let (whole, a, b) = (field(conf, 4, 11) + 1, field(conf, 12, 17), field(conf, 18, 23));
        if a == 0 {
            CountLength { ticks: u64::from(source) * u64::from(whole), per: 1 }
        } else {
            CountLength { ticks: u64::from(source) * u64::from(whole * a + b), per: u64::from(a) }
        }
    }

    fn count_length(&self, clocks: Clocks, divider: u32) -> CountLength {
        let source = self.source(clocks);
        CountLength { ticks: source.ticks * u64::from(if divider == 0 { 256 } else { divider }), ..source }
    }

    // ---- transmitters ---------------------------------------------------------------------------

    /// The level of a transmitter's output.
    pub(crate) fn level(&self, n: usize) -> bool {
        self.transmitters.get(n).is_some_and(|tx| tx.level && !tx.carrier_low)
    }

    fn begin(&mut self, at: Moment, n: usize) {
        let first = self.transmitters[n].at;
        let tx = &mut self.transmitters[n];
        *tx = Transmitter { running: true, at: first, start: at.now, until: at.now, write_at: tx.write_at, ..*tx };
        tx.second = false;
        tx.counts = 0;
        tx.sent = 0;
        self.next_pulse(at, n);
    }

    /// Puts the next half of a word out, or ends.
    fn next_pulse(&mut self, at: Moment, n: usize) {
        let conf = self.tx_conf(n);
        let length = self.count_length(at.clocks, field(conf, 8, 15));
        let words = BLOCK_WORDS * (field(conf, 16, 18) as usize).clamp(1, 4 - n);
        // A loop of empty pulses would end here; the chip stops at the first of them.
        let word = self.memory[(BLOCK_WORDS * n + self.transmitters[n].at % words) % MEMORY_WORDS];
        let half = if self.transmitters[n].second { word >> 16 } else { word };
        let counts = u64::from(field(half, 0, 14));
        if counts == 0 {
            self.end_of_data(at, n);
            return;
        }
        let tx = &mut self.transmitters[n];
        tx.level = bit(half, 15);
        tx.counts += counts;
        tx.until = tx.start.saturating_add(length.ticks_for(tx.counts));
        self.begin_carrier(at, n);
        let tx = &mut self.transmitters[n];
        if tx.second {
            tx.at += 1;
            tx.sent += 1;
            let limit = (field(self.registers.get(TX_LIM + 4 * n as u32), 0, 8) as usize).max(1);
            if tx.sent.is_multiple_of(limit) {
                self.interrupts.raw |= 1 << (THR_INT + n as u32);
            }
            if tx.at >= words {
                if bit(conf, 4) || bit(conf, 3) {
                    tx.at = 0;
                } else {
                    // Past the end of the memory without an end mark.
                    self.interrupts.raw |= 1 << (ERR_INT + n as u32);
                }
            }
        }
        self.transmitters[n].second = !self.transmitters[n].second;
    }

    /// The end mark: the next round, or the idle level.
    fn end_of_data(&mut self, at: Moment, n: usize) {
        let conf = self.tx_conf(n);
        let tx = &mut self.transmitters[n];
        let moved = tx.counts > 0;
        if bit(conf, 3) && moved {
            tx.loops += 1;
            let limits = self.registers.get(TX_LIM + 4 * n as u32);
            let goal = field(limits, 9, 18);
            if bit(limits, 19) && tx.loops >= goal {
                tx.loops = 0;
                self.interrupts.raw |= 1 << (LOOP_INT + n as u32);
            }
            let tx = &mut self.transmitters[n];
            tx.at = 0;
            tx.second = false;
            tx.start = tx.until.max(at.now);
            tx.counts = 0;
            let start = tx.start;
            self.next_pulse(Moment { now: start, ..at }, n);
            return;
        }
        self.stop(n);
        self.interrupts.raw |= 1 << (END_INT + n as u32);
    }

    fn stop(&mut self, n: usize) {
        let conf = self.tx_conf(n);
        let tx = &mut self.transmitters[n];
        tx.running = false;
        tx.carrier_low = false;
        if bit(conf, 6) {
            tx.level = bit(conf, 5);
        }
    }

    /// Whether the carrier modulates the present pulse.
    fn has_carrier(&self, n: usize) -> bool {
        let conf = self.tx_conf(n);
        let tx = &self.transmitters[n];
        bit(conf, 21) && tx.running && tx.level == bit(conf, 22)
    }

    fn carrier_ticks(&self, clocks: Clocks, n: usize, low: bool) -> Tick {
        let duty = self.registers.get(CARRIER_DUTY + 4 * n as u32);
        let cycles = if low { field(duty, 0, 15) } else { field(duty, 16, 31) };
        self.source(clocks).ticks_for(u64::from(cycles.max(1)))
    }

    fn begin_carrier(&mut self, at: Moment, n: usize) {
        let ticks = self.carrier_ticks(at.clocks, n, false);
        let carrier = self.has_carrier(n);
        let tx = &mut self.transmitters[n];
        tx.carrier_low = false;
        tx.carrier_until = if carrier { at.now.saturating_add(ticks) } else { Tick::MAX };
    }

    // ---- receivers ------------------------------------------------------------------------------

    /// The level at a receiver's input.
    pub(crate) fn set_input(&mut self, at: Moment, n: usize, level: bool) {
        let Some(receiver) = self.receivers.get(n).copied().filter(|receiver| receiver.input != level) else { return };
        self.receivers[n].input = level;
        if !bit(self.registers.get(RX_CONF1 + 8 * n as u32), 0) {
            return;
        }
        if let Some(since) = receiver.since {
            self.measure(at, n, receiver.input, at.now - since);
        }
        self.receivers[n].since = Some(at.now);
    }

    /// Writes one measured pulse.
    fn measure(&mut self, at: Moment, n: usize, level: bool, ticks: Tick) {
        let conf = self.registers.get(RX_CONF0 + 8 * n as u32);
        let counts = self.count_length(at.clocks, field(conf, 0, 7)).counts_in(ticks).min(0x7FFF) as u32;
        let half = u32::from(level) << 15 | counts;
        let words = BLOCK_WORDS * (field(conf, 23, 25) as usize).clamp(1, 2 - n);
        let receiver = &mut self.receivers[n];
        if receiver.at >= words {
            if !bit(self.registers.get(RX_CONF1 + 8 * n as u32), 13) {
                self.interrupts.raw |= 1 << (ERR_INT + 2 + n as u32);
                return;
            }
            receiver.at = 0;
        }
        let word = &mut self.memory[(BLOCK_WORDS * (2 + n) + receiver.at) % MEMORY_WORDS];
        if receiver.second {
            *word = *word & 0xFFFF | half << 16;
            receiver.at += 1;
            receiver.received += 1;
            let limit = (field(self.registers.get(RX_LIM + 4 * n as u32), 0, 8) as usize).max(1);
            if receiver.received.is_multiple_of(limit) {
                self.interrupts.raw |= 1 << (THR_INT + 2 + n as u32);
            }
        } else {
            *word = half;
        }
        self.receivers[n].second = !receiver.second;
    }

    fn idle_at(&self, clocks: Clocks, n: usize) -> Tick {
        let conf = self.registers.get(RX_CONF0 + 8 * n as u32);
        let Some(since) = self.receivers[n].since else { return Tick::MAX };
        let threshold = self.count_length(clocks, field(conf, 0, 7)).ticks_for(u64::from(field(conf, 8, 22)));
        since.saturating_add(threshold.max(1))
    }

    // ---- time -----------------------------------------------------------------------------------

    /// The next edge or end of a reception.
    pub(crate) fn deadline(&self, clocks: Clocks) -> Tick {
        let edge = |tx: &Transmitter| if tx.running { tx.until.min(tx.carrier_until) } else { Tick::MAX };
        let edges = self.transmitters.iter().map(edge).min().unwrap_or(Tick::MAX);
        (0..PAIRS).map(|n| self.idle_at(clocks, n)).min().unwrap_or(Tick::MAX).min(edges)
    }

    pub(crate) fn run(&mut self, at: Moment) {
        for n in 0..PAIRS {
            let tx = self.transmitters[n];
            if tx.running && tx.until <= at.now {
                self.next_pulse(Moment { now: tx.until, ..at }, n);
            } else if tx.running && tx.carrier_until <= at.now {
                let low = !tx.carrier_low;
                let ticks = self.carrier_ticks(at.clocks, n, low).max(1);
                self.transmitters[n].carrier_low = low;
                self.transmitters[n].carrier_until = tx.carrier_until.saturating_add(ticks);
            }
            if self.idle_at(at.clocks, n) <= at.now {
                // Quiet for longer than IDLE_THRES: an end mark, and the reception is over.
                self.measure(at, n, self.receivers[n].input, 0);
                self.receivers[n].since = None;
                let conf1 = self.registers.get(RX_CONF1 + 8 * n as u32);
                self.registers.set(RX_CONF1 + 8 * n as u32, conf1 & !(1 << 3));
                self.interrupts.raw |= 1 << (END_INT + 2 + n as u32);
            }
        }
    }

    // ---- registers ------------------------------------------------------------------------------

    pub(crate) fn peek(&self, offset: u32) -> u32 {
        match offset {
            MEMORY..MEMORY_END => self.memory[((offset - MEMORY) / 4) as usize],
            CH0DATA..=CH3DATA => {
                let n = (offset / 4) as usize;
                let at = self.receivers.get(n.wrapping_sub(PAIRS)).map_or(0, |receiver| receiver.read_at);
                self.memory[(BLOCK_WORDS * n + at) % MEMORY_WORDS]
            }
            STATUS0..=STATUS3 => self.status(((offset - STATUS0) / 4) as usize),
            INT_RAW => self.interrupts.raw,
            INT_ST => self.interrupts.status(),
            INT_ENA => self.interrupts.enabled,
            INT_CLR | REF_CNT_RST => 0,
            _ => self.registers.get(offset),
        }
    }

    fn status(&self, n: usize) -> u32 {
        let base = (BLOCK_WORDS * n) as u32;
        match (self.transmitters.get(n), self.receivers.get(n.wrapping_sub(PAIRS))) {
            (Some(tx), _) => {
                (base + tx.at as u32) | (u32::from(tx.running) << 9) | (((base + tx.write_at as u32) & 0x1FF) << 12)
            }
            (_, Some(rx)) => {
                let waiting = bit(self.registers.get(RX_CONF1 + 8 * (n - PAIRS) as u32), 0);
                (base + rx.at as u32) | (((base + rx.read_at as u32) & 0x1FF) << 12) | (u32::from(waiting) << 22)
            }
            _ => 0,
        }
    }

    /// Reads a register; CHnDATA goes on to the next word.
    pub(crate) fn load(&mut self, offset: u32) -> u32 {
        let value = self.peek(offset);
        if let CH0DATA..=CH3DATA = offset
            && let Some(receiver) = self.receivers.get_mut((offset as usize / 4).wrapping_sub(PAIRS))
        {
            receiver.read_at = (receiver.read_at + 1) % MEMORY_WORDS;
        }
        value
    }

    pub(crate) fn store(&mut self, at: Moment, offset: u32, value: u32) {
        match offset {
            MEMORY..MEMORY_END => self.memory[((offset - MEMORY) / 4) as usize] = value,
            CH0DATA..=CH3DATA => {
                let n = (offset / 4) as usize;
                if let Some(tx) = self.transmitters.get_mut(n) {
                    self.memory[(BLOCK_WORDS * n + tx.write_at) % MEMORY_WORDS] = value;
                    tx.write_at = (tx.write_at + 1) % MEMORY_WORDS;
                }
            }
            TX_CONF0..RX_CONF0 => self.store_tx(at, ((offset - TX_CONF0) / 4) as usize, value),
            RX_CONF0..RX_END => self.store_rx(offset, value),
            STATUS0..=STATUS3 | INT_RAW | INT_ST => {}
            INT_ENA => self.interrupts.enabled = value & 0x3FFF,
            INT_CLR => self.interrupts.raw &= !value,
            TX_LIM..RX_LIM => {
                self.registers.set(offset, value & !(1 << 20));
                if bit(value, 20) {
                    self.transmitters[((offset - TX_LIM) / 4) as usize].loops = 0;
                }
            }
            _ => self.registers.set(offset, value),
        }
    }

    fn store_tx(&mut self, at: Moment, n: usize, value: u32) {
        // TX_START, the resets, TX_STOP and CONF_UPDATE are commands.
        self.registers.set(TX_CONF0 + 4 * n as u32, value & !(0x187 | 3 << 23) | value & 0xFF00);
        if bit(value, 1) {
            self.transmitters[n].at = 0;
        }
        if bit(value, 2) {
            self.transmitters[n].write_at = 0;
        }
        if bit(value, 7) && self.transmitters[n].running {
            self.stop(n);
            self.interrupts.raw |= 1 << (END_INT + n as u32);
        }
        if bit(value, 0) {
            self.begin(at, n);
        } else if bit(value, 6) && !self.transmitters[n].running {
            self.transmitters[n].level = bit(value, 5);
        }
    }

    fn store_rx(&mut self, offset: u32, value: u32) {
        if (offset - RX_CONF0).is_multiple_of(8) {
            self.registers.set(offset, value);
            return;
        }
        let n = ((offset - RX_CONF1) / 8) as usize;
        let was_enabled = bit(self.registers.get(offset), 0);
        self.registers.set(offset, value & !(1 << 1 | 1 << 2 | 3 << 14));
        let receiver = &mut self.receivers[n];
        if bit(value, 1) {
            receiver.at = 0;
            receiver.second = false;
            receiver.received = 0;
        }
        if bit(value, 2) {
            receiver.read_at = 0;
        }
        if !bit(value, 0) || !was_enabled {
            receiver.since = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOCKS: Clocks = Clocks { cpu: 3, apb: 6 };

    fn at(now: Tick) -> Moment {
        Moment { now, clocks: CLOCKS }
    }

    /// One count is a microsecond on all channels.
    fn with_microseconds() -> Rmt {
        let mut rmt = Rmt::new();
        rmt.store(at(0), SYS_CONF, 1 << 26 | 1 << 24);
        for n in 0..2 {
            rmt.store(at(0), TX_CONF0 + 4 * n, 80 << 8 | 1 << 16 | 1 << 6);
            rmt.store(at(0), RX_CONF0 + 8 * n, 1 << 23 | 1000 << 8 | 80);
        }
        rmt
    }

    fn edges(rmt: &mut Rmt, channel: usize, limit: usize) -> Vec<(Tick, bool)> {
        let mut edges = Vec::new();
        let mut level = rmt.level(channel);
        while edges.len() < limit {
            let due = rmt.deadline(CLOCKS);
            if due == Tick::MAX {
                break;
            }
            rmt.run(at(due));
            if rmt.level(channel) != level {
                level = rmt.level(channel);
                edges.push((due / 480, level));
            }
        }
        edges
    }

    #[test]
    fn pulses_come_from_memory_and_end_with_the_end_mark() {
        let mut rmt = with_microseconds();
        rmt.store(at(0), MEMORY, 1 << 15 | 10 | 20 << 16);
        rmt.store(at(0), MEMORY + 4, 1 << 15 | 30 | 5 << 16);
        rmt.store(at(0), MEMORY + 8, 0);
        rmt.store(at(0), TX_CONF0, 80 << 8 | 1 << 16 | 1 << 6 | 3);
        assert!(rmt.level(0));
        assert_eq!(edges(&mut rmt, 0, 99), [(10, false), (30, true), (60, false)]);
        assert_eq!(rmt.peek(INT_RAW), 1);
        assert_eq!(rmt.deadline(CLOCKS), Tick::MAX);
        rmt.store(at(0), INT_ENA, 1);
        assert!(rmt.active());
        rmt.store(at(0), INT_CLR, 1);
        assert!(!rmt.active());
    }

    #[test]
    fn a_loop_goes_on_until_it_is_stopped_and_tells_its_rounds() {
        let mut rmt = with_microseconds();
        rmt.store(at(0), MEMORY, 1 << 15 | 10 | 10 << 16);
        rmt.store(at(0), TX_LIM, 1 << 19 | 3 << 9 | 0x80);
        let conf = 80 << 8 | 1 << 16 | 1 << 6 | 1 << 3;
        rmt.store(at(0), TX_CONF0, conf | 3);
        assert_eq!(edges(&mut rmt, 0, 4), [(10, false), (20, true), (30, false), (40, true)]);
        assert!(!bit(rmt.peek(INT_RAW), LOOP_INT));
        edges(&mut rmt, 0, 3);
        assert!(bit(rmt.peek(INT_RAW), LOOP_INT));
        rmt.store(at(0), TX_CONF0, conf | 1 << 7);
        assert_eq!((rmt.deadline(CLOCKS), rmt.level(0)), (Tick::MAX, false));
    }

    #[test]
    fn an_empty_loop_stops() {
        let mut rmt = with_microseconds();
        rmt.store(at(0), TX_CONF0, 80 << 8 | 1 << 16 | 1 << 3 | 3);
        assert_eq!(rmt.deadline(CLOCKS), Tick::MAX);
        assert_eq!(rmt.peek(INT_RAW), 1);
    }

    #[test]
    fn a_wrapped_memory_is_refilled_at_the_threshold() {
        let mut rmt = with_microseconds();
        for n in 0..BLOCK_WORDS as u32 {
            rmt.store(at(0), MEMORY + 4 * n, 1 << 15 | 1 | 1 << 16);
        }
        rmt.store(at(0), TX_LIM, 24);
        rmt.store(at(0), TX_CONF0, 80 << 8 | 1 << 16 | 1 << 6 | 1 << 4 | 3);
        let mut refilled = 0;
        while rmt.deadline(CLOCKS) != Tick::MAX {
            rmt.run(at(rmt.deadline(CLOCKS)));
            if bit(rmt.peek(INT_RAW), THR_INT) {
                rmt.store(at(0), INT_CLR, 1 << THR_INT);
                refilled += 1;
                if refilled == 4 {
                    rmt.store(at(0), MEMORY, 0);
                }
            }
        }
        assert_eq!(refilled, 4, "two rounds of 48 words, told every 24");
    }

    #[test]
    fn the_carrier_cuts_a_pulse_into_its_own() {
        let mut rmt = with_microseconds();
        rmt.store(at(0), MEMORY, 1 << 15 | 50 | 50 << 16);
        rmt.store(at(0), CARRIER_DUTY, 800 << 16 | 800);
        rmt.store(at(0), TX_CONF0, 80 << 8 | 1 << 16 | 1 << 6 | 1 << 21 | 1 << 22 | 3);
        let told = edges(&mut rmt, 0, 99);
        assert_eq!(told, [(10, false), (20, true), (30, false), (40, true), (50, false)]);
    }

    #[test]
    fn a_receiver_measures_pulses_and_ends_when_it_is_quiet() {
        let mut rmt = with_microseconds();
        rmt.store(at(0), RX_CONF1, 1 << 3 | 3);
        rmt.store(at(0), INT_ENA, 1 << 2);
        for (microseconds, level) in [(100, true), (150, false), (180, true), (200, false)] {
            rmt.set_input(at(480 * microseconds), 0, level);
        }
        assert_eq!(rmt.deadline(CLOCKS), 480 * 1200);
        rmt.run(at(480 * 1200));
        assert!(rmt.active());
        let memory = MEMORY + 4 * 2 * BLOCK_WORDS as u32;
        assert_eq!(rmt.peek(memory), 1 << 15 | 50 | 30 << 16);
        assert_eq!(rmt.peek(memory + 4), 1 << 15 | 20);
        assert_eq!(rmt.peek(STATUS0 + 8) & 0x1FF, 2 * BLOCK_WORDS as u32 + 2);
        assert_eq!(rmt.deadline(CLOCKS), Tick::MAX);
        assert_eq!(rmt.load(CH0DATA + 8), 1 << 15 | 50 | 30 << 16);
        assert_eq!(rmt.load(CH0DATA + 8), 1 << 15 | 20);
    }

    #[test]
    fn a_receiver_without_room_says_so() {
        let mut rmt = with_microseconds();
        rmt.store(at(0), RX_CONF1, 1 << 3 | 3);
        for n in 1..200 {
            rmt.set_input(at(4800 * n), 0, n % 2 != 0);
        }
        assert!(bit(rmt.peek(INT_RAW), ERR_INT + 2));
    }
}

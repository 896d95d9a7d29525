//! I2C controller, I2C0 (TRM, chapter "I2C Controller"): registers, FIFOs and interrupts around the
//! two halves that work on the wires, the controller (`i2c/master.rs`) and the target (here, with the
//! bit decoder that devices on the bench use as well).

mod master;

use std::collections::VecDeque;

use master::{Command, Master, Outcome};

use super::{Interrupts, Registers, bit, field};
use crate::bus::Tick;
use crate::clock::{Moment, XTAL_TICKS};
use crate::in_place::clone_in_place;
use crate::pins::i2c_wire::{Listener, SCL, SDA, Wire};

const SCL_LOW_PERIOD: u32 = 0x00;
const CTR: u32 = 0x04;
const SR: u32 = 0x08;
const TO: u32 = 0x0C;
const SLAVE_ADDR: u32 = 0x10;
const FIFO_ST: u32 = 0x14;
const FIFO_CONF: u32 = 0x18;
const DATA: u32 = 0x1C;
const INT_RAW: u32 = 0x20;
const INT_CLR: u32 = 0x24;
const INT_ENA: u32 = 0x28;
const INT_STATUS: u32 = 0x2C;
const SDA_HOLD: u32 = 0x30;
const SDA_SAMPLE: u32 = 0x34;
const SCL_HIGH_PERIOD: u32 = 0x38;
const SCL_START_HOLD: u32 = 0x40;
const SCL_RSTART_SETUP: u32 = 0x44;
const SCL_STOP_HOLD: u32 = 0x48;
const SCL_STOP_SETUP: u32 = 0x4C;
const CLK_CONF: u32 = 0x54;
const COMD0: u32 = 0x58;
const COMD_END: u32 = 0x78;
const SCL_SP_CONF: u32 = 0x80;
const SCL_STRETCH_CONF: u32 = 0x84;

const RXFIFO_WM_INT: u32 = 1 << 0;
const TXFIFO_WM_INT: u32 = 1 << 1;
const RXFIFO_OVF_INT: u32 = 1 << 2;
const END_DETECT_INT: u32 = 1 << 3;
const BYTE_TRANS_DONE_INT: u32 = 1 << 4;
const ARBITRATION_LOST_INT: u32 = 1 << 5;
const MST_TXFIFO_UDF_INT: u32 = 1 << 6;
const TRANS_COMPLETE_INT: u32 = 1 << 7;
const TIME_OUT_INT: u32 = 1 << 8;
const TRANS_START_INT: u32 = 1 << 9;
const NACK_INT: u32 = 1 << 10;
const TXFIFO_OVF_INT: u32 = 1 << 11;
const RXFIFO_UDF_INT: u32 = 1 << 12;
const DET_START_INT: u32 = 1 << 15;
const SLAVE_STRETCH_INT: u32 = 1 << 16;
const ALL_INTS: u32 = 0x3_FFFF;

/// Why the target holds the clock (SR, STRETCH_CAUSE): it is to be read from, it has nothing to send, it has no room.
const STRETCH_READ: u32 = 0;
const STRETCH_TX_EMPTY: u32 = 1;
const STRETCH_RX_FULL: u32 = 2;

/// Bytes each FIFO holds.
const FIFO: usize = 32;
/// Ticks per cycle of the fast RC oscillator, as in SYSTEM.
const RC_FAST_TICKS: u32 = 27;

/// The I2C0 block at 0x6001_3000.
#[derive(Debug, Hash)]
pub(crate) struct I2c {
    registers: Registers<0x40>,
    interrupts: Interrupts,
    tx: VecDeque<u8>,
    rx: VecDeque<u8>,
    master: Master,
    target: Wire,
    /// The target's own address came since the last start; whether it is to be read from. What the bits of SR do after a
    /// stop the manual does not say: here they stay.
    addressed: Option<bool>,
    /// The target has a part in the transfer that the next stop ends.
    takes_part: bool,
    /// The next byte that the target sends is the first after its address.
    read_begins: bool,
    /// The target holds the clock until the CPU has seen to it; the cause as in SR.
    stretching: Option<u32>,
    /// When the target lets go of the clock, since the CPU has seen to it (`Tick::MAX`: it has not).
    released: Tick,
    /// Levels of the wires.
    levels: u32,
    bus_busy: bool,
    acknowledged: bool,
}
clone_in_place!(I2c {
    registers,
    interrupts,
    tx,
    rx,
    master,
    target,
    addressed,
    takes_part,
    read_begins,
    stretching,
    released,
    levels,
    bus_busy,
    acknowledged
});

impl I2c {
    pub(crate) fn new() -> Self {
        Self {
            registers: Registers::new(&[
                (CTR, 0x0000_020B),
                (TO, 0x10),
                (FIFO_CONF, 0x0000_408B),
                (SCL_START_HOLD, 8),
                (SCL_RSTART_SETUP, 8),
                (SCL_STOP_HOLD, 8),
                (SCL_STOP_SETUP, 8),
                (0x50, 0x0000_0300),
                (CLK_CONF, 0x0020_0000),
                (0x78, 0x10),
                (0x7C, 0x10),
                (0xF8, 0x2007_0201),
            ]),
            interrupts: Interrupts { raw: TXFIFO_WM_INT, enabled: 0 },
            tx: VecDeque::new(),
            rx: VecDeque::new(),
            master: Master::new(),
            target: Wire::new(),
            addressed: None,
            takes_part: false,
            read_begins: false,
            stretching: None,
            released: Tick::MAX,
            levels: SCL | SDA,
            bus_busy: false,
            acknowledged: false,
        }
    }

    /// Whether the interrupt source is active.
    pub(crate) fn active(&self) -> bool {
        self.interrupts.active()
    }

    fn is_master(&self) -> bool {
        bit(self.registers.get(CTR), 4)
    }

    /// The levels put out: SCL, SDA; high is released where the pins are open-drain.
    pub(crate) fn outputs(&self) -> (bool, bool) {
        if self.is_master() {
            (self.master.scl, self.master.sda)
        } else {
            (self.stretching.is_none(), !self.target.holds_sda())
        }
    }

    /// Ticks of a number of cycles of the module's clock.
    fn ticks(&self, cycles: u32) -> Tick {
        let conf = self.registers.get(CLK_CONF);
        let source = Tick::from(if bit(conf, 20) { RC_FAST_TICKS } else { XTAL_TICKS });
        let (whole, a, b) =
            (Tick::from(field(conf, 0, 7)) + 1, Tick::from(field(conf, 8, 13)), Tick::from(field(conf, 14, 19)));
        let cycles = Tick::from(cycles.max(1)) * source;
        if a == 0 { cycles * whole } else { (cycles * (whole * a + b)).div_ceil(a) }
    }

    fn period(&self, offset: u32) -> Tick {
        self.ticks(field(self.registers.get(offset), 0, 8) + 1)
    }

    // ---- time -----------------------------------------------------------------------------------

    /// When either half goes on by itself.
    pub(crate) fn deadline(&self) -> Tick {
        self.master.until.min(self.released)
    }

    pub(crate) fn run(&mut self, at: Moment) {
        if self.master.until <= at.now {
            self.step(at.now);
        }
        if self.released <= at.now {
            self.released = Tick::MAX;
            self.stretching = None;
        }
    }

    /// The wires have these levels from now on.
    pub(crate) fn set_lines(&mut self, at: Moment, scl: bool, sda: bool) {
        let levels = (u32::from(scl) * SCL) | (u32::from(sda) * SDA);
        let before = std::mem::replace(&mut self.levels, levels);
        if levels == before {
            return;
        }
        if levels & before & SCL != 0 {
            // SDA moved while SCL was high: a start or a stop, whoever made it.
            self.bus_busy = !sda;
            if !sda && !self.is_master() {
                self.interrupts.raw |= DET_START_INT;
            }
        }
        if self.is_master() {
            if scl && before & SCL == 0 {
                self.clock_rose(at.now);
            }
        } else {
            let is_condition = levels & before & SCL != 0;
            if is_condition && !sda {
                self.addressed = None;
            }
            let mut target = self.target;
            target.levels_changed(at.now, levels, self);
            self.target = target;
            if is_condition && sda && std::mem::take(&mut self.takes_part) {
                self.interrupts.raw |= TRANS_COMPLETE_INT;
            }
        }
    }

    // ---- stretching -----------------------------------------------------------------------------

    fn may_stretch(&self) -> bool {
        bit(self.registers.get(SCL_STRETCH_CONF), 10)
    }

    fn stretch(&mut self, cause: u32) {
        self.stretching = Some(cause);
        self.released = Tick::MAX;
        self.interrupts.raw |= SLAVE_STRETCH_INT;
    }

    /// SLAVE_SCL_STRETCH_CLR: what was waited for goes on, unless there is still nothing to send.
    fn end_stretch(&mut self, now: Tick) {
        if self.stretching.is_none() {
            return;
        }
        if self.target.awaits_byte() {
            if self.tx.is_empty() && self.may_stretch() {
                self.stretch(STRETCH_TX_EMPTY);
                return;
            }
            let byte = self.send_byte();
            self.target.send(byte);
        }
        let protect = field(self.registers.get(SCL_STRETCH_CONF), 0, 9);
        self.released = now.saturating_add(self.ticks(protect));
    }

    /// The next byte of the FIFO as the target sends it.
    fn send_byte(&mut self) -> u8 {
        let byte = self.next_to_send();
        self.interrupts.raw |= BYTE_TRANS_DONE_INT;
        byte
    }

    // ---- FIFOs ----------------------------------------------------------------------------------

    fn follow_fifos(&mut self) {
        let conf = self.registers.get(FIFO_CONF);
        if self.rx.len() > field(conf, 0, 4) as usize {
            self.interrupts.raw |= RXFIFO_WM_INT;
        }
        if self.tx.len() <= field(conf, 5, 9) as usize {
            self.interrupts.raw |= TXFIFO_WM_INT;
        }
    }

    fn push_received(&mut self, byte: u8) {
        let byte = if bit(self.registers.get(CTR), 7) { byte.reverse_bits() } else { byte };
        if self.rx.len() < FIFO {
            self.rx.push_back(byte);
        } else {
            self.interrupts.raw |= RXFIFO_OVF_INT;
        }
        self.interrupts.raw |= BYTE_TRANS_DONE_INT;
        self.follow_fifos();
    }

    fn next_to_send(&mut self) -> u8 {
        let byte = self.tx.pop_front().unwrap_or_else(|| {
            self.interrupts.raw |= MST_TXFIFO_UDF_INT;
            0xFF
        });
        self.follow_fifos();
        if bit(self.registers.get(CTR), 6) { byte.reverse_bits() } else { byte }
    }

    // ---- registers ------------------------------------------------------------------------------

    pub(crate) fn peek(&self, offset: u32) -> u32 {
        match offset {
            SR => {
                u32::from(!self.acknowledged)
                    | u32::from(self.addressed == Some(true)) << 1
                    | u32::from(bit(self.interrupts.raw, 5)) << 3
                    | u32::from(self.bus_busy) << 4
                    | u32::from(self.addressed.is_some()) << 5
                    | (self.rx.len() as u32) << 8
                    | self.stretching.unwrap_or(3) << 14
                    | (self.tx.len() as u32) << 18
            }
            FIFO_ST => (self.rx.len() as u32 % 32) << 5 | (self.tx.len() as u32 % 32) << 15,
            DATA => self.rx.front().copied().map_or(0, u32::from),
            INT_RAW => self.interrupts.raw,
            INT_STATUS => self.interrupts.status(),
            INT_ENA => self.interrupts.enabled,
            INT_CLR => 0,
            SCL_SP_CONF => self.registers.get(offset) & !1 | u32::from(self.master.is_clearing()),
            _ => self.registers.get(offset),
        }
    }

    /// Reads a register; DATA takes a byte out of the receive FIFO.
    pub(crate) fn load(&mut self, offset: u32) -> u32 {
        let value = self.peek(offset);
        if offset == DATA && self.rx.pop_front().is_none() {
            self.interrupts.raw |= RXFIFO_UDF_INT;
        }
        value
    }

    pub(crate) fn store(&mut self, at: Moment, offset: u32, value: u32) {
        match offset {
            CTR => {
                // TRANS_START, FSM_RST and CONF_UPGATE are commands.
                self.registers.set(offset, value & !(1 << 5 | 1 << 10 | 1 << 11));
                if bit(value, 10) {
                    self.reset_state();
                }
                if bit(value, 5) && self.is_master() {
                    self.begin(at.now);
                }
            }
            FIFO_CONF => {
                self.registers.set(offset, value);
                if bit(value, 12) {
                    self.rx.clear();
                }
                if bit(value, 13) {
                    self.tx.clear();
                }
                self.follow_fifos();
            }
            DATA => {
                if self.tx.len() < FIFO {
                    self.tx.push_back(value as u8);
                } else {
                    self.interrupts.raw |= TXFIFO_OVF_INT;
                }
            }
            INT_ENA => self.interrupts.enabled = value & ALL_INTS,
            INT_CLR => {
                self.interrupts.raw &= !value;
                self.follow_fifos();
            }
            SCL_SP_CONF => {
                self.registers.set(offset, value);
                if bit(value, 0) {
                    self.clear_bus(at.now, field(value, 1, 5));
                }
            }
            SCL_STRETCH_CONF => {
                self.registers.set(offset, value & !(1 << 11));
                if bit(value, 11) {
                    self.end_stretch(at.now);
                }
            }
            SR | FIFO_ST | INT_RAW | INT_STATUS => {}
            _ => self.registers.set(offset, value),
        }
    }

    fn reset_state(&mut self) {
        self.master = Master::new();
        self.target = Wire::new();
        self.addressed = None;
        self.takes_part = false;
        self.stretching = None;
        self.released = Tick::MAX;
        self.bus_busy = false;
    }

    fn command(&self, number: usize) -> Command {
        Command::of(self.registers.get(COMD0 + 4 * number as u32))
    }

    fn finish(&mut self, outcome: Outcome) {
        self.interrupts.raw |= match outcome {
            Outcome::Complete => TRANS_COMPLETE_INT,
            Outcome::Paused => END_DETECT_INT,
            Outcome::Nack => NACK_INT,
            Outcome::ArbitrationLost => ARBITRATION_LOST_INT,
            Outcome::TimedOut => TIME_OUT_INT,
        };
    }

    fn mark_done(&mut self, number: usize) {
        let offset = COMD0 + 4 * number as u32;
        debug_assert!(offset < COMD_END);
        let value = self.registers.get(offset) | 1 << 31;
        self.registers.set(offset, value);
    }
}

/// I2C0 as a target: the decoder finds the bytes, the FIFOs hold them.
impl Listener for I2c {
    fn addressed(&mut self, _: Tick, address: u8, read: bool) -> bool {
        let own = self.registers.get(SLAVE_ADDR);
        let ours = !bit(own, 31) && u32::from(address) == field(own, 0, 6);
        if ours {
            self.addressed = Some(read);
            self.takes_part = true;
            self.read_begins = read;
        }
        ours
    }

    fn written(&mut self, _: Tick, byte: u8) -> bool {
        let room = self.rx.len() < FIFO;
        self.push_received(byte);
        if self.rx.len() == FIFO && self.may_stretch() {
            self.stretch(STRETCH_RX_FULL);
        }
        room || !bit(self.registers.get(CTR), 3)
    }

    fn read(&mut self, _: Tick) -> Option<u8> {
        let first = std::mem::take(&mut self.read_begins);
        if !self.may_stretch() {
            return Some(self.send_byte());
        }
        if first {
            self.stretch(STRETCH_READ);
            None
        } else if self.tx.is_empty() {
            self.stretch(STRETCH_TX_EMPTY);
            None
        } else {
            Some(self.send_byte())
        }
    }

    fn read_enough(&mut self, _: Tick) {
        self.interrupts.raw |= NACK_INT;
    }

    fn stopped(&mut self, _: Tick) {}
}

#[cfg(test)]
mod tests;

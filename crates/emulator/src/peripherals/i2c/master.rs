//! The controller's half of I2C0: it carries out a list of commands on the wires, step by step.

use super::{
    BYTE_TRANS_DONE_INT, CTR, I2c, SCL, SCL_HIGH_PERIOD, SCL_LOW_PERIOD, SCL_RSTART_SETUP, SCL_START_HOLD,
    SCL_STOP_HOLD, SCL_STOP_SETUP, SDA, SDA_HOLD, SDA_SAMPLE, TO, TRANS_START_INT, bit, field,
};
use crate::bus::Tick;

/// Commands a list holds.
const COMMANDS: usize = 8;

/// A command register, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Command {
    operation: u32,
    bytes: u32,
    checks_acknowledge: bool,
    expected: bool,
    answer: bool,
}

const WRITE: u32 = 1;
const STOP: u32 = 2;
const READ: u32 = 3;
const END: u32 = 4;
const RESTART: u32 = 6;

impl Command {
    pub(super) fn of(value: u32) -> Self {
        Self {
            operation: field(value, 11, 13),
            bytes: field(value, 0, 7),
            checks_acknowledge: bit(value, 8),
            expected: bit(value, 9),
            answer: bit(value, 10),
        }
    }
}

/// How a list, or a part of it, ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Complete,
    Paused,
    Nack,
    ArbitrationLost,
    TimedOut,
}

/// What the wires are doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Step {
    Idle,
    /// SCL is low and SDA released, for a repeated start.
    RestartLow,
    /// SCL is high before a start.
    RestartHigh,
    /// SDA fell: the start condition is held.
    StartHold,
    /// SCL is low, SDA still has the bit before.
    BitHold,
    /// SCL is low, SDA has the bit.
    BitLow,
    /// SCL is released: the bit is read after a moment.
    BitSample,
    /// The rest of the high time.
    BitHigh,
    /// SCL and SDA are low, for a stop.
    StopLow,
    /// SCL is high, SDA low.
    StopHigh,
    /// SDA rose: the stop condition is held.
    StopHold,
    /// An END command: the clock is held low until the next list.
    Held,
    /// Clock pulses that free the bus, high or low.
    Clearing {
        high: bool,
    },
}

/// The controller's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Master {
    pub(super) scl: bool,
    pub(super) sda: bool,
    /// When it goes on (`Tick::MAX`: not by itself).
    pub(super) until: Tick,
    step: Step,
    command: usize,
    bytes_left: u32,
    /// Bits of the present byte that are over, 0..=8; the eighth is the acknowledgement.
    bits: u32,
    shift: u8,
    /// SCL is released and has to rise before time goes on.
    awaits_clock: bool,
    refused: bool,
    pulses_left: u32,
}

impl Master {
    pub(super) fn new() -> Self {
        Self {
            scl: true,
            sda: true,
            until: Tick::MAX,
            step: Step::Idle,
            command: 0,
            bytes_left: 0,
            bits: 0,
            shift: 0,
            awaits_clock: false,
            refused: false,
            pulses_left: 0,
        }
    }

    pub(super) fn is_clearing(&self) -> bool {
        matches!(self.step, Step::Clearing { .. })
    }
}

impl I2c {
    /// TRANS_START: carries the list out from its beginning.
    pub(super) fn begin(&mut self, now: Tick) {
        if !matches!(self.master.step, Step::Idle | Step::Held) {
            return;
        }
        self.master.command = 0;
        self.master.refused = false;
        self.next_command(now);
    }

    /// Nine clock pulses or so, by which a target that hangs in the middle of a byte lets go of SDA.
    pub(super) fn clear_bus(&mut self, now: Tick, pulses: u32) {
        self.master = Master { pulses_left: pulses, ..Master::new() };
        self.clearing(now, true);
    }

    fn clearing(&mut self, now: Tick, high: bool) {
        if high && self.master.pulses_left == 0 {
            self.master = Master::new();
            self.bus_busy = false;
            return;
        }
        self.master.scl = !high;
        self.master.pulses_left -= u32::from(high);
        self.master.step = Step::Clearing { high: !high };
        self.master.until = now.saturating_add(self.period(SCL_LOW_PERIOD));
    }

    fn go(&mut self, now: Tick, step: Step, ticks: Tick) {
        self.master.step = step;
        self.master.until = now.saturating_add(ticks.max(1));
    }

    /// Releases the clock, and goes on when it is high: a target may hold it.
    fn release_clock(&mut self, now: Tick, step: Step) {
        self.master.scl = true;
        self.master.step = step;
        self.master.awaits_clock = true;
        self.master.until = Tick::MAX;
        let to = self.registers.get(TO);
        if bit(to, 5) {
            let cycles = 1_u32.checked_shl(field(to, 0, 4)).unwrap_or(u32::MAX);
            self.master.until = now.saturating_add(self.ticks(cycles));
        }
        if self.levels & SCL != 0 {
            self.clock_rose(now);
        }
    }

    /// SCL is high, by us and everybody else.
    pub(super) fn clock_rose(&mut self, now: Tick) {
        if !std::mem::take(&mut self.master.awaits_clock) {
            return;
        }
        let ticks = match self.master.step {
            Step::RestartHigh => self.period(SCL_RSTART_SETUP),
            Step::StopHigh => self.period(SCL_STOP_SETUP),
            _ => self.period(SDA_SAMPLE).min(self.high_period()),
        };
        let step = self.master.step;
        self.go(now, step, ticks);
    }

    fn high_period(&self) -> Tick {
        let high = self.registers.get(SCL_HIGH_PERIOD);
        self.ticks(field(high, 0, 8) + field(high, 9, 15) + 1)
    }

    fn next_command(&mut self, now: Tick) {
        if self.master.command >= COMMANDS {
            self.finish(Outcome::Complete);
            self.master = Master::new();
            return;
        }
        let command = self.command(self.master.command);
        match command.operation {
            RESTART => {
                self.interrupts.raw |= TRANS_START_INT;
                self.master.sda = true;
                if self.master.scl {
                    // SCL is high already: the bus is free.
                    self.release_clock(now, Step::RestartHigh);
                } else {
                    let low = self.period(SCL_LOW_PERIOD);
                    self.go(now, Step::RestartLow, low);
                }
            }
            WRITE | READ if command.bytes > 0 => {
                self.master.bytes_left = command.bytes;
                self.begin_byte(now);
            }
            STOP => self.begin_stop(now),
            END => {
                self.mark_done(self.master.command);
                self.master.scl = false;
                self.master.step = Step::Held;
                self.master.until = Tick::MAX;
                self.finish(Outcome::Paused);
            }
            _ => {
                // An empty transfer, or no command at all; the list has eight at most.
                self.mark_done(self.master.command);
                self.master.command += 1;
                self.next_command(now);
            }
        }
    }

    fn begin_byte(&mut self, now: Tick) {
        let reads = self.command(self.master.command).operation == READ;
        self.master.shift = if reads { 0 } else { self.next_to_send() };
        self.master.bits = 0;
        self.begin_bit(now);
    }

    fn begin_bit(&mut self, now: Tick) {
        self.master.scl = false;
        let hold = self.period(SDA_HOLD).min(self.period(SCL_LOW_PERIOD));
        self.go(now, Step::BitHold, hold);
    }

    /// The bit that this side puts on SDA; high is released.
    fn own_bit(&self) -> bool {
        let command = self.command(self.master.command);
        match (command.operation == READ, self.master.bits == 8) {
            (false, false) => self.master.shift << self.master.bits & 0x80 != 0,
            (true, true) => command.answer,
            _ => true,
        }
    }

    fn begin_stop(&mut self, now: Tick) {
        self.master.scl = false;
        self.master.sda = false;
        let low = self.period(SCL_LOW_PERIOD);
        self.go(now, Step::StopLow, low);
    }

    /// The present step's time is over.
    pub(super) fn step(&mut self, now: Tick) {
        if self.master.awaits_clock {
            // Somebody holds the clock for too long.
            self.master = Master::new();
            self.finish(Outcome::TimedOut);
            return;
        }
        match self.master.step {
            Step::Idle | Step::Held => self.master.until = Tick::MAX,
            Step::RestartLow => self.release_clock(now, Step::RestartHigh),
            Step::RestartHigh => {
                self.master.sda = false;
                let hold = self.period(SCL_START_HOLD);
                self.go(now, Step::StartHold, hold);
            }
            Step::StartHold => {
                self.master.scl = false;
                self.command_done(now);
            }
            Step::BitHold => {
                self.master.sda = self.own_bit();
                let low = self.period(SCL_LOW_PERIOD);
                let rest = low - self.period(SDA_HOLD).min(low);
                self.go(now, Step::BitLow, rest);
            }
            Step::BitLow => self.release_clock(now, Step::BitSample),
            Step::BitSample => self.sample(now),
            Step::BitHigh => self.bit_is_over(now),
            Step::StopLow => self.release_clock(now, Step::StopHigh),
            Step::StopHigh => {
                self.master.sda = true;
                let hold = self.period(SCL_STOP_HOLD);
                self.go(now, Step::StopHold, hold);
            }
            Step::StopHold => {
                let refused = self.master.refused;
                self.mark_done(self.master.command);
                self.master = Master::new();
                if !refused {
                    self.finish(Outcome::Complete);
                }
            }
            Step::Clearing { high } => self.clearing(now, high),
        }
    }

    fn command_done(&mut self, now: Tick) {
        self.mark_done(self.master.command);
        self.master.command += 1;
        self.next_command(now);
    }

    fn sample(&mut self, now: Tick) {
        let sda = self.levels & SDA != 0;
        let command = self.command(self.master.command);
        if self.master.bits < 8 && command.operation == READ {
            self.master.shift = self.master.shift << 1 | u8::from(sda);
        } else if self.master.bits == 8 && command.operation == WRITE {
            self.acknowledged = !sda;
        } else if self.own_bit() && !sda && bit(self.registers.get(CTR), 9) {
            // Another controller holds SDA low.
            self.master = Master::new();
            self.finish(Outcome::ArbitrationLost);
            return;
        }
        let sampled = self.period(SDA_SAMPLE).min(self.high_period());
        let rest = self.high_period() - sampled;
        self.go(now, Step::BitHigh, rest);
    }

    fn bit_is_over(&mut self, now: Tick) {
        self.master.bits += 1;
        if self.master.bits < 9 {
            self.begin_bit(now);
            return;
        }
        let command = self.command(self.master.command);
        self.master.scl = false;
        self.master.bytes_left -= 1;
        if command.operation == READ {
            self.push_received(self.master.shift);
        } else {
            self.interrupts.raw |= BYTE_TRANS_DONE_INT;
            if command.checks_acknowledge && self.acknowledged == command.expected {
                self.finish(Outcome::Nack);
                self.master.refused = true;
                self.begin_stop(now);
                return;
            }
        }
        if self.master.bytes_left > 0 {
            self.begin_byte(now);
        } else {
            self.command_done(now);
        }
    }
}

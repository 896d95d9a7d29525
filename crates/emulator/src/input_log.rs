//! The record of everything that reached a machine from outside, with the instant it did. Played
//! into a machine that began in the same state it gives exactly the same run.

use std::ops::Range;

use crate::bus::Tick;
use crate::chip::{Port, Strapping};
use crate::flash::{FLASH_PAGE, FlashImage};
use crate::machine::Injection;
use crate::peripherals::interrupt_matrix::Source;
use crate::peripherals::rtc_cntl::ResetCause;
use crate::pins::{DeviceId, Drive};

/// Something that comes from outside the chip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Bytes put on a serial line.
    Bytes {
        /// The line.
        port: Port,
        /// What was accepted.
        bytes: Vec<u8>,
    },
    /// Something drives or pulls a pin, or lets go of it.
    Pin {
        /// GPIO number.
        pin: u8,
        /// What it does.
        drive: Drive,
    },
    /// Something will drive a pin.
    PlannedPin {
        /// When.
        at: Tick,
        /// GPIO number.
        pin: u8,
        /// What it does.
        drive: Drive,
    },
    /// What was planned for a pin is forgotten.
    ForgetPlanned {
        /// GPIO number.
        pin: u8,
    },
    /// The voltage at an analog input will change.
    PlannedAnalog {
        /// When.
        at: Tick,
        /// Channel of ADC1.
        channel: u8,
        /// 0..=4095.
        raw: u16,
    },
    /// Pins are connected by a wire, or taken off theirs.
    Wire {
        /// GPIO numbers.
        pins: Vec<u8>,
        /// The wire comes.
        connected: bool,
    },
    /// A message to a device on the pins.
    Device {
        /// Which.
        id: DeviceId,
        /// What.
        message: Vec<u8>,
    },
    /// The voltage at an analog input, as the converter sees it.
    Analog {
        /// Channel of ADC1.
        channel: u8,
        /// 0..=4095.
        raw: u16,
    },
    /// The control lines of the serial adapter.
    SerialLines {
        /// DTR is asserted.
        dtr: bool,
        /// RTS is asserted.
        rts: bool,
    },
    /// The USB cable is plugged in or out.
    UsbConnected(bool),
    /// The host's baud rate on a UART's line.
    LineBaud {
        /// The line.
        port: Port,
        /// Bits per second.
        baud: u32,
    },
    /// The strapping pins.
    Strapping(Strapping),
    /// A reset from outside.
    Reset(ResetCause),
    /// Loss and return of power.
    PowerCycle,
    /// A new seed for random numbers.
    Seed(u64),
    /// A timer's next alarm is moved to a tick.
    Alarm {
        /// The timer.
        source: Source,
        /// When the alarm comes.
        tick: Tick,
    },
    /// Pages of flash are overwritten, as a programmer does.
    Flash {
        /// Which pages.
        pages: Range<usize>,
        /// A chip that has the new contents there.
        image: FlashImage,
    },
    /// Something to happen at an instruction count.
    Injection {
        /// Instructions executed before it.
        at_instruction: u64,
        /// What.
        injection: Injection,
    },
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedInput {
    /// When it happened.
    pub tick: Tick,
    /// What happened.
    pub input: Input,
}

/// Inputs kept for a replay, oldest first. It stops growing at its capacity and says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputLog {
    entries: Vec<LoggedInput>,
    bytes: usize,
    complete: bool,
}

/// What the entries of a log may take together, in bytes.
const CAPACITY_BYTES: usize = 64 << 20;

impl InputLog {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self { entries: Vec::new(), bytes: 0, complete: true }
    }

    /// The inputs, oldest first.
    #[must_use]
    pub fn entries(&self) -> &[LoggedInput] {
        &self.entries
    }

    /// Whether every input since the start is there. A log that is not complete cannot be replayed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    pub(crate) fn push(&mut self, tick: Tick, input: Input) {
        let payload = match &input {
            Input::Bytes { bytes, .. } | Input::Device { message: bytes, .. } | Input::Wire { pins: bytes, .. } => {
                bytes.len()
            }
            Input::Flash { pages, .. } => pages.len().saturating_mul(FLASH_PAGE),
            _ => 0,
        };
        let cost = payload + size_of::<LoggedInput>();
        if self.complete && self.bytes + cost <= CAPACITY_BYTES {
            self.bytes += cost;
            self.entries.push(LoggedInput { tick, input });
        } else {
            self.complete = false;
        }
    }
}

//! The chip's peripherals, one per file; registers carry the names of the ESP32-C3 Technical
//! Reference Manual (TRM), their reset values are those of the manual and of Espressif's SVD file.
//!
//! A peripheral knows nothing of the others: the chip hands it the current [`Moment`] and, after
//! every access, asks for its interrupt sources and for the tick of its next event.
//!
//! [`Moment`]: crate::clock::Moment

pub(crate) mod aes;
pub(crate) mod apb_saradc;
pub(crate) mod assist_debug;
pub(crate) mod efuse;
pub(crate) mod extmem;
pub(crate) mod gdma;
pub(crate) mod gpio;
pub(crate) mod i2c;
pub(crate) mod i2c_ana;
pub(crate) mod interrupt_matrix;
pub(crate) mod io_mux;
pub(crate) mod ledc;
pub(crate) mod rmt;
pub(crate) mod rng;
pub(crate) mod rtc_cntl;
pub(crate) mod sha;
pub(crate) mod spi0;
pub(crate) mod spi1;
pub(crate) mod spi2;
pub(crate) mod system;
pub(crate) mod systimer;
pub(crate) mod timg;
pub(crate) mod uart;
pub(crate) mod unmodelled;
pub(crate) mod usb_device;
pub(crate) mod watchdog;

/// The plain storage behind a peripheral's configuration registers: `WORDS` words of 32 bits.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Registers<const WORDS: usize> {
    words: [u32; WORDS],
}

impl<const WORDS: usize> Registers<WORDS> {
    /// All registers zero, except the `(offset, value)` pairs of `reset`.
    pub(crate) fn new(reset: &[(u32, u32)]) -> Self {
        let mut registers = Self { words: [0; WORDS] };
        for &(offset, value) in reset {
            registers.set(offset, value);
        }
        registers
    }

    /// The word at byte `offset`; beyond the end of the block it is 0.
    pub(crate) fn get(&self, offset: u32) -> u32 {
        self.words.get(offset as usize / 4).copied().unwrap_or(0)
    }

    /// Stores a word; beyond the end of the block nothing happens.
    pub(crate) fn set(&mut self, offset: u32, value: u32) {
        if let Some(word) = self.words.get_mut(offset as usize / 4) {
            *word = value;
        }
    }
}

/// The four interrupt registers that most peripherals share: RAW, ST, ENA and CLR.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Interrupts {
    /// What happened.
    pub(crate) raw: u32,
    /// What may ask for service.
    pub(crate) enabled: u32,
}

impl Interrupts {
    /// What happened and may ask for service (the ST register).
    pub(crate) fn status(&self) -> u32 {
        self.raw & self.enabled
    }

    /// Whether the peripheral's interrupt source is active.
    pub(crate) fn active(&self) -> bool {
        self.status() != 0
    }
}

/// Bit `number` of `value`.
pub(crate) fn bit(value: u32, number: u32) -> bool {
    value >> number & 1 != 0
}

/// Bits `low..=high` of `value`.
pub(crate) fn field(value: u32, low: u32, high: u32) -> u32 {
    value >> low & (u32::MAX >> (31 - (high - low)))
}

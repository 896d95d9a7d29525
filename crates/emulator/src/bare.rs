//! A hart with RAM and one small test device, without the chip around it: for instruction-set
//! tests, fuzzing, and comparisons of engines with each other and with other emulators.

use object::{Object, ObjectSegment, ObjectSymbol};

use crate::bus::{AccessFault, Devices, Effect, Tick, Width};
use crate::cpu::{Hart, Observer};
use crate::engine::{Engine, Exit, Limits};
use crate::memory::Memory;

/// First address of the test device.
pub const DEVICE_BASE: u32 = 0x6000_0000;
/// Register: reads as the low 32 bits of the current tick; writing 1 to 31 raises that interrupt
/// line, writing 0 takes the line back.
pub const DEVICE_LINE: u32 = DEVICE_BASE;
/// Register: writing N raises line 1 in N ticks; reads as the number of times a line was raised.
pub const DEVICE_TIMER: u32 = DEVICE_BASE + 4;
/// Register: stores what is written, without any effect on the hart.
pub const DEVICE_SCRATCH: u32 = DEVICE_BASE + 8;

/// How long the test device says that reading a line of flash takes: 20 cycles.
const FLASH_LINE_TICKS: u32 = 60;

/// How many instructions pass between two looks at `tohost`.
const TOHOST_SLICE: u64 = 1000;

/// The test device: an interrupt line, a one-shot timer and a scratch register.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TestDevice {
    /// The line that asks for service.
    pub line: Option<u8>,
    /// When line 1 will be raised (`Tick::MAX`: not planned).
    pub timer: Tick,
    /// How often a line was raised.
    pub raised: u32,
    /// What was last written to the scratch register.
    pub scratch: u32,
    /// Ends the run at the next boundary where the engine looks.
    pub stop: bool,
}

impl Default for TestDevice {
    fn default() -> Self {
        Self { line: None, timer: Tick::MAX, raised: 0, scratch: 0, stop: false }
    }
}

impl TestDevice {
    fn raise(&mut self, line: u8) {
        self.line = (line != 0).then_some(line & 31);
        self.raised = self.raised.wrapping_add(1);
    }
}

impl Devices for TestDevice {
    fn load(&mut self, _: &mut Memory, now: Tick, address: u32, _: Width) -> Result<(u32, Effect), AccessFault> {
        let value = match address & !3 {
            DEVICE_LINE => now as u32,
            DEVICE_TIMER => self.raised,
            DEVICE_SCRATCH => self.scratch,
            _ => return Err(AccessFault),
        };
        Ok((value, Effect::None))
    }

    fn store(&mut self, _: &mut Memory, now: Tick, address: u32, _: Width, value: u32) -> Result<Effect, AccessFault> {
        match address & !3 {
            DEVICE_LINE => self.raise(value as u8 & 31),
            DEVICE_TIMER => self.timer = now + Tick::from(value),
            DEVICE_SCRATCH => {
                self.scratch = value;
                return Ok(Effect::None);
            }
            _ => return Err(AccessFault),
        }
        Ok(Effect::Reschedule)
    }

    fn next_event(&self) -> Tick {
        self.timer
    }

    fn run_events(&mut self, _: &mut Memory, now: Tick) {
        if self.timer <= now {
            self.timer = Tick::MAX;
            self.raise(1);
        }
    }

    fn interrupt(&self) -> Option<u8> {
        self.line
    }

    fn ticks_per_cycle(&self) -> u32 {
        3
    }

    fn flash_line_ticks(&self) -> u32 {
        FLASH_LINE_TICKS
    }

    fn stop_requested(&self) -> bool {
        self.stop
    }
}

/// Why a program was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file is not what it was taken for.
    #[error("the program is not an ELF file that can be read: {0}")]
    NotElf(#[from] object::Error),
    /// The program wants to stand where there is no RAM.
    #[error("{length} bytes at {address:#x} do not fit into the RAM of the bare hart")]
    OutsideRam {
        /// The first address.
        address: u64,
        /// How many bytes.
        length: u64,
    },
}

/// How a program with a `tohost` word ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It stored this value there: 1 is success, any other value is `test number * 2 + 1`.
    ToHost(u32),
    /// It ran out of instructions.
    OutOfInstructions,
    /// The run ended otherwise.
    Ended(Exit),
}

/// A bare hart.
#[derive(Clone, Debug)]
pub struct Bare<E> {
    /// The hart.
    pub hart: Hart,
    /// Its RAM (and the chip's own, which is there as well).
    pub memory: Memory,
    /// The device at [`DEVICE_BASE`].
    pub device: TestDevice,
    /// What runs it.
    pub engine: E,
    tohost: Option<u32>,
}

impl<E: Engine + Default> Bare<E> {
    /// A hart with `size` bytes of RAM at `base`, which is also where it begins.
    #[must_use]
    pub fn new(base: u32, size: usize) -> Self {
        Self {
            hart: Hart::new(base),
            memory: Memory::bare(base, size),
            device: TestDevice::default(),
            engine: E::default(),
            tohost: None,
        }
    }

    /// Puts bytes into RAM.
    ///
    /// # Errors
    /// [`LoadError::OutsideRam`].
    pub fn load(&mut self, address: u32, bytes: &[u8]) -> Result<(), LoadError> {
        let outside = LoadError::OutsideRam { address: address.into(), length: bytes.len() as u64 };
        self.memory.write(address, bytes).or(Err(outside))
    }

    /// Loads the segments of an ELF file, sets the pc to its entry, and remembers its `tohost` symbol.
    ///
    /// # Errors
    /// [`LoadError`]; what was loaded before the error stays.
    pub fn load_elf(&mut self, file: &[u8]) -> Result<(), LoadError> {
        let elf = object::File::parse(file)?;
        for segment in elf.segments() {
            let (address, length) = (segment.address(), segment.size());
            let outside = || LoadError::OutsideRam { address, length };
            let at = u32::try_from(address).or(Err(outside()))?;
            let data = segment.data()?;
            self.memory.write(at, data).or(Err(outside()))?;
            // RAM is zero from the start, so that what the file does not hold needs only to exist.
            if let Some(last) = length.checked_sub(1) {
                let last = u32::try_from(last).or(Err(outside()))?;
                self.memory.load(at.wrapping_add(last), Width::Byte).ok_or_else(outside)?;
            }
        }
        self.hart.pc = elf.entry() as u32;
        self.tohost = elf.symbols().find(|symbol| symbol.name() == Ok("tohost")).map(|symbol| symbol.address() as u32);
        Ok(())
    }

    /// Runs within `limits`.
    pub fn run<O: Observer>(&mut self, limits: &Limits<'_>, observer: &mut O) -> Exit {
        self.engine.run(&mut self.hart, &mut self.memory, &mut self.device, limits, observer)
    }

    /// Drops everything that the engine keeps between runs.
    pub fn forget(&mut self) {
        self.engine.forget(&mut self.memory);
    }

    /// Runs `count` instructions, fewer if something else ends the run.
    pub fn run_instructions(&mut self, count: u64) -> Exit {
        let instructions = self.hart.instructions.saturating_add(count);
        self.run(&Limits { instructions, ..Limits::NONE }, &mut ())
    }

    /// Runs a program that reports its end by storing to `tohost`, as the official RISC-V tests do.
    pub fn run_to_host(&mut self, instructions: u64) -> Outcome {
        let end = self.hart.instructions.saturating_add(instructions);
        loop {
            let slice = TOHOST_SLICE.min(end - self.hart.instructions);
            let exit = self.run_instructions(slice);
            let reported = self.tohost.and_then(|address| self.memory.load(address, Width::Word)).unwrap_or(0);
            if reported != 0 {
                return Outcome::ToHost(reported);
            }
            if exit != Exit::Instructions {
                return Outcome::Ended(exit);
            }
            if self.hart.instructions >= end {
                return Outcome::OutOfInstructions;
            }
        }
    }
}

//! A whole board: the ESP32-C3 with its flash, run from outside in virtual time.
//!
//! Everything that comes from outside goes through the methods of [`Machine`] and takes effect at
//! the instruction boundary where the machine stands, so that the same calls at the same ticks give
//! the same run, bit for bit.

mod pins;

use std::collections::BTreeMap;
use std::ops::Range;

use crate::bus::{Devices, TICKS_PER_SECOND, Tick, Width};
use crate::chip::{Chip, Port, Strapping};
use crate::cpu::observe::TrapLog;
use crate::cpu::{Activity, Exception, Hart, Observer, Reg, Timing};
use crate::engine::{AnyEngine, Exit, Limits, THRESHOLD};
pub use crate::engine::{EngineKind, UnknownEngine};
use crate::flash::{FLASH_PAGE, FlashImage};
use crate::input_log::{Input, InputLog, LoggedInput};
use crate::memory::Memory;
use crate::peripherals::efuse::EfuseImage;
use crate::peripherals::interrupt_matrix::Source;
use crate::peripherals::rtc_cntl::{ResetCause, ResetDepth};
use crate::peripherals::unmodelled::UnmodelledAccess;
use crate::pins::Drive;
use crate::rom::Rom;
use crate::snapshot::{Snapshot, StateHasher};

/// Where the hart begins after every reset: the mask ROM.
const RESET_VECTOR: u32 = 0x4000_0000;
/// From the rising edge of EN to the first instruction: the time constant of the reset circuit of
/// the development boards.
const EN_RISE_TICKS: Tick = TICKS_PER_SECOND / 1000;
/// Injections that may wait at once.
const MAX_INJECTIONS: usize = 1 << 16;

/// What a machine is made of.
#[derive(Clone, Debug)]
pub struct Config {
    /// The mask ROM, which also decides the chip revision.
    pub rom: Rom,
    /// Contents of the flash chip.
    pub flash: FlashImage,
    /// The strapping pins at power-on.
    pub strapping: Strapping,
    /// The engine.
    pub engine: EngineKind,
    /// How often a program comes to an address before [`EngineKind::Traces`] compiles what begins there. Nothing
    /// that can be observed depends on it but the speed.
    pub trace_threshold: u8,
    /// What instructions cost.
    pub timing: Timing,
    /// Decides what the random number generator delivers.
    pub seed: u64,
    /// The factory MAC address in eFuse.
    pub mac: [u8; 6],
    /// The whole eFuse memory, as a machine before had it ([`Machine::efuse`]); `None`: unburnt, with
    /// `mac` and the ROM's revision.
    pub efuse: Option<EfuseImage>,
    /// Bytes kept per serial port until the host fetches them; what comes beyond is counted and lost.
    pub output_capacity: usize,
    /// Traps and returns kept for the host.
    pub trap_log_capacity: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            rom: Rom::default(),
            flash: FlashImage::blank(),
            strapping: Strapping::FlashBoot,
            engine: EngineKind::default(),
            trace_threshold: THRESHOLD,
            timing: Timing::default(),
            seed: 0,
            mac: [0x02, 0x15, 0x08, 0x1A, 0xB0, 0x01],
            efuse: None,
            output_capacity: 1 << 20,
            trap_log_capacity: 0,
        }
    }
}

/// What ends a run besides its deadline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stops {
    /// A byte or packet left the chip on one of its serial ports.
    pub on_output: bool,
    /// The chip was reset, by itself or by a watchdog.
    pub on_reset: bool,
    /// The instruction at one of these addresses is next.
    pub breakpoints: Vec<u32>,
    /// One of these pins (bit n: GPIO n) has changed, in the sense of [`PinEvent`](crate::pins::PinEvent).
    pub on_pins: u32,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The tick asked for was reached.
    Deadline,
    /// The instruction count asked for was reached.
    InstructionCount,
    /// A port has sent something, see [`Stops::on_output`].
    Output(Port),
    /// The instruction at this address is next, see [`Stops::breakpoints`].
    Breakpoint(u32),
    /// A pin has changed, see [`Stops::on_pins`].
    Pin(u8),
    /// The chip was reset for this cause, see [`Stops::on_reset`].
    Reset(ResetCause),
    /// The guest has run itself into the ground.
    Fault(GuestFault),
    /// The hart waits for an interrupt, and nothing is planned that could raise one.
    Idle,
}

/// What a guest can do so that no instruction follows; a watchdog or a reset still helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuestFault {
    /// The exception handler's own first instruction cannot be executed.
    #[error("the exception handler cannot be executed: {0:?}")]
    LockedUp(Exception),
}

/// Something to happen at an exact instruction boundary.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Injection {
    /// The source's own event: a timer's alarm matches, a software interrupt is set.
    Source(Source),
    /// Something drives a pin to a level, or lets go of it.
    Pin {
        /// GPIO number.
        pin: u8,
        /// The level; `None`: nobody drives it.
        level: Option<bool>,
    },
    /// Bytes are put on a serial line.
    Bytes {
        /// The line.
        port: Port,
        /// What.
        bytes: Vec<u8>,
    },
}

/// Why an injection was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InjectionError {
    /// The source has no event of its own that could be made to happen.
    #[error("{0:?} cannot be raised by itself; drive a pin or send bytes instead")]
    NoEvent(Source),
    /// The instruction count is already past.
    #[error("instruction {asked} is past: {executed} are already executed")]
    Past {
        /// The count asked for.
        asked: u64,
        /// Instructions executed.
        executed: u64,
    },
    /// The source is no timer, or its timer is not waiting for an alarm.
    #[error("{0:?} has no alarm planned that could be moved")]
    NoAlarm(Source),
    /// The tick is already past.
    #[error("tick {asked} is past: it is {now} now")]
    TickPast {
        /// The tick asked for.
        asked: Tick,
        /// Where the machine stands.
        now: Tick,
    },
    /// Too many are waiting.
    #[error("{MAX_INJECTIONS} injections are already waiting")]
    TooMany,
}

/// Whether the chip runs, or is held by its EN pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Power {
    Running,
    /// EN is low.
    Held,
    /// EN rises and lets the chip go at this tick.
    Rising(Tick),
}

/// What surrounds the chip and belongs to the machine's state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Wiring {
    power: Power,
    /// What waits for its instruction count.
    injections: BTreeMap<u64, Vec<Injection>>,
    /// The instruction count at which a breakpoint was last reported.
    reported: Option<u64>,
}

/// A virtual board.
#[derive(Debug)]
pub struct Machine {
    hart: Hart,
    memory: Memory,
    chip: Box<Chip>,
    wiring: Wiring,
    engine: AnyEngine,
    stops: Stops,
    input_log: Option<InputLog>,
    trap_log: Option<TrapLog>,
}

impl Machine {
    /// A board that has just been switched on.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let efuse = config.efuse.unwrap_or_else(|| EfuseImage::new(config.mac, config.rom.revision()));
        let chip = Chip::new(efuse, config.strapping, config.seed, config.output_capacity);
        let mut hart = Hart::new(RESET_VECTOR);
        hart.timing = config.timing;
        Self {
            hart,
            memory: Memory::new(config.rom.image(), config.flash),
            chip: Box::new(chip),
            wiring: Wiring { power: Power::Running, injections: BTreeMap::new(), reported: None },
            engine: AnyEngine::new(config.engine, config.trace_threshold),
            stops: Stops::default(),
            input_log: None,
            trap_log: (config.trap_log_capacity > 0).then(|| TrapLog::new(config.trap_log_capacity)),
        }
    }

    // ---- running ------------------------------------------------------------------------------

    /// Runs to the first instruction boundary at or after `tick`, or until something else ends the
    /// run.
    pub fn run_until(&mut self, tick: Tick) -> Stop {
        self.run_to(tick, u64::MAX)
    }

    /// Runs for a span of virtual time.
    pub fn run_for(&mut self, ticks: Tick) -> Stop {
        self.run_until(self.hart.now.saturating_add(ticks))
    }

    /// Runs until `count` more instructions have been executed, or something else ends the run.
    pub fn run_instructions(&mut self, count: u64) -> Stop {
        self.run_to(Tick::MAX, self.hart.instructions.saturating_add(count))
    }

    /// Runs to a tick or to an instruction count, whichever comes first.
    pub fn run_to(&mut self, tick: Tick, instructions: u64) -> Stop {
        // The log is taken out so that it can be borrowed beside the machine.
        let Some(mut trap_log) = self.trap_log.take() else {
            return self.run_observed(tick, instructions, &mut ());
        };
        let stop = self.run_observed(tick, instructions, &mut trap_log);
        self.trap_log = Some(trap_log);
        stop
    }

    /// Runs like [`run_to`](Self::run_to) and tells `observer` what happens.
    pub fn run_observed<O: Observer>(&mut self, tick: Tick, instructions: u64, observer: &mut O) -> Stop {
        let breakpoints = std::mem::take(&mut self.stops.breakpoints);
        let stop = self.run_slices(tick, instructions, &breakpoints, observer);
        self.stops.breakpoints = breakpoints;
        stop
    }

    fn run_slices<O: Observer>(
        &mut self,
        tick: Tick,
        instructions: u64,
        breakpoints: &[u32],
        observer: &mut O,
    ) -> Stop {
        loop {
            self.inject_due();
            if let Some(stop) = self.run_power(tick) {
                return stop;
            }
            let next_injection = self.wiring.injections.keys().next().copied().unwrap_or(u64::MAX);
            let limits = Limits {
                tick,
                instructions: instructions.min(next_injection),
                breakpoints,
                resume_at: self.wiring.reported,
            };
            let exit = self.engine.run(&mut self.hart, &mut self.memory, &mut *self.chip, &limits, observer);
            match exit {
                Exit::Tick => return Stop::Deadline,
                Exit::Instructions if self.hart.instructions >= instructions => return Stop::InstructionCount,
                Exit::Instructions => {}
                Exit::Breakpoint(pc) => {
                    self.wiring.reported = Some(self.hart.instructions);
                    return Stop::Breakpoint(pc);
                }
                Exit::Device => {
                    if let Some(cause) = self.chip.pending_reset() {
                        self.carry_out_reset(cause);
                        if self.stops.on_reset {
                            return Stop::Reset(cause);
                        }
                    }
                    if let Some(port) = self.chip.take_output_stop() {
                        return Stop::Output(port);
                    }
                    if let Some(pin) = self.chip.take_pin_stop() {
                        return Stop::Pin(pin);
                    }
                }
                Exit::Idle => return Stop::Idle,
                Exit::Lockup(exception) => return Stop::Fault(GuestFault::LockedUp(exception)),
            }
        }
    }

    /// Lets time pass while the EN pin holds the chip; `None`: the chip runs.
    fn run_power(&mut self, tick: Tick) -> Option<Stop> {
        match self.wiring.power {
            Power::Running => None,
            Power::Held if tick == Tick::MAX => Some(Stop::Idle),
            Power::Held => {
                self.pass_time(tick);
                Some(Stop::Deadline)
            }
            Power::Rising(at) if at > tick => {
                self.pass_time(tick);
                Some(Stop::Deadline)
            }
            Power::Rising(at) => {
                self.pass_time(at);
                self.wiring.power = Power::Running;
                self.carry_out_reset(ResetCause::PowerOn);
                self.stops.on_reset.then_some(Stop::Reset(ResetCause::PowerOn))
            }
        }
    }

    /// Lets time pass on a board that has run into [`Stop::Idle`]: its clocks go on although nothing
    /// will happen by itself.
    pub fn stand_idle(&mut self, tick: Tick) {
        if self.next_event().is_none() {
            self.pass_time(tick);
        }
    }

    fn pass_time(&mut self, tick: Tick) {
        let ticks = tick.saturating_sub(self.hart.now);
        self.hart.now += ticks;
        self.hart.idle_ticks += ticks;
    }

    fn carry_out_reset(&mut self, cause: ResetCause) {
        let now = self.hart.now;
        self.chip.save_pc(cause, self.hart.pc, self.hart.x.get(Reg::X2));
        match cause.depth() {
            ResetDepth::Cpu => self.chip.cpu_reset(cause),
            ResetDepth::Core => self.chip.core_reset(&mut self.memory, now, cause),
            ResetDepth::Chip => self.chip.chip_reset(&mut self.memory, now, cause),
        }
        self.hart.reset(RESET_VECTOR);
    }

    fn inject_due(&mut self) {
        while let Some(entry) = self.wiring.injections.first_entry() {
            if *entry.key() > self.hart.instructions {
                return;
            }
            for injection in entry.remove() {
                self.inject(injection);
            }
        }
    }

    fn inject(&mut self, injection: Injection) {
        let now = self.hart.now;
        match injection {
            // `raise_at` accepted the source.
            Injection::Source(source) => {
                self.chip.raise(now, source);
            }
            Injection::Pin { pin, level } => {
                self.chip.drive_pin(now, pin, level.map_or(Drive::Released, Drive::to));
            }
            Injection::Bytes { port, bytes } => {
                self.chip.send(now, port, &bytes);
            }
        }
    }

    // ---- where it stands ----------------------------------------------------------------------

    /// Virtual time since the machine was made, in ticks of 1/480 MHz.
    #[must_use]
    pub fn ticks(&self) -> Tick {
        self.hart.now
    }

    /// Instructions executed since the machine was made; one that traps counts as well.
    #[must_use]
    pub fn instructions(&self) -> u64 {
        self.hart.instructions
    }

    /// Ticks during which the hart waited for an interrupt or was held in reset.
    #[must_use]
    pub fn idle_ticks(&self) -> Tick {
        self.hart.idle_ticks
    }

    /// Whether the hart waits (WFI, a dead end, a chip asleep or held in reset), so that nothing happens
    /// before [`next_event`](Self::next_event).
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.wiring.power != Power::Running || self.hart.activity != Activity::Running || self.chip.is_asleep()
    }

    /// When something will happen next: now while instructions run, the next event of the chip
    /// while the hart waits, `None` if nothing is planned at all.
    #[must_use]
    pub fn next_event(&self) -> Option<Tick> {
        match self.wiring.power {
            Power::Held => None,
            Power::Rising(at) => Some(at),
            Power::Running if self.chip.is_asleep() => Some(self.chip.next_event()).filter(|&tick| tick != Tick::MAX),
            Power::Running if self.hart.activity == Activity::Running || self.chip.interrupt().is_some() => {
                Some(self.hart.now)
            }
            Power::Running => Some(self.chip.next_event()).filter(|&tick| tick != Tick::MAX),
        }
    }

    /// Core memory, to be read without side effects.
    #[must_use]
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The hart: registers, program counter, control and status registers.
    #[must_use]
    pub fn hart(&self) -> &Hart {
        &self.hart
    }

    /// When a timer's alarm will match, as its registers say now; `None`: none is planned, or the source is no timer.
    #[must_use]
    pub fn planned_alarm(&self, source: Source) -> Option<Tick> {
        self.chip.planned_alarm(self.hart.now, source)
    }

    /// The cause of the last reset.
    #[must_use]
    pub fn reset_cause(&self) -> ResetCause {
        self.chip.reset_cause()
    }

    /// Reads memory or registers without any side effect.
    ///
    /// At most `length` bytes; the result ends where nothing is mapped.
    #[must_use]
    pub fn peek(&self, address: u32, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length.min(1 << 20));
        for n in 0..length {
            let Some(at) = u32::try_from(n).ok().and_then(|n| address.checked_add(n)) else { break };
            let byte = self.memory.load(at, Width::Byte).or_else(|| {
                let word = self.chip.peek(&self.memory, self.hart.now, at)?;
                Some(word >> (8 * (at % 4)) & 0xFF)
            });
            let Some(byte) = byte else { break };
            bytes.push(byte as u8);
        }
        bytes
    }

    /// The flash contents.
    #[must_use]
    pub fn flash(&self) -> &FlashImage {
        self.memory.flash()
    }

    /// Overwrites pages of 64 KiB of the flash with those of another chip, as a programmer does while nobody reads them.
    /// What the chip has read from there before it still knows.
    pub fn copy_flash(&mut self, pages: Range<usize>, image: &FlashImage) {
        self.memory.flash_mut().share_pages(pages.clone(), image);
        self.memory.flash_changed(pages.start * FLASH_PAGE, pages.len() * FLASH_PAGE);
        self.record(|| Input::Flash { pages, image: image.clone() });
    }

    /// The eFuse memory: what is burnt, for good. Whoever keeps the flash contents keeps this as well.
    #[must_use]
    pub fn efuse(&self) -> EfuseImage {
        self.chip.efuse()
    }

    /// Traps taken and returned from, as many as [`Config::trap_log_capacity`] keeps; `None` if that is 0.
    #[must_use]
    pub fn trap_log(&self) -> Option<&TrapLog> {
        self.trap_log.as_ref()
    }

    /// Forgets the traps kept so far.
    pub fn clear_trap_log(&mut self) {
        if let Some(log) = &mut self.trap_log {
            log.clear();
        }
    }

    /// The first access to each register that is not modelled, oldest first, and how many did not
    /// fit into the log.
    #[must_use]
    pub fn unmodelled_accesses(&self) -> (&[UnmodelledAccess], u64) {
        self.chip.unmodelled_log()
    }

    /// The levels of all pins (bit n for GPIO n), and which of them the chip itself drives.
    #[must_use]
    pub fn pins(&self) -> (u32, u32) {
        self.chip.pins(self.hart.now)
    }

    /// The baud rate that the chip has selected on a UART; `None` for USB.
    #[must_use]
    pub fn baud(&self, port: Port) -> Option<u32> {
        self.chip.baud(port, self.hart.now)
    }

    // ---- what ends a run ----------------------------------------------------------------------

    /// Says what ends a run besides its deadline.
    pub fn set_stops(&mut self, stops: Stops) {
        self.chip.set_stop_on_output(stops.on_output);
        self.chip.stop_on_pins(stops.on_pins);
        self.stops = stops;
    }

    /// Which engine runs the hart: [`EngineKind::Block`] as well where traces were asked for and cannot be had.
    #[must_use]
    pub fn engine_kind(&self) -> EngineKind {
        self.engine.kind()
    }

    /// What instructions cost on this board.
    #[must_use]
    pub fn timing(&self) -> Timing {
        self.hart.timing
    }

    /// What ends a run besides its deadline.
    #[must_use]
    pub fn stops(&self) -> &Stops {
        &self.stops
    }

    // ---- from outside -------------------------------------------------------------------------

    /// Puts bytes on a UART's receive line. They arrive one by one at the chip's baud rate.
    ///
    /// Returns how many there was room for; the rest can be written later.
    pub fn uart_write(&mut self, port: Port, bytes: &[u8]) -> usize {
        let accepted = self.chip.send(self.hart.now, port, bytes);
        if accepted > 0 {
            self.record(|| Input::Bytes { port, bytes: bytes[..accepted].to_vec() });
        }
        accepted
    }

    /// Queues bytes for USB-serial-JTAG, which takes them in packets; returns how many there was
    /// room for.
    pub fn usb_write(&mut self, bytes: &[u8]) -> usize {
        self.uart_write(Port::Usb, bytes)
    }

    /// Bytes written that the chip has not received yet.
    #[must_use]
    pub fn waiting_input(&self, port: Port) -> usize {
        self.chip.waiting(port)
    }

    /// Takes what a port has sent.
    pub fn uart_take_output(&mut self, port: Port) -> Vec<u8> {
        self.chip.output(port).take()
    }

    /// Takes what USB-serial-JTAG has sent.
    pub fn usb_take_output(&mut self) -> Vec<u8> {
        self.uart_take_output(Port::Usb)
    }

    /// Bytes of a port that were lost because nobody took them.
    #[must_use]
    pub fn lost_output(&mut self, port: Port) -> u64 {
        self.chip.output(port).lost()
    }

    /// Names the host's baud rate on a UART's line, for the ROM's autobaud detection.
    pub fn set_line_baud(&mut self, port: Port, baud: u32) {
        self.chip.set_line_baud(port, baud);
        self.record(|| Input::LineBaud { port, baud });
    }

    /// Plugs the USB cable in or out; it is in from the start.
    pub fn set_usb_connected(&mut self, connected: bool) {
        self.chip.set_usb_connected(self.hart.now, connected);
        self.record(|| Input::UsbConnected(connected));
    }

    /// Sets what a channel of ADC1 converts to, 0..=4095.
    pub fn set_analog(&mut self, channel: u8, raw: u16) {
        self.chip.set_adc_input(channel, raw);
        self.record(|| Input::Analog { channel, raw });
    }

    /// Gives the random number generator a new seed.
    pub fn set_seed(&mut self, seed: u64) {
        self.chip.set_seed(seed);
        self.record(|| Input::Seed(seed));
    }

    /// Makes an interrupt source ask for service now, the way its own event would. While
    /// interrupts are masked it stays pending, as on the chip.
    ///
    /// # Errors
    /// [`InjectionError::NoEvent`] for sources that only follow pins or lines.
    pub fn raise_interrupt(&mut self, source: Source) -> Result<(), InjectionError> {
        self.raise_at(self.hart.instructions, Injection::Source(source))?;
        self.inject_due();
        Ok(())
    }

    /// Plans something for the instruction boundary after exactly `instruction` instructions.
    ///
    /// # Errors
    /// [`InjectionError`] if it cannot happen then.
    pub fn raise_at(&mut self, instruction: u64, injection: Injection) -> Result<(), InjectionError> {
        if let Injection::Source(source) = injection
            && !source.has_event()
        {
            return Err(InjectionError::NoEvent(source));
        }
        if instruction < self.hart.instructions {
            return Err(InjectionError::Past { asked: instruction, executed: self.hart.instructions });
        }
        if self.wiring.injections.values().map(Vec::len).sum::<usize>() >= MAX_INJECTIONS {
            return Err(InjectionError::TooMany);
        }
        self.record(|| Input::Injection { at_instruction: instruction, injection: injection.clone() });
        self.wiring.injections.entry(instruction).or_default().push(injection);
        Ok(())
    }

    /// Moves a timer's next alarm to an exact tick: the timer's own event, at another time.
    ///
    /// # Errors
    /// [`InjectionError::NoAlarm`] if no alarm is planned, [`InjectionError::TickPast`].
    pub fn plan_alarm(&mut self, source: Source, tick: Tick) -> Result<(), InjectionError> {
        let now = self.hart.now;
        if tick < now {
            return Err(InjectionError::TickPast { asked: tick, now });
        }
        if !self.chip.move_alarm(now, source, tick) {
            return Err(InjectionError::NoAlarm(source));
        }
        self.record(|| Input::Alarm { source, tick });
        Ok(())
    }

    /// Sets the control lines of the serial adapter, through the reset circuit of the development
    /// boards: RTS alone pulls EN low, DTR alone pulls GPIO9 low, both together do neither.
    ///
    /// Tools that go from "reset" to "boot mode" pass a moment with both lines asserted; on a board
    /// the capacitor at EN covers it. Here the chip stays in reset while RTS is asserted.
    pub fn set_serial_lines(&mut self, dtr: bool, rts: bool) {
        self.record(|| Input::SerialLines { dtr, rts });
        self.chip.set_strapping(if dtr && !rts { Strapping::DownloadMode } else { Strapping::FlashBoot });
        self.wiring.power = match self.wiring.power {
            _ if rts && !dtr => Power::Held,
            Power::Held if !rts => Power::Rising(self.hart.now.saturating_add(EN_RISE_TICKS)),
            power => power,
        };
    }

    /// Sets the strapping pins, which are sampled at the next reset that reaches them.
    pub fn set_strapping(&mut self, strapping: Strapping) {
        self.chip.set_strapping(strapping);
        self.record(|| Input::Strapping(strapping));
    }

    /// Resets the chip now. [`ResetCause::PowerOn`] is what the EN pin does.
    pub fn reset(&mut self, cause: ResetCause) {
        self.record(|| Input::Reset(cause));
        self.wiring.power = Power::Running;
        self.carry_out_reset(cause);
    }

    /// Takes the power away and gives it back: RAM is lost, flash stays.
    pub fn power_cycle(&mut self) {
        self.record(|| Input::PowerCycle);
        self.memory.power_cycle();
        self.wiring.power = Power::Running;
        self.carry_out_reset(ResetCause::PowerOn);
    }

    // ---- snapshots and replay -----------------------------------------------------------------

    /// Keeps the whole state; returning to it costs only what was touched since.
    ///
    /// Output that nobody took, the stops and the logs belong to the host and are not part of it.
    pub fn snapshot(&mut self) -> Snapshot {
        Snapshot {
            hart: self.hart.clone(),
            memory: self.memory.snapshot(),
            chip: self.chip.clone(),
            wiring: self.wiring.clone(),
        }
    }

    /// Returns to a snapshot of this machine or of one with the same ROM.
    pub fn restore(&mut self, snapshot: &Snapshot) {
        self.hart.clone_from(&snapshot.hart);
        self.memory.restore(&snapshot.memory);
        self.chip.restore(&snapshot.chip);
        self.wiring.clone_from(&snapshot.wiring);
        if let Some(log) = &mut self.input_log {
            *log = InputLog::new();
        }
    }

    /// A second board in the same state, which goes its own way from here. Flash and ROM are shared.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        let mut fork = Self {
            hart: self.hart.clone(),
            memory: self.memory.clone(),
            chip: self.chip.clone(),
            wiring: self.wiring.clone(),
            engine: self.engine.fork(),
            stops: self.stops.clone(),
            input_log: None,
            trap_log: self.trap_log.clone(),
        };
        fork.engine.forget(&mut fork.memory);
        fork
    }

    /// A hash of everything that decides how the machine goes on, the same on every host. Two
    /// machines with equal hashes behave alike.
    #[must_use]
    pub fn state_hash(&self) -> u64 {
        StateHasher::of(&(&self.hart, &self.memory, &self.chip, &self.wiring))
    }

    /// Begins to record every input, from the present state on.
    pub fn start_input_log(&mut self) {
        self.input_log = Some(InputLog::new());
    }

    /// What was recorded since [`start_input_log`](Self::start_input_log).
    #[must_use]
    pub fn input_log(&self) -> Option<&InputLog> {
        self.input_log.as_ref()
    }

    /// Plays recorded inputs into this machine, which must stand in the state where the recording
    /// began, and runs on to `tick`. What would stop a run is ignored meanwhile.
    pub fn replay(&mut self, log: &InputLog, tick: Tick) {
        for LoggedInput { tick, input } in log.entries() {
            self.run_through(*tick);
            self.apply(input);
        }
        self.run_through(tick);
    }

    fn run_through(&mut self, tick: Tick) {
        while self.hart.now < tick {
            if self.run_until(tick) == Stop::Deadline {
                return;
            }
        }
    }

    fn apply(&mut self, input: &Input) {
        match input {
            Input::Bytes { port, bytes } => {
                self.uart_write(*port, bytes);
            }
            Input::Pin { pin, drive } => self.drive_pin(*pin, *drive),
            Input::PlannedPin { .. }
            | Input::ForgetPlanned { .. }
            | Input::PlannedAnalog { .. }
            | Input::Wire { .. }
            | Input::Device { .. } => self.apply_to_pins(input),
            Input::Analog { channel, raw } => self.set_analog(*channel, *raw),
            Input::SerialLines { dtr, rts } => self.set_serial_lines(*dtr, *rts),
            Input::UsbConnected(connected) => self.set_usb_connected(*connected),
            Input::LineBaud { port, baud } => self.set_line_baud(*port, *baud),
            Input::Strapping(strapping) => self.set_strapping(*strapping),
            Input::Reset(cause) => self.reset(*cause),
            Input::PowerCycle => self.power_cycle(),
            Input::Seed(seed) => self.set_seed(*seed),
            Input::Alarm { source, tick } => {
                // It was accepted when it was recorded, at this very instant.
                let accepted = self.plan_alarm(*source, *tick);
                debug_assert!(accepted.is_ok(), "{accepted:?}");
            }
            Input::Flash { pages, image } => self.copy_flash(pages.clone(), image),
            Input::Injection { at_instruction, injection } => {
                // It was accepted when it was recorded, at this very instant.
                let accepted = self.raise_at(*at_instruction, injection.clone());
                debug_assert!(accepted.is_ok(), "{accepted:?}");
            }
        }
    }

    fn record(&mut self, input: impl FnOnce() -> Input) {
        if let Some(log) = &mut self.input_log {
            log.push(self.hart.now, input());
        }
    }
}

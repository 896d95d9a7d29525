//! The virtual board: an emulated ESP32-C3 behind the same line as any other board.
//!
//! A board is booted once, up to its prompt and with its session established, and then forked for
//! every visitor and every run. That is why a board is there before anybody presses a button, and
//! why every run begins in the same state.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use course::lesson::Need;
use course::pins::PinWatch;
use emulator::bus::{TICKS_PER_SECOND, Tick};
use emulator::flash::{FLASH_PAGE, FLASH_SIZE};
use emulator::{Config, EngineKind, FlashImage, Machine, Port, ResetCause, Stop, Stops, Timing};
use parts::{MoveError, Wiring};

use crate::begun::BegunBoards;
use crate::firmware::LessonFirmware;
use crate::interrupted::Interrupted;
use crate::line::{Drive, Fork, Line, LineFault};
use crate::paced::Source;
use crate::pins::{PartShown, Pins, Wanted};
use crate::session::{LinkTime, Session};
use crate::version::BoardVersion;
use crate::witness::{Seen, Truth, Witness};

/// The console that the host listens to, where the firmware speaks on both.
const PORT: Port = Port::Uart0;
/// The line's speed after the greeting, in bits per second: enough for 20 samples a second.
const BAUD: u32 = 921_600;
/// How much virtual time the boot may take before the firmware counts as unusable.
const BOOT_LIMIT: Duration = Duration::from_secs(30);
/// The seed also shifts the moment at which a run begins, by up to this much: on silicon nobody
/// knows how the timers stand when a program starts.
const PHASE: Duration = Duration::from_millis(10);

/// The pages of flash with the file system (`firmware/partitions.csv`, `vfs`).
const FILES: Range<usize> = 0x20_0000 / FLASH_PAGE..FLASH_SIZE / FLASH_PAGE;

/// How virtual boards are emulated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Emulation {
    /// What instructions cost, which is a part of every run's version.
    pub timing: Timing,
    /// Which engine executes them, which changes nothing but the speed.
    pub engine: EngineKind,
}

/// A virtual board's serial line.
#[derive(Debug)]
pub struct EmulatedLine {
    machine: Machine,
    version: Arc<BoardVersion>,
    /// Names what is seen inside the chip; `None` where the firmware is not ours.
    firmware: Option<LessonFirmware>,
    console: Port,
    /// Bytes that the board's serial input had no room for yet.
    waiting: VecDeque<u8>,
    pins: Pins,
    /// Looks at a checked run from outside.
    witness: Option<Box<Witness>>,
    /// Adds up how long interrupts hold main up, where somebody wants to know.
    interrupted: Option<Interrupted>,
}

impl EmulatedLine {
    /// A board with this flash, which holds the firmware of this name, just switched on.
    fn power_on(flash: FlashImage, firmware: String, emulation: Emulation) -> Self {
        Self::power_on_with(flash, firmware, emulation, PORT)
    }

    /// The same with another console.
    pub(crate) fn power_on_with(flash: FlashImage, firmware: String, emulation: Emulation, console: Port) -> Self {
        let Emulation { timing, engine } = emulation;
        Self {
            machine: Machine::new(Config { flash, timing, engine, ..Config::default() }),
            version: Arc::new(BoardVersion { firmware, timing }),
            firmware: None,
            console,
            waiting: VecDeque::new(),
            pins: Pins::default(),
            witness: None,
            interrupted: None,
        }
    }

    /// The machine behind the line, for those who do more with it than talk.
    #[must_use]
    pub fn into_machine(self) -> Machine {
        self.machine
    }

    /// A hash of all that the guest could see.
    pub(crate) fn state_hash(&self) -> u64 {
        self.machine.state_hash()
    }

    /// Keeps the last so many changes of the pins from now on.
    pub fn record_pins(&mut self, changes: usize) {
        self.pins.record(&mut self.machine, changes);
    }

    /// Keeps as well what becomes of interrupts, where the firmware's symbols are known and no witness looks.
    pub fn record_callbacks(&mut self, steps: usize) {
        let firmware = self.firmware.as_ref().and_then(|firmware| firmware.symbols().ok());
        if let (Some(firmware), None) = (firmware, &self.witness) {
            self.pins.record_callbacks(&mut self.machine, steps, &firmware.symbols);
        }
    }

    /// The record of the pins as a value change dump, if one is kept. `origin` says what ran.
    #[must_use]
    pub fn vcd(&self, origin: &str) -> Option<String> {
        Some(self.pins.record_of(&self.machine, 0)?.vcd(origin))
    }

    /// The same as a trace that Perfetto opens, with interrupts and callbacks.
    #[must_use]
    pub fn perfetto(&self, origin: &str) -> Option<String> {
        Some(self.pins.record_of(&self.machine, 0)?.perfetto(origin))
    }

    /// Adds up from now on how long interrupts hold main up. Nobody looks at callbacks or a check meanwhile.
    pub(crate) fn measure_interruptions(&mut self) {
        self.interrupted = Some(Interrupted::default());
    }

    /// How long they have since, in microseconds.
    pub(crate) fn interrupted_us(&self) -> f64 {
        self.interrupted.as_ref().map_or(0.0, Interrupted::us)
    }

    /// Has the run that begins now watched from outside.
    pub(crate) fn watch(&mut self, witness: Witness) {
        self.machine.set_stops(witness.stops());
        self.witness = Some(Box::new(witness));
    }

    /// What was seen of it, these pins included if they were recorded.
    pub(crate) fn seen(&mut self, pins: &[PinWatch]) -> Option<Seen> {
        self.machine.set_stops(Stops::default());
        let witness = self.witness.take()?;
        let (begun, answers) = (witness.begun(), witness.answers());
        let truth = self.pins.scope().map(|scope| Truth::new(scope, (begun, self.machine.ticks()), answers));
        let on_pins = truth.map(|truth| truth.of(pins)).unwrap_or_default();
        let mut seen = witness.seen();
        seen.on_pins = on_pins;
        Some(seen)
    }

    fn feed(&mut self) {
        while !self.waiting.is_empty() {
            let (bytes, _) = self.waiting.as_slices();
            let accepted = match self.console {
                Port::Usb => self.machine.usb_write(bytes),
                uart => self.machine.uart_write(uart, bytes),
            };
            if accepted == 0 {
                return;
            }
            self.waiting.drain(..accepted);
        }
    }
}

impl Line for EmulatedLine {
    fn now(&self) -> LinkTime {
        link_time(self.machine.ticks())
    }

    fn write(&mut self, bytes: &[u8]) {
        self.waiting.extend(bytes);
        self.feed();
    }

    fn read(&mut self, until: LinkTime) -> Result<Vec<u8>, LineFault> {
        self.feed();
        let deadline = ticks(until);
        while self.machine.ticks() < deadline {
            let stop = match (&mut self.witness, &mut self.interrupted) {
                (Some(witness), _) => witness.run(&mut self.machine, deadline),
                (None, Some(interrupted)) => self.machine.run_observed(deadline, u64::MAX, interrupted),
                (None, None) => self.pins.run(&mut self.machine, deadline),
            };
            match stop {
                Stop::Deadline => break,
                // Nothing is planned: the time passes all the same, so that the host's clock goes on.
                Stop::Idle => {
                    self.machine.stand_idle(deadline);
                    break;
                }
                Stop::Fault(fault) => return Err(LineFault::Emulation { cause: fault.to_string() }),
                Stop::InstructionCount | Stop::Output(_) | Stop::Pin(_) | Stop::Breakpoint(_) | Stop::Reset(_) => {}
            }
        }
        self.pins.follow(&mut self.machine);
        Ok(match self.console {
            Port::Usb => self.machine.usb_take_output(),
            uart => self.machine.uart_take_output(uart),
        })
    }

    fn reset(&mut self) -> Result<(), LineFault> {
        self.waiting.clear();
        self.machine.reset(ResetCause::PowerOn);
        Ok(())
    }

    fn set_baud(&mut self, baud: u32) -> Result<(), LineFault> {
        self.machine.set_line_baud(self.console, baud);
        Ok(())
    }

    fn idle_until(&self) -> Option<LinkTime> {
        if !self.waiting.is_empty() {
            return None;
        }
        match self.machine.next_event() {
            None => Some(LinkTime::MAX),
            Some(tick) if tick > self.machine.ticks() => Some(link_time(tick)),
            Some(_) => None,
        }
    }

    fn version(&self) -> Option<&BoardVersion> {
        Some(&self.version)
    }

    fn wire(&mut self, wiring: &Arc<Wiring>, seed: u64) -> Result<(), LineFault> {
        let wired = self.pins.wire(wiring, seed, &mut self.machine);
        wired.map_err(|error| LineFault::Emulation { cause: error.to_string() })
    }

    fn begin(&mut self) {
        self.pins.begin(&mut self.machine);
    }

    fn move_part(&mut self, part: &str, control: &str, value: i64) -> Result<(), MoveError> {
        self.pins.move_part(&mut self.machine, part, control, value)
    }

    fn parts(&self) -> Vec<PartShown> {
        self.pins.shown(&self.machine)
    }

    fn files(&self) -> Option<FlashImage> {
        Some(self.machine.flash().clone())
    }

    fn put_files(&mut self, files: &FlashImage) {
        self.machine.copy_flash(FILES, files);
    }

    fn record(&mut self, changes: Option<usize>) {
        match changes {
            Some(changes) => {
                self.record_pins(changes);
                self.record_callbacks(changes);
            }
            None => self.pins.forget_record(&mut self.machine),
        }
    }

    fn tell_pins(&self, number: u64, wanted: Wanted, origin: &str) -> Option<String> {
        Some(self.pins.record_of(&self.machine, number)?.tell(wanted, origin))
    }
}

impl Fork for EmulatedLine {
    fn fork(&mut self) -> Self {
        let Self { machine, version, firmware, console, waiting, pins, witness: _, interrupted: _ } = self;
        Self {
            machine: machine.fork(),
            version: Arc::clone(version),
            firmware: firmware.clone(),
            console: *console,
            waiting: waiting.clone(),
            pins: pins.clone(),
            witness: None,
            interrupted: None,
        }
    }
}

/// Ticks are 1/480 MHz, link time has nanoseconds: 12 ticks are 25 ns.
fn link_time(tick: Tick) -> LinkTime {
    let (seconds, rest) = (tick / TICKS_PER_SECOND, tick % TICKS_PER_SECOND);
    LinkTime::new(seconds, (rest * 25 / 12) as u32)
}

/// The first tick at or after a link time.
fn ticks(time: LinkTime) -> Tick {
    let rest = (u64::from(time.subsec_nanos()) * 12).div_ceil(25);
    time.as_secs().saturating_mul(TICKS_PER_SECOND).saturating_add(rest)
}

/// A booted board that others are forked from.
#[derive(Clone)]
pub struct BootedBoard {
    origin: Origin,
    firmware: LessonFirmware,
    version: Arc<BoardVersion>,
    engine: EngineKind,
    begun: Arc<BegunBoards<EmulatedLine>>,
}

impl BootedBoard {
    /// Boots a board with this firmware up to its prompt, emulated as boards usually are.
    ///
    /// # Errors
    /// As [`boot_as`](Self::boot_as).
    pub fn boot(firmware: LessonFirmware) -> Result<Self, LineFault> {
        Self::boot_as(firmware, Emulation::default())
    }

    /// Boots a board with this firmware up to its prompt, emulated in this way.
    ///
    /// # Errors
    /// The emulation failed, or the firmware did not come up.
    pub fn boot_as(firmware: LessonFirmware, emulation: Emulation) -> Result<Self, LineFault> {
        let flash = FlashImage::from_bytes(firmware.flash_image())
            .map_err(|error| LineFault::Emulation { cause: error.to_string() })?;
        let session = Session::with_fast_baud(BAUD).resting_when_idle();
        let mut line = EmulatedLine::power_on(flash, firmware.hash(), emulation);
        line.firmware = Some(firmware.clone());
        let drive = Drive::new(line, session);
        let version = Arc::clone(&drive.line.version);
        let origin = Origin::boot(drive, BOOT_LIMIT)?;
        let engine = origin.engine();
        Ok(Self { origin, firmware, version, engine, begun: Arc::default() })
    }

    /// The same, as if nobody had run anything yet.
    #[cfg(test)]
    pub(crate) fn with_nothing_begun(self) -> Self {
        Self { begun: Arc::default(), ..self }
    }

    /// The firmware that it runs.
    #[must_use]
    pub fn firmware(&self) -> &LessonFirmware {
        &self.firmware
    }

    /// What decides its runs.
    #[must_use]
    pub fn version(&self) -> &BoardVersion {
        &self.version
    }

    /// The engine that it really has on this host.
    #[must_use]
    pub fn engine(&self) -> EngineKind {
        self.engine
    }

    /// A board of its own in the booted state, with this seed.
    ///
    /// # Errors
    /// The emulation failed.
    pub fn fresh(&self, seed: u64) -> Result<Drive<EmulatedLine>, LineFault> {
        self.origin.fresh(seed)
    }
}

impl Source<EmulatedLine> for BootedBoard {
    fn fresh(&self, seed: u64) -> Result<Drive<EmulatedLine>, LineFault> {
        BootedBoard::fresh(self, seed)
    }

    fn begun(&self) -> &BegunBoards<EmulatedLine> {
        &self.begun
    }
}

/// A drive that has come to its prompt, and that others are forked from.
#[derive(Clone)]
pub(crate) struct Origin {
    /// Behind a lock because forking marks the memory as shared. Forks are made in microseconds.
    drive: Arc<Mutex<Drive<EmulatedLine>>>,
}

impl Origin {
    /// Brings a board that has just been switched on to its prompt.
    pub(crate) fn boot(mut drive: Drive<EmulatedLine>, limit: Duration) -> Result<Self, LineFault> {
        drive.session.reset(LinkTime::ZERO);
        while !drive.session.is_ready() {
            drive.advance(limit)?;
            if let Some(fault) = drive.session.fault() {
                return Err(LineFault::Emulation { cause: fault.to_string() });
            }
            if drive.line.now() >= limit {
                return Err(LineFault::Emulation { cause: "the firmware came to no prompt".into() });
            }
        }
        while drive.session.next_event().is_some() {}
        Ok(Self { drive: Arc::new(Mutex::new(drive)) })
    }

    fn engine(&self) -> EngineKind {
        self.drive.lock().unwrap_or_else(PoisonError::into_inner).line.machine.engine_kind()
    }

    /// Whether callbacks can run inside the interrupt there.
    pub(crate) fn has_hard(&self) -> bool {
        self.drive.lock().unwrap_or_else(PoisonError::into_inner).session.has_hard()
    }

    /// Whether there is what not every board has.
    pub(crate) fn has(&self, need: Need) -> bool {
        self.drive.lock().unwrap_or_else(PoisonError::into_inner).session.has(need)
    }

    /// A board of its own in the booted state, with this seed.
    pub(crate) fn fresh(&self, seed: u64) -> Result<Drive<EmulatedLine>, LineFault> {
        let mut drive = self.drive.lock().unwrap_or_else(PoisonError::into_inner).fork();
        drive.line.machine.set_seed(seed);
        let phase_ns = mix(seed) % PHASE.as_nanos() as u64;
        let bytes = drive.line.read(drive.line.now() + Duration::from_nanos(phase_ns))?;
        drive.session.receive(drive.line.now(), &bytes);
        Ok(drive)
    }
}

impl std::fmt::Debug for BootedBoard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BootedBoard")
    }
}

/// Spreads neighbouring seeds over the whole range (the finalizer of SplitMix64).
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lesson_firmware_boots_to_its_prompt_and_greets() {
        let mut drive = crate::test_board().fresh(1).unwrap();
        assert!(drive.session.is_ready());
        assert_eq!(drive.session.hello().map(|hello| hello.chip.as_str()), Some("esp32c3"));
        let goal = drive.line.now() + Duration::from_millis(500);
        let mut samples = 0;
        while drive.advance(goal).unwrap() {
            while let Some(event) = drive.session.next_event() {
                samples += usize::from(matches!(event, crate::session::SessionEvent::Sample(..)));
            }
        }
        assert!((9..=11).contains(&samples), "{samples} samples in half a second");
    }

    #[test]
    fn a_board_to_which_nothing_happens_comes_to_rest_until_somebody_types() {
        use crate::session::SessionEvent;

        let mut drive = crate::test_board().fresh(1).unwrap();
        let goal = drive.line.now() + Duration::from_secs(12);
        while drive.advance(goal).unwrap() {}
        while drive.session.next_event().is_some() {}
        assert!(drive.session.is_ready());
        assert_eq!(drive.idle_until(), Some(LinkTime::MAX), "nothing is planned on either side");

        drive.session.type_text(drive.line.now(), "20 + 22\n");
        let goal = drive.line.now() + Duration::from_millis(500);
        let (mut console, mut samples) = (Vec::new(), 0);
        while drive.advance(goal).unwrap() {
            while let Some(event) = drive.session.next_event() {
                match event {
                    SessionEvent::Console(text) => console.extend(text),
                    SessionEvent::Sample(..) => samples += 1,
                    SessionEvent::BadFrame(_, bytes) => panic!("{bytes:?}"),
                    _ => {}
                }
            }
        }
        let console = String::from_utf8(console).unwrap();
        assert!(console.contains("42\r\n>>> "), "{console:?}");
        assert!((6..=10).contains(&samples), "{samples} samples in half a second");
    }

    #[test]
    fn ticks_and_link_time_agree_on_whole_steps() {
        for tick in [0, 1, 12, 480_000, 480_000_000, 123_456_789_012] {
            assert!(ticks(link_time(tick)) <= tick && tick - ticks(link_time(tick)) < 2, "{tick}");
        }
        for ms in [1_u64, 2, 999, 1000, 86_400_000] {
            assert_eq!(link_time(ticks(Duration::from_millis(ms))), Duration::from_millis(ms));
        }
    }
}

//! What became of interrupts, seen from outside: when a source's interrupt called or queued its callback, and when that ran.
//!
//! The host looks at the entries of the firmware's functions, by their symbols, and at the places that these return to. The
//! program hears nothing of it, and the run is the same.

use std::collections::{BTreeSet, VecDeque};

use emulator::bus::Tick;
use emulator::cpu::Reg;
use emulator::pins::Trigger;
use emulator::{Machine, Stop, Stops};
use inspector::symbols::{SymbolError, Symbols};

/// The first slot of a pin (`firmware.h`, `FW_FIRST_PIN`); those before it are timers.
const FIRST_PIN: u8 = 8;
/// The slot of UART1 (`firmware.h`, `FW_UART`), behind those of the pins.
const UART: u8 = 19;
/// The slot of I2C0 as a target (`firmware.h`, `FW_I2C_TARGET`).
const I2C_TARGET: u8 = 20;
/// Hard callbacks nest by priority: one for each, and one on its way.
const CALLS: usize = 16;
/// Places from which the watched functions are called.
const RETURN_PLACES: usize = 16;

/// What interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    /// `machine.Timer` of this id.
    Timer(u8),
    /// A pin.
    Pin(u8),
    /// UART1.
    Uart,
    /// I2C0 as a target.
    I2cTarget,
}

impl Source {
    fn of(slot: u32) -> Option<Self> {
        match u8::try_from(slot).ok()? {
            slot @ 0..FIRST_PIN => Some(Self::Timer(slot)),
            slot @ FIRST_PIN..UART => Some(Self::Pin(slot - FIRST_PIN)),
            UART => Some(Self::Uart),
            I2C_TARGET => Some(Self::I2cTarget),
            _ => None,
        }
    }
}

/// What happened to a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// Its interrupt calls a hard callback.
    Hard,
    /// Its interrupt has queued a soft callback.
    Queued,
    /// Its interrupt found the queue full.
    Dropped,
    /// A queued callback begins.
    Soft,
    /// The callback is over.
    Over,
}

/// One step of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// When, in ticks of 1/480 MHz.
    pub(crate) tick: Tick,
    /// Whose.
    pub(crate) source: Source,
    /// What.
    pub(crate) step: Step,
    /// Of a pin: what its interrupt waits for then.
    pub(crate) trigger: Option<Trigger>,
}

#[derive(Clone, Copy, Debug)]
enum Entry {
    Hard,
    Soft,
    Enter,
    Exit,
}

const NAMES: [(Entry, &str); 4] = [
    (Entry::Hard, "port_irq_hard"),
    (Entry::Soft, "port_irq_soft"),
    (Entry::Enter, "fw_soft_enter"),
    (Entry::Exit, "fw_soft_exit"),
];

/// A call whose return is awaited.
#[derive(Clone, Copy, Debug)]
struct Call {
    returns_to: u32,
    stack: u32,
    source: Source,
    hard: bool,
}

/// A bounded record of what became of interrupts.
#[derive(Clone, Debug)]
pub(crate) struct Callbacks {
    entries: Vec<(u32, Entry)>,
    return_places: BTreeSet<u32>,
    calls: Vec<Call>,
    capacity: usize,
    seen: VecDeque<Seen>,
    /// How many there were since the record began, those included that have left it.
    counted: u64,
}

impl Callbacks {
    /// A record of the last `capacity` steps on a board whose firmware has these symbols.
    ///
    /// # Errors
    /// [`SymbolError::Missing`] names the function that is not there.
    pub(crate) fn of(symbols: &Symbols, capacity: usize) -> Result<Self, SymbolError> {
        let find = |(entry, name)| symbols.address(name).map(|address| (address, entry));
        let entries = NAMES.into_iter().map(find).collect::<Result<_, _>>()?;
        Ok(Self {
            entries,
            return_places: BTreeSet::new(),
            calls: Vec::new(),
            capacity: capacity.max(1),
            seen: VecDeque::new(),
            counted: 0,
        })
    }

    /// What ends a run of the machine for the record.
    pub(crate) fn stops(&self) -> Stops {
        let entries = self.entries.iter().map(|(address, _)| *address);
        Stops { breakpoints: entries.chain(self.return_places.iter().copied()).collect(), ..Stops::default() }
    }

    /// Runs the machine, and looks where it stops.
    pub(crate) fn run(&mut self, machine: &mut Machine, until: Tick) -> Stop {
        loop {
            match machine.run_until(until) {
                Stop::Breakpoint(pc) => {
                    let places = self.return_places.len();
                    self.look(machine, pc);
                    if self.return_places.len() != places {
                        machine.set_stops(self.stops());
                    }
                }
                stop => return stop,
            }
        }
    }

    /// What is in the record, oldest first, and the number of its first step.
    pub(crate) fn seen(&self) -> (impl Iterator<Item = &Seen> + '_, u64) {
        (self.seen.iter(), self.counted - self.seen.len() as u64)
    }

    fn look(&mut self, machine: &Machine, pc: u32) {
        let x = |reg| machine.hart().x.get(reg);
        let (stack, slot) = (x(Reg::X2), x(Reg::X10));
        // What lies deeper was left without returning.
        self.calls.retain(|call| call.stack >= stack);
        if let Some(call) = self.calls.last().copied().filter(|call| call.returns_to == pc && call.stack == stack) {
            self.calls.pop();
            // A function of C that answers `bool` leaves the rest of the register undefined.
            let queued = slot & 0xFF != 0;
            let step = match call.hard {
                true => Step::Over,
                false if queued => Step::Queued,
                false => Step::Dropped,
            };
            self.note(machine, call.source, step);
        }
        let Some((_, entry)) = self.entries.iter().find(|(at, _)| *at == pc).copied() else { return };
        let Some(source) = Source::of(slot) else { return };
        match entry {
            Entry::Hard => {
                self.note(machine, source, Step::Hard);
                self.await_return(Call { returns_to: x(Reg::X1), stack, source, hard: true });
            }
            Entry::Soft => self.await_return(Call { returns_to: x(Reg::X1), stack, source, hard: false }),
            Entry::Enter => self.note(machine, source, Step::Soft),
            Entry::Exit => self.note(machine, source, Step::Over),
        }
    }

    fn await_return(&mut self, call: Call) {
        let known = self.return_places.contains(&call.returns_to);
        if self.calls.len() < CALLS && (known || self.return_places.len() < RETURN_PLACES) {
            self.return_places.insert(call.returns_to);
            self.calls.push(call);
        }
    }

    fn note(&mut self, machine: &Machine, source: Source, step: Step) {
        let trigger = match source {
            Source::Pin(pin) => machine.pin(pin).and_then(|state| state.trigger),
            Source::Timer(_) | Source::Uart | Source::I2cTarget => None,
        };
        if self.seen.len() >= self.capacity {
            self.seen.pop_front();
        }
        self.seen.push_back(Seen { tick: machine.ticks(), source, step, trigger });
        self.counted += 1;
    }
}

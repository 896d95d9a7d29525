//! The window: one execution of a piece of a program, between two marks, without an interrupt.
//!
//! It is run once, instruction by instruction, to learn how many boundaries there are and what main
//! was doing at each. Everything after that starts from the snapshot taken at its first boundary.

use std::collections::HashMap;
use std::sync::Arc;

use emulator::bus::{TICKS_PER_SECOND, Tick};
use emulator::cpu::{Observer, Reg};
use emulator::memory::Memory;
use emulator::{Config, EngineKind, Machine, Port, ResetCause, Snapshot, Stop, Stops};

use crate::story::Sides;
use inspector::symbols::{SymbolError, Symbols};
use inspector::vm::{self, Listing, Position, VmLayout};

/// The mark after which a run is judged.
pub const FINISH_MARK: u32 = 3;
/// Marks from here on report a value: the first value with this number, the next with the next.
pub const FIRST_VALUE_MARK: u32 = 16;
/// The most values that a driver reports.
pub const MAX_VALUES: usize = 16;

/// The `lab.mark` numbers that open and close the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// Opens it.
    pub begin: u32,
    /// Closes it.
    pub end: u32,
    /// The mark that the driver of an exercise makes before anything of the program is executed: from then on only marks
    /// from the same depth of the stack are believed, because whatever the program calls lies deeper.
    pub voice: Option<u32>,
}

/// Ticks in a cycle of the CPU at the 160 MHz that the lesson firmware sets.
const TICKS_PER_CYCLE: Tick = TICKS_PER_SECOND / 160_000_000;

/// How far a run may go before it counts as endless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Instructions from the start of the search to the opening mark.
    pub approach_instructions: u64,
    /// Instructions inside the window: the number of boundaries to try.
    pub window_instructions: u32,
    /// Instructions from the opening mark to the finishing mark.
    pub run_instructions: u64,
    /// Virtual time for each of these stretches.
    pub ticks: Tick,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            approach_instructions: 400_000_000,
            window_instructions: 50_000,
            run_instructions: 4_000_000,
            ticks: 4 * TICKS_PER_SECOND,
        }
    }
}

/// What the explorer knows of the firmware: where its hooks are.
#[derive(Clone, Debug)]
pub struct Firmware {
    /// All symbols. Shared: a window keeps them for its lifetime.
    pub symbols: Arc<Symbols>,
    pub(crate) hooks: Hooks,
}

/// Functions of the firmware whose entry means something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hooks {
    /// `lab_mark_hook(n, value)`.
    pub(crate) mark: u32,
    /// `port_call_scheduled(function, argument)`: the scheduler calls what was queued.
    pub(crate) scheduled: u32,
    /// The function object that stands in the queue for a timer's or pin's soft callback.
    pub(crate) soft_entry: u32,
}

impl Firmware {
    /// Reads the firmware's ELF file.
    ///
    /// # Errors
    /// [`SymbolError`] if it lacks the hooks.
    pub fn parse(elf: &[u8]) -> Result<Self, SymbolError> {
        let symbols = Symbols::parse(elf)?;
        let hooks = Hooks {
            mark: symbols.address("lab_mark_hook")?,
            scheduled: symbols.address("port_call_scheduled")?,
            soft_entry: symbols.address("soft_entry_obj")?,
        };
        Ok(Self { symbols: Arc::new(symbols), hooks })
    }
}

/// Why there is nothing to explore.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The firmware is not one that can be explored.
    #[error(transparent)]
    Symbol(#[from] SymbolError),
    /// The program never opened the window.
    #[error("the program did not reach lab.mark({mark}) within {instructions} instructions{console}")]
    NoBegin {
        /// The mark looked for.
        mark: u32,
        /// Instructions executed in the search.
        instructions: u64,
        /// What the board printed meanwhile, such as a traceback, on lines of its own.
        console: String,
    },
    /// The window is longer than the limit.
    #[error("the window is longer than {limit} instructions; put lab.mark closer around the statement of interest")]
    TooLong {
        /// [`Limits::window_instructions`].
        limit: u32,
    },
    /// The run that nothing interrupted does not reach the end.
    #[error("without any interrupt the program does not reach lab.mark({mark}): {end}")]
    NeverEnds {
        /// The mark looked for.
        mark: u32,
        /// What happened instead.
        end: End,
    },
}

/// How a stretch of a run ended, other than at the mark it was to reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum End {
    /// The chip was reset.
    #[error("the chip was reset")]
    Reset(ResetCause),
    /// The guest locked up.
    #[error("the processor locked up")]
    LockedUp,
    /// It was still running at the limit.
    #[error("it was still running at the limit")]
    Limit,
    /// Nothing runs any more: the program ended early, most likely with an exception.
    #[error("the program ended before it")]
    Quiet,
}

/// A mark that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reached {
    pub(crate) mark: u32,
    pub(crate) value: i32,
}

impl Reached {
    /// Adds it to the values reported, if it is one.
    pub(crate) fn note(self, values: &mut Vec<Option<i32>>) {
        let index = self.mark.wrapping_sub(FIRST_VALUE_MARK) as usize;
        if index < MAX_VALUES {
            values.resize(values.len().max(index + 1), None);
            values[index] = Some(self.value);
        }
    }
}

/// What main was about to do at a boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boundary {
    /// Address of the next machine instruction.
    pub pc: u32,
    /// When it begins, in ticks of 1/480 MHz of the board's time.
    pub tick: Tick,
    /// The bytecode instruction in progress: function and index in [`Window::listings`].
    pub place: Option<Place>,
}

/// A bytecode instruction of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Index in [`Window::listings`].
    pub listing: u16,
    /// Index in [`Listing::lines`].
    pub instruction: u16,
}

/// One execution between two marks, and the board at its first boundary.
#[derive(Debug)]
pub struct Window {
    pub(crate) machine: Machine,
    pub(crate) symbols: Arc<Symbols>,
    pub(crate) hooks: Hooks,
    pub(crate) layout: VmLayout,
    pub(crate) end_mark: u32,
    /// Where the stack stands when the driver marks; `None`: everybody's marks are believed.
    voice: Option<u32>,
    pub(crate) places: Places,
    /// Which sides touch which variables without an interrupt; known after the first story.
    pub(crate) own_sides: Option<Sides>,
    pub(crate) begin: Snapshot,
    /// Instructions executed by the board before the window.
    pub(crate) first_instruction: u64,
    pub(crate) limits: Limits,
    /// The boundaries, the one before the first instruction first; one more than instructions.
    pub boundaries: Vec<Boundary>,
    /// The functions of the program that ran in the window, in order of first appearance.
    pub listings: Vec<Listing>,
    /// What main did without an interrupt: values by number.
    pub undisturbed: Vec<Option<i32>>,
}

impl Window {
    /// Runs `machine` to the opening mark and through the window.
    ///
    /// The machine must be about to execute a program that reaches both marks, and then
    /// [`FINISH_MARK`].
    ///
    /// # Errors
    /// [`Refusal`] says what is missing.
    pub fn open(mut machine: Machine, firmware: &Firmware, marks: Marks, limits: Limits) -> Result<Self, Refusal> {
        machine.set_stops(Stops { on_reset: true, breakpoints: vec![firmware.hooks.mark], ..Stops::default() });
        let approach_from = machine.instructions();
        let approach = Deadline::after(&machine, limits.approach_instructions, limits.ticks);
        let mut voice = None;
        loop {
            match run_to_mark(&mut machine, firmware.hooks.mark, approach, &mut ()) {
                Ok(reached) if marks.voice == Some(reached.mark) && voice.is_none() => voice = Some(stack(&machine)),
                Ok(reached)
                    if reached.mark == marks.begin && (marks.voice.is_none() || voice == Some(stack(&machine))) =>
                {
                    break;
                }
                Ok(_) => drop(machine.uart_take_output(Port::Uart0)),
                Err(_) => {
                    let instructions = machine.instructions() - approach_from;
                    let console = console_text(&mut machine);
                    let console = if console.is_empty() { console } else { format!(":\n{console}") };
                    return Err(Refusal::NoBegin { mark: marks.begin, instructions, console });
                }
            }
        }
        let layout = VmLayout::find(&firmware.symbols, machine.memory())?;
        // What is printed from here on belongs to the window.
        drop(machine.uart_take_output(Port::Uart0));
        machine.set_stops(Stops {
            on_reset: true,
            breakpoints: vec![firmware.hooks.mark, firmware.hooks.scheduled],
            ..Stops::default()
        });
        let mut window = Self {
            begin: machine.snapshot(),
            first_instruction: machine.instructions(),
            machine,
            symbols: Arc::clone(&firmware.symbols),
            hooks: firmware.hooks,
            layout,
            end_mark: marks.end,
            voice,
            places: Places::default(),
            own_sides: None,
            limits,
            boundaries: Vec::new(),
            listings: Vec::new(),
            undisturbed: Vec::new(),
        };
        window.trace()?;
        let undisturbed = window.run_from_begin(&[]);
        match undisturbed.end {
            None => window.undisturbed = undisturbed.values,
            Some(end) => return Err(Refusal::NeverEnds { mark: FINISH_MARK, end }),
        }
        Ok(window)
    }

    /// How many machine instructions the window holds.
    #[must_use]
    pub fn instructions(&self) -> u32 {
        (self.boundaries.len() - 1) as u32
    }

    /// How likely an interrupt at a random moment arrives at a boundary, in cycles: those of the instruction
    /// before it, because what comes meanwhile is seen where that one ends. The first boundary has none.
    #[must_use]
    pub fn cycles_before(&self, at: u32) -> u64 {
        let tick = |at: u32| self.boundaries.get(at as usize).map_or(0, |boundary| boundary.tick);
        let ticks = at.checked_sub(1).map_or(0, |before| tick(at).saturating_sub(tick(before)));
        ticks / TICKS_PER_CYCLE
    }

    /// The board's memory where the last run ended.
    #[must_use]
    pub fn memory(&self) -> &Memory {
        self.machine.memory()
    }

    /// A second explorer of the same window, for another thread.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        self.machine.restore(&self.begin);
        let mut machine = self.machine.fork();
        Self {
            begin: machine.snapshot(),
            machine,
            symbols: Arc::clone(&self.symbols),
            hooks: self.hooks,
            layout: self.layout,
            end_mark: self.end_mark,
            voice: self.voice,
            places: self.places.clone(),
            own_sides: self.own_sides.clone(),
            first_instruction: self.first_instruction,
            limits: self.limits,
            boundaries: self.boundaries.clone(),
            listings: self.listings.clone(),
            undisturbed: self.undisturbed.clone(),
        }
    }

    /// The same window on the engine that decodes every instruction anew: the oracle of the fast one.
    #[must_use]
    pub fn on_plain_engine(&mut self) -> Self {
        let mut window = self.fork();
        let mut machine = Machine::new(Config { engine: EngineKind::Plain, ..Config::default() });
        machine.restore(&window.begin);
        machine.set_stops(window.machine.stops().clone());
        window.begin = machine.snapshot();
        window.machine = machine;
        window
    }

    /// A hash of the board's whole state where the last run ended.
    #[must_use]
    pub fn state_hash(&self) -> u64 {
        self.machine.state_hash()
    }

    /// The source line of a boundary, counted from 1.
    #[must_use]
    pub fn line(&self, boundary: &Boundary) -> Option<u32> {
        let place = boundary.place?;
        Some(self.listings[usize::from(place.listing)].lines[usize::from(place.instruction)].line)
    }

    /// Steps from the opening to the closing mark.
    fn trace(&mut self) -> Result<(), Refusal> {
        let deadline = Deadline::after(&self.machine, u64::from(self.limits.window_instructions), self.limits.ticks);
        loop {
            let (pc, tick, place) = (self.machine.hart().pc, self.machine.ticks(), self.place());
            self.boundaries.push(Boundary { pc, tick, place });
            let before = self.machine.instructions();
            match self.machine.run_to(deadline.tick, before + 1) {
                // A stop at a hook comes before its first instruction: that boundary is known already.
                Stop::Breakpoint(pc)
                    if pc == self.hooks.mark
                        && self.believed().is_some_and(|reached| reached.mark == self.end_mark) =>
                {
                    return Ok(());
                }
                Stop::Breakpoint(_) => {
                    self.boundaries.pop();
                }
                Stop::InstructionCount | Stop::Output(_) | Stop::Pin(_) => {}
                other => {
                    let end_reached = end_of(other).unwrap_or(End::Limit);
                    return Err(Refusal::NeverEnds { mark: self.end_mark, end: end_reached });
                }
            }
            if self.boundaries.len() > self.limits.window_instructions as usize {
                return Err(Refusal::TooLong { limit: self.limits.window_instructions });
            }
        }
    }

    /// Whether a driver stands around the program, and alone is believed.
    pub(crate) fn has_voice(&self) -> bool {
        self.voice.is_some()
    }

    /// The mark at whose hook the machine stands, if it is one of the driver's.
    pub(crate) fn believed(&self) -> Option<Reached> {
        let own = self.voice.is_none_or(|voice| voice == stack(&self.machine));
        own.then(|| hook_arguments(&self.machine))
    }

    /// The bytecode instruction in progress where the machine stands.
    pub(crate) fn place(&mut self) -> Option<Place> {
        let (memory, layout) = (self.machine.memory(), &self.layout);
        let position = vm::position(memory, layout)?;
        self.places.find(&mut self.listings, position, || Listing::read(memory, layout, position))
    }
}

/// What the board has printed and nobody has taken: letters and lines only, and not too many.
pub(crate) fn console_text(machine: &mut Machine) -> String {
    const MAX_CHARS: usize = 2000;
    let bytes = machine.uart_take_output(Port::Uart0);
    let text: String =
        String::from_utf8_lossy(&bytes).chars().filter(|c| *c == '\n' || !c.is_control()).take(MAX_CHARS).collect();
    let text = text.trim();
    text.to_owned()
}

/// Finds places, listing each function once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    by_function: HashMap<u32, Option<u16>>,
    last: HashMap<u32, Place>,
}

impl Places {
    fn find(
        &mut self,
        listings: &mut Vec<Listing>,
        position: Position,
        read: impl FnOnce() -> Option<Listing>,
    ) -> Option<Place> {
        let listing = (*self.by_function.entry(position.function).or_insert_with(|| {
            let index = u16::try_from(listings.len()).ok()?;
            listings.push(read()?);
            Some(index)
        }))?;
        // Between a fetch and the next dispatch, `ip` may point behind an opcode: the instruction
        // named last is then still the one in progress.
        match listings[usize::from(listing)].index_at(position.ip) {
            Some(instruction) => {
                let place = Place { listing, instruction: u16::try_from(instruction).ok()? };
                self.last.insert(position.function, place);
                Some(place)
            }
            None => self.last.get(&position.function).copied(),
        }
    }
}

/// Where a stretch of a run ends at the latest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    pub(crate) tick: Tick,
    pub(crate) instructions: u64,
}

impl Deadline {
    pub(crate) fn after(machine: &Machine, instructions: u64, ticks: Tick) -> Self {
        Self {
            tick: machine.ticks().saturating_add(ticks),
            instructions: machine.instructions().saturating_add(instructions),
        }
    }
}

/// Runs to the next `lab.mark`; the hook's first instruction is next then.
fn run_to_mark(
    machine: &mut Machine,
    mark_hook: u32,
    deadline: Deadline,
    observer: &mut impl Observer,
) -> Result<Reached, End> {
    loop {
        match machine.run_observed(deadline.tick, deadline.instructions, observer) {
            Stop::Breakpoint(pc) if pc == mark_hook => return Ok(hook_arguments(machine)),
            other => {
                if let Some(end) = end_of(other) {
                    return Err(end);
                }
            }
        }
    }
}

/// What a stop means for a run that was to reach a mark; `None`: nothing, it goes on.
pub(crate) fn end_of(stop: Stop) -> Option<End> {
    match stop {
        Stop::Breakpoint(_) | Stop::Output(_) | Stop::Pin(_) => None,
        Stop::Deadline | Stop::InstructionCount => Some(End::Limit),
        Stop::Reset(cause) => Some(End::Reset(cause)),
        Stop::Fault(_) => Some(End::LockedUp),
        Stop::Idle => Some(End::Quiet),
    }
}

/// `lab_mark_hook(n, value)` in the RISC-V calling convention: a0 and a1.
fn hook_arguments(machine: &Machine) -> Reached {
    let x = &machine.hart().x;
    Reached { mark: x.get(Reg::X10), value: x.get(Reg::X11).cast_signed() }
}

fn stack(machine: &Machine) -> u32 {
    machine.hart().x.get(Reg::X2)
}

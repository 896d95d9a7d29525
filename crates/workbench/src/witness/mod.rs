//! The witness of a checked run: what happens on a virtual board, seen from outside.
//!
//! A program can reach every byte of its board, and so no count of the board proves anything. The witness counts by itself,
//! at the entries of the firmware's functions: an interrupt routine that calls or queues a callback, a callback that
//! begins, a number that the exercise's driver reports. Whose call it is, it sees as well: the driver is one text with a
//! module context of its own, learned before the program's first instruction, and the driver's function that calls the
//! program lies further up on the C stack than whatever the program does.

mod entries;
mod pins;
mod seen;
mod sources;
mod trouble;

use std::collections::{BTreeMap, BTreeSet};

use emulator::bus::Tick;
use emulator::cpu::{Observer, Reg, Trap, TrapRecord};
use emulator::memory::Memory;
use emulator::{Machine, Stop, Stops};
use inspector::vm::{self, Listing, VmLayout, word};

use crate::record::ExceptionRecord;
pub(crate) use entries::Entries;
use entries::Entry;
pub(crate) use pins::Truth;
pub use seen::Seen;
use sources::{TICKS_PER_MICRO, Timer, interrupt};
pub use trouble::Trouble;

/// What the driver marks before the program begins.
pub(crate) const BEGIN_MARK: u32 = 64;
/// What the driver marks when everything is reported.
pub(crate) const END_MARK: u32 = 65;
/// The name of driver functions that call the program from a callback.
const SILENT: &str = "event";
/// Exceptions that are kept; all are counted.
const EXCEPTIONS_KEPT: usize = 16;
/// Names that are kept: as many as the firmware has room for.
const NAMES_KEPT: usize = 24;
const MAX_NAME_BYTES: u32 = 64;
/// Reports of one number that are kept: 20 kHz for some seconds.
const ANSWERS_KEPT: usize = 1 << 17;
/// Calls whose return is awaited at the same time: callbacks nest by priority, and each queues at most once.
const CALLS: usize = 64;
/// Places from which the firmware's watched functions are called.
const RETURN_PLACES: usize = 16;
/// What `machine.mem32[address]` hands over in the place of a value when it reads (`py/obj.h:MP_OBJ_SENTINEL`).
const NO_VALUE: u32 = 4;

/// Whose number it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Voice {
    /// The driver's function that calls the program.
    Drive,
    /// Another function of the driver.
    Helper,
    /// Not the driver.
    Other,
}

/// A call whose return says something.
#[derive(Clone, Copy, Debug)]
struct Call {
    returns_to: u32,
    stack: u32,
    what: Returns,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Returns {
    /// The slot of a name.
    Slot([u8; 24], u8),
    /// Whether the queue had room for an alarm of a timer that was due then.
    Queued(usize, Tick),
    /// A callback or a scheduled function is over; the VM was at this code state when it began.
    Callback(u32),
}

/// What was said of a number, and when.
pub(crate) type Answers = BTreeMap<String, Vec<(Tick, i64)>>;

/// Numbers that one voice reported, by slot.
type Numbers = BTreeMap<u32, i64>;

/// Counts interrupts that the hart is in.
#[derive(Clone, Debug, Default)]
struct Depth(Vec<bool>);

impl Observer for Depth {
    fn trap(&mut self, record: &TrapRecord) {
        if self.0.len() < CALLS {
            self.0.push(matches!(record.trap, Trap::Interrupt(_)));
        }
    }

    fn mret(&mut self, _instructions: u64, _now: Tick, _from: u32, _to: u32) {
        self.0.pop();
    }
}

/// See the module's head.
#[derive(Clone, Debug)]
pub(crate) struct Witness {
    entries: Entries,
    depth: Depth,
    /// Where watched calls return to, among the breakpoints.
    return_places: BTreeSet<u32>,
    calls: Vec<Call>,
    /// What the run was asked for.
    rate: u32,
    hard: bool,
    program_has_timers: bool,
    /// The driver's module context and the bytecode of its function that calls the program.
    driver: Option<(u32, u32)>,
    /// Functions of the driver that report nothing, because they call the program from a callback.
    silent: BTreeMap<u32, bool>,
    /// Where the stack stood when that function called this: nothing of the program's is as far up.
    highest: BTreeMap<Entry, u32>,
    names: BTreeMap<u32, String>,
    from_drive: Numbers,
    from_helpers: Numbers,
    /// Numbers of which every report is kept.
    answers: Answers,
    /// When the driver began.
    begun: Tick,
    timers: [Timer; 2],
    main: u32,
    last_beat: Option<Tick>,
    stall_max: Tick,
    locked_since: Option<Tick>,
    locked_max: Tick,
    exceptions: Vec<ExceptionRecord>,
    exception_count: u32,
    trouble: Option<Trouble>,
    ended: bool,
}

impl Witness {
    /// A witness of one run, with these settings. Of the numbers with these names every report is kept.
    pub(crate) fn new(entries: Entries, rate: u32, hard: bool, program_has_timers: bool, answers: Vec<String>) -> Self {
        Self {
            entries,
            depth: Depth::default(),
            return_places: BTreeSet::new(),
            calls: Vec::new(),
            rate: rate.max(1),
            hard,
            program_has_timers,
            driver: None,
            silent: BTreeMap::new(),
            highest: BTreeMap::new(),
            names: BTreeMap::new(),
            from_drive: Numbers::new(),
            from_helpers: Numbers::new(),
            answers: answers.into_iter().map(|name| (name, Vec::new())).collect(),
            begun: 0,
            timers: Default::default(),
            main: 0,
            last_beat: None,
            stall_max: 0,
            locked_since: None,
            locked_max: 0,
            exceptions: Vec::new(),
            exception_count: 0,
            trouble: None,
            ended: false,
        }
    }

    /// What ends a run of the machine for the witness.
    pub(crate) fn stops(&self) -> Stops {
        let breakpoints = self.entries.addresses().chain(self.return_places.iter().copied()).collect();
        Stops { breakpoints, ..Stops::default() }
    }

    /// Runs the machine, and looks where it stops.
    pub(crate) fn run(&mut self, machine: &mut Machine, until: Tick) -> Stop {
        loop {
            match machine.run_observed(until, u64::MAX, &mut self.depth) {
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

    fn look(&mut self, machine: &Machine, pc: u32) {
        let stack = register(machine, Reg::X2);
        if self.return_places.contains(&pc) {
            // What lies deeper was left without returning.
            self.calls.retain(|call| call.stack >= stack);
            if let Some(call) = self.calls.last().copied().filter(|call| call.returns_to == pc && call.stack == stack) {
                self.calls.pop();
                self.returned(machine, call.what);
            }
        }
        if let Some(entry) = self.entries.at(pc) {
            self.calls.retain(|call| call.stack >= stack);
            self.enter(machine, entry, stack);
        }
    }

    /// Waits for the return of the call that begins here.
    fn await_return(&mut self, machine: &Machine, stack: u32, what: Returns) {
        let returns_to = register(machine, Reg::X1);
        if self.calls.len() < CALLS
            && (self.return_places.len() < RETURN_PLACES || self.return_places.contains(&returns_to))
        {
            self.return_places.insert(returns_to);
            self.calls.push(Call { returns_to, stack, what });
        }
    }

    fn returned(&mut self, machine: &Machine, what: Returns) {
        let result = register(machine, Reg::X10);
        match what {
            Returns::Slot(name, length) => {
                if result.cast_signed() >= 0 && self.names.len() < NAMES_KEPT {
                    let name = String::from_utf8_lossy(&name[..usize::from(length)]).into_owned();
                    self.names.entry(result).or_insert(name);
                }
            }
            Returns::Queued(slot, due) => self.timers[slot].queued(due, result & 1 != 0),
            Returns::Callback(_) => {}
        }
    }

    fn enter(&mut self, machine: &Machine, entry: Entry, stack: u32) {
        let now = machine.ticks();
        let [a0, a1, a2, a3, a4] = [Reg::X10, Reg::X11, Reg::X12, Reg::X13, Reg::X14].map(|reg| register(machine, reg));
        match entry {
            Entry::Mark => self.mark(machine, a0, stack),
            Entry::ValueSlot => {
                let mut name = [0; 24];
                let length = (a1 as usize).min(name.len());
                if machine.memory().read(a0, &mut name[..length]).is_ok() {
                    self.await_return(machine, stack, Returns::Slot(name, length as u8));
                }
            }
            Entry::ValueSet | Entry::ValueAdd => {
                let voice = self.voice(machine, entry, stack);
                let numbers = match voice {
                    Voice::Drive => &mut self.from_drive,
                    Voice::Helper => &mut self.from_helpers,
                    Voice::Other => return,
                };
                if a0 as usize >= NAMES_KEPT {
                    return;
                }
                let number = numbers.entry(a0).or_default();
                let value = i64::from(a1.cast_signed());
                *number = if entry == Entry::ValueSet { value } else { number.saturating_add(value) };
                self.keep_answer(a0, now);
            }
            Entry::Beat => {
                if self.voice(machine, entry, stack) == Voice::Drive {
                    self.main = self.main.wrapping_add(a0);
                    if let Some(last) = self.last_beat.replace(now) {
                        self.stall_max = self.stall_max.max(now.saturating_sub(last));
                    }
                }
            }
            Entry::Done => {
                if self.voice(machine, entry, stack) == Voice::Other {
                    self.refuse(Trouble::OwnEnd);
                }
            }
            Entry::TimerStart => {
                if self.starts_timers(machine)
                    && let Some(timer) = self.timers.get_mut(a0 as usize)
                {
                    timer.start(u64::from(a2) << 32 | u64::from(a1));
                }
            }
            Entry::LabTimer => {
                if self.starts_timers(machine) {
                    self.timers[0].start(u64::from(16_000_000 / self.rate));
                }
            }
            Entry::TimerStop => {
                let slot = a0 as usize;
                if let Some(timer) = self.timers.get_mut(slot) {
                    timer.stop(machine.planned_alarm(interrupt(slot)));
                }
            }
            Entry::Burst => _ = self.starts_timers(machine),
            Entry::Hard => self.hard(machine, a0 as usize, stack),
            Entry::Soft => {
                if let Some(due) = self.alarm(machine, a0 as usize) {
                    self.await_return(machine, stack, Returns::Queued(a0 as usize, due));
                }
            }
            Entry::SoftEnter => {
                if let Some(timer) = self.timers.get_mut(a0 as usize) {
                    if !timer.enter_soft(now) {
                        self.refuse(Trouble::Called);
                    } else if self.hard && a0 == 0 {
                        self.refuse(Trouble::Kind);
                    }
                }
            }
            Entry::Scheduled => {
                let code_state = self.code_state(machine);
                self.await_return(machine, stack, Returns::Callback(code_state));
            }
            Entry::Exception => {
                self.exception_count = self.exception_count.saturating_add(1);
                if self.exceptions.len() < EXCEPTIONS_KEPT {
                    let context = ["hard", "soft", "main"].get(a0 as usize).copied().unwrap_or_default().to_owned();
                    let (class, text) = (text(machine.memory(), a1, a2), text(machine.memory(), a3, a4));
                    self.exceptions.push(ExceptionRecord { context, class, text });
                }
            }
            Entry::IrqOff => {
                self.locked_since.get_or_insert(now);
            }
            Entry::IrqOn => {
                if a0 != 0
                    && let Some(since) = self.locked_since.take()
                {
                    self.locked_max = self.locked_max.max(now.saturating_sub(since));
                }
            }
            Entry::Memory => {
                if self.driver.is_some() && !self.ended && a2 != NO_VALUE {
                    self.refuse(Trouble::Memory);
                }
            }
        }
    }

    fn keep_answer(&mut self, slot: u32, now: Tick) {
        let Some(kept) = self.names.get(&slot).and_then(|name| self.answers.get_mut(name)) else { return };
        let said = [&self.from_drive, &self.from_helpers].map(|numbers| numbers.get(&slot).copied().unwrap_or(0));
        if kept.len() < ANSWERS_KEPT {
            kept.push((now, said[0].saturating_add(said[1])));
        }
    }

    fn mark(&mut self, machine: &Machine, mark: u32, stack: u32) {
        match (mark, self.driver) {
            // The first one of a run: nothing of the program has been executed yet.
            (BEGIN_MARK, None) => {
                let layout = VmLayout::find(&self.entries.symbols, machine.memory()).ok();
                let position = layout.and_then(|layout| vm::position(machine.memory(), &layout));
                self.driver = position.map(|position| (position.context, position.function));
                self.highest.insert(Entry::Mark, stack);
                self.begun = machine.ticks();
            }
            (END_MARK, Some(_)) if self.highest.get(&Entry::Mark) == Some(&stack) => {
                self.ended |= self.voice(machine, Entry::Mark, stack) == Voice::Drive;
            }
            _ => {}
        }
    }

    /// Whether whoever starts a timer here may do so.
    fn starts_timers(&mut self, machine: &Machine) -> bool {
        let may = self.program_has_timers || self.speaks(machine) != Voice::Other;
        if !may {
            self.refuse(Trouble::OwnTimer);
        }
        may
    }

    fn alarm(&mut self, machine: &Machine, slot: usize) -> Option<Tick> {
        let timer = self.timers.get_mut(slot)?;
        let due = timer.alarm(machine.ticks(), machine.planned_alarm(interrupt(slot)));
        let interrupted = self.depth.0.last() == Some(&true);
        if !interrupted {
            self.refuse(Trouble::Called);
        } else if due.is_none() {
            self.refuse(Trouble::Rate);
        }
        due
    }

    fn hard(&mut self, machine: &Machine, slot: usize, stack: u32) {
        let code_state = self.code_state(machine);
        self.await_return(machine, stack, Returns::Callback(code_state));
        let Some(due) = self.alarm(machine, slot) else { return };
        self.timers[slot].enter_hard(machine.ticks(), due);
        if !self.hard && slot == 0 {
            self.refuse(Trouble::Kind);
        }
    }

    fn code_state(&self, machine: &Machine) -> u32 {
        let address = self.entries.symbols.address("port_code_state").ok();
        address.and_then(|address| word(machine.memory(), address)).unwrap_or(0)
    }

    /// Whose call of a watched function this is, as far as the VM tells.
    fn speaks(&mut self, machine: &Machine) -> Voice {
        let Some((context, drive)) = self.driver else { return Voice::Other };
        let Ok(layout) = VmLayout::find(&self.entries.symbols, machine.memory()) else { return Voice::Other };
        let Some(position) = vm::position(machine.memory(), &layout) else { return Voice::Other };
        // A callback in machine code has no code state of its own: it would speak for whatever it interrupted.
        let interrupted = self.calls.iter().rev().find_map(|call| match call.what {
            Returns::Callback(code_state) => Some(code_state),
            _ => None,
        });
        if position.context != context || interrupted == Some(self.code_state(machine)) {
            return Voice::Other;
        }
        if position.function == drive {
            return Voice::Drive;
        }
        let name = || Listing::read(machine.memory(), &layout, position).map(|listing| listing.name);
        let silent = self.silent.entry(position.function).or_insert_with(|| name().is_none_or(|name| name == SILENT));
        if *silent { Voice::Other } else { Voice::Helper }
    }

    /// Whose number this is. What a function in machine code says lies deeper on the stack than what its caller says by
    /// itself; where the driver speaks for the first time, what was taken for its voice before is forgotten.
    fn voice(&mut self, machine: &Machine, entry: Entry, stack: u32) -> Voice {
        let voice = self.speaks(machine);
        if voice != Voice::Drive {
            return voice;
        }
        let highest = self.highest.entry(entry).or_insert(stack);
        if stack < *highest {
            return Voice::Other;
        }
        if stack > *highest {
            *highest = stack;
            match entry {
                Entry::ValueSet | Entry::ValueAdd => {
                    self.from_drive.clear();
                    self.answers.values_mut().for_each(Vec::clear);
                }
                Entry::Beat => (self.main, self.last_beat, self.stall_max) = (0, None, 0),
                _ => {}
            }
        }
        Voice::Drive
    }

    fn refuse(&mut self, trouble: Trouble) {
        self.trouble.get_or_insert(trouble);
    }

    /// When the driver began.
    pub(crate) fn begun(&self) -> Tick {
        self.begun
    }

    /// Every report of the numbers of which all are kept.
    pub(crate) fn answers(&self) -> &Answers {
        &self.answers
    }

    /// What was seen.
    pub(crate) fn seen(self) -> Seen {
        // A counter that nobody has added to is 0.
        let mut values: BTreeMap<String, i64> = self.names.values().map(|name| (name.clone(), 0)).collect();
        for (slot, number) in self.from_drive.iter().chain(&self.from_helpers) {
            if let Some(name) = self.names.get(slot) {
                *values.entry(name.clone()).or_default() += number;
            }
        }
        let trouble = self.trouble.or((!self.ended).then_some(Trouble::Unfinished));
        Seen {
            values,
            on_pins: BTreeMap::new(),
            timers: self.timers,
            main: self.main,
            stall_max: micros(self.stall_max),
            locked_max: micros(self.locked_max),
            exceptions: self.exceptions,
            exception_count: self.exception_count,
            trouble,
        }
    }
}

fn micros(ticks: Tick) -> u32 {
    u32::try_from(ticks / TICKS_PER_MICRO).unwrap_or(u32::MAX)
}

fn register(machine: &Machine, reg: Reg) -> u32 {
    machine.hart().x.get(reg)
}

fn text(memory: &Memory, address: u32, length: u32) -> String {
    let mut bytes = vec![0; length.min(MAX_NAME_BYTES) as usize];
    match memory.read(address, &mut bytes) {
        Ok(()) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) => String::new(),
    }
}

//! One arrival told step by step: what main and the callback read and wrote of the program's
//! variables, and what the chip and the VM were doing when the interrupt came.
//!
//! The run is the one that [`explore`](crate::explore) judges, but executed instruction by
//! instruction up to the window's closing mark, with every memory access looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use emulator::bus::Tick;
use emulator::cpu::{Access, Observer, Reg, Trap, TrapRecord};
use emulator::memory::Memory;
use emulator::{Injection, Stop};

use crate::explore::{Arrivals, Run};
use crate::window::{Deadline, Place, Window, console_text};
use inspector::objects::{Globals, Variable};

/// The most steps that are told of one run.
const MAX_STEPS: usize = 256;
/// The most callbacks that are told of one run.
const MAX_CALLBACKS: usize = 16;

/// Who does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The main program.
    Main,
    /// A callback inside an interrupt.
    Hard,
    /// A callback of a timer or pin that the scheduler runs.
    Soft,
    /// A function that the program itself queued.
    Scheduled,
}

/// A variable that was read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Instructions since the window's first boundary.
    pub instruction: u32,
    /// Ticks of 1/480 MHz since then.
    pub ticks: Tick,
    /// Who.
    pub side: Side,
    /// Written; otherwise read.
    pub writes: bool,
    /// What.
    pub variable: Variable,
    /// The value read or written, in Python's words.
    pub value: String,
    /// The bytecode that did it.
    pub place: Option<Place>,
}

/// A callback, or whatever else the interrupt or the scheduler called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Callback {
    /// What kind.
    pub side: Side,
    /// Its first instruction, and the one after its last, from the window's first boundary.
    pub instructions: (u32, Option<u32>),
    /// The same in ticks.
    pub ticks: (Tick, Option<Tick>),
}

/// A variable that both sides use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    /// Which.
    pub variable: Variable,
    /// Its value at the window's first boundary.
    pub before: String,
    /// Its value at the closing mark, or where the run ended instead.
    pub after: String,
}

/// What the chip was about to do where the first interrupt arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Addresses of the instructions just executed, the oldest first.
    pub behind: Vec<u32>,
    /// Address of the next instruction, and of those that would follow it in memory.
    pub pc: u32,
    /// The integer registers.
    pub registers: [u32; 32],
    /// How many instructions of this function were executed since it was entered, or returned to.
    pub nth: u32,
}

/// One run, told.
#[derive(Clone, Debug)]
pub struct Story {
    /// What became of it.
    pub run: Run,
    /// Every variable that was read or written in the window, in order.
    pub steps: Vec<Step>,
    /// Whether there were more of them.
    pub cut: bool,
    /// What ran in between.
    pub callbacks: Vec<Callback>,
    /// The variables that more than one side uses and at least one writes.
    pub shared: Vec<Shared>,
    /// Where the chip was when the first interrupt arrived.
    pub moment: Option<Moment>,
    /// What the board printed during the run.
    pub console: String,
    /// Whether the closing mark was reached while a callback was still to run.
    pub unfinished: bool,
}

impl Story {
    /// The steps at shared variables.
    pub fn shared_steps(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| self.shared.iter().any(|shared| shared.variable == step.variable))
    }
}

/// Collects what one instruction does.
#[derive(Default)]
struct Look {
    accesses: Vec<Access>,
    trapped: Option<TrapRecord>,
    returned: bool,
}

impl Look {
    fn forget(&mut self) {
        self.accesses.clear();
        (self.trapped, self.returned) = (None, false);
    }
}

impl Observer for Look {
    const STEPS: bool = true;

    fn trap(&mut self, record: &TrapRecord) {
        self.trapped = Some(*record);
    }

    fn mret(&mut self, _instructions: u64, _now: Tick, _from: u32, _to: u32) {
        self.returned = true;
    }

    fn access(&mut self, access: &Access) {
        self.accesses.push(*access);
    }
}

/// A callback that has not returned yet.
enum Open {
    /// Inside an interrupt; until its MRET.
    Interrupt(Option<usize>),
    /// Called by the scheduler; until it returns to this address with this stack pointer.
    Call { to: u32, sp: u32, index: Option<usize>, side: Side },
}

/// A story being told.
struct Telling {
    steps: Vec<Step>,
    cut: bool,
    callbacks: Vec<Callback>,
    open: Vec<Open>,
    globals: Globals,
    touched: BTreeMap<Variable, Touched>,
}

/// Which sides touch which variables.
pub(crate) type Sides = BTreeMap<Variable, BTreeSet<Side>>;

/// Who touched a variable.
struct Touched {
    address: Range<u32>,
    sides: BTreeSet<Side>,
    written: bool,
}

impl Window {
    /// Runs from the window's first boundary with interrupts at `arrivals`, and tells what happened.
    pub fn tell(&mut self, arrivals: &Arrivals<'_>) -> Story {
        if self.own_sides.is_none() && !arrivals.at.is_empty() {
            self.tell(&Arrivals { source: arrivals.source, at: &[] });
        }
        self.machine.restore(&self.begin);
        for &at in arrivals.at {
            // Refused only for sources without an event, which never arrive.
            let _ = self.machine.raise_at(self.first_instruction + u64::from(at), Injection::Source(arrivals.source));
        }
        let first = self.listings.first().map_or(0, |listing| listing.context);
        // A driver that stands around the program has globals of its own, in which nothing is shared.
        let of_program = self.listings.iter().map(|listing| listing.context).find(|context| *context != first);
        let context = if self.has_voice() { of_program.unwrap_or(first) } else { first };
        let globals = Globals::read(self.machine.memory(), &self.symbols, self.layout.last_pool, context);
        let mut telling = Telling {
            steps: Vec::new(),
            cut: false,
            callbacks: Vec::new(),
            open: Vec::new(),
            globals,
            touched: BTreeMap::new(),
        };
        let first_tick = self.machine.ticks();
        let deadline = Deadline::after(&self.machine, self.limits.run_instructions, self.limits.ticks);
        let mut moment = None;
        let (mut recent, mut look) = (Recent::default(), Look::default());
        loop {
            let now = self.instructions_so_far();
            if moment.is_none() && arrivals.at.first() == Some(&now) {
                moment = Some(recent.moment(self.machine.hart().pc, *self.machine.hart().x.all()));
            }
            if moment.is_none() {
                recent.executes(self.machine.hart().pc, &self.symbols);
            }
            look.forget();
            let stop = self.machine.run_observed(deadline.tick, self.machine.instructions() + 1, &mut look);
            self.follow(&mut telling, &look, now, first_tick);
            match stop {
                Stop::Breakpoint(pc)
                    if pc == self.hooks.mark
                        && self.believed().is_some_and(|reached| reached.mark == self.end_mark) =>
                {
                    break;
                }
                Stop::Breakpoint(pc) if pc == self.hooks.scheduled => {
                    recent.forget_last();
                    self.begin_scheduled(&mut telling, now, first_tick);
                }
                Stop::Breakpoint(_) => recent.forget_last(),
                Stop::InstructionCount | Stop::Output(_) | Stop::Pin(_) => {}
                _ => break,
            }
            if self.machine.instructions() >= deadline.instructions {
                break;
            }
        }
        let unfinished = telling.callbacks.is_empty() || telling.callbacks.iter().any(|c| c.instructions.1.is_none());
        let shared = self.shared(&telling, !arrivals.at.is_empty());
        // The verdict is that of the run at full speed, which is the same run.
        let run = self.try_arrivals(arrivals);
        let console = console_text(&mut self.machine);
        let Telling { steps, cut, callbacks, .. } = telling;
        Story { run, steps, cut, callbacks, shared, moment, console, unfinished }
    }

    /// The shared variables, with their values here and at the window's first boundary, to which the
    /// machine goes back.
    fn shared(&mut self, telling: &Telling, arrived: bool) -> Vec<Shared> {
        // A program that queues functions of its own shares variables with them without any interrupt.
        if !arrived {
            let sides = telling.touched.iter().map(|(variable, touched)| (variable.clone(), touched.sides.clone()));
            self.own_sides = Some(sides.collect());
        }
        let own_sides = self.own_sides.clone().unwrap_or_default();
        let is_shared = |variable: &Variable, touched: &Touched| {
            touched.written && touched.sides.len() > 1 && own_sides.get(variable) != Some(&touched.sides)
        };
        let shared = || telling.touched.iter().filter(|(variable, touched)| is_shared(variable, touched));
        let values = |memory: &Memory| -> Vec<String> {
            shared().map(|(_, touched)| telling.globals.present(memory, touched.address.clone())).collect()
        };
        let after = values(self.machine.memory());
        self.machine.restore(&self.begin);
        let before = values(self.machine.memory());
        let values = before.into_iter().zip(after);
        shared()
            .zip(values)
            .map(|((variable, _), (before, after))| Shared { variable: variable.clone(), before, after })
            .collect()
    }

    /// Takes in what one instruction did, which was the `now`th of the window.
    fn follow(&mut self, telling: &mut Telling, look: &Look, now: u32, first_tick: Tick) {
        if let Some(record) = &look.trapped
            && matches!(record.trap, Trap::Interrupt(_))
        {
            let index = telling.begins(Side::Hard, now, record.now.saturating_sub(first_tick));
            telling.open.push(Open::Interrupt(index));
        }
        let side = telling.side();
        for access in &look.accesses {
            if access.store && telling.globals.is_table_pointer(access.address) {
                telling.globals.refresh(self.machine.memory());
                continue;
            }
            let Some((address, variable)) = telling.globals.variable_at(access.address) else { continue };
            if address.len() != access.width.bytes() {
                continue;
            }
            let value = telling.globals.value_text(self.machine.memory(), access.address, access.value);
            let place = self.place();
            let touched = telling.touched.entry(variable.clone()).or_insert_with(|| Touched {
                address,
                sides: BTreeSet::new(),
                written: false,
            });
            touched.sides.insert(side);
            touched.written |= access.store;
            if telling.steps.len() >= MAX_STEPS {
                telling.cut = true;
                continue;
            }
            let ticks = self.machine.ticks().saturating_sub(first_tick);
            telling.steps.push(Step { instruction: now, ticks, side, writes: access.store, variable, value, place });
        }
        // The VM's place is followed at every instruction: between a fetch and the next dispatch it
        // is the one before.
        self.place();
        let ticks = self.machine.ticks().saturating_sub(first_tick);
        if look.returned
            && let Some(at) = telling.open.iter().rposition(|open| matches!(open, Open::Interrupt(_)))
        {
            telling.ends(at, now + 1, ticks);
        }
        let hart = self.machine.hart();
        let (pc, sp) = (hart.pc, hart.x.get(Reg::X2));
        let returned = telling
            .open
            .iter()
            .rposition(|open| matches!(open, Open::Call { to, sp: at, .. } if *to == pc && *at == sp));
        if let Some(at) = returned {
            telling.ends(at, now + 1, ticks);
        }
    }

    /// `port_call_scheduled(function, argument)` is about to begin.
    fn begin_scheduled(&mut self, telling: &mut Telling, now: u32, first_tick: Tick) {
        let hart = self.machine.hart();
        let (to, sp, function) = (hart.x.get(Reg::X1), hart.x.get(Reg::X2), hart.x.get(Reg::X10));
        let side = if function == self.hooks.soft_entry { Side::Soft } else { Side::Scheduled };
        let index = telling.begins(side, now, self.machine.ticks().saturating_sub(first_tick));
        telling.open.push(Open::Call { to, sp, index, side });
    }
}

impl Telling {
    fn side(&self) -> Side {
        match self.open.last() {
            None => Side::Main,
            Some(Open::Interrupt(_)) => Side::Hard,
            Some(Open::Call { side, .. }) => *side,
        }
    }

    fn begins(&mut self, side: Side, at: u32, ticks: Tick) -> Option<usize> {
        if self.callbacks.len() >= MAX_CALLBACKS {
            return None;
        }
        self.callbacks.push(Callback { side, instructions: (at, None), ticks: (ticks, None) });
        Some(self.callbacks.len() - 1)
    }

    /// What is open at `at`, and all inside it, ends.
    fn ends(&mut self, at: usize, instruction: u32, ticks: Tick) {
        for open in self.open.drain(at..) {
            let (Open::Interrupt(index) | Open::Call { index, .. }) = open;
            if let Some(callback) = index.and_then(|index| self.callbacks.get_mut(index)) {
                callback.instructions.1 = Some(instruction);
                callback.ticks.1 = Some(ticks);
            }
        }
    }
}

/// The instructions executed last, and where the present function began.
#[derive(Default)]
struct Recent {
    pcs: std::collections::VecDeque<u32>,
    function: Option<u32>,
    nth: u32,
}

/// As many instructions are shown before the one that is interrupted.
const BEHIND: usize = 6;

impl Recent {
    fn executes(&mut self, pc: u32, symbols: &inspector::symbols::Symbols) {
        let function = symbols.function_at(pc).map(|(_, offset)| pc - offset);
        if function != self.function {
            self.function = function;
            self.nth = 0;
        }
        self.nth += 1;
        self.pcs.push_back(pc);
        if self.pcs.len() > BEHIND {
            self.pcs.pop_front();
        }
    }

    /// A breakpoint stopped before the instruction.
    fn forget_last(&mut self) {
        self.pcs.pop_back();
        self.nth = self.nth.saturating_sub(1);
    }

    fn moment(&self, pc: u32, registers: [u32; 32]) -> Moment {
        Moment { behind: self.pcs.iter().copied().collect(), pc, registers, nth: self.nth }
    }
}

//! Arrivals that cannot differ: neighbours between which main does nothing that the interrupt could
//! notice, and nothing that notices the interrupt.
//!
//! Between the delivery of an arrival and that of its neighbour lies one instruction of main. If it
//! touches nothing that the handler stores, and stores nothing that the handler loads, both orders
//! come to the same. The handler is looked at anew in every class, because it may do something else
//! later (a dictionary that grows). Instructions that access a device or a CSR always begin a class.
//!
//! Time is what two neighbours never have in common, so this holds only where nobody looks at it. The
//! firmware itself reads the clock in every interrupt (latencies, the next alarm) and in `lab.mark`,
//! for its own records; that is why two things are checked and not assumed. Outside that bookkeeping
//! no instruction from the window to the finishing mark may access a device other than the interrupt
//! controller, or read a cycle counter. And the first and the last arrival of a class must execute the
//! same instructions on the same loaded values, in all of the callback and from there to the end.
//! Where either fails, nothing is left out: see [`Partition::sound`].

use std::collections::HashSet;
use std::ops::Range;

use emulator::cpu::{Access, Observer, Op, Reg, Step, Trap, TrapRecord};
use emulator::{Injection, Source, Stop};

use crate::explore::Run;
use crate::window::{Deadline, FINISH_MARK, Window};

/// Addresses from here on are devices.
const DEVICES: u32 = 0x6000_0000;
/// SYSTEM and INTERRUPT_CORE0: configuration of the interrupt controller, which knows no time.
const TIMELESS: [Range<u32>; 2] = [0x600C_0000..0x600C_1000, 0x600C_2000..0x600C_3000];
/// A trap follows its interrupt by this many instructions at most, unless interrupts are off.
const PROMPT: u32 = 2;

/// Neighbouring arrivals that cannot differ.
#[derive(Clone, Debug)]
pub struct Class {
    /// Indices in the positions that were asked about.
    pub members: Range<usize>,
    /// What became of the first of them.
    pub run: Run,
}

/// All arrivals, in classes.
#[derive(Clone, Debug)]
pub struct Partition {
    /// The classes, in order, without gaps.
    pub classes: Vec<Class>,
    /// Why every arrival is a class of its own, if so: `clock` where time is looked at, `differs` where
    /// the two ends of a class do not do the same, `firmware` where its own records are not known.
    pub unsound: Option<&'static str>,
}

impl Partition {
    /// Whether one member stands for its class.
    #[must_use]
    pub fn sound(&self) -> bool {
        self.unsound.is_none()
    }
}

/// What calls and returns do to the depth of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Straight,
    Call,
    Return,
}

/// One executed instruction.
#[derive(Clone, Copy, Debug)]
struct Executed {
    pc: u32,
    flow: Flow,
    /// It may change, or depend on, what no address names: CSRs, waiting, traps.
    barrier: bool,
    /// It reads a cycle counter.
    counter: bool,
    /// Where its accesses begin in the list.
    accesses: usize,
}

/// A run, instruction by instruction.
#[derive(Default)]
struct Record {
    executed: Vec<Executed>,
    accesses: Vec<Access>,
    /// Handlers: from the instruction after the trap to the one after MRET.
    handlers: Vec<Range<usize>>,
    /// The handler that has not returned yet.
    open: Vec<usize>,
}

impl Observer for Record {
    const STEPS: bool = true;

    fn trap(&mut self, record: &TrapRecord) {
        if matches!(record.trap, Trap::Interrupt(_)) {
            self.open.push(self.executed.len());
        }
    }

    fn mret(&mut self, _instructions: u64, _now: emulator::bus::Tick, _from: u32, _to: u32) {
        if let Some(from) = self.open.pop() {
            self.handlers.push(from..self.executed.len());
        }
    }

    fn step(&mut self, step: &Step) {
        let flow = match step.op {
            Op::Jal { rd: Reg::X1, .. } | Op::Jalr { rd: Reg::X1, .. } => Flow::Call,
            Op::Jalr { rd: Reg::X0, rs1: Reg::X1, .. } => Flow::Return,
            _ => Flow::Straight,
        };
        let csr = match step.op {
            Op::Csrrw { csr, .. } | Op::Csrrs { csr, .. } | Op::Csrrc { csr, .. } => Some(csr),
            Op::Csrrwi { csr, .. } | Op::Csrrsi { csr, .. } | Op::Csrrci { csr, .. } => Some(csr),
            _ => None,
        };
        let stops = matches!(step.op, Op::Mret | Op::Wfi | Op::Ecall | Op::Ebreak | Op::Illegal { .. });
        self.executed.push(Executed {
            pc: step.pc,
            flow,
            barrier: csr.is_some() || stops,
            // mpccr, mcycle, minstret and their user-mode shadows.
            counter: csr.is_some_and(|csr| {
                matches!(csr, 0x7E2 | 0x802) || matches!(csr & 0xF7F, 0xB00 | 0xB02 | 0xC00..=0xC02)
            }),
            accesses: self.accesses.len(),
        });
    }

    fn access(&mut self, access: &Access) {
        self.accesses.push(*access);
    }
}

/// Where the firmware keeps records of its own.
struct Bookkeeping {
    /// Functions, by entry, that main calls and that note something: marks, points of the timeline,
    /// callbacks, and how long interrupts were off. No program can ask for what they note. What they
    /// do to the interrupt controller begins a class all the same.
    notes: [u32; 7],
    /// The function in whose extent an interrupt runs Python.
    python: u32,
    stack: Range<u32>,
}

impl Record {
    fn accesses_of(&self, index: usize) -> &[Access] {
        let from = self.executed[index].accesses;
        let to = self.executed.get(index + 1).map_or(self.accesses.len(), |next| next.accesses);
        &self.accesses[from..to]
    }

    /// Whether it must begin a class.
    fn is_barrier(&self, index: usize) -> bool {
        let Some(executed) = self.executed.get(index) else { return true };
        executed.barrier || self.accesses_of(index).iter().any(|access| access.address >= DEVICES)
    }

    /// For each instruction, whether it belongs to the firmware's bookkeeping.
    fn bookkeeping(&self, what: &Bookkeeping) -> Vec<bool> {
        let mut result = Vec::with_capacity(self.executed.len());
        // Call depth, and since which depth a note, or Python in a handler, goes on. The window opens in
        // the hook of `lab.mark`, which a note has called.
        let (mut depth, mut since): (i32, Option<i32>) = (0, Some(-1));
        let mut outer = None;
        for (index, executed) in self.executed.iter().enumerate() {
            if self.handlers.iter().any(|handler| handler.start == index) && outer.is_none() {
                outer = Some((depth, since));
                (depth, since) = (0, None);
            }
            let begins = match outer {
                Some(_) => executed.pc == what.python,
                None => what.notes.contains(&executed.pc),
            };
            if begins && since.is_none() {
                since = Some(depth);
            }
            // In a handler all is bookkeeping but Python; in main only the notes are.
            result.push(since.is_some() != outer.is_some());
            match executed.flow {
                Flow::Straight => {}
                Flow::Call => depth += 1,
                Flow::Return => {
                    if since == Some(depth) {
                        since = None;
                    }
                    depth -= 1;
                }
            }
            if let Some((main_depth, main_since)) = outer
                && self.handlers.iter().any(|handler| handler.end == index + 1)
            {
                (depth, since) = (main_depth, main_since);
                outer = None;
            }
        }
        result
    }

    /// Whether anybody but the bookkeeping looks at the time or at a device.
    fn looks_at_time(&self, bookkeeping: &[bool]) -> bool {
        (0..self.executed.len()).filter(|&index| !bookkeeping[index]).any(|index| {
            let device = |access: &Access| {
                access.address >= DEVICES && !TIMELESS.iter().any(|timeless| timeless.contains(&access.address))
            };
            self.executed[index].counter || self.accesses_of(index).iter().any(device)
        })
    }

    /// What a handler loads and stores outside the stack, in words.
    fn touched(&self, handler: &Range<usize>, stack: &Range<u32>) -> (HashSet<u32>, HashSet<u32>) {
        let (mut loads, mut stores) = (HashSet::new(), HashSet::new());
        for index in handler.clone() {
            for access in self.accesses_of(index).iter().filter(|access| !stack.contains(&access.address)) {
                let set = if access.store { &mut stores } else { &mut loads };
                set.extend(words(access));
            }
        }
        (loads, stores)
    }

    /// What is executed outside the bookkeeping, with what it loads from outside the stack: in the
    /// handler, and after it.
    fn essence(&self, bookkeeping: &[bool], stack: &Range<u32>, from: usize) -> Vec<(u32, u32)> {
        let all = (from..self.executed.len()).filter(|&index| !bookkeeping[index]);
        all.map(|index| {
            let loads = self.accesses_of(index).iter();
            let load = loads.filter(|access| !access.store && !stack.contains(&access.address)).map(|a| a.value);
            // The stack lies where main has left it: pointers to it differ, and mean the same.
            let load = load.filter(|value| !stack.contains(value));
            (self.executed[index].pc, load.fold(0, u32::wrapping_add))
        })
        .collect()
    }
}

/// The words that an access touches.
fn words(access: &Access) -> [u32; 2] {
    let last = access.address.wrapping_add(access.width.bytes() as u32 - 1);
    [access.address & !3, last & !3]
}

impl Window {
    /// Puts further arrivals into classes: the run with interrupts at `base` gets one more at each of
    /// `positions`, which are counts of instructions in increasing order.
    pub fn partition(&mut self, source: Source, base: &[u32], positions: &[u32]) -> Partition {
        let unsound = |window: &mut Self, why| Partition {
            classes: window.one_by_one(source, base, positions),
            unsound: Some(why),
        };
        let Some(what) = self.bookkeeping() else { return unsound(self, "firmware") };
        let main = self.record(source, base);
        if main.looks_at_time(&main.bookkeeping(&what)) {
            return unsound(self, "clock");
        }
        let mut classes = Vec::new();
        let mut first = 0;
        while first < positions.len() {
            let sample = self.sample(source, base, positions[first]);
            let notes = sample.record.bookkeeping(&what);
            if sample.record.looks_at_time(&notes) {
                return unsound(self, "clock");
            }
            let end = extent(&main, &sample, positions, first, &what.stack);
            if end - first > 1 {
                let last = self.sample(source, base, positions[end - 1]);
                let last_notes = last.record.bookkeeping(&what);
                let same = match (&sample.handler, &last.handler) {
                    (Some(a), Some(b)) => {
                        sample.record.essence(&notes, &what.stack, a.start)[..].ends_with(&last.record.essence(
                            &last_notes,
                            &what.stack,
                            b.end,
                        )) && sample.inside(&notes, &what.stack) == last.inside(&last_notes, &what.stack)
                    }
                    (None, None) => true,
                    _ => false,
                };
                if !same || sample.run.values != last.run.values || sample.run.end != last.run.end {
                    return unsound(self, "differs");
                }
            }
            classes.push(Class { members: first..end, run: sample.run });
            first = end;
        }
        Partition { classes, unsound: None }
    }

    /// Every arrival a class of its own.
    fn one_by_one(&mut self, source: Source, base: &[u32], positions: &[u32]) -> Vec<Class> {
        let mut classes = Vec::with_capacity(positions.len());
        for (index, &position) in positions.iter().enumerate() {
            let run = self.with_one_more(source, base, position);
            classes.push(Class { members: index..index + 1, run });
        }
        classes
    }

    fn with_one_more(&mut self, source: Source, base: &[u32], position: u32) -> Run {
        let all: Vec<u32> = base.iter().copied().chain([position]).collect();
        self.try_arrivals(&crate::explore::Arrivals { source, at: &all })
    }

    fn sample(&mut self, source: Source, base: &[u32], position: u32) -> Sample {
        let all: Vec<u32> = base.iter().copied().chain([position]).collect();
        let record = self.record(source, &all);
        // The handler of the last arrival; one that merges with an earlier one has none of its own.
        let handler = record.handlers.iter().find(|handler| handler.start >= position as usize).cloned();
        Sample { run: self.with_one_more(source, base, position), record, handler }
    }

    /// Boundaries of the run with interrupts at `base` at which main itself is about to execute, and
    /// not a handler or a callback, from `from` on up to the closing mark.
    pub fn boundaries_of_main(&mut self, source: Source, base: &[u32], from: u32) -> Vec<u32> {
        let record = self.record_to(source, base, self.end_mark);
        let soft_entry = self.symbols.address("soft_entry").ok();
        let (mut depth, mut callback) = (0, None);
        let mut found = Vec::new();
        for (index, executed) in record.executed.iter().enumerate() {
            if record.handlers.iter().any(|handler| handler.contains(&index)) {
                continue;
            }
            if Some(executed.pc) == soft_entry && callback.is_none() {
                callback = Some(depth);
            }
            if callback.is_none() && index as u32 >= from {
                found.push(index as u32);
            }
            match executed.flow {
                Flow::Straight => {}
                Flow::Call => depth += 1,
                Flow::Return => {
                    if callback == Some(depth) {
                        callback = None;
                    }
                    depth -= 1;
                }
            }
        }
        found
    }

    fn bookkeeping(&self) -> Option<Bookkeeping> {
        let address = |name| self.symbols.address(name).ok();
        Some(Bookkeeping {
            notes: [
                address("fw_mark")?,
                address("fw_trace")?,
                address("fw_trigger")?,
                address("fw_soft_enter")?,
                address("fw_soft_exit")?,
                address("fw_lesson_irq_disable")?,
                address("fw_lesson_irq_enable")?,
            ],
            python: address("port_irq_hard")?,
            stack: address("_stack_end")?..address("_stack_start")?,
        })
    }

    /// The run with these interrupts, from the window's first boundary to the finishing mark.
    fn record(&mut self, source: Source, at: &[u32]) -> Record {
        self.record_to(source, at, FINISH_MARK)
    }

    fn record_to(&mut self, source: Source, at: &[u32], mark: u32) -> Record {
        self.machine.restore(&self.begin);
        for &at in at {
            // Refused only for sources without an event, which never arrive.
            let _ = self.machine.raise_at(self.first_instruction + u64::from(at), Injection::Source(source));
        }
        let deadline = Deadline::after(&self.machine, self.limits.run_instructions, self.limits.ticks);
        let mut record = Record::default();
        loop {
            match self.machine.run_observed(deadline.tick, deadline.instructions, &mut record) {
                Stop::Breakpoint(pc)
                    if pc == self.hooks.mark && self.believed().is_some_and(|reached| reached.mark == mark) =>
                {
                    break;
                }
                Stop::Breakpoint(_) | Stop::Output(_) | Stop::Pin(_) => {}
                _ => break,
            }
        }
        record
    }
}

/// One arrival, recorded.
struct Sample {
    run: Run,
    record: Record,
    handler: Option<Range<usize>>,
}

impl Sample {
    /// What the handler does outside the bookkeeping.
    fn inside(&self, bookkeeping: &[bool], stack: &Range<u32>) -> Vec<(u32, u32)> {
        let Some(handler) = &self.handler else { return Vec::new() };
        let all = self.record.essence(bookkeeping, stack, handler.start);
        let after = self.record.essence(bookkeeping, stack, handler.end).len();
        all[..all.len() - after].to_vec()
    }
}

/// The index after the last position that is in one class with the one at `first`.
fn extent(main: &Record, sample: &Sample, positions: &[u32], first: usize, stack: &Range<u32>) -> usize {
    let Some(handler) = &sample.handler else {
        // Never delivered, or one with an earlier interrupt: each for itself.
        return first + 1;
    };
    let (loads, stores) = sample.record.touched(handler, stack);
    let delay = handler.start as u32 - positions[first];
    let conflict = |index: usize| {
        main.is_barrier(index)
            || main.accesses_of(index).iter().any(|access| {
                let touches = |set: &HashSet<u32>| words(access).iter().any(|word| set.contains(word));
                touches(&stores) || (access.store && touches(&loads))
            })
    };
    let mut end = first + 1;
    while end < positions.len() && positions[end] == positions[end - 1] + 1 {
        let before = positions[end - 1] as usize;
        let apart = match delay <= PROMPT {
            // One more instruction of main comes before the handler.
            true => main.is_barrier(before) || (before..=before + delay as usize).any(conflict),
            // Both wait for the same instruction that lets interrupts in again.
            false => main.is_barrier(before) || before + 2 >= handler.start,
        };
        if apart {
            break;
        }
        end += 1;
    }
    end
}

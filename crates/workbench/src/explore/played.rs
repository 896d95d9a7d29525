//! One arrival, played and shown in detail.

use emulator::bus::{TICKS_PER_SECOND, Tick};
use explorer::outcome::Verdict;
use explorer::story::{Moment, Side};
use inspector::disassemble::{line_at, register_name};
use serde::Serialize;
use serde_json::{Map, Value};

use super::told::{ToldStep, after, before};
use super::{Exploration, ExploreError};
use course::Text;

/// Instructions shown from the boundary on.
const AHEAD: usize = 3;

/// One arrival, played.
#[derive(Debug, Serialize)]
pub struct Played {
    /// Before which instruction of the window.
    pub at: u32,
    /// Before which instruction of the run a second one arrives, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second: Option<u32>,
    /// How many arrivals there are.
    pub of: u32,
    /// What became of it.
    pub verdict: Verdict,
    /// What the program reported at the end.
    pub values: Map<String, Value>,
    /// The word that plays it again.
    pub word: String,
    /// Where the interrupt was delivered, in instructions from the window's first.
    pub delivered: Option<u32>,
    /// Whether it was held back, because interrupts were off.
    pub deferred: bool,
    /// What main was doing.
    pub python: Option<Python>,
    /// What the chip was doing.
    pub machine: Option<MachineAt>,
    /// The integer registers that hold something.
    registers: Vec<Register>,
    /// What happened to shared variables, in order.
    pub steps: Vec<TimedStep>,
    /// Shared variables at the window's first boundary.
    pub before: Map<String, Value>,
    /// Shared variables at its end.
    pub after: Map<String, Value>,
    /// What ran besides main.
    callbacks: Vec<CallbackTimes>,
    /// What the board printed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub console: String,
    /// What happened, in words.
    pub sentence: Text,
}

/// The bytecode in progress, and its neighbours.
#[derive(Debug, Serialize)]
pub struct Python {
    text: &'static str,
    function: String,
    /// The source line, from 1.
    pub line: u32,
    offset: u32,
    /// The operation.
    pub opcode: &'static str,
    /// Its argument.
    pub argument: String,
    /// The bytecodes of the same lines.
    bytecodes: Vec<BytecodeState>,
}

#[derive(Debug, Serialize)]
struct BytecodeState {
    line: u32,
    offset: u32,
    opcode: &'static str,
    argument: String,
    /// `done`, `in_progress` or `to_come`, in the order of the addresses.
    state: &'static str,
}

/// The machine instructions around the boundary.
#[derive(Debug, Serialize)]
pub struct MachineAt {
    /// Address of the next instruction, in hexadecimal.
    pub pc: String,
    /// The firmware's function.
    pub function: Option<String>,
    /// Bytes from its first instruction.
    pub offset: Option<u32>,
    /// Which instruction of this visit to the function is next.
    nth: u32,
    code: Vec<MachineCode>,
}

#[derive(Debug, Serialize)]
struct MachineCode {
    pc: String,
    function: Option<String>,
    text: String,
    /// Executed before the interrupt arrives.
    done: bool,
}

#[derive(Debug, Serialize)]
struct Register {
    name: &'static str,
    value: String,
    /// What it is if it is one of Python's small integers.
    #[serde(skip_serializing_if = "Option::is_none")]
    integer: Option<i32>,
}

/// A step with its time.
#[derive(Debug, Serialize)]
pub struct TimedStep {
    #[serde(flatten)]
    step: ToldStep,
    /// Instructions since the window's first boundary.
    at: u32,
    /// Nanoseconds since then.
    ns: u64,
}

impl std::fmt::Display for TimedStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ToldStep { side, does, name, value, function, line, .. } = &self.step;
        let side = format!("{side:?}").to_lowercase();
        write!(f, "{:6}     {side} {does} {name} = {value} ({function}, line {line})", self.at)
    }
}

#[derive(Debug, Serialize)]
struct CallbackTimes {
    side: Side,
    entered_ns: u64,
    returned_ns: Option<u64>,
}

impl Exploration {
    /// Plays one arrival, or two, and tells what came of it.
    ///
    /// # Errors
    /// [`ExploreError::NoArrival`].
    pub fn play(&mut self, at: u32, second: Option<u32>) -> Result<Played, ExploreError> {
        if at >= self.arrivals() {
            return Err(ExploreError::NoArrival { last: self.arrivals() - 1 });
        }
        let all: Vec<u32> = [at].into_iter().chain(second).collect();
        let story = self.window.tell(&self.arrivals_at(&all));
        let delivered = story.run.delivered.first().map(|delivery| delivery.instruction);
        let (before, after) = (before(&story), after(&story));
        let steps = self.steps(&story).into_iter().zip(story.shared_steps());
        let steps = steps.map(|(step, timed)| TimedStep { step, at: timed.instruction, ns: nanoseconds(timed.ticks) });
        let callbacks = story.callbacks.iter().map(|callback| CallbackTimes {
            side: callback.side,
            entered_ns: nanoseconds(callback.ticks.0),
            returned_ns: callback.ticks.1.map(nanoseconds),
        });
        Ok(Played {
            at,
            second,
            of: self.arrivals(),
            verdict: self.verdict(&story.run),
            values: self.named(&story.run.values),
            word: self.replay(at, second).word,
            delivered,
            deferred: delivered.is_some_and(|delivered| delivered > at + 2),
            python: self.python(at),
            machine: story.moment.as_ref().map(|moment| self.machine_at(moment)),
            registers: story.moment.as_ref().map(registers).unwrap_or_default(),
            steps: steps.collect(),
            before,
            after,
            callbacks: callbacks.collect(),
            sentence: self.sentence(&story, at, &Map::new()),
            console: story.console,
        })
    }

    /// The bytecode in progress, with all of its line.
    fn python(&self, at: u32) -> Option<Python> {
        let place = self.window.boundaries.get(at as usize)?.place?;
        let listing = self.window.listings.get(usize::from(place.listing))?;
        let here = usize::from(place.instruction);
        let line = listing.lines.get(here)?;
        let of_line = listing.lines.iter().enumerate().filter(|(_, other)| other.line == line.line);
        let bytecodes = of_line.map(|(index, other)| BytecodeState {
            line: other.line,
            offset: other.instruction.offset,
            opcode: other.instruction.opcode,
            argument: other.argument.clone(),
            state: match index.cmp(&here) {
                std::cmp::Ordering::Less => "done",
                std::cmp::Ordering::Equal => "in_progress",
                std::cmp::Ordering::Greater => "to_come",
            },
        });
        Some(Python {
            text: self.text_of(place),
            function: listing.name.clone(),
            line: line.line,
            offset: line.instruction.offset,
            opcode: line.instruction.opcode,
            argument: line.argument.clone(),
            bytecodes: bytecodes.collect(),
        })
    }

    fn machine_at(&self, moment: &Moment) -> MachineAt {
        let symbols = &self.firmware.symbols;
        let function = |pc| symbols.function_at(pc).map(|(name, _)| name.to_owned());
        let memory = self.window.memory();
        let code = |pc: u32, text: String, done| MachineCode { pc: hex(pc), function: function(pc), text, done };
        let mut lines: Vec<MachineCode> = moment
            .behind
            .iter()
            .filter_map(|&pc| line_at(memory, pc))
            .map(|line| code(line.pc, line.text, true))
            .collect();
        let mut pc = moment.pc;
        for _ in 0..AHEAD {
            let Some(line) = line_at(memory, pc) else { break };
            pc = pc.wrapping_add(line.len);
            lines.push(code(line.pc, line.text, false));
        }
        MachineAt {
            pc: hex(moment.pc),
            function: function(moment.pc),
            offset: symbols.function_at(moment.pc).map(|(_, offset)| offset),
            nth: moment.nth,
            code: lines,
        }
    }
}

fn registers(moment: &Moment) -> Vec<Register> {
    let all = moment.registers.iter().enumerate().skip(1);
    all.map(|(number, &value)| Register {
        name: register_name(number),
        value: hex(value),
        // Object representation A: the lowest bit tells a small integer.
        integer: (value & 1 == 1).then_some(value.cast_signed() >> 1).filter(|integer| integer.abs() < 1 << 20),
    })
    .collect()
}

fn hex(value: u32) -> String {
    format!("{value:08x}")
}

/// Ticks of 1/480 MHz as nanoseconds.
fn nanoseconds(ticks: Tick) -> u64 {
    (u128::from(ticks) * 1_000_000_000 / u128::from(TICKS_PER_SECOND)) as u64
}

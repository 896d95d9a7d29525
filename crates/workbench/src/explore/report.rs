//! The report: every arrival's outcome, in pieces that are alike, with all that a page needs to show
//! any of them without asking again.

use explorer::outcome::{Interval, Verdict, intervals, statement, stretches};
use explorer::story::Story;
use serde::Serialize;
use serde_json::{Map, Value};

use super::told::{Told, ToldRange};
use super::words;
use super::{Exploration, Pairs, Replay, Share, Tried};
use crate::driven;
use crate::version::BoardVersion;
use course::lesson::Losing;
use course::{Settings, Text};

/// A delivery later than this after the arrival was held back, in instructions. A taken interrupt
/// needs one, see `emulator::cpu::INTERRUPT_LATENCY`.
const PROMPT_INSTRUCTIONS: u32 = 2;

/// What became of every arrival.
#[derive(Debug, Serialize)]
pub struct Report {
    lesson: String,
    /// `lesson`: the lesson's own; `own`: a changed copy of it; `exercise`: one for the exercise.
    program: &'static str,
    settings: Settings,
    seed: u64,
    version: BoardVersion,
    source: String,
    invariant: String,
    /// Machine instructions in the window.
    instructions: u32,
    /// The boundaries of the statement, without the marks around it: first, and the one after the last.
    statement: (u32, u32),
    /// What the program reports without an interrupt.
    undisturbed: Map<String, Value>,
    /// Arrivals tried in the statement, by verdict.
    in_statement: Counts,
    /// Arrivals tried in the whole window, by verdict.
    in_window: Counts,
    /// Arrivals in the statement that were held back because interrupts were off.
    deferred: u32,
    /// The source texts, by line.
    texts: Texts,
    /// The window in pieces of one verdict.
    intervals: Vec<Interval>,
    /// The window in pieces of one way of delivery.
    deliveries: Vec<Deliveries>,
    /// The window in pieces of one bytecode instruction.
    bytecodes: Vec<Bytecode>,
    /// Names of the firmware's functions.
    functions: Vec<String>,
    /// The window in pieces of one function of the firmware: first boundary, the one after the last,
    /// index in `functions` or -1.
    machine: Vec<(u32, u32, i32)>,
    /// Variables that main and the callback share.
    shared: Vec<String>,
    /// The window in pieces in which the same happens to the shared variables, in order.
    stories: Vec<ToldRange>,
    /// Whether there were too many such pieces to tell all of them.
    stories_cut: bool,
    /// The first losing arrival.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_loss: Option<Replay>,
    /// The losing arrival that is told most shortly.
    #[serde(skip_serializing_if = "Option::is_none")]
    shortest_loss: Option<Loss>,
    /// How often the free-running program will lose something, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicted_share: Option<Share>,
    /// What became of two interrupts in the statement, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pairs: Option<Pairs>,
}

/// The source texts, by line.
#[derive(Debug, Serialize)]
struct Texts {
    program: Vec<String>,
    driver: Vec<String>,
}

/// How many arrivals have which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Tried.
    pub tried: u32,
    /// The invariant holds.
    pub kept: u32,
    /// It does not.
    pub lost: u32,
    /// The program ended early, never ended, or the chip was reset.
    pub broken: u32,
}

impl Counts {
    pub(super) fn of(verdicts: impl Iterator<Item = Verdict>) -> Self {
        let mut counts = Self::default();
        for verdict in verdicts {
            counts.tried += 1;
            match verdict {
                Verdict::Kept => counts.kept += 1,
                Verdict::Lost => counts.lost += 1,
                _ => counts.broken += 1,
            }
        }
        counts
    }
}

/// Neighbouring arrivals that are delivered alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct Deliveries {
    from: u32,
    to: u32,
    /// Each is delivered so many instructions after it arrives.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<u32>,
    /// All are held back and delivered before this instruction.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<u32>,
}

/// A stretch of boundaries at which main executes one bytecode instruction.
#[derive(Clone, Debug, Serialize)]
pub struct Bytecode {
    pub(super) from: u32,
    pub(super) to: u32,
    lost: u32,
    /// Which text it comes from: `program` or `driver`.
    pub(super) text: &'static str,
    /// The function.
    pub(super) function: String,
    /// The source line, from 1.
    pub(super) line: u32,
    /// Offset in the function's bytecode.
    offset: u32,
    pub(super) opcode: &'static str,
    pub(super) argument: String,
    /// Whether a scheduled callback may run after it.
    safe_point: bool,
}

/// A losing arrival, in words and ready to be played again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Loss {
    /// Which, and the word that plays it again.
    #[serde(flatten)]
    pub replay: Replay,
    /// What became of it.
    pub verdict: Verdict,
    /// What happened.
    pub sentence: Text,
}

impl Exploration {
    /// Puts everything that was tried into a report.
    pub(super) fn report(&mut self, tried: &[Tried]) -> Report {
        let statement = statement(&self.window);
        let inside = &tried[statement.start as usize..statement.end as usize];
        let points: Vec<_> = tried.iter().map(|tried| tried.point).collect();
        let held_back =
            |at: u32| points[at as usize].delivered.is_some_and(|delivered| delivered > at + PROMPT_INSTRUCTIONS);
        let deferred = statement.clone().filter(|&at| held_back(at)).count() as u32;
        let told = self.told(tried);
        let explorer = self.lesson.explorer.as_ref();
        let driver = explorer.map(|explorer| match (&explorer.exercise_driver, &self.lesson.exercise.driver) {
            (Some(driver), Some(_)) if self.request.exercise => driven::function(driver, &self.request.program),
            (Some(driver), None) if self.request.exercise => driver.clone(),
            _ => explorer.driver.clone(),
        });
        let lines = |text: &str| text.lines().map(str::to_owned).collect();
        let first_loss = points.iter().position(|point| point.verdict != Verdict::Kept);
        let (functions, machine) = self.machine_stretches();
        let report = Report {
            lesson: self.lesson.slug.clone(),
            program: self.program_name(),
            settings: self.request.settings.clone(),
            seed: self.request.seed,
            version: self.version.clone(),
            source: explorer.map(|explorer| explorer.source.clone()).unwrap_or_default(),
            invariant: explorer.map(|explorer| explorer.invariant.text().to_owned()).unwrap_or_default(),
            instructions: self.window.instructions(),
            statement: (statement.start, statement.end),
            undisturbed: self.named(&self.window.undisturbed),
            in_statement: Counts::of(inside.iter().map(|tried| tried.point.verdict)),
            in_window: Counts::of(points.iter().map(|point| point.verdict)),
            deferred,
            texts: Texts { program: lines(&self.request.program), driver: lines(&driver.unwrap_or_default()) },
            intervals: intervals(&points),
            deliveries: deliveries(tried),
            bytecodes: self.bytecodes(tried),
            functions,
            machine,
            shared: told.shared.clone(),
            stories: told.ranges.clone(),
            stories_cut: told.cut,
            first_loss: first_loss.map(|at| self.replay(at as u32, None)),
            shortest_loss: None,
            predicted_share: None,
            pairs: None,
        };
        let shortest = shortest_loss(tried, &statement);
        let shortest_loss = shortest.map(|at| self.loss(at, &told));
        Report { shortest_loss, ..report }
    }

    /// A losing arrival in words.
    fn loss(&mut self, at: u32, told: &Told) -> Loss {
        let story = self.window.tell(&self.arrivals_at(&[at]));
        let sentence = self.sentence(&story, at, &told.expected);
        Loss { replay: self.replay(at, None), verdict: self.verdict(&story.run), sentence }
    }

    pub(super) fn sentence(&self, story: &Story, at: u32, expected: &Map<String, Value>) -> Text {
        let values = self.named(&story.run.values);
        let invariant = self.lesson.explorer.as_ref().map(|explorer| explorer.invariant.text()).unwrap_or_default();
        let told = words::Told {
            steps: self.steps(story),
            callbacks: &story.callbacks,
            verdict: self.verdict(&story.run),
            values: &values,
            invariant,
            expected,
            console: &story.console,
            place: self.bytecode_at(at),
            finished: !story.unfinished,
        };
        words::sentence(&told)
    }

    pub(super) fn program_name(&self) -> &'static str {
        match self.request.exercise {
            true => "exercise",
            false if self.request.program == self.lesson.program => "lesson",
            false => "own",
        }
    }

    /// The bytecode in progress at a boundary.
    pub(super) fn bytecode_at(&self, at: u32) -> Option<Bytecode> {
        let place = self.window.boundaries.get(at as usize)?.place?;
        self.bytecode(place, at, at + 1, 0)
    }

    fn bytecode(&self, place: explorer::window::Place, from: u32, to: u32, lost: u32) -> Option<Bytecode> {
        let listing = self.window.listings.get(usize::from(place.listing))?;
        let line = listing.lines.get(usize::from(place.instruction))?;
        Some(Bytecode {
            from,
            to,
            lost,
            text: self.text_of(place),
            function: listing.name.clone(),
            line: line.line,
            offset: line.instruction.offset,
            opcode: line.instruction.opcode,
            argument: line.argument.clone(),
            safe_point: line.instruction.is_safe_point(),
        })
    }

    fn bytecodes(&self, tried: &[Tried]) -> Vec<Bytecode> {
        let lost = |from: u32, to: u32| {
            let points = &tried[from as usize..to as usize];
            points.iter().filter(|tried| tried.point.verdict == Verdict::Lost).count() as u32
        };
        let known = stretches(&self.window.boundaries).into_iter();
        known.filter_map(|s| self.bytecode(s.place?, s.from, s.to, lost(s.from, s.to))).collect()
    }

    /// Which function of the firmware the chip is in at every boundary.
    fn machine_stretches(&self) -> (Vec<String>, Vec<(u32, u32, i32)>) {
        let mut names: Vec<String> = Vec::new();
        let mut found: Vec<(u32, u32, i32)> = Vec::new();
        for (at, boundary) in (0u32..).zip(&self.window.boundaries) {
            let index = match self.firmware.symbols.function_at(boundary.pc) {
                None => -1,
                Some((name, _)) => names.iter().position(|known| known == name).unwrap_or_else(|| {
                    names.push(name.to_owned());
                    names.len() - 1
                }) as i32,
            };
            match found.last_mut() {
                Some(last) if last.2 == index => last.1 = at + 1,
                _ => found.push((at, at + 1, index)),
            }
        }
        (names, found)
    }
}

/// The losing arrival whose damage is done soonest after it: of those in the statement if there are
/// any, and of the updates lost rather than of the programs broken.
fn shortest_loss(tried: &[Tried], statement: &std::ops::Range<u32>) -> Option<u32> {
    let losing = (0u32..).zip(tried).filter(|(_, tried)| tried.point.verdict != Verdict::Kept);
    let rank = |&(at, tried): &(u32, &Tried)| {
        let outside = !statement.contains(&at);
        let broken = tried.point.verdict != Verdict::Lost;
        let waits = tried.point.delivered.map_or(u32::MAX, |delivered| delivered - at);
        (outside, broken, waits > PROMPT_INSTRUCTIONS, tried.instructions.saturating_sub(at.into()), at)
    };
    losing.min_by_key(rank).map(|(at, _)| at)
}

/// Joins neighbouring arrivals that are delivered alike.
fn deliveries(tried: &[Tried]) -> Vec<Deliveries> {
    let mut found: Vec<Deliveries> = Vec::new();
    for (at, tried) in (0u32..).zip(tried) {
        let delivered = tried.point.delivered;
        let prompt = delivered.map(|delivered| delivered - at).filter(|after| *after <= PROMPT_INSTRUCTIONS);
        let this = Deliveries { from: at, to: at + 1, after: prompt, at: delivered.filter(|_| prompt.is_none()) };
        match found.last_mut() {
            Some(last) if (last.after, last.at) == (this.after, this.at) => last.to = at + 1,
            _ => found.push(this),
        }
    }
    found
}

impl Report {
    /// Where losing arrivals lie in the statement.
    #[must_use]
    pub fn structure(&self) -> Losing {
        let (from, to) = self.statement;
        let losing = self
            .intervals
            .iter()
            .filter(|interval| interval.verdict == Verdict::Lost && interval.from < to && interval.to > from);
        match losing.count() {
            0 => Losing::None,
            1 if self.in_statement.lost == self.in_window.lost => Losing::OneInterval,
            _ => Losing::Some,
        }
    }

    /// Whether losing arrivals lie as a lesson says: one interval is also some.
    #[must_use]
    pub fn agrees_with(&self, losing: Losing) -> bool {
        let structure = self.structure();
        structure == losing || (losing == Losing::Some && structure == Losing::OneInterval)
    }

    /// Arrivals in the statement, by verdict.
    #[must_use]
    pub fn in_statement(&self) -> Counts {
        self.in_statement
    }

    /// Arrivals in the whole window, by verdict.
    #[must_use]
    pub fn in_window(&self) -> Counts {
        self.in_window
    }

    /// The bytecode instructions of the statement, in order.
    pub fn statement_bytecodes(&self) -> impl Iterator<Item = &Bytecode> {
        let (from, to) = self.statement;
        self.bytecodes.iter().filter(move |bytecode| bytecode.from >= from && bytecode.to <= to)
    }

    /// The first losing arrival.
    #[must_use]
    pub fn first_loss(&self) -> Option<&Replay> {
        self.first_loss.as_ref()
    }

    /// The losing arrival that is told most shortly.
    #[must_use]
    pub fn shortest_loss(&self) -> Option<&Loss> {
        self.shortest_loss.as_ref()
    }
}

impl std::fmt::Display for Bytecode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let boundaries = self.to - self.from;
        let argument = &self.argument;
        let safe = if self.safe_point { "  <- safe point" } else { "" };
        let (lost, line, offset, opcode) = (self.lost, self.line, self.offset, self.opcode);
        write!(f, "{boundaries:6} {lost:6}   {line:4}  {offset:02} {opcode} {argument}{safe}")
    }
}

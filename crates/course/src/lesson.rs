//! One lesson as data. The field names are the keys of `lesson.toml`.

use std::collections::BTreeMap;
use std::sync::Arc;

use parts::Wiring;
use serde::{Deserialize, Serialize};

use super::Measure;
use super::markdown::Section;
use super::pins::PinWatch;
use super::relation::Relation;
use super::settings::{Control, Setting, SettingError, Settings};
use super::text::Text;
use crate::Language;
pub use crate::grid::{Grid, GridRow, Need};

/// A lesson, complete and checked.
#[derive(Clone, Debug)]
pub struct Lesson {
    /// Its number in the lesson map, such as `L15`.
    pub id: String,
    /// Its name in addresses, files and on the command line.
    pub slug: String,
    /// Its title.
    pub title: Text,
    /// What happens in it, in one sentence.
    pub summary: Text,
    /// The claims it tries, such as `B26`.
    pub claims: Vec<String>,
    /// The corrections it demonstrates, such as `D6`.
    pub corrections: Vec<String>,
    /// How long it takes a learner, in minutes.
    pub minutes: u32,
    /// The ids of the lessons that it builds upon.
    pub needs: Vec<String>,
    /// The kinds of interrupt it uses.
    pub kinds: Vec<Kind>,
    /// The boards it runs on.
    pub boards: Vec<Board>,
    /// How long a run on the bench lasts.
    pub run: RunLength,
    /// What is on the pins, and what moves it in a run without a hand; empty in most lessons.
    pub wiring: Arc<Wiring>,
    /// Its controls, in the order of the page.
    pub controls: Vec<Control>,
    /// The numbers that its program publishes.
    pub values: Vec<Measure>,
    /// Questions asked before the run.
    pub predictions: Vec<Prediction>,
    /// Settings worth trying, in order.
    pub tries: Vec<Try>,
    /// Its instruments, in the order of the page.
    pub instruments: Vec<Instrument>,
    /// What every run must show: the oracle of the course check.
    pub grid: Grid,
    /// The task, and when it is done.
    pub exercise: Exercise,
    /// Lines of code to point at.
    pub hazards: Vec<Hazard>,
    /// The window for the race explorer, where there is one.
    pub explorer: Option<Explorer>,
    /// The program that is shown and run.
    pub program: String,
    /// What the exercise starts from.
    pub starter: String,
    /// One program that passes.
    pub solution: String,
    /// Typical wrong fixes, by file name.
    pub wrong: BTreeMap<String, String>,
    pub(super) en: Vec<Section>,
    pub(super) ja: Vec<Section>,
}

impl Lesson {
    /// The sections of every lesson text, in the order of the page.
    pub const SECTIONS: [&'static str; 7] = ["about", "run", "see", "explain", "differs", "fix", "learned"];

    /// The sections that stand before the questions. The others open once a learner has answered and
    /// run, so only these must not give an answer away.
    pub const BEFORE_THE_RUN: [&'static str; 2] = ["about", "run"];

    /// Its number without the letter, from 1.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.id.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(0)
    }

    /// Whether it shows nothing on a board without hard interrupts.
    #[must_use]
    pub fn needs_hard(&self) -> bool {
        !self.boards.contains(&Board::Official)
    }

    /// A section of its text.
    #[must_use]
    pub fn section(&self, key: &str, language: Language) -> Option<&Section> {
        self.sections(language).iter().find(|section| section.key == key)
    }

    /// Its text, section by section.
    #[must_use]
    pub fn sections(&self, language: Language) -> &[Section] {
        match language {
            Language::En => &self.en,
            Language::Ja => &self.ja,
        }
    }

    /// The control of this name.
    #[must_use]
    pub fn control(&self, name: &str) -> Option<&Control> {
        self.controls.iter().find(|control| control.name == name)
    }

    /// Whether a check tries every arrival as well.
    #[must_use]
    pub fn checks_arrivals(&self) -> bool {
        self.explorer.as_ref().is_some_and(|explorer| explorer.exercise_driver.is_some())
    }

    /// The settings of a run: the defaults, with these changed.
    ///
    /// # Errors
    /// A control the lesson does not have, or a value it does not accept.
    pub fn settings(&self, changed: &Settings) -> Result<Settings, SettingError> {
        let mut settings: Settings =
            self.controls.iter().map(|control| (control.name.clone(), control.default.clone())).collect();
        for (name, value) in changed {
            self.known_control(name)?.accept(value)?;
            settings.insert(name.clone(), value.clone());
        }
        Ok(settings)
    }

    /// Reads one setting from text, as the command line gives it.
    ///
    /// # Errors
    /// A control the lesson does not have, or a value it does not accept.
    pub fn read_setting(&self, name: &str, text: &str) -> Result<Setting, SettingError> {
        self.known_control(name)?.read(text)
    }

    fn known_control(&self, name: &str) -> Result<&Control, SettingError> {
        self.control(name).ok_or_else(|| {
            let known: Vec<_> = self.controls.iter().map(|control| control.name.as_str()).collect();
            SettingError::UnknownControl { name: name.to_owned(), known: known.join(", ") }
        })
    }
}

/// How an interrupt reaches Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Inside the interrupt, with heap and scheduler locked.
    Hard,
    /// Queued, and run by the VM at a safe point.
    Soft,
}

/// A board that a lesson can run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Board {
    /// The emulated ESP32-C3.
    Virtual,
    /// An attached board with the lesson firmware.
    Lesson,
    /// An attached board with official MicroPython.
    Official,
}

/// How long a run lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunLength {
    /// Seconds of the board's time.
    pub seconds: u32,
}

/// A question asked before the run, answered by the board.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prediction {
    /// Its key in the visitor's saved answers.
    pub id: String,
    /// The question.
    pub question: Text,
    /// The settings it speaks of.
    pub set: Settings,
    /// The measured values that the answer names.
    pub shows: Vec<String>,
    /// The key of the answer that the virtual board gives. The page does not know it before a run.
    pub right: String,
    /// The possible answers. For any run with these settings exactly one is right.
    pub options: Vec<Answer>,
    /// Why it is so, shown when the answer is known.
    pub after: Text,
}

/// A possible answer to a prediction.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Its key in the visitor's saved answers.
    pub key: String,
    /// What it says.
    pub text: Text,
    /// It is right when this holds.
    pub right_when: Relation,
}

/// A setting worth trying.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Try {
    /// What to try, or what to look at.
    pub text: Text,
    /// The settings.
    pub set: Settings,
}

/// What an instrument's colour and pattern stand for, on every page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The main program, or what was kept.
    Main,
    /// The interrupt.
    Interrupt,
    /// The scheduler.
    Scheduler,
    /// Lost or wrong.
    Lost,
    /// Dropped or missed.
    Dropped,
    /// None of these.
    #[default]
    Plain,
}

/// An instrument on the bench, bound to the values it shows.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Instrument {
    /// Big counters that add up: `main_adds + isr_adds - count = lost`.
    Equation {
        /// The left side.
        terms: Vec<Term>,
        /// The right side.
        result: Term,
    },
    /// Single numbers.
    Readout {
        /// What they are about.
        title: Text,
        /// The numbers.
        terms: Vec<Term>,
    },
    /// Where every alarm went: expected, fired, ran, dropped.
    Balance {},
    /// The scheduler's queue against its limit.
    Queue {},
    /// Main, interrupt and scheduler over time, caught by a trigger.
    Timeline {
        /// The names that the program gives to `lab.trigger`, and what the page calls them.
        triggers: Vec<Trigger>,
        /// What the program's points (`lab.trace`) mean, in the order in which they come.
        points: Vec<Point>,
    },
    /// The distribution of latencies.
    Latency {},
    /// A bar for each element of a published array.
    Histogram {
        /// What it shows.
        title: Text,
        /// The name that the program gives to `lab.array`.
        array: String,
        /// One label for each bar.
        labels: Vec<String>,
        /// What the bars count.
        role: Role,
    },
    /// One row for each setting tried.
    Outcome {
        /// Controls and measured values, in order.
        columns: Vec<String>,
        /// The value drawn as a bar, if any.
        bar: Option<Bar>,
        /// The first that holds is the row's verdict.
        verdicts: Vec<Verdict>,
    },
}

/// One number of an equation or a readout.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// The measured value.
    pub value: String,
    /// How it enters the sum.
    #[serde(default)]
    pub sign: Sign,
    /// Its colour and pattern.
    #[serde(default)]
    pub role: Role,
    /// A line below the number; without one the page shows its rate.
    #[serde(default)]
    pub caption: Option<Text>,
    /// The line below the number while it is 0.
    #[serde(default)]
    pub caption_zero: Option<Text>,
    /// The value that this one is shown as a share of.
    #[serde(default)]
    pub share_of: Option<String>,
}

/// How a term enters a sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sign {
    /// Added.
    #[default]
    #[serde(rename = "+")]
    Plus,
    /// Subtracted.
    #[serde(rename = "-")]
    Minus,
}

/// What stops the timeline.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// The name that the program gives to `lab.trigger`.
    pub name: String,
    /// What the page calls it.
    pub label: Text,
}

/// The meaning of a point on the timeline.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// On which lane it lies: `main`, `interrupt` or `scheduler`.
    pub lane: Role,
    /// Whether something begins, ends, or just happens there.
    pub does: PointKind,
    /// What the page calls it; `{value}` stands for what the program gave to `lab.trace`.
    pub label: Text,
}

/// Whether something begins, ends, or just happens at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PointKind {
    /// A stretch begins.
    Begin,
    /// The stretch ends.
    End,
    /// An instant.
    Point,
}

/// A value drawn as a bar.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bar {
    /// The value.
    pub value: String,
    /// The value that fills the bar.
    pub share_of: String,
}

/// The verdict on a row of outcomes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// When it applies.
    pub when: Relation,
    /// Its shape.
    pub shape: Shape,
    /// Its words.
    pub text: Text,
}

/// The shape of a verdict (the look's verdict shapes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Disc with tick.
    Holds,
    /// Diamond: holds at a price.
    Price,
    /// Square with cross.
    Lost,
}

/// The exercise: repair the starter until every criterion holds in every run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exercise {
    /// Length of a run, in seconds of the board's time.
    pub seconds: u32,
    /// The runs, in order.
    #[serde(rename = "run")]
    pub runs: Vec<ExerciseRun>,
    /// What must hold.
    #[serde(rename = "criterion")]
    pub criteria: Vec<Criterion>,
    /// Shown one at a time, on request.
    pub hints: Vec<Text>,
    /// Shown when it passes.
    pub passed: Text,
    /// Fixes that learners try and that must be rejected.
    #[serde(rename = "wrong", default)]
    pub wrong: Vec<WrongFix>,
    /// Whether the program starts and stops timers by itself, because that is what the exercise is about.
    #[serde(default)]
    pub program_has_timers: bool,
    /// How far what the wiring moves by itself comes from where it stands, in a check: nobody can foresee it.
    #[serde(default)]
    pub moves_vary_us: u64,
    /// What is seen on the pins of a virtual board.
    #[serde(rename = "seen", default)]
    pub pins: Vec<PinWatch>,
    /// What runs the program: timers, loop and judgement are its own.
    #[serde(skip)]
    pub driver: Option<ExerciseDriver>,
}

/// What runs an exercise's program and reports what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExerciseDriver {
    /// MicroPython source, `driver.py`.
    pub text: Arc<str>,
    /// Whether the program starts and stops timers by itself.
    pub program_has_timers: bool,
    /// What is seen on the pins meanwhile.
    pub pins: Arc<[PinWatch]>,
}

/// One run of the check.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExerciseRun {
    /// The key by which criteria name it.
    pub id: String,
    /// What the page calls it.
    pub title: Text,
    /// Its settings.
    pub set: Settings,
}

/// A criterion of the exercise.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Criterion {
    /// What it asks for.
    pub text: Text,
    /// When it is met.
    pub holds: Relation,
    /// The runs it applies to; all of them if empty.
    #[serde(default)]
    pub runs: Vec<String>,
    /// What to tell a learner who fails it; `{name}` stands for a measured value.
    pub message: Text,
}

impl Criterion {
    /// Whether it applies to this run.
    #[must_use]
    pub fn applies_to(&self, run: &ExerciseRun) -> bool {
        self.runs.is_empty() || self.runs.contains(&run.id)
    }
}

/// A fix that learners try and that must be rejected.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrongFix {
    /// Its file in the folder `wrong`.
    pub file: String,
    /// Why it does not work.
    pub why: Text,
    /// The run that rejects it.
    pub fails: String,
    /// The race explorer finds nothing wrong with it: it loses nothing, but does less than it should.
    #[serde(default)]
    pub survives_arrivals: bool,
    /// What a board must have to convict it.
    #[serde(default)]
    pub needs: Vec<Need>,
}

/// A line of code to point at in the editor.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hazard {
    /// The line contains this; programs without such a line show nothing.
    pub line: String,
    /// What to say about it.
    pub text: Text,
}

/// What the race explorer needs to know: one execution between the marks 1 and 2 of a driver
/// program, interrupted at every boundary between two instructions.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explorer {
    /// The interrupt source, such as `t0`.
    pub source: String,
    /// What the drivers report, in the order of the marks 16, 17, ...
    pub values: Vec<String>,
    /// What must hold for the reported values, wherever the interrupt arrived.
    pub invariant: Relation,
    /// How to foretell how often the free-running program loses something, where that can be told.
    #[serde(default)]
    pub share: Option<ExplorerShare>,
    /// The settings worth exploring.
    #[serde(rename = "case")]
    pub cases: Vec<ExplorerCase>,
    /// `explore.py`, run after the lesson's program in the same globals.
    #[serde(skip)]
    pub driver: String,
    /// `explore_fix.py`, run around an exercise program; without it the exercise is not explored.
    #[serde(skip)]
    pub exercise_driver: Option<String>,
}

/// How often a free-running program loses something, foretold and measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExplorerShare {
    /// The value that counts how often main executed the statement.
    pub executions: String,
    /// The value that counts what was lost.
    pub lost: String,
    /// The value that counts the callbacks that could have lost it.
    pub interrupts: String,
    /// How many executions each of the loops in `explore_share.py` stands for, in their order.
    pub rounds: Vec<u32>,
    /// `explore_share.py`, run after the lesson's program in the same globals.
    #[serde(skip)]
    pub driver: String,
}

/// Settings worth exploring.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExplorerCase {
    /// The settings.
    pub set: Settings,
    /// Which arrivals must lose.
    pub losing: Losing,
}

/// Which arrivals violate the invariant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Losing {
    /// None of them.
    None,
    /// At least one, at most all but one.
    Some,
    /// Those from one boundary to another, and all between.
    OneInterval,
}

/// Puts measured values into a message: `{name}` becomes the value.
#[must_use]
pub fn fill(message: &str, measured: &super::relation::Measured) -> String {
    let mut filled = String::with_capacity(message.len());
    let mut rest = message;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, behind)) = after.split_once('}') else {
            filled.push('{');
            rest = after;
            continue;
        };
        match measured.get(name) {
            Some(value) => filled.push_str(&value.to_string()),
            None => filled.push('?'),
        }
        rest = behind;
    }
    filled.push_str(rest);
    filled
}

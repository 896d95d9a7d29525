//! Why something was not explored.

use course::words::{self, ProblemText};
use course::{Language, SettingError};
use explorer::window::{End, Refusal};

use crate::line::LineFault;

/// Why nothing was explored.
#[derive(Debug, thiserror::Error)]
pub enum ExploreError {
    /// The lesson has no window, or none for programs of the exercise.
    #[error("lesson `{0}` has nothing to explore here; lost-update has, also for programs of its exercise")]
    NoWindow(String),
    /// The line broke.
    #[error(transparent)]
    Line(#[from] LineFault),
    /// The program does not come to its end.
    #[error("the program did not come to its end before the window ({why}){report}")]
    Program {
        /// How it ended.
        why: &'static str,
        /// The traceback, on lines of its own.
        report: String,
    },
    /// The window cannot be opened.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A setting is not the lesson's.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The lesson names a source that the explorer does not know.
    #[error("lesson `{lesson}` names the source `{source_name}`; known are t0 and t1")]
    Source {
        /// The lesson.
        lesson: String,
        /// What it says.
        source_name: String,
    },
    /// The arrivals together run longer than the limit.
    #[error(
        "trying all {arrivals} arrivals takes more than {limit} million instructions; shorten the statement between the marks or what the callback does"
    )]
    TooMuch {
        /// How many arrivals there are.
        arrivals: u32,
        /// Millions of instructions that may be executed.
        limit: u64,
    },
    /// Pairs have to be tried one by one, and there are too many.
    #[error(
        "{pairs} pairs of arrivals would have to be tried one by one, and {limit} is the limit: shorten the statement, or take the clock out of it"
    )]
    TooManyPairs {
        /// How many there are.
        pairs: u64,
        /// How many may be tried.
        limit: u64,
    },
    /// There is no such arrival.
    #[error("the window has arrivals 0 to {last}")]
    NoArrival {
        /// The last one.
        last: u32,
    },
    /// The caller gave it up.
    #[error("the exploration was given up")]
    Cancelled,
}

impl ExploreError {
    /// A stable code for scripts and pages.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoWindow(_) => "no_window",
            Self::Line(_) => "line",
            Self::Program { .. } => "program_failed",
            Self::Refused(Refusal::Symbol(_)) => "firmware_symbols",
            Self::Refused(Refusal::NoBegin { .. }) => "no_mark",
            Self::Refused(Refusal::TooLong { .. }) => "window_too_long",
            Self::Refused(Refusal::NeverEnds { .. }) => "window_never_ends",
            Self::Setting(_) => "setting",
            Self::Source { .. } => "unknown_source",
            Self::TooMuch { .. } => "too_much",
            Self::TooManyPairs { .. } => "too_many_pairs",
            Self::NoArrival { .. } => "no_arrival",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Why nothing was explored. Limits and tracebacks are kept as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotExplored {
    /// The lesson has no window.
    NoWindow,
    /// The program failed before its window, with this report.
    Program(String),
    /// It did not open the window; the console said this.
    NoMark(String),
    /// The window is longer than so many instructions.
    TooLong(u32),
    /// Without any interrupt the window does not end.
    NeverEnds(End),
    /// All arrivals together run longer than so many million instructions.
    TooMuch(u64),
    /// So many pairs would have to be tried one by one; the limit.
    TooManyPairs(u64, u64),
    /// There is no arrival of this number; this is the last one.
    NoArrival(u32),
    /// A newer one took its place, or the visitor cancelled it.
    GivenUp,
}

impl NotExplored {
    /// What a visitor can do something about; `None`: nothing, the workbench is at fault.
    pub fn of(error: &ExploreError) -> Option<Self> {
        Some(match error {
            ExploreError::NoWindow(_) => Self::NoWindow,
            ExploreError::Program { report, .. } => Self::Program(report.trim_start_matches([':', '\n']).to_owned()),
            ExploreError::Refused(Refusal::NoBegin { console, .. }) => {
                Self::NoMark(console.trim_start_matches([':', '\n']).to_owned())
            }
            ExploreError::Refused(Refusal::TooLong { limit }) => Self::TooLong(*limit),
            ExploreError::Refused(Refusal::NeverEnds { end, .. }) => Self::NeverEnds(*end),
            ExploreError::TooMuch { limit, .. } => Self::TooMuch(*limit),
            ExploreError::TooManyPairs { pairs, limit } => Self::TooManyPairs(*pairs, *limit),
            ExploreError::NoArrival { last } => Self::NoArrival(*last),
            ExploreError::Cancelled => Self::GivenUp,
            ExploreError::Line(_)
            | ExploreError::Setting(_)
            | ExploreError::Source { .. }
            | ExploreError::Refused(Refusal::Symbol(_)) => return None,
        })
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoWindow => "explore-no-window",
            Self::Program(_) => "explore-program-failed",
            Self::NoMark(_) => "explore-no-mark",
            Self::TooLong(_) => "explore-window-too-long",
            Self::NeverEnds(_) => "explore-window-never-ends",
            Self::TooMuch(_) => "explore-too-much",
            Self::TooManyPairs(..) => "explore-too-many-pairs",
            Self::NoArrival(_) => "explore-no-arrival",
            Self::GivenUp => "explore-given-up",
        }
    }

    /// What happened and what to try.
    #[must_use]
    pub fn text(&self, language: Language) -> ProblemText {
        let places: Vec<(&str, String)> = match self {
            Self::NoWindow | Self::GivenUp => Vec::new(),
            Self::Program(report) | Self::NoMark(report) => vec![("report", quoted(report))],
            Self::TooLong(limit) => vec![("limit", limit.to_string())],
            Self::NeverEnds(end) => vec![("end", words::window_end(end_code(*end), language).to_owned())],
            Self::TooMuch(limit) => vec![("limit", limit.to_string())],
            Self::TooManyPairs(pairs, limit) => vec![("pairs", pairs.to_string()), ("limit", limit.to_string())],
            Self::NoArrival(last) => vec![("last", last.to_string())],
        };
        words::problem(self.code(), &places, language)
    }
}

const fn end_code(end: End) -> &'static str {
    match end {
        End::Reset(_) => "reset",
        End::LockedUp => "locked-up",
        End::Limit => "limit",
        End::Quiet => "quiet",
    }
}

/// The last line of a traceback, in brackets.
fn quoted(report: &str) -> String {
    match report.lines().rev().find(|line| !line.trim().is_empty()) {
        Some(line) => format!(" ({})", line.trim()),
        None => String::new(),
    }
}

//! Why something was not explored.

use explorer::window::Refusal;

use crate::board::line::LineFault;
use crate::course::SettingError;

/// Why nothing was explored.
#[derive(Debug, thiserror::Error)]
pub enum ExploreError {
    /// The lesson has no window.
    #[error("lesson `{0}` has nothing to explore; lost-update and lost-bytes do")]
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

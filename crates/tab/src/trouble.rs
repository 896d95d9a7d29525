//! What can go wrong, with the codes and words that the server answers with.

use course::words::{self, ProblemText};
use course::{CourseError, Language};
use serde::Serialize;
use workbench::asked::Unaskable;
use workbench::description::trouble;
use workbench::desk::BoardRefusal;
use workbench::explore::{ExploreError, NotExplored};
use workbench::headless::RunError;
use workbench::line::LineFault;
use workbench::session::SessionFault;

/// What is answered in the place of what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Something was asked for before what it needs was loaded; a mistake in the worker.
    #[error("{0} must be loaded first")]
    TooEarly(&'static str),
    /// What came is not what this function takes; a mistake in the worker or in a file.
    #[error("{0}")]
    Unreadable(String),
    /// No such command.
    #[error("there is no command `{0}`")]
    CommandUnknown(String),
    /// It is not asked of any board.
    #[error(transparent)]
    Unaskable(#[from] Unaskable),
    /// No such speed.
    #[error("no such speed")]
    SpeedOutOfRange,
    /// The board does not do it.
    #[error(transparent)]
    Board(#[from] BoardRefusal),
    /// The run failed on the board.
    #[error(transparent)]
    Session(#[from] SessionFault),
    /// The emulation failed.
    #[error(transparent)]
    Line(#[from] LineFault),
    /// Nothing was explored.
    #[error("nothing was explored: {0:?}")]
    NotExplored(NotExplored),
    /// The module itself failed at this place.
    #[error("{0}")]
    Internal(String),
}

impl Trouble {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooEarly(_) | Self::Internal(_) => "internal",
            Self::Unreadable(_) => "bad-json",
            Self::CommandUnknown(_) => "page-unknown",
            Self::Unaskable(why) => why.code(),
            Self::SpeedOutOfRange => "speed-out-of-range",
            Self::Board(refusal) => refusal.code(),
            Self::Session(fault) => fault.code(),
            Self::Line(fault) => fault.code(),
            Self::NotExplored(why) => why.code(),
        }
    }

    /// What happened and what to try.
    #[must_use]
    pub fn text(&self, language: Language) -> ProblemText {
        let places = match self {
            Self::Unaskable(Unaskable::Setting(error)) => return words::setting(error, language),
            Self::Unaskable(Unaskable::Wiring(mistakes)) => return words::wiring::unsound(mistakes, language),
            Self::Unaskable(why) => why.places(),
            Self::NotExplored(why) => return why.text(language),
            Self::Board(BoardRefusal::Port(fault)) => return trouble(fault, language),
            Self::Board(BoardRefusal::Part(error)) => return words::wiring::moved(error, language),
            Self::Unreadable(cause) => vec![("cause", cause.clone())],
            _ => Vec::new(),
        };
        words::problem(self.code(), &places, language)
    }

    /// The answer, as the server writes it.
    #[must_use]
    pub fn answer(&self, language: Language) -> TroubleAnswer {
        TroubleAnswer { error: self.text(language), cause: self.to_string() }
    }
}

impl From<serde_json::Error> for Trouble {
    fn from(error: serde_json::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

impl From<CourseError> for Trouble {
    fn from(error: CourseError) -> Self {
        Self::Unreadable(error.to_string())
    }
}

impl From<ExploreError> for Trouble {
    fn from(error: ExploreError) -> Self {
        match (NotExplored::of(&error), error) {
            (Some(why), _) => Self::NotExplored(why),
            (None, ExploreError::Setting(error)) => Self::Unaskable(error.into()),
            (None, ExploreError::Line(fault)) => Self::Line(fault),
            (None, error) => Self::Internal(error.to_string()),
        }
    }
}

impl From<RunError> for Trouble {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Line(fault) => Self::Line(fault),
            RunError::NotReady => Self::Board(BoardRefusal::NotReady),
            other => Self::Internal(other.to_string()),
        }
    }
}

/// The body of an error answer: words for the learner, and the cause for the browser's console.
#[derive(Clone, Debug, Serialize)]
pub struct TroubleAnswer {
    error: ProblemText,
    cause: String,
}

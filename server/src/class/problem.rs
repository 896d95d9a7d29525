//! What can go wrong in a class, for learners and hosts. Words for it are the course's, by the code.

use axum::http::StatusCode;

use super::nickname::BadNickname;

/// Why something does not happen in a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClassProblem {
    /// No class has this PIN; so many tries are left at once.
    Pin(u32),
    /// The three words, or the PIN, are not right; so many tries are left at once.
    Words(u32),
    /// Too many wrong tries; so many seconds until the next one.
    Wait(u64),
    /// The nickname cannot be one.
    Name(BadNickname),
    /// Somebody has it; this one is free.
    NameTaken(String),
    /// There are as many learners as a class holds.
    Full,
    /// The class has ended.
    Ended,
    /// There is no such class, or nobody of that number in it.
    Unknown,
    /// Only a host of the class may.
    HostOnly,
    /// The browser is not in a class.
    NotIn,
    /// The question is not open.
    QuestionClosed,
    /// The file is no exported class of this version.
    NotAClass,
    /// Two learners of a file have one nickname.
    SameNames,
    /// A class needs a title.
    Title,
    /// A class needs lessons.
    Lessons,
    /// A seed is a number.
    Seed,
    /// As many classes are kept as there may be.
    ManyClasses,
    /// As many links of co-teachers are given out as there may be.
    ManyLinks,
    /// The course has no such lesson, question or answer: no page asks for it.
    Input,
}

impl ClassProblem {
    /// The HTTP status that says the same.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Pin(_) | Self::Words(_) | Self::HostOnly | Self::NotIn => StatusCode::FORBIDDEN,
            Self::Wait(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Name(_)
            | Self::Input
            | Self::NotAClass
            | Self::SameNames
            | Self::Title
            | Self::Lessons
            | Self::Seed => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NameTaken(_)
            | Self::Full
            | Self::Ended
            | Self::QuestionClosed
            | Self::ManyClasses
            | Self::ManyLinks => StatusCode::CONFLICT,
            Self::Unknown => StatusCode::NOT_FOUND,
        }
    }

    /// The stable code; never changed once released.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Pin(_) => "class-pin",
            Self::Words(_) => "class-words",
            Self::Wait(_) => "class-wait",
            Self::Name(BadNickname::Empty) => "class-name-empty",
            Self::Name(BadNickname::TooLong) => "class-name-long",
            Self::NameTaken(_) => "class-name-taken",
            Self::Full => "class-full",
            Self::Ended => "class-ended",
            Self::Unknown => "class-unknown",
            Self::HostOnly => "class-host-only",
            Self::NotIn => "class-not-in",
            Self::QuestionClosed => "class-question-closed",
            Self::NotAClass => "class-file",
            Self::SameNames => "class-same-names",
            Self::Title => "class-title",
            Self::Lessons => "class-lessons",
            Self::Seed => "class-seed",
            Self::ManyClasses => "class-many",
            Self::ManyLinks => "class-many-links",
            Self::Input => "class-input",
        }
    }

    /// What stands in the places of its words.
    #[must_use]
    pub fn places(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Pin(left) | Self::Words(left) => vec![("left", left.to_string())],
            Self::Wait(seconds) => vec![("seconds", seconds.to_string())],
            Self::NameTaken(other) => vec![("other", other.clone())],
            _ => Vec::new(),
        }
    }
}

//! What can be wrong with a wiring or with a move of a control: codes and causes for programs.
//! Sentences for people, in two languages, are made from these by the course.

use std::fmt;

use serde::Serialize;

/// Where in a wiring a mistake stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// The wiring itself.
    Wiring,
    /// One of its parts.
    Part {
        /// Which, counted from 0.
        index: usize,
        /// Its name as written, empty if it has none.
        name: String,
    },
    /// One of its moves, counted from 0.
    Move(usize),
}

/// What should have stood somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wanted {
    /// A table of keys.
    Table,
    /// A list.
    List,
    /// A text.
    Text,
    /// A whole number.
    WholeNumber,
}

/// What a pin belongs to on every board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reserved {
    /// The flash chip.
    Flash,
    /// The USB socket.
    Usb,
}

/// One mistake in a wiring.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "cause", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the fields say what they are: place, key or role, value, bounds, who has it")]
pub enum Mistake {
    /// A value of another type.
    WrongType { place: Place, key: String, wanted: Wanted },
    /// A key that nobody knows.
    UnknownKey { place: Place, key: String, known: Vec<String> },
    /// A key that stands there twice.
    KeyTwice { place: Place, key: String },
    /// A key or a pin that must be there is not.
    Missing { place: Place, key: String },
    /// No such kind of part.
    UnknownKind { place: Place, kind: String },
    /// A number outside its bounds.
    OutOfRange { place: Place, key: String, value: i64, min: i64, max: i64 },
    /// A word that is no choice.
    NotAChoice { place: Place, key: String, word: String, known: Vec<String> },
    /// A name that is empty, too long, or not printable.
    BadName { place: Place, most_chars: usize },
    /// A name that another part has.
    NameTaken { place: Place },
    /// The chip has no such pin.
    NoSuchPin { place: Place, role: String, pin: i64 },
    /// The pin serves the board itself.
    PinReserved { place: Place, role: String, pin: u8, by: Reserved },
    /// The pin reaches no analog converter.
    PinNotAnalog { place: Place, role: String, pin: u8, most: u8 },
    /// The pin has a part already.
    PinTaken { place: Place, role: String, pin: u8, by: String, by_role: String },
    /// More parts than a wiring may have.
    TooManyParts { count: usize, most: usize },
    /// More moves than a wiring may have.
    TooManyMoves { count: usize, most: usize },
    /// A move of a part that is not there.
    UnknownPart { place: Place, part: String },
    /// A move of a control that the part does not have.
    UnknownControl { place: Place, part: String, control: String, known: Vec<String> },
}

impl Mistake {
    /// The stable code, by which pages and scripts know it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::WrongType { .. } => "E-WIRE-TYPE",
            Self::UnknownKey { .. } => "E-WIRE-KEY",
            Self::KeyTwice { .. } => "E-WIRE-TWICE",
            Self::Missing { .. } => "E-WIRE-MISSING",
            Self::UnknownKind { .. } => "E-WIRE-KIND",
            Self::OutOfRange { .. } => "E-WIRE-RANGE",
            Self::NotAChoice { .. } => "E-WIRE-CHOICE",
            Self::BadName { .. } => "E-WIRE-NAME",
            Self::NameTaken { .. } => "E-WIRE-NAME-TAKEN",
            Self::NoSuchPin { .. } => "E-WIRE-PIN",
            Self::PinReserved { .. } => "E-WIRE-RESERVED",
            Self::PinNotAnalog { .. } => "E-WIRE-ANALOG",
            Self::PinTaken { .. } => "E-WIRE-TAKEN",
            Self::TooManyParts { .. } => "E-WIRE-PARTS",
            Self::TooManyMoves { .. } => "E-WIRE-MOVES",
            Self::UnknownPart { .. } => "E-WIRE-PART",
            Self::UnknownControl { .. } => "E-WIRE-CONTROL",
        }
    }
}

/// Every mistake of a wiring, in the order in which they stand there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codes: Vec<&str> = self.0.iter().map(Mistake::code).collect();
        write!(f, "{} mistakes in the wiring: {}", codes.len(), codes.join(", "))
    }
}

impl std::error::Error for Mistakes {}

/// Why a control was not moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "cause", rename_all = "kebab-case")]
pub enum MoveError {
    /// No part of this name.
    #[error("no part is called {part:?}")]
    UnknownPart {
        /// The name asked for.
        part: String,
    },
    /// The machine does not carry the part: it was restored to a state before the wiring, or is another.
    #[error("{part:?} is not connected to this board")]
    NotConnected {
        /// The part.
        part: String,
    },
    /// The part has no such control.
    #[error("{part:?} has no control {control:?}")]
    UnknownControl {
        /// The part.
        part: String,
        /// The control asked for.
        control: String,
    },
    /// The value is outside the control's bounds.
    #[error("{control} is {min} to {max}, not {value}")]
    OutOfRange {
        /// The control.
        control: String,
        /// The value asked for.
        value: i64,
        /// The smallest.
        min: i64,
        /// The largest.
        max: i64,
    },
    /// The instant is past.
    #[error("tick {asked} is past: it is {now} now")]
    Past {
        /// The tick asked for.
        asked: u64,
        /// Where the board stands.
        now: u64,
    },
    /// Too many moves are waiting.
    #[error("{most} moves are already waiting")]
    TooMany {
        /// How many may wait.
        most: usize,
    },
}

impl MoveError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownPart { .. } => "E-MOVE-PART",
            Self::NotConnected { .. } => "E-MOVE-CONNECTED",
            Self::UnknownControl { .. } => "E-MOVE-CONTROL",
            Self::OutOfRange { .. } => "E-MOVE-RANGE",
            Self::Past { .. } => "E-MOVE-PAST",
            Self::TooMany { .. } => "E-MOVE-MANY",
        }
    }
}

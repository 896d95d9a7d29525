//! What a program does in the place of its exercise's driver.

/// Why a run counts for nothing: not the driver did what is counted. See `course::words` for the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The program started a timer, or raised alarms, by itself.
    OwnTimer,
    /// The program ended the run.
    OwnEnd,
    /// Callbacks ran as the other kind than the one asked for.
    Kind,
    /// The timer's alarms were set to other moments than every period.
    Rate,
    /// A callback was called without an interrupt.
    Called,
    /// The program stored into the board's memory or registers.
    Memory,
    /// The program used a name that is kept for what is measured.
    Reserved,
    /// The driver did not come to its end.
    Unfinished,
}

impl Trouble {
    /// The stable code, with words in both languages.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::OwnTimer => "driver-own-timer",
            Self::OwnEnd => "driver-own-end",
            Self::Kind => "driver-kind",
            Self::Rate => "driver-rate",
            Self::Called => "driver-called",
            Self::Memory => "driver-memory",
            Self::Reserved => "driver-reserved",
            Self::Unfinished => "driver-unfinished",
        }
    }
}

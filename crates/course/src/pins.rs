//! What is seen on the pins of a virtual board while an exercise runs.

use serde::{Deserialize, Serialize};

/// Something that is seen on the pins of a virtual board while an exercise runs, whatever its program says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case", deny_unknown_fields)]
pub enum PinWatch {
    /// Edges are counted: `name` is how many, and `name`_us how long the longest group of them takes. With an answer there
    /// are `answer`_off, reports of another number than there was within that time before, and `answer`_late, how many us
    /// after its edge the latest one was reported.
    Count {
        /// Under which name.
        name: String,
        /// GPIO number.
        pin: u8,
        /// Which edges.
        edge: WatchedEdge,
        /// Edges that the chip makes, and not what is connected to it.
        #[serde(default)]
        by_chip: bool,
        /// Edges that are not further apart are one group, which its first edge stands for; 0: each is one.
        #[serde(default)]
        quiet_us: u64,
        /// The pin that says whether an edge counts up (high) or down (low).
        #[serde(default)]
        up_when_high: Option<u8>,
        /// The number of the driver that tells how many there were.
        #[serde(default)]
        answer: Option<String>,
        /// How old it may be.
        #[serde(default)]
        within_us: u64,
    },
    /// A pin follows another: `name`_late is the longest time for which it did not, in us.
    Follow {
        /// Under which name.
        name: String,
        /// GPIO number.
        pin: u8,
        /// The other one.
        other: u8,
        /// It is low when the other is high.
        inverted: bool,
    },
    /// High pulses are measured: `name` is how many, and `answer`_off how many reports are no length of the last one.
    Width {
        /// Under which name.
        name: String,
        /// GPIO number.
        pin: u8,
        /// The number of the driver that tells how long they were, in us.
        answer: String,
        /// How exactly.
        within_us: u64,
    },
}

impl PinWatch {
    /// The number of the driver that it compares with what was seen.
    #[must_use]
    pub fn answer(&self) -> Option<&str> {
        match self {
            Self::Count { answer, .. } => answer.as_deref(),
            Self::Width { answer, .. } => Some(answer),
            Self::Follow { .. } => None,
        }
    }
}

/// Edges that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WatchedEdge {
    /// From low to high.
    Rising,
    /// From high to low.
    Falling,
    /// Both.
    Any,
}

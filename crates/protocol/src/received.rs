//! Boards' messages as a host receives them: owned, tolerant of fields that it does not know.
//!
//! The types mirror [`crate::board`] field by field; `tests/wire_v1.rs` holds both to the same bytes.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::string::String;
use std::vec::Vec;

/// A message from a board.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum BoardMessage {
    /// See [`crate::board::Hello`].
    Hello(Hello),
    /// See [`crate::board::Sample`].
    Sample(Sample),
    /// See [`crate::board::Event`].
    Event(Event),
    /// See [`crate::board::Done`].
    Done(Done),
    /// See [`crate::board::Ack`].
    Ack(Ack),
}

/// Who is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "fields are described in crate::board::Hello")]
pub struct Hello {
    pub v: u16,
    pub fw: String,
    pub mpy: String,
    pub chip: String,
    pub cpu_hz: u32,
    pub boots: u32,
    pub caps: Vec<String>,
}

/// All numbers at one instant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "fields are described in crate::board::Sample")]
pub struct Sample {
    pub n: u32,
    pub us: u64,
    pub run: u32,
    pub run_us: u64,
    pub src: Vec<Source>,
    pub q: u8,
    pub qmax: u8,
    pub main: u32,
    pub stall_max: u32,
    pub locked_max: u32,
    pub exc: u32,
    pub lost_frames: u32,
    pub bad_bytes: u32,
    pub v: BTreeMap<String, i32>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub h: BTreeMap<String, Vec<i32>>,
}

/// One interrupt source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "fields are described in crate::board::Source")]
pub struct Source {
    pub id: String,
    pub hard: bool,
    pub hz: u32,
    pub expected: u32,
    pub fired: u32,
    pub missed: u32,
    pub ran: u32,
    pub dropped: u32,
    pub queued: u8,
    pub disabled: bool,
    pub lat: Latency,
}

/// A latency distribution, in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "fields are described in crate::board::Latency")]
pub struct Latency {
    pub min: u32,
    pub p50: u32,
    pub p99: u32,
    pub max: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bins: Vec<u32>,
    #[serde(default)]
    pub from: u8,
}

/// Something that happened at one instant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "fields are described in crate::board::Event")]
pub struct Event {
    pub n: u32,
    pub us: u64,
    pub run: u32,
    pub what: What,
}

/// The kinds of events; see [`crate::board::What`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(missing_docs, reason = "variants are described in crate::board::What")]
pub enum What {
    Mark {
        mark: u16,
        value: i32,
    },
    Exception {
        context: String,
        class: String,
        text: String,
    },
    Disabled {
        source: String,
    },
    Guard {
        source: String,
        starved_ms: u32,
    },
    Control {
        name: String,
        value: i32,
    },
    /// Points are `[ns, lane, value]`; lanes are numbered as in [`crate::board::Lane`].
    Trace {
        trigger: String,
        points: Vec<(i32, u8, i32)>,
    },
    Overflow {
        marks: u32,
    },
    /// Edges are `[after, pin, what]`, as in [`crate::board::PinEdge`].
    Edges {
        ticks: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        levels: Option<u32>,
        edges: Vec<(u32, u8, u8)>,
        lost: u32,
        given_up: u32,
    },
}

/// The run is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "fields are described in crate::board::Done")]
pub struct Done {
    pub n: u32,
    pub us: u64,
    pub run: u32,
    pub why: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sleep: Option<Sleep>,
}

/// A deep sleep, which ends in a reset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "fields are described in crate::board::Sleep")]
pub struct Sleep {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u32>,
    pub pins: u32,
    pub high: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub woken: Option<String>,
}

/// The answer to one host message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "fields are described in crate::board::Ack")]
pub struct Ack {
    pub id: u32,
    pub ok: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub err: Option<String>,
}

/// Reads the JSON text of a frame that came from a board.
///
/// # Errors
/// The parser's own error: malformed JSON, or a kind of message that this host does not know.
pub fn parse(json: &[u8]) -> Result<BoardMessage, serde_json::Error> {
    serde_json::from_slice(json)
}

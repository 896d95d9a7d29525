//! What a host says to a board. Parsed without an allocator: the strings borrow from the frame.

use serde::{Deserialize, Serialize};

/// A message from a host to a board. The JSON object names its kind in `t`.
///
/// Every message carries an `id` that the board's acknowledgement repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum HostMessage<'a> {
    /// Turns telemetry on; the board answers with `hello`.
    Greet {
        /// Repeated in the acknowledgement.
        id: u32,
        /// [`crate::VERSION`] of the host.
        v: u16,
    },
    /// Turns telemetry off again: the board is a plain MicroPython board until the next greeting.
    Farewell {
        /// Repeated in the acknowledgement.
        id: u32,
    },
    /// Sets a numeric control.
    SetNumber {
        /// Repeated in the acknowledgement.
        id: u32,
        /// Name of the control.
        name: &'a str,
        /// New value.
        value: i32,
    },
    /// Sets a control with named options.
    SetChoice {
        /// Repeated in the acknowledgement.
        id: u32,
        /// Name of the control.
        name: &'a str,
        /// The option's name.
        choice: &'a str,
    },
    /// Resets all counters and the run clock; the program that the host starts next belongs to `run`.
    Start {
        /// Repeated in the acknowledgement.
        id: u32,
        /// The host's number for the run, above 0.
        run: u32,
        /// After so many milliseconds `lab.running()` becomes false; 0: no limit.
        limit_ms: u32,
    },
    /// Ends the run: timers stop, main gets a `KeyboardInterrupt`, then the VM is restarted if it does not give in.
    Stop {
        /// Repeated in the acknowledgement.
        id: u32,
    },
    /// Wants to see edges from now on: of pins that have a callback, and of these, a bit for each. The record begins anew.
    Watch {
        /// Repeated in the acknowledgement.
        id: u32,
        /// Pins that listen although nobody calls back.
        pins: u32,
    },
    /// Wants to see edges no more.
    Unwatch {
        /// Repeated in the acknowledgement.
        id: u32,
    },
    /// Asks for a message now.
    Request {
        /// Repeated in the acknowledgement.
        id: u32,
        /// `hello` or `sample`.
        what: &'a str,
    },
    /// Changes the line's speed; acknowledged at the old one.
    Baud {
        /// Repeated in the acknowledgement.
        id: u32,
        /// Bits per second.
        baud: u32,
    },
}

impl HostMessage<'_> {
    /// The `id` that the acknowledgement repeats.
    #[must_use]
    pub fn id(&self) -> u32 {
        match *self {
            Self::Greet { id, .. }
            | Self::Farewell { id }
            | Self::SetNumber { id, .. }
            | Self::SetChoice { id, .. }
            | Self::Start { id, .. }
            | Self::Stop { id }
            | Self::Watch { id, .. }
            | Self::Unwatch { id }
            | Self::Request { id, .. }
            | Self::Baud { id, .. } => id,
        }
    }
}

/// All fields of all messages: `serde`'s own reading of tagged enums needs an allocator.
#[derive(Deserialize)]
struct Fields<'a> {
    t: &'a str,
    id: u32,
    v: Option<u16>,
    name: Option<&'a str>,
    value: Option<i32>,
    choice: Option<&'a str>,
    run: Option<u32>,
    limit_ms: Option<u32>,
    pins: Option<u32>,
    what: Option<&'a str>,
    baud: Option<u32>,
}

/// Why a frame from the host is not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Not a JSON object with `t` and `id`, or a field of the wrong type.
    Malformed,
    /// A kind that this firmware does not know, or a field of it is missing. Carries the `id` to refuse.
    Unknown(u32),
}

/// Reads the JSON text of a frame that came from a host.
///
/// # Errors
/// [`Unreadable`] says whether there is an `id` to answer.
pub fn parse(json: &[u8]) -> Result<HostMessage<'_>, Unreadable> {
    let (fields, _) = serde_json_core::from_slice::<Fields<'_>>(json).map_err(|_| Unreadable::Malformed)?;
    let id = fields.id;
    let message = match fields.t {
        "greet" => fields.v.map(|v| HostMessage::Greet { id, v }),
        "farewell" => Some(HostMessage::Farewell { id }),
        "set_number" => fields.name.zip(fields.value).map(|(name, value)| HostMessage::SetNumber { id, name, value }),
        "set_choice" => {
            fields.name.zip(fields.choice).map(|(name, choice)| HostMessage::SetChoice { id, name, choice })
        }
        "start" => fields.run.map(|run| HostMessage::Start { id, run, limit_ms: fields.limit_ms.unwrap_or(0) }),
        "stop" => Some(HostMessage::Stop { id }),
        "watch" => fields.pins.map(|pins| HostMessage::Watch { id, pins }),
        "unwatch" => Some(HostMessage::Unwatch { id }),
        "request" => fields.what.map(|what| HostMessage::Request { id, what }),
        "baud" => fields.baud.map(|baud| HostMessage::Baud { id, baud }),
        _ => None,
    };
    message.ok_or(Unreadable::Unknown(id))
}

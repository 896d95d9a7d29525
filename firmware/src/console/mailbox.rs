//! Frames from hosts on their way from the consoles (kernel level) to `telemetry` (telemetry level).

use super::Id;
use crate::interrupts::{Shared, Software};

/// Longer than any message that a host sends (`protocol::host`), by far.
const MESSAGE_BYTES: usize = 256;
const MESSAGES: usize = 6;

/// One frame's JSON text.
pub(crate) type Message = heapless::Vec<u8, MESSAGE_BYTES>;

static MESSAGES_WAITING: Shared<heapless::Deque<(Id, Message), MESSAGES>> = Shared::new(heapless::Deque::new());

/// Leaves a frame; `false`: it is too long, or too many wait.
pub(crate) fn post(from: Id, json: &[u8]) -> bool {
    let Ok(message) = Message::from_slice(json) else { return false };
    let posted = MESSAGES_WAITING.with(|waiting| waiting.push_back((from, message)).is_ok());
    Software::Telemetry.raise();
    posted
}

/// Takes the oldest frame.
pub(crate) fn take() -> Option<(Id, Message)> {
    MESSAGES_WAITING.with(heapless::Deque::pop_front)
}

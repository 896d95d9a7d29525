//! What a lesson board and its host say to each other over one serial line.
//!
//! The line carries two things at once: the MicroPython console, and messages. A message is a
//! *frame*: an element of a JSON text sequence (RFC 7464), that is the byte 0x1E, a JSON object,
//! and a line feed. Everything outside frames is console text. A person at a plain terminal can
//! read both.
//!
//! # Evolution
//! [`VERSION`] counts revisions. The one rule is *only append*: a field or a kind of message may be
//! added, none is ever renamed, removed or given another meaning. Receivers ignore fields that they
//! do not know and count messages that they do not know. `tests/wire_v1.rs` pins the bytes.
//!
//! # Who uses what
//! The firmware builds without features: [`board::BoardMessage`] borrows and is written into a
//! caller's buffer, [`host::HostMessage`] borrows from the received bytes. The host enables `std`
//! and reads boards' messages into the owned types of `received`.
#![no_std]
#[cfg(feature = "std")]
extern crate std;

pub mod board;
pub mod frame;
pub mod host;
#[cfg(feature = "std")]
pub mod received;

/// The revision of the messages that this crate speaks.
pub const VERSION: u16 = 1;

/// The longest frame that either side sends, in bytes, with its two delimiters.
///
/// A receiver drops a longer one (and counts it): a board's buffers are fixed.
pub const MAX_FRAME_BYTES: usize = 1536;

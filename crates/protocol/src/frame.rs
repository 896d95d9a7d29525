//! Bytes to frames and back: RFC 7464 with console text in between.
//!
//! [`Splitter`] takes the line apart in whatever pieces it arrives, and never fails: bytes that
//! pretend to be a frame and are none come out as [`Piece::Broken`], with everything received, so
//! that a host can count and show them.

use crate::MAX_FRAME_BYTES;

/// The byte that begins a frame (ASCII record separator).
pub const FRAME_START: u8 = 0x1E;
/// The byte that ends a frame. JSON text as both sides write it contains no line feed.
pub const FRAME_END: u8 = b'\n';

/// A part of what came over the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Console text (any bytes; not necessarily whole characters or lines).
    Console(&'a [u8]),
    /// The JSON text of one frame, without delimiters. Not yet parsed.
    Frame(&'a [u8]),
    /// Bytes that began like a frame and cannot be one.
    Broken(Breakage, &'a [u8]),
}

/// Why bytes after a [`FRAME_START`] are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breakage {
    /// Another frame began before this one ended: bytes were lost on the line.
    Cut,
    /// Longer than [`MAX_FRAME_BYTES`]. Bytes come out in pieces until the line ends.
    TooLong,
    /// It does not begin with `{` or holds a control character: it never was a frame.
    NotJson,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Console,
    Frame,
    /// Past [`MAX_FRAME_BYTES`]: everything up to the line's end is still the same broken frame.
    Overlong,
}

/// Takes a received byte stream apart into console text and frames.
///
/// Holds at most one frame. Give it bytes as they come; each call of [`push`](Self::push) hands the
/// pieces that became whole to `sink`, in order.
#[derive(Clone, Debug)]
pub struct Splitter {
    state: State,
    buffer: [u8; MAX_FRAME_BYTES],
    len: usize,
}

impl Default for Splitter {
    fn default() -> Self {
        Self::new()
    }
}

impl Splitter {
    /// A splitter at the beginning of console text.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: State::Console, buffer: [0; MAX_FRAME_BYTES], len: 0 }
    }

    /// Feeds received bytes; `sink` gets every piece that they complete.
    pub fn push(&mut self, mut bytes: &[u8], mut sink: impl FnMut(Piece<'_>)) {
        while let Some(&first) = bytes.first() {
            match self.state {
                State::Console => {
                    let end = bytes.iter().position(|&b| b == FRAME_START).unwrap_or(bytes.len());
                    let (text, rest) = bytes.split_at(end);
                    if !text.is_empty() {
                        sink(Piece::Console(text));
                    }
                    if let Some((_, after)) = rest.split_first() {
                        self.begin();
                        bytes = after;
                    } else {
                        bytes = rest;
                    }
                }
                State::Frame => {
                    bytes = &bytes[1..];
                    self.take(first, &mut sink);
                }
                State::Overlong => {
                    let end = bytes.iter().position(|&b| b == FRAME_START || b == FRAME_END).unwrap_or(bytes.len());
                    let (text, rest) = bytes.split_at(end);
                    if !text.is_empty() {
                        sink(Piece::Broken(Breakage::TooLong, text));
                    }
                    match rest.split_first() {
                        Some((&FRAME_START, after)) => {
                            self.begin();
                            bytes = after;
                        }
                        Some((_, after)) => {
                            self.state = State::Console;
                            bytes = after;
                        }
                        None => bytes = rest,
                    }
                }
            }
        }
    }

    /// Ends the stream (the link closed): a half frame comes out as [`Breakage::Cut`].
    pub fn finish(&mut self, mut sink: impl FnMut(Piece<'_>)) {
        if self.state == State::Frame {
            self.give_up(Breakage::Cut, &mut sink);
        }
        self.state = State::Console;
    }

    /// Whether the last byte seen was inside a frame.
    #[must_use]
    pub fn in_frame(&self) -> bool {
        self.state != State::Console
    }

    fn begin(&mut self) {
        self.state = State::Frame;
        self.len = 0;
    }

    fn take(&mut self, byte: u8, sink: &mut impl FnMut(Piece<'_>)) {
        match byte {
            FRAME_END if self.len > 0 => {
                self.state = State::Console;
                sink(Piece::Frame(&self.buffer[..self.len]));
            }
            FRAME_START => {
                // RFC 7464 2.1: empty elements between separators are ignored, not errors.
                if self.len > 0 {
                    self.give_up(Breakage::Cut, sink);
                }
                self.begin();
            }
            _ if byte < 0x20 || (self.len == 0 && byte != b'{') => {
                self.buffer[self.len] = byte;
                self.len += 1;
                self.give_up(Breakage::NotJson, sink);
            }
            _ => {
                self.buffer[self.len] = byte;
                self.len += 1;
                if self.len == MAX_FRAME_BYTES - 2 {
                    self.give_up(Breakage::TooLong, sink);
                    self.state = State::Overlong;
                }
            }
        }
    }

    fn give_up(&mut self, why: Breakage, sink: &mut impl FnMut(Piece<'_>)) {
        self.state = State::Console;
        sink(Piece::Broken(why, &self.buffer[..self.len]));
    }
}

/// A message does not fit into the buffer, or into [`MAX_FRAME_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DoesNotFit;

/// Writes `message` as one frame into `buffer` and returns its length in bytes.
///
/// # Errors
/// [`DoesNotFit`]; the buffer's content is then undefined and nothing must be sent.
pub fn write(message: &impl serde::Serialize, buffer: &mut [u8]) -> Result<usize, DoesNotFit> {
    let limit = buffer.len().min(MAX_FRAME_BYTES);
    let [start, rest @ ..] = &mut buffer[..limit] else { return Err(DoesNotFit) };
    *start = FRAME_START;
    let len = serde_json_core::to_slice(message, rest).map_err(|_| DoesNotFit)?;
    *rest.get_mut(len).ok_or(DoesNotFit)? = FRAME_END;
    Ok(len + 2)
}

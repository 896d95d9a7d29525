//! One serial line: what is to be sent, and what was received, apart from the hardware under it.

use portable_atomic::{AtomicBool, AtomicU32, Ordering};

use protocol::frame::{FRAME_END, Piece, Splitter};

use super::ring::Ring;
use super::{Id, mailbox};
use crate::interrupts::Shared;

const TEXT_BYTES: usize = 1024;
/// Room for two of the longest frames and some events.
const FRAME_BYTES: usize = 4096;

/// The hardware-independent half of a console.
pub(crate) struct Line {
    id: Id,
    /// Console text; written by main and lesson levels in short sections without interrupts.
    text: Ring<TEXT_BYTES>,
    /// Whole frames; written at telemetry level only.
    frames: Ring<FRAME_BYTES>,
    /// The last byte sent was inside a frame. Used at kernel level only.
    in_frame: AtomicBool,
    splitter: Shared<Splitter>,
    /// Bytes received that were neither console text nor part of a frame.
    bad_bytes: AtomicU32,
}

impl Line {
    pub(crate) const fn new(id: Id) -> Self {
        Self {
            id,
            text: Ring::new(),
            frames: Ring::new(),
            in_frame: AtomicBool::new(false),
            splitter: Shared::new(Splitter::new()),
            bad_bytes: AtomicU32::new(0),
        }
    }

    /// The next byte to send: frames go whole, and before text. At kernel level.
    #[esp_hal::ram]
    pub(crate) fn next_byte(&self) -> Option<u8> {
        if self.in_frame.load(Ordering::Relaxed) || !self.frames.is_empty() {
            let byte = self.frames.pop();
            self.in_frame.store(byte.is_some_and(|byte| byte != FRAME_END), Ordering::Relaxed);
            return byte;
        }
        self.text.pop()
    }

    pub(crate) fn is_drained(&self) -> bool {
        self.text.is_empty() && self.frames.is_empty()
    }

    pub(crate) fn text_space(&self) -> usize {
        self.text.space()
    }

    /// Appends text as far as it fits. Interrupts must be off.
    pub(crate) fn push_text(&self, text: &[u8]) -> usize {
        self.text.push(text)
    }

    /// Appends a whole frame, or nothing. At telemetry level.
    pub(crate) fn push_frame(&self, frame: &[u8]) -> bool {
        // A half frame must never be visible to the sender, so the space is checked first.
        frame.len() <= self.frames.space() && self.frames.push(frame) == frame.len()
    }

    pub(crate) fn bad_bytes(&self) -> u32 {
        self.bad_bytes.load(Ordering::Relaxed)
    }

    /// Sorts received bytes into console input and frames. At kernel level.
    pub(crate) fn receive(&self, bytes: &[u8]) {
        // To an official build a frame is text that somebody types, and no greeting ever turns telemetry on.
        if cfg!(feature = "plain") {
            bytes.iter().for_each(|byte| self.input(*byte));
            return;
        }
        // SAFETY: only the line's own interrupt routine uses its splitter, and that level does not nest.
        let splitter = unsafe { &mut *self.splitter.get() };
        splitter.push(bytes, |piece| match piece {
            Piece::Console(text) => text.iter().for_each(|byte| self.input(*byte)),
            Piece::Frame(json) => {
                if !mailbox::post(self.id, json) {
                    self.count_bad(json.len());
                }
            }
            Piece::Broken(_, bytes) => {
                // A control character that ends what looked like a frame was typed: Ctrl-C must get through.
                match bytes.split_last() {
                    Some((last, before)) if *last < 0x20 => {
                        self.count_bad(before.len() + 1);
                        self.input(*last);
                    }
                    _ => self.count_bad(bytes.len() + 1),
                }
            }
        });
    }

    fn input(&self, byte: u8) {
        if !super::input(byte) {
            self.count_bad(1);
        }
    }

    fn count_bad(&self, count: usize) {
        self.bad_bytes.store(self.bad_bytes().wrapping_add(count as u32), Ordering::Relaxed);
    }
}

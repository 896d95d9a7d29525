//! What a board says while it boots, as far as it tells why no prompt comes.

use super::RESET_CAUSE;
use crate::raw_prompt::find;

/// So many resets without a prompt in between are a loop: the host's own, and what may come of a bad contact.
pub(super) const RESETS_OF_A_LOOP: u32 = 4;
/// So many bytes are enough to tell text from noise.
const TELLING_BYTES: u32 = 16;
/// One byte in so many that no text has makes it noise.
const STRANGE_ONE_IN: u32 = 4;

/// Counts what comes between a reset and the first prompt.
#[derive(Clone, Debug, Default)]
pub(super) struct BootTalk {
    /// Resets that the chip's ROM has told of.
    pub(super) resets: u32,
    /// The end of what came, so that a word that comes in two pieces is found.
    end: Vec<u8>,
    bytes: u32,
    strange: u32,
    /// What came after the boot should have been over.
    late: u32,
}

impl BootTalk {
    /// `late`: the boot should have been over by now.
    pub(super) fn hear(&mut self, text: &[u8], late: bool) {
        if late {
            self.late += text.len() as u32;
        }
        self.bytes += text.len() as u32;
        self.strange += text.iter().filter(|byte| !is_text(**byte)).count() as u32;
        self.end.extend(text);
        while let Some(at) = find(&self.end, RESET_CAUSE) {
            self.resets += 1;
            self.end.drain(..at + RESET_CAUSE.len());
        }
        let kept = self.end.len().min(RESET_CAUSE.len() - 1);
        self.end.drain(..self.end.len() - kept);
    }

    /// Whether somebody talks who is neither a ROM nor a prompt.
    pub(super) fn is_a_program(&self) -> bool {
        self.late > 0 && !self.is_garbage()
    }

    /// Whether it is noise: bytes that were sent at one speed and read at another.
    pub(super) fn is_garbage(&self) -> bool {
        self.bytes >= TELLING_BYTES && self.strange * STRANGE_ONE_IN >= self.bytes
    }
}

/// What a boot log and a prompt consist of; ESC begins the colours of ESP-IDF's log.
const fn is_text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t' | 0x1B)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOT_LOG: &[u8] =
        b"ESP-ROM:esp32c3-api1-20210207\r\nBuild:Feb  7 2021\r\nrst:0x7 (TG0WDT_SYS_RST),boot:0xc\r\n\
        invalid header: 0xffffffff\r\n";

    #[test]
    fn resets_are_counted_in_pieces_of_every_size() {
        for size in 1..BOOT_LOG.len() {
            let mut talk = BootTalk::default();
            for piece in BOOT_LOG.repeat(3).chunks(size) {
                talk.hear(piece, false);
            }
            assert_eq!(talk.resets, 3, "in pieces of {size}");
            assert!(!talk.is_garbage() && !talk.is_a_program());
            talk.hear(b"measured 17\r\n", true);
            assert!(talk.is_a_program());
        }
    }

    #[test]
    fn a_boot_log_at_the_wrong_speed_is_garbage_and_a_few_bytes_are_nothing() {
        let mut talk = BootTalk::default();
        talk.hear(&[0xE0; 8], false);
        assert!(!talk.is_garbage());
        talk.hear(&[0xFC, 0x00, 0x80, b'x', 0xE0, b'0', 0xFF, 0x1C], true);
        assert!(talk.is_garbage() && !talk.is_a_program());
    }
}

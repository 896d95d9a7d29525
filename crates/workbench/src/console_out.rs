//! Console text on its way from a board to the pages: collected for a moment, bounded, never cut within a character.

use std::time::Duration;

use crate::clock::Moment;

/// Console text is collected for so long before it goes out.
const CONSOLE_INTERVAL: Duration = Duration::from_millis(50);
/// Console text that goes out at once; the middle of more is left out.
const CONSOLE_BYTES: usize = 2048;

/// Console text on its way to the pages.
#[derive(Debug, Default)]
pub struct ConsoleOut {
    begin: Vec<u8>,
    /// The end of what did not fit into `begin`.
    end: Vec<u8>,
    skipped: u64,
    /// When what has been collected goes out.
    pub due: Option<Moment>,
}

impl ConsoleOut {
    /// Adds what the board printed.
    pub fn add(&mut self, now: Moment, text: &[u8]) {
        self.due.get_or_insert(now + CONSOLE_INTERVAL);
        let room = if self.end.is_empty() { CONSOLE_BYTES.saturating_sub(self.begin.len()) } else { 0 };
        let (first, rest) = text.split_at(room.min(text.len()));
        self.begin.extend(first);
        self.end.extend(rest);
        if self.end.len() > CONSOLE_BYTES {
            let surplus = self.end.len() - CONSOLE_BYTES;
            self.end.drain(..surplus);
            self.skipped += surplus as u64;
        }
    }

    /// What goes out now, and how many bytes were left out of it. The beginning of a character
    /// whose end has not come yet stays.
    pub fn take(&mut self) -> Option<(String, u64)> {
        self.due.take()?;
        let mut bytes = std::mem::take(&mut self.begin);
        let skipped = std::mem::take(&mut self.skipped);
        if skipped > 0 {
            bytes.extend(format!("\r\n[… {skipped} …]\r\n").bytes());
        }
        bytes.append(&mut self.end);
        if let Some(chunk) = bytes.utf8_chunks().last()
            && (1..4).contains(&chunk.invalid().len())
            && bytes.ends_with(chunk.invalid())
            && chunk.invalid()[0] >= 0xC0
        {
            self.begin = chunk.invalid().to_vec();
            bytes.truncate(bytes.len() - self.begin.len());
        }
        Some((String::from_utf8_lossy(&bytes).into_owned(), skipped))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_never_cut() {
        let mut console = ConsoleOut::default();
        let text = "日本".as_bytes();
        console.add(Moment::ZERO, &text[..4]);
        assert_eq!(console.take(), Some(("日".into(), 0)));
        console.add(Moment::ZERO, &text[4..]);
        assert_eq!(console.take(), Some(("本".into(), 0)));
        console.add(Moment::ZERO, b"\xff!");
        assert_eq!(console.take(), Some(("\u{fffd}!".into(), 0)));
        assert_eq!(console.take(), None);
    }

    #[test]
    fn the_middle_of_a_flood_is_counted_instead_of_sent() {
        let mut console = ConsoleOut::default();
        console.add(Moment::ZERO, &b"a".repeat(100_000));
        let (text, skipped) = console.take().unwrap();
        assert_eq!(skipped, 100_000 - 2 * CONSOLE_BYTES as u64);
        assert!(text.len() < 2 * CONSOLE_BYTES + 40 && text.contains(&skipped.to_string()));
    }
}

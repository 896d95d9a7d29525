//! Frames that come in pieces.
//!
//! A board with official MicroPython has no interrupt of ours that could send a frame beside the program: what main writes
//! keeps main, and with it every callback, waiting for the line. So its `lab` module writes what just fits into the line's
//! hardware, a piece at a time. A piece is a frame of its own, `{`, a mark, and text: `<` begins, `+` goes on, `>` ends. What the
//! program prints may come between two of them.

use std::borrow::Cow;

/// The longest frame that is put together; the module sends no longer one.
const LONGEST: usize = 4096;

/// What has come of the frame that is on its way.
#[derive(Clone, Debug, Default)]
pub(super) struct Pieces {
    text: Option<Vec<u8>>,
}

/// What a frame of the line is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken<'f> {
    /// A whole frame, by itself or with the pieces before.
    Whole(Cow<'f, [u8]>),
    /// The rest is still to come.
    More,
    /// Something of it was lost.
    Broken(Vec<u8>),
}

impl Pieces {
    pub(super) fn take<'f>(&mut self, frame: &'f [u8]) -> Taken<'f> {
        let [b'{', mark @ (b'<' | b'+' | b'>'), piece @ ..] = frame else {
            return Taken::Whole(Cow::Borrowed(frame));
        };
        if *mark == b'<' {
            // One that never came to its end was given up by the board: it was interrupted.
            self.text = Some(piece.to_vec());
            return Taken::More;
        }
        let Some(mut text) = self.text.take() else { return Taken::Broken(frame.to_vec()) };
        text.extend(piece);
        match mark {
            _ if text.len() > LONGEST => Taken::Broken(text),
            b'>' => Taken::Whole(Cow::Owned(text)),
            _ => {
                self.text = Some(text);
                Taken::More
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(frames: &[&str], expected: &[Taken<'_>]) {
        let mut pieces = Pieces::default();
        let taken: Vec<_> = frames.iter().map(|frame| pieces.take(frame.as_bytes())).collect();
        assert_eq!(taken, expected);
    }

    fn whole(text: &str) -> Taken<'static> {
        Taken::Whole(Cow::Owned(text.as_bytes().to_vec()))
    }

    fn broken(text: &str) -> Taken<'static> {
        Taken::Broken(text.as_bytes().to_vec())
    }

    #[test]
    fn pieces_become_the_frame_that_they_were() {
        check(&[r#"{"t":1}"#], &[whole(r#"{"t":1}"#)]);
        check(&[r#"{<{"t""#, "{+:1", "{>}  "], &[Taken::More, Taken::More, whole(r#"{"t":1}  "#)]);
        check(&["{<ab", r#"{"t":2}"#, "{>c"], &[Taken::More, whole(r#"{"t":2}"#), whole("abc")]);
    }

    #[test]
    fn what_lost_its_beginning_is_broken_and_what_never_ends_is_given_up() {
        check(&["{+ab", "{>c"], &[broken("{+ab"), broken("{>c")]);
        check(&["{<ab", "{<c", "{>d"], &[Taken::More, Taken::More, whole("cd")]);
    }

    #[test]
    fn a_frame_without_end_takes_no_memory() {
        let mut pieces = Pieces::default();
        let piece = format!("{{+{}", "x".repeat(400));
        pieces.take(b"{<");
        let taken: Vec<_> = (0..20).map(|_| pieces.take(piece.as_bytes())).collect();
        assert!(taken.iter().any(|taken| matches!(taken, Taken::Broken(_))));
        assert_eq!(pieces.text, None);
    }
}

//! What a command prints, and in which language.
//!
//! Nothing that a board, a device or a file can say reaches the terminal as it came: a control character is shown and not
//! obeyed. A stdout that nobody reads ends the command as it ends every other one (141, as a shell counts SIGPIPE), one that
//! takes nothing is a failure with its reason; neither is a panic.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, Write as _};
use std::process::ExitCode;

use course::Language;
use course::words::ProblemText;

/// What a shell says of a command whose reader has gone away: 128 + SIGPIPE.
const NOBODY_READS: u8 = 141;

/// stdout takes nothing.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to the standard output: {0}")]
pub(super) struct Unheard(#[from] io::Error);

/// Prints lines, with control characters shown as escapes.
macro_rules! say {
    ($($what:tt)*) => {
        $crate::commands::out::say_text(&format!($($what)*))
    };
}
pub(super) use say;

/// See [`say!`].
pub(super) fn say_text(text: &str) -> Result<(), Unheard> {
    print(&format!("{}\n", harmless(text)))
}

/// Prints as it is: for what this program has made for the terminal.
pub(super) fn print(text: &str) -> Result<(), Unheard> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Prints something about a failure. A stderr that takes nothing is nobody's to tell.
pub(super) fn complain(text: &str) {
    _ = writeln!(io::stderr().lock(), "isrlab: {}", harmless(text));
}

/// The text with its control characters as escapes. Lines and tabs stay; so do none of those that move the cursor, change
/// colours, or turn the direction of writing.
pub(super) fn harmless(text: &str) -> Cow<'_, str> {
    let harms = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\t')) || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(harms) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            // A board ends its lines with both.
            '\r' if rest.peek() == Some(&'\n') => {}
            '\r' => shown.push_str("\\r"),
            c if harms(c) && u32::from(c) < 0x100 => shown.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if harms(c) => shown.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// Says how a command ended.
pub(super) fn end(outcome: anyhow::Result<ExitCode>) -> ExitCode {
    match outcome {
        Ok(code) => code,
        Err(error) => {
            if let Some(unheard) = error.downcast_ref::<Unheard>() {
                return ExitCode::from(exit_of(unheard));
            }
            complain(&told(&error));
            ExitCode::FAILURE
        }
    }
}

/// The exit code of a command that cannot print; says why, where somebody may not know.
pub(super) fn exit_of(unheard: &Unheard) -> u8 {
    if unheard.0.kind() == io::ErrorKind::BrokenPipe {
        return NOBODY_READS;
    }
    complain(&unheard.to_string());
    1
}

/// An error with its causes, each once: many errors name their cause in their own words already.
fn told(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// The language that the terminal's user has asked for.
pub(super) fn language() -> Language {
    Language::of_environment(|name| std::env::var(name).ok())
}

/// A failure in the user's language.
pub(super) fn failure(en: impl Display, ja: impl Display) -> anyhow::Error {
    match language() {
        Language::En => anyhow::anyhow!("{en}"),
        Language::Ja => anyhow::anyhow!("{ja}"),
    }
}

/// What happened, what to try, and the code, in one line each.
pub(super) fn words(ProblemText { code, message, hint }: &ProblemText) -> anyhow::Error {
    anyhow::anyhow!("{message}\n  {hint}\n  [{code}]")
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_guest_moves_no_cursor_and_changes_no_title() {
        for (text, shown) in [
            ("plain 日本\n\ttext", "plain 日本\n\ttext"),
            ("a\r\nb\rc", "a\nb\\rc"),
            ("\x1b]0;owned\x07\x1b[2J", "\\x1b]0;owned\\x07\\x1b[2J"),
            ("\u{9b}31m\u{85}\0\u{7f}", "\\x9b31m\\x85\\x00\\x7f"),
            ("a\u{202e}b\u{2066}", "a\\u202eb\\u2066"),
        ] {
            assert_eq!(harmless(text), shown);
        }
    }

    proptest! {
        #[test]
        fn nothing_steers_a_terminal(text in "\\PC*|[\\x00-\\x9f]*|\\x1b.{0,9}") {
            let shown = harmless(&text).into_owned();
            let steers = |c: &char| c.is_control() && !matches!(c, '\n' | '\t');
            prop_assert_eq!(shown.chars().find(steers), None);
            prop_assert_eq!(harmless(&shown), shown.as_str());
        }
    }

    #[test]
    fn a_cause_is_told_once() {
        let refused = || io::Error::other("Connection refused");
        let unheard = Err::<(), _>(Unheard(refused())).context("the port failed").unwrap_err();
        assert_eq!(told(&unheard), "the port failed: cannot write to the standard output: Connection refused");
        let other = Err::<(), _>(refused()).context("cannot reach the board").unwrap_err();
        assert_eq!(told(&other), "cannot reach the board: Connection refused");
    }
}

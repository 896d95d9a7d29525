//! What a program did wrong, read from Python's own words: class, text, and the line of the program.

use course::Language;
use course::words::{Advice, mistake};
use serde::Serialize;

/// The file name of what is sent through the prompt.
const PROGRAM: &str = "  File \"<stdin>\", line ";
/// How a line of a traceback begins.
const FRAME: &str = "  File ";

/// An exception that nobody handled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// Class name.
    pub class: String,
    /// Message; empty where there is none.
    pub text: String,
    /// The innermost line of the program, from 1.
    pub line: Option<u32>,
}

impl Mistake {
    /// The exception whose traceback stands last in what a board printed.
    #[must_use]
    pub fn last_in(printed: &str) -> Option<Self> {
        let lines: Vec<&str> = printed.lines().map(str::trim_end).collect();
        let at = lines.iter().rposition(|line| class_of(line).is_some())?;
        let class = class_of(lines[at])?;
        let text = lines[at][class.len()..].trim_start_matches(':').trim();
        Some(Self { class: class.to_owned(), text: text.to_owned(), line: line_above(&lines[..at]) })
    }

    /// The line at which an exception of this class was printed last.
    #[must_use]
    pub fn line_of(class: &str, printed: &str) -> Option<u32> {
        let lines: Vec<&str> = printed.lines().map(str::trim_end).collect();
        let at = lines.iter().rposition(|line| class_of(line) == Some(class))?;
        line_above(&lines[..at])
    }

    /// One sentence and the place that explains it, for a mistake of a known kind.
    #[must_use]
    pub fn advice(&self, language: Language) -> Option<Advice> {
        mistake(&self.class, &self.text, language)
    }
}

/// The class that a line names, if it is the last one of a traceback: `NameError: name 'x' isn't defined`, or a bare name.
fn class_of(line: &str) -> Option<&str> {
    let class = line.split_once(": ").map_or(line, |(class, _)| class).trim_end_matches(':');
    let is_name = class.starts_with(|c: char| c.is_ascii_uppercase())
        && class.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let known = ["Error", "Exception", "Interrupt", "Exit", "Iteration"];
    (is_name && known.iter().any(|ending| class.ends_with(ending))).then_some(class)
}

/// The innermost line of the program in the traceback that ends here.
fn line_above(lines: &[&str]) -> Option<u32> {
    let frames = lines.iter().rev().take_while(|line| line.starts_with(FRAME));
    frames.filter_map(|line| line.strip_prefix(PROGRAM)).find_map(|rest| {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..digits].parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn found(printed: &str, class: &str, text: &str, line: Option<u32>) {
        let expected = Mistake { class: class.into(), text: text.into(), line };
        assert_eq!(Mistake::last_in(printed), Some(expected), "{printed}");
        assert_eq!(Mistake::line_of(class, printed), line);
    }

    #[test]
    fn a_traceback_names_the_innermost_line_of_the_program() {
        let nested = "before\r\nTraceback (most recent call last):\r\n  File \"<stdin>\", line 9, in <module>\r\n  \
            File \"<stdin>\", line 4, in tick\r\n  File \"asyncio/core.py\", line 1, in run\r\nNameError: name 'x' isn't defined\r\n";
        found(nested, "NameError", "name 'x' isn't defined", Some(4));
        let syntax = "Traceback (most recent call last):\n  File \"<stdin>\", line 2\nSyntaxError: invalid syntax\n";
        found(syntax, "SyntaxError", "invalid syntax", Some(2));
        found(
            "Traceback (most recent call last):\n  File \"<stdin>\", line 1, in <module>\nKeyError\n",
            "KeyError",
            "",
            Some(1),
        );
        found("ValueError: printed by hand\n", "ValueError", "printed by hand", None);
    }

    #[test]
    fn other_output_is_no_traceback() {
        for printed in ["", "  File \"<stdin>\", line 3\n", "Reading: 5\n", "Error handling: 5\n", ">>> "] {
            assert_eq!(Mistake::last_in(printed), None, "{printed:?}");
        }
        assert_eq!(Mistake::line_of("KeyError", "NameError: x\n"), None);
        found("  File \"<stdin>\", line 99999999999\nOSError: 5\n", "OSError", "5", None);
    }

    #[test]
    fn a_known_kind_has_advice_in_both_languages() {
        let locked = Mistake::last_in("MemoryError: memory allocation failed, heap is locked\n").unwrap();
        for language in [Language::En, Language::Ja] {
            let advice = locked.advice(language).unwrap();
            assert_eq!((advice.code, advice.href), ("mistake-heap-locked", Some("/lessons/what-allocates")));
        }
        let own = Mistake { class: "CoffeeError".into(), text: "empty".into(), line: None };
        assert_eq!(own.advice(Language::En), None);
    }
}

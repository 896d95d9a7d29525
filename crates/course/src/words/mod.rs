//! What a person is told of a problem: what happened and what to try, in both languages, by a stable code.
//!
//! Codes are defined where they arise, and never change once released; their words are all here, so that a
//! test can see that none is missing.

mod board;
mod classes;
mod driving;
mod exploring;
mod mistakes;
pub mod parts;
mod requests;
mod sleeping;
pub mod wiring;

use serde::Serialize;

use crate::settings::SettingError;
use crate::{Language, catalogue};
pub use exploring::window_end;
pub use mistakes::{Advice, mistake, program_asleep, program_endless, program_failed};
use requests::requests;
pub use sleeping::{Woken, deep_sleep};

/// What happened and what to try.
type Words = (&'static str, &'static str);

/// A problem in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProblemText {
    /// The stable code, for scripts and for questions to the teacher.
    pub code: &'static str,
    /// What happened.
    pub message: String,
    /// What to try.
    pub hint: String,
}

/// The words for a code, with their `{name}` places filled; those for a board that is gone where the code is unknown.
#[must_use]
pub fn problem(code: &'static str, places: &[(&str, String)], language: Language) -> ProblemText {
    let (en, ja) = find(code).unwrap_or((
        ("The board is gone.", "Plug it in again, or reload the page."),
        ("ボードが見つかりません。", "接続し直すか、ページを再読み込みしてください。"),
    ));
    let (message, hint) = match language {
        Language::En => en,
        Language::Ja => ja,
    };
    ProblemText { code, message: catalogue::filled(message, places), hint: catalogue::filled(hint, places) }
}

fn find(code: &str) -> Option<(Words, Words)> {
    requests(code)
        .or_else(|| board::board(code))
        .or_else(|| exploring::exploring(code))
        .or_else(|| classes::classes(code))
        .or_else(|| driving::driving(code))
}

/// What is wrong with a board. `program` has its port, where the system tells.
#[must_use]
pub fn board_trouble(code: &'static str, program: Option<&str>, language: Language) -> ProblemText {
    let text = problem(code, &[], language);
    match program {
        Some(program) => ProblemText { message: board::in_use_by(program, language), ..text },
        None => text,
    }
}

/// What a visitor is told whose board the class host has taken back.
#[must_use]
pub fn taken_back(language: Language) -> ProblemText {
    problem("board-taken-back", &[], language)
}

/// What a page is told whose virtual board went to somebody else, or was freed by the class host.
#[must_use]
pub fn reclaimed(language: Language) -> ProblemText {
    problem("board-reclaimed", &[], language)
}

/// What a page is told that has no board yet, because others use all of them.
#[must_use]
pub fn no_board(language: Language) -> ProblemText {
    problem("board-none-yet", &[], language)
}

/// A control does not take a value.
#[must_use]
pub fn setting(error: &SettingError, language: Language) -> ProblemText {
    let japanese = match error {
        SettingError::UnknownControl { name, known } => {
            format!("このレッスンに設定 `{name}` はありません。あるのは {known} です。")
        }
        SettingError::OutOfRange { name, value, min, max } => {
            format!("`{name}` = {value} は範囲外です。{min}～{max} で設定できます。")
        }
        SettingError::UnknownOption { name, value, known } => {
            format!("`{name}` = {value} は選べません。選べるのは {known} です。")
        }
    };
    let (message, hint) = match language {
        Language::En => (sentence(&error.to_string()), "Choose a value that the control offers."),
        Language::Ja => (japanese, "設定できる値を選んでください。"),
    };
    ProblemText { code: error.code(), message, hint: hint.to_owned() }
}

/// A message as a sentence of its own.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(char::to_uppercase).into_iter().flatten();
    first.chain(characters).chain(['.']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every code that the sources of the rooms define, as they define it: `=> "code"`.
    fn codes() -> Vec<String> {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let sources = [
            "crates/workbench/src/session/vocabulary.rs",
            "crates/workbench/src/explore/error.rs",
            "crates/workbench/src/witness/trouble.rs",
            "crates/ports/src/serial.rs",
            "crates/ports/src/flash/mod.rs",
            "server/src/class/problem.rs",
            "server/src/error.rs",
        ];
        let mut codes: Vec<String> = sources
            .into_iter()
            .map(|source| std::fs::read_to_string(root.join(source)).unwrap())
            .flat_map(|source| {
                let quoted = source.split("=> \"").skip(1).filter_map(|rest| rest.split('"').next());
                quoted.map(str::to_owned).collect::<Vec<_>>()
            })
            .filter(|code| code.contains('-') && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'))
            // Its words are made from the error, and an end of a window is no problem.
            .filter(|code| !code.starts_with("control-") && code != "locked-up")
            .collect();
        codes.sort_unstable();
        codes.dedup();
        codes
    }

    #[test]
    fn every_code_has_words_of_its_own() {
        let codes = codes();
        assert!(codes.len() > 50, "{codes:?}");
        for code in codes.iter().filter(|code| *code != "board-gone") {
            assert!(find(code).is_some(), "{code} has no words");
        }
    }

    #[test]
    fn both_languages_have_the_same_places() {
        let places = |text: &str| -> std::collections::BTreeSet<String> {
            text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name.to_owned()).collect()
        };
        for code in codes() {
            let Some((en, ja)) = find(&code) else { continue };
            assert_eq!(places(en.0), places(ja.0), "{code}");
            assert!(!en.1.is_empty() && !ja.1.is_empty(), "{code}");
        }
    }

    #[test]
    fn a_setting_that_is_refused_is_told_as_a_sentence() {
        let error = SettingError::OutOfRange { name: "rate".to_owned(), value: 7, min: 10, max: 1000 };
        assert!(setting(&error, Language::En).message.ends_with('.'));
        assert_eq!(setting(&error, Language::Ja).message, "`rate` = 7 は範囲外です。10～1000 で設定できます。");
    }
}

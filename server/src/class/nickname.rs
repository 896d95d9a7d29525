//! Nicknames: the host's only handle on a learner, so two that look alike are one.

use unicode_normalization::UnicodeNormalization as _;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

/// The most characters of a nickname.
pub(super) const MOST_CHARACTERS: usize = 24;
/// Marks that may stand upon one letter; more of them climb over the lines above.
const MOST_MARKS: usize = 2;

/// A nickname.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nickname {
    /// As it is shown.
    pub shown: String,
    /// As it is compared.
    pub folded: String,
}

/// Why a text is no nickname.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadNickname {
    /// Nothing that can be seen.
    Empty,
    /// More than 24 characters.
    TooLong,
}

impl Nickname {
    /// The nickname in what somebody typed: NFKC, without characters that cannot be seen or that turn the direction of
    /// writing, words apart by one space.
    ///
    /// # Errors
    /// [`BadNickname`]
    pub fn read(typed: &str) -> Result<Self, BadNickname> {
        // Far more than a name: the rest is not even looked at.
        let normal: String = typed.chars().take(16 * MOST_CHARACTERS).nfkc().collect();
        let mut shown = String::new();
        let mut marks = 0;
        for character in normal.chars() {
            if character.is_whitespace() {
                if !shown.is_empty() && !shown.ends_with(' ') {
                    shown.push(' ');
                }
                marks = 0;
            } else if is_mark(character) {
                marks += 1;
                if marks <= MOST_MARKS && !shown.is_empty() && !shown.ends_with(' ') && !is_invisible(character) {
                    shown.push(character);
                }
            } else if !is_invisible(character) {
                shown.push(character);
                marks = 0;
            }
        }
        // What stood apart by something invisible may compose now.
        let shown: String = shown.trim_end().nfkc().collect();
        match shown.chars().count() {
            0 => Err(BadNickname::Empty),
            1..=MOST_CHARACTERS => Ok(Self { folded: folded(&shown), shown }),
            _ => Err(BadNickname::TooLong),
        }
    }
}

/// Without the difference of large and small letters, in any script.
fn folded(text: &str) -> String {
    let folded: String = caseless::default_case_fold_str(text).nfkc().collect();
    // Folding can undo what normalising did (U+0345); once more and it stays.
    caseless::default_case_fold_str(&folded).nfkc().collect()
}

fn is_mark(character: char) -> bool {
    matches!(
        character.general_category(),
        GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark | GeneralCategory::SpacingMark
    )
}

/// Characters without a look of their own: controls, formats (joiners, directions, tags), what is unassigned or private, and
/// letters and marks that are blank.
fn is_invisible(character: char) -> bool {
    use GeneralCategory as G;
    matches!(
        character.general_category(),
        G::Control
            | G::Format
            | G::Surrogate
            | G::PrivateUse
            | G::Unassigned
            | G::LineSeparator
            | G::ParagraphSeparator
    ) || matches!(
        character,
        '\u{034F}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{2800}' | '\u{3164}' | '\u{FFA0}'
            | '\u{180B}'..='\u{180F}' | '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn same(one: &str, other: &str, expected: bool) {
        let (one, other) = (Nickname::read(one).unwrap(), Nickname::read(other).unwrap());
        assert_eq!(one.folded == other.folded, expected, "{one:?} and {other:?}");
    }

    #[test]
    fn names_that_look_alike_are_one_name() {
        same("Otter", "otter", true);
        same("otter", "ot\u{200D}ter", true);
        same("otter", "\u{202E}otter", true);
        same("otter", " otter  ", true);
        same("mole rat", "mole\u{3000}\u{A0}rat", true);
        same("ÖTTER", "o\u{308}tter", true);
        same("Straße", "STRASSE", true);
        same("ABC", "ABC", true);
        same("アイ", "アイ", true);
        same("otter", "otters", false);
        same("ハ", "バ", false);
        same("otter", "отter", false);
    }

    #[test]
    fn what_cannot_be_seen_is_no_name_and_a_long_text_neither() {
        for nothing in ["", "   ", "\u{200B}\u{2060}", "\u{3164}", "\t\n", "\u{301}", "\u{E000}"] {
            assert_eq!(Nickname::read(nothing), Err(BadNickname::Empty), "{nothing:?}");
        }
        assert_eq!(Nickname::read(&"x".repeat(25)), Err(BadNickname::TooLong));
        assert_eq!(Nickname::read(&"い".repeat(24)).unwrap().shown.chars().count(), 24);
        assert_eq!(Nickname::read("a\u{301}\u{301}\u{301}\u{301}b").unwrap().shown, "á\u{301}\u{301}b");
        assert_eq!(Nickname::read("<b>ada</b>").unwrap().shown, "<b>ada</b>");
    }

    proptest! {
        #[test]
        fn a_name_read_again_is_the_same_name(typed in "\\PC{0,40}|.{0,40}") {
            if let Ok(name) = Nickname::read(&typed) {
                prop_assert!(name.shown.chars().count() <= MOST_CHARACTERS);
                let turns = |c: char| c.is_control() || ('\u{202A}'..='\u{202E}').contains(&c);
                prop_assert!(!name.shown.contains(turns));
                let again = Nickname::read(&name.shown).unwrap();
                prop_assert_eq!(&again.shown, &name.shown);
                prop_assert_eq!(again.folded, name.folded);
            }
        }
    }
}

//! Three words that bring a learner's work back on another device. They are valid with the class's PIN only, and what is
//! kept of them is a slow hash: 33 bits could be tried out by whoever has the file.

use argon2::{Algorithm, Argon2, Params, Version};
use course::Language;
use unicode_normalization::UnicodeNormalization as _;

/// Bytes of a class's salt.
pub const SALT_BYTES: usize = 16;
/// Bytes of a hash.
pub const WORDS_HASH_BYTES: usize = 32;
/// How many words there are in a list.
const LIST: u16 = 2048;
/// Memory that one hash takes, in KiB, and how often it is gone through. One takes some milliseconds, so that a school that joins in a
/// minute is no load, and all words for one class take a processor a year.
const MEMORY_KIB: u32 = 8 * 1024;
const PASSES: u32 = 1;

/// Three words of one language, by their places in its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreeWords {
    language: Language,
    places: [u16; 3],
}

impl ThreeWords {
    /// New ones by chance.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn fresh(language: Language) -> Result<Self, getrandom::Error> {
        let mut places = [0; 3];
        for place in &mut places {
            *place = (getrandom::u32()? % u32::from(LIST)) as u16;
        }
        Ok(Self { language, places })
    }

    /// The words in what somebody typed, in either language and any case, width or kana.
    #[must_use]
    pub fn read(typed: [&str; 3]) -> Option<Self> {
        Language::ALL.into_iter().find_map(|language| {
            let mut places = [0; 3];
            for (place, typed) in places.iter_mut().zip(typed) {
                let typed = compared(typed);
                let at = list(language).iter().position(|word| compared(word) == typed)?;
                *place = u16::try_from(at).ok()?;
            }
            Some(Self { language, places })
        })
    }

    /// The words as they are shown.
    #[must_use]
    pub fn shown(&self) -> [String; 3] {
        self.places.map(|place| {
            list(self.language).get(usize::from(place)).map_or_else(String::new, |word| word.nfc().collect())
        })
    }

    /// As text that a cookie can hold.
    #[must_use]
    pub fn to_token(self) -> String {
        let [a, b, c] = self.places;
        format!("{}-{a}-{b}-{c}", self.language.tag())
    }

    /// Out of such a text.
    #[must_use]
    pub fn of_token(token: &str) -> Option<Self> {
        let mut parts = token.split('-');
        let language = Language::from_tag(parts.next()?)?;
        let mut places = [0; 3];
        for place in &mut places {
            *place = parts.next()?.parse().ok().filter(|place| *place < LIST)?;
        }
        parts.next().is_none().then_some(Self { language, places })
    }

    /// What is kept of them. Takes some milliseconds.
    #[must_use]
    pub fn hash(self, salt: &[u8; SALT_BYTES]) -> Option<[u8; WORDS_HASH_BYTES]> {
        let params = Params::new(MEMORY_KIB, PASSES, 1, Some(WORDS_HASH_BYTES)).ok()?;
        let mut hash = [0; WORDS_HASH_BYTES];
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon.hash_password_into(self.to_token().as_bytes(), salt, &mut hash).ok()?;
        Some(hash)
    }
}

/// The lists of BIP-39, which are public and made for being written down: no two words begin with the same four letters.
fn list(language: Language) -> &'static [&'static str; LIST as usize] {
    match language {
        Language::En => bip39::Language::English.word_list(),
        Language::Ja => bip39::Language::Japanese.word_list(),
    }
}

/// A word as it is compared: katakana is what some keyboards give first.
fn compared(word: &str) -> String {
    let hiragana = |character: char| match character {
        'ァ'..='ヶ' => char::from_u32(u32::from(character) - 0x60).unwrap_or(character),
        _ => character,
    };
    word.trim().chars().take(64).nfkc().flat_map(char::to_lowercase).map(hiragana).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_however_they_are_typed() {
        for language in Language::ALL {
            for _ in 0..50 {
                let words = ThreeWords::fresh(language).unwrap();
                let [a, b, c] = words.shown();
                assert_eq!(ThreeWords::read([&a, &b, &c]), Some(words));
                assert_eq!(ThreeWords::read([&format!(" {} ", a.to_uppercase()), &b, &c]), Some(words));
                assert_eq!(ThreeWords::of_token(&words.to_token()), Some(words));
            }
        }
        let [a, b, c] = ThreeWords { language: Language::Ja, places: [0, 700, 2047] }.shown();
        let katakana: String = a.chars().map(|c| char::from_u32(u32::from(c) + 0x60).unwrap()).collect();
        assert!(ThreeWords::read([&katakana, &b, &c]).is_some(), "{katakana}");
        assert_eq!(ThreeWords::read(["otter", "no-such-word", "x"]), None);
        for bad in ["", "en-1-2", "en-1-2-2048", "en-1-2-3-4", "xx-1-2-3"] {
            assert_eq!(ThreeWords::of_token(bad), None, "{bad}");
        }
    }

    #[test]
    fn lists_have_no_word_twice() {
        for language in Language::ALL {
            let all: std::collections::BTreeSet<String> = list(language).iter().map(|word| compared(word)).collect();
            assert_eq!(all.len(), usize::from(LIST));
        }
    }

    #[test]
    fn a_hash_belongs_to_words_and_class() {
        let words = ThreeWords { language: Language::En, places: [1, 2, 3] };
        let other = ThreeWords { language: Language::En, places: [1, 2, 4] };
        let hash = words.hash(&[1; SALT_BYTES]).unwrap();
        assert_eq!(words.hash(&[1; SALT_BYTES]).unwrap(), hash);
        assert_ne!(words.hash(&[2; SALT_BYTES]).unwrap(), hash);
        assert_ne!(other.hash(&[1; SALT_BYTES]).unwrap(), hash);
    }
}

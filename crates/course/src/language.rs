//! The two languages of everything a visitor reads.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A language the workbench speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Japanese.
    Ja,
}

impl Language {
    /// Every language, in the order in which the page offers them.
    pub const ALL: [Self; 2] = [Self::En, Self::Ja];

    /// The language's BCP 47 tag.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ja => "ja",
        }
    }

    /// The language with this tag, if it is one of ours; a region (`ja-JP`) does not matter.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or(tag);
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }

    /// Picks the text of this language.
    #[must_use]
    pub const fn pick<'a>(self, en: &'a str, ja: &'a str) -> &'a str {
        match self {
            Self::En => en,
            Self::Ja => ja,
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

/// The language of ours that an `Accept-Language` value weighs highest (RFC 9110 section 12.5.4).
#[must_use]
pub fn preferred(accept_language: &str) -> Option<Language> {
    let mut best: Option<(Language, f32)> = None;
    for range in accept_language.split(',') {
        let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
        let weight = match parameters.trim().strip_prefix("q=") {
            Some(text) => text.trim().parse().unwrap_or(0.0),
            None => 1.0_f32,
        };
        let Some(language) = Language::from_tag(tag.trim()) else {
            continue;
        };
        if weight > 0.0 && best.is_none_or(|(_, most)| weight > most) {
            best = Some((language, weight));
        }
    }
    best.map(|(language, _)| language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_that_weighs_most_is_taken() {
        assert_eq!(preferred("ja,en-US;q=0.7,en;q=0.3"), Some(Language::Ja));
        assert_eq!(preferred("fr, ja-JP;q=0.4, en;q=0.8"), Some(Language::En));
        assert_eq!(preferred("fr;q=0.9, ja;q=0"), None);
    }
}

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

    /// What a terminal's user asks for (POSIX, chapter "Environment Variables"): the first of `LC_ALL`, `LC_MESSAGES` and
    /// `LANG` that is set decides; English where it names none of ours.
    #[must_use]
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(variable).find(|value| !value.is_empty());
        // Such as ja_JP.UTF-8@modifier.
        locale.and_then(|locale| Self::from_tag(locale.split(['.', '@']).next()?)).unwrap_or_default()
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

    #[test]
    fn a_terminal_speaks_the_language_of_its_locale() {
        for (set, expected) in [
            (&[][..], Language::En),
            (&[("LANG", "ja_JP.UTF-8")], Language::Ja),
            (&[("LANG", "ja.UTF-8")], Language::Ja),
            (&[("LANG", "ja")], Language::Ja),
            (&[("LANG", "ja_JP.eucJP@cjk")], Language::Ja),
            (&[("LANG", "ja_JP.UTF-8"), ("LC_ALL", "C")], Language::En),
            (&[("LANG", "en_US.UTF-8"), ("LC_MESSAGES", "ja_JP.UTF-8")], Language::Ja),
            (&[("LANG", "ja_JP.UTF-8"), ("LC_MESSAGES", "de_DE.UTF-8"), ("LC_ALL", "")], Language::En),
            (&[("LANG", "jam_JM")], Language::En),
        ] {
            let variable = |name: &str| Some(set.iter().find(|(set, _)| *set == name)?.1.to_owned());
            assert_eq!(Language::of_environment(variable), expected, "{set:?}");
        }
    }
}

//! Pages of words alone, written in Markdown beside the catalogue.

use crate::Language;
use crate::markdown::block_html;

/// What a class stores, where and for how long, as HTML.
#[must_use]
pub fn privacy(language: Language) -> String {
    block_html(language.pick(
        include_str!("../../../web/i18n/class-privacy.en.md"),
        include_str!("../../../web/i18n/class-privacy.ja.md"),
    ))
}

/// What to do when learners do not reach the page, as HTML.
#[must_use]
pub fn trouble_in_class(language: Language) -> String {
    block_html(
        language.pick(
            include_str!("../../../web/i18n/class-help.en.md"),
            include_str!("../../../web/i18n/class-help.ja.md"),
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_say_the_same_in_the_same_order() {
        for page in [privacy, trouble_in_class] {
            let [en, ja] = [Language::En, Language::Ja].map(page);
            for mark in ["<h2>", "<li>", "<code>"] {
                let count = |html: &str| html.matches(mark).count();
                assert!(count(&en) > 0, "{mark}");
                assert_eq!(count(&en), count(&ja), "{mark}");
            }
        }
    }
}

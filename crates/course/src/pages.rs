//! Pages of words alone, written in Markdown beside the catalogue.

use crate::Language;
use crate::catalogue::{filled, text};
use crate::markdown::block_html;

/// Where the server keeps what it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptIn {
    /// A file on its own computer.
    File,
    /// A PostgreSQL of the school.
    Database,
}

/// What a class stores, where and for how long, as HTML.
#[must_use]
pub fn privacy(language: Language, kept_in: KeptIn) -> String {
    let page = language.pick(
        include_str!("../../../web/i18n/class-privacy.en.md"),
        include_str!("../../../web/i18n/class-privacy.ja.md"),
    );
    let [whole, place, deleting, readers] = match kept_in {
        KeptIn::File => [
            "class.privacy_file_whole",
            "class.privacy_file_kept_in",
            "class.privacy_file_deleting",
            "class.privacy_file_readers",
        ],
        KeptIn::Database => [
            "class.privacy_database_whole",
            "class.privacy_database_kept_in",
            "class.privacy_database_deleting",
            "class.privacy_database_readers",
        ],
    }
    .map(|key| text(language, key));
    let places = [("whole", whole), ("kept_in", place), ("deleting", deleting), ("readers", readers)];
    block_html(&filled(page, &places))
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
        let file = |language| privacy(language, KeptIn::File);
        let database = |language| privacy(language, KeptIn::Database);
        for page in [&file as &dyn Fn(Language) -> String, &database, &trouble_in_class] {
            let [en, ja] = [Language::En, Language::Ja].map(page);
            for mark in ["<h2>", "<li>", "<code>"] {
                let count = |html: &str| html.matches(mark).count();
                assert!(count(&en) > 0, "{mark}");
                assert_eq!(count(&en), count(&ja), "{mark}");
            }
            assert!(!en.contains('{') && !ja.contains('{'), "a place is left open");
        }
    }
}

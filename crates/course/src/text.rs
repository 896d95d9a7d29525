//! A text in both languages of the workbench.

use serde::{Deserialize, Serialize};

use super::markdown;
use crate::Language;

/// A short text in English and Japanese. Both are always there; `code` and *emphasis* are
/// written as in Markdown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// English.
    pub en: String,
    /// Japanese.
    pub ja: String,
}

impl Text {
    /// The text as written, with its Markdown marks.
    #[must_use]
    pub fn source(&self, language: Language) -> &str {
        language.pick(&self.en, &self.ja)
    }

    /// The text as safe inline HTML.
    #[must_use]
    pub fn html(&self, language: Language) -> String {
        markdown::inline_html(self.source(language))
    }

    /// The text as safe inline HTML, with the calls of the module `lab` leading to their reference.
    #[must_use]
    pub fn linked_html(&self, language: Language) -> String {
        markdown::linked_html(self.source(language))
    }

    /// The text without marks, for places that take no HTML (titles, the terminal).
    #[must_use]
    pub fn plain(&self, language: Language) -> String {
        markdown::plain(self.source(language))
    }
}

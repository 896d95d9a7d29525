//! A page that says what went wrong and what to try.

use askama::Template;

use super::frame::{ClassStrip, Frame, Part, Theme};
use course::Language;
use course::words::ProblemText;

/// The page.
#[derive(Debug, Template)]
#[template(path = "trouble.html")]
pub struct TroublePage {
    frame: Frame,
    problem: ProblemText,
}

impl TroublePage {
    /// The page for this problem.
    #[must_use]
    pub const fn new(frame: Frame, problem: ProblemText) -> Self {
        Self { frame, problem }
    }

    /// The page as text, for a visitor of whom only the request is known.
    ///
    /// # Errors
    /// The template could not be written.
    pub fn html(language: Language, theme: Theme, problem: ProblemText) -> askama::Result<String> {
        let frame = Frame {
            language,
            theme,
            part: Part::Elsewhere,
            path: "/".to_owned(),
            bench_path: "/".to_owned(),
            explorer_path: None,
            board: None,
            class: ClassStrip::default(),
            site: None,
            projector: false,
        };
        Self::new(frame, problem).render()
    }
}

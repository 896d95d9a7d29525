//! A page that says what went wrong and what to try.

use askama::Template;

use super::frame::Frame;
use crate::error::ProblemText;

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
}

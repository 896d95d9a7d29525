//! Checks that passed in a learner's tab: reported, until the server has run the same program again.

use serde::{Deserialize, Serialize};

use super::VisitorId;

/// What is known of a lesson's passed check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Proof {
    /// None has passed.
    #[default]
    None,
    /// A browser says so; the server has not run the program yet.
    Reported,
    /// A browser said so, and when the server ran the program it did not pass.
    Refused,
    /// The server has seen it pass.
    Verified,
}

impl Proof {
    /// The name in file, page and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Reported => "reported",
            Self::Refused => "refused",
            Self::Verified => "verified",
        }
    }

    /// The one of this name; what somebody else wrote into the file proves nothing.
    pub(super) fn from_name(name: &str) -> Self {
        [Self::Reported, Self::Refused, Self::Verified].into_iter().find(|one| one.name() == name).unwrap_or_default()
    }
}

/// A program that is to be run again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingCheck {
    /// Whose it is.
    pub visitor: VisitorId,
    /// The lesson's slug.
    pub lesson: String,
    /// The program.
    pub program: String,
}

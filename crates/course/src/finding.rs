//! What is wrong with a course, told to its authors.

use std::fmt;

use thiserror::Error;

/// Something wrong with the course, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file, relative to the folder of the lessons.
    pub file: String,
    /// Where in the file: a line, a key.
    pub place: String,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() {
            write!(f, "{}: {}", self.file, self.message)
        } else {
            write!(f, "{}, {}: {}", self.file, self.place, self.message)
        }
    }
}

/// Why there is no course.
#[derive(Debug, Error)]
pub enum CourseError {
    /// The lessons have mistakes.
    #[error("the lessons have {} mistake(s):\n{}", .0.len(), list(.0))]
    Unsound(Vec<Finding>),
}

fn list(findings: &[Finding]) -> String {
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

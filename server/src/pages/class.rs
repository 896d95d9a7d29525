//! What learners see of a class: joining, coming back, their place in it.

use askama::Template;

use super::frame::Frame;
use course::words::ProblemText;

/// Joining, by PIN and nickname.
#[derive(Debug, Template)]
#[template(path = "class-join.html")]
pub struct JoinPage {
    /// What is around it.
    pub frame: Frame,
    /// What was typed, or came with the address.
    pub pin: String,
    /// What was typed, or is suggested.
    pub name: String,
    /// What was wrong.
    pub problem: Option<ProblemText>,
}

impl JoinPage {
    /// Whether the problem is the nickname's.
    #[must_use]
    pub fn is_about_name(&self) -> bool {
        self.problem.as_ref().is_some_and(|problem| problem.code.starts_with("class-name"))
    }

    /// Whether it is the PIN's, or everybody's.
    #[must_use]
    pub fn is_about_pin(&self) -> bool {
        self.problem.is_some() && !self.is_about_name()
    }
}

/// Coming back, by PIN and three words.
#[derive(Debug, Template)]
#[template(path = "class-rejoin.html")]
pub struct RejoinPage {
    /// What is around it.
    pub frame: Frame,
    /// What was typed.
    pub pin: String,
    /// What was typed.
    pub words: [String; 3],
    /// What was wrong.
    pub problem: Option<ProblemText>,
}

/// A learner's place: the three words and the lessons.
#[derive(Debug, Template)]
#[template(path = "class-me.html")]
pub struct MePage {
    /// What is around it.
    pub frame: Frame,
    /// The class.
    pub title: String,
    /// `Class 10b · 8 lessons`.
    pub facts: String,
    /// The greeting.
    pub welcome: String,
    /// The words, where this device has them.
    pub words: Option<[String; 3]>,
    /// Where the work begins.
    pub start: String,
    /// The lessons: address, title, whether passed.
    pub lessons: Vec<MyLesson>,
}

/// A lesson of the class.
#[derive(Debug)]
pub struct MyLesson {
    /// Its address.
    pub path: String,
    /// Its number.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The shape of how far it is.
    pub shape: &'static str,
    /// The same in words.
    pub words: &'static str,
}

/// What is stored, and what to do when it does not work: pages of words alone.
#[derive(Debug, Template)]
#[template(path = "class-words.html")]
pub struct WordsPage {
    /// What is around it.
    pub frame: Frame,
    /// The heading.
    pub title: &'static str,
    /// The text, as HTML of this program's.
    pub html: String,
}

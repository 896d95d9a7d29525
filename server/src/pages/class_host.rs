//! What hosts see of a class: the list of classes, the grid, the PIN large, the wall.

use askama::Template;

use super::frame::Frame;

/// The classes, and the form that starts one.
#[derive(Debug, Template)]
#[template(path = "class-list.html")]
pub struct ListPage {
    /// What is around it.
    pub frame: Frame,
    /// The classes, the newest first.
    pub classes: Vec<ListedClass>,
    /// What may be chosen as lessons at once.
    pub paths: Vec<PathChoice>,
    /// The lessons, one by one.
    pub lessons: Vec<LessonChoice>,
    /// What was wrong with the last try.
    pub problem: Option<course::words::ProblemText>,
}

/// A class in the list.
#[derive(Debug)]
pub struct ListedClass {
    /// Its number.
    pub id: i64,
    /// Its title.
    pub title: String,
    /// When it was started, in seconds since 1970; the page writes it in the visitor's time.
    pub started: i64,
    /// How many are in it, in words.
    pub facts: String,
    /// Whether it has ended.
    pub ended: bool,
}

/// Lessons that go together.
#[derive(Debug)]
pub struct PathChoice {
    /// Its name in the form.
    pub value: String,
    /// Its words.
    pub words: String,
}

/// A lesson that can be chosen.
#[derive(Debug)]
pub struct LessonChoice {
    /// Its slug.
    pub slug: String,
    /// Its number.
    pub id: String,
    /// Its title.
    pub title: String,
}

/// The grid.
#[derive(Debug, Template)]
#[template(path = "class-host.html")]
pub struct HostPage {
    /// What is around it.
    pub frame: Frame,
    /// The class's number.
    pub id: i64,
    /// Its title.
    pub title: String,
    /// `8 lessons · seed 7 for all`.
    pub facts: String,
    /// The address to join at.
    pub address: String,
    /// The PIN, in two halves.
    pub pin: String,
    /// Whether the host may do everything, or is a co-teacher.
    pub main: bool,
    /// What the scripts need: the lessons with their controls and questions.
    pub data: String,
}

/// Address, PIN and QR code, to be read from the last row.
#[derive(Debug, Template)]
#[template(path = "class-show.html")]
pub struct ShowPage {
    /// What is around it.
    pub frame: Frame,
    /// The class's number.
    pub id: i64,
    /// Its title.
    pub title: String,
    /// The address to join at.
    pub address: String,
    /// The PIN, in two halves.
    pub pin: String,
    /// The QR code, as an SVG path on a grid of so many modules.
    pub qr: Option<QrView>,
    /// Other addresses of this machine.
    pub others: Vec<String>,
    /// Whether others can reach this machine at all.
    pub reached: bool,
}

/// A QR code.
#[derive(Debug)]
pub struct QrView {
    /// Modules on a side, with the quiet zone.
    pub side: usize,
    /// The dark ones, as a path of squares.
    pub path: String,
}

/// The wall: a question and what everybody says.
#[derive(Debug, Template)]
#[template(path = "class-wall.html")]
pub struct WallPage {
    /// What is around it.
    pub frame: Frame,
    /// The class's number.
    pub id: i64,
    /// Its title.
    pub title: String,
    /// The address to join at.
    pub address: String,
    /// The PIN, in two halves.
    pub pin: String,
    /// What the scripts need: the questions of the lessons.
    pub data: String,
}

/// What everybody measured, as a histogram.
#[derive(Debug, Template)]
#[template(path = "class-sampler.html")]
pub struct SamplerPage {
    /// What is around it.
    pub frame: Frame,
    /// The class's number.
    pub id: i64,
    /// Its title.
    pub title: String,
    /// What the scripts need: the controls of the lessons.
    pub data: String,
}

/// A learner's results, to be printed.
#[derive(Debug, Template)]
#[template(path = "class-results.html")]
pub struct ResultsPage {
    /// What is around it.
    pub frame: Frame,
    /// The class's title.
    pub title: String,
    /// The nickname.
    pub name: String,
    /// The lessons that were begun.
    pub lessons: Vec<ResultView>,
}

/// One lesson of a learner.
#[derive(Debug)]
pub struct ResultView {
    /// Its number.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The shape of how it ended.
    pub shape: &'static str,
    /// The same in words.
    pub state: String,
    /// Questions with answers.
    pub answers: Vec<AnswerView>,
    /// Rows of the outcome table, in words.
    pub outcomes: Vec<String>,
    /// The program, if it was touched.
    pub program: Option<String>,
    /// What was learned, as HTML of the lesson's, once it passed.
    pub learned: Option<String>,
}

/// A question and what was said first.
#[derive(Debug)]
pub struct AnswerView {
    /// The question, as HTML of the lesson's.
    pub question: String,
    /// The answer, as HTML of the lesson's.
    pub said: String,
    /// Its shape.
    pub shape: &'static str,
    /// Whether it was right, in words.
    pub words: &'static str,
}

//! The course: lessons as data, loaded and checked; and all words that a person reads.
//!
//! A lesson is a folder `NN-slug` under `lessons/`: `lesson.toml`, the texts `en.md` and `ja.md`,
//! `program.py`, `starter.py`, `solution.py` and typical wrong fixes in `wrong/`. `course.toml`
//! describes the two documents, their corrections, and the controls and values that lessons
//! share. `docs/authoring.md` is the author's guide to all of it.
//!
//! A [`Course`] that exists is sound: loading collects every problem it can find, each with its
//! file, its place and what to do. What needs a board (the starter fails, the solution passes, the
//! grid holds) is judged by the workbench, with the data defined here.

pub mod catalogue;
pub mod draft;
pub mod glossary;
pub mod language;
pub mod lesson;
pub mod load;
pub mod markdown;
pub mod pages;
pub mod pins;
pub mod plan;
pub mod python;
pub mod reference;
pub mod relation;
pub mod settings;
pub mod terms;
pub mod text;
pub mod words;

mod check;
mod finding;
mod grid;
mod index;
mod required;
mod rules;

use serde::{Deserialize, Serialize};

pub use language::Language;
pub use lesson::Lesson;
pub use load::{CourseError, Files, Finding};
pub use markdown::Section;
pub use plan::Plan;
pub use reference::Reference;
pub use relation::{Measured, Relation, Value};
pub use settings::{Control, Setting, SettingError, Settings};
pub use terms::Term;
pub use text::Text;

/// The whole course.
#[derive(Clone, Debug)]
pub struct Course {
    /// The source documents, section by section.
    pub documents: Vec<Document>,
    /// Where the documents are outdated or do not hold on the ESP32.
    pub corrections: Vec<Correction>,
    /// What the firmware measures in every run.
    pub values: Vec<Measure>,
    /// The lessons, in their order.
    pub lessons: Vec<Lesson>,
    /// Chapters, teaching plans, and the teacher's guide.
    pub plan: Plan,
    /// The terms of the texts, for the glossary.
    pub terms: Vec<Term>,
    /// What a program can call of the module `lab`.
    pub reference: Reference,
}

#[cfg(test)]
impl Course {
    /// The course of this repository, its texts as they were written.
    pub(crate) fn ours() -> Self {
        load::as_written(&firmware_tests::lesson_files().into_iter().collect())
            .expect("the repository's course is sound")
    }
}

impl Course {
    /// Loads the lessons from their files.
    ///
    /// # Errors
    /// Every problem found in them.
    pub fn from_files(files: &Files) -> Result<Self, CourseError> {
        load::course(files)
    }

    /// Loads lessons whose files have passed [`from_files`](Self::from_files) before: what this binary carries, which its
    /// tests check, or what a tab is given. The course is the same; its texts, links and references are not judged again.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn from_checked_files(files: &Files) -> Result<Self, CourseError> {
        load::checked_before(files)
    }

    /// The lesson of this slug.
    #[must_use]
    pub fn lesson(&self, slug: &str) -> Option<&Lesson> {
        self.lessons.iter().find(|lesson| lesson.slug == slug)
    }

    /// The lesson after this one, for "next lesson".
    #[must_use]
    pub fn after(&self, slug: &str) -> Option<&Lesson> {
        self.lessons.iter().skip_while(|lesson| lesson.slug != slug).nth(1)
    }

    /// The lessons that try a claim of this section.
    pub fn lessons_of<'c>(&'c self, section: &'c DocumentSection) -> impl Iterator<Item = &'c Lesson> {
        self.lessons.iter().filter(|lesson| lesson.claims.iter().any(|claim| section.claims.contains(claim)))
    }

    /// The sections that this lesson tries, each with its document.
    pub fn sections_of<'c>(&'c self, lesson: &'c Lesson) -> impl Iterator<Item = (&'c Document, &'c DocumentSection)> {
        self.documents
            .iter()
            .flat_map(|document| document.sections.iter().map(move |section| (document, section)))
            .filter(|(_, section)| lesson.claims.iter().any(|claim| section.claims.contains(claim)))
    }
}

/// One of the two source documents. We name its sections and never quote its sentences.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// `A` or `B`.
    pub id: String,
    /// Its title as published, and translated.
    pub title: Text,
    /// The language it is written in, as a BCP 47 tag.
    pub language: String,
    /// Where it comes from.
    pub origin: Text,
    /// Its sections, in its own order.
    #[serde(rename = "section")]
    pub sections: Vec<DocumentSection>,
}

/// A section of a document, or a paragraph where the document has no headings.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentSection {
    /// The heading that this and the following sections stand under, where a new one begins.
    #[serde(default)]
    pub group: Option<Text>,
    /// The paragraph mark, such as `¶3`, where the document has no heading.
    #[serde(default)]
    pub mark: Option<String>,
    /// Its heading, translated; for a paragraph, our own title.
    pub title: Text,
    /// The claims of the lesson map that it makes, such as `B26`.
    pub claims: Vec<String>,
    /// Each of its sentences, in order, in words of our own.
    pub sentences: Vec<Sentence>,
}

/// One sentence of a document: what it says, and which runs try it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sentence {
    /// What it says, in words of our own.
    pub says: Text,
    /// The rows that try it, as `L15:hard-none-plain`; `L05:exercise` is the lesson's exercise.
    #[serde(default)]
    pub tried: Vec<String>,
    /// Why no run can try it.
    #[serde(default)]
    pub none: Option<NoRun>,
}

/// Why no run can try a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoRun {
    /// It gives a name, announces, or divides the text.
    Definition,
    /// It advises, without a statement that a run could contradict.
    Advice,
    /// It speaks of hardware that no ESP32 has.
    OtherHardware,
}

/// Where a document is outdated or does not hold on the ESP32.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    /// Its number in the lesson map, such as `D6`.
    pub id: String,
    /// What holds instead, in our own words.
    pub text: Text,
}

/// A value that a run measures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// Its name in samples, tables and relations.
    pub name: String,
    /// Its unit, empty for a count.
    #[serde(default)]
    pub unit: String,
    /// What it counts.
    pub meaning: Text,
}

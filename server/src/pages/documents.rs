//! The course by its two documents: section by section, in the reader's language with the
//! original's heading beside it.

use std::collections::BTreeMap;

use askama::Template;

use super::bench::plain;
use super::course_index::LessonView;
use super::frame::Frame;
use super::visitor_work::{Progress, VisitorWork};
use course::{Course, Document, Language, Text};

/// The page.
#[derive(Debug, Template)]
#[template(path = "documents.html")]
pub struct DocumentsPage {
    frame: Frame,
    columns: Vec<Column>,
    corrections: Vec<CorrectionView>,
}

#[derive(Debug)]
struct Column {
    id: String,
    title: Heading,
    facts: String,
    sections: Vec<SectionView>,
}

#[derive(Debug)]
struct SectionView {
    group: Option<Heading>,
    mark: String,
    heading: Heading,
    claims: String,
    lessons: Vec<LessonView>,
    passed: usize,
}

/// A heading in the reader's language, and as the document has it where that is another one.
#[derive(Debug)]
struct Heading {
    words: String,
    original: String,
    language: String,
}

#[derive(Debug)]
struct CorrectionView {
    id: String,
    html: String,
}

impl Heading {
    fn new(text: &Text, original: Language, reader: Language) -> Self {
        let original_words = if original == reader { String::new() } else { plain(text, original) };
        Self { words: plain(text, reader), original: original_words, language: original.tag().to_owned() }
    }

    /// A title of ours, which the document does not have.
    fn ours(text: &Text, reader: Language) -> Self {
        Self::new(text, reader, reader)
    }
}

impl DocumentsPage {
    /// The documents, with how far this visitor is in the lessons of each section; `work` by lesson slug.
    #[must_use]
    pub fn new(frame: Frame, course: &Course, work: &BTreeMap<String, VisitorWork>) -> Self {
        let columns = course.documents.iter().map(|document| column(document, course, work, &frame)).collect();
        let corrections = corrections(course, frame.language);
        Self { frame, columns, corrections }
    }
}

fn column(document: &Document, course: &Course, work: &BTreeMap<String, VisitorWork>, frame: &Frame) -> Column {
    let language = frame.language;
    let original = Language::from_tag(&document.language).unwrap_or_default();
    let sections = document.sections.iter().map(|section| {
        let lessons: Vec<_> =
            course.lessons_of(section).map(|lesson| LessonView::new(lesson, work.get(&lesson.slug), frame)).collect();
        SectionView {
            group: section.group.as_ref().map(|group| Heading::new(group, original, language)),
            mark: section.mark.clone().unwrap_or_default(),
            heading: match section.mark {
                Some(_) => Heading::ours(&section.title, language),
                None => Heading::new(&section.title, original, language),
            },
            claims: ranges(&section.claims),
            passed: lessons.iter().filter(|lesson| lesson.progress == Progress::Passed).count(),
            lessons,
        }
    });
    let sections: Vec<_> = sections.collect();
    let claims = document.sections.iter().map(|section| section.claims.len()).sum::<usize>().to_string();
    Column {
        id: document.id.clone(),
        title: Heading::new(&document.title, original, language),
        facts: frame.fill(
            "course.facts",
            &[
                ("sections", &sections.len().to_string()),
                ("claims", &claims),
                ("origin", &plain(&document.origin, language)),
            ],
        ),
        sections,
    }
}

/// Claims with neighbours drawn together: `A1–A3, A6`.
fn ranges(claims: &[String]) -> String {
    let number = |claim: &str| claim.trim_start_matches(|c: char| !c.is_ascii_digit()).parse::<u32>().ok();
    let mut runs: Vec<(&str, &str)> = Vec::new();
    for claim in claims {
        match runs.last_mut() {
            Some((_, last)) if number(last).map(|n| n + 1) == number(claim) && number(claim).is_some() => *last = claim,
            _ => runs.push((claim, claim)),
        }
    }
    let written =
        runs.iter().map(|(first, last)| if first == last { (*first).to_owned() } else { format!("{first}–{last}") });
    written.collect::<Vec<_>>().join(", ")
}

/// Only those that a lesson of this course demonstrates.
fn corrections(course: &Course, language: Language) -> Vec<CorrectionView> {
    course
        .corrections
        .iter()
        .filter(|correction| course.lessons.iter().any(|lesson| lesson.corrections.contains(&correction.id)))
        .map(|correction| CorrectionView { id: correction.id.clone(), html: correction.text.html(language) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::frame::Part;
    use super::super::tests::frame;
    use super::*;

    #[test]
    fn neighbouring_claims_are_drawn_together() {
        let claims = ["A1", "A2", "A3", "A6", "B9"].map(str::to_owned);
        assert_eq!(ranges(&claims), "A1–A3, A6, B9");
        assert_eq!(ranges(&["B26".to_owned()]), "B26");
        assert_eq!(ranges(&[]), "");
    }

    /// Kana and kanji.
    fn japanese(text: &str) -> bool {
        text.chars().any(|c| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}'))
    }

    #[test]
    fn every_heading_is_in_the_readers_language() {
        let course = crate::lessons::embedded().unwrap();
        for language in Language::ALL {
            let page = DocumentsPage::new(frame(language, Part::Course), &course, &BTreeMap::new());
            for column in &page.columns {
                let groups = column.sections.iter().filter_map(|section| section.group.as_ref());
                let headings = column.sections.iter().map(|section| &section.heading).chain(groups);
                for heading in headings.chain([&column.title]) {
                    if language == Language::En {
                        assert!(!japanese(&heading.words), "{}", heading.words);
                    } else {
                        // `schedule` and the like stand alone in both.
                        assert!(japanese(&heading.words), "{}", heading.words);
                    }
                }
            }
            let originals = page.columns.iter().map(|column| column.title.original.is_empty()).collect::<Vec<_>>();
            assert_eq!(originals, [language == Language::En, language == Language::Ja]);
        }
    }
}

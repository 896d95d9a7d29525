//! What the course promises about itself: every sentence of the two documents has a run that tries
//! it, and nothing before a question answers it.

use std::collections::BTreeSet;

use super::lesson::Lesson;
use super::load::Finding;
use super::text::Text;
use super::{Course, Document, Sentence, glossary};
use crate::language::Language;

/// How many sentences the sections of each document have, counted in the documents themselves.
const COUNTS: [(&str, &[usize]); 2] =
    [("A", &[4, 3, 5, 2, 3, 2, 1, 7, 4]), ("B", &[10, 5, 7, 4, 12, 22, 22, 6, 14, 2, 9, 5, 36, 4, 33, 4])];

/// Of so many sentences one may be beyond any run.
const ONE_WITHOUT_A_RUN_IN: usize = 6;

/// Adds every sentence without a run, with a run that does not exist, or missing from the index.
pub(super) fn sentences(course: &Course, findings: &mut Vec<Finding>) {
    let rows: BTreeSet<String> = course.lessons.iter().flat_map(names).collect();
    let mut report = |place: String, message: String| {
        findings.push(Finding { file: "course.toml".to_owned(), place, message });
    };
    let mut all = 0;
    let mut without = 0;
    for document in &course.documents {
        let counted: Vec<usize> = document.sections.iter().map(|section| section.sentences.len()).collect();
        let expected = COUNTS.iter().find(|(id, _)| *id == document.id).map_or(&[][..], |(_, counts)| counts);
        if counted != expected {
            report(
                format!("document {}", document.id),
                format!("its sections have {expected:?} sentences, the index has {counted:?}"),
            );
        }
        for (place, sentence) in numbered(document) {
            all += 1;
            without += usize::from(sentence.none.is_some());
            if let Some(row) = sentence.tried.iter().find(|row| !rows.contains(*row)) {
                report(place.clone(), format!("is tried by `{row}`, which does not exist; mend the name"));
            }
            if sentence.tried.is_empty() != sentence.none.is_some() {
                report(place, "needs `tried`, or else `none` with a reason".to_owned());
            }
        }
    }
    if without * ONE_WITHOUT_A_RUN_IN > all {
        report(
            "sentences".to_owned(),
            format!("{without} of {all} have no run; at most one in {ONE_WITHOUT_A_RUN_IN} may"),
        );
    }
}

/// What the index may call a lesson's runs.
fn names(lesson: &Lesson) -> impl Iterator<Item = String> {
    let rows = lesson.grid.rows.iter().map(|row| row.id.as_str());
    rows.chain(["exercise"]).map(|row| format!("{}:{row}", lesson.id))
}

fn numbered(document: &Document) -> impl Iterator<Item = (String, &Sentence)> {
    document.sections.iter().enumerate().flat_map(move |(section, found)| {
        let place = move |at| format!("document {}, section {}, sentence {}", document.id, section + 1, at + 1);
        found.sentences.iter().enumerate().map(move |(at, sentence)| (place(at), sentence))
    })
}

impl Lesson {
    /// All that a learner can read before answering the questions, each with its place.
    #[must_use]
    pub fn before_the_questions(&self) -> Vec<(String, Text)> {
        let mut texts =
            vec![("the title".to_owned(), self.title.clone()), ("the summary".to_owned(), self.summary.clone())];
        texts.extend(
            self.controls.iter().map(|control| (format!("the label of `{}`", control.name), control.label.clone())),
        );
        texts.extend(
            self.tries.iter().enumerate().map(|(at, attempt)| (format!("try {}", at + 1), attempt.text.clone())),
        );
        for key in Lesson::BEFORE_THE_RUN {
            if let (Some(en), Some(ja)) = (self.section(key, Language::En), self.section(key, Language::Ja)) {
                let [en, ja] = [en, ja].map(|section| glossary::unmarked(&section.html));
                texts.push((format!("the section `{key}`"), Text { en, ja }));
            }
        }
        texts
    }
}

/// Where one of these texts says what the right answer says. Answers of a word or two say too
/// little for that.
pub(super) fn gives_away<'t>(texts: &'t [(String, Text)], right: &'t Text) -> Vec<(&'t str, &'t str)> {
    const WORDS: usize = 3;
    const JAPANESE: usize = 8;
    let en = right.en.split_whitespace().count() >= WORDS;
    let ja = right.ja.chars().count() >= JAPANESE;
    texts
        .iter()
        .filter_map(|(place, text)| {
            let said = if en && text.en.contains(&right.en) {
                &right.en
            } else if ja && text.ja.contains(&right.ja) {
                &right.ja
            } else {
                return None;
            };
            Some((place.as_str(), said.as_str()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::NoRun;

    /// `docs/claims.md`: what each lesson tries, and what no run can.
    fn listing(course: &Course) -> String {
        let mut page = String::from(
            "# What the lessons try\n\nMade from `lessons/course.toml`, which says each sentence of the two documents in words of our \
             own and names the rows\nthat try it. A number is document, section and sentence.\n\n| lesson | sentences that its rows try |\n|---|---|\n",
        );
        let numbered: Vec<(String, &Sentence)> = course
            .documents
            .iter()
            .flat_map(|document| {
                document.sections.iter().enumerate().flat_map(move |(section, found)| {
                    let number = move |at| format!("{}{}.{}", document.id, section + 1, at + 1);
                    found.sentences.iter().enumerate().map(move |(at, sentence)| (number(at), sentence))
                })
            })
            .collect();
        let list = |matches: &dyn Fn(&Sentence) -> bool| {
            let found = numbered.iter().filter(|(_, sentence)| matches(sentence));
            found.map(|(number, _)| number.as_str()).collect::<Vec<_>>().join(", ")
        };
        for lesson in &course.lessons {
            let prefix = format!("{}:", lesson.id);
            let tried = list(&|sentence: &Sentence| sentence.tried.iter().any(|row| row.starts_with(&prefix)));
            writeln!(page, "| {} {} | {tried} |", lesson.id, lesson.title.en).unwrap();
        }
        page.push_str("\n## No run possible\n\n");
        for (number, sentence) in &numbered {
            if let Some(why) = sentence.none {
                let why = match why {
                    NoRun::Definition => "definition",
                    NoRun::Advice => "advice",
                    NoRun::OtherHardware => "other hardware",
                };
                writeln!(page, "- {number} ({why}): {}", sentence.says.en).unwrap();
            }
        }
        page
    }

    #[test]
    fn the_page_of_claims_is_the_index() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/claims.md");
        let listing = listing(&Course::ours());
        if std::env::var_os("UPDATE_CLAIMS").is_some() {
            std::fs::write(&path, &listing).unwrap();
        }
        let page = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(page == listing, "docs/claims.md is not what the index says; run this test with UPDATE_CLAIMS=1");
    }

    fn text(en: &str, ja: &str) -> Text {
        Text { en: en.to_owned(), ja: ja.to_owned() }
    }

    #[test]
    fn an_answer_in_front_of_its_question_is_found() {
        let before = [("try 1".to_owned(), text("Soft: only one bar grows.", "ソフト。"))];
        assert_eq!(gives_away(&before, &text("only one bar", "棒は 1 本")), [("try 1", "only one bar")]);
        assert!(gives_away(&before, &text("one", "1")).is_empty());
    }

    #[test]
    fn the_embedded_course_keeps_its_promises() {
        let mut course = Course::ours();
        let mut findings = Vec::new();
        sentences(&course, &mut findings);
        assert_eq!(findings, []);

        course.documents[0].sections[1].sentences[0].tried = vec!["L03:nowhere".to_owned()];
        course.documents[0].sections[1].sentences[1].tried.clear();
        course.documents[1].sections[0].sentences.pop();
        sentences(&course, &mut findings);
        let found: Vec<_> = findings.iter().map(|finding| finding.place.as_str()).collect();
        assert_eq!(found, ["document A, section 2, sentence 1", "document A, section 2, sentence 2", "document B"]);
    }
}

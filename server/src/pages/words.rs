//! The words of the course, and the calls of the module `lab`: two pages to look things up.

use askama::Template;

use super::frame::Frame;
use course::markdown;
use course::{Course, Language, Lesson, Reference, Term};

/// The glossary.
#[derive(Debug, Template)]
#[template(path = "glossary.html")]
pub struct GlossaryPage {
    frame: Frame,
    terms: Vec<TermView>,
}

#[derive(Debug)]
struct TermView {
    anchor: String,
    name: String,
    other: String,
    other_language: &'static str,
    explained: String,
    lesson: Option<LessonLink>,
}

/// A lesson as a page names it.
#[derive(Debug)]
pub(super) struct LessonLink {
    pub(super) id: String,
    pub(super) slug: String,
    pub(super) title: String,
}

impl LessonLink {
    pub(super) fn new(lesson: &Lesson, language: Language) -> Self {
        Self { id: lesson.id.clone(), slug: lesson.slug.clone(), title: lesson.title.plain(language) }
    }
}

impl GlossaryPage {
    /// Every term of the course, in the order of the reader's alphabet as far as the letters give one.
    #[must_use]
    pub fn new(frame: Frame, course: &Course) -> Self {
        let language = frame.language;
        let other_language = match language {
            Language::En => Language::Ja,
            Language::Ja => Language::En,
        };
        let mut terms: Vec<_> = course.terms.iter().map(|term| view(term, course, language, other_language)).collect();
        terms.sort_by_key(|term| term.name.to_lowercase());
        Self { frame, terms }
    }
}

fn view(term: &Term, course: &Course, language: Language, other: Language) -> TermView {
    let first = term.first.as_deref().and_then(|slug| course.lesson(slug));
    TermView {
        anchor: term.anchor(),
        name: term.name(language).to_owned(),
        other: term.name(other).to_owned(),
        other_language: other.tag(),
        explained: term.explain.html(language),
        lesson: first.map(|lesson| LessonLink::new(lesson, language)),
    }
}

/// The reference of the module `lab`.
#[derive(Debug, Template)]
#[template(path = "lab.html")]
pub struct LabPage {
    frame: Frame,
    about: Vec<String>,
    groups: Vec<GroupView>,
}

#[derive(Debug)]
struct GroupView {
    title: String,
    calls: Vec<CallView>,
    after: Vec<String>,
}

#[derive(Debug)]
struct CallView {
    anchors: Vec<String>,
    html: String,
    does: String,
}

impl LabPage {
    /// The page of this reference.
    #[must_use]
    pub fn new(frame: Frame, reference: &Reference) -> Self {
        let language = frame.language;
        let groups = reference.groups.iter().map(|group| GroupView {
            title: group.title.plain(language),
            calls: group
                .calls
                .iter()
                .map(|call| CallView {
                    anchors: call.names.clone(),
                    html: markdown::inline_html(&format!("`{}`", call.call)),
                    does: call.does.html(language),
                })
                .collect(),
            after: group.after.iter().map(|text| text.html(language)).collect(),
        });
        let groups = groups.collect();
        Self { about: reference.about.iter().map(|text| text.html(language)).collect(), groups, frame }
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::Part;
    use super::super::tests::frame;
    use super::*;

    #[test]
    fn every_mark_in_a_lesson_leads_to_its_term_or_call() {
        let course = crate::lessons::embedded().unwrap();
        for language in Language::ALL {
            let glossary = GlossaryPage::new(frame(language, Part::Course), &course).render().unwrap();
            let lab = LabPage::new(frame(language, Part::Course), &course.reference).render().unwrap();
            for lesson in &course.lessons {
                let html: String = lesson.sections(language).iter().map(|section| section.html.as_str()).collect();
                for (page, opening) in [(&glossary, "href=\"/glossary#"), (&lab, "href=\"/lab#")] {
                    for anchor in html.split(opening).skip(1).filter_map(|rest| rest.split('"').next()) {
                        assert!(page.contains(&format!("id=\"{anchor}\"")), "{}: {anchor}", lesson.id);
                    }
                }
            }
        }
    }
}

//! The course index: both documents, section by section, and how far the visitor is.

use std::collections::BTreeMap;

use askama::Template;

use super::bench::plain;
use super::frame::Frame;
use super::visitor_work::{Progress, STEPS, VisitorWork, step_key};
use course::Language;
use course::{Course, Document, Lesson};

/// The page.
#[derive(Debug, Template)]
#[template(path = "course.html")]
pub struct CoursePage {
    frame: Frame,
    lead: String,
    continue_: Continue,
    progress: String,
    lessons: Vec<LessonView>,
    columns: Vec<Column>,
    corrections: Vec<CorrectionView>,
}

#[derive(Debug)]
struct Continue {
    invitation: &'static str,
    id: String,
    slug: String,
    title: String,
    where_: String,
}

#[derive(Clone, Debug)]
struct LessonView {
    id: String,
    number: String,
    slug: String,
    title: String,
    needs_hard: bool,
    progress: Progress,
}

#[derive(Debug)]
struct Column {
    id: String,
    language: String,
    title: String,
    facts: String,
    sections: Vec<SectionView>,
}

#[derive(Debug)]
struct SectionView {
    group: Option<Heading>,
    mark: String,
    language: String,
    heading: String,
    gloss: String,
    claims: String,
    lessons: Vec<LessonView>,
    passed: usize,
}

#[derive(Debug)]
struct Heading {
    original: String,
    gloss: String,
}

#[derive(Debug)]
struct CorrectionView {
    id: String,
    html: String,
}

impl LessonView {
    fn new(lesson: &Lesson, work: Option<&VisitorWork>, language: Language) -> Self {
        Self {
            id: lesson.id.clone(),
            number: format!("{:02}", lesson.number()),
            slug: lesson.slug.clone(),
            title: lesson.title.plain(language),
            needs_hard: lesson.needs_hard(),
            progress: work.map_or(Progress::NotStarted, VisitorWork::progress),
        }
    }

    fn shape(&self) -> &'static str {
        match self.progress {
            Progress::NotStarted => "ring",
            Progress::Started => "running",
            Progress::Failed => "lost",
            Progress::Passed => "holds",
        }
    }

    fn bar(&self) -> &'static str {
        if self.progress == Progress::Passed { "done" } else { "todo" }
    }

    fn state_name(&self) -> &'static str {
        match self.progress {
            Progress::NotStarted => "not-started",
            Progress::Started => "started",
            Progress::Failed => "failed",
            Progress::Passed => "passed",
        }
    }

    fn state_key(&self) -> &'static str {
        match self.progress {
            Progress::NotStarted => "course.not_started",
            Progress::Started => "course.started",
            Progress::Failed => "course.failed",
            Progress::Passed => "course.passed",
        }
    }
}

impl CoursePage {
    /// The index as this visitor left it; `work` by lesson slug, `last` the lesson opened last.
    #[must_use]
    pub fn new(
        frame: Frame,
        course: &Course,
        work: &BTreeMap<String, VisitorWork>,
        last: Option<&str>,
    ) -> Option<Self> {
        let language = frame.language;
        let lessons: Vec<_> =
            course.lessons.iter().map(|lesson| LessonView::new(lesson, work.get(&lesson.slug), language)).collect();
        let passed = lessons.iter().filter(|lesson| lesson.progress == Progress::Passed).count();
        let places = (passed.to_string(), lessons.len().to_string());
        let columns = course.documents.iter().map(|document| column(document, course, work, &frame)).collect();
        Some(Self {
            lead: frame.fill("course.lead", &[("n", &places.1)]),
            progress: frame.fill("course.progress", &[("n", &places.0), ("all", &places.1)]),
            continue_: continue_with(&frame, course, work, last)?,
            lessons,
            columns,
            corrections: corrections(course, language),
            frame,
        })
    }
}

/// The lesson to go on with: the one opened last unless it is passed, else the first not passed.
#[must_use]
pub fn current_lesson<'c>(
    course: &'c Course,
    work: &BTreeMap<String, VisitorWork>,
    last: Option<&str>,
) -> Option<&'c Lesson> {
    let open = |lesson: &&Lesson| !work.get(&lesson.slug).is_some_and(|work| work.passed);
    last.and_then(|slug| course.lesson(slug))
        .filter(open)
        .or_else(|| course.lessons.iter().find(open))
        .or_else(|| course.lessons.first())
}

fn continue_with(
    frame: &Frame,
    course: &Course,
    work: &BTreeMap<String, VisitorWork>,
    last: Option<&str>,
) -> Option<Continue> {
    let lesson = current_lesson(course, work, last)?;
    let begun = work.get(&lesson.slug).filter(|work| work.progress() != Progress::NotStarted);
    let where_ = match begun.map(|work| work.next_step()) {
        None => lesson.summary.plain(frame.language),
        Some(None) => frame.t("course.all_done").to_owned(),
        Some(Some(step)) => {
            let number = (step + 1).to_string();
            frame.fill("course.step", &[("n", &number), ("step", frame.t(step_key(STEPS[step])))])
        }
    };
    Some(Continue {
        invitation: frame.t(if begun.is_some() { "course.continue" } else { "course.begin" }),
        id: lesson.id.clone(),
        slug: lesson.slug.clone(),
        title: lesson.title.plain(frame.language),
        where_,
    })
}

fn column(document: &Document, course: &Course, work: &BTreeMap<String, VisitorWork>, frame: &Frame) -> Column {
    let language = frame.language;
    let original = Language::from_tag(&document.language).unwrap_or_default();
    let gloss = |text| if original == language { String::new() } else { plain(text, language) };
    let sections = document.sections.iter().map(|section| {
        let lessons: Vec<_> = course
            .lessons_of(section)
            .map(|lesson| LessonView::new(lesson, work.get(&lesson.slug), language))
            .collect();
        // Paragraphs have no heading: the title is ours, in the visitor's language.
        let own_title = section.mark.is_some();
        SectionView {
            group: section
                .group
                .as_ref()
                .map(|group| Heading { original: plain(group, original), gloss: gloss(group) }),
            mark: section.mark.clone().unwrap_or_default(),
            language: if own_title { language.tag() } else { original.tag() }.to_owned(),
            heading: plain(&section.title, if own_title { language } else { original }),
            gloss: if own_title { String::new() } else { gloss(&section.title) },
            claims: ranges(&section.claims),
            passed: lessons.iter().filter(|lesson| lesson.progress == Progress::Passed).count(),
            lessons,
        }
    });
    let sections: Vec<_> = sections.collect();
    let claims = document.sections.iter().map(|section| section.claims.len()).sum::<usize>().to_string();
    Column {
        id: document.id.clone(),
        language: original.tag().to_owned(),
        title: document.title.clone(),
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
    use super::*;

    #[test]
    fn neighbouring_claims_are_drawn_together() {
        let claims = ["A1", "A2", "A3", "A6", "B9"].map(str::to_owned);
        assert_eq!(ranges(&claims), "A1–A3, A6, B9");
        assert_eq!(ranges(&["B26".to_owned()]), "B26");
        assert_eq!(ranges(&[]), "");
    }
}

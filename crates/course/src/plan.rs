//! The way through the course: chapters with their quiz, lectures of 45 and 90 minutes, and the
//! teacher's guide.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Course;
use super::lesson::Lesson;
use super::load::Finding;
use super::markdown::Section;
use super::text::Text;
use crate::language::Language;

/// Chapters, lectures and the teacher's guide.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The chapters, in order.
    pub chapters: Vec<Chapter>,
    /// What fits into a lesson at school.
    pub lectures: Vec<Lecture>,
    pub(super) en: Vec<Section>,
    pub(super) ja: Vec<Section>,
}

/// `chapters.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChaptersFile {
    #[serde(rename = "chapter")]
    pub(super) chapters: Vec<Chapter>,
    #[serde(rename = "lecture")]
    pub(super) lectures: Vec<Lecture>,
}

/// A part of the course.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chapter {
    /// Its name in addresses.
    pub id: String,
    /// Its title.
    pub title: Text,
    /// What one can do afterwards.
    pub teaches: Text,
    /// The ids of its lessons, in order.
    pub lessons: Vec<String>,
    /// Questions at its end.
    pub quiz: Vec<Question>,
}

/// A question at the end of a chapter.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The question.
    pub question: Text,
    /// The possible answers.
    pub answers: Vec<Text>,
    /// Which of them is right, from 0.
    pub right: usize,
    /// Why.
    pub because: Text,
    /// The lesson that shows it.
    pub lesson: String,
}

/// Lessons that fit into the time of a class.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lecture {
    /// Its title.
    pub title: Text,
    /// How long it takes, in minutes.
    pub minutes: u32,
    /// The ids of its lessons, in order.
    pub lessons: Vec<String>,
    /// What to do in which order, and what to leave out when time is short.
    pub plan: Text,
}

impl Plan {
    /// The teacher's guide.
    #[must_use]
    pub fn guide(&self, language: Language) -> &[Section] {
        match language {
            Language::En => &self.en,
            Language::Ja => &self.ja,
        }
    }

    /// The chapter of a lesson.
    #[must_use]
    pub fn chapter_of(&self, lesson: &Lesson) -> Option<&Chapter> {
        self.chapters.iter().find(|chapter| chapter.lessons.contains(&lesson.id))
    }

    /// Puts lessons into the order of the chapters.
    pub(super) fn sort(&self, lessons: &mut [Lesson]) {
        let order: Vec<&String> = self.chapters.iter().flat_map(|chapter| &chapter.lessons).collect();
        lessons.sort_by_key(|lesson| order.iter().position(|id| **id == lesson.id).unwrap_or(usize::MAX));
    }

    pub(super) fn check(&self, course: &Course, findings: &mut Vec<Finding>) {
        let mut report = |file: &str, place: &str, message: String| {
            findings.push(Finding { file: file.to_owned(), place: place.to_owned(), message });
        };
        let known: BTreeSet<&str> = course.lessons.iter().map(|lesson| lesson.id.as_str()).collect();
        for lesson in &course.lessons {
            let chapters = self.chapters.iter().filter(|chapter| chapter.lessons.contains(&lesson.id)).count();
            if chapters != 1 {
                report("chapters.toml", "chapter", format!("`{}` is in {chapters} chapters, not in one", lesson.id));
            }
            let before = course.lessons.iter().take_while(|other| other.id != lesson.id);
            let before: BTreeSet<&str> = before.map(|other| other.id.as_str()).collect();
            for needed in lesson.needs.iter().filter(|needed| !before.contains(needed.as_str())) {
                report(
                    "chapters.toml",
                    "chapter",
                    format!("`{}` needs `{needed}`, which does not come before it", lesson.id),
                );
            }
        }
        for chapter in &self.chapters {
            for id in chapter.lessons.iter().filter(|id| !known.contains(id.as_str())) {
                report("chapters.toml", &chapter.id, format!("there is no lesson `{id}`"));
            }
            for (at, question) in chapter.quiz.iter().enumerate() {
                let place = format!("{}, question {}", chapter.id, at + 1);
                if question.right >= question.answers.len() || question.answers.len() < 2 {
                    report("chapters.toml", &place, "needs at least two answers, `right` among them".to_owned());
                }
                if !chapter.lessons.contains(&question.lesson) {
                    report("chapters.toml", &place, format!("`{}` is no lesson of this chapter", question.lesson));
                }
            }
        }
        for lecture in &self.lectures {
            let lessons: Vec<_> =
                lecture.lessons.iter().filter_map(|id| course.lessons.iter().find(|l| l.id == *id)).collect();
            let needed: u32 = lessons.iter().map(|lesson| lesson.minutes).sum();
            if lessons.len() != lecture.lessons.len() || needed > lecture.minutes {
                report(
                    "chapters.toml",
                    &lecture.title.en,
                    format!("{needed} minutes of {} lessons do not fill {} minutes", lessons.len(), lecture.minutes),
                );
            }
        }
        let keys = |sections: &[Section]| sections.iter().map(|section| section.key.clone()).collect::<Vec<_>>();
        if keys(&self.en) != keys(&self.ja) {
            report("teacher.ja.md", "", "has other sections than teacher.en.md".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_is_held_to_the_lessons() {
        let mut course = Course::ours();
        let mut findings = Vec::new();
        course.plan.check(&course, &mut findings);
        assert_eq!(findings, []);

        let mut plan = course.plan.clone();
        let moved = plan.chapters[0].lessons.remove(0);
        plan.chapters[0].quiz[0].right = 9;
        plan.lectures[0].minutes = 1;
        course.lessons[0].needs = vec!["L99".to_owned()];
        plan.check(&course, &mut findings);
        let all: Vec<_> = findings.iter().map(ToString::to_string).collect();
        for said in [format!("`{moved}` is in 0 chapters"), "needs `L99`".to_owned(), "`right` among them".to_owned()] {
            assert!(all.iter().any(|finding| finding.contains(&said)), "{said}: {all:#?}");
        }
        assert!(all.iter().any(|finding| finding.contains("do not fill 1 minutes")), "{all:#?}");
    }

    #[test]
    fn every_lesson_has_its_chapter() {
        let course = Course::ours();
        assert!(course.lessons.iter().all(|lesson| course.plan.chapter_of(lesson).is_some()));
        assert!(!course.plan.guide(Language::Ja).is_empty());
    }
}

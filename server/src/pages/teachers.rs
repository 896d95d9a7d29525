//! What a teacher needs: the guide with the plans for a class, worksheets to print, and the answer
//! key, which is for the host only.

use askama::Template;

use super::course_index::minutes;
use super::frame::Frame;
use super::words::LessonLink;
use course::glossary;
use course::lesson::{Instrument, Prediction};
use course::plan::Chapter;
use course::{Course, Language, Lesson, Section, Setting, Settings, python};

/// The teacher's guide.
#[derive(Debug, Template)]
#[template(path = "teachers.html")]
pub struct TeachersPage<'c> {
    frame: Frame,
    guide: &'c [Section],
    lectures: Vec<LectureView>,
    chapters: Vec<ChapterRows>,
    host: bool,
}

#[derive(Debug)]
struct LectureView {
    title: String,
    lessons: Vec<LessonLink>,
    plan: String,
}

#[derive(Debug)]
struct ChapterRows {
    id: String,
    title: String,
    teaches: String,
    time: String,
    lessons: Vec<LessonRow>,
}

#[derive(Debug)]
struct LessonRow {
    lesson: LessonLink,
    time: String,
    needs: String,
    needs_hard: bool,
}

impl<'c> TeachersPage<'c> {
    /// The guide; only a host is led to the answer key.
    #[must_use]
    pub fn new(frame: Frame, course: &'c Course, host: bool) -> Self {
        let language = frame.language;
        let lectures = course.plan.lectures.iter().map(|lecture| LectureView {
            title: lecture.title.plain(language),
            lessons: links(course, &lecture.lessons, language),
            plan: lecture.plan.html(language),
        });
        let lectures = lectures.collect();
        let chapters = course.plan.chapters.iter().map(|chapter| {
            let lessons = lessons_of(course, chapter);
            ChapterRows {
                id: chapter.id.clone(),
                title: chapter.title.plain(language),
                teaches: chapter.teaches.plain(language),
                time: minutes(&frame, lessons.iter().map(|lesson| lesson.minutes).sum()),
                lessons: lessons
                    .iter()
                    .map(|lesson| LessonRow {
                        lesson: LessonLink::new(lesson, language),
                        time: minutes(&frame, lesson.minutes),
                        needs: lesson.needs.join(", "),
                        needs_hard: lesson.needs_hard(),
                    })
                    .collect(),
            }
        });
        let chapters = chapters.collect();
        Self { guide: course.plan.guide(language), lectures, chapters, host, frame }
    }
}

fn lessons_of<'c>(course: &'c Course, chapter: &Chapter) -> Vec<&'c Lesson> {
    let found = chapter.lessons.iter().filter_map(|id| course.lessons.iter().find(|lesson| lesson.id == *id));
    found.collect()
}

fn links(course: &Course, ids: &[String], language: Language) -> Vec<LessonLink> {
    let found = ids.iter().filter_map(|id| course.lessons.iter().find(|lesson| lesson.id == *id));
    found.map(|lesson| LessonLink::new(lesson, language)).collect()
}

/// Worksheets, a printed page or two for each lesson.
#[derive(Debug, Template)]
#[template(path = "worksheets.html")]
pub struct WorksheetsPage {
    frame: Frame,
    title: String,
    sheets: Vec<Sheet>,
}

#[derive(Debug)]
struct Sheet {
    id: String,
    title: String,
    time: String,
    about: String,
    questions: Vec<SheetQuestion>,
    columns: Vec<String>,
    tries: Vec<String>,
    task: String,
}

#[derive(Debug)]
struct SheetQuestion {
    html: String,
    answers: Vec<String>,
}

impl WorksheetsPage {
    /// The sheets of these lessons.
    #[must_use]
    pub fn new(frame: Frame, title: String, lessons: &[&Lesson]) -> Self {
        Self { sheets: lessons.iter().map(|lesson| sheet(&frame, lesson)).collect(), title, frame }
    }

    /// The sheets of a chapter.
    #[must_use]
    pub fn of_chapter(frame: Frame, course: &Course, chapter: &Chapter) -> Self {
        let title = chapter.title.plain(frame.language);
        Self::new(frame, title, &lessons_of(course, chapter))
    }
}

/// On paper nothing opens: the words stay, without the buttons and notes that explain them.
fn sheet(frame: &Frame, lesson: &Lesson) -> Sheet {
    let language = frame.language;
    let body = |key| lesson.section(key, language).map(|section| glossary::unmarked(&section.html)).unwrap_or_default();
    Sheet {
        id: lesson.id.clone(),
        title: lesson.title.plain(language),
        time: minutes(frame, lesson.minutes),
        about: body("about"),
        questions: lesson
            .predictions
            .iter()
            .map(|prediction| SheetQuestion {
                html: prediction.question.html(language),
                answers: prediction.options.iter().map(|option| option.text.html(language)).collect(),
            })
            .collect(),
        columns: measured_columns(lesson),
        tries: lesson.tries.iter().map(|attempt| attempt.text.html(language)).collect(),
        task: body("fix"),
    }
}

/// What the outcome table measures, for a learner to fill in: the columns that are no controls. More than five have no
/// room on paper.
fn measured_columns(lesson: &Lesson) -> Vec<String> {
    const ROOM: usize = 5;
    let outcome = lesson.instruments.iter().find_map(|instrument| match instrument {
        Instrument::Outcome { columns, .. } => Some(columns),
        _ => None,
    });
    let measured = outcome.into_iter().flatten().filter(|column| lesson.control(column).is_none());
    measured.take(ROOM).cloned().collect()
}

/// The answer key.
#[derive(Debug, Template)]
#[template(path = "key.html")]
pub struct KeyPage {
    frame: Frame,
    chapters: Vec<ChapterKey>,
}

#[derive(Debug)]
struct ChapterKey {
    title: String,
    lessons: Vec<LessonKey>,
    quiz: Vec<QuizKey>,
}

#[derive(Debug)]
struct LessonKey {
    lesson: LessonLink,
    predictions: Vec<PredictionKey>,
    solution: String,
    wrong: Vec<WrongKey>,
}

#[derive(Debug)]
struct PredictionKey {
    question: String,
    set: String,
    right: String,
    after: String,
}

#[derive(Debug)]
struct WrongKey {
    file: String,
    why: String,
}

#[derive(Debug)]
struct QuizKey {
    question: String,
    right: String,
    because: String,
}

impl KeyPage {
    /// Every answer of the course.
    #[must_use]
    pub fn new(frame: Frame, course: &Course) -> Self {
        let language = frame.language;
        let chapters = course.plan.chapters.iter().map(|chapter| ChapterKey {
            title: chapter.title.plain(language),
            lessons: lessons_of(course, chapter).into_iter().map(|lesson| lesson_key(lesson, language)).collect(),
            quiz: chapter
                .quiz
                .iter()
                .map(|question| QuizKey {
                    question: question.question.html(language),
                    right: question.answers.get(question.right).map(|answer| answer.html(language)).unwrap_or_default(),
                    because: question.because.html(language),
                })
                .collect(),
        });
        Self { chapters: chapters.collect(), frame }
    }
}

fn lesson_key(lesson: &Lesson, language: Language) -> LessonKey {
    LessonKey {
        lesson: LessonLink::new(lesson, language),
        predictions: lesson.predictions.iter().map(|prediction| prediction_key(prediction, language)).collect(),
        solution: python::html(&lesson.solution),
        wrong: lesson
            .exercise
            .wrong
            .iter()
            .map(|wrong| WrongKey { file: wrong.file.clone(), why: wrong.why.html(language) })
            .collect(),
    }
}

fn prediction_key(prediction: &Prediction, language: Language) -> PredictionKey {
    let right = prediction.options.iter().find(|option| option.key == prediction.right);
    PredictionKey {
        question: prediction.question.html(language),
        set: settings(&prediction.set),
        right: right.map(|option| option.text.html(language)).unwrap_or_default(),
        after: prediction.after.html(language),
    }
}

/// `rate=1000 kind=hard`, as the command line takes them.
fn settings(set: &Settings) -> String {
    let written = set.iter().map(|(name, value): (&String, &Setting)| format!("{name}={value}"));
    written.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::frame::Part;
    use super::super::tests::frame;
    use super::*;

    #[test]
    fn a_worksheet_asks_and_does_not_tell() {
        let course = crate::lessons::embedded().unwrap();
        for chapter in &course.plan.chapters {
            for language in Language::ALL {
                let page = WorksheetsPage::of_chapter(frame(language, Part::Course), &course, chapter);
                let html = page.render().unwrap();
                assert!(!html.contains("class=\"term\"") && !html.contains("popover"), "{}", chapter.id);
                for lesson in lessons_of(&course, chapter) {
                    assert!(html.contains(&lesson.title.plain(language)), "{}", lesson.id);
                    for prediction in &lesson.predictions {
                        assert!(html.contains(&prediction.question.html(language)), "{}", lesson.id);
                        assert!(!html.contains(&prediction.after.html(language)), "{}", lesson.id);
                    }
                }
            }
        }
    }

    #[test]
    fn only_a_host_is_led_to_the_key_which_has_every_answer() {
        let course = crate::lessons::embedded().unwrap();
        let guide = |host| TeachersPage::new(frame(Language::En, Part::Course), &course, host).render().unwrap();
        assert!(guide(true).contains("href=\"/teachers/key\""));
        assert!(!guide(false).contains("href=\"/teachers/key\""));
        let key = KeyPage::new(frame(Language::En, Part::Course), &course).render().unwrap();
        for lesson in &course.lessons {
            assert!(key.contains(&python::html(&lesson.solution)), "{}", lesson.id);
            for prediction in &lesson.predictions {
                assert!(key.contains(&prediction.after.html(Language::En)), "{}", lesson.id);
            }
        }
    }
}

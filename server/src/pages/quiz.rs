//! The questions at the end of a chapter. An answer is explained when the reader asks for it; the
//! page does so without a script, so it is the same on a site without a server.

use askama::Template;

use super::frame::Frame;
use super::words::LessonLink;
use course::plan::{Chapter, Question};
use course::{Course, Language};

/// The page.
#[derive(Debug, Template)]
#[template(path = "quiz.html")]
pub struct QuizPage {
    frame: Frame,
    title: String,
    questions: Vec<QuestionView>,
    next: Option<NextView>,
}

#[derive(Debug)]
struct QuestionView {
    html: String,
    answers: Vec<AnswerView>,
    right: String,
    because: String,
    lesson: Option<LessonLink>,
}

#[derive(Debug)]
struct AnswerView {
    html: String,
    right: bool,
}

#[derive(Debug)]
struct NextView {
    title: String,
    lesson: LessonLink,
}

impl QuizPage {
    /// The questions of this chapter.
    #[must_use]
    pub fn new(frame: Frame, course: &Course, chapter: &Chapter) -> Self {
        let language = frame.language;
        let after = course.plan.chapters.iter().skip_while(|other| other.id != chapter.id).nth(1);
        let next = after.and_then(|after| {
            let first = after.lessons.first()?;
            let lesson = course.lessons.iter().find(|lesson| lesson.id == *first)?;
            Some(NextView { title: after.title.plain(language), lesson: LessonLink::new(lesson, language) })
        });
        Self {
            title: frame.fill("quiz.title", &[("chapter", &chapter.title.plain(language))]),
            questions: chapter.quiz.iter().map(|question| view(question, course, language)).collect(),
            next,
            frame,
        }
    }
}

fn view(question: &Question, course: &Course, language: Language) -> QuestionView {
    let lesson = course.lessons.iter().find(|lesson| lesson.id == question.lesson);
    let answers = question.answers.iter().enumerate();
    QuestionView {
        html: question.question.html(language),
        answers: answers
            .map(|(at, answer)| AnswerView { html: answer.html(language), right: at == question.right })
            .collect(),
        right: question.answers.get(question.right).map(|answer| answer.html(language)).unwrap_or_default(),
        because: question.because.html(language),
        lesson: lesson.map(|lesson| LessonLink::new(lesson, language)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::Part;
    use super::super::tests::frame;
    use super::*;

    #[test]
    fn every_question_has_one_right_answer_and_its_reason() {
        let course = crate::lessons::embedded().unwrap();
        for chapter in &course.plan.chapters {
            for language in Language::ALL {
                let html = QuizPage::new(frame(language, Part::Course), &course, chapter).render().unwrap();
                assert_eq!(html.matches("<fieldset").count(), chapter.quiz.len(), "{}", chapter.id);
                assert_eq!(html.matches("value=\"right\"").count(), chapter.quiz.len(), "{}", chapter.id);
                for question in &chapter.quiz {
                    assert!(html.contains(&question.because.html(language)), "{}", chapter.id);
                }
            }
        }
    }
}

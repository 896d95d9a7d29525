//! The course as a path: its chapters in order, what each teaches and how long it takes, and where
//! the visitor is on it. The other view, by the sections of the documents, is `documents`.

use std::collections::BTreeMap;

use askama::Template;

use super::frame::Frame;
use super::visitor_work::{Progress, STEPS, VisitorWork, step_key};
use course::plan::Chapter;
use course::{Course, Lesson};

/// The page.
#[derive(Debug, Template)]
#[template(path = "course.html")]
pub struct CoursePage {
    frame: Frame,
    here: Continue,
    progress: String,
    all: usize,
    steps: Vec<StepWords>,
    times: Vec<TimeView>,
    chapters: Vec<ChapterView>,
    lectures: Vec<LectureView>,
}

#[derive(Debug)]
struct Continue {
    invitation: &'static str,
    button: &'static str,
    id: String,
    slug: String,
    title: String,
    where_: String,
}

#[derive(Debug)]
struct StepWords {
    name: &'static str,
    words: &'static str,
}

/// A choice of how much time there is.
#[derive(Debug)]
struct TimeView {
    path: String,
    words: String,
    chosen: bool,
}

#[derive(Debug)]
struct ChapterView {
    id: String,
    number: usize,
    title: String,
    teaches: String,
    time: String,
    progress: String,
    here: bool,
    lessons: Vec<LessonView>,
    questions: usize,
}

/// Lessons that fit into the time chosen.
#[derive(Debug)]
struct LectureView {
    title: String,
    time: String,
    lessons: Vec<LessonView>,
}

/// A lesson as course pages list it.
#[derive(Clone, Debug)]
pub(super) struct LessonView {
    pub(super) id: String,
    pub(super) slug: String,
    pub(super) title: String,
    pub(super) needs_hard: bool,
    pub(super) progress: Progress,
    line: String,
    time: String,
    here: bool,
}

impl LessonView {
    pub(super) fn new(lesson: &Lesson, work: Option<&VisitorWork>, frame: &Frame) -> Self {
        Self {
            id: lesson.id.clone(),
            slug: lesson.slug.clone(),
            title: lesson.title.plain(frame.language),
            needs_hard: lesson.needs_hard(),
            progress: work.map_or(Progress::NotStarted, VisitorWork::progress),
            line: lesson.summary.plain(frame.language),
            time: minutes(frame, lesson.minutes),
            here: false,
        }
    }

    pub(super) fn shape(&self) -> &'static str {
        match self.progress {
            Progress::NotStarted => "ring",
            Progress::Started => "running",
            Progress::Failed => "lost",
            Progress::Passed => "holds",
        }
    }

    pub(super) fn bar(&self) -> &'static str {
        if self.progress == Progress::Passed { "done" } else { "todo" }
    }

    pub(super) fn state_name(&self) -> &'static str {
        match self.progress {
            Progress::NotStarted => "not-started",
            Progress::Started => "started",
            Progress::Failed => "failed",
            Progress::Passed => "passed",
        }
    }

    pub(super) fn state_key(&self) -> &'static str {
        match self.progress {
            Progress::NotStarted => "course.not_started",
            Progress::Started => "course.started",
            Progress::Failed => "course.failed",
            Progress::Passed => "course.passed",
        }
    }
}

impl CoursePage {
    /// The path as this visitor left it; `work` by lesson slug, `last` the lesson opened last, `time` the minutes that
    /// somebody has who asks for lessons that fit.
    #[must_use]
    pub fn new(
        frame: Frame,
        course: &Course,
        work: &BTreeMap<String, VisitorWork>,
        last: Option<&str>,
        time: Option<u32>,
    ) -> Option<Self> {
        let here = current_lesson(course, work, last)?;
        let passed = |lesson: &&Lesson| work.get(&lesson.slug).is_some_and(|work| work.passed);
        let all_passed = course.lessons.iter().filter(passed).count().to_string();
        let chapters: Vec<_> = course
            .plan
            .chapters
            .iter()
            .enumerate()
            .map(|(at, chapter)| chapter_view(&frame, course, work, chapter, at + 1, here))
            .collect();
        let lectures = course.plan.lectures.iter().filter(|lecture| Some(lecture.minutes) == time);
        let lectures: Vec<_> = lectures
            .map(|lecture| LectureView {
                title: lecture.title.plain(frame.language),
                time: minutes(&frame, lecture.minutes),
                lessons: views(&frame, course, work, &lecture.lessons),
            })
            .collect();
        Some(Self {
            here: continue_with(&frame, work, here),
            progress: frame.fill("course.progress", &[("n", &all_passed), ("all", &course.lessons.len().to_string())]),
            all: course.lessons.len(),
            steps: STEPS
                .map(|step| StepWords { name: frame.t(step_key(step)), words: frame.t(lesson_key(step)) })
                .into(),
            times: times(&frame, course, time.filter(|_| !lectures.is_empty())),
            chapters,
            lectures,
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

/// A time in minutes, or in hours and minutes where there are many.
pub(super) fn minutes(frame: &Frame, minutes: u32) -> String {
    let (hours, rest) = (minutes / 60, minutes % 60);
    if minutes < 120 {
        return frame.fill("course.minutes", &[("n", &minutes.to_string())]);
    }
    frame.fill("course.hours", &[("h", &hours.to_string()), ("n", &rest.to_string())])
}

fn chapter_view(
    frame: &Frame,
    course: &Course,
    work: &BTreeMap<String, VisitorWork>,
    chapter: &Chapter,
    number: usize,
    here: &Lesson,
) -> ChapterView {
    let mut lessons = views(frame, course, work, &chapter.lessons);
    for lesson in lessons.iter_mut().filter(|lesson| lesson.slug == here.slug) {
        lesson.here = true;
        lesson.line = here_line(frame, work, here);
    }
    let passed = lessons.iter().filter(|lesson| lesson.progress == Progress::Passed).count();
    let needed =
        course.lessons.iter().filter(|lesson| chapter.lessons.contains(&lesson.id)).map(|lesson| lesson.minutes);
    ChapterView {
        id: chapter.id.clone(),
        number,
        title: chapter.title.plain(frame.language),
        teaches: chapter.teaches.plain(frame.language),
        time: minutes(frame, needed.sum()),
        progress: frame.fill("course.passed_of", &[("n", &passed.to_string()), ("all", &lessons.len().to_string())]),
        here: chapter.lessons.contains(&here.id),
        questions: chapter.quiz.len(),
        lessons,
    }
}

/// What stands under the lesson that the visitor is at, in the place of its summary once it is begun.
fn here_line(frame: &Frame, work: &BTreeMap<String, VisitorWork>, lesson: &Lesson) -> String {
    let begun = work.get(&lesson.slug).filter(|work| work.progress() != Progress::NotStarted);
    match begun.and_then(VisitorWork::next_step) {
        Some(step) => frame.fill("course.here_step", &[("n", &(step + 1).to_string())]),
        None => lesson.summary.plain(frame.language),
    }
}

fn views(frame: &Frame, course: &Course, work: &BTreeMap<String, VisitorWork>, ids: &[String]) -> Vec<LessonView> {
    let found = ids.iter().filter_map(|id| course.lessons.iter().find(|lesson| lesson.id == *id));
    found.map(|lesson| LessonView::new(lesson, work.get(&lesson.slug), frame)).collect()
}

fn continue_with(frame: &Frame, work: &BTreeMap<String, VisitorWork>, lesson: &Lesson) -> Continue {
    let begun = work.get(&lesson.slug).filter(|work| work.progress() != Progress::NotStarted);
    let first = !work.values().any(|work| work.progress() != Progress::NotStarted);
    let where_ = match begun.map(VisitorWork::next_step) {
        None => frame.fill("course.takes", &[("time", &minutes(frame, lesson.minutes))]),
        Some(None) => frame.t("course.all_done").to_owned(),
        Some(Some(step)) => {
            // The steps are about as long as each other; the last ones take what is left.
            let steps = u32::try_from(STEPS.len()).unwrap_or(1);
            let left = (lesson.minutes * (steps - u32::try_from(step).unwrap_or(0))).div_ceil(steps);
            frame.fill(
                "course.step",
                &[
                    ("n", &(step + 1).to_string()),
                    ("step", frame.t(step_key(STEPS[step]))),
                    ("left", &minutes(frame, left)),
                ],
            )
        }
    };
    Continue {
        invitation: frame.t(if first { "course.start_here" } else { "course.continue_here" }),
        button: frame.t(if begun.is_some() { "course.continue" } else { "course.begin" }),
        id: lesson.id.clone(),
        slug: lesson.slug.clone(),
        title: lesson.title.plain(frame.language),
        where_,
    }
}

fn times(frame: &Frame, course: &Course, chosen: Option<u32>) -> Vec<TimeView> {
    let mut known: Vec<u32> = course.plan.lectures.iter().map(|lecture| lecture.minutes).collect();
    known.sort_unstable();
    known.dedup();
    let fitting = known.into_iter().map(|time| TimeView {
        path: format!("/?time={time}"),
        words: minutes(frame, time),
        chosen: chosen == Some(time),
    });
    let all = minutes(frame, course.lessons.iter().map(|lesson| lesson.minutes).sum());
    let all =
        TimeView { path: "/".to_owned(), words: frame.fill("course.all", &[("time", &all)]), chosen: chosen.is_none() };
    fitting.chain([all]).collect()
}

/// The catalogue key of what a step asks of a learner.
fn lesson_key(step: &str) -> &'static str {
    match step {
        "predict" => "course.how_predict",
        "run" => "course.how_run",
        "see" => "course.how_see",
        "explain" => "course.how_explain",
        "fix" => "course.how_fix",
        _ => "course.how_checked",
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::Part;
    use super::super::tests::frame;
    use super::*;
    use course::Language;

    fn page(work: &[(&str, VisitorWork)], last: Option<&str>, time: Option<u32>) -> String {
        let course = crate::lessons::embedded().unwrap();
        let work = work.iter().map(|(slug, work)| ((*slug).to_owned(), work.clone())).collect();
        CoursePage::new(frame(Language::En, Part::Course), &course, &work, last, time).unwrap().render().unwrap()
    }

    #[test]
    fn who_begins_is_shown_the_first_lesson() {
        let course = crate::lessons::embedded().unwrap();
        let first = &course.lessons[0];
        let html = page(&[], None, None);
        let card = html.split("class=\"card continue\"").nth(1).unwrap().split("</section>").next().unwrap();
        assert!(card.contains("Start here") && card.contains(&format!("/lessons/{}", first.slug)), "{card}");
        assert_eq!(html.matches(" open>").count(), 1, "one chapter is open");
        for lesson in &course.lessons {
            assert!(
                html.contains(&format!("class=\"lesson-tile\" href=\"/lessons/{}\"", lesson.slug)),
                "{}",
                lesson.id
            );
        }
    }

    #[test]
    fn who_comes_back_goes_on_where_they_were() {
        let begun = VisitorWork { steps: [("predict".to_owned(), true)].into(), ..VisitorWork::default() };
        let passed = VisitorWork { passed: true, ..VisitorWork::default() };
        let work = [("how-late", begun), ("where-can-it-strike", passed)];
        let html = page(&work, Some("how-late"), None);
        let card = html.split("class=\"card continue\"").nth(1).unwrap().split("</section>").next().unwrap();
        assert!(card.contains("Continue here") && card.contains("/lessons/how-late"), "{card}");
        assert!(card.contains("Step 2 of 6"), "{card}");
        assert!(html.contains("1 of "), "the count of passed lessons");
    }

    #[test]
    fn who_has_little_time_gets_lessons_that_fit() {
        let html = page(&[], None, Some(45));
        assert!(html.contains("45 minutes: a lost update"), "the lectures of 45 minutes");
        assert!(!html.contains("90 minutes: sharing data"));
        // Nobody planned for so long; the whole path is shown.
        assert!(page(&[], None, Some(46)).contains("lesson-tile"));
    }
}

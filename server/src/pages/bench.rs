//! The bench of one lesson: words on one side, controls and instruments on the other.

mod controls;
mod instruments;

use std::collections::BTreeMap;

use askama::Template;
use serde::Serialize;
use serde_json::{Value, json};

use self::controls::control_data;
use self::instruments::{Instruments, instruments, key_number, outcome_data};
use super::explorer::ExplorerView;
use super::frame::Frame;
use super::parts::{PartView, parts};
use super::visitor_work::{EXPLORED, OPEN, STEPS, VisitorWork, step_key};
use crate::store::Proof;
use course::Language;
use course::catalogue;
use course::{Course, Lesson, Text, markdown, python};
use workbench::judge::arrivals_criterion;

/// The name of the number that matters most in a lesson.
#[must_use]
pub(crate) fn key_number_name(lesson: &Lesson) -> String {
    key_number(lesson).name
}

/// The controls of a lesson, as scripts know them.
#[must_use]
pub(crate) fn controls_data(lesson: &Lesson, language: Language) -> Vec<Value> {
    lesson.controls.iter().map(|control| control_data(control, language)).collect()
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "bench.html")]
pub struct BenchPage<'l> {
    frame: Frame,
    lesson: Head<'l>,
    steps: Vec<StepView>,
    texts: Texts<'l>,
    predictions: Vec<PredictionView>,
    tries: Vec<TryView>,
    explained: bool,
    /// Whether what comes after the questions is open.
    open: bool,
    /// Whether a host looks at everything; `Some(false)` where one may.
    prepares: Option<bool>,
    /// Whether the visitor's own program is shown first.
    own_first: bool,
    controls: Vec<ControlView>,
    instruments: Instruments,
    parts: Vec<PartView>,
    exercise: ExerciseView,
    explorer: Option<ExplorerView>,
    next: Option<NextView>,
    program: String,
    key: KeyNumber,
    data: String,
}

#[derive(Debug)]
struct Head<'l> {
    id: &'l str,
    title: String,
    sources: Vec<Source>,
    file: String,
    seconds: u32,
    seed: u32,
    program: &'l str,
}

#[derive(Debug)]
struct Source {
    document: String,
    heading: String,
    claims: String,
}

#[derive(Debug)]
struct StepView {
    name: &'static str,
    words: &'static str,
    state: &'static str,
}

#[derive(Debug)]
struct Texts<'l> {
    before: Vec<SectionView<'l>>,
    differs: Option<SectionView<'l>>,
    run: Option<SectionView<'l>>,
    see: Option<SectionView<'l>>,
    explain: Option<SectionView<'l>>,
    fix: Option<SectionView<'l>>,
    learned: Option<SectionView<'l>>,
}

#[derive(Debug)]
struct SectionView<'l> {
    title: &'l str,
    html: &'l str,
    plain: bool,
}

#[derive(Debug)]
struct PredictionView {
    id: String,
    question: String,
    options: Vec<OptionView>,
}

#[derive(Debug)]
struct OptionView {
    key: String,
    html: String,
    chosen: bool,
}

#[derive(Debug)]
struct TryView {
    html: String,
    plain: String,
    set: String,
}

/// One control, as bench and explorer show it.
#[derive(Debug)]
pub(super) struct ControlView {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) style: &'static str,
    scale: &'static str,
    lo: i64,
    hi: i64,
    unit: String,
    value: String,
    steps: i64,
    position: i64,
    ticks: Vec<Tick>,
    pub(super) options: Vec<ChoiceView>,
}

#[derive(Debug)]
struct Tick {
    at: String,
    length: u32,
    label: String,
}

/// One option of a control.
#[derive(Debug)]
pub(super) struct ChoiceView {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) code: bool,
    pub(super) chosen: bool,
}

#[derive(Debug)]
enum InstrumentView {
    Equation {
        terms: Vec<TermView>,
        title: String,
        formula: String,
        kind: &'static str,
        list: &'static str,
    },
    Chart {
        kind: &'static str,
        title: String,
        aside: String,
        pauses: bool,
        width: u32,
        empty: &'static str,
        data: Vec<(&'static str, String)>,
    },
    Outcomes {
        columns: Vec<ColumnView>,
    },
}

#[derive(Debug)]
struct TermView {
    value: String,
    sign: &'static str,
    role: &'static str,
    caption: String,
    share_of: String,
    good: String,
    result: bool,
}

#[derive(Debug)]
struct ColumnView {
    label: String,
    number: bool,
    bar: bool,
}

#[derive(Debug)]
struct ExerciseView {
    failures: u32,
    passed: bool,
    proof: &'static str,
    criteria: Vec<CriterionView>,
    hints: Vec<String>,
    /// `None`: it is closed to this visitor, and not in the page.
    solution_html: Option<String>,
}

#[derive(Debug)]
struct CriterionView {
    html: String,
    runs: String,
    shape: &'static str,
    measured: String,
}

#[derive(Debug)]
struct NextView {
    id: String,
    slug: String,
    title: String,
}

/// The number that stays in sight on a phone.
#[derive(Debug)]
struct KeyNumber {
    name: String,
    role: &'static str,
}

/// What the scripts need to know (`LessonData` in `web/js/types.js`).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LessonData<'l> {
    slug: &'l str,
    seconds: u32,
    seed: u32,
    starter: &'l str,
    controls: Vec<Value>,
    predictions: Vec<Value>,
    outcome: Value,
    hazards: Vec<Value>,
    open: bool,
    last_check: Option<&'l Value>,
    outcomes: &'l [Value],
    steps: BTreeMap<&'static str, bool>,
    prediction: &'l BTreeMap<String, String>,
}

/// Who looks at a bench.
#[derive(Clone, Copy, Debug)]
pub struct Viewer {
    /// The seed of the next run.
    pub seed: u32,
    /// Whether they prepare a class, and so see what opens later; `None` for a learner, who may not.
    pub prepares: Option<bool>,
    /// Whether the solution may be shown to them.
    pub solution: bool,
}

impl<'l> BenchPage<'l> {
    /// The bench of a lesson as this visitor left it.
    #[must_use]
    pub fn new(
        frame: Frame,
        course: &'l Course,
        lesson: &'l Lesson,
        work: &VisitorWork,
        Viewer { seed, prepares, solution }: Viewer,
    ) -> Self {
        let language = frame.language;
        let open = prepares == Some(true) || work.is_open(lesson);
        let program = work.program.clone().unwrap_or_else(|| lesson.starter.clone());
        let outcome = outcome_data(lesson, language);
        let data = LessonData {
            slug: &lesson.slug,
            seconds: lesson.run.seconds,
            seed,
            starter: &lesson.starter,
            controls: lesson.controls.iter().map(|control| control_data(control, language)).collect(),
            predictions: lesson
                .predictions
                .iter()
                .map(|prediction| {
                    json!({
                        "id": prediction.id,
                        "question": prediction.question.source(language),
                        "set": prediction.set,
                        "shows": prediction.shows,
                        "options": prediction.options.iter()
                            .map(|option| json!({ "key": option.key, "text": option.text.source(language) }))
                            .collect::<Vec<_>>(),
                        "after": prediction.after.source(language),
                    })
                })
                .collect(),
            outcome,
            hazards: lesson
                .hazards
                .iter()
                .map(|hazard| json!({ "line": hazard.line, "text": hazard.text.plain(language) }))
                .collect(),
            open,
            last_check: work.last_check.as_ref(),
            outcomes: &work.outcomes,
            steps: STEPS.iter().chain([&OPEN, &EXPLORED]).map(|step| (*step, work.is_done(step))).collect(),
            prediction: &work.prediction,
        };
        let data = catalogue::script_json(&data);
        Self {
            lesson: Head {
                id: &lesson.id,
                title: lesson.title.plain(language),
                sources: sources(course, lesson, &frame),
                file: format!("{}.py", lesson.slug.replace('-', "_")),
                seconds: lesson.run.seconds,
                seed,
                program: &lesson.program,
            },
            steps: STEPS
                .iter()
                .enumerate()
                .map(|(index, name)| StepView {
                    name,
                    words: frame.t(step_key(name)),
                    state: match () {
                        () if work.is_done(name) => "done",
                        () if work.next_step() == Some(index) => "here",
                        () => "ahead",
                    },
                })
                .collect(),
            texts: Texts::of(lesson, language),
            predictions: lesson
                .predictions
                .iter()
                .map(|prediction| PredictionView {
                    id: prediction.id.clone(),
                    question: prediction.question.html(language),
                    options: prediction
                        .options
                        .iter()
                        .map(|option| OptionView {
                            key: option.key.clone(),
                            html: option.text.html(language),
                            chosen: work.prediction.get(&prediction.id) == Some(&option.key),
                        })
                        .collect(),
                })
                .collect(),
            tries: lesson
                .tries
                .iter()
                .map(|attempt| TryView {
                    html: attempt.text.html(language),
                    plain: attempt.text.plain(language),
                    set: catalogue::script_json(&attempt.set),
                })
                .collect(),
            explained: work.is_done("explain") || prepares == Some(true),
            open,
            prepares,
            own_first: program != lesson.starter,
            controls: lesson.controls.iter().map(|control| ControlView::new(control, language)).collect(),
            instruments: instruments(lesson, &frame),
            parts: parts(lesson, language),
            exercise: ExerciseView::new(lesson, work, solution, language),
            explorer: lesson.explorer.as_ref().map(|explorer| ExplorerView::new(lesson, explorer, language)),
            next: course.after(&lesson.slug).map(|next| NextView {
                id: next.id.clone(),
                slug: next.slug.clone(),
                title: next.title.plain(language),
            }),
            program,
            key: key_number(lesson),
            data,
            frame,
        }
    }
}

impl<'l> Texts<'l> {
    fn of(lesson: &'l Lesson, language: Language) -> Self {
        let section = |key: &str, plain: bool| {
            lesson.section(key, language).map(|section| SectionView {
                title: section.title.as_str(),
                html: section.html.as_str(),
                plain,
            })
        };
        Self {
            before: section("about", true).into_iter().collect(),
            differs: section("differs", false),
            run: section("run", false),
            see: section("see", false),
            explain: section("explain", false),
            fix: section("fix", false),
            learned: section("learned", false),
        }
    }
}

impl ExerciseView {
    fn new(lesson: &Lesson, work: &VisitorWork, solution: bool, language: Language) -> Self {
        let last = work.last_check.as_ref().and_then(|check| check["criteria"].as_array());
        let criteria = lesson.exercise.criteria.iter().enumerate().map(|(index, criterion)| {
            let judged = last.and_then(|criteria| criteria.get(index));
            CriterionView {
                html: criterion.text.html(language),
                runs: lesson
                    .exercise
                    .runs
                    .iter()
                    .filter(|run| criterion.runs.contains(&run.id))
                    .map(|run| run.title.plain(language))
                    .collect::<Vec<_>>()
                    .join(", "),
                shape: shape_of_judged(judged),
                measured: judged.map(|judged| measured_words(&judged["measured"])).unwrap_or_default(),
            }
        });
        let arrivals = lesson.checks_arrivals().then(|| {
            let judged = last.and_then(|criteria| criteria.get(lesson.exercise.criteria.len()));
            CriterionView {
                html: arrivals_criterion().html(language),
                runs: String::new(),
                shape: shape_of_judged(judged),
                measured: judged.map(|judged| measured_words(&judged["measured"])).unwrap_or_default(),
            }
        });
        Self {
            failures: work.failures,
            passed: work.passed,
            proof: proof_words(work.proof, language),
            criteria: criteria.chain(arrivals).collect(),
            hints: lesson.exercise.hints.iter().map(|hint| hint.linked_html(language)).collect(),
            solution_html: solution.then(|| python::html(&lesson.solution)),
        }
    }
}

/// Who has seen an exercise pass, as `web/js/exercise.js` says it.
fn proof_words(proof: Proof, language: Language) -> &'static str {
    match proof {
        Proof::None => "",
        Proof::Reported => catalogue::text(language, "live.proof_reported"),
        Proof::Refused => catalogue::text(language, "live.proof_refused"),
        Proof::Verified => catalogue::text(language, "live.proof_verified"),
    }
}

/// The verdict shape of a criterion that a check has judged, or not yet.
fn shape_of_judged(judged: Option<&Value>) -> &'static str {
    match judged.and_then(|judged| judged["ok"].as_bool()) {
        Some(true) => "holds",
        Some(false) => "lost",
        None => "ring",
    }
}

/// What a check measured for a criterion, as `web/js/exercise.js` writes it: ` (lost = 3, ran = 1000)`.
fn measured_words(measured: &Value) -> String {
    let words: Vec<_> = measured
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| match value.as_str() {
            Some(text) => format!("{name} = {text}"),
            None => format!("{name} = {value}"),
        })
        .collect();
    if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) }
}

fn sources(course: &Course, lesson: &Lesson, frame: &Frame) -> Vec<Source> {
    let mut named: Option<&str> = None;
    course
        .sections_of(lesson)
        .map(|(document, section)| {
            let claims: Vec<_> =
                lesson.claims.iter().filter(|claim| section.claims.contains(claim)).map(String::as_str).collect();
            // The document is named once, before its first section.
            let again = named == Some(document.id.as_str());
            named = Some(&document.id);
            Source {
                document: if again { String::new() } else { frame.fill("bench.document", &[("id", &document.id)]) },
                heading: section.mark.clone().unwrap_or_else(|| section.title.plain(frame.language)),
                claims: claims.join(", "),
            }
        })
        .collect()
}

/// A title without marks, for other pages.
pub(super) fn plain(text: &Text, language: Language) -> String {
    markdown::plain(text.source(language))
}

//! The bench of one lesson: words on one side, controls and instruments on the other.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use askama::Template;
use serde::Serialize;
use serde_json::{Value, json};

use super::catalogue;
use super::explorer::ExplorerView;
use super::frame::Frame;
use super::visitor_work::{STEPS, VisitorWork, step_key};
use crate::course::lesson::{Instrument, Role, Shape, Sign, Term};
use crate::course::settings::{Range, Scale};
use crate::course::{Control, Course, Lesson, Setting, Text, markdown, python};
use crate::language::Language;
use crate::run::judge::arrivals_criterion;

/// Options up to this number of characters, taken together, are shown side by side.
const SEGMENTS_CHARACTERS: usize = 64;
/// Steps that a slider takes from one power of ten to the next (`Scale` in `web/js/log-scale.js`).
const STEPS_PER_DECADE: f64 = 20.0;

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
    controls: Vec<ControlView>,
    instruments: Vec<InstrumentView>,
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
    sources: Vec<Source<'l>>,
    file: String,
    seconds: u32,
    seed: u32,
    program: &'l str,
}

#[derive(Debug)]
struct Source<'l> {
    document: String,
    language: &'l str,
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
    Console {
        width: u32,
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
    criteria: Vec<CriterionView>,
    hints: Vec<String>,
    solution_html: String,
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
    outcomes: &'l [Value],
    steps: BTreeMap<&'static str, bool>,
    prediction: &'l BTreeMap<String, String>,
}

impl<'l> BenchPage<'l> {
    /// The bench of a lesson as this visitor left it; `seed` is the seed of the next run.
    #[must_use]
    pub fn new(frame: Frame, course: &'l Course, lesson: &'l Lesson, work: &VisitorWork, seed: u32) -> Self {
        let language = frame.language;
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
            outcomes: &work.outcomes,
            steps: STEPS.iter().map(|step| (*step, work.is_done(step))).collect(),
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
            explained: work.is_done("explain"),
            controls: lesson.controls.iter().map(|control| ControlView::new(control, language)).collect(),
            instruments: instruments(lesson, &frame),
            exercise: ExerciseView::new(lesson, work, language),
            explorer: lesson.explorer.as_ref().map(|explorer| ExplorerView::new(lesson, explorer, language)),
            next: course.after(&lesson.slug).map(|next| NextView {
                id: next.id.clone(),
                slug: next.slug.clone(),
                title: next.title.plain(language),
            }),
            program: work.program.clone().unwrap_or_else(|| lesson.starter.clone()),
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
    fn new(lesson: &Lesson, work: &VisitorWork, language: Language) -> Self {
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
        let arrivals = lesson.explorer.as_ref().map(|_| {
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
            criteria: criteria.chain(arrivals).collect(),
            hints: lesson.exercise.hints.iter().map(|hint| hint.html(language)).collect(),
            solution_html: python::html(&lesson.solution),
        }
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

impl ControlView {
    fn new(control: &Control, language: Language) -> Self {
        Self::set_to(control, &control.default, language)
    }

    /// The control at this setting.
    pub(super) fn set_to(control: &Control, setting: &Setting, language: Language) -> Self {
        let mut view = Self {
            name: control.name.clone(),
            label: control.label.plain(language),
            style: "slider",
            scale: "linear",
            lo: 0,
            hi: 0,
            unit: String::new(),
            value: setting.to_string(),
            steps: 0,
            position: 0,
            ticks: Vec::new(),
            options: Vec::new(),
        };
        match &control.range {
            Range::Number { min, max, unit, scale } => {
                view.lo = *min;
                view.hi = *max;
                view.unit.clone_from(unit);
                if *scale == Scale::Log {
                    view.scale = "log";
                }
                let slider = Slider { lo: *min as f64, hi: *max as f64, log: *scale == Scale::Log };
                view.steps = slider.steps();
                if let Setting::Number(value) = setting {
                    view.position = (slider.part(*value as f64) * view.steps as f64).round() as i64;
                }
                view.ticks = slider.ticks(unit);
            }
            Range::Choice { options } => {
                view.options = options
                    .iter()
                    .map(|option| {
                        let source = option.label.source(language);
                        ChoiceView {
                            value: option.value.clone(),
                            label: option.label.plain(language),
                            code: source.starts_with('`') && source.ends_with('`'),
                            chosen: *setting == Setting::Text(option.value.clone()),
                        }
                    })
                    .collect();
                let characters: usize = view.options.iter().map(|option| width_of(&option.label)).sum();
                view.style = if characters <= SEGMENTS_CHARACTERS { "segments" } else { "select" };
            }
        }
        view
    }
}

/// Width of a label in Latin letters; a Japanese one is two wide.
fn width_of(label: &str) -> usize {
    label.chars().map(|character| if character.is_ascii() { 1 } else { 2 }).sum()
}

/// A linear slider over so few numbers has a tick for each.
const TICKS_FOR_EACH: f64 = 20.0;

/// A slider from `lo` to `hi`, as `Scale` in `web/js/log-scale.js` divides it.
struct Slider {
    lo: f64,
    hi: f64,
    log: bool,
}

impl Slider {
    fn steps(&self) -> i64 {
        let steps = if self.log {
            ((self.hi / self.lo).log10() * STEPS_PER_DECADE).round()
        } else {
            (self.hi - self.lo).min(100.0)
        };
        steps.max(1.0) as i64
    }

    /// Where a value lies, 0 to 1.
    fn part(&self, value: f64) -> f64 {
        if self.log {
            (value / self.lo).ln() / (self.hi / self.lo).ln()
        } else {
            (value - self.lo) / (self.hi - self.lo)
        }
    }

    fn ticks(&self, unit: &str) -> Vec<Tick> {
        let tick = |value: f64, length: u32, label: String| Tick {
            at: format!("{:.2}%", self.part(value) * 100.0),
            length,
            label,
        };
        let with_unit = |value: f64| format!("{} {unit}", short(value)).trim_end().to_owned();
        let mut ticks = Vec::new();
        if self.log {
            let mut decade = 10_f64.powf(self.lo.log10().floor());
            while decade <= self.hi {
                for digit in 1..10 {
                    let value = decade * f64::from(digit);
                    if value < self.lo || value > self.hi {
                        continue;
                    }
                    let label = match value {
                        value if value == self.lo => with_unit(value),
                        value if value == self.hi || digit == 1 => short(value),
                        _ => String::new(),
                    };
                    ticks.push(tick(value, if digit == 1 { 9 } else { 5 }, label));
                }
                decade *= 10.0;
            }
            if ticks.last().is_none_or(|last| last.at != "100.00%") {
                ticks.push(tick(self.hi, 9, short(self.hi)));
            }
        } else if self.hi - self.lo <= TICKS_FOR_EACH {
            let mut value = self.lo;
            while value <= self.hi {
                let label = match value {
                    value if value == self.lo => with_unit(value),
                    value if value == self.hi => short(value),
                    _ => String::new(),
                };
                ticks.push(tick(value, if label.is_empty() { 5 } else { 9 }, label));
                value += 1.0;
            }
        } else {
            for quarter in 0..=4 {
                let value = self.lo + (self.hi - self.lo) * f64::from(quarter) / 4.0;
                let label = match quarter {
                    0 => with_unit(value),
                    2 | 4 => short(value),
                    _ => String::new(),
                };
                ticks.push(tick(value, if quarter % 2 == 0 { 9 } else { 5 }, label));
            }
        }
        ticks
    }
}

/// A round number in few characters: `10 k`.
fn short(value: f64) -> String {
    if value >= 1000.0 && value % 1000.0 == 0.0 {
        format!("{} k", value / 1000.0)
    } else {
        format!("{}", value.round())
    }
}

fn sources<'l>(course: &'l Course, lesson: &'l Lesson, frame: &Frame) -> Vec<Source<'l>> {
    let mut named: Option<&str> = None;
    course
        .sections_of(lesson)
        .map(|(document, section)| {
            let original = Language::from_tag(&document.language).unwrap_or_default();
            let claims: Vec<_> =
                lesson.claims.iter().filter(|claim| section.claims.contains(claim)).map(String::as_str).collect();
            // The document is named once, before its first section.
            let again = named == Some(document.id.as_str());
            named = Some(&document.id);
            Source {
                document: if again { String::new() } else { frame.fill("bench.document", &[("id", &document.id)]) },
                language: if section.mark.is_some() { frame.language.tag() } else { original.tag() },
                heading: section.mark.clone().unwrap_or_else(|| section.title.plain(original)),
                claims: claims.join(", "),
            }
        })
        .collect()
}

const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Main => "main",
        Role::Interrupt => "interrupt",
        Role::Scheduler => "scheduler",
        Role::Lost => "lost",
        Role::Dropped => "dropped",
        Role::Plain => "plain",
    }
}

const fn shape_name(shape: Shape) -> &'static str {
    match shape {
        Shape::Holds => "holds",
        Shape::Price => "price",
        Shape::Lost => "lost",
    }
}

fn term_view(term: &Term, sign: &'static str, result: bool, language: Language) -> TermView {
    let words = |text: &Option<Text>| text.as_ref().map(|text| text.plain(language)).unwrap_or_default();
    TermView {
        value: term.value.clone(),
        sign,
        role: role_name(term.role),
        caption: words(&term.caption),
        share_of: term.share_of.clone().unwrap_or_default(),
        good: words(&term.caption_zero),
        result,
    }
}

fn equation(terms: &[Term], result: &Term, frame: &Frame) -> InstrumentView {
    let mut formula = format!("{} =", result.value);
    let mut views = Vec::new();
    for (index, term) in terms.iter().enumerate() {
        let sign = match (index, term.sign) {
            (0, Sign::Plus) => "",
            (_, Sign::Plus) => "+",
            (_, Sign::Minus) => "−",
        };
        formula.push_str(&format!(" {sign} {}", term.value).replace("  ", " "));
        views.push(term_view(term, sign, false, frame.language));
    }
    views.push(term_view(result, "=", true, frame.language));
    InstrumentView::Equation {
        terms: views,
        title: frame.t("bench.counters").to_owned(),
        formula,
        kind: "equation",
        list: "equation",
    }
}

fn instruments(lesson: &Lesson, frame: &Frame) -> Vec<InstrumentView> {
    let language = frame.language;
    let nothing = frame.t("live.nothing_yet");
    let chart = |kind, title: &str, aside: String, width| InstrumentView::Chart {
        kind,
        title: title.to_owned(),
        aside,
        pauses: matches!(kind, "timeline" | "latency" | "histogram" | "history"),
        width,
        empty: if matches!(kind, "queue" | "history") { "" } else { nothing },
        data: Vec::new(),
    };
    let mut views: Vec<InstrumentView> = Vec::new();
    for instrument in &lesson.instruments {
        let view = match instrument {
            Instrument::Equation { terms, result } => equation(terms, result, frame),
            Instrument::Readout { title, terms } => InstrumentView::Equation {
                terms: terms.iter().map(|term| term_view(term, "", false, language)).collect(),
                title: title.plain(language),
                formula: String::new(),
                kind: "readout",
                list: "plain-values",
            },
            Instrument::Balance {} => {
                chart("balance", frame.t("bench.balance"), frame.t("bench.balance_aside").to_owned(), WIDE_COLUMNS)
            }
            Instrument::Queue {} => chart("queue", frame.t("bench.queue"), String::new(), SIDE_COLUMNS),
            Instrument::Timeline { triggers, points } => {
                let points: Vec<_> = points
                    .iter()
                    .map(
                        |point| json!({ "lane": point.lane, "does": point.does, "label": point.label.plain(language) }),
                    )
                    .collect();
                let triggers: Vec<_> = triggers
                    .iter()
                    .map(|trigger| json!({ "name": trigger.name, "label": trigger.label.plain(language) }))
                    .collect();
                InstrumentView::Chart {
                    kind: "timeline",
                    title: frame.t("bench.timeline").to_owned(),
                    aside: String::new(),
                    pauses: true,
                    width: 12,
                    empty: nothing,
                    data: vec![
                        ("triggers", serde_json::to_string(&triggers).unwrap_or_default()),
                        ("points", serde_json::to_string(&points).unwrap_or_default()),
                    ],
                }
            }
            Instrument::Latency {} => {
                chart("latency", frame.t("bench.latency"), frame.t("bench.latency_aside").to_owned(), WIDE_COLUMNS)
            }
            Instrument::Histogram { title, array, labels, role } => InstrumentView::Chart {
                kind: "histogram",
                title: title.plain(language),
                aside: String::new(),
                pauses: true,
                width: 12,
                empty: nothing,
                data: vec![
                    ("histogram", array.clone()),
                    ("labels", labels.join("\n")),
                    ("role", role_name(*role).to_owned()),
                ],
            },
            Instrument::Outcome { columns, bar, .. } => {
                // The history is for every lesson; it stands before the table that sums up.
                views.push(history(lesson, frame));
                let columns = columns
                    .iter()
                    .map(|name| ColumnView {
                        label: column_label(lesson, name, frame),
                        number: lesson.control(name).is_none(),
                        bar: bar.as_ref().is_some_and(|bar| bar.value == *name),
                    })
                    .collect();
                InstrumentView::Outcomes { columns }
            }
        };
        let latency = matches!(view, InstrumentView::Chart { kind: "latency", .. });
        views.push(view);
        if latency {
            views.push(InstrumentView::Console { width: SIDE_COLUMNS });
        }
    }
    if !views.iter().any(|view| matches!(view, InstrumentView::Console { .. })) {
        views.push(InstrumentView::Console { width: SIDE_COLUMNS });
    }
    fill_rows(&mut views);
    views
}

/// Columns of the twelve that a wide and a narrow instrument take side by side.
const WIDE_COLUMNS: u32 = 7;
const SIDE_COLUMNS: u32 = 5;

/// Gives the last instrument that stands alone in its row the whole row.
fn fill_rows(views: &mut [InstrumentView]) {
    let of_width =
        |views: &[InstrumentView], columns| views.iter().filter(|view| view.width() == Some(columns)).count();
    let lone = match of_width(views, WIDE_COLUMNS).cmp(&of_width(views, SIDE_COLUMNS)) {
        Ordering::Greater => WIDE_COLUMNS,
        Ordering::Less => SIDE_COLUMNS,
        Ordering::Equal => return,
    };
    if let Some(InstrumentView::Chart { width, .. } | InstrumentView::Console { width }) =
        views.iter_mut().rev().find(|view| view.width() == Some(lone))
    {
        *width = 12;
    }
}

impl InstrumentView {
    /// Columns of the twelve; `None` for those that always have a row of their own.
    fn width(&self) -> Option<u32> {
        match self {
            Self::Chart { width, .. } | Self::Console { width } => Some(*width),
            Self::Equation { .. } | Self::Outcomes { .. } => None,
        }
    }
}

/// Rates over the time of a run: callbacks, drops, and what the lesson loses.
fn history(lesson: &Lesson, frame: &Frame) -> InstrumentView {
    let mut series = vec![
        json!({ "name": "ran", "label": "ran", "role": "interrupt" }),
        json!({ "name": "dropped", "label": "dropped", "role": "dropped" }),
    ];
    let key = key_number(lesson);
    if key.role == "lost" && key.name != "dropped" {
        series.push(json!({ "name": key.name, "label": key.name, "role": key.role }));
    }
    InstrumentView::Chart {
        kind: "history",
        title: frame.t("bench.history").to_owned(),
        aside: frame.t("bench.history_aside").to_owned(),
        pauses: true,
        width: 12,
        empty: frame.t("live.nothing_yet"),
        data: vec![("series", serde_json::to_string(&series).unwrap_or_default())],
    }
}

fn column_label(lesson: &Lesson, name: &str, frame: &Frame) -> String {
    match lesson.control(name) {
        Some(control) => control.label.plain(frame.language),
        None if name == "lat_max" => frame.t("bench.latency_max").to_owned(),
        None => name.to_owned(),
    }
}

/// The result of the equation, else the value of the outcome's bar, else callbacks.
fn key_number(lesson: &Lesson) -> KeyNumber {
    for instrument in &lesson.instruments {
        if let Instrument::Equation { result, .. } = instrument {
            return KeyNumber { name: result.value.clone(), role: role_name(result.role) };
        }
    }
    for instrument in &lesson.instruments {
        if let Instrument::Outcome { bar: Some(bar), .. } = instrument {
            return KeyNumber { name: bar.value.clone(), role: "plain" };
        }
    }
    KeyNumber { name: "ran".to_owned(), role: "interrupt" }
}

fn control_data(control: &Control, language: Language) -> Value {
    let (unit, options) = match &control.range {
        Range::Number { unit, .. } => (unit.as_str(), Vec::new()),
        Range::Choice { options } => (
            "",
            options
                .iter()
                .map(|option| json!({ "value": option.value, "label": option.label.plain(language) }))
                .collect(),
        ),
    };
    json!({ "name": control.name, "label": control.label.plain(language), "unit": unit, "value": control.default, "options": options })
}

fn outcome_data(lesson: &Lesson, language: Language) -> Value {
    let found = lesson.instruments.iter().find_map(|instrument| match instrument {
        Instrument::Outcome { columns, bar, verdicts } => Some((columns, bar, verdicts)),
        _ => None,
    });
    let Some((columns, bar, verdicts)) = found else {
        return json!({ "columns": [], "bar": null, "key": "", "verdicts": [] });
    };
    json!({
        "columns": columns.iter().map(|name| json!({
            "name": name,
            "role": if lesson.control(name).is_some() { "setting" } else { "number" },
        })).collect::<Vec<_>>(),
        "bar": bar.as_ref().map(|bar| json!({ "value": bar.value, "shareOf": bar.share_of })),
        "key": key_number(lesson).name,
        "verdicts": verdicts.iter().map(|verdict| json!({
            "shape": shape_name(verdict.shape),
            "text": verdict.text.plain(language),
        })).collect::<Vec<_>>(),
    })
}

/// A title without marks, for other pages.
pub(super) fn plain(text: &Text, language: Language) -> String {
    markdown::plain(text.source(language))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logarithmic_slider_has_its_decades_and_ends() {
        let slider = Slider { lo: 10.0, hi: 20_000.0, log: true };
        let labels: Vec<_> =
            slider.ticks("Hz").into_iter().map(|tick| tick.label).filter(|label| !label.is_empty()).collect();
        assert_eq!(labels, ["10 Hz", "100", "1 k", "10 k", "20 k"]);
        assert_eq!(slider.steps(), 66);
        assert_eq!(slider.part(10.0), 0.0);
        assert_eq!(slider.part(20_000.0), 1.0);
    }

    #[test]
    fn instruments_of_every_lesson_fill_their_rows() {
        let course = Course::embedded().unwrap();
        for lesson in &course.lessons {
            let views =
                instruments(lesson, &crate::pages::tests::frame(Language::En, crate::pages::frame::Part::Bench));
            let columns: u32 = views.iter().filter_map(InstrumentView::width).sum();
            assert_eq!(
                columns % 12,
                0,
                "{}: {:?}",
                lesson.slug,
                views.iter().map(InstrumentView::width).collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn a_linear_slider_has_quarters() {
        let slider = Slider { lo: 0.0, hi: 2000.0, log: false };
        let labels: Vec<_> =
            slider.ticks("us").into_iter().map(|tick| tick.label).filter(|label| !label.is_empty()).collect();
        assert_eq!(labels, ["0 us", "1 k", "2 k"]);
        assert_eq!(slider.steps(), 100);
        assert_eq!(Slider { lo: 1.0, hi: 12.0, log: false }.ticks("").len(), 12);
    }
}

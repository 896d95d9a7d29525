//! The check of the whole course: every row of every expectation grid, every
//! prediction, and for every exercise that the starter fails, the solution passes and the typical
//! wrong fixes are rejected.
//!
//! Structure and languages are checked when the course is loaded; a course that exists has them.

mod remembered;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde::Serialize;

use super::check::{self, CHECK_SEED, Checked};
use super::clock::Moment;
use super::hands::{Hands, Job};
use super::headless::{Boards, RunError};
use super::judge;
use super::record::{RunRecord, RunRequest, why};
use crate::session::EndReason;
use course::Language;
use course::lesson::{Criterion, GridRow, Instrument, Need, Prediction, WrongFix};
use course::settings::Range;
use course::{Lesson, Measured, Relation, Setting, Settings, Value};
pub use remembered::Remembered;

/// One thing to find out about a lesson.
#[derive(Clone, Copy, Debug)]
enum Task<'c> {
    GridRow(&'c GridRow),
    Prediction(&'c Prediction),
    Starter,
    Solution,
    Wrong(&'c WrongFix),
}

impl Task<'_> {
    /// What is tried.
    fn name(&self) -> String {
        match self {
            Self::GridRow(row) => format!("grid {}", setting_names(&row.set)),
            Self::Prediction(prediction) => format!("prediction {}", prediction.id),
            Self::Starter => "starter fails".to_owned(),
            Self::Solution => "solution passes".to_owned(),
            Self::Wrong(wrong) => format!("wrong fix {}", wrong.file),
        }
    }

    /// What else a board must have to show it.
    fn needs(&self, lesson: &Lesson) -> impl Iterator<Item = Need> {
        let (grid, own): (&[Need], &[Need]) = match self {
            Self::GridRow(row) => (&lesson.grid.needs, &row.needs),
            Self::Prediction(_) => (&lesson.grid.needs, &[]),
            Self::Starter | Self::Solution => (&[], &[]),
            Self::Wrong(wrong) => (&[], &wrong.needs),
        };
        [grid, own].concat().into_iter()
    }

    /// Whether a board with soft interrupts only cannot show it.
    fn needs_hard(&self, lesson: &Lesson) -> bool {
        let hard = |set: &Settings| {
            lesson.settings(set).is_ok_and(|settings| settings.get("kind") == Some(&Setting::Text("hard".to_owned())))
        };
        lesson.needs_hard()
            || match self {
                Self::GridRow(row) => hard(&lesson.grid.settings(row)),
                Self::Prediction(prediction) => hard(&prediction.set),
                Self::Starter | Self::Solution | Self::Wrong(_) => {
                    lesson.exercise.runs.iter().any(|run| hard(&run.set))
                }
            }
    }
}

/// What came of one case.
#[derive(Clone, Debug, Serialize)]
pub struct Case {
    /// The lesson's slug.
    pub lesson: String,
    /// What was tried.
    pub name: String,
    /// Whether all is as the lesson says.
    pub ok: bool,
    /// What was found instead, and what to do.
    pub findings: Vec<String>,
    /// How long it took, in seconds of ours. Not part of the JSON, which is the same every time.
    #[serde(skip)]
    pub took: Duration,
    /// Whether it was not tried, because it has held before.
    #[serde(skip)]
    pub remembered: bool,
}

/// One of so many parts of the work, for hosts that share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    number: usize,
    of: usize,
}

impl Shard {
    /// All of the work.
    pub const ALL: Self = Self { number: 1, of: 1 };

    /// Which cases are in it: every so many, so that all parts take about as long.
    fn has(self, at: usize) -> bool {
        at % self.of == self.number - 1
    }
}

impl std::str::FromStr for Shard {
    type Err = NoShard;

    fn from_str(text: &str) -> Result<Self, NoShard> {
        let (number, of) = text.split_once('/').ok_or(NoShard)?;
        let (number, of) = (number.parse().map_err(|_| NoShard)?, of.parse().map_err(|_| NoShard)?);
        if (1..=of).contains(&number) { Ok(Self { number, of }) } else { Err(NoShard) }
    }
}

/// It does not name one of so many parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write K/N for part K of N, such as 1/4")]
pub struct NoShard;

/// What is checked, where, and by whom.
pub struct Validation<'a> {
    /// The lessons.
    pub lessons: &'a [&'a Lesson],
    /// The part of their cases.
    pub shard: Shard,
    /// Where they run, on as many boards at once as there may be.
    pub boards: &'a dyn Boards,
    /// Who does the work.
    pub hands: &'a dyn Hands,
    /// Tells the time.
    pub clock: &'a (dyn Fn() -> Moment + Sync),
    /// What need not be tried again; only on virtual boards, whose runs are the same every time.
    pub remembered: Option<&'a dyn Remembered>,
}

/// Checks these lessons; `done` hears of every case.
pub fn validate(validation: &Validation<'_>, done: &(dyn Fn(&Case) + Sync)) -> Vec<Case> {
    let Validation { lessons, shard, boards, hands, clock, remembered } = *validation;
    let mut tasks: Vec<(&Lesson, Task<'_>)> = lessons.iter().flat_map(|lesson| tasks(lesson)).collect();
    if !boards.has_hard() {
        tasks.retain(|(lesson, task)| !task.needs_hard(lesson));
    }
    tasks.retain(|(lesson, task)| task.needs(lesson).all(|need| boards.has(need)));
    let mut at = 0..;
    tasks.retain(|_| at.next().is_some_and(|at| shard.has(at)));
    let version = boards.booted().map(|booted| booted.version());
    let next = AtomicUsize::new(0);
    let cases: Mutex<Vec<(usize, Case)>> = Mutex::default();
    let judge_some = || {
        while let Some((at, (lesson, task))) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            tasks.get(at).map(|task| (at, *task))
        } {
            let begun = clock();
            let kept =
                remembered.zip(version).map(|(kept, version)| (kept, remembered::content(lesson, task, version)));
            let known = kept.as_ref().is_some_and(|(kept, content)| kept.holds(content));
            let findings = if known { Vec::new() } else { judge_task(lesson, task, boards) };
            if let Some((kept, content)) = kept.filter(|_| !known && findings.is_empty()) {
                kept.keep(&content);
            }
            let case = Case {
                lesson: lesson.slug.clone(),
                name: task.name(),
                ok: findings.is_empty(),
                findings,
                took: clock().saturating_sub(begun),
                remembered: known,
            };
            done(&case);
            cases.lock().unwrap_or_else(PoisonError::into_inner).push((at, case));
        }
    };
    let judge_some = &judge_some;
    hands.work((0..boards.at_once().min(hands.count())).map(|_| -> Job<'_> { Box::new(judge_some) }).collect());
    let mut cases = cases.into_inner().unwrap_or_else(PoisonError::into_inner);
    cases.sort_by_key(|(at, _)| *at);
    cases.into_iter().map(|(_, case)| case).collect()
}

fn tasks(lesson: &Lesson) -> Vec<(&Lesson, Task<'_>)> {
    let rows = lesson.grid.rows.iter().map(Task::GridRow);
    let predictions = lesson.predictions.iter().map(Task::Prediction);
    let wrong = lesson.exercise.wrong.iter().map(Task::Wrong);
    let exercise = [Task::Starter, Task::Solution].into_iter().chain(wrong);
    rows.chain(predictions).chain(exercise).map(|task| (lesson, task)).collect()
}

/// What was found instead of what the lesson says.
fn judge_task(lesson: &Lesson, task: Task<'_>, boards: &dyn Boards) -> Vec<String> {
    let findings = match task {
        Task::GridRow(row) => {
            let settings = lesson.grid.settings(row);
            let seconds = row.seconds.unwrap_or(lesson.grid.seconds);
            run_lesson(lesson, &settings, seconds, boards).map(|record| {
                if row.crashes {
                    let ended = why(record.end.why);
                    let survived = record.end.why != EndReason::Crashed;
                    return survived
                        .then(|| format!("the run ended as `{ended}`, and not with a crash"))
                        .into_iter()
                        .collect();
                }
                let measured = record.measured();
                let relations = lesson.grid.holds.iter().chain(&row.holds);
                let mut findings: Vec<_> = relations.filter_map(|relation| broken(relation, &measured)).collect();
                findings.extend(not_finished(&record));
                findings
            })
        }
        Task::Prediction(prediction) => {
            run_lesson(lesson, &prediction.set, lesson.grid.seconds, boards).map(|record| {
                let measured = record.measured();
                let right: Vec<_> = prediction
                    .options
                    .iter()
                    .filter(|answer| answer.right_when.holds(&measured) == Ok(true))
                    .map(|answer| &answer.key[..])
                    .collect();
                if right == [&prediction.right[..]] {
                    let mut findings = told_before(lesson, prediction, &measured);
                    findings.extend(not_finished(&record));
                    return findings;
                }
                let shown = named_values(prediction, &measured);
                if let [answer] = right[..] {
                    return vec![format!("`{answer}` is right ({shown}), not `{}`", prediction.right)];
                }
                let count = right.len();
                let which = if right.is_empty() { String::new() } else { format!(" ({})", right.join(", ")) };
                vec![format!("{count} answers are right{which}, exactly one must be; measured: {shown}")]
            })
        }
        Task::Starter => exercise(lesson, &lesson.starter, boards, false),
        Task::Solution => exercise(lesson, &lesson.solution, boards, true),
        Task::Wrong(wrong) => wrong_fix(lesson, wrong, boards),
    };
    findings.unwrap_or_else(|error| vec![error.to_string()])
}

/// The measured values that a question shows, and those that its answers ask for.
fn named_values(prediction: &Prediction, measured: &Measured) -> String {
    let asked = prediction.options.iter().flat_map(|option| option.right_when.names());
    let names: BTreeSet<&str> = prediction.shows.iter().map(String::as_str).chain(asked).collect();
    let shown = names.into_iter().map(|name| match measured.get(name) {
        Some(value) => format!("{name} = {value}"),
        None => format!("{name} was not measured"),
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// Where a text before the question tells what came of its settings: the verdict of the outcome table, in a sentence that
/// names one of the settings or on the very settings to try; or a measured number that no guess would hit.
fn told_before(lesson: &Lesson, prediction: &Prediction, measured: &Measured) -> Vec<String> {
    let mut findings = Vec::new();
    let verdict = lesson.instruments.iter().find_map(|instrument| match instrument {
        Instrument::Outcome { verdicts, .. } => {
            verdicts.iter().find(|verdict| verdict.when.holds(measured) == Ok(true)).map(|verdict| &verdict.text)
        }
        _ => None,
    });
    let same_settings = |place: &str| {
        let set = lesson.settings(&prediction.set).ok();
        let tried = lesson.tries.iter().enumerate().find(|(at, _)| place == format!("try {}", at + 1));
        tried.is_some_and(|(_, attempt)| set.is_some() && lesson.settings(&attempt.set).ok() == set)
    };
    for (place, text) in lesson.before_the_questions() {
        for language in Language::ALL {
            for sentence in text.source(language).split_inclusive(['.', '?', '。', '？']) {
                let said = verdict.map(|verdict| verdict.source(language)).filter(|said| tells(said, language));
                let named = || same_settings(&place) || names_setting(lesson, prediction, sentence, language);
                if let Some(said) = said.filter(|said| sentence.contains(said)).filter(|_| named()) {
                    findings.push(format!("{place} tells the verdict before the question: {said}"));
                }
                let numbers = prediction.shows.iter().filter_map(|name| Some((name, measured.get(name)?.to_string())));
                for (name, number) in numbers.filter(|(_, number)| number.len() >= 3) {
                    let words = sentence.split(|c: char| !c.is_alphanumeric());
                    if words.into_iter().any(|word| word == number) {
                        findings.push(format!("{place} tells the measured {name} = {number} before the question"));
                    }
                }
            }
        }
    }
    findings
}

/// A verdict of a word or two says too little to give anything away.
fn tells(verdict: &str, language: Language) -> bool {
    match language {
        Language::En => verdict.split_whitespace().count() >= 2,
        Language::Ja => verdict.chars().count() >= 5,
    }
}

/// Whether a sentence names one of the settings that a question speaks of, by its value or its label.
fn names_setting(lesson: &Lesson, prediction: &Prediction, sentence: &str, language: Language) -> bool {
    let folded = sentence.to_lowercase();
    prediction.set.iter().any(|(name, value)| {
        let value = value.to_string();
        let label = lesson.control(name).and_then(|control| match &control.range {
            Range::Choice { options } => options.iter().find(|option| option.value == value),
            Range::Number { .. } => None,
        });
        let label = label.map(|option| option.label.plain(language).to_lowercase());
        [Some(value.to_lowercase()), label].into_iter().flatten().any(|named| folded.contains(&named))
    })
}

fn run_lesson(lesson: &Lesson, set: &Settings, seconds: u32, boards: &dyn Boards) -> Result<RunRecord, RunError> {
    let request = RunRequest {
        lesson: lesson.slug.clone(),
        program: lesson.program.clone(),
        own_program: false,
        driver: None,
        settings: lesson.settings(set).map_err(|error| RunError::Setting(error.to_string()))?,
        seconds,
        seed: CHECK_SEED,
        wiring: lesson.wiring.clone(),
    };
    boards.run(&request, &mut |_| true)
}

fn exercise(lesson: &Lesson, program: &str, boards: &dyn Boards, must_pass: bool) -> Result<Vec<String>, RunError> {
    let checked = check::runs(lesson, program, boards, &mut |_| true)?;
    let verdict = judge::verdict(lesson, &checked, Language::En);
    if verdict.passed == must_pass {
        return Ok(if must_pass { allocations(lesson, &checked) } else { Vec::new() });
    }
    if !must_pass {
        return Ok(vec!["it passes, so there is nothing to learn; make it fail".to_owned()]);
    }
    let failed = verdict.criteria.iter().filter(|criterion| criterion.ok != Some(true));
    let mut findings: Vec<_> = failed
        .map(|criterion| format!("{} (run {:?}): {:?}", criterion.text, criterion.run, criterion.measured))
        .collect();
    findings.extend(verdict.refused.map(str::to_owned));
    findings.extend(verdict.traceback);
    findings.extend(verdict.arrivals.map(|arrival| format!("{}: {}", arrival.word, arrival.sentence)));
    Ok(findings)
}

/// A solution that passes although a hard callback of it found no memory: it breaks the rule that the course begins with.
fn allocations(lesson: &Lesson, checked: &Checked) -> Vec<String> {
    let hard = |id: &str| {
        let run = lesson.exercise.runs.iter().find(|run| run.id == id);
        run.and_then(|run| lesson.settings(&run.set).ok())
            .is_some_and(|set| set.get("kind") == Some(&Setting::Text("hard".to_owned())))
    };
    // A lesson about reports asks for the very exception.
    let wanted = |criterion: &Criterion| criterion.holds.names().into_iter().any(|name| name.starts_with("exc0."));
    if lesson.exercise.criteria.iter().any(wanted) {
        return Vec::new();
    }
    let no_memory = Value::Text("MemoryError".to_owned());
    let runs = checked.runs.iter().filter(|(id, record)| {
        let measured = record.measured();
        hard(id) && (0..10).any(|at| measured.get(&format!("exc{at}.class")) == Some(&no_memory))
    });
    runs.map(|(id, _)| format!("run `{id}`: a hard callback allocates (MemoryError)")).collect()
}

fn wrong_fix(lesson: &Lesson, wrong: &WrongFix, boards: &dyn Boards) -> Result<Vec<String>, RunError> {
    let Some(program) = lesson.wrong.get(&wrong.file) else {
        return Ok(vec![format!("there is no file wrong/{}", wrong.file)]);
    };
    let checked = check::runs(lesson, program, boards, &mut |_| true)?;
    if let Some((_, record)) = checked.runs.iter().find(|(_, record)| record.end.report.is_some()) {
        return Ok(vec![format!("it fails for another reason: {}", record.end.report.clone().unwrap_or_default())]);
    }
    let Some((_, record)) = checked.runs.iter().find(|(id, _)| *id == wrong.fails) else {
        return Ok(vec![format!("there is no run `{}` in the exercise", wrong.fails)]);
    };
    let measured = record.measured();
    let run = lesson.exercise.runs.iter().find(|run| run.id == wrong.fails);
    let rejected = run.is_some_and(|run| {
        let applying = lesson.exercise.criteria.iter().filter(|criterion| criterion.applies_to(run));
        applying.into_iter().any(|criterion| criterion.holds.holds(&measured) != Ok(true))
    });
    let Some(arrivals) = checked.arrivals.iter().find(|arrivals| arrivals.run == wrong.fails) else {
        return Ok(if rejected { Vec::new() } else { vec![format!("the run `{}` accepts it", wrong.fails)] });
    };
    // Where every arrival can be tried, one of them has to convict the fix, unless the lesson says
    // that only a free run can.
    Ok(match (arrivals.loss(), wrong.survives_arrivals) {
        (Some(_), false) => Vec::new(),
        (None, true) if rejected => Vec::new(),
        (Some(loss), true) => vec![format!("an arrival loses, against `survives_arrivals`: {}", loss.sentence.en)],
        (None, true) => vec![format!("the run `{}` accepts it", wrong.fails)],
        (None, false) => vec![format!("no arrival of run `{}` loses anything: {:?}", wrong.fails, arrivals.tried)],
    })
}

/// What is wrong with a relation, with the values it speaks of.
fn broken(relation: &Relation, measured: &Measured) -> Option<String> {
    let values = || {
        let named = relation.names().into_iter().filter_map(|name| Some(format!("{name} = {}", measured.get(name)?)));
        named.collect::<Vec<_>>().join(", ")
    };
    match relation.holds(measured) {
        Ok(true) => None,
        Ok(false) => Some(format!("`{relation}` does not hold: {}", values())),
        Err(error) => Some(format!("`{relation}` cannot be judged: {error}")),
    }
}

/// A lesson's own program that does not come to its end is no lesson.
fn not_finished(record: &RunRecord) -> Option<String> {
    let report = record.end.report.as_deref().unwrap_or_default();
    (record.end.why != EndReason::Finished).then(|| format!("the run ended as `{}`: {report}", why(record.end.why)))
}

fn setting_names(settings: &Settings) -> String {
    settings.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

/// Writes cases as JUnit XML, the form that CI systems read.
#[must_use]
pub fn junit(cases: &[Case]) -> String {
    let failures = cases.iter().filter(|case| !case.ok).count();
    let seconds: f64 = cases.iter().map(|case| case.took.as_secs_f64()).sum();
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"isrlab validate\" tests=\"{}\" failures=\"{failures}\" time=\"{seconds:.3}\">\n",
        cases.len()
    );
    for case in cases {
        let (class, name, time) = (escape(&case.lesson), escape(&case.name), case.took.as_secs_f64());
        xml.push_str(&format!("<testcase classname=\"{class}\" name=\"{name}\" time=\"{time:.3}\""));
        if case.ok {
            xml.push_str("/>\n");
        } else {
            let text = escape(&case.findings.join("\n"));
            let first = escape(case.findings.first().map_or("", String::as_str));
            xml.push_str(&format!("><failure message=\"{first}\">{text}</failure></testcase>\n"));
        }
    }
    xml.push_str("</testsuite>\n</testsuites>\n");
    xml
}

/// Fits text into XML 1.0, attributes included; control characters have no place there at all.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_disjoint_and_together_everything() {
        for of in 1..6 {
            let shards: Vec<Shard> = (1..=of).map(|number| format!("{number}/{of}").parse().unwrap()).collect();
            for at in 0..50 {
                assert_eq!(shards.iter().filter(|shard| shard.has(at)).count(), 1);
            }
        }
        for text in ["", "1", "0/2", "3/2", "1/0", "-1/2", "1/2/3", "a/b", "1/99999999999999999999"] {
            assert_eq!(text.parse::<Shard>(), Err(NoShard), "{text}");
        }
    }

    /// What a host keeps of cases that held.
    #[derive(Default)]
    struct Kept(Mutex<std::collections::BTreeSet<String>>);

    impl Remembered for Kept {
        fn holds(&self, content: &str) -> bool {
            self.0.lock().unwrap().contains(content)
        }

        fn keep(&self, content: &str) {
            self.0.lock().unwrap().insert(content.to_owned());
        }
    }

    #[test]
    fn what_held_is_not_tried_again_and_what_failed_is() {
        let course = crate::test_course();
        let mut lesson = course.lesson("lost-update").unwrap().clone();
        lesson.grid.rows.truncate(2);
        lesson.predictions.clear();
        lesson.exercise.wrong.clear();
        // A row that cannot hold.
        lesson.grid.rows[1].holds.push(Relation::parse("ran < 0").unwrap());
        let (kept, board) = (Kept::default(), crate::test_board());
        let validated = |lesson: &Lesson| {
            let validation = Validation {
                lessons: &[lesson],
                shard: Shard::ALL,
                boards: &board,
                hands: &crate::hands::OneHand,
                clock: &|| Moment::ZERO,
                remembered: Some(&kept),
            };
            validate(&validation, &|_| {}).iter().map(|case| (case.ok, case.remembered)).collect::<Vec<_>>()
        };
        assert_eq!(validated(&lesson), [(true, false), (false, false), (true, false), (true, false)]);
        assert_eq!(validated(&lesson), [(true, true), (false, false), (true, true), (true, true)]);
        lesson.program.push_str("# another program\n");
        assert_eq!(validated(&lesson), [(true, false), (false, false), (true, true), (true, true)]);
    }

    #[test]
    fn junit_names_what_failed_and_stays_well_formed() {
        let case = |ok, findings: &[&str]| Case {
            lesson: "lost-update".into(),
            name: "grid cure=\"none\" & more".into(),
            ok,
            findings: findings.iter().map(|finding| (*finding).to_owned()).collect(),
            took: Duration::from_millis(1500),
            remembered: false,
        };
        let xml = junit(&[case(true, &[]), case(false, &["`lost < 1` does not hold\u{1b}"])]);
        assert!(xml.contains("tests=\"2\" failures=\"1\" time=\"3.000\""));
        assert!(xml.contains("name=\"grid cure=&quot;none&quot; &amp; more\" time=\"1.500\"/>"));
        assert!(xml.contains("<failure message=\"`lost &lt; 1` does not hold\u{fffd}\">"));
    }

    #[test]
    fn a_result_that_stands_before_its_question_is_found() {
        let course = crate::test_course();
        let mut lesson = course.lesson("keep-it-short").unwrap().clone();
        let mut measured = Measured::new();
        for (name, value) in [
            ("disabled", 0.0),
            ("missed", 0.0),
            ("dropped", 0.0),
            ("stall_max", 1234.0),
            ("share", 7.0),
            ("work", 900.0),
        ] {
            measured.insert(name, Value::Number(value));
        }
        measured.insert("style", Value::Text("in_callback".to_owned()));
        let prediction = lesson.predictions[0].clone();
        assert_eq!(told_before(&lesson, &prediction, &measured), Vec::<String>::new());
        assert_eq!(named_values(&prediction, &measured), "share = 7, stall_max = 1234");

        lesson.tries[0].text.en = "All in the callback: main stands still.".to_owned();
        lesson.summary.en = "A handler takes 1234 us.".to_owned();
        // The same words about other settings tell nothing.
        lesson.tries[1].text.en = "Not so: main stands still.".to_owned();
        assert_eq!(
            told_before(&lesson, &prediction, &measured),
            [
                "the summary tells the measured stall_max = 1234 before the question",
                "try 1 tells the verdict before the question: main stands still"
            ]
        );
    }
}

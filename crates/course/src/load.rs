//! From files to a [`Course`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parts::{Draft, Wiring};
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub use super::finding::{CourseError, Finding};
use super::lesson::{
    Board, Exercise, ExerciseDriver, Explorer, Grid, Hazard, Instrument, Kind, Lesson, Prediction, RunLength, Try,
};
use super::markdown::{self, Section};
use super::settings::{ChoiceOption, Control, Range, Scale, Setting};
use super::terms::{self, Term};
use super::text::Text;
use super::words::wiring as wiring_words;
use super::{Correction, Course, Document, Language, Measure, Plan, Reference, check, glossary, plan, required};

/// What makes a folder one of lessons.
pub const COURSE_FILE: &str = "course.toml";
/// What explores an exercise program, where the lesson has it.
const EXERCISE_EXPLORED: &str = "explore_fix.py";

/// The version of the lesson format that this code reads.
const FORMAT_VERSION: u32 = 1;

/// The files of a course: contents by path, relative to the folder of the lessons, with `/`.
#[derive(Clone, Debug, Default)]
pub struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    fn text(&self, path: &str, findings: &mut Vec<Finding>) -> Option<String> {
        let mut report = |message: &str| {
            findings.push(Finding { file: path.to_owned(), place: String::new(), message: message.to_owned() });
            None
        };
        match self.0.get(path).map(|bytes| String::from_utf8(bytes.clone())) {
            Some(Ok(text)) => Some(text),
            Some(Err(_)) => report("is not UTF-8; save it as UTF-8"),
            None => report("is missing; write it, see docs/authoring.md"),
        }
    }
}

impl FromIterator<(String, Vec<u8>)> for Files {
    fn from_iter<I: IntoIterator<Item = (String, Vec<u8>)>>(files: I) -> Self {
        Self(files.into_iter().collect())
    }
}

/// `course.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CourseFile {
    format_version: u32,
    #[serde(rename = "document")]
    documents: Vec<Document>,
    #[serde(rename = "correction")]
    corrections: Vec<Correction>,
    #[serde(rename = "control")]
    controls: Vec<SharedControl>,
    #[serde(rename = "value")]
    values: Vec<Measure>,
}

/// `terms.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TermsFile {
    #[serde(rename = "term")]
    terms: Vec<Term>,
}

/// A control that several lessons use: its label and everything it can offer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SharedControl {
    name: String,
    label: Text,
    #[serde(default)]
    options: Vec<ChoiceOption>,
    min: Option<i64>,
    max: Option<i64>,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    scale: Scale,
}

/// `lesson.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LessonFile {
    id: String,
    slug: String,
    title: Text,
    summary: Text,
    claims: Vec<String>,
    #[serde(default)]
    corrections: Vec<String>,
    minutes: u32,
    #[serde(default)]
    needs: Vec<String>,
    kinds: Vec<Kind>,
    boards: Vec<Board>,
    run: RunLength,
    wiring: Option<Draft>,
    #[serde(rename = "control", default)]
    controls: Vec<LessonControl>,
    #[serde(rename = "value", default)]
    values: Vec<Measure>,
    #[serde(rename = "predict")]
    predictions: Vec<Prediction>,
    #[serde(rename = "try")]
    tries: Vec<Try>,
    #[serde(rename = "instrument")]
    instruments: Vec<Instrument>,
    grid: Grid,
    exercise: Exercise,
    #[serde(rename = "hazard", default)]
    hazards: Vec<Hazard>,
    explorer: Option<Explorer>,
}

/// A control as a lesson asks for it: by name, with its own default, and a part of the options or
/// of the range of the shared one; or complete, when only this lesson has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LessonControl {
    name: String,
    default: Setting,
    label: Option<Text>,
    options: Option<Vec<OptionName>>,
    min: Option<i64>,
    max: Option<i64>,
    unit: Option<String>,
    scale: Option<Scale>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OptionName {
    /// An option of the shared control.
    Shared(String),
    /// An option of this lesson.
    Own(ChoiceOption),
}

/// Loads and checks a course.
///
/// # Errors
/// Every problem found.
pub fn course(files: &Files) -> Result<Course, CourseError> {
    let mut course = as_written(files)?;
    glossary::mark(&mut course);
    Ok(course)
}

/// Loads a course whose files were checked before, without checking them again.
///
/// # Errors
/// What cannot be read.
pub(super) fn checked_before(files: &Files) -> Result<Course, CourseError> {
    let mut findings = Vec::new();
    let course = read(files, &mut findings);
    let mut course = without_mistakes(course, findings)?;
    glossary::mark(&mut course);
    Ok(course)
}

/// A checked course whose texts are as their authors wrote them: what the checks speak of.
pub(super) fn as_written(files: &Files) -> Result<Course, CourseError> {
    let mut findings = Vec::new();
    let course = read(files, &mut findings);
    if let Some(course) = &course {
        let texts = files.0.iter().filter_map(|(path, bytes)| Some((path.as_str(), std::str::from_utf8(bytes).ok()?)));
        findings.extend(texts.flat_map(|(path, text)| terms::check(path, text, &course.terms)));
        check::course(course, &mut findings);
    }
    without_mistakes(course, findings)
}

fn without_mistakes(course: Option<Course>, findings: Vec<Finding>) -> Result<Course, CourseError> {
    match course {
        Some(course) if findings.is_empty() => Ok(course),
        _ => Err(CourseError::Unsound(findings)),
    }
}

/// Reads all files; `None` if what is shared by the lessons cannot be read, which `findings` then tell.
fn read(files: &Files, findings: &mut Vec<Finding>) -> Option<Course> {
    let shared = toml_file::<CourseFile>(files, "course.toml", findings)?;
    if shared.format_version != FORMAT_VERSION {
        findings.push(Finding {
            file: "course.toml".to_owned(),
            place: "format_version".to_owned(),
            message: format!(
                "these lessons have format {}, this isrlab reads format {FORMAT_VERSION}; use the isrlab they came with",
                shared.format_version
            ),
        });
        return None;
    }
    let folders: BTreeSet<&str> =
        files.0.keys().filter_map(|path| path.split_once('/').map(|(folder, _)| folder)).collect();
    const SHARED: [&str; 6] =
        ["course.toml", "chapters.toml", "terms.toml", "lab.toml", "teacher.en.md", "teacher.ja.md"];
    for path in files.0.keys().filter(|path| !path.contains('/') && !SHARED.contains(&path.as_str())) {
        findings.push(stray(path));
    }
    let lessons: Vec<Lesson> =
        folders.into_iter().filter_map(|folder| lesson(files, folder, &shared, findings)).collect();
    let chapters = toml_file::<plan::ChaptersFile>(files, "chapters.toml", findings);
    let listed = toml_file::<TermsFile>(files, "terms.toml", findings);
    let en = sections(files, "teacher.en.md", findings);
    let ja = sections(files, "teacher.ja.md", findings);
    let reference = toml_file::<Reference>(files, "lab.toml", findings);
    let (chapters, listed, reference) = (chapters?, listed?, reference?);
    let mut course = Course {
        documents: shared.documents,
        corrections: shared.corrections,
        values: shared.values,
        lessons,
        plan: Plan { chapters: chapters.chapters, lectures: chapters.lectures, en: en?, ja: ja? },
        terms: listed.terms,
        reference,
    };
    course.plan.sort(&mut course.lessons);
    Some(course)
}

impl Lesson {
    /// The folder of its files.
    #[must_use]
    pub fn folder(&self) -> String {
        folder_of(&self.id, &self.slug)
    }
}

/// The folder of a lesson with this id and slug.
pub(super) fn folder_of(id: &str, slug: &str) -> String {
    format!("{}-{slug}", id.trim_start_matches('L'))
}

fn stray(path: &str) -> Finding {
    Finding {
        file: path.to_owned(),
        place: String::new(),
        message: "does not belong to any lesson; remove it or move it".to_owned(),
    }
}

fn lesson(files: &Files, folder: &str, shared: &CourseFile, findings: &mut Vec<Finding>) -> Option<Lesson> {
    let path = |name: &str| format!("{folder}/{name}");
    let toml_path = path("lesson.toml");
    let before = findings.len();
    let file: Option<LessonFile> = toml_file(files, &toml_path, findings);
    if let (None, Some(text)) = (&file, files.0.get(&toml_path).and_then(|bytes| std::str::from_utf8(bytes).ok())) {
        // The reader stops at the first key that is missing, and does not say of which table.
        let first = findings.split_off(before);
        required::missing(&toml_path, text, findings);
        let told = findings.len() > before;
        findings.extend(first.into_iter().filter(|finding| !told || !finding.message.starts_with("missing field")));
    }
    let en = sections(files, &path("en.md"), findings);
    let ja = sections(files, &path("ja.md"), findings);
    let [program, starter, solution] =
        ["program.py", "starter.py", "solution.py"].map(|name| files.text(&path(name), findings));
    let mut file = file?;

    if let Some(explorer) = &mut file.explorer {
        explorer.driver = files.text(&path("explore.py"), findings)?;
        if files.0.contains_key(&path(EXERCISE_EXPLORED)) {
            explorer.exercise_driver = files.text(&path(EXERCISE_EXPLORED), findings);
        }
        if let Some(share) = &mut explorer.share {
            share.driver = files.text(&path("explore_share.py"), findings)?;
        }
    }
    let mut wrong = BTreeMap::new();
    for fix in &file.exercise.wrong {
        if let Some(text) = files.text(&path(&format!("wrong/{}", fix.file)), findings) {
            wrong.insert(fix.file.clone(), text);
        }
    }
    if files.0.contains_key(&path("driver.py")) {
        let text = files.text(&path("driver.py"), findings)?.into();
        let (program_has_timers, pins) = (file.exercise.program_has_timers, file.exercise.pins.as_slice().into());
        file.exercise.driver = Some(ExerciseDriver { text, program_has_timers, pins });
    }
    let mut known = vec!["lesson.toml", "en.md", "ja.md", "program.py", "starter.py", "solution.py"];
    known.extend(file.exercise.driver.as_ref().map(|_| "driver.py"));
    if let Some(explorer) = &file.explorer {
        known.push("explore.py");
        known.extend(explorer.exercise_driver.as_ref().map(|_| EXERCISE_EXPLORED));
        known.extend(explorer.share.as_ref().map(|_| "explore_share.py"));
    }
    let prefix = format!("{folder}/");
    for name in files.0.keys().filter_map(|path| path.strip_prefix(&prefix)) {
        if !known.contains(&name) && !name.strip_prefix("wrong/").is_some_and(|fix| wrong.contains_key(fix)) {
            findings.push(stray(&path(name)));
        }
    }
    let expected_folder = folder_of(&file.id, &file.slug);
    if folder != expected_folder {
        findings.push(Finding {
            file: toml_path.clone(),
            place: "slug".to_owned(),
            message: format!("the folder is `{folder}`; name it `{expected_folder}`, or mend `id` and `slug`"),
        });
    }
    let mut controls = Vec::new();
    for control in file.controls {
        let name = control.name.clone();
        match resolve(control, &shared.controls) {
            Ok(control) => controls.push(control),
            Err(message) => {
                findings.push(Finding { file: toml_path.clone(), place: format!("control `{name}`"), message });
            }
        }
    }
    let wiring = wiring(file.wiring, &toml_path, findings);
    Some(Lesson {
        id: file.id,
        slug: file.slug,
        title: file.title,
        summary: file.summary,
        claims: file.claims,
        corrections: file.corrections,
        minutes: file.minutes,
        needs: file.needs,
        kinds: file.kinds,
        boards: file.boards,
        run: file.run,
        wiring: Arc::new(wiring),
        controls,
        values: file.values,
        predictions: file.predictions,
        tries: file.tries,
        instruments: file.instruments,
        grid: file.grid,
        exercise: file.exercise,
        hazards: file.hazards,
        explorer: file.explorer,
        program: program?,
        starter: starter?,
        solution: solution?,
        wrong,
        en: en?,
        ja: ja?,
    })
}

/// What is on the pins. Every mistake is told in both languages, because whoever teaches in Japanese writes wirings too.
fn wiring(draft: Option<Draft>, file: &str, findings: &mut Vec<Finding>) -> Wiring {
    let Some(draft) = draft else { return Wiring::default() };
    draft.check().unwrap_or_else(|mistakes| {
        findings.extend(mistakes.0.iter().map(|mistake| {
            let [en, ja] = Language::ALL.map(|language| wiring_words::mistake(mistake, language));
            let place = wiring_words::place(&wiring_words::place_of(mistake), Language::En);
            Finding {
                file: file.to_owned(),
                place: format!("wiring, {place}"),
                message: format!("{en} / {ja} [{}]", mistake.code()),
            }
        }));
        Wiring::default()
    })
}

fn sections(files: &Files, path: &str, findings: &mut Vec<Finding>) -> Option<Vec<Section>> {
    let text = files.text(path, findings)?;
    match markdown::sections(&text) {
        Ok(sections) => Some(sections),
        Err((line, message)) => {
            findings.push(Finding { file: path.to_owned(), place: format!("line {line}"), message });
            None
        }
    }
}

/// Completes what a lesson says about a control with what the shared one says.
fn resolve(control: LessonControl, shared: &[SharedControl]) -> Result<Control, String> {
    let LessonControl { name, default, label, options, min, max, unit, scale } = control;
    let shared = shared.iter().find(|shared| shared.name == name);
    let label = label
        .or_else(|| shared.map(|shared| shared.label.clone()))
        .ok_or("has no label; give it one, or add the control to course.toml")?;
    let offered = shared.map_or(&[][..], |shared| &shared.options);
    let options: Vec<ChoiceOption> = match options {
        None => offered.to_vec(),
        Some(names) => names
            .into_iter()
            .map(|option| match option {
                OptionName::Own(option) => Ok(option),
                OptionName::Shared(value) => {
                    offered.iter().find(|option| option.value == value).cloned().ok_or_else(|| {
                        format!("the shared control has no option `{value}`; add it to course.toml or give its label")
                    })
                }
            })
            .collect::<Result<_, _>>()?,
    };
    let min = min.or_else(|| shared.and_then(|shared| shared.min));
    let max = max.or_else(|| shared.and_then(|shared| shared.max));
    let range = match (options.is_empty(), min, max) {
        (false, None, None) => Range::Choice { options },
        (true, Some(min), Some(max)) if min < max => Range::Number {
            min,
            max,
            unit: unit.unwrap_or_else(|| shared.map(|shared| shared.unit.clone()).unwrap_or_default()),
            scale: scale.unwrap_or_else(|| shared.map(|shared| shared.scale).unwrap_or_default()),
        },
        _ => return Err("needs either `options`, or `min` below `max`".to_owned()),
    };
    let control = Control { name, label, range, default };
    let accepted = control.accept(&control.default).map_err(|error| error.to_string());
    accepted.map(|()| control)
}

fn toml_file<T: DeserializeOwned>(files: &Files, path: &str, findings: &mut Vec<Finding>) -> Option<T> {
    let text = files.text(path, findings)?;
    match toml::from_str(&text) {
        Ok(parsed) => Some(parsed),
        Err(error) => {
            let before = error.span().and_then(|span| text.get(..span.start));
            let place = before.map(|before| format!("line {}", before.matches('\n').count() + 1)).unwrap_or_default();
            findings.push(Finding { file: path.to_owned(), place, message: error.message().to_owned() });
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> Files {
        firmware_tests::lesson_files().into_iter().collect()
    }

    fn mistakes(files: &Files) -> Vec<String> {
        match course(files) {
            Ok(_) => Vec::new(),
            Err(CourseError::Unsound(findings)) => findings.iter().map(ToString::to_string).collect(),
        }
    }

    /// Loads the course with one edit, and expects exactly this mistake among those reported.
    #[track_caller]
    fn check(path: &str, from: &str, to: &str, expected: &str) {
        let mut files = sound();
        let text = String::from_utf8(files.0[path].clone()).unwrap();
        assert!(text.contains(from), "{path} does not contain {from}");
        files.0.insert(path.to_owned(), text.replacen(from, to, 1).into_bytes());
        let found = mistakes(&files);
        assert!(found.iter().any(|mistake| mistake == expected), "{found:#?}");
    }

    const L15: &str = "15-lost-update/lesson.toml";

    #[test]
    fn the_lessons_we_carry_are_sound() {
        assert_eq!(mistakes(&sound()), Vec::<String>::new());
    }

    #[test]
    fn mistakes_name_file_and_place() {
        check(
            L15,
            "slug = \"lost-update\"",
            "slag = \"lost-update\"",
            "15-lost-update/lesson.toml, line 2: unknown field `slag`, expected one of `id`, `slug`, `title`, `summary`, `claims`, `corrections`, `minutes`, `needs`, `kinds`, `boards`, `run`, `wiring`, `control`, `value`, `predict`, `try`, `instrument`, `grid`, `exercise`, `hazard`, `explorer`",
        );
        check(
            L15,
            "slug = \"lost-update\"",
            "slug = \"lost_update\"",
            "15-lost-update/lesson.toml, slug: the folder is `15-lost-update`; name it `15-lost_update`, or mend `id` and `slug`",
        );
        check(
            L15,
            "default = \"soft\"",
            "default = \"firm\"",
            "15-lost-update/lesson.toml, control `kind`: `kind` = firm is no option; it has hard, soft",
        );
        check(
            L15,
            "\"own_counters\",",
            "\"own_counter\",",
            "15-lost-update/lesson.toml, control `cure`: the shared control has no option `own_counter`; add it to course.toml or give its label",
        );
    }

    #[test]
    fn what_a_lesson_refers_to_exists() {
        check(
            L15,
            "holds = \"ran >= 1000\"",
            "holds = \"rna >= 1000\"",
            "15-lost-update/lesson.toml, exercise criterion 2: `rna` is measured by nobody; describe it under [[value]], or mend the name",
        );
        check(
            L15,
            "set = { kind = \"soft\", expression = \"plain\", cure = \"none\" }",
            "set = { kind = \"soft\", expression = \"simple\", cure = \"none\" }",
            "15-lost-update/lesson.toml, predict `plain`: `expression` = simple is no option; it has plain, conditional",
        );
        check(
            L15,
            "fails = \"hard\"",
            "fails = \"both\"",
            "15-lost-update/lesson.toml, wrong fix `step_first.py`: the exercise has no run `both`",
        );
        check(
            L15,
            "claims = [\"A16\"",
            "claims = [\"A61\"",
            "15-lost-update/lesson.toml, claims: no section in course.toml makes the claim `A61`",
        );
        check(
            "15-lost-update/ja.md",
            "## see:",
            "## look:",
            "15-lost-update/ja.md: has the sections about, run, look, explain, differs, fix, learned; it needs about, run, see, explain, differs, fix, learned, in this order",
        );
        check(
            "19-lost-bytes/en.md",
            "/lessons/lost-update",
            "/lessons/lost-updates",
            "19-lost-bytes/en.md, section `explain`: links to the lesson `lost-updates`, which does not exist; mend the link",
        );
    }

    #[test]
    fn a_mistake_in_a_wiring_is_told_in_both_languages_with_its_part() {
        check(
            "F1-ask-or-be-told/lesson.toml",
            "pins = { contact = 10 }",
            "pins = { contact = 12 }",
            "F1-ask-or-be-told/lesson.toml, wiring, part `bell`: `contact`: GPIO 12 belongs to the flash chip; choose 0 to 10, 20 or 21 / `contact`: GPIO 12 はフラッシュが使っています。0～10、20、21 から選んでください [E-WIRE-RESERVED]",
        );
        check(
            "F1-ask-or-be-told/lesson.toml",
            "control = \"pressed\"",
            "control = \"pushed\"",
            "F1-ask-or-be-told/lesson.toml, wiring, move 1: `bell` has no control `pushed`; it has pressed / `bell` に操作 `pushed` はありません。あるのは pressed です [E-WIRE-CONTROL]",
        );
    }

    #[test]
    fn files_belong_to_a_lesson() {
        let mut files = sound();
        files.0.insert("15-lost-update/notes.txt".to_owned(), Vec::new());
        files.0.insert("readme.md".to_owned(), Vec::new());
        files.0.remove("15-lost-update/ja.md");
        files.0.insert("15-lost-update/en.md".to_owned(), vec![0xff]);
        assert_eq!(
            mistakes(&files),
            [
                "readme.md: does not belong to any lesson; remove it or move it",
                "15-lost-update/en.md: is not UTF-8; save it as UTF-8",
                "15-lost-update/ja.md: is missing; write it, see docs/authoring.md",
                "15-lost-update/notes.txt: does not belong to any lesson; remove it or move it",
            ]
        );
    }

    #[test]
    fn a_newer_format_is_refused_with_the_way_out() {
        check(
            "course.toml",
            "format_version = 1",
            "format_version = 2",
            "course.toml, format_version: these lessons have format 2, this isrlab reads format 1; use the isrlab they came with",
        );
    }
}

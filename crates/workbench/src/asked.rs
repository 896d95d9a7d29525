//! What a page may ask of a board, as JSON, and what is refused before the board hears of it.
//!
//! The server takes it in requests, a learner's tab in a worker's messages.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use course::{Course, Lesson, Setting, SettingError, Settings};
use parts::{Draft, Mistake, Mistakes};
use serde::Deserialize;

use crate::desk::{BoardRefusal, Command};
use crate::explore::ExploreRequest;
use crate::pins::Wanted;
use crate::record::RunRequest;
use crate::session::filing::{FileFault, FileOrder, MOST_FILE_BYTES, checked_path};

/// Under which name a program of one's own runs, with a wiring of one's own: the workshop's. No lesson is called so.
pub const WORKSHOP: &str = "workshop";

/// Why something is not asked of a board at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unaskable {
    /// The course has no such lesson.
    #[error("there is no lesson `{0}`")]
    LessonUnknown(String),
    /// A control does not take this value.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The program holds a character that cannot be sent to a board.
    #[error("line {line} of the program has a character with code {code}, which cannot be sent")]
    ProgramUnsendable {
        /// The line, from 1.
        line: usize,
        /// The character's code.
        code: u32,
    },
    /// What is to be on the pins has mistakes.
    #[error(transparent)]
    Wiring(#[from] Mistakes),
    /// A lesson has its own wiring.
    #[error("a lesson has its own wiring")]
    WiringFixed,
    /// The run is too long or too short; this is the longest.
    #[error("a run takes 1 to {0} seconds")]
    SecondsOutOfRange(u32),
}

impl Unaskable {
    /// The stable code, with words in both languages.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::LessonUnknown(_) => "lesson-unknown",
            Self::Setting(error) => error.code(),
            Self::ProgramUnsendable { .. } => "program-unsendable",
            Self::Wiring(mistakes) => mistakes.0.first().map_or("E-WIRE-TYPE", Mistake::code),
            Self::WiringFixed => "wiring-fixed",
            Self::SecondsOutOfRange(_) => "seconds-out-of-range",
        }
    }

    /// What fills the places in its words; a setting's error has words of its own.
    #[must_use]
    pub fn places(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::LessonUnknown(slug) => vec![("lesson", slug.clone())],
            Self::Setting(_) | Self::Wiring(_) | Self::WiringFixed => Vec::new(),
            Self::ProgramUnsendable { line, code } => {
                vec![("line", line.to_string()), ("character", format!("U+{code:04X}"))]
            }
            Self::SecondsOutOfRange(most) => vec![("most", most.to_string())],
        }
    }
}

/// The lesson of this slug.
///
/// # Errors
/// [`Unaskable::LessonUnknown`].
pub fn lesson<'c>(course: &'c Course, slug: &str) -> Result<&'c Lesson, Unaskable> {
    course.lesson(slug).ok_or_else(|| Unaskable::LessonUnknown(slug.chars().take(64).collect()))
}

/// Refuses characters that would steer the prompt in the place of being program text.
///
/// # Errors
/// [`Unaskable::ProgramUnsendable`].
pub fn check_program(program: &str) -> Result<(), Unaskable> {
    let steering = |c: char| c.is_ascii_control() && !matches!(c, '\n' | '\r' | '\t');
    let found = program.lines().enumerate().find_map(|(at, line)| Some((at + 1, line.chars().find(|c| steering(*c))?)));
    match found {
        Some((line, c)) => Err(Unaskable::ProgramUnsendable { line, code: c.into() }),
        None => Ok(()),
    }
}

/// A run.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedRun {
    lesson: String,
    /// The learner's text; the lesson's program without it.
    #[serde(default)]
    program: Option<String>,
    #[serde(default)]
    settings: Settings,
    #[serde(default)]
    seconds: Option<u32>,
    #[serde(default)]
    seed: Option<u64>,
    /// What is on the pins, in the workshop.
    #[serde(default)]
    wiring: Option<Draft>,
}

impl AskedRun {
    /// A run of a lesson with this program or its own, for so many seconds, and for the rest as it is by default.
    #[must_use]
    pub fn of(lesson: &str, program: Option<String>, seconds: u32) -> Self {
        let (lesson, seconds) = (lesson.to_owned(), Some(seconds));
        Self { lesson, program, settings: Settings::default(), seconds, seed: None, wiring: None }
    }

    /// The run as a board takes it, with all settings of the lesson. `most_seconds` is the longest run.
    ///
    /// # Errors
    /// [`Unaskable`].
    pub fn request(self, course: &Course, most_seconds: u32) -> Result<RunRequest, Unaskable> {
        if self.lesson == WORKSHOP {
            return self.workshop(most_seconds);
        }
        if self.wiring.is_some() {
            return Err(Unaskable::WiringFixed);
        }
        let lesson = lesson(course, &self.lesson)?;
        let own_program = self.program.is_some();
        let program = self.program.unwrap_or_else(|| lesson.program.clone());
        check_program(&program)?;
        let seconds = self.seconds.unwrap_or(lesson.run.seconds);
        if !(1..=most_seconds).contains(&seconds) {
            return Err(Unaskable::SecondsOutOfRange(most_seconds));
        }
        let settings = lesson.settings(&self.settings)?;
        let seed = self.seed.unwrap_or(1);
        let driver = lesson.exercise.driver.clone().filter(|_| own_program);
        let (lesson, wiring) = (lesson.slug.clone(), lesson.wiring.clone());
        Ok(RunRequest { lesson, program, own_program, driver, settings, seconds, seed, wiring })
    }

    /// A run of the workshop: no lesson, no controls.
    fn workshop(self, most_seconds: u32) -> Result<RunRequest, Unaskable> {
        let program = self.program.unwrap_or_default();
        check_program(&program)?;
        let seconds = self.seconds.unwrap_or(most_seconds);
        if !(1..=most_seconds).contains(&seconds) {
            return Err(Unaskable::SecondsOutOfRange(most_seconds));
        }
        let wiring = self.wiring.map(|draft| draft.check()).transpose()?.unwrap_or_default();
        Ok(RunRequest {
            lesson: WORKSHOP.to_owned(),
            program,
            own_program: true,
            driver: None,
            settings: Settings::new(),
            seconds,
            seed: self.seed.unwrap_or(1),
            wiring: Arc::new(wiring),
        })
    }
}

/// Whether a run needs hard interrupts.
#[must_use]
pub fn needs_hard(course: &Course, request: &RunRequest) -> bool {
    course.lesson(&request.lesson).is_some_and(Lesson::needs_hard)
        || request.settings.get("kind") == Some(&Setting::Text("hard".to_owned()))
}

/// Stop time or let it go on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedPause {
    /// Whether it stands still.
    pub paused: bool,
}

/// Another speed of time.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedSpeed {
    /// The factor; unchecked.
    pub speed: f64,
}

/// Another value of a control while the program runs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedSet {
    lesson: String,
    name: String,
    value: Setting,
}

impl AskedSet {
    /// The control's name and value, if the lesson has both.
    ///
    /// # Errors
    /// [`Unaskable`].
    pub fn checked(self, course: &Course) -> Result<(String, Setting), Unaskable> {
        lesson(course, &self.lesson)?.settings(&Settings::from([(self.name.clone(), self.value.clone())]))?;
        Ok((self.name, self.value))
    }
}

/// A control of a part, moved.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedPart {
    /// The part's name in the wiring.
    pub part: String,
    /// The control's name in the catalogue of parts.
    pub control: String,
    /// Its new value; an event's amount.
    pub value: i64,
}

/// The files of the board.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum AskedFile {
    /// What is there.
    List {},
    /// What a file holds.
    Read {
        /// Its path.
        path: String,
    },
    /// A file gets this.
    Write {
        /// Its path.
        path: String,
        /// What it is to hold, in base 64.
        base64: String,
    },
    /// A file is deleted.
    Remove {
        /// Its path.
        path: String,
    },
}

impl AskedFile {
    /// What the board is to do.
    ///
    /// # Errors
    /// [`BoardRefusal::File`]: a path that no file can have, or more than a board is given.
    pub fn command(self) -> Result<Command, BoardRefusal> {
        let path = |path: &str| checked_path(path).map_err(BoardRefusal::File);
        Ok(Command::File(match self {
            Self::List {} => FileOrder::List,
            Self::Read { path: named } => FileOrder::Read(path(&named)?),
            Self::Remove { path: named } => FileOrder::Remove(path(&named)?),
            Self::Write { path: named, base64 } => {
                let bytes = BASE64.decode(base64).map_err(|_| BoardRefusal::File(FileFault::TooLarge))?;
                if bytes.len() > MOST_FILE_BYTES {
                    return Err(BoardRefusal::File(FileFault::TooLarge));
                }
                FileOrder::Write(path(&named)?, bytes)
            }
        }))
    }
}

/// The pins over time.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "want", rename_all = "snake_case", deny_unknown_fields)]
pub enum AskedPins {
    /// What has come since the last answer.
    News {
        /// The record of that answer.
        #[serde(default)]
        record: u64,
        /// Its `next_change`.
        #[serde(default)]
        changes: u64,
        /// Its `next_step`.
        #[serde(default)]
        steps: u64,
    },
    /// A value change dump.
    Vcd {},
    /// A trace for Perfetto.
    Perfetto {},
    /// Nothing any more.
    Nothing {},
}

impl From<AskedPins> for Command {
    fn from(asked: AskedPins) -> Self {
        match asked {
            AskedPins::News { record, changes, steps } => Self::Pins(Wanted::News { record, changes, steps }),
            AskedPins::Vcd {} => Self::Pins(Wanted::Vcd),
            AskedPins::Perfetto {} => Self::Pins(Wanted::Perfetto),
            AskedPins::Nothing {} => Self::ForgetPins,
        }
    }
}

/// What a person typed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedConsole {
    /// The text; control characters mean what they mean at the board's prompt.
    pub text: String,
    /// The lesson on whose page it was typed.
    #[serde(default)]
    pub lesson: Option<String>,
}

impl AskedConsole {
    /// The text and its lesson; text of a lesson that there is not belongs to none.
    #[must_use]
    pub fn known(self, course: &Course) -> (String, Option<String>) {
        let lesson = self.lesson.filter(|slug| course.lesson(slug).is_some());
        (self.text, lesson)
    }
}

/// A program to be checked against the exercise of a lesson.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedCheck {
    program: String,
}

impl AskedCheck {
    /// The program, if it can be sent to a board.
    ///
    /// # Errors
    /// [`Unaskable::ProgramUnsendable`].
    pub fn program(self) -> Result<String, Unaskable> {
        check_program(&self.program)?;
        Ok(self.program)
    }
}

/// What is to be explored.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedExploration {
    /// The learner's text; without it the lesson's program, or the exercise's starter.
    #[serde(default)]
    program: Option<String>,
    /// Whether the program is for the exercise.
    #[serde(default)]
    exercise: bool,
    #[serde(default)]
    settings: Settings,
    #[serde(default)]
    seed: Option<u64>,
    /// Whether two interrupts in the statement are tried as well.
    #[serde(default)]
    pub pairs: bool,
}

impl AskedExploration {
    /// What the explorer is to open, with all settings of the lesson.
    ///
    /// # Errors
    /// [`Unaskable`].
    pub fn request(self, lesson: &Lesson) -> Result<ExploreRequest, Unaskable> {
        let own = if self.exercise { &lesson.starter } else { &lesson.program };
        let program = self.program.unwrap_or_else(|| own.clone());
        check_program(&program)?;
        let settings = lesson.settings(&self.settings)?;
        Ok(ExploreRequest { program, exercise: self.exercise, settings, seed: self.seed.unwrap_or(1) })
    }
}

/// Which arrival is to be shown.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedArrival {
    // `flatten` would lift the refusal of unknown keys.
    #[serde(default)]
    program: Option<String>,
    #[serde(default)]
    exercise: bool,
    #[serde(default)]
    settings: Settings,
    #[serde(default)]
    seed: Option<u64>,
    /// Its number in the window.
    pub at: u32,
    /// That of a second one, in the same run.
    #[serde(default)]
    pub second: Option<u32>,
}

impl AskedArrival {
    /// The window that it is in, as [`AskedExploration::request`].
    ///
    /// # Errors
    /// [`Unaskable`].
    pub fn request(self, lesson: &Lesson) -> Result<ExploreRequest, Unaskable> {
        let Self { program, exercise, settings, seed, .. } = self;
        AskedExploration { program, exercise, settings, seed, pairs: false }.request(lesson)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_steer_the_prompt_are_refused_with_their_place() {
        assert_eq!(check_program("a = 1\n\tb = '日本'\r\n"), Ok(()));
        assert_eq!(check_program("a\nb\x04"), Err(Unaskable::ProgramUnsendable { line: 2, code: 4 }));
        assert_eq!(check_program("\u{1e}"), Err(Unaskable::ProgramUnsendable { line: 1, code: 30 }));
    }

    #[test]
    fn a_run_gets_the_lessons_program_and_settings_and_is_refused_with_the_reason() {
        let course = crate::test_course();
        let ask = |json: &str| serde_json::from_str::<AskedRun>(json).unwrap().request(&course, 60);
        let run = ask(r#"{"lesson":"lost-update","settings":{"kind":"soft"},"seconds":2,"seed":9}"#).unwrap();
        assert_eq!((run.seconds, run.seed, run.own_program), (2, 9, false));
        assert_eq!(run.program, course.lesson("lost-update").unwrap().program);
        assert_eq!(run.settings.get("kind"), Some(&Setting::Text("soft".to_owned())));
        assert!(run.settings.len() > 1, "{:?}", run.settings);
        for (json, code) in [
            (r#"{"lesson":"nowhere"}"#, "lesson-unknown"),
            (r#"{"lesson":"lost-update","wiring":{}}"#, "wiring-fixed"),
            (
                r#"{"lesson":"workshop","wiring":{"parts":[{"kind":"led","name":"l","pins":{"anode":12}}]}}"#,
                "E-WIRE-RESERVED",
            ),
            (r#"{"lesson":"lost-update","seconds":61}"#, "seconds-out-of-range"),
            (r#"{"lesson":"lost-update","program":"\u0003"}"#, "program-unsendable"),
        ] {
            assert_eq!(ask(json).unwrap_err().code(), code, "{json}");
        }
        assert!(matches!(ask(r#"{"lesson":"lost-update","settings":{"kind":"warm"}}"#), Err(Unaskable::Setting(_))));
    }
}

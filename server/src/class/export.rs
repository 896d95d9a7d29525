//! What comes out of a class: a table for a grade book, and everything as JSON for another computer.

use std::collections::BTreeMap;

use course::{Course, Language, catalogue};
use serde::{Deserialize, Serialize};

use super::model::{Class, Seat, class_title};
use super::nickname::Nickname;
use super::progress::Progress;
use crate::pages::visitor_work::{STEPS, step_key};
use crate::store::Work;

/// The version of the JSON form.
const FORMAT: u32 = 1;

/// The longest name of a lesson that is read, in bytes.
const MOST_SLUG: usize = 100;

/// A class with everything in it, as it goes to another computer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Everything {
    /// The version of this form.
    pub isrlab_class: u32,
    /// The version of the workbench that wrote it.
    pub workbench: String,
    /// The class.
    pub class: Class,
    /// The learners.
    pub learners: Vec<Learner>,
}

/// A learner with everything.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Learner {
    /// The seat.
    pub seat: Seat,
    /// How far they are, by lesson.
    pub progress: BTreeMap<String, Progress>,
    /// Programs, answers and outcomes, by lesson.
    pub work: BTreeMap<String, Work>,
    /// Programs that their browser reported as passed and that no server has run yet, by lesson.
    #[serde(default)]
    pub waiting: BTreeMap<String, String>,
}

/// Why a file is no class.
#[derive(Debug, thiserror::Error)]
pub enum NotAClass {
    /// It cannot be read.
    #[error("this is no exported class: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// It was written by a newer workbench.
    #[error("this class has form {0}, this workbench knows {FORMAT}; use a newer workbench")]
    Newer(u32),
    /// Its title is none.
    #[error("the class has no title")]
    Title,
    /// A learner has a name that nobody could have typed.
    #[error("a learner's nickname is none")]
    Name,
}

impl Everything {
    /// A class with its learners' work.
    #[must_use]
    pub fn new(class: Class, learners: Vec<Learner>) -> Self {
        let workbench = env!("CARGO_PKG_VERSION").to_owned();
        Self { isrlab_class: FORMAT, workbench, class, learners }
    }

    /// Out of a file, which anybody may have written: names are read as if they were typed, and what no
    /// lesson can be called is left out. A question that was open stays
    /// behind, because answers are known by seats, and seats get other numbers.
    ///
    /// # Errors
    /// [`NotAClass`]
    pub fn read(text: &str) -> Result<Self, NotAClass> {
        let version: Version = serde_json::from_str(text)?;
        if version.isrlab_class > FORMAT {
            return Err(NotAClass::Newer(version.isrlab_class));
        }
        let mut read: Self = serde_json::from_str(text)?;
        read.class.title = class_title(&read.class.title).ok_or(NotAClass::Title)?;
        (read.class.told.question, read.class.told.eyes) = (None, false);
        for Learner { seat, progress, work, waiting } in &mut read.learners {
            let Nickname { shown, folded } = Nickname::read(&seat.name).map_err(|_| NotAClass::Name)?;
            (seat.name, seat.folded) = (shown, folded);
            progress.retain(|lesson, _| is_slug(lesson));
            work.retain(|lesson, _| is_slug(lesson));
            waiting.retain(|lesson, _| is_slug(lesson));
        }
        Ok(read)
    }
}

/// Whether a lesson can be called so. What is kept of others is nothing that this workbench wrote.
fn is_slug(lesson: &str) -> bool {
    lesson.len() <= MOST_SLUG && lesson.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[derive(Deserialize)]
struct Version {
    isrlab_class: u32,
}

/// The table: a row for each learner and lesson. UTF-8 with a mark at its beginning, by which spreadsheets know it.
#[must_use]
pub fn table(class: &Class, course: &Course, language: Language) -> Vec<u8> {
    // Every text is quoted: where a spreadsheet takes semicolons for columns, what follows one in a nickname would begin a cell.
    let mut out = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .quote_style(csv::QuoteStyle::NonNumeric)
        .from_writer(b"\xEF\xBB\xBF".to_vec());
    let word = |key: &'static str| catalogue::text(language, key).to_owned();
    let steps = STEPS.iter().map(|step| catalogue::text(language, step_key(step)).to_owned());
    let head = [word("class.nickname"), word("class.lesson")].into_iter().chain(steps).chain([
        word("class.first_right"),
        word("class.first_of"),
        word("class.checks"),
        word("class.passed"),
        word("class.verified"),
        word("class.after_solutions"),
    ]);
    // A table in memory takes everything.
    _ = out.write_record(head);
    let nothing = Progress::default();
    for seat in class.seats.values() {
        for slug in &class.lessons {
            let title = course
                .lesson(slug)
                .map_or_else(|| slug.clone(), |lesson| format!("{} {}", lesson.id, lesson.title.plain(language)));
            _ = out.write_record(row(seat, title, seat.work.get(slug).unwrap_or(&nothing), language));
        }
    }
    out.into_inner().unwrap_or_default()
}

fn row(seat: &Seat, lesson: String, work: &Progress, language: Language) -> Vec<String> {
    let time = |at: Option<&i64>| at.map(|at| iso(*at)).unwrap_or_default();
    let yes = |yes: bool| catalogue::text(language, if yes { "class.yes" } else { "class.no" }).to_owned();
    let right = work.first.values().filter(|first| first.right).count();
    let mut cells = vec![inert(&seat.name), inert(&lesson)];
    cells.extend(STEPS.iter().map(|step| time(work.steps.get(*step))));
    let passed = work.passed.is_some();
    cells.extend([
        right.to_string(),
        work.first.len().to_string(),
        work.checks.to_string(),
        yes(passed),
        yes(work.verified.is_some()),
        if passed { yes(work.after_solutions) } else { String::new() },
    ]);
    cells
}

/// A cell that a spreadsheet does not take for a formula, whatever stands in it.
fn inert(text: &str) -> String {
    let begins = text.trim_start_matches([' ', '\u{a0}']);
    if begins.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// A time as ISO 8601 in UTC, to the second.
fn iso(at: i64) -> String {
    let (days, seconds) = (at.div_euclid(86_400), at.rem_euclid(86_400));
    // The civil date of a day number, counted in years that begin in March.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_written_as_dates() {
        for (at, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_796_083_200, "2026-12-01T00:00:00Z"),
        ] {
            assert_eq!(iso(at), text);
        }
    }

    proptest! {
        #[test]
        fn no_cell_is_a_formula(text in "[ =+@\\-\\tａ＝a-c0-9]{0,12}") {
            let cell = inert(&text);
            let first = cell.trim_start().chars().next();
            prop_assert!(!matches!(first, Some('=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠')), "{cell:?}");
            prop_assert!(!cell.starts_with('\t'));
            prop_assert!(cell.ends_with(&text), "nothing is lost");
        }
    }
}

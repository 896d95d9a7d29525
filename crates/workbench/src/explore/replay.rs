//! The word that plays one arrival again: firmware, lesson, program, seed, settings and arrival.
//!
//! `isr1:FIRMWARE:LESSON:PROGRAM:SEED:SETTINGS:AT[+SECOND]`. The program is `lesson`, or `own` (a changed copy
//! of it) or `fix` (for the exercise), a dot, and either the program itself, compressed, or, where that
//! is too long, `#` and its hash: then its file is needed beside the word.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::Serialize;

use super::{Exploration, ExploreRequest};
use crate::firmware::{LessonFirmware, short_hash};
use course::{Course, Lesson, Settings};

/// A compressed program that is longer stays out of the word.
const MOST_PROGRAM_CHARS: usize = 2048;
/// A program that is longer is none of ours.
const MOST_PROGRAM_BYTES: u64 = 64 * 1024;

/// One run that anyone can play again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Replay {
    /// Before which instruction of the window the interrupt arrives.
    pub at: u32,
    /// Before which instruction a second one arrives, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second: Option<u32>,
    /// All that decides the run, in one word: `isrlab explore LESSON --replay WORD`.
    pub word: String,
}

/// Why a word cannot be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// It is no replay word.
    #[error("this is no replay word; copy it whole, from `isr1:` to its last number")]
    Malformed,
    /// It was made with another firmware.
    #[error("the word was made with firmware {word}, and this program carries {here}; use the same version")]
    OtherFirmware {
        /// Hash in the word.
        word: String,
        /// Hash of the firmware here.
        here: String,
    },
    /// This course has no such lesson.
    #[error("there is no lesson `{0}`")]
    Lesson(String),
    /// A setting is not the lesson's.
    #[error("a setting of the word does not fit the lesson: {0}")]
    Setting(String),
    /// The program is too long for the word and was not given.
    #[error("the program is too long to be in the word; give its file with --program")]
    ProgramNeeded,
    /// The program given is another one.
    #[error("the word belongs to another program (hash {word}, not {here})")]
    OtherProgram {
        /// Hash in the word.
        word: String,
        /// Hash of the program given.
        here: String,
    },
}

/// What a word says.
#[derive(Clone, Debug)]
pub struct Recipe<'c> {
    /// The lesson.
    pub lesson: &'c Lesson,
    /// What is explored.
    pub request: ExploreRequest,
    /// The arrival.
    pub at: u32,
    /// A second one.
    pub second: Option<u32>,
}

impl Exploration {
    /// The word that plays arrivals again.
    #[must_use]
    pub fn replay(&self, at: u32, second: Option<u32>) -> Replay {
        let settings: Vec<_> = self.request.settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let program = match self.program_name() {
            "lesson" => "lesson".to_owned(),
            "own" => format!("own.{}", packed(&self.request.program)),
            _ => format!("fix.{}", packed(&self.request.program)),
        };
        let also = second.map(|second| format!("+{second}")).unwrap_or_default();
        let word = format!(
            "isr1:{}:{}:{program}:{}:{}:{at}{also}",
            self.build,
            self.lesson.slug,
            self.request.seed,
            settings.join(",")
        );
        Replay { at, second, word }
    }
}

/// Reads a word. `given` is a program that was handed over beside it.
///
/// # Errors
/// [`ReplayError`].
pub fn recipe<'c>(
    course: &'c Course,
    firmware: &LessonFirmware,
    word: &str,
    given: Option<&str>,
) -> Result<Recipe<'c>, ReplayError> {
    let parts: Vec<&str> = word.trim().split(':').collect();
    let ["isr1", build, slug, program, seed, settings, arrivals] = parts[..] else {
        return Err(ReplayError::Malformed);
    };
    let here = firmware.hash();
    if build != here {
        return Err(ReplayError::OtherFirmware { word: build.to_owned(), here });
    }
    let lesson = course.lesson(slug).ok_or_else(|| ReplayError::Lesson(slug.to_owned()))?;
    let seed = seed.parse().map_err(|_| ReplayError::Malformed)?;
    let mut set = Settings::new();
    for assignment in settings.split(',').filter(|assignment| !assignment.is_empty()) {
        let (name, value) = assignment.split_once('=').ok_or(ReplayError::Malformed)?;
        let value = lesson.read_setting(name, value).map_err(|error| ReplayError::Setting(error.to_string()))?;
        set.insert(name.to_owned(), value);
    }
    let settings = lesson.settings(&set).map_err(|error| ReplayError::Setting(error.to_string()))?;
    let (at, second) = match arrivals.split_once('+') {
        None => (arrivals, None),
        Some((at, second)) => (at, Some(second.parse().map_err(|_| ReplayError::Malformed)?)),
    };
    let at = at.parse().map_err(|_| ReplayError::Malformed)?;
    let (exercise, program) = match program.split_once('.') {
        None if program == "lesson" => (false, lesson.program.clone()),
        Some(("own", packed)) => (false, unpacked(packed, given)?),
        Some(("fix", packed)) => (true, unpacked(packed, given)?),
        _ => return Err(ReplayError::Malformed),
    };
    Ok(Recipe { lesson, request: ExploreRequest { program, exercise, settings, seed }, at, second })
}

/// A program as it stands in a word.
fn packed(program: &str) -> String {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    // Writing to a vector does not fail; if it did, the hash would do.
    let packed = encoder.write_all(program.as_bytes()).and_then(|()| encoder.finish());
    match packed.map(|bytes| URL_SAFE_NO_PAD.encode(bytes)) {
        Ok(text) if text.len() <= MOST_PROGRAM_CHARS => text,
        _ => format!("#{}", short_hash(program.as_bytes())),
    }
}

fn unpacked(packed: &str, given: Option<&str>) -> Result<String, ReplayError> {
    if let Some(hash) = packed.strip_prefix('#') {
        let given = given.ok_or(ReplayError::ProgramNeeded)?;
        let here = short_hash(given.as_bytes());
        if here != hash {
            return Err(ReplayError::OtherProgram { word: hash.to_owned(), here });
        }
        return Ok(given.to_owned());
    }
    let bytes = URL_SAFE_NO_PAD.decode(packed).map_err(|_| ReplayError::Malformed)?;
    let mut program = String::new();
    let read = DeflateDecoder::new(&bytes[..]).take(MOST_PROGRAM_BYTES).read_to_string(&mut program);
    read.map(|_| program).map_err(|_| ReplayError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_survives_the_word_or_leaves_its_hash() {
        let program = "import lab\ncount = 0  # 日本語\n".repeat(20);
        assert_eq!(unpacked(&packed(&program), None), Ok(program));
        // Digests do not compress.
        let long: String = (0..200u32).map(|n| short_hash(&n.to_le_bytes()) + &short_hash(&[n as u8, 1])).collect();
        let word = packed(&long);
        assert!(word.starts_with('#'), "{} characters", word.len());
        assert_eq!(unpacked(&word, None), Err(ReplayError::ProgramNeeded));
        assert_eq!(unpacked(&word, Some(&long)), Ok(long.clone()));
        assert!(matches!(unpacked(&word, Some("other")), Err(ReplayError::OtherProgram { .. })));
    }

    #[test]
    fn words_that_are_none_are_refused() {
        let course = crate::test_course();
        let build = LessonFirmware::new(&b"flash"[..], &b"elf"[..]);
        let firmware = build.hash();
        let read = |word: &str| recipe(&course, &build, word, None).map(|recipe| recipe.at);
        assert_eq!(read(&format!("isr1:{firmware}:lost-update:lesson:1:kind=hard:7")), Ok(7));
        for word in ["", "isr1:", "isr1:a:b", &format!("isr1:{firmware}:lost-update:fix.!!:1::7")] {
            assert_eq!(read(word), Err(ReplayError::Malformed), "{word}");
        }
        for arrivals in ["x", "7+", "+7", "-1", "99999999999"] {
            let word = format!("isr1:{firmware}:lost-update:lesson:1::{arrivals}");
            assert_eq!(read(&word), Err(ReplayError::Malformed), "{word}");
        }
        assert!(matches!(read("isr1:00000000:lost-update:lesson:1::7"), Err(ReplayError::OtherFirmware { .. })));
        assert!(matches!(read(&format!("isr1:{firmware}:none:lesson:1::7")), Err(ReplayError::Lesson(_))));
        let unknown = format!("isr1:{firmware}:lost-update:lesson:1:colour=red:7");
        assert!(matches!(read(&unknown), Err(ReplayError::Setting(_))));
        // A word that unpacks to more than any program is cut, not unpacked without end.
        let bomb = packed(&"a".repeat(1_000_000));
        assert!(unpacked(&bomb, None).unwrap().len() as u64 <= MOST_PROGRAM_BYTES);
    }
}

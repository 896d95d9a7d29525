//! The word that plays one arrival again: firmware, model of time, lesson, program, seed, settings and arrival.
//!
//! `isr2:FIRMWARE:TIMING:LESSON:PROGRAM:SEED:SETTINGS:AT[+SECOND]`. The program is `lesson`, or `own` (a changed copy
//! of it) or `fix` (for the exercise), a dot, and either the program itself, compressed, or, where that
//! is too long, `#` and its hash: then its file is needed beside the word. Words that begin with `isr1:` are of the
//! time when boards kept unit time, and name no model.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use emulator::Timing;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::Serialize;

use super::{Exploration, ExploreRequest};
use crate::firmware::short_hash;
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

/// A word of another firmware: everything that is in it, so that it can be run as a new run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the word was made with firmware {word}, and this program carries {here}; only the same version plays the same run. \
     The word is of lesson `{lesson}`, seed {seed}, settings {settings}, program:\n{program}"
)]
pub struct OtherFirmware {
    /// Hash in the word.
    pub word: String,
    /// Hash of the firmware here.
    pub here: String,
    /// The lesson's slug.
    pub lesson: String,
    /// The seed.
    pub seed: String,
    /// The settings.
    pub settings: String,
    /// The program, as far as it is in the word.
    pub program: String,
}

/// Why a word cannot be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// It is no replay word.
    #[error("this is no replay word; copy it whole, from `isr2:` to its last number")]
    Malformed,
    /// It was made with another firmware, so nothing here is the run that it names.
    #[error(transparent)]
    OtherFirmware(Box<OtherFirmware>),
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
    /// The model of time that the board has to keep.
    pub timing: Timing,
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
            "isr2:{}:{}:{}:{program}:{}:{}:{at}{also}",
            self.version.firmware,
            self.version.timing,
            self.lesson.slug,
            self.request.seed,
            settings.join(",")
        );
        Replay { at, second, word }
    }
}

/// Reads a word. `here` is the firmware's build, `given` a program that was handed over beside the word.
///
/// # Errors
/// [`ReplayError`].
pub fn recipe<'c>(course: &'c Course, here: &str, word: &str, given: Option<&str>) -> Result<Recipe<'c>, ReplayError> {
    let parts: Vec<&str> = word.trim().split(':').collect();
    let (build, timing, rest): (&str, Timing, [&str; 5]) = match parts[..] {
        ["isr1", build, ref rest @ ..] => (build, Timing::Unit, rest.try_into().map_err(|_| ReplayError::Malformed)?),
        ["isr2", build, timing, ref rest @ ..] => {
            let timing = timing.parse().map_err(|_| ReplayError::Malformed)?;
            (build, timing, rest.try_into().map_err(|_| ReplayError::Malformed)?)
        }
        _ => return Err(ReplayError::Malformed),
    };
    let [slug, program, seed, settings, arrivals] = rest;
    if build != here {
        let [word, here, lesson, seed, settings] = [build, here, slug, seed, settings].map(str::to_owned);
        let other = OtherFirmware { word, here, lesson, seed, settings, program: as_told(program) };
        return Err(ReplayError::OtherFirmware(Box::new(other)));
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
    Ok(Recipe { timing, lesson, request: ExploreRequest { program, exercise, settings, seed }, at, second })
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

/// The program of a word that cannot be played, for a person to read.
fn as_told(program: &str) -> String {
    let Some((_, packed)) = program.split_once('.') else { return program.to_owned() };
    unpacked(packed, None).unwrap_or_else(|_| packed.to_owned())
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
        let firmware = "0123abcd";
        let word = |rest: &str| format!("isr2:{firmware}:silicon:{rest}");
        let read = |word: &str| recipe(&course, firmware, word, None).map(|recipe| (recipe.timing, recipe.at));
        assert_eq!(read(&word("lost-update:lesson:1:kind=hard:7")), Ok((Timing::Silicon, 7)));
        assert_eq!(read(&format!("isr2:{firmware}:unit:lost-update:lesson:1::7")), Ok((Timing::Unit, 7)));
        // Boards kept unit time when words named no model.
        assert_eq!(read(&format!("isr1:{firmware}:lost-update:lesson:1::7")), Ok((Timing::Unit, 7)));
        let nonsense =
            ["", "isr1:", "isr2:a:b", "isr2:a:silicon", &word("lost-update:fix.!!:1::7"), "isr3:a:unit:b:c:1::7"];
        for word in nonsense {
            assert_eq!(read(word), Err(ReplayError::Malformed), "{word}");
        }
        assert_eq!(read(&format!("isr2:{firmware}:sundial:lost-update:lesson:1::7")), Err(ReplayError::Malformed));
        for arrivals in ["x", "7+", "+7", "-1", "99999999999"] {
            let word = word(&format!("lost-update:lesson:1::{arrivals}"));
            assert_eq!(read(&word), Err(ReplayError::Malformed), "{word}");
        }
        assert!(matches!(read(&word("none:lesson:1::7")), Err(ReplayError::Lesson(_))));
        let unknown = word("lost-update:lesson:1:colour=red:7");
        assert!(matches!(read(&unknown), Err(ReplayError::Setting(_))));
        // Another version's word is not played, and says what it was.
        let fix = packed("count = 0\n");
        let other = read(&format!("isr2:00000000:silicon:lost-update:fix.{fix}:1:kind=hard:7")).unwrap_err();
        assert!(matches!(other, ReplayError::OtherFirmware(_)));
        for told in ["00000000", firmware, "lost-update", "kind=hard", "count = 0\n"] {
            assert!(other.to_string().contains(told), "{told}: {other}");
        }
        // A word that unpacks to more than any program is cut, not unpacked without end.
        let bomb = packed(&"a".repeat(1_000_000));
        assert!(unpacked(&bomb, None).unwrap().len() as u64 <= MOST_PROGRAM_BYTES);
    }
}

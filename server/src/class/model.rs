//! A class and the learners in it.

use std::collections::{BTreeMap, BTreeSet};

use course::{Language, Settings};
use serde::{Deserialize, Serialize};

use super::nickname::Nickname;
use super::pin::Pin;
use super::progress::Progress;
use super::words::{SALT_BYTES, WORDS_HASH_BYTES};
use crate::store::{Elsewhere, VisitorId};

/// A class, by its number in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClassId(pub i64);

/// A learner's place in a class, by its number in the store. Work belongs to it, not to a browser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SeatId(pub i64);

/// Who a browser is in a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The class.
    pub class: ClassId,
    /// The seat.
    pub seat: SeatId,
    /// Whose work it is.
    pub visitor: VisitorId,
    /// Whether the class has ended: then it can only be read.
    pub ended: bool,
    /// How often the seat had been handed over.
    pub epoch: u32,
}

/// Something the host said, with a number by which a page knows whether it has seen it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Counts up within the class.
    pub n: u64,
    /// The words.
    pub text: String,
}

/// Settings that the host put on every bench.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Push {
    /// Counts up within the class.
    pub n: u64,
    /// The lesson's slug.
    pub lesson: String,
    /// Where the controls go.
    pub settings: Settings,
    /// The seed, where it is to change.
    pub seed: Option<u32>,
    /// Whether everybody gets a seed of their own.
    #[serde(default)]
    pub each: bool,
}

/// How far a question to the class is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Everybody answers alone.
    Before,
    /// They have talked, and answer again.
    After,
    /// The board has decided.
    Answered,
}

/// A prediction that the whole class is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// Counts up within the class.
    pub n: u64,
    /// The lesson's slug.
    pub lesson: String,
    /// The prediction in it.
    pub prediction: String,
    /// How far it is.
    pub phase: Phase,
    /// Answers before talking.
    pub before: BTreeMap<SeatId, String>,
    /// Answers after it.
    pub after: BTreeMap<SeatId, String>,
    /// The answer that the board gave, with the numbers it showed.
    pub decided: Option<Decided>,
}

/// What the board said to a question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    /// The key of the answer.
    pub right: String,
    /// The values that the question is about.
    pub values: BTreeMap<String, serde_json::Value>,
}

/// How many chose which answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// By the key of the answer, before talking.
    pub before: BTreeMap<String, usize>,
    /// And after it.
    pub after: BTreeMap<String, usize>,
    /// How many answered at all, in each phase and in both.
    pub answered: [usize; 3],
}

impl Question {
    /// An answer, while the question is open. One may think again until the phase ends.
    pub fn answer(&mut self, seat: SeatId, key: String) -> bool {
        match self.phase {
            Phase::Before => self.before.insert(seat, key),
            Phase::After => self.after.insert(seat, key),
            Phase::Answered => return false,
        };
        true
    }

    /// Whoever is removed has said nothing. Returns whether they had.
    pub fn forget(&mut self, seat: SeatId) -> bool {
        let (before, after) = (self.before.remove(&seat), self.after.remove(&seat));
        before.is_some() || after.is_some()
    }

    /// What a seat said in this phase.
    #[must_use]
    pub fn said(&self, seat: SeatId) -> Option<&str> {
        let answers = if self.phase == Phase::Before { &self.before } else { &self.after };
        answers
            .get(&seat)
            .or_else(|| self.before.get(&seat).filter(|_| self.phase == Phase::Answered))
            .map(String::as_str)
    }

    /// The counts, without names, of those whom `is_here` knows.
    #[must_use]
    pub fn tally(&self, is_here: impl Fn(SeatId) -> bool) -> Tally {
        let here = |answers: &BTreeMap<SeatId, String>| answers.keys().filter(|seat| is_here(**seat)).count();
        let count = |answers: &BTreeMap<SeatId, String>| {
            let mut counts = BTreeMap::new();
            for (_, key) in answers.iter().filter(|(seat, _)| is_here(**seat)) {
                *counts.entry(key.clone()).or_insert(0) += 1;
            }
            counts
        };
        let both = self.before.keys().filter(|seat| is_here(**seat) && self.after.contains_key(seat)).count();
        Tally {
            before: count(&self.before),
            after: count(&self.after),
            answered: [here(&self.before), here(&self.after), both],
        }
    }
}

/// What the host told all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Told {
    /// The number given last.
    pub last: u64,
    /// The lesson to go to; the words are its slug.
    pub goto: Option<Note>,
    /// Settings for the benches.
    pub push: Option<Push>,
    /// Whether everybody is to look up.
    pub eyes: bool,
    /// A message.
    pub message: Option<Note>,
    /// A question.
    pub question: Option<Question>,
}

impl Told {
    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }
}

/// A learner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seat {
    /// Their number; the store's.
    #[serde(skip)]
    pub id: SeatId,
    /// Whose work it is; the store's.
    #[serde(skip, default = "nobody")]
    pub visitor: VisitorId,
    /// The nickname.
    pub name: String,
    /// As it is compared.
    pub folded: String,
    /// The hash of the three words.
    pub words: [u8; WORDS_HASH_BYTES],
    /// Counts up when the seat is handed over: earlier cookies are void.
    pub epoch: u32,
    /// Since when a hand is up.
    pub hand: Option<i64>,
    /// The host's note.
    pub note: Option<Note>,
    /// When they came in first.
    pub joined: i64,
    /// When they were last here.
    pub seen: i64,
    /// The lesson they work at.
    pub lesson: Option<String>,
    /// How far they are, by lesson.
    #[serde(skip)]
    pub work: BTreeMap<String, Progress>,
    /// Pages that are open at the moment.
    #[serde(skip)]
    pub streams: usize,
    /// When the first of them was opened.
    #[serde(skip)]
    pub came: i64,
    /// The class's version at which something of it last changed.
    #[serde(skip)]
    pub changed: u64,
    /// Counts up with every change that is kept; the store's.
    #[serde(skip)]
    pub revision: i64,
    /// What is known of the learner at other processes of a shared database.
    #[serde(skip)]
    pub elsewhere: Elsewhere,
}

fn nobody() -> VisitorId {
    VisitorId(0)
}

impl Seat {
    /// A seat of which nothing is known.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            id: SeatId(0),
            visitor: nobody(),
            name: String::new(),
            folded: String::new(),
            words: [0; WORDS_HASH_BYTES],
            epoch: 0,
            hand: None,
            note: None,
            joined: 0,
            seen: 0,
            lesson: None,
            work: BTreeMap::new(),
            streams: 0,
            came: 0,
            changed: 0,
            revision: 0,
            elsewhere: Elsewhere::default(),
        }
    }

    /// Whether a page of theirs is open, wherever.
    #[must_use]
    pub fn is_here(&self) -> bool {
        self.streams + self.elsewhere.streams > 0
    }

    /// A seed that is this learner's own: any such number will do, and six digits are easily read out.
    #[must_use]
    pub fn own_seed(&self) -> u32 {
        (self.visitor.0.unsigned_abs() % 1_000_000) as u32
    }

    /// A new learner.
    #[must_use]
    pub fn new(name: &Nickname, visitor: VisitorId, words: [u8; WORDS_HASH_BYTES], now: i64) -> Self {
        Self {
            visitor,
            name: name.shown.clone(),
            folded: name.folded.clone(),
            words,
            joined: now,
            seen: now,
            came: now,
            ..Self::empty()
        }
    }
}

/// The most characters of a class's title.
const MOST_TITLE: usize = 80;

/// A class's title in what a host typed; `None` if nothing is left.
#[must_use]
pub fn class_title(typed: &str) -> Option<String> {
    let title: String = typed.trim().chars().filter(|c| !c.is_control()).take(MOST_TITLE).collect();
    (!title.trim().is_empty()).then_some(title)
}

/// A class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Class {
    /// Its number; the store's.
    #[serde(skip, default = "unnumbered")]
    pub id: ClassId,
    /// Its title.
    pub title: String,
    /// The host's language.
    pub language: String,
    /// The language of the pages for learners who have chosen none; without it, what their browsers prefer.
    #[serde(default)]
    pub pages: Option<String>,
    /// The slugs of its lessons, in order.
    pub lessons: Vec<String>,
    /// One seed for all; `None`: one for each.
    pub seed: Option<u32>,
    /// Whether solutions may be opened.
    pub solutions: bool,
    /// What opens it.
    pub pin: Pin,
    /// With which three words are hashed.
    pub salt: [u8; SALT_BYTES],
    /// When it was started.
    pub started: i64,
    /// When it was ended.
    pub ended: Option<i64>,
    /// When something last happened in it.
    pub touched: i64,
    /// Hashes of the links of co-teachers.
    #[serde(default)]
    pub helpers: BTreeSet<String>,
    /// What was told.
    #[serde(default)]
    pub told: Told,
    /// Counts up with every change that is kept; the store's.
    #[serde(skip)]
    pub revision: i64,
    /// The learners.
    #[serde(skip)]
    pub seats: BTreeMap<SeatId, Seat>,
}

fn unnumbered() -> ClassId {
    ClassId(0)
}

/// Learners of one class: far more than a room holds, and a bound on what is kept.
pub const MOST_SEATS: usize = 1200;

impl Class {
    /// The seat with this nickname.
    #[must_use]
    pub fn named(&self, name: &Nickname) -> Option<&Seat> {
        self.seats.values().find(|seat| seat.folded == name.folded)
    }

    /// The seat to which these hashed words lead.
    #[must_use]
    pub fn with_words(&self, words: &[u8; WORDS_HASH_BYTES]) -> Option<&Seat> {
        self.seats.values().find(|seat| seat.words == *words)
    }

    /// A nickname like `wanted` that is free: it is counted.
    #[must_use]
    pub fn free_name(&self, wanted: &Nickname) -> Nickname {
        let base: String = wanted.shown.chars().take(20).collect();
        (2..=MOST_SEATS + 2)
            .filter_map(|number| Nickname::read(&format!("{base} {number}")).ok())
            .find(|name| self.named(name).is_none())
            .unwrap_or_else(|| wanted.clone())
    }

    /// The seed of a seat's runs.
    #[must_use]
    pub fn seed_of(&self, seat: &Seat) -> u32 {
        self.seed.unwrap_or_else(|| seat.own_seed())
    }

    /// The language of the pages for learners who have chosen none, if the host has said one.
    #[must_use]
    pub fn pages(&self) -> Option<Language> {
        Language::from_tag(self.pages.as_ref()?)
    }

    /// The language in which the host gives words out.
    #[must_use]
    pub fn language(&self) -> Language {
        self.pages().or_else(|| Language::from_tag(&self.language)).unwrap_or_default()
    }
}

#[cfg(test)]
impl Class {
    /// A class to try things on, with this PIN and nobody in it.
    pub(crate) fn sample(pin: &str) -> Self {
        Self {
            id: ClassId(0),
            title: "10b".into(),
            language: "en".into(),
            pages: None,
            lessons: vec!["lost-update".into()],
            seed: None,
            solutions: false,
            pin: Pin::read(pin).unwrap(),
            salt: [0; SALT_BYTES],
            started: 0,
            ended: None,
            touched: 0,
            helpers: BTreeSet::new(),
            told: Told::default(),
            revision: 0,
            seats: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_counts_answers_before_and_after() {
        let mut question = Question {
            n: 1,
            lesson: "lost-update".into(),
            prediction: "plain".into(),
            phase: Phase::Before,
            before: BTreeMap::new(),
            after: BTreeMap::new(),
            decided: None,
        };
        for (seat, key) in [(1, "none"), (2, "some"), (3, "none"), (1, "some")] {
            assert!(question.answer(SeatId(seat), key.into()));
        }
        assert_eq!(question.tally(|_| true).before, BTreeMap::from([("none".into(), 1), ("some".into(), 2)]));
        assert_eq!(question.tally(|seat| seat == SeatId(2)).answered, [1, 0, 0], "who is gone does not count");
        question.phase = Phase::After;
        assert_eq!(question.said(SeatId(1)), None);
        question.answer(SeatId(1), "some".into());
        question.answer(SeatId(9), "some".into());
        let tally = question.tally(|_| true);
        assert_eq!((tally.after["some"], tally.answered), (2, [3, 2, 1]));
        question.phase = Phase::Answered;
        assert!(!question.answer(SeatId(2), "none".into()), "too late");
        assert_eq!((question.said(SeatId(1)), question.said(SeatId(2))), (Some("some"), Some("some")));
        assert_eq!(question.tally(|_| true), tally);
        assert!(question.forget(SeatId(1)) && !question.forget(SeatId(1)), "of whom nothing is left to take away");
        assert_eq!((question.tally(|_| true).answered, question.said(SeatId(1))), ([2, 1, 0], None));
    }

    #[test]
    fn a_taken_name_gets_another_one_offered() {
        let mut class = Class { id: ClassId(1), solutions: true, ..Class::sample("314159") };
        for (id, name) in [(1, "Otter"), (2, "otter 2")] {
            let seat = Seat::new(&Nickname::read(name).unwrap(), VisitorId(id), [id as u8; 32], 0);
            class.seats.insert(SeatId(id), Seat { id: SeatId(id), ..seat });
        }
        let taken = Nickname::read("OTTER").unwrap();
        assert!(class.named(&taken).is_some());
        assert_eq!(class.free_name(&taken).shown, "OTTER 3");
        let text = serde_json::to_string(&class).unwrap();
        assert_eq!(Class { id: ClassId(1), seats: class.seats.clone(), ..serde_json::from_str(&text).unwrap() }, class);
    }
}

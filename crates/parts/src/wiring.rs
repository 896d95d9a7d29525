//! A wiring as data: which parts, on which pins, with which values, and what is moved when.
//!
//! It stands as TOML in a lesson and as JSON in a link:
//!
//! ```toml
//! [[parts]]
//! kind = "button"
//! name = "bell"
//! pins = { contact = 10 }
//! bounce_us = 6200
//!
//! [[moves]]                 # optional: what a hand does, at which microsecond of the run
//! at_us = 500_000
//! part = "bell"
//! control = "pressed"
//! value = 1
//! ```
//!
//! A [`Wiring`] that exists is sound. Reading collects every mistake (`mistake.rs`), so that who
//! writes one repairs all of them at once. Unknown keys are refused, counts are bounded.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::catalogue::{Allowed, Control, Kind, Needs};
use crate::draw::Draw;
use crate::mistake::{Mistake, Mistakes, Place, Reserved, Wanted};
use crate::tree::Tree;

/// Parts that a wiring may have: more than the board has pins, since parts on a bus share theirs.
pub const MAX_PARTS: usize = 24;
/// Moves that a wiring may contain.
pub const MAX_MOVES: usize = 1024;
/// Characters of a part's name.
pub const MAX_NAME_CHARS: usize = 32;
/// Pins of the chip, GPIO 0 to 21.
pub(crate) const PINS: usize = 22;
/// The latest instant of a move: a day.
const MAX_AT_US: i64 = 86_400_000_000;
/// What a pulse generator's pin stays low or high at least, in ns.
pub(crate) const SHORTEST_NS: i64 = 100;
/// Pins that reach ADC1.
const ANALOG_PINS: u8 = 5;

/// A part in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Its name, unique in the wiring.
    pub name: String,
    /// What it is.
    pub kind: &'static Kind,
    /// The chip's pin for each of the kind's roles; `None`: unconnected.
    pub pins: Vec<Option<u8>>,
    /// The value of each of the kind's settings; of a choice, which word.
    pub settings: Vec<i64>,
}

impl Placed {
    /// The value of a setting; of a choice, which word.
    ///
    /// A key that the kind does not have is 0, which no caller in this crate asks for.
    pub(crate) fn setting(&self, key: &str) -> i64 {
        debug_assert!(self.kind.settings.iter().any(|setting| setting.key == key), "{} has no {key}", self.kind.name);
        let at = self.kind.settings.iter().position(|setting| setting.key == key);
        at.and_then(|at| self.settings.get(at)).copied().unwrap_or(0)
    }

    /// The value of a setting that is never negative.
    pub(crate) fn amount(&self, key: &str) -> u64 {
        u64::try_from(self.setting(key)).unwrap_or(0)
    }
}

/// A control moved at an instant of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// Microseconds after the wiring was connected.
    pub at_us: u64,
    /// Which part, by its place in the wiring.
    pub part: usize,
    /// Which control.
    pub control: &'static Control,
    /// To which value.
    pub value: i64,
}

/// A sound wiring.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wiring {
    parts: Vec<Placed>,
    moves: Vec<Move>,
}

impl Wiring {
    /// The parts, in the order in which they were written.
    #[must_use]
    pub fn parts(&self) -> &[Placed] {
        &self.parts
    }

    /// The same parts, which nobody moves.
    #[must_use]
    pub fn still(&self) -> Self {
        Self { parts: self.parts.clone(), moves: Vec::new() }
    }

    /// The same, with other moments: every press or turn comes up to so much earlier or later than it is written, together
    /// with its release, and pulses are not of one length. A seed decides by how much.
    #[must_use]
    pub fn varied(&self, most_us: u64, seed: u64) -> Self {
        let mut varied = self.clone();
        for part in varied.parts.iter_mut().filter(|part| part.kind.name == "pulses") {
            let jitter = part.kind.settings.iter().position(|setting| setting.key == "jitter_ns");
            if let Some(jitter) = jitter.and_then(|at| part.settings.get_mut(at)) {
                *jitter = (*jitter).max(i64::try_from(most_us.saturating_mul(1000)).unwrap_or(i64::MAX));
            }
        }
        let mut draws: Vec<_> = self.parts.iter().map(|part| (Draw::for_part(seed, &part.name), 0)).collect();
        for one in &mut varied.moves {
            let Some((draw, shift)) = draws.get_mut(one.part) else { continue };
            if one.value != 0 {
                *shift = draw.around(most_us);
            }
            one.at_us = one.at_us.saturating_add_signed(*shift);
        }
        varied.moves.sort_by_key(|one| one.at_us);
        varied
    }

    /// What is moved when, the earliest first.
    #[must_use]
    pub fn moves(&self) -> &[Move] {
        &self.moves
    }

    /// Its pins under the names of the parts, and those of a mask (bit n for GPIO n) without a name, in their order.
    #[must_use]
    pub fn named_pins(&self, others: u32) -> Vec<(u8, String)> {
        let mut pins: BTreeMap<u8, String> =
            (0..u32::BITS as u8).filter(|pin| others >> pin & 1 != 0).map(|pin| (pin, String::new())).collect();
        for part in &self.parts {
            for (role, pin) in part.kind.roles.iter().zip(&part.pins) {
                let Some(pin) = *pin else { continue };
                let names = pins.entry(pin).or_default();
                if !names.is_empty() {
                    names.push_str(", ");
                }
                names.push_str(&part.name);
                if part.kind.roles.len() > 1 {
                    names.push(' ');
                    names.push_str(role.key);
                }
            }
        }
        pins.into_iter().collect()
    }
}

/// A wiring as it was written, not judged yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft(Tree);

impl<'de> Deserialize<'de> for Draft {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Tree::read(deserializer).map(Self)
    }
}

impl Draft {
    /// Judges the wiring.
    ///
    /// # Errors
    /// Every mistake.
    pub fn check(&self) -> Result<Wiring, Mistakes> {
        let mut reader = Reader::default();
        let wiring = reader.wiring(&self.0);
        if reader.mistakes.is_empty() { Ok(wiring) } else { Err(Mistakes(reader.mistakes)) }
    }
}

impl<'de> Deserialize<'de> for Wiring {
    /// For data that a program wrote. What a person wrote goes through [`Draft`].
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Draft::deserialize(deserializer)?.check().map_err(D::Error::custom)
    }
}

#[derive(Default)]
struct Reader {
    mistakes: Vec<Mistake>,
    /// Which part has a pin, and by which of its roles.
    taken: BTreeMap<u8, (String, &'static str, bool)>,
}

impl Reader {
    fn table<'t>(&mut self, tree: &'t Tree, place: &Place) -> Option<&'t [(String, Tree)]> {
        match tree {
            Tree::Table(entries) => Some(entries),
            _ => self.wrong(place, "", Wanted::Table),
        }
    }

    fn list<'t>(&mut self, tree: &'t Tree, place: &Place, key: &str) -> Option<&'t [Tree]> {
        match tree {
            Tree::List(items) => Some(items),
            _ => self.wrong(place, key, Wanted::List),
        }
    }

    fn text<'t>(&mut self, tree: &'t Tree, place: &Place, key: &str) -> Option<&'t str> {
        match tree {
            Tree::Text(text) => Some(text),
            _ => self.wrong(place, key, Wanted::Text),
        }
    }

    fn integer(&mut self, tree: &Tree, place: &Place, key: &str) -> Option<i64> {
        match tree {
            Tree::Integer(value) => Some(*value),
            _ => self.wrong(place, key, Wanted::WholeNumber),
        }
    }

    fn wrong<T>(&mut self, place: &Place, key: &str, wanted: Wanted) -> Option<T> {
        self.mistakes.push(Mistake::WrongType { place: place.clone(), key: key.to_owned(), wanted });
        None
    }

    fn in_range(&mut self, value: i64, min: i64, max: i64, place: &Place, key: &str) -> Option<i64> {
        if (min..=max).contains(&value) {
            return Some(value);
        }
        self.mistakes.push(Mistake::OutOfRange { place: place.clone(), key: key.to_owned(), value, min, max });
        None
    }

    fn required<'t>(&mut self, entries: &'t [(String, Tree)], place: &Place, key: &'static str) -> Option<&'t Tree> {
        let found = find(entries, key);
        if found.is_none() {
            self.mistakes.push(Mistake::Missing { place: place.clone(), key: key.to_owned() });
        }
        found
    }

    fn refuse_unknown(&mut self, entries: &[(String, Tree)], place: &Place, known: &[&'static str]) {
        for (n, (key, _)) in entries.iter().enumerate() {
            if !known.contains(&key.as_str()) {
                let known = known.iter().map(|&key| key.to_owned()).collect();
                self.mistakes.push(Mistake::UnknownKey { place: place.clone(), key: key.clone(), known });
            } else if entries[..n].iter().any(|(earlier, _)| earlier == key) {
                self.mistakes.push(Mistake::KeyTwice { place: place.clone(), key: key.clone() });
            }
        }
    }

    fn wiring(&mut self, tree: &Tree) -> Wiring {
        let mut wiring = Wiring::default();
        let Some(entries) = self.table(tree, &Place::Wiring) else { return wiring };
        self.refuse_unknown(entries, &Place::Wiring, &["parts", "moves"]);
        let parts = find(entries, "parts").and_then(|tree| self.list(tree, &Place::Wiring, "parts")).unwrap_or(&[]);
        if parts.len() > MAX_PARTS {
            self.mistakes.push(Mistake::TooManyParts { count: parts.len(), most: MAX_PARTS });
        }
        for (n, tree) in parts.iter().take(MAX_PARTS).enumerate() {
            if let Some(part) = self.part(tree, n, &wiring.parts) {
                wiring.parts.push(part);
            }
        }
        let moves = find(entries, "moves").and_then(|tree| self.list(tree, &Place::Wiring, "moves")).unwrap_or(&[]);
        if moves.len() > MAX_MOVES {
            self.mistakes.push(Mistake::TooManyMoves { count: moves.len(), most: MAX_MOVES });
        }
        // A part with a mistake of its own is not among those that can be moved, so a move is judged
        // only when all of them are.
        let known = wiring.parts.len() == parts.len();
        for (n, tree) in moves.iter().take(MAX_MOVES).enumerate() {
            if let Some(one) = self.movement(tree, &Place::Move(n), &wiring.parts, known) {
                wiring.moves.push(one);
            }
        }
        wiring.moves.sort_by_key(|one| one.at_us);
        wiring
    }

    fn part(&mut self, tree: &Tree, n: usize, before: &[Placed]) -> Option<Placed> {
        let entries = self.table(tree, &Place::Part { index: n, name: String::new() })?;
        let name = find(entries, "name").and_then(|tree| if let Tree::Text(text) = tree { Some(text) } else { None });
        let place = Place::Part { index: n, name: name.cloned().unwrap_or_default() };
        let name = self.required(entries, &place, "name").and_then(|tree| self.name(tree, &place, before));
        let kind = self.required(entries, &place, "kind").and_then(|tree| self.text(tree, &place, "kind"));
        let kind = kind.and_then(|word| {
            let kind = Kind::named(word);
            if kind.is_none() {
                self.mistakes.push(Mistake::UnknownKind { place: place.clone(), kind: word.to_owned() });
            }
            kind
        })?;
        let mut known = vec!["name", "kind", "pins"];
        known.extend(kind.settings.iter().map(|setting| setting.key));
        self.refuse_unknown(entries, &place, &known);
        let pins = self.required(entries, &place, "pins").and_then(|tree| self.pins(tree, kind, &place));
        let settings: Vec<Option<i64>> = kind
            .settings
            .iter()
            .map(|setting| match (find(entries, setting.key), setting.allowed) {
                (None, Allowed::Amount { default, .. }) => Some(default),
                (None, Allowed::Choice(_)) => Some(0),
                (Some(tree), Allowed::Amount { min, max, .. }) => {
                    let value = self.integer(tree, &place, setting.key)?;
                    self.in_range(value, min, max, &place, setting.key)
                }
                (Some(tree), Allowed::Choice(words)) => {
                    let word = self.text(tree, &place, setting.key)?;
                    let at = words.iter().position(|&known| known == word);
                    if at.is_none() {
                        let known = words.iter().map(|&word| word.to_owned()).collect();
                        let key = setting.key.to_owned();
                        self.mistakes.push(Mistake::NotAChoice {
                            place: place.clone(),
                            key,
                            word: word.to_owned(),
                            known,
                        });
                    }
                    at.and_then(|at| i64::try_from(at).ok())
                }
            })
            .collect();
        let settings = settings.into_iter().collect::<Option<Vec<i64>>>();
        let placed = Placed { name: name?, kind, pins: pins?, settings: settings? };
        self.pulse_fits(&placed, &place);
        Some(placed)
    }

    /// A pulse is shorter than its period.
    fn pulse_fits(&mut self, placed: &Placed, place: &Place) {
        if placed.kind.name == "pulses" {
            let high_ns = placed.setting("high_ns");
            self.in_range(high_ns, SHORTEST_NS, placed.setting("period_ns") - SHORTEST_NS, place, "high_ns");
        }
    }

    fn name(&mut self, tree: &Tree, place: &Place, before: &[Placed]) -> Option<String> {
        let name = self.text(tree, place, "name")?;
        let sound = !name.trim().is_empty() && name.trim() == name && !name.chars().any(char::is_control);
        if !sound || name.chars().count() > MAX_NAME_CHARS {
            self.mistakes.push(Mistake::BadName { place: place.clone(), most_chars: MAX_NAME_CHARS });
            return None;
        }
        if before.iter().any(|part| part.name == name) {
            self.mistakes.push(Mistake::NameTaken { place: place.clone() });
        }
        Some(name.to_owned())
    }

    fn pins(&mut self, tree: &Tree, kind: &'static Kind, place: &Place) -> Option<Vec<Option<u8>>> {
        let Tree::Table(entries) = tree else { return self.wrong(place, "pins", Wanted::Table) };
        let known: Vec<&'static str> = kind.roles.iter().map(|role| role.key).collect();
        self.refuse_unknown(entries, place, &known);
        let mut sound = true;
        let pins = kind
            .roles
            .iter()
            .map(|role| {
                let Some(tree) = find(entries, role.key) else {
                    if !role.optional {
                        self.mistakes.push(Mistake::Missing { place: place.clone(), key: role.key.to_owned() });
                        sound = false;
                    }
                    return None;
                };
                let number = self.integer(tree, place, role.key)?;
                let pin = self.pin(number, role.key, role.needs, place);
                // A wire joins what is there already.
                let pin = pin.filter(|&pin| kind.name == "wire" || self.claim(pin, role.key, role.shared, place));
                sound &= pin.is_some();
                pin
            })
            .collect::<Vec<Option<u8>>>();
        if let ("wire", [Some(from), Some(to)]) = (kind.name, &pins[..])
            && from == to
        {
            let name = if let Place::Part { name, .. } = place { name.clone() } else { String::new() };
            let [by_role, role] = ["from", "to"].map(str::to_owned);
            self.mistakes.push(Mistake::PinTaken { place: place.clone(), role, pin: *to, by: name, by_role });
            return None;
        }
        sound.then_some(pins)
    }

    fn pin(&mut self, number: i64, role: &str, needs: Needs, place: &Place) -> Option<u8> {
        let (place, role) = (place.clone(), role.to_owned());
        let pin = u8::try_from(number).ok().filter(|&pin| usize::from(pin) < PINS);
        let mistake = match pin {
            None => Mistake::NoSuchPin { place, role, pin: number },
            Some(pin @ 11..=17) => Mistake::PinReserved { place, role, pin, by: Reserved::Flash },
            Some(pin @ 18..=19) => Mistake::PinReserved { place, role, pin, by: Reserved::Usb },
            Some(pin) if needs == Needs::Analog && pin >= ANALOG_PINS => {
                Mistake::PinNotAnalog { place, role, pin, most: ANALOG_PINS - 1 }
            }
            Some(pin) => return Some(pin),
        };
        self.mistakes.push(mistake);
        None
    }

    /// Takes a pin for a part, unless another has it.
    fn claim(&mut self, pin: u8, role: &'static str, shared: bool, place: &Place) -> bool {
        let name = if let Place::Part { name, .. } = place { name.clone() } else { String::new() };
        let Some((by, by_role, by_shared)) = self.taken.get(&pin) else {
            self.taken.insert(pin, (name, role, shared));
            return true;
        };
        if shared && *by_shared && role == *by_role && *by != name {
            return true;
        }
        let (by, by_role) = (by.clone(), (*by_role).to_owned());
        self.mistakes.push(Mistake::PinTaken { place: place.clone(), role: role.to_owned(), pin, by, by_role });
        false
    }

    fn movement(&mut self, tree: &Tree, place: &Place, parts: &[Placed], known: bool) -> Option<Move> {
        let entries = self.table(tree, place)?;
        self.refuse_unknown(entries, place, &["at_us", "part", "control", "value"]);
        let at_us = self.required(entries, place, "at_us").and_then(|tree| {
            let value = self.integer(tree, place, "at_us")?;
            self.in_range(value, 0, MAX_AT_US, place, "at_us").and_then(|value| u64::try_from(value).ok())
        });
        let part = self.required(entries, place, "part").and_then(|tree| self.text(tree, place, "part"));
        let control = self.required(entries, place, "control").and_then(|tree| self.text(tree, place, "control"));
        let value = self.required(entries, place, "value").and_then(|tree| self.integer(tree, place, "value"));
        let (part, control) = (part?, control?);
        let Some(index) = parts.iter().position(|placed| placed.name == part) else {
            if known {
                self.mistakes.push(Mistake::UnknownPart { place: place.clone(), part: part.to_owned() });
            }
            return None;
        };
        let Some(found) = parts[index].kind.controls.iter().find(|known| known.key == control) else {
            let known = parts[index].kind.controls.iter().map(|control| control.key.to_owned()).collect();
            let control = control.to_owned();
            self.mistakes.push(Mistake::UnknownControl { place: place.clone(), part: part.to_owned(), control, known });
            return None;
        };
        let value = self.in_range(value?, found.min, found.max, place, "value")?;
        Some(Move { at_us: at_us?, part: index, control: found, value })
    }
}

fn find<'t>(entries: &'t [(String, Tree)], key: &str) -> Option<&'t Tree> {
    entries.iter().find(|(name, _)| name == key).map(|(_, tree)| tree)
}

impl Serialize for Wiring {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("parts", &self.parts)?;
        if !self.moves.is_empty() {
            map.serialize_entry("moves", &WrittenMoves(self))?;
        }
        map.end()
    }
}

impl Serialize for Placed {
    /// What stands at its default is left out, which keeps links short.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", self.kind.name)?;
        map.serialize_entry("name", &self.name)?;
        let pins: BTreeMap<&str, u8> =
            self.kind.roles.iter().zip(&self.pins).filter_map(|(role, pin)| Some((role.key, (*pin)?))).collect();
        map.serialize_entry("pins", &pins)?;
        for (setting, &value) in self.kind.settings.iter().zip(&self.settings) {
            match setting.allowed {
                Allowed::Amount { default, .. } if value != default => map.serialize_entry(setting.key, &value)?,
                Allowed::Choice(words) if value != 0 => {
                    let word = usize::try_from(value).ok().and_then(|at| words.get(at));
                    map.serialize_entry(setting.key, &word)?;
                }
                _ => {}
            }
        }
        map.end()
    }
}

struct WrittenMoves<'a>(&'a Wiring);

#[derive(Serialize)]
struct WrittenMove<'a> {
    at_us: u64,
    part: &'a str,
    control: &'a str,
    value: i64,
}

impl Serialize for WrittenMoves<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.moves.len()))?;
        for one in &self.0.moves {
            let part = self.0.parts.get(one.part).map_or("", |part| &part.name);
            list.serialize_element(&WrittenMove {
                at_us: one.at_us,
                part,
                control: one.control.key,
                value: one.value,
            })?;
        }
        list.end()
    }
}

//! Which kinds of parts there are, and what each has: pins, settings, controls that a learner moves.
//!
//! It is one table, which reading a wiring, moving a control and an editor's forms all go by; it is
//! written as data for pages. What
//! people read (names, units in words, help) is keyed by the names that stand here, and lives in
//! the course's catalogue.

use std::hash::{Hash, Hasher};

use serde::Serialize;

/// What a pin of a part needs from the chip's pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Needs {
    /// Any pin.
    Digital,
    /// An input of ADC1.
    Analog,
}

/// A pin of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Role {
    /// Its name, as on the part.
    pub key: &'static str,
    /// What it needs.
    pub needs: Needs,
    /// Whether it may stay unconnected.
    pub optional: bool,
    /// Whether several parts may share a pin by it, each by the role of the same name (a bus).
    pub shared: bool,
}

/// What a setting may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Allowed {
    /// A whole number.
    Amount {
        /// The smallest.
        min: i64,
        /// The largest.
        max: i64,
        /// What it is if nobody says.
        default: i64,
    },
    /// One of these words; the first if nobody says.
    Choice(&'static [&'static str]),
}

/// What is fixed when a part is wired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Setting {
    /// Its name, with the unit in it.
    pub key: &'static str,
    /// What it may be.
    pub allowed: Allowed,
}

/// What a learner moves while the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Control {
    /// Its name, with the unit in it.
    pub key: &'static str,
    /// The smallest value.
    pub min: i64,
    /// The largest value.
    pub max: i64,
    /// Whether it is an event (a turn, a tip, a frame) and not a position that stays.
    pub event: bool,
}

/// A kind of part.
#[derive(Debug, Serialize)]
pub struct Kind {
    /// Its name in a wiring.
    pub name: &'static str,
    /// Its pins.
    pub roles: &'static [Role],
    /// What is fixed when it is wired.
    pub settings: &'static [Setting],
    /// What a learner moves.
    pub controls: &'static [Control],
}

impl Kind {
    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.name == name)
    }
}

/// There is one of each, so the name tells.
impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Kind {}

impl Hash for Kind {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

const fn pin(key: &'static str) -> Role {
    Role { key, needs: Needs::Digital, optional: false, shared: false }
}

const fn optional(role: Role) -> Role {
    Role { optional: true, ..role }
}

const fn bus(key: &'static str) -> Role {
    Role { shared: true, ..pin(key) }
}

const fn amount(key: &'static str, min: i64, max: i64, default: i64) -> Setting {
    Setting { key, allowed: Allowed::Amount { min, max, default } }
}

const fn choice(key: &'static str, words: &'static [&'static str]) -> Setting {
    Setting { key, allowed: Allowed::Choice(words) }
}

const fn position(key: &'static str, min: i64, max: i64) -> Control {
    Control { key, min, max, event: false }
}

const fn event(key: &'static str, min: i64, max: i64) -> Control {
    Control { key, min, max, event: true }
}

const ACTIVE: Setting = choice("active", &["high", "low"]);
const CONTACT_TO: Setting = choice("to", &["ground", "supply"]);
/// A resistor outside the chip that holds an open contact's pin.
const RESISTOR: Setting = choice("resistor", &["none", "fitted"]);
/// The longest that a contact bounces: the longest of 16 switches in the survey that `contact.rs`
/// names; 157,000 is that of the survey's worst.
const BOUNCE: Setting = amount("bounce_us", 0, 157_000, 6200);
const BOUNCES: Setting = amount("bounces", 0, 32, 6);

/// Every kind of part.
pub const KINDS: &[Kind] = &[
    Kind { name: "led", roles: &[pin("anode")], settings: &[ACTIVE], controls: &[] },
    Kind { name: "rgb-led", roles: &[pin("red"), pin("green"), pin("blue")], settings: &[ACTIVE], controls: &[] },
    Kind {
        name: "button",
        roles: &[pin("contact")],
        settings: &[CONTACT_TO, RESISTOR, BOUNCE, BOUNCES],
        controls: &[position("pressed", 0, 1)],
    },
    Kind {
        name: "switch",
        roles: &[pin("contact")],
        settings: &[CONTACT_TO, RESISTOR, BOUNCE, BOUNCES],
        controls: &[position("on", 0, 1)],
    },
    Kind {
        name: "potentiometer",
        roles: &[Role { needs: Needs::Analog, ..pin("wiper") }],
        settings: &[amount("position_permille", 0, 1000, 500)],
        controls: &[position("position_permille", 0, 1000)],
    },
    Kind {
        name: "encoder",
        roles: &[pin("a"), pin("b"), optional(pin("push"))],
        settings: &[
            choice("resistor", &["fitted", "none"]),
            amount("steps_a_turn", 1, 2500, 20),
            amount("step_us", 8, 10_000_000, 20_000),
            amount("bounce_us", 0, 5000, 0),
            amount("bounces", 0, 8, 2),
        ],
        controls: &[
            event("turn_steps", -10_000, 10_000),
            position("step_us", 8, 10_000_000),
            position("pressed", 0, 1),
        ],
    },
    Kind {
        name: "pulses",
        roles: &[pin("out")],
        settings: &[
            amount("period_ns", 200, 3_600_000_000_000, 1_000_000),
            amount("high_ns", 100, 3_600_000_000_000, 500_000),
            amount("jitter_ns", 0, 1_000_000_000, 0),
            amount("missing_permille", 0, 1000, 0),
            amount("burst_pulses", 0, 1_000_000, 0),
            amount("pause_us", 0, 3_600_000_000, 100_000),
            choice("at_start", &["running", "stopped"]),
        ],
        controls: &[position("running", 0, 1), position("period_ns", 200, 3_600_000_000_000)],
    },
    Kind {
        name: "pir",
        roles: &[pin("out")],
        settings: &[
            amount("hold_ms", 100, 600_000, 5000),
            amount("blocking_ms", 0, 600_000, 2500),
            choice("trigger", &["repeatable", "single"]),
        ],
        controls: &[event("motion", 1, 1)],
    },
    Kind {
        name: "hall",
        roles: &[pin("out")],
        settings: &[RESISTOR, amount("magnets", 1, 64, 1), amount("rpm", 0, 100_000, 0)],
        controls: &[position("rpm", 0, 100_000)],
    },
    Kind {
        name: "rain-gauge",
        roles: &[pin("contact")],
        settings: &[RESISTOR, amount("closed_ms", 1, 1000, 60), BOUNCE, BOUNCES],
        controls: &[event("tips", 1, 1000), position("tips_an_hour", 0, 36_000)],
    },
    Kind {
        name: "hc-sr04",
        roles: &[pin("trigger"), pin("echo")],
        settings: &[amount("distance_mm", 0, 10_000, 310), amount("noise_mm", 0, 100, 3)],
        controls: &[position("distance_mm", 0, 10_000)],
    },
    Kind {
        name: "nec-receiver",
        roles: &[pin("out")],
        settings: &[amount("spread_us", 0, 200, 40)],
        controls: &[event("code", 0, 0xFFFF), event("repeats", 1, 100)],
    },
    Kind { name: "buzzer", roles: &[pin("in")], settings: &[], controls: &[] },
    Kind {
        name: "ws2812",
        roles: &[pin("din")],
        settings: &[amount("leds", 1, 256, 8), amount("reset_us", 50, 300, 50)],
        controls: &[],
    },
    Kind {
        name: "tmp117",
        roles: &[bus("sda"), bus("scl"), optional(pin("alert"))],
        settings: &[amount("address", 0x48, 0x4B, 0x48), amount("temperature_mc", -55_000, 150_000, 21_500)],
        controls: &[position("temperature_mc", -55_000, 150_000)],
    },
    Kind {
        name: "gps",
        roles: &[pin("tx")],
        settings: &[
            amount("baud", 300, 1_000_000, 9600),
            amount("interval_ms", 100, 60_000, 1000),
            amount("latitude_udeg", -90_000_000, 90_000_000, 35_681_236),
            amount("longitude_udeg", -180_000_000, 180_000_000, 139_767_125),
            amount("start_s", 0, 86_399, 43_200),
        ],
        controls: &[
            position("fix", 0, 1),
            position("latitude_udeg", -90_000_000, 90_000_000),
            position("longitude_udeg", -180_000_000, 180_000_000),
        ],
    },
    Kind {
        name: "board-pin",
        roles: &[pin("pin")],
        settings: &[choice("at_start", &["open", "low", "high"])],
        controls: &[position("level", -1, 1)],
    },
    Kind { name: "wire", roles: &[pin("from"), pin("to")], settings: &[], controls: &[] },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_defaults_are_allowed() {
        for (n, kind) in KINDS.iter().enumerate() {
            assert!(!KINDS[..n].iter().any(|other| other.name == kind.name), "{}", kind.name);
            let mut keys: Vec<&str> = ["name", "kind", "pins"].into();
            keys.extend(kind.settings.iter().map(|setting| setting.key));
            let all = keys.len();
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), all, "{}", kind.name);
            for setting in kind.settings {
                match setting.allowed {
                    Allowed::Amount { min, max, default } => {
                        assert!(min <= default && default <= max, "{}", setting.key)
                    }
                    Allowed::Choice(words) => assert!(!words.is_empty()),
                }
            }
            for control in kind.controls {
                assert!(control.min <= control.max);
                // A control that is named like a setting moves it, so it must reach as far.
                for setting in kind.settings.iter().filter(|setting| setting.key == control.key) {
                    assert!(
                        matches!(setting.allowed, Allowed::Amount { min, max, .. } if (min, max) == (control.min, control.max)),
                        "{} {}",
                        kind.name,
                        control.key
                    );
                }
            }
        }
    }
}

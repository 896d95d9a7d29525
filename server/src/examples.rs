//! The workshop's examples: each a program with its wiring, which a test runs with a hand and reads.

use parts::{Draft, Wiring};

/// A program and what it needs on the pins.
#[derive(Debug)]
pub struct Example {
    /// Its name in addresses.
    pub slug: &'static str,
    /// Its title, in English and Japanese.
    pub title: (&'static str, &'static str),
    /// MicroPython source.
    pub program: &'static str,
    toml: &'static str,
}

impl Example {
    /// The parts of the example.
    #[must_use]
    pub fn wiring(&self) -> Wiring {
        let draft: Draft = toml::from_str(self.toml).expect("a test reads every example");
        draft.check().expect("a test reads every example")
    }
}

macro_rules! example {
    ($slug:literal, $en:literal, $ja:literal) => {
        Example {
            slug: $slug,
            title: ($en, $ja),
            program: include_str!(concat!("../../web/workshop/", $slug, ".py")),
            toml: include_str!(concat!("../../web/workshop/", $slug, ".toml")),
        }
    };
}

/// All of them, in the order of the menu.
pub const EXAMPLES: [Example; 7] = [
    example!("door-bell", "Door bell", "呼び鈴"),
    example!("rain-gauge", "Rain gauge", "雨量計"),
    example!("metronome", "Metronome", "メトロノーム"),
    example!("encoder-menu", "Encoder menu", "エンコーダのメニュー"),
    example!("range-finder", "Range finder", "距離計"),
    example!("dice", "Dice", "さいころ"),
    example!("reaction-time", "Reaction time", "反応時間"),
];

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use workbench::headless;
    use workbench::record::RunRequest;

    /// At a millisecond a part's control gets a value.
    type Move = (u64, &'static str, &'static str, i64);

    /// What each example prints when hands move its parts.
    const HANDS: [(&str, &[Move], &[&str]); 7] = [
        (
            "door-bell",
            &[
                (300, "bell button", "pressed", 1),
                (400, "bell button", "pressed", 0),
                (1500, "bell button", "pressed", 1),
                (1600, "bell button", "pressed", 0),
            ],
            &["ding dong 1", "ding dong 2"],
        ),
        ("rain-gauge", &[(300, "bucket", "tips", 3)], &["tips 3 rain 0.84 mm"]),
        ("metronome", &[(1000, "tempo", "position_permille", 1000)], &["tempo 123", "tempo 208"]),
        (
            "encoder-menu",
            &[
                (300, "knob", "turn_steps", 2),
                (800, "knob", "pressed", 1),
                (950, "knob", "pressed", 0),
                (1300, "knob", "turn_steps", -1),
            ],
            &["choose: tea", "choose: cocoa", "taken: cocoa", "choose: coffee"],
        ),
        ("range-finder", &[(1000, "ranger", "distance_mm", 300)], &["clear 120 cm", "near 30 cm"]),
        ("dice", &[(300, "throw", "pressed", 1), (400, "throw", "pressed", 0)], &["throw 1 eyes"]),
        (
            "reaction-time",
            &[(2900, "button", "pressed", 1), (3000, "button", "pressed", 0)],
            &["wait for the light", " ms", "wait for the light"],
        ),
    ];

    #[test]
    fn every_example_does_what_it_is_for() {
        let board = crate::firmware::booted().unwrap();
        for (slug, hands, printed) in HANDS {
            let example = EXAMPLES.iter().find(|example| example.slug == slug).unwrap();
            let moves: Vec<_> = hands
                .iter()
                .map(|(ms, part, control, value)| {
                    serde_json::json!({ "at_us": ms * 1000, "part": part, "control": control, "value": value })
                })
                .collect();
            let mut wiring = serde_json::to_value(example.wiring()).unwrap();
            wiring["moves"] = moves.into();
            let request = RunRequest {
                lesson: "workshop".to_owned(),
                program: example.program.to_owned(),
                own_program: true,
                driver: None,
                settings: course::Settings::new(),
                seconds: 4,
                seed: 1,
                wiring: Arc::new(serde_json::from_value(wiring).unwrap()),
            };
            let record = headless::run(&mut board.fresh(1).unwrap(), &request, &mut |_| true).unwrap();
            let mut rest = &record.console[..];
            for line in printed {
                let at = rest.find(line).unwrap_or_else(|| panic!("{slug}: no {line:?} in {:?}", record.console));
                rest = &rest[at + line.len()..];
            }
            assert_eq!(record.end.report, None, "{slug}");
            // What ends a program that would go on for ever is no mistake of it.
            let mistakes = record.exceptions.iter().filter(|exception| exception.class != "KeyboardInterrupt");
            assert_eq!(mistakes.count(), 0, "{slug}: {}", record.console);
        }
    }
}

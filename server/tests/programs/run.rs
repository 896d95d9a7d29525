//! One headless run of a program file with its wiring file and the hands that move the parts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::pins::Pins;

/// At a millisecond of the program a part's control gets a value.
pub(crate) type Move<'a> = (u64, &'a str, &'a str, i64);

/// What a run left.
#[derive(Debug)]
pub(crate) struct Ran {
    /// What the program printed, line by line.
    pub(crate) lines: Vec<String>,
    /// What the pins did.
    pub(crate) pins: Pins,
    parts: Value,
}

impl Ran {
    /// What a part shows at the end.
    #[track_caller]
    pub(crate) fn shown(&self, part: &str) -> &Value {
        let mut parts = self.parts.as_array().unwrap().iter();
        &parts.find(|shown| shown["name"] == part).unwrap_or_else(|| panic!("no {part} in {}", self.parts))["shown"]
    }

    /// A number that a part shows.
    #[track_caller]
    pub(crate) fn number(&self, part: &str, key: &str) -> u64 {
        self.shown(part)[key].as_u64().unwrap_or_else(|| panic!("{part} has no {key}: {}", self.shown(part)))
    }

    /// The numbers in every line that begins with this word.
    pub(crate) fn numbers(&self, word: &str) -> Vec<Vec<i64>> {
        let lines = self.lines.iter().filter(|line| line.split(' ').next() == Some(word));
        lines.map(|line| line.split(' ').filter_map(|word| word.parse().ok()).collect()).collect()
    }
}

/// Where a program lies: with these tests, or among the examples of the workshop.
fn path(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let [own, example] = ["tests/programs", "web/workshop"].map(|folder| root.join(folder).join(name));
    if own.with_extension("py").exists() { own } else { example }
}

/// Its wiring, with these moves.
fn wiring(name: &str, moves: &[Move<'_>]) -> Value {
    let path = path(name);
    let text = |extension: &str| fs::read_to_string(path.with_extension(extension));
    let mut wiring: Value = match text("json") {
        Ok(json) => serde_json::from_str(&json).unwrap(),
        Err(_) => toml::from_str(&text("toml").unwrap()).unwrap(),
    };
    let moves = moves.iter().map(
        |(ms, part, control, value)| json!({ "at_us": ms * 1000, "part": part, "control": control, "value": value }),
    );
    wiring["moves"] = moves.collect();
    wiring
}

/// The program with all its callbacks hard, or all soft.
fn program(name: &str, hard: bool) -> String {
    let soft = fs::read_to_string(path(name).with_extension("py")).unwrap();
    if !hard {
        return soft;
    }
    // The tests' own have a constant; the examples say nothing, which is soft.
    let hard = soft
        .replace("HARD = False", "HARD = True")
        .replace("Pin.IRQ_RISING)", "Pin.IRQ_RISING, hard=True)")
        .replace("callback=swing)", "callback=swing, hard=True)");
    assert_ne!(hard, soft, "{name} has no callback that could be hard");
    hard
}

/// Runs it for so many seconds and two more, in which a program that goes on is stopped.
#[track_caller]
pub(crate) fn run(name: &str, hard: bool, moves: &[Move<'_>], seconds: u32) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("wiring.json"), wiring(name, moves).to_string()).unwrap();
    fs::write(path("program.py"), program(name, hard)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_isrlab"));
    command.args(["run", "workshop", "--json", "--seconds", &seconds.to_string()]);
    for (option, file) in [("--program", "program.py"), ("--wiring", "wiring.json"), ("--vcd", "pins.vcd")] {
        command.arg(option).arg(path(file));
    }
    let output = command.env("LANG", "C").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{name}: {error}: {said}"));
    assert!(report["fault"].is_null() && report["bad_frames"] == 0, "{name}: {report}");
    // What ends a program that would go on for ever is no mistake of it.
    let mut exceptions = report["exceptions"].as_array().unwrap().iter();
    assert!(exceptions.all(|exception| exception["class"] == "KeyboardInterrupt"), "{name}: {report}");
    assert!(report["traceback"].is_null(), "{name}: {report}");
    // Its traceback is the stop's.
    let printed = report["console"].as_str().unwrap();
    let printed = printed.split_once("Traceback").map_or(printed, |(before, _)| before);
    Ran {
        lines: printed.lines().map(str::to_owned).collect(),
        pins: Pins::read(&fs::read_to_string(path("pins.vcd")).unwrap()),
        parts: report["parts"].clone(),
    }
}

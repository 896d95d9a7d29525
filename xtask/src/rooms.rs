//! The rooms of the house: who may use whom, that the rooms without I/O have none, and how long a file may be.
//!
//! `ARCHITECTURE.md` draws the same table. What a package really uses is read from its manifest, which the compiler
//! holds its sources to; what it must not touch is read from the sources.

use std::collections::BTreeMap;

/// A room, the folder of its package, and the rooms it may use; those that these use are not meant.
struct Room {
    folder: &'static str,
    may_use: &'static [&'static str],
    /// Whether it may do I/O, start threads and read clocks.
    touches_the_outside: bool,
}

const fn quiet(folder: &'static str, may_use: &'static [&'static str]) -> Room {
    Room { folder, may_use, touches_the_outside: false }
}

/// Every room may use only rooms that stand before it, so there is no circle; a test holds the table to that.
const ROOMS: [Room; 12] = [
    quiet("crates/protocol", &[]),
    quiet("crates/emulator", &[]),
    quiet("crates/parts", &["emulator"]),
    quiet("crates/inspector", &["emulator"]),
    quiet("crates/explorer", &["emulator", "parts", "inspector"]),
    quiet("crates/course", &["parts"]),
    quiet("crates/workbench", &["protocol", "emulator", "parts", "inspector", "explorer", "course"]),
    Room { folder: "crates/ports", may_use: &["emulator", "workbench"], touches_the_outside: true },
    quiet("crates/tab", &["emulator", "course", "workbench"]),
    Room { folder: "crates/tab-traces", may_use: &["emulator", "course", "workbench"], touches_the_outside: true },
    Room { folder: "crates/test-postgres", may_use: &[], touches_the_outside: true },
    Room {
        folder: "server",
        may_use: &["protocol", "emulator", "parts", "inspector", "explorer", "course", "workbench", "ports", "tab"],
        touches_the_outside: true,
    },
];

/// What a room without I/O does not name outside its tests, each with what it would do.
const OUTSIDE: [(&str, &str); 7] = [
    ("std::time::Instant", "reads a clock"),
    ("std::time::SystemTime", "reads a clock"),
    ("Instant::now", "reads a clock"),
    ("std::thread", "starts threads"),
    ("std::fs", "reads files"),
    ("std::net", "opens connections"),
    ("tokio", "is a runtime"),
];

/// The most lines of a Rust file.
const MOST_LINES: usize = 600;

/// Files that are longer, and why.
const LONG_FILES: [(&str, &str); 8] = [
    ("crates/emulator/src/peripherals/rmt.rs", "one block of the chip with its tests through its registers"),
    ("crates/emulator/src/peripherals/rtc_cntl.rs", "one block of the chip, sleeps included, with its tests"),
    ("crates/course/src/relation.rs", "one small language: its grammar, its meaning and their tests"),
    ("crates/emulator/src/chip.rs", "the address table and the wiring of all peripherals, one row each"),
    ("crates/emulator/src/engine/traces/x86_64.rs", "one instruction set's encodings, as its manual lists them"),
    ("crates/emulator/src/machine.rs", "the board's whole interface for everybody else"),
    ("crates/workbench/src/session.rs", "one state machine; its stages are in files of their own already"),
    ("crates/workbench/src/session/tests.rs", "conversations with one state machine, told one after the other"),
];

/// A tracked text file.
pub(crate) struct Source<'a> {
    pub(crate) path: &'a str,
    pub(crate) text: &'a str,
}

/// What breaks the rules of the rooms in these files.
pub(crate) fn breaches(files: &[Source<'_>]) -> Vec<String> {
    let mut breaches = Vec::new();
    for file in files {
        if let Some(folder) = file.path.strip_suffix("/Cargo.toml") {
            breaches.extend(manifest(folder, file.text));
        } else if file.path.ends_with(".rs") {
            breaches.extend(outside(file));
            breaches.extend(long(file));
        }
    }
    let lengths: BTreeMap<&str, usize> = files.iter().map(|file| (file.path, file.text.lines().count())).collect();
    for (path, _) in LONG_FILES {
        if lengths.get(path).is_none_or(|lines| *lines <= MOST_LINES) {
            breaches.push(format!("xtask/src/rooms.rs: {path} needs no reason for its length any more"));
        }
    }
    breaches
}

/// What a package's manifest uses that its room may not. Tests may use every room.
fn manifest(folder: &str, text: &str) -> Vec<String> {
    let name_of = |folder: &'static str| folder.rsplit('/').next().unwrap_or(folder);
    let Some(room) = ROOMS.iter().find(|room| room.folder == folder) else {
        return if folder.starts_with("crates/") {
            vec![format!("{folder}/Cargo.toml: is no room of the table in xtask/src/rooms.rs")]
        } else {
            Vec::new()
        };
    };
    let mut breaches = Vec::new();
    let mut counts = false;
    for (index, line) in text.lines().enumerate() {
        if let Some(section) = line.trim().strip_prefix('[') {
            counts = section.ends_with("dependencies]") && !section.contains("dev-dependencies");
            continue;
        }
        let Some(used) = line.split(['.', '=', ' ']).next().filter(|name| counts && !name.is_empty()) else { continue };
        let is_room = used == "isrlab" || ROOMS.iter().any(|room| name_of(room.folder) == used);
        if is_room && !room.may_use.contains(&used) {
            breaches.push(format!(
                "{folder}/Cargo.toml:{}: uses {used}; it may use {}",
                index + 1,
                if room.may_use.is_empty() { "no other room".to_owned() } else { room.may_use.join(", ") },
            ));
        }
        if used == "tokio" && !room.touches_the_outside {
            breaches.push(format!("{folder}/Cargo.toml:{}: this room does no I/O and needs no runtime", index + 1));
        }
    }
    breaches
}

/// Where a room without I/O touches the outside.
fn outside(file: &Source<'_>) -> Vec<String> {
    let quiet = ROOMS
        .iter()
        .filter(|room| !room.touches_the_outside)
        .any(|room| file.path.strip_prefix(room.folder).is_some_and(|path| path.starts_with("/src/")));
    if !quiet || file.path.ends_with("/tests.rs") {
        return Vec::new();
    }
    let mut breaches = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let code = line.trim_start();
        // Tests stand at the end of a file.
        if code.starts_with("#[cfg(test)]")
            && file.text.lines().nth(index + 1).is_some_and(|next| next.contains("mod tests"))
        {
            break;
        }
        if code.starts_with("//") {
            continue;
        }
        for name in named(code) {
            let path = file.path;
            if let Some((found, does)) = OUTSIDE.iter().find(|(outside, _)| name_is_in(&name, outside)) {
                breaches.push(format!("{path}:{}: {found} {does}; this room does no I/O", index + 1));
                break;
            }
        }
    }
    breaches
}

/// The paths in a line of code, with the braces of a `use` taken apart.
fn named(code: &str) -> Vec<String> {
    let is_path = |character: char| character.is_alphanumeric() || character == '_' || character == ':';
    let mut paths: Vec<String> =
        code.split(|character| !is_path(character)).filter(|path| !path.is_empty()).map(str::to_owned).collect();
    if let Some((before, braces)) = code.split_once("::{") {
        let before = before.rsplit(|character| !is_path(character)).next().unwrap_or_default();
        let inner = braces.split('}').next().unwrap_or_default();
        paths.extend(inner.split(',').map(|name| format!("{before}::{}", name.trim())));
    }
    paths
}

/// Whether a path is this one, or begins or ends with it.
fn name_is_in(path: &str, outside: &str) -> bool {
    path == outside
        || path.strip_prefix(outside).is_some_and(|rest| rest.starts_with("::"))
        || path.strip_suffix(outside).is_some_and(|rest| rest.ends_with("::"))
}

fn long(file: &Source<'_>) -> Option<String> {
    let lines = file.text.lines().count();
    let has_reason = LONG_FILES.iter().any(|(path, _)| *path == file.path);
    (lines > MOST_LINES && !has_reason).then(|| {
        format!(
            "{}: has {lines} lines; split it, or give a reason in xtask/src/rooms.rs ({MOST_LINES} at most)",
            file.path
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, text: &str, expected: &[&str]) {
        let found: Vec<String> = breaches(&[Source { path, text }])
            .into_iter()
            .filter(|breach| !breach.starts_with("xtask/src/rooms.rs"))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn no_arrow_of_the_table_runs_back_up() {
        for (at, room) in ROOMS.iter().enumerate() {
            for used in room.may_use {
                let below = ROOMS[..at].iter().any(|below| below.folder.ends_with(used));
                assert!(below, "{} uses {used}, which does not stand before it", room.folder);
            }
        }
    }

    #[test]
    fn a_manifest_uses_only_the_rooms_below() {
        check("crates/explorer/Cargo.toml", "[dependencies]\nemulator.workspace = true\nserde = \"1\"\n", &[]);
        check(
            "crates/explorer/Cargo.toml",
            "[dependencies]\nserde = \"1\"\nworkbench = { path = \"../workbench\" }\n",
            &["crates/explorer/Cargo.toml:3: uses workbench; it may use emulator, parts, inspector"],
        );
        check("crates/course/Cargo.toml", "[dev-dependencies]\nisrlab = { path = \"../../server\" }\n", &[]);
        check(
            "crates/protocol/Cargo.toml",
            "[target.'cfg(unix)'.dependencies]\nemulator.workspace = true\n",
            &["crates/protocol/Cargo.toml:2: uses emulator; it may use no other room"],
        );
        check(
            "crates/cellar/Cargo.toml",
            "[dependencies]\n",
            &["crates/cellar/Cargo.toml: is no room of the table in xtask/src/rooms.rs"],
        );
    }

    #[test]
    fn a_room_without_io_reads_no_clock_and_starts_no_thread() {
        let path = "crates/workbench/src/pace.rs";
        check(path, "use std::time::Duration;\nuse std::sync::Arc;\n", &[]);
        check(
            path,
            "use std::time::{Duration, Instant};\n",
            &["crates/workbench/src/pace.rs:1: std::time::Instant reads a clock; this room does no I/O"],
        );
        check(
            path,
            "fn f() {\n    std::thread::scope(|scope| {});\n}\n",
            &["crates/workbench/src/pace.rs:2: std::thread starts threads; this room does no I/O"],
        );
        check(path, "//! No `std::thread` here.\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n", &[]);
        check("server/src/threads.rs", "use std::thread;\n", &[]);
        check("crates/workbench/benches/x.rs", "use std::time::Instant;\n", &[]);
    }

    #[test]
    fn a_long_file_needs_a_reason_and_a_reason_a_long_file() {
        let long = "\n".repeat(MOST_LINES + 1);
        check(
            "server/src/a.rs",
            &long,
            &["server/src/a.rs: has 601 lines; split it, or give a reason in xtask/src/rooms.rs (600 at most)"],
        );
        check("server/src/a.rs", &long[1..], &[]);
        let all = breaches(&[]);
        assert_eq!(all.len(), LONG_FILES.len(), "{all:?}");
    }
}

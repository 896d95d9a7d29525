//! Programs and files that other commands have made ready.

use std::path::PathBuf;
use std::process::{Command, Output};

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[track_caller]
fn existing(path: PathBuf, remedy: &str) -> PathBuf {
    assert!(path.exists(), "{} is missing; run `{remedy}`", path.display());
    path
}

/// The program under test: `$ISRLAB`, or the one beside this test's own folder.
#[track_caller]
pub(crate) fn isrlab() -> PathBuf {
    match std::env::var_os("ISRLAB") {
        Some(path) => existing(path.into(), "cargo build --package isrlab"),
        None => {
            let beside = std::env::current_exe().unwrap().with_file_name("../isrlab");
            existing(beside, "cargo build --package isrlab")
        }
    }
}

/// A tool from PyPI, pinned in `requirements.txt`.
#[track_caller]
pub(crate) fn python_tool(name: &str) -> Command {
    Command::new(existing(repository().join("target/tools/python/bin").join(name), "cargo xtask setup"))
}

/// The plain esp-hal application as a flash image, without the blank end. It prints [`ESP_APP_READY`] when it has
/// set everything up, and [`ESP_APP_ECHO`] for a `?`.
#[track_caller]
pub(crate) fn esp_app() -> Vec<u8> {
    built_image("esp-app-esp32c3.bin", "cargo xtask esp-app")
}

/// Flash of a board that behaves as one with official MicroPython does, without the blank end.
#[track_caller]
pub(crate) fn plain_firmware() -> Vec<u8> {
    built_image("plain-firmware-esp32c3.bin", "cargo xtask plain-firmware")
}

#[track_caller]
fn built_image(name: &str, remedy: &str) -> Vec<u8> {
    let path = existing(repository().join("target/firmware").join(name), remedy);
    let mut image = std::fs::read(path).unwrap();
    let length = image.iter().rposition(|&byte| byte != 0xFF).unwrap() + 1;
    image.truncate(length.next_multiple_of(4));
    image
}

/// What the esp-hal application prints once.
pub(crate) const ESP_APP_READY: &str = "esp-app: ready";

/// What it prints for a `?`.
pub(crate) const ESP_APP_ECHO: &str = "uart0: received 0x3f";

/// Runs a program to its end; fails with all that it said unless it succeeds.
#[track_caller]
pub(crate) fn succeed(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?}: {status}\n{said}");
    said
}

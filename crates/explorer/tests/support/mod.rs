//! A board brought to the point where a driver is about to run, as a host brings it there.

use std::path::PathBuf;

use explorer::window::{Firmware, Limits, Marks, Refusal, Window};
use firmware_tests::Board;
use protocol::host::HostMessage;

/// The marks that every driver uses.
const MARKS: Marks = Marks { begin: 1, end: 2, voice: None };

fn read(path: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{} cannot be read: {error}", path.display()))
}

/// Opens the window of L15's own program with some settings.
pub(crate) fn lost_update_window(settings: &[(&'static str, &'static str)], limits: Limits) -> Result<Window, Refusal> {
    let text = |file: &str| String::from_utf8(read(&format!("lessons/15-lost-update/{file}"))).unwrap();
    window_of(settings, &text("program.py"), &text("explore.py"), limits)
}

/// Opens the window of any program: `program` runs to its end first, then `driver` opens the window.
/// A program that opens it itself goes without a driver.
pub(crate) fn window_of(
    settings: &[(&'static str, &'static str)],
    program: &str,
    driver: &str,
    limits: Limits,
) -> Result<Window, Refusal> {
    let firmware = Firmware::parse(&read("target/firmware/lesson-firmware-esp32c3.elf"))?;
    let mut board = Board::at_prompt();
    board.greet();
    board.tell(|id| HostMessage::SetNumber { id, name: "rate", value: 10 });
    for &(name, choice) in settings {
        board.tell(|id| HostMessage::SetChoice { id, name, choice });
    }
    board.enter_raw();
    board.tell(|id| HostMessage::Start { id, run: 1, limit_ms: 1 });
    board.tell(|id| HostMessage::Farewell { id });
    let mut source = program;
    if !driver.is_empty() {
        board.send(program.as_bytes());
        board.send(b"\x04");
        board.expect("OK", 5000);
        assert_eq!(board.finish(5000).error, "", "the program failed");
        source = driver;
    }
    board.send(source.as_bytes());
    board.send(b"\x04");
    Window::open(board.machine().fork(), &firmware, MARKS, limits)
}

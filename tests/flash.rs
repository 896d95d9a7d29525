//! `isrlab flash` on virtual boards that are attached as if they were hardware.

use std::path::Path;
use std::process::{Command, Output};

use crate::foreign::{ESP_APP_ECHO, esp_app, isrlab, python_tool, succeed};
use crate::virtual_board::{VirtualBoard, ask_until, flash_file};

fn attached(folder: &Path, contents: &[u8]) -> (VirtualBoard, String) {
    let flash = flash_file(folder, contents);
    (VirtualBoard::start(&["--rfc2217", "127.0.0.1:0", "--fast", "--flash", &flash]), flash)
}

fn flash(folder: &Path, boards: &[&VirtualBoard], images: &[&str]) -> Command {
    let mut command = Command::new(isrlab());
    command.arg("flash").arg("--data").arg(folder.join("data"));
    for board in boards {
        command.args(["--board", &board.port]);
    }
    for image in images {
        command.args(["--image", image]);
    }
    command
}

/// Flashes where it must fail; returns what was said.
#[track_caller]
fn refused(command: &mut Command) -> String {
    let Output { status, stderr, .. } = command.output().unwrap();
    assert!(!status.success());
    String::from_utf8(stderr).unwrap()
}

#[test]
fn over_rfc2217_the_lesson_firmware_is_written_once_and_then_runs() {
    let folder = tempfile::tempdir().unwrap();
    // Something else is there before, and part of it is where the firmware goes.
    let (board, file) = attached(folder.path(), &[0x5A; 0x3_0000]);
    let said = succeed(&mut flash(folder.path(), &[&board], &[]));
    assert!(said.contains("written at 921600 baud and verified"), "{said}");
    let said = succeed(&mut flash(folder.path(), &[&board], &[]));
    assert!(said.contains("nothing written, it is there already"), "{said}");
    assert!(said.contains("lesson firmware is the file that this board got on 20"), "{said}");
    let answer = succeed(python_tool("mpremote").args(["connect", &board.port, "eval", "6 * 7"]));
    assert_eq!(answer.trim(), "42");

    assert!(board.interrupt().success());
    let written = std::fs::read(file).unwrap();
    for (sector, expected) in written.chunks(0x1000).zip(isrlab::firmware::FLASH_IMAGE.chunks(0x1000)).take(0x30) {
        assert!(sector == expected || expected.iter().all(|&byte| byte == 0xFF));
    }
}

#[test]
fn over_a_pseudo_terminal_an_image_file_is_written_and_started() {
    let folder = tempfile::tempdir().unwrap();
    let flash_path = flash_file(folder.path(), &[]);
    let board = VirtualBoard::start(&["--pty", "--download", "--fast", "--flash", &flash_path]);
    let app = folder.path().join("app.bin");
    std::fs::write(&app, esp_app()).unwrap();
    let said = succeed(&mut flash(folder.path(), &[&board], &[app.to_str().unwrap()]));
    assert!(said.contains("app.bin") && said.contains("verified"), "{said}");
    ask_until(&mut board.open(), b"?", ESP_APP_ECHO);
}

#[test]
fn an_image_for_another_chip_or_too_large_a_place_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (board, file) = attached(folder.path(), &esp_app());
    let before = std::fs::read(&file).unwrap();
    // The same image, marked as one for the ESP32-C6, without a hash that would give it away.
    let mut foreign = esp_app();
    foreign[12] = 13;
    foreign[23] = 0;
    let foreign_path = folder.path().join("c6.bin");
    std::fs::write(&foreign_path, foreign).unwrap();
    let said = refused(&mut flash(folder.path(), &[&board], &[foreign_path.to_str().unwrap()]));
    assert!(said.contains("esp32c6") && said.contains("[flash-wrong-chip]"), "{said}");

    let large = folder.path().join("large.bin");
    std::fs::write(&large, [0; 0x2000]).unwrap();
    let said = refused(&mut flash(folder.path(), &[&board], &[&format!("{}@0x3ff000", large.display())]));
    assert!(said.contains("[flash-too-small]"), "{said}");

    let said = refused(&mut flash(folder.path(), &[&board], &["no-such-file.bin"]));
    assert!(said.contains("[flash-image-unreadable]"), "{said}");

    assert!(board.interrupt().success());
    assert!(std::fs::read(&file).unwrap() == before, "the flash is untouched");
}

#[test]
fn several_boards_are_flashed_at_once_and_one_that_fails_spoils_no_other() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let (first, _) = attached(folders[0].path(), &[]);
    let (second, _) = attached(folders[1].path(), &[]);
    let data = folders[0].path().join("data.bin");
    std::fs::write(&data, [0x42; 10_000]).unwrap();
    let image = format!("{}@0x200000", data.display());
    let mut command = flash(folders[0].path(), &[&first, &second], &[&image]);
    command.args(["--board", "rfc2217://127.0.0.1:1"]);
    let Output { status, stdout, stderr } = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert!(!status.success());
    for board in [&first, &second] {
        assert!(stdout.lines().any(|line| line.contains(&board.port) && line.contains("verified")), "{stdout}");
    }
    assert!(stderr.contains("rfc2217://127.0.0.1:1") && stderr.contains("[port-unreachable]"), "{stderr}");
}

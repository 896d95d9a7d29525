//! MicroPython's own tool against a virtual board with the lesson firmware.

use crate::foreign::{python_tool, succeed};
use crate::virtual_board::{VirtualBoard, ask_until};

#[track_caller]
fn mpremote(board: &VirtualBoard, arguments: &[&str]) -> String {
    succeed(python_tool("mpremote").args(["connect", &board.port]).args(arguments))
}

/// Starts a board and waits for its prompt.
#[track_caller]
fn board_at_prompt(arguments: &[&str]) -> VirtualBoard {
    let board = VirtualBoard::start(arguments);
    ask_until(&mut board.open(), b"\r", ">>> ");
    board
}

#[test]
fn it_executes_evaluates_and_runs_files() {
    let board = board_at_prompt(&["--pty"]);
    let said = mpremote(&board, &["exec", "import sys; print(sys.implementation.name, 6 * 7)"]);
    assert_eq!(said.trim(), "micropython 42");
    assert_eq!(mpremote(&board, &["eval", "1 + 2"]).trim(), "3");
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program.py");
    std::fs::write(&program, "total = sum(range(10))\nprint('total', total)\n").unwrap();
    assert_eq!(mpremote(&board, &["run", program.to_str().unwrap()]).trim(), "total 45");
}

#[test]
fn it_copies_files_both_ways_and_they_outlive_a_power_cycle() {
    let folder = tempfile::tempdir().unwrap();
    let flash = folder.path().join("flash.bin");
    let (there, back) = (folder.path().join("there.bin"), folder.path().join("back.bin"));
    let contents: Vec<u8> = (0..5000u32).map(|n| ((n * 31) >> 3) as u8).collect();
    std::fs::write(&there, &contents).unwrap();

    let board = board_at_prompt(&["--pty", "--flash", flash.to_str().unwrap()]);
    mpremote(&board, &["cp", there.to_str().unwrap(), ":kept.bin"]);
    assert!(board.interrupt().success());

    let board = board_at_prompt(&["--pty", "--flash", flash.to_str().unwrap()]);
    mpremote(&board, &["cp", ":kept.bin", back.to_str().unwrap()]);
    assert_eq!(std::fs::read(back).unwrap(), contents);
}

#[test]
fn it_works_over_the_chips_own_usb_console_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let (there, back) = (folder.path().join("there.bin"), folder.path().join("back.bin"));
    // More than one packet of 64 bytes, and a last one that is full.
    let contents: Vec<u8> = (0..64 * 20u32).map(|n| (n * 7 % 251) as u8).collect();
    std::fs::write(&there, &contents).unwrap();
    let board = board_at_prompt(&["--pty", "--console", "usb"]);
    assert_eq!(mpremote(&board, &["eval", "6 * 7"]).trim(), "42");
    let there = there.to_str().unwrap();
    mpremote(&board, &["cp", there, ":kept.bin", "+", "cp", ":kept.bin", back.to_str().unwrap()]);
    assert_eq!(std::fs::read(back).unwrap(), contents);
    let long = mpremote(&board, &["exec", "for i in range(500): print('line', i)"]);
    assert_eq!((long.lines().count(), long.lines().last()), (500, Some("line 499")));
}

#[test]
fn a_soft_reset_forgets_names() {
    let board = board_at_prompt(&["--pty"]);
    mpremote(&board, &["exec", "kept = 1"]);
    assert_eq!(mpremote(&board, &["resume", "eval", "kept"]).trim(), "1");
    assert_eq!(mpremote(&board, &["soft-reset", "eval", "'kept' in globals()"]).trim(), "False");
}

//! The whole path of an attached board, on virtual boards that are attached as if they were hardware.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use ports::attached;
use ports::discovery::Named;
use serde_json::Value;
use workbench::session::{EndReason, RunEnd, RunOrder, SessionEvent};

use crate::foreign::{isrlab, python_tool, succeed};
use crate::virtual_board::{VirtualBoard, flash_file};

/// A tool that hangs does so for ever; one on a busy machine takes a while to begin.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);

#[track_caller]
fn json(command: &mut Command) -> Value {
    let said = succeed(command);
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
}

/// Lists it, runs L15 on it, stops a program on it.
#[track_caller]
fn use_it(board: &VirtualBoard) {
    let list = json(Command::new(isrlab()).args(["boards", "--json", "--board", &board.port]));
    let listed = list.as_array().unwrap().iter().find(|entry| entry["id"] == board.port.as_str()).unwrap();
    assert_eq!((&listed["kind"], &listed["state"]), (&"attached".into(), &"free".into()), "{list}");

    let answer = succeed(python_tool("mpremote").args(["connect", &board.port, "eval", "6 * 7"]));
    assert_eq!(answer.trim(), "42");

    let report = json(Command::new(isrlab()).args([
        "run",
        "lost-update",
        "--board",
        &board.port,
        "--seconds",
        // Short: on a busy machine the board may be slower than the clock on the wall, which limits the run.
        "1",
        "--json",
        "--set",
        "kind=hard",
        "--set",
        "rate=1000",
    ]));
    assert_eq!(report["why"], "finished", "{report}");
    assert_eq!(report["identity"], true, "{report}");
    assert!(report["sources"][0]["fired"].as_u64().unwrap() > 900, "{report}");

    let end = run_and_stop(board, "while True: pass\n");
    assert_eq!(end.why, EndReason::Stopped, "{end:?}");
    assert!(end.proven_still, "{end:?}");
}

fn flash_it(board: &VirtualBoard, folder: &Path) -> Command {
    let mut command = Command::new(isrlab());
    command.args(["flash", "--board", &board.port, "--data"]).arg(folder);
    command
}

/// Starts a program that never ends by itself, and stops it.
fn run_and_stop(board: &VirtualBoard, program: &str) -> RunEnd {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let named = Named { port: board.port.parse().unwrap(), product_id: None };
    let mut drive = attached::open(&named, runtime.handle()).unwrap();
    let now = workbench::line::Line::now(&drive.line);
    let order = RunOrder {
        run: 1,
        program: program.to_owned(),
        settings: Vec::new(),
        limit: Duration::ZERO,
        ..RunOrder::default()
    };
    drive.session.start(now, order).unwrap();
    let goal = now + Duration::from_secs(20);
    while drive.advance(goal).unwrap() {
        while let Some(event) = drive.session.next_event() {
            match event {
                SessionEvent::RunStarted(_) => drive.session.stop(workbench::line::Line::now(&drive.line)),
                SessionEvent::RunEnded(end) => return end,
                _ => {}
            }
        }
    }
    panic!("the run does not end");
}

/// `cargo xtask soak-cable` does it more often.
#[test]
fn whoever_opens_a_port_right_after_flashing_is_answered() {
    let rounds = std::env::var("ISRLAB_CONNECT_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1);
    for round in 0..rounds {
        let folder = tempfile::tempdir().unwrap();
        let flash = flash_file(folder.path(), &[]);
        let board = VirtualBoard::start(&["--pty", "--download", "--fast", "--flash", &flash]);
        succeed(&mut flash_it(&board, folder.path()));
        let began = Instant::now();
        let mut asked = python_tool("mpremote").args(["connect", &board.port, "eval", "6 * 7"]).spawn().unwrap();
        let answered = loop {
            match asked.try_wait().unwrap() {
                Some(status) => break status.success(),
                None if began.elapsed() > ANSWERED_WITHIN => break false,
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        if !answered {
            _ = asked.kill();
        }
        assert!(answered, "round {round}: no answer within {ANSWERED_WITHIN:?}");
        println!("round {round}: answered after {:?}", began.elapsed());
    }
}

#[test]
fn over_rfc2217_list_flash_console_run_stop_and_a_reflash_that_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let flash = flash_file(folder.path(), &[]);
    let board = VirtualBoard::start(&["--rfc2217", "127.0.0.1:0", "--fast", "--flash", &flash]);
    let said = succeed(&mut flash_it(&board, folder.path()));
    assert!(said.contains("verified"), "{said}");
    use_it(&board);
    let said = succeed(&mut flash_it(&board, folder.path()));
    assert!(said.contains("nothing written"), "{said}");
}

#[test]
fn over_a_pseudo_terminal_flash_list_console_run_stop_and_a_reflash_that_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let flash = flash_file(folder.path(), &[]);
    let board = VirtualBoard::start(&["--pty", "--download", "--fast", "--flash", &flash]);
    let said = succeed(&mut flash_it(&board, folder.path()));
    assert!(said.contains("verified"), "{said}");
    use_it(&board);
    // Without modem lines the firmware itself takes the chip to its download mode.
    let said = succeed(&mut flash_it(&board, folder.path()));
    assert!(said.contains("nothing written"), "{said}");
}

#[test]
fn a_board_without_the_lesson_firmware_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let flash = flash_file(folder.path(), &crate::foreign::esp_app());
    let board = VirtualBoard::start(&["--rfc2217", "127.0.0.1:0", "--flash", &flash]);
    let output = Command::new(isrlab()).args(["run", "lost-update", "--board", &board.port]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(said.contains("[board-busy]"), "{said}");
}

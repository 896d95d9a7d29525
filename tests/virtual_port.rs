//! `isrlab virtual` by itself: what it promises to scripts, and how it refuses.

use std::process::Command;
use std::time::Duration;

use crate::foreign::{ESP_APP_ECHO, ESP_APP_READY, esp_app, isrlab};
use crate::virtual_board::{VirtualBoard, ask_until, flash_file};

/// Runs `isrlab virtual` where it must refuse; returns its one sentence.
#[track_caller]
fn refusal(arguments: &[&str]) -> String {
    let output = Command::new(isrlab()).arg("virtual").args(arguments).output().unwrap();
    assert!(!output.status.success());
    assert!(output.stdout.is_empty(), "no port is promised: {:?}", String::from_utf8_lossy(&output.stdout));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

#[test]
fn a_flash_file_that_does_not_fit_is_refused_and_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flash.bin");
    std::fs::write(&path, b"not a flash").unwrap();
    let said = refusal(&["--flash", path.to_str().unwrap()]);
    assert!(said.contains("has 11 bytes") && said.contains("4194304"), "{said}");
    assert_eq!(std::fs::read(&path).unwrap(), b"not a flash");

    let said = refusal(&["--flash", folder.path().to_str().unwrap()]);
    assert!(said.contains("cannot read the flash file"), "{said}");
}

#[test]
fn a_port_in_use_is_told_in_one_sentence() {
    let first = VirtualBoard::start(&["--rfc2217", "127.0.0.1:0"]);
    let address = first.port.strip_prefix("rfc2217://").unwrap();
    let said = refusal(&["--rfc2217", address]);
    assert!(said.contains(address) && said.contains("in use"), "{said}");
}

#[test]
fn a_new_flash_file_holds_what_the_board_had_when_it_was_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.bin");
    let board = VirtualBoard::start(&["--flash", path.to_str().unwrap()]);
    assert!(board.interrupt().success());
    let saved = std::fs::read(&path).unwrap();
    assert!(saved.len() == 4 << 20 && saved.starts_with(&isrlab::firmware::FLASH_IMAGE[..0x1000]));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn a_board_whose_program_waits_costs_next_to_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let board = VirtualBoard::start(&["--pty", "--flash", &flash_file(folder.path(), &esp_app())]);
    let mut port = board.open();
    ask_until(&mut port, b"?", ESP_APP_ECHO);
    drop(port);
    std::thread::sleep(Duration::from_millis(600));
    let before = processor_time_ms(board.id());
    std::thread::sleep(Duration::from_secs(3));
    let used_ms = processor_time_ms(board.id()) - before;
    assert!(used_ms <= 30, "{used_ms} ms of 3 s");
}

#[test]
fn the_download_mode_is_left_by_the_next_reset() {
    let folder = tempfile::tempdir().unwrap();
    let flash = flash_file(folder.path(), &esp_app());
    let board = VirtualBoard::start(&["--rfc2217", "127.0.0.1:0", "--download", "--flash", &flash]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut line = ports::serial::SerialLine::open(&board.port.parse().unwrap(), 115_200, None).await.unwrap();
        assert!(line.reset_into_flash().await.unwrap());
        let mut said = String::new();
        while !said.contains(ESP_APP_READY) {
            let more = tokio::time::timeout(Duration::from_secs(20), line.read()).await.expect(&said).unwrap();
            said.push_str(&String::from_utf8_lossy(&more));
        }
        assert!(said.contains("ESP-ROM:esp32c3"), "{said}");
    });
}

/// User and system time of a process, in milliseconds (Linux: in ticks of 10 ms).
fn processor_time_ms(id: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    (fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()) * 10
}

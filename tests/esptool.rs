//! Espressif's own flashing tool against a virtual board.

use std::path::Path;
use std::time::Duration;

use ports::serial::SerialLine;

use crate::foreign::{ESP_APP_ECHO, esp_app, python_tool, succeed};
use crate::virtual_board::{VirtualBoard, ask_until, flash_file};

struct Esptool<'a> {
    board: &'a VirtualBoard,
    before: &'static str,
}

impl Esptool<'_> {
    #[track_caller]
    fn run(&self, after: &str, baud: u32, arguments: &[&str]) -> String {
        succeed(
            python_tool("esptool")
                .args(["--port", &self.board.port, "--baud", &baud.to_string()])
                .args(["--before", self.before, "--after", after])
                .args(arguments),
        )
    }
}

/// Bytes that no compression makes smaller.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1Du64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

fn file(folder: &Path, name: &str, contents: &[u8]) -> String {
    let path = folder.join(name);
    std::fs::write(&path, contents).unwrap();
    path.into_os_string().into_string().unwrap()
}

#[test]
fn over_a_pseudo_terminal_it_detects_erases_writes_verifies_reads_back_and_boots() {
    let folder = tempfile::tempdir().unwrap();
    let flash = flash_file(folder.path(), &noise(0x2_0000));
    let board = VirtualBoard::start(&["--pty", "--download", "--fast", "--flash", &flash]);
    let esptool = Esptool { board: &board, before: "no-reset" };

    let said = esptool.run("no-reset", 115_200, &["flash-id"]);
    assert!(said.contains("Chip type:          ESP32-C3"), "{said}");
    assert!(said.contains("Detected flash size: 4MB"), "{said}");

    esptool.run("no-reset", 115_200, &["erase-flash"]);

    // Without the stub: the ROM's own commands.
    let data = noise(10_000);
    let written = file(folder.path(), "data.bin", &data);
    let said = esptool.run("no-reset", 115_200, &["--no-stub", "write-flash", "0x200000", &written]);
    assert!(said.contains("Hash of data verified"), "{said}");

    let app = file(folder.path(), "app.bin", &esp_app());
    let said = esptool.run("no-reset", 921_600, &["write-flash", "0", &app]);
    assert!(said.contains("Stub flasher") && said.contains("Hash of data verified"), "{said}");
    let said = esptool.run("no-reset", 921_600, &["verify-flash", "0", &app]);
    assert!(said.contains("Verification successful"), "{said}");

    let back = folder.path().join("back.bin");
    // The watchdog's reset samples the strapping pins again: what was written boots.
    esptool.run("watchdog-reset", 921_600, &["read-flash", "0x1ff000", "0x4000", back.to_str().unwrap()]);
    let back = std::fs::read(back).unwrap();
    assert!(back[..0x1000].iter().all(|&byte| byte == 0xFF), "erased before");
    assert!(back[0x1000..].starts_with(&data), "written without the stub");
    ask_until(&mut board.open(), b"?", ESP_APP_ECHO);
}

#[test]
fn over_rfc2217_its_own_reset_sequence_writes_verifies_and_boots() {
    let folder = tempfile::tempdir().unwrap();
    let flash = flash_file(folder.path(), &[]);
    let board = VirtualBoard::start(&["--rfc2217", "127.0.0.1:0", "--fast", "--flash", &flash]);
    let esptool = Esptool { board: &board, before: "default-reset" };
    let app = file(folder.path(), "app.bin", &esp_app());
    let said = esptool.run("hard-reset", 921_600, &["write-flash", "--erase-all", "0", &app]);
    assert!(said.contains("Chip type:          ESP32-C3"), "{said}");
    assert!(said.contains("Stub flasher running") && said.contains("Hash of data verified"), "{said}");
    assert_boots(&board);
}

#[test]
fn over_rfc2217_it_writes_without_its_stub_and_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    let flash = flash_file(folder.path(), &esp_app());
    let board = VirtualBoard::start(&["--rfc2217", "127.0.0.1:0", "--fast", "--flash", &flash]);
    let esptool = Esptool { board: &board, before: "default-reset" };
    let data = noise(4000);
    let written = file(folder.path(), "data.bin", &data);
    let said = esptool.run("no-reset", 115_200, &["--no-stub", "write-flash", "0x200000", &written]);
    assert!(said.contains("Hash of data verified"), "{said}");
    let back = folder.path().join("back.bin");
    esptool.run("hard-reset", 115_200, &["read-flash", "0x200000", "4000", back.to_str().unwrap()]);
    assert_eq!(std::fs::read(back).unwrap(), data);
    assert_boots(&board);
}

/// The application runs: it answers over the network port.
#[track_caller]
fn assert_boots(board: &VirtualBoard) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut line = SerialLine::open(&board.port.parse().unwrap(), 115_200, None).await.unwrap();
        let mut said = String::new();
        for _ in 0..50 {
            line.write_all(b"?").await.unwrap();
            if let Ok(more) = tokio::time::timeout(Duration::from_millis(400), line.read()).await {
                said.push_str(&String::from_utf8_lossy(&more.unwrap()));
            }
            if said.contains(ESP_APP_ECHO) {
                return;
            }
        }
        panic!("{said}");
    });
}

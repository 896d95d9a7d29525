//! The espflash library against a virtual board, through the serial port it opens itself.

use std::time::Duration;

use espflash::connection::{Connection, ResetAfterOperation, ResetBeforeOperation};
use espflash::flasher::{FlashSize, Flasher};
use espflash::target::{Chip, DefaultProgressCallback};
use serialport::UsbPortInfo;

use crate::foreign::{ESP_APP_ECHO, esp_app};
use crate::virtual_board::{VirtualBoard, ask_until, flash_file};

fn connect(board: &VirtualBoard, stub: bool, baud: Option<u32>) -> Flasher {
    let usb = UsbPortInfo {
        vid: 0,
        pid: 0,
        serial_number: None,
        manufacturer: None,
        product: None,
        interface: None,
        location: None,
    };
    let port = serialport::new(&board.port, 115_200).timeout(Duration::from_secs(3)).open_native().unwrap();
    // A pseudo-terminal has no modem lines: the library cannot reset the chip.
    let connection =
        Connection::new(port, usb, ResetAfterOperation::NoResetNoStub, ResetBeforeOperation::NoReset, 115_200);
    Flasher::connect(connection, stub, true, false, Some(Chip::Esp32c3), baud).unwrap()
}

#[test]
fn over_a_pseudo_terminal_it_detects_erases_writes_verifies_reads_back_and_boots() {
    let folder = tempfile::tempdir().unwrap();
    let flash = flash_file(folder.path(), &[0; 0x2000]);
    let board = VirtualBoard::start(&["--pty", "--download", "--fast", "--flash", &flash]);
    let app = esp_app();
    let back = folder.path().join("back.bin");

    let mut flasher = connect(&board, true, Some(921_600));
    let info = flasher.device_info().unwrap();
    assert_eq!((info.chip, info.flash_size), (Chip::Esp32c3, FlashSize::_4Mb));
    flasher.erase_flash().unwrap();
    flasher.write_bin_to_flash(0, &app, &mut DefaultProgressCallback).unwrap();
    flasher.read_flash(0, 0x4000, 0x1000, 64, back.clone()).unwrap();
    assert_eq!(std::fs::read(&back).unwrap(), app[..0x4000]);

    flasher.chip().rtc_wdt_reset(flasher.connection()).unwrap();
    drop(flasher);
    ask_until(&mut board.open(), b"?", ESP_APP_ECHO);
}

#[test]
fn without_its_stub_it_writes_verifies_and_boots_by_the_roms_own_commands() {
    let folder = tempfile::tempdir().unwrap();
    let flash = flash_file(folder.path(), &[]);
    let board = VirtualBoard::start(&["--pty", "--download", "--fast", "--flash", &flash]);
    let mut flasher = connect(&board, false, None);
    // The C3's ROM refuses FLASH_END on silicon too (espressif/esp-serial-flasher, issue 76), once all is verified, and
    // leaves its loader. So the boot takes a power cycle.
    if let Err(error) = flasher.write_bin_to_flash(0, &esp_app(), &mut DefaultProgressCallback) {
        assert!(format!("{error:?}").contains("command: FlashEnd"), "{error:?}");
    }
    drop(flasher);
    assert!(board.interrupt().success());
    assert!(std::fs::read(&flash).unwrap().starts_with(&esp_app()));
    let board = VirtualBoard::start(&["--pty", "--flash", &flash]);
    ask_until(&mut board.open(), b"?", ESP_APP_ECHO);
}

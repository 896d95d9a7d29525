//! From power-on to an application.

use emulator::rom::{FlashMode, Rom};
use emulator::{Config, Machine, Port, ResetCause, Strapping};

use crate::image::{bootable, prints};
use crate::{esp_app, run_until_printed};

#[test]
fn blank_flash_loops_through_the_watchdog_reset() {
    let mut machine = Machine::new(Config::default());
    let printed = run_until_printed(&mut machine, "invalid header: 0xffffffff", 100);
    assert!(printed.starts_with("ESP-ROM:esp32c3-api1-20210207\r\n"), "{printed}");
    assert!(printed.contains("rst:0x1 (POWERON),boot:0xc (SPI_FAST_FLASH_BOOT)"), "{printed}");
    for _ in 0..2 {
        // The saved program counter is where the ROM stood when the watchdog bit.
        let printed = run_until_printed(&mut machine, "Saved PC:0x400", 2000);
        assert!(printed.contains("rst:0x7 (TG0WDT_SYS_RST),boot:0xc (SPI_FAST_FLASH_BOOT)"), "{printed}");
        assert_eq!(machine.reset_cause(), ResetCause::MainWatchdog0System);
    }
}

#[test]
fn strapping_selects_download_mode_which_no_watchdog_ends() {
    let mut machine = Machine::new(Config { strapping: Strapping::DownloadMode, ..Config::default() });
    let printed = run_until_printed(&mut machine, "waiting for download", 100);
    assert!(printed.contains("boot:0x4 (DOWNLOAD(USB/UART0/1))"), "{printed}");
    machine.run_for(2000 * crate::MILLISECOND);
    assert_eq!(machine.uart_take_output(Port::Uart0).trim_ascii(), b"");
    assert_eq!(machine.reset_cause(), ResetCause::PowerOn);
}

#[test]
fn newer_roms_boot_both_bootloaders_to_an_application() {
    for rom in [Rom::esp32c3_rev3(), Rom::esp32c3_rev101()] {
        for mode in [FlashMode::Dio, FlashMode::Qio] {
            let flash = bootable(mode, &prints("hello from flash", &[]));
            let mut machine = Machine::new(Config { rom, flash, ..Config::default() });
            let printed = run_until_printed(&mut machine, "hello from flash", 500);
            let revision = rom.revision();
            let line = format!("chip revision: v{}.{}", revision.major, revision.minor);
            assert!(printed.contains(&line), "{rom:?} {mode:?}:\n{printed}");
            let mode_line = if mode == FlashMode::Dio { "SPI Mode       : DIO" } else { "SPI Mode       : " };
            assert!(printed.contains(mode_line), "{rom:?} {mode:?}:\n{printed}");
        }
    }
}

#[test]
fn the_first_chips_boot_and_are_refused_by_todays_bootloader() {
    let flash = bootable(FlashMode::Dio, &prints("hello from flash", &[]));
    let mut machine = Machine::new(Config { rom: Rom::esp32c3_rev0(), flash, ..Config::default() });
    run_until_printed(&mut machine, "chip revision check failed. Required >= v0.3, found v0.0.", 500);
    run_until_printed(&mut machine, "rst:0x3 (RTC_SW_SYS_RST)", 500);
}

#[test]
fn an_unmodified_esp_hal_application_boots() {
    let mut machine = Machine::new(Config { flash: esp_app(), ..Config::default() });
    let printed = run_until_printed(&mut machine, "esp-app: ready", 1000);
    assert!(printed.contains("Loaded app from partition at offset 0x10000"), "{printed}");
}

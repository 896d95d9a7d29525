//! The real mask ROM and bootloader, run as a user of the crate runs them.

use emulator::bus::{TICKS_PER_SECOND, Tick};
use emulator::{Config, EngineKind, FlashImage, Machine, Port, ResetCause, Stop, Stops, Strapping};

const MILLISECOND: Tick = TICKS_PER_SECOND / 1000;

/// Runs until UART0 has printed `text`, at most `milliseconds` of virtual time; returns everything
/// printed meanwhile.
#[track_caller]
fn run_until_printed(machine: &mut Machine, text: &str, milliseconds: u64) -> String {
    let mut printed = String::new();
    for _ in 0..milliseconds {
        assert_eq!(machine.run_for(MILLISECOND), Stop::Deadline, "{printed}");
        printed.push_str(&String::from_utf8_lossy(&machine.uart_take_output(Port::Uart0)));
        if printed.contains(text) {
            return printed;
        }
    }
    panic!("`{text}` was not printed within {milliseconds} ms:\n{printed}");
}

#[test]
fn blank_flash_loops_through_the_watchdog_reset() {
    let mut machine = Machine::new(Config::default());
    let printed = run_until_printed(&mut machine, "invalid header: 0xffffffff", 100);
    assert!(printed.starts_with("ESP-ROM:esp32c3-api1-20210207\r\n"), "{printed}");
    assert!(printed.contains("rst:0x1 (POWERON),boot:0xc (SPI_FAST_FLASH_BOOT)"), "{printed}");
    for _ in 0..2 {
        run_until_printed(&mut machine, "rst:0x7 (TG0WDT_SYS_RST),boot:0xc (SPI_FAST_FLASH_BOOT)", 2000);
        assert_eq!(machine.reset_cause(), ResetCause::MainWatchdog0System);
    }
}

#[test]
fn strapping_selects_download_mode() {
    let mut machine = Machine::new(Config { strapping: Strapping::DownloadMode, ..Config::default() });
    let printed = run_until_printed(&mut machine, "waiting for download", 100);
    assert!(printed.contains("boot:0x4 (DOWNLOAD(USB/UART0/1))"), "{printed}");
}

#[test]
fn both_engines_agree_on_the_boot() {
    let machine = |engine| {
        let mut machine = Machine::new(Config { flash: FlashImage::blank(), engine, ..Config::default() });
        machine.set_stops(Stops { on_reset: true, ..Stops::default() });
        machine
    };
    let (mut plain, mut block) = (machine(EngineKind::Plain), machine(EngineKind::Block));
    for step in 0..60 {
        let count = 7919 * (step % 7 + 1);
        assert_eq!(plain.run_instructions(count), block.run_instructions(count));
        assert_eq!(plain.ticks(), block.ticks());
        assert_eq!(plain.state_hash(), block.state_hash(), "step {step}");
    }
}

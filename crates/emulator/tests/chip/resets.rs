//! Every way to be reset, with its cause and what survives.

use emulator::bus::TICKS_PER_SECOND;
use emulator::{Config, Machine, ResetCause, Stop, Stops, Strapping};

use crate::image::{first_stage, pokes};
use crate::{MILLISECOND, run_until_printed};

const RTC_OPTIONS0: u32 = 0x6000_8000;
const RTC_STORE0: u32 = 0x6000_8050;
const RTC_WDTCONFIG0: u32 = 0x6000_8090;
const RTC_WDTCONFIG1: u32 = 0x6000_8094;
const RTC_WDTWPROTECT: u32 = 0x6000_80A8;
const TIMG0: u32 = 0x6001_F000;
const TIMG1: u32 = 0x6002_0000;
const WDT_WKEY: u32 = 0x50D8_3AA1;

/// Code that switches the flash-boot protection off, so that only what it does next resets.
const UNPROTECTED: [(u32, u32); 4] =
    [(TIMG0 + 0x64, WDT_WKEY), (TIMG0 + 0x48, 0), (RTC_WDTWPROTECT, WDT_WKEY), (RTC_WDTCONFIG0, 0)];

/// Runs a first stage that pokes registers and expects the reset that follows.
#[track_caller]
fn check(after: &[(u32, u32)], cause: ResetCause, printed: &str) -> Machine {
    let code = pokes(&[&UNPROTECTED, after].concat());
    let mut machine = Machine::new(Config { flash: first_stage(&code), ..Config::default() });
    machine.set_stops(Stops { on_reset: true, ..Stops::default() });
    assert_eq!(machine.run_for(3 * TICKS_PER_SECOND), Stop::Reset(cause));
    machine.set_stops(Stops::default());
    run_until_printed(&mut machine, printed, 50);
    machine
}

#[test]
fn software_resets() {
    check(&[(RTC_OPTIONS0, 1 << 31)], ResetCause::SoftwareSystem, "rst:0x3 (RTC_SW_SYS_RST)");
    check(&[(RTC_OPTIONS0, 1 << 5)], ResetCause::SoftwareCpu, "rst:0xc (RTC_SW_CPU_RST)");
}

#[test]
fn main_watchdog_resets() {
    // Stage 0 after 100,000 cycles; bit 13 lets the CPU reset reach the CPU.
    let watchdog = |group: u32, action: u32| {
        [
            (group + 0x64, WDT_WKEY),
            (group + 0x4C, 1 << 16),
            (group + 0x50, 100_000),
            (group + 0x48, 1 << 31 | action << 29 | 1 << 13),
        ]
    };
    check(&watchdog(TIMG0, 3), ResetCause::MainWatchdog0System, "rst:0x7 (TG0WDT_SYS_RST)");
    check(&watchdog(TIMG1, 3), ResetCause::MainWatchdog1System, "rst:0x8 (TG1WDT_SYS_RST)");
    check(&watchdog(TIMG0, 2), ResetCause::MainWatchdog0Cpu, "rst:0xb (TG0WDT_CPU_RST)");
    check(&watchdog(TIMG1, 2), ResetCause::MainWatchdog1Cpu, "rst:0x11 (TG1WDT_CPU_RST)");
}

#[test]
fn rtc_watchdog_resets() {
    let watchdog = |action: u32| [(RTC_WDTCONFIG1, 1000), (RTC_WDTCONFIG0, 1 << 31 | action << 28 | 1 << 11)];
    check(&watchdog(2), ResetCause::RtcWatchdogCpu, "rst:0xd (RTCWDT_CPU_RST)");
    check(&watchdog(3), ResetCause::RtcWatchdogSystem, "rst:0x9 (RTCWDT_SYS_RST)");
    check(&watchdog(4), ResetCause::RtcWatchdogChip, "rst:0x10 (RTCWDT_RTC_RST)");
}

#[test]
fn store_registers_survive_all_but_a_chip_reset() {
    let store = |machine: &Machine| machine.peek(RTC_STORE0, 4);
    let kept = check(&[(RTC_STORE0, 0x1234_5678), (RTC_OPTIONS0, 1 << 31)], ResetCause::SoftwareSystem, "rst:0x3");
    assert_eq!(store(&kept), 0x1234_5678_u32.to_le_bytes());
    let mut machine = kept;
    machine.reset(ResetCause::PowerOn);
    assert_eq!(store(&machine), [0; 4]);
}

#[test]
fn software_can_ask_for_download_mode() {
    const RTC_OPTION1: u32 = 0x6000_80F4;
    let printed = "boot:0x4 (DOWNLOAD(USB/UART0/1))";
    check(&[(RTC_OPTION1, 1), (RTC_OPTIONS0, 1 << 31)], ResetCause::SoftwareSystem, printed);
}

#[test]
fn the_serial_lines_work_the_reset_circuit() {
    let mut machine = Machine::new(Config::default());
    run_until_printed(&mut machine, "invalid header", 100);
    // The classic sequence of esptool: EN low, then GPIO9 low while EN rises.
    machine.set_serial_lines(false, true);
    let held_at = machine.instructions();
    machine.run_for(100 * MILLISECOND);
    assert_eq!(machine.instructions(), held_at, "held in reset");
    machine.set_serial_lines(true, true);
    machine.run_for(MILLISECOND);
    machine.set_serial_lines(true, false);
    run_until_printed(&mut machine, "boot:0x4 (DOWNLOAD(USB/UART0/1))", 100);
    // A reset without GPIO9 boots from flash again.
    machine.set_serial_lines(false, true);
    machine.run_for(MILLISECOND);
    machine.set_serial_lines(false, false);
    run_until_printed(&mut machine, "rst:0x1 (POWERON),boot:0xc (SPI_FAST_FLASH_BOOT)", 100);
    assert_eq!(machine.reset_cause(), ResetCause::PowerOn);
    // Both lines together, as many programs leave them when they open a port, do nothing.
    let before = machine.instructions();
    machine.set_serial_lines(true, true);
    machine.run_for(MILLISECOND);
    assert!(machine.instructions() > before);
}

#[test]
fn a_held_chip_costs_nothing_and_tells_its_next_event() {
    let mut machine = Machine::new(Config::default());
    machine.set_serial_lines(false, true);
    assert!(machine.is_waiting());
    assert_eq!(machine.next_event(), None);
    assert_eq!(machine.run_instructions(10), Stop::Idle);
    machine.set_serial_lines(false, false);
    let rises = machine.next_event().unwrap();
    assert_eq!(machine.run_until(rises - 1), Stop::Deadline);
    assert_eq!(machine.instructions(), 0);
    machine.run_until(rises + 1000);
    assert!(machine.instructions() > 0);
}

#[test]
fn a_power_cycle_clears_ram_and_keeps_flash() {
    let code = pokes(&[&UNPROTECTED[..], &[(0x3FC9_0000, 0xDEAD_BEEF)]].concat());
    let mut machine = Machine::new(Config { flash: first_stage(&code), ..Config::default() });
    machine.run_for(100 * MILLISECOND);
    assert_eq!(machine.peek(0x3FC9_0000, 4), 0xDEAD_BEEF_u32.to_le_bytes());
    let flash = machine.flash().clone();
    machine.power_cycle();
    assert_eq!(machine.peek(0x3FC9_0000, 4), [0; 4]);
    assert_eq!(*machine.flash(), flash);
    machine.set_strapping(Strapping::DownloadMode);
    machine.power_cycle();
    run_until_printed(&mut machine, "waiting for download", 100);
}

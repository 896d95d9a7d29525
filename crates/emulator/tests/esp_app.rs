//! A plain esp-hal application (`tests/esp-app`), unmodified, on the whole board.
//!
//! Nothing in it knows the emulator, so what it sees is what any program for the chip sees: the
//! mask ROM, the bootloader, the HAL's set-up of clocks, watchdogs and the interrupt matrix.

#![allow(clippy::panic, reason = "a test's helper ends the test")]

use std::path::Path;

use emulator::bus::{TICKS_PER_SECOND, Tick};
use emulator::{Config, EngineKind, FlashImage, Machine, Port, ResetCause, Stop, Strapping};
use object::{Object as _, ObjectSymbol as _};

const MILLISECOND: Tick = TICKS_PER_SECOND / 1000;
/// From power-on to the application's greeting, with much to spare.
const BOOT_MS: u64 = 2000;

/// A file of the application's build.
fn build_output(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/firmware").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask esp-app` first", path.display()))
}

/// The flash with bootloader, partition table and the application.
fn flash() -> FlashImage {
    FlashImage::from_bytes(&build_output("esp-app-esp32c3.bin")).expect("a 4 MB image")
}

/// Where the application's `main` begins and ends, as its ELF file says.
fn main_function() -> (u32, u32) {
    let elf = build_output("esp-app-esp32c3.elf");
    let elf = object::File::parse(&*elf).expect("an ELF file");
    let main = elf.symbols().find(|symbol| symbol.name() == Ok("main")).expect("a symbol for main");
    (main.address() as u32, (main.address() + main.size()) as u32)
}

/// The board and all that it has printed on UART0.
struct Board {
    machine: Machine,
    printed: String,
    /// Where in `printed` the next answer begins.
    answered: usize,
}

impl Board {
    fn new(engine: EngineKind) -> Self {
        let config = Config { flash: flash(), engine, ..Config::default() };
        Self { machine: Machine::new(config), printed: String::new(), answered: 0 }
    }

    /// A board whose application waits for commands.
    fn ready() -> Self {
        let mut board = Self::new(EngineKind::Block);
        board.expect("esp-app: ready", BOOT_MS);
        board
    }

    /// Runs until `text` has been printed after the last answer; returns everything up to it.
    #[track_caller]
    fn expect(&mut self, text: &str, milliseconds: u64) -> String {
        for _ in 0..milliseconds {
            if let Some(at) = self.printed[self.answered..].find(text) {
                let begin = self.answered;
                self.answered = begin + at + text.len();
                return self.printed[begin..self.answered].to_owned();
            }
            let stop = self.machine.run_for(MILLISECOND);
            assert!(matches!(stop, Stop::Deadline | Stop::Idle), "{stop:?} after:\n{}", self.printed);
            self.printed.push_str(&String::from_utf8_lossy(&self.machine.uart_take_output(Port::Uart0)));
        }
        panic!("`{text}` was not printed within {milliseconds} ms:\n{}", &self.printed[self.answered..]);
    }

    fn send(&mut self, bytes: &[u8]) {
        assert_eq!(self.machine.uart_write(Port::Uart0, bytes), bytes.len());
    }

    /// Sends one command and checks its answer.
    #[track_caller]
    fn check(&mut self, command: u8, answer: &str) {
        self.send(&[command]);
        self.expect(answer, 500);
    }

    /// Sends a timer's command and checks how long its alarms took.
    #[track_caller]
    fn check_timer(&mut self, command: u8, answer: &str, expected_us: u64) {
        self.send(&[command]);
        self.expect(answer, 500);
        let rest = self.expect(" us", 100);
        let elapsed_us: u64 = rest.trim_end_matches(" us").trim().parse().expect("a number of microseconds");
        // The last alarm cannot come early, and a handler takes well under 100 us.
        assert!((expected_us..expected_us + 100).contains(&elapsed_us), "{answer} {elapsed_us} us");
    }
}

#[test]
fn the_rom_and_the_bootloader_start_it() {
    let mut board = Board::new(EngineKind::Block);
    let boot = board.expect("esp-app: ready", BOOT_MS);
    assert!(boot.contains("ESP-ROM:esp32c3-api1-20210207"), "{boot}");
    assert!(boot.contains("SPI_FAST_FLASH_BOOT"), "{boot}");
    assert!(boot.contains("2nd stage bootloader"), "{boot}");
    assert!(boot.contains("reset reason: ChipPowerOn"), "{boot}");
}

#[test]
fn alarms_of_both_timers_come_on_time() {
    let mut board = Board::ready();
    board.check_timer(b'a', "systimer: 10 alarms in ", 10_000);
    board.check_timer(b't', "timg0: 5 alarms in ", 10_000);
}

#[test]
fn every_byte_on_uart0_raises_its_interrupt() {
    let mut board = Board::ready();
    board.send(b"\0\x41\xff");
    for byte in ["0x00", "0x41", "0xff"] {
        board.expect(&format!("uart0: received {byte}"), 100);
    }
    // A burst: the receive FIFO holds what arrives while the handler runs.
    board.send(&[b'x'; 40]);
    for _ in 0..40 {
        board.expect("uart0: received 0x78", 100);
    }
}

#[test]
fn a_pin_hears_its_own_edges_and_those_from_outside() {
    let mut board = Board::ready();
    board.check(b'g', "gpio6: 8 edges");
    board.check(b'e', "gpio5: 0 rising edges");
    for _ in 0..3 {
        for level in [true, false] {
            board.machine.set_pin(5, level);
            board.machine.run_for(MILLISECOND);
        }
    }
    board.check(b'e', "gpio5: 3 rising edges");
}

#[test]
fn a_level_interrupt_waits_for_its_level() {
    let mut board = Board::ready();
    board.machine.set_pin(4, true);
    board.check(b'l', "gpio4: waiting");
    board.machine.run_for(50 * MILLISECOND);
    let early = String::from_utf8_lossy(&board.machine.uart_take_output(Port::Uart0)).into_owned();
    assert_eq!(early.trim(), "", "the pin is still high");
    board.machine.set_pin(4, false);
    board.expect("gpio4: low level", 100);
}

#[test]
fn a_software_interrupt_waits_until_it_is_unmasked() {
    let mut board = Board::ready();
    for _ in 0..3 {
        board.check(b's', "software interrupt: 0 while masked, 1 after");
    }
}

#[test]
fn a_software_reset_is_told_apart_from_power_on() {
    let mut board = Board::ready();
    board.send(b"r");
    let boot = board.expect("esp-app: ready", BOOT_MS);
    assert!(boot.contains("reset reason: CoreSw"), "{boot}");
    assert_eq!(board.machine.reset_cause(), ResetCause::SoftwareSystem);
    board.machine.power_cycle();
    let boot = board.expect("esp-app: ready", BOOT_MS);
    assert!(boot.contains("reset reason: ChipPowerOn"), "{boot}");
}

#[test]
fn a_panic_prints_where_it_was_and_its_callers() {
    let mut board = Board::ready();
    board.send(b"p");
    let panic = board.expect("requested by the host", 500);
    assert!(panic.contains("src/main.rs"), "{panic}");
    board.expect("Backtrace:", 100);
    board.expect("0x42", 100);
    let frame = board.expect("\n", 100);
    let frame = u32::from_str_radix(&format!("42{}", frame.trim()), 16).expect("an address");
    let (begin, end) = main_function();
    assert!((begin..end).contains(&frame), "{frame:#x} is not in main, {begin:#x}..{end:#x}");
}

#[test]
fn the_console_can_be_left_to_download_mode_and_back() {
    let mut board = Board::ready();
    board.machine.set_strapping(Strapping::DownloadMode);
    board.machine.power_cycle();
    board.expect("waiting for download", BOOT_MS);
    board.machine.set_strapping(Strapping::FlashBoot);
    board.machine.power_cycle();
    board.expect("esp-app: ready", BOOT_MS);
}

#[test]
fn both_engines_agree_from_power_on_through_every_interrupt() {
    let (mut plain, mut block) = (Board::new(EngineKind::Plain), Board::new(EngineKind::Block));
    // Boot and application alternate between calls of odd lengths.
    for step in 0..160_u64 {
        let commands = [b"a".as_slice(), b"g", b"s", b"xyz"];
        for board in [&mut plain, &mut block] {
            if step >= 100 && step % 7 == 0 {
                board.send(commands[step as usize / 7 % commands.len()]);
                board.machine.set_pin(5, step % 2 == 0);
            }
            board.machine.run_for(MILLISECOND * 2 + step * 7919);
        }
        assert_eq!(plain.machine.ticks(), block.machine.ticks(), "step {step}");
        assert_eq!(plain.machine.instructions(), block.machine.instructions(), "step {step}");
        assert_eq!(plain.machine.state_hash(), block.machine.state_hash(), "step {step}");
        assert_eq!(
            plain.machine.uart_take_output(Port::Uart0),
            block.machine.uart_take_output(Port::Uart0),
            "step {step}"
        );
    }
}

#[test]
fn a_restored_snapshot_and_a_fork_go_on_alike() {
    let mut board = Board::ready();
    let snapshot = board.machine.snapshot();
    let mut fork = board.machine.fork();
    let run = |machine: &mut Machine| {
        machine.uart_write(Port::Uart0, b"agst");
        machine.run_for(100 * MILLISECOND);
        (machine.state_hash(), String::from_utf8_lossy(&machine.uart_take_output(Port::Uart0)).into_owned())
    };
    let first = run(&mut board.machine);
    assert!(first.1.contains("systimer: 10 alarms"), "{}", first.1);
    assert_eq!(run(&mut fork), first);
    board.machine.restore(&snapshot);
    assert_eq!(run(&mut board.machine), first);
}

#[test]
fn the_input_log_replays_a_session_exactly() {
    let mut board = Board::new(EngineKind::Block);
    board.machine.start_input_log();
    board.expect("esp-app: ready", BOOT_MS);
    board.check(b'g', "gpio6: 8 edges");
    board.machine.set_pin(5, true);
    board.machine.run_for(12_345);
    board.check(b'e', "gpio5: 1 rising edges");
    let log = board.machine.input_log().expect("it was started").clone();

    let mut again = Board::new(EngineKind::Plain);
    again.machine.replay(&log, board.machine.ticks());
    assert_eq!(again.machine.state_hash(), board.machine.state_hash());
}

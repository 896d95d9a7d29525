//! MicroPython as micropython.org publishes it, on the virtual chip: it stays up, and what its programs do with PWM, RMT,
//! NeoPixels, I2C, SPI and both sleeps happens on the pins at the right ticks.
//!
//! The images are no part of the project. Their folder is in `ISRLAB_OFFICIAL_IMAGES`, by default `../shared/images`
//! beside the repository; any image for the ESP32-C3 may lie there, and where none does the tests say so and pass.

use std::hash::Hasher;
use std::path::PathBuf;

use emulator::bus::{TICKS_PER_SECOND, Tick};
use emulator::pins::{I2cPort, I2cTarget, SpiMode, SpiPort, SpiTarget};
use emulator::{Config, Drive, FlashImage, Machine, PinEvent, Port, ResetCause};

const DOWNLOADS: &str = "https://micropython.org/download/ESP32_GENERIC_C3/";
const FLASH_BYTES: usize = 4 << 20;
const MILLISECOND: Tick = TICKS_PER_SECOND / 1000;
const MICROSECOND: Tick = TICKS_PER_SECOND / 1_000_000;

/// The images there are, by file name.
fn images() -> Vec<(String, FlashImage)> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/images");
    let folder = std::env::var_os("ISRLAB_OFFICIAL_IMAGES").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let mut images: Vec<(String, FlashImage)> = std::fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let mut bytes = std::fs::read(&path).ok().filter(|_| path.extension().is_some_and(|end| end == "bin"))?;
            bytes.resize(FLASH_BYTES, 0xFF);
            let name = path.file_name()?.to_string_lossy().into_owned();
            Some((name, FlashImage::from_bytes(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))))
        })
        .collect();
    images.sort_by(|a, b| a.0.cmp(&b.0));
    if images.is_empty() {
        println!("skipped: no official image in {}; download one from {DOWNLOADS}", folder.display());
    }
    images
}

/// Lets `story` happen on a booted board with each image.
fn on_each_image(story: impl Fn(&mut Board)) {
    for (name, flash) in images() {
        println!("{name}");
        let mut board =
            Board { machine: Machine::new(Config { flash, ..Config::default() }), name, heard: String::new() };
        board.hear(">>> ", 20_000);
        story(&mut board);
    }
}

/// A board with its console on USB.
struct Board {
    machine: Machine,
    name: String,
    heard: String,
}

impl Board {
    /// Runs until the console has said `text`; returns everything until there.
    #[track_caller]
    fn hear(&mut self, text: &str, milliseconds: u64) -> String {
        // Who waits for minutes looks ten times a second. Steps cost: each one ends what the engine has under its hands.
        let step = if milliseconds > 60_000 { 100 } else { 1 };
        for _ in 0..=milliseconds / step {
            if let Some(at) = self.heard.find(text) {
                let rest = self.heard.split_off(at + text.len());
                return std::mem::replace(&mut self.heard, rest);
            }
            self.machine.run_for(step * MILLISECOND);
            self.heard.push_str(&String::from_utf8_lossy(&self.machine.usb_take_output()));
            self.machine.uart_take_output(Port::Uart0);
        }
        panic!("{}: {text:?} did not come within {milliseconds} ms, but {:?}", self.name, self.heard);
    }

    /// Sends a program to the raw prompt and starts it.
    fn start(&mut self, program: &str) {
        self.heard.clear();
        self.type_in(b"\r\x01");
        self.hear("raw REPL; CTRL-B to exit\r\n>", 1000);
        self.type_in(program.as_bytes());
        self.type_in(b"\x04");
        self.hear("OK", 1000);
    }

    fn type_in(&mut self, mut bytes: &[u8]) {
        for _ in 0..10_000 {
            let taken = self.machine.usb_write(&bytes[..bytes.len().min(64)]);
            bytes = &bytes[taken..];
            if bytes.is_empty() && self.machine.waiting_input(Port::Usb) == 0 {
                return;
            }
            self.machine.run_for(MILLISECOND);
        }
        panic!("{}: the board takes no input", self.name);
    }

    /// Runs a program to its end and returns what it printed.
    #[track_caller]
    fn run(&mut self, program: &str, milliseconds: u64) -> String {
        self.start(program);
        let printed = self.hear("\x04", milliseconds);
        let error = self.hear("\x04>", 1000);
        assert_eq!(error, "\x04>", "{}: {printed}", self.name);
        printed.trim_end_matches('\x04').replace("\r\n", "\n")
    }

    fn watch(&mut self, pin: u8) {
        self.machine.watch_pins(1 << pin);
        self.machine.take_pin_events();
    }

    /// Lengths of the pulses on the watched pin, with their levels, in nanoseconds.
    fn pulses(&mut self) -> Vec<(bool, u64)> {
        let events = self.machine.take_pin_events();
        let mut edges: Vec<&PinEvent> = Vec::new();
        for event in &events {
            if edges.last().is_none_or(|last| last.level != event.level) {
                edges.push(event);
            }
        }
        edges.windows(2).map(|pair| (pair[0].level, (pair[1].tick - pair[0].tick) * 1000 / MICROSECOND)).collect()
    }
}

#[test]
fn a_blinking_sleeping_printing_program_stays_up_for_ten_minutes() {
    on_each_image(|board| {
        let begun = board.machine.ticks();
        let printed = board.run(
            "import machine, time\np = machine.Pin(8, machine.Pin.OUT)\nfor i in range(1200):\n p.value(i & 1)\n print(i)\n \
             time.sleep_ms(500)\n",
            700_000,
        );
        assert_eq!(printed.lines().count(), 1200);
        let seconds = (board.machine.ticks() - begun) / TICKS_PER_SECOND;
        assert!((600..=602).contains(&seconds), "{}: {seconds} s", board.name);
        assert_eq!(board.machine.reset_cause(), ResetCause::PowerOn, "{}", board.name);
    });
}

/// What Tasmota does at its first start: burn, restart, and begin again if that is not to be seen.
#[test]
fn a_program_that_burns_checks_and_restarts_goes_on() {
    const PROGRAM: &str = "from machine import mem32\nEFUSE = 0x60008800\ndef uart_print_control():\n mem32[EFUSE + 0x1CC] = 0x5AA5\n \
                           mem32[EFUSE + 0x1D4] = 1\n return mem32[EFUSE + 0x3C] >> 6 & 3\nbefore = uart_print_control()\n\
                           if before != 3:\n for word in range(8): mem32[EFUSE + 4 * word] = 0\n mem32[EFUSE + 16] = 3 << 6\n \
                           mem32[EFUSE + 0x1CC] = 0x5A5A\n mem32[EFUSE + 0x1D4] = 2\nprint(before, uart_print_control())\n";
    on_each_image(|board| {
        assert_eq!(board.run(PROGRAM, 1000), "0 3\n", "{}", board.name);
        board.start("import machine\nmachine.reset()\n");
        board.heard.clear();
        board.hear(">>> ", 5000);
        assert_eq!(board.run(PROGRAM, 1000), "3 3\n", "{}", board.name);
        // The next machine with this memory, as `isrlab virtual --flash` keeps it.
        let config =
            Config { flash: board.machine.flash().clone(), efuse: Some(board.machine.efuse()), ..Config::default() };
        board.machine = Machine::new(config);
        board.heard.clear();
        board.hear(">>> ", 20_000);
        assert_eq!(board.run(PROGRAM, 1000), "3 3\n", "{}", board.name);
    });
}

#[test]
fn pwm_puts_out_its_frequency_and_duty() {
    on_each_image(|board| {
        board.watch(4);
        board.run("import machine\np = machine.PWM(machine.Pin(4), freq=1000, duty=256)\n", 1000);
        board.machine.run_for(10 * MILLISECOND);
        let wave = board.machine.pin(4).unwrap().wave.unwrap();
        assert_eq!((wave.period_ticks(), wave.duty()), (480_000.0, 0.25), "{}", board.name);
        board.run("p.freq(50)\np.duty(77)\n", 1000);
        board.machine.run_for(100 * MILLISECOND);
        let wave = board.machine.pin(4).unwrap().wave.unwrap();
        let (period_us, high_us) = (wave.period_ticks() / 480.0, wave.high_ticks() / 480.0);
        assert!((period_us - 20_000.0).abs() < 20.0 && (high_us - 1503.9).abs() < 5.0, "{period_us} {high_us}");
        // The waves were told as they changed, never edge by edge.
        assert!(board.machine.take_pin_events().len() < 20);
    });
}

#[test]
fn rmt_pulses_have_their_lengths() {
    on_each_image(|board| {
        board.watch(4);
        board.run(
            "import esp32, machine\nr = esp32.RMT(0, pin=machine.Pin(4), clock_div=80)\n\
             r.write_pulses((100, 200, 300, 400, 50), 1)\nr.wait_done(timeout=100)\n",
            1000,
        );
        board.machine.run_for(2 * MILLISECOND);
        let pulses = board.pulses();
        let begin = pulses.iter().position(|&pulse| pulse == (true, 100_000));
        let begin = begin.unwrap_or_else(|| panic!("{}: {pulses:?}", board.name));
        assert_eq!(pulses[begin..begin + 4], [(true, 100_000), (false, 200_000), (true, 300_000), (false, 400_000)]);
    });
}

#[test]
fn neopixels_are_told_their_colours() {
    on_each_image(|board| {
        board.watch(8);
        board.run(
            "import machine, neopixel\nn = neopixel.NeoPixel(machine.Pin(8), 3)\nn[0] = (255, 0, 1)\nn[1] = (0, 128, 3)\n\
             n[2] = (85, 170, 15)\nn.write()\n",
            1000,
        );
        board.machine.run_for(MILLISECOND);
        let high: Vec<u64> = board.pulses().into_iter().filter(|pulse| pulse.0).map(|pulse| pulse.1).collect();
        // The line is made an output first, which may be a pulse of its own.
        let bits: Vec<bool> = high[high.len().saturating_sub(72)..].iter().map(|&length| length > 600).collect();
        let bytes: Vec<u8> =
            bits.chunks(8).map(|byte| byte.iter().fold(0, |byte, &bit| byte << 1 | u8::from(bit))).collect();
        // Green comes first.
        assert_eq!(bytes, [0, 255, 1, 128, 0, 3, 170, 85, 15], "{}", board.name);
    });
}

/// Memory on the I2C bus: the first byte of a write is the address.
#[derive(Clone, Debug, Default)]
struct Eeprom {
    memory: [u8; 16],
    at: u8,
    addressing: bool,
}

impl I2cTarget for Eeprom {
    fn addressed(&mut self, _: Tick, address: u8, read: bool) -> bool {
        self.addressing = !read;
        address == 0x50
    }

    fn written(&mut self, _: Tick, byte: u8) -> bool {
        if std::mem::take(&mut self.addressing) {
            self.at = byte;
        } else {
            self.memory[usize::from(self.at % 16)] = byte;
            self.at = self.at.wrapping_add(1);
        }
        true
    }

    fn read(&mut self, _: Tick) -> u8 {
        let byte = self.memory[usize::from(self.at % 16)];
        self.at = self.at.wrapping_add(1);
        byte
    }

    fn boxed_clone(&self) -> Box<dyn I2cTarget> {
        Box::new(self.clone())
    }

    fn hash_state(&self, state: &mut dyn Hasher) {
        state.write(&self.memory);
        state.write(&[self.at, u8::from(self.addressing)]);
    }
}

#[test]
fn i2c_finds_a_device_and_talks_to_it_in_hardware_and_in_software() {
    on_each_image(|board| {
        assert_eq!(
            board.run("import machine\ni = machine.I2C(0, scl=machine.Pin(6), sda=machine.Pin(7), freq=100000)\nprint(i.scan())\n", 5000),
            "[]\n",
            "{}: nobody is there yet",
            board.name
        );
        board.machine.drive_pin(6, Drive::PullUp);
        board.machine.drive_pin(7, Drive::PullUp);
        let port = I2cPort::new(Box::new(Eeprom::default()));
        let id = board.machine.attach(Box::new(port), &[6, 7]).unwrap();
        let talk = "print(i.scan())\ni.writeto_mem(0x50, 3, b'abc')\nprint(i.readfrom_mem(0x50, 3, 3))\n\
                    try:\n i.writeto(0x51, b'x')\nexcept OSError as e:\n print(e.errno)\n";
        assert_eq!(board.run(talk, 5000), "[80]\nb'abc'\n19\n", "{}", board.name);
        let memory = board.machine.device::<I2cPort>(id).unwrap().target::<Eeprom>().unwrap().memory;
        assert_eq!(&memory[3..6], b"abc", "{}", board.name);
        let software = format!("i = machine.SoftI2C(scl=machine.Pin(6), sda=machine.Pin(7), freq=100000)\n{talk}");
        assert_eq!(board.run(&software, 5000), "[80]\nb'abc'\n19\n", "{}", board.name);
    });
}

/// Answers each byte with its complement, one byte later.
#[derive(Clone, Debug, Default)]
struct Echo {
    selected: bool,
    heard: Vec<u8>,
}

impl SpiTarget for Echo {
    fn selected(&mut self, _: Tick, active: bool) -> u8 {
        self.selected = active;
        0xA5
    }

    fn exchanged(&mut self, _: Tick, byte: u8) -> u8 {
        self.heard.push(byte);
        !byte
    }

    fn boxed_clone(&self) -> Box<dyn SpiTarget> {
        Box::new(self.clone())
    }

    fn hash_state(&self, state: &mut dyn Hasher) {
        state.write(&self.heard);
        state.write_u8(u8::from(self.selected));
    }
}

#[test]
fn spi_exchanges_bytes_in_all_modes() {
    on_each_image(|board| {
        // The driver gives the clock its level at rest with the first transfer, which goes to nobody here.
        for (mode, polarity, phase) in [(0, 0, 0), (1, 0, 1), (2, 1, 0), (3, 1, 1)] {
            let spi_mode = SpiMode { polarity: polarity == 1, phase: phase == 1 };
            let port = SpiPort::new(spi_mode, Box::new(Echo::default()));
            let id = board.machine.attach(Box::new(port), &[6, 7, 2, 10]).unwrap();
            let printed = board.run(
                &format!(
                    "import machine\ncs = machine.Pin(10, machine.Pin.OUT, value=1)\n\
                     s = machine.SPI(1, baudrate=1000000, polarity={polarity}, phase={phase}, sck=machine.Pin(6), \
                     mosi=machine.Pin(7), miso=machine.Pin(2))\nb = bytearray(5)\ns.write(b'x')\ncs(0)\n\
                     s.write_readinto(b'hello', b)\ns.write(bytes(range(100)))\ncs(1)\nprint(bytes(b).hex())\ns.deinit()\n"
                ),
                2000,
            );
            assert_eq!(printed, "a5979a9393\n", "{}, mode {mode}", board.name);
            let port = board.machine.device::<SpiPort>(id).unwrap();
            let heard = &port.target::<Echo>().unwrap().heard;
            let expected: Vec<u8> = b"hello".iter().copied().chain(0..100).collect();
            assert_eq!(*heard, expected, "{}, mode {mode}", board.name);
            assert!(board.machine.detach(id).is_some());
        }
    });
}

#[test]
fn an_analog_input_follows_what_is_planned_for_it() {
    on_each_image(|board| {
        board.machine.set_analog(2, 1000);
        assert_eq!(board.run("import machine\na = machine.ADC(machine.Pin(2))\nprint(a.read())\n", 1000), "1000\n");
        let soon = board.machine.ticks() + 50 * MILLISECOND;
        board.machine.plan_analog(soon, 2, 3000).unwrap();
        board.machine.run_for(60 * MILLISECOND);
        assert_eq!(board.run("print(a.read())\n", 1000), "3000\n", "{}", board.name);
    });
}

#[test]
fn light_sleep_ends_in_time_and_costs_nothing() {
    on_each_image(|board| {
        let printed = board.run(
            "import machine, time\nt = time.ticks_ms()\nmachine.lightsleep(60000)\n\
             print(time.ticks_diff(time.ticks_ms(), t))\n",
            70_000,
        );
        let slept: u64 = printed.trim().parse().unwrap();
        assert!((59_990..60_100).contains(&slept), "{}: {slept}", board.name);
        assert!(board.machine.idle_ticks() > 59 * TICKS_PER_SECOND);
    });
}

#[test]
fn deep_sleep_is_a_reset_with_its_cause() {
    on_each_image(|board| {
        board.start("import machine\nmachine.deepsleep(30000)\n");
        let fell = board.machine.ticks();
        board.hear(">>> ", 40_000);
        assert_eq!(board.machine.reset_cause(), ResetCause::DeepSleep, "{}", board.name);
        assert!((board.machine.ticks() - fell) / MILLISECOND >= 30_000);
        assert!(board.machine.idle_ticks() > 29 * TICKS_PER_SECOND);
        let cause = board.run("import machine\nprint(machine.reset_cause() == machine.DEEPSLEEP_RESET)\n", 1000);
        assert_eq!(cause, "True\n", "{}", board.name);
    });
}

#[test]
fn a_radio_that_does_not_answer_is_ended_by_the_reset_line_and_not_by_ctrl_c() {
    let calls = [
        "import network\nnetwork.WLAN(network.STA_IF).active(True)\n",
        "import bluetooth\nbluetooth.BLE().active(True)\n",
    ];
    on_each_image(|board| {
        for call in calls {
            board.start(call);
            board.machine.run_for(1000 * MILLISECOND);
            // The driver waits below Python: nobody looks at the exception that Ctrl-C leaves behind.
            board.machine.usb_write(b"\x03");
            board.machine.run_for(2000 * MILLISECOND);
            let said = String::from_utf8_lossy(&board.machine.usb_take_output()).into_owned();
            println!("{}: {call:?} said {said:?} after Ctrl-C", board.name);
            assert!(!said.contains("KeyboardInterrupt"), "{}: {said}", board.name);
            board.machine.set_serial_lines(false, true);
            board.machine.run_for(10 * MILLISECOND);
            board.machine.set_serial_lines(false, false);
            board.heard.clear();
            board.machine.usb_take_output();
            board.hear(">>> ", 5000);
            assert_eq!(board.run("print(6 * 7)\n", 1000), "42\n", "{}: {call}", board.name);
        }
    });
}

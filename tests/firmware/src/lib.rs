//! A virtual board with the lesson firmware, driven through its serial line as a host would.
//!
//! Everything runs in virtual time: the same calls give the same bytes.

#![expect(clippy::panic, reason = "a test ends where the board does not do as expected")]

pub mod release;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use emulator::bus::{TICKS_PER_SECOND, Tick};
use emulator::{Config, EngineKind, FlashImage, Machine, Port};
use protocol::frame::{Piece, Splitter};
use protocol::host::HostMessage;
use protocol::received::{self, BoardMessage, Sample};

/// One millisecond of virtual time.
pub const MILLISECOND: Tick = TICKS_PER_SECOND / 1000;

/// A file of the built firmware; `cargo xtask firmware` makes them.
///
/// # Panics
/// Where it has not been built.
#[must_use]
pub fn firmware_file(name: &str) -> Vec<u8> {
    let folder = std::env::var_os("ISRLAB_FIRMWARE_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/firmware"), PathBuf::from);
    let path = folder.join(name);
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{} cannot be read ({error}); run `cargo xtask firmware`", path.display()))
}

/// The files of the lessons in this repository: contents by path, relative to their folder, with `/`.
///
/// # Panics
/// Where one cannot be read.
#[must_use]
pub fn lesson_files() -> Vec<(String, Vec<u8>)> {
    fn below(folder: &Path, prefix: &str, files: &mut Vec<(String, Vec<u8>)>) {
        for entry in std::fs::read_dir(folder).expect("the folder of the lessons") {
            let entry = entry.expect("an entry of the folder of the lessons");
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let path = entry.path();
            if path.is_dir() {
                below(&path, &format!("{name}/"), files);
            } else {
                files.push((name, std::fs::read(&path).expect("a file of the lessons")));
            }
        }
    }
    let mut files = Vec::new();
    below(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../lessons"), "", &mut files);
    files
}

fn image() -> FlashImage {
    FlashImage::from_bytes(&firmware_file("lesson-firmware-esp32c3.bin")).expect("the merged image fits the flash")
}

/// What section 1.1 of the lesson map demands of every sample.
///
/// # Panics
/// Where an identity does not hold.
#[track_caller]
pub fn identities(sample: &Sample) {
    for source in &sample.src {
        assert_eq!(source.fired, source.ran + source.dropped + u32::from(source.queued), "{source:?}");
        assert_eq!(source.expected, source.fired + source.missed, "{source:?}");
    }
    assert!(sample.qmax <= 8 && sample.q <= sample.qmax, "{sample:?}");
}

/// Which of the two consoles the host is plugged into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plug {
    /// UART0.
    Uart,
    /// USB-serial-JTAG.
    Usb,
}

/// A board and the host's end of its line.
pub struct Board {
    machine: Machine,
    plug: Plug,
    splitter: Splitter,
    console: Vec<u8>,
    messages: VecDeque<BoardMessage>,
    broken: usize,
    next_id: u32,
}

/// What a program did, by the raw prompt's own division.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What it printed.
    pub output: String,
    /// The traceback it ended with, if any.
    pub error: String,
}

impl Board {
    /// A board fresh from its reset, at the friendly prompt, plugged in by UART0.
    pub fn at_prompt() -> Self {
        Self::at_prompt_on(Plug::Uart)
    }

    /// The same on either console.
    pub fn at_prompt_on(plug: Plug) -> Self {
        Self::powered_on(plug).up_to_the_prompt()
    }

    /// The same with the engine that is named, plugged in by UART0.
    pub fn at_prompt_with(engine: EngineKind) -> Self {
        Self::powered_on_with(Plug::Uart, engine).up_to_the_prompt()
    }

    fn up_to_the_prompt(mut self) -> Self {
        self.expect(">>> ", 5000);
        self.console.clear();
        self
    }

    /// A board that has just been powered, plugged in on either console.
    pub fn powered_on(plug: Plug) -> Self {
        Self::powered_on_with(plug, EngineKind::default())
    }

    fn powered_on_with(plug: Plug, engine: EngineKind) -> Self {
        let mut board = Self {
            machine: Machine::new(Config { flash: image(), trap_log_capacity: 64, engine, ..Config::default() }),
            plug,
            splitter: Splitter::new(),
            console: Vec::new(),
            messages: VecDeque::new(),
            broken: 0,
            next_id: 1,
        };
        if plug == Plug::Usb {
            board.machine.set_usb_connected(true);
        }
        board
    }

    /// The machine itself.
    pub fn machine(&mut self) -> &mut Machine {
        &mut self.machine
    }

    /// Lets `ms` milliseconds of virtual time pass.
    pub fn run_ms(&mut self, ms: u64) {
        self.machine.run_for(ms * MILLISECOND);
        self.receive();
    }

    fn receive(&mut self) {
        let bytes = match self.plug {
            Plug::Uart => self.machine.uart_take_output(Port::Uart0),
            Plug::Usb => self.machine.usb_take_output(),
        };
        let (console, messages, broken) = (&mut self.console, &mut self.messages, &mut self.broken);
        self.splitter.push(&bytes, |piece| match piece {
            Piece::Console(text) => console.extend_from_slice(text),
            Piece::Frame(json) => match received::parse(json) {
                Ok(message) => messages.push_back(message),
                Err(error) => panic!("a frame is no message: {error}: {}", String::from_utf8_lossy(json)),
            },
            Piece::Broken(..) => *broken += 1,
        });
    }

    /// Pieces of frames that came over the line so far.
    pub fn broken(&self) -> usize {
        self.broken
    }

    /// Types bytes.
    pub fn send(&mut self, bytes: &[u8]) {
        match self.plug {
            Plug::Uart => {
                assert_eq!(self.machine.uart_write(Port::Uart0, bytes), bytes.len());
            }
            Plug::Usb => {
                assert_eq!(self.machine.usb_write(bytes), bytes.len());
            }
        }
    }

    /// Runs until the console text so far ends with or contains `text`; returns what came before it.
    #[track_caller]
    pub fn expect(&mut self, text: &str, timeout_ms: u64) -> String {
        for _ in 0..=timeout_ms {
            if let Some(at) = self.console.windows(text.len()).position(|window| window == text.as_bytes()) {
                let before = String::from_utf8_lossy(&self.console[..at]).into_owned();
                self.console.drain(..at + text.len());
                return before;
            }
            self.run_ms(1);
        }
        panic!("`{text}` did not come within {timeout_ms} ms; the console says:\n{}", self.console());
    }

    /// Console text that nobody has taken yet.
    pub fn console(&self) -> String {
        String::from_utf8_lossy(&self.console).into_owned()
    }

    /// Goes to the raw prompt.
    #[track_caller]
    pub fn enter_raw(&mut self) {
        self.send(b"\r\x03\x03\r\x01");
        self.expect("raw REPL; CTRL-B to exit\r\n>", 2000);
    }

    /// Goes back to the friendly prompt.
    #[track_caller]
    pub fn leave_raw(&mut self) {
        self.send(b"\x02");
        self.expect(">>> ", 2000);
    }

    /// Hands a program to the raw prompt and starts it.
    #[track_caller]
    pub fn launch(&mut self, program: &str) {
        self.upload(program);
        self.send(b"\x04");
        self.expect("\x04", 2000);
    }

    /// Hands a program over by raw paste, all but the end.
    #[track_caller]
    pub fn upload(&mut self, program: &str) {
        self.send(b"\x05A\x01");
        self.expect("R\x01", 2000);
        while self.console.len() < 3 {
            self.run_ms(1);
        }
        let head: Vec<u8> = self.console.drain(..3).collect();
        let window = usize::from(head[0]) | usize::from(head[1]) << 8;
        assert_eq!(head[2], 1);
        let mut credit = window * 2;
        for chunk in program.as_bytes().chunks(window) {
            while credit < chunk.len() {
                self.expect("\x01", 2000);
                credit += window;
            }
            self.send(chunk);
            credit -= chunk.len();
        }
        // Windows that were granted on the way must not be taken for output.
        self.run_ms(program.len() as u64 / 8 + 20);
        while self.console.first() == Some(&1) {
            self.console.remove(0);
        }
        assert!(self.console.is_empty(), "the board answered the upload: {}", self.console());
    }

    /// Waits for the end of the program that was launched.
    #[track_caller]
    pub fn finish(&mut self, timeout_ms: u64) -> Outcome {
        let output = self.expect("\x04", timeout_ms).replace("\r\n", "\n");
        let error = self.expect("\x04", 1000).replace("\r\n", "\n");
        self.expect(">", 1000);
        Outcome { output, error }
    }

    /// The same, or `None` where it does not end in time.
    pub fn try_finish(&mut self, timeout_ms: u64) -> Option<Outcome> {
        for _ in 0..timeout_ms.div_ceil(10) {
            if self.console.iter().filter(|byte| **byte == 4).count() >= 2 {
                return Some(self.finish(1000));
            }
            self.run_ms(10);
        }
        None
    }

    /// Runs a program to its end at the raw prompt.
    #[track_caller]
    pub fn run(&mut self, program: &str, timeout_ms: u64) -> Outcome {
        self.launch(program);
        self.finish(timeout_ms)
    }

    /// Sends a message and returns its id.
    pub fn post(&mut self, message: impl FnOnce(u32) -> HostMessage<'static>) -> u32 {
        let id = self.next_id;
        self.next_id += 1;
        let mut frame = [0; 512];
        let len = protocol::frame::write(&message(id), &mut frame).expect("a message fits");
        self.send(&frame[..len]);
        id
    }

    /// Sends a message, waits for its acknowledgement, and returns the milliseconds that it took.
    #[track_caller]
    pub fn tell(&mut self, message: impl FnOnce(u32) -> HostMessage<'static>) -> u64 {
        let id = self.post(message);
        for ms in 0..1000 {
            let found =
                self.messages.iter().position(|message| matches!(message, BoardMessage::Ack(ack) if ack.id == id));
            if let Some(BoardMessage::Ack(ack)) = found.and_then(|at| self.messages.remove(at)) {
                assert!(ack.ok, "refused: {:?}", ack.err);
                return ms;
            }
            self.run_ms(1);
        }
        panic!("no acknowledgement within a second; console: {}", self.console());
    }

    /// Takes the messages that came so far.
    pub fn take_messages(&mut self) -> Vec<BoardMessage> {
        self.messages.drain(..).collect()
    }

    /// Runs until a message that `pick` wants; what came before it is dropped.
    #[track_caller]
    pub fn wait_for<T>(&mut self, timeout_ms: u64, mut pick: impl FnMut(&BoardMessage) -> Option<T>) -> T {
        for _ in 0..=timeout_ms {
            while let Some(message) = self.messages.pop_front() {
                if let Some(found) = pick(&message) {
                    return found;
                }
            }
            self.run_ms(1);
        }
        panic!("the message did not come within {timeout_ms} ms; console: {}", self.console());
    }

    /// The next sample.
    #[track_caller]
    pub fn sample(&mut self, timeout_ms: u64) -> Sample {
        self.wait_for(timeout_ms, |message| match message {
            BoardMessage::Sample(sample) => Some(sample.clone()),
            _ => None,
        })
    }

    /// Changes the speed of the host's end of the line.
    pub fn set_baud(&mut self, baud: u32) {
        self.machine.set_line_baud(Port::Uart0, baud);
    }

    /// Greets the board.
    #[track_caller]
    pub fn greet(&mut self) {
        self.tell(|id| HostMessage::Greet { id, v: protocol::VERSION });
    }
}

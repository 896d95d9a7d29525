//! The host's side of a lesson board, without any I/O: received bytes and the link's time go in,
//! bytes to send, events and the next deadline come out.
//!
//! Live boards and headless runs drive the same `Session`, and so does a test with a scripted
//! board. All times are *link time*: virtual time on a virtual board, wall time on a serial port.
//! That makes a run on a virtual board repeatable, because no host clock enters it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use protocol::MAX_FRAME_BYTES;
use protocol::frame::{self, Piece, Splitter};
use protocol::host::HostMessage;
use protocol::received::{self, BoardMessage, Done, Event, Hello, Sample};
use serde::{Deserialize, Serialize};

use super::raw_prompt::{FRIENDLY_PROMPT, INTERRUPT, LEAVE_RAW, PromptEvent, RawPrompt, find};

/// Time since the link was opened, on the link's own clock.
pub type LinkTime = Duration;

/// How long a board may take from reset to its first prompt. ROM, bootloader and VM need 0.3 s.
/// A prompt that was lost in noise is provoked again after it; [`BOOT_TRIES`] leaves time for a
/// classic ESP32 that formats its file system.
const BOOT_TIMEOUT: Duration = Duration::from_secs(2);
/// How often a prompt is provoked during a slow boot before the board counts as silent.
const BOOT_TRIES: u32 = 5;
/// How long a greeting may stay unanswered.
const GREET_TIMEOUT: Duration = Duration::from_millis(500);
/// Greetings before the board counts as one without lesson firmware.
const GREET_TRIES: u32 = 3;
/// How long the raw prompt may take to appear after Ctrl-C and Ctrl-A.
const PROMPT_TIMEOUT: Duration = Duration::from_secs(1);
/// How often the raw prompt is asked for before the board is reset.
const PROMPT_TRIES: u32 = 2;
/// How long a message may wait for its acknowledgement before it is sent again, and then given up.
const ACK_TIMEOUT: Duration = Duration::from_millis(400);
/// How long an upload may make no progress.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(3);
/// The pause between pieces for a board without flow control.
const PIECE_PAUSE: Duration = Duration::from_millis(20);
/// How much longer than asked for a program may go on before it is stopped.
const OVERTIME: Duration = Duration::from_secs(2);
/// The firmware restarts a VM that ignores a stop after 300 ms; this leaves it time to come back.
const STOP_TIMEOUT: Duration = Duration::from_millis(1200);
/// How long Ctrl-C may take to end a program.
const INTERRUPT_TIMEOUT: Duration = Duration::from_millis(600);
/// The distance of the two samples that prove that counters stand still.
const PROOF_INTERVAL: Duration = Duration::from_millis(60);
/// After so long without a single byte a running board is asked whether it lives.
const SILENCE_PROBE: Duration = Duration::from_secs(1);
/// After so long without a single byte a running board is reset.
const SILENCE_LIMIT: Duration = Duration::from_secs(3);
/// How long after its start somebody waits for a run's first counters: two of the board's samples. A program
/// that counts later is waited for by nobody.
const FIRST_COUNTERS: Duration = Duration::from_millis(100);
/// How long a board may take to change its line's speed after it has agreed; it waits for its own
/// output to leave first.
const BAUD_PAUSE: Duration = Duration::from_millis(50);
/// What the mask ROM prints after every reset: its name (ESP32-S2 and later) and the cause of the reset (all chips), as in
/// `rst:0x7 (TG0WDT_SYS_RST),boot:0xc (SPI_FAST_FLASH_BOOT)`.
const ROM_BANNERS: [&[u8]; 2] = [b"ESP-ROM:", RESET_CAUSE];
const RESET_CAUSE: &[u8] = b"rst:0x";
/// Console text kept for finding prompts and for the report of a crash.
const TAIL_BYTES: usize = 2048;
/// Characters of a broken frame that are shown.
const BROKEN_SHOWN_BYTES: usize = 200;

/// The value of a control: numbers and named options.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    /// A numeric control.
    Number(i32),
    /// A control with named options.
    Choice(String),
}

/// One run as the session needs to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunOrder {
    /// The host's number of the run, above 0.
    pub run: u32,
    /// MicroPython source.
    pub program: String,
    /// Controls, set before the program starts.
    pub settings: Vec<(String, Setting)>,
    /// How long the program may run; zero for no limit.
    pub limit: Duration,
}

/// How a run came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The program came to its end.
    Finished,
    /// The program ended with an exception.
    Exception,
    /// Stop was asked for, and the program gave in.
    Stopped,
    /// Stop was asked for, and the VM or the board had to be restarted.
    Restarted,
    /// The program ignored the end of its time and was stopped.
    Overtime,
    /// The board reset itself or fell silent.
    Crashed,
    /// The program never started.
    NotStarted,
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunEnd {
    /// Which run.
    pub run: u32,
    /// How it ended.
    pub why: EndReason,
    /// The Python traceback, or what the board printed while it crashed.
    pub report: Option<String>,
    /// Whether two samples showed that the counters stand still (only asked after a stop).
    pub proven_still: bool,
    /// What went wrong, where the program never started.
    pub fault: Option<SessionFault>,
}

/// What a board can fail at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum SessionFault {
    /// Nothing came that looks like a prompt.
    #[error("the board does not answer")]
    NoAnswer,
    /// A prompt, but no answer to greetings.
    #[error("the board runs MicroPython without the lesson firmware")]
    NoLessonFirmware,
    /// The firmware's protocol has another version.
    #[error("the lesson firmware speaks another protocol version")]
    OtherVersion,
    /// The raw prompt did not come.
    #[error("the board does not offer its prompt")]
    NoPrompt,
    /// The text did not arrive whole.
    #[error("the program could not be sent to the board")]
    UploadFailed,
    /// The board knows no such control, or not this value.
    #[error("the board refused a setting")]
    SettingRefused,
    /// A message was not acknowledged.
    #[error("the board did not acknowledge a message")]
    NotAcknowledged,
    /// The counters went on after a stop and a reset.
    #[error("the counters did not come to rest")]
    StillCounting,
    /// A prompt, but not the one that programs are sent through.
    #[error("the board has no raw prompt")]
    NoRawPrompt,
    /// MicroPython on something else, or something that looks like it.
    #[error("the board is no ESP32 with MicroPython")]
    NotEsp32,
    /// The `lab` module cannot be stored: the board's file system is full.
    #[error("the board's file system is full")]
    DiskFull,
    /// The `lab` module cannot be stored or does not work.
    #[error("the lab module could not be put on the board")]
    DeployFailed,
    /// Hard interrupts were asked of a board that has none.
    #[error("the board has no hard interrupts")]
    NeedsHard,
    /// It resets again and again and never comes to a prompt.
    #[error("the board resets again and again")]
    ResetLoop,
    /// It talks, but at no speed that anybody uses.
    #[error("the board talks at another speed")]
    WrongBaud,
}

impl SessionFault {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoAnswer => "board-no-answer",
            Self::NoLessonFirmware => "board-no-lesson-firmware",
            Self::OtherVersion => "board-other-version",
            Self::NoPrompt => "board-no-prompt",
            Self::UploadFailed => "board-upload-failed",
            Self::SettingRefused => "board-setting-refused",
            Self::NotAcknowledged => "board-not-acknowledged",
            Self::StillCounting => "board-still-counting",
            Self::NoRawPrompt => "board-no-raw-prompt",
            Self::NotEsp32 => "board-not-esp32",
            Self::DiskFull => "board-disk-full",
            Self::DeployFailed => "board-deploy-failed",
            Self::NeedsHard => "board-needs-hard",
            Self::ResetLoop => "board-reset-loop",
            Self::WrongBaud => "board-wrong-baud",
        }
    }
}

/// What the session wants of its link, besides sending bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkAction {
    /// Reset the board, so that it boots from flash. The line goes back to its first baud rate.
    Reset,
    /// Change the line's speed to so many bits per second.
    SetBaud(u32),
}

/// Which of the host's requests an [`SessionEvent::Answer`] belongs to.
pub type Ticket = u64;

/// What the session has found out.
#[derive(Clone, Debug, PartialEq)]
pub enum SessionEvent {
    /// The board has been reset and boots.
    Booting,
    /// The board is at its prompt and speaks our protocol.
    Ready(Hello),
    /// All numbers at one instant: the frame's own text, and what it says.
    Sample(Arc<str>, Sample),
    /// Something happened: the frame's own text, and what it says.
    Event(Arc<str>, Event),
    /// Text for the console.
    Console(Vec<u8>),
    /// Frames that could not be read: how many so far, and the beginning of this one.
    BadFrame(u64, Vec<u8>),
    /// The program of this run has started.
    RunStarted(u32),
    /// A run is over.
    RunEnded(RunEnd),
    /// A request was answered.
    Answer(Ticket, Result<(), SessionFault>),
    /// The board cannot be used; a reset may mend it.
    Fault(SessionFault),
}

/// A message that waits for its acknowledgement.
#[derive(Clone, Debug)]
struct Pending {
    id: u32,
    ticket: Option<Ticket>,
    frame: Vec<u8>,
    due: LinkTime,
    tries_left: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StopStage {
    /// The `stop` frame is out: the firmware does it.
    Frame,
    /// Ctrl-C is out, so often.
    Interrupt { tries: u32 },
    /// The VM is being restarted from its prompt.
    SoftReset,
    /// The board is being reset.
    Reset,
}

/// The stages of starting a run, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StartStage {
    Prompt { tries: u32 },
    Settings { next: usize },
    Upload,
    Start,
    Go,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing is known; [`Session::attach`] or [`Session::reset`] begins.
    Down,
    Booting {
        tries: u32,
    },
    Greeting {
        tries: u32,
    },
    /// The board is looked for at other speeds of the line.
    Hunting {
        rate: usize,
        asked: bool,
    },
    /// The board is asked for a faster line.
    Speeding,
    /// A script of the host runs on a board without the lesson firmware.
    Script,
    /// The host's scripts are done: the friendly prompt is awaited.
    Settling,
    Ready,
    /// At the prompt, and told farewell because nothing happens there.
    Parting,
    /// At the prompt, without telemetry.
    Resting,
    Starting(StartStage),
    Running,
    /// The program has ended; the friendly prompt is awaited.
    Leaving,
    /// After a stop: samples must stand still.
    Proving,
    Faulty(SessionFault),
}

/// The run that is going on.
#[derive(Clone, Debug)]
struct Run {
    order: RunOrder,
    prompt: RawPrompt,
    /// What runs is not the program yet, but what makes the `lab` module ready for it.
    preparing: bool,
    overtime_at: Option<LinkTime>,
    stop: Option<StopStage>,
    stopped_for_overtime: bool,
    end: Option<(EndReason, Option<String>)>,
    fault: Option<SessionFault>,
    proof: Option<Sample>,
    /// Until when the first counters are waited for; `None`: they have come.
    counters_by: Option<LinkTime>,
    /// When the last sample came, and the run's time by the board's clock.
    clock: Option<(LinkTime, Duration)>,
    /// The proof's outcome, where a script asked for it.
    still: bool,
}

/// The host's side of one lesson board. See the module's head.
#[derive(Clone, Debug)]
pub struct Session {
    splitter: Splitter,
    phase: Phase,
    /// When the present phase gives up.
    phase_due: Option<LinkTime>,
    out: Vec<u8>,
    actions: VecDeque<LinkAction>,
    events: VecDeque<SessionEvent>,
    pending: Vec<Pending>,
    last_id: u32,
    bad_frames: u64,
    fast_baud: Option<u32>,
    /// Anything may be at the other end of the line: it is looked at, and made fit for lessons if possible.
    attached: bool,
    rest: Rest,
    /// What the board says while it boots.
    boot: BootTalk,
    /// Resets of its own, since it was ready the last time.
    restarts: u32,
    /// Answers about what it is that were not believed yet.
    doubts: u32,
    /// It works with the portable `lab` module in the place of the lesson firmware.
    portable: bool,
    /// What runs on a board without the lesson firmware.
    script: Option<Script>,
    tail: Vec<u8>,
    hello: Option<Hello>,
    run: Option<Run>,
    heard_at: LinkTime,
    probed: bool,
    now: LinkTime,
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}

impl Session {
    /// A session over a link that has just been opened, with nothing said yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            splitter: Splitter::new(),
            phase: Phase::Down,
            phase_due: None,
            out: Vec::new(),
            actions: VecDeque::new(),
            events: VecDeque::new(),
            pending: Vec::new(),
            last_id: 0,
            bad_frames: 0,
            fast_baud: None,
            attached: false,
            rest: Rest::default(),
            boot: BootTalk::default(),
            restarts: 0,
            doubts: 0,
            portable: false,
            script: None,
            tail: Vec::new(),
            hello: None,
            run: None,
            heard_at: LinkTime::ZERO,
            probed: false,
            now: LinkTime::ZERO,
        }
    }

    /// A session that asks boards which can do it for a line of this speed, in bits per second.
    #[must_use]
    pub fn with_fast_baud(baud: u32) -> Self {
        Self { fast_baud: Some(baud), ..Self::new() }
    }

    /// A session with whatever may be attached: it is looked for at several speeds, made ready for lessons if it is an
    /// official MicroPython board, and asked for a line of `fast_baud` bits per second if it has the lesson firmware.
    #[must_use]
    pub fn for_attached(fast_baud: u32) -> Self {
        Self { fast_baud: Some(fast_baud), attached: true, ..Self::new() }
    }

    /// Whether the board is at its prompt and nothing is going on.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Ready | Phase::Parting | Phase::Resting)
    }

    /// Whether a run is being started, runs, or is being ended.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.run.is_some()
    }

    /// Whether the host leads: while it boots, starts or ends something, and not while the board is
    /// at its prompt or a program runs.
    #[must_use]
    pub fn in_transition(&self) -> bool {
        match self.phase {
            Phase::Ready | Phase::Parting | Phase::Resting | Phase::Down | Phase::Faulty(_) => false,
            Phase::Running => self.run.as_ref().is_some_and(|run| run.stop.is_some()),
            Phase::Booting { .. }
            | Phase::Greeting { .. }
            | Phase::Hunting { .. }
            | Phase::Speeding
            | Phase::Script
            | Phase::Settling
            | Phase::Starting(_)
            | Phase::Leaving
            | Phase::Proving => true,
        }
    }

    /// Whether somebody waits for what the board does next: while it boots, starts or ends
    /// something, until a run has counted something, and while it owes an answer.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        let first_counters = self.run.as_ref().and_then(|run| run.counters_by).is_some_and(|by| self.now < by);
        self.in_transition() || first_counters || self.pending.iter().any(|pending| pending.ticket.is_some())
    }

    /// The fault that keeps the board from being used.
    #[must_use]
    pub fn fault(&self) -> Option<SessionFault> {
        match self.phase {
            Phase::Faulty(fault) => Some(fault),
            _ => None,
        }
    }

    /// Who the board said it is.
    #[must_use]
    pub fn hello(&self) -> Option<&Hello> {
        self.hello.as_ref()
    }

    /// Whether callbacks can run inside the interrupt on this board.
    #[must_use]
    pub fn has_hard(&self) -> bool {
        self.hello.as_ref().is_some_and(|hello| hello.caps.iter().any(|cap| cap == "hard"))
    }

    /// The bytes to send now, in order.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// What the link shall do now. Bytes of [`take_output`](Self::take_output) go first.
    pub fn next_action(&mut self) -> Option<LinkAction> {
        self.actions.pop_front()
    }

    /// The next thing that was found out.
    pub fn next_event(&mut self) -> Option<SessionEvent> {
        self.events.pop_front()
    }

    /// When [`tick`](Self::tick) must be called at the latest.
    #[must_use]
    pub fn deadline(&self) -> Option<LinkTime> {
        let run = self.run.as_ref();
        let overtime = run.and_then(|run| run.overtime_at).filter(|_| self.phase == Phase::Running);
        let silence = (self.phase == Phase::Running && !self.is_portable())
            .then(|| self.heard_at + if self.probed { SILENCE_LIMIT } else { SILENCE_PROBE });
        self.pending.iter().map(|pending| pending.due).chain(self.phase_due).chain(overtime).chain(silence).min()
    }

    /// Joins a board that is already powered: provokes a prompt and greets.
    pub fn attach(&mut self, now: LinkTime) {
        self.now = now;
        if let Some(run) = self.run.take() {
            self.end_run(run, EndReason::Crashed, None, false);
        }
        self.begin_boot();
        self.provoke_prompt();
    }

    /// Resets the board; a run that was going on ends as stopped.
    pub fn reset(&mut self, now: LinkTime) {
        self.now = now;
        let run = self.run.take();
        self.reset_board();
        if let Some(run) = run {
            self.end_run(run, EndReason::Restarted, None, true);
        }
    }

    /// Starts a run.
    ///
    /// # Errors
    /// The order comes back if the board is not ready for one.
    pub fn start(&mut self, now: LinkTime, order: RunOrder) -> Result<(), RunOrder> {
        self.now = now;
        if self.phase != Phase::Ready {
            return Err(order);
        }
        if self.wants_hard_without_any(&order) {
            let fault = Some(SessionFault::NeedsHard);
            let end = RunEnd { run: order.run, why: EndReason::NotStarted, report: None, proven_still: true, fault };
            self.events.push_back(SessionEvent::RunEnded(end));
            return Ok(());
        }
        let preparing = self.is_portable();
        let prompt = if preparing {
            RawPrompt::enter(&portable::begin(&order), &mut self.out)
        } else {
            RawPrompt::enter(&order.program, &mut self.out)
        };
        self.run = Some(Run {
            order,
            prompt,
            preparing,
            overtime_at: None,
            stop: None,
            stopped_for_overtime: false,
            end: None,
            fault: None,
            proof: None,
            counters_by: None,
            clock: None,
            still: false,
        });
        self.enter(Phase::Starting(StartStage::Prompt { tries: 1 }), Some(PROMPT_TIMEOUT));
        Ok(())
    }

    /// Stops the run: with the firmware's help, then by Ctrl-C, then by a reset, and then proves
    /// that the counters stand still. Without a run nothing happens.
    pub fn stop(&mut self, now: LinkTime) {
        self.now = now;
        match self.phase {
            Phase::Running if self.run.as_ref().is_some_and(|run| run.stop.is_none()) => {
                let first = if self.is_portable() { StopStage::Interrupt { tries: 1 } } else { StopStage::Frame };
                self.escalate(first);
            }
            Phase::Starting(_) => self.escalate(StopStage::Reset),
            _ => {}
        }
    }

    /// Changes a control while a program runs; the answer comes as [`SessionEvent::Answer`].
    pub fn set(&mut self, now: LinkTime, ticket: Ticket, name: &str, value: &Setting) {
        self.now = now;
        self.send_setting(name, value, Some(ticket));
    }

    /// Sends what a person typed.
    pub fn type_text(&mut self, now: LinkTime, text: &str) {
        self.now = now;
        let text = text.replace("\r\n", "\r").replace('\n', "\r").replace(char::from(frame::FRAME_START), "");
        match self.phase {
            Phase::Ready | Phase::Running => {
                self.out.extend(text.bytes());
                self.hear_news();
            }
            Phase::Parting | Phase::Resting => self.type_later(text.as_bytes()),
            // The board is being greeted because of what was typed before.
            Phase::Greeting { .. } | Phase::Speeding if !self.rest.typed.is_empty() => self.type_later(text.as_bytes()),
            _ => {}
        }
    }

    /// Takes what the board sent.
    pub fn receive(&mut self, now: LinkTime, bytes: &[u8]) {
        self.now = now;
        if bytes.is_empty() {
            return;
        }
        self.heard_at = now;
        self.probed = false;
        let mut pieces = Vec::new();
        self.splitter.push(bytes, |piece| {
            pieces.push(match piece {
                Piece::Console(text) => Heard::Console(text.to_vec()),
                Piece::Frame(json) => Heard::Frame(json.to_vec()),
                Piece::Broken(_, bytes) => Heard::Broken(bytes.to_vec()),
            });
        });
        for piece in pieces {
            match piece {
                Heard::Console(text) => self.hear_console(&text),
                Heard::Frame(json) => self.hear_frame(&json),
                Heard::Broken(bytes) => self.count_bad_frame(&bytes),
            }
        }
    }

    /// Lets the link's time pass.
    pub fn tick(&mut self, now: LinkTime) {
        self.now = now;
        self.repeat_unanswered();
        if self.phase_due.is_some_and(|due| due <= now) {
            self.phase_due = None;
            self.phase_overdue();
        }
        if self.phase == Phase::Running {
            if self.run.as_ref().and_then(|run| run.overtime_at).is_some_and(|at| at <= now) {
                self.overtime(now);
            } else if self.is_portable() {
                // Without a call of the lab module nothing is said, however long that lasts.
            } else if now >= self.heard_at + SILENCE_LIMIT {
                self.crashed();
            } else if !self.probed && now >= self.heard_at + SILENCE_PROBE {
                self.probed = true;
                let id = self.new_id();
                self.post(&HostMessage::Request { id, what: "sample" }, None, 0);
            }
        }
    }

    /// The program should have ended. A virtual board on a busy machine is slower than our clock: then its own says how much
    /// time is left.
    fn overtime(&mut self, now: LinkTime) {
        let Some(run) = &mut self.run else { return };
        let lately = run.clock.filter(|(heard_at, _)| now < *heard_at + SILENCE_PROBE);
        let left = lately.map_or(Duration::ZERO, |(_, run_time)| run.order.limit.saturating_sub(run_time));
        run.overtime_at = (!left.is_zero()).then_some(now + left + OVERTIME);
        if left.is_zero() {
            run.stopped_for_overtime = true;
            self.stop(now);
        }
    }

    // ---- hearing -------------------------------------------------------------------------

    fn hear_console(&mut self, text: &[u8]) {
        self.tail.extend(text);
        let booting = matches!(self.phase, Phase::Booting { .. } | Phase::Hunting { .. } | Phase::Down);
        if !booting && rom_banner(&self.tail).is_some() {
            self.crashed_by_itself();
        }
        match self.phase {
            Phase::Running | Phase::Starting(_) => self.hear_program(text),
            Phase::Leaving => {
                if let Some(at) = find(&self.tail, FRIENDLY_PROMPT) {
                    let rest = self.tail.split_off(at);
                    self.events.push_back(SessionEvent::Console(rest));
                    self.left();
                }
            }
            Phase::Booting { .. } | Phase::Hunting { .. } => {
                self.events.push_back(SessionEvent::Console(text.to_vec()));
                self.boot.hear(text);
                if find(&self.tail, FRIENDLY_PROMPT).is_some() {
                    self.greet(1);
                } else if self.boot.resets >= RESETS_OF_A_LOOP {
                    self.give_boot_up(SessionFault::ResetLoop);
                }
            }
            Phase::Script => self.hear_script(text),
            Phase::Settling => {
                if let Some(at) = find(&self.tail, FRIENDLY_PROMPT) {
                    let rest = self.tail.split_off(at);
                    self.events.push_back(SessionEvent::Console(rest));
                    self.ready();
                }
            }
            // A board without the lesson firmware takes the greeting for something typed, and echoes it.
            Phase::Greeting { .. } if self.attached => {}
            Phase::Down
            | Phase::Greeting { .. }
            | Phase::Speeding
            | Phase::Ready
            | Phase::Parting
            | Phase::Resting
            | Phase::Proving
            | Phase::Faulty(_) => {
                self.hear_news();
                self.events.push_back(SessionEvent::Console(text.to_vec()));
            }
        }
        if self.tail.len() > TAIL_BYTES {
            self.tail.drain(..self.tail.len() - TAIL_BYTES);
        }
    }

    fn hear_program(&mut self, text: &[u8]) {
        let Some(run) = &mut self.run else { return };
        let mut heard = Vec::new();
        run.prompt.receive(text, &mut self.out, &mut heard);
        if self.phase == Phase::Starting(StartStage::Upload) {
            self.phase_due = Some(self.now + UPLOAD_TIMEOUT);
        }
        self.follow_prompt(heard);
    }

    fn follow_prompt(&mut self, heard: Vec<PromptEvent>) {
        for event in heard {
            let preparing = self.run.as_ref().is_some_and(|run| run.preparing);
            match event {
                _ if preparing => self.prepare(event),
                PromptEvent::Entered => self.next_setting(0),
                PromptEvent::Uploaded if self.is_portable() => self.go(),
                PromptEvent::Uploaded => self.enter_start(StartStage::Start),
                // The board parses while it reads: one that wants no more has found a mistake in the
                // program, and says which as the output of a run that ends at once.
                PromptEvent::Accepted => {
                    let limit = self.run.as_ref().map_or(Duration::ZERO, |run| run.order.limit);
                    if let Some(run) = &mut self.run {
                        run.overtime_at = (!limit.is_zero()).then_some(self.now + limit + OVERTIME);
                        run.counters_by = Some(self.now + FIRST_COUNTERS);
                        self.events.push_back(SessionEvent::RunStarted(run.order.run));
                    }
                    self.tail.clear();
                    self.enter(Phase::Running, None);
                }
                PromptEvent::Output(text) => self.events.push_back(SessionEvent::Console(text)),
                PromptEvent::Ended(traceback) => {
                    let text = String::from_utf8_lossy(&traceback).into_owned();
                    if !text.is_empty() {
                        self.events.push_back(SessionEvent::Console(traceback));
                    }
                    self.program_ended(text);
                }
            }
        }
    }

    fn hear_frame(&mut self, json: &[u8]) {
        let (Ok(text), Ok(message)) = (std::str::from_utf8(json), received::parse(json)) else {
            self.count_bad_frame(json);
            return;
        };
        match message {
            BoardMessage::Hello(hello) => self.hear_hello(hello),
            BoardMessage::Sample(sample) => {
                if self.phase == Phase::Running
                    && sample.src.iter().any(|source| source.ran > 0)
                    && let Some(run) = &mut self.run
                {
                    run.counters_by = None;
                    run.clock = Some((self.now, Duration::from_micros(sample.run_us)));
                }
                self.hear_idle_sample(&sample);
                self.events.push_back(SessionEvent::Sample(text.into(), sample.clone()));
                if self.phase == Phase::Proving {
                    self.hear_proof(sample);
                } else if self.phase == Phase::Script {
                    self.hear_proof_of_script(sample);
                }
            }
            BoardMessage::Event(event) => {
                self.hear_news();
                self.events.push_back(SessionEvent::Event(text.into(), event));
            }
            BoardMessage::Done(done) => self.hear_done(&done),
            BoardMessage::Ack(ack) => {
                let Some(at) = self.pending.iter().position(|pending| pending.id == ack.id) else { return };
                let pending = self.pending.remove(at);
                self.answered(&pending, if ack.ok { Ok(()) } else { Err(SessionFault::SettingRefused) });
            }
        }
    }

    fn hear_hello(&mut self, hello: Hello) {
        let restarted = self.hello.as_ref().is_some_and(|old| old.boots != hello.boots);
        let version = hello.v;
        self.hello = Some(hello.clone());
        if version != protocol::VERSION {
            self.fail(SessionFault::OtherVersion);
            return;
        }
        match self.phase {
            Phase::Greeting { .. } => {
                self.pending.clear();
                self.portable = false;
                let faster = self.fast_baud.filter(|_| hello.caps.iter().any(|cap| cap == "baud"));
                match faster {
                    Some(baud) => {
                        self.enter(Phase::Speeding, Some(GREET_TIMEOUT));
                        let id = self.new_id();
                        self.post(&HostMessage::Baud { id, baud }, None, 0);
                    }
                    None => self.ready(),
                }
            }
            // The VM was restarted under the program, by the firmware's stop or its guard.
            Phase::Running if restarted => {
                if let Some(run) = &mut self.run {
                    run.end.get_or_insert((EndReason::Restarted, None));
                }
                self.leave();
            }
            _ => {}
        }
    }

    fn ready(&mut self) {
        self.restarts = 0;
        self.events.extend(self.hello.clone().map(SessionEvent::Ready));
        if self.run.is_some() {
            // A reset ended the run that was to be stopped.
            self.left();
        } else {
            self.enter_ready();
        }
    }

    fn hear_done(&mut self, done: &Done) {
        let Some(run) = self.run.as_mut().filter(|run| run.order.run == done.run) else { return };
        if done.why == "restarted" {
            run.end.get_or_insert((EndReason::Restarted, None));
        }
    }

    fn hear_proof(&mut self, sample: Sample) {
        let Some(run) = &mut self.run else { return };
        match run.proof.take() {
            None => {
                run.proof = Some(sample);
                self.phase_due = Some(self.now + PROOF_INTERVAL);
            }
            Some(first) if stands_still(&first, &sample) => {
                if self.now >= self.phase_due.unwrap_or(LinkTime::ZERO)
                    || sample.us >= first.us + PROOF_INTERVAL.as_micros() as u64
                {
                    self.finish(true);
                } else {
                    run.proof = Some(first);
                }
            }
            Some(_) if run.stop == Some(StopStage::Reset) => self.finish(false),
            Some(_) => self.escalate(StopStage::Reset),
        }
    }

    fn count_bad_frame(&mut self, bytes: &[u8]) {
        self.bad_frames += 1;
        let shown = bytes[..bytes.len().min(BROKEN_SHOWN_BYTES)].to_vec();
        self.events.push_back(SessionEvent::BadFrame(self.bad_frames, shown));
    }

    // ---- starting ------------------------------------------------------------------------

    fn next_setting(&mut self, next: usize) {
        let setting = self.run.as_ref().and_then(|run| run.order.settings.get(next).cloned());
        match setting {
            Some((name, value)) => {
                self.enter_start(StartStage::Settings { next });
                self.send_setting(&name, &value, None);
            }
            None => {
                self.enter_start(StartStage::Upload);
                if let Some(run) = &mut self.run {
                    run.prompt.upload(&mut self.out);
                }
            }
        }
    }

    fn enter_start(&mut self, stage: StartStage) {
        let timeout = match stage {
            StartStage::Upload | StartStage::Go => Some(UPLOAD_TIMEOUT),
            StartStage::Prompt { .. } => Some(PROMPT_TIMEOUT),
            StartStage::Settings { .. } | StartStage::Start => None,
        };
        self.enter(Phase::Starting(stage), timeout);
        if stage == StartStage::Start
            && let Some(run) = &self.run
        {
            let limit_ms = u32::try_from(run.order.limit.as_millis()).unwrap_or(u32::MAX);
            let (id, run) = (self.last_id + 1, run.order.run);
            self.last_id = id;
            self.post(&HostMessage::Start { id, run, limit_ms }, None, 1);
        }
    }

    fn send_setting(&mut self, name: &str, value: &Setting, ticket: Option<Ticket>) {
        let id = self.new_id();
        match value {
            Setting::Number(value) => self.post(&HostMessage::SetNumber { id, name, value: *value }, ticket, 1),
            Setting::Choice(choice) => self.post(&HostMessage::SetChoice { id, name, choice }, ticket, 1),
        }
    }

    fn answered(&mut self, pending: &Pending, result: Result<(), SessionFault>) {
        if let Some(ticket) = pending.ticket {
            self.events.push_back(SessionEvent::Answer(ticket, result));
            return;
        }
        match (self.phase, result) {
            (Phase::Starting(StartStage::Settings { next }), Ok(())) => self.next_setting(next + 1),
            (Phase::Starting(StartStage::Start), Ok(())) => self.go(),
            (Phase::Starting(StartStage::Settings { .. } | StartStage::Start), Err(fault)) => self.refuse(fault),
            (Phase::Speeding, Ok(())) => {
                self.actions.extend(self.fast_baud.map(LinkAction::SetBaud));
                self.enter(Phase::Speeding, Some(BAUD_PAUSE));
            }
            // A slower line carries fewer samples, but it works.
            (Phase::Speeding, Err(_)) => self.ready(),
            (Phase::Parting, result) => self.hear_farewell(result),
            _ => {}
        }
    }

    fn go(&mut self) {
        self.enter_start(StartStage::Go);
        if let Some(run) = &mut self.run {
            run.prompt.go(&mut self.out);
        }
    }

    /// Gives a run up that has not started.
    fn refuse(&mut self, fault: SessionFault) {
        if let Some(run) = &mut self.run {
            run.end = Some((EndReason::NotStarted, None));
            run.fault = Some(fault);
        }
        self.leave();
    }

    // ---- ending --------------------------------------------------------------------------

    fn program_ended(&mut self, traceback: String) {
        let Some(run) = &mut self.run else { return };
        let interrupted = run.stop.is_some() && traceback.contains("KeyboardInterrupt");
        let reason = match (run.stop, traceback.is_empty() || interrupted) {
            (Some(_), true) if run.stopped_for_overtime => EndReason::Overtime,
            (Some(_), true) => EndReason::Stopped,
            (_, false) => EndReason::Exception,
            (None, true) => EndReason::Finished,
        };
        let report = (!traceback.is_empty() && !interrupted).then_some(traceback);
        if run.end.as_ref().is_none_or(|(why, _)| *why != EndReason::NotStarted) {
            run.end = Some((reason, report));
        }
        if self.is_portable() {
            self.end_on_board(reason);
        } else {
            self.leave();
        }
    }

    /// Goes back to the friendly prompt.
    fn leave(&mut self) {
        self.tail.clear();
        self.out.extend([b'\r', LEAVE_RAW]);
        self.enter(Phase::Leaving, Some(PROMPT_TIMEOUT));
    }

    /// The board is at the friendly prompt again.
    fn left(&mut self) {
        let stopped = self.run.as_ref().is_some_and(|run| run.stop.is_some());
        if self.is_portable() {
            self.left_portable(stopped);
        } else if stopped {
            self.enter(Phase::Proving, Some(PROOF_INTERVAL));
            self.request_sample();
        } else {
            self.finish(false);
        }
    }

    fn finish(&mut self, proven_still: bool) {
        let Some(mut run) = self.run.take() else { return };
        let (why, report) = run.end.take().unwrap_or((EndReason::Finished, None));
        if run.stop.is_some() && !proven_still {
            self.end_run(run, why, report, false);
            self.fail(SessionFault::StillCounting);
            return;
        }
        self.enter_ready();
        self.end_run(run, why, report, proven_still);
    }

    fn end_run(&mut self, run: Run, why: EndReason, report: Option<String>, proven_still: bool) {
        let end = RunEnd { run: run.order.run, why, report, proven_still, fault: run.fault };
        self.events.push_back(SessionEvent::RunEnded(end));
    }

    fn escalate(&mut self, stage: StopStage) {
        let Some(run) = &mut self.run else { return };
        run.stop = Some(stage);
        run.proof = None;
        match stage {
            StopStage::Frame => {
                let id = self.new_id();
                self.post(&HostMessage::Stop { id }, None, 0);
                self.phase_due = Some(self.now + STOP_TIMEOUT);
            }
            StopStage::Interrupt { .. } => {
                self.out.extend([INTERRUPT, INTERRUPT]);
                self.phase_due = Some(self.now + INTERRUPT_TIMEOUT);
            }
            StopStage::SoftReset => self.restart_vm(),
            StopStage::Reset => {
                let overtime = run.stopped_for_overtime;
                run.end.get_or_insert((if overtime { EndReason::Overtime } else { EndReason::Restarted }, None));
                self.reset_board();
            }
        }
    }

    fn crashed(&mut self) {
        let report = String::from_utf8_lossy(&self.tail).into_owned();
        let run = self.run.take();
        self.reset_board();
        self.end_crashed_run(run, report);
    }

    /// The ROM has printed its banner although nobody asked for a reset.
    fn crashed_by_itself(&mut self) {
        let from = rom_banner(&self.tail).unwrap_or(0);
        let before: Vec<u8> = self.tail.drain(..from).collect();
        let run = self.run.take();
        self.hello = None;
        self.pending.clear();
        self.begin_boot();
        self.restarts += 1;
        self.end_crashed_run(run, String::from_utf8_lossy(&before).into_owned());
        if self.restarts >= RESETS_OF_A_LOOP {
            self.give_boot_up(SessionFault::ResetLoop);
        }
    }

    fn end_crashed_run(&mut self, run: Option<Run>, report: String) {
        if let Some(run) = run {
            self.end_run(run, EndReason::Crashed, Some(report), false);
        }
    }

    fn reset_board(&mut self) {
        self.splitter = Splitter::new();
        self.tail.clear();
        self.out.clear();
        self.hello = None;
        for pending in std::mem::take(&mut self.pending) {
            if let Some(ticket) = pending.ticket {
                self.events.push_back(SessionEvent::Answer(ticket, Err(SessionFault::NotAcknowledged)));
            }
        }
        self.actions.push_back(LinkAction::Reset);
        self.begin_boot();
    }

    fn begin_boot(&mut self) {
        self.rest.typed.clear();
        self.script = None;
        self.boot = BootTalk::default();
        self.events.push_back(SessionEvent::Booting);
        self.enter(Phase::Booting { tries: 1 }, Some(BOOT_TIMEOUT));
    }

    // ---- time ----------------------------------------------------------------------------

    fn enter(&mut self, phase: Phase, timeout: Option<Duration>) {
        self.phase = phase;
        self.phase_due = timeout.map(|timeout| self.now + timeout);
        if phase == Phase::Running {
            self.heard_at = self.now;
            self.probed = false;
        }
    }

    fn phase_overdue(&mut self) {
        match self.phase {
            Phase::Booting { .. } if self.attached && self.boot.is_garbage() => self.hunt(0),
            Phase::Booting { tries } if tries < BOOT_TRIES => {
                self.enter(Phase::Booting { tries: tries + 1 }, Some(BOOT_TIMEOUT));
                self.provoke_prompt();
            }
            Phase::Booting { .. } if self.attached => self.hunt(0),
            Phase::Booting { .. } => self.fail(SessionFault::NoAnswer),
            Phase::Hunting { rate, asked: false } => self.ask_at(rate),
            Phase::Hunting { rate, asked: true } => self.hunt(rate + 1),
            Phase::Greeting { tries } if tries < self.greet_tries() => self.greet(tries + 1),
            Phase::Greeting { .. } if self.attached => self.identify(),
            Phase::Greeting { .. } => self.fail(SessionFault::NoLessonFirmware),
            Phase::Script => self.script_overdue(),
            Phase::Settling => self.fail(SessionFault::NoPrompt),
            Phase::Speeding => self.ready(),
            Phase::Starting(StartStage::Prompt { tries }) if tries < PROMPT_TRIES => {
                if let Some(run) = &mut self.run {
                    run.prompt.knock(&mut self.out);
                }
                self.enter_start(StartStage::Prompt { tries: tries + 1 });
            }
            Phase::Starting(StartStage::Prompt { .. }) => {
                self.refuse_after_reset(SessionFault::NoPrompt);
            }
            Phase::Starting(_) => {
                let pieces = self.run.as_ref().is_some_and(|run| run.prompt.sends_in_pieces());
                if pieces {
                    self.send_piece();
                } else {
                    self.refuse_after_reset(SessionFault::UploadFailed);
                }
            }
            Phase::Running => match self.run.as_ref().and_then(|run| run.stop) {
                Some(StopStage::Frame) => self.escalate(StopStage::Interrupt { tries: 1 }),
                // One may end a callback in the place of main.
                Some(StopStage::Interrupt { tries }) if self.is_portable() && tries < INTERRUPT_TRIES => {
                    self.escalate(StopStage::Interrupt { tries: tries + 1 });
                }
                Some(_) => self.escalate(StopStage::Reset),
                None => {}
            },
            Phase::Leaving => match self.run.as_ref().and_then(|run| run.stop) {
                Some(StopStage::Reset) => self.fail(SessionFault::NoPrompt),
                _ => self.escalate(StopStage::Reset),
            },
            Phase::Proving => {
                // The first deadline asks for the second sample, later ones ask again.
                self.request_sample();
                self.phase_due = Some(self.now + PROOF_INTERVAL);
                self.give_proof_up();
            }
            Phase::Ready => self.say_farewell(),
            Phase::Parting => self.begin_rest(),
            Phase::Down | Phase::Resting | Phase::Faulty(_) => {}
        }
    }

    /// A board that answers no request for a sample cannot prove anything.
    fn give_proof_up(&mut self) {
        if self.now < self.heard_at + SILENCE_PROBE {
            return;
        }
        match self.run.as_ref().and_then(|run| run.stop) {
            Some(StopStage::Reset) => self.finish(false),
            _ => self.escalate(StopStage::Reset),
        }
    }

    fn send_piece(&mut self) {
        let mut heard = Vec::new();
        if let Some(run) = &mut self.run {
            run.prompt.send_more(&mut self.out, &mut heard);
        }
        self.phase_due = Some(self.now + PIECE_PAUSE);
        self.follow_prompt(heard);
    }

    fn refuse_after_reset(&mut self, fault: SessionFault) {
        let run = self.run.take();
        self.reset_board();
        if let Some(mut run) = run {
            run.fault = Some(fault);
            self.end_run(run, EndReason::NotStarted, None, true);
        }
    }

    fn fail(&mut self, fault: SessionFault) {
        if let Some(mut run) = self.run.take() {
            let (why, report) = run.end.take().unwrap_or((EndReason::Crashed, None));
            run.fault = Some(fault);
            self.end_run(run, why, report, false);
        }
        self.enter(Phase::Faulty(fault), None);
        self.events.push_back(SessionEvent::Fault(fault));
    }

    // ---- talking -------------------------------------------------------------------------

    fn provoke_prompt(&mut self) {
        self.out.extend([b'\r', INTERRUPT, LEAVE_RAW]);
    }

    fn greet(&mut self, tries: u32) {
        self.tail.clear();
        self.enter(Phase::Greeting { tries }, Some(GREET_TIMEOUT));
        let id = self.new_id();
        self.post(&HostMessage::Greet { id, v: protocol::VERSION }, None, 0);
    }

    fn request_sample(&mut self) {
        let id = self.new_id();
        self.post(&HostMessage::Request { id, what: "sample" }, None, 0);
    }

    fn new_id(&mut self) -> u32 {
        self.last_id = self.last_id.wrapping_add(1).max(1);
        self.last_id
    }

    fn post(&mut self, message: &HostMessage<'_>, ticket: Option<Ticket>, repeats: u32) {
        let mut buffer = [0; MAX_FRAME_BYTES];
        match frame::write(message, &mut buffer) {
            Ok(len) => {
                self.out.extend(&buffer[..len]);
                let (frame, due) = (buffer[..len].to_vec(), self.now + ACK_TIMEOUT);
                self.pending.push(Pending { id: message.id(), ticket, frame, due, tries_left: repeats });
            }
            // Only a control's name or value can be that long, and no board knows such a control.
            Err(frame::DoesNotFit) => {
                let refused = Pending { id: message.id(), ticket, frame: Vec::new(), due: self.now, tries_left: 0 };
                self.answered(&refused, Err(SessionFault::SettingRefused));
            }
        }
    }

    fn repeat_unanswered(&mut self) {
        let now = self.now;
        let (due, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pending).into_iter().partition(|p| p.due <= now);
        self.pending = rest;
        for mut pending in due {
            if pending.tries_left > 0 {
                pending.tries_left -= 1;
                pending.due = now + ACK_TIMEOUT;
                self.out.extend(&pending.frame);
                self.pending.push(pending);
            } else {
                self.answered(&pending, Err(SessionFault::NotAcknowledged));
            }
        }
    }
}

/// How often Ctrl-C is tried on a board whose callbacks may swallow it.
const INTERRUPT_TRIES: u32 = 5;

enum Heard {
    Console(Vec<u8>),
    Frame(Vec<u8>),
    Broken(Vec<u8>),
}

/// Where the ROM speaks.
fn rom_banner(text: &[u8]) -> Option<usize> {
    ROM_BANNERS.iter().filter_map(|banner| find(text, banner)).min()
}

/// Whether nothing was counted between two samples.
fn stands_still(first: &Sample, second: &Sample) -> bool {
    let counted = |sample: &Sample| {
        let sources = sample.src.iter().map(|source| (source.fired, source.ran, source.dropped)).collect::<Vec<_>>();
        (sample.run, sample.main, sources)
    };
    counted(first) == counted(second)
}

mod boot_talk;
mod portable;
mod rest;

use boot_talk::{BootTalk, RESETS_OF_A_LOOP};
use portable::Script;
use rest::Rest;

#[cfg(test)]
mod tests;

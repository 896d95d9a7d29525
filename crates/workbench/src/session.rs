//! The host's side of a lesson board, without any I/O: received bytes and the link's time go in,
//! bytes to send, events and the next deadline come out.
//!
//! Live boards and headless runs drive the same `Session`, and so does a test with a scripted
//! board. All times are *link time*: virtual time on a virtual board, wall time on a serial port.
//! That makes a run on a virtual board repeatable, because no host clock enters it.

use std::collections::VecDeque;
use std::time::Duration;

use course::lesson::Need;
use protocol::MAX_FRAME_BYTES;
use protocol::frame::{self, Piece, Splitter};
use protocol::host::HostMessage;
use protocol::received::{Hello, Sample, Sleep};

use super::raw_prompt::{INTERRUPT, LEAVE_RAW, PromptEvent, RawPrompt, find};

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
/// How many times longer than asked for a run on an attached board may take by our clock, because the board's own says that
/// there is time left. The program can set that clock.
const SLOWEST_BOARD: u32 = 20;
/// How long a stop may take with everything that it tries, before the board is reset, and how long the reset may take.
const STOP_LIMIT: Duration = Duration::from_secs(12);
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
/// Whose answer nobody waits for, and which must not be taken for another one.
const WATCH_TICKET: Ticket = 0;
/// Characters of a broken frame that are shown.
const BROKEN_SHOWN_BYTES: usize = 200;

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
    Prompt {
        tries: u32,
    },
    Settings {
        next: usize,
    },
    Upload,
    /// The whole program is on the board; it is started with the output that is taken next.
    Uploaded,
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
    /// Programs of ours look after the board's files.
    Filing,
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
    /// The last moment to which the overtime may be put off.
    overtime_by: LinkTime,
    stop: Option<StopStage>,
    /// When patience with the stop, or with the reset that it has come to, is over.
    stop_by: Option<LinkTime>,
    stopped_for_overtime: bool,
    /// A person has typed Ctrl-C.
    interrupted: bool,
    end: Option<(EndReason, Option<String>)>,
    fault: Option<SessionFault>,
    /// The program sleeps, and the board is going to reset itself.
    sleep: Option<Sleep>,
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
    pieces: Pieces,
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
    /// What is being done with the board's files, and what waits until the board has been greeted.
    filing: Option<Filing>,
    filed_later: Option<(Ticket, FileOrder)>,
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
            pieces: Pieces::default(),
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
            filing: None,
            filed_later: None,
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

    /// Whether a run is being started, runs, or is being ended, or files are looked after.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.run.is_some() || self.filing.is_some()
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
            | Phase::Filing
            | Phase::Starting(_)
            | Phase::Leaving
            | Phase::Proving => true,
        }
    }

    /// Whether somebody waits for what the board does next: while it boots, starts or ends
    /// something, until a run has counted something, and while it owes an answer.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        self.in_transition() || self.awaits_counters() || self.pending.iter().any(|pending| pending.ticket.is_some())
    }

    /// Whether a program runs that nobody stops, and its first counters have come.
    #[must_use]
    pub(crate) fn has_counted(&self) -> bool {
        let counted = |run: &Run| run.counters_by.is_none() && run.stop.is_none();
        self.phase == Phase::Running && self.run.as_ref().is_some_and(counted)
    }

    /// Whether a run has begun a moment ago and its first counters have not come.
    #[must_use]
    pub fn awaits_counters(&self) -> bool {
        self.run.as_ref().and_then(|run| run.counters_by).is_some_and(|by| self.now < by)
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

    /// Whether the board has what not every board has.
    #[must_use]
    pub fn has(&self, need: Need) -> bool {
        match need {
            Need::Native => self.has_native(),
            Need::Serial => !self.is_portable() || self.says("serial"),
            Need::Firmware => !self.is_portable(),
        }
    }

    /// Whether a run is on its way and its program not uploaded yet.
    #[must_use]
    pub fn is_uploading(&self) -> bool {
        use StartStage::{Prompt, Settings, Upload};
        matches!(self.phase, Phase::Starting(Prompt { .. } | Settings { .. } | Upload))
    }

    /// Whether a program has been uploaded and nothing was said yet of which run it is.
    #[must_use]
    pub fn is_uploaded(&self) -> bool {
        self.phase == Phase::Starting(StartStage::Uploaded)
    }

    /// Makes what was uploaded another run of the same program.
    pub(crate) fn rename_uploaded(&mut self, order: &RunOrder) {
        if self.is_uploaded()
            && let Some(run) = &mut self.run
        {
            run.order = order.clone();
        }
    }

    /// The bytes to send now, in order. What [is uploaded](Self::is_uploaded) is started with them.
    pub fn take_output(&mut self) -> Vec<u8> {
        if self.is_uploaded() {
            self.enter_start(StartStage::Start);
        }
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
        let stop_by = run.and_then(|run| run.stop_by);
        let silence = (self.phase == Phase::Running && !self.is_portable())
            .then(|| self.heard_at + if self.probed { SILENCE_LIMIT } else { SILENCE_PROBE });
        self.pending
            .iter()
            .map(|pending| pending.due)
            .chain(self.phase_due)
            .chain(overtime)
            .chain(silence)
            .chain(stop_by)
            .min()
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
            let why = EndReason::NotStarted;
            let end = RunEnd { run: order.run, why, report: None, proven_still: true, fault, sleep: None };
            self.events.push_back(SessionEvent::RunEnded(end));
            return Ok(());
        }
        let preparing = self.is_portable() || order.mount_anew;
        let prompt = if self.is_portable() {
            RawPrompt::enter(&portable::begin(&order), &mut self.out)
        } else if order.mount_anew {
            RawPrompt::enter(filing::MOUNT, &mut self.out)
        } else {
            RawPrompt::enter(&order.program, &mut self.out)
        };
        self.run = Some(Run {
            order,
            prompt,
            preparing,
            overtime_at: None,
            overtime_by: LinkTime::ZERO,
            stop: None,
            stop_by: None,
            stopped_for_overtime: false,
            interrupted: false,
            end: None,
            fault: None,
            sleep: None,
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

    /// Lets a board that can stamp edges do so until it is reset: of pins that have a callback, and of these, a bit for each;
    /// `None`: no more.
    pub fn watch(&mut self, now: LinkTime, pins: Option<u32>) {
        self.now = now;
        if !self.hello.as_ref().is_some_and(|hello| hello.caps.iter().any(|cap| cap == "edges")) {
            return;
        }
        let id = self.new_id();
        let message = match pins {
            Some(pins) => HostMessage::Watch { id, pins },
            None => HostMessage::Unwatch { id },
        };
        self.post(&message, Some(WATCH_TICKET), 1);
    }

    /// Sends what a person typed.
    pub fn type_text(&mut self, now: LinkTime, text: &str) {
        self.now = now;
        let text = text.replace("\r\n", "\r").replace('\n', "\r").replace(char::from(frame::FRAME_START), "");
        match self.phase {
            Phase::Ready | Phase::Running => {
                if let Some(run) = &mut self.run {
                    run.interrupted |= text.contains(char::from(INTERRUPT));
                }
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
        if self.run.as_ref().and_then(|run| run.stop_by).is_some_and(|by| by <= now) {
            self.end_stop();
        }
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

    /// The program should have ended. An attached virtual board on a busy machine is slower than our clock: then its own says
    /// how much time is left. A board whose clock is the link's own has had its time.
    fn overtime(&mut self, now: LinkTime) {
        let attached = self.attached;
        let Some(run) = &mut self.run else { return };
        let lately =
            run.clock.filter(|(heard_at, _)| attached && now < *heard_at + SILENCE_PROBE && now < run.overtime_by);
        let left = lately.map_or(Duration::ZERO, |(_, run_time)| run.order.limit.saturating_sub(run_time));
        run.overtime_at = (!left.is_zero()).then_some(now + left + OVERTIME);
        if left.is_zero() {
            run.stopped_for_overtime = true;
            self.stop(now);
        }
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
            Phase::Filing => self.filing_overdue(),
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
mod ending;
pub mod filing;
mod hearing;
mod pieces;
mod portable;
mod rest;
mod starting;
mod vocabulary;

pub use vocabulary::{EndReason, LinkAction, RunEnd, RunOrder, SessionEvent, SessionFault, Setting, Ticket};

use boot_talk::{BootTalk, RESETS_OF_A_LOOP};
use filing::{FileOrder, Filing};
use pieces::Pieces;
use portable::Script;
use rest::Rest;

#[cfg(test)]
mod tests;

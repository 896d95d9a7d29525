//! The session against a scripted board: a small model of MicroPython's prompts and of the lesson
//! firmware's frames, with every way in which a real board may misbehave as a switch.

use proptest::prelude::*;
use protocol::host;
use serde_json::json;

use super::*;

/// How the scripted board behaves.
#[derive(Clone, Debug)]
struct Habits {
    /// When the program ends by itself, after its start.
    ends_after: Option<Duration>,
    traceback: &'static str,
    prints: &'static str,
    ignores_stop: bool,
    ignores_interrupt: bool,
    /// A stop restarts the VM instead of ending the program.
    stop_restarts: bool,
    /// Counters go on after the program's end.
    keeps_counting: bool,
    /// The chip resets itself so long after the program's start.
    crashes_after: Option<Duration>,
    /// The program sleeps deeply so long after its start, and the board wakes 100 ms later.
    sleeps_after: Option<Duration>,
    /// Falls silent so long after the program's start.
    hangs_after: Option<Duration>,
    refuses: Option<&'static str>,
    answers_greetings: bool,
    has_prompt: bool,
    window: u16,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            ends_after: None,
            traceback: "",
            prints: "",
            ignores_stop: false,
            ignores_interrupt: false,
            stop_restarts: false,
            keeps_counting: false,
            crashes_after: None,
            sleeps_after: None,
            hangs_after: None,
            refuses: None,
            answers_greetings: true,
            has_prompt: true,
            window: 128,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Off,
    Friendly,
    Raw,
    Paste { left: u16 },
    Program { since: LinkTime },
}

struct Board {
    habits: Habits,
    mode: Mode,
    now: LinkTime,
    input: Splitter,
    typed: Vec<u8>,
    program: Vec<u8>,
    settings: Vec<String>,
    out: Vec<u8>,
    run: u32,
    limit_ms: u32,
    fired: u32,
    greeted: bool,
    next_sample: LinkTime,
    boots: u32,
    n: u32,
    resets: u32,
    hung: bool,
    asleep: bool,
    noise: Vec<u8>,
}

impl Board {
    fn new(habits: Habits) -> Self {
        Self {
            habits,
            mode: Mode::Off,
            now: LinkTime::ZERO,
            input: Splitter::new(),
            typed: Vec::new(),
            program: Vec::new(),
            settings: Vec::new(),
            out: Vec::new(),
            run: 0,
            limit_ms: 0,
            fired: 0,
            greeted: false,
            next_sample: LinkTime::ZERO,
            boots: 0,
            n: 0,
            resets: 0,
            hung: false,
            asleep: false,
            noise: Vec::new(),
        }
    }

    fn say_frame(&mut self, value: &serde_json::Value) {
        self.out.push(frame::FRAME_START);
        self.out.extend(value.to_string().bytes());
        self.out.push(frame::FRAME_END);
    }

    fn reset(&mut self) {
        self.resets += 1;
        self.power_up();
    }

    fn power_up(&mut self) {
        (self.greeted, self.boots, self.hung, self.fired) = (false, 0, false, 0);
        self.input = Splitter::new();
        self.out.extend(b"ESP-ROM:esp32c3-api1-20210207\r\n");
        if self.habits.has_prompt {
            self.out.extend(b"MicroPython\r\n>>> ");
        }
        self.mode = if self.habits.has_prompt { Mode::Friendly } else { Mode::Off };
    }

    fn sample(&mut self) {
        self.n += 1;
        let us = self.now.as_micros() as u64;
        let source = json!({"id":"t0","hard":false,"hz":1000,"expected":self.fired,"fired":self.fired,"missed":0,
            "ran":self.fired,"dropped":0,"queued":0,"disabled":false,"lat":{"min":1,"p50":2,"p99":3,"max":4}});
        let sample = json!({"t":"sample","n":self.n,"us":us,"run":self.run,"run_us":us,"src":[source],"q":0,"qmax":1,
            "main":self.fired,"stall_max":0,"locked_max":0,"exc":0,"lost_frames":0,"bad_bytes":0,"v":{"count":self.fired}});
        self.say_frame(&sample);
    }

    fn say_sleep(&mut self, woken: Option<&str>) {
        self.asleep = true;
        let mut sleep = json!({"ms":100,"pins":0,"high":false});
        if let Some(woken) = woken {
            sleep["woken"] = woken.into();
        }
        self.n += 1;
        let us = self.now.as_micros() as u64;
        self.say_frame(&json!({"t":"done","n":self.n,"us":us,"run":self.run,"why":"deep_sleep","sleep":sleep}));
    }

    fn end_program(&mut self, why: &str, traceback: &str) {
        self.sample();
        self.n += 1;
        let us = self.now.as_micros() as u64;
        self.say_frame(&json!({"t":"done","n":self.n,"us":us,"run":self.run,"why":why}));
        self.out.push(4);
        self.out.extend(traceback.bytes());
        self.out.extend(b"\x04>");
        self.mode = Mode::Raw;
    }

    fn receive(&mut self, bytes: &[u8]) {
        if self.hung {
            return;
        }
        let mut pieces = Vec::new();
        let mut splitter = std::mem::take(&mut self.input);
        splitter.push(bytes, |piece| {
            pieces.push(match piece {
                Piece::Console(text) => Heard::Console(text.to_vec()),
                Piece::Frame(json) => Heard::Frame(json.to_vec()),
                Piece::Broken(_, bytes) => Heard::Broken(bytes.to_vec()),
            });
        });
        self.input = splitter;
        for piece in pieces {
            match piece {
                Heard::Console(text) => text.iter().for_each(|&byte| self.key(byte)),
                Heard::Frame(json) => self.message(&json),
                Heard::Broken(_) => {}
            }
        }
    }

    fn key(&mut self, byte: u8) {
        match (self.mode, byte) {
            (Mode::Program { .. }, 3) if !self.habits.ignores_interrupt => {
                self.end_program("exception", "Traceback (most recent call last):\r\nKeyboardInterrupt: \r\n");
            }
            (Mode::Friendly, 1) | (Mode::Raw, 1) if !self.typed.ends_with(b"\x05A") => {
                self.out.extend(b"\r\nraw REPL; CTRL-B to exit\r\n>");
                self.mode = Mode::Raw;
            }
            (Mode::Raw, 1) => {
                self.typed.clear();
                self.program.clear();
                self.out.extend([b'R', 1]);
                self.out.extend(self.habits.window.to_le_bytes());
                self.mode = Mode::Paste { left: self.habits.window };
            }
            (Mode::Raw, 2) => {
                self.out.extend(b"\r\nMicroPython v1.25.0 on a script; with nothing\r\n>>> ");
                self.mode = Mode::Friendly;
            }
            (Mode::Paste { .. }, 4) => {
                self.out.push(4);
                self.out.extend(self.habits.prints.bytes());
                self.mode = Mode::Program { since: self.now };
            }
            // The interrupt ends the reading of the program (`mp_reader_stdin_readbyte`).
            (Mode::Paste { .. }, 3) => {
                self.out.extend(b"\x04\x04KeyboardInterrupt: \r\n\x04>");
                self.mode = Mode::Raw;
            }
            (Mode::Paste { left }, byte) => {
                assert!(left > 0, "the host overran the window");
                self.program.push(byte);
                let left = left - 1;
                self.mode = Mode::Paste { left };
                if left == 0 {
                    self.out.push(1);
                    self.mode = Mode::Paste { left: self.habits.window };
                }
            }
            (Mode::Raw, byte) => self.typed.push(byte),
            (Mode::Friendly, b'\r' | 2 | 3) => self.out.extend(b"\r\n>>> "),
            _ => {}
        }
    }

    fn message(&mut self, json: &[u8]) {
        let message = host::parse(json).expect("the session sends readable frames");
        let mut error = None;
        match message {
            HostMessage::Greet { .. } => {
                if !self.habits.answers_greetings {
                    return;
                }
                self.greeted = true;
                self.next_sample = self.now;
                self.hello();
            }
            HostMessage::Farewell { .. } => self.greeted = false,
            HostMessage::SetNumber { name, value, .. } => {
                self.settings.push(format!("{name}={value}"));
                error = (self.habits.refuses == Some(name)).then_some("out_of_range");
            }
            HostMessage::SetChoice { name, choice, .. } => self.settings.push(format!("{name}={choice}")),
            HostMessage::Start { run, limit_ms, .. } => (self.run, self.limit_ms, self.fired) = (run, limit_ms, 0),
            HostMessage::Request { what: "sample", .. } => self.sample(),
            HostMessage::Stop { .. } if self.habits.ignores_stop => {}
            HostMessage::Stop { id } if matches!(self.mode, Mode::Program { .. }) => {
                self.say_frame(&json!({"t":"ack","id":id,"ok":true}));
                if self.habits.stop_restarts {
                    self.boots += 1;
                    self.hello();
                    self.out.extend(b"\r\nMicroPython\r\n>>> ");
                    self.mode = Mode::Friendly;
                } else {
                    self.end_program("stopped", "Traceback\r\nKeyboardInterrupt: \r\n");
                }
                return;
            }
            _ => {}
        }
        self.say_frame(&json!({"t":"ack","id":message.id(),"ok":error.is_none(),"err":error}));
    }

    fn hello(&mut self) {
        let (v, boots) = (protocol::VERSION, self.boots);
        self.say_frame(&json!({"t":"hello","v":v,"fw":"0.1.0","mpy":"1.25.0","chip":"esp32c3","cpu_hz":160_000_000,
            "boots":boots,"caps":["hard","soft","baud"]}));
    }

    /// Lets a millisecond pass.
    fn step(&mut self, now: LinkTime) -> Vec<u8> {
        self.now = now;
        if let Mode::Program { since } = self.mode
            && !self.hung
        {
            self.fired += 1;
            let lasted = now - since;
            let limit = (self.limit_ms > 0).then(|| Duration::from_millis(self.limit_ms.into()));
            if self.habits.crashes_after.is_some_and(|after| lasted >= after) {
                self.habits.crashes_after = None;
                if self.asleep {
                    self.say_sleep(Some("timer"));
                } else {
                    self.out.extend(b"panic: nobody knows\r\n");
                }
                self.power_up();
            } else if self.habits.sleeps_after.is_some_and(|after| lasted >= after) {
                self.habits.sleeps_after = None;
                self.habits.crashes_after = Some(lasted + Duration::from_millis(100));
                self.say_sleep(None);
            } else if self.habits.hangs_after.is_some_and(|after| lasted >= after) {
                self.hung = true;
            } else if self.habits.ends_after.or(limit).is_some_and(|after| lasted >= after) {
                self.end_program("finished", self.habits.traceback);
            }
        } else if self.habits.keeps_counting && self.run > 0 {
            self.fired += 1;
        }
        if self.greeted && !self.hung && now >= self.next_sample {
            self.next_sample = now + Duration::from_millis(50);
            self.sample();
        }
        let mut out = std::mem::take(&mut self.out);
        out.append(&mut self.noise);
        out
    }
}

/// A session and its scripted board, one millisecond at a time.
struct Bench {
    session: Session,
    board: Board,
    now: LinkTime,
    events: Vec<SessionEvent>,
    baud: Option<u32>,
}

impl Bench {
    fn new(habits: Habits) -> Self {
        let mut bench = Self {
            session: Session::new(),
            board: Board::new(habits),
            now: LinkTime::ZERO,
            events: Vec::new(),
            baud: None,
        };
        bench.session.reset(bench.now);
        bench
    }

    fn ready(habits: Habits) -> Self {
        let mut bench = Self::new(habits);
        bench.until(2000, |bench| bench.session.is_ready());
        bench.events.clear();
        bench
    }

    fn step(&mut self) {
        self.now += Duration::from_millis(1);
        let input = self.session.take_output();
        self.board.receive(&input);
        while let Some(action) = self.session.next_action() {
            match action {
                LinkAction::Reset => self.board.reset(),
                LinkAction::SetBaud(baud) => self.baud = Some(baud),
                LinkAction::Begin => {}
            }
        }
        let output = self.board.step(self.now);
        self.session.receive(self.now, &output);
        if self.session.deadline().is_some_and(|due| due <= self.now) {
            self.session.tick(self.now);
        }
        while let Some(event) = self.session.next_event() {
            self.events.push(event);
        }
    }

    #[track_caller]
    fn until(&mut self, most_ms: u32, done: impl Fn(&Self) -> bool) {
        for _ in 0..most_ms {
            if done(self) {
                return;
            }
            self.step();
        }
        panic!("not within {most_ms} ms; phase {:?}, events {:#?}", self.session.phase, self.events);
    }

    fn order(&self) -> RunOrder {
        let settings = vec![("rate".into(), Setting::Number(1000)), ("kind".into(), Setting::Choice("hard".into()))];
        let (program, limit) = ("count = 0\n".repeat(40), Duration::from_millis(500));
        RunOrder { run: 7, program, settings, limit, keeps_files: false, mount_anew: false }
    }

    #[track_caller]
    fn run(&mut self, limit: Duration) {
        let order = RunOrder { limit, ..self.order() };
        self.session.start(self.now, order).expect("ready");
    }

    #[track_caller]
    fn end(&mut self, most_ms: u32) -> RunEnd {
        self.until(most_ms, |bench| bench.events.iter().any(|event| matches!(event, SessionEvent::RunEnded(_))));
        let ends: Vec<_> = self
            .events
            .iter()
            .filter_map(|event| match event {
                SessionEvent::RunEnded(end) => Some(end.clone()),
                _ => None,
            })
            .collect();
        assert_eq!(ends.len(), 1, "a run ends once");
        ends[0].clone()
    }

    fn console(&self) -> String {
        let bytes: Vec<u8> = self
            .events
            .iter()
            .flat_map(|event| match event {
                SessionEvent::Console(text) => text.clone(),
                _ => Vec::new(),
            })
            .collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[test]
fn a_program_is_set_up_runs_and_ends_by_itself() {
    let mut bench = Bench::ready(Habits { prints: "hello\r\n", ..Habits::default() });
    let order = bench.order();
    bench.run(order.limit);
    let end = bench.end(1500);
    assert_eq!((end.run, end.why, end.report, end.fault), (7, EndReason::Finished, None, None));
    assert_eq!(bench.board.program, order.program.as_bytes());
    assert_eq!(bench.board.settings, ["rate=1000", "kind=hard"]);
    assert_eq!(bench.console(), "hello\r\n>>> ");
    assert!(bench.session.is_ready());
    assert!(bench.events.iter().any(|event| matches!(event, SessionEvent::RunStarted(7))));
}

#[test]
fn a_traceback_is_reported_and_shown() {
    let traceback = "Traceback (most recent call last):\r\nSyntaxError: invalid syntax\r\n";
    let mut bench = Bench::ready(Habits { traceback, ends_after: Some(Duration::ZERO), ..Habits::default() });
    bench.run(Duration::from_secs(1));
    let end = bench.end(500);
    assert_eq!((end.why, end.report.as_deref()), (EndReason::Exception, Some(traceback)));
    assert!(bench.console().contains("SyntaxError"));
}

#[track_caller]
fn stop_ends(habits: Habits, why: EndReason, resets: u32) {
    let mut bench = Bench::ready(habits.clone());
    let resets_before = bench.board.resets;
    bench.run(Duration::ZERO);
    bench.until(500, |bench| bench.events.iter().any(|event| matches!(event, SessionEvent::RunStarted(_))));
    for _ in 0..100 {
        bench.step();
    }
    bench.session.stop(bench.now);
    let end = bench.end(6000);
    assert_eq!((end.why, end.report.clone(), end.proven_still), (why, None, true), "{habits:?}");
    assert_eq!(bench.board.resets - resets_before, resets, "{habits:?}");
    assert!(bench.session.is_ready(), "{habits:?}");
}

#[test]
fn stop_works_whatever_the_program_does() {
    stop_ends(Habits::default(), EndReason::Stopped, 0);
    stop_ends(Habits { stop_restarts: true, ..Habits::default() }, EndReason::Restarted, 0);
    stop_ends(Habits { ignores_stop: true, ..Habits::default() }, EndReason::Stopped, 0);
    stop_ends(Habits { ignores_stop: true, ignores_interrupt: true, ..Habits::default() }, EndReason::Restarted, 1);
}

#[test]
fn counters_that_go_on_after_a_stop_bring_a_reset_and_then_a_fault() {
    let mut bench = Bench::ready(Habits { keeps_counting: true, ..Habits::default() });
    bench.run(Duration::ZERO);
    bench.until(500, |bench| bench.events.iter().any(|event| matches!(event, SessionEvent::RunStarted(_))));
    bench.session.stop(bench.now);
    let end = bench.end(6000);
    assert!(!end.proven_still);
    assert_eq!(bench.board.resets, 2, "the first one booted the board");
    bench.until(100, |bench| bench.session.fault() == Some(SessionFault::StillCounting));
}

#[test]
fn a_program_that_ignores_its_time_is_stopped() {
    let habits = Habits { ends_after: Some(Duration::from_secs(60)), ..Habits::default() };
    let mut bench = Bench::ready(habits);
    bench.run(Duration::from_millis(300));
    assert_eq!(bench.end(4000).why, EndReason::Overtime);
}

#[test]
fn a_board_that_resets_itself_ends_the_run_and_comes_back() {
    let mut bench = Bench::ready(Habits { crashes_after: Some(Duration::from_millis(80)), ..Habits::default() });
    bench.run(Duration::from_secs(1));
    let end = bench.end(1000);
    assert_eq!(end.why, EndReason::Crashed);
    assert!(end.report.is_some_and(|report| report.contains("panic: nobody knows")));
    bench.until(1000, |bench| bench.session.is_ready());
}

#[test]
fn a_deep_sleep_ends_the_run_and_is_no_crash() {
    let mut bench = Bench::ready(Habits { sleeps_after: Some(Duration::from_millis(80)), ..Habits::default() });
    bench.run(Duration::from_secs(1));
    let end = bench.end(1000);
    assert_eq!((end.why, end.report), (EndReason::DeepSleep, None));
    let sleep = end.sleep.unwrap();
    assert_eq!((sleep.ms, sleep.woken.as_deref()), (Some(100), Some("timer")));
    bench.until(1000, |bench| bench.session.is_ready());
}

#[test]
fn a_board_that_falls_silent_is_reset() {
    let mut bench = Bench::ready(Habits { hangs_after: Some(Duration::from_millis(80)), ..Habits::default() });
    bench.run(Duration::from_secs(1));
    assert_eq!(bench.end(5000).why, EndReason::Crashed);
    bench.until(1000, |bench| bench.session.is_ready());
}

#[test]
fn a_refused_setting_ends_the_run_before_it_starts() {
    let mut bench = Bench::ready(Habits { refuses: Some("rate"), ..Habits::default() });
    bench.run(Duration::from_secs(1));
    let end = bench.end(1000);
    assert_eq!((end.why, end.fault), (EndReason::NotStarted, Some(SessionFault::SettingRefused)));
    assert!(bench.session.is_ready());
}

#[test]
fn boards_without_firmware_or_prompt_are_told_apart() {
    for (habits, fault) in [
        (Habits { answers_greetings: false, ..Habits::default() }, SessionFault::NoLessonFirmware),
        (Habits { has_prompt: false, ..Habits::default() }, SessionFault::NoAnswer),
    ] {
        let mut bench = Bench::new(habits);
        bench.until(15_000, |bench| bench.session.fault().is_some());
        assert_eq!(bench.session.fault(), Some(fault));
    }
}

#[test]
fn a_control_changes_during_a_run_and_is_acknowledged() {
    let mut bench = Bench::ready(Habits::default());
    bench.run(Duration::from_secs(1));
    bench.until(500, |bench| bench.events.iter().any(|event| matches!(event, SessionEvent::RunStarted(_))));
    bench.session.set(bench.now, 42, "rate", &Setting::Number(250));
    bench.until(50, |bench| bench.events.contains(&SessionEvent::Answer(42, Ok(()))));
    assert!(bench.board.settings.contains(&"rate=250".into()));
    let endless = "x".repeat(MAX_FRAME_BYTES);
    bench.session.set(bench.now, 43, &endless, &Setting::Number(1));
    bench.until(50, |bench| bench.events.contains(&SessionEvent::Answer(43, Err(SessionFault::SettingRefused))));
}

#[test]
fn an_attached_board_is_greeted_without_a_reset() {
    let mut bench = Bench { session: Session::new(), ..Bench::new(Habits::default()) };
    bench.board.mode = Mode::Friendly;
    bench.session.attach(bench.now);
    bench.until(200, |bench| bench.session.is_ready());
    assert_eq!(bench.board.resets, 0);
}

#[test]
fn a_board_that_can_is_asked_for_a_faster_line() {
    let mut bench = Bench { session: Session::with_fast_baud(921_600), ..Bench::new(Habits::default()) };
    bench.session.reset(bench.now);
    bench.until(2000, |bench| bench.session.is_ready());
    assert_eq!(bench.baud, Some(921_600));
    bench.run(Duration::from_millis(100));
    assert_eq!(bench.end(1500).why, EndReason::Finished);
}

#[test]
fn a_flood_on_the_console_is_passed_on_and_does_not_hide_the_end() {
    let mut bench = Bench::ready(Habits { ends_after: Some(Duration::from_millis(300)), ..Habits::default() });
    bench.run(Duration::from_secs(1));
    bench.until(500, |bench| bench.events.iter().any(|event| matches!(event, SessionEvent::RunStarted(_))));
    for _ in 0..200 {
        bench.board.noise = b"flood ".repeat(200);
        bench.step();
    }
    assert_eq!(bench.end(1000).why, EndReason::Finished);
    assert!(bench.console().len() > 200 * 1200);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever bytes the line invents, a reset brings the board back, and a run then works.
    #[test]
    fn noise_never_wedges_a_session(bursts in proptest::collection::vec((0u32..400, proptest::collection::vec(any::<u8>(), 0..64)), 0..12)) {
        let mut bench = Bench::ready(Habits::default());
        bench.run(Duration::from_millis(300));
        for (pause, noise) in bursts {
            for _ in 0..pause {
                bench.step();
            }
            bench.board.noise = noise;
        }
        // The upload may have been spoilt, the program may wait for ever: the session ends it by itself.
        bench.until(30_000, |bench| !bench.session.is_busy() && (bench.session.is_ready() || bench.session.fault().is_some()));
        bench.session.reset(bench.now);
        bench.until(12_000, |bench| bench.session.is_ready());
        bench.events.clear();
        bench.run(Duration::from_millis(100));
        prop_assert_eq!(bench.end(3000).why, EndReason::Finished);
    }

    /// A session that is talked to out of turn neither panics nor sends for ever.
    #[test]
    fn any_order_of_requests_is_survived(requests in proptest::collection::vec((0u8..6, 0u32..120), 0..40)) {
        let mut bench = Bench::new(Habits::default());
        for (request, pause) in requests {
            let now = bench.now;
            match request {
                0 => { let order = bench.order(); let _ = bench.session.start(now, order); }
                1 => bench.session.stop(now),
                2 => bench.session.reset(now),
                3 => bench.session.set(now, 1, "rate", &Setting::Number(5)),
                4 => bench.session.type_text(now, "1+1\n\u{1e}"),
                _ => bench.session.attach(now),
            }
            for _ in 0..pause {
                bench.step();
            }
        }
        bench.session.stop(bench.now);
        bench.until(20_000, |bench| !bench.session.is_busy() && bench.session.is_ready());
    }
}

#[test]
fn an_idle_board_is_told_farewell_and_greeted_again_when_somebody_types() {
    let session = Session::with_fast_baud(921_600).resting_when_idle();
    let mut bench = Bench { session, ..Bench::new(Habits::default()) };
    bench.session.reset(bench.now);
    bench.until(2000, |bench| bench.session.is_ready());
    bench.until(11_000, |bench| bench.session.phase == Phase::Resting);
    assert_eq!((bench.board.greeted, bench.baud, bench.session.deadline()), (false, Some(115_200), None));
    bench.session.type_text(bench.now, "\n");
    bench.session.type_text(bench.now, "\n");
    bench.events.clear();
    bench.until(1000, |bench| bench.session.phase == Phase::Ready);
    assert_eq!((bench.board.greeted, bench.baud), (true, Some(921_600)));
    bench.until(100, |bench| bench.console().matches(">>> ").count() == 2);
}

#[test]
fn a_board_that_counts_or_talks_at_its_prompt_does_not_rest() {
    let session = Session::new().resting_when_idle();
    let mut bench = Bench { session, ..Bench::new(Habits { keeps_counting: true, ..Habits::default() }) };
    bench.session.reset(bench.now);
    bench.until(2000, |bench| bench.session.is_ready());
    bench.board.run = 1;
    for _ in 0..20_000 {
        bench.step();
        assert_eq!(bench.session.phase, Phase::Ready);
    }
    bench.board.habits.keeps_counting = false;
    for _ in 0..20 {
        bench.session.type_text(bench.now, "\n");
        (0..1000).for_each(|_| bench.step());
        assert_eq!(bench.session.phase, Phase::Ready);
    }
    bench.until(11_000, |bench| bench.session.phase == Phase::Resting);
}

#[test]
fn an_attached_board_is_looked_for_at_every_speed_before_it_counts_as_silent() {
    let habits = Habits { has_prompt: false, ..Habits::default() };
    let mut bench = Bench { session: Session::for_attached(921_600), ..Bench::new(habits) };
    bench.session.reset(bench.now);
    bench.until(20_000, |bench| bench.session.fault().is_some());
    assert_eq!(bench.session.fault(), Some(SessionFault::NoAnswer));
    bench.step();
    assert_eq!(bench.baud, Some(115_200), "the line is left at the speed of consoles");
}

#[test]
fn a_lesson_board_whose_greetings_got_lost_is_not_taken_for_an_official_one() {
    let habits =
        Habits { answers_greetings: false, prints: "isrlab micropython esp32 native\r\n", ..Habits::default() };
    let habits = Habits { ends_after: Some(Duration::from_millis(5)), ..habits };
    let mut bench = Bench { session: Session::for_attached(921_600), ..Bench::new(habits) };
    bench.session.reset(bench.now);
    bench.until(20_000, |bench| bench.session.fault().is_some());
    assert_eq!(bench.session.fault(), Some(SessionFault::NotAcknowledged));
    assert!(!String::from_utf8_lossy(&bench.board.program).contains("lab.new"), "nothing was written");
}

//! What is kept and told of one board: its state, its run, its console, and who waits for an answer.
//!
//! A desk is a step function without a clock or a channel: it is given commands and what the board's engine reports, each
//! with the time, and leaves [`Effect`]s behind, to be carried out in their order.

mod mistakes;
mod ports;
mod published;
mod refusal;
mod stamped;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use course::{Language, Setting};
use parts::Wiring;
use protocol::received::{Event, Hello, Sample, What};

use crate::clock::Moment;
use crate::console_out::ConsoleOut;
use crate::engine::{EngineCommand, EngineReport, Speed};
use crate::headless::FIRST_RUN;
use crate::pins::{Stamped, Wanted};
use crate::record::{Recorder, RunRecord, RunRequest, wire_setting};
use crate::session::filing::FileOrder;
use crate::session::{EndReason, LinkTime, RunEnd, SessionEvent, SessionFault, Ticket};
use crate::state::{BoardKind, BoardState, BoardStatus};
use mistakes::Mistakes;
use published::same_numbers;
pub use refusal::BoardRefusal;

/// Numbers of runs have as many digits as [`FIRST_RUN`], so that frames keep their length.
const LAST_RUN: u32 = 9999;

/// Who waits for an answer, by a number of the host's choice.
pub type Asker = u64;

/// What a board is asked for.
#[derive(Clone, Debug)]
pub enum Command {
    /// Start a run; how it goes is told.
    Run(Box<RunRequest>),
    /// Stop the run; the answer comes when it has ended.
    Stop,
    /// Reset the board; a run that is going on ends.
    Reset,
    /// Let time stand still or go on.
    Pause(bool),
    /// Change the speed of time; the factor has passed [`Speed::checked`].
    Speed(f64),
    /// Change a control of the run; the answer comes when the board has acknowledged it.
    Set(String, Setting),
    /// Move a control of a part on the pins.
    Part {
        /// The part's name.
        part: String,
        /// The control's name.
        control: String,
        /// Its new value.
        value: i64,
    },
    /// Look after the board's files.
    File(FileOrder),
    /// Tell the pins over time, in this form; they are recorded from the first time on.
    Pins(Wanted),
    /// Record the pins no more.
    ForgetPins,
    /// Send what a person typed, on the page of this lesson.
    Type {
        /// What was typed; control characters mean what they mean at the board's prompt.
        text: String,
        /// The lesson's slug.
        lesson: Option<String>,
    },
    /// Begin to flash; the job itself is the host's.
    Flash,
    /// Wait until the port that the host opens is open.
    Open,
    /// Wait until the port that the host closes is closed.
    Close,
}

/// What came of something that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// It is done.
    Done,
    /// The run of this number was started.
    Started(u32),
    /// This is the answer, as JSON text.
    Told(Arc<str>),
}

/// An answer to whoever asked.
pub type Answer = Result<Done, BoardRefusal>;

/// What comes out of a command or a report.
#[derive(Clone, Debug)]
pub enum Effect {
    /// The engine is told this.
    Engine(EngineCommand),
    /// The page is told this.
    Event {
        /// `board`, `run`, `sample`, `parts` or `event`.
        name: &'static str,
        /// JSON text without line feeds.
        data: Arc<str>,
        /// When it happened: for a board's frame, when the board sent it.
        made: Moment,
    },
    /// The page shows this in the console.
    Console {
        /// What the board printed.
        text: String,
        /// Frames that could not be read since the session began.
        bad_frames: u64,
        /// Bytes that are left out of `text` because there were too many.
        skipped_bytes: u64,
        /// Whose text it is: the lesson that ran, or on whose page something was typed.
        lesson: Option<Arc<str>>,
    },
    /// What the page keeps of an earlier run is out of date.
    ForgetRun,
    /// The status has changed.
    Status,
    /// Somebody has their answer.
    Answer(Asker, Answer),
    /// A run is over.
    Record(Box<RunRecord>),
}

/// The run that is going on.
#[derive(Clone, Debug)]
struct ActiveRun {
    number: u32,
    recorder: Recorder,
    started: bool,
    /// A moment of the line's clock and how much of the run's time had passed by then.
    known: Option<(LinkTime, u64)>,
    elapsed_us: u64,
    published: Moment,
    mistakes: Mistakes,
}

impl ActiveRun {
    /// The board said at `link` how much of the run's time had passed.
    fn know(&mut self, link: LinkTime, elapsed_us: u64) {
        self.known = Some((link, elapsed_us));
        self.pass(link);
    }

    /// Time passes between two samples as well, which in slow motion are minutes apart.
    fn pass(&mut self, now: LinkTime) {
        if let Some((then, elapsed_us)) = self.known {
            self.elapsed_us = self.elapsed_us.max(elapsed_us + micros(now.saturating_sub(then)));
        }
    }
}

/// What is kept and told of one board.
#[derive(Debug)]
pub struct Desk {
    status: BoardStatus,
    language: Language,
    effects: VecDeque<Effect>,
    hello: Option<Hello>,
    run: Option<ActiveRun>,
    run_number: u32,
    /// What runs or ran last, as files of it say, and its wiring.
    ran: Option<String>,
    wiring: Arc<Wiring>,
    stop_askers: Vec<Asker>,
    set_askers: Vec<(Ticket, String, Setting, Asker)>,
    part_askers: Vec<(Ticket, Asker)>,
    told_askers: Vec<(Ticket, Asker)>,
    last_ticket: Ticket,
    /// The sample that was published last; the same numbers again are no news.
    shown: Option<Sample>,
    /// Edges that an attached board stamps, while somebody looks at them.
    stamped: Option<Stamped>,
    console: ConsoleOut,
    /// Whose text the console collects.
    console_lesson: Option<Arc<str>>,
    bad_frames: u64,
    /// Whether the board resets again and again, and that was told.
    resets_again: bool,
    open_askers: Vec<Asker>,
    close_askers: Vec<Asker>,
    /// When the flashing job began that goes on.
    flashing: Option<Moment>,
}

impl Desk {
    /// The desk of a board of which this is known.
    #[must_use]
    pub fn new(status: BoardStatus) -> Self {
        Self {
            status,
            language: Language::default(),
            effects: VecDeque::new(),
            hello: None,
            run: None,
            run_number: FIRST_RUN - 1,
            ran: None,
            wiring: Arc::default(),
            stop_askers: Vec::new(),
            set_askers: Vec::new(),
            part_askers: Vec::new(),
            told_askers: Vec::new(),
            last_ticket: 0,
            shown: None,
            stamped: None,
            console: ConsoleOut::default(),
            console_lesson: None,
            bad_frames: 0,
            resets_again: false,
            open_askers: Vec::new(),
            close_askers: Vec::new(),
            flashing: None,
        }
    }

    /// What is known of the board.
    #[must_use]
    pub fn status(&self) -> &BoardStatus {
        &self.status
    }

    /// The language of texts in events.
    pub fn set_language(&mut self, language: Language) {
        self.language = language;
    }

    /// Whether a run is going on.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.run.is_some()
    }

    /// The next thing to be carried out.
    pub fn next_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When [`tick`](Self::tick) is due, if it is.
    #[must_use]
    pub fn due(&self) -> Option<Moment> {
        self.console.due
    }

    /// Tells what was only collected until now.
    pub fn tick(&mut self, now: Moment) {
        if self.due().is_some_and(|due| due <= now) {
            self.flush_console();
        }
    }

    /// Tells a page that has not heard anything yet how things are.
    pub fn tell(&mut self, now: Moment) {
        self.flush_console();
        self.publish_status(now, |_| {});
    }

    /// Carries a command out, or begins to.
    pub fn obey(&mut self, now: Moment, asker: Asker, command: Command) {
        match command {
            Command::Run(request) => {
                let answer = self.start(now, *request).map(Done::Started);
                self.answer(asker, answer);
            }
            Command::Stop => {
                if self.run.is_some() {
                    self.stop_askers.push(asker);
                    self.post(EngineCommand::Stop);
                } else {
                    self.answer(asker, Ok(Done::Done));
                }
            }
            Command::Reset => {
                // Somebody wants to see what comes of it.
                self.resets_again = false;
                self.post(EngineCommand::Reset);
                self.set_pace(now, Speed { paused: false, ..self.speed() });
                self.answer(asker, Ok(Done::Done));
            }
            Command::Pause(paused) => self.ask_pace(now, asker, Speed { paused, ..self.speed() }),
            Command::Speed(factor) => self.ask_pace(now, asker, Speed { factor, ..self.speed() }),
            Command::Set(name, value) => {
                if !self.run.as_ref().is_some_and(|run| run.started) {
                    self.answer(asker, Err(BoardRefusal::NothingRuns));
                    return;
                }
                self.last_ticket += 1;
                let ticket = self.last_ticket;
                self.post(EngineCommand::Set { ticket, name: name.clone(), value: wire_setting(&value) });
                self.set_askers.push((ticket, name, value, asker));
            }
            Command::Part { .. } if self.status.kind != BoardKind::Virtual => {
                self.answer(asker, Err(BoardRefusal::PartsAreReal));
            }
            Command::Part { part, control, value } => {
                self.last_ticket += 1;
                let ticket = self.last_ticket;
                self.part_askers.push((ticket, asker));
                self.post(EngineCommand::Part { ticket, part, control, value });
            }
            Command::File(_) if self.run.is_some() => self.answer(asker, Err(BoardRefusal::Busy)),
            Command::File(order) => {
                self.last_ticket += 1;
                self.told_askers.push((self.last_ticket, asker));
                self.post(EngineCommand::File { ticket: self.last_ticket, order });
            }
            Command::Pins(_) | Command::ForgetPins if self.status.kind != BoardKind::Virtual => {
                let answer = self.stamped_pins(command);
                self.answer(asker, answer);
            }
            Command::Pins(wanted) => {
                self.last_ticket += 1;
                self.told_askers.push((self.last_ticket, asker));
                let origin = self.ran.clone().unwrap_or_else(|| "ISR Lab".to_owned());
                self.post(EngineCommand::Pins { ticket: self.last_ticket, wanted, origin });
            }
            Command::ForgetPins => {
                self.post(EngineCommand::ForgetPins);
                self.answer(asker, Ok(Done::Done));
            }
            Command::Type { text, lesson } => {
                if lesson.is_some() && self.run.is_none() {
                    self.turn_console_to(lesson.map(Arc::from));
                }
                self.post(EngineCommand::Type(text));
                self.answer(asker, Ok(Done::Done));
            }
            Command::Flash => {
                let answer = self.flash(now).map(|()| Done::Done);
                self.answer(asker, answer);
            }
            Command::Open => self.open_askers.push(asker),
            Command::Close => {
                self.stamped = None;
                self.close_askers.push(asker);
            }
        }
    }

    /// Hears what the board's engine reports.
    pub fn hear(&mut self, now: Moment, report: EngineReport) {
        match report {
            EngineReport::Session { link, made, event } => self.hear_session(now, link, made, event),
            EngineReport::Clock { link, share } => {
                // Pages see the share in the run's own events; nobody else needs it this often.
                (self.status.virtual_us, self.status.share) = (micros(link), share);
                self.effects.push_back(Effect::Status);
                if let Some(run) = &mut self.run {
                    run.pass(link);
                }
                self.publish_run_at_intervals(now);
            }
            EngineReport::Parts(parts) => self.publish_parts(now, &parts),
            EngineReport::Moved { ticket, result } => {
                if let Some(at) = self.part_askers.iter().position(|(asked, _)| *asked == ticket) {
                    let (_, asker) = self.part_askers.remove(at);
                    self.answer(asker, result.map(|()| Done::Done).map_err(BoardRefusal::Part));
                }
            }
            EngineReport::Pins { ticket, told } => {
                self.tell_asker(ticket, told.map(|told| Done::Told(told.into())).ok_or(BoardRefusal::NotReady));
            }
            EngineReport::Busy { run } => self.end_unstarted(now, run),
            EngineReport::Lost(fault) => {
                tracing::warn!(board = %self.status.id, %fault, "a board is lost");
                self.publish_status(now, |status| status.state = BoardState::Fault((&fault).into()));
            }
            EngineReport::Port(report) => self.hear_port(now, report),
        }
    }

    fn tell_asker(&mut self, ticket: Ticket, answer: Answer) {
        if let Some(at) = self.told_askers.iter().position(|(asked, _)| *asked == ticket) {
            let (_, asker) = self.told_askers.remove(at);
            self.answer(asker, answer);
        }
    }

    fn answer(&mut self, asker: Asker, answer: Answer) {
        self.effects.push_back(Effect::Answer(asker, answer));
    }

    fn post(&mut self, command: EngineCommand) {
        self.effects.push_back(Effect::Engine(command));
    }

    fn ask_pace(&mut self, now: Moment, asker: Asker, speed: Speed) {
        if self.status.can.slow_motion {
            self.set_pace(now, speed);
            self.answer(asker, Ok(Done::Done));
        } else {
            self.answer(asker, Err(BoardRefusal::RealTime));
        }
    }

    fn start(&mut self, now: Moment, request: RunRequest) -> Result<u32, BoardRefusal> {
        if self.run.is_some() {
            return Err(BoardRefusal::Busy);
        }
        match &self.status.state {
            BoardState::Ready => {}
            BoardState::Flashing(_) => return Err(BoardRefusal::Flashing),
            _ => return Err(BoardRefusal::NotReady),
        }
        self.run_number =
            if (FIRST_RUN..LAST_RUN).contains(&self.run_number) { self.run_number + 1 } else { FIRST_RUN };
        let number = self.run_number;
        self.set_pace(now, Speed { paused: false, ..self.speed() });
        let wiring = request.wiring.clone();
        self.wiring = Arc::clone(&wiring);
        self.watch();
        self.post(EngineCommand::Start { order: request.order(number), seed: request.seed, wiring });
        let lesson = request.lesson.clone();
        let version = self.status.version.as_ref().map(|version| format!(", firmware {}", version.firmware));
        self.ran = Some(format!("{lesson}, seed {}{}", request.seed, version.unwrap_or_default()));
        self.turn_console_to(Some(Arc::from(&lesson[..])));
        let recorder = Recorder::new(request, number, self.status.version.clone());
        self.run = Some(ActiveRun {
            number,
            recorder,
            started: false,
            known: None,
            elapsed_us: 0,
            published: now,
            mistakes: Mistakes::default(),
        });
        self.shown = None;
        self.effects.push_back(Effect::ForgetRun);
        self.publish_run(now, "starting", None);
        self.publish_status(now, |status| status.state = BoardState::Running { lesson, run: number });
        Ok(number)
    }

    fn speed(&self) -> Speed {
        Speed { factor: self.status.speed, paused: self.status.paused }
    }

    fn set_pace(&mut self, now: Moment, speed: Speed) {
        if speed == self.speed() {
            return;
        }
        self.post(EngineCommand::Pace(speed));
        self.publish_status(now, |status| (status.speed, status.paused) = (speed.factor, speed.paused));
        self.publish_run(now, "running", None);
    }

    fn hear_session(&mut self, now: Moment, link: LinkTime, made: Moment, event: SessionEvent) {
        let record = self.run.as_mut().and_then(|run| run.recorder.hear(&event, self.hello.as_ref()));
        match event {
            // A board that resets again and again says so with every banner: it is told once, until it comes to a prompt.
            SessionEvent::Booting if self.resets_again => {}
            SessionEvent::Booting => self.publish_status(now, |status| status.state = BoardState::Booting),
            SessionEvent::Ready(hello) => {
                self.resets_again = false;
                self.publish_status(now, |status| {
                    status.state = BoardState::Ready;
                    status.chip.clone_from(&hello.chip);
                    status.firmware = Some(hello.fw.clone());
                    status.micropython = Some(hello.mpy.clone());
                    status.can.hear(&hello);
                    (status.boots, status.virtual_us) = (hello.boots, micros(link));
                });
                self.hello = Some(hello);
                self.watch();
            }
            SessionEvent::Sample(json, sample) => {
                if let Some(run) = &mut self.run {
                    run.know(link, sample.run_us);
                }
                self.pass_stamped(sample.us);
                self.hear_sample(now, json, sample, made);
            }
            SessionEvent::Event(_, Event { what: what @ What::Edges { .. }, .. }) => self.hear_edges(&what),
            SessionEvent::Event(json, event) => {
                self.effects.push_back(Effect::Event { name: "event", data: json, made });
                self.hear_exception(now, &event);
            }
            SessionEvent::Console(text) => {
                self.console.add(now, &text);
                self.hear_printed(now, &text);
            }
            SessionEvent::BadFrame(so_far, _) => {
                self.bad_frames = so_far;
                self.console.add(now, b"");
            }
            SessionEvent::RunStarted(_) => {
                if let Some(run) = &mut self.run {
                    run.started = true;
                    run.know(link, 0);
                }
                self.publish_run(now, "running", None);
            }
            SessionEvent::RunEnded(end) => self.end_run(now, &end, record),
            SessionEvent::Filed(ticket, result) => {
                let result = result.map_err(BoardRefusal::File);
                self.tell_asker(ticket, result.map(|filed| Done::Told(filed.to_json().into())));
            }
            SessionEvent::Answer(ticket, result) => self.answer_set(now, ticket, result),
            SessionEvent::Fault(SessionFault::ResetLoop) if self.resets_again => {}
            SessionEvent::Fault(fault) => {
                self.resets_again = fault == SessionFault::ResetLoop;
                tracing::warn!(board = %self.status.id, %fault, "a board has a fault");
                self.publish_status(now, |status| status.state = BoardState::Fault(fault.into()));
            }
        }
    }

    fn hear_sample(&mut self, now: Moment, json: Arc<str>, sample: Sample, made: Moment) {
        let news = self.run.is_some() || self.shown.as_ref().is_none_or(|shown| !same_numbers(shown, &sample));
        if news {
            self.effects.push_back(Effect::Event { name: "sample", data: json, made });
            self.shown = Some(sample);
        }
        self.publish_run_at_intervals(now);
    }

    fn answer_set(&mut self, now: Moment, ticket: Ticket, result: Result<(), SessionFault>) {
        let Some(at) = self.set_askers.iter().position(|(asked, ..)| *asked == ticket) else { return };
        let (_, name, value, asker) = self.set_askers.remove(at);
        if result.is_ok()
            && let Some(run) = &mut self.run
        {
            run.recorder.control_changed(&name, value);
            self.publish_run(now, "running", None);
        }
        self.answer(asker, result.map(|()| Done::Done).map_err(BoardRefusal::from));
    }

    fn end_run(&mut self, now: Moment, end: &RunEnd, record: Option<RunRecord>) {
        self.flush_console();
        if let Some(ActiveRun { known: Some((_, said_us)), elapsed_us, .. }) = &mut self.run {
            *elapsed_us = *said_us;
        }
        self.end_mistakes(now, end);
        self.publish_run(now, "ended", Some(end));
        if self.run.as_ref().is_some_and(|run| run.number == end.run) {
            self.run = None;
        }
        self.publish_status(now, |status| {
            if let BoardState::Running { .. } = status.state {
                status.state = BoardState::Ready;
            }
        });
        for asker in std::mem::take(&mut self.stop_askers) {
            self.answer(asker, Ok(Done::Done));
        }
        for (_, _, _, asker) in std::mem::take(&mut self.set_askers) {
            self.answer(asker, Err(BoardRefusal::NothingRuns));
        }
        if let Some(record) = record {
            self.effects.push_back(Effect::Record(Box::new(record)));
        }
    }

    /// The engine could not start a run that seemed possible.
    fn end_unstarted(&mut self, now: Moment, run: u32) {
        let fault = Some(SessionFault::NoPrompt);
        let why = EndReason::NotStarted;
        let end = RunEnd { run, why, report: None, proven_still: false, fault, sleep: None };
        let record = self
            .run
            .as_mut()
            .and_then(|run| run.recorder.hear(&SessionEvent::RunEnded(end.clone()), self.hello.as_ref()));
        self.end_run(now, &end, record);
    }
}

fn micros(link: LinkTime) -> u64 {
    u64::try_from(link.as_micros()).unwrap_or(u64::MAX)
}

/// How much later one moment is than another.
fn since(earlier: Moment, now: Moment) -> Duration {
    now.saturating_sub(earlier)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{BoardId, Device};

    #[test]
    fn the_parts_of_a_board_at_a_cable_are_moved_by_hand() {
        let mut desk = Desk::new(BoardStatus::new_attached(BoardId("esp".to_owned()), Device::default()));
        let command = Command::Part { part: "bell".to_owned(), control: "pressed".to_owned(), value: 1 };
        desk.obey(Moment::ZERO, 7, command);
        let answered = desk.next_effect();
        assert!(matches!(answered, Some(Effect::Answer(7, Err(BoardRefusal::PartsAreReal)))), "{answered:?}");
        assert!(desk.next_effect().is_none());
    }
}

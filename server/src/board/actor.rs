//! The actor of one board: it alone talks to the board's engine, keeps what is known of the board,
//! and publishes it. Everyone else holds a [`Board`], a cheap handle.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use protocol::received::{Hello, Sample};
use serde::Serialize;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use super::console_out::ConsoleOut;
use super::description::describe;
use super::engine::{Engine, EngineCommand, EngineReport, PortCommand, PortReport};
use super::flash::{Cancel, Image, Progress};
use super::pace::Speed;
use super::seldom::Seldom;
use super::session::{EndReason, LinkTime, RunEnd, SessionEvent, SessionFault, Ticket};
use super::state::{BoardFault, BoardState, BoardStatus, Flashed, LogLine, Logged};
use crate::course::{Setting, Settings};
use crate::feed::Feed;
use crate::run::headless::FIRST_RUN;
use crate::run::record::{Recorder, RunRecord, RunRequest, why, wire_setting};

/// Numbers of runs have as many digits as [`FIRST_RUN`], so that frames keep their length.
const LAST_RUN: u32 = 9999;
/// How many commands may wait for an actor.
const COMMANDS: usize = 32;
/// How often the state of a run is published.
const RUN_INTERVAL: Duration = Duration::from_millis(250);
/// Lines that the log of a flashing job keeps.
const LOG_LINES: usize = 60;
/// A board that nobody looks at and that runs nothing stands still after so long.
const SLEEP_AFTER: Duration = Duration::from_secs(5);

/// Why a board does not do what it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BoardRefusal {
    /// A run is going on.
    #[error("the board is running a program")]
    Busy,
    /// The board is at no prompt.
    #[error("the board is not ready")]
    NotReady,
    /// Nothing runs.
    #[error("nothing runs on the board")]
    NothingRuns,
    /// Its flash is being written.
    #[error("the board is being flashed")]
    Flashing,
    /// No flashing job goes on.
    #[error("nothing is being flashed")]
    NothingFlashes,
    /// Only a virtual board's time can be slowed down, hurried or stopped.
    #[error("the board runs in real time")]
    RealTime,
    /// Its port cannot be used.
    #[error(transparent)]
    Port(BoardFault),
    /// The session failed at it.
    #[error(transparent)]
    Session(#[from] SessionFault),
    /// The actor has ended.
    #[error("the board is gone")]
    Gone,
}

type Reply<T> = oneshot::Sender<Result<T, BoardRefusal>>;

enum Command {
    Run(Box<RunRequest>, Reply<u32>),
    Stop(Reply<()>),
    Reset(Reply<()>),
    Pause(bool, Reply<()>),
    Speed(f64, Reply<()>),
    Set(String, Setting, Reply<()>),
    Type(String, Reply<()>),
    Wake,
    Join(Arc<Feed>, OnEnd, Reply<()>),
    Open(Reply<()>),
    Close(Reply<()>),
    Look,
    Flash(Arc<[Image]>, Reply<()>),
    CancelFlash(Reply<()>),
}

/// A handle to a board. The board lives as long as one of its handles.
#[derive(Clone, Debug)]
pub struct Board {
    commands: mpsc::Sender<Command>,
    status: watch::Receiver<BoardStatus>,
}

/// What is done with the record of every run.
pub type OnEnd = Box<dyn Fn(RunRecord) + Send>;

impl Board {
    /// Starts the actor of a board on the present runtime.
    pub fn spawn(
        status: BoardStatus,
        engine: impl Engine + 'static,
        reports: mpsc::Receiver<Vec<EngineReport>>,
        feed: Arc<Feed>,
        on_end: OnEnd,
    ) -> Self {
        let (publish, watch) = watch::channel(status);
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let actor = Actor {
            engine: Box::new(engine),
            feed,
            on_end,
            status: publish,
            hello: None,
            run: None,
            run_number: FIRST_RUN - 1,
            stop_replies: Vec::new(),
            set_replies: Vec::new(),
            last_ticket: 0,
            shown: None,
            console: ConsoleOut::default(),
            bad_frames: 0,
            asleep: false,
            open_replies: Vec::new(),
            close_replies: Vec::new(),
            flashing: None,
            resets_again: false,
            faults: Seldom::default(),
        };
        tokio::spawn(actor.run(inbox, reports));
        Self { commands, status: watch }
    }

    /// What is known of the board at this moment.
    #[must_use]
    pub fn status(&self) -> BoardStatus {
        self.status.borrow().clone()
    }

    /// Follows what is known of the board.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<BoardStatus> {
        self.status.clone()
    }

    /// Waits until `holds`, or until the board is gone.
    pub async fn wait_until(&self, holds: impl Fn(&BoardStatus) -> bool) -> Result<BoardStatus, BoardRefusal> {
        let mut status = self.status.clone();
        status.wait_for(|status| holds(status)).await.map(|status| status.clone()).map_err(|_| BoardRefusal::Gone)
    }

    /// Starts a run and returns its number; how it goes is published.
    ///
    /// # Errors
    /// A run is going on, or the board is not ready.
    pub async fn run(&self, request: RunRequest) -> Result<u32, BoardRefusal> {
        self.ask(|reply| Command::Run(Box::new(request), reply)).await
    }

    /// Stops the run, and returns when it has ended.
    ///
    /// # Errors
    /// The board is gone.
    pub async fn stop(&self) -> Result<(), BoardRefusal> {
        self.ask(Command::Stop).await
    }

    /// Resets the board; a run that is going on ends.
    ///
    /// # Errors
    /// The board is gone.
    pub async fn reset(&self) -> Result<(), BoardRefusal> {
        self.ask(Command::Reset).await
    }

    /// Lets time stand still or go on.
    ///
    /// # Errors
    /// The board is gone, or runs in real time.
    pub async fn pause(&self, paused: bool) -> Result<(), BoardRefusal> {
        self.ask(|reply| Command::Pause(paused, reply)).await
    }

    /// Changes the speed of time; the factor has passed [`Speed::checked`].
    ///
    /// # Errors
    /// The board is gone, or runs in real time.
    pub async fn speed(&self, factor: f64) -> Result<(), BoardRefusal> {
        self.ask(|reply| Command::Speed(factor, reply)).await
    }

    /// Changes a control of the run, and returns when the board has acknowledged it.
    ///
    /// # Errors
    /// Nothing runs, or the board refused.
    pub async fn set(&self, name: String, value: Setting) -> Result<(), BoardRefusal> {
        self.ask(|reply| Command::Set(name, value, reply)).await
    }

    /// Sends what a person typed.
    ///
    /// # Errors
    /// The board is gone.
    pub async fn type_text(&self, text: String) -> Result<(), BoardRefusal> {
        self.ask(|reply| Command::Type(text, reply)).await
    }

    /// Tells the board that somebody looks at it.
    pub async fn wake(&self) {
        // A board that is gone needs no waking.
        _ = self.commands.send(Command::Wake).await;
    }

    /// Publishes to this feed from now on, and hands the records of runs to `on_end`. When it returns, the feed before
    /// hears nothing of the board any more.
    ///
    /// # Errors
    /// The board is gone.
    pub async fn join(&self, feed: Arc<Feed>, on_end: OnEnd) -> Result<(), BoardRefusal> {
        self.ask(|reply| Command::Join(feed, on_end, reply)).await
    }

    /// Opens an attached board's port, and keeps the board ready from then on.
    ///
    /// # Errors
    /// The port cannot be opened, or the board is gone.
    pub async fn open(&self) -> Result<(), BoardRefusal> {
        self.ask(Command::Open).await
    }

    /// Ends what runs on an attached board and lets its port go; returns when that is done.
    ///
    /// # Errors
    /// The board is gone.
    pub async fn close(&self) -> Result<(), BoardRefusal> {
        self.ask(Command::Close).await
    }

    /// Sees again whether an attached board's port could be opened.
    pub async fn look(&self) {
        // A board that is gone is not looked at.
        _ = self.commands.send(Command::Look).await;
    }

    /// Begins to write images to an attached board; how it goes is published.
    ///
    /// # Errors
    /// A run or another job is going on, or the board is gone.
    pub async fn flash(&self, images: Arc<[Image]>) -> Result<(), BoardRefusal> {
        self.ask(|reply| Command::Flash(images, reply)).await
    }

    /// Asks for the end of a flashing job; it comes at the next border of a piece.
    ///
    /// # Errors
    /// No such job goes on, or the board is gone.
    pub async fn cancel_flash(&self) -> Result<(), BoardRefusal> {
        self.ask(Command::CancelFlash).await
    }

    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, BoardRefusal> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.map_err(|_| BoardRefusal::Gone)?;
        answer.await.map_err(|_| BoardRefusal::Gone)?
    }
}

/// The run that is going on.
struct ActiveRun {
    number: u32,
    recorder: Recorder,
    started: bool,
    /// A moment of the line's clock and how much of the run's time had passed by then.
    known: Option<(LinkTime, u64)>,
    elapsed_us: u64,
    published: Instant,
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

/// The flashing job that is going on.
struct FlashJob {
    cancel: Cancel,
    began: Instant,
}

struct Actor {
    engine: Box<dyn Engine>,
    feed: Arc<Feed>,
    on_end: OnEnd,
    status: watch::Sender<BoardStatus>,
    hello: Option<Hello>,
    run: Option<ActiveRun>,
    run_number: u32,
    stop_replies: Vec<Reply<()>>,
    set_replies: Vec<(Ticket, String, Setting, Reply<()>)>,
    last_ticket: Ticket,
    /// The sample that was published last; the same numbers again are no news.
    shown: Option<Sample>,
    console: ConsoleOut,
    bad_frames: u64,
    asleep: bool,
    open_replies: Vec<Reply<()>>,
    close_replies: Vec<Reply<()>>,
    flashing: Option<FlashJob>,
    /// Whether the board resets again and again, and that was told.
    resets_again: bool,
    /// Bounds what a board can write into the log.
    faults: Seldom,
}

/// The `run` event, as the page knows it.
#[derive(Serialize)]
struct RunEvent<'a> {
    id: u32,
    lesson: &'a str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    settings: &'a Settings,
    elapsed_us: u64,
    seconds: u32,
    seed: u64,
    speed: f64,
    paused: bool,
    share: f64,
}

impl Actor {
    async fn run(mut self, mut inbox: mpsc::Receiver<Command>, mut reports: mpsc::Receiver<Vec<EngineReport>>) {
        self.publish_status(|_| {});
        let mut sleep_at: Option<Instant> = None;
        loop {
            let console_due = self.console.due;
            let nobody_looks = !self.asleep && self.run.is_none() && sleep_at.is_none();
            let feed = Arc::clone(&self.feed);
            tokio::select! {
                command = inbox.recv() => match command {
                    Some(Command::Wake) => sleep_at = None,
                    Some(command) => {
                        sleep_at = None;
                        self.obey(command);
                    }
                    None => break,
                },
                batch = reports.recv() => match batch {
                    Some(batch) => batch.into_iter().for_each(|report| self.hear(report)),
                    None => break,
                },
                () = wait(console_due) => self.flush_console(),
                () = feed.deserted(), if nobody_looks => sleep_at = Some(Instant::now() + SLEEP_AFTER),
                () = wait(sleep_at) => {
                    sleep_at = None;
                    if self.run.is_none() && self.feed.readers() == 0 {
                        self.asleep = true;
                        self.engine.post(EngineCommand::Sleep);
                    }
                }
            }
            if self.asleep && (self.feed.readers() > 0 || self.run.is_some()) {
                self.asleep = false;
                self.engine.post(EngineCommand::Wake);
            }
        }
    }

    fn obey(&mut self, command: Command) {
        // Somebody who has stopped waiting for the answer does not matter to the board.
        match command {
            Command::Run(request, reply) => _ = reply.send(self.start(*request)),
            Command::Stop(reply) => {
                if self.run.is_some() {
                    self.stop_replies.push(reply);
                    self.engine.post(EngineCommand::Stop);
                } else {
                    _ = reply.send(Ok(()));
                }
            }
            Command::Reset(reply) => {
                // Somebody wants to see what comes of it.
                self.resets_again = false;
                self.engine.post(EngineCommand::Reset);
                self.set_pace(Speed { paused: false, ..self.speed() });
                _ = reply.send(Ok(()));
            }
            Command::Pause(paused, reply) => _ = reply.send(self.ask_pace(Speed { paused, ..self.speed() })),
            Command::Speed(factor, reply) => _ = reply.send(self.ask_pace(Speed { factor, ..self.speed() })),
            Command::Set(name, value, reply) => {
                if !self.run.as_ref().is_some_and(|run| run.started) {
                    _ = reply.send(Err(BoardRefusal::NothingRuns));
                    return;
                }
                self.last_ticket += 1;
                let ticket = self.last_ticket;
                self.engine.post(EngineCommand::Set { ticket, name: name.clone(), value: wire_setting(&value) });
                self.set_replies.push((ticket, name, value, reply));
            }
            Command::Type(text, reply) => {
                self.engine.post(EngineCommand::Type(text));
                _ = reply.send(Ok(()));
            }
            Command::Wake => {}
            Command::Join(feed, on_end, reply) => {
                self.flush_console();
                (self.feed, self.on_end) = (feed, on_end);
                self.feed.forget_run();
                self.publish_status(|_| {});
                _ = reply.send(Ok(()));
            }
            Command::Open(reply) => {
                self.open_replies.push(reply);
                self.post(PortCommand::Open);
            }
            Command::Close(reply) => {
                self.close_replies.push(reply);
                self.post(PortCommand::Close);
            }
            Command::Look => self.post(PortCommand::Look),
            Command::Flash(images, reply) => _ = reply.send(self.flash(images)),
            Command::CancelFlash(reply) => {
                let job = self.flashing.as_ref().ok_or(BoardRefusal::NothingFlashes);
                _ = reply.send(job.map(|job| job.cancel.cancel()));
            }
        }
    }

    fn post(&self, command: PortCommand) {
        self.engine.post(EngineCommand::Port(command));
    }

    fn ask_pace(&mut self, speed: Speed) -> Result<(), BoardRefusal> {
        if !self.status.borrow().can.slow_motion {
            return Err(BoardRefusal::RealTime);
        }
        self.set_pace(speed);
        Ok(())
    }

    fn flash(&mut self, images: Arc<[Image]>) -> Result<(), BoardRefusal> {
        if self.run.is_some() {
            return Err(BoardRefusal::Busy);
        }
        if self.flashing.is_some() {
            return Err(BoardRefusal::Flashing);
        }
        let cancel = Cancel::default();
        self.post(PortCommand::Flash { images, cancel: cancel.clone() });
        self.flashing = Some(FlashJob { cancel, began: Instant::now() });
        self.publish_status(|status| {
            (status.flashed, status.state) = (None, BoardState::Flashing(Progress::default()));
            status.log.clear();
        });
        Ok(())
    }

    fn start(&mut self, request: RunRequest) -> Result<u32, BoardRefusal> {
        if self.run.is_some() {
            return Err(BoardRefusal::Busy);
        }
        match &self.status.borrow().state {
            BoardState::Ready => {}
            BoardState::Flashing(_) => return Err(BoardRefusal::Flashing),
            _ => return Err(BoardRefusal::NotReady),
        }
        self.run_number =
            if (FIRST_RUN..LAST_RUN).contains(&self.run_number) { self.run_number + 1 } else { FIRST_RUN };
        let number = self.run_number;
        self.set_pace(Speed { paused: false, ..self.speed() });
        self.engine.post(EngineCommand::Start { order: request.order(number), seed: request.seed });
        let lesson = request.lesson.clone();
        let recorder = Recorder::new(request, number);
        self.run =
            Some(ActiveRun { number, recorder, started: false, known: None, elapsed_us: 0, published: Instant::now() });
        self.shown = None;
        self.feed.forget_run();
        self.publish_run("starting", None);
        self.publish_status(|status| status.state = BoardState::Running { lesson, run: number });
        Ok(number)
    }

    fn speed(&self) -> Speed {
        let status = self.status.borrow();
        Speed { factor: status.speed, paused: status.paused }
    }

    fn set_pace(&mut self, speed: Speed) {
        if speed == self.speed() {
            return;
        }
        self.engine.post(EngineCommand::Pace(speed));
        self.publish_status(|status| (status.speed, status.paused) = (speed.factor, speed.paused));
        self.publish_run("running", None);
    }

    fn hear(&mut self, report: EngineReport) {
        match report {
            EngineReport::Session { link, made, event } => self.hear_session(link, made, event),
            EngineReport::Clock { link, share } => {
                // Pages see the share in the run's own events; nobody else needs it this often.
                self.status.send_modify(|status| {
                    (status.virtual_us, status.share) = (micros(link), share);
                });
                if let Some(run) = &mut self.run {
                    run.pass(link);
                }
                self.publish_run_at_intervals();
            }
            EngineReport::Busy { run } => self.end_unstarted(run),
            EngineReport::Lost(fault) => {
                tracing::warn!(board = %self.status.borrow().id, %fault, "a board is lost");
                self.publish_status(|status| status.state = BoardState::Fault((&fault).into()));
            }
            EngineReport::Port(report) => self.hear_port(report),
        }
    }

    fn hear_port(&mut self, report: PortReport) {
        match report {
            PortReport::Device(device) => {
                self.status.send_if_modified(|status| {
                    let other = status.device != device;
                    status.device = device;
                    other
                });
            }
            PortReport::Opened => {
                self.resets_again = false;
                self.publish_status(|status| status.state = BoardState::Booting);
                for reply in self.open_replies.drain(..) {
                    _ = reply.send(Ok(()));
                }
            }
            PortReport::Absent => self.closed(BoardState::Absent),
            PortReport::Free => self.closed(BoardState::Free),
            PortReport::Fault(fault) => {
                for reply in self.open_replies.drain(..) {
                    _ = reply.send(Err(BoardRefusal::Port(fault.clone())));
                }
                self.closed(BoardState::Fault(fault));
            }
            PortReport::Flashing(progress) => {
                let Some(job) = &self.flashing else { return };
                let after = job.began.elapsed();
                self.publish_status(|status| {
                    status.state = BoardState::Flashing(progress);
                    let same =
                        |line: &LogLine| matches!(&line.what, Logged::Stage(logged) if is_same_step(logged, &progress));
                    // Comparing and writing take turns, piece by piece; a log says each once for every attempt.
                    if !status.log.iter().any(same) {
                        log(status, after, Logged::Stage(progress));
                    }
                });
            }
            PortReport::Flashed(outcome) => {
                let after = self.flashing.take().map_or(Duration::ZERO, |job| job.began.elapsed());
                self.publish_status(|status| match outcome {
                    Ok(report) => {
                        status.state = BoardState::Booting;
                        status.chip.clone_from(&report.chip);
                        log(status, after, Logged::Done(report.clone()));
                        status.flashed = Some(Flashed::Done(report));
                    }
                    Err(fault) => {
                        status.state = BoardState::Fault(fault.clone());
                        log(status, after, Logged::Failed(fault.clone()));
                        status.flashed = Some(Flashed::Failed(fault));
                    }
                });
            }
        }
    }

    /// The port is not open, or not any more.
    fn closed(&mut self, state: BoardState) {
        // Looking at a port again mostly finds nothing new.
        if self.flashing.is_none() && self.status.borrow().state != state {
            if let BoardState::Fault(fault) = &state {
                tracing::info!(board = %self.status.borrow().id, %fault, "a port cannot be used");
            }
            self.publish_status(|status| status.state = state);
        }
        for reply in self.close_replies.drain(..) {
            _ = reply.send(Ok(()));
        }
    }

    fn hear_session(&mut self, link: LinkTime, made: std::time::Instant, event: SessionEvent) {
        let record = self.run.as_mut().and_then(|run| run.recorder.hear(&event, self.hello.as_ref()));
        match event {
            // A board that resets again and again says so with every banner: it is told once, until it comes to a prompt.
            SessionEvent::Booting if self.resets_again => {}
            SessionEvent::Booting => self.publish_status(|status| status.state = BoardState::Booting),
            SessionEvent::Ready(hello) => {
                self.resets_again = false;
                self.publish_status(|status| {
                    status.state = BoardState::Ready;
                    status.chip.clone_from(&hello.chip);
                    status.firmware = Some(hello.fw.clone());
                    status.micropython = Some(hello.mpy.clone());
                    status.can.hear(&hello);
                    (status.boots, status.virtual_us) = (hello.boots, micros(link));
                });
                self.hello = Some(hello);
            }
            SessionEvent::Sample(json, sample) => {
                if let Some(run) = &mut self.run {
                    run.know(link, sample.run_us);
                }
                self.hear_sample(json, sample, made);
            }
            SessionEvent::Event(json, _) => _ = self.feed.publish_made("event", json, made),
            SessionEvent::Console(text) => self.console.add(&text),
            SessionEvent::BadFrame(so_far, _) => {
                self.bad_frames = so_far;
                self.console.add(b"");
            }
            SessionEvent::RunStarted(_) => {
                if let Some(run) = &mut self.run {
                    run.started = true;
                    run.know(link, 0);
                }
                self.publish_run("running", None);
            }
            SessionEvent::RunEnded(end) => self.end_run(&end, record),
            SessionEvent::Answer(ticket, result) => self.answer(ticket, result),
            SessionEvent::Fault(SessionFault::ResetLoop) if self.resets_again => {}
            SessionEvent::Fault(fault) => {
                self.resets_again = fault == SessionFault::ResetLoop;
                if let Some(more) = self.faults.tell(Instant::now()) {
                    tracing::warn!(board = %self.status.borrow().id, %fault, more, "a board has a fault");
                }
                self.publish_status(|status| status.state = BoardState::Fault(fault.into()));
            }
        }
    }

    fn hear_sample(&mut self, json: Arc<str>, sample: Sample, made: std::time::Instant) {
        let news = self.run.is_some() || self.shown.as_ref().is_none_or(|shown| !same_numbers(shown, &sample));
        if news {
            self.feed.publish_made("sample", json, made);
            self.shown = Some(sample);
        }
        self.publish_run_at_intervals();
    }

    fn answer(&mut self, ticket: Ticket, result: Result<(), SessionFault>) {
        let Some(at) = self.set_replies.iter().position(|(asked, ..)| *asked == ticket) else { return };
        let (_, name, value, reply) = self.set_replies.remove(at);
        if result.is_ok()
            && let Some(run) = &mut self.run
        {
            run.recorder.control_changed(&name, value);
            self.publish_run("running", None);
        }
        _ = reply.send(result.map_err(BoardRefusal::from));
    }

    fn end_run(&mut self, end: &RunEnd, record: Option<RunRecord>) {
        self.flush_console();
        if let Some(ActiveRun { known: Some((_, said_us)), elapsed_us, .. }) = &mut self.run {
            *elapsed_us = *said_us;
        }
        self.publish_run("ended", Some(end));
        if self.run.as_ref().is_some_and(|run| run.number == end.run) {
            self.run = None;
        }
        self.publish_status(|status| {
            if let BoardState::Running { .. } = status.state {
                status.state = BoardState::Ready;
            }
        });
        for reply in self.stop_replies.drain(..) {
            _ = reply.send(Ok(()));
        }
        for (_, _, _, reply) in self.set_replies.drain(..) {
            _ = reply.send(Err(BoardRefusal::NothingRuns));
        }
        if let Some(record) = record {
            (self.on_end)(record);
        }
    }

    /// The engine could not start a run that the actor thought possible.
    fn end_unstarted(&mut self, run: u32) {
        let fault = Some(SessionFault::NoPrompt);
        let end = RunEnd { run, why: EndReason::NotStarted, report: None, proven_still: false, fault };
        let record = self
            .run
            .as_mut()
            .and_then(|run| run.recorder.hear(&SessionEvent::RunEnded(end.clone()), self.hello.as_ref()));
        self.end_run(&end, record);
    }

    // ---- publishing ----------------------------------------------------------------------

    fn publish_status(&mut self, change: impl FnOnce(&mut BoardStatus)) {
        self.status.send_modify(change);
        let status = self.status.borrow();
        self.feed.publish_json("board", &describe(&status, self.feed.language()));
    }

    fn publish_run_at_intervals(&mut self) {
        if self.run.as_ref().is_some_and(|run| run.started && run.published.elapsed() >= RUN_INTERVAL) {
            self.publish_run("running", None);
        }
    }

    fn publish_run(&mut self, state: &'static str, end: Option<&RunEnd>) {
        let Some(run) = &mut self.run else { return };
        run.published = Instant::now();
        let state = if state == "running" && !run.started { "starting" } else { state };
        let status = self.status.borrow();
        let request = run.recorder.request();
        self.feed.publish_json(
            "run",
            &RunEvent {
                id: run.number,
                lesson: &request.lesson,
                state,
                why: end.map(|end| why(end.why)),
                code: end.and_then(|end| end.fault).map(SessionFault::code),
                settings: &request.settings,
                elapsed_us: run.elapsed_us,
                seconds: request.seconds,
                seed: request.seed,
                speed: status.speed,
                paused: status.paused,
                share: status.share,
            },
        );
    }

    fn flush_console(&mut self) {
        if let Some((text, skipped)) = self.console.take() {
            self.feed.publish_console(&text, self.bad_frames, skipped);
        }
    }
}

/// Whether a flashing job is still, or again, at the same.
fn is_same_step(logged: &Progress, now: &Progress) -> bool {
    (logged.stage, logged.baud, logged.failed_attempts) == (now.stage, now.baud, now.failed_attempts)
}

/// Adds to the log of a flashing job; a job on a bad line may try for long, and only the last lines matter then.
fn log(status: &mut BoardStatus, after: Duration, what: Logged) {
    if status.log.len() == LOG_LINES {
        status.log.remove(0);
    }
    status.log.push(LogLine { after, what });
}

async fn wait(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => pending().await,
    }
}

fn micros(link: LinkTime) -> u64 {
    u64::try_from(link.as_micros()).unwrap_or(u64::MAX)
}

/// Whether two samples show the same, apart from their time. Lists come with every fifth sample
/// only, and never change without a counter.
fn same_numbers(a: &Sample, b: &Sample) -> bool {
    let without_time = |sample: &Sample| {
        let mut sample = Sample { n: 0, us: 0, run_us: 0, h: BTreeMap::new(), ..sample.clone() };
        for source in &mut sample.src {
            (source.lat.bins, source.lat.from) = (Vec::new(), 0);
        }
        sample
    };
    without_time(a) == without_time(b)
}

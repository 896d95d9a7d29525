//! The actor of one board: it alone talks to the board's engine, and carries out what the board's
//! [`Desk`] wants done. Everyone else holds a [`Board`], a cheap handle.

use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use course::Setting;
use ports::engine::{Engine, PortCommand};
use ports::flash::{Cancel, Image};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};
use workbench::desk::{Answer, Asker, BoardRefusal, Command, Desk, Done, Effect};
use workbench::engine::{EngineCommand, EngineReport};
use workbench::record::{RunRecord, RunRequest};
use workbench::state::BoardStatus;

use crate::feed::Feed;
use ports::clock::{instant, now};

/// How many commands may wait for an actor.
const COMMANDS: usize = 32;
/// A board that nobody looks at and that runs nothing stands still after so long.
const SLEEP_AFTER: Duration = Duration::from_secs(5);

type Reply = oneshot::Sender<Answer>;

enum Request {
    /// What the desk knows.
    Desk(Command, Reply),
    Wake,
    Join(Arc<Feed>, OnEnd, Reply),
    Look,
    Flash(Arc<[Image]>, Reply),
    CancelFlash(Reply),
}

/// A handle to a board. The board lives as long as one of its handles.
#[derive(Clone, Debug)]
pub struct Board {
    commands: mpsc::Sender<Request>,
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
            desk: Desk::new(watch.borrow().clone()),
            status: publish,
            replies: HashMap::new(),
            last_asker: 0,
            asleep: false,
            flashing: Cancel::default(),
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
        match self.ask(Command::Run(Box::new(request))).await? {
            Done::Started(number) => Ok(number),
            // The desk answers a run that it starts with its number.
            Done::Done | Done::Told(_) => Err(BoardRefusal::Gone),
        }
    }

    /// Stops the run, and returns when it has ended.
    ///
    /// # Errors
    /// The board is gone.
    pub async fn stop(&self) -> Result<(), BoardRefusal> {
        self.ask(Command::Stop).await.map(drop)
    }

    /// Resets the board; a run that is going on ends.
    ///
    /// # Errors
    /// The board is gone.
    pub async fn reset(&self) -> Result<(), BoardRefusal> {
        self.ask(Command::Reset).await.map(drop)
    }

    /// Lets time stand still or go on.
    ///
    /// # Errors
    /// The board is gone, or runs in real time.
    pub async fn pause(&self, paused: bool) -> Result<(), BoardRefusal> {
        self.ask(Command::Pause(paused)).await.map(drop)
    }

    /// Changes the speed of time; the factor has passed [`workbench::engine::Speed::checked`].
    ///
    /// # Errors
    /// The board is gone, or runs in real time.
    pub async fn speed(&self, factor: f64) -> Result<(), BoardRefusal> {
        self.ask(Command::Speed(factor)).await.map(drop)
    }

    /// Changes a control of the run, and returns when the board has acknowledged it.
    ///
    /// # Errors
    /// Nothing runs, or the board refused.
    pub async fn set(&self, name: String, value: Setting) -> Result<(), BoardRefusal> {
        self.ask(Command::Set(name, value)).await.map(drop)
    }

    /// Moves a control of a part on the pins.
    ///
    /// # Errors
    /// There is no such part or control, the parts are real, or the board is gone.
    pub async fn move_part(&self, part: String, control: String, value: i64) -> Result<(), BoardRefusal> {
        self.ask(Command::Part { part, control, value }).await.map(drop)
    }

    /// Carries a command out that has an answer, and returns that as JSON text.
    ///
    /// # Errors
    /// The board refuses or is gone.
    pub async fn tell(&self, command: Command) -> Result<Arc<str>, BoardRefusal> {
        match self.ask(command).await? {
            Done::Told(told) => Ok(told),
            Done::Done | Done::Started(_) => Ok(r#"{"done":true}"#.into()),
        }
    }

    /// Sends what a person typed, on the page of this lesson.
    ///
    /// # Errors
    /// The board is gone.
    pub async fn type_text(&self, text: String, lesson: Option<String>) -> Result<(), BoardRefusal> {
        self.ask(Command::Type { text, lesson }).await.map(drop)
    }

    /// Tells the board that somebody looks at it.
    pub async fn wake(&self) {
        // A board that is gone needs no waking.
        _ = self.commands.send(Request::Wake).await;
    }

    /// Publishes to this feed from now on, and hands the records of runs to `on_end`. When it returns, the feed before
    /// hears nothing of the board any more.
    ///
    /// # Errors
    /// The board is gone.
    pub async fn join(&self, feed: Arc<Feed>, on_end: OnEnd) -> Result<(), BoardRefusal> {
        self.send(|reply| Request::Join(feed, on_end, reply)).await.map(drop)
    }

    /// Opens an attached board's port, and keeps the board ready from then on.
    ///
    /// # Errors
    /// The port cannot be opened, or the board is gone.
    pub async fn open(&self) -> Result<(), BoardRefusal> {
        self.ask(Command::Open).await.map(drop)
    }

    /// Ends what runs on an attached board and lets its port go; returns when that is done.
    ///
    /// # Errors
    /// The board is gone.
    pub async fn close(&self) -> Result<(), BoardRefusal> {
        self.ask(Command::Close).await.map(drop)
    }

    /// Sees again whether an attached board's port could be opened.
    pub async fn look(&self) {
        // A board that is gone is not looked at.
        _ = self.commands.send(Request::Look).await;
    }

    /// Begins to write images to an attached board; how it goes is published.
    ///
    /// # Errors
    /// A run or another job is going on, or the board is gone.
    pub async fn flash(&self, images: Arc<[Image]>) -> Result<(), BoardRefusal> {
        self.send(|reply| Request::Flash(images, reply)).await.map(drop)
    }

    /// Asks for the end of a flashing job; it comes at the next border of a piece.
    ///
    /// # Errors
    /// No such job goes on, or the board is gone.
    pub async fn cancel_flash(&self) -> Result<(), BoardRefusal> {
        self.send(Request::CancelFlash).await.map(drop)
    }

    async fn ask(&self, command: Command) -> Answer {
        self.send(|reply| Request::Desk(command, reply)).await
    }

    async fn send(&self, request: impl FnOnce(Reply) -> Request) -> Answer {
        let (reply, answer) = oneshot::channel();
        self.commands.send(request(reply)).await.map_err(|_| BoardRefusal::Gone)?;
        answer.await.map_err(|_| BoardRefusal::Gone)?
    }
}

struct Actor {
    engine: Box<dyn Engine>,
    feed: Arc<Feed>,
    on_end: OnEnd,
    desk: Desk,
    status: watch::Sender<BoardStatus>,
    /// Who waits for an answer of the desk.
    replies: HashMap<Asker, Reply>,
    last_asker: Asker,
    asleep: bool,
    /// Ends the flashing job that goes on.
    flashing: Cancel,
}

impl Actor {
    async fn run(mut self, mut inbox: mpsc::Receiver<Request>, mut reports: mpsc::Receiver<Vec<EngineReport>>) {
        self.desk.set_language(self.feed.language());
        self.desk.tell(now());
        self.carry_out();
        let mut sleep_at: Option<Instant> = None;
        loop {
            let due = self.desk.due().map(|due| instant(due).into());
            let nobody_looks = !self.asleep && !self.desk.is_running() && sleep_at.is_none();
            let feed = Arc::clone(&self.feed);
            tokio::select! {
                request = inbox.recv() => match request {
                    Some(Request::Wake) => sleep_at = None,
                    Some(request) => {
                        sleep_at = None;
                        self.desk.set_language(self.feed.language());
                        self.obey(request);
                    }
                    None => break,
                },
                batch = reports.recv() => match batch {
                    Some(batch) => {
                        self.desk.set_language(self.feed.language());
                        for report in batch {
                            self.desk.hear(now(), report);
                            self.carry_out();
                        }
                    }
                    None => break,
                },
                () = wait(due) => self.desk.tick(now()),
                () = feed.deserted(), if nobody_looks => sleep_at = Some(Instant::now() + SLEEP_AFTER),
                () = wait(sleep_at) => {
                    sleep_at = None;
                    if !self.desk.is_running() && self.feed.readers() == 0 {
                        self.asleep = true;
                        self.engine.post(EngineCommand::Sleep);
                    }
                }
            }
            self.carry_out();
            if self.asleep && (self.feed.readers() > 0 || self.desk.is_running()) {
                self.asleep = false;
                self.engine.post(EngineCommand::Wake);
            }
        }
    }

    fn obey(&mut self, request: Request) {
        // Somebody who has stopped waiting for the answer does not matter to the board.
        match request {
            Request::Desk(command, reply) => {
                match command {
                    Command::Open => self.engine.post_port(PortCommand::Open),
                    Command::Close => self.engine.post_port(PortCommand::Close),
                    _ => {}
                }
                self.ask_desk(command, reply);
            }
            Request::Wake => {}
            Request::Join(feed, on_end, reply) => {
                self.desk.flush_console();
                self.carry_out();
                (self.feed, self.on_end) = (feed, on_end);
                self.feed.forget_run();
                self.desk.set_language(self.feed.language());
                self.desk.tell(now());
                self.carry_out();
                _ = reply.send(Ok(Done::Done));
            }
            Request::Look => self.engine.post_port(PortCommand::Look),
            Request::Flash(images, reply) => {
                let was_flashing = self.desk.is_flashing();
                self.ask_desk(Command::Flash, reply);
                if self.desk.is_flashing() && !was_flashing {
                    self.flashing = Cancel::default();
                    self.engine.post_port(PortCommand::Flash { images, cancel: self.flashing.clone() });
                }
            }
            Request::CancelFlash(reply) => {
                let flashes = self.desk.is_flashing();
                if flashes {
                    self.flashing.cancel();
                }
                _ = reply.send(if flashes { Ok(Done::Done) } else { Err(BoardRefusal::NothingFlashes) });
            }
        }
    }

    fn ask_desk(&mut self, command: Command, reply: Reply) {
        self.last_asker += 1;
        self.replies.insert(self.last_asker, reply);
        self.desk.obey(now(), self.last_asker, command);
    }

    /// Does what the desk wants done, in its order.
    fn carry_out(&mut self) {
        while let Some(effect) = self.desk.next_effect() {
            match effect {
                Effect::Engine(command) => self.engine.post(command),
                Effect::Event { name, data, made } => _ = self.feed.publish_made(name, data, made),
                Effect::Console { text, bad_frames, skipped_bytes, lesson } => {
                    self.feed.publish_console(&text, bad_frames, skipped_bytes, lesson);
                }
                Effect::ForgetRun => self.feed.forget_run(),
                Effect::Status => _ = self.status.send_replace(self.desk.status().clone()),
                Effect::Answer(asker, answer) => {
                    if let Some(reply) = self.replies.remove(&asker) {
                        _ = reply.send(answer);
                    }
                }
                Effect::Record(record) => (self.on_end)(*record),
            }
        }
    }
}

async fn wait(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => pending().await,
    }
}

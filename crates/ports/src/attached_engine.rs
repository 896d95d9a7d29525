//! The engine of an attached board: a task that owns the port, the session over it, and the flashing job.
//!
//! It sleeps until bytes come, the session has something to do, somebody asks for something, or the board is plugged in
//! or out. The port is open only while somebody has taken the board, or while it is flashed.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use super::attached;
use super::discovery::{self, Named};
use super::engine::{Engine, PortCommand, REPORT_BATCHES};
use super::flash::{Cancel, Image, flash};
use super::serial::{CONSOLE_BAUD, LineFault, PortAddress, SerialLine};
use workbench::engine::{EngineCommand, EngineReport, PortReport};
use workbench::flashing::Progress;
use workbench::session::filing::FileFault;
use workbench::session::{LinkAction, LinkTime, Session, SessionEvent};
use workbench::state::{BoardFault, Device};

/// A port that was lost is opened again after so long, and then after twice that, up to the maximum. A port of this
/// machine that is plugged in again is noticed before; one of another machine can only be tried.
const RETRY_FIRST: Duration = Duration::from_millis(500);
const RETRY_MOST: Duration = Duration::from_secs(5);
/// How often progress within a stage is told.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// Where a board is plugged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plug {
    /// The port; what it says of itself may change with it.
    pub device: Device,
    /// The port to open.
    pub port: Named,
    /// Whether it is there, and may be opened.
    pub presence: Presence,
}

/// Whether a port is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It is not.
    Out,
    /// It is, or nobody can know before trying.
    In,
    /// It is, but this user may not open it; the command mends that.
    Denied(String),
}

/// The engine of an attached board. Dropping it lets the port go; a flashing job is cancelled safely.
#[derive(Debug)]
pub struct AttachedEngine {
    commands: mpsc::UnboundedSender<Order>,
}

impl AttachedEngine {
    /// Starts the task on the present runtime. The port is not opened.
    #[must_use]
    pub fn start(plug: watch::Receiver<Plug>) -> (Self, mpsc::Receiver<Vec<EngineReport>>) {
        let (commands, inbox) = mpsc::unbounded_channel();
        let (reports, receiver) = mpsc::channel(REPORT_BATCHES);
        let worker = Worker {
            plug,
            reports,
            unsent: Vec::new(),
            began: Instant::now(),
            taken: false,
            link: None,
            retry: Retry::default(),
        };
        tokio::spawn(worker.run(inbox));
        (Self { commands }, receiver)
    }
}

impl Engine for AttachedEngine {
    fn post(&self, command: EngineCommand) {
        // Without its task the engine has ended, and its actor hears that from the reports.
        _ = self.commands.send(Order::Board(command));
    }

    fn post_port(&self, command: PortCommand) {
        _ = self.commands.send(Order::Port(command));
    }
}

/// What the engine is asked for.
#[derive(Debug)]
enum Order {
    /// What every board is.
    Board(EngineCommand),
    /// What only an attached one is.
    Port(PortCommand),
}

/// An open port and the session over it.
struct Link {
    line: SerialLine,
    session: Session,
}

/// When a lost port is tried again.
#[derive(Default)]
struct Retry {
    at: Option<Instant>,
    pause: Duration,
}

impl Retry {
    fn later(&mut self) {
        self.pause = (self.pause * 2).clamp(RETRY_FIRST, RETRY_MOST);
        self.at = Some(Instant::now() + self.pause);
    }

    async fn due(&self) {
        match self.at {
            Some(at) => tokio::time::sleep_until(at.into()).await,
            None => std::future::pending().await,
        }
    }
}

/// The actor has ended.
struct Deserted;

struct Worker {
    plug: watch::Receiver<Plug>,
    reports: mpsc::Sender<Vec<EngineReport>>,
    unsent: Vec<EngineReport>,
    /// The beginning of the link's time.
    began: Instant,
    /// Whether somebody wants the port open.
    taken: bool,
    link: Option<Link>,
    retry: Retry,
}

impl Worker {
    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Order>) {
        self.tell_plug().await;
        loop {
            if self.deliver().await.is_err() {
                return;
            }
            let now = self.now();
            tokio::select! {
                command = inbox.recv() => match command {
                    Some(Order::Port(PortCommand::Flash { images, cancel })) => {
                        if self.flash(images, &cancel, &mut inbox).await.is_err() {
                            return;
                        }
                    }
                    Some(command) => self.obey(command).await,
                    None => return,
                },
                changed = self.plug.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    self.plugged().await;
                }
                heard = listen(self.link.as_mut(), now) => self.hear(heard).await,
                () = self.retry.due() => self.open().await,
            }
        }
    }

    fn now(&self) -> LinkTime {
        self.began.elapsed()
    }

    async fn obey(&mut self, command: Order) {
        let now = self.now();
        let session = self.link.as_mut().map(|link| &mut link.session);
        match (command, session) {
            (Order::Port(PortCommand::Open), _) => {
                self.taken = true;
                if self.link.is_some() {
                    self.report(PortReport::Opened);
                } else {
                    self.open().await;
                }
            }
            (Order::Port(PortCommand::Close), _) => self.close().await,
            (Order::Port(PortCommand::Look), None) if !self.taken => self.tell_plug().await,
            (Order::Board(EngineCommand::Start { order, .. }), Some(session)) => {
                if let Err(order) = session.start(now, order) {
                    self.unsent.push(EngineReport::Busy { run: order.run });
                }
            }
            (Order::Board(EngineCommand::Start { order, .. }), None) => {
                self.unsent.push(EngineReport::Busy { run: order.run })
            }
            (Order::Board(EngineCommand::Stop), Some(session)) => session.stop(now),
            (Order::Board(EngineCommand::Reset), Some(session)) => session.reset(now),
            (Order::Board(EngineCommand::Reset), None) if self.taken => self.open().await,
            (Order::Board(EngineCommand::Set { ticket, name, value }), Some(session)) => {
                session.set(now, ticket, &name, &value);
            }
            (Order::Board(EngineCommand::Watch(pins)), Some(session)) => session.watch(now, pins),
            (Order::Board(EngineCommand::Type(text)), Some(session)) => session.type_text(now, &text),
            (Order::Board(EngineCommand::File { ticket, order }), Some(session)) => session.file(now, ticket, order),
            (Order::Board(EngineCommand::File { ticket, .. }), None) => {
                let event = SessionEvent::Filed(ticket, Err(FileFault::NoAnswer));
                self.unsent.push(EngineReport::Session { link: now, made: crate::clock::now(), event });
            }
            // Silicon knows no other time than ours, and what a port that is not open does not hear is lost.
            _ => {}
        }
        self.flush().await;
    }

    // ---- the port ------------------------------------------------------------------------

    /// The board was plugged in or out, or its port has another name or other rights.
    async fn plugged(&mut self) {
        if !self.taken {
            if self.link.is_none() {
                self.tell_plug().await;
            }
            return;
        }
        let plug = self.plug.borrow_and_update().clone();
        self.report(PortReport::Device(plug.device));
        if self.link.is_none() && plug.presence != Presence::Out {
            self.open().await;
        }
    }

    /// Says what can be said of a closed port without opening it.
    async fn tell_plug(&mut self) {
        let plug = self.plug.borrow_and_update().clone();
        let state = match &plug.presence {
            Presence::Out => PortReport::Absent,
            Presence::Denied(command) => PortReport::Fault(denied(&plug.port.port, command)),
            Presence::In => match &plug.port.port {
                PortAddress::Network(_) => PortReport::Free,
                PortAddress::Local(path) => look_at(path.clone(), plug.port.port.clone()).await,
            },
        };
        self.report(PortReport::Device(plug.device));
        self.report(state);
    }

    async fn open(&mut self) {
        self.retry.at = None;
        match self.open_line().await {
            Ok(line) => {
                self.retry = Retry::default();
                self.report(PortReport::Opened);
                let mut session = attached::session();
                session.reset(self.now());
                self.link = Some(Link { line, session });
                self.flush().await;
            }
            Err(fault) => {
                self.report(PortReport::Fault(fault));
                self.retry.later();
            }
        }
    }

    async fn open_line(&self) -> Result<SerialLine, BoardFault> {
        let Plug { port, presence, .. } = self.plug.borrow().clone();
        match presence {
            Presence::Out => Err((&LineFault::Absent(port.port)).into()),
            Presence::Denied(command) => Err(denied(&port.port, &command)),
            Presence::In => {
                SerialLine::open(&port.port, CONSOLE_BAUD, port.product_id).await.map_err(|fault| (&fault).into())
            }
        }
    }

    /// Lets the port go. A program that runs is ended by a reset, so that nothing goes on unseen.
    async fn close(&mut self) {
        self.taken = false;
        self.retry = Retry::default();
        if let Some(mut link) = self.link.take() {
            link.session.reset(self.now());
            self.collect(&mut link.session);
            // A board that is gone needs no reset.
            _ = attached::reset(&mut link.line).await;
        }
        self.tell_plug().await;
    }

    /// The line broke. A run that was going on ends, so that nobody waits for it.
    fn lose(&mut self, fault: &LineFault) {
        if let Some(mut link) = self.link.take() {
            link.session.attach(self.now());
            self.collect(&mut link.session);
        }
        self.report(PortReport::Fault(fault.into()));
        if self.taken {
            self.retry.later();
        }
    }

    // ---- the session ---------------------------------------------------------------------

    async fn hear(&mut self, heard: Result<Vec<u8>, LineFault>) {
        let now = self.now();
        match (heard, &mut self.link) {
            (Ok(bytes), Some(link)) => {
                link.session.receive(now, &bytes);
                if link.session.deadline().is_some_and(|due| due <= now) {
                    link.session.tick(now);
                }
                self.flush().await;
            }
            (Err(fault), _) => self.lose(&fault),
            (Ok(_), None) => {}
        }
    }

    /// Sends what the session wants sent, and takes over what it found out.
    async fn flush(&mut self) {
        let Some(mut link) = self.link.take() else { return };
        let outcome = send(&mut link).await;
        self.collect(&mut link.session);
        let settled = link.session.is_ready() || link.session.fault().is_some();
        self.link = Some(link);
        match outcome {
            Err(fault) => self.lose(&fault),
            // Nobody has taken the board: the port was open to see that what was flashed runs.
            Ok(()) if settled && !self.taken => {
                self.link = None;
                self.tell_plug().await;
            }
            Ok(()) => {}
        }
    }

    fn collect(&mut self, session: &mut Session) {
        let (link, made) = (self.now(), crate::clock::now());
        while let Some(event) = session.next_event() {
            self.unsent.push(EngineReport::Session { link, made, event });
        }
    }

    // ---- flashing ------------------------------------------------------------------------

    async fn flash(
        &mut self,
        images: Arc<[Image]>,
        cancel: &Cancel,
        inbox: &mut mpsc::UnboundedReceiver<Order>,
    ) -> Result<(), Deserted> {
        self.retry = Retry::default();
        let line = match self.link.take() {
            Some(mut link) => {
                if link.session.is_busy() {
                    link.session.reset(self.now());
                    self.collect(&mut link.session);
                }
                link.line
            }
            None => match self.open_line().await {
                Ok(line) => line,
                Err(fault) => {
                    self.report(PortReport::Flashed(Err(fault)));
                    return self.deliver().await;
                }
            },
        };
        let product_id = self.plug.borrow().port.product_id;
        let (sender, mut progress) = watch::channel(Progress::default());
        let mut told = Progress::default();
        let mut told_at = Instant::now();
        let mut job = pin!(flash(line, product_id, images, sender, cancel));
        let mut deserted = false;
        let (line, outcome) = loop {
            tokio::select! {
                ended = &mut job => break ended,
                Ok(()) = progress.changed() => {
                    let now = *progress.borrow_and_update();
                    if is_news(&told, &now) || told_at.elapsed() >= PROGRESS_INTERVAL {
                        (told, told_at) = (now, Instant::now());
                        self.report(PortReport::Flashing(now));
                        deserted |= self.deliver().await.is_err();
                    }
                }
                command = inbox.recv(), if !deserted => match command {
                    Some(Order::Port(PortCommand::Open)) => self.taken = true,
                    Some(Order::Port(PortCommand::Close)) => self.taken = false,
                    Some(Order::Board(EngineCommand::Start { order, .. })) => self.unsent.push(EngineReport::Busy { run: order.run }),
                    Some(_) => {}
                    None => deserted = true,
                },
            }
            if deserted {
                // Nobody is left to hear of it; the job ends at the next border of a piece.
                cancel.cancel();
            }
        };
        if deserted {
            return Err(Deserted);
        }
        self.report(PortReport::Flashed(outcome.map_err(|fault| (&fault).into())));
        match line {
            // Straight into the live console: the chip has been reset and boots.
            Some(line) => {
                let mut session = attached::session();
                session.attach(self.now());
                self.link = Some(Link { line, session });
                self.flush().await;
            }
            None if self.taken => self.retry.later(),
            None => {}
        }
        self.deliver().await
    }

    // ---- telling -------------------------------------------------------------------------

    fn report(&mut self, report: PortReport) {
        self.unsent.push(EngineReport::Port(report));
    }

    /// Hands the reports to the actor; waits while it has too many, so that a board cannot fill the host's memory.
    async fn deliver(&mut self) -> Result<(), Deserted> {
        if self.unsent.is_empty() {
            return Ok(());
        }
        self.reports.send(std::mem::take(&mut self.unsent)).await.map_err(|_| Deserted)
    }
}

/// Waits for bytes, at most until the session has something to do. Dropping the future loses nothing.
async fn listen(link: Option<&mut Link>, now: LinkTime) -> Result<Vec<u8>, LineFault> {
    let Some(link) = link else { return std::future::pending().await };
    let deadline = link.session.deadline();
    let due = async {
        match deadline {
            Some(due) => tokio::time::sleep(due.saturating_sub(now)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        bytes = link.line.read() => bytes,
        () = due => Ok(Vec::new()),
    }
}

/// Bytes first, then what is to be done to the line, as the session asks.
async fn send(link: &mut Link) -> Result<(), LineFault> {
    let bytes = link.session.take_output();
    if !bytes.is_empty() {
        link.line.write_all(&bytes).await?;
    }
    while let Some(action) = link.session.next_action() {
        match action {
            LinkAction::Reset => attached::reset(&mut link.line).await?,
            LinkAction::SetBaud(baud) => link.line.set_baud(baud).await?,
            // Whose hands are real needs no plan for them.
            LinkAction::Begin => {}
        }
    }
    Ok(())
}

/// Whether a page has to hear of it at once.
fn is_news(told: &Progress, now: &Progress) -> bool {
    (told.stage, told.baud, told.failed_attempts) != (now.stage, now.baud, now.failed_attempts)
}

fn denied(port: &PortAddress, command: &str) -> BoardFault {
    (&LineFault::NoPermission { port: port.clone(), command: command.to_owned() }).into()
}

/// Whether a port of this machine is there, and who has it, without opening it.
async fn look_at(path: String, port: PortAddress) -> PortReport {
    let looked = tokio::task::spawn_blocking(move || {
        let path = Path::new(&path);
        // Windows has no files for its ports.
        let there = cfg!(windows) || path.exists();
        // Whoever offers a pseudo-terminal has it open all the time; that keeps nobody out.
        let offered = std::fs::canonicalize(path).is_ok_and(|real| real.starts_with("/dev/pts"));
        (there, if offered { None } else { discovery::holder(path) })
    });
    match looked.await {
        Ok((false, _)) => PortReport::Absent,
        Ok((true, Some(by))) => PortReport::Fault((&LineFault::Busy { port, by: Some(by) }).into()),
        Ok((true, None)) => PortReport::Free,
        Err(error) => {
            tracing::error!(%error, "looking at a port failed");
            PortReport::Absent
        }
    }
}

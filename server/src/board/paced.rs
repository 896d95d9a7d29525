//! The engine of a virtual board: its session and machine in slices on the pool, paced to our clock.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::engine::{Engine, EngineCommand, EngineReport, REPORT_BATCHES};
use super::line::{Drive, Line, LineFault, STEP};
use super::pace::{Pace, ShareMeter, Speed};
use super::pool::{Next, Pool, Task, TaskHandle};
use super::session::{LinkTime, RunOrder, SessionEvent};
use crate::lock::lock;

/// The most wall time that one slice takes, give or take one step.
const SLICE_WALL: Duration = Duration::from_millis(5);
/// How many steps of link time a board that keeps up runs at once: it bounds how late a frame is seen.
const SLICE_STEPS: u32 = 10;
/// How long a board waits whose actor does not take its reports.
const FULL_WAIT: Duration = Duration::from_millis(20);

/// Makes a booted board with a seed: the same one every time.
pub type Fresh<L> = Arc<dyn Fn(u64) -> Result<Drive<L>, LineFault> + Send + Sync>;

/// The engine of a virtual board.
pub struct PacedEngine<L: Line + 'static> {
    shared: Arc<Shared<L>>,
    task: TaskHandle,
}

struct Shared<L> {
    /// Commands, and when they were posted.
    mailbox: Mutex<VecDeque<(Instant, EngineCommand)>>,
    core: Mutex<Core<L>>,
}

struct Core<L> {
    fresh: Fresh<L>,
    /// `None` until the first command that needs the board, and after the line was lost.
    drive: Option<Drive<L>>,
    pace: Pace,
    speed: Speed,
    asleep: bool,
    meter: ShareMeter,
    /// Since when somebody waits for what the board does next.
    urgent_since: Option<Instant>,
    outbox: Outbox,
}

impl<L: Line + 'static> PacedEngine<L> {
    /// Puts a new board on the pool; it boots at once (from a snapshot, if `fresh` has one).
    pub fn start(pool: &Pool, fresh: Fresh<L>) -> (Self, mpsc::Receiver<Vec<EngineReport>>) {
        let (reports, receiver) = mpsc::channel(REPORT_BATCHES);
        let now = Instant::now();
        let mut core = Core {
            fresh,
            drive: None,
            pace: Pace::new(Speed::REAL_TIME, now, LinkTime::ZERO),
            speed: Speed::REAL_TIME,
            asleep: false,
            meter: ShareMeter::new(now, LinkTime::ZERO),
            urgent_since: None,
            outbox: Outbox { reports, unsent: Vec::new() },
        };
        core.boot(0);
        core.announce();
        let shared = Arc::new(Shared { mailbox: Mutex::new(VecDeque::new()), core: Mutex::new(core) });
        let task = pool.add(Arc::clone(&shared) as Arc<dyn Task>);
        (Self { shared, task }, receiver)
    }
}

impl<L: Line + 'static> Engine for PacedEngine<L> {
    fn post(&self, command: EngineCommand) {
        lock(&self.shared.mailbox).push_back((Instant::now(), command));
        self.task.wake();
    }
}

impl<L: Line + 'static> Task for Shared<L> {
    fn slice(&self) -> Next {
        let mut core = lock(&self.core);
        let commands = std::mem::take(&mut *lock(&self.mailbox));
        for (posted, command) in commands {
            core.urgent_since.get_or_insert(posted);
            core.obey(command);
        }
        core.slice()
    }
}

impl<L: Line> Core<L> {
    fn obey(&mut self, command: EngineCommand) {
        if self.asleep && !matches!(command, EngineCommand::Sleep) {
            self.asleep = false;
            self.anchor(Instant::now());
        }
        match command {
            EngineCommand::Start { order, seed } => self.start(order, seed),
            EngineCommand::Stop => {
                if let Some(drive) = &mut self.drive {
                    drive.session.stop(drive.line.now());
                }
            }
            EngineCommand::Reset => {
                if let Some(drive) = &mut self.drive {
                    drive.session.reset(drive.line.now());
                    self.outbox.collect(drive, Instant::now());
                }
                self.boot(0);
                self.announce();
            }
            EngineCommand::Set { ticket, name, value } => {
                if let Some(drive) = &mut self.drive {
                    drive.session.set(drive.line.now(), ticket, &name, &value);
                }
            }
            EngineCommand::Type(text) => {
                if let Some(drive) = &mut self.drive {
                    drive.session.type_text(drive.line.now(), &text);
                }
            }
            EngineCommand::Pace(speed) => self.speed = speed,
            EngineCommand::Sleep => self.asleep = true,
            // A virtual board has no port.
            EngineCommand::Wake | EngineCommand::Port(_) => {}
        }
    }

    /// Starts a run on a board that nobody has used before: that makes it repeatable.
    fn start(&mut self, order: RunOrder, seed: u64) {
        let run = order.run;
        if self.drive.as_ref().is_some_and(|drive| drive.session.is_busy()) {
            self.outbox.unsent.push(EngineReport::Busy { run });
            return;
        }
        self.boot(seed);
        if let Some(drive) = &mut self.drive
            && drive.session.start(drive.line.now(), order).is_err()
        {
            self.outbox.unsent.push(EngineReport::Busy { run });
        }
    }

    /// Puts a freshly booted board in the place of the present one.
    fn boot(&mut self, seed: u64) {
        match (self.fresh)(seed) {
            Ok(drive) => self.drive = Some(drive),
            Err(fault) => self.lose(fault),
        }
        self.anchor(Instant::now());
    }

    fn announce(&mut self) {
        if let Some(drive) = &self.drive
            && let Some(hello) = drive.session.hello()
        {
            let (link, event) = (drive.line.now(), SessionEvent::Ready(hello.clone()));
            self.outbox.unsent.push(EngineReport::Session { link, made: Instant::now(), event });
        }
    }

    fn lose(&mut self, fault: LineFault) {
        if let Some(drive) = &mut self.drive {
            // A run that was going on ends, so that nobody waits for it.
            drive.session.reset(drive.line.now());
            self.outbox.collect(drive, Instant::now());
        }
        self.drive = None;
        self.outbox.unsent.push(EngineReport::Lost(fault));
    }

    fn slice(&mut self) -> Next {
        let begun = Instant::now();
        if !self.outbox.deliver() {
            return Next::At(begun + FULL_WAIT);
        }
        if self.asleep {
            return Next::Woken;
        }
        let next = self.run(begun);
        if let Some(drive) = &self.drive {
            let link = drive.line.now();
            if let Some(share) = self.meter.measure(Instant::now(), link) {
                self.outbox.unsent.push(EngineReport::Clock { link, share });
            }
        }
        if self.outbox.deliver() { next } else { Next::At(begun + FULL_WAIT) }
    }

    /// Runs until the goal or the end of the slice, and says when to go on.
    fn run(&mut self, begun: Instant) -> Next {
        let (Some(speed), Some(drive)) = (self.speed_now(), self.drive.as_mut()) else { return Next::Woken };
        if speed != self.pace.speed() {
            self.pace.anchor(speed, begun, drive.line.now());
        }
        let goal = self.pace.goal(begun).unwrap_or(LinkTime::MAX);
        let mut steps = 0;
        let mut step_begun = begun;
        let in_transition = drive.session.in_transition();
        while steps < SLICE_STEPS
            && step_begun - begun < SLICE_WALL
            && drive.session.in_transition() == in_transition
            && !self.outbox.is_full()
        {
            match drive.advance(goal) {
                Ok(true) => steps += 1,
                Ok(false) => break,
                Err(fault) => {
                    self.lose(fault);
                    return Next::Woken;
                }
            }
            self.outbox.collect(drive, step_begun);
            self.outbox.deliver_news();
            step_begun = Instant::now();
        }
        let link = drive.line.now();
        let at = if link + STEP > goal {
            let idle = drive.idle_until().unwrap_or(LinkTime::ZERO);
            // In slow motion ten steps take seconds, in which nobody would see time pass.
            let steps = if speed.factor > 0.0 && speed.factor < 1.0 { 1 } else { SLICE_STEPS };
            self.pace.due(idle.max(link + STEP * steps))
        } else {
            // Behind, or as fast as it goes: again, after all others that are behind as well.
            self.pace.forgive(step_begun, link);
            Some(step_begun)
        };
        self.urgent_since = drive.session.is_awaited().then(|| self.urgent_since.unwrap_or(begun));
        match (at, self.urgent_since) {
            (None, _) => Next::Woken,
            (Some(at), None) => Next::At(at),
            (Some(at), Some(since)) => Next::Urgent { at, since },
        }
    }

    /// The speed that counts at this moment: starting, stopping and booting are not slowed down,
    /// and a board that only waits does not race through virtual time.
    fn speed_now(&self) -> Option<Speed> {
        let session = &self.drive.as_ref()?.session;
        Some(if session.in_transition() {
            Speed { factor: 0.0, paused: false }
        } else if !session.is_busy() && (self.speed.factor == 0.0 || self.speed.paused) {
            Speed::REAL_TIME
        } else {
            self.speed
        })
    }

    fn anchor(&mut self, now: Instant) {
        let link = self.drive.as_ref().map_or(LinkTime::ZERO, |drive| drive.line.now());
        self.pace.anchor(self.pace.speed(), now, link);
        self.meter = ShareMeter::new(now, link);
    }
}

/// The reports on their way to the actor.
struct Outbox {
    reports: mpsc::Sender<Vec<EngineReport>>,
    unsent: Vec<EngineReport>,
}

impl Outbox {
    /// Takes over what the session found out from what the board sent since `made`; neighbouring
    /// pieces of console text become one.
    fn collect<L>(&mut self, drive: &mut Drive<L>, made: Instant)
    where
        L: Line,
    {
        let link = drive.line.now();
        while let Some(event) = drive.session.next_event() {
            match (self.unsent.last_mut(), event) {
                (
                    Some(EngineReport::Session { event: SessionEvent::Console(text), .. }),
                    SessionEvent::Console(more),
                ) => text.extend(more),
                (_, event) => self.unsent.push(EngineReport::Session { link, made, event }),
            }
        }
    }

    /// Hands over what a page shows at once. Console text is collected there anyway, and a board
    /// that prints all the time would hand over at every step.
    fn deliver_news(&mut self) {
        let console =
            |report: &EngineReport| matches!(report, EngineReport::Session { event: SessionEvent::Console(_), .. });
        if !self.unsent.iter().all(console) {
            self.deliver();
        }
    }

    /// Whether the actor did not take what was last offered to it.
    fn is_full(&self) -> bool {
        self.reports.capacity() == 0
    }

    /// Hands the reports to the actor; false while it does not take them.
    fn deliver(&mut self) -> bool {
        if self.unsent.is_empty() {
            return true;
        }
        match self.reports.try_send(std::mem::take(&mut self.unsent)) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(reports)) => {
                self.unsent = reports;
                false
            }
            // The actor has ended; so will this task, when its handle is dropped.
            Err(mpsc::error::TrySendError::Closed(_)) => true,
        }
    }
}

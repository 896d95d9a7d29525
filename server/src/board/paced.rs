//! The engine of a virtual board: its slices on the pool, its reports on the way to the actor.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ports::engine::{Engine, REPORT_BATCHES};
use tokio::sync::mpsc;
use workbench::clock::Moment;
use workbench::engine::{EngineCommand, EngineReport};
use workbench::line::Fork;
use workbench::paced::{self, Outlet, PacedBoard, Source};

use super::pool::{Next, Pool, Task, TaskHandle};
use crate::lock::lock;
use ports::clock::{instant, now};

/// How long a board waits whose actor does not take its reports.
const FULL_WAIT: Duration = Duration::from_millis(20);

/// The engine of a virtual board.
pub struct PacedEngine<L: Fork + 'static> {
    shared: Arc<Shared<L>>,
    task: TaskHandle,
}

struct Shared<L> {
    /// Commands, and when they were posted.
    mailbox: Mutex<VecDeque<(Moment, EngineCommand)>>,
    core: Mutex<Core<L>>,
}

struct Core<L> {
    board: PacedBoard<L>,
    outbox: Outbox,
}

impl<L: Fork + 'static> PacedEngine<L> {
    /// Puts a new board on the pool; it boots at once (from a snapshot, if `source` has one).
    pub fn start(pool: &Pool, source: Arc<dyn Source<L>>) -> (Self, mpsc::Receiver<Vec<EngineReport>>) {
        let (reports, receiver) = mpsc::channel(REPORT_BATCHES);
        let core = Core { board: PacedBoard::new(now(), source), outbox: Outbox { reports } };
        let shared = Arc::new(Shared { mailbox: Mutex::new(VecDeque::new()), core: Mutex::new(core) });
        let task = pool.add(Arc::clone(&shared) as Arc<dyn Task>);
        (Self { shared, task }, receiver)
    }
}

impl<L: Fork + 'static> Engine for PacedEngine<L> {
    fn post(&self, command: EngineCommand) {
        lock(&self.shared.mailbox).push_back((now(), command));
        self.task.wake();
    }
}

impl<L: Fork + 'static> Task for Shared<L> {
    fn slice(&self) -> Next {
        let mut core = lock(&self.core);
        let Core { board, outbox } = &mut *core;
        let commands = std::mem::take(&mut *lock(&self.mailbox));
        for (posted, command) in commands {
            board.obey(now(), posted, command);
        }
        let later = Next::At(instant(now() + FULL_WAIT));
        if !outbox.take(board.reports()) {
            return later;
        }
        let next = match board.slice(&now, outbox) {
            paced::Next::Woken => Next::Woken,
            paced::Next::At(at) => Next::At(instant(at)),
            paced::Next::Urgent { at, since } => Next::Urgent { at: instant(at), since: instant(since) },
        };
        if outbox.take(board.reports()) { next } else { later }
    }
}

/// The reports on their way to the actor.
struct Outbox {
    reports: mpsc::Sender<Vec<EngineReport>>,
}

impl Outlet for Outbox {
    /// Hands the reports to the actor; false while it does not take them.
    fn take(&mut self, reports: &mut Vec<EngineReport>) -> bool {
        if reports.is_empty() {
            return true;
        }
        match self.reports.try_send(std::mem::take(reports)) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(unsent)) => {
                *reports = unsent;
                false
            }
            // The actor has ended; so will this task, when its handle is dropped.
            Err(mpsc::error::TrySendError::Closed(_)) => true,
        }
    }
}

//! What a visitor works at: a virtual board of their own, its live events, and their check.
//!
//! A bench is made when a visitor first needs it and reclaimed after a long absence. It holds
//! nothing that would be missed: answers, edits and results are in the store.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::board::Board;
use crate::board::emulated::BootedBoard;
use crate::board::paced::PacedEngine;
use crate::board::pool::Pool;
use crate::board::session::EndReason;
use crate::board::state::{BoardId, BoardKind, BoardState, BoardStatus};
use crate::config::Limits;
use crate::course::Course;
use crate::error::Problem;
use crate::explored::Explored;
use crate::feed::Feed;
use crate::run::judge;
use crate::run::record::RunRecord;
use crate::store::{Store, VisitorId};

/// One visitor's board and what belongs to it.
#[derive(Debug)]
pub struct Bench {
    /// Whose it is.
    pub visitor: VisitorId,
    /// The visitor's live events.
    pub feed: Arc<Feed>,
    /// The visitor's board.
    pub board: Board,
    /// Set to give the present check up.
    check: Mutex<Option<Arc<AtomicBool>>>,
    /// The window that the visitor explores.
    pub explored: Explored,
    used: Mutex<Instant>,
}

impl Bench {
    /// Gives a check up that is going on, and begins another: the flag says when it is given up in turn.
    pub fn begin_check(&self) -> Arc<AtomicBool> {
        let given_up = Arc::new(AtomicBool::new(false));
        if let Some(earlier) = lock(&self.check).replace(Arc::clone(&given_up)) {
            earlier.store(true, Ordering::Relaxed);
        }
        given_up
    }

    fn is_idle(&self) -> bool {
        self.feed.readers() == 0 && !matches!(self.board.status().state, BoardState::Running { .. })
    }
}

/// All benches.
#[derive(Debug)]
pub struct Benches {
    open: Mutex<HashMap<VisitorId, Arc<Bench>>>,
    pool: Pool,
    booted: BootedBoard,
    limits: Limits,
    course: Arc<Course>,
    store: Store,
    last_board: AtomicU64,
    /// Checks run beside the boards, as many at once as there are processors.
    pub checks: Arc<Semaphore>,
}

impl Benches {
    /// No benches yet; boards are forks of `booted`.
    ///
    /// # Errors
    /// The system gives no threads.
    pub fn new(booted: BootedBoard, limits: Limits, course: Arc<Course>, store: Store) -> std::io::Result<Self> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            open: Mutex::default(),
            pool: Pool::start(processors)?,
            booted,
            limits,
            course,
            store,
            last_board: AtomicU64::new(0),
            checks: Arc::new(Semaphore::new(processors)),
        })
    }

    /// The booted board that everything is forked from.
    #[must_use]
    pub fn booted(&self) -> &BootedBoard {
        &self.booted
    }

    /// The bench of a visitor; a new one has a booted board. Call it on the runtime.
    ///
    /// # Errors
    /// [`Problem::AllBoardsTaken`] while so many others work that there is no board left.
    pub fn of(&self, visitor: VisitorId) -> Result<Arc<Bench>, Problem> {
        let mut open = lock(&self.open);
        if let Some(bench) = open.get(&visitor) {
            *lock(&bench.used) = Instant::now();
            return Ok(Arc::clone(bench));
        }
        if open.len() >= self.limits.boards {
            let longest_idle = open.values().filter(|bench| bench.is_idle()).min_by_key(|bench| *lock(&bench.used));
            let Some(reclaimed) = longest_idle.map(|bench| bench.visitor) else {
                return Err(Problem::AllBoardsTaken);
            };
            open.remove(&reclaimed);
        }
        let bench = Arc::new(self.make(visitor));
        open.insert(visitor, Arc::clone(&bench));
        Ok(bench)
    }

    /// What is known of every board that there is at the moment.
    #[must_use]
    pub fn statuses(&self) -> Vec<BoardStatus> {
        let mut statuses: Vec<_> = lock(&self.open).values().map(|bench| bench.board.status()).collect();
        statuses.sort_by(|a, b| a.id.cmp(&b.id));
        statuses
    }

    /// Takes boards away that nobody has used for long.
    pub fn reclaim(&self) {
        let limit = self.limits.board_idle;
        lock(&self.open).retain(|_, bench| !bench.is_idle() || lock(&bench.used).elapsed() < limit);
    }

    /// How often [`reclaim`](Self::reclaim) is worth calling.
    #[must_use]
    pub fn reclaim_interval(&self) -> Duration {
        (self.limits.board_idle / 4).max(Duration::from_secs(1))
    }

    fn make(&self, visitor: VisitorId) -> Bench {
        let feed = Arc::new(Feed::default());
        let booted = self.booted.clone();
        let (engine, reports) = PacedEngine::start(&self.pool, Arc::new(move |seed| booted.fresh(seed)));
        let id = BoardId(format!("virtual-{}", self.last_board.fetch_add(1, Ordering::Relaxed) + 1));
        let (course, store, outcomes) = (Arc::clone(&self.course), self.store.clone(), Arc::clone(&feed));
        let on_end = Box::new(move |record| {
            tokio::spawn(keep_outcome(Arc::clone(&course), store.clone(), Arc::clone(&outcomes), visitor, record));
        });
        let board = Board::spawn(id, BoardKind::Virtual, engine, reports, Arc::clone(&feed), on_end);
        Bench {
            visitor,
            feed,
            board,
            check: Mutex::default(),
            explored: Explored::default(),
            used: Mutex::new(Instant::now()),
        }
    }
}

/// Judges a run, keeps it as a row of the outcome table, and tells the page.
async fn keep_outcome(course: Arc<Course>, store: Store, feed: Arc<Feed>, visitor: VisitorId, record: RunRecord) {
    let Some(lesson) = course.lesson(&record.request.lesson) else { return };
    if record.end.why == EndReason::NotStarted || record.last.is_none() {
        return;
    }
    match store.add_outcome(visitor, lesson.slug.clone(), judge::outcome(lesson, &record)).await {
        Ok(row) => feed.publish_json("outcome", &row),
        Err(error) => tracing::error!(%error, "an outcome is lost"),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

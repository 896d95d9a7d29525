//! What a visitor works at: a virtual board of their own or an attached one that they have taken, its live events, and
//! their check.
//!
//! A bench is made when a visitor first needs it and reclaimed after a long absence. It holds
//! nothing that would be missed: answers, edits and results are in the store.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::board::Board;
use crate::board::actor::OnEnd;
use crate::board::paced::PacedEngine;
use crate::board::pool::Pool;
use crate::board::registry::{AttachedBoards, Claim};
use crate::config::Limits;
use crate::error::Problem;
use crate::explored::Explored;
use crate::feed::Feed;
use crate::lock::lock;
use crate::newest::Newest;
use crate::store::{Store, VisitorId};
use course::Course;
use workbench::emulated::BootedBoard;
use workbench::judge;
use workbench::record::RunRecord;
use workbench::session::EndReason;
use workbench::state::{BoardId, BoardState, BoardStatus};

/// One visitor's board and what belongs to it.
#[derive(Debug)]
pub struct Bench {
    /// Whose it is.
    pub visitor: VisitorId,
    /// The visitor's live events.
    pub feed: Arc<Feed>,
    /// The virtual board that is always there.
    own: Board,
    /// The attached board that they have taken.
    attached: Mutex<Option<Claim>>,
    /// Held while one board takes the place of another.
    moving: tokio::sync::Mutex<()>,
    course: Arc<Course>,
    store: Store,
    /// The checks of exercises.
    pub check: Newest,
    /// The window that the visitor explores.
    pub explored: Explored,
    used: Mutex<Instant>,
}

impl Bench {
    /// The board that they work at.
    #[must_use]
    pub fn board(&self) -> Board {
        lock(&self.attached).as_ref().map_or_else(|| self.own.clone(), |claim| claim.board.clone())
    }

    /// The virtual board that is always there.
    #[must_use]
    pub fn virtual_board(&self) -> &Board {
        &self.own
    }

    /// Takes an attached board to this bench. One that was here before is given back.
    ///
    /// # Errors
    /// As [`AttachedBoards::take`].
    pub async fn take(&self, boards: &AttachedBoards, id: &str) -> Result<(), Problem> {
        let _moving = self.moving.lock().await;
        if lock(&self.attached).as_ref().is_some_and(|claim| claim.id() == id) {
            return Ok(());
        }
        let claim = boards.take(id, self.visitor).await?;
        let earlier = lock(&self.attached).take();
        match earlier {
            Some(earlier) => earlier.give_back().await,
            None => {
                self.own.stop().await?;
                // From now on nobody looks at it, so it stands still.
                self.own.join(Arc::new(Feed::default()), self.on_end()).await?;
            }
        }
        claim.board.join(Arc::clone(&self.feed), self.on_end()).await?;
        *lock(&self.attached) = Some(claim);
        Ok(())
    }

    /// Gives the attached board of this id back; the virtual one takes its place. Returns whether it was here.
    pub async fn give_back(&self, id: &str) -> Result<bool, Problem> {
        let _moving = self.moving.lock().await;
        let claim = lock(&self.attached).take_if(|claim| claim.id() == id);
        let Some(claim) = claim else { return Ok(false) };
        claim.give_back().await;
        self.own.join(Arc::clone(&self.feed), self.on_end()).await?;
        Ok(true)
    }

    /// Keeps the outcome of every run.
    fn on_end(&self) -> OnEnd {
        on_end(&self.course, &self.store, &self.feed, self.visitor)
    }

    fn is_idle(&self) -> bool {
        self.feed.readers() == 0
            && !matches!(self.board().status().state, BoardState::Running { .. } | BoardState::Flashing(_))
    }
}

fn on_end(course: &Arc<Course>, store: &Store, feed: &Arc<Feed>, visitor: VisitorId) -> OnEnd {
    let (course, store, feed) = (Arc::clone(course), store.clone(), Arc::clone(feed));
    Box::new(move |record| {
        tokio::spawn(keep_outcome(Arc::clone(&course), store.clone(), Arc::clone(&feed), visitor, record));
    })
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

    /// The bench of a visitor who has one.
    #[must_use]
    pub fn existing(&self, visitor: VisitorId) -> Option<Arc<Bench>> {
        lock(&self.open).get(&visitor).cloned()
    }

    /// What is known of every virtual board that there is at the moment.
    #[must_use]
    pub fn statuses(&self) -> Vec<BoardStatus> {
        let mut statuses: Vec<_> = lock(&self.open).values().map(|bench| bench.own.status()).collect();
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
        let on_end = on_end(&self.course, &self.store, &feed, visitor);
        let own = Board::spawn(BoardStatus::new_virtual(id), engine, reports, Arc::clone(&feed), on_end);
        Bench {
            visitor,
            feed,
            own,
            attached: Mutex::default(),
            moving: tokio::sync::Mutex::default(),
            course: Arc::clone(&self.course),
            store: self.store.clone(),
            check: Newest::default(),
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

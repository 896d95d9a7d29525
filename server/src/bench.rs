//! What a visitor works at: a virtual board of their own or an attached one that they have taken, its live events, and
//! their check.
//!
//! The [`Desk`] is what a page needs whether there is a board or not: the events, the check, the window that is explored.
//! A [`Bench`] is a desk with a board. It is made when a visitor first needs it and reclaimed after a long absence. It holds
//! nothing that would be missed: answers, edits and results are in the store, and the next Run makes another one.
//!
//! There are so many boards and no more. When all are in use, somebody who presses Run gets one from whoever can best do
//! without: see [`reclaim`].

mod reclaim;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::board::Board;
use crate::board::actor::OnEnd;
use crate::board::paced::PacedEngine;
use crate::board::pool::Pool;
use crate::board::registry::{AttachedBoards, Claim};
use crate::classes::Classes;
use crate::config::Limits;
use crate::error::Problem;
use crate::explored::Explored;
use crate::feed::Feed;
use crate::lock::lock;
use crate::newest::Newest;
use crate::pages::bench::key_number_name;
use crate::store::{Store, StoreError, VisitorId};
use crate::turns::{Client, Turns};
use crate::visitor::Visitor;
use course::Course;
use course::words::reclaimed;
use reclaim::{Need, Use};
use workbench::emulated::BootedBoard;
use workbench::judge;
use workbench::record::RunRecord;
use workbench::session::EndReason;
use workbench::state::{BoardId, BoardState, BoardStatus};

/// What belongs to a visitor's page, whether they have a board or not.
#[derive(Debug, Default)]
pub struct Desk {
    /// The visitor's live events.
    pub feed: Arc<Feed>,
    /// The checks of exercises.
    pub check: Newest,
    /// The window that the visitor explores.
    pub explored: Explored,
}

/// One visitor's board and what belongs to it.
#[derive(Debug)]
pub struct Bench {
    /// Whose it is.
    pub visitor: Client,
    /// What belongs to their page.
    pub desk: Arc<Desk>,
    /// The virtual board that is always there.
    own: Board,
    /// The attached board that they have taken.
    attached: Mutex<Option<Claim>>,
    /// Held while one board takes the place of another.
    moving: tokio::sync::Mutex<()>,
    keeping: Keeping,
    used: Mutex<Used>,
}

/// When a bench was used last.
#[derive(Clone, Copy, Debug)]
struct Used {
    /// Any request.
    heard: Instant,
    /// A request that does something, if there was one.
    acted: Option<Instant>,
}

impl Used {
    fn note(&mut self, acts: bool) {
        self.heard = Instant::now();
        if acts {
            self.acted = Some(self.heard);
        }
    }
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
        let claim = boards.take(id, self.visitor.visitor).await?;
        let earlier = lock(&self.attached).take();
        match earlier {
            Some(earlier) => earlier.give_back().await,
            None => {
                self.own.stop().await?;
                // From now on nobody looks at it, so it stands still.
                self.own.join(Arc::new(Feed::default()), self.on_end()).await?;
            }
        }
        claim.board.join(Arc::clone(&self.desk.feed), self.on_end()).await?;
        *lock(&self.attached) = Some(claim);
        Ok(())
    }

    /// Gives the attached board of this id back; the virtual one takes its place. Returns whether it was here.
    pub async fn give_back(&self, id: &str) -> Result<bool, Problem> {
        let _moving = self.moving.lock().await;
        let claim = lock(&self.attached).take_if(|claim| claim.id() == id);
        let Some(claim) = claim else { return Ok(false) };
        claim.give_back().await;
        self.own.join(Arc::clone(&self.desk.feed), self.on_end()).await?;
        Ok(true)
    }

    /// Keeps the outcome of every run.
    fn on_end(&self) -> OnEnd {
        on_end(&self.keeping, &self.desk.feed, self.visitor.visitor)
    }

    /// How much it would be missed.
    fn usage(&self, now: Instant) -> Use {
        let Used { heard, acted } = *lock(&self.used);
        let state = self.board().status().state;
        Use {
            silent: now.saturating_duration_since(heard),
            idle: acted.map(|acted| now.saturating_duration_since(acted)),
            read: self.desk.feed.readers() > 0,
            runs: matches!(state, BoardState::Running { .. } | BoardState::Flashing(_)),
            flashes: matches!(state, BoardState::Flashing(_)),
        }
    }

    /// Ends what runs, so that its outcome is kept and the page hears of it, and tells the page why.
    async fn retire(self: Arc<Self>) {
        let board = self.board();
        if tokio::time::timeout(RETIRE_TIMEOUT, board.stop()).await.is_err() {
            tracing::info!(board = %self.own.status().id, "what runs on a board that is taken away does not end");
        }
        self.desk.feed.publish_json("notice", &reclaimed(self.desk.feed.language()));
    }
}

/// How long what runs on a board that is taken away may take to end; then it ends with the board.
const RETIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// Where outcomes go.
#[derive(Clone, Debug)]
pub struct Keeping {
    /// The lessons that judge them.
    pub course: Arc<Course>,
    /// What keeps them.
    pub store: Store,
    /// Whose hosts look at them.
    pub classes: Arc<Classes>,
}

fn on_end(keeping: &Keeping, feed: &Arc<Feed>, visitor: VisitorId) -> OnEnd {
    let (keeping, feed) = (keeping.clone(), Arc::clone(feed));
    Box::new(move |record| {
        tokio::spawn(keep_outcome(keeping.clone(), Arc::clone(&feed), visitor, record));
    })
}

/// All benches.
#[derive(Debug)]
pub struct Benches {
    open: Mutex<HashMap<VisitorId, Arc<Bench>>>,
    /// Desks live as long as somebody sits at them: a bench, a stream or a check.
    desks: Mutex<HashMap<VisitorId, Weak<Desk>>>,
    pool: Pool,
    booted: BootedBoard,
    limits: Limits,
    keeping: Keeping,
    last_board: AtomicU64,
    /// Counts benches that came and went.
    changes: watch::Sender<u64>,
    /// Checks run beside the boards, as many at once as there are processors.
    pub checks: Turns,
}

impl Benches {
    /// No benches yet; boards are forks of `booted`.
    ///
    /// # Errors
    /// The system gives no threads.
    pub fn new(booted: BootedBoard, limits: Limits, keeping: Keeping) -> std::io::Result<Self> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            open: Mutex::default(),
            desks: Mutex::default(),
            pool: Pool::start(processors)?,
            booted,
            checks: Turns::new(processors, limits.jobs),
            limits,
            keeping,
            last_board: AtomicU64::new(0),
            changes: watch::Sender::new(0),
        })
    }

    /// The booted board that everything is forked from.
    #[must_use]
    pub fn booted(&self) -> &BootedBoard {
        &self.booted
    }

    /// Tells of benches that come and go.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// What belongs to a visitor's page.
    #[must_use]
    pub fn desk(&self, visitor: VisitorId) -> Arc<Desk> {
        let mut desks = lock(&self.desks);
        if let Some(desk) = desks.get(&visitor).and_then(Weak::upgrade) {
            return desk;
        }
        // As many go as come.
        if desks.len() >= 2 * self.limits.boards + self.limits.jobs {
            desks.retain(|_, desk| desk.strong_count() > 0);
        }
        let desk = Arc::new(Desk::default());
        desks.insert(visitor, Arc::downgrade(&desk));
        desk
    }

    /// The bench of a visitor who does something with it; a new one has a booted board. Call it on the runtime.
    ///
    /// # Errors
    /// [`Problem::AllBoardsTaken`] while so many others work that there is no board left.
    pub fn of(&self, visitor: Visitor) -> Result<Arc<Bench>, Problem> {
        self.find(visitor, Need::Acts).ok_or(Problem::AllBoardsTaken)
    }

    /// The bench of a visitor who listens to it; `None` while others use all boards.
    #[must_use]
    pub fn listening(&self, visitor: Visitor) -> Option<Arc<Bench>> {
        self.find(visitor, Need::Listens)
    }

    /// The bench of a visitor who looks at a page: nobody loses a board to them.
    #[must_use]
    pub fn looking(&self, visitor: Visitor) -> Option<Arc<Bench>> {
        self.find(visitor, Need::Looks)
    }

    fn find(&self, visitor: Visitor, need: Need) -> Option<Arc<Bench>> {
        let mut open = lock(&self.open);
        if let Some(bench) = open.get(&visitor.id) {
            lock(&bench.used).note(visitor.acts);
            return Some(Arc::clone(bench));
        }
        if open.len() >= self.limits.boards {
            let now = Instant::now();
            let held = open.values().map(|bench| (bench.visitor, bench.usage(now))).collect::<Vec<_>>();
            let taken = reclaim::choose(&held, visitor.place, need, &self.limits)?;
            if let Some(bench) = open.remove(&taken.visitor) {
                tracing::info!(board = %bench.own.status().id, "all boards are in use: one is taken away for another visitor");
                tokio::spawn(bench.retire());
            }
        }
        let bench = Arc::new(self.make(visitor));
        open.insert(visitor.id, Arc::clone(&bench));
        drop(open);
        self.changes.send_modify(|changes| *changes += 1);
        Some(bench)
    }

    /// The bench of a visitor who has one.
    #[must_use]
    pub fn existing(&self, visitor: VisitorId) -> Option<Arc<Bench>> {
        lock(&self.open).get(&visitor).cloned()
    }

    /// The bench with this virtual board.
    #[must_use]
    pub fn with_board(&self, id: &str) -> Option<Arc<Bench>> {
        lock(&self.open).values().find(|bench| bench.own.status().id.0 == id).cloned()
    }

    /// Takes a visitor's board away, because the class host says so; whatever runs on it ends.
    pub async fn free(&self, visitor: VisitorId) {
        let Some(bench) = lock(&self.open).remove(&visitor) else { return };
        self.changes.send_modify(|changes| *changes += 1);
        bench.retire().await;
    }

    /// What is known of every virtual board that there is at the moment, and who has it.
    #[must_use]
    pub fn boards(&self) -> Vec<(VisitorId, BoardStatus)> {
        let mut boards: Vec<_> =
            lock(&self.open).values().map(|bench| (bench.visitor.visitor, bench.own.status())).collect();
        boards.sort_by(|(_, a), (_, b)| (a.id.0.len(), &a.id.0).cmp(&(b.id.0.len(), &b.id.0)));
        boards
    }

    /// Takes boards away that nobody has used for long.
    pub fn reclaim(&self) {
        let (limit, now) = (self.limits.board_idle, Instant::now());
        let mut open = lock(&self.open);
        let before = open.len();
        open.retain(|_, bench| {
            let usage = bench.usage(now);
            usage.read || usage.flashes || usage.silent < limit
        });
        let gone = open.len() != before;
        drop(open);
        if gone {
            self.changes.send_modify(|changes| *changes += 1);
        }
    }

    /// How often [`reclaim`](Self::reclaim) is worth calling.
    #[must_use]
    pub fn reclaim_interval(&self) -> Duration {
        (self.limits.board_idle / 4).max(Duration::from_secs(1))
    }

    fn make(&self, visitor: Visitor) -> Bench {
        let desk = self.desk(visitor.id);
        // A page that was open before still shows the board that was taken away.
        desk.feed.forget_run();
        let version = self.booted.version();
        let (engine, reports) = PacedEngine::start(&self.pool, Arc::new(self.booted.clone()));
        let id = BoardId(format!("virtual-{}", self.last_board.fetch_add(1, Ordering::Relaxed) + 1));
        let on_end = on_end(&self.keeping, &desk.feed, visitor.id);
        let status = BoardStatus::new_virtual(id).of_version(version);
        let own = Board::spawn(status, engine, reports, Arc::clone(&desk.feed), on_end);
        let mut used = Used { heard: Instant::now(), acted: None };
        used.note(visitor.acts);
        Bench {
            visitor: visitor.client(),
            desk,
            own,
            attached: Mutex::default(),
            moving: tokio::sync::Mutex::default(),
            keeping: self.keeping.clone(),
            used: Mutex::new(used),
        }
    }
}

/// Judges a run, keeps it as a row of the outcome table, and tells the page and the class.
async fn keep_outcome(keeping: Keeping, feed: Arc<Feed>, visitor: VisitorId, record: RunRecord) {
    let Keeping { course, store, classes } = keeping;
    let Some(lesson) = course.lesson(&record.request.lesson) else { return };
    if record.end.why == EndReason::NotStarted || record.last.is_none() || classes.is_over_for(visitor) {
        return;
    }
    for row in judge::outcomes(lesson, &record) {
        match store.add_outcome(visitor, lesson.slug.clone(), row).await {
            Ok(row) => {
                feed.publish_json("outcome", &row);
                if let Err(problem) = classes.ran(visitor, &lesson.slug, &row, &key_number_name(lesson)).await {
                    tracing::error!(?problem, "a class does not hear of a run");
                }
            }
            Err(StoreError::Removed) => return,
            Err(error) => tracing::error!(%error, "an outcome is lost"),
        }
    }
}

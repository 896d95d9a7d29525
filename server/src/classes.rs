//! The classes of this workbench: in memory for whoever asks, in the store for good, and told to the pages that look.
//!
//! A change is on the disk before it is seen. Pages are not sent changes but states: a watcher learns that something is newer
//! than what it has, and takes what is there then. So a slow page costs nothing, and nobody misses anything. Where several
//! processes share a database, the same holds between them ([`shared`]).

mod actions;
mod carrying;
mod joining;
mod sampling;
mod secrets;
mod shared;
mod told;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tokio::sync::{Semaphore, watch};

use crate::class::{Class, ClassId, ClassProblem, Guesses, Guessing, Member, Seat, SeatId};
use crate::error::Problem;
use crate::lock::lock;
use crate::store::{KEY_BYTES, Store, StoreError, VisitorId};

pub use actions::Tell;
pub use joining::{Joined, NewClass};
pub use sampling::{Sample, foretells};
pub use secrets::host_token;
use shared::{Gone, Untold};
pub use told::{head, learner_sees, rows};

/// Classes that are kept at the same time.
const MOST_CLASSES: usize = 200;
/// How long somebody waits for the turn to write, which takes milliseconds where the database answers.
const PATIENCE: Duration = Duration::from_secs(5);
/// A change is made anew so often, where other processes were faster each time.
const TRIES: usize = 16;
/// Three words are hashed by so many at once: each takes memory.
const HASHES_AT_ONCE: usize = 2;

/// All classes.
#[derive(Debug)]
pub struct Classes {
    store: Store,
    key: [u8; KEY_BYTES],
    rooms: Mutex<BTreeMap<ClassId, Arc<Room>>>,
    /// What other processes are to hear of; `None`: there are none.
    untold: Option<Arc<Untold>>,
    /// Whose seat a visitor's number is.
    seats: Mutex<HashMap<VisitorId, (ClassId, SeatId)>>,
    guesses: Mutex<Guesses>,
    /// What other processes have seen of wrong tries.
    guessed_elsewhere: Mutex<Guessing>,
    /// What this process has found gone in a shared database.
    gone: Gone,
    /// Held while a class comes, goes or gets another PIN: no two have the same.
    numbering: tokio::sync::Mutex<()>,
    hashing: Semaphore,
}

/// One class, and who watches it.
#[derive(Debug)]
pub struct Room {
    id: ClassId,
    class: Mutex<Class>,
    /// What other processes are to hear of.
    untold: Option<Arc<Untold>>,
    /// Held from the look at a class to the change of it.
    writing: tokio::sync::Mutex<()>,
    /// Counts changes of anything: the host's grid.
    version: watch::Sender<u64>,
    /// Counts changes of what all learners are told.
    told: watch::Sender<u64>,
    /// Counts changes of what one learner alone is told. With one count for all, every step of somebody would wake everybody.
    own: Mutex<HashMap<SeatId, watch::Sender<u64>>>,
}

impl Room {
    fn new(class: Class, untold: Option<Arc<Untold>>) -> Self {
        Self {
            id: class.id,
            class: Mutex::new(class),
            untold,
            writing: tokio::sync::Mutex::default(),
            version: watch::Sender::new(1),
            told: watch::Sender::new(1),
            own: Mutex::default(),
        }
    }

    /// Looks at the class.
    pub fn look<T>(&self, look: impl FnOnce(&Class) -> T) -> T {
        look(&lock(&self.class))
    }

    /// Counts changes of anything in the class.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Counts changes of what all learners are told.
    #[must_use]
    pub fn told(&self) -> watch::Receiver<u64> {
        self.told.subscribe()
    }

    /// Counts changes of what one learner alone is told.
    #[must_use]
    pub fn told_to(&self, seat: SeatId) -> watch::Receiver<u64> {
        lock(&self.own).entry(seat).or_default().subscribe()
    }

    /// What one learner is told has changed.
    fn tell(&self, seat: SeatId) {
        if let Some(own) = lock(&self.own).get(&seat) {
            own.send_modify(|told| *told += 1);
        }
    }

    /// A look at the class without its learners.
    fn head(&self) -> Class {
        let mut class = lock(&self.class);
        let seats = std::mem::take(&mut class.seats);
        let head = class.clone();
        class.seats = seats;
        head
    }

    /// Changes what is known of the class, and tells everybody.
    async fn change<T: Send>(
        self: &Arc<Self>,
        classes: &Classes,
        change: impl Fn(&mut Class) -> Result<T, Problem> + Send + Sync,
    ) -> Result<T, Problem> {
        let made = self.change_untold(classes, change).await?;
        self.told.send_modify(|told| *told += 1);
        Ok(made)
    }

    /// Changes what is known of the class, first on the disk, then here; of learners nobody hears of it. Made again from what
    /// there is by then, where another process was faster.
    async fn change_untold<T: Send>(
        self: &Arc<Self>,
        classes: &Classes,
        change: impl Fn(&mut Class) -> Result<T, Problem> + Send + Sync,
    ) -> Result<T, Problem> {
        let _writing = turn(&self.writing).await?;
        let mut next = self.head();
        let made = change(&mut next)?;
        next.touched = now_s();
        let (made, merged) = match (classes.store.save_class(&next).await, classes.store.others()) {
            (Ok(revision), _) => {
                next.revision = revision;
                (made, false)
            }
            (Err(StoreError::Outdated), Some(others)) => {
                let mut anew = Err(Problem::Internal);
                let change_anew = |class: &mut Class| {
                    class.touched = now_s();
                    anew = change(class);
                    anew.is_ok()
                };
                next = others.change_class(self.id, change_anew).await?;
                (anew?, true)
            }
            (Err(error), _) => return Err(error.into()),
        };
        {
            let mut class = lock(&self.class);
            next.seats = std::mem::take(&mut class.seats);
            *class = next;
        }
        self.version.send_modify(|version| *version += 1);
        if merged {
            // With it came what another process has told.
            self.told.send_modify(|told| *told += 1);
        }
        self.tell_others(None);
        Ok(made)
    }

    /// Changes what is known of a learner, and with `lesson` how far they are in it.
    async fn change_seat<T>(
        self: &Arc<Self>,
        classes: &Classes,
        id: SeatId,
        lesson: Option<&str>,
        change: impl Fn(&mut Seat) -> Result<Changed<T>, Problem>,
    ) -> Result<T, Problem> {
        let _writing = turn(&self.writing).await?;
        for _ in 0..TRIES {
            let mut next = self.look(|class| class.seats.get(&id).cloned()).ok_or(ClassProblem::Unknown)?;
            let made = match change(&mut next)? {
                Changed::Nothing(made) => {
                    self.stir(id);
                    return Ok(made);
                }
                Changed::Kept(made) => made,
            };
            match classes.store.save_seat(&next, lesson).await {
                Ok(revision) => next.revision = revision,
                Err(StoreError::Outdated) => {
                    classes.read_on(self).await?;
                    continue;
                }
                Err(error) => return Err(error.into()),
            }
            {
                let mut class = lock(&self.class);
                class.touched = now_s();
                if let Some(seat) = class.seats.get_mut(&id) {
                    // Who is here changes without being written.
                    (next.streams, next.came, next.seen) = (seat.streams, seat.came, seat.seen);
                    next.elsewhere = seat.elsewhere;
                    *seat = next;
                }
            }
            self.stir(id);
            self.tell(id);
            return Ok(made);
        }
        Err(overtaken())
    }

    /// Something of a learner is worth a look, here and at other processes.
    fn stir(&self, id: SeatId) {
        self.stir_here(id);
        self.tell_others(Some(id));
    }

    /// Something has changed, and with `seat` something of a learner who is here.
    fn tell_others(&self, seat: Option<SeatId>) {
        if let Some(untold) = &self.untold {
            untold.note(self.id, seat);
        }
    }

    /// Something of a learner is worth a look.
    fn stir_here(&self, id: SeatId) {
        self.version.send_modify(|version| {
            *version += 1;
            if let Some(seat) = lock(&self.class).seats.get_mut(&id) {
                seat.changed = *version;
            }
        });
    }
}

/// Whose turn it is to write. Where the database does not answer, everybody behind the one who waits for it is told so as well,
/// and not one after the other.
async fn turn(lock: &tokio::sync::Mutex<()>) -> Result<tokio::sync::MutexGuard<'_, ()>, Problem> {
    tokio::time::timeout(PATIENCE, lock.lock()).await.map_err(|_| Problem::DatabaseAway)
}

/// Other processes have been faster, again and again.
fn overtaken() -> Problem {
    tracing::error!("a change was overtaken by other processes {TRIES} times");
    Problem::Internal
}

/// What came of a look at a learner.
enum Changed<T> {
    /// It has to be kept.
    Kept(T),
    /// Nothing that has to be kept, yet the host may want to look.
    Nothing(T),
}

/// A page that is open; dropping it says that it is not any more.
#[derive(Debug)]
pub struct Present {
    room: Arc<Room>,
    seat: SeatId,
}

impl Drop for Present {
    fn drop(&mut self) {
        if let Some(seat) = lock(&self.room.class).seats.get_mut(&self.seat) {
            seat.streams = seat.streams.saturating_sub(1);
            seat.seen = now_s();
        }
        self.room.stir(self.seat);
    }
}

impl Classes {
    /// The classes that the store has.
    ///
    /// # Errors
    /// The database failed.
    pub async fn open(store: &Store) -> Result<Self, StoreError> {
        let mut classes = store.classes().await?;
        for class in &mut classes {
            // What learners do is kept with them, so that the class's own row is not written with every step.
            let moved = |seat: &Seat| seat.work.values().map(|work| work.moved).max().unwrap_or(0);
            let last = class.seats.values().map(|seat| seat.seen.max(moved(seat))).max();
            class.touched = class.touched.max(last.unwrap_or(0));
        }
        let seats =
            classes.iter().flat_map(|class| class.seats.values().map(|seat| (seat.visitor, (class.id, seat.id))));
        let seats = Mutex::new(seats.collect());
        let untold = store.others().map(|_| Arc::new(Untold::default()));
        let room = |class: Class| (class.id, Arc::new(Room::new(class, untold.clone())));
        Ok(Self {
            store: store.clone(),
            key: *store.key(),
            rooms: Mutex::new(classes.into_iter().map(room).collect()),
            untold,
            seats,
            guesses: Mutex::new(Guesses::new(Instant::now())),
            guessed_elsewhere: Mutex::default(),
            gone: Gone::default(),
            numbering: tokio::sync::Mutex::default(),
            hashing: Semaphore::new(HASHES_AT_ONCE),
        })
    }

    /// The host is to have a look, whatever the class.
    fn stir_all(&self) {
        for room in self.all() {
            room.version.send_modify(|version| *version += 1);
        }
    }

    /// A class that is new here, in its room.
    fn furnish(&self, class: Class) -> Arc<Room> {
        let (id, seats) = (class.id, class.seats.values().map(|seat| (seat.visitor, (class.id, seat.id))));
        lock(&self.seats).extend(seats);
        let room = Arc::new(Room::new(class, self.untold.clone()));
        lock(&self.rooms).insert(id, Arc::clone(&room));
        room
    }

    /// A class that is gone, and everybody in it.
    fn clear_out(&self, room: &Room) {
        lock(&self.rooms).remove(&room.id);
        lock(&self.seats).retain(|_, (class, _)| *class != room.id);
        lock(&room.class).seats.clear();
        room.version.send_modify(|version| *version += 1);
        room.told.send_modify(|told| *told += 1);
    }

    /// Learners who are gone.
    fn see_off(&self, room: &Room, gone: &[SeatId]) {
        let seats = {
            let mut class = lock(&room.class);
            gone.iter().filter_map(|id| class.seats.remove(id)).collect::<Vec<_>>()
        };
        for seat in seats {
            lock(&self.seats).remove(&seat.visitor);
            // Dropping the count tells it as well.
            lock(&room.own).remove(&seat.id);
        }
        room.version.send_modify(|version| *version += 1);
    }

    /// A class.
    ///
    /// # Errors
    /// There is none.
    pub fn room(&self, id: ClassId) -> Result<Arc<Room>, Problem> {
        lock(&self.rooms).get(&id).cloned().ok_or_else(|| ClassProblem::Unknown.into())
    }

    /// All classes, the newest first.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Room>> {
        lock(&self.rooms).values().rev().cloned().collect()
    }

    /// Whether somebody could join a class.
    #[must_use]
    pub fn is_open(&self) -> bool {
        lock(&self.rooms).values().any(|room| room.look(|class| class.ended.is_none()))
    }

    /// What hosts should know of wrong tries.
    #[must_use]
    pub fn guessing(&self) -> Option<Guessing> {
        let elsewhere = *lock(&self.guessed_elsewhere);
        lock(&self.guesses).guessing(elsewhere, Instant::now())
    }

    /// A seat whose work this is.
    fn seat_of(&self, visitor: VisitorId) -> Option<(Arc<Room>, SeatId)> {
        let (class, seat) = *lock(&self.seats).get(&visitor)?;
        Some((lock(&self.rooms).get(&class)?.clone(), seat))
    }

    /// A page of a learner was opened.
    #[must_use]
    pub fn arrive(&self, member: Member) -> Option<(Arc<Room>, Present)> {
        let room = self.room(member.class).ok()?;
        {
            let mut class = lock(&room.class);
            let seat = class.seats.get_mut(&member.seat)?;
            let now = now_s();
            // A reload is no arrival.
            if !seat.is_here() && now - seat.seen > 60 {
                seat.came = now;
            }
            (seat.streams, seat.seen) = (seat.streams + 1, now);
        }
        room.stir(member.seat);
        Some((Arc::clone(&room), Present { room, seat: member.seat }))
    }

    /// Whether a visitor's work can still be changed.
    ///
    /// # Errors
    /// Their class has ended.
    pub fn may_write(&self, member: Option<Member>) -> Result<(), Problem> {
        if member.is_some_and(|member| member.ended) { Err(ClassProblem::Ended.into()) } else { Ok(()) }
    }

    /// Whether somebody may be shown the solution of a lesson. A learner's class says so. Whoever is in no class is asked for
    /// by every class that goes on: else *Leave* would open what a host has closed.
    #[must_use]
    pub fn shows_solution(&self, member: Option<Member>, host: bool, lesson: &str) -> bool {
        if let Some(member) = member {
            return self.room(member.class).is_ok_and(|room| room.look(|class| class.solutions));
        }
        let closes = |class: &Class| {
            class.ended.is_none() && !class.solutions && class.lessons.iter().any(|slug| slug == lesson)
        };
        host || !lock(&self.rooms).values().any(|room| room.look(closes))
    }

    /// Whether this is the work of a learner whose class has ended.
    #[must_use]
    pub fn is_over_for(&self, visitor: VisitorId) -> bool {
        self.seat_of(visitor).is_some_and(|(room, _)| room.look(|class| class.ended.is_some()))
    }

    /// A learner's page saved its work on a lesson.
    ///
    /// # Errors
    /// The database failed.
    pub async fn saved(&self, visitor: VisitorId, lesson: &str, steps: &Value) -> Result<(), Problem> {
        self.got_on(visitor, lesson, |work, _| work.saved(steps, now_s())).await
    }

    /// A learner's run gave a row of the outcome table. `key` is the lesson's number that matters most.
    ///
    /// # Errors
    /// The database failed.
    pub async fn ran(&self, visitor: VisitorId, lesson: &str, row: &Value, key: &str) -> Result<(), Problem> {
        if self.seat_of(visitor).is_none() {
            return Ok(());
        }
        let answers = self.store.work(visitor, lesson.to_owned()).await?.prediction;
        self.got_on(visitor, lesson, |work, _| {
            work.ran(row, &answers, key, now_s());
            true
        })
        .await
    }

    /// A learner's check came to its end, on this server or, as reported, in their browser.
    ///
    /// # Errors
    /// The database failed.
    pub async fn checked(
        &self,
        visitor: VisitorId,
        lesson: &str,
        passed: bool,
        by_server: bool,
    ) -> Result<(), Problem> {
        self.got_on(visitor, lesson, |work, solutions| {
            work.checked(passed, by_server, solutions, now_s());
            true
        })
        .await
    }

    /// The server has run a reported program again.
    ///
    /// # Errors
    /// The database failed.
    pub async fn settled(&self, visitor: VisitorId, lesson: &str, passed: bool) -> Result<(), Problem> {
        let Some((room, id)) = self.seat_of(visitor) else { return Ok(()) };
        let settled = room.change_seat(self, id, Some(lesson), |seat| {
            // They may be at another lesson by now, and stay there.
            seat.work.entry(lesson.to_owned()).or_default().settled(passed, now_s());
            Ok(Changed::Kept(()))
        });
        unless_removed(settled.await)
    }

    /// Notes something of a learner's lesson; whoever is in no class is left alone.
    async fn got_on(
        &self,
        visitor: VisitorId,
        lesson: &str,
        note: impl Fn(&mut crate::class::Progress, bool) -> bool,
    ) -> Result<(), Problem> {
        let Some((room, id)) = self.seat_of(visitor) else { return Ok(()) };
        let solutions = room.look(|class| class.solutions);
        let noted = room.change_seat(self, id, Some(lesson), |seat| {
            let moved = seat.lesson.as_deref() != Some(lesson);
            if moved {
                seat.lesson = Some(lesson.to_owned());
            }
            let new = note(seat.work.entry(lesson.to_owned()).or_default(), solutions);
            Ok(if new || moved { Changed::Kept(()) } else { Changed::Nothing(()) })
        });
        unless_removed(noted.await)
    }
}

/// A seat or a class that was removed meanwhile is nobody's trouble.
fn unless_removed(noted: Result<(), Problem>) -> Result<(), Problem> {
    match noted {
        Err(Problem::Class(ClassProblem::Unknown)) => Ok(()),
        noted => noted,
    }
}

/// Seconds since 1970.
#[must_use]
pub fn now_s() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::class::{Nickname, Progress};
    use crate::store::Quota;

    #[tokio::test]
    async fn a_class_whose_learners_are_at_work_is_not_forgotten_after_a_restart() {
        let store = Store::open(None, Quota::default()).unwrap();
        let class = Class::sample("314159");
        let id = store.add_class(&class).await.unwrap();
        let mut seat = Seat::new(&Nickname::read("otter").unwrap(), VisitorId(9), [0; 32], 0);
        seat.id = store.add_seat(id, &seat).await.unwrap();
        seat.work.insert("lost-update".into(), Progress { moved: now_s() - 60, ..Progress::default() });
        store.save_seat(&seat, Some("lost-update")).await.unwrap();
        let classes = Classes::open(&store).await.unwrap();
        classes.forget_older_than(3600).await;
        assert!(classes.room(id).is_ok(), "somebody got on a minute ago");
        classes.forget_older_than(30).await;
        assert!(classes.room(id).is_err());
        assert!(store.classes().await.unwrap().is_empty());
    }
}

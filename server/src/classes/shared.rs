//! Classes that several processes work on, with one database between them.
//!
//! Every process has all classes in memory, tells the others which of them it has changed, and reads what the others have
//! changed. A learner's pages and the host's may be at different processes; what is told is there a moment later. A change
//! is made from what the database has by then, and not from what this process has read, so that being late harms nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::{Classes, Room, now_s, turn, unless_removed};
use crate::class::{Class, ClassId, ClassProblem, SeatId};
use crate::error::Problem;
use crate::lock::lock;
use crate::store::{Elsewhere, Heard, Others, Presence, StoreError, Survey};

/// Others are told at most so often.
const TELL_INTERVAL: Duration = Duration::from_millis(100);
/// So many seats are noted that are gone.
const SEATS_NOTED: usize = 4096;
/// After a failure it is tried again.
const AGAIN: Duration = Duration::from_millis(500);

/// What other processes have not heard of yet.
#[derive(Debug, Default)]
pub(super) struct Untold {
    /// The classes, and in each the learners of whom something is worth a look.
    classes: Mutex<BTreeMap<ClassId, BTreeSet<SeatId>>>,
    more: Notify,
}

impl Untold {
    /// Something has changed, and with `seat` something of a learner who is here.
    pub(super) fn note(&self, class: ClassId, seat: Option<SeatId>) {
        lock(&self.classes).entry(class).or_default().extend(seat);
        self.more.notify_one();
    }
}

/// What was looked for in the database and was not there, so that a cookie of it does not ask again with every request. Numbers
/// are never given twice, and an epoch that is over does not come again.
#[derive(Debug, Default)]
pub(super) struct Gone {
    classes: Mutex<BTreeSet<ClassId>>,
    seats: Mutex<BTreeSet<(SeatId, u32)>>,
}

impl Gone {
    /// Whether this class is known to be gone.
    fn has_class(&self, class: ClassId) -> bool {
        lock(&self.classes).contains(&class)
    }

    /// Whether a seat in this epoch is known to be gone.
    pub(super) fn has_seat(&self, seat: SeatId, epoch: u32) -> bool {
        lock(&self.seats).contains(&(seat, epoch))
    }

    /// A seat in this epoch was looked for and is not there.
    pub(super) fn note_seat(&self, seat: SeatId, epoch: u32) {
        let mut seats = lock(&self.seats);
        if seats.len() >= SEATS_NOTED {
            seats.clear();
        }
        seats.insert((seat, epoch));
    }
}

impl Classes {
    /// Tells other processes what changes here, and reads what changes there, for as long as somebody polls it.
    pub async fn keep_up(&self) {
        match (self.store.others(), &self.untold) {
            (Some(others), Some(untold)) => {
                tokio::join!(self.tell_on(others, untold), self.hear(others), self.beat(others));
            }
            _ => std::future::pending().await,
        }
    }

    /// This process ends: what is untold is told, and nobody is at it any more.
    ///
    /// # Errors
    /// The database failed.
    pub async fn leave(&self) -> Result<(), StoreError> {
        let Some(others) = self.store.others() else { return Ok(()) };
        let classes: Vec<ClassId> = lock(&self.rooms).keys().copied().collect();
        others.leave(&classes).await
    }

    /// What time it is, in seconds since 1970, by the one clock that all processes share.
    pub(super) async fn shared_now_s(&self) -> Result<i64, StoreError> {
        match self.store.others() {
            Some(others) => others.now_s().await,
            None => Ok(now_s()),
        }
    }

    async fn tell_on(&self, others: &Others, untold: &Untold) {
        let mut trouble = Trouble::new("other processes are not told");
        loop {
            untold.more.notified().await;
            let told = std::mem::take(&mut *lock(&untold.classes));
            let classes: Vec<ClassId> = told.keys().copied().collect();
            let here: Vec<Presence> = told.iter().flat_map(|(class, seats)| self.presences(*class, seats)).collect();
            if trouble.ended(others.tell(&classes, &here).await).is_none() {
                for (class, seats) in told {
                    lock(&untold.classes).entry(class).or_default().extend(seats);
                }
                untold.more.notify_one();
                tokio::time::sleep(AGAIN).await;
            }
            tokio::time::sleep(TELL_INTERVAL).await;
        }
    }

    /// Which of these learners are here.
    fn presences(&self, class: ClassId, seats: &BTreeSet<SeatId>) -> Vec<Presence> {
        let Ok(room) = self.room(class) else { return Vec::new() };
        let presence = |class: &Class, id: &SeatId| {
            let seat = class.seats.get(id)?;
            Some(Presence { seat: *id, streams: seat.streams, came: seat.came, seen: seat.seen })
        };
        room.look(|class| seats.iter().filter_map(|id| presence(class, id)).collect())
    }

    async fn hear(&self, others: &Others) {
        let mut trouble = Trouble::new("other processes are not heard");
        loop {
            if let Some(mut listener) = trouble.ended(others.listen().await) {
                while let Some(first) = listener.next().await {
                    // Whatever else has been said meanwhile is looked at once.
                    let mut heard = BTreeSet::new();
                    let mut anything = false;
                    for said in std::iter::once(first).chain(std::iter::from_fn(|| listener.heard())) {
                        match said {
                            Heard::Class(class) => _ = heard.insert(class),
                            Heard::Anything => anything = true,
                        }
                    }
                    if anything {
                        self.look_or_say().await;
                    } else {
                        for class in heard {
                            self.catch_up_or_say(class).await;
                        }
                    }
                }
                tracing::warn!("the connection on which other processes are heard is broken; a new one is made");
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Says now and then that this process is there, and looks whether something was not heard.
    async fn beat(&self, others: &Others) {
        let mut trouble = Trouble::new("the database does not hear that this process is there");
        let mut interval = tokio::time::interval(others.beats_every());
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            let guessing = lock(&self.guesses).of_late(Instant::now());
            let Some(beat) = trouble.ended(others.beat(guessing).await) else { continue };
            if beat.forgotten {
                self.say_who_is_here();
            }
            if std::mem::replace(&mut *lock(&self.guessed_elsewhere), beat.guessing) != beat.guessing {
                self.stir_all();
            }
            self.look_or_say().await;
        }
    }

    fn say_who_is_here(&self) {
        for room in self.all() {
            let here = |class: &Class| {
                let here = class.seats.values().filter(|seat| seat.streams > 0);
                here.map(|seat| seat.id).collect::<Vec<_>>()
            };
            for seat in room.look(here) {
                room.tell_others(Some(seat));
            }
        }
    }

    async fn look_or_say(&self) {
        if let Err(problem) = self.look_everywhere().await {
            tracing::warn!(code = problem.code(), "what other processes have changed is not read yet");
        }
    }

    async fn catch_up_or_say(&self, class: ClassId) {
        // It may have been deleted there.
        if let Err(problem) = unless_removed(self.catch_up(class).await) {
            tracing::warn!(code = problem.code(), class = class.0, "what other processes have changed is not read yet");
        }
    }

    /// Reads every class of which this process does not have the newest.
    ///
    /// # Errors
    /// The database failed.
    pub(super) async fn look_everywhere(&self) -> Result<(), Problem> {
        let Some(others) = self.store.others() else { return Ok(()) };
        let there = others.survey().await?;
        let here: BTreeMap<ClassId, Survey> = self.all().iter().map(|room| (room.id, room.look(survey))).collect();
        let known = here.keys().filter(|class| !there.contains_key(class));
        let newer = there.iter().filter(|(class, survey)| here.get(class) != Some(survey)).map(|(class, _)| class);
        for class in known.chain(newer) {
            unless_removed(self.catch_up(*class).await)?;
        }
        Ok(())
    }

    /// Reads what other processes have changed in a class, or the whole of one that is new here.
    ///
    /// # Errors
    /// There is no such class, or the database failed.
    pub(super) async fn catch_up(&self, id: ClassId) -> Result<(), Problem> {
        if let Ok(room) = self.room(id) {
            let _writing = turn(&room.writing).await?;
            return self.read_on(&room).await;
        }
        let Some(others) = self.store.others() else { return Err(ClassProblem::Unknown.into()) };
        if self.gone.has_class(id) {
            return Err(ClassProblem::Unknown.into());
        }
        let Some(class) = others.whole(id).await? else {
            lock(&self.gone.classes).insert(id);
            return Err(ClassProblem::Unknown.into());
        };
        let room = {
            let _numbering = turn(&self.numbering).await?;
            self.room(id).unwrap_or_else(|_| self.furnish(class))
        };
        // It may have changed since, and who is where is not read yet.
        let _writing = turn(&room.writing).await?;
        self.read_on(&room).await
    }

    /// Reads what other processes have changed in a class. Call it while nothing of this process is being written.
    ///
    /// # Errors
    /// The class is gone, or the database failed.
    pub(super) async fn read_on(&self, room: &Arc<Room>) -> Result<(), Problem> {
        let Some(others) = self.store.others() else { return Ok(()) };
        let Some(sight) = others.sight(room.id).await? else {
            lock(&self.gone.classes).insert(room.id);
            self.clear_out(room);
            return Err(ClassProblem::Unknown.into());
        };
        let (revision, mut stale) = room.look(|class| {
            let is_stale = |id: &&SeatId| class.seats.get(id).map(|seat| seat.revision) != Some(sight.seats[id].0);
            (class.revision, sight.seats.keys().filter(is_stale).copied().collect::<Vec<_>>())
        });
        stale.sort_unstable();
        let head = if revision == sight.revision { None } else { others.head(room.id).await? };
        let read = if stale.is_empty() { Vec::new() } else { others.seats(&stale).await? };
        let mut stirred: BTreeSet<SeatId> = read.iter().map(|seat| seat.id).collect();
        lock(&self.seats).extend(read.iter().map(|seat| (seat.visitor, (room.id, seat.id))));
        let told_all = head.is_some();
        let gone = {
            let mut class = lock(&room.class);
            if let Some(mut head) = head {
                if head.pin != class.pin {
                    // What was guessed before is worthless.
                    lock(&self.guesses).forget();
                }
                head.seats = std::mem::take(&mut class.seats);
                *class = head;
            }
            for mut seat in read {
                if let Some(known) = class.seats.get(&seat.id) {
                    // Who is here changes without being written.
                    (seat.streams, seat.came, seat.seen) = (known.streams, known.came, known.seen);
                    (seat.changed, seat.elsewhere) = (known.changed, known.elsewhere);
                }
                class.touched = now_s();
                class.seats.insert(seat.id, seat);
            }
            for (id, seat) in &mut class.seats {
                let elsewhere = sight.seats.get(id).map(|(_, elsewhere)| *elsewhere).unwrap_or_default();
                if seat.elsewhere != elsewhere {
                    seat.came = seat.came.max(elsewhere.came);
                    seat.seen = seat.seen.max(elsewhere.seen);
                    if is_left(seat.elsewhere, elsewhere) {
                        seat.seen = now_s();
                    }
                    seat.elsewhere = elsewhere;
                    stirred.insert(*id);
                }
            }
            class.seats.keys().filter(|id| !sight.seats.contains_key(id)).copied().collect::<Vec<_>>()
        };
        if !gone.is_empty() {
            self.see_off(room, &gone);
        }
        for seat in stirred {
            room.stir_here(seat);
            room.tell(seat);
        }
        if told_all {
            room.version.send_modify(|version| *version += 1);
            room.told.send_modify(|told| *told += 1);
        }
        Ok(())
    }
}

/// Whether the last page elsewhere was closed, or the process that it was at has ended.
fn is_left(before: Elsewhere, now: Elsewhere) -> bool {
    before.streams > 0 && now.streams == 0
}

/// What this process has of a class, in few numbers.
fn survey(class: &Class) -> Survey {
    let mut survey = Survey { revision: class.revision, ..Survey::default() };
    for seat in class.seats.values() {
        survey.seats += seat.id.0;
        survey.revisions += seat.revision;
        survey.elsewhere += 2 * seat.elsewhere.stirred + i64::try_from(seat.elsewhere.streams).unwrap_or(0);
    }
    survey
}

/// Something that fails again and again is said once, and once more when it works again.
struct Trouble {
    what: &'static str,
    said: bool,
}

impl Trouble {
    fn new(what: &'static str) -> Self {
        Self { what, said: false }
    }

    /// What came of another try; `None`: it failed.
    fn ended<T>(&mut self, tried: Result<T, StoreError>) -> Option<T> {
        match tried {
            Ok(done) => {
                if std::mem::take(&mut self.said) {
                    tracing::info!("no longer: {}", self.what);
                }
                Some(done)
            }
            Err(error) => {
                if !std::mem::replace(&mut self.said, true) {
                    tracing::warn!(%error, "{}", self.what);
                }
                None
            }
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::net::Ipv4Addr;

    use course::Language;
    use test_postgres::TestPostgres;

    use super::*;
    use crate::classes::{Joined, NewClass, Tell};
    use crate::place::Place;
    use crate::store::{Quota, Store};

    async fn open(server: &TestPostgres) -> Classes {
        let store = Store::connect(&server.url().parse().unwrap(), Quota::default()).await.unwrap();
        Classes::open(&store).await.unwrap()
    }

    async fn start(classes: &Classes) -> ClassId {
        let new = NewClass {
            title: "10b".into(),
            language: Language::En,
            pages: None,
            lessons: vec!["lost-update".into()],
            seed: None,
            solutions: false,
        };
        classes.start(new).await.unwrap()
    }

    async fn join(classes: &Classes, class: ClassId, name: &str) -> Joined {
        let pin = classes.room(class).unwrap().look(|class| class.pin.digits().to_owned());
        let place = Place::of(Ipv4Addr::LOCALHOST.into());
        classes.join(place, &pin, name, None, Language::En).await.unwrap()
    }

    /// The work of a learner whom this process does not know yet must not go to the browser's own visitor.
    #[tokio::test]
    async fn a_seat_that_cannot_be_looked_up_is_not_taken_for_none() {
        let mut server = TestPostgres::start();
        let (here, there) = (open(&server).await, open(&server).await);
        let class = start(&here).await;
        let cookie = join(&here, class, "otter").await.cookie;
        let token = cookie.split('.').next().unwrap();
        server.stop();
        assert!(matches!(there.member(token).await, Err(Problem::DatabaseAway)));
        server.start_again();
        // A page asks for several things at once, and each time they are who they are.
        let members = futures_util::future::join_all((0..6).map(|_| there.member(token))).await;
        let members: Vec<_> = members.into_iter().map(Result::unwrap).collect();
        let member = members[0].unwrap();
        assert_eq!(members, [Some(member); 6]);
        assert_eq!(Some(member), here.member(token).await.unwrap());
        // Who is gone is nobody, everywhere.
        here.delete(class).await.unwrap();
        there.catch_up(class).await.unwrap_err();
        assert_eq!(there.member(token).await.unwrap(), None);
        // And nobody is asked about them again.
        server.stop();
        assert_eq!(there.member(token).await.unwrap(), None);
    }

    /// What was told at another process comes along with an answer that was overtaken by it.
    #[tokio::test]
    async fn learners_are_told_of_what_a_change_here_was_overtaken_by() {
        let server = TestPostgres::start();
        let course = crate::lessons::embedded().unwrap();
        let (here, there) = (open(&server).await, open(&server).await);
        let class = start(&here).await;
        let ask = Tell::Ask { lesson: "lost-update".into(), prediction: "plain".into() };
        here.tell(&course, class, ask).await.unwrap();
        let cookie = join(&here, class, "otter").await.cookie;
        let member = there.member(cookie.split('.').next().unwrap()).await.unwrap().unwrap();
        let room = there.room(class).unwrap();
        let asked = room.look(|class| class.told.question.clone()).unwrap();
        let key = course.lesson("lost-update").unwrap().predictions[0].options[0].key.clone();
        here.tell(&course, class, Tell::Eyes { on: true }).await.unwrap();
        let told = room.told();
        there.answer(&course, member, asked.n, key).await.unwrap();
        assert!(told.has_changed().unwrap() && room.look(|class| class.told.eyes));
        here.catch_up(class).await.unwrap();
        assert_eq!(here.room(class).unwrap().look(|class| class.clone().told), room.look(|class| class.clone().told));
    }

    /// A computer that has slept, or whose clock is wrong, does not know how others have worked meanwhile.
    #[tokio::test]
    async fn a_class_in_which_others_work_is_not_forgotten() {
        let server = TestPostgres::start();
        let here = open(&server).await;
        let class = start(&here).await;
        let old = |classes: &Classes| lock(&classes.room(class).unwrap().class).touched = 1;
        let there = open(&server).await;
        old(&there);
        join(&here, class, "otter").await;
        there.forget_older_than(3600).await;
        assert!(there.room(class).is_ok() && here.catch_up(class).await.is_ok());
        old(&there);
        there.forget_older_than(3600).await;
        assert!(here.catch_up(class).await.is_err(), "in which nobody does is");
    }
}

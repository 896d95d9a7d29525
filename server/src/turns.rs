//! Whose check goes on: checks and explorations share the processors in turns.
//!
//! As many go on at once as there are processors. A job that has had its slice lets somebody else have the next one, so that
//! a program that never ends holds nobody up. Among those who wait, the place goes first whose visitors have used least; what
//! was used counts half after [`HALF_LIFE`]. In it they go on in the order in which they came, and who has used something as
//! if they had come later, [`LATER`] for each second: so jobs that take long wait for those that do not, a crowd that
//! comes at once is not half done for all but done for half, and nobody waits for ever however many come after them. A second
//! cookie at the same address brings its owner nothing that the others of that address would miss for long. A visitor whose
//! last job came to its end has shown that theirs do: the next one is charged at a fraction, until one does not end.
//! What nobody waits for, such as running a reported check again, goes on only while nobody else wants a turn.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::lock::lock;
use crate::place::Place;
use crate::store::VisitorId;

/// How long a job goes on before it looks whether somebody else should.
const SLICE: Duration = Duration::from_millis(100);
/// What was used so long ago counts half.
const HALF_LIFE: Duration = Duration::from_secs(30);
/// What somebody uses whose last job came to its end counts this fraction.
const ENDS_SHARE: f64 = 0.125;
/// Who has used a second goes on as if they had come so many seconds later.
const LATER: f64 = 10.0;
/// Accounts with less on them are forgotten: less than one slice, many half-lives ago.
const NOTHING_S: f64 = 0.001;

/// Who has a job done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Client {
    /// Their place.
    pub place: Place,
    /// Who they are.
    pub visitor: VisitorId,
}

/// Why a job does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoTurn {
    /// So many wait that whoever has used most gives way.
    #[error("too many wait")]
    Crowded,
    /// It was given up.
    #[error("it was given up")]
    GivenUp,
}

/// The queue. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Turns {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    /// Jobs that may begin to go on.
    free: usize,
    /// Jobs that may wait.
    room: usize,
    waiting: Vec<Waiting>,
    places: HashMap<Place, Account>,
    visitors: HashMap<Client, Account>,
    last_number: u64,
    begun: Instant,
}

#[derive(Debug)]
struct Waiting {
    /// `None`: nobody waits for it.
    client: Option<Client>,
    job: Job,
    given_up: Arc<AtomicBool>,
    /// Dropped without a word: there is no turn. A turn on its way to somebody who has gone away comes back by itself.
    turn: oneshot::Sender<Turn>,
}

/// What is known of a job.
#[derive(Clone, Copy, Debug)]
struct Job {
    /// When it came, and as which.
    came: Instant,
    number: u64,
    /// What it has used, in seconds; that does not fade.
    used_s: f64,
}

/// Seconds used, which fade.
#[derive(Clone, Copy, Debug)]
struct Account {
    used_s: f64,
    at: Instant,
    /// Whether the last job came to its end.
    ends: bool,
}

impl Account {
    fn now(self, now: Instant) -> f64 {
        let halves = now.saturating_duration_since(self.at).as_secs_f64() / HALF_LIFE.as_secs_f64();
        self.used_s * (-halves).exp2()
    }
}

/// The right to go on. Dropping it gives it to somebody else.
#[derive(Debug)]
pub struct Turn {
    turns: Turns,
    client: Option<Client>,
    job: Job,
    given_up: Arc<AtomicBool>,
    since: Instant,
    held: bool,
}

impl Turns {
    /// `at_once` jobs go on at the same time, and `room` wait.
    #[must_use]
    pub fn new(at_once: usize, room: usize) -> Self {
        let shared = Shared {
            free: at_once.max(1),
            room: room.max(1),
            waiting: Vec::new(),
            places: HashMap::new(),
            visitors: HashMap::new(),
            last_number: 0,
            begun: Instant::now(),
        };
        Self { shared: Arc::new(Mutex::new(shared)) }
    }

    /// Waits for a turn. `given_up` ends the waiting, once somebody calls [`look`](Self::look).
    ///
    /// # Errors
    /// [`NoTurn`].
    pub async fn wait(&self, client: Client, given_up: &Arc<AtomicBool>) -> Result<Turn, NoTurn> {
        // Jobs of the same visitor that were given up make room first.
        self.look();
        self.ask(Some(client), None, given_up).await.map_err(|_| refusal(given_up))
    }

    /// Waits until nobody else wants a turn.
    ///
    /// # Errors
    /// [`NoTurn`].
    pub async fn wait_idle(&self, given_up: &Arc<AtomicBool>) -> Result<Turn, NoTurn> {
        self.ask(None, None, given_up).await.map_err(|_| refusal(given_up))
    }

    /// Lets go of those who wait and were given up.
    pub fn look(&self) {
        lock(&self.shared).waiting.retain(|waiting| !is_set(&waiting.given_up) && !waiting.turn.is_closed());
    }

    /// How many wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        lock(&self.shared).waiting.len()
    }

    /// `before`: what is known of the job, if it has had a turn already.
    fn ask(&self, client: Option<Client>, before: Option<Job>, given_up: &Arc<AtomicBool>) -> oneshot::Receiver<Turn> {
        let mut shared = lock(&self.shared);
        let now = Instant::now();
        shared.last_number += 1;
        let job = before.unwrap_or(Job { came: now, number: shared.last_number, used_s: 0.0 });
        let (turn, told) = oneshot::channel();
        let waiting = Waiting { client, job, given_up: Arc::clone(given_up), turn };
        shared.waiting.push(waiting);
        self.hand_out(&mut shared, now);
        if shared.waiting.len() > shared.room
            && let Some(last) = shared.order(now, |order, best| order > best)
        {
            shared.waiting.swap_remove(last);
        }
        told
    }

    /// Gives free turns to those who wait, in their order.
    fn hand_out(&self, shared: &mut Shared, now: Instant) {
        while shared.free > 0
            && let Some(first) = shared.order(now, |order, best| order < best)
        {
            let Waiting { client, job, given_up, turn } = shared.waiting.swap_remove(first);
            if is_set(&given_up) {
                continue;
            }
            let granted = Turn { turns: self.clone(), client, job, given_up, since: now, held: true };
            match turn.send(granted) {
                Ok(()) => shared.free -= 1,
                // Whoever has gone away takes no turn, and there is none to come back.
                Err(mut refused) => refused.held = false,
            }
        }
    }
}

fn refusal(given_up: &AtomicBool) -> NoTurn {
    if is_set(given_up) { NoTurn::GivenUp } else { NoTurn::Crowded }
}

impl Turn {
    /// Lets somebody else go on if this job has had its slice and others wait; returns when it goes on itself. Call it
    /// again and again where blocking is allowed.
    ///
    /// # Errors
    /// [`NoTurn`]; the job is to end.
    pub fn go_on(&mut self) -> Result<(), NoTurn> {
        if is_set(&self.given_up) {
            return Err(NoTurn::GivenUp);
        }
        if self.since.elapsed() < SLICE {
            return Ok(());
        }
        self.put_down();
        // Whoever is first of all that wait gets it back at once.
        let told = self.turns.ask(self.client, Some(self.job), &self.given_up);
        *self = told.blocking_recv().map_err(|_| refusal(&self.given_up))?;
        Ok(())
    }

    /// The job has come to its end, with a result.
    pub fn ended(mut self) {
        self.put_down();
        if let Some(client) = self.client {
            lock(&self.turns.shared).settle(client, true);
        }
    }

    fn put_down(&mut self) {
        if std::mem::take(&mut self.held) {
            let now = Instant::now();
            let mut shared = lock(&self.turns.shared);
            if let Some(client) = self.client {
                self.job.used_s += shared.charge(client, now.saturating_duration_since(self.since), now);
            }
            shared.free += 1;
            self.turns.hand_out(&mut shared, now);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.held {
            self.put_down();
            if let Some(client) = self.client {
                lock(&self.turns.shared).settle(client, false);
            }
        }
    }
}

impl Shared {
    /// The one who is first, or last, of those who wait.
    fn order(&self, now: Instant, goes_before: impl Fn(Order, Order) -> bool) -> Option<usize> {
        let used = |account: Option<&Account>| account.map_or(0.0, |account| account.now(now));
        let mut best: Option<(usize, Order)> = None;
        for (at, waiting) in self.waiting.iter().enumerate() {
            let job = waiting.job;
            let came_s = job.came.saturating_duration_since(self.begun).as_secs_f64();
            let order = waiting.client.map_or(Order(f64::INFINITY, came_s, job.number), |client| {
                let own = used(self.visitors.get(&client)).max(job.used_s);
                Order(used(self.places.get(&client.place)), came_s + LATER * own, job.number)
            });
            if best.is_none_or(|(_, best)| goes_before(order, best)) {
                best = Some((at, order));
            }
        }
        best.map(|(at, _)| at)
    }

    /// Writes down what a job has used; returns what the job itself is charged with.
    fn charge(&mut self, client: Client, used: Duration, now: Instant) -> f64 {
        let nothing = Account { used_s: 0.0, at: now, ends: false };
        let mut charged_s = 0.0;
        for account in
            [self.places.entry(client.place).or_insert(nothing), self.visitors.entry(client).or_insert(nothing)]
        {
            let share = if account.ends { ENDS_SHARE } else { 1.0 };
            charged_s = share * used.as_secs_f64();
            (account.used_s, account.at) = (account.now(now) + charged_s, now);
        }
        if self.visitors.len() > 4 * self.room {
            let counts = |account: &Account| account.at == now || account.now(now) > NOTHING_S;
            self.visitors.retain(|_, account| counts(account));
            self.places.retain(|_, account| counts(account));
        }
        charged_s
    }

    /// Notes whether a visitor's job came to its end; one that did is paid for.
    fn settle(&mut self, client: Client, ended: bool) {
        if let Some(account) = self.visitors.get_mut(&client) {
            account.ends = ended;
            if ended {
                account.used_s = 0.0;
            }
        }
    }
}

/// What the place has used, when the job counts as come, and as which it has.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
struct Order(f64, f64, u64);

fn is_set(flag: &AtomicBool) -> bool {
    flag.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::thread;

    use super::*;

    fn client(place: u8, visitor: i64) -> Client {
        Client { place: Place::of(IpAddr::from([10, 0, 0, place])), visitor: VisitorId(visitor) }
    }

    fn flag() -> Arc<AtomicBool> {
        Arc::default()
    }

    /// A job that goes on until it is told to end.
    fn endless(turns: &Turns, client: Client, end: &Arc<AtomicBool>) -> tokio::task::JoinHandle<Result<(), NoTurn>> {
        let (turns, end) = (turns.clone(), Arc::clone(end));
        tokio::spawn(async move {
            let mut turn = turns.wait(client, &end).await?;
            tokio::task::spawn_blocking(move || {
                loop {
                    thread::sleep(Duration::from_millis(5));
                    turn.go_on()?;
                }
            })
            .await
            .unwrap()
        })
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_check_is_done_soon_beside_forty_that_never_end() {
        let turns = Turns::new(2, 96);
        let end = flag();
        let others: Vec<_> = (0..40).map(|visitor| endless(&turns, client(1, visitor), &end)).collect();
        tokio::time::sleep(Duration::from_millis(500)).await;
        for place in [1, 2] {
            let begun = Instant::now();
            let mut turn = turns.wait(client(place, 1000), &flag()).await.unwrap();
            let worked = tokio::task::spawn_blocking(move || {
                for _ in 0..10 {
                    thread::sleep(Duration::from_millis(10));
                    turn.go_on().unwrap();
                }
            });
            worked.await.unwrap();
            // It waits for the slice that goes on and for nobody's end; a loaded machine gets its time.
            assert!(begun.elapsed() < Duration::from_secs(10), "{:?} at place {place}", begun.elapsed());
        }
        end.store(true, Ordering::Relaxed);
        turns.look();
        for other in others {
            assert_eq!(other.await.unwrap(), Err(NoTurn::GivenUp));
        }
        assert_eq!(lock(&turns.shared).free, 2, "every turn has come back");
    }

    #[test]
    fn who_has_used_least_goes_first_by_place_and_then_by_visitor() {
        let turns = Turns::new(1, 96);
        let now = Instant::now();
        let mut shared = lock(&turns.shared);
        shared.free = 0;
        for (place, visitor, used) in [(1, 1, 5), (1, 2, 1), (2, 3, 4), (2, 4, 3)] {
            shared.charge(client(place, visitor), Duration::from_secs(used), now);
        }
        drop(shared);
        let clients = [client(1, 1), client(1, 2), client(2, 3), client(2, 4), client(3, 5), client(1, 6)];
        let mut told: Vec<_> = clients.iter().map(|client| turns.ask(Some(*client), None, &flag())).collect();
        let mut order = Vec::new();
        for _ in 0..clients.len() {
            let mut shared = lock(&turns.shared);
            shared.free = 1;
            turns.hand_out(&mut shared, now);
            drop(shared);
            let mut turn = told.iter_mut().find_map(|told| told.try_recv().ok()).unwrap();
            turn.held = false;
            order.push(turn.client.unwrap().visitor.0);
        }
        // Places have used nothing (3), 6 s (1) and 7 s (2).
        assert_eq!(order, [5, 6, 2, 1, 4, 3]);
    }

    /// Who goes on, one after the other, if all of these wait at once.
    fn order(turns: &Turns, jobs: &[(i64, Option<Job>)]) -> Vec<i64> {
        lock(&turns.shared).free = 0;
        let ask = |(visitor, before): &(i64, Option<Job>)| turns.ask(Some(client(1, *visitor)), *before, &flag());
        let mut told: Vec<_> = jobs.iter().map(ask).collect();
        let next = |_| {
            let mut shared = lock(&turns.shared);
            shared.free = 1;
            turns.hand_out(&mut shared, Instant::now());
            drop(shared);
            let mut turn = told.iter_mut().find_map(|told| told.try_recv().ok()).unwrap();
            turn.held = false;
            turn.client.unwrap().visitor.0
        };
        jobs.iter().map(next).collect()
    }

    #[test]
    fn what_takes_long_waits_for_what_does_not_and_not_for_ever() {
        let turns = Turns::new(1, 96);
        let now = Instant::now();
        let used = |number, used_s| Some(Job { came: now, number, used_s });
        // Cookies that have used nothing, with jobs that have.
        assert_eq!(order(&turns, &[(1, used(1, 4.0)), (2, used(2, 0.9)), (3, None), (4, None)]), [3, 4, 2, 1]);
        let long_ago = now.checked_sub(Duration::from_secs(60)).unwrap();
        lock(&turns.shared).begun = long_ago;
        let waited = Some(Job { came: long_ago, number: 5, used_s: 4.0 });
        assert_eq!(order(&turns, &[(6, None), (5, waited), (7, used(7, 0.1))]), [5, 6, 7]);
    }

    #[tokio::test]
    async fn whose_checks_end_goes_before_strangers_until_one_does_not() {
        let turns = Turns::new(1, 96);
        let (pupil, now) = (client(1, 1), Instant::now());
        let used = |turns: &Turns, client: Client| lock(&turns.shared).visitors[&client].now(now);
        lock(&turns.shared).charge(pupil, Duration::from_secs(5), now);
        turns.wait(pupil, &flag()).await.unwrap().ended();
        assert!(used(&turns, pupil) < 0.1, "a check that has ended is paid for");
        for (charged, client) in [(0.5, pupil), (4.0, client(1, 2))] {
            let before = lock(&turns.shared).visitors.get(&client).map_or(0.0, |account| account.now(now));
            lock(&turns.shared).charge(client, Duration::from_secs(4), now);
            assert!((used(&turns, client) - before - charged).abs() < 0.01, "{charged}");
        }
        drop(turns.wait(pupil, &flag()).await.unwrap());
        let before = used(&turns, pupil);
        lock(&turns.shared).charge(pupil, Duration::from_secs(4), now);
        assert!((used(&turns, pupil) - before - 4.0).abs() < 0.01, "one that has not ended is not");
    }

    #[tokio::test]
    async fn a_crowd_is_bounded_and_who_has_used_most_gives_way() {
        let turns = Turns::new(1, 2);
        let held = turns.wait(client(1, 1), &flag()).await.unwrap();
        lock(&turns.shared).charge(client(1, 2), Duration::from_secs(9), Instant::now());
        let (greedy, second) =
            (turns.ask(Some(client(1, 2)), None, &flag()), turns.ask(Some(client(1, 3)), None, &flag()));
        let third = turns.ask(Some(client(1, 4)), None, &flag());
        assert!(greedy.await.is_err());
        drop(held);
        let turn = second.await.unwrap();
        assert_eq!((turn.client.unwrap().visitor.0, turns.waiting()), (3, 1));
        drop(third);
    }

    #[tokio::test]
    async fn what_nobody_waits_for_goes_on_only_while_nobody_waits() {
        let turns = Turns::new(1, 8);
        let mut idle = turns.wait_idle(&flag()).await.unwrap();
        let told = turns.ask(Some(client(1, 1)), None, &flag());
        let later = turns.ask(None, None, &flag());
        let going_on = tokio::task::spawn_blocking(move || {
            thread::sleep(SLICE);
            idle.go_on().map(|()| idle)
        });
        let turn = told.await.unwrap();
        lock(&turns.shared).charge(client(1, 2), Duration::from_secs(9), Instant::now());
        let greedy = turns.ask(Some(client(1, 2)), None, &flag());
        drop(turn);
        drop(greedy.await.unwrap());
        drop(going_on.await.unwrap().unwrap());
        drop(later.await.unwrap());
        assert_eq!(lock(&turns.shared).free, 1);
    }

    #[tokio::test]
    async fn who_goes_away_leaves_no_turn_behind() {
        let turns = Turns::new(1, 8);
        let held = turns.wait(client(1, 1), &flag()).await.unwrap();
        let left = tokio::time::timeout(Duration::from_millis(10), turns.wait(client(1, 2), &flag())).await;
        assert!(left.is_err());
        let end = flag();
        let given_up = turns.ask(Some(client(1, 3)), None, &end);
        end.store(true, Ordering::Relaxed);
        drop(held);
        assert!(given_up.await.is_err());
        let turn = tokio::time::timeout(Duration::from_secs(5), turns.wait(client(1, 4), &flag())).await;
        assert!(turn.is_ok_and(|turn| turn.is_ok()));
    }
}

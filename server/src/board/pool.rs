//! A few threads that share the work of all virtual boards fairly.
//!
//! A task runs one short slice and says when it wants the next one. Tasks wait in the order of
//! their due times, and a task that is behind is due at the end of its slice, hence behind every
//! other task that waits: boards that cannot keep up share the threads in turn. A task without a
//! due time costs nothing until it is woken.
//!
//! Tasks that somebody waits for, because a run starts or an answer is owed, go before all others,
//! and among themselves in the order in which the waiting began: with two starts at the same
//! moment one is there early and the other no later than if both had crept. Nobody can stop the
//! others that way: after [`URGENT_IN_A_ROW`] such slices one of the others has its turn.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use crate::threads::give_way;

/// Work that is done in slices.
pub(super) trait Task: Send + Sync {
    /// Works for a few milliseconds at most and returns when to be called again.
    fn slice(&self) -> Next;
}

/// When a task wants its next slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// When it is woken.
    Woken,
    /// At this time, or as soon as its turn comes after it.
    At(Instant),
    /// Before all others, because somebody waits for it.
    Urgent {
        /// When there is something to do.
        at: Instant,
        /// Since when somebody waits: who has waited longest is first.
        since: Instant,
    },
}

impl Next {
    /// At once, because somebody begins to wait.
    fn now() -> Self {
        let now = Instant::now();
        Self::Urgent { at: now, since: now }
    }
}

/// So many urgent slices are served while others are due as well, before one of those is.
const URGENT_IN_A_ROW: u32 = 8;

/// The threads and what they wait for. Dropping the last handle does not end the threads; the pool
/// lives as long as the process.
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("tasks", &self.shared.lock().slots.len()).finish()
    }
}

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    /// By the time at which they are due.
    due: Waiting,
    /// Urgent ones that have nothing to do yet, by the time at which they have.
    urgent_later: Waiting,
    /// Urgent ones, by the time since which somebody waits.
    urgent: Waiting,
    urgent_in_a_row: u32,
    slots: HashMap<TaskId, Slot>,
    last_turn: u64,
    last_id: TaskId,
}

/// Times, the order of asking, and the task; entries of another turn are stale.
type Waiting = BinaryHeap<Reverse<(Instant, u64, TaskId)>>;

type TaskId = u64;

struct Slot {
    task: Arc<dyn Task>,
    status: Status,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    Parked,
    Waiting { turn: u64, next: Next },
    Running { woken: bool },
}

/// A task in the pool; dropping it takes the task out.
pub(super) struct TaskHandle {
    shared: Arc<Shared>,
    id: TaskId,
}

impl Pool {
    /// Starts `threads` workers.
    ///
    /// # Errors
    /// The system's error if it gives no thread.
    pub fn start(threads: usize) -> std::io::Result<Self> {
        let shared = Arc::new(Shared { queue: Mutex::new(Queue::default()), changed: Condvar::new() });
        for number in 0..threads.max(1) {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name(format!("boards-{number}")).spawn(move || {
                give_way();
                shared.work();
            })?;
        }
        Ok(Self { shared })
    }

    /// Adds a task; it runs at once.
    pub(super) fn add(&self, task: Arc<dyn Task>) -> TaskHandle {
        let mut queue = self.shared.lock();
        queue.last_id += 1;
        let id = queue.last_id;
        queue.slots.insert(id, Slot { task, status: Status::Parked });
        queue.schedule(id, Next::At(Instant::now()));
        drop(queue);
        self.shared.changed.notify_one();
        TaskHandle { shared: Arc::clone(&self.shared), id }
    }
}

impl TaskHandle {
    /// Lets the task run as soon as possible, whatever it waits for: somebody has asked for it.
    pub(super) fn wake(&self) {
        let mut queue = self.shared.lock();
        if let Some(slot) = queue.slots.get_mut(&self.id) {
            match &mut slot.status {
                Status::Running { woken } => *woken = true,
                Status::Parked | Status::Waiting { .. } => queue.schedule(self.id, Next::now()),
            }
        }
        drop(queue);
        self.shared.changed.notify_one();
    }
}

impl Drop for TaskHandle {
    fn drop(&mut self) {
        self.shared.lock().slots.remove(&self.id);
    }
}

impl Queue {
    fn schedule(&mut self, id: TaskId, next: Next) {
        self.last_turn += 1;
        let turn = self.last_turn;
        let Some(slot) = self.slots.get_mut(&id) else { return };
        let (waiting, at) = match next {
            Next::Woken => {
                slot.status = Status::Parked;
                return;
            }
            Next::At(at) => (&mut self.due, at),
            Next::Urgent { at, .. } => (&mut self.urgent_later, at),
        };
        slot.status = Status::Waiting { turn, next };
        waiting.push(Reverse((at, turn, id)));
    }

    /// Takes the task whose turn it is; otherwise says when the next one is due, if any is.
    fn take(&mut self, now: Instant) -> Result<TaskId, Option<Instant>> {
        self.promote(now);
        let due = first(&mut self.due, &self.slots);
        let is_due = due.is_some_and(|due| due <= now);
        let is_urgent = first(&mut self.urgent, &self.slots).is_some();
        let waiting = match (is_urgent, is_due) {
            (true, false) => &mut self.urgent,
            (true, true) if self.urgent_in_a_row < URGENT_IN_A_ROW => {
                self.urgent_in_a_row += 1;
                &mut self.urgent
            }
            (_, true) => {
                self.urgent_in_a_row = 0;
                &mut self.due
            }
            (false, false) => return Err(due.into_iter().chain(first(&mut self.urgent_later, &self.slots)).min()),
        };
        waiting.pop().map(|Reverse((_, _, id))| id).ok_or(None)
    }

    /// Whether there is something to do at this moment.
    fn has_work(&mut self, now: Instant) -> bool {
        self.promote(now);
        first(&mut self.urgent, &self.slots).is_some()
            || first(&mut self.due, &self.slots).is_some_and(|due| due <= now)
    }

    /// Lets urgent tasks that have something to do by now wait in their own order.
    fn promote(&mut self, now: Instant) {
        while first(&mut self.urgent_later, &self.slots).is_some_and(|at| at <= now) {
            if let Some(Reverse((_, turn, id))) = self.urgent_later.pop()
                && let Some(Slot { status: Status::Waiting { next: Next::Urgent { since, .. }, .. }, .. }) =
                    self.slots.get(&id)
            {
                self.urgent.push(Reverse((*since, turn, id)));
            }
        }
    }
}

/// The time of the first entry that is still meant, after stale ones are thrown away.
fn first(waiting: &mut Waiting, slots: &HashMap<TaskId, Slot>) -> Option<Instant> {
    while let Some(&Reverse((at, turn, id))) = waiting.peek() {
        let meant = slots
            .get(&id)
            .is_some_and(|slot| matches!(slot.status, Status::Waiting { turn: present, .. } if present == turn));
        if meant {
            return Some(at);
        }
        waiting.pop();
    }
    None
}

impl Shared {
    /// A worker that panicked left no half-done change behind: the queue is only touched here.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut queue = self.lock();
        loop {
            let now = Instant::now();
            let id = match queue.take(now) {
                Ok(id) => id,
                Err(None) => {
                    queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
                    continue;
                }
                Err(Some(due)) => {
                    queue = self.changed.wait_timeout(queue, due - now).unwrap_or_else(PoisonError::into_inner).0;
                    continue;
                }
            };
            let Some(slot) = queue.slots.get_mut(&id) else { continue };
            slot.status = Status::Running { woken: false };
            let task = Arc::clone(&slot.task);
            // Another worker may take the next task at once.
            if queue.has_work(now) {
                self.changed.notify_one();
            }
            drop(queue);
            let next = task.slice();
            drop(task);
            queue = self.lock();
            let woken = queue.slots.get(&id).is_some_and(|slot| slot.status == Status::Running { woken: true });
            queue.schedule(id, if woken { Next::now() } else { next });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use super::*;

    struct Busy(AtomicU64);

    impl Task for Busy {
        fn slice(&self) -> Next {
            self.0.fetch_add(1, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(1));
            Next::At(Instant::now())
        }
    }

    struct Sleeper(AtomicU64);

    impl Task for Sleeper {
        fn slice(&self) -> Next {
            self.0.fetch_add(1, Ordering::Relaxed);
            Next::Woken
        }
    }

    #[test]
    fn busy_tasks_get_equal_turns() {
        let pool = Pool::start(2).unwrap();
        let tasks: Vec<_> = (0..10).map(|_| Arc::new(Busy(AtomicU64::new(0)))).collect();
        let handles: Vec<_> = tasks.iter().map(|task| pool.add(Arc::clone(task) as Arc<dyn Task>)).collect();
        thread::sleep(Duration::from_millis(300));
        drop(handles);
        let turns: Vec<u64> = tasks.iter().map(|task| task.0.load(Ordering::Relaxed)).collect();
        let (least, most) = (turns.iter().min().unwrap(), turns.iter().max().unwrap());
        assert!(*least > 0 && most - least <= 2, "{turns:?}");
    }

    #[test]
    fn a_task_without_a_due_time_runs_only_when_woken() {
        let pool = Pool::start(1).unwrap();
        let task = Arc::new(Sleeper(AtomicU64::new(0)));
        let handle = pool.add(Arc::clone(&task) as Arc<dyn Task>);
        let count = |wanted| {
            let start = Instant::now();
            while task.0.load(Ordering::Relaxed) < wanted && start.elapsed() < Duration::from_secs(5) {
                thread::yield_now();
            }
            task.0.load(Ordering::Relaxed)
        };
        assert_eq!(count(1), 1);
        handle.wake();
        assert_eq!(count(2), 2);
    }

    #[test]
    fn who_is_waited_for_goes_first_and_nobody_is_forgotten() {
        let mut queue = Queue::default();
        let now = Instant::now();
        let (before, later) = (now - Duration::from_millis(1), now + Duration::from_secs(1));
        let urgent = |at, since| Next::Urgent { at, since };
        let asks = [
            Next::At(now),
            Next::At(now),
            urgent(now, now),
            urgent(now, before),
            Next::At(later),
            urgent(later, before),
        ];
        for (id, next) in (1..).zip(asks) {
            queue.slots.insert(id, Slot { task: Arc::new(Sleeper(AtomicU64::new(0))), status: Status::Parked });
            queue.schedule(id, next);
        }
        let mut turns = Vec::new();
        for _ in 0..2 * URGENT_IN_A_ROW + 3 {
            let id = queue.take(now).unwrap();
            turns.push(id);
            queue.slots.get_mut(&id).unwrap().status = Status::Running { woken: false };
            queue.schedule(id, asks[id as usize - 1]);
        }
        // The one that has been waited for longest goes on until it is done; the others have a turn now and then.
        let row = [4; URGENT_IN_A_ROW as usize];
        assert_eq!(turns, [&row[..], &[1], &row, &[2], &[4]].concat());
        queue.schedule(4, Next::Woken);
        queue.schedule(3, Next::Woken);
        queue.schedule(1, Next::Woken);
        queue.schedule(2, Next::Woken);
        assert_eq!(queue.take(now), Err(Some(later)));
        assert_eq!(queue.take(later), Ok(6));
    }
}

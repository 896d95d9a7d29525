//! A few threads that share the work of all virtual boards fairly.
//!
//! A task runs one short slice and says when it wants the next one. Tasks wait in the order of
//! their due times, and a task that is behind is due at the end of its slice, hence behind every
//! other task that waits: boards that cannot keep up share the threads in turn. A task without a
//! due time costs nothing until it is woken.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

/// Work that is done in slices.
pub(super) trait Task: Send + Sync {
    /// Works for a few milliseconds at most and returns when to be called again; `None`: when woken.
    fn slice(&self) -> Option<Instant>;
}

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
    /// Due times, the order of asking, and the task; entries of another turn are stale.
    due: BinaryHeap<Reverse<(Instant, u64, TaskId)>>,
    slots: HashMap<TaskId, Slot>,
    last_turn: u64,
    last_id: TaskId,
}

type TaskId = u64;

struct Slot {
    task: Arc<dyn Task>,
    status: Status,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    Parked,
    Waiting { turn: u64 },
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
            thread::Builder::new().name(format!("boards-{number}")).spawn(move || shared.work())?;
        }
        Ok(Self { shared })
    }

    /// Adds a task; it runs at once.
    pub(super) fn add(&self, task: Arc<dyn Task>) -> TaskHandle {
        let mut queue = self.shared.lock();
        queue.last_id += 1;
        let id = queue.last_id;
        queue.slots.insert(id, Slot { task, status: Status::Parked });
        queue.schedule(id, Instant::now());
        drop(queue);
        self.shared.changed.notify_one();
        TaskHandle { shared: Arc::clone(&self.shared), id }
    }
}

impl TaskHandle {
    /// Lets the task run now, whatever it waits for.
    pub(super) fn wake(&self) {
        let mut queue = self.shared.lock();
        if let Some(slot) = queue.slots.get_mut(&self.id) {
            match &mut slot.status {
                Status::Running { woken } => *woken = true,
                Status::Parked | Status::Waiting { .. } => queue.schedule(self.id, Instant::now()),
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
    fn schedule(&mut self, id: TaskId, at: Instant) {
        self.last_turn += 1;
        let turn = self.last_turn;
        if let Some(slot) = self.slots.get_mut(&id) {
            slot.status = Status::Waiting { turn };
            self.due.push(Reverse((at, turn, id)));
        }
    }

    /// The next due time that is still meant, after stale ones are thrown away.
    fn next_due(&mut self) -> Option<Instant> {
        while let Some(&Reverse((at, turn, id))) = self.due.peek() {
            if self.slots.get(&id).is_some_and(|slot| slot.status == Status::Waiting { turn }) {
                return Some(at);
            }
            self.due.pop();
        }
        None
    }
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
            match queue.next_due() {
                None => queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner),
                Some(due) if due > now => {
                    queue = self.changed.wait_timeout(queue, due - now).unwrap_or_else(PoisonError::into_inner).0;
                }
                Some(_) => {
                    let Some(Reverse((_, _, id))) = queue.due.pop() else { continue };
                    let Some(slot) = queue.slots.get_mut(&id) else { continue };
                    slot.status = Status::Running { woken: false };
                    let task = Arc::clone(&slot.task);
                    // Another worker may take the next task at once.
                    if queue.next_due().is_some_and(|due| due <= now) {
                        self.changed.notify_one();
                    }
                    drop(queue);
                    let next = task.slice();
                    drop(task);
                    queue = self.lock();
                    let woken = match queue.slots.get_mut(&id) {
                        Some(slot) => {
                            let woken = slot.status == Status::Running { woken: true };
                            slot.status = Status::Parked;
                            woken
                        }
                        None => continue,
                    };
                    if woken {
                        queue.schedule(id, Instant::now());
                    } else if let Some(at) = next {
                        queue.schedule(id, at);
                    }
                }
            }
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
        fn slice(&self) -> Option<Instant> {
            self.0.fetch_add(1, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(1));
            Some(Instant::now())
        }
    }

    struct Sleeper(AtomicU64);

    impl Task for Sleeper {
        fn slice(&self) -> Option<Instant> {
            self.0.fetch_add(1, Ordering::Relaxed);
            None
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
}

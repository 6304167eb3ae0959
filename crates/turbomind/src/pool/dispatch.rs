//! [`Dispatcher`] and [`Worker`]: a borrowed task that other threads run while its owner waits.
//!
//! The task lives on the owner's stack, so a spawned thread may use it only while the owner is inside of
//! [`Dispatcher::run`]. The counter of active workers is what makes this sound: the call returns, or unwinds, only after
//! the counter is back at zero.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::parking::Parking;

/// How long a worker spins for the next task, which follows within microseconds while tokens are decoded.
const IDLE_SPIN: Duration = Duration::from_micros(50);
/// How long the owner spins for the last workers to finish.
const RETURN_SPIN: Duration = Duration::from_micros(30);

/// What every thread runs; the argument is the thread's number, 0 for the owner.
type Task<'a> = dyn Fn(usize) + Sync + 'a;

/// The state that the owner and the workers share.
struct Desk {
    task: Mutex<Option<&'static Task<'static>>>,
    /// Number of tasks handed out so far; a worker compares it with the number of tasks it has run.
    issued: AtomicUsize,
    /// Workers that have not finished the current task.
    active: AtomicUsize,
    closed: AtomicBool,
    parking: Parking,
}

impl Desk {
    fn task(&self) -> MutexGuard<'_, Option<&'static Task<'static>>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The owner's side. Dropping it ends the workers.
pub(super) struct Dispatcher {
    desk: Arc<Desk>,
    workers: usize,
}

/// One thread's side; it runs every task exactly once.
pub(super) struct Worker {
    desk: Arc<Desk>,
    index: usize,
    done: usize,
}

/// A dispatcher and its workers, which are numbered from 1.
pub(super) fn dispatcher(workers: usize) -> (Dispatcher, Vec<Worker>) {
    let desk = Arc::new(Desk {
        task: Mutex::new(None),
        issued: AtomicUsize::new(0),
        active: AtomicUsize::new(0),
        closed: AtomicBool::new(false),
        parking: Parking::default(),
    });
    let worker = |index| Worker { desk: Arc::clone(&desk), index, done: 0 };
    let all = (1..=workers).map(worker).collect();
    (Dispatcher { desk, workers }, all)
}

impl Dispatcher {
    /// Runs `task` on every worker and, as number 0, on this thread; returns when all are done.
    pub(super) fn run(&mut self, task: &Task<'_>) {
        let desk = &*self.desk;
        // SAFETY: only `Worker::run_next` sees the longer lifetime. Each worker runs a task once and lowers `active`
        // when it no longer uses it, and `WaitForWorkers` keeps this call, thus the borrow, alive until `active` is 0,
        // also when `task(0)` unwinds. `&mut self` keeps a second task from being handed out meanwhile.
        let long: &'static Task<'static> = unsafe { std::mem::transmute::<&Task<'_>, _>(task) };
        *desk.task() = Some(long);
        desk.active.store(self.workers, SeqCst);
        desk.issued.fetch_add(1, SeqCst);
        let _wait = WaitForWorkers(desk);
        desk.parking.wake();
        task(0);
    }
}

impl Drop for Dispatcher {
    fn drop(&mut self) {
        self.desk.closed.store(true, SeqCst);
        self.desk.parking.wake();
    }
}

/// Waits for all workers when dropped, so that unwinding waits as well.
struct WaitForWorkers<'a>(&'a Desk);

impl Drop for WaitForWorkers<'_> {
    fn drop(&mut self) {
        self.0.parking.wait(RETURN_SPIN, || self.0.active.load(SeqCst) == 0);
        *self.0.task() = None;
    }
}

impl Worker {
    /// Waits for the next task and runs it; `false` when the dispatcher is gone.
    pub(super) fn run_next(&mut self) -> bool {
        let desk = &*self.desk;
        let waiting = || desk.issued.load(SeqCst) == self.done;
        desk.parking.wait(IDLE_SPIN, || !waiting() || desk.closed.load(SeqCst));
        if waiting() {
            return false;
        }
        self.done += 1;
        let task = *desk.task();
        let _finish = LowerActive(desk);
        if let Some(task) = task {
            task(self.index);
        }
        true
    }
}

/// Lowers `active` when dropped, so that a panicking task counts as finished.
struct LowerActive<'a>(&'a Desk);

impl Drop for LowerActive<'_> {
    fn drop(&mut self) {
        if self.0.active.fetch_sub(1, SeqCst) == 1 {
            self.0.parking.wake();
        }
    }
}

//! [`Lender`] and [`Seat`]: a borrowed task that other threads run while its owner waits.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::pool::Parking;

/// How long a seat spins for the next task, which follows within microseconds while tokens are decoded.
const IDLE_SPIN: Duration = Duration::from_micros(50);
/// How long the owner spins for the last seats to finish.
const RETURN_SPIN: Duration = Duration::from_micros(30);

/// What every thread runs; the argument is its number, 0 for the owner.
type Task<'a> = dyn Fn(usize) + Sync + 'a;

/// What both sides share.
struct Handoff {
    task: Mutex<Option<&'static Task<'static>>>,
    /// Tasks lent so far.
    lent: AtomicUsize,
    /// Seats that have not finished the current task.
    active: AtomicUsize,
    closed: AtomicBool,
    parking: Parking,
}

impl Handoff {
    fn task(&self) -> MutexGuard<'_, Option<&'static Task<'static>>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The owner's side. Dropping it closes the seats.
pub(crate) struct Lender {
    shared: Arc<Handoff>,
    seats: usize,
}

/// One thread's side; it serves every task exactly once.
pub(crate) struct Seat {
    shared: Arc<Handoff>,
    index: usize,
    served: usize,
}

/// A lender and `seats` seats, numbered from 1.
pub(crate) fn handoff(seats: usize) -> (Lender, Vec<Seat>) {
    let shared = Arc::new(Handoff {
        task: Mutex::new(None),
        lent: AtomicUsize::new(0),
        active: AtomicUsize::new(0),
        closed: AtomicBool::new(false),
        parking: Parking::default(),
    });
    let seat = |index| Seat { shared: Arc::clone(&shared), index, served: 0 };
    let all = (1..=seats).map(seat).collect();
    (Lender { shared, seats }, all)
}

impl Lender {
    /// Runs `task` on every seat and, as number 0, on this thread; returns when all are done.
    pub(crate) fn lend(&mut self, task: &Task<'_>) {
        let shared = &*self.shared;
        // SAFETY: only `Seat::serve` sees the longer lifetime. Each seat serves a task once and lowers `active` when
        // it no longer uses it, and `Return` keeps this call, thus the borrow, alive until `active` is 0, also when
        // `task(0)` unwinds. `&mut self` keeps a second task from being lent meanwhile.
        let long: &'static Task<'static> = unsafe { std::mem::transmute::<&Task<'_>, _>(task) };
        *shared.task() = Some(long);
        shared.active.store(self.seats, SeqCst);
        shared.lent.fetch_add(1, SeqCst);
        let _wait = Return(shared);
        shared.parking.wake();
        task(0);
    }
}

impl Drop for Lender {
    fn drop(&mut self) {
        self.shared.closed.store(true, SeqCst);
        self.shared.parking.wake();
    }
}

/// Waits for all seats when dropped.
struct Return<'a>(&'a Handoff);

impl Drop for Return<'_> {
    fn drop(&mut self) {
        self.0.parking.wait(RETURN_SPIN, || self.0.active.load(SeqCst) == 0);
        *self.0.task() = None;
    }
}

impl Seat {
    /// Waits for the next task and runs it; `false` when there will be none.
    pub(crate) fn serve(&mut self) -> bool {
        let shared = &*self.shared;
        let waiting = || shared.lent.load(SeqCst) == self.served;
        shared.parking.wait(IDLE_SPIN, || !waiting() || shared.closed.load(SeqCst));
        if waiting() {
            return false;
        }
        self.served += 1;
        let task = *shared.task();
        let _finish = Finish(shared);
        if let Some(task) = task {
            task(self.index);
        }
        true
    }
}

/// Lowers `active` when dropped.
struct Finish<'a>(&'a Handoff);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        if self.0.active.fetch_sub(1, SeqCst) == 1 {
            self.0.parking.wake();
        }
    }
}

//! [`Pool`] and [`Member`]: persistent threads, and one of them inside of a job.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::barrier::Barrier;
use super::dispatch::{Dispatcher, dispatcher};
use crate::{Error, Result};

/// Persistent threads that run jobs together; the calling thread is member 0. Dropping the pool joins the threads.
pub struct Pool {
    barrier: Arc<Barrier>,
    /// Taken on drop, which ends the threads.
    dispatcher: Option<Dispatcher>,
    threads: Vec<JoinHandle<()>>,
}

/// One member inside of a job: what a job uses to find its share of the work.
#[derive(Debug)]
pub struct Member<'a> {
    index: usize,
    barrier: &'a Barrier,
    in_phase: Cell<bool>,
}

impl Pool {
    /// Starts `threads - 1` threads beside the caller's; 0 counts as 1.
    ///
    /// # Errors
    /// [`Error::Thread`] when the system cannot start one.
    pub fn new(threads: usize) -> Result<Self> {
        let threads = threads.max(1);
        let (dispatcher, workers) = dispatcher(threads - 1);
        let barrier = Arc::new(Barrier::new(threads));
        let mut pool =
            Self { barrier, dispatcher: Some(dispatcher), threads: Vec::with_capacity(threads - 1) };
        for (index, mut worker) in (1..).zip(workers) {
            let builder = std::thread::Builder::new().name(format!("turbomind-{index}"));
            let thread = builder.spawn(move || while worker.run_next() {});
            pool.threads.push(thread.map_err(|source| Error::Thread { index, source })?);
        }
        Ok(pool)
    }

    /// Number of members, the caller included.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.barrier.members()
    }

    /// Runs `job` on every member and returns when all are done.
    ///
    /// # Errors
    /// [`Error::Poisoned`] when a member panicked, now or earlier; else the first error with which a member left the
    /// job.
    pub fn run(&mut self, job: &(dyn Fn(&Member<'_>) -> Result<()> + Sync)) -> Result<()> {
        self.barrier.open()?;
        let barrier = &*self.barrier;
        let failure = Mutex::new(None);
        let part = |index| {
            let member = Member { index, barrier, in_phase: Cell::new(false) };
            // State that a panic leaves behind is never used again, because the pool is poisoned.
            let end = catch_unwind(AssertUnwindSafe(|| job(&member).inspect(|()| barrier.end())));
            match end {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    barrier.stop();
                }
                Err(_) => barrier.poison(),
            }
        };
        if let Some(dispatcher) = &mut self.dispatcher {
            dispatcher.run(&part);
        }
        self.barrier.check_poison()?;
        failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.dispatcher = None;
        for thread in self.threads.drain(..) {
            // A thread ends without a panic: jobs catch them.
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Pool").field("threads", &self.threads()).finish_non_exhaustive()
    }
}

impl Member<'_> {
    /// Number of this member, from 0 to [`Member::threads`] - 1.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Number of members of the pool.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.barrier.members()
    }

    /// Claims chunks `0..chunks` together with the other members, each chunk exactly once, and returns when all are
    /// done and their writes are visible. All members enter the same phases with the same number of chunks; a member
    /// gets its own share of the chunks in rising order, then what the others have left.
    ///
    /// # Errors
    /// [`Error::Poisoned`] when another member panicked or left the job with an error, [`Error::NestedPhase`] inside of
    /// another phase.
    pub fn phase(&self, chunks: usize, work: impl FnMut(usize)) -> Result<()> {
        if self.in_phase.replace(true) {
            return Err(Error::NestedPhase);
        }
        self.barrier.phase(self.index, chunks, work)?;
        self.in_phase.set(false);
        Ok(())
    }
}

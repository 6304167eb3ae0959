//! [`Pool`]: the threads that run a pass together.
//!
//! A job is a closure that every member runs; it consists of phases, which all members enter in the same order. The
//! chunks of a phase are claimed one by one, so a member that the system takes off its core delays one chunk only.
//! Waiting members spin for some microseconds and then sleep, between jobs too.

mod barrier;
mod cores;
mod parking;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use barrier::Barrier;
pub use cores::default_threads;
pub(crate) use parking::Parking;

use crate::kernels::{Lender, handoff};
use crate::{Error, Result};

/// Persistent threads; the caller is member 0. Dropping it joins them.
pub struct Pool {
    barrier: Arc<Barrier>,
    /// Taken on drop, which ends the threads.
    lender: Option<Lender>,
    threads: Vec<JoinHandle<()>>,
}

/// One member inside of a job.
#[derive(Debug)]
pub struct Member<'a> {
    index: usize,
    barrier: &'a Barrier,
    in_phase: Cell<bool>,
}

impl Pool {
    /// A pool of `threads` members, at least one.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn new(threads: usize) -> Result<Self> {
        let threads = threads.max(1);
        let (lender, seats) = handoff(threads - 1);
        let barrier = Arc::new(Barrier::new(threads));
        let mut pool = Self { barrier, lender: Some(lender), threads: Vec::with_capacity(threads - 1) };
        for (index, mut seat) in (1..).zip(seats) {
            let builder = std::thread::Builder::new().name(format!("turbomind-{index}"));
            let thread = builder.spawn(move || while seat.serve() {});
            pool.threads.push(thread.map_err(|source| Error::Memory {
                what: "a thread",
                bytes: 0,
                source,
            })?);
        }
        Ok(pool)
    }

    /// Members.
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
            // What a panic leaves behind is not used again: the pool is poisoned.
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
        if let Some(lender) = &mut self.lender {
            lender.lend(&part);
        }
        self.barrier.check_poison()?;
        failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.lender = None;
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
    /// Number of this member.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Members of the pool.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.barrier.members()
    }

    /// Claims chunks `0..chunks` together with the other members, each chunk exactly once, and returns when all are
    /// done and their writes are visible. All members enter the same phases with the same number of chunks; a member
    /// gets its own share of the chunks in rising order, then what the others have left.
    ///
    /// # Errors
    /// [`Error::Poisoned`] when another member panicked or left the job with an error, [`Error::Invalid`] inside of
    /// another phase.
    pub fn phase(&self, chunks: usize, work: impl FnMut(usize)) -> Result<()> {
        if self.in_phase.replace(true) {
            return Err(Error::Invalid("found a phase inside of a phase of the thread pool".to_owned()));
        }
        self.barrier.phase(self.index, chunks, work)?;
        self.in_phase.set(false);
        Ok(())
    }
}

//! [`Pool`]: the threads that run a pass together.
//!
//! A job is a closure that every member runs; it consists of phases, which all members enter in the same order. The
//! chunks of a phase are claimed one by one, so a member that the system takes off its core delays one chunk only.

use crate::Result;

/// Persistent threads; the caller is member 0.
#[derive(Debug)]
pub struct Pool {
    threads: usize,
}

/// One member inside of a job.
#[derive(Debug)]
pub struct Member<'a> {
    index: usize,
    pool: &'a Pool,
}

impl Pool {
    /// A pool of `threads` members, at least one.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn new(threads: usize) -> Result<Self> {
        Ok(Self { threads })
    }

    /// Members.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Runs `job` on every member and returns when all are done.
    ///
    /// # Errors
    /// [`Error::Poisoned`](crate::Error::Poisoned) when a member panicked, now or earlier.
    pub fn run(&mut self, job: &(dyn Fn(&Member<'_>) -> Result<()> + Sync)) -> Result<()> {
        job(&Member { index: 0, pool: self })
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
        self.pool.threads
    }

    /// Claims chunks `0..chunks` together with the other members, each chunk exactly once, and returns when all are
    /// done and their writes are visible.
    ///
    /// # Errors
    /// [`Error::Poisoned`](crate::Error::Poisoned) when a member panicked.
    pub fn phase(&self, chunks: usize, mut work: impl FnMut(usize)) -> Result<()> {
        (0..chunks).for_each(&mut work);
        Ok(())
    }
}

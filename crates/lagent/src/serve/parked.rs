//! [`ParkedRuns`]: runs that wait until their clients send the results of tool calls.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lmdeploy::protocol::ChatMessage;

use super::drive::{OpenCall, Scene};
use super::failure::Failure;
use super::run::Control;
use crate::run::Machine;

/// A run that continues with the results of its calls.
#[derive(Debug)]
pub(super) struct ParkedRun {
    pub(super) scene: Scene,
    pub(super) control: Control,
    pub(super) machine: Machine,
    /// The messages of the request that has led here.
    pub(super) asked: Vec<ChatMessage>,
    pub(super) calls: Vec<OpenCall>,
    /// What the model has said before the calls.
    pub(super) text: String,
}

/// Runs by id, and since when they wait.
type Waiting = BTreeMap<String, (Instant, ParkedRun)>;

/// The parked runs of a server by id.
#[derive(Debug)]
pub(super) struct ParkedRuns {
    runs: Mutex<Waiting>,
    idle: Duration,
    max: usize,
}

impl ParkedRuns {
    /// Keeps at most `max` runs, each for the time `idle`.
    pub(super) fn new(idle: Duration, max: usize) -> Self {
        Self { runs: Mutex::default(), idle, max }
    }

    /// Parks a run. Returns the run that has waited for the longest time when there are too many.
    pub(super) fn park(&self, id: String, run: ParkedRun) -> Option<ParkedRun> {
        let mut runs = self.lock();
        let dropped = if runs.len() >= self.max { take_oldest(&mut runs) } else { None };
        runs.insert(id, (Instant::now(), run));
        dropped
    }

    /// Removes the run that has waited for the longest time.
    pub(super) fn remove_oldest(&self) -> Option<ParkedRun> {
        take_oldest(&mut self.lock())
    }

    /// Reads something of a parked run.
    pub(super) fn look<T>(&self, id: &str, read: impl FnOnce(&ParkedRun) -> T) -> Option<T> {
        self.lock().get(id).map(|(_, run)| read(run))
    }

    /// Takes a run of the tenant that `check` agrees to; it stays parked otherwise.
    pub(super) fn take(
        &self,
        tenant: &str,
        id: &str,
        check: impl FnOnce(&ParkedRun) -> Result<(), Failure>,
    ) -> Result<Option<ParkedRun>, Failure> {
        let mut runs = self.lock();
        match runs.get(id) {
            Some((_, run)) if &*run.scene.run.tenant == tenant => check(run)?,
            _ => return Ok(None),
        }
        Ok(runs.remove(id).map(|(_, run)| run))
    }

    /// Removes the run of this id.
    pub(super) fn remove(&self, id: &str) -> Option<ParkedRun> {
        self.lock().remove(id).map(|(_, run)| run)
    }

    /// Removes the runs that have waited for too long.
    pub(super) fn remove_idle(&self) -> Vec<ParkedRun> {
        self.remove_where(|since| since.elapsed() >= self.idle)
    }

    /// Removes all runs.
    pub(super) fn remove_all(&self) -> Vec<ParkedRun> {
        self.remove_where(|_| true)
    }

    fn remove_where(&self, is_due: impl Fn(&Instant) -> bool) -> Vec<ParkedRun> {
        let mut runs = self.lock();
        let due: Vec<String> =
            runs.iter().filter(|(_, (since, _))| is_due(since)).map(|(id, _)| id.clone()).collect();
        due.iter().filter_map(|id| runs.remove(id)).map(|(_, run)| run).collect()
    }

    /// A panic while holding the lock leaves the list whole: every change is one call.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn take_oldest(runs: &mut Waiting) -> Option<ParkedRun> {
    let oldest = runs.iter().min_by_key(|(_, (since, _))| *since).map(|(id, _)| id.clone());
    oldest.and_then(|id| runs.remove(&id)).map(|(_, run)| run)
}

//! [`Runs`]: the runs of a server by id, and those that wait for their clients' tools.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::run::Run;
use crate::client::RunInfo;

/// Runs under way, and the last ones that have ended.
#[derive(Debug)]
pub(super) struct Runs {
    all: Mutex<BTreeMap<String, Arc<Run>>>,
    /// Ids of ended runs, the oldest one first.
    ended: Mutex<VecDeque<String>>,
    keep: usize,
    /// When the server was started, in Unix seconds: ids do not repeat after a restart.
    started: u64,
    next: AtomicU64,
}

impl Runs {
    /// Keeps `keep` runs after their ends.
    pub(super) fn new(keep: usize, started: u64) -> Self {
        let (all, ended, next) = (Mutex::default(), Mutex::default(), AtomicU64::new(1));
        Self { all, ended, keep, started, next }
    }

    /// An id that no other run has.
    pub(super) fn new_id(&self) -> String {
        format!("run_{:x}{:08x}", self.started, self.next.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn insert(&self, run: &Arc<Run>) {
        lock(&self.all).insert(run.id(), Arc::clone(run));
    }

    /// The run of this id, when it belongs to the tenant.
    pub(super) fn find(&self, tenant: &str, id: &str) -> Option<Arc<Run>> {
        lock(&self.all).get(id).filter(|run| &*run.tenant == tenant).cloned()
    }

    /// The runs of a tenant, the oldest one first.
    pub(super) fn list(&self, tenant: &str) -> Vec<RunInfo> {
        let all = lock(&self.all);
        all.values().filter(|run| &*run.tenant == tenant).map(|run| run.info()).collect()
    }

    /// Number of runs that are known.
    pub(super) fn count(&self) -> usize {
        lock(&self.all).len()
    }

    /// Number of runs that have not ended.
    pub(super) fn unfinished(&self) -> usize {
        // In this order: a run that ends meanwhile is still counted.
        let ended = lock(&self.ended).len();
        self.count().saturating_sub(ended)
    }

    /// Ends every run that has not ended.
    pub(super) fn cancel_all(&self) {
        lock(&self.all).values().for_each(|run| run.cancel());
    }

    /// Forgets the oldest ended run once there are too many.
    pub(super) fn has_ended(&self, id: String) {
        let mut ended = lock(&self.ended);
        ended.push_back(id);
        while ended.len() > self.keep {
            if let Some(oldest) = ended.pop_front() {
                lock(&self.all).remove(&oldest);
            }
        }
    }
}

/// A panic while holding a lock leaves the list whole: every change is one call.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::serve::run::RunName;

    #[test]
    fn runs_belong_to_tenants_and_are_forgotten_after_their_end() {
        let runs = Runs::new(1, 0x65a0);
        let add = |tenant: &str| {
            let (id, agent) = (runs.new_id(), "a".to_owned());
            let name = RunName { id: id.clone(), agent, session: Value::Null, created: 0 };
            runs.insert(&Run::new(tenant.into(), name).0);
            id
        };
        let ids = [add("x"), add("x"), add("y")];
        assert_eq!(runs.unfinished(), 3);
        assert_eq!(ids[0], "run_65a000000001");
        assert!(runs.find("y", &ids[0]).is_none() && runs.find("x", &ids[0]).is_some());
        assert_eq!((runs.list("x").len(), runs.list("y").len()), (2, 1));
        runs.has_ended(ids[0].clone());
        assert!(runs.find("x", &ids[0]).is_some(), "one ended run is kept");
        runs.has_ended(ids[2].clone());
        assert!(runs.find("x", &ids[0]).is_none() && runs.find("y", &ids[2]).is_some());
        assert_eq!((runs.count(), runs.unfinished()), (2, 1));
    }
}

//! [`Sessions`]: the conversations in memory, with one lock for each.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::agents::ServedAgent;
use super::failure::Failure;
use crate::run::Machine;

/// One conversation. Whoever holds the lock asks the only question of this moment.
#[derive(Debug)]
pub(super) struct Session {
    /// Names the conversation among those of all tenants and agents.
    pub(super) key: String,
    pub(super) agent: Arc<ServedAgent>,
    /// The state after the last question; absent before the first one and when it is not loaded.
    pub(super) machine: tokio::sync::Mutex<Option<Machine>>,
}

impl Session {
    fn new(key: &str, agent: &Arc<ServedAgent>) -> Arc<Self> {
        let (agent, machine) = (Arc::clone(agent), tokio::sync::Mutex::new(None));
        Arc::new(Self { key: key.to_owned(), agent, machine })
    }
}

/// The conversations in memory.
#[derive(Debug)]
pub(super) struct Sessions {
    open: Mutex<BTreeMap<String, Entry>>,
    idle: Duration,
    max: usize,
}

#[derive(Debug)]
struct Entry {
    session: Arc<Session>,
    last_used: Instant,
}

impl Entry {
    /// Whether a request works with the session or waits for it.
    fn is_in_use(&self) -> bool {
        Arc::strong_count(&self.session) > 1
    }
}

impl Sessions {
    /// Keeps at most `max` sessions, each until it was unused for the time `idle`.
    pub(super) fn new(idle: Duration, max: usize) -> Self {
        Self { open: Mutex::default(), idle, max }
    }

    /// The session of this key, and another one that had to make place for it; status 503 when all are in use.
    pub(super) fn open(
        &self,
        key: &str,
        agent: &Arc<ServedAgent>,
    ) -> Result<(Arc<Session>, Option<Arc<Session>>), Failure> {
        let mut open = self.lock();
        let last_used = Instant::now();
        if let Some(entry) = open.get_mut(key) {
            entry.last_used = last_used;
            return Ok((Arc::clone(&entry.session), None));
        }
        let mut dropped = None;
        if open.len() >= self.max {
            let unused = open.iter().filter(|(_, entry)| !entry.is_in_use());
            let oldest = unused.min_by_key(|(_, entry)| entry.last_used).map(|(key, _)| key.clone());
            let oldest = oldest.ok_or_else(|| {
                Failure::new(503, format!("all {} sessions of this server are in use", self.max))
            })?;
            dropped = open.remove(&oldest).map(|entry| entry.session);
        }
        let session = Session::new(key, agent);
        open.insert(key.to_owned(), Entry { session: Arc::clone(&session), last_used });
        Ok((session, dropped))
    }

    /// Notes that a question of the session has ended.
    pub(super) fn touch(&self, key: &str) {
        if let Some(entry) = self.lock().get_mut(key) {
            entry.last_used = Instant::now();
        }
    }

    /// Takes a session that is to be forgotten; nothing when it is in use. Questions that come until
    /// [`Sessions::close`] wait for its lock, so that none of them continues what is being forgotten.
    pub(super) fn reserve(&self, key: &str, agent: &Arc<ServedAgent>) -> Option<Arc<Session>> {
        let mut open = self.lock();
        if let Some(entry) = open.get(key) {
            return (!entry.is_in_use()).then(|| Arc::clone(&entry.session));
        }
        let session = Session::new(key, agent);
        open.insert(key.to_owned(), Entry { session: Arc::clone(&session), last_used: Instant::now() });
        Some(session)
    }

    /// Drops a session, unless it is in use.
    pub(super) fn close(&self, key: &str) {
        let mut open = self.lock();
        if open.get(key).is_some_and(|entry| !entry.is_in_use()) {
            open.remove(key);
        }
    }

    /// Whether a session is in memory.
    pub(super) fn is_open(&self, key: &str) -> bool {
        self.lock().contains_key(key)
    }

    /// Drops the sessions that were unused for too long and returns them.
    pub(super) fn drop_idle(&self) -> Vec<Arc<Session>> {
        let mut open = self.lock();
        let idle = |entry: &Entry| !entry.is_in_use() && entry.last_used.elapsed() >= self.idle;
        let keys: Vec<String> =
            open.iter().filter(|(_, entry)| idle(entry)).map(|(key, _)| key.clone()).collect();
        keys.iter().filter_map(|key| open.remove(key)).map(|entry| entry.session).collect()
    }

    /// Number of sessions in memory.
    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    /// A panic while holding the lock leaves the list whole: every change is one call.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Toolbox;
    use crate::llm::Scripted;
    use crate::run::{AgentRun, AgentSpec};

    fn agent() -> Arc<ServedAgent> {
        let run = AgentRun::new(AgentSpec::internlm2(Vec::new()));
        Arc::new(ServedAgent::new("a", run, Scripted::default(), Toolbox::default()))
    }

    fn open(sessions: &Sessions, key: &str) -> Result<(Arc<Session>, Option<Arc<Session>>), Failure> {
        sessions.open(key, &agent())
    }

    fn used(sessions: &Sessions, key: &str) -> Arc<Session> {
        open(sessions, key).expect("a place").0
    }

    #[test]
    fn one_key_is_one_session() {
        let sessions = Sessions::new(Duration::from_secs(60), 9);
        let (first, again, other) = (used(&sessions, "a"), used(&sessions, "a"), used(&sessions, "b"));
        assert!(Arc::ptr_eq(&first, &again) && !Arc::ptr_eq(&first, &other));
        assert_eq!(sessions.count(), 2);
    }

    #[test]
    fn an_unused_session_makes_place() {
        let sessions = Sessions::new(Duration::from_secs(60), 2);
        let _a = used(&sessions, "a");
        drop(used(&sessions, "b"));
        let (_c, dropped) = open(&sessions, "c").expect("b makes place");
        assert_eq!(dropped.map(|session| session.key.clone()).as_deref(), Some("b"));
        assert_eq!(open(&sessions, "d").map_err(|failure| failure.status).err(), Some(503));
    }

    #[test]
    fn idle_sessions_are_dropped_unless_they_are_in_use() {
        let sessions = Sessions::new(Duration::ZERO, 9);
        let _a = used(&sessions, "a");
        drop(used(&sessions, "b"));
        let dropped: Vec<String> = sessions.drop_idle().iter().map(|session| session.key.clone()).collect();
        assert_eq!(dropped, ["b"]);
        sessions.close("a");
        assert!(sessions.is_open("a") && !sessions.is_open("b"), "it is in use");
        let lasting = Sessions::new(Duration::MAX, 9);
        drop(used(&lasting, "c"));
        assert!(lasting.drop_idle().is_empty() && lasting.count() == 1);
    }

    #[test]
    fn a_session_that_is_forgotten_makes_questions_wait() {
        let sessions = Sessions::new(Duration::MAX, 1);
        let a = used(&sessions, "a");
        assert!(sessions.reserve("a", &agent()).is_none(), "it is in use");
        drop(a);
        let reserved = sessions.reserve("a", &agent()).expect("nobody uses it");
        let _forgetting = reserved.machine.try_lock().expect("nobody asks");
        let asked = used(&sessions, "a");
        assert!(Arc::ptr_eq(&reserved, &asked) && asked.machine.try_lock().is_err());
        // One that is not in memory needs no place for the moment.
        let other = sessions.reserve("b", &agent()).expect("nobody uses it");
        drop(other);
        sessions.close("b");
        assert!(sessions.is_open("a") && !sessions.is_open("b"));
    }
}

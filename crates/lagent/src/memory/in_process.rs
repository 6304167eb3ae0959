//! `InProcess`: memories that end with the process.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{MemoryError, Store};
use crate::message::AgentMessage;

/// The memories of one session by agent path.
type Session = BTreeMap<String, Vec<AgentMessage>>;

/// Keeps messages in this process. The default store.
#[derive(Debug, Default)]
pub struct InProcess {
    sessions: Mutex<BTreeMap<String, Session>>,
}

impl InProcess {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for InProcess {
    fn append(&self, session: &str, path: &str, messages: &[AgentMessage]) -> Result<(), MemoryError> {
        let mut sessions = self.lock();
        let memories = sessions.entry(session.to_owned()).or_default();
        memories.entry(path.to_owned()).or_default().extend_from_slice(messages);
        Ok(())
    }

    fn read(&self, session: &str, path: &str) -> Result<Option<Vec<AgentMessage>>, MemoryError> {
        Ok(self.lock().get(session).and_then(|memories| memories.get(path)).cloned())
    }

    fn replace(&self, session: &str, memories: &[(String, Vec<AgentMessage>)]) -> Result<(), MemoryError> {
        if !memories.is_empty() {
            self.lock().entry(session.to_owned()).or_default().extend(memories.iter().cloned());
        }
        Ok(())
    }

    fn remove(&self, session: &str, paths: &[&str]) -> Result<(), MemoryError> {
        let mut sessions = self.lock();
        if let Some(memories) = sessions.get_mut(session) {
            memories.retain(|path, _| !paths.contains(&path.as_str()));
            if memories.is_empty() {
                sessions.remove(session);
            }
        }
        Ok(())
    }

    fn sessions(&self) -> Result<Vec<String>, MemoryError> {
        Ok(self.lock().keys().cloned().collect())
    }
}

//! `Memory`: the memories of an agent and its members for every session (lagent's `Memory` and `MemoryManager`).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::state::{is_within, key};
use super::{InProcess, MemoryError, Store};
use crate::message::AgentMessage;

/// What happens to the messages that a memory already has when others are loaded.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Load {
    /// They are replaced, which is upstream's default.
    #[default]
    Overwrite,
    /// They are kept, and the loaded messages follow them.
    Append,
}

/// Which memories of a session are removed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reset {
    /// Only the memory of the agent with this path; the empty path is the outermost agent.
    Path(String),
    /// The memories of the outermost agent and of all members at any depth.
    Recursive,
}

/// The memories of one agent and its members, for every session. Clones share the same store.
///
/// ```
/// use lagent::memory::{Memory, Reset};
/// use lagent::message::AgentMessage;
///
/// let memory = Memory::new(["", "planner"]);
/// memory.append("7", "planner", &[AgentMessage::new("user", "Plan a trip.")])?;
/// let state = memory.state_dict("7")?;
/// assert_eq!(state.keys().collect::<Vec<_>>(), ["memory", "planner.memory"]);
/// memory.reset("7", &Reset::Recursive)?;
/// assert!(memory.save("7", "planner")?.is_empty());
/// assert!(memory.load_state_dict("7", state)?.is_empty());
/// assert_eq!(memory.save("7", "planner")?.len(), 1);
/// # Ok::<(), lagent::memory::MemoryError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Memory {
    store: Arc<dyn Store>,
    paths: Vec<String>,
    recent: Option<usize>,
}

impl Memory {
    /// Creates the memories of the agents with these paths, kept in this process. Paths that occur twice count
    /// once.
    #[must_use]
    pub fn new<T: Into<String>>(paths: impl IntoIterator<Item = T>) -> Self {
        let mut known: Vec<String> = Vec::new();
        for path in paths.into_iter().map(Into::into) {
            if !known.contains(&path) {
                known.push(path);
            }
        }
        Self { store: Arc::new(InProcess::default()), paths: known, recent: None }
    }

    /// Replaces the store. Messages of the previous one are not copied.
    #[must_use]
    pub fn with_store(self, store: Arc<dyn Store>) -> Self {
        Self { store, ..self }
    }

    /// Makes [`Memory::messages`] return only the last `recent` messages of a memory.
    #[must_use]
    pub fn with_recent(self, recent: usize) -> Self {
        Self { recent: Some(recent), ..self }
    }

    /// Returns the paths of the agents, in the order in which they were given.
    #[must_use]
    pub fn paths(&self) -> &[String] {
        &self.paths
    }

    /// Returns the ids of all sessions that have a memory, sorted. The store may contain those of other agents.
    ///
    /// # Errors
    /// [`MemoryError::Database`] when the store cannot be read.
    pub fn sessions(&self) -> Result<Vec<String>, MemoryError> {
        self.store.sessions()
    }

    /// Checks whether any agent has a memory of this session.
    ///
    /// # Errors
    /// The same as [`Store::read`].
    pub fn contains(&self, session: &str) -> Result<bool, MemoryError> {
        for path in &self.paths {
            if self.store.read(session, path)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Adds messages to the end of an agent's memory.
    ///
    /// # Errors
    /// [`MemoryError::UnknownPath`]; the same as [`Store::append`].
    pub fn append(&self, session: &str, path: &str, messages: &[AgentMessage]) -> Result<(), MemoryError> {
        self.known(path)?;
        self.store.append(session, path, messages)
    }

    /// Returns the messages that an agent remembers: all, or the last ones as [`Memory::with_recent`] says.
    ///
    /// # Errors
    /// [`MemoryError::UnknownPath`]; the same as [`Store::read`].
    pub fn messages(&self, session: &str, path: &str) -> Result<Vec<AgentMessage>, MemoryError> {
        match self.recent {
            Some(recent) => self.recent(session, path, recent),
            None => self.save(session, path),
        }
    }

    /// Returns the last `count` messages of an agent's memory in their order.
    ///
    /// # Errors
    /// The same as [`Memory::messages`].
    pub fn recent(&self, session: &str, path: &str, count: usize) -> Result<Vec<AgentMessage>, MemoryError> {
        let mut messages = self.save(session, path)?;
        messages.drain(..messages.len().saturating_sub(count));
        Ok(messages)
    }

    /// Returns the remembered messages that `keep` accepts. It receives the position among
    /// [`Memory::messages`], counted from 0.
    ///
    /// # Errors
    /// The same as [`Memory::messages`].
    pub fn filter(
        &self,
        session: &str,
        path: &str,
        mut keep: impl FnMut(usize, &AgentMessage) -> bool,
    ) -> Result<Vec<AgentMessage>, MemoryError> {
        let messages = self.messages(session, path)?;
        let kept = messages.into_iter().enumerate().filter(|(index, message)| keep(*index, message));
        Ok(kept.map(|(_, message)| message).collect())
    }

    /// Removes the messages at these positions, counted from 0 before the first one is removed.
    ///
    /// Reads, changes and writes the memory, so a message that another thread appends meanwhile is lost: one
    /// thread at a time may work on a session.
    ///
    /// # Errors
    /// [`MemoryError::NoMessage`], and then nothing is removed; the same as [`Memory::messages`] and
    /// [`Store::replace`].
    pub fn delete(&self, session: &str, path: &str, positions: &[usize]) -> Result<(), MemoryError> {
        let messages = self.save(session, path)?;
        let length = messages.len();
        if let Some(index) = positions.iter().copied().find(|position| *position >= length) {
            return Err(MemoryError::NoMessage { index, length });
        }
        let kept = messages.into_iter().enumerate().filter(|(index, _)| !positions.contains(index));
        let kept: Vec<AgentMessage> = kept.map(|(_, message)| message).collect();
        self.store.replace(session, &[(path.to_owned(), kept)])
    }

    /// Returns all messages of an agent's memory; none if the session is unknown.
    ///
    /// # Errors
    /// The same as [`Memory::messages`].
    pub fn save(&self, session: &str, path: &str) -> Result<Vec<AgentMessage>, MemoryError> {
        self.known(path)?;
        Ok(self.store.read(session, path)?.unwrap_or_default())
    }

    /// Puts messages into an agent's memory.
    ///
    /// # Errors
    /// [`MemoryError::UnknownPath`]; the same as [`Store::replace`] and [`Store::append`].
    pub fn load(
        &self,
        session: &str,
        path: &str,
        messages: Vec<AgentMessage>,
        mode: Load,
    ) -> Result<(), MemoryError> {
        self.known(path)?;
        match mode {
            Load::Overwrite => self.store.replace(session, &[(path.to_owned(), messages)]),
            Load::Append => self.store.append(session, path, &messages),
        }
    }

    /// Returns the memories of all agents by key. Those of an unknown session are empty.
    ///
    /// # Errors
    /// The same as [`Store::read`].
    pub fn state_dict(&self, session: &str) -> Result<BTreeMap<String, Vec<AgentMessage>>, MemoryError> {
        self.paths.iter().map(|path| Ok((key(path), self.save(session, path)?))).collect()
    }

    /// Replaces the memories of all agents and returns the keys that belong to no agent, which are not used.
    ///
    /// # Errors
    /// [`MemoryError::MissingKeys`], and then nothing has changed; the same as [`Store::replace`].
    pub fn load_state_dict(
        &self,
        session: &str,
        mut state: BTreeMap<String, Vec<AgentMessage>>,
    ) -> Result<Vec<String>, MemoryError> {
        let missing: Vec<String> =
            self.paths.iter().map(|path| key(path)).filter(|key| !state.contains_key(key)).collect();
        if !missing.is_empty() {
            return Err(MemoryError::MissingKeys { keys: missing });
        }
        let memories: Vec<(String, Vec<AgentMessage>)> = self
            .paths
            .iter()
            .filter_map(|path| state.remove(&key(path)).map(|messages| (path.clone(), messages)))
            .collect();
        self.store.replace(session, &memories)?;
        Ok(state.into_keys().collect())
    }

    /// Removes memories of a session.
    ///
    /// # Errors
    /// [`MemoryError::UnknownPath`]; the same as [`Store::remove`].
    pub fn reset(&self, session: &str, reset: &Reset) -> Result<(), MemoryError> {
        match reset {
            Reset::Path(path) => {
                self.known(path)?;
                self.store.remove(session, &[path])
            }
            Reset::Recursive => {
                let paths: Vec<&str> = self.paths.iter().map(String::as_str).collect();
                self.store.remove(session, &paths)
            }
        }
    }

    /// Returns the memory of one member and of its own members, which shares the same store. Paths stay those of
    /// the outermost agent.
    #[must_use]
    pub fn member(&self, path: &str) -> Self {
        let paths = self.paths.iter().filter(|known| is_within(known, path)).cloned().collect();
        Self { paths, ..self.clone() }
    }

    fn known(&self, path: &str) -> Result<(), MemoryError> {
        if self.paths.iter().any(|known| known == path) {
            return Ok(());
        }
        Err(MemoryError::UnknownPath { path: path.to_owned(), known: self.paths.clone() })
    }
}

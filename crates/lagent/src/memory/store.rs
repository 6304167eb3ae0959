//! The trait of what keeps the messages of memories.

use super::MemoryError;
use crate::message::AgentMessage;

/// Keeps messages per session and agent path. Every method may block, is atomic, and sees all earlier calls.
///
/// A memory exists from its first [`Store::append`] or [`Store::replace`] on, even when it has no messages.
pub trait Store: Send + Sync + std::fmt::Debug {
    /// Adds messages to the end of a memory, which is created if it does not exist.
    ///
    /// # Errors
    /// [`MemoryError::Database`] when the store is a database that cannot be written.
    fn append(&self, session: &str, path: &str, messages: &[AgentMessage]) -> Result<(), MemoryError>;

    /// Returns the messages of a memory in order, or `None` if the memory does not exist.
    ///
    /// # Errors
    /// [`MemoryError::Database`] and [`MemoryError::Row`] when a database cannot be read.
    fn read(&self, session: &str, path: &str) -> Result<Option<Vec<AgentMessage>>, MemoryError>;

    /// Replaces all messages of the given memories at once; each is created if it does not exist.
    ///
    /// # Errors
    /// [`MemoryError::Database`]; then none of the memories has changed.
    fn replace(&self, session: &str, memories: &[(String, Vec<AgentMessage>)]) -> Result<(), MemoryError>;

    /// Removes the given memories at once. Those that do not exist are ignored.
    ///
    /// # Errors
    /// [`MemoryError::Database`]; then none of the memories is removed.
    fn remove(&self, session: &str, paths: &[&str]) -> Result<(), MemoryError>;

    /// Returns the ids of all sessions that have a memory, sorted.
    ///
    /// # Errors
    /// [`MemoryError::Database`] when a database cannot be read.
    fn sessions(&self) -> Result<Vec<String>, MemoryError>;
}

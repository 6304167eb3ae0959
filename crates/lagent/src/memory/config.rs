//! The `[memory]` table of an agent file.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{InProcess, Memory, MemoryError, Sqlite, Store};

/// Where memories are kept and how much of them an agent remembers.
///
/// ```
/// let config: lagent::memory::MemoryConfig = toml::from_str("recent = 20")?;
/// let memory = config.open([""])?;
/// assert!(memory.sessions()?.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct MemoryConfig {
    /// Path of a database file that keeps the memories. Default: memories end with the process.
    pub path: Option<PathBuf>,
    /// Maximum number of messages that an agent remembers, counted from the last. Default: all.
    pub recent: Option<usize>,
}

impl MemoryConfig {
    /// Returns every problem as `memory.KEY: found X, expected Y`.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        if self.recent == Some(0) {
            return vec!["memory.recent: found 0, expected at least 1".to_owned()];
        }
        Vec::new()
    }

    /// Opens the memories of the agents with these paths.
    ///
    /// # Errors
    /// The same as [`Sqlite::open`].
    pub fn open<T: Into<String>>(&self, paths: impl IntoIterator<Item = T>) -> Result<Memory, MemoryError> {
        let store: Arc<dyn Store> = match &self.path {
            Some(path) => Arc::new(Sqlite::open(path)?),
            None => Arc::new(InProcess::default()),
        };
        let memory = Memory::new(paths).with_store(store);
        Ok(match self.recent {
            Some(recent) => memory.with_recent(recent),
            None => memory,
        })
    }
}

//! The errors of memories and their stores.

use std::path::PathBuf;

use internlm_kit::exit::BadInput;

/// The reason why a memory could not be read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryError {
    /// The memory has no agent of this path.
    #[error("agent path `{path}`: unknown, expected one of [{}]", known.join(", "))]
    UnknownPath {
        /// The path that was not found.
        path: String,
        /// Paths of the existing agents; the empty one is the outermost agent.
        known: Vec<String>,
    },
    /// A state lacks the memories of some agents.
    #[error("state: missing keys [{}]", keys.join(", "))]
    MissingKeys {
        /// The missing keys in order.
        keys: Vec<String>,
    },
    /// A message to delete does not exist.
    #[error("message {index}: the memory has {length} messages")]
    NoMessage {
        /// The index that was not found, counted from 0.
        index: usize,
        /// Number of messages in the memory.
        length: usize,
    },
    /// The database could not be opened, read or written.
    #[error("{path}: {source}")]
    Database {
        /// Path of the database file.
        path: PathBuf,
        /// The error that SQLite returned.
        source: rusqlite::Error,
    },
    /// The file is a database, but of another program or another version.
    #[error(
        "{path}: found a database with user version {found} and {tables} tables, expected one of lagent (user version {expected})"
    )]
    ForeignDatabase {
        /// Path of the database file.
        path: PathBuf,
        /// The file's `user_version`; 0 if it was never set.
        found: i64,
        /// Number of tables in the file.
        tables: i64,
        /// The `user_version` that this crate writes.
        expected: i64,
    },
    /// A row of the database does not contain a message.
    #[error("{path}: session `{session}`, agent `{agent}`: {source}")]
    Row {
        /// Path of the database file.
        path: PathBuf,
        /// The row's session id.
        session: String,
        /// The row's agent path.
        agent: String,
        /// What was found and what was expected.
        source: serde_json::Error,
    },
}

impl BadInput for MemoryError {
    /// Wrong paths, states and files are bad input; a database that fails while it is in use is not.
    fn is_bad_input(&self) -> bool {
        match self {
            Self::UnknownPath { .. }
            | Self::MissingKeys { .. }
            | Self::NoMessage { .. }
            | Self::ForeignDatabase { .. }
            | Self::Row { .. } => true,
            Self::Database { source, .. } => matches!(
                source.sqlite_error_code(),
                Some(rusqlite::ErrorCode::CannotOpen | rusqlite::ErrorCode::NotADatabase)
            ),
        }
    }
}

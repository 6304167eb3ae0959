//! `Sqlite`: memories in a database file, which several processes may use at the same time.
//!
//! ```text
//! memory(id, session, path)                    one row per memory, so that an empty one exists
//! message(memory, position, body)              the messages in order; body is the JSON of an AgentMessage
//! ```
//!
//! The file's `user_version` is 1. Every change is one transaction with full synchronization, so a killed process
//! loses nothing that was confirmed and leaves no half of a change.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::{MemoryError, Store};
use crate::message::AgentMessage;

/// The `user_version` of a database with the tables below.
const VERSION: i64 = 1;
/// How long a change waits for another process that is writing.
const BUSY: Duration = Duration::from_secs(10);
const TABLES: &str = "
CREATE TABLE memory (
    id INTEGER PRIMARY KEY,
    session TEXT NOT NULL,
    path TEXT NOT NULL,
    UNIQUE (session, path)
) STRICT;
CREATE TABLE message (
    memory INTEGER NOT NULL REFERENCES memory (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (memory, position)
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 1;
";

/// Keeps messages in an SQLite database.
#[derive(Debug)]
pub struct Sqlite {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl Sqlite {
    /// Opens a database file, which is created if it does not exist.
    ///
    /// # Errors
    /// [`MemoryError::Database`] when the file is not a database or cannot be opened;
    /// [`MemoryError::ForeignDatabase`] when its tables are not those of lagent.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, MemoryError> {
        let path = path.as_ref().to_path_buf();
        let failed = |source| MemoryError::Database { path: path.clone(), source };
        let mut connection = Connection::open(&path).map_err(failed)?;
        connection.busy_timeout(BUSY).map_err(failed)?;
        connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL;").map_err(failed)?;
        let (found, tables) = prepare(&mut connection).map_err(failed)?;
        if found != VERSION {
            return Err(MemoryError::ForeignDatabase { path, found, tables, expected: VERSION });
        }
        Ok(Self { path, connection: Mutex::new(connection) })
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `change` as one transaction.
    fn change(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), MemoryError> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let result = transaction.and_then(|transaction| {
            change(&transaction)?;
            transaction.commit()
        });
        result.map_err(|source| self.failed(source))
    }

    fn failed(&self, source: rusqlite::Error) -> MemoryError {
        MemoryError::Database { path: self.path.clone(), source }
    }
}

/// Creates the tables in an empty file. Returns the file's version, and the number of its tables.
fn prepare(connection: &mut Connection) -> rusqlite::Result<(i64, i64)> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let tables: i64 =
        transaction
            .query_row("SELECT count(*) FROM sqlite_schema WHERE type = 'table'", [], |row| row.get(0))?;
    if (version, tables) != (0, 0) {
        return Ok((version, tables));
    }
    transaction.execute_batch(TABLES)?;
    transaction.commit()?;
    Ok((VERSION, 2))
}

/// Finds a memory, or creates it.
fn memory(transaction: &Transaction<'_>, session: &str, path: &str) -> rusqlite::Result<i64> {
    transaction.execute("INSERT OR IGNORE INTO memory (session, path) VALUES (?1, ?2)", [session, path])?;
    transaction.query_row("SELECT id FROM memory WHERE session = ?1 AND path = ?2", [session, path], |row| {
        row.get(0)
    })
}

/// Adds messages behind those that the memory has.
fn insert(transaction: &Transaction<'_>, memory: i64, bodies: &[String]) -> rusqlite::Result<()> {
    let last: Option<i64> =
        transaction
            .query_row("SELECT max(position) FROM message WHERE memory = ?1", [memory], |row| row.get(0))?;
    let mut statement =
        transaction.prepare("INSERT INTO message (memory, position, body) VALUES (?1, ?2, ?3)")?;
    for (position, body) in (last.map_or(0, |last| last + 1)..).zip(bodies) {
        statement.execute(params![memory, position, body])?;
    }
    Ok(())
}

/// The JSON of messages.
///
/// # Panics
/// Never: a message consists of JSON values and texts.
fn bodies(messages: &[AgentMessage]) -> Vec<String> {
    let body = |message| serde_json::to_string(message).expect("every message has a JSON form");
    messages.iter().map(body).collect()
}

impl Store for Sqlite {
    fn append(&self, session: &str, path: &str, messages: &[AgentMessage]) -> Result<(), MemoryError> {
        let bodies = bodies(messages);
        self.change(|transaction| {
            let memory = memory(transaction, session, path)?;
            insert(transaction, memory, &bodies)
        })
    }

    fn read(&self, session: &str, path: &str) -> Result<Option<Vec<AgentMessage>>, MemoryError> {
        let connection = self.lock();
        let query = || -> rusqlite::Result<Option<Vec<String>>> {
            // One transaction, so that another process cannot remove the memory between the two queries.
            let transaction = connection.unchecked_transaction()?;
            let memory: Option<i64> = transaction
                .query_row("SELECT id FROM memory WHERE session = ?1 AND path = ?2", [session, path], |row| {
                    row.get(0)
                })
                .optional()?;
            let Some(memory) = memory else { return Ok(None) };
            let mut statement =
                transaction.prepare("SELECT body FROM message WHERE memory = ?1 ORDER BY position")?;
            let bodies = statement.query_map([memory], |row| row.get(0))?;
            bodies.collect::<rusqlite::Result<_>>().map(Some)
        };
        let Some(bodies) = query().map_err(|source| self.failed(source))? else { return Ok(None) };
        let parsed = bodies.iter().map(|body| serde_json::from_str(body)).collect::<Result<_, _>>();
        parsed.map(Some).map_err(|source| MemoryError::Row {
            path: self.path.clone(),
            session: session.to_owned(),
            agent: path.to_owned(),
            source,
        })
    }

    fn replace(&self, session: &str, memories: &[(String, Vec<AgentMessage>)]) -> Result<(), MemoryError> {
        self.change(|transaction| {
            for (path, messages) in memories {
                let memory = memory(transaction, session, path)?;
                transaction.execute("DELETE FROM message WHERE memory = ?1", [memory])?;
                insert(transaction, memory, &bodies(messages))?;
            }
            Ok(())
        })
    }

    fn remove(&self, session: &str, paths: &[&str]) -> Result<(), MemoryError> {
        self.change(|transaction| {
            for path in paths {
                transaction
                    .execute("DELETE FROM memory WHERE session = ?1 AND path = ?2", [session, *path])?;
            }
            Ok(())
        })
    }

    fn sessions(&self) -> Result<Vec<String>, MemoryError> {
        let connection = self.lock();
        let query = || -> rusqlite::Result<Vec<String>> {
            let mut statement = connection.prepare("SELECT DISTINCT session FROM memory ORDER BY session")?;
            statement.query_map([], |row| row.get(0))?.collect()
        };
        query().map_err(|source| self.failed(source))
    }
}

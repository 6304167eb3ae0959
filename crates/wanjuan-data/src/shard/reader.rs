//! [`Shard`]: random access to the documents of one `.bin` file.

use std::path::{Path, PathBuf};

use internlm_kit::file::{AtPath, MappedFile};
use serde::Deserialize;

use super::npy;
use crate::{Error, Result};

/// One `.bin` file with its `.bin.meta`, memory-mapped. `Sync`: any thread may read any document.
#[derive(Debug)]
pub struct Shard {
    path: PathBuf,
    bytes: MappedFile,
    rows: Vec<npy::Row>,
}

/// One line of the `.bin`.
#[derive(Deserialize)]
struct Line {
    tokens: Vec<i32>,
}

impl Shard {
    /// Maps `bin` and reads `bin` + `.meta`.
    ///
    /// # Errors
    /// A missing file, a `.meta` that is not an `<i4` array of shape (documents, 2), or rows that point
    /// outside the `.bin`.
    pub fn open(bin: impl AsRef<Path>) -> Result<Self> {
        let bin = bin.as_ref();
        let meta_path = npy::meta_path(bin);
        let bytes = MappedFile::open(bin)?;
        let meta = std::fs::read(&meta_path).at(&meta_path, "read")?;
        let rows = npy::decode(&meta_path, &meta)?;
        if let Some(index) = rows.iter().position(|row| row.offset as usize >= bytes.len()) {
            return Err(Error::Format {
                path: meta_path,
                offset: (meta.len() - 8 * (rows.len() - index)) as u64,
                found: format!("document {index} at byte {}", rows[index].offset),
                expected: format!("a byte below {}, the length of {}", bytes.len(), bin.display()),
            });
        }
        Ok(Self { path: bin.to_path_buf(), bytes, rows })
    }

    /// The path of the `.bin` file, as given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of documents in the shard.
    #[must_use]
    pub fn documents(&self) -> usize {
        self.rows.len()
    }

    /// Number of tokens of document `index`, without reading it.
    ///
    /// # Panics
    /// When `index >= documents()`.
    #[must_use]
    pub fn token_count(&self, index: usize) -> usize {
        self.rows[index].tokens as usize
    }

    /// Number of tokens of all documents.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        self.rows.iter().map(|row| u64::from(row.tokens)).sum()
    }

    /// The token ids of document `index`; a negative id means no loss on that token.
    ///
    /// # Errors
    /// A line that is not `{"tokens": [...]}` or whose length disagrees with the `.meta`.
    ///
    /// # Panics
    /// When `index >= documents()`.
    pub fn read(&self, index: usize) -> Result<Vec<i32>> {
        let npy::Row { offset, tokens: expected } = self.rows[index];
        let rest = &self.bytes[offset as usize..];
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let fail = |found: String, expected: String| Error::Format {
            path: self.path.clone(),
            offset: u64::from(offset),
            found,
            expected,
        };
        let line: Line = serde_json::from_slice(&rest[..end])
            .map_err(|error| fail(error.to_string(), "a line {\"tokens\": [...]}".to_owned()))?;
        if line.tokens.len() != expected as usize {
            let found = format!("{} tokens in document {index}", line.tokens.len());
            return Err(fail(found, format!("{expected} as the .meta says")));
        }
        Ok(line.tokens)
    }
}

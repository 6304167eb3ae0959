//! The item store: every answer is one line that is only ever appended, under the sha256 of what was asked.
//!
//! A run that was killed at any byte leaves at most one torn last line, which is cut when the store is opened
//! again. Everything before it counts, so nothing is asked twice and nothing is lost.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::Answer;
use crate::{Error, Result};

/// Answers by key, backed by a file.
///
/// ```
/// use opencompass::{Store, model::Answer};
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("store.jsonl");
/// let answer = Answer::Reply { text: "42".into(), calls: vec![] };
/// Store::open(&path)?.append("key", &answer)?;
/// assert_eq!(Store::open(&path)?.get("key"), Some(&answer));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    file: File,
    answers: BTreeMap<String, Answer>,
}

#[derive(Deserialize)]
struct Record {
    key: String,
    answer: Answer,
}

#[derive(Serialize)]
struct RecordRef<'a> {
    key: &'a str,
    answer: &'a Answer,
}

impl Store {
    /// Opens or creates a store and holds its lock until dropped.
    ///
    /// # Errors
    /// [`Error::Store`] when another run holds it, [`Error::File`] when it cannot be read or written.
    pub fn open(path: &Path) -> Result<Self> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(Error::file(folder))?;
        }
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(Error::file(path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = "another run is using this item store".to_owned();
                return Err(Error::Store { path: path.to_path_buf(), message });
            }
            Err(TryLockError::Error(source)) => return Err(Error::File { path: path.to_path_buf(), source }),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(Error::file(path))?;
        let (answers, length) = read(&bytes, path);
        if length < bytes.len() {
            tracing::info!("{}: cut a torn line of {} bytes", path.display(), bytes.len() - length);
            file.set_len(length as u64).map_err(Error::file(path))?;
        }
        file.seek(SeekFrom::End(0)).map_err(Error::file(path))?;
        Ok(Self { path: path.to_path_buf(), file, answers })
    }

    /// The answer under `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Answer> {
        self.answers.get(key)
    }

    /// How many answers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    /// Adds an answer with one write.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn append(&mut self, key: &str, answer: &Answer) -> Result<()> {
        let mut line = serde_json::to_vec(&RecordRef { key, answer }).expect("answers are plain data");
        line.push(b'\n');
        self.file.write_all(&line).map_err(Error::file(&self.path))?;
        self.answers.insert(key.to_owned(), answer.clone());
        Ok(())
    }

    /// Makes everything appended durable.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn sync(&self) -> Result<()> {
        self.file.sync_all().map_err(Error::file(&self.path))
    }
}

/// The records, and the length up to which the file is whole lines.
fn read(bytes: &[u8], path: &Path) -> (BTreeMap<String, Answer>, usize) {
    let length = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    let mut answers = BTreeMap::new();
    for (line, text) in bytes[..length].split(|byte| *byte == b'\n').enumerate() {
        if text.is_empty() {
            continue;
        }
        match serde_json::from_slice::<Record>(text) {
            Ok(record) => {
                answers.insert(record.key, record.answer);
            }
            // Only damage to the disk can do this; the item is asked again.
            Err(error) => {
                tracing::warn!("{}: line {} is no record and is skipped: {error}", path.display(), line + 1)
            }
        }
    }
    (answers, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(text: &str) -> Answer {
        Answer::Reply { text: text.to_owned(), calls: Vec::new() }
    }

    #[test]
    fn a_store_cut_at_any_byte_opens_with_its_whole_lines() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("store.jsonl");
        let mut store = Store::open(&path).expect("opens");
        for index in 0..4 {
            store.append(&format!("k{index}"), &reply(&"ä\n".repeat(index))).expect("appends");
        }
        drop(store);
        let whole = fs::read(&path).expect("reads");
        for cut in 0..=whole.len() {
            fs::write(&path, &whole[..cut]).expect("writes");
            let mut store = Store::open(&path).expect("opens");
            let lines = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(store.len(), lines, "cut at {cut}");
            for index in lines..4 {
                store.append(&format!("k{index}"), &reply(&"ä\n".repeat(index))).expect("appends");
            }
            drop(store);
            assert_eq!(fs::read(&path).expect("reads"), whole, "cut at {cut}");
        }
    }

    #[test]
    fn a_second_run_is_told() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("store.jsonl");
        let _first = Store::open(&path).expect("opens");
        let error = Store::open(&path).expect_err("locked").to_string();
        assert!(error.contains("another run is using"), "{error}");
    }
}

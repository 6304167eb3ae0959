//! The item store: every answer is one line under the sha256 of its request, and lines are only appended.
//!
//! A run that is killed at any byte leaves at most one torn last line, which is cut off when the store is
//! opened again. All lines before it are kept, so nothing is asked twice and nothing is lost.

use std::collections::BTreeMap;
use std::path::Path;

use internlm_kit::journal::{self, Durability, Journal};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::model::Answer;

/// Answers by key, backed by a file. The file is locked while the store is open.
///
/// ```
/// use opencompass::{Store, model::Answer};
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("store.jsonl");
/// let answer = Answer::text("42");
/// Store::open(&path)?.append("key", &answer)?;
/// assert_eq!(Store::open(&path)?.get("key"), Some(&answer));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Store {
    journal: Journal,
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
    /// Opens or creates a store and holds its lock until it is dropped.
    ///
    /// # Errors
    /// [`Error::Journal`](crate::Error::Journal) when another run has the store open, or the file cannot be
    /// read or written.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        // A crash of the whole machine may cost the last answers, which are asked again; a sync for each of
        // them would cost more than that.
        let opened = Journal::open::<Record>(path, Durability::Process)?;
        for line in opened.damaged {
            // Only a damaged disk can do this. The item is asked again.
            tracing::warn!("{}: line {line}: skipped, not a record", path.display());
        }
        let answers = opened.entries.into_iter().map(|record| (record.key, record.answer));
        Ok(Self { journal: opened.journal, answers: answers.collect() })
    }

    /// Returns the answer under `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Answer> {
        self.answers.get(key)
    }

    /// Returns the number of answers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// Says whether the store has no answers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    /// Adds an answer with a single write. A second answer under the same key replaces the first.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File).
    pub fn append(&mut self, key: &str, answer: &Answer) -> Result<()> {
        self.journal.append(&RecordRef { key, answer })?;
        self.answers.insert(key.to_owned(), answer.clone());
        Ok(())
    }

    /// Takes the answers of another store for known without copying them into this one. Another process may be writing
    /// that store; a file that does not exist has no answers.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) when the file exists and cannot be read.
    pub fn remember(&mut self, other: impl AsRef<Path>) -> Result<()> {
        for record in journal::read::<Record>(other)? {
            self.answers.entry(record.key).or_insert(record.answer);
        }
        Ok(())
    }

    /// Copies the answers of another store whose keys are new, and returns their number. Stores of parts of a run are
    /// put together in this way; their order changes no result.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File).
    pub fn merge(&mut self, other: impl AsRef<Path>) -> Result<usize> {
        let before = self.len();
        for record in journal::read::<Record>(other)? {
            if self.get(&record.key).is_none() {
                self.append(&record.key, &record.answer)?;
            }
        }
        self.sync()?;
        Ok(self.len() - before)
    }

    /// Waits until everything appended so far is on the disk.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File).
    pub fn sync(&self) -> Result<()> {
        Ok(self.journal.sync()?)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn reply(text: &str) -> Answer {
        Answer::text(text)
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
    fn parts_are_merged_by_key_and_remembered_answers_are_not_copied() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = |name: &str| folder.path().join(name);
        for (name, keys) in [("a", ["1", "2"]), ("b", ["2", "3"])] {
            let mut part = Store::open(path(name)).expect("opens");
            part.remember(path("nowhere")).expect("no file, no answers");
            for key in keys {
                part.append(key, &reply(name)).expect("appends");
            }
        }
        let mut whole = Store::open(path("whole")).expect("opens");
        assert_eq!(whole.merge(path("a")).expect("merges"), 2);
        assert_eq!(whole.merge(path("b")).expect("merges"), 1);
        assert_eq!(whole.merge(path("b")).expect("merges"), 0);
        assert_eq!(whole.get("2"), Some(&reply("a")), "the first answer stays");
        drop(whole);
        let mut other = Store::open(path("other")).expect("opens");
        other.remember(path("whole")).expect("reads");
        assert_eq!(other.len(), 3);
        assert!(fs::read(path("other")).expect("reads").is_empty());
    }

    #[test]
    fn a_second_run_is_told() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("store.jsonl");
        let _first = Store::open(&path).expect("opens");
        let error = Store::open(&path).expect_err("locked").to_string();
        assert!(error.contains("found another process that writes it"), "{error}");
    }
}

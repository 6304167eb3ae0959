//! The journal of an unfinished batch: one line per finished question, so that no question is asked twice
//! after a kill.
//!
//! The first line is a key over the agent, the model and the questions: the journal of a different batch is
//! not continued.

use std::path::Path;

use internlm_kit::journal::{self, Durability};
use serde::{Deserialize, Serialize};

use super::Prediction;
use crate::Result;

/// What to do with the questions that an interrupted batch has already finished.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Start {
    /// Keep them if the agent, the model and the questions are the same.
    Resume,
    /// Discard them and ask every question.
    Fresh,
}

/// One finished question with its transcript.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Entry {
    /// Index of the question in its file.
    pub(super) index: usize,
    pub(super) prediction: Prediction,
    /// Lines of the question's transcript.
    pub(super) transcript: Vec<String>,
}

/// File name of the journal in the folder of the results.
const NAME: &str = "journal.jsonl";

/// A line of the journal.
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum Line {
    Key { key: String },
    Entry(Box<Entry>),
}

/// An open journal. It is locked, so a second batch cannot write into the same folder.
#[derive(Debug)]
pub(super) struct Journal(journal::Journal);

impl Journal {
    /// Opens the journal of `key` in `folder` and returns the questions that are already finished.
    pub(super) fn open(folder: &Path, key: &str, start: Start) -> Result<(Self, Vec<Entry>)> {
        // A question takes seconds, so a sync for each one costs nothing in comparison.
        let opened = journal::Journal::open::<Line>(folder.join(NAME), Durability::Disk)?;
        let mut journal = opened.journal;
        let mut lines = opened.entries.into_iter();
        match lines.next() {
            Some(Line::Key { key: found }) if found == key && start == Start::Resume => {}
            _ => {
                lines = Vec::new().into_iter();
                journal.clear()?;
                journal.append(&Line::Key { key: key.to_owned() })?;
            }
        }
        let entries = lines.filter_map(|line| match line {
            Line::Entry(entry) => Some(*entry),
            Line::Key { .. } => None,
        });
        Ok((Self(journal), entries.collect()))
    }

    /// Adds a finished question, which is on the disk when this returns.
    pub(super) fn add(&mut self, entry: &Entry) -> Result<()> {
        Ok(self.0.append(entry)?)
    }

    /// Deletes the journal once the results of the batch are written.
    pub(super) fn remove(self) -> Result<()> {
        Ok(self.0.remove()?)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn entry(index: usize) -> Entry {
        let prediction = Prediction {
            id: index.to_string(),
            question: "q".into(),
            answer: "1".into(),
            prediction: None,
            correct: false,
            end: "cancelled".into(),
            turns: 1,
            tool_calls: 0,
            parse_errors: 0,
            input_tokens: 1,
            output_tokens: 1,
        };
        Entry { index, prediction, transcript: vec!["{}".into()] }
    }

    #[test]
    fn a_journal_cut_anywhere_resumes_with_its_whole_lines() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join(NAME);
        let (mut journal, found) = Journal::open(folder.path(), "k", Start::Resume).expect("opens");
        assert!(found.is_empty());
        for index in 0..2 {
            journal.add(&entry(index)).expect("adds");
        }
        drop(journal);
        let whole = fs::read(&path).expect("reads");
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).expect("writes");
            let (mut journal, found) = Journal::open(folder.path(), "k", Start::Resume).expect("opens");
            let lines = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
            let expected: Vec<Entry> = (0..lines.saturating_sub(1)).map(entry).collect();
            assert_eq!(found, expected, "cut at {cut}");
            for index in expected.len()..2 {
                journal.add(&entry(index)).expect("adds");
            }
            drop(journal);
            assert_eq!(fs::read(&path).expect("reads"), whole, "cut at {cut}");
        }
    }

    #[test]
    fn another_batch_starts_again_and_a_second_one_is_refused() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let (mut journal, _) = Journal::open(folder.path(), "one", Start::Resume).expect("opens");
        journal.add(&entry(0)).expect("adds");
        let error = Journal::open(folder.path(), "one", Start::Resume).expect_err("in use").to_string();
        assert!(error.contains("found another process that writes it"), "{error}");
        drop(journal);
        assert!(Journal::open(folder.path(), "other", Start::Resume).expect("opens").1.is_empty());
        let (mut journal, found) = Journal::open(folder.path(), "one", Start::Resume).expect("opens");
        assert!(found.is_empty(), "the other batch has replaced it");
        journal.add(&entry(1)).expect("adds");
        drop(journal);
        let (journal, found) = Journal::open(folder.path(), "one", Start::Fresh).expect("opens");
        assert!(found.is_empty(), "a fresh start discards what is finished");
        journal.remove().expect("removes");
        assert!(!folder.path().join(NAME).exists());
    }
}

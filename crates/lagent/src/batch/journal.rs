//! The journal of an unfinished batch: the transcript of every question while it is written, and a line for each
//! finished one, so that no question is asked and no call is made twice after a kill.
//!
//! The first line is a key over the agent, the model and the questions: the journal of a different batch is
//! not continued.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

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

/// What an interrupted batch has done.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Found {
    /// The finished questions by their index.
    pub(super) finished: BTreeMap<usize, Prediction>,
    /// The transcripts of all questions that were asked, by index. Those of unfinished ones end anywhere.
    pub(super) transcripts: BTreeMap<usize, Vec<String>>,
}

/// File name of the journal in the folder of the results.
const NAME: &str = "journal.jsonl";

/// How the line of a call begins in a transcript.
const CALL: &str = "{\"command\":{\"type\":\"call-tool\"";

/// A line of the journal.
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum Line {
    Key {
        key: String,
    },
    /// The next line in the transcript of a question.
    Step {
        index: usize,
        step: String,
    },
    Finished {
        index: usize,
        prediction: Box<Prediction>,
    },
}

/// An open journal. It is locked, so a second batch cannot write into the same folder.
#[derive(Debug)]
pub(super) struct Journal(journal::Journal);

impl Journal {
    /// Opens the journal of `key` in `folder` and returns what is already done.
    pub(super) fn open(folder: &Path, key: &str, start: Start) -> Result<(Self, Found)> {
        let opened = journal::Journal::open::<Line>(folder.join(NAME), Durability::Process)?;
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
        let mut found = Found::default();
        for line in lines {
            match line {
                Line::Key { .. } => {}
                Line::Step { index, step } => found.transcripts.entry(index).or_default().push(step),
                Line::Finished { index, prediction } => {
                    found.finished.insert(index, *prediction);
                }
            }
        }
        Ok((Self(journal), found))
    }

    /// Returns where the journal is.
    pub(super) fn path(&self) -> PathBuf {
        self.0.path().to_path_buf()
    }

    /// Adds lines to the transcript of a question. They survive the end of the process when this returns, and a
    /// power failure if one of them is a call.
    pub(super) fn add(&mut self, index: usize, steps: &[String]) -> Result<()> {
        for step in steps {
            self.0.append(&Line::Step { index, step: step.clone() })?;
        }
        if steps.iter().any(|step| step.starts_with(CALL)) {
            self.0.sync()?;
        }
        Ok(())
    }

    /// Adds a finished question, which is on the disk when this returns.
    pub(super) fn finish(&mut self, index: usize, prediction: &Prediction) -> Result<()> {
        self.0.append(&Line::Finished { index, prediction: Box::new(prediction.clone()) })?;
        Ok(self.0.sync()?)
    }

    /// Deletes the journal once the results of the batch are written.
    pub(super) fn remove(self) -> Result<()> {
        Ok(self.0.remove()?)
    }
}

#[cfg(test)]
mod tests;

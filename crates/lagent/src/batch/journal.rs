//! The journal of an unfinished run: one line per finished question, so that a killed run asks none twice.
//!
//! Lines are appended and synced one by one; a torn last line is cut off when the run goes on. The first
//! line is a key over agent, model and questions: a journal of anything else is not continued.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Prediction;
use crate::{Error, Result};

/// One finished question.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Entry {
    /// Its place in the file of questions.
    pub(super) index: usize,
    pub(super) prediction: Prediction,
    /// Lines of its transcript.
    pub(super) transcript: Vec<String>,
}

/// The file's name.
const NAME: &str = "journal.jsonl";

#[derive(Deserialize, Serialize)]
struct Key {
    key: String,
}

/// An open journal.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens the journal of `key` in `folder`, with the questions that are finished already.
    pub(super) fn open(folder: &Path, key: &str) -> Result<(Self, Vec<Entry>)> {
        let path = folder.join(NAME);
        let fail = |source| Error::File { path: path.clone(), verb: "write", source };
        fs::create_dir_all(folder).map_err(fail)?;
        let text = fs::read_to_string(&path).unwrap_or_default();
        let (entries, valid) = read(&text, key);
        let mut options = OpenOptions::new();
        let mut file = options.create(true).write(true).truncate(false).open(&path).map_err(fail)?;
        file.set_len(valid as u64).map_err(fail)?;
        std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0)).map_err(fail)?;
        if valid == 0 {
            append(&mut file, &Key { key: key.to_owned() }).map_err(fail)?;
        }
        Ok((Self { path, file }, entries))
    }

    /// Forgets the journal of `folder`, whatever it is of.
    pub(super) fn discard(folder: &Path) -> Result<()> {
        let path = folder.join(NAME);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::File { path, verb: "remove", source })
            }
            _ => Ok(()),
        }
    }

    /// Adds a finished question; it is on the disk when this returns.
    pub(super) fn add(&mut self, entry: &Entry) -> Result<()> {
        let added = append(&mut self.file, entry);
        added.map_err(|source| Error::File { path: self.path.clone(), verb: "write", source })
    }

    /// Removes the journal: its run is complete and written.
    pub(super) fn remove(self) -> Result<()> {
        let removed = fs::remove_file(&self.path);
        removed.map_err(|source| Error::File { path: self.path, verb: "remove", source })
    }
}

/// The entries of a journal of `key`, and how many bytes of the text are good.
fn read(text: &str, key: &str) -> (Vec<Entry>, usize) {
    let mut lines = text.split_inclusive('\n').take_while(|line| line.ends_with('\n'));
    let first = lines.next().unwrap_or_default();
    if !serde_json::from_str::<Key>(first).is_ok_and(|found| found.key == key) {
        return (Vec::new(), 0);
    }
    let mut valid = first.len();
    let mut entries = Vec::new();
    for line in lines {
        let Ok(entry) = serde_json::from_str(line) else { break };
        entries.push(entry);
        valid += line.len();
    }
    (entries, valid)
}

fn append(file: &mut File, line: &impl Serialize) -> std::io::Result<()> {
    let mut text = serde_json::to_string(line)?;
    text.push('\n');
    file.write_all(text.as_bytes())?;
    file.sync_data()
}

#[cfg(test)]
mod tests {
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
    fn a_cut_at_any_byte_loses_at_most_the_last_question() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let (mut journal, found) = Journal::open(folder.path(), "k").expect("opens");
        assert!(found.is_empty());
        journal.add(&entry(0)).expect("adds");
        let length = fs::metadata(&journal.path).expect("is there").len();
        journal.add(&entry(1)).expect("adds");
        let path = journal.path.clone();
        let whole = fs::read(&path).expect("reads");
        for cut in length as usize..whole.len() {
            fs::write(&path, &whole[..cut]).expect("writes");
            let (mut journal, found) = Journal::open(folder.path(), "k").expect("opens");
            assert_eq!(found, [entry(0)], "cut at {cut}");
            journal.add(&entry(1)).expect("adds");
            assert_eq!(fs::read(&path).expect("reads"), whole, "cut at {cut}");
        }
        assert!(Journal::open(folder.path(), "other").expect("opens").1.is_empty());
    }
}

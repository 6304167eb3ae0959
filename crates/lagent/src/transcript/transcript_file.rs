//! [`TranscriptFile`]: a file of runs that is only appended to, by one process at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use internlm_kit::file::{AtPath, FileError};
use internlm_kit::journal::JournalError;

use super::reading::{Entry, parse_line};
use crate::Result;

/// An open transcript. Its lock is held until it is dropped.
///
/// ```
/// use lagent::transcript::TranscriptFile;
///
/// let folder = tempfile::tempdir()?;
/// let (file, last_run) = TranscriptFile::open(&folder.path().join("chat.jsonl"))?;
/// assert!(last_run.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TranscriptFile {
    path: PathBuf,
    file: File,
}

impl TranscriptFile {
    /// Opens or creates a transcript, cuts a torn last line off and returns the lines of its last run.
    ///
    /// # Errors
    /// [`Error::Journal`](crate::Error::Journal) when another process writes the file;
    /// [`Error::File`](crate::Error::File); [`Error::Line`](crate::Error::Line) for a line that does not belong in a
    /// transcript.
    pub fn open(path: &Path) -> Result<(Self, Vec<String>)> {
        let mut options = OpenOptions::new();
        let opened = options.read(true).write(true).create(true).truncate(false).open(path);
        let mut file = opened.at(path, "open")?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(JournalError::InUse { path: path.to_path_buf() }.into());
            }
            Err(TryLockError::Error(error)) => return Err(FileError::new(path, "lock", error).into()),
        }
        let mut text = String::new();
        file.read_to_string(&mut text).at(path, "read")?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).at(path, "write")?;
        file.seek(SeekFrom::End(0)).at(path, "write")?;
        let mut last: Vec<String> = Vec::new();
        for (index, line) in text[..whole].lines().enumerate() {
            if let Entry::Run(_) = parse_line((path, index + 1), line)? {
                last.clear();
            }
            last.push(line.to_owned());
        }
        Ok((Self { path: path.to_path_buf(), file }, last))
    }

    /// Appends lines, each with one write. They survive the end of the process when this returns.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) when the disk is full, for instance.
    pub fn append(&mut self, lines: &[String]) -> Result<()> {
        for line in lines {
            self.file.write_all(format!("{line}\n").as_bytes()).at(&self.path, "append to")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{AgentRun, AgentSpec};
    use crate::transcript::{Header, Recorder};

    fn head(id: &str) -> String {
        let agent = AgentRun::new(AgentSpec::internlm2(Vec::new())).into();
        let (version, tools) = ("1".to_owned(), Vec::new());
        let header = Header { id: id.to_owned(), version, sandbox: None, tools, agent };
        Recorder::start(&header).expect("serializes").into_lines().remove(0)
    }

    #[test]
    fn the_last_run_comes_back_without_a_torn_line() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("t.jsonl");
        let (mut file, last) = TranscriptFile::open(&path).expect("opens");
        assert!(last.is_empty());
        let cancel = "{\"event\":{\"type\":\"cancel\"}}".to_owned();
        file.append(&[head("1"), cancel.clone(), head("2"), cancel.clone()]).expect("writes");
        let error = TranscriptFile::open(&path).expect_err("is in use").to_string();
        assert!(error.contains("found another process that writes it"), "{error}");
        file.append(&["torn".to_owned()]).expect("writes");
        drop(file);
        let whole = std::fs::read_to_string(&path).expect("reads");
        std::fs::write(&path, whole.trim_end()).expect("writes");
        let (_, last) = TranscriptFile::open(&path).expect("opens");
        assert_eq!(last, [head("2"), cancel]);
        std::fs::write(&path, "words\n").expect("writes");
        let error = TranscriptFile::open(&path).expect_err("is not a transcript").to_string();
        assert!(error.contains("line 1: ") && error.contains("expected a line of a transcript"), "{error}");
    }
}

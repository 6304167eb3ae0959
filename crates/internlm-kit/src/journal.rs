//! [`Journal`]: a file of JSON lines that is only appended to and survives a kill at any byte.
//!
//! One entry is one line. A run that is killed while it writes leaves at most a torn last line, which is cut off when
//! the journal is opened again; every entry before it counts. Two processes never write one journal: the second is
//! refused.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bad_input::BadInput;
use crate::file::{self, AtPath, FileError};

/// What an entry survives when [`Journal::append`] has returned.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Durability {
    /// The end of the process, `kill -9` included. Costs one write for each entry.
    Process,
    /// A power failure too. Costs an fsync for each entry, about a millisecond.
    Disk,
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Another process has the journal open.
    #[error("{}: found another process that writes it, expected to be the only one", path.display())]
    InUse {
        /// The file of the journal.
        path: PathBuf,
    },
    /// The file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

impl BadInput for JournalError {
    fn is_bad_input(&self) -> bool {
        match self {
            Self::InUse { .. } => true,
            Self::File(error) => error.is_bad_input(),
        }
    }
}

/// An open journal. Its lock is held until it is dropped.
///
/// ```
/// use internlm_kit::journal::{Durability, Journal};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("journal.jsonl");
/// Journal::open::<u32>(&path, Durability::Process)?.journal.append(&7)?;
/// let opened = Journal::open::<u32>(&path, Durability::Process)?;
/// assert_eq!(opened.entries, [7]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    durability: Durability,
}

/// A journal and what it held when it was opened.
#[derive(Debug)]
pub struct Opened<T> {
    /// Ready for more entries.
    pub journal: Journal,
    /// The entries so far, in order.
    pub entries: Vec<T>,
    /// Numbers, from 1, of whole lines that are not entries. Only damage to the disk or another program makes them;
    /// whether they matter is the caller's decision.
    pub damaged: Vec<usize>,
}

impl Journal {
    /// Opens or creates the journal at `path`, creating parent folders, and cuts a torn last line off.
    ///
    /// # Errors
    /// [`JournalError::InUse`] and [`JournalError::File`].
    pub fn open<T: DeserializeOwned>(
        path: impl AsRef<Path>,
        durability: Durability,
    ) -> Result<Opened<T>, JournalError> {
        let path = path.as_ref();
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            file::create_dir_all(folder)?;
        }
        let mut options = OpenOptions::new();
        let mut file =
            options.read(true).write(true).create(true).truncate(false).open(path).at(path, "open")?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::InUse { path: path.to_path_buf() }),
            Err(TryLockError::Error(source)) => return Err(FileError::new(path, "lock", source).into()),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).at(path, "read")?;
        let lines = Lines::parse(&bytes);
        if lines.whole < bytes.len() {
            tracing::info!("{}: cut a torn line of {} bytes", path.display(), bytes.len() - lines.whole);
            file.set_len(lines.whole as u64).at(path, "write")?;
        }
        file.seek(SeekFrom::End(0)).at(path, "write")?;
        let journal = Self { path: path.to_path_buf(), file, durability };
        Ok(Opened { journal, entries: lines.entries, damaged: lines.damaged })
    }

    /// Adds one entry with one write.
    ///
    /// # Errors
    /// [`FileError`]: the disk is full, or the entry is not plain data.
    pub fn append<T: Serialize + ?Sized>(&mut self, entry: &T) -> Result<(), FileError> {
        let written =
            line(entry).and_then(|line| self.file.write_all(&line)).and_then(|()| match self.durability {
                Durability::Process => Ok(()),
                Durability::Disk => self.file.sync_data(),
            });
        written.at(&self.path, "append to")
    }

    /// Makes everything appended so far survive a power failure.
    ///
    /// # Errors
    /// [`FileError`] naming the journal.
    pub fn sync(&self) -> Result<(), FileError> {
        self.file.sync_all().at(&self.path, "sync")
    }

    /// Forgets all entries; the file stays, empty.
    ///
    /// # Errors
    /// [`FileError`] naming the journal.
    pub fn clear(&mut self) -> Result<(), FileError> {
        let cleared = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)).map(drop));
        cleared.at(&self.path, "write")
    }

    /// Deletes the file: its run is complete and written elsewhere.
    ///
    /// # Errors
    /// [`FileError`] naming the journal.
    pub fn remove(self) -> Result<(), FileError> {
        fs::remove_file(&self.path).at(&self.path, "remove")
    }

    /// Where the journal is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The entries of a journal that somebody else may be writing; lines that are torn or not entries are left out, and a
/// file that does not exist has none.
///
/// # Errors
/// [`FileError`]: the file exists and cannot be read.
pub fn read<T: DeserializeOwned>(path: impl AsRef<Path>) -> Result<Vec<T>, FileError> {
    match file::read(path) {
        Ok(bytes) => Ok(Lines::parse(&bytes).entries),
        Err(error) if error.source.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// `entry` as one line of JSON with its line end: what a journal and every JSON-lines file of the workspace holds.
///
/// # Errors
/// The entry is not plain data, for instance a map whose keys are not strings.
pub fn line<T: Serialize + ?Sized>(entry: &T) -> std::io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    Ok(line)
}

/// The content of a journal.
struct Lines<T> {
    entries: Vec<T>,
    damaged: Vec<usize>,
    /// Bytes up to the end of the last whole line.
    whole: usize,
}

impl<T: DeserializeOwned> Lines<T> {
    fn parse(bytes: &[u8]) -> Self {
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let mut lines = Self { entries: Vec::new(), damaged: Vec::new(), whole };
        for (index, text) in bytes[..whole].split(|byte| *byte == b'\n').enumerate() {
            match serde_json::from_slice(text) {
                Ok(entry) => lines.entries.push(entry),
                // An empty line is what older versions put behind a torn one.
                Err(_) if text.is_empty() => {}
                Err(_) => lines.damaged.push(index + 1),
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path) -> Opened<String> {
        Journal::open(path, Durability::Process).expect("opens")
    }

    #[test]
    fn a_cut_at_any_byte_loses_at_most_the_last_entry_and_the_rest_is_written_again() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("new/journal.jsonl");
        let entries: Vec<String> = (0..5).map(|index| "ä\n\"".repeat(index)).collect();
        let mut opened = open(&path);
        for entry in &entries {
            opened.journal.append(entry).expect("appends");
        }
        drop(opened);
        let whole = fs::read(&path).expect("reads");
        for cut in 0..=whole.len() {
            fs::write(&path, &whole[..cut]).expect("writes");
            let mut opened = open(&path);
            let lines = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(
                (opened.entries.as_slice(), opened.damaged.len()),
                (&entries[..lines], 0),
                "cut at {cut}"
            );
            for entry in &entries[lines..] {
                opened.journal.append(entry).expect("appends");
            }
            drop(opened);
            assert_eq!(fs::read(&path).expect("reads"), whole, "cut at {cut}");
        }
    }

    #[test]
    fn damage_is_told_by_line_and_costs_only_that_line() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("journal.jsonl");
        fs::write(&path, "\"a\"\n\n{\"b\"\n\"c\"\n").expect("writes");
        let opened = open(&path);
        assert_eq!((opened.entries, opened.damaged), (vec!["a".to_owned(), "c".to_owned()], vec![3]));
    }

    #[test]
    fn a_second_writer_is_refused_and_a_reader_is_not() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("journal.jsonl");
        assert!(read::<String>(&path).expect("no file, no entries").is_empty());
        let mut first = open(&path);
        first.journal.append("a").expect("appends");
        let error = Journal::open::<String>(&path, Durability::Disk).expect_err("locked");
        assert!(error.is_bad_input() && error.to_string().contains("another process"), "{error}");
        assert_eq!(read::<String>(&path).expect("reads"), ["a"]);
    }

    #[test]
    fn a_cleared_journal_starts_afresh_and_a_removed_one_is_gone() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("journal.jsonl");
        let mut opened = Journal::open::<String>(&path, Durability::Disk).expect("opens");
        opened.journal.append("a").expect("appends");
        opened.journal.clear().expect("clears");
        opened.journal.append("b").expect("appends");
        drop(opened);
        let opened = open(&path);
        assert_eq!(opened.entries, ["b"]);
        opened.journal.remove().expect("removes");
        assert!(!path.exists());
    }
}

//! [`Journal`]: a file of JSON lines that is only appended to and survives a kill at any byte.
//!
//! One entry is one line. A run that is killed while it writes leaves at most a torn last line, which is cut off when
//! the journal is opened again; every entry before it counts. Two processes never write one journal: the second is
//! refused.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bad_input::BadInput;
use crate::file::{self, AtPath, FileError, Lock, Locked};

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
    file: Locked,
    durability: Durability,
    /// Bytes of the whole lines.
    length: u64,
    tail: Tail,
}

/// What follows the whole lines in the file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Tail {
    Nothing,
    /// Bytes of an entry whose writing failed.
    Torn,
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
            file::create_folders(folder).at(folder, "create the folder")?;
        }
        let mut file = claim(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).at(path, "read")?;
        let lines = Lines::parse(&bytes);
        if lines.whole < bytes.len() {
            tracing::info!("{}: cut a torn line of {} bytes", path.display(), bytes.len() - lines.whole);
            file.set_len(lines.whole as u64).at(path, "write")?;
        }
        if bytes.is_empty() {
            // It may be new: then its name has to survive as well.
            file::sync_parent(path).at(path, "sync the folder of")?;
        }
        let length = file.seek(SeekFrom::End(0)).at(path, "write")?;
        let journal = Self { path: path.to_path_buf(), file, durability, length, tail: Tail::Nothing };
        Ok(Opened { journal, entries: lines.entries, damaged: lines.damaged })
    }

    /// Adds one entry with one write. After an error the entry is not in the journal, which can be used further.
    ///
    /// # Errors
    /// [`FileError`]: the disk is full, or the entry is not plain data.
    pub fn append<T: Serialize + ?Sized>(&mut self, entry: &T) -> Result<(), FileError> {
        line(entry).and_then(|line| self.write(&line)).at(&self.path, "append to")
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if self.tail == Tail::Torn {
            self.file.set_len(self.length)?;
            self.file.seek(SeekFrom::Start(self.length))?;
        }
        self.tail = Tail::Torn;
        self.file.write_all(line)?;
        if self.durability == Durability::Disk {
            self.file.sync_data()?;
        }
        self.length += line.len() as u64;
        self.tail = Tail::Nothing;
        Ok(())
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
        let cleared = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
        self.length = cleared.at(&self.path, "write")?;
        self.tail = Tail::Nothing;
        Ok(())
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

/// Opens or creates the file at `path` and locks it.
fn claim(path: &Path) -> Result<Locked, JournalError> {
    loop {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(path).at(path, "open")?;
        match file::try_lock(file, path).at(path, "lock")? {
            Lock::Held(file) => return Ok(file),
            Lock::Taken => return Err(JournalError::InUse { path: path.to_path_buf() }),
            // Its writer removed it between our opening and locking.
            Lock::Moved => {}
        }
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
        Err(error) if error.source.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// `entry` as one line of JSON with its line end: what a journal and every JSON-lines file of the workspace holds.
///
/// # Errors
/// The entry is not plain data, for instance a map whose keys are not strings.
pub fn line<T: Serialize + ?Sized>(entry: &T) -> io::Result<Vec<u8>> {
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
                // An empty line is what older versions put after a torn one.
                Err(_) if text.is_empty() => {}
                Err(_) => lines.damaged.push(index + 1),
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests;

//! [`Journal`]: which units are done, so that a killed run resumes where it stopped.
//!
//! `work/manifest.jsonl` gets one line per finished unit, after its files have their final names. A line that was
//! cut by a kill is ignored. A unit counts as done when its key is the same and its files still have their hashes.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::share::Share;
use super::unit::{Unit, UnitRecord};
use crate::run_folder::RunFolder;
use crate::{Error, Result};

/// The finished units of an output folder.
#[derive(Debug)]
pub(super) struct Journal {
    folder: RunFolder,
    path: PathBuf,
    known: BTreeMap<(String, usize), UnitRecord>,
    file: Mutex<File>,
}

impl Journal {
    /// Opens the journal of `folder`, created when absent, and takes over what workers have done.
    pub(super) fn open(folder: &RunFolder) -> Result<Self> {
        let main = Self::open_file(folder, folder.journal())?;
        for path in worker_journals(folder)? {
            for record in read_records(&path) {
                main.append(&record)?;
            }
            fs::remove_file(&path).map_err(Error::io(&path, "write"))?;
        }
        Self::open_file(folder, folder.journal())
    }

    /// Opens the journal of one worker; reads what is known in the folder, so that nothing is done twice.
    pub(super) fn open_share(folder: &RunFolder, share: Share) -> Result<Self> {
        let mut own = Self::open_file(folder, folder.worker_journal(share.rank(), share.world()))?;
        for path in worker_journals(folder)?.into_iter().chain([folder.journal()]) {
            for record in read_records(&path) {
                own.known.entry((record.segment.clone(), record.unit)).or_insert(record);
            }
        }
        Ok(own)
    }

    fn open_file(folder: &RunFolder, path: PathBuf) -> Result<Self> {
        let work = folder.work();
        fs::create_dir_all(&work).map_err(Error::io(&work, "write"))?;
        let records = read_records(&path).into_iter();
        let known = records.map(|record| ((record.segment.clone(), record.unit), record)).collect();
        let mut file =
            OpenOptions::new().create(true).append(true).open(&path).map_err(Error::io(&path, "write"))?;
        // Ends a line that a kill cut, so that the next record has a line of its own.
        if fs::read(&path).is_ok_and(|text| !text.is_empty() && !text.ends_with(b"\n")) {
            file.write_all(b"\n").map_err(Error::io(&path, "write"))?;
        }
        Ok(Self { folder: folder.clone(), path, known, file: Mutex::new(file) })
    }

    /// The record of a unit that needs no work.
    pub(super) fn finished(&self, unit: &Unit) -> Option<&UnitRecord> {
        let record = self.known.get(&(unit.segment.clone(), unit.index))?;
        let intact = || record.outputs.iter().all(|output| output.is_intact(&self.folder));
        (record.key == unit.key && intact()).then_some(record)
    }

    /// Appends a finished unit, durably.
    pub(super) fn append(&self, record: &UnitRecord) -> Result<()> {
        let mut line =
            serde_json::to_vec(record).map_err(|error| Error::io(&self.path, "write")(error.into()))?;
        line.push(b'\n');
        // A poisoned lock means that another unit panicked between two whole lines: the file is still good.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&line).and_then(|()| file.sync_data()).map_err(Error::io(&self.path, "write"))
    }
}

/// The whole lines of a journal; none when there is no file.
fn read_records(path: &Path) -> Vec<UnitRecord> {
    let text = fs::read(path).unwrap_or_default();
    text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

/// Journals of workers, sorted.
fn worker_journals(folder: &RunFolder) -> Result<Vec<PathBuf>> {
    let work = folder.work();
    let mut paths = Vec::new();
    for entry in fs::read_dir(&work).map_err(Error::io(&work, "list"))? {
        let path = entry.map_err(Error::io(&work, "list"))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if RunFolder::is_worker_journal(&name) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests;

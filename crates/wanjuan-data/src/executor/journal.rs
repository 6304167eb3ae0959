//! [`Journal`]: which units are done, so that a killed run resumes where it stopped.
//!
//! `work/manifest.jsonl` gets one line per finished unit, after its files have their final names. A unit counts as done
//! when its key is the same and its files still have their hashes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use internlm_kit::journal::{self, Durability, Opened};

use super::share::Share;
use super::unit::{Unit, UnitRecord};
use crate::Result;
use crate::listing::sorted_entries;
use crate::run_folder::RunFolder;

/// The finished units of an output folder. Other processes are refused while it is open.
#[derive(Debug)]
pub(super) struct Journal {
    folder: RunFolder,
    known: BTreeMap<(String, usize), UnitRecord>,
    file: Mutex<journal::Journal>,
}

impl Journal {
    /// Opens the journal of `folder`, created when absent, and takes over what workers have done.
    pub(super) fn open(folder: &RunFolder) -> Result<Self> {
        let mut main = Self::open_file(folder, folder.journal())?;
        for path in worker_journals(folder)? {
            // Opened and not only read: a worker that still runs must not lose its journal.
            let worker = journal::Journal::open::<UnitRecord>(path, Durability::Disk)?;
            for record in worker.entries {
                main.append(&record)?;
                main.know(record);
            }
            worker.journal.remove()?;
        }
        Ok(main)
    }

    /// Opens the journal of one worker; reads what is known in the folder, so that nothing is done twice.
    pub(super) fn open_share(folder: &RunFolder, share: Share) -> Result<Self> {
        let mut own = Self::open_file(folder, folder.worker_journal(share.rank(), share.world()))?;
        for path in worker_journals(folder)?.into_iter().chain([folder.journal()]) {
            for record in journal::read::<UnitRecord>(path)? {
                own.known.entry((record.segment.clone(), record.unit)).or_insert(record);
            }
        }
        Ok(own)
    }

    fn open_file(folder: &RunFolder, path: PathBuf) -> Result<Self> {
        // Lines that are not records cost only their units, which are done again.
        let Opened { journal, entries, .. } = journal::Journal::open(path, Durability::Disk)?;
        let mut own = Self { folder: folder.clone(), known: BTreeMap::new(), file: Mutex::new(journal) };
        entries.into_iter().for_each(|record| own.know(record));
        Ok(own)
    }

    fn know(&mut self, record: UnitRecord) {
        self.known.insert((record.segment.clone(), record.unit), record);
    }

    /// Forgets all units, so that everything is done again.
    pub(super) fn clear(&mut self) -> Result<()> {
        self.known.clear();
        Ok(self.file.get_mut().unwrap_or_else(PoisonError::into_inner).clear()?)
    }

    /// The record of a unit that needs no work.
    pub(super) fn finished(&self, unit: &Unit) -> Option<&UnitRecord> {
        let record = self.known.get(&(unit.segment.clone(), unit.index))?;
        let intact = || record.outputs.iter().all(|output| output.is_intact(&self.folder));
        (record.key == unit.key && intact()).then_some(record)
    }

    /// Appends a finished unit, durably.
    pub(super) fn append(&self, record: &UnitRecord) -> Result<()> {
        // A poisoned lock means that another unit panicked between two whole lines: the file is still good.
        Ok(self.file.lock().unwrap_or_else(PoisonError::into_inner).append(record)?)
    }
}

/// Journals of workers, sorted.
fn worker_journals(folder: &RunFolder) -> Result<Vec<PathBuf>> {
    let mut paths = sorted_entries(&folder.work())?;
    paths.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        RunFolder::is_worker_journal(&name)
    });
    Ok(paths)
}

#[cfg(test)]
mod tests;

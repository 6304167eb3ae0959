//! [`Manifest`]: which units are done, so that a killed run goes on where it stopped.
//!
//! `work/manifest.jsonl` gets one line per finished unit, after its files have their final names. A line that
//! was cut by a kill is ignored. A unit counts as done when its key (settings, input hashes, version) is the
//! same and its files still have their hashes.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use internlm_kit::atomic;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::shards::Share;
use crate::{Error, Result};

/// One output file.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Artifact {
    /// Path below the output folder.
    pub path: PathBuf,
    /// Bytes.
    pub bytes: u64,
    /// Lower-case hexadecimal sha256.
    pub sha256: String,
}

impl Artifact {
    /// Hashes `path`, which lies below `root`.
    ///
    /// # Errors
    /// Any I/O error of reading.
    pub fn of(root: &Path, path: &Path) -> Result<Self> {
        let full = root.join(path);
        let bytes = fs::metadata(&full).map_err(Error::io(&full, "read"))?.len();
        let sha256 = atomic::sha256_file(&full).map_err(Error::io(&full, "read"))?;
        let path = path.strip_prefix(root).unwrap_or(path).to_path_buf();
        Ok(Self { path, bytes, sha256 })
    }

    /// Whether the file is there with the right size.
    #[must_use]
    pub fn is_present(&self, root: &Path) -> bool {
        fs::metadata(root.join(&self.path)).is_ok_and(|metadata| metadata.len() == self.bytes)
    }

    /// Whether the file is there with the right content.
    #[must_use]
    pub fn is_intact(&self, root: &Path) -> bool {
        self.is_present(root)
            && atomic::sha256_file(&root.join(&self.path)).is_ok_and(|hash| hash == self.sha256)
    }
}

/// A finished unit.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct UnitRecord {
    /// Segment it belongs to.
    pub segment: String,
    /// Number inside the segment.
    pub unit: usize,
    /// Hash of everything it depends on.
    pub key: String,
    /// Its files, the main output first.
    pub outputs: Vec<Artifact>,
    /// Its numbers.
    pub report: Value,
    /// Wall-clock seconds.
    pub seconds: f64,
}

/// The units of an output folder.
#[derive(Debug)]
pub struct Manifest {
    root: PathBuf,
    path: PathBuf,
    known: BTreeMap<(String, usize), UnitRecord>,
    file: Mutex<File>,
}

impl Manifest {
    /// Opens `root/work/manifest.jsonl`, created when absent, and takes over what shares have done.
    ///
    /// # Errors
    /// Any I/O error.
    pub fn open(root: &Path) -> Result<Self> {
        let main = Self::open_file(root, "manifest.jsonl")?;
        for path in share_manifests(root)? {
            let records = read_records(&path);
            for record in &records {
                main.append(record)?;
            }
            fs::remove_file(&path).map_err(Error::io(&path, "write"))?;
        }
        Self::open_file(root, "manifest.jsonl")
    }

    /// Opens the manifest of one worker; reads what is known in the folder, so that nothing is done twice.
    ///
    /// # Errors
    /// Any I/O error.
    pub fn open_share(root: &Path, share: Share) -> Result<Self> {
        let mut own = Self::open_file(root, &format!("manifest-{}-of-{}.jsonl", share.rank, share.world))?;
        for path in share_manifests(root)?.into_iter().chain([root.join("work/manifest.jsonl")]) {
            for record in read_records(&path) {
                own.known.entry((record.segment.clone(), record.unit)).or_insert(record);
            }
        }
        Ok(own)
    }

    fn open_file(root: &Path, name: &str) -> Result<Self> {
        let path = root.join("work").join(name);
        fs::create_dir_all(root.join("work")).map_err(Error::io(root, "write"))?;
        let records = read_records(&path).into_iter();
        let known = records.map(|record| ((record.segment.clone(), record.unit), record)).collect();
        let mut file =
            OpenOptions::new().create(true).append(true).open(&path).map_err(Error::io(&path, "write"))?;
        if fs::read(&path).is_ok_and(|text| !text.is_empty() && !text.ends_with(b"\n")) {
            file.write_all(b"\n").map_err(Error::io(&path, "write"))?;
        }
        Ok(Self { root: root.to_path_buf(), path, known, file: Mutex::new(file) })
    }

    /// The record of a unit that needs no work.
    #[must_use]
    pub fn finished(&self, segment: &str, unit: usize, key: &str) -> Option<&UnitRecord> {
        let record = self.known.get(&(segment.to_owned(), unit))?;
        let intact = || record.outputs.iter().all(|output| output.is_intact(&self.root));
        (record.key == key && intact()).then_some(record)
    }

    /// Appends a finished unit, durably.
    ///
    /// # Errors
    /// Any I/O error of writing.
    pub fn append(&self, record: &UnitRecord) -> Result<()> {
        let mut line =
            serde_json::to_vec(record).map_err(|error| Error::io(&self.path, "write")(error.into()))?;
        line.push(b'\n');
        // A poisoned lock means that another unit panicked between two whole lines: the file is still good.
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        file.write_all(&line).and_then(|()| file.sync_data()).map_err(Error::io(&self.path, "write"))
    }
}

/// The whole lines of a manifest; none when there is no file.
fn read_records(path: &Path) -> Vec<UnitRecord> {
    let text = fs::read(path).unwrap_or_default();
    text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

/// Manifests of workers, sorted.
fn share_manifests(root: &Path) -> Result<Vec<PathBuf>> {
    let folder = root.join("work");
    let mut paths = Vec::new();
    for entry in fs::read_dir(&folder).map_err(Error::io(&folder, "list"))? {
        let path = entry.map_err(Error::io(&folder, "list"))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("manifest-") && name.ends_with(".jsonl") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

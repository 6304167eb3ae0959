//! Checks a user's data folders against the manifest, and finds files by their hashes.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use internlm_kit::file::{AtPath, AtomicFile, files_below};
use internlm_kit::hash::{sha256, sha256_file};

use super::manifest::{DataFile, data_files};
use super::{Catalog, CatalogEntry};
use crate::Result;

/// What is in a user's folders in the place of a known file.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DataState {
    /// No file has this name.
    Absent,
    /// The file, byte for byte.
    Same(PathBuf),
    /// A file with other bytes.
    Different {
        /// Path of the other file.
        path: PathBuf,
        /// The sha256 of what is there.
        sha256: String,
    },
}

/// A known file with what is in its place.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct DataCheck {
    /// The file of the manifest.
    pub file: &'static DataFile,
    /// What was found in its place.
    pub state: DataState,
}

/// Looks every known file up in `folders` and checks its content. The first folder that has it counts, as in a run.
///
/// # Errors
/// [`Error::File`](crate::Error::File) when a file cannot be read.
pub fn verify_data(folders: &[impl AsRef<Path>]) -> Result<Vec<DataCheck>> {
    data_files().iter().map(|file| Ok(DataCheck { file, state: state(file, folders)? })).collect()
}

fn state(file: &DataFile, folders: &[impl AsRef<Path>]) -> Result<DataState> {
    let place = |folder: &Path| folder.join(file.path.trim_end_matches('/'));
    let is_there = |path: &PathBuf| if file.is_folder() { path.is_dir() } else { path.is_file() };
    let found = folders.iter().map(|folder| place(folder.as_ref())).find(is_there);
    let Some(path) = found else { return Ok(DataState::Absent) };
    let hash = if file.is_folder() { folder_hash(&path)? } else { sha256_file(&path)? };
    Ok(if hash == file.sha256 { DataState::Same(path) } else { DataState::Different { path, sha256: hash } })
}

/// The sha256 of the lines `sha256  name` of a folder's files, sorted by name.
fn folder_hash(folder: &Path) -> Result<String> {
    let mut lines = String::new();
    for path in files_below(folder)? {
        let name = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
        lines.push_str(&format!("{}  {name}\n", sha256_file(&path)?));
    }
    Ok(sha256(&lines))
}

/// A file that was recognized and copied.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct AddedFile {
    /// The file of the manifest.
    pub file: &'static DataFile,
    /// Where the bytes were found, under any name.
    pub from: PathBuf,
    /// Where they are now. Equal to `from` if the file was in its place already.
    pub to: PathBuf,
}

/// Finds known files below `from` by their hashes, whatever their names are, and copies them to their places below
/// `to`. Files of the same bytes are left as they are; a different file in a place is replaced.
///
/// # Errors
/// [`Error::File`](crate::Error::File) when a file cannot be read or written; files before it stay added.
pub fn add_data(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<Vec<AddedFile>> {
    let to = to.as_ref();
    let mut added = Vec::new();
    for path in files_below(from.as_ref())? {
        let bytes = fs::metadata(&path).at(&path, "read")?.len();
        let mut known =
            data_files().iter().filter(|file| file.bytes == bytes && !file.is_folder()).peekable();
        if known.peek().is_none() {
            continue;
        }
        let hash = sha256_file(&path)?;
        for file in known.filter(|file| file.sha256 == hash) {
            added.push(add(file, &path, &to.join(file.path))?);
        }
    }
    Ok(added)
}

fn add(file: &'static DataFile, from: &Path, to: &Path) -> Result<AddedFile> {
    let is_same = to.is_file() && sha256_file(to)? == file.sha256;
    if !is_same {
        let mut source = File::open(from).at(from, "read")?;
        let mut target = AtomicFile::create(to)?;
        io::copy(&mut source, &mut target).at(to, "write")?;
        target.commit()?;
    }
    Ok(AddedFile { file, from: from.to_path_buf(), to: to.to_path_buf() })
}

/// Returns the names of the datasets that need each file, by its path without the member of an archive.
///
/// # Errors
/// [`Error::Config`](crate::Error::Config) of a dataset file.
pub fn sets_by_file(catalog: &Catalog) -> Result<BTreeMap<String, Vec<String>>> {
    let mut needed: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for set in
        catalog.entries().map(CatalogEntry::datasets).collect::<Result<Vec<_>>>()?.into_iter().flatten()
    {
        for name in set.source.files.iter().chain(&set.source.train_files) {
            let path = name.split('!').next().unwrap_or_default().to_owned();
            let sets = needed.entry(path).or_default();
            if sets.last() != Some(&set.name) {
                sets.push(set.name.clone());
            }
        }
    }
    Ok(needed)
}

//! [`replace_folder`]: a folder that appears whole.
//!
//! The new folder of `hf` is filled as `.hf.replacing/new` in the same parent folder, and the old one waits as
//! `.hf.replacing/old` while the new one gets its name. The file [`MARK`] in `.hf.replacing` says who made it, and
//! its lock that somebody works in it.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::lock::{Lock, Locked, try_lock};
use super::target::{follow, parent};
use super::{AtPath, FileError, create_folders, remove_dir_all, sync_parent};

/// A staging folder with other content and without this file belongs to the user and is not touched.
const MARK: &str = "replace_folder.lock";
/// Attempts to open a staging folder that others remove at the same time.
const ATTEMPTS: usize = 100;

/// Lets `fill` write into a new folder and puts that in the place of `target`.
///
/// A reader never sees half of the files. When `fill` fails, `target` stays as it was. What a killed run leaves is
/// restored or removed by the next call. A symbolic link is followed: the folder that it names is replaced and the
/// link stays.
///
/// # Errors
/// What `fill` returns, and [`FileError`] when the folder cannot be created or renamed, when `target` is not a folder,
/// or when somebody else is replacing it.
///
/// ```
/// use internlm_kit::file::{self, FileError};
///
/// let folder = tempfile::tempdir()?;
/// let model = folder.path().join("hf");
/// file::replace_folder(&model, |new| file::write(new.join("config.json"), "{}"))?;
/// assert!(model.join("config.json").is_file());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn replace_folder<E: From<FileError>>(
    target: impl AsRef<Path>,
    fill: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let target = target.as_ref();
    let staging = resolve(target).and_then(Staging::claim).at(target, "replace")?;
    staging.prepare()?;
    fill(&staging.new_folder())?;
    Ok(staging.swap()?)
}

/// The folder that `path` means: without links, and without a slash at its end.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut target = follow(&path.components().collect::<PathBuf>())?;
    if target.file_name().is_none() {
        // `.` and `..` have names, too.
        target = fs::canonicalize(target)?;
    }
    if target.file_name().is_none() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "found no name, expected that of a folder"));
    }
    match fs::metadata(&target) {
        Ok(metadata) if !metadata.is_dir() => Err(io::ErrorKind::NotADirectory.into()),
        Ok(_) => Ok(target),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(target),
        Err(error) => Err(error),
    }
}

/// `.NAME.replacing` next to the folder `NAME`; removed when dropped.
struct Staging {
    target: PathBuf,
    folder: PathBuf,
    /// Keeps the lock until the folder is removed.
    _mark: Locked,
}

impl Staging {
    fn claim(target: PathBuf) -> io::Result<Self> {
        let mut name = OsString::from(".");
        name.push(target.file_name().unwrap_or_default());
        name.push(".replacing");
        let folder = target.with_file_name(name);
        if let Some(parent) = parent(&target) {
            create_folders(parent)?;
        }
        for _ in 0..ATTEMPTS {
            match open_mark(&folder) {
                Ok(Some(mark)) => return Ok(Self { target, folder, _mark: mark }),
                Ok(None) => {}
                // Its last user has removed it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Err(busy())
    }

    fn new_folder(&self) -> PathBuf {
        self.folder.join("new")
    }

    fn old_folder(&self) -> PathBuf {
        self.folder.join("old")
    }

    /// Restores or removes what a killed run left, and creates the new folder.
    fn prepare(&self) -> Result<(), FileError> {
        self.clear()?;
        let new = self.new_folder();
        fs::create_dir(&new).at(&new, "create the folder")
    }

    fn clear(&self) -> Result<(), FileError> {
        let old = self.old_folder();
        if old.exists() && !self.target.exists() {
            // Stopped between the two renames of `swap`.
            fs::rename(&old, &self.target).at(&self.target, "rename to")?;
        }
        remove_dir_all(self.new_folder())?;
        remove_dir_all(old)
    }

    fn swap(self) -> Result<(), FileError> {
        let target = &self.target;
        if target.exists() {
            fs::rename(target, self.old_folder()).at(target, "rename")?;
        }
        fs::rename(self.new_folder(), target).at(target, "rename to")?;
        sync_parent(target).at(target, "sync")?;
        remove_dir_all(self.old_folder())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What cannot be restored or removed here is left to the next call.
        if self.clear().is_ok() {
            let _ = fs::remove_file(self.folder.join(MARK));
            let _ = fs::remove_dir(&self.folder);
        }
    }
}

/// Creates and locks the mark of the staging folder; `None` when another user removed it at the same time.
fn open_mark(folder: &Path) -> io::Result<Option<Locked>> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let names: Vec<OsString> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<_>>()?;
    if !names.is_empty() && !names.iter().any(|name| name == MARK) {
        let text = format!(
            "found {} with files of somebody else, expected a name that is free; rename it",
            folder.display()
        );
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
    }
    let path = folder.join(MARK);
    let mark = OpenOptions::new().write(true).create(true).truncate(false).open(&path)?;
    match try_lock(mark, &path)? {
        Lock::Held(mark) => Ok(Some(mark)),
        Lock::Taken => Err(busy()),
        Lock::Moved => Ok(None),
    }
}

fn busy() -> io::Error {
    io::Error::new(
        io::ErrorKind::ResourceBusy,
        "found somebody else who replaces it, expected to be the only one",
    )
}

#[cfg(test)]
mod tests;

//! [`Temporary`]: a file under another name that only its writer has.
//!
//! `NAME.tmp` is locked while it is written. A second writer of the same target finds the lock and takes
//! `NAME.1.tmp`; what a killed writer left has no lock and is used again, so leftovers do not pile up.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::lock::{Lock, Locked, try_lock};

/// Number of writers of one target at the same time before the next one gives up.
const WRITERS: usize = 1000;

/// An open, locked, empty file in the folder of `target`; removed when dropped before it was renamed.
#[derive(Debug)]
pub(super) struct Temporary {
    file: Locked,
    path: PathBuf,
    renamed: bool,
}

impl Temporary {
    /// Creates one in the folder of `target`.
    pub(super) fn next_to(target: &Path) -> io::Result<Self> {
        for number in 0..WRITERS {
            let path = name(target, number);
            if let Some(file) = claim(&path)? {
                return Ok(Self { file, path, renamed: false });
            }
        }
        Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            format!("found {WRITERS} other writers of this file"),
        ))
    }

    pub(super) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Makes the content durable and gives it the name `target`.
    pub(super) fn rename(mut self, target: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, target)?;
        self.renamed = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed {
            // Nothing can be done about a failure here, and the next writer uses the file again.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn name(target: &Path, number: usize) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(if number == 0 { ".tmp".to_owned() } else { format!(".{number}.tmp") });
    name.into()
}

/// Opens and locks `path`; `None` when another writer has it.
fn claim(path: &Path) -> io::Result<Option<Locked>> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    let Lock::Held(file) = try_lock(file, path)? else { return Ok(None) };
    file.set_len(0)?;
    Ok(Some(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_writers_never_share_a_name_and_leftovers_are_used_again() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let target = folder.path().join("a");
        fs::write(folder.path().join("a.tmp"), "left by a killed writer").expect("writes");
        let first = Temporary::next_to(&target).expect("first");
        let second = Temporary::next_to(&target).expect("second");
        assert_eq!(first.path, folder.path().join("a.tmp"));
        assert_eq!(second.path, folder.path().join("a.1.tmp"));
        assert_eq!(fs::metadata(&first.path).expect("is there").len(), 0);
        drop((first, second));
        assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), 0);
    }
}

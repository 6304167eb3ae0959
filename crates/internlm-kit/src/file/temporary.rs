//! [`Temporary`]: a file under another name that only its writer has.
//!
//! `NAME.tmp` is locked while it is written. A second writer of the same target finds the lock and takes
//! `NAME.1.tmp`; what a killed writer left has no lock and is used again, so leftovers do not pile up.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Number of writers of one target at the same time before the next one gives up.
const WRITERS: usize = 1000;

/// An open, locked, empty file beside `target`; removed when dropped before it was renamed.
#[derive(Debug)]
pub(super) struct Temporary {
    file: File,
    path: PathBuf,
    renamed: bool,
}

impl Temporary {
    /// Creates one in the folder of `target`.
    pub(super) fn beside(target: &Path) -> io::Result<Self> {
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
fn claim(path: &Path) -> io::Result<Option<File>> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // Between opening and locking, the writer before may have renamed or removed the file: then the lock is on
    // something that no longer has this name.
    match fs::metadata(path) {
        Ok(named) if same(&named, &file.metadata()?) => {}
        _ => return Ok(None),
    }
    file.set_len(0)?;
    Ok(Some(file))
}

fn same(left: &fs::Metadata, right: &fs::Metadata) -> bool {
    (left.dev(), left.ino()) == (right.dev(), right.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_writers_never_share_a_name_and_leftovers_are_used_again() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let target = folder.path().join("a");
        fs::write(folder.path().join("a.tmp"), "left by a killed writer").expect("writes");
        let first = Temporary::beside(&target).expect("first");
        let second = Temporary::beside(&target).expect("second");
        assert_eq!(first.path, folder.path().join("a.tmp"));
        assert_eq!(second.path, folder.path().join("a.1.tmp"));
        assert_eq!(fs::metadata(&first.path).expect("is there").len(), 0);
        drop((first, second));
        assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), 0);
    }
}

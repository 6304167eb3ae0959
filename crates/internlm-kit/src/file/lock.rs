//! [`try_lock`]: the right to write a file, as long as its path still names it.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The result of an attempt to lock a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Lock {
    /// The lock is ours until the file is closed.
    Held,
    /// Somebody else has the lock.
    Taken,
    /// The path names another file by now, or none. Open it again.
    Moved,
}

/// Locks `file`, which was opened at `path`, without waiting.
pub(crate) fn try_lock(file: &File, path: &Path) -> io::Result<Lock> {
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Lock::Taken),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // Between opening and locking, the writer before may have renamed or removed the file: then the lock is on
    // something that no longer has this name.
    let own = file.metadata()?;
    let same = fs::metadata(path).is_ok_and(|named| (named.dev(), named.ino()) == (own.dev(), own.ino()));
    Ok(if same { Lock::Held } else { Lock::Moved })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_lost_its_name_before_it_was_locked_is_not_held() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("a");
        let opened = File::create(&path).expect("creates");
        fs::remove_file(&path).expect("removes");
        assert_eq!(try_lock(&opened, &path).expect("locks"), Lock::Moved);
        let again = File::create(&path).expect("creates");
        assert_eq!(try_lock(&opened, &path).expect("locks"), Lock::Moved);
        assert_eq!(try_lock(&again, &path).expect("locks"), Lock::Held);
        let second = File::open(&path).expect("opens");
        assert_eq!(try_lock(&second, &path).expect("asks"), Lock::Taken);
    }
}

//! [`try_lock`]: the right to write a file, as long as its path still names it.

use std::fs::{self, File, TryLockError};
use std::io;
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A locked file. It is unlocked when dropped: closing it would not do, because a child process that is just being
/// started has a copy of every open file, and with it the lock.
#[derive(Debug)]
pub(crate) struct Locked(File);

impl Deref for Locked {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl DerefMut for Locked {
    fn deref_mut(&mut self) -> &mut File {
        &mut self.0
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// The result of an attempt to lock a file.
#[derive(Debug)]
pub(crate) enum Lock {
    /// The lock is ours until this is dropped.
    Held(Locked),
    /// Somebody else has the lock.
    Taken,
    /// The path names another file by now, or none. Open it again.
    Moved,
}

/// Locks `file`, which was opened at `path`, without waiting.
pub(crate) fn try_lock(file: File, path: &Path) -> io::Result<Lock> {
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Lock::Taken),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let locked = Locked(file);
    // Between opening and locking, the writer before may have renamed or removed the file: then the lock is on
    // something that no longer has this name.
    let own = locked.metadata()?;
    let same = fs::metadata(path).is_ok_and(|named| (named.dev(), named.ino()) == (own.dev(), own.ino()));
    Ok(if same { Lock::Held(locked) } else { Lock::Moved })
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
        assert!(matches!(try_lock(opened, &path).expect("locks"), Lock::Moved));
        let again = File::create(&path).expect("creates");
        let held = try_lock(again, &path).expect("locks");
        assert!(matches!(held, Lock::Held(_)));
        let second = File::open(&path).expect("opens");
        assert!(matches!(try_lock(second, &path).expect("asks"), Lock::Taken));
    }

    #[test]
    fn a_copy_of_the_open_file_in_a_child_process_does_not_keep_the_lock() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("a");
        let Lock::Held(held) = try_lock(File::create(&path).expect("creates"), &path).expect("locks") else {
            panic!("a new file is free");
        };
        // What a fork leaves in the child until it starts its program.
        let copy = held.try_clone().expect("copies");
        drop(held);
        let again = File::open(&path).expect("opens");
        assert!(matches!(try_lock(again, &path).expect("locks"), Lock::Held(_)));
        drop(copy);
    }
}

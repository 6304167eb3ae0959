//! What a program left in its work folder: the files that were asked for, and the names of those that it changed.
//!
//! Read after its last process has died, so nothing changes meanwhile. It may have left links, pipes and devices in
//! the place of files: only regular files of its own are read.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::Task;

/// Paths listed of what changed.
const LISTED: usize = 1000;
/// Levels of folders looked into.
const DEPTH: usize = 16;

/// The input files as they were before the program ran.
#[derive(Debug, Default)]
pub(super) struct Before(BTreeMap<String, Stamp>);

/// Inode and time of the last change; a program cannot set the second one (inode(7)).
#[derive(Debug, Eq, PartialEq)]
struct Stamp(u64, i64, i64);

impl Stamp {
    fn of(found: &fs::Metadata) -> Self {
        Self(found.ino(), found.ctime(), found.ctime_nsec())
    }
}

impl Before {
    /// Looks at the input files of `task` in the folder `work`.
    pub(super) fn look(work: &Path, task: &Task) -> Self {
        let stamp = |name: &String| {
            let found = fs::symlink_metadata(work.join(name)).ok()?;
            Some((name.clone(), Stamp::of(&found)))
        };
        Self(task.files.iter().filter_map(|(name, _)| stamp(name)).collect())
    }
}

/// Paths of the files that the program made or changed, sorted.
pub(super) fn changed(work: &Path, before: &Before) -> Vec<String> {
    let mut found = Vec::new();
    list(work, "", DEPTH, &mut |path, metadata| {
        if before.0.get(path) != Some(&Stamp::of(metadata)) {
            found.push(path.to_owned());
        }
        found.len() < LISTED
    });
    found.sort_unstable();
    found
}

/// Shows every file below `folder`, without following links, until `show` says that it has enough.
fn list(
    folder: &Path,
    prefix: &str,
    depth: usize,
    show: &mut dyn FnMut(&str, &fs::Metadata) -> bool,
) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return true };
    for entry in entries.flatten() {
        let Ok(metadata) = entry.metadata() else { continue };
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let more = match (metadata.is_dir(), depth) {
            (true, 0) => true,
            (true, _) => list(&entry.path(), &format!("{path}/"), depth - 1, show),
            (false, _) => show(&path, &metadata),
        };
        if !more {
            return false;
        }
    }
    true
}

/// Whose files are collected, and up to which size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Collect {
    /// The program's user; `None` is our own.
    pub(super) user: Option<u32>,
    /// Bytes of the largest file that is read.
    pub(super) limit: u64,
}

impl Collect {
    /// The contents of the named files that are there.
    pub(super) fn files(self, work: &Path, names: &[String]) -> BTreeMap<String, Vec<u8>> {
        let named = |name: &String| Some((name.clone(), self.read(&work.join(name))?));
        names.iter().filter_map(named).collect()
    }

    /// The bytes of a regular file of the program.
    fn read(self, path: &Path) -> Option<Vec<u8>> {
        // Opening a pipe would wait for a writer.
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let mut file = OpenOptions::new().read(true).custom_flags(flags).open(path).ok()?;
        let found = file.metadata().ok()?;
        let strange = self.user.is_some_and(|user| found.uid() != user);
        if !found.is_file() || strange || found.len() > self.limit {
            return None;
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_of_the_program_are_collected() {
        let folder = tempfile::tempdir().expect("temporary folder");
        fs::write(folder.path().join("made"), "text").expect("writes");
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link")).expect("links");
        fs::create_dir(folder.path().join("folder")).expect("creates");
        let names = ["made", "link", "folder", "missing"].map(str::to_owned);
        let collect = |user, limit| Collect { user, limit }.files(folder.path(), &names);
        let found = collect(None, 4);
        assert_eq!(found, BTreeMap::from([("made".to_owned(), b"text".to_vec())]));
        let stranger = fs::metadata(folder.path()).expect("is there").uid() + 1;
        assert_eq!(collect(Some(stranger), 4), BTreeMap::new());
        assert_eq!(collect(None, 3), BTreeMap::new());
    }

    #[test]
    fn input_files_count_as_changed_only_when_they_are() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let task = Task::new("sh").file("a", "1").file("b", "1");
        for name in ["a", "b"] {
            fs::write(folder.path().join(name), "1").expect("writes");
        }
        let before = Before::look(folder.path(), &task);
        assert_eq!(changed(folder.path(), &before), Vec::<String>::new());
        std::thread::sleep(std::time::Duration::from_millis(20));
        fs::write(folder.path().join("b"), "2").expect("writes");
        fs::create_dir_all(folder.path().join("c/d")).expect("creates");
        fs::write(folder.path().join("c/d/e"), "2").expect("writes");
        assert_eq!(changed(folder.path(), &before), ["b", "c/d/e"]);
    }
}

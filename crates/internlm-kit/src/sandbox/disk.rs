//! What a run holds on the disk: its work folder, and files without a name that its processes keep alive.
//!
//! A deleted file, and one that never had a name (`O_TMPFILE`, `memfd_create`), takes room as long as a process has
//! it open or mapped, and no folder shows it. `/proc/PID/fd` and `/proc/PID/maps` do.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::process::living_threads;

/// A work folder with more entries than this counts as over its limit.
const ENTRIES: usize = 20_000;
/// Unit of `st_blocks`, whatever the file system's own blocks are (stat(2)).
const BLOCK: u64 = 512;
/// How `/proc/PID/maps` marks a file without a name.
const DELETED: &str = " (deleted)";
/// Shared memory without a file looks like this deleted file; it counts as memory.
const SHARED_MEMORY: &str = "/dev/zero (deleted)";

/// Whether the open files of every process could be looked at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Sight {
    Clear,
    /// The system refuses it for at least one process.
    Blind,
}

/// What was found at one look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    /// Bytes of the folder and of nameless files.
    pub(super) bytes: u64,
    pub(super) sight: Sight,
}

/// Looks at the work folder and at `processes`, folders of `/proc`.
pub(super) fn held(work: &Path, processes: &[PathBuf]) -> Held {
    let mut nameless = Nameless::default();
    let mut sight = Sight::Clear;
    let threads: Vec<Vec<PathBuf>> = processes.iter().map(|process| living_threads(process)).collect();
    // Threads usually share their open files, but may have their own.
    for thread in threads.iter().flatten() {
        // A thread that has just ended is not found, which is not the same as being hidden.
        if nameless.add_open(thread).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied) {
            sight = Sight::Blind;
        }
    }
    // After all that is open: a file that is also mapped has its true size by then.
    // They always share their memory.
    for thread in threads.iter().filter_map(|threads| threads.first()) {
        nameless.add_mapped(&fs::read_to_string(thread.join("maps")).unwrap_or_default());
    }
    let bytes = folder_size(work, &mut ENTRIES.clone()).saturating_add(nameless.bytes);
    Held { bytes, sight }
}

/// Files without a name, each counted once.
#[derive(Debug, Default)]
struct Nameless {
    /// Inode numbers. The devices are left out: the two files of `/proc` name them in different ways.
    seen: BTreeSet<u64>,
    bytes: u64,
}

impl Nameless {
    fn add_open(&mut self, thread: &Path) -> io::Result<()> {
        for entry in fs::read_dir(thread.join("fd"))?.flatten() {
            // Follows the link to the open file itself, not to its former name.
            let Ok(file) = fs::metadata(entry.path()) else { continue };
            if file.is_file() && file.nlink() == 0 && self.seen.insert(file.ino()) {
                self.bytes = self.bytes.saturating_add(file.blocks() * BLOCK);
            }
        }
        Ok(())
    }

    /// Adds the files that a process maps and has closed; their size is that of the mappings.
    fn add_mapped(&mut self, maps: &str) {
        let mut new = BTreeSet::new();
        for line in maps.lines().filter(|line| line.ends_with(DELETED) && !line.ends_with(SHARED_MEMORY)) {
            if let Some((inode, length)) = mapping(line).filter(|(inode, _)| !self.seen.contains(inode)) {
                self.bytes = self.bytes.saturating_add(length);
                new.insert(inode);
            }
        }
        self.seen.append(&mut new);
    }
}

/// Inode and length of a line `FIRST-LAST RIGHTS OFFSET DEVICE INODE PATH` (proc_pid_maps(5)).
fn mapping(line: &str) -> Option<(u64, u64)> {
    let mut fields = line.split_whitespace();
    let (first, last) = fields.next()?.split_once('-')?;
    let address = |text| u64::from_str_radix(text, 16).ok();
    let inode = fields.nth(3)?.parse().ok()?;
    Some((inode, address(last)?.saturating_sub(address(first)?)))
}

/// Bytes of all files below `folder`; `u64::MAX` when there are more than `entries` of them.
fn folder_size(folder: &Path, entries: &mut usize) -> u64 {
    let Ok(found) = fs::read_dir(folder) else { return 0 };
    let mut size = 0_u64;
    for entry in found.flatten() {
        if *entries == 0 {
            return u64::MAX;
        }
        *entries -= 1;
        // Does not follow symbolic links.
        let Ok(metadata) = entry.metadata() else { continue };
        let below = if metadata.is_dir() { folder_size(&entry.path(), entries) } else { metadata.len() };
        size = size.saturating_add(below);
    }
    size
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const MIB: u64 = 1 << 20;

    fn this_process() -> Vec<PathBuf> {
        vec![PathBuf::from("/proc").join(std::process::id().to_string())]
    }

    #[test]
    fn a_deleted_file_counts_as_long_as_it_is_open_and_once() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let before = held(folder.path(), &this_process());
        assert_eq!(before.sight, Sight::Clear);
        let path = folder.path().join("a");
        let mut file = fs::File::create(&path).expect("creates");
        file.write_all(&vec![b'x'; 8 << 20]).expect("writes");
        let again = file.try_clone().expect("duplicates");
        fs::remove_file(&path).expect("removes");
        let now = held(folder.path(), &this_process());
        assert!((7 * MIB..9 * MIB).contains(&(now.bytes - before.bytes)), "{now:?}");
        drop((file, again));
        assert!(held(folder.path(), &this_process()).bytes < now.bytes);
    }

    #[test]
    fn mapped_files_without_a_name_count_by_the_length_of_their_mappings() {
        let maps = "\
7e00-8e00 rw-s 00000000 fe:00 17     /tmp/k (deleted)
9e00-ae00 rw-s 00001000 fe:00 17     /tmp/k (deleted)
b000-c000 r--p 00000000 fe:00 18     /usr/lib/libc.so.6
c000-f000 rw-s 00000000 00:01 19     /dev/zero (deleted)
d000-e000 rw-p 00000000 00:00 0
";
        let mut nameless = Nameless::default();
        nameless.add_mapped(maps);
        assert_eq!(nameless.bytes, 0x2000);
        nameless.add_mapped(maps);
        assert_eq!(nameless.bytes, 0x2000, "another process maps the same file");
    }

    #[test]
    fn a_process_that_has_ended_hides_nothing() {
        let folder = tempfile::tempdir().expect("temporary folder");
        fs::write(folder.path().join("a"), [0; 100]).expect("writes");
        let found = held(folder.path(), &[PathBuf::from("/proc/0")]);
        assert_eq!((found.bytes, found.sight), (100, Sight::Clear));
    }
}

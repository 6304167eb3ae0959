//! What a run holds on the disk: its work folder, and files without a name that its processes keep alive.
//!
//! A deleted file, and one that never had a name (`O_TMPFILE`, `memfd_create`), takes room as long as a process has
//! it open or mapped, and no folder shows it. `/proc/PID/fd` and `/proc/PID/maps` do. What counts is the room on the
//! disk and not the size: a sparse file has less, and one with room set aside has more.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
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

/// What was found at one look.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    /// Bytes of the folder or of nameless files.
    pub(super) bytes: u64,
    /// Folders, and threads by their folder of `/proc`, that could not be looked into.
    pub(super) hidden: BTreeSet<PathBuf>,
}

impl Held {
    /// Both finds together.
    pub(super) fn and(mut self, mut other: Self) -> Self {
        self.hidden.append(&mut other.hidden);
        Self { bytes: self.bytes.saturating_add(other.bytes), ..self }
    }

    fn add(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

/// Looks for files without a name that `processes`, folders of `/proc`, keep alive.
pub(super) fn held_by(processes: &[PathBuf]) -> Held {
    let mut nameless = Nameless::default();
    let mut hidden = BTreeSet::new();
    let threads: Vec<Vec<PathBuf>> = processes.iter().map(|process| living_threads(process)).collect();
    // Threads usually share their open files, but may have their own.
    for thread in threads.iter().flatten() {
        // A thread that has just ended is not found, which is not the same as being hidden.
        if nameless.add_open(thread).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied) {
            hidden.insert(thread.clone());
        }
    }
    // After all that is open: a file that is also mapped has its true size by then.
    // They always share their memory.
    for thread in threads.iter().filter_map(|threads| threads.first()) {
        nameless.add_mapped(&fs::read_to_string(thread.join("maps")).unwrap_or_default());
    }
    Held { bytes: nameless.bytes, hidden }
}

/// Looks at everything below the folder `work`.
///
/// Folders are opened one from the other, without links, because a program can make paths that are longer than the
/// system takes, and replace a folder by a link at any moment.
pub(super) fn held_in(work: &Path) -> Held {
    let mut walk = Walk { held: Held::default(), entries: ENTRIES, linked: BTreeSet::new() };
    let mut way: Vec<Opened> = walk.open(work).into_iter().collect();
    while let Some(folder) = way.last_mut() {
        match folder.below.pop() {
            Some(name) => {
                let path = folder.path().join(name);
                way.extend(walk.open(&path));
            }
            None => {
                way.pop();
            }
        }
    }
    walk.held
}

/// A folder on the way down.
#[derive(Debug)]
struct Opened {
    file: File,
    /// Names of the folders in it that were not looked at yet.
    below: Vec<OsString>,
}

impl Opened {
    /// A short path, however deep the folder is.
    fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.file.as_raw_fd()))
    }
}

/// What was found on the way.
#[derive(Debug)]
struct Walk {
    held: Held,
    /// How many more entries are looked at.
    entries: usize,
    /// Inode numbers of files with several names, which count once.
    linked: BTreeSet<u64>,
}

impl Walk {
    /// Opens a folder and adds the files in it.
    fn open(&mut self, path: &Path) -> Option<Opened> {
        let flags = libc::O_DIRECTORY | libc::O_NOFOLLOW;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
        let opened = file.and_then(|file| self.add_files(Opened { file, below: Vec::new() }));
        opened.map_err(|error| self.miss(path, &error)).ok()
    }

    fn add_files(&mut self, mut folder: Opened) -> io::Result<Opened> {
        for entry in fs::read_dir(folder.path())?.flatten() {
            if self.entries == 0 {
                self.held.bytes = u64::MAX;
                break;
            }
            self.entries -= 1;
            // Does not follow symbolic links.
            match entry.metadata() {
                Ok(found) if found.is_dir() => folder.below.push(entry.file_name()),
                Ok(found) if found.nlink() > 1 && !self.linked.insert(found.ino()) => {}
                Ok(found) => self.held.add(found.blocks() * BLOCK),
                Err(error) => self.miss(&entry.path(), &error),
            }
        }
        Ok(folder)
    }

    /// Notes a folder or file that cannot be looked at.
    fn miss(&mut self, path: &Path, error: &io::Error) {
        match error.raw_os_error() {
            // It has just been removed or replaced.
            Some(libc::ENOENT | libc::ENOTDIR | libc::ELOOP) => {}
            Some(libc::EACCES | libc::EPERM) => {
                self.held.hidden.insert(path.to_path_buf());
            }
            // Deeper than files can be opened, which counts as too many entries do.
            _ => self.held.bytes = u64::MAX,
        }
    }
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
        let before = held_by(&this_process());
        assert!(before.hidden.is_empty());
        let path = folder.path().join("a");
        let mut file = fs::File::create(&path).expect("creates");
        file.write_all(&vec![b'x'; 8 << 20]).expect("writes");
        let again = file.try_clone().expect("duplicates");
        fs::remove_file(&path).expect("removes");
        let now = held_by(&this_process());
        assert!((7 * MIB..9 * MIB).contains(&(now.bytes - before.bytes)), "{now:?}");
        drop((file, again));
        assert!(held_by(&this_process()).bytes < now.bytes);
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
        let found = held_by(&[PathBuf::from("/proc/0")]);
        assert!(found.bytes == 0 && found.hidden.is_empty());
    }

    #[test]
    fn room_on_the_disk_counts_once_and_holes_do_not() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a"), vec![b'x'; 2 << 20]).expect("writes");
        fs::hard_link(path("a"), path("b")).expect("links");
        std::os::unix::fs::symlink("/usr", path("c")).expect("links");
        let sparse = File::create(path("d")).expect("creates");
        sparse.set_len(1 << 40).expect("a file with a hole");
        let found = held_in(folder.path());
        assert!((2 * MIB..3 * MIB).contains(&found.bytes), "{found:?}");
        assert_eq!(held_in(&path("no-such-folder")).bytes, 0);
    }

    #[test]
    fn files_behind_paths_that_are_too_long_are_found() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let name = "d".repeat(200);
        // No path may have more than 4096 bytes.
        let inner = (0..30).fold(File::open(folder.path()).expect("opens"), |outer, _| {
            let below = PathBuf::from(format!("/proc/self/fd/{}", outer.as_raw_fd())).join(&name);
            fs::create_dir(&below).expect("creates");
            File::open(below).expect("opens")
        });
        let file = PathBuf::from(format!("/proc/self/fd/{}", inner.as_raw_fd())).join("a");
        fs::write(file, vec![b'x'; 2 << 20]).expect("writes");
        assert!(held_in(folder.path()).bytes >= 2 * MIB);
    }
}

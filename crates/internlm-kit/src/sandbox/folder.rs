//! [`WorkFolder`]: the private folder of one run, which goes however the run ends.
//!
//! | what ends | who removes the folder |
//! |---|---|
//! | the run | this process, when the [`WorkFolder`] is dropped |
//! | this process, by any signal | the janitor, a shell that waits for the end of our pipe |
//! | the janitor as well | the next process that runs something: the lock of the folder is free |

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Once;

use tempfile::TempDir;

use super::descriptors::keep_standard_streams;
use super::search_path::PATH;
use super::user::User;
use super::{SandboxError, Task};
use crate::file::{Lock, Locked, try_lock};

/// Begins the name of every work folder, in the system's folder for temporary files.
const PREFIX: &str = "internlm-sandbox-";
/// Removes a folder that is still there when its stdin ends. The processes in it are killed at the same moment, so
/// the first attempts may meet new files.
const JANITOR: &str = "trap '' HUP INT TERM; read -r _; i=0; \
    while [ -e \"$1\" ] && [ $i -lt 50 ]; do chmod -R u+rwX -- \"$1\"; rm -rf -- \"$1\"; i=$((i+1)); \
    [ -e \"$1\" ] && sleep 0.1; done; exit 0";
/// Nobody but the owner may look into a work folder.
const PRIVATE: u32 = 0o700;
/// Name of the program's current directory.
const WORK: &str = "work";
/// What is done here, for errors.
const STEP: &str = "prepare the work folder";

/// Folders that others left behind are removed once per process.
static SWEEP: Once = Once::new();

/// A folder of the program's user with two folders in it: `work` holds the task's input files, and `shm` becomes
/// the program's `/dev/shm` where the level has a view of its own. What is written to either takes room here.
#[derive(Debug)]
pub(super) struct WorkFolder {
    root: PathBuf,
    work: PathBuf,
    owner: Option<u32>,
    janitor: Child,
    /// Also removes the folder when creating the rest fails.
    _folder: TempDir,
    /// Held as long as this process lives.
    _lock: Option<Locked>,
}

impl WorkFolder {
    /// Creates the folder of a run of `task` as the user number `owner`; `None` is this process's own.
    pub(super) fn create(task: &Task, user: User, owner: Option<u32>) -> Result<Self, SandboxError> {
        SWEEP.call_once(|| sweep(&std::env::temp_dir(), user));
        let (folder, lock) = locked_folder().map_err(SandboxError::system(STEP))?;
        // Landlock and bubblewrap look at real paths, and the janitor is in another folder.
        let root = folder.path().canonicalize().map_err(SandboxError::system(STEP))?;
        let janitor = start_janitor(&root).map_err(SandboxError::system("start the folder's janitor"))?;
        let made = Self { work: root.join(WORK), root, owner, janitor, _folder: folder, _lock: lock };
        made.fill(task)?;
        Ok(made)
    }

    fn fill(&self, task: &Task) -> Result<(), SandboxError> {
        self.give(&self.root).map_err(SandboxError::system(STEP))?;
        for folder in [self.work(), &self.shared_memory()] {
            let made = DirBuilder::new().mode(PRIVATE).create(folder).and_then(|()| self.give(folder));
            made.map_err(SandboxError::system(STEP))?;
        }
        for (name, bytes) in &task.files {
            if !is_plain(name) {
                return Err(SandboxError::FileName { name: name.clone() });
            }
            self.write(&self.work.join(name), bytes)?;
        }
        match task.collect.iter().find(|name| !is_plain(name)) {
            Some(name) => Err(SandboxError::FileName { name: name.clone() }),
            None => Ok(()),
        }
    }

    /// Puts a file where the program cannot see it but the shell that starts the program can.
    pub(super) fn hide(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, SandboxError> {
        let path = self.root.join(name);
        self.write(&path, bytes)?;
        Ok(path)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), SandboxError> {
        fs::write(path, bytes).and_then(|()| self.give(path)).map_err(SandboxError::system(STEP))
    }

    fn give(&self, path: &Path) -> io::Result<()> {
        chown(path, self.owner, self.owner)
    }

    /// The real path of everything that belongs to the run.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The real path of the program's current directory.
    pub(super) fn work(&self) -> &Path {
        &self.work
    }

    /// What the program sees as `/dev/shm`, where it sees any.
    pub(super) fn shared_memory(&self) -> PathBuf {
        self.root.join("shm")
    }
}

/// Whether a name stays in the folder that it is joined to.
fn is_plain(name: &str) -> bool {
    !(name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']))
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        remove(&self.root);
        // The janitor sees the end of its input, finds nothing to do and ends.
        drop(self.janitor.stdin.take());
        let _ = self.janitor.wait();
    }
}

/// A new folder and its lock. A sweep of another process may take a folder before it is locked: then a new one.
///
/// Where folders cannot be locked, as on some network file systems, there is no lock and no sweep removes any.
fn locked_folder() -> io::Result<(TempDir, Option<Locked>)> {
    loop {
        let private = fs::Permissions::from_mode(PRIVATE);
        let folder = tempfile::Builder::new().prefix(PREFIX).permissions(private).tempdir()?;
        match try_lock(File::open(folder.path())?, folder.path()) {
            Ok(Lock::Held(lock)) => return Ok((folder, Some(lock))),
            Ok(Lock::Taken | Lock::Moved) => {}
            Err(_) => return Ok((folder, None)),
        }
    }
}

/// A group of its own keeps the janitor away from the terminal's signals.
fn start_janitor(folder: &Path) -> io::Result<Child> {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", JANITOR, "sh"])
        .arg(folder)
        .env_clear()
        .env("PATH", PATH)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0);
    keep_standard_streams(&mut command);
    command.spawn()
}

/// Removes the work folders in `temporary` whose process is gone. A failure leaves a folder behind, which does not
/// keep a run from starting.
fn sweep(temporary: &Path, user: User) {
    let Ok(entries) = fs::read_dir(temporary) else { return };
    for entry in entries.flatten() {
        let named = entry.file_name().to_string_lossy().starts_with(PREFIX);
        // Does not follow symbolic links.
        let ours = named && entry.metadata().is_ok_and(|found| found.is_dir() && user.may_own(found.uid()));
        if !ours {
            continue;
        }
        let path = entry.path();
        let Ok(folder) = File::open(&path) else { continue };
        if let Ok(Lock::Held(_lock)) = try_lock(folder, &path) {
            remove(&path);
        }
    }
}

/// Removes a folder from whose parts a program may have taken the rights.
fn remove(folder: &Path) {
    make_removable(folder);
    // What is left is removed by the janitor or by a later sweep: no reason to lose the outcome.
    let _ = fs::remove_dir_all(folder);
}

fn make_removable(folder: &Path) {
    let _ = fs::set_permissions(folder, fs::Permissions::from_mode(PRIVATE));
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            make_removable(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create() -> WorkFolder {
        let task = Task::new("sh").file("a", "1");
        WorkFolder::create(&task, User::Ours, None).expect("creates")
    }

    #[test]
    fn the_folder_is_private_and_goes_with_whatever_is_in_it() {
        let folder = create();
        let (root, path) = (folder.root().to_path_buf(), folder.work().to_path_buf());
        let mode = |path: &Path| fs::metadata(path).expect("is there").permissions().mode() & 0o777;
        assert_eq!([mode(&root), mode(&path)], [PRIVATE; 2]);
        fs::create_dir_all(path.join("b/c")).expect("creates");
        fs::set_permissions(path.join("b"), fs::Permissions::from_mode(0o000))
            .expect("takes the rights away");
        drop(folder);
        assert!(!root.exists());
    }

    #[test]
    fn the_janitor_removes_the_folder_of_a_process_that_is_gone() {
        let temporary = tempfile::tempdir().expect("temporary folder");
        let folder = temporary.path().join("work");
        fs::create_dir_all(folder.join("b/c")).expect("creates");
        fs::set_permissions(folder.join("b"), fs::Permissions::from_mode(0o000))
            .expect("takes the rights away");
        let mut janitor = start_janitor(&folder).expect("starts");
        assert!(folder.exists());
        drop(janitor.stdin.take());
        assert!(janitor.wait().expect("ends").success());
        assert!(!folder.exists());
    }

    #[test]
    fn a_sweep_takes_what_nobody_holds_and_nothing_else() {
        let temporary = tempfile::tempdir().expect("temporary folder");
        let make = |name: &str| {
            let path = temporary.path().join(name);
            fs::create_dir(&path).expect("creates");
            path
        };
        let [left, held, foreign] =
            ["internlm-sandbox-left", "internlm-sandbox-held", "another-program"].map(make);
        let file = temporary.path().join("internlm-sandbox-file");
        fs::write(&file, "not a folder").expect("writes");
        let lock = try_lock(File::open(&held).expect("opens"), &held).expect("locks");
        assert!(matches!(lock, Lock::Held(_)));
        sweep(temporary.path(), User::Ours);
        assert!(!left.exists() && held.exists() && foreign.exists() && file.exists());
        drop(lock);
        sweep(temporary.path(), User::Ours);
        assert!(!held.exists());
    }
}

//! The command line of a run: gate, then the level's helper, then the program.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::Pid;

use super::confine::SYSTEM;
use super::folder::WorkFolder;
use super::search_path::PATH;
use super::{Level, SandboxError, Task};

/// Waits for one line, then becomes its arguments. Shells read a pipe byte by byte here (POSIX: `read` may
/// not take more than the line), so the rest of stdin is the program's.
const GATE: &str = "read -r _ && ";
/// Number of the first descriptor from which bubblewrap reads a filter.
const FIRST_FILTER: usize = 3;
/// The first process of a process namespace ignores signals, so the program must not be it. Reports a
/// signal as the exit code 128 + signal, as bubblewrap does, and keeps its own remarks to itself.
const INIT: &str = "exec 3>&2 2>/dev/null; (exec \"$@\" 2>&3 3>&-); exit $?";

/// The helper programs of this machine.
#[derive(Clone, Debug, Default)]
pub(super) struct Helpers {
    /// `unshare` of util-linux.
    pub(super) unshare: Option<PathBuf>,
    /// bubblewrap.
    pub(super) bwrap: Option<PathBuf>,
}

impl Helpers {
    /// Looks for them in the standard folders.
    pub(super) fn detect() -> Self {
        Self { unshare: find("unshare"), bwrap: find("bwrap") }
    }
}

/// Everything that decides the command line of one run.
#[derive(Debug)]
pub(super) struct Launch<'a> {
    pub(super) level: Level,
    pub(super) helpers: &'a Helpers,
    pub(super) task: &'a Task,
    pub(super) program: &'a Path,
    pub(super) folder: &'a WorkFolder,
    /// Files with the filters that bubblewrap installs.
    pub(super) filters: &'a [PathBuf],
    pub(super) readable: &'a [PathBuf],
    /// The number of the programs' user; `None` is our own.
    pub(super) user: Option<u32>,
    pub(super) group: Pid,
}

impl Launch<'_> {
    /// The command, with pipes on all three streams, not started yet.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new("/bin/sh");
        let work = self.folder.work();
        command
            .args(["-c", &gate(self.filters.len()), "sh"])
            .args(self.filters)
            .args(self.helper())
            .arg(self.program)
            .args(&self.task.arguments)
            .env_clear()
            .env("PATH", PATH)
            .env("HOME", work)
            .env("TMPDIR", work)
            .env("LANG", "C.UTF-8")
            .envs(self.task.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(work)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(self.group.as_raw_nonzero().get());
        command
    }

    /// The helper and its arguments; empty when the level needs none.
    fn helper(&self) -> Vec<PathBuf> {
        match (self.level, &self.helpers.unshare, &self.helpers.bwrap) {
            (Level::Namespaces, Some(unshare), _) => {
                let mut helper = vec![unshare.clone()];
                // No user is mapped: that would need `/proc`, which the file rules hide. Files keep their
                // owners all the same.
                helper.extend(["--user", "--net", "--ipc", "--uts", "--pid"].map(PathBuf::from));
                helper.extend(["--fork", "--kill-child=KILL", "--"].map(PathBuf::from));
                helper.extend(["/bin/sh", "-c", INIT, "sh"].map(PathBuf::from));
                helper
            }
            (Level::Bwrap, _, Some(bwrap)) => self.bubblewrap(bwrap),
            _ => Vec::new(),
        }
    }

    fn bubblewrap(&self, bwrap: &Path) -> Vec<PathBuf> {
        let (mut helper, work) = (vec![bwrap.to_path_buf()], self.folder.work().to_path_buf());
        helper.extend(["--unshare-all", "--die-with-parent", "--hostname", "sandbox"].map(PathBuf::from));
        let system = SYSTEM.iter().map(PathBuf::from);
        for folder in system.chain(self.readable.iter().cloned()) {
            helper.extend([PathBuf::from("--ro-bind-try"), folder.clone(), folder]);
        }
        helper.extend(["--proc", "/proc", "--dev", "/dev", "--dir", "/tmp"].map(PathBuf::from));
        helper.extend([PathBuf::from("--bind"), self.folder.shared_memory(), PathBuf::from("/dev/shm")]);
        helper.extend([PathBuf::from("--bind"), work.clone(), work.clone()]);
        // The rest of the view is in memory, where nobody would count what is written to it.
        helper.extend(["--remount-ro", "/dev", "--remount-ro", "/"].map(PathBuf::from));
        for descriptor in FIRST_FILTER..FIRST_FILTER + self.filters.len() {
            helper.extend([PathBuf::from("--add-seccomp-fd"), PathBuf::from(descriptor.to_string())]);
        }
        helper.extend([PathBuf::from("--chdir"), work, PathBuf::from("--")]);
        helper
    }
}

/// The shell's text of the gate. The first arguments are files with filters, which are open in what comes behind it.
fn gate(filters: usize) -> String {
    let takes = (0..filters).map(|index| format!("f{index}=$1 && shift && "));
    let opens = (0..filters).map(|index| format!(" {}<\"$f{index}\"", FIRST_FILTER + index));
    format!("{GATE}{}exec \"$@\"{}", takes.collect::<String>(), opens.collect::<String>())
}

/// The absolute path of a program.
pub(super) fn resolve(program: &str) -> Result<PathBuf, SandboxError> {
    let (found, searched) = if program.starts_with('/') {
        (Some(PathBuf::from(program)).filter(|path| path.exists()), "the file system")
    } else {
        (find(program), PATH)
    };
    let missing =
        || SandboxError::ProgramMissing { program: program.to_owned(), searched: searched.to_owned() };
    let found = found.ok_or_else(missing)?;
    match not_executable(&found) {
        None => Ok(found),
        Some(found) => Err(SandboxError::NotExecutable { program: program.to_owned(), found }),
    }
}

/// What is at `path` instead of a program; `None` for a program.
fn not_executable(path: &Path) -> Option<&'static str> {
    /// The right to execute, of the owner, the group or everybody.
    const EXECUTE: u32 = 0o111;
    match path.metadata() {
        Ok(found) if found.is_dir() => Some("a folder"),
        Ok(found) if found.permissions().mode() & EXECUTE == 0 => Some("a file without that right"),
        _ => None,
    }
}

fn find(program: &str) -> Option<PathBuf> {
    PATH.split(':').map(|folder| Path::new(folder).join(program)).find(|path| path.is_file())
}

/// The folders that a program outside the system's folders brings along, such as a Python under `/opt`, or one of
/// a virtual environment and the Python that it was made of.
pub(super) fn homes_of(program: &Path) -> Vec<PathBuf> {
    let environment = prefix_of(program).filter(|prefix| prefix.join("pyvenv.cfg").is_file());
    let real = program.canonicalize().ok().and_then(|real| prefix_of(&real));
    environment.into_iter().chain(real).collect()
}

/// The folder of which a program is a part; `None` for the system's own programs.
fn prefix_of(program: &Path) -> Option<PathBuf> {
    if SYSTEM.iter().any(|folder| program.starts_with(folder)) {
        return None;
    }
    let folder = program.parent()?;
    // `prefix/bin/program` keeps its libraries in `prefix/lib`.
    let prefix = if folder.ends_with("bin") { folder.parent()? } else { folder };
    (prefix != Path::new("/")).then(|| prefix.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_missing_is_told_from_one_that_cannot_run() {
        let message = |program: &str| resolve(program).expect_err("is no program").to_string();
        assert!(message("no-such-program").starts_with("unavailable: needs no-such-program (looked in"));
        assert!(message("/no/such/program").ends_with("(looked in the file system)"));
        assert_eq!(message("/usr"), "/usr: found a folder, expected a file that may be executed");
        let text = "found a file without that right";
        assert!(message("/etc/passwd").contains(text));
        assert_eq!(resolve("/bin/sh").expect("is there"), Path::new("/bin/sh"));
    }

    #[test]
    fn the_gate_opens_as_many_filters_as_there_are() {
        assert_eq!(gate(0), "read -r _ && exec \"$@\"");
        assert_eq!(
            gate(2),
            "read -r _ && f0=$1 && shift && f1=$1 && shift && exec \"$@\" 3<\"$f0\" 4<\"$f1\""
        );
    }

    #[test]
    fn a_virtual_environment_and_its_python_come_along() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let bin = folder.path().join("bin");
        std::fs::create_dir(&bin).expect("creates");
        std::os::unix::fs::symlink("/bin/sh", bin.join("python3")).expect("links");
        assert_eq!(homes_of(&bin.join("python3")), Vec::<PathBuf>::new());
        std::fs::write(folder.path().join("pyvenv.cfg"), "").expect("writes");
        assert_eq!(homes_of(&bin.join("python3")), [folder.path()]);
        assert_eq!(homes_of(Path::new("/usr/bin/env")), Vec::<PathBuf>::new());
    }
}

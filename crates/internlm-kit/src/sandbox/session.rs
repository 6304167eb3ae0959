//! [`Session`]: a confined program that stays alive and is given work over its standard streams or its sockets.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, Signal, kill_process};

use super::ending::status;
use super::folder::WorkFolder;
use super::group::ProcessGroup;
use super::output::Capture;
use super::process::child_of;
use super::started::{CpuClock, Started};
use super::turn::{Activity, Turn};
use super::watch::Watch;
use super::{Level, Outcome, Sandbox, SandboxError, Status, Task};

/// A program that runs until it ends, is killed or breaks a limit, or until this value is dropped.
///
/// The limits are those of a run, but wall clock and processor time are counted since the last
/// [`Session::renew`] or [`Session::rest`], and what the program writes to stdout is not limited: the caller reads it.
///
/// ```no_run
/// use std::io::{BufRead, BufReader, Write};
/// use internlm_kit::sandbox::{Sandbox, SandboxConfig, Task};
///
/// let sandbox = Sandbox::new(SandboxConfig::default())?;
/// let mut session = sandbox.spawn(&Task::new("cat"))?;
/// let (mut stdin, stdout) = (session.stdin.take().expect("a pipe"), session.stdout.take().expect("a pipe"));
/// writeln!(stdin, "hello").expect("writes");
/// let mut line = String::new();
/// BufReader::new(stdout).read_line(&mut line).expect("reads");
/// assert_eq!(line, "hello\n");
/// # Ok::<(), internlm_kit::sandbox::SandboxError>(())
/// ```
#[derive(Debug)]
pub struct Session {
    /// What the program reads; dropping it ends the program's input.
    pub stdin: Option<ChildStdin>,
    /// What the program writes; it ends when the program does.
    pub stdout: Option<ChildStdout>,
    watcher: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
    first: Pid,
    level: Level,
}

/// What the watcher of a session and its owner share.
#[derive(Debug)]
struct Shared {
    turn: Turn,
    ended: Mutex<Option<Outcome>>,
    /// The number of the program's user, when it is not ours.
    user: Option<u32>,
    group: ProcessGroup,
    /// Removed after the group was killed.
    folder: WorkFolder,
}

impl Sandbox {
    /// Starts a task and returns while it runs. What the task has as stdin is written first.
    ///
    /// # Errors
    /// Only what prevents the start; how the program ended is in [`Session::outcome`].
    pub fn spawn(&self, task: &Task) -> Result<Session, SandboxError> {
        let Started { mut child, group, folder, user } = self.start(task, CpuClock::Watch)?;
        let mut stdin = child.stdin.take().expect("stdin is a pipe");
        let stdout = child.stdout.take();
        let stderr = child.stderr.take().expect("stderr is a pipe");
        let first = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let first = first.expect("a child's process number is positive");
        let shared = Arc::new(Shared { turn: Turn::begin(), ended: Mutex::new(None), user, group, folder });
        let (sandbox, watched) = (self.clone(), Arc::clone(&shared));
        let watch = move || {
            let outcome = sandbox.watch_session(&mut child, stderr, &watched);
            *watched.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        };
        let named = thread::Builder::new().name("sandbox-session".to_owned());
        let watcher = Some(named.spawn(watch).map_err(SandboxError::system("start the watcher"))?);
        // A program that does not read its input is not an error.
        let _ = stdin.write_all(b"\n").and_then(|()| stdin.write_all(&task.stdin));
        Ok(Session { stdin: Some(stdin), stdout, watcher, shared, first, level: self.level() })
    }

    /// Watches until the end of the program, which is killed if it cannot be watched.
    fn watch_session(&self, child: &mut Child, stderr: ChildStderr, shared: &Shared) -> Outcome {
        let mut outcome = Outcome {
            status: Status::Signaled { signal: Signal::KILL.as_raw() },
            stdout: String::new(),
            stderr: String::new(),
            wall_seconds: 0.0,
            cpu_seconds: 0.0,
            peak_memory_bytes: 0,
            level: self.level(),
            files: BTreeMap::new(),
            changed: Vec::new(),
        };
        let stderr = match Capture::start(stderr, self.output_limit()) {
            Ok(stderr) => stderr,
            Err(error) => {
                outcome.stderr = format!("sandbox: cannot start a reader: {error}");
                shared.group.kill();
                let _ = child.wait();
                return outcome;
            }
        };
        let watch = Watch {
            config: &self.config,
            limits: self.watched_limits(),
            group: &shared.group,
            held: shared.folder.root(),
            user: shared.user,
            sight: self.facts.sight,
            outputs: &[&stderr],
            turn: Some(&shared.turn),
            stop: &self.stop,
        };
        let seen = watch.until_end(child);
        shared.group.kill();
        outcome.stderr = stderr.finish();
        match seen {
            Ok(seen) => {
                outcome.status = status(&seen, &outcome.stderr, self.level(), &self.config);
                outcome.wall_seconds = seen.wall.as_secs_f64();
                outcome.cpu_seconds = seen.cpu_seconds;
                outcome.peak_memory_bytes = seen.peak_memory;
            }
            Err(error) => outcome.stderr = error.to_string(),
        }
        outcome
    }
}

impl Session {
    /// The program's current directory; removed when the session is dropped.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.shared.folder.work()
    }

    /// The level that confines the program.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// Connects to a socket that the program made in its folder (see [`Task::serves_sockets`]).
    ///
    /// The program may have put a link to a socket of somebody else in its place: links are refused.
    ///
    /// # Errors
    /// There is no socket of this name yet, or it is something else.
    pub fn connect(&self, name: &str) -> io::Result<UnixStream> {
        let path = self.folder().join(name);
        let found = OpenOptions::new().read(true).custom_flags(libc::O_PATH | libc::O_NOFOLLOW).open(path)?;
        if name.contains('/') || !found.metadata()?.file_type().is_socket() {
            return Err(io::Error::other(format!("{name}: found something else, expected a socket")));
        }
        // The opened file itself, whatever its name leads to by now; also short, as addresses of sockets must be.
        UnixStream::connect(format!("/proc/self/fd/{}", found.as_raw_fd()))
    }

    /// Starts the clocks again for new work.
    pub fn renew(&self) {
        self.shared.turn.renew(Activity::Works);
    }

    /// Starts the clocks again for a time without work, in which the program is looked at less often.
    pub fn rest(&self) {
        self.shared.turn.renew(Activity::Waits);
    }

    /// Sends the program what Ctrl-C sends (SIGINT); it may ignore it.
    pub fn interrupt(&self) {
        let program = match self.level {
            // A helper and the first process of the namespace are in between.
            Level::Namespaces | Level::Bwrap => child_of(self.first).and_then(child_of),
            Level::None | Level::Process | Level::Landlock => Some(self.first),
        };
        if let Some(program) = program.filter(|_| self.status().is_none()) {
            // The only failure is a program that has just ended.
            let _ = kill_process(program, Signal::INT);
        }
    }

    /// Kills every process of the session; what they wrote before can still be read.
    pub fn kill(&self) {
        self.shared.group.kill();
    }

    /// How the program ended; `None` while it runs.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        self.shared
            .ended
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .map(|outcome| outcome.status)
    }

    /// What became of the program, without the stdout that the caller has read; `None` while it runs.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        self.shared.ended.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Kills the program if it still runs and waits for its end.
    #[must_use]
    pub fn finish(mut self) -> Option<Outcome> {
        self.end();
        self.outcome()
    }

    fn end(&mut self) {
        self.kill();
        // Wakes the watcher, which looks rarely at a session that waits.
        self.renew();
        if let Some(watcher) = self.watcher.take() {
            // It makes system calls and reports their errors; the group is dead in any case.
            let _ = watcher.join();
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.end();
    }
}

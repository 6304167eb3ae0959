//! The sandbox itself: chooses a level that works here, then runs tasks under it.

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ExitStatus};
use std::thread;

use rustix::process::{Resource, Signal};

use super::command::{self, Helpers, Launch};
use super::confine::{Confinement, FileRules, Landlock, ResourceLimit, detect_landlock};
use super::disk::Sight;
use super::filter::{self, Helper};
use super::folder::WorkFolder;
use super::group::ProcessGroup;
use super::output::Capture;
use super::protection::{Facts, Seccomp};
use super::user::User;
use super::watch::{Limits, Seen, Watch};
use super::{Level, Outcome, Protection, SandboxConfig, SandboxError, Status, Task};
use crate::config::Validate;

/// A program killed by a signal after this share of its processor time was killed for it: the kernel counts
/// the limit more finely than the times it reports.
const CPU_SHARE: f64 = 0.7;

/// Runs untrusted programs at one level that was proved to work on this machine.
#[derive(Clone, Debug)]
pub struct Sandbox {
    config: SandboxConfig,
    facts: Facts,
    helpers: Helpers,
}

impl Sandbox {
    /// Chooses the level and proves it by running a program that does nothing.
    ///
    /// # Errors
    /// Limits that make no sense, a level asked for by name that does not work here, or (`auto`) no
    /// level at all.
    pub fn new(config: SandboxConfig) -> Result<Self, SandboxError> {
        let problems = config.problems();
        if !problems.is_empty() {
            return Err(SandboxError::Config { problems });
        }
        let seccomp = if filter::is_supported() && Path::new("/proc/sys/kernel/seccomp").exists() {
            Seccomp::Present
        } else {
            Seccomp::Absent
        };
        let level = config.level.exactly().unwrap_or(Level::Bwrap);
        let (user, landlock) = (User::detect(), detect_landlock());
        let facts = Facts { level, user, landlock, seccomp, sight: Sight::Clear };
        let mut sandbox = Self { config, facts, helpers: Helpers::detect() };
        if sandbox.config.level.exactly().is_some() {
            return match sandbox.obstacle() {
                None => Ok(sandbox),
                Some(reason) => Err(SandboxError::LevelUnavailable { level, reason }),
            };
        }
        let mut reasons = Vec::new();
        for level in Level::AUTO {
            sandbox.facts.level = level;
            match sandbox.obstacle() {
                None => return Ok(sandbox),
                Some(reason) => reasons.push(format!("{level}: {reason}")),
            }
        }
        Err(SandboxError::NothingAvailable { reasons })
    }

    /// The level that holds in every run.
    #[must_use]
    pub fn level(&self) -> Level {
        self.facts.level
    }

    /// The limits that every run gets.
    #[must_use]
    pub fn config(&self) -> &SandboxConfig {
        &self.config
    }

    /// What holds in every run, and by which mechanism.
    #[must_use]
    pub fn protections(&self) -> Vec<Protection> {
        self.facts.protections()
    }

    /// Where a program is, as a sandboxed program would find it.
    ///
    /// # Errors
    /// [`SandboxError::ProgramMissing`].
    pub fn find(&self, program: &str) -> Result<PathBuf, SandboxError> {
        command::resolve(program)
    }

    /// Runs a task to its end and waits for it. No process of it is alive afterwards.
    ///
    /// # Errors
    /// Only what prevents the run; how the program ended is in the [`Outcome`].
    pub fn run(&self, task: &Task) -> Result<Outcome, SandboxError> {
        self.run_seen(task).map(|(outcome, _)| outcome)
    }

    /// Also says whether the open files of every process could be looked at.
    fn run_seen(&self, task: &Task) -> Result<(Outcome, Sight), SandboxError> {
        let program = command::resolve(&task.program)?;
        let user = self.facts.user.next();
        let folder = WorkFolder::create(task, self.facts.user, user)?;
        let readable: Vec<PathBuf> =
            self.config.readable.iter().cloned().chain(command::home_of(&program)).collect();
        let group = ProcessGroup::start().map_err(SandboxError::system("start the group's holder"))?;
        let launch = Launch {
            level: self.level(),
            helpers: &self.helpers,
            task,
            program: &program,
            work: folder.path(),
            readable: &readable,
            user,
            group: group.id(),
        };
        let mut child = self
            .confinement(&launch)
            .spawn(launch.command())
            .map_err(SandboxError::system("start the program"))?;
        let outcome = self.attend(&mut child, &launch, &group);
        if outcome.is_err() {
            group.kill();
            let _ = child.wait();
        }
        outcome
    }

    /// Why the level does not work here; `None` when it does. The trial run also finds out what of it can be seen.
    fn obstacle(&mut self) -> Option<String> {
        let missing = match self.level() {
            Level::None | Level::Process => None,
            _ if self.facts.seccomp == Seccomp::Absent => Some("the kernel has no seccomp filters"),
            Level::Bwrap => self.helpers.bwrap.is_none().then_some("needs bubblewrap"),
            _ if self.facts.landlock == Landlock::Absent => Some("the kernel does not enforce Landlock"),
            Level::Namespaces => self.helpers.unshare.is_none().then_some("needs unshare (util-linux)"),
            Level::Landlock => None,
        };
        if let Some(missing) = missing {
            return Some(missing.to_owned());
        }
        match self.run_seen(&Task::new("/bin/sh").args(["-c", ":"])) {
            Ok((outcome, sight)) if outcome.status.is_success() => {
                self.facts.sight = sight;
                None
            }
            Ok((outcome, _)) => {
                Some(format!("a trial run ended with {}: {}", outcome.status, outcome.stderr.trim()))
            }
            Err(error) => Some(error.to_string()),
        }
    }

    fn confinement(&self, launch: &Launch<'_>) -> Confinement {
        let user = launch.user;
        let helper = match launch.level {
            Level::None => return Confinement { user, ..Confinement::default() },
            Level::Process | Level::Landlock => Helper::None,
            Level::Namespaces => Helper::Unshare,
            Level::Bwrap => Helper::Bubblewrap,
        };
        let filters = match self.facts.seccomp {
            Seccomp::Present => {
                filter::programs(helper, launch.group).expect("the rules are constants that compile")
            }
            Seccomp::Absent => Vec::new(),
        };
        // Bubblewrap mounts, which a Landlock domain forbids; it brings its own view of the files.
        let files = matches!(launch.level, Level::Landlock | Level::Namespaces)
            .then(|| FileRules { work: launch.work.to_path_buf(), readable: launch.readable.to_vec() });
        Confinement { files, user, filters, limits: self.limits() }
    }

    /// Opens the gate, feeds, watches, collects.
    fn attend(
        &self,
        child: &mut Child,
        launch: &Launch<'_>,
        group: &ProcessGroup,
    ) -> Result<(Outcome, Sight), SandboxError> {
        let limit = usize::try_from(self.config.output_kib * 1024).unwrap_or(usize::MAX);
        let stdout = child.stdout.take().expect("stdout is a pipe");
        let stderr = child.stderr.take().expect("stderr is a pipe");
        let start = |stream| Capture::start(stream, limit).map_err(SandboxError::system("start a reader"));
        let stdout = start(Box::new(stdout) as Box<dyn Read + Send>)?;
        let stderr = start(Box::new(stderr))?;
        let limits = if self.level() == Level::None { Limits::Off } else { Limits::Enforced };
        open_gate(child.stdin.take().expect("stdin is a pipe"), launch.task.stdin.clone())?;
        let watch = Watch {
            config: &self.config,
            limits,
            group,
            work: launch.work,
            user: launch.user,
            sight: self.facts.sight,
            outputs: [&stdout, &stderr],
        };
        let seen = watch.until_end(child)?;
        let over = stdout.is_over() || stderr.is_over();
        let (stdout, stderr) = (stdout.finish(), stderr.finish());
        let status = if over { Status::OutputLimit } else { self.status(&seen, &stderr) };
        let outcome = Outcome {
            status,
            stdout,
            stderr,
            wall_seconds: seen.wall.as_secs_f64(),
            cpu_seconds: seen.cpu_seconds,
            peak_memory_bytes: seen.peak_memory,
            level: self.level(),
        };
        Ok((outcome, seen.sight))
    }

    /// The limits of one process.
    fn limits(&self) -> Vec<ResourceLimit> {
        let config = &self.config;
        let seconds = config.cpu_seconds;
        let limit = |resource, value| ResourceLimit { resource, soft: value, hard: value };
        vec![
            // The hard limit kills a program that ignores the signal of the soft one.
            ResourceLimit { resource: Resource::Cpu, soft: seconds, hard: seconds + 1 },
            limit(Resource::As, config.memory_mib << 20),
            limit(Resource::Fsize, config.file_mib << 20),
            limit(Resource::Nofile, config.open_files),
            limit(Resource::Nproc, config.processes + self.facts.user.running()),
            limit(Resource::Core, 0),
        ]
    }

    fn status(&self, seen: &Seen, stderr: &str) -> Status {
        if let Some(status) = seen.killed {
            return status;
        }
        match (exit_of(seen.exit, self.level()), self.level()) {
            (status, Level::None) => status,
            (Status::Signaled { signal }, _) if signal == Signal::XCPU.as_raw() => Status::CpuLimit,
            (Status::Signaled { signal }, _) if signal == Signal::XFSZ.as_raw() => Status::DiskLimit,
            (Status::Signaled { signal }, _)
                if signal == Signal::KILL.as_raw()
                    && seen.cpu_seconds >= CPU_SHARE * self.config.cpu_seconds as f64 =>
            {
                Status::CpuLimit
            }
            (status, _) if !status.is_success() && says_out_of_memory(stderr) => Status::MemoryLimit,
            (status, _) => status,
        }
    }
}

/// How the program ended. Helpers turn a signal into the exit code 128 + signal.
fn exit_of(exit: ExitStatus, level: Level) -> Status {
    match (exit.code(), exit.signal()) {
        (Some(code), _) if level >= Level::Namespaces && code > 128 => {
            Status::Signaled { signal: code - 128 }
        }
        (Some(code), _) => Status::Exited { code },
        (None, signal) => Status::Signaled { signal: signal.unwrap_or_default() },
    }
}

/// A refused allocation is an ordinary failure of the program; its runtime says so on the last lines.
fn says_out_of_memory(stderr: &str) -> bool {
    const WORDS: [&str; 4] =
        ["MemoryError", "std::bad_alloc", "memory allocation of", "Cannot allocate memory"];
    stderr.lines().rev().take(3).any(|line| WORDS.iter().any(|word| line.contains(word)))
}

/// Lets the program start and writes its input from a thread of its own: it may read late or never.
fn open_gate(mut stdin: ChildStdin, input: Vec<u8>) -> Result<(), SandboxError> {
    let feed = move || {
        // A program that does not read its input is not an error.
        let _ = stdin.write_all(b"\n").and_then(|()| stdin.write_all(&input));
    };
    let thread = thread::Builder::new().name("sandbox-input".to_owned());
    thread.spawn(feed).map(drop).map_err(SandboxError::system("start the writer of the input"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_helper_tells_a_signal_by_its_exit_code() {
        // As wait(2) encodes them: a code in the second byte, a signal in the first.
        let (three, killed, aborted) =
            (ExitStatus::from_raw(3 << 8), ExitStatus::from_raw(137 << 8), ExitStatus::from_raw(6));
        assert_eq!(exit_of(three, Level::Bwrap), Status::Exited { code: 3 });
        assert_eq!(exit_of(killed, Level::Bwrap), Status::Signaled { signal: 9 });
        assert_eq!(exit_of(killed, Level::Landlock), Status::Exited { code: 137 });
        assert_eq!(exit_of(aborted, Level::Process), Status::Signaled { signal: 6 });
    }

    #[test]
    fn only_the_last_lines_say_that_the_memory_ran_out() {
        assert!(says_out_of_memory("Traceback:\n  x = bytearray(10**9)\nMemoryError\n"));
        assert!(says_out_of_memory("memory allocation of 8 bytes failed\nAborted"));
        assert!(!says_out_of_memory("caught a MemoryError\n1\n2\n3\n"));
        assert!(!says_out_of_memory(""));
    }
}

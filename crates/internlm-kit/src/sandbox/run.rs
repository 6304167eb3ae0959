//! The sandbox itself: chooses a level that works here, then runs tasks under it.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::command::{self, Helpers};
use super::confine::{Landlock, detect_landlock};
use super::ending::status;
use super::filter;
use super::output::Capture;
use super::protection::{Facts, Seccomp};
use super::results::{Before, Collect, changed};
use super::started::{CpuClock, Started, open_gate};
use super::suspicion::{Sight, Suspicion};
use super::user::User;
use super::watch::{Limits, Watch};
use super::{Level, Outcome, Protection, SandboxConfig, SandboxError, Status, Task};
use crate::config::Validate;
use crate::stop::Stop;

/// A program that is there for several samples.
const LONGER_TRIAL: &str = "sleep 0.3";

/// Runs untrusted programs at one level that was proved to work on this machine.
#[derive(Clone, Debug)]
pub struct Sandbox {
    pub(super) config: SandboxConfig,
    pub(super) facts: Facts,
    pub(super) helpers: Helpers,
    /// Ends the programs that run; by default nobody requests it.
    pub(super) stop: Stop,
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
        let mut sandbox = Self { config, facts, helpers: Helpers::detect(), stop: Stop::new() };
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

    /// The same level, which is proved already, with other limits. The level that `config` asks for is ignored.
    ///
    /// # Errors
    /// Limits that make no sense.
    pub fn with_config(&self, config: SandboxConfig) -> Result<Self, SandboxError> {
        let problems = config.problems();
        if !problems.is_empty() {
            return Err(SandboxError::Config { problems });
        }
        let config = SandboxConfig { level: self.config.level, ..config };
        Ok(Self { config, ..self.clone() })
    }

    /// The same sandbox, whose programs are killed once `stop` is requested: runs within milliseconds, sessions within
    /// a fifth of a second. They end with [`Status::Stopped`], and so does one that is started afterwards.
    ///
    /// ```no_run
    /// use internlm_kit::sandbox::{Sandbox, SandboxConfig, Status, Task};
    /// use internlm_kit::stop::Stop;
    ///
    /// let stop = Stop::new();
    /// let sandbox = Sandbox::new(SandboxConfig::default())?.with_stop(stop.clone());
    /// stop.request(); // usually from another thread
    /// assert_eq!(sandbox.run(&Task::new("sleep").args(["60"]))?.status, Status::Stopped);
    /// # Ok::<(), internlm_kit::sandbox::SandboxError>(())
    /// ```
    #[must_use]
    pub fn with_stop(&self, stop: Stop) -> Self {
        Self { stop, ..self.clone() }
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

    /// Also says what could not be looked into.
    fn run_seen(&self, task: &Task) -> Result<(Outcome, Suspicion), SandboxError> {
        let mut started = self.start(task, CpuClock::Kernel)?;
        let outcome = self.attend(&mut started, task);
        if outcome.is_err() {
            started.group.kill();
            let _ = started.child.wait();
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
        let trial = self.run_seen(&Task::new("/bin/sh").args(["-c", ":"]));
        match trial {
            Ok((outcome, _)) if !outcome.status.is_success() => {
                Some(format!("a trial run ended with {}: {}", outcome.status, outcome.stderr.trim()))
            }
            Err(error) => Some(error.to_string()),
            Ok((_, suspicion)) if suspicion.sight() == Sight::Clear => None,
            Ok(_) => {
                // A program that is just starting cannot be looked into either: does it last? Until it is known,
                // nobody is killed for hiding.
                self.facts.sight = Sight::Blind;
                let again = self.run_seen(&Task::new("/bin/sh").args(["-c", LONGER_TRIAL]));
                self.facts.sight = again.map_or(Sight::Blind, |(_, suspicion)| suspicion.lasting_sight());
                None
            }
        }
    }

    /// Opens the gate, feeds, watches, collects.
    fn attend(&self, started: &mut Started, task: &Task) -> Result<(Outcome, Suspicion), SandboxError> {
        let Started { child, group, folder, user } = started;
        let before = Before::look(folder.work(), task);
        let limit = self.output_limit();
        let stdout = child.stdout.take().expect("stdout is a pipe");
        let stderr = child.stderr.take().expect("stderr is a pipe");
        let start = |stream| Capture::start(stream, limit).map_err(SandboxError::system("start a reader"));
        let stdout = start(Box::new(stdout) as Box<dyn Read + Send>)?;
        let stderr = start(Box::new(stderr))?;
        open_gate(child.stdin.take().expect("stdin is a pipe"), task.stdin.clone())?;
        let watch = Watch {
            config: &self.config,
            limits: self.watched_limits(),
            group,
            held: folder.root(),
            user: *user,
            sight: self.facts.sight,
            outputs: &[&stdout, &stderr],
            turn: None,
            stop: &self.stop,
        };
        let seen = watch.until_end(child)?;
        let over = stdout.is_over() || stderr.is_over();
        let (stdout, stderr) = (stdout.finish(), stderr.finish());
        let ended = status(&seen, &stderr, self.level(), &self.config);
        let outcome = Outcome {
            status: if over { Status::OutputLimit } else { ended },
            stdout,
            stderr,
            wall_seconds: seen.wall.as_secs_f64(),
            cpu_seconds: seen.cpu_seconds,
            peak_memory_bytes: seen.peak_memory,
            level: self.level(),
            files: Collect { user: *user, limit: self.config.file_mib << 20 }
                .files(folder.work(), &task.collect),
            changed: changed(folder.work(), &before),
        };
        Ok((outcome, seen.suspicion))
    }

    /// How much of an output is kept, bytes.
    pub(super) fn output_limit(&self) -> usize {
        usize::try_from(self.config.output_kib * 1024).unwrap_or(usize::MAX)
    }

    /// Whether the watch enforces limits besides the wall clock.
    pub(super) fn watched_limits(&self) -> Limits {
        if self.level() == Level::None { Limits::Off } else { Limits::Enforced }
    }
}

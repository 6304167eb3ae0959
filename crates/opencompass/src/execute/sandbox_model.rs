//! [`SandboxModel`]: answers requests to run a program. How a program ends is an answer; what keeps it from running
//! is an error.

use std::path::{Path, PathBuf};

use internlm_kit::sandbox::{Outcome, Sandbox, SandboxConfig, SandboxError, Status, Task};

use crate::model::{Answer, Answering, Ending, Model, Profile, Program, Request};
use crate::{Error, Result};

/// Name of the sandbox in messages.
const NAME: &str = "sandbox";
/// Programs whose versions are part of the identity: another compiler may give another outcome.
const INTERPRETERS: [&str; 4] = ["python3", "rustc", "g++", "node"];
/// The standard folders of programs, which come after those that the caller adds.
const STANDARD: &str = "/usr/local/bin:/usr/bin:/bin";
/// Exit code of a script that lacks a program, as shells have it.
const MISSING: i32 = 127;
/// How the scripts of this crate begin the message for a program or a module that is not installed.
const NEEDS: &str = "unavailable: needs ";

/// The sandbox as a model that answers [`Request::Run`].
///
/// ```no_run
/// use internlm_kit::sandbox::SandboxConfig;
/// use opencompass::execute::SandboxModel;
/// use opencompass::model::{Model, Program, Request};
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let sandbox = SandboxModel::new(SandboxConfig::default())?;
/// let command = ["python3", "-c", "print(6 * 7)"].map(str::to_owned).to_vec();
/// let program = Program { command, milliseconds: 5000, ..Program::default() };
/// let answer = sandbox.answer(&Request::Run { program }).await?;
/// # Ok::<(), opencompass::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SandboxModel {
    profile: Profile,
    sandbox: Sandbox,
    /// Folders with programs that are looked at before the standard ones.
    folders: Vec<PathBuf>,
}

impl SandboxModel {
    /// Creates a sandbox with these limits, and asks for the versions of its interpreters.
    ///
    /// # Errors
    /// [`Error::Model`] when no level of confinement works here or the limits make no sense.
    pub fn new(config: SandboxConfig) -> Result<Self> {
        Self::with_programs(config, &[""; 0])
    }

    /// Creates a sandbox whose programs are also looked for in `folders`, such as the `bin` of a virtual environment or
    /// of a compiler. What surrounds such a folder becomes readable inside of the sandbox.
    ///
    /// # Errors
    /// The same as [`SandboxModel::new`].
    pub fn with_programs(mut config: SandboxConfig, folders: &[impl AsRef<Path>]) -> Result<Self> {
        let folders: Vec<PathBuf> = folders.iter().map(|folder| folder.as_ref().to_path_buf()).collect();
        for folder in &folders {
            config = config.with_readable(folder.parent().unwrap_or(folder));
        }
        let sandbox = Sandbox::new(config).map_err(|error| failed(&error))?;
        let profile = Profile::new(NAME, String::new(), usize::MAX);
        let mut model = Self { profile, sandbox, folders };
        model.profile.identity = model.identity();
        Ok(model)
    }

    /// Everything that decides how a program ends: the level, the limits and the versions of the interpreters.
    fn identity(&self) -> String {
        let config = self.sandbox.config();
        let mut identity = format!(
            "{NAME}:{}:{} s:{} MiB:{} processes",
            self.sandbox.level(),
            config.cpu_seconds,
            config.memory_mib,
            config.processes
        );
        for name in INTERPRETERS {
            let version = self.version(name).unwrap_or_else(|| "absent".to_owned());
            identity.push_str(&format!(":{name} {version}"));
        }
        identity
    }

    fn version(&self, program: &str) -> Option<String> {
        let task = self.task(&Program {
            command: vec![program.to_owned(), "--version".to_owned()],
            ..Program::default()
        });
        let outcome = self.sandbox.run(&task.ok()?).ok()?;
        outcome.status.is_success().then(|| outcome.stdout.lines().next().unwrap_or_default().to_owned())
    }

    fn task(&self, program: &Program) -> Result<Task> {
        let Some((name, arguments)) = program.command.split_first() else {
            return Err(Error::Value {
                place: "program.command".to_owned(),
                found: "an empty list".to_owned(),
                expected: "a program and its arguments".to_owned(),
            });
        };
        let own = self.folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
        let name = own.map_or_else(|| name.clone(), |path| path.display().to_string());
        let task = Task::new(name).args(arguments.iter().map(String::as_str)).stdin(program.stdin.clone());
        let task = task.variable("PATH", self.search_path());
        Ok(program.files.iter().fold(task, |task, (name, text)| task.file(name.as_str(), text.clone())))
    }

    fn search_path(&self) -> String {
        let own = self.folders.iter().map(|folder| folder.display().to_string());
        own.chain([STANDARD.to_owned()]).collect::<Vec<_>>().join(":")
    }

    /// The same sandbox with the wall clock of a program. Nothing else of it depends on the program.
    fn timed(&self, program: &Program) -> Result<Sandbox> {
        if program.milliseconds == 0 {
            return Ok(self.sandbox.clone());
        }
        let config = self.sandbox.config().clone().with_wall_seconds(program.milliseconds as f64 / 1000.0);
        self.sandbox.with_config(config).map_err(|error| failed(&error))
    }
}

impl Model for SandboxModel {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn answer<'a>(&'a self, request: &'a Request) -> Answering<'a> {
        Box::pin(async move {
            let Request::Run { program } = request else {
                return Err(Error::Answer {
                    place: "request".to_owned(),
                    found: "a question".to_owned(),
                    expected: "a program to run",
                });
            };
            let (sandbox, task) = (self.timed(program)?, self.task(program)?);
            // Waiting for a program blocks a thread.
            let run = tokio::task::spawn_blocking(move || sandbox.run(&task));
            let ended = run.await.map_err(|source| Error::Thread { model: NAME.to_owned(), source })?;
            answer(ended.map_err(|error| failed(&error))?)
        })
    }
}

/// The answer for what a program did, unless it could not do anything.
fn answer(outcome: Outcome) -> Result<Answer> {
    let ending = match outcome.status {
        Status::Exited { code } => Ending::Exit(code),
        Status::Timeout | Status::CpuLimit => Ending::Timeout,
        _ => Ending::Killed,
    };
    if ending == Ending::Exit(MISSING) && outcome.stderr.starts_with(NEEDS) {
        let message = outcome.stderr.trim().to_owned();
        return Err(Error::Model { model: NAME.to_owned(), message });
    }
    Ok(Answer::Ran { ending, stdout: outcome.stdout, stderr: outcome.stderr })
}

fn failed(error: &SandboxError) -> Error {
    Error::Model { model: NAME.to_owned(), message: error.to_string() }
}

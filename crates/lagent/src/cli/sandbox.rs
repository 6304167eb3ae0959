//! `lagent sandbox`: shows what the sandbox protects here, and runs programs in it.

use std::io::{IsTerminal, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use internlm_kit::exit::{Failure, UsageError, report};
use internlm_kit::file;
use internlm_kit::sandbox::{
    LevelChoice, Outcome, Sandbox as Cell, SandboxConfig, SandboxError, Strength, Task,
};
use internlm_kit::terminal::visible_on;
use internlm_kit::{out, outln};

use crate::Error;

const CHECK_EXAMPLES: &str = "Examples:
  lagent sandbox check
  lagent sandbox check --level process";
const EXEC_EXAMPLES: &str = "Examples:
  lagent sandbox exec -- python3 -c 'print(6 * 7)'
  echo text | lagent sandbox exec --wall-seconds 2 -- sort
  lagent sandbox exec --file data.csv --collect plot.png --out results -- python3 plot.py

Exit codes: that of the program; 128 + N for signal N, and for a limit the signal that stands for it (137 memory
or output, 152 processor time, 153 files); 124 its time was up; 125 the sandbox failed; 126 the program cannot be
executed; 127 it is not there.";

/// The verbs below `lagent sandbox`.
#[derive(Debug, Subcommand)]
pub(super) enum Sandbox {
    /// Show which sandbox levels work on this machine and what the chosen one protects.
    #[command(after_help = CHECK_EXAMPLES)]
    Check {
        /// Sandbox level: auto (the strongest that works), none, process, landlock, namespaces or bwrap.
        #[arg(long, default_value = "auto", value_parser = parse_level)]
        level: LevelChoice,
    },
    /// Run a program in the sandbox and end with its exit code; its status and times go to stderr.
    #[command(after_help = EXEC_EXAMPLES)]
    Exec {
        /// Sandbox level: auto (the strongest that works), none, process, landlock, namespaces or bwrap.
        #[arg(long, default_value = "auto", value_parser = parse_level)]
        level: LevelChoice,
        /// Maximum wall-clock time in seconds.
        #[arg(long, default_value_t = SandboxConfig::default().wall_seconds)]
        wall_seconds: f64,
        /// Maximum memory in MiB.
        #[arg(long, default_value_t = SandboxConfig::default().memory_mib)]
        memory_mib: u64,
        #[command(flatten)]
        files: Files,
        /// The program and its arguments, written after `--`.
        #[arg(required = true, last = true)]
        program: Vec<String>,
    },
}

/// Files that go into the program's folder and come out of it.
#[derive(Debug, Args)]
pub(super) struct Files {
    /// Copy this file into the program's current directory; may be repeated.
    #[arg(long = "file", value_name = "PATH")]
    given: Vec<PathBuf>,
    /// Name of a file in the program's current directory to copy out after its end; may be repeated.
    #[arg(long, value_name = "NAME")]
    collect: Vec<String>,
    /// Folder that receives the collected files.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    out: PathBuf,
}

impl Files {
    /// Puts the files into the task. Two files of one name would be one.
    fn add_to(&self, task: Task) -> anyhow::Result<Task> {
        let mut names: Vec<&str> = Vec::new();
        let task = self.given.iter().try_fold(task, |task, path| {
            let name = path.file_name().and_then(|name| name.to_str());
            let name = name.ok_or_else(|| {
                UsageError(format!("--file {}: expected the path of a file", path.display()))
            })?;
            if names.contains(&name) {
                return Err(anyhow::Error::from(UsageError(format!("--file {name}: found this name twice"))));
            }
            names.push(name);
            Ok(task.file(name, file::read(path)?))
        })?;
        Ok(self.collect.iter().fold(task, Task::collect))
    }

    /// Writes the collected files, and says which ones the program did not leave.
    fn write(&self, outcome: &Outcome, stderr: &mut impl Write) -> anyhow::Result<()> {
        for name in &self.collect {
            match outcome.files.get(name) {
                Some(bytes) => file::write(self.out.join(name), bytes)?,
                None => writeln!(stderr, "[{name}: the program left no such file]")?,
            }
        }
        Ok(())
    }
}

impl Sandbox {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Check { level } => check(level).map(|()| ExitCode::SUCCESS),
            Self::Exec { level, wall_seconds, memory_mib, files, program } => {
                let config = SandboxConfig::default()
                    .with_level(level)
                    .with_wall_seconds(wall_seconds)
                    .with_memory_mib(memory_mib);
                exec(config, &files, &program)
            }
        }
    }
}

/// Parses a sandbox level by its name in agent files.
pub(super) fn parse_level(text: &str) -> Result<LevelChoice, String> {
    serde_json::from_value(text.into())
        .map_err(|_| "expected auto, none, process, landlock, namespaces or bwrap".to_owned())
}

fn check(level: LevelChoice) -> anyhow::Result<()> {
    let choices = [LevelChoice::Process, LevelChoice::Landlock, LevelChoice::Namespaces, LevelChoice::Bwrap];
    outln!("levels:")?;
    for choice in choices {
        let name = choice.exactly().map(|level| level.name()).unwrap_or_default();
        match Cell::new(SandboxConfig::default().with_level(choice)) {
            Ok(_) => outln!("  {name:12} works")?,
            Err(error) => outln!("  {name:12} {error}")?,
        }
    }
    let cell = Cell::new(SandboxConfig::default().with_level(level)).map_err(Error::from)?;
    outln!("level {} protects:", cell.level())?;
    for row in cell.protections() {
        let strength = match row.strength {
            Strength::Enforced => "enforced",
            Strength::Partial => "partial",
            Strength::Open => "OPEN",
        };
        outln!("  {:18} {strength:9} {}", row.what, row.how)?;
    }
    Ok(())
}

fn exec(config: SandboxConfig, files: &Files, program: &[String]) -> anyhow::Result<ExitCode> {
    let (name, arguments) = program.split_first().expect("clap requires at least the program");
    let mut input = Vec::new();
    if !std::io::stdin().is_terminal() {
        std::io::stdin().read_to_end(&mut input)?;
    }
    let task = files.add_to(Task::new(name).args(arguments).stdin(input))?;
    let outcome = match Cell::new(config).and_then(|cell| cell.run(&task)) {
        Ok(outcome) => outcome,
        Err(error) => {
            // The codes of env(1) and of shells, so that none is taken for the program's own.
            let code = match error {
                SandboxError::ProgramMissing { .. } => 127,
                SandboxError::NotExecutable { .. } => 126,
                _ => 125,
            };
            report(&error, Failure::Failed);
            return Ok(ExitCode::from(code));
        }
    };
    out!("{}", outcome.stdout)?;
    let mut stderr = std::io::stderr();
    stderr.write_all(visible_on(&outcome.stderr, &stderr).as_bytes())?;
    writeln!(
        stderr,
        "[{} after {:.3} s, cpu {:.2} s, sandbox {}]",
        outcome.status, outcome.wall_seconds, outcome.cpu_seconds, outcome.level
    )?;
    files.write(&outcome, &mut stderr)?;
    Ok(ExitCode::from(outcome.status.exit_code()))
}

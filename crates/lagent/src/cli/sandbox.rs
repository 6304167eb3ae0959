//! `lagent sandbox`: what holds here, and running a program under it.

use std::io::{IsTerminal, Read, Write};

use clap::Subcommand;
use internlm_kit::sandbox::{LevelChoice, Sandbox as Cell, SandboxConfig, Strength, Task};

use crate::Error;

const CHECK_EXAMPLES: &str = "Examples:
  lagent sandbox check
  lagent sandbox check --level process";
const EXEC_EXAMPLES: &str = "Examples:
  lagent sandbox exec -- python3 -c 'print(6 * 7)'
  echo text | lagent sandbox exec --wall-seconds 2 -- sort";

/// The verbs below `lagent sandbox`.
#[derive(Debug, Subcommand)]
pub(super) enum Sandbox {
    /// Shows which levels work here and what the chosen one protects.
    #[command(after_help = CHECK_EXAMPLES)]
    Check {
        /// auto, none, process, landlock, namespaces or bwrap.
        #[arg(long, default_value = "auto", value_parser = parse_level)]
        level: LevelChoice,
    },
    /// Runs a program; its output is printed, how it ended goes to stderr.
    #[command(after_help = EXEC_EXAMPLES)]
    Exec {
        /// auto, none, process, landlock, namespaces or bwrap.
        #[arg(long, default_value = "auto", value_parser = parse_level)]
        level: LevelChoice,
        /// Wall clock, seconds.
        #[arg(long, default_value_t = SandboxConfig::default().wall_seconds)]
        wall_seconds: f64,
        /// Memory, MiB.
        #[arg(long, default_value_t = SandboxConfig::default().memory_mib)]
        memory_mib: u64,
        /// The program and its arguments, after `--`.
        #[arg(required = true, last = true)]
        program: Vec<String>,
    },
}

impl Sandbox {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Check { level } => check(level),
            Self::Exec { level, wall_seconds, memory_mib, program } => {
                let config = SandboxConfig { level, wall_seconds, memory_mib, ..SandboxConfig::default() };
                exec(config, &program)
            }
        }
    }
}

/// A level by its name in configs.
pub(super) fn parse_level(text: &str) -> Result<LevelChoice, String> {
    serde_json::from_value(text.into())
        .map_err(|_| "expected auto, none, process, landlock, namespaces or bwrap".to_owned())
}

fn check(level: LevelChoice) -> anyhow::Result<()> {
    let choices = [LevelChoice::Process, LevelChoice::Landlock, LevelChoice::Namespaces, LevelChoice::Bwrap];
    println!("levels:");
    for choice in choices {
        let name = choice.exactly().map(|level| level.name()).unwrap_or_default();
        match Cell::new(SandboxConfig { level: choice, ..SandboxConfig::default() }) {
            Ok(_) => println!("  {name:12} works"),
            Err(error) => println!("  {name:12} {error}"),
        }
    }
    let cell = Cell::new(SandboxConfig { level, ..SandboxConfig::default() }).map_err(Error::from)?;
    println!("level {} protects:", cell.level());
    for row in cell.protections() {
        let strength = match row.strength {
            Strength::Enforced => "enforced",
            Strength::Partial => "partial",
            Strength::Open => "OPEN",
        };
        println!("  {:18} {strength:9} {}", row.what, row.how);
    }
    Ok(())
}

fn exec(config: SandboxConfig, program: &[String]) -> anyhow::Result<()> {
    let cell = Cell::new(config).map_err(Error::from)?;
    let (name, arguments) = program.split_first().expect("clap requires at least the program");
    let mut input = Vec::new();
    if !std::io::stdin().is_terminal() {
        std::io::stdin().read_to_end(&mut input)?;
    }
    let task = Task::new(name).args(arguments).stdin(input);
    let outcome = cell.run(&task).map_err(Error::from)?;
    std::io::stdout().write_all(outcome.stdout.as_bytes())?;
    std::io::stderr().write_all(outcome.stderr.as_bytes())?;
    eprintln!(
        "[{} after {:.3} s, cpu {:.2} s, sandbox {}]",
        outcome.status, outcome.wall_seconds, outcome.cpu_seconds, outcome.level
    );
    if !outcome.status.is_success() {
        anyhow::bail!("{name}: {}", outcome.status);
    }
    Ok(())
}

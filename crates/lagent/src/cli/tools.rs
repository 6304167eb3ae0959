//! `lagent tools`: lists and calls the built-in tools without a model.

use clap::Subcommand;
use internlm_kit::outln;
use internlm_kit::sandbox::{LevelChoice, SandboxConfig};
use serde_json::Value;

use super::sandbox::parse_level;
use crate::Error;
use crate::action::{ActionState, Readiness, available, build};

const LIST_EXAMPLES: &str = "Examples:
  lagent tools list
  lagent tools list --json";
const CALL_EXAMPLES: &str = "Examples:
  lagent tools call Calculator '{\"expression\": \"12 * 34\"}'
  lagent tools call PythonInterpreter '{\"command\": \"def solution():\\n    return 2**100\"}'";

/// The verbs below `lagent tools`.
#[derive(Debug, Subcommand)]
pub(super) enum Tools {
    /// List the built-in tools and say whether they work on this machine.
    #[command(after_help = LIST_EXAMPLES)]
    List {
        /// Print the definitions as JSON lines, in the form that models read.
        #[arg(long)]
        json: bool,
    },
    /// Call one tool and print its result.
    #[command(after_help = CALL_EXAMPLES)]
    Call {
        /// Name of the tool.
        name: String,
        /// Arguments of the call, a JSON object.
        arguments: String,
        /// Sandbox level: auto (the strongest that works), none, process, landlock, namespaces or bwrap.
        #[arg(long, default_value = "auto", value_parser = parse_level)]
        level: LevelChoice,
    },
}

impl Tools {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { json } => list(json),
            Self::Call { name, arguments, level } => call(&name, &arguments, level),
        }
    }
}

fn list(json: bool) -> anyhow::Result<()> {
    for name in available() {
        match build(name, &SandboxConfig::default()) {
            Ok(tool) if json => outln!("{}", serde_json::to_string(&tool.spec())?)?,
            Ok(tool) => {
                let state = match tool.readiness() {
                    Readiness::Ready => match tool.sandbox_level() {
                        Some(level) => format!("ready (sandbox: {level})"),
                        None => "ready".to_owned(),
                    },
                    Readiness::Unavailable { reason } => reason,
                };
                outln!("{name:20} {state:32} {}", tool.spec().description)?;
            }
            Err(error) if json => return Err(error.into()),
            Err(error) => outln!("{name:20} unavailable: {error}")?,
        }
    }
    Ok(())
}

fn call(name: &str, arguments: &str, level: LevelChoice) -> anyhow::Result<()> {
    let tool = build(name, &SandboxConfig::default().with_level(level))?;
    if let Readiness::Unavailable { reason } = tool.readiness() {
        return Err(Error::ToolUnavailable { name: name.to_owned(), reason }.into());
    }
    let bad = |message: String| Error::Arguments { name: name.to_owned(), message };
    let arguments: Value =
        serde_json::from_str(arguments).map_err(|error| bad(format!("{error}, expected a JSON object")))?;
    if let Some(problem) = tool.spec().argument_error(&arguments) {
        return Err(bad(problem).into());
    }
    let value = tool.call(&arguments);
    if value.state != ActionState::Success {
        anyhow::bail!("{name}: {}", value.for_model());
    }
    outln!("{}", value.for_model())?;
    Ok(())
}

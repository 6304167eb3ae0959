//! `lagent tools`: lists, describes and calls the built-in tools without a model.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use internlm_kit::outln;
use internlm_kit::sandbox::LevelChoice;
use serde_json::Value;

use super::sandbox::parse_level;
use crate::Error;
use crate::action::{Action, ActionState, Entry, Readiness, ToolSettings, available, entries};
use crate::config::AgentConfig;

const LIST_EXAMPLES: &str = "Examples:
  lagent tools list
  lagent tools list --json";
const DESCRIBE_EXAMPLES: &str = "Examples:
  lagent tools describe Calculator
  lagent tools describe ArxivSearch --agent agent.toml";
const CALL_EXAMPLES: &str = "Examples:
  lagent tools call Calculator '{\"expression\": \"12 * 34\"}'
  lagent tools call PythonInterpreter '{\"command\": \"def solution():\\n    return 2**100\"}'
  lagent tools call Translation '{\"text\": \"Hello\", \"target\": \"es\"}' --agent agent.toml";

/// The verbs below `lagent tools`.
#[derive(Debug, Subcommand)]
pub(super) enum Tools {
    /// List the built-in tools and say whether they work on this machine.
    #[command(after_help = LIST_EXAMPLES)]
    List {
        /// Print the definitions as JSON lines, in the form that models read.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        settings: Settings,
    },
    /// Show the parameters of a tool, what it needs and whether it works here.
    #[command(after_help = DESCRIBE_EXAMPLES)]
    Describe {
        /// Name of the tool or of a toolkit.
        name: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// Call one tool and print its result.
    #[command(after_help = CALL_EXAMPLES)]
    Call {
        /// Name of the tool; tools of a toolkit are named Toolkit.method.
        name: String,
        /// Arguments of the call, a JSON object.
        arguments: String,
        #[command(flatten)]
        settings: Settings,
    },
}

/// What the tools may use.
#[derive(Args, Debug)]
pub(super) struct Settings {
    /// Take folder, services and sandbox from this agent file in TOML.
    #[arg(long, value_name = "FILE")]
    agent: Option<PathBuf>,
    /// Override one key of the agent file, for instance folder=out. May be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Sandbox level: auto (the strongest that works), none, process, landlock, namespaces or bwrap [default: that of
    /// the agent file, or auto].
    #[arg(long, value_parser = parse_level)]
    level: Option<LevelChoice>,
}

impl Settings {
    fn load(&self) -> Result<ToolSettings, Error> {
        let config = match &self.agent {
            Some(path) => AgentConfig::load_with(path, &self.overrides)?,
            None => internlm_kit::config::parse_with("", "the options", &self.overrides)?,
        };
        let mut settings = config.tool_settings();
        if let Some(level) = self.level {
            settings.sandbox = settings.sandbox.with_level(level);
        }
        Ok(settings)
    }
}

impl Tools {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { json: true, settings } => list_json(&settings.load()?),
            Self::List { json: false, settings } => list(&settings.load()?),
            Self::Describe { name, settings } => describe(&name, &settings.load()?),
            Self::Call { name, arguments, settings } => call(&name, &arguments, &settings.load()?),
        }
    }
}

fn list_json(settings: &ToolSettings) -> anyhow::Result<()> {
    for entry in entries() {
        for tool in (entry.build)(settings)? {
            outln!("{}", serde_json::to_string(&tool.spec())?)?;
        }
    }
    Ok(())
}

fn list(settings: &ToolSettings) -> anyhow::Result<()> {
    for entry in entries() {
        match (entry.build)(settings) {
            Ok(tools) => {
                for tool in tools {
                    let spec = tool.spec();
                    let about = spec.description.lines().next().unwrap_or_default();
                    outln!("{:20} {:32} {about}", spec.name, state(tool.as_ref()))?;
                }
            }
            Err(error) => outln!("{:20} unavailable: {error}", entry.name)?,
        }
    }
    Ok(())
}

/// Whether a tool works here, in words.
fn state(tool: &dyn Action) -> String {
    match (tool.readiness(), tool.sandbox_level()) {
        (Readiness::Ready, Some(level)) => format!("ready (sandbox: {level})"),
        (Readiness::Ready, None) => "ready".to_owned(),
        (Readiness::Unavailable { reason }, _) => reason,
    }
}

fn describe(name: &str, settings: &ToolSettings) -> anyhow::Result<()> {
    let (entry, tools) = find(name, settings)?;
    for tool in tools {
        let spec = tool.spec();
        outln!("{}\n  {}", spec.name, spec.description.replace('\n', "\n  "))?;
        outln!("  group: {}", entry.group)?;
        let needs = if entry.needs.is_empty() { "nothing" } else { entry.needs };
        outln!("  needs: {needs}")?;
        outln!("  state: {}", state(tool.as_ref()))?;
        let approval =
            if tool.needs_approval() { "of a person, unless the agent file says otherwise" } else { "none" };
        outln!("  approval: {approval}")?;
        let required = spec.required();
        let properties = spec.parameters.get("properties").and_then(Value::as_object);
        for (parameter, schema) in properties.into_iter().flatten() {
            let need = if required.contains(&parameter.as_str()) { "required" } else { "optional" };
            let about = schema.get("description").and_then(Value::as_str).unwrap_or_default();
            let line = format!("  {parameter} ({}, {need}) {about}", kind(schema));
            outln!("{}", line.trim_end())?;
        }
    }
    Ok(())
}

/// The type of a parameter in words.
fn kind(schema: &Value) -> String {
    match &schema["type"] {
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ if schema.get("enum").is_some() => format!("one of {}", schema["enum"]),
        _ => "any".to_owned(),
    }
}

/// An entry and tools of it.
type Found = (&'static Entry, Vec<Arc<dyn Action>>);

/// The entry of a name, and its tools or the one that the name means.
fn find(name: &str, settings: &ToolSettings) -> Result<Found, Error> {
    let toolkit = name.split('.').next().unwrap_or_default();
    let Some(entry) = entries().find(|entry| entry.name == name || entry.name == toolkit) else {
        let known = available().into_iter().map(str::to_owned).collect();
        return Err(Error::UnknownTool { name: name.to_owned(), known });
    };
    let mut tools = (entry.build)(settings)?;
    if entry.name != name {
        let known = tools.iter().map(|tool| tool.spec().name).collect();
        tools.retain(|tool| tool.spec().name == name);
        if tools.is_empty() {
            return Err(Error::UnknownTool { name: name.to_owned(), known });
        }
    }
    Ok((entry, tools))
}

fn call(name: &str, arguments: &str, settings: &ToolSettings) -> anyhow::Result<()> {
    let (_, tools) = find(name, settings)?;
    let tool = match tools.as_slice() {
        [tool] => tool,
        tools => {
            let known = tools.iter().map(|tool| tool.spec().name).collect();
            return Err(Error::UnknownTool { name: name.to_owned(), known }.into());
        }
    };
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

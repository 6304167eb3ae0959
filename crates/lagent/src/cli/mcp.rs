//! `lagent mcp`: serves tools to other programs, and uses the tools of MCP servers.

mod serve;
mod target;

use std::io::Write;
use std::sync::Arc;

use clap::{Args, Subcommand};
use internlm_kit::outln;
use internlm_kit::stop::Stop;
use internlm_kit::terminal::visible_on;
use serde_json::{Value, json};

use self::serve::Serve;
use self::target::{Target, seconds};
use crate::Error;
use crate::action::ActionState;
use crate::mcp::{CallOptions, McpServer, OnProgress, Progress};

const LIST_EXAMPLES: &str = "Examples:
  lagent mcp list -- npx -y @modelcontextprotocol/server-everything
  lagent mcp list --url http://127.0.0.1:8000/mcp --json
  lagent mcp list --agent agent.toml --server files";
const CALL_EXAMPLES: &str = "Examples:
  lagent mcp call Calculator '{\"expression\": \"12 * 34\"}' -- lagent mcp serve
  lagent mcp call Calculator '{\"expression\": \"12 * 34\"}' --url http://127.0.0.1:8000/mcp";

/// The verbs below `lagent mcp`.
#[derive(Debug, Subcommand)]
pub(super) enum Mcp {
    /// Serve tools to the program that has started this one, or to others over HTTP.
    Serve(Serve),
    /// List the tools, resources and prompts of an MCP server.
    List(List),
    /// Call one tool of an MCP server and print its result.
    Call(Call),
}

/// Arguments of `lagent mcp list`.
#[derive(Args, Debug)]
#[command(after_help = LIST_EXAMPLES)]
pub(super) struct List {
    #[command(flatten)]
    target: Target,
    /// Print JSON lines, each with one tool, resource or prompt.
    #[arg(long)]
    json: bool,
}

/// Arguments of `lagent mcp call`.
#[derive(Args, Debug)]
#[command(after_help = CALL_EXAMPLES)]
pub(super) struct Call {
    /// Name of the tool, as the server lists it.
    tool: String,
    /// Arguments of the call, a JSON object.
    arguments: String,
    #[command(flatten)]
    target: Target,
    /// Maximum time of the call in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
    timeout: f64,
}

impl Mcp {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Serve(verb) => verb.run(),
            Self::List(verb) => verb.run(),
            Self::Call(verb) => verb.run(),
        }
    }
}

impl List {
    fn run(self) -> anyhow::Result<()> {
        let (name, config) = self.target.server()?;
        let server = McpServer::connect(&name, &config).map_err(Error::from)?;
        let printed = self.print(&server);
        server.close();
        printed
    }

    fn print(&self, server: &McpServer) -> anyhow::Result<()> {
        let tools: Vec<_> = server.tools().iter().map(|tool| (tool.spec(), tool.needs_approval())).collect();
        let (resources, prompts) =
            (server.resources().map_err(Error::from)?, server.prompts().map_err(Error::from)?);
        if self.json {
            tools.iter().try_for_each(|(spec, _)| outln!("{}", json!({ "tool": spec })))?;
            resources.iter().try_for_each(|resource| outln!("{}", json!({ "resource": resource })))?;
            prompts.iter().try_for_each(|prompt| outln!("{}", json!({ "prompt": prompt })))?;
            return Ok(());
        }
        outln!("protocol {}", server.version())?;
        for (spec, needs_approval) in &tools {
            let mark = if *needs_approval { " (destructive)" } else { "" };
            outln!("tool     {}{mark}  {}", spec.name, first_line(Some(spec.description.as_str())))?;
        }
        for resource in &resources {
            outln!("resource {}  {}", resource.uri, first_line(resource.description.as_deref()))?;
        }
        for prompt in &prompts {
            outln!("prompt   {}  {}", prompt.name, first_line(prompt.description.as_deref()))?;
        }
        Ok(())
    }
}

impl Call {
    fn run(self) -> anyhow::Result<()> {
        let bad = |message: String| Error::Arguments { name: self.tool.clone(), message };
        let arguments: Value = serde_json::from_str(&self.arguments)
            .map_err(|error| bad(format!("{error}, expected a JSON object")))?;
        if !arguments.is_object() {
            return Err(bad(format!("found {arguments}, expected a JSON object")).into());
        }
        let on_progress: OnProgress = Arc::new(show);
        let options = CallOptions::default()
            .with_deadline(seconds(self.timeout)?)
            .with_stop(Stop::on_signals()?)
            .with_progress(on_progress);
        let (name, mut config) = self.target.server()?;
        config.timeout_seconds = config.timeout_seconds.max(self.timeout);
        let server = McpServer::connect(&name, &config).map_err(Error::from)?;
        let called = server.call(&self.tool, &arguments, &options);
        server.close();
        let value = called.map_err(Error::from)?;
        if value.state != ActionState::Success {
            anyhow::bail!("{}: {}", self.tool, value.for_model());
        }
        outln!("{}", value.for_model())?;
        Ok(())
    }
}

/// Shows a progress report on stderr.
fn show(progress: &Progress) {
    let total = progress.total.map(|total| format!("/{total}")).unwrap_or_default();
    let text = format!("[{}{total} {}]\n", progress.done, progress.message.as_deref().unwrap_or_default());
    let mut stderr = std::io::stderr();
    // A closed stderr leaves nobody to tell.
    let _ = stderr.write_all(visible_on(&text, &stderr).as_bytes());
}

fn first_line(text: Option<&str>) -> &str {
    text.and_then(|text| text.trim().lines().next()).unwrap_or_default()
}

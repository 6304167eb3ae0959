//! `lagent mcp serve`: the tools of this machine for other programs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use internlm_kit::exit::UsageError;
use internlm_kit::file;
use internlm_kit::sandbox::{LevelChoice, SandboxConfig};
use internlm_kit::stop::Stop;
use serde_json::json;

use super::target::{invalid, seconds};
use crate::Error;
use crate::action::{Readiness, ToolSettings, Toolbox, entries};
use crate::cli::sandbox::parse_level;
use crate::config::AgentConfig;
use crate::hook::Hooks;
use crate::mcp::{HttpConfig, ToolServer};
use crate::run::Approval;

/// How often the server looks whether it should stop.
const STOP_POLL: Duration = Duration::from_millis(50);

const EXAMPLES: &str = "Examples:
  lagent mcp serve --tool Calculator --tool PythonInterpreter
  lagent mcp serve agent.toml --approve shell
  lagent mcp serve --http 127.0.0.1:8000
  lagent mcp serve --http 0.0.0.0:8000 --api-keys-file keys.txt --host-name tools.example.org

Over HTTP the path is /mcp. Calls that a person should approve are refused unless --approve names their tool.";

/// Arguments of `lagent mcp serve`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Serve {
    /// Agent file in TOML whose tools are served [default: built-in tools].
    agent: Option<PathBuf>,
    /// Override one key of the agent file, for instance folder=/data. May be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "agent")]
    overrides: Vec<String>,
    /// Serve this built-in tool. May be repeated [default: all that work on this machine].
    #[arg(long = "tool", value_name = "NAME", conflicts_with = "agent")]
    tools: Vec<String>,
    /// Sandbox level of built-in tools: auto (the strongest that works), none, process, landlock, namespaces or bwrap.
    #[arg(long, default_value = "auto", value_parser = parse_level, conflicts_with = "agent")]
    level: LevelChoice,
    /// Folder of the files that built-in tools read and write.
    #[arg(long, value_name = "DIR", default_value = "tool-files", conflicts_with = "agent")]
    folder: PathBuf,
    /// Listen on this address instead of standard input and output; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    http: Option<SocketAddr>,
    /// Ask every request for one of the keys in this file, one key a line.
    #[arg(long, value_name = "FILE", requires = "http")]
    api_keys_file: Option<PathBuf>,
    /// Also answer requests for this name of the machine. May be repeated [default: localhost and the address].
    #[arg(long = "host-name", value_name = "NAME", requires = "http")]
    hosts: Vec<String>,
    /// Run calls of this tool although a person should approve them. May be repeated.
    #[arg(long = "approve", value_name = "NAME")]
    approved: Vec<String>,
    /// Maximum time of one call in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
    timeout: f64,
    /// Write {"url": ...} to this file once requests are taken.
    #[arg(long, value_name = "FILE", requires = "http")]
    ready_file: Option<PathBuf>,
}

impl Serve {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let (tools, approval, hooks) = self.agent()?;
        let server = ToolServer::new(tools.clone())
            .with_approval(refused(&approval, &tools, &self.approved)?)
            .with_hooks(hooks)
            .with_deadline(seconds(self.timeout)?);
        let runtime = crate::cli::runtime()?;
        let served = match self.http {
            None => runtime.block_on(server.serve_stdio()),
            Some(address) => {
                let keys = self.keys()?;
                let listener = runtime.block_on(tokio::net::TcpListener::bind(address));
                let listener = listener.map_err(|error| UsageError(format!("--http {address}: {error}")))?;
                let url = format!("http://{}/mcp", listener.local_addr()?);
                tracing::info!(tools = server.tools().join(", "), "listening on {url}");
                if let Some(path) = &self.ready_file {
                    file::write(path, format!("{}\n", json!({ "url": url })))?;
                }
                let config = HttpConfig { keys, hosts: self.hosts.clone() };
                runtime.block_on(server.serve_http(listener, config, requested(Stop::on_signals()?)))
            }
        };
        // Tools that still run end with the process.
        runtime.shutdown_timeout(Duration::from_secs(1));
        Ok(served.map_err(Error::from)?)
    }

    /// The tools, which of them need approval, and the hooks.
    fn agent(&self) -> anyhow::Result<(Toolbox, Approval, Hooks)> {
        if let Some(path) = &self.agent {
            let config = AgentConfig::load_with(path, &self.overrides)?;
            let tools = config.toolbox()?;
            let approval = config.spec(&tools).approval;
            return Ok((tools, approval, config.build_hooks()?));
        }
        let settings =
            ToolSettings::new(SandboxConfig::default().with_level(self.level)).with_folder(&self.folder);
        let tools = if self.tools.is_empty() { all_that_work(&settings)? } else { self.named(&settings)? };
        let approval = Approval::Tools(tools.approvals().into_iter().collect());
        Ok((tools, approval, Hooks::default()))
    }

    fn named(&self, settings: &ToolSettings) -> crate::Result<Toolbox> {
        let tools = Toolbox::with_tools(&self.tools, settings)?;
        match tools.first_unavailable() {
            None => Ok(tools),
            Some((name, reason)) => Err(Error::ToolUnavailable { name, reason }),
        }
    }

    fn keys(&self) -> anyhow::Result<Vec<String>> {
        let Some(path) = &self.api_keys_file else { return Ok(Vec::new()) };
        let text = file::read_to_string(path)?;
        let keys: Vec<String> =
            text.lines().map(str::trim).filter(|key| !key.is_empty()).map(str::to_owned).collect();
        if keys.is_empty() {
            return Err(invalid(path, "found no keys, expected one a line".to_owned()).into());
        }
        Ok(keys)
    }
}

/// Every built-in tool that lacks nothing on this machine.
fn all_that_work(settings: &ToolSettings) -> crate::Result<Toolbox> {
    let mut tools = Toolbox::default();
    for entry in entries() {
        for tool in (entry.build)(settings)? {
            if tool.readiness() == Readiness::Ready {
                tools.add(tool);
            }
        }
    }
    Ok(tools)
}

/// The tools whose calls are refused: those that need approval, except the approved ones.
fn refused(approval: &Approval, tools: &Toolbox, approved: &[String]) -> crate::Result<Approval> {
    let known: Vec<String> = tools.specs().into_iter().map(|spec| spec.name).collect();
    if let Some(name) = approved.iter().find(|name| !known.contains(name)) {
        return Err(Error::UnknownTool { name: name.clone(), known });
    }
    let refused = known.into_iter().filter(|name| approval.covers(name) && !approved.contains(name));
    Ok(Approval::Tools(refused.collect()))
}

/// Waits until somebody requests the stop.
async fn requested(stop: Stop) {
    while !stop.is_requested() {
        tokio::time::sleep(STOP_POLL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::build;

    #[test]
    fn approved_tools_are_no_longer_refused() {
        let mut tools = Toolbox::default();
        for tool in build("Calculator", &ToolSettings::default()).expect("always works") {
            tools.add(tool);
        }
        let name = "Calculator".to_owned();
        assert!(refused(&Approval::Always, &tools, &[]).expect("known").covers(&name));
        assert!(
            !refused(&Approval::Always, &tools, std::slice::from_ref(&name)).expect("known").covers(&name)
        );
        assert!(!refused(&Approval::Never, &tools, &[]).expect("known").covers(&name));
        assert!(refused(&Approval::Never, &tools, &["Calculater".to_owned()]).is_err());
        assert!(seconds(0.0).is_err() && seconds(f64::NAN).is_err() && seconds(0.5).is_ok());
    }
}

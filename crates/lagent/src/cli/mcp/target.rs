//! The MCP server that a command line names: a program, an address, or a table of an agent file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use internlm_kit::config::ConfigError;
use internlm_kit::exit::UsageError;

use crate::Error;
use crate::config::AgentConfig;
use crate::mcp::McpConfig;

/// Name of a server that no agent file names.
const NAME: &str = "mcp";

/// Where the server of `lagent mcp list` and `lagent mcp call` is.
#[derive(Args, Debug)]
pub(super) struct Target {
    /// Address of a server that speaks streamable HTTP.
    #[arg(long, conflicts_with_all = ["agent", "command"])]
    url: Option<String>,
    /// File that contains the key for the server at --url.
    #[arg(long, value_name = "FILE", requires = "url")]
    api_key_file: Option<PathBuf>,
    /// Agent file with a table [mcp.NAME] of the server.
    #[arg(long, value_name = "FILE", requires = "server", conflicts_with = "command")]
    agent: Option<PathBuf>,
    /// Name of the server in the agent file.
    #[arg(long, value_name = "NAME", requires = "agent")]
    server: Option<String>,
    /// Command that starts a server, written after `--`.
    #[arg(last = true)]
    command: Vec<String>,
}

impl Target {
    /// The name and the settings of the server.
    pub(super) fn server(&self) -> anyhow::Result<(String, McpConfig)> {
        if let Some(url) = &self.url {
            let mut config = McpConfig::at(url);
            config.key_file.clone_from(&self.api_key_file);
            return Ok((NAME.to_owned(), config));
        }
        if let (Some(path), Some(name)) = (&self.agent, &self.server) {
            let mut servers = AgentConfig::load(path)?.mcp;
            if let Some(config) = servers.remove(name) {
                return Ok((name.clone(), config));
            }
            let known: Vec<String> = servers.into_keys().collect();
            let problem = format!("mcp: found no table `{name}`, expected one of {}", known.join(", "));
            return Err(invalid(path, problem).into());
        }
        let Some((program, arguments)) = self.command.split_first() else {
            let expected = "expected one of --url, --agent, or a command after `--`";
            return Err(UsageError(format!("found no server, {expected}")).into());
        };
        let mut config = McpConfig::program(program, arguments);
        // The user has typed the command here, where it would see all of the environment.
        config.pass = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect();
        Ok((NAME.to_owned(), config))
    }
}

/// A time limit of the command line.
pub(super) fn seconds(number: f64) -> Result<Duration, UsageError> {
    let wrong = || UsageError(format!("--timeout: found {number}, expected a positive number of seconds"));
    Duration::try_from_secs_f64(number).ok().filter(|duration| !duration.is_zero()).ok_or_else(wrong)
}

/// The error of an input file with one problem.
pub(super) fn invalid(path: &Path, problem: String) -> Error {
    Error::Config(ConfigError::Invalid { path: path.to_path_buf(), problems: vec![problem] })
}

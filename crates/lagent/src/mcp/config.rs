//! [`McpConfig`]: where an MCP server is, and what an agent may use of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use internlm_kit::config::Validate;
use serde::{Deserialize, Serialize};

use super::McpApproval;

/// The `[mcp.NAME]` table of an agent file. Unknown keys are errors. Like [`Service`](crate::action::Service), the table
/// is trusted: it says which program runs, and which key is sent to which address.
///
/// ```
/// let text = r#"
/// command = "npx"
/// args = ["-y", "@modelcontextprotocol/server-filesystem", "/data"]
/// tools = ["read_text_file"]
/// "#;
/// let config: lagent::mcp::McpConfig = internlm_kit::config::parse(text, "agent.toml")?;
/// assert_eq!((config.timeout_seconds, config.url), (60.0, None));
/// # Ok::<(), internlm_kit::config::ConfigError>(())
/// ```
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct McpConfig {
    /// Program of a server that speaks over its standard input and output. Either this or `url`.
    pub command: Option<String>,
    /// Arguments of the program.
    pub args: Vec<String>,
    /// Environment variables of the program. They may be secrets, so they are never written into files.
    #[serde(skip_serializing)]
    pub env: BTreeMap<String, String>,
    /// Names of variables that the program inherits, besides PATH, HOME and a few that are not secret. Default: none.
    pub pass: Vec<String>,
    /// Folder that the program starts in. Default: the current one.
    pub folder: Option<PathBuf>,
    /// Address of a server that speaks streamable HTTP, such as `https://host/mcp`. Either this or `command`.
    pub url: Option<String>,
    /// Headers of every request. They may be secrets, so they are never written into files.
    #[serde(skip_serializing)]
    pub headers: BTreeMap<String, String>,
    /// File that contains the key of `Authorization: Bearer KEY`. The key itself is never written anywhere.
    pub key_file: Option<PathBuf>,
    /// Environment variable that contains the key, if there is no file.
    pub key_variable: Option<String>,
    /// Names of the tools that the agent may use, as the server lists them. Default: all.
    pub tools: Option<Vec<String>>,
    /// Which tools need a person's approval: `never`, `marked` (as destructive, by the server) or `always`. Default:
    /// `marked`.
    pub approval: McpApproval,
    /// Folder of the images, sounds and files that tools return. Default: `tool-files`.
    pub files: PathBuf,
    /// Maximum time in seconds without a sign of life from a running call. Each progress report starts it again; the
    /// limit of the agent's tool calls applies as well. Default: 60.
    pub timeout_seconds: f64,
    /// Maximum time in seconds for starting the server and for reading its lists. Default: 60.
    pub start_seconds: f64,
}

impl Default for McpConfig {
    fn default() -> Self {
        Self {
            command: None,
            args: Vec::new(),
            env: BTreeMap::new(),
            pass: Vec::new(),
            folder: None,
            url: None,
            headers: BTreeMap::new(),
            key_file: None,
            key_variable: None,
            tools: None,
            approval: McpApproval::default(),
            files: PathBuf::from("tool-files"),
            timeout_seconds: 60.0,
            start_seconds: 60.0,
        }
    }
}

impl McpConfig {
    /// Creates the settings of a server that is started as a program.
    #[must_use]
    pub fn program(command: impl Into<String>, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let args = args.into_iter().map(Into::into).collect();
        Self { command: Some(command.into()), args, ..Self::default() }
    }

    /// Creates the settings of a server at an address.
    #[must_use]
    pub fn at(url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), ..Self::default() }
    }

    pub(super) fn timeout(&self) -> Duration {
        seconds(self.timeout_seconds)
    }

    pub(super) fn start_timeout(&self) -> Duration {
        seconds(self.start_seconds)
    }

    /// Keys that only one of the two kinds of servers has.
    fn misplaced(&self) -> Vec<&'static str> {
        let of_programs = [
            ("args", !self.args.is_empty()),
            ("env", !self.env.is_empty()),
            ("pass", !self.pass.is_empty()),
            ("folder", self.folder.is_some()),
        ];
        let of_addresses = [
            ("headers", !self.headers.is_empty()),
            ("key-file", self.key_file.is_some()),
            ("key-variable", self.key_variable.is_some()),
        ];
        let foreign = if self.url.is_some() { &of_programs[..] } else { &of_addresses[..] };
        foreign.iter().filter(|(_, is_there)| *is_there).map(|(key, _)| *key).collect()
    }
}

/// A time that was checked before; without the check a long one.
fn seconds(number: f64) -> Duration {
    /// Ten years, which is far from where adding times overflows.
    const LONG: Duration = Duration::from_secs(10 * 365 * 86_400);
    Duration::try_from_secs_f64(number).map_or(LONG, |duration| duration.min(LONG))
}

impl Validate for McpConfig {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        match (&self.command, &self.url) {
            (None, None) => problems.push("found neither command nor url, expected one of them".to_owned()),
            (Some(_), Some(_)) => {
                problems.push("found both command and url, expected one of them".to_owned())
            }
            (Some(command), None) if command.trim().is_empty() => {
                problems.push("command: found an empty text, expected a program".to_owned());
            }
            (None, Some(url)) if !["http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) => {
                problems.push(format!("url: found `{url}`, expected http:// or https://"));
            }
            _ => {}
        }
        let kind = if self.url.is_some() { "url" } else { "command" };
        for key in self.misplaced() {
            problems.push(format!("{key}: found together with {kind}, which does not use it"));
        }
        for (key, found) in [("timeout-seconds", self.timeout_seconds), ("start-seconds", self.start_seconds)]
        {
            if found <= 0.0 || Duration::try_from_secs_f64(found).is_err() {
                problems.push(format!("{key}: found {found}, expected a positive number of seconds"));
            }
        }
        problems
    }
}

/// Without the values of variables and headers, which may be secrets.
impl std::fmt::Debug for McpConfig {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("McpConfig")
            .field("command", &self.command)
            .field("args", &self.args)
            .field("env", &self.env.keys())
            .field("url", &self.url)
            .field("headers", &self.headers.keys())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_program_or_an_address() {
        assert!(McpConfig::program("server", ["--stdio"]).problems().is_empty());
        assert!(McpConfig::at("http://127.0.0.1:8000/mcp").problems().is_empty());
        assert_eq!(McpConfig::default().problems(), ["found neither command nor url, expected one of them"]);
        let both = McpConfig { url: Some("ftp://a".to_owned()), ..McpConfig::program("a", ["b"]) };
        let expected = [
            "found both command and url, expected one of them",
            "args: found together with url, which does not use it",
        ];
        assert_eq!(both.problems(), expected);
        let wrong = McpConfig { timeout_seconds: 0.0, start_seconds: f64::NAN, ..McpConfig::at("ftp://a") };
        assert_eq!(wrong.problems().len(), 3);
    }

    #[test]
    fn secrets_are_neither_written_nor_shown() {
        let mut config = McpConfig::program("a", ["b"]);
        config.env.insert("TOKEN".to_owned(), "hunter2".to_owned());
        config.headers.insert("X-Key".to_owned(), "hunter2".to_owned());
        assert!(!format!("{config:?}").contains("hunter2") && format!("{config:?}").contains("TOKEN"));
        assert!(!serde_json::to_string(&config).expect("serializes").contains("hunter2"));
    }
}

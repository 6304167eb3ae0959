//! [`ServeConfig`]: where the server listens, who may call it, what it keeps and how it stops.

use std::path::PathBuf;
use std::time::Duration;

use internlm_kit::config::Validate;
use serde::{Deserialize, Serialize};

/// Settings of the agent server. Unknown keys are errors.
///
/// ```
/// let text = "port = 0\nsession-idle-seconds = 60";
/// let config: lagent::serve::ServeConfig = internlm_kit::config::parse(text, "serve.toml")?;
/// assert_eq!((config.host.as_str(), config.session_idle_seconds), ("127.0.0.1", 60.0));
/// # Ok::<(), internlm_kit::config::ConfigError>(())
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct ServeConfig {
    /// Host name or address. Default 127.0.0.1, as upstream: agents act, so only this machine may ask them.
    pub host: String,
    /// Port; 0 takes a free one. Default 8090, as upstream.
    pub port: u16,
    /// Keys, one of which every request must send. Callers with different keys do not see each other's sessions and
    /// runs. An empty list asks for no key. Keys are never written into files. Default: no keys.
    #[serde(skip_serializing)]
    pub api_keys: Vec<String>,
    /// Maximum number of questions that one key may ask at the same time; further ones are answered with 429. Default:
    /// no limit.
    pub concurrency_per_key: Option<usize>,
    /// Maximum size of a request body in bytes. Default 8 MiB.
    pub body_limit: usize,
    /// Whether `/metrics` can be read without a key. Default false.
    pub public_metrics: bool,
    /// Who calls the tools in `/v1/chat/completions` unless the request says otherwise. Default `inside`.
    pub tools: ToolsMode,
    /// Database file of the sessions, which then survive a restart. Default: sessions are kept in memory.
    pub memory: Option<PathBuf>,
    /// Seconds after which an unused session is dropped. Sessions in a database are only unloaded. Default 3600.
    pub session_idle_seconds: f64,
    /// Maximum number of sessions and of unfinished runs in memory; the one that was unused for the longest time makes
    /// place for a new one. When all are in use, the request is answered with 503. Default 10,000.
    pub max_sessions: usize,
    /// Number of ended runs whose events can still be read. Default 256.
    pub keep_runs: usize,
    /// Seconds that running questions may take once the server is told to stop. Default 30.
    pub drain_timeout: f64,
}

/// Who calls the tools of an agent that is asked by `/v1/chat/completions`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToolsMode {
    /// The server calls them, and the client gets the final answer.
    #[default]
    Inside,
    /// The client gets the calls as `tool_calls` and sends the results.
    Calls,
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 8090,
            api_keys: Vec::new(),
            concurrency_per_key: None,
            body_limit: 8 << 20,
            public_metrics: false,
            tools: ToolsMode::Inside,
            memory: None,
            session_idle_seconds: 3600.0,
            max_sessions: 10_000,
            keep_runs: 256,
            drain_timeout: 30.0,
        }
    }
}

impl ServeConfig {
    /// Sets the host name or address to listen on.
    #[must_use]
    pub fn with_host(self, host: impl Into<String>) -> Self {
        Self { host: host.into(), ..self }
    }

    /// Sets the port to listen on; 0 takes a free one.
    #[must_use]
    pub fn with_port(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// Sets the keys, one of which every request must send.
    #[must_use]
    pub fn with_api_keys<T: Into<String>>(self, keys: impl IntoIterator<Item = T>) -> Self {
        Self { api_keys: keys.into_iter().map(Into::into).collect(), ..self }
    }

    /// Returns the time after which an unused session is dropped.
    pub(super) fn session_idle(&self) -> Duration {
        seconds(self.session_idle_seconds)
    }

    /// Returns the time that running questions may take at the end.
    pub(super) fn drain(&self) -> Duration {
        seconds(self.drain_timeout)
    }
}

/// A time that was checked before; without the check the longest one.
fn seconds(number: f64) -> Duration {
    Duration::try_from_secs_f64(number).unwrap_or(Duration::MAX)
}

impl Validate for ServeConfig {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (key, found) in
            [("session-idle-seconds", self.session_idle_seconds), ("drain-timeout", self.drain_timeout)]
        {
            if Duration::try_from_secs_f64(found).is_err() {
                problems.push(format!("{key}: found {found}, expected a number of seconds"));
            }
        }
        for (key, found) in [
            ("concurrency-per-key", self.concurrency_per_key.unwrap_or(1)),
            ("body-limit", self.body_limit),
            ("max-sessions", self.max_sessions),
        ] {
            if found == 0 {
                problems.push(format!("{key}: found 0, expected at least 1"));
            }
        }
        if self.api_keys.iter().any(|key| key.trim().is_empty()) {
            problems.push("api-keys: found an empty key, expected keys of at least one character".to_owned());
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_problems_are_named_at_once() {
        assert!(ServeConfig::default().problems().is_empty());
        let wrong = ServeConfig {
            api_keys: vec![" ".to_owned()],
            concurrency_per_key: Some(0),
            body_limit: 0,
            max_sessions: 0,
            drain_timeout: -1.0,
            session_idle_seconds: f64::NAN,
            ..ServeConfig::default()
        };
        assert_eq!(wrong.problems().len(), 6);
    }

    #[test]
    fn keys_are_not_written() {
        let config = ServeConfig { api_keys: vec!["secret".to_owned()], ..ServeConfig::default() };
        assert!(!serde_json::to_string(&config).expect("serializes").contains("secret"));
    }
}

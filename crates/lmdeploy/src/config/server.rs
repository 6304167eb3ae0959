//! [`ServerConfig`]: where a server listens, who may call it, what it shows, and how it stops.

use std::path::PathBuf;
use std::time::Duration;

use internlm_kit::config::Validate;
use serde::{Deserialize, Serialize};

/// Where a server listens, who may call it, what it shows, and how it stops.
///
/// ```
/// let config = lmdeploy::config::ServerConfig::default().with_host("127.0.0.1").with_port(0);
/// assert_eq!((config.port, config.drain_timeout), (0, 30.0));
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ServerConfig {
    /// Host name or address. Default 0.0.0.0, as upstream.
    pub host: String,
    /// Port; 0 takes a free one. Default 23333, as upstream.
    pub port: u16,
    /// Seconds that running requests may take once the server is told to stop. Default 30.
    pub drain_timeout: f64,
    /// Origins, such as `https://chat.example`, whose pages may call the server from a browser; `*` means all. Default:
    /// none (upstream: `*`), because a page could otherwise use every server that its visitor's browser reaches.
    pub allow_origins: Vec<String>,
    /// Whether those pages may send credentials such as cookies. Default false, as upstream.
    pub allow_credentials: bool,
    /// Methods that those pages may use. Default `*`, as upstream.
    pub allow_methods: Vec<String>,
    /// Headers that those pages may send. Default `*`, as upstream.
    pub allow_headers: Vec<String>,
    /// Keys, one of which every request must send, but those for `/health`, `/docs` and `/openapi.json`; an empty list
    /// asks for none. Keys are never written into files. Default: none.
    #[serde(skip_serializing)]
    pub api_keys: Vec<String>,
    /// File with the certificate chain in PEM. With `ssl-keyfile` the server speaks HTTPS. Absent: plain HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssl_certfile: Option<PathBuf>,
    /// File with the private key of the certificate in PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssl_keyfile: Option<PathBuf>,
    /// Seconds that a request which sets no time limit of its own may wait and run. Absent: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_timeout: Option<f64>,
    /// Maximum number of inference requests that are handled at the same time; further ones wait. Absent: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_concurrent_requests: Option<usize>,
    /// Number of characters of each request body that the log shows. Default 0 (upstream: all).
    pub max_log_len: usize,
    /// Whether `/metrics` can be read without a key. Default false.
    pub public_metrics: bool,
    /// Leave the route `/metrics` out. Default false.
    pub disable_metrics: bool,
    /// Leave the routes `/openapi.json` and `/docs` out. Default false.
    pub disable_docs: bool,
    /// Whether `GET /terminate` stops the server. Default false, as upstream.
    pub allow_terminate_by_client: bool,
}

impl Default for ServerConfig {
    fn default() -> Self {
        let all = || vec!["*".to_owned()];
        Self {
            host: "0.0.0.0".to_owned(),
            port: 23333,
            drain_timeout: 30.0,
            allow_origins: Vec::new(),
            allow_credentials: false,
            allow_methods: all(),
            allow_headers: all(),
            api_keys: Vec::new(),
            ssl_certfile: None,
            ssl_keyfile: None,
            request_timeout: None,
            max_concurrent_requests: None,
            max_log_len: 0,
            public_metrics: false,
            disable_metrics: false,
            disable_docs: false,
            allow_terminate_by_client: false,
        }
    }
}

impl ServerConfig {
    /// Sets the host name or address.
    #[must_use]
    pub fn with_host(self, host: impl Into<String>) -> Self {
        Self { host: host.into(), ..self }
    }

    /// Sets the port; 0 takes a free one.
    #[must_use]
    pub fn with_port(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// Sets the seconds that running requests may take once the server is told to stop.
    #[must_use]
    pub fn with_drain_timeout(self, seconds: f64) -> Self {
        Self { drain_timeout: seconds, ..self }
    }

    /// Sets the origins whose pages may call the server from a browser; without any, its own pages alone may.
    #[must_use]
    pub fn with_allow_origins(self, origins: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { allow_origins: origins.into_iter().map(Into::into).collect(), ..self }
    }

    /// Sets the keys, one of which every request must send.
    #[must_use]
    pub fn with_api_keys(self, keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { api_keys: keys.into_iter().map(Into::into).collect(), ..self }
    }

    /// Serves HTTPS with this certificate chain and private key, both PEM files.
    #[must_use]
    pub fn with_tls(self, certfile: impl Into<PathBuf>, keyfile: impl Into<PathBuf>) -> Self {
        Self { ssl_certfile: Some(certfile.into()), ssl_keyfile: Some(keyfile.into()), ..self }
    }
}

impl Validate for ServerConfig {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let timeout = |key: &str, found: f64, least: Duration, expected: &str| {
            let fits = Duration::try_from_secs_f64(found).is_ok_and(|timeout| timeout >= least);
            (!fits).then(|| format!("{key}: found {found}, expected {expected}"))
        };
        problems.extend(timeout("drain-timeout", self.drain_timeout, Duration::ZERO, "a number of seconds"));
        if let Some(found) = self.request_timeout {
            let expected = "a number of seconds above 0";
            problems.extend(timeout("request-timeout", found, Duration::from_nanos(1), expected));
        }
        if self.max_concurrent_requests == Some(0) {
            problems.push("max-concurrent-requests: found 0, expected at least 1".to_owned());
        }
        if self.api_keys.iter().any(|key| key.trim().is_empty()) {
            problems.push("api-keys: found an empty key, expected keys of at least one character".to_owned());
        }
        match (&self.ssl_certfile, &self.ssl_keyfile) {
            (Some(_), None) => {
                problems.push("ssl-keyfile: found nothing, expected a file with ssl-certfile".to_owned());
            }
            (None, Some(_)) => {
                problems.push("ssl-certfile: found nothing, expected a file with ssl-keyfile".to_owned());
            }
            _ => {}
        }
        problems
    }
}

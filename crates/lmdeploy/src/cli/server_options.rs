//! Options about the HTTP side of the server: where it listens, who may call it, what it shows.

use std::path::PathBuf;

use clap::Args;
use internlm_kit::config::ConfigError;

use super::options::give;
use crate::config::ServerConfig;

/// Environment variables that name the files of `--ssl`, as upstream.
const SSL_FILES: [&str; 2] = ["SSL_CERTFILE", "SSL_KEYFILE"];

/// What is given here wins over the table `server` of a config file.
#[derive(Args, Debug)]
pub(super) struct ServerOptions {
    /// Listen on this host name or address [default: 0.0.0.0]
    #[arg(long, value_name = "HOST")]
    server_name: Option<String>,
    /// Listen on this port; 0 takes a free one [default: 23333]
    #[arg(long, value_name = "PORT")]
    server_port: Option<u16>,
    /// Ask every request for one of these keys, as bearer token or x-api-key [default: no keys]
    #[arg(long, value_name = "KEY", num_args = 1.., value_delimiter = ',')]
    api_keys: Option<Vec<String>>,
    /// Serve HTTPS with the PEM files that the environment variables SSL_CERTFILE and SSL_KEYFILE name
    #[arg(long)]
    ssl: bool,
    /// Let pages of these origins, such as `https://chat.example`, call the server from a browser; * means all [default: none]
    #[arg(long, value_name = "ORIGIN", num_args = 1.., value_delimiter = ',')]
    allow_origins: Option<Vec<String>>,
    /// Let those pages send credentials such as cookies
    #[arg(long)]
    allow_credentials: bool,
    /// Let those pages use these methods; * means all [default: *]
    #[arg(long, value_name = "METHOD", num_args = 1.., value_delimiter = ',')]
    allow_methods: Option<Vec<String>>,
    /// Let those pages send these headers; * means all [default: *]
    #[arg(long, value_name = "HEADER", num_args = 1.., value_delimiter = ',')]
    allow_headers: Option<Vec<String>>,
    /// Limit requests that set no timeout to this many seconds, queue included [default: no limit]
    #[arg(long, value_name = "SECONDS")]
    request_timeout: Option<f64>,
    /// Maximum number of inference requests that are handled at the same time; further ones wait [default: no limit]
    #[arg(long, value_name = "N")]
    max_concurrent_requests: Option<usize>,
    /// Give running requests this many seconds to finish at shutdown [default: 30]
    #[arg(long, value_name = "SECONDS")]
    drain_timeout: Option<f64>,
    /// Log this many characters of each request body [default: 0]
    #[arg(long, value_name = "CHARACTERS")]
    max_log_len: Option<usize>,
    /// Leave out the route /metrics
    #[arg(long)]
    disable_metrics: bool,
    /// Let /metrics be read without a key
    #[arg(long)]
    public_metrics: bool,
    /// Leave out the routes /openapi.json and /docs
    #[arg(long, alias = "disable-fastapi-docs")]
    disable_docs: bool,
    /// Let clients stop the server with GET /terminate
    #[arg(long)]
    allow_terminate_by_client: bool,
}

impl ServerOptions {
    /// Writes what was given into `config`.
    ///
    /// # Errors
    /// When `--ssl` is given and the environment does not name both files.
    pub(super) fn apply(&self, config: &mut ServerConfig) -> Result<(), ConfigError> {
        give(&mut config.host, self.server_name.as_ref());
        give(&mut config.port, self.server_port.as_ref());
        give(&mut config.api_keys, self.api_keys.as_ref());
        give(&mut config.allow_origins, self.allow_origins.as_ref());
        config.allow_credentials |= self.allow_credentials;
        give(&mut config.allow_methods, self.allow_methods.as_ref());
        give(&mut config.allow_headers, self.allow_headers.as_ref());
        give(&mut config.request_timeout, self.request_timeout.map(Some).as_ref());
        give(&mut config.max_concurrent_requests, self.max_concurrent_requests.map(Some).as_ref());
        give(&mut config.drain_timeout, self.drain_timeout.as_ref());
        give(&mut config.max_log_len, self.max_log_len.as_ref());
        config.disable_metrics |= self.disable_metrics;
        config.public_metrics |= self.public_metrics;
        config.disable_docs |= self.disable_docs;
        config.allow_terminate_by_client |= self.allow_terminate_by_client;
        if self.ssl {
            let [certfile, keyfile] = ssl_files()?;
            (config.ssl_certfile, config.ssl_keyfile) = (Some(certfile), Some(keyfile));
        }
        Ok(())
    }
}

/// The files that the environment names.
fn ssl_files() -> Result<[PathBuf; 2], ConfigError> {
    let found = SSL_FILES.map(|name| std::env::var_os(name).filter(|value| !value.is_empty()));
    match found {
        [Some(certfile), Some(keyfile)] => Ok([certfile.into(), keyfile.into()]),
        found => {
            let absent = SSL_FILES.iter().zip(&found).filter(|(_, value)| value.is_none());
            let problems = absent
                .map(|(name, _)| {
                    format!("--ssl: the environment variable {name} is not set, expected a PEM file")
                })
                .collect();
            Err(ConfigError::Invalid { path: PathBuf::from("command line"), problems })
        }
    }
}

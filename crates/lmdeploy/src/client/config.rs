//! Settings of the client.

use std::time::Duration;

/// How to reach a server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientConfig {
    /// `http://host:port`, without `/v1`.
    pub base_url: String,
    /// Sent as a bearer token.
    pub api_key: Option<String>,
    /// Longest silence of the server; a stream may take longer as long as something comes.
    pub timeout: Duration,
    /// How often a request is sent again after a failed connection or status 429 or 503.
    pub retries: u32,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            base_url: "http://127.0.0.1:23333".to_owned(),
            api_key: None,
            timeout: Duration::from_secs(600),
            retries: 3,
        }
    }
}

impl ClientConfig {
    /// The defaults for the server at `base_url`.
    #[must_use]
    pub fn new(base_url: impl Into<String>) -> Self {
        Self { base_url: base_url.into(), ..Self::default() }
    }
}

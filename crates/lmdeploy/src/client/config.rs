//! [`ClientConfig`]: address, key, timeout and retries of a client.

use std::time::Duration;

/// How to reach a server.
///
/// ```
/// use lmdeploy::client::ClientConfig;
/// let config = ClientConfig::new("http://127.0.0.1:8000").with_api_key("secret").with_retries(0);
/// assert_eq!((config.api_key.as_deref(), config.retries), (Some("secret"), 0));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ClientConfig {
    /// `http://host:port`, or with `/v1` at its end as OpenAI's clients have it. Default `http://127.0.0.1:23333`.
    pub base_url: String,
    /// Sent as a bearer token. Default: none.
    pub api_key: Option<String>,
    /// Idle timeout: maximum time without a byte from the server, so a long stream is not cut off. Default 600 s.
    pub timeout: Duration,
    /// Number of times that a request is sent again after a failed connection or status 429 or 503. Default 3.
    pub retries: u32,
    /// Maximum time that one call spends in pauses before retries, all of them together. A server that asks for a longer
    /// pause by `Retry-After` is not asked again. Default 60 s.
    pub max_wait: Duration,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            base_url: "http://127.0.0.1:23333".to_owned(),
            api_key: None,
            timeout: Duration::from_secs(600),
            retries: 3,
            max_wait: Duration::from_secs(60),
        }
    }
}

impl ClientConfig {
    /// The server at `base_url` with all defaults.
    #[must_use]
    pub fn new(base_url: impl Into<String>) -> Self {
        Self { base_url: base_url.into(), ..Self::default() }
    }

    /// Sets the bearer token that is sent with every request.
    #[must_use]
    pub fn with_api_key(self, api_key: impl Into<String>) -> Self {
        Self { api_key: Some(api_key.into()), ..self }
    }

    /// Sets the maximum time without a byte from the server.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Sets how often a request is sent again after a failed connection or status 429 or 503.
    #[must_use]
    pub fn with_retries(self, retries: u32) -> Self {
        Self { retries, ..self }
    }

    /// Sets the maximum time that one call spends in pauses before retries.
    #[must_use]
    pub fn with_max_wait(self, max_wait: Duration) -> Self {
        Self { max_wait, ..self }
    }
}

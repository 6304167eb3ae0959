//! The way to a server with an address: the HTTP client and its headers.

use std::collections::HashMap;

use internlm_kit::file;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use rmcp::transport::streamable_http_client::{
    StreamableHttpClientTransport, StreamableHttpClientTransportConfig,
};

use crate::http_client::builder;
use crate::mcp::{McpConfig, McpError};

/// A transport to the server's address. Nothing is sent yet.
pub(super) fn transport(
    name: &str,
    url: &str,
    config: &McpConfig,
) -> Result<StreamableHttpClientTransport<reqwest::Client>, McpError> {
    let wrong = |problem: String| McpError::Config { name: name.to_owned(), problems: vec![problem] };
    let mut settings =
        StreamableHttpClientTransportConfig::with_uri(url).custom_headers(headers(config).map_err(wrong)?);
    if let Some(key) = key(config).map_err(wrong)? {
        settings = settings.auth_header(key);
    }
    let client = client(url).map_err(|error| McpError::Start {
        name: name.to_owned(),
        message: error.to_string(),
        stderr: String::new(),
    })?;
    Ok(StreamableHttpClientTransport::with_client(client, settings))
}

fn client(url: &str) -> reqwest::Result<reqwest::Client> {
    builder(url)
        .tcp_nodelay(true)
        // A server may close a connection just when the next call is sent, which could not be repeated.
        .pool_max_idle_per_host(0)
        // A redirect would send the headers, which may be secrets, to an address that nobody configured.
        .redirect(Policy::none())
        .build()
}

/// The configured headers. Errors name a header but never its value, which may be a secret.
fn headers(config: &McpConfig) -> Result<HashMap<HeaderName, HeaderValue>, String> {
    config
        .headers
        .iter()
        .map(|(name, value)| {
            let header = HeaderName::try_from(name)
                .map_err(|_| format!("headers: found the name `{name}`, expected the name of a header"))?;
            let mut value = HeaderValue::try_from(value)
                .map_err(|_| format!("headers.{name}: found a control character, expected text"))?;
            value.set_sensitive(true);
            Ok((header, value))
        })
        .collect()
}

/// The key, if one is configured.
fn key(config: &McpConfig) -> Result<Option<String>, String> {
    let (place, text) = match (&config.key_file, &config.key_variable) {
        (Some(path), _) => {
            ("key-file", file::read_to_string(path).map_err(|error| format!("key-file: {error}"))?)
        }
        (None, Some(name)) => {
            let value = std::env::var(name).map_err(|_| format!("key-variable: found no variable {name}"))?;
            ("key-variable", value)
        }
        (None, None) => return Ok(None),
    };
    let key = text.trim();
    if key.is_empty() || key.chars().any(char::is_control) {
        return Err(format!("{place}: found no key of one line, expected one"));
    }
    Ok(Some(key.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_headers_and_keys_do_not_show_them() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("key");
        std::fs::write(&path, " hunter2\n").expect("writes");
        let mut config = McpConfig::at("http://127.0.0.1:9/mcp");
        assert_eq!(key(&config), Ok(None));
        config.key_file = Some(path.clone());
        assert_eq!(key(&config), Ok(Some("hunter2".to_owned())));
        std::fs::write(&path, "hunter2\nhunter3\n").expect("writes");
        assert_eq!(key(&config), Err("key-file: found no key of one line, expected one".to_owned()));
        config.headers.insert("X-A".to_owned(), "hunter2\n".to_owned());
        assert_eq!(headers(&config), Err("headers.X-A: found a control character, expected text".to_owned()));
    }
}

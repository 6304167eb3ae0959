//! What the HTTP clients of all tools have in common: TLS, a time to connect, bounded answers, errors without addresses.

use std::time::Duration;

use reqwest::{Client, ClientBuilder, Response, Url};
use serde_json::Value;

/// What the clients call themselves: some services refuse requests that do not say who asks.
pub(crate) const AGENT: &str = concat!("lagent/", env!("CARGO_PKG_VERSION"));
/// Maximum time until a connection is made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Number of characters of a refusal that the model reads.
const MESSAGE: usize = 300;

/// A client for an address. Redirects, proxies and the time for a whole exchange are up to the caller.
pub(crate) fn builder(address: &str) -> ClientBuilder {
    // Fails when a provider is installed already, which is just as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder().connect_timeout(CONNECT_TIMEOUT);
    // Plain HTTP must also work where the system has no certificates.
    if address.starts_with("http:") { builder.tls_certs_only(std::iter::empty()) } else { builder }
}

/// Reads a whole body of at most `limit` bytes.
pub(crate) async fn body(mut response: Response, limit: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| causes(&error))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > limit {
            return Err(format!("found more than {limit} bytes, expected a smaller answer"));
        }
    }
    Ok(bytes)
}

/// The message inside a service's error, or the beginning of whatever it said.
pub(crate) fn refusal(body: &[u8]) -> String {
    let parsed = serde_json::from_slice::<Value>(body).ok();
    let places = ["/error/message", "/error/detail", "/error", "/message", "/detail"];
    let message = parsed
        .as_ref()
        .and_then(|value| places.iter().find_map(|place| value.pointer(place).and_then(Value::as_str)));
    let said = message.map_or_else(|| String::from_utf8_lossy(body).trim().to_owned(), str::to_owned);
    cut(&said).to_owned()
}

/// Cuts a text, and never inside of a word that could be a key: half a key would not be recognized and masked.
fn cut(text: &str) -> &str {
    let Some((end, next)) = text.char_indices().nth(MESSAGE) else { return text };
    let of_key = |letter: char| letter.is_ascii_alphanumeric() || "-_.~+/=".contains(letter);
    if of_key(next) { text[..end].trim_end_matches(of_key) } else { &text[..end] }
}

/// An error and what caused it. The address is left out: the caller names it, and it may hold a key.
pub(crate) fn causes(error: &reqwest::Error) -> String {
    let mut text = String::from("the request failed");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// An address without credentials, query and fragment.
pub(crate) fn shown(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_without_keys() {
        let url = Url::parse("http://u:p@h:8/a/b?key=secret#x").expect("is an address");
        assert_eq!(shown(&url), "http://h:8/a/b");
    }

    #[test]
    fn the_words_of_every_service_are_found() {
        assert_eq!(refusal(br#"{"error": {"message": "no"}}"#), "no");
        assert_eq!(refusal(br#"{"message": "Unauthorized."}"#), "Unauthorized.");
        assert_eq!(refusal(b" plain "), "plain");
        assert_eq!(refusal("\u{e4}".repeat(MESSAGE + 1).as_bytes()), "\u{e4}".repeat(MESSAGE));
        let echoed = format!("{} sk-0123456789", "\u{e4}".repeat(MESSAGE - 8));
        assert_eq!(refusal(echoed.as_bytes()), echoed.split_inclusive(' ').next().expect("a word"));
    }
}

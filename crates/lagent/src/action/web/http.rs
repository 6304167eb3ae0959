//! One HTTP exchange with a service: bounded in time and size, without redirects, keys masked in every message.

use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{ClientBuilder, Method, Url};
use serde_json::Value;

use crate::action::local::Failure;

/// Maximum size of an answer, bytes.
const LIMIT: usize = 8 << 20;
/// Number of characters of a refusal that the model reads.
const MESSAGE: usize = 300;
/// Maximum time until a connection is made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// What this client calls itself.
const AGENT: &str = concat!("lagent/", env!("CARGO_PKG_VERSION"));

/// A request to a service.
#[derive(Debug)]
pub(in crate::action) struct Request {
    method: Method,
    url: Url,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
    secrets: Vec<String>,
}

impl Request {
    /// A request for what is at an address.
    pub(in crate::action) fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: Vec::new(), body: None, secrets: Vec::new() }
    }

    /// A request that sends JSON.
    pub(in crate::action) fn post(url: Url, body: &Value) -> Self {
        Self { method: Method::POST, body: Some(body.to_string()), ..Self::get(url) }
            .header("content-type", "application/json")
    }

    /// The same request with one more header.
    pub(in crate::action) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same request with a header that holds the key, if there is a key.
    pub(in crate::action) fn key(self, name: &'static str, key: Option<String>) -> Self {
        match key {
            Some(key) => self.secret(&key).header(name, key),
            None => self,
        }
    }

    /// The same request, whose failures do not show this text.
    pub(in crate::action) fn secret(mut self, secret: &str) -> Self {
        if !secret.is_empty() {
            self.secrets.push(secret.to_owned());
        }
        self
    }

    /// Sends the request and reads JSON.
    pub(in crate::action) fn json(self, deadline: Duration) -> Result<Value, Failure> {
        let name = shown(&self.url);
        let bytes = self.send(deadline)?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Failure::service(format!("{name}: found {error}, expected JSON")))
    }

    /// Sends the request and returns the bytes of a successful answer.
    pub(in crate::action) fn send(self, deadline: Duration) -> Result<Vec<u8>, Failure> {
        let secrets = self.secrets.clone();
        let name = shown(&self.url);
        wait(exchange(self, deadline)).map_err(|message| {
            let message = format!("{name}: {message}");
            let masked =
                secrets.iter().fold(message, |message, secret| message.replace(secret.as_str(), "***"));
            Failure::service(masked)
        })
    }
}

/// Waits for a future on a thread of its own: a tool may be called from inside another runtime.
pub(super) fn wait<T: Send>(work: impl Future<Output = Result<T, String>> + Send) -> Result<T, String> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| error.to_string())?;
            runtime.block_on(work)
        });
        thread.join().unwrap_or_else(|_| Err("the client ended unexpectedly".to_owned()))
    })
}

/// A client for one address, without redirects.
pub(super) fn client(url: &Url, deadline: Duration) -> ClientBuilder {
    // Fails when a provider is installed already, which is just as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .user_agent(AGENT)
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIMEOUT.min(deadline))
        .timeout(deadline);
    // Plain HTTP must also work where the system has no certificates.
    if url.scheme() == "http" { builder.tls_certs_only(std::iter::empty()) } else { builder }
}

/// Reads a whole body of at most `limit` bytes.
pub(super) async fn body(mut response: reqwest::Response, limit: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| causes(&error))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > limit {
            return Err(format!("found more than {limit} bytes, expected a smaller answer"));
        }
    }
    Ok(bytes)
}

async fn exchange(request: Request, deadline: Duration) -> Result<Vec<u8>, String> {
    let client = client(&request.url, deadline).build().map_err(|error| causes(&error))?;
    let mut builder = client.request(request.method, request.url);
    for (name, value) in request.headers {
        let value =
            HeaderValue::from_str(&value).map_err(|_| format!("header {name}: not a header value"))?;
        builder = builder.header(HeaderName::from_static(name), value);
    }
    if let Some(text) = request.body {
        builder = builder.body(text);
    }
    let response = builder.send().await.map_err(|error| causes(&error))?;
    let status = response.status();
    let bytes = body(response, LIMIT).await?;
    if status.is_success() { Ok(bytes) } else { Err(format!("{status}: {}", refusal(&bytes))) }
}

/// The message inside a service's error, or the beginning of whatever it said.
fn refusal(body: &[u8]) -> String {
    let parsed = serde_json::from_slice::<Value>(body).ok();
    let places = ["/error/message", "/error/detail", "/error", "/message", "/detail"];
    let message = parsed
        .as_ref()
        .and_then(|value| places.iter().find_map(|place| value.pointer(place).and_then(Value::as_str)));
    let said = message.map_or_else(|| String::from_utf8_lossy(body).trim().to_owned(), str::to_owned);
    said.chars().take(MESSAGE).collect()
}

/// An error and what caused it. The address is left out: the caller names it, and it may hold a key.
pub(super) fn causes(error: &reqwest::Error) -> String {
    let mut text = String::from("the request failed");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// An address without its query and without a password.
pub(super) fn shown(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("is an address")
    }

    #[test]
    fn addresses_are_shown_without_keys() {
        assert_eq!(shown(&url("http://u:p@h:8/a/b?key=secret#x")), "http://h:8/a/b");
        assert_eq!(refusal(br#"{"error": {"message": "no"}}"#), "no");
        assert_eq!(refusal(br#"{"message": "Unauthorized."}"#), "Unauthorized.");
        assert_eq!(refusal(b" plain "), "plain");
    }

    #[test]
    fn a_server_that_is_missing_is_a_failure_of_the_service() {
        let request = Request::get(url("http://127.0.0.1:9/search?key=k")).secret("k");
        let failure = request.json(Duration::from_secs(5)).expect_err("nobody listens there");
        assert_eq!(failure.state, crate::action::ActionState::HttpError);
        assert!(
            failure.message.starts_with("http://127.0.0.1:9/search: the request failed"),
            "{}",
            failure.message
        );
    }
}

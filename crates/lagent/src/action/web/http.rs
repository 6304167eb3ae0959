//! One HTTP exchange with a service: bounded in time and size, without redirects, keys masked in every message.

use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{ClientBuilder, Method, Url};
use serde_json::Value;

use crate::action::CallContext;
use crate::action::local::Failure;
use crate::blocking;
use crate::http_client::{AGENT, body, builder, causes, refusal, shown};

/// Maximum size of an answer, bytes.
const LIMIT: usize = 8 << 20;

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
    pub(in crate::action) fn json(self, context: &CallContext<'_>) -> Result<Value, Failure> {
        let name = shown(&self.url);
        let bytes = self.send(context)?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Failure::service(format!("{name}: found {error}, expected JSON")))
    }

    /// Sends the request and returns the bytes of a successful answer. A cancelled call does not wait for it.
    pub(in crate::action) fn send(self, context: &CallContext<'_>) -> Result<Vec<u8>, Failure> {
        let secrets = self.secrets.clone();
        let name = shown(&self.url);
        wait(context, || exchange(self, context.deadline)).map_err(|message| {
            let message = format!("{name}: {message}");
            let masked =
                secrets.iter().fold(message, |message, secret| message.replace(secret.as_str(), "***"));
            Failure::service(masked)
        })
    }
}

/// Runs one exchange from its first request to the end of its last answer, or until the call is cancelled.
pub(super) fn wait<T, F>(context: &CallContext<'_>, work: impl FnOnce() -> F + Send) -> Result<T, String>
where
    T: Send,
    F: Future<Output = Result<T, String>>,
{
    blocking::run(context.stop, work).unwrap_or_else(|unfinished| Err(unfinished.to_string()))
}

/// A client for one address, without redirects.
pub(super) fn client(url: &Url, deadline: Duration) -> ClientBuilder {
    builder(url.as_str()).user_agent(AGENT).redirect(Policy::none()).timeout(deadline)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_missing_is_a_failure_of_the_service() {
        let url = Url::parse("http://127.0.0.1:9/search?key=k").expect("is an address");
        let request = Request::get(url).secret("k");
        let failure = request.json(&CallContext::default()).expect_err("nobody listens there");
        assert_eq!(failure.state, crate::action::ActionState::HttpError);
        assert!(
            failure.message.starts_with("http://127.0.0.1:9/search: the request failed"),
            "{}",
            failure.message
        );
    }
}

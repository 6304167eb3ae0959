//! [`Transport`]: requests to the routes that are not OpenAI's, their answers, errors and events.

use std::collections::VecDeque;
use std::pin::Pin;
use std::time::Duration;

use futures_util::{Stream, stream};
use lmdeploy::client::ClientConfig;
use lmdeploy::protocol::ErrorBody;
use reqwest::{Method, RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::RunEvent;
use super::event_lines::{EventLines, NumberedEvent};
use crate::{Error, Result};

/// Maximum time until a connection is made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Header of a client that has seen the events up to a number.
const LAST_EVENT_ID: &str = "last-event-id";
/// Number of characters that an error shows of an answer that cannot be read.
const SHOWN: usize = 200;

/// Events of a run, each with its number. Pieces of replies have no number. The stream ends after
/// [`RunEvent::End`] or the first error; dropping it does not cancel the run.
pub type RunEvents = Pin<Box<dyn Stream<Item = Result<(Option<u64>, RunEvent)>> + Send>>;

/// The way to one server; clones share their connections.
#[derive(Clone, Debug)]
pub(super) struct Transport {
    http: reqwest::Client,
    config: ClientConfig,
}

impl Transport {
    /// A transport with settings that `lmdeploy`'s client has checked: it has also chosen the TLS provider.
    pub(super) fn new(config: &ClientConfig) -> Result<Self> {
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT.min(config.timeout))
            .read_timeout(config.timeout)
            .tcp_nodelay(true);
        if config.base_url.starts_with("http:") {
            // Plain HTTP must also work where the system has no certificates.
            builder = builder.tls_certs_only(std::iter::empty());
        }
        let http = builder.build().map_err(|error| {
            let message = chain(&error);
            Error::AgentServer(lmdeploy::Error::Tls { message })
        })?;
        Ok(Self { http, config: config.clone() })
    }

    /// The JSON that a route answers.
    pub(super) async fn get<T: DeserializeOwned>(&self, route: &str) -> Result<T> {
        self.ask(Method::GET, route, None::<&()>).await
    }

    /// The JSON that a route answers when it has deleted something.
    pub(super) async fn delete<T: DeserializeOwned>(&self, route: &str) -> Result<T> {
        self.ask(Method::DELETE, route, None::<&()>).await
    }

    /// The JSON that a route answers to a body. The request is sent once: it may call tools.
    pub(super) async fn post<T: DeserializeOwned>(&self, route: &str, body: &impl Serialize) -> Result<T> {
        self.ask(Method::POST, route, Some(body)).await
    }

    /// The events of a route after the one with the number `after`.
    pub(super) async fn events(&self, route: &str, after: Option<u64>) -> Result<RunEvents> {
        let url = self.url(route);
        let mut request = self.request(Method::GET, &url);
        if let Some(after) = after {
            request = request.header(LAST_EVENT_ID, after);
        }
        let response = self.send(request, &url).await?;
        let reading =
            Reading { response, url, lines: EventLines::default(), ready: VecDeque::new(), ended: false };
        Ok(Box::pin(stream::unfold(reading, |mut reading| async move {
            let item = reading.item().await?;
            reading.ended = matches!(item, Err(_) | Ok((_, RunEvent::End(_))));
            Some((item, reading))
        })))
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        route: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T> {
        let url = self.url(route);
        let mut request = self.request(method, &url);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = self.send(request, &url).await?;
        let text = response.text().await.map_err(|error| connection(&url, &error))?;
        serde_json::from_str(&text).map_err(|error| unreadable(&url, &error, &text))
    }

    fn url(&self, route: &str) -> String {
        format!("{}{route}", self.config.base_url)
    }

    fn request(&self, method: Method, url: &str) -> RequestBuilder {
        let request = self.http.request(method, url);
        match &self.config.api_key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    async fn send(&self, request: RequestBuilder, url: &str) -> Result<Response> {
        let response = request.send().await.map_err(|error| connection(url, &error))?;
        if response.status().is_success() { Ok(response) } else { Err(refused(url, response).await) }
    }
}

/// A stream of events that is being read.
struct Reading {
    response: Response,
    url: String,
    lines: EventLines,
    ready: VecDeque<NumberedEvent>,
    ended: bool,
}

impl Reading {
    /// The next event; nothing after the last one.
    async fn item(&mut self) -> Option<Result<(Option<u64>, RunEvent)>> {
        if self.ended {
            return None;
        }
        loop {
            if let Some(event) = self.ready.pop_front() {
                let read = serde_json::from_str(&event.data);
                return Some(match read {
                    Ok(read) => Ok((event.id, read)),
                    Err(error) => Err(unreadable(&self.url, &error, &event.data)),
                });
            }
            match self.response.chunk().await {
                Ok(Some(bytes)) => self.ready.extend(self.lines.push(&bytes)),
                Ok(None) => {
                    let message = "the stream ended before the run's end".to_owned();
                    let broken = lmdeploy::Error::Connection { url: self.url.clone(), message };
                    return Some(Err(Error::AgentServer(broken)));
                }
                Err(error) => return Some(Err(connection(&self.url, &error))),
            }
        }
    }
}

/// The error of an answer with an error status.
async fn refused(url: &str, response: Response) -> Error {
    let status = response.status().as_u16();
    let headers = response.headers();
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let retry_after = header("retry-after").and_then(|seconds| seconds.parse().ok());
    let request_id = header("x-request-id");
    // A body that cannot be read tells nothing; the status does.
    let text = response.text().await.unwrap_or_default();
    let body: ErrorBody = serde_json::from_str(&text).unwrap_or_default();
    let message = if body.message().is_empty() { start(&text) } else { body.message().to_owned() };
    let mut detail = lmdeploy::StatusDetail::default();
    detail.kind = Some(body.error.kind).filter(|kind| !kind.is_empty());
    detail.param = body.error.param;
    detail.request_id = request_id;
    let url = url.to_owned();
    let detail = Box::new(detail);
    Error::AgentServer(lmdeploy::Error::Status { url, status, message, retry_after, detail })
}

/// The error of an answer that is not what the server should send.
fn unreadable(url: &str, error: &serde_json::Error, body: &str) -> Error {
    let message = format!("{error}; found `{}`", start(body));
    Error::AgentServer(lmdeploy::Error::Answer { url: url.to_owned(), message })
}

/// The error of a connection that could not be made, or that broke later.
fn connection(url: &str, error: &reqwest::Error) -> Error {
    let (url, message) = (url.to_owned(), chain(error));
    Error::AgentServer(if error.is_connect() {
        lmdeploy::Error::Unreachable { url, message }
    } else {
        lmdeploy::Error::Connection { url, message }
    })
}

/// An error with its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// The beginning of a text, for messages.
fn start(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

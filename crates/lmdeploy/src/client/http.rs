//! [`Client`]: one method per route of a server.

use std::pin::Pin;
use std::time::Duration;

use futures_util::{Stream, stream};
use reqwest::{RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{ClientConfig, EventReader};
use crate::protocol::{
    ChatChunk, ChatRequest, ChatResponse, CompletionRequest, CompletionResponse, ErrorBody, HealthStatus,
    ModelList, StreamOptions,
};
use crate::{Error, Result};

/// Pause before the first retry; doubled each time, unless the server sends `Retry-After`.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// Maximum pause before a retry.
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// Number of characters that an error shows of an answer that cannot be read.
const SHOWN: usize = 200;

/// Chunks of a streamed chat answer; ends after `[DONE]` or the first error.
pub type ChatStream = Pin<Box<dyn Stream<Item = Result<ChatChunk>> + Send>>;
/// Pieces of a streamed completion; ends after `[DONE]` or the first error.
pub type CompletionStream = Pin<Box<dyn Stream<Item = Result<CompletionResponse>> + Send>>;

/// A client for one server. Cheap to clone; clones share their connections.
///
/// ```
/// use lmdeploy::client::{Client, ClientConfig};
/// use lmdeploy::protocol::{ChatMessage, ChatRequest};
/// # let server = lmdeploy::testing::MockServer::start("hello");
/// # let url = server.url();
/// # tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
///
/// let client = Client::new(ClientConfig::new(url))?; // such as http://127.0.0.1:23333
/// let answer = client.chat(&ChatRequest::new([ChatMessage::user("hi")])).await?;
/// assert_eq!(answer.text(), "hello");
/// # Ok::<(), lmdeploy::Error>(())
/// # })?;
/// # Ok::<(), lmdeploy::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    config: ClientConfig,
}

impl Client {
    /// A client for `config.base_url`, with or without `/v1` at its end. It does not connect yet.
    ///
    /// When the process has no TLS provider, this installs ring.
    ///
    /// # Errors
    /// [`Error::Setting`] when `base_url` is not an `http://` or `https://` URL, [`Error::Tls`] when TLS cannot be set
    /// up.
    pub fn new(mut config: ClientConfig) -> Result<Self> {
        config.base_url = base(&config.base_url).ok_or_else(|| {
            let expected = "http://host:port or https://host:port, with or without /v1";
            Error::setting("base-url", format_args!("`{}`", config.base_url), expected)
        })?;
        // Fails when a provider is installed already, which is just as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder().read_timeout(config.timeout).tcp_nodelay(true);
        if config.base_url.starts_with("http:") {
            // Plain HTTP must also work where the system has no certificates.
            builder = builder.tls_certs_only(std::iter::empty());
        }
        let http = builder.build().map_err(|error| Error::Tls { message: chain(&error) })?;
        Ok(Self { http, config })
    }

    /// The settings; the address is without trailing slashes and `/v1`.
    #[must_use]
    pub fn config(&self) -> &ClientConfig {
        &self.config
    }

    /// `POST /v1/chat/completions`; waits for the whole answer.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Connection`], [`Error::Status`], [`Error::Answer`].
    pub async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        let request = ChatRequest { stream: None, stream_options: None, ..request.clone() };
        self.post("/v1/chat/completions", &request).await
    }

    /// `POST /v1/chat/completions`, streamed; the usage comes in the last chunk. Dropping the stream
    /// cancels the request.
    ///
    /// # Errors
    /// Like [`Client::chat`] before the first chunk; later errors are items of the stream.
    pub async fn chat_stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        let stream_options = Some(StreamOptions { include_usage: true });
        let request = ChatRequest { stream: Some(true), stream_options, ..request.clone() };
        self.events("/v1/chat/completions", &request).await
    }

    /// `POST /v1/completions`; waits for the whole answer.
    ///
    /// # Errors
    /// Like [`Client::chat`].
    pub async fn completions(&self, request: &CompletionRequest) -> Result<CompletionResponse> {
        let request = CompletionRequest { stream: None, stream_options: None, ..request.clone() };
        self.post("/v1/completions", &request).await
    }

    /// `POST /v1/completions`, streamed. Dropping the stream cancels the request.
    ///
    /// # Errors
    /// Like [`Client::chat_stream`].
    pub async fn completions_stream(&self, request: &CompletionRequest) -> Result<CompletionStream> {
        let stream_options = Some(StreamOptions { include_usage: true });
        let request = CompletionRequest { stream: Some(true), stream_options, ..request.clone() };
        self.events("/v1/completions", &request).await
    }

    /// `GET /v1/models`: the models that the server offers.
    ///
    /// # Errors
    /// Like [`Client::chat`].
    pub async fn models(&self) -> Result<ModelList> {
        self.get("/v1/models").await
    }

    /// `GET /health`; a server that is draining or unhealthy answers with an error status.
    ///
    /// # Errors
    /// Like [`Client::chat`]. Status 503 is not retried here.
    pub async fn health(&self) -> Result<HealthStatus> {
        let url = self.url("/health");
        let response = self.attempt(self.http.get(&url), &url).await?;
        read(response, &url).await
    }

    async fn get<T: DeserializeOwned>(&self, route: &str) -> Result<T> {
        let url = self.url(route);
        let response = self.send(self.http.get(&url), &url).await?;
        read(response, &url).await
    }

    async fn post<T: DeserializeOwned>(&self, route: &str, body: &impl Serialize) -> Result<T> {
        let url = self.url(route);
        let response = self.send(self.http.post(&url).json(body), &url).await?;
        read(response, &url).await
    }

    async fn events<T>(
        &self,
        route: &str,
        body: &impl Serialize,
    ) -> Result<Pin<Box<dyn Stream<Item = Result<T>> + Send>>>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let url = self.url(route);
        let response = self.send(self.http.post(&url).json(body), &url).await?;
        Ok(Box::pin(event_stream(response, url)))
    }

    fn url(&self, route: &str) -> String {
        format!("{}{route}", self.config.base_url)
    }

    /// Sends until it works, no retries are left, or the error is one that a retry cannot mend.
    async fn send(&self, request: RequestBuilder, url: &str) -> Result<Response> {
        let mut pause = FIRST_PAUSE;
        for left in (0..=self.config.retries).rev() {
            let copy = request.try_clone().expect("a JSON body is not a stream, so it can be cloned");
            let error = match self.attempt(copy, url).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            let wanted = match &error {
                Error::Unreachable { .. } | Error::Connection { .. } => None,
                Error::Status { status: 429 | 503, retry_after, .. } => retry_after.map(Duration::from_secs),
                _ => return Err(error),
            };
            if left == 0 {
                return Err(error);
            }
            tracing::debug!(%error, left, "sending again");
            tokio::time::sleep(wanted.unwrap_or(pause).min(MAX_PAUSE)).await;
            pause *= 2;
        }
        unreachable!("the last try returns");
    }

    /// Sends once; an error status becomes an error.
    async fn attempt(&self, mut request: RequestBuilder, url: &str) -> Result<Response> {
        if let Some(key) = &self.config.api_key {
            request = request.bearer_auth(key);
        }
        let response = request.send().await.map_err(|error| connection(url, &error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let retry_after = response.headers().get("retry-after");
        let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        let body = response.text().await.unwrap_or_default();
        let message = match serde_json::from_str::<ErrorBody>(&body) {
            Ok(parsed) if !parsed.message().is_empty() => parsed.message().to_owned(),
            _ => start(&body),
        };
        Err(Error::Status { url: url.to_owned(), status: status.as_u16(), message, retry_after })
    }
}

/// The address that routes are put behind; none for what is not the address of a server.
fn base(address: &str) -> Option<String> {
    let address = address.trim().trim_end_matches('/');
    let address = address.strip_suffix("/v1").unwrap_or(address);
    let url = reqwest::Url::parse(address).ok()?;
    let has_more = url.query().is_some() || url.fragment().is_some();
    let is_whole = url.path().trim_matches('/').is_empty() && !has_more;
    // As the parser writes it, which passes over white space and capitals.
    let base = || format!("{}://{}", url.scheme(), url.authority());
    (is_whole && matches!(url.scheme(), "http" | "https")).then(base)
}

/// Reads a whole JSON answer.
async fn read<T: DeserializeOwned>(response: Response, url: &str) -> Result<T> {
    let body = response.bytes().await.map_err(|error| connection(url, &error))?;
    serde_json::from_slice(&body).map_err(|error| answer(url, &error, &String::from_utf8_lossy(&body)))
}

/// A stream of events that is being read.
struct EventState {
    response: Response,
    url: String,
    reader: EventReader,
    ready: std::collections::VecDeque<String>,
    ended: bool,
}

fn event_stream<T>(response: Response, url: String) -> impl Stream<Item = Result<T>> + Send
where
    T: DeserializeOwned + Send,
{
    let state = EventState { response, url, reader: EventReader::default(), ready: [].into(), ended: false };
    stream::unfold(state, |mut state| async move {
        if state.ended {
            return None;
        }
        let item = state.next().await?.and_then(|text| parse_event(&state.url, &text));
        state.ended = item.is_err();
        Some((item, state))
    })
}

impl EventState {
    /// The text of the next event; none after `[DONE]`, an error when the stream ends without it.
    async fn next(&mut self) -> Option<Result<String>> {
        loop {
            match self.ready.pop_front() {
                Some(text) if text == "[DONE]" => return None,
                Some(text) => return Some(Ok(text)),
                None => {}
            }
            match self.response.chunk().await {
                Ok(Some(bytes)) => self.ready.extend(self.reader.push(&bytes)),
                Ok(None) => {
                    let message = "the stream ended without [DONE]".to_owned();
                    return Some(Err(Error::Connection { url: self.url.clone(), message }));
                }
                Err(error) => return Some(Err(connection(&self.url, &error))),
            }
        }
    }
}

/// Parses one event: a chunk, or the error body of an answer that failed after its first byte.
fn parse_event<T: DeserializeOwned>(url: &str, text: &str) -> Result<T> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| answer(url, &error, text))?;
    if value.get("error").is_some_and(|error| !error.is_null()) {
        let body: ErrorBody = serde_json::from_value(value).map_err(|error| answer(url, &error, text))?;
        let status = body.error.code;
        return Err(Error::Status {
            url: url.to_owned(),
            status,
            message: body.message().to_owned(),
            retry_after: None,
        });
    }
    serde_json::from_value(value).map_err(|error| answer(url, &error, text))
}

/// The error of a connection that could not be made, or that broke later.
fn connection(url: &str, error: &reqwest::Error) -> Error {
    let (url, message) = (url.to_owned(), chain(error));
    if error.is_connect() { Error::Unreachable { url, message } } else { Error::Connection { url, message } }
}

fn answer(url: &str, error: &serde_json::Error, body: &str) -> Error {
    Error::Answer { url: url.to_owned(), message: format!("{error}; found `{}`", start(body)) }
}

/// The beginning of a text, for messages.
fn start(text: &str) -> String {
    text.chars().take(SHOWN).collect()
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

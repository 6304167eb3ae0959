//! [`Transport`]: requests out, answers and streams in; retries, errors and keys.

use std::time::Duration;

use reqwest::{Method, Request, RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::failure::{chain, connection, refused, unreadable};
use super::retry::Retries;
use super::stream::{EventStream, Last, event_stream, numbered_stream};
use super::{ClientConfig, place};
use crate::{Error, Result};

/// Maximum number of connections that wait for the next request: a burst of a thousand leaves no more open.
const IDLE_CONNECTIONS: usize = 32;
/// Maximum time until a connection is made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Header that Anthropic's routes demand, and the version whose form the types here have.
const VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");
/// Header of a client that has seen the events up to a number.
const LAST_EVENT_ID: &str = "last-event-id";
/// Where Anthropic's routes begin.
const MESSAGES: &str = "/v1/messages";

/// The way to one server; clones share their connections.
#[derive(Clone, Debug)]
pub(super) struct Transport {
    http: reqwest::Client,
    pub(super) config: ClientConfig,
}

/// A request and the URL that its errors name.
struct Call {
    request: RequestBuilder,
    url: String,
}

impl Transport {
    pub(super) fn new(mut config: ClientConfig) -> Result<Self> {
        config.base_url = place::base(&config.base_url).ok_or_else(|| {
            let expected = "http://host:port or https://host:port, with or without /v1";
            Error::setting("base-url", format_args!("`{}`", config.base_url), expected)
        })?;
        let key = config.api_key.as_deref().unwrap_or_default();
        if let Some(byte) = key.bytes().find(u8::is_ascii_control) {
            // Without the key itself, which is a secret.
            let expected = "text that a header can hold";
            return Err(Error::setting("api-key", format_args!("the control character {byte}"), expected));
        }
        // Fails when a provider is installed already, which is just as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let connect_timeout = CONNECT_TIMEOUT.min(config.timeout);
        let mut builder = reqwest::Client::builder()
            .connect_timeout(connect_timeout)
            .read_timeout(config.timeout)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .tcp_nodelay(true);
        if config.base_url.starts_with("http:") {
            // Plain HTTP must also work where the system has no certificates.
            builder = builder.tls_certs_only(std::iter::empty());
        }
        let http = builder.build().map_err(|error| Error::Tls { message: chain(&error) })?;
        Ok(Self { http, config })
    }

    /// The same server, connections included, whose requests are sent once and never again.
    pub(super) fn without_retries(&self) -> Self {
        Self { http: self.http.clone(), config: self.config.clone().with_retries(0) }
    }

    /// The JSON that a route answers.
    pub(super) async fn get<T: DeserializeOwned>(&self, route: &str) -> Result<T> {
        self.ask(self.call(Method::GET, route)).await
    }

    /// The JSON that a route answers, without retries.
    pub(super) async fn get_once<T: DeserializeOwned>(&self, route: &str) -> Result<T> {
        let Call { request, url } = self.call(Method::GET, route);
        let response = self.attempt(built(request, &url)?, &url).await?;
        json(&bytes(response, &url).await?, &url)
    }

    /// The text that a route answers.
    pub(super) async fn text(&self, route: &str) -> Result<String> {
        let Call { request, url } = self.call(Method::GET, route);
        let body = bytes(self.send(request, &url).await?, &url).await?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    /// The JSON that a route answers when it has deleted something.
    pub(super) async fn delete<T: DeserializeOwned>(&self, route: &str) -> Result<T> {
        self.ask(self.call(Method::DELETE, route)).await
    }

    /// The JSON that a route answers to a body.
    pub(super) async fn post<T: DeserializeOwned>(&self, route: &str, body: &impl Serialize) -> Result<T> {
        self.ask(self.call(Method::POST, route).with_body(body)).await
    }

    /// The JSON that a route answers to a request without a body.
    pub(super) async fn order<T: DeserializeOwned>(&self, route: &str) -> Result<T> {
        self.ask(self.call(Method::POST, route)).await
    }

    /// The events that a route answers to a body, up to the `last` one.
    pub(super) async fn events<T>(
        &self,
        route: &str,
        body: &impl Serialize,
        last: Last,
    ) -> Result<EventStream<T>>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let Call { request, url } = self.call(Method::POST, route).with_body(body);
        let response = self.send(request, &url).await?;
        Ok(event_stream(response, url, last))
    }

    /// The events that a route answers, those after the number `after`, up to the one whose data has the field `last`.
    pub(super) async fn numbered_events<T>(
        &self,
        route: &str,
        after: Option<u64>,
        last: &'static str,
    ) -> Result<EventStream<(Option<u64>, T)>>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let Call { mut request, url } = self.call(Method::GET, route);
        if let Some(after) = after {
            request = request.header(LAST_EVENT_ID, after);
        }
        let response = self.send(request, &url).await?;
        Ok(numbered_stream(response, url, Last::Field(last)))
    }

    async fn ask<T: DeserializeOwned>(&self, call: Call) -> Result<T> {
        let Call { request, url } = call;
        let body = bytes(self.send(request, &url).await?, &url).await?;
        json(&body, &url)
    }

    fn call(&self, method: Method, route: &str) -> Call {
        let url = format!("{}{route}", self.config.base_url);
        let mut request = self.http.request(method, &url);
        if let Some(key) = &self.config.api_key {
            request = request.bearer_auth(key);
        }
        if route.starts_with(MESSAGES) {
            request = request.header(VERSION.0, VERSION.1);
        }
        Call { request, url }
    }

    /// Sends until it works, or until the error is one that a retry cannot mend or may not try.
    async fn send(&self, request: RequestBuilder, url: &str) -> Result<Response> {
        let request = built(request, url)?;
        let mut retries = Retries::new(&self.config);
        loop {
            let copy = request.try_clone().expect("a JSON body is not a stream, so it can be cloned");
            let error = match self.attempt(copy, url).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            let Some(pause) = retries.after(&error) else { return Err(error) };
            tracing::debug!(%error, ?pause, "sending again");
            tokio::time::sleep(pause).await;
        }
    }

    /// Sends once; an error status becomes an error.
    async fn attempt(&self, request: Request, url: &str) -> Result<Response> {
        let response = self.http.execute(request).await.map_err(|error| connection(url, &error))?;
        if response.status().is_success() { Ok(response) } else { Err(refused(url, response).await) }
    }
}

impl Call {
    fn with_body(self, body: &impl Serialize) -> Self {
        Self { request: self.request.json(body), ..self }
    }
}

/// A request that is ready to be sent.
fn built(request: RequestBuilder, url: &str) -> Result<Request> {
    request.build().map_err(|error| connection(url, &error))
}

/// The whole body of an answer.
async fn bytes(response: Response, url: &str) -> Result<Vec<u8>> {
    let body = response.bytes().await.map_err(|error| connection(url, &error))?;
    Ok(body.into())
}

fn json<T: DeserializeOwned>(body: &[u8], url: &str) -> Result<T> {
    serde_json::from_slice(body).map_err(|error| unreadable(url, &error, &String::from_utf8_lossy(body)))
}

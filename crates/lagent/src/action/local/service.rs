//! Services with the forms of `OpenAI`'s API, which local tools ask instead of a program.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;

use super::failure::Failure;
use super::form::Form;
use crate::action::{CallContext, Service};
use crate::blocking;
use crate::http_client::{self, builder, causes, refusal};

/// Maximum size of an answer, bytes.
const LIMIT: usize = 64 << 20;

/// One service for one call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Api<'a> {
    pub(super) service: &'a Service,
    pub(super) context: CallContext<'a>,
}

/// What is sent.
enum Body {
    Json(Value),
    Form(Form),
}

impl Api<'_> {
    /// The model that the service should use: `extra.model` or this default.
    pub(super) fn model(&self, default: &str) -> String {
        self.service.text("model").unwrap_or(default).to_owned()
    }

    /// Sends JSON and reads JSON.
    pub(super) fn ask(&self, route: &str, body: Value) -> Result<Value, Failure> {
        self.json(route, Body::Json(body))
    }

    /// Sends a form with files and reads JSON.
    pub(super) fn ask_form(&self, route: &str, form: Form) -> Result<Value, Failure> {
        self.json(route, Body::Form(form))
    }

    /// Sends JSON and returns the bytes of the answer.
    pub(super) fn ask_bytes(&self, route: &str, body: Value) -> Result<Vec<u8>, Failure> {
        self.send(route, Body::Json(body))
    }

    fn json(&self, route: &str, body: Body) -> Result<Value, Failure> {
        let bytes = self.send(route, body)?;
        serde_json::from_slice(&bytes).map_err(|error| {
            Failure::service(format!("{}: found {error}, expected JSON", self.address(route)))
        })
    }

    /// The address of a route. The endpoint may name the route itself.
    fn address(&self, route: &str) -> String {
        let base = self.service.endpoint.as_deref().unwrap_or_default().trim_end_matches('/');
        if base.ends_with(route) { base.to_owned() } else { format!("{base}/{route}") }
    }

    /// Sends one request and reads its whole answer.
    fn send(&self, route: &str, body: Body) -> Result<Vec<u8>, Failure> {
        let key = self.service.key().map_err(Failure::tool)?;
        let url = self.address(route);
        let CallContext { deadline, stop, .. } = self.context;
        let answer = blocking::run(stop, || exchange(&url, key.as_deref(), body, deadline))
            .unwrap_or_else(|unfinished| Err(unfinished.to_string()));
        answer.map_err(|message| {
            let message = format!("{url}: {message}");
            let key = key.as_deref().filter(|key| !key.is_empty());
            Failure::service(key.map_or(message.clone(), |key| message.replace(key, "***")))
        })
    }
}

/// One request and its whole answer; an error status is an error with the server's own words.
async fn exchange(url: &str, key: Option<&str>, body: Body, deadline: Duration) -> Result<Vec<u8>, String> {
    let client = builder(url).timeout(deadline).build().map_err(|error| causes(&error))?;
    let mut request = client.post(url);
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    let request = match body {
        Body::Json(value) => request.json(&value),
        Body::Form(form) => request.header(CONTENT_TYPE, form.content_type()).body(form.finish()),
    };
    let response = request.send().await.map_err(|error| causes(&error))?;
    let status = response.status();
    let bytes = http_client::body(response, LIMIT).await?;
    if status.is_success() { Ok(bytes) } else { Err(format!("{status}: {}", refusal(&bytes))) }
}

/// Bytes as an address that a vision model reads.
pub(super) fn data_url(media_type: &str, bytes: &[u8]) -> String {
    format!("data:{media_type};base64,{}", STANDARD.encode(bytes))
}

/// Bytes from the text of an answer's `b64_json`.
pub(super) fn decoded(text: &str) -> Result<Vec<u8>, Failure> {
    STANDARD.decode(text.trim()).map_err(|error| Failure::service(format!("b64_json: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_encodings() {
        let service = Service::at("http://h/v1/");
        let api = Api { service: &service, context: CallContext::default() };
        assert_eq!(api.address("audio/speech"), "http://h/v1/audio/speech");
        let service = Service::at("http://h/v1/audio/speech");
        let api = Api { service: &service, context: CallContext::default() };
        assert_eq!(api.address("audio/speech"), "http://h/v1/audio/speech");
        assert_eq!(decoded("YWI="), Ok(b"ab".to_vec()));
        assert_eq!(data_url("image/png", b"ab"), "data:image/png;base64,YWI=");
    }

    #[test]
    fn a_server_that_is_missing_is_a_failure_of_the_service() {
        let service = Service::at("http://127.0.0.1:9/v1");
        let api = Api { service: &service, context: CallContext::default() };
        let failure = api.ask("chat/completions", Value::Null).expect_err("nobody listens there");
        assert_eq!(failure.state, crate::action::ActionState::HttpError);
        assert!(failure.message.starts_with("http://127.0.0.1:9/v1/chat/completions: the request failed"));
    }
}

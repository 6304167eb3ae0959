//! [`Failure`]: errors as HTTP answers, in the forms that the clients of OpenAI and of lagent read.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use lmdeploy::protocol::ErrorBody;
use serde::Serialize;

/// Header by which the clients of OpenAI and Anthropic are told not to send a request again.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
/// Seconds after which a client that was refused for a while may try again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// An error on its way to the client. The answer also has the message as an extension, for the log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Failure {
    /// HTTP status of the answer.
    pub(super) status: u16,
    /// What is wrong, in words for the client.
    pub(super) message: String,
    /// Path of the field that is wrong, when it is one field.
    pub(super) param: Option<String>,
    /// Whether the same request may be sent again without further thought.
    pub(super) retry: Retry,
    /// The best answer of a run that has ended without one.
    pub(super) best: Option<String>,
}

/// Whether clients that try again by themselves may do so.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Retry {
    /// Nothing has happened yet.
    Allowed,
    /// The agent may have called tools, which must not happen twice.
    Forbidden,
}

/// The message of an error, as an extension of its answer.
#[derive(Clone, Debug)]
pub(super) struct FailureMessage(pub(super) String);

/// The body: OpenAI's form, the flat form of lmdeploy, and `detail` as FastAPI has it.
#[derive(Serialize)]
struct Body {
    #[serde(flatten)]
    body: ErrorBody,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    best: Option<String>,
}

impl Failure {
    /// An error of a request that has done nothing yet.
    pub(super) fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), param: None, retry: Retry::Allowed, best: None }
    }

    /// Status 400 for a field; the message names it.
    pub(super) fn field(param: impl Into<String>, message: impl std::fmt::Display) -> Self {
        let param = param.into();
        Self { param: Some(param.clone()), ..Self::new(400, format!("{param}: {message}")) }
    }

    /// The body of the error as JSON, for streams that have begun.
    pub(super) fn body(&self) -> serde_json::Value {
        let body = ErrorBody::new(self.status, self.message.clone(), self.param.clone());
        let body = Body { body, detail: self.message.clone(), best: self.best.clone() };
        // It consists of texts and numbers.
        serde_json::to_value(body).unwrap_or_default()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self.body())).into_response();
        let headers = response.headers_mut();
        if self.retry == Retry::Forbidden {
            headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
        } else if matches!(self.status, 429 | 503) {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(FailureMessage(self.message));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_finds_the_message() {
        let body = Failure::field("session_id", "found [], expected a number or a text").body();
        let message = "session_id: found [], expected a number or a text";
        for found in [&body["error"]["message"], &body["message"], &body["detail"]] {
            assert_eq!(found, message);
        }
        assert_eq!((&body["error"]["param"], &body["error"]["code"]), (&"session_id".into(), &400.into()));
        assert!(body.get("best").is_none());
    }

    #[test]
    fn a_run_is_not_repeated_by_its_client() {
        let failed = Failure { retry: Retry::Forbidden, ..Failure::new(503, "busy") }.into_response();
        assert_eq!(failed.headers()["x-should-retry"], "false");
        assert!(!failed.headers().contains_key("retry-after"));
        let busy = Failure::new(429, "busy").into_response();
        assert_eq!(busy.headers()["retry-after"], "1");
    }
}

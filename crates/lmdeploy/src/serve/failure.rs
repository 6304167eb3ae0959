//! Errors as HTTP answers: the superset body, the status, `Retry-After`.

use axum::Json;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::Error;
use crate::protocol::ErrorBody;

/// Seconds after which a client may try again.
const RETRY_AFTER: &str = "1";

/// An error on its way to the client.
#[derive(Debug)]
pub(super) struct Failure(pub(super) Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl Failure {
    pub(super) fn new(status: u16, message: impl Into<String>) -> Self {
        Self(Error::Refused { status, message: message.into(), param: None })
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = error_body(&self.0);
        let status = StatusCode::from_u16(body.error.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if status.is_server_error() {
            tracing::warn!(status = status.as_u16(), message = body.message(), "a request failed");
        }
        let mut response = (status, Json(body)).into_response();
        if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            let value = header::HeaderValue::from_static(RETRY_AFTER);
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        response
    }
}

/// The body of an error; streams send it as an event.
pub(super) fn error_body(error: &Error) -> ErrorBody {
    match error {
        Error::Refused { status, message, param } => ErrorBody::new(*status, message.clone(), param.clone()),
        other => ErrorBody::new(500, other.to_string(), None),
    }
}

/// Answers requests for unknown routes.
pub(super) async fn no_route(method: Method, uri: Uri) -> Failure {
    Failure::new(404, format!("{method} {} is not a route of this server", uri.path()))
}

/// Answers requests for known routes with a method that they do not take.
pub(super) async fn wrong_method(method: Method, uri: Uri) -> Failure {
    Failure::new(405, format!("{} does not take {method}", uri.path()))
}

//! Errors as HTTP answers: the superset body, the status, `Retry-After`.

use axum::Json;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::Error;
use crate::protocol::ErrorBody;
use crate::respond::is_response_id;

/// Seconds after which a client may try again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// An error on its way to the client. The answer also has the [`ErrorBody`] as an extension, from which the form of
/// the route and the line in the log are made.
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
        let mut response = (status, Json(body.clone())).into_response();
        response.extensions_mut().insert(body);
        match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
            }
            StatusCode::UNAUTHORIZED => {
                let scheme = HeaderValue::from_static("Bearer");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
            }
            _ => {}
        }
        response
    }
}

/// The body of an error; streams send it as an event.
pub(super) fn error_body(error: &Error) -> ErrorBody {
    match error {
        Error::Refused { status, message, param } => ErrorBody::new(*status, message.clone(), param.clone()),
        Error::TooLong { message, param, prompt, limit } => {
            ErrorBody::new(400, message.clone(), param.clone()).with_lengths(*prompt as u64, *limit as u64)
        }
        // The word by which OpenAI's clients know that they have to send the conversation again.
        Error::NoPreviousResponse { id } => {
            let status = if is_response_id(id) { 404 } else { 400 };
            ErrorBody::new(status, error.to_string(), Some("previous_response_id".to_owned()))
                .with_reason("previous_response_not_found")
        }
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

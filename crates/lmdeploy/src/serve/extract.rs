//! Request bodies: JSON, whatever the content type says; errors name the place.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;

use super::failure::Failure;
use super::{App, wording};
use crate::protocol::request_fields::RequestFields;
use crate::protocol::unsupported::{Unsupported, unsupported};

/// What some editors and shells of Windows put in front of UTF-8. A reader of JSON may pass over it (RFC 8259, 8.1).
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A request body. `curl -d` and other clients call their JSON a form, so the content type is not asked.
pub(super) struct JsonBody<T>(pub(super) T);

impl<T: DeserializeOwned + RequestFields> FromRequest<App> for JsonBody<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        if app.is_draining() {
            return Err(Failure::new(503, "the server is shutting down"));
        }
        let bytes = Bytes::from_request(request, app).await.map_err(|rejection| refused(&rejection))?;
        parse(&bytes).map(Self)
    }
}

fn refused(rejection: &BytesRejection) -> Failure {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Failure::new(413, "the request body is larger than 32 MiB"),
        status => Failure::new(status.as_u16(), rejection.body_text()),
    }
}

/// Parses the JSON object of a request. A message about a field names it as a path; a message about the syntax names
/// line and column.
fn parse<T: DeserializeOwned + RequestFields>(bytes: &[u8]) -> Result<T, Failure> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    if let Some(found) = other_than_object(bytes) {
        return Err(Failure::new(400, format!("request body: found {found}, expected a JSON object")));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| Failure(wording::refusal(bytes, &error)))?;
    let syntax = |error: serde_json::Error| Failure(wording::syntax(&error));
    deserializer.end().map_err(syntax)?;
    match unsupported::<T>(bytes).map_err(syntax)? {
        Some(Unsupported { name, found, expected }) => Err(Failure(crate::Error::field(
            name,
            format!("found {found}, expected {expected}: this server does not support it"),
        ))),
        None => Ok(value),
    }
}

/// What a body is by its first character, when it is empty or the beginning of other JSON than an object.
fn other_than_object(bytes: &[u8]) -> Option<&'static str> {
    let body = bytes.trim_ascii();
    match body.first() {
        None => Some("nothing"),
        Some(b'[') => Some("a list"),
        Some(b'"') => Some("a string"),
        Some(b'0'..=b'9' | b'-') => Some("a number"),
        _ => ["null", "true", "false"].into_iter().find(|word| word.as_bytes() == body),
    }
}

//! Request bodies: JSON, and nothing else; errors name the place.

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::de::DeserializeOwned;

use super::failure::Failure;
use super::header::once;
use super::unique::Unique;
use super::{App, blocking, body, wording};
use crate::protocol::request_fields::RequestFields;
use crate::protocol::unsupported::{Unsupported, unsupported};
use crate::{Error, Result};

/// What some editors and shells of Windows put in front of UTF-8. A reader of JSON may pass over it (RFC 8259, 8.1).
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// The content type of every body. A page of another origin cannot send it without asking the server first.
const JSON: &[u8] = b"application/json";
/// Header with the seconds that a request may take, for clients that cannot add a field to the body.
const TIMEOUT: HeaderName = HeaderName::from_static("x-request-timeout");
/// Size in bytes above which reading a body takes longer than other connections may wait for the thread.
const LARGE: usize = 256 << 10;

/// A request body.
pub(super) struct JsonBody<T>(pub(super) T);

impl<T: DeserializeOwned + RequestFields + Send + 'static> FromRequest<App> for JsonBody<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        if app.is_draining() {
            return Err(Failure::new(503, "the server is shutting down"));
        }
        check(request.headers())?;
        let timeout = timeout(request.headers())?.or(app.config.request_timeout);
        let bytes = body::read(request).await?;
        if app.config.max_log_len > 0 {
            let body: String = String::from_utf8_lossy(&bytes).chars().take(app.config.max_log_len).collect();
            tracing::info!(body, "request body");
        }
        let mut body: T =
            if bytes.len() > LARGE { blocking::run(move || parse(&bytes)).await? } else { parse(&bytes)? };
        if let Some(seconds) = timeout {
            body.set_timeout(seconds);
        }
        Ok(Self(body))
    }
}

/// Refuses a body that is announced as something else than plain JSON.
pub(super) fn check(headers: &HeaderMap) -> Result<(), Failure> {
    if !once(headers, &header::CONTENT_TYPE)?.is_some_and(is_json) {
        return Err(Failure::new(400, "Unsupported Media Type: Only 'application/json' is allowed"));
    }
    // Neither is undone by anything below, and a body that is not what it is announced as must not be guessed.
    for (name, plain) in [(header::CONTENT_ENCODING, "identity"), (header::TRANSFER_ENCODING, "chunked")] {
        if let Some(coding) = once(headers, &name)?
            && !coding.as_bytes().trim_ascii().eq_ignore_ascii_case(plain.as_bytes())
        {
            let found = String::from_utf8_lossy(coding.as_bytes());
            let message = format!("found `{found}`, expected {plain} or no such header");
            return Err(Failure(Error::field(name.as_str(), message)));
        }
    }
    Ok(())
}

/// Whether the content type is JSON's, whatever its parameters are.
fn is_json(kind: &HeaderValue) -> bool {
    let kind = kind.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(JSON)
}

/// The seconds that the header gives.
fn timeout(headers: &HeaderMap) -> Result<Option<f64>, Failure> {
    let Some(value) = once(headers, &TIMEOUT)? else { return Ok(None) };
    let seconds = value.to_str().ok().and_then(|text| text.trim().parse::<f64>().ok());
    match seconds {
        Some(seconds) if seconds > 0.0 && seconds.is_finite() => Ok(Some(seconds)),
        _ => {
            let found = String::from_utf8_lossy(value.as_bytes());
            let message = format!("found `{found}`, expected a number of seconds above 0");
            Err(Failure(Error::field(TIMEOUT.as_str(), message)))
        }
    }
}

/// Parses the JSON object of a request. A message about a field names it as a path; a message about the syntax names
/// line and column.
fn parse<T: DeserializeOwned + RequestFields>(bytes: &[u8]) -> Result<T> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    if let Some(found) = other_than_object(bytes) {
        let message = format!("request body: found {found}, expected a JSON object");
        return Err(Error::Refused { status: 400, message, param: None });
    }
    read::<Unique>(bytes)?;
    let value = read(bytes)?;
    match unsupported::<T>(bytes).map_err(|error| wording::syntax(&error))? {
        Some(Unsupported { name, found, expected }) => {
            let (found, subject) = (wording::shown(&found), wording::subject(name));
            let message =
                format!("found {found}, expected {expected}: this server does not support {subject}");
            Err(Error::field(name, message))
        }
        None => Ok(value),
    }
}

/// Reads a JSON text as a type.
fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| wording::refusal(bytes, &error))?;
    deserializer.end().map_err(|error| wording::syntax(&error))?;
    Ok(value)
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

#[cfg(test)]
mod tests;

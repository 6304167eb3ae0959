//! Request bodies: JSON, and nothing else; errors name the place.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use super::failure::Failure;
use super::{App, wording};
use crate::Error;
use crate::protocol::request_fields::RequestFields;
use crate::protocol::unsupported::{Unsupported, unsupported};

/// What some editors and shells of Windows put in front of UTF-8. A reader of JSON may pass over it (RFC 8259, 8.1).
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// The content type of every body. A page of another origin cannot send it without asking the server first.
const JSON: &[u8] = b"application/json";
/// Header with the seconds that a request may take, for clients that cannot add a field to the body.
const TIMEOUT: &str = "x-request-timeout";

/// A request body.
pub(super) struct JsonBody<T>(pub(super) T);

impl<T: DeserializeOwned + RequestFields> FromRequest<App> for JsonBody<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        if app.is_draining() {
            return Err(Failure::new(503, "the server is shutting down"));
        }
        if !is_json(request.headers()) {
            return Err(Failure::new(400, "Unsupported Media Type: Only 'application/json' is allowed"));
        }
        let timeout = timeout(request.headers())?.or(app.config.request_timeout);
        let bytes = Bytes::from_request(request, app).await.map_err(|rejection| refused(&rejection))?;
        if app.config.max_log_len > 0 {
            let body: String = String::from_utf8_lossy(&bytes).chars().take(app.config.max_log_len).collect();
            tracing::info!(body, "request body");
        }
        let mut body: T = parse(&bytes)?;
        if let Some(seconds) = timeout {
            body.set_timeout(seconds);
        }
        Ok(Self(body))
    }
}

/// Whether the content type is JSON's, whatever its parameters are.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map(|kind| kind.as_bytes()).unwrap_or_default();
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(JSON)
}

/// The seconds that the header gives.
fn timeout(headers: &HeaderMap) -> Result<Option<f64>, Failure> {
    let Some(value) = headers.get(TIMEOUT) else { return Ok(None) };
    let seconds = value.to_str().ok().and_then(|text| text.trim().parse::<f64>().ok());
    match seconds {
        Some(seconds) if seconds > 0.0 && seconds.is_finite() => Ok(Some(seconds)),
        _ => {
            let found = String::from_utf8_lossy(value.as_bytes());
            let message = format!("found `{found}`, expected a number of seconds above 0");
            Err(Failure(Error::field(TIMEOUT, message)))
        }
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
        Some(Unsupported { name, found, expected }) => Err(Failure(Error::field(
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

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name.parse().expect("a name"), value.parse().expect("text"))])
    }

    #[test]
    fn only_json_is_json() {
        for kind in ["application/json", "Application/JSON; charset=utf-8", " application/json ;x"] {
            assert!(is_json(&headers("content-type", kind)), "{kind}");
        }
        for kind in ["", "text/plain", "application/jsonl", "application/x-www-form-urlencoded", "text/json"]
        {
            assert!(!is_json(&headers("content-type", kind)), "{kind}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }

    #[test]
    fn a_time_limit_is_a_number_of_seconds() {
        for (text, seconds) in [("5", 5.0), (" 0.5", 0.5), ("1e3", 1000.0)] {
            assert_eq!(timeout(&headers(TIMEOUT, text)).ok(), Some(Some(seconds)), "{text}");
        }
        for text in ["0", "-1", "nan", "inf", "soon", ""] {
            let Failure(error) = timeout(&headers(TIMEOUT, text)).expect_err(text);
            let expected = format!("{TIMEOUT}: found `{text}`, expected a number of seconds above 0");
            assert_eq!(error.to_string(), expected);
        }
        assert_eq!(timeout(&HeaderMap::new()).ok(), Some(None));
    }
}

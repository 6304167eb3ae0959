//! Request bodies: JSON only; errors name the place.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use super::App;
use super::failure::Failure;

/// A request body that was sent as JSON.
pub(super) struct JsonBody<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<App> for JsonBody<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        if app.is_draining() {
            return Err(Failure::new(503, "the server is shutting down"));
        }
        if !is_json(request.headers()) {
            return Err(Failure::new(400, "Unsupported Media Type: Only 'application/json' is allowed"));
        }
        let bytes = Bytes::from_request(request, app).await.map_err(|rejection| refused(&rejection))?;
        parse(&bytes).map(Self)
    }
}

/// `application/json`, with or without parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn refused(rejection: &BytesRejection) -> Failure {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Failure::new(413, "the request body is larger than 32 MiB"),
        status => Failure::new(status.as_u16(), rejection.body_text()),
    }
}

/// Parses JSON; the message names the field as a path, and line and column.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        // `.` and `?` are the places of a body that is not an object, or not JSON.
        if inner.is_data() && path != "." && path != "?" {
            Failure(crate::Error::field(path, inner.to_string()))
        } else {
            Failure::new(400, format!("invalid JSON body: {inner}"))
        }
    })?;
    deserializer.end().map_err(|error| Failure::new(400, format!("invalid JSON body: {error}")))?;
    Ok(value)
}

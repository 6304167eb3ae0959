//! [`respond`]: a stream of server-sent events as an answer.

use std::convert::Infallible;
use std::time::Duration;

use axum::http::HeaderValue;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;

/// Idle time after which a comment line keeps the connection open.
const PING: Duration = Duration::from_secs(10);

/// Sends events as they come, and comments in between.
pub(super) fn respond(events: impl Stream<Item = Result<Event, Infallible>> + Send + 'static) -> Response {
    let ping = KeepAlive::new().interval(PING).text("ping");
    let mut response = Sse::new(events).keep_alive(ping).into_response();
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

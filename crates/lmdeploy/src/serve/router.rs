//! The routes of the server.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get, post};

use super::{App, chat, completions, failure, metrics, models};

/// Maximum size of a request body in bytes.
const BODY_LIMIT: usize = 32 << 20;
/// Header by which client and server name a request in their logs.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// All routes of the server, to be nested into another router. [`Server`](super::Server) adds what browsers need to
/// call them from other origins.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(chat::create))
        .route("/v1/completions", post(completions::create))
        .route("/v1/models", get(models::list))
        .route("/v1/models/{*id}", get(models::one))
        .route("/health", get(models::health))
        .route("/metrics", get(metrics::show))
        .fallback(failure::no_route)
        .method_not_allowed_fallback(failure::wrong_method)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn(echo_request_id))
        .with_state(app)
}

/// Sends the client's `x-request-id` back.
async fn echo_request_id(request: Request, next: Next) -> Response {
    let id: Option<HeaderValue> = request.headers().get(&REQUEST_ID).cloned();
    let mut response = next.run(request).await;
    if let Some(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

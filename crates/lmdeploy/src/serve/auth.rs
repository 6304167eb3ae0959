//! [`check`]: requests without a key are answered before their bodies are read.

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::App;
use super::failure::Failure;
use super::routes::{Access, access};

/// Answers requests that need a key and come without one with 401.
pub(super) async fn check(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>();
    let access = path.map_or(Access::Keyed, |path| access(path.as_str()));
    if is_allowed(&app, access, &request) {
        return next.run(request).await;
    }
    let message = "a valid API key is needed: `Authorization: Bearer KEY` or `x-api-key: KEY`";
    Failure::new(401, message).into_response()
}

/// Whether a request for a route of this kind is answered. A browser's question about a route has no key.
pub(super) fn is_allowed(app: &App, access: Access, request: &Request) -> bool {
    let open = match access {
        Access::Public => true,
        Access::Metrics => app.config.public_metrics,
        Access::Keyed | Access::Inference => false,
    };
    open || request.method() == Method::OPTIONS || app.keys.allow(request.headers())
}

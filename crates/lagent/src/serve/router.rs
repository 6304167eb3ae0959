//! The routes of the server, and what happens around every request.

use axum::Router;
use axum::http::{Method, Uri};
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use super::app::App;
use super::failure::Failure;
use super::{completions, metrics, models, observe, run_routes, sessions_routes};

/// All routes of the server, to be nested into another router.
pub fn router(app: App) -> Router {
    let memory = get(sessions_routes::agent_memory).delete(sessions_routes::forget);
    Router::new()
        .route("/health_check", get(sessions_routes::health))
        .route("/chat_completion", post(sessions_routes::chat_completion))
        .route("/memory/{session_id}", get(sessions_routes::memory))
        .route("/v1/agents", get(models::agents))
        .route("/v1/agents/{agent}/memory/{session_id}", memory)
        .route("/v1/models", get(models::list))
        .route("/v1/models/{model}", get(models::one))
        .route("/v1/chat/completions", post(completions::create))
        .route("/v1/runs", get(run_routes::list).post(run_routes::start))
        .route("/v1/runs/{id}", get(run_routes::one))
        .route("/v1/runs/{id}/events", get(run_routes::events))
        .route("/v1/runs/{id}/approve", post(run_routes::approve))
        .route("/v1/runs/{id}/deny", post(run_routes::deny))
        .route("/v1/runs/{id}/cancel", post(run_routes::cancel))
        .route("/metrics", get(metrics::show))
        .fallback(no_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(app.clone(), observe::observe))
        .with_state(app)
}

/// Answers requests for unknown routes.
async fn no_route(method: Method, uri: Uri) -> Failure {
    Failure::new(404, format!("{method} {} is not a route of this server", uri.path()))
}

/// Answers requests for known routes with a method that they do not take.
async fn wrong_method(method: Method, uri: Uri) -> Failure {
    Failure::new(405, format!("{} does not take {method}", uri.path()))
}

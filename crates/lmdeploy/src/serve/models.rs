//! `GET /v1/models`, `GET /v1/models/{id}`, `GET /health`.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::App;
use super::failure::Failure;
use crate::engine::Health;
use crate::protocol::{HealthStatus, ModelInfo, ModelList};

/// Answers with the one served model.
pub(super) async fn list(State(app): State<App>) -> Json<ModelList> {
    Json(ModelList { object: "list".to_owned(), data: vec![info(&app)] })
}

/// Answers with the served model when `id` names it.
pub(super) async fn one(
    State(app): State<App>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<ModelInfo>, Failure> {
    let wrong = |found: PathRejection| Failure::new(found.status().as_u16(), found.body_text());
    let (info, Path(id)) = (info(&app), id.map_err(wrong)?);
    if info.id == id {
        Ok(Json(info))
    } else {
        Err(Failure::new(404, format!("The model '{id}' does not exist.")))
    }
}

/// Answers with the state of the server. It reads the gauges and does not ask the engine thread, which may hang.
pub(super) async fn health(State(app): State<App>) -> (StatusCode, Json<HealthStatus>) {
    let (status, word, message) = match app.responder.engine().gauges().health() {
        _ if app.is_draining() => {
            (StatusCode::SERVICE_UNAVAILABLE, "draining", "the server is shutting down".to_owned())
        }
        Health::Healthy => (StatusCode::OK, "healthy", String::new()),
        Health::Unhealthy(message) => (StatusCode::SERVICE_UNAVAILABLE, "unhealthy", message),
    };
    (status, Json(HealthStatus { status: word.to_owned(), message }))
}

fn info(app: &App) -> ModelInfo {
    let model = app.responder.model();
    ModelInfo {
        id: model.name.clone(),
        object: "model".to_owned(),
        created: model.created,
        owned_by: "lmdeploy".to_owned(),
        max_model_len: Some(app.responder.engine().limits().max_length as u64),
    }
}

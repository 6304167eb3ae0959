//! `GET /v1/models`, `GET /v1/models/{id}`, `GET /health`.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::App;
use super::failure::Failure;
use crate::engine::Health;
use crate::protocol::{HealthStatus, ModelInfo, ModelList, ModelPermission};

/// Answers with the one served model, under each of its names.
pub(super) async fn list(State(app): State<App>) -> Json<ModelList> {
    let model = app.responder.model();
    let names = std::iter::once(&model.name).chain(&model.aliases);
    Json(ModelList { object: "list".to_owned(), data: names.map(|name| info(&app, name)).collect() })
}

/// Answers with the served model when `id` is one of its names.
pub(super) async fn one(
    State(app): State<App>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<ModelInfo>, Failure> {
    let wrong = |found: PathRejection| Failure::new(found.status().as_u16(), found.body_text());
    let Path(id) = id.map_err(wrong)?;
    if app.responder.model().is_named(&id) {
        Ok(Json(info(&app, &id)))
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
        Health::Sleeping(message) => (StatusCode::OK, "sleeping", message),
        Health::Unhealthy(message) => (StatusCode::SERVICE_UNAVAILABLE, "unhealthy", message),
    };
    (status, Json(HealthStatus { status: word.to_owned(), message }))
}

/// The model under one of its names.
fn info(app: &App, name: &str) -> ModelInfo {
    let model = app.responder.model();
    ModelInfo {
        id: name.to_owned(),
        object: "model".to_owned(),
        created: model.created,
        owned_by: "lmdeploy".to_owned(),
        max_model_len: Some(app.responder.engine().limits().max_length as u64),
        root: Some(model.name.clone()),
        parent: None,
        permission: vec![ModelPermission::new(name, model.created)],
    }
}

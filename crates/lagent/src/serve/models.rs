//! `GET /v1/agents`, and the same agents as OpenAI's `GET /v1/models` and `GET /v1/models/{model}`.

use axum::Json;
use axum::extract::{Path, State};
use lmdeploy::protocol::{ModelInfo, ModelList};

use super::app::App;
use super::caller::Caller;
use super::failure::Failure;
use crate::client::AgentList;

/// Lists the agents with their tools.
pub(super) async fn agents(State(app): State<App>, _: Caller) -> Json<AgentList> {
    let data = app.agents.all().iter().map(|agent| agent.info()).collect();
    Json(AgentList { object: "list".to_owned(), data })
}

/// Lists the agents as models.
pub(super) async fn list(State(app): State<App>, _: Caller) -> Json<ModelList> {
    let data = app.agents.names().into_iter().map(|name| model(&app, name)).collect();
    Json(ModelList { object: "list".to_owned(), data })
}

/// Answers with one agent as a model.
pub(super) async fn one(
    State(app): State<App>,
    _: Caller,
    Path(name): Path<String>,
) -> Result<Json<ModelInfo>, Failure> {
    let agent = app.agents.find(Some(&name));
    let agent = agent.ok_or_else(|| Failure::new(404, format!("The model '{name}' does not exist.")))?;
    Ok(Json(model(&app, &agent.name)))
}

fn model(app: &App, name: &str) -> ModelInfo {
    ModelInfo {
        id: name.to_owned(),
        object: "model".to_owned(),
        created: app.started,
        owned_by: "lagent".to_owned(),
        ..ModelInfo::default()
    }
}

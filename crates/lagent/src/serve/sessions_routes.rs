//! Lagent's own routes: `POST /chat_completion`, `GET /memory/{session_id}`, `GET /health_check`.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::app::App;
use super::caller::Caller;
use super::failure::Failure;
use super::fields::Fields;
use super::question::{Question, session_key};
use super::tenants::Tenant;
use super::waiting::{Waiting, name_run};
use crate::client::{Forgotten, HealthCheck};
use crate::message::AgentMessage;

/// Asks a question and answers with the agent's message.
pub(super) async fn chat_completion(
    State(app): State<App>,
    Caller(tenant): Caller,
    fields: Fields,
) -> Result<Response, Failure> {
    let run = Question::read(&app, tenant, fields)?.ask(&app).await?;
    let info = Waiting::new(run).answer().await?;
    let mut response = Json(info.answer).into_response();
    name_run(&mut response, &info.id);
    Ok(response)
}

/// Answers with the messages of a session of the first agent.
pub(super) async fn memory(
    State(app): State<App>,
    Caller(tenant): Caller,
    Path(session): Path<String>,
) -> Result<Json<BTreeMap<String, Vec<AgentMessage>>>, Failure> {
    state(&app, &tenant, None, session).await
}

/// Answers with the messages of a session of any agent.
pub(super) async fn agent_memory(
    State(app): State<App>,
    Caller(tenant): Caller,
    Path((agent, session)): Path<(String, String)>,
) -> Result<Json<BTreeMap<String, Vec<AgentMessage>>>, Failure> {
    state(&app, &tenant, Some(&agent), session).await
}

async fn state(
    app: &App,
    tenant: &Tenant,
    agent: Option<&str>,
    session: String,
) -> Result<Json<BTreeMap<String, Vec<AgentMessage>>>, Failure> {
    let agent = app.agent(agent)?;
    let key = session_key(tenant, &agent.name, &Value::from(session))?;
    app.archive.state(&key, &agent.machine).await?.map(Json).ok_or_else(unknown)
}

/// Forgets a session, unless a question of it is being answered.
pub(super) async fn forget(
    State(app): State<App>,
    Caller(tenant): Caller,
    Path((agent, session)): Path<(String, String)>,
) -> Result<Json<Forgotten>, Failure> {
    let agent = app.agent(Some(&agent))?;
    let key = session_key(&tenant, &agent.name, &Value::from(session.as_str()))?;
    let in_use = || Failure::new(409, "a question of the session is being answered");
    let reserved = app.sessions.reserve(&key, &agent).ok_or_else(in_use)?;
    let mut machine = reserved.machine.try_lock().map_err(|_| in_use())?;
    *machine = None;
    let was_known = app.archive.forget(&key, &agent.machine).await;
    drop(machine);
    drop(reserved);
    app.sessions.close(&key);
    if was_known? { Ok(Json(Forgotten { session_id: session, deleted: true })) } else { Err(unknown()) }
}

/// Answers whether the server takes questions.
pub(super) async fn health(State(app): State<App>) -> (StatusCode, Json<HealthCheck>) {
    let (code, status) = if app.is_draining() {
        (StatusCode::SERVICE_UNAVAILABLE, "draining")
    } else {
        (StatusCode::OK, "success")
    };
    let timestamp = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
    (code, Json(HealthCheck { status: status.to_owned(), timestamp }))
}

/// Upstream's words.
fn unknown() -> Failure {
    Failure::new(404, "Session ID not found")
}

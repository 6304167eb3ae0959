//! Runs: `POST /v1/runs`, their states and events, decisions about calls, and their early end.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::Event as SentEvent;
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use super::app::App;
use super::caller::Caller;
use super::event_stream;
use super::failure::Failure;
use super::fields::Fields;
use super::question::Question;
use super::run::Run;
use super::tenants::Tenant;
use super::waiting::name_run;
use crate::client::{RunInfo, RunList};
use crate::run::Event;

/// Header of a client that has seen the events up to a number.
const LAST_EVENT_ID: &str = "last-event-id";
/// How long the answer to a cancellation waits for the run's end.
const PATIENCE: Duration = Duration::from_secs(1);

/// Starts a question and answers before it is answered.
pub(super) async fn start(
    State(app): State<App>,
    Caller(tenant): Caller,
    fields: Fields,
) -> Result<Response, Failure> {
    let run = Question::read(&app, tenant, fields)?.ask(&app).await?;
    let info = run.info();
    let id = info.id.clone();
    let mut response = (StatusCode::ACCEPTED, Json(info)).into_response();
    name_run(&mut response, &id);
    Ok(response)
}

/// Lists the caller's runs.
pub(super) async fn list(State(app): State<App>, Caller(tenant): Caller) -> Json<RunList> {
    Json(RunList { object: "list".to_owned(), data: app.runs.list(&tenant.name) })
}

/// Answers with the state of a run.
pub(super) async fn one(
    State(app): State<App>,
    Caller(tenant): Caller,
    Path(id): Path<String>,
) -> Result<Json<RunInfo>, Failure> {
    Ok(Json(find(&app, &tenant, &id)?.info()))
}

/// Sends the events of a run from its beginning, or after the last one that the client has seen.
pub(super) async fn events(
    State(app): State<App>,
    Caller(tenant): Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let run = find(&app, &tenant, &id)?;
    let reader = run.log.reader(after(&headers)?);
    let events = stream::unfold(reader, |mut reader| async move {
        let read = reader.next().await?;
        let event = SentEvent::default().event(read.line.kind).data(&*read.line.json);
        let event = match read.id {
            Some(id) => event.id(id.to_string()),
            None => event,
        };
        Some((Ok::<_, Infallible>(event), reader))
    });
    let mut response = event_stream::respond(events);
    name_run(&mut response, &id);
    Ok(response)
}

/// Lets a call run.
pub(super) async fn approve(
    State(app): State<App>,
    Caller(tenant): Caller,
    Path(id): Path<String>,
    mut fields: Fields,
) -> Result<Json<RunInfo>, Failure> {
    let run = find(&app, &tenant, &id)?;
    let call = fields.take("call")?;
    fields.finish()?;
    run.decide(call, |call| Event::Approve { call })?;
    Ok(Json(run.info()))
}

/// Refuses a call; the model reads why.
pub(super) async fn deny(
    State(app): State<App>,
    Caller(tenant): Caller,
    Path(id): Path<String>,
    mut fields: Fields,
) -> Result<Json<RunInfo>, Failure> {
    let run = find(&app, &tenant, &id)?;
    let call = fields.take("call")?;
    let reason = fields.take("reason")?.unwrap_or_else(|| "the user said no".to_owned());
    fields.finish()?;
    run.decide(call, |call| Event::Deny { call, reason })?;
    Ok(Json(run.info()))
}

/// Ends a run. One that has ended stays as it is.
pub(super) async fn cancel(
    State(app): State<App>,
    Caller(tenant): Caller,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Json<RunInfo>, Failure> {
    let run = find(&app, &tenant, &id)?;
    fields.finish()?;
    // In this order: a run that parks meanwhile finds the wish or is found.
    run.cancel();
    if let Some(parked) = app.parked.remove(&id) {
        app.abandon(&parked);
    } else {
        // A run that takes longer is ended all the same.
        let _ = tokio::time::timeout(PATIENCE, run.ended()).await;
    }
    Ok(Json(run.info()))
}

fn find(app: &App, tenant: &Tenant, id: &str) -> Result<Arc<Run>, Failure> {
    let found = app.runs.find(&tenant.name, id);
    found.ok_or_else(|| Failure::new(404, format!("run: found `{id}`, expected the id of a run of this key")))
}

/// The number of the last event that the client has seen.
fn after(headers: &HeaderMap) -> Result<u64, Failure> {
    let Some(value) = headers.get(LAST_EVENT_ID) else { return Ok(0) };
    let number = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    number.ok_or_else(|| {
        let found = String::from_utf8_lossy(value.as_bytes()).into_owned();
        Failure::field(LAST_EVENT_ID, format_args!("found `{found}`, expected the number of an event"))
    })
}

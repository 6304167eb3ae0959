//! `POST /v1/responses`, `GET` and `DELETE /v1/responses/{response_id}`, and what else there is to a response.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};

use super::events::{begin, collect, line, outputs};
use super::extract::JsonBody;
use super::failure::Failure;
use super::named_events::{NamedEvent, RenderNamed, respond};
use super::query::Query;
use super::{App, blocking};
use crate::engine::Output;
use crate::protocol::responses::{
    DeletedResponse, InputTokenCount, ResponseEvent, ResponseObject, ResponsesRequest,
};
use crate::respond::ResponsesAnswer;
use crate::{Error, Result};

/// The parameter that asks for more of a response than it has.
pub(super) const INCLUDE: &str = "include";
/// Why it is refused.
pub(super) const NOT_MORE: &str = "it is shown as it was answered";
/// Why the parameters of streams are refused.
const NO_STREAM: &str = "a stream cannot be asked for again";

/// Answers with one response, or with the events that build it up.
pub(super) async fn create(
    State(app): State<App>,
    JsonBody(request): JsonBody<ResponsesRequest>,
) -> Result<Response, Failure> {
    let is_stream = request.stream == Some(true);
    let (responder, store) = (app.responder.clone(), app.store.clone());
    let (generations, answer) = blocking::run(move || responder.responses(&request, &store)).await?;
    let outputs = outputs(generations);
    if is_stream {
        return Ok(respond(begin(outputs).await?, ResponseRender(answer)));
    }
    let outputs = collect(outputs).await?.into_iter().map(|(_, output)| output);
    Ok(Json(answer.whole(outputs)?).into_response())
}

/// Answers with a stored response.
pub(super) async fn get(
    State(app): State<App>,
    id: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Json<ResponseObject>, Failure> {
    let id = read_id(id)?;
    let query = Query::read(query.as_deref())?;
    query.refuse(&[INCLUDE], NOT_MORE)?;
    query.refuse(&["starting_after"], NO_STREAM)?;
    match query.one("stream")? {
        None | Some("false" | "") => {}
        Some(_) => query.refuse(&["stream"], NO_STREAM)?,
    }
    app.store.get(&id).map(Json).ok_or_else(|| not_found(&id))
}

/// Forgets a stored response.
pub(super) async fn delete(
    State(app): State<App>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<DeletedResponse>, Failure> {
    let id = read_id(id)?;
    if app.store.remove(&id) {
        Ok(Json(DeletedResponse { id, object: "response".to_owned(), deleted: true }))
    } else {
        Err(not_found(&id))
    }
}

/// Refuses to end a response: whoever waits for it ends it by going away.
pub(super) async fn cancel(State(app): State<App>, id: Result<Path<String>, PathRejection>) -> Failure {
    match read_id(id) {
        Err(failure) => failure,
        Ok(id) if app.store.get(&id).is_some() => Failure::new(400, "Cannot cancel a synchronous response."),
        Ok(id) => not_found(&id),
    }
}

/// Answers with the number of tokens of a request's prompt.
pub(super) async fn count_tokens(
    State(app): State<App>,
    JsonBody(request): JsonBody<ResponsesRequest>,
) -> Result<Json<InputTokenCount>, Failure> {
    let (responder, store) = (app.responder.clone(), app.store.clone());
    Ok(Json(blocking::run(move || responder.count_response_tokens(&request, &store)).await?))
}

/// The id in a path.
pub(super) fn read_id(id: Result<Path<String>, PathRejection>) -> Result<String, Failure> {
    let wrong = |found: PathRejection| Failure::new(found.status().as_u16(), found.body_text());
    id.map(|Path(id)| id).map_err(wrong)
}

/// The answer about a response that is not kept.
pub(super) fn not_found(id: &str) -> Failure {
    Failure::new(404, format!("Response with id '{id}' not found."))
}

struct ResponseRender(ResponsesAnswer);

impl RenderNamed for ResponseRender {
    fn begin(&mut self) -> Vec<NamedEvent> {
        named(&self.0.begin())
    }

    fn output(&mut self, output: Output) -> Result<Vec<NamedEvent>> {
        Ok(named(&self.0.events(output)?))
    }

    fn failed(&mut self, error: &Error) -> Vec<NamedEvent> {
        named(&self.0.failed(error))
    }

    fn ping(&self) -> Option<NamedEvent> {
        None
    }
}

fn named(events: &[ResponseEvent]) -> Vec<NamedEvent> {
    events.iter().map(|event| NamedEvent { name: event.kind, data: line(event) }).collect()
}

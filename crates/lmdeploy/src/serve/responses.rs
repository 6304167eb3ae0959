//! `POST /v1/responses`, `GET` and `DELETE /v1/responses/{response_id}`.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};

use super::events::{begin, collect, line, outputs};
use super::extract::JsonBody;
use super::failure::Failure;
use super::named_events::{NamedEvent, RenderNamed, respond};
use super::{App, blocking};
use crate::engine::Output;
use crate::protocol::responses::{DeletedResponse, ResponseEvent, ResponseObject, ResponsesRequest};
use crate::respond::ResponsesAnswer;
use crate::{Error, Result};

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
    let asks = |part: &str| part == "stream=true" || part.starts_with("starting_after=");
    if let Some(part) = query.unwrap_or_default().split('&').find(|&part| asks(part)) {
        let name = part.split('=').next().unwrap_or_default();
        return Err(Error::field(
            name,
            "expected the parameter to be absent: a stream cannot be asked for again",
        )
        .into());
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

fn read_id(id: Result<Path<String>, PathRejection>) -> Result<String, Failure> {
    let wrong = |found: PathRejection| Failure::new(found.status().as_u16(), found.body_text());
    id.map(|Path(id)| id).map_err(wrong)
}

fn not_found(id: &str) -> Failure {
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

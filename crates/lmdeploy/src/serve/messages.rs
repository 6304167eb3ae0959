//! Anthropic's routes: `POST /v1/messages`, `POST /v1/messages/count_tokens`, `GET /anthropic/v1/models`.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};

use super::calls::RequestName;
use super::events::{begin, collect, line, outputs};
use super::extract::JsonBody;
use super::failure::{Failure, error_body};
use super::forms::anthropic_type;
use super::named_events::{NamedEvent, RenderNamed, respond};
use super::{App, blocking};
use crate::engine::Output;
use crate::protocol::anthropic::{
    AnthropicErrorDetail, AnthropicModelList, MessageEvent, MessagesRequest, TokenCount,
};
use crate::respond::MessagesAnswer;
use crate::{Error, Result};

/// Header that every request must have, as Anthropic's API demands; clients of the API always send it.
const VERSION: &str = "anthropic-version";
/// Header in which Anthropic's clients look for the name of a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// Answers with one message, or with the events that build it up.
pub(super) async fn create(
    State(app): State<App>,
    Extension(RequestName(name)): Extension<RequestName>,
    headers: HeaderMap,
    JsonBody(request): JsonBody<MessagesRequest>,
) -> Result<Response, Failure> {
    check_version(&headers)?;
    let is_stream = request.stream == Some(true);
    let responder = app.responder.clone();
    let (generations, answer) = blocking::run(move || responder.messages(&request)).await?;
    let outputs = outputs(generations);
    let mut response = if is_stream {
        respond(begin(outputs).await?, MessageRender { answer, request: name.clone() })
    } else {
        let outputs = collect(outputs).await?.into_iter().map(|(_, output)| output);
        Json(answer.whole(outputs)?).into_response()
    };
    if let Ok(name) = HeaderValue::try_from(name) {
        response.headers_mut().insert(REQUEST_ID, name);
    }
    Ok(response)
}

/// Answers with the number of tokens of a request's prompt.
pub(super) async fn count_tokens(
    State(app): State<App>,
    headers: HeaderMap,
    JsonBody(request): JsonBody<MessagesRequest>,
) -> Result<Json<TokenCount>, Failure> {
    check_version(&headers)?;
    let count = blocking::run(move || app.responder.count_message_tokens(&request)).await?;
    Ok(Json(count))
}

/// Answers with the one served model.
pub(super) async fn models(State(app): State<App>) -> Json<AnthropicModelList> {
    let model = app.responder.model();
    let length = app.responder.engine().limits().max_length as u64;
    Json(AnthropicModelList::of_one(&model.name, model.created, length))
}

/// Whatever version a client names: the form of messages has been the same in all of them.
fn check_version(headers: &HeaderMap) -> Result<()> {
    let is_one = |version: &[u8]| !version.is_empty() && version.iter().all(u8::is_ascii_graphic);
    match headers.get(VERSION) {
        Some(version) if is_one(version.as_bytes()) => Ok(()),
        Some(_) => Err(Error::field(VERSION, "found no word, expected a version such as `2023-06-01`")),
        // In the words of Anthropic's API and of upstream.
        None => Err(Error::Refused {
            status: 400,
            message: format!("Missing required header: {VERSION}"),
            param: Some(VERSION.to_owned()),
        }),
    }
}

struct MessageRender {
    answer: MessagesAnswer,
    /// Name of the request in logs.
    request: String,
}

impl RenderNamed for MessageRender {
    fn begin(&mut self) -> Vec<NamedEvent> {
        named(&self.answer.begin())
    }

    fn output(&mut self, output: Output) -> Result<Vec<NamedEvent>> {
        Ok(named(&self.answer.events(output)?))
    }

    fn failed(&mut self, error: &Error) -> Vec<NamedEvent> {
        let body = error_body(error).error;
        let kind = anthropic_type(body.code).to_owned();
        let error = AnthropicErrorDetail { kind, message: body.message };
        named(&[MessageEvent::Error { error, request_id: self.request.clone() }])
    }

    fn ping(&self) -> Option<NamedEvent> {
        named(&[MessageEvent::Ping]).pop()
    }
}

fn named(events: &[MessageEvent]) -> Vec<NamedEvent> {
    events.iter().map(|event| NamedEvent { name: event.name(), data: line(event) }).collect()
}

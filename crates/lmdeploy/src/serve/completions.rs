//! `POST /v1/completions`.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::events::{Render, begin, choices, collect, line, respond, streamed};
use super::extract::JsonBody;
use super::failure::Failure;
use super::{App, blocking, calls};
use crate::Result;
use crate::engine::Output;
use crate::protocol::{CompletionRequest, CompletionResponse, StreamOptions};
use crate::respond::CompletionAnswer;

/// Answers a completion request with one body, or with a stream of events.
pub(super) async fn create(
    State(app): State<App>,
    JsonBody(request): JsonBody<CompletionRequest>,
) -> Result<Response, Failure> {
    let streamed = streamed(request.stream, request.stream_options)?;
    calls::name_session(request.session_id.as_ref());
    let responder = app.responder.clone();
    let (generations, mut answer) = blocking::run(move || responder.completions(&request)).await?;
    let outputs = choices(generations, answer.choices_per_prompt());
    if let Some(options) = streamed {
        let outputs = begin(outputs).await?;
        return Ok(respond(outputs, CompletionRender { answer, options }));
    }
    Ok(Json(answer.whole(collect(outputs).await?)?).into_response())
}

struct CompletionRender {
    answer: CompletionAnswer,
    options: StreamOptions,
}

impl Render for CompletionRender {
    fn output(&mut self, index: usize, output: Output) -> Result<Vec<String>> {
        let pieces = self.answer.pieces(index, output)?;
        let shows_usage = self.options.include_usage && self.options.continuous_usage_stats;
        let usage = shows_usage.then(|| self.answer.usage_so_far());
        let body = |piece| CompletionResponse { usage, ..self.answer.body(vec![piece]) };
        Ok(pieces.into_iter().map(|piece| line(&body(piece))).collect())
    }

    fn end(&mut self) -> Vec<String> {
        if self.options.include_usage { vec![line(&self.answer.usage_body())] } else { Vec::new() }
    }
}

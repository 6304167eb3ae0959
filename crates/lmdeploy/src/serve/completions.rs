//! `POST /v1/completions`.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::events::{Render, begin, collect, line, outputs, respond, streamed};
use super::extract::JsonBody;
use super::failure::Failure;
use super::{App, blocking};
use crate::Result;
use crate::engine::Output;
use crate::protocol::CompletionRequest;
use crate::respond::CompletionAnswer;

/// Answers a completion request with one body, or with a stream of events.
pub(super) async fn create(
    State(app): State<App>,
    JsonBody(request): JsonBody<CompletionRequest>,
) -> Result<Response, Failure> {
    let streamed = streamed(request.stream, request.stream_options)?;
    let responder = app.responder.clone();
    let (generations, mut answer) = blocking::run(move || responder.completions(&request)).await?;
    let outputs = outputs(generations);
    if let Some(options) = streamed {
        let outputs = begin(outputs).await?;
        return Ok(respond(outputs, CompletionRender { answer, include_usage: options.include_usage }));
    }
    Ok(Json(answer.whole(collect(outputs).await?)?).into_response())
}

struct CompletionRender {
    answer: CompletionAnswer,
    include_usage: bool,
}

impl Render for CompletionRender {
    fn output(&mut self, index: usize, output: Output) -> Result<Vec<String>> {
        let choice = self.answer.choice(index, output)?;
        Ok(choice.map(|choice| line(&self.answer.body(vec![choice]))).into_iter().collect())
    }

    fn end(&mut self) -> Vec<String> {
        if self.include_usage { vec![line(&self.answer.usage_body())] } else { Vec::new() }
    }
}

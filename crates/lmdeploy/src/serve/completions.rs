//! `POST /v1/completions`.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;

use super::App;
use super::events::{Render, begin, line, outputs, respond};
use super::extract::JsonBody;
use super::failure::Failure;
use crate::Result;
use crate::engine::Output;
use crate::protocol::CompletionRequest;
use crate::respond::CompletionAnswer;

/// Answers a completion request with one body, or with a stream of events.
pub(super) async fn create(
    State(app): State<App>,
    JsonBody(request): JsonBody<CompletionRequest>,
) -> Result<Response, Failure> {
    let (generations, mut answer) = app.responder.completions(&request)?;
    let outputs = outputs(generations);
    if request.stream == Some(true) {
        let outputs = begin(outputs).await?;
        let include_usage = request.stream_options.is_some_and(|options| options.include_usage);
        return Ok(respond(outputs, CompletionRender { answer, include_usage }));
    }
    let outputs: Vec<(usize, Output)> = outputs.collect().await;
    Ok(Json(answer.whole(outputs)?).into_response())
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

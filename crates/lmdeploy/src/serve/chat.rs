//! `POST /v1/chat/completions`.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;

use super::App;
use super::events::{Render, begin, line, outputs, respond};
use super::extract::JsonBody;
use super::failure::Failure;
use crate::Result;
use crate::engine::{Finished, Output};
use crate::protocol::ChatRequest;
use crate::respond::ChatAnswer;

/// Answers a chat request with one body, or with a stream of events.
pub(super) async fn create(
    State(app): State<App>,
    JsonBody(request): JsonBody<ChatRequest>,
) -> Result<Response, Failure> {
    let (generation, mut answer) = app.responder.chat(&request)?;
    let outputs = outputs(vec![generation]);
    if request.stream == Some(true) {
        let outputs = begin(outputs).await?;
        let include_usage = request.stream_options.is_some_and(|options| options.include_usage);
        return Ok(respond(outputs, ChatRender { answer, include_usage, finished: None }));
    }
    let outputs: Vec<Output> = outputs.map(|(_, output)| output).collect().await;
    Ok(Json(answer.whole(outputs)?).into_response())
}

struct ChatRender {
    answer: ChatAnswer,
    include_usage: bool,
    finished: Option<Finished>,
}

impl Render for ChatRender {
    fn output(&mut self, _index: usize, output: Output) -> Result<Vec<String>> {
        if let Output::Finished(finished) = &output {
            self.finished = Some(finished.clone());
        }
        Ok(self.answer.chunks(output)?.iter().map(line).collect())
    }

    fn end(&mut self) -> Vec<String> {
        let finished = self.finished.take().filter(|_| self.include_usage);
        finished.iter().map(|finished| line(&self.answer.usage_chunk(finished))).collect()
    }
}

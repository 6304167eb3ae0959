//! `POST /v1/chat/completions`.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::events::{Render, begin, collect, line, outputs, respond, streamed};
use super::extract::JsonBody;
use super::failure::Failure;
use super::{App, blocking};
use crate::Result;
use crate::engine::Output;
use crate::protocol::{ChatRequest, Usage};
use crate::respond::{ChatAnswer, whole_chat};

/// Answers a chat request with one body, or with a stream of events.
pub(super) async fn create(
    State(app): State<App>,
    JsonBody(request): JsonBody<ChatRequest>,
) -> Result<Response, Failure> {
    let streamed = streamed(request.stream, request.stream_options)?;
    let responder = app.responder.clone();
    let (generations, answers) = blocking::run(move || responder.chat(&request)).await?;
    let outputs = outputs(generations);
    if let Some(options) = streamed {
        let outputs = begin(outputs).await?;
        let render = ChatRender { answers, include_usage: options.include_usage, usage: None };
        return Ok(respond(outputs, render));
    }
    Ok(Json(whole_chat(answers, collect(outputs).await?)?).into_response())
}

struct ChatRender {
    answers: Vec<ChatAnswer>,
    include_usage: bool,
    /// Of the choices that have ended.
    usage: Option<Usage>,
}

impl Render for ChatRender {
    fn output(&mut self, index: usize, output: Output) -> Result<Vec<String>> {
        let answer = &mut self.answers[index];
        let finished = match &output {
            Output::Finished(finished) => Some(finished.clone()),
            _ => None,
        };
        let lines = answer.chunks(output)?.iter().map(line).collect();
        if let Some(finished) = finished {
            let used = answer.usage(&finished);
            self.usage = Some(self.usage.map_or(used, |sum| sum.with_choice(used)));
        }
        Ok(lines)
    }

    fn end(&mut self) -> Vec<String> {
        let usage = self.usage.filter(|_| self.include_usage);
        let chunk = usage.zip(self.answers.first()).map(|(usage, answer)| answer.usage_chunk(usage));
        chunk.iter().map(line).collect()
    }
}

//! `POST /v1/chat/completions`.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};

use super::events::{Render, begin, choices, collect, line, respond, streamed};
use super::extract::JsonBody;
use super::failure::Failure;
use super::{App, blocking, calls};
use crate::Result;
use crate::engine::Output;
use crate::protocol::{ChatRequest, StreamOptions, Usage};
use crate::respond::{ChatAnswer, whole_chat};

/// A header that OpenAI's Python package sends with the requests of its helpers. That of streams puts the strings of all
/// chunks together, the role among them.
const HELPER: &str = "x-stainless-helper-method";

/// Answers a chat request with one body, or with a stream of events.
pub(super) async fn create(
    State(app): State<App>,
    headers: HeaderMap,
    JsonBody(request): JsonBody<ChatRequest>,
) -> Result<Response, Failure> {
    let streamed = streamed(request.stream, request.stream_options)?;
    calls::name_session(request.session_id.as_ref());
    let responder = app.responder.clone();
    let (generations, mut answers) = blocking::run(move || responder.chat(&request)).await?;
    let outputs = choices(generations, answers.len());
    if let Some(options) = streamed {
        if headers.contains_key(HELPER) {
            answers = answers.into_iter().map(ChatAnswer::with_role_once).collect();
        }
        let outputs = begin(outputs).await?;
        return Ok(respond(outputs, ChatRender { answers, options, usage: None }));
    }
    Ok(Json(whole_chat(answers, collect(outputs).await?)?).into_response())
}

struct ChatRender {
    answers: Vec<ChatAnswer>,
    options: StreamOptions,
    /// Of the choices that have ended.
    usage: Option<Usage>,
}

impl ChatRender {
    /// The tokens of all choices so far, when each chunk has them.
    fn usage_so_far(&self) -> Option<Usage> {
        if !(self.options.include_usage && self.options.continuous_usage_stats) {
            return None;
        }
        let sum = self.answers.iter().map(ChatAnswer::usage_so_far).reduce(Usage::with_choice);
        sum.map(|usage| Usage { prompt_tokens_details: None, ..usage })
    }
}

impl Render for ChatRender {
    fn output(&mut self, index: usize, output: Output) -> Result<Vec<String>> {
        let answer = &mut self.answers[index];
        let finished = match &output {
            Output::Finished(finished) => Some(finished.clone()),
            _ => None,
        };
        let mut chunks = answer.chunks(output)?;
        if let Some(finished) = finished {
            let used = answer.usage(&finished);
            self.usage = Some(self.usage.map_or(used, |sum| sum.with_choice(used)));
        }
        let usage = self.usage_so_far();
        chunks.iter_mut().for_each(|chunk| chunk.usage = usage);
        Ok(chunks.iter().map(line).collect())
    }

    fn end(&mut self) -> Vec<String> {
        let usage = self.usage.filter(|_| self.options.include_usage);
        let chunk = usage.zip(self.answers.first()).map(|(usage, answer)| answer.usage_chunk(usage));
        chunk.iter().map(line).collect()
    }
}

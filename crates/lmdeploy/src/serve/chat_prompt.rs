//! `POST /v1/chat/completions/input_tokens` and `POST /apply-template`, both llama.cpp's: the prompt of a chat request
//! without an answer.

use axum::Json;
use axum::extract::State;

use super::extract::JsonBody;
use super::failure::Failure;
use super::{App, blocking};
use crate::protocol::responses::InputTokenCount;
use crate::protocol::{AppliedTemplate, ChatRequest};

/// Answers with the number of ids in the prompt.
pub(super) async fn count_tokens(
    State(app): State<App>,
    JsonBody(request): JsonBody<ChatRequest>,
) -> Result<Json<InputTokenCount>, Failure> {
    Ok(Json(blocking::run(move || app.responder.count_chat_tokens(&request)).await?))
}

/// Answers with the prompt as text.
pub(super) async fn apply_template(
    State(app): State<App>,
    JsonBody(request): JsonBody<ChatRequest>,
) -> Result<Json<AppliedTemplate>, Failure> {
    Ok(Json(blocking::run(move || app.responder.apply_template(&request)).await?))
}

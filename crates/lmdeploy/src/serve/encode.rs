//! `POST /v1/encode`, `/tokenize`, `/detokenize`.

use axum::Json;
use axum::extract::State;

use super::extract::JsonBody;
use super::failure::Failure;
use super::{App, blocking};
use crate::protocol::{
    DetokenizeRequest, DetokenizeResponse, EncodeRequest, EncodeResponse, TokenizeRequest, TokenizeResponse,
};

/// Answers with the ids of texts.
pub(super) async fn encode(
    State(app): State<App>,
    JsonBody(request): JsonBody<EncodeRequest>,
) -> Result<Json<EncodeResponse>, Failure> {
    Ok(Json(blocking::run(move || app.responder.encode(&request)).await?))
}

/// Answers with the ids of a text or a conversation.
pub(super) async fn tokenize(
    State(app): State<App>,
    JsonBody(request): JsonBody<TokenizeRequest>,
) -> Result<Json<TokenizeResponse>, Failure> {
    Ok(Json(blocking::run(move || app.responder.tokenize(&request)).await?))
}

/// Answers with the text of ids.
pub(super) async fn detokenize(
    State(app): State<App>,
    JsonBody(request): JsonBody<DetokenizeRequest>,
) -> Result<Json<DetokenizeResponse>, Failure> {
    Ok(Json(blocking::run(move || app.responder.detokenize(&request)).await?))
}

//! `POST /generate` and `POST /get_ppl`.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::events::{Render, begin, collect, line, outputs, respond};
use super::extract::JsonBody;
use super::failure::Failure;
use super::{App, blocking, calls};
use crate::Result;
use crate::engine::Output;
use crate::protocol::{GenerateBody, PerplexityRequest, PerplexityResponse};
use crate::respond::{GenerateAnswer, perplexity_of};

/// Answers with one body, or with a stream of events.
pub(super) async fn create(
    State(app): State<App>,
    JsonBody(request): JsonBody<GenerateBody>,
) -> Result<Response, Failure> {
    let is_stream = request.stream == Some(true);
    calls::name_session(request.session_id.as_ref());
    let responder = app.responder.clone();
    let (generation, mut answer) = blocking::run(move || responder.generate(&request)).await?;
    let outputs = outputs(vec![generation]);
    if is_stream {
        return Ok(respond(begin(outputs).await?, GenerateRender(answer)));
    }
    let outputs = collect(outputs).await?.into_iter().map(|(_, output)| output).collect();
    Ok(Json(answer.whole(outputs)?).into_response())
}

/// Answers with the mean cross-entropy of a text.
pub(super) async fn perplexity(
    State(app): State<App>,
    JsonBody(request): JsonBody<PerplexityRequest>,
) -> Result<Json<PerplexityResponse>, Failure> {
    let responder = app.responder.clone();
    let generation = blocking::run(move || responder.perplexity(&request)).await?;
    let outputs = collect(outputs(vec![generation])).await?;
    Ok(Json(perplexity_of(outputs.into_iter().map(|(_, output)| output).collect())?))
}

struct GenerateRender(GenerateAnswer);

impl Render for GenerateRender {
    fn output(&mut self, _index: usize, output: Output) -> Result<Vec<String>> {
        Ok(self.0.piece(output)?.iter().map(line).collect())
    }

    fn end(&mut self) -> Vec<String> {
        Vec::new()
    }
}

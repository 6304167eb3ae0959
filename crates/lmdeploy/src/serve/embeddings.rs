//! `POST /v1/embeddings` and `POST /pooling`.

use std::time::Instant;

use axum::Json;
use axum::extract::State;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::events::{collect, outputs};
use super::extract::JsonBody;
use super::failure::Failure;
use super::{App, blocking};
use crate::Result;
use crate::engine::{EngineHandle, GenerateRequest, Output};
use crate::protocol::{EmbeddingRequest, EmbeddingResponse, PoolingResponse};
use crate::respond::{Embeddings, VectorScale};

/// Answers with the vector of each text, scaled to length 1.
pub(super) async fn create(
    State(app): State<App>,
    JsonBody(request): JsonBody<EmbeddingRequest>,
) -> Result<Json<EmbeddingResponse>, Failure> {
    let (embeddings, outputs) = computed(app, request, VectorScale::Unit).await?;
    Ok(Json(embeddings.embeddings(outputs)?))
}

/// Answers with the pooled hidden states of each text.
pub(super) async fn pooling(
    State(app): State<App>,
    JsonBody(request): JsonBody<EmbeddingRequest>,
) -> Result<Json<PoolingResponse>, Failure> {
    let (embeddings, outputs) = computed(app, request, VectorScale::Plain).await?;
    Ok(Json(embeddings.pooled(outputs)?))
}

/// The checked request, and the outputs of all of its texts in order.
async fn computed(
    app: App,
    request: EmbeddingRequest,
    scale: VectorScale,
) -> Result<(Embeddings, Vec<Output>)> {
    let responder = app.responder.clone();
    let mut embeddings = blocking::run(move || responder.embeddings(&request, scale)).await?;
    let outputs = in_turn(app.responder.engine(), embeddings.take_requests()).await?;
    Ok((embeddings, outputs))
}

/// Runs requests, as many at a time as the engine runs: more of them would fill the queue, and turn away others. The
/// outputs are in the order of the requests. The first one that fails is the error, and cancels the others.
async fn in_turn(engine: &EngineHandle, requests: Vec<GenerateRequest>) -> Result<Vec<Output>> {
    let begun = Instant::now();
    let runs = stream::iter(requests).map(|mut request| {
        let engine = engine.clone();
        async move {
            // The time that a client waits is that of all of its texts together.
            request.timeout = request.timeout.map(|limit| limit.saturating_sub(begun.elapsed()));
            collect(outputs(vec![engine.submit(request)])).await
        }
    });
    let outputs = runs.buffered(engine.limits().max_sequences.max(1)).try_concat().await?;
    Ok(outputs.into_iter().map(|(_, output)| output).collect())
}

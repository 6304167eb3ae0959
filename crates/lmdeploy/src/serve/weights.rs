//! `POST /update_weights`: other weights of the same shape take the place of the running ones.

use axum::Json;
use axum::extract::State;

use super::extract::JsonBody;
use super::failure::Failure;
use super::{App, blocking};
use crate::protocol::{UpdateWeightsRequest, WeightsUpdated};

/// Loads the weights of a folder or file, and answers once they are in place.
pub(super) async fn update(
    State(app): State<App>,
    JsonBody(request): JsonBody<UpdateWeightsRequest>,
) -> Result<Json<WeightsUpdated>, Failure> {
    Ok(Json(blocking::run(move || app.responder.update_weights(&request)).await?))
}

//! [`Waiting`]: a client that waits for a run, and whose leaving ends it.

use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;

use super::failure::Failure;
use super::outcome;
use super::run::Run;
use crate::client::{RunInfo, RunStatus};

/// Header that names the run of an answer, for its events.
const RUN_ID: HeaderName = HeaderName::from_static("x-run-id");

/// A client that waits for a run. When this is dropped before the run's end, the run is ended.
pub(super) struct Waiting(Arc<Run>);

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.0.status().has_ended() {
            self.0.cancel();
        }
    }
}

impl Waiting {
    pub(super) fn new(run: Arc<Run>) -> Self {
        Self(run)
    }

    /// Waits until the run needs nothing from the server any more.
    pub(super) async fn ended(&self) {
        self.0.ended().await;
    }

    /// Waits until the run has an answer or calls for its client.
    ///
    /// # Errors
    /// The failure of a run without an answer.
    pub(super) async fn answer(self) -> Result<RunInfo, Failure> {
        let info = self.0.ended().await;
        match info.status {
            RunStatus::Finished | RunStatus::NeedsTools => Ok(info),
            _ => Err(outcome::failure(&info)),
        }
    }
}

/// Names the run in an answer.
pub(super) fn name_run(response: &mut Response, id: &str) {
    // Ids are digits and letters.
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert(RUN_ID, value);
    }
}

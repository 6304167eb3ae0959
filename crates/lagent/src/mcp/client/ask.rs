//! One request that is watched: its limits, its progress, and its cancellation.

use std::time::Duration;

use internlm_kit::stop::Stop;
use rmcp::model::{ClientRequest, ServerResult};
use rmcp::service::{PeerRequestOptions, RequestHandle, RoleClient, ServiceError};
use tokio::time::{Instant, sleep_until, timeout};

use super::link::{Link, Pipe};
use super::options::CallOptions;
use super::progress::ProgressTable;

/// How often it is looked whether a call should stop.
const STOP_POLL: Duration = Duration::from_millis(20);
/// Time that telling a server about a cancellation may take.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(1);

/// How the requests of one call are made.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) link: &'a Link,
    pub(super) table: &'a ProgressTable,
    pub(super) options: &'a CallOptions,
    /// The end of the whole call.
    pub(super) end: Instant,
    /// Maximum time between two signs of life.
    pub(super) silence: Duration,
}

/// Why a request has no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// It never reached the server, so it can be sent again.
    NotSent(ServiceError),
    /// It failed, or the connection did.
    Failed(ServiceError),
    /// A limit was reached, and the server was told so.
    Late,
    /// Somebody stopped it, and the server was told so.
    Stopped,
    /// The server asks for a reply of a model first.
    Sampling,
}

impl Asking<'_> {
    /// Sends a request and waits for its answer.
    pub(super) async fn ask(&self, request: ClientRequest) -> Result<ServerResult, Unanswered> {
        let sent = self.link.peer.send_request_with_option(request, PeerRequestOptions::no_options()).await;
        let mut handle = sent.map_err(Unanswered::NotSent)?;
        let listening = self.table.listen(handle.progress_token.clone(), self.options.on_progress.clone());
        let mut silence_end = Instant::now() + self.silence;
        loop {
            tokio::select! {
                biased;
                answer = &mut handle.rx => {
                    // The sender is dropped when the connection ends.
                    let answer = answer.unwrap_or(Err(ServiceError::TransportClosed));
                    return answer.map_err(|error| self.unanswered(error));
                }
                () = requested(self.options.stop.as_ref()) => {
                    cancel(handle, "cancelled by the caller").await;
                    return Err(Unanswered::Stopped);
                }
                () = sleep_until(silence_end.min(self.end)) => {
                    cancel(handle, "the time is up").await;
                    return Err(Unanswered::Late);
                }
                // Last, so that a server that reports all the time does not outrun its limits.
                () = listening.heard.notified() => silence_end = Instant::now() + self.silence,
            }
        }
    }

    fn unanswered(&self, error: ServiceError) -> Unanswered {
        match error {
            ServiceError::TransportSend(_) if self.link.pipe == Pipe::Program => Unanswered::NotSent(error),
            other => Unanswered::Failed(other),
        }
    }
}

async fn cancel(handle: RequestHandle<RoleClient>, reason: &str) {
    // A server that does not even read is not told.
    let _ = timeout(CANCEL_TIMEOUT, handle.cancel(Some(reason.to_owned()))).await;
}

/// Waits until somebody requests the stop; for ever if nobody can.
async fn requested(stop: Option<&Stop>) {
    let Some(stop) = stop else { return std::future::pending().await };
    while !stop.is_requested() {
        tokio::time::sleep(STOP_POLL).await;
    }
}

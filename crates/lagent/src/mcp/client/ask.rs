//! One request that is watched: its limits, its progress, and its cancellation.

use std::time::Duration;

use rmcp::model::{ClientRequest, ServerResult};
use rmcp::service::{PeerRequestOptions, RequestHandle, RoleClient, ServiceError};
use tokio::time::{Instant, sleep_until, timeout};

use super::link::{Link, Pipe};
use super::options::CallOptions;
use super::progress::ProgressTable;
use crate::blocking::requested;

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
                    tokio::spawn(cancel(handle, "cancelled by the caller"));
                    return Err(Unanswered::Stopped);
                }
                () = sleep_until(silence_end.min(self.end)) => {
                    tokio::spawn(cancel(handle, "the time is up"));
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

/// Tells the server that a request has no reader any more. The caller does not wait for it.
async fn cancel(handle: RequestHandle<RoleClient>, reason: &'static str) {
    // A server that does not even read is not told.
    let _ = timeout(CANCEL_TIMEOUT, handle.cancel(Some(reason.to_owned()))).await;
}

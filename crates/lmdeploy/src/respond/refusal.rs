//! From the end of a request to the finish reason or the HTTP status that reports it.

use crate::Error;
use crate::engine::{CancelCause, End, EngineFault, Finished, Rejected, StopCause};
use crate::protocol::{FinishReason, StopReason};

/// What nginx and upstream answer to a client that has closed its request; only logs show it.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// The finish reason of a request that ended well, or the error that a server answers. A request that was aborted
/// through the API has ended well: its text so far is the answer.
pub(super) fn finish_reason(end: &End) -> Result<FinishReason, Error> {
    match end {
        End::Stop(_) => Ok(FinishReason::Stop),
        End::Length => Ok(FinishReason::Length),
        End::Abort(CancelCause::Api) => Ok(FinishReason::Abort),
        End::Abort(cause) => Err(cancelled(*cause)),
        End::Error(EngineFault::Rejected(rejected @ Rejected::TooLong { prompt, limit, .. })) => {
            let (message, prompt, limit) = (rejected.to_string(), *prompt, *limit);
            Err(Error::TooLong { message, param: None, prompt, limit })
        }
        End::Error(fault) => Err(refused(status(fault), fault.to_string())),
    }
}

/// The stop string that ended a text, or the id when it is one of `asked`, which are the request's own.
pub(super) fn stop_reason(finished: &Finished, asked: &[u32]) -> Option<StopReason> {
    match &finished.end {
        End::Stop(StopCause::Text) => finished.stop_string.clone().map(StopReason::Text),
        End::Stop(StopCause::Id(id)) if asked.contains(&id.0) => Some(StopReason::Id(id.0)),
        _ => None,
    }
}

/// Checks that a request ended well; the error is what the server answers when it did not.
pub(crate) fn check_end(end: &End) -> Result<(), Error> {
    finish_reason(end).map(|_| ())
}

fn refused(status: u16, message: impl Into<String>) -> Error {
    Error::Refused { status, message: message.into(), param: None }
}

fn cancelled(cause: CancelCause) -> Error {
    match cause {
        CancelCause::Shutdown => refused(503, "the server is shutting down"),
        CancelCause::SlowReader => refused(503, "the reader was too slow"),
        CancelCause::Disconnect | CancelCause::Api => {
            refused(CLIENT_CLOSED_REQUEST, "the request was cancelled")
        }
    }
}

fn status(fault: &EngineFault) -> u16 {
    match fault {
        EngineFault::Rejected(Rejected::QueueFull { .. }) => 429,
        EngineFault::Rejected(Rejected::Draining | Rejected::Sleeping) | EngineFault::KvCapacity { .. } => {
            503
        }
        EngineFault::Rejected(_) => 400,
        EngineFault::Timeout => 504,
        EngineFault::Execution(_) | EngineFault::EngineGone => 500,
    }
}

//! From the end of a request to the finish reason or the HTTP status that reports it.

use crate::Error;
use crate::engine::{CancelCause, End, EngineFault, Rejected};
use crate::protocol::FinishReason;

/// The finish reason of a request that ended well, or the error that a server answers.
pub(super) fn finish_reason(end: &End) -> Result<FinishReason, Error> {
    match end {
        End::Stop(_) => Ok(FinishReason::Stop),
        End::Length => Ok(FinishReason::Length),
        End::Abort(cause) => Err(refused(503, cancelled(*cause))),
        End::Error(fault) => Err(refused(status(fault), fault.to_string())),
    }
}

/// Checks that a request ended well; the error is what the server answers when it did not.
#[cfg(feature = "server")]
pub(crate) fn check_end(end: &End) -> Result<(), Error> {
    finish_reason(end).map(|_| ())
}

fn refused(status: u16, message: String) -> Error {
    Error::Refused { status, message, param: None }
}

fn cancelled(cause: CancelCause) -> String {
    match cause {
        CancelCause::Disconnect => "the request was cancelled".to_owned(),
        CancelCause::Shutdown => "the server is shutting down".to_owned(),
    }
}

fn status(fault: &EngineFault) -> u16 {
    match fault {
        EngineFault::Rejected(Rejected::QueueFull { .. }) => 429,
        EngineFault::Rejected(Rejected::Draining) => 503,
        EngineFault::Rejected(_) => 400,
        EngineFault::Timeout => 504,
        EngineFault::Execution(_) | EngineFault::EngineGone => 500,
    }
}

//! [`run`]: work of some milliseconds, away from the few threads that serve connections.
//!
//! A prompt of many thousand tokens and a grammar take that long to prepare, and every stream of the server would wait.

use crate::{Error, Result};

/// Runs `work` on a thread for work that blocks. When the client goes away, what it gives is dropped.
pub(super) async fn run<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let failed = |error: tokio::task::JoinError| {
        let message = format!("the request could not be prepared: {error}");
        Error::Refused { status: 500, message, param: None }
    };
    tokio::task::spawn_blocking(work).await.map_err(failed)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_of_its_request() {
        assert_eq!(run(|| Ok(7)).await.expect("works"), 7);
        let failed = run(|| -> Result<()> { panic!("scripted") }).await.expect_err("panics");
        assert!(matches!(failed, Error::Refused { status: 500, .. }), "{failed}");
    }
}

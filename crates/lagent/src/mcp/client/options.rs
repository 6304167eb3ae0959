//! [`CallOptions`]: how long a call may take, who is told about its progress, and who may stop it.

use std::time::Duration;

use internlm_kit::stop::Stop;

use super::progress::OnProgress;
use crate::action::CallContext;

/// How one call of a tool is made.
///
/// ```
/// use std::time::Duration;
/// use lagent::mcp::CallOptions;
///
/// let options = CallOptions::default().with_deadline(Duration::from_secs(5)).with_session("alice");
/// assert!(format!("{options:?}").contains("alice"));
/// ```
#[derive(Clone)]
pub struct CallOptions {
    pub(super) session: String,
    pub(super) deadline: Duration,
    pub(super) stop: Option<Stop>,
    pub(super) on_progress: Option<OnProgress>,
}

impl Default for CallOptions {
    /// The only session, with the deadline of [`CallContext`].
    fn default() -> Self {
        Self::of(&CallContext::default())
    }
}

impl CallOptions {
    /// Creates the options of a call by an agent.
    #[must_use]
    pub fn of(context: &CallContext<'_>) -> Self {
        Self {
            session: context.session.to_owned(),
            deadline: context.deadline,
            stop: context.stop.cloned(),
            on_progress: None,
        }
    }

    /// Returns the same options with another session, whose files are kept separately.
    #[must_use]
    pub fn with_session(self, session: impl Into<String>) -> Self {
        Self { session: session.into(), ..self }
    }

    /// Returns the same options with another limit of the whole call, including the start of the server.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Returns the same options with somebody who may stop the call.
    #[must_use]
    pub fn with_stop(self, stop: Stop) -> Self {
        Self { stop: Some(stop), ..self }
    }

    /// Returns the same options with a function that is told about progress.
    #[must_use]
    pub fn with_progress(self, on_progress: OnProgress) -> Self {
        Self { on_progress: Some(on_progress), ..self }
    }
}

impl std::fmt::Debug for CallOptions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("CallOptions")
            .field("session", &self.session)
            .field("deadline", &self.deadline)
            .field("stop", &self.stop)
            .finish_non_exhaustive()
    }
}

//! What the two kinds of Python process have in common.

use std::time::Duration;

use super::cell::Cell;

/// How long a process may take to start.
pub(super) const START: Duration = Duration::from_secs(60);
/// How long code may take to end after an interrupt, before it is killed.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// A Python process that keeps its variables from one piece of code to the next.
pub(super) trait Runtime: Send + std::fmt::Debug {
    /// Runs a piece of code: an interrupt after `timeout`, and the end of the process if that does not help.
    fn execute(&mut self, code: &str, timeout: Duration) -> Cell;

    /// Whether the process is still there.
    fn is_alive(&self) -> bool;
}

//! One query, and how long its answer may take.

use std::time::Duration;

/// What every engine is asked.
#[derive(Clone, Copy, Debug)]
pub(in crate::action::web) struct Query<'a> {
    pub(in crate::action::web) text: &'a str,
    /// Number of results that are wanted.
    pub(in crate::action::web) results: usize,
    pub(in crate::action::web) deadline: Duration,
}

//! One query, and how long its answer may take.

use crate::action::CallContext;

/// What every engine is asked.
#[derive(Clone, Copy, Debug)]
pub(in crate::action::web) struct Query<'a> {
    pub(in crate::action::web) text: &'a str,
    /// Number of results that are wanted.
    pub(in crate::action::web) results: usize,
    /// Limits the time, and cancels the search.
    pub(in crate::action::web) context: CallContext<'a>,
}

//! [`TaskPart`]: the rows of a dataset that a task asks.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Rows of one dataset.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TaskPart {
    /// Index of the dataset.
    pub set: usize,
    /// Number of the part, counted from 0; absent for a whole dataset.
    pub part: Option<usize>,
    /// The rows; the end may be beyond the last row.
    pub rows: Range<usize>,
}

impl TaskPart {
    /// Takes a whole dataset.
    #[must_use]
    pub fn whole(set: usize, rows: usize) -> Self {
        Self { set, part: None, rows: 0..rows }
    }
}

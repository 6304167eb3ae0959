//! [`Mask`]: which keys of a packed row each query sees.

use std::ops::Range;

use crate::positions::{Positions, seen_keys};

/// Causal inside each sequence of a packed row, within a sliding window where there is one.
#[derive(Clone, Debug)]
pub(crate) struct Mask {
    /// The sequences of the row; all keys are new.
    pub(crate) positions: Positions,
    /// Number of keys that a query sees, its own included; `None` for all keys up to its own.
    pub(crate) window: Option<usize>,
}

impl Mask {
    /// The keys of the block that begins at key `start` which the query at `position` sees, counted in the block.
    pub(super) fn seen(&self, position: usize, start: usize) -> Range<usize> {
        from_block(seen_keys(position, self.window), start)
    }

    /// The first key that any query from `position` on sees.
    pub(super) fn first_key(&self, position: usize) -> usize {
        seen_keys(position, self.window).start
    }
}

/// Positions of keys, counted from key `start` on; those before it are left out.
pub(super) fn from_block(keys: Range<usize>, start: usize) -> Range<usize> {
    keys.start.saturating_sub(start)..keys.end.saturating_sub(start)
}

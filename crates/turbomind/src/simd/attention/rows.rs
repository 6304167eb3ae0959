//! [`Rows`]: the query rows of a call, and which keys each of them sees.

use crate::simd::lanes::LANES;

/// Number of positions of a part; it is fixed so that no result depends on the number of threads.
pub(crate) const PART: usize = 256;
/// Number of query rows whose sums are kept in registers.
pub(crate) const ROWS: usize = 4;

/// The query rows of a call: every query head of one kv head for consecutive tokens, token by token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows {
    /// Number of query rows.
    pub(crate) count: usize,
    /// Query heads per kv head: row r belongs to token `r / group`.
    pub(crate) group: usize,
    /// Padded dimensions of a head.
    pub(crate) dim: usize,
    /// Position of the first token.
    pub(crate) position: usize,
    /// First position of the part.
    pub(crate) part_start: usize,
    /// Number of keys that a row sees, its own included; `None` for all keys up to its own.
    pub(crate) window: Option<usize>,
}

impl Rows {
    /// Keys of the part up to a row's own position; it does not see the [`Self::hidden`] ones among them.
    #[inline(always)]
    pub(crate) fn visible(&self, row: usize) -> usize {
        (self.position + row / self.group + 1).saturating_sub(self.part_start).min(PART)
    }

    /// Keys of the part before those that a row sees.
    #[inline(always)]
    pub(crate) fn hidden(&self, row: usize) -> usize {
        self.first_key(row).saturating_sub(self.part_start).min(self.visible(row))
    }

    /// Position of the first key that a row sees.
    #[inline(always)]
    pub(crate) fn first_key(&self, row: usize) -> usize {
        let end = self.position + row / self.group + 1;
        self.window.map_or(0, |window| end.saturating_sub(window))
    }

    /// The first part that any of the rows sees.
    pub(crate) fn first_part(&self) -> usize {
        self.first_key(0) / PART
    }

    /// The first row that is not before the part.
    #[inline(always)]
    pub(crate) fn first(&self) -> usize {
        (self.part_start.saturating_sub(self.position) * self.group).min(self.count)
    }

    /// Floats of a row's result: the weighted values, then the largest score, the sum of the weights and padding.
    #[inline(always)]
    pub(crate) const fn stride(&self) -> usize {
        self.dim + LANES
    }
}

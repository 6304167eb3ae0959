//! [`Chunks`]: how the outputs of a matrix product are cut for the members of the pool.

use std::ops::Range;

/// Maximum number of rows of a chunk: their sums and one block of their activations stay in the L1 cache.
const ROWS: usize = 128;
/// Number of chunks per member that a phase aims at: a member that is taken off its core delays one of them only.
const PER_MEMBER: usize = 7;
/// The same for a single row.
const PER_MEMBER_ONE_ROW: usize = 4;

/// `units` indivisible pieces of columns x `rows` rows, cut into chunks numbered row by row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chunks {
    units: usize,
    rows: usize,
    /// Number of units of one chunk.
    width: usize,
    columns: usize,
}

impl Chunks {
    /// Cuts the work for `threads` members.
    pub(crate) fn new(threads: usize, units: usize, rows: usize) -> Self {
        // One row is bound by memory: longer chunks stream better, and all take the same time.
        let width = match rows {
            1 => units.div_ceil(threads * PER_MEMBER_ONE_ROW),
            _ => (units / (threads * PER_MEMBER)).max(1),
        };
        Self { units, rows, width, columns: units.div_ceil(width) }
    }

    /// Number of chunks of the phase.
    pub(crate) fn count(&self) -> usize {
        self.columns * self.rows.div_ceil(ROWS)
    }

    /// The units and rows of one chunk.
    pub(crate) fn chunk(&self, index: usize) -> (Range<usize>, Range<usize>) {
        let (row, column) = (index / self.columns * ROWS, index % self.columns * self.width);
        (column..(column + self.width).min(self.units), row..(row + ROWS).min(self.rows))
    }

    /// Maximum number of rows of a chunk in a pass of `rows` rows.
    pub(crate) fn max_rows(rows: usize) -> usize {
        rows.min(ROWS)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Chunks;

    proptest! {
        #[test]
        fn chunks_cover_everything_once(threads in 1_usize..9, units in 1_usize..200, rows in 1_usize..300) {
            let mut seen = vec![0; units * rows];
            let chunks = Chunks::new(threads, units, rows);
            for index in 0..chunks.count() {
                let (columns, range) = chunks.chunk(index);
                prop_assert!(range.len() <= Chunks::max_rows(rows));
                for row in range {
                    columns.clone().for_each(|unit| seen[row * units + unit] += 1);
                }
            }
            prop_assert!(seen.iter().all(|count| *count == 1));
        }
    }
}

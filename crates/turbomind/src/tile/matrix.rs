//! [`Matrix`]: one weight matrix in tiles.

use std::ops::Range;

use super::format::{TileFormat, column_groups};
use crate::arena::Bytes;

/// A matrix `[outputs, inputs]` in tiles.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// The format of its records.
    pub format: TileFormat,
    /// Number of outputs, `n`.
    pub outputs: usize,
    /// Number of inputs, the inner length `k` of the product.
    pub inputs: usize,
    /// The records of all column groups.
    pub tiles: Bytes,
}

impl Matrix {
    /// Number of column groups.
    #[must_use]
    pub fn groups(&self) -> usize {
        column_groups(self.outputs)
    }

    /// The records of a range of column groups.
    #[must_use]
    pub fn group_tiles(&self, groups: Range<usize>) -> &[u8] {
        let bytes = self.format.group_bytes(self.inputs);
        &self.tiles[groups.start * bytes..groups.end * bytes]
    }
}

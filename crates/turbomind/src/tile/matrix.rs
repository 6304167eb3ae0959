//! [`Matrix`]: one weight matrix in tiles.

use std::ops::Range;

use super::format::{GROUP, TileFormat, column_groups};
use crate::arena::Bytes;
use crate::simd::scalar;

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

    /// Dequantizes the weights of one output, exactly.
    ///
    /// # Shapes
    /// - `out`: `[inputs]`
    pub fn row(&self, output: usize, out: &mut [f32]) {
        let group = output / GROUP;
        let mut weights = [[0.0; GROUP]; 256];
        let weights = &mut weights[..self.format.step()];
        let records = self.group_tiles(group..group + 1).chunks_exact(self.format.record_bytes());
        for (record, out) in records.zip(out.chunks_mut(self.format.step())) {
            scalar::dequantize(self.format, record, weights);
            for (out, weights) in out.iter_mut().zip(&*weights) {
                *out = weights[output % GROUP];
            }
        }
    }
}

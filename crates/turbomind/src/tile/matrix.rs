//! [`Matrix`]: one weight matrix in tiles.

use std::ops::Range;

use super::{GROUP, TileFormat};
use crate::arena::Bytes;
use crate::simd::scalar;

/// A matrix `[outputs, inputs]` in tiles.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// Its records.
    pub format: TileFormat,
    /// Outputs `n`.
    pub outputs: usize,
    /// Inner length `k`.
    pub inputs: usize,
    /// The records of all column groups.
    pub tiles: Bytes,
}

impl Matrix {
    /// Column groups of `outputs` outputs.
    #[must_use]
    pub const fn groups_of(outputs: usize) -> usize {
        outputs.div_ceil(GROUP)
    }

    /// Bytes of one column group.
    #[must_use]
    pub const fn group_bytes(format: TileFormat, inputs: usize) -> usize {
        inputs.div_ceil(format.step()) * format.record_bytes()
    }

    /// Bytes of all tiles of a matrix `[outputs, inputs]`.
    #[must_use]
    pub const fn bytes(format: TileFormat, outputs: usize, inputs: usize) -> usize {
        Self::groups_of(outputs) * Self::group_bytes(format, inputs)
    }

    /// Column groups.
    #[must_use]
    pub fn groups(&self) -> usize {
        Self::groups_of(self.outputs)
    }

    /// The records of some column groups.
    #[must_use]
    pub fn group_tiles(&self, groups: Range<usize>) -> &[u8] {
        let bytes = Self::group_bytes(self.format, self.inputs);
        &self.tiles[groups.start * bytes..groups.end * bytes]
    }

    /// The weights of one output, exactly.
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

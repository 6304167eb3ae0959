//! [`Panel`]: the activations of a pass as 8-bit blocks of 32, one rule for every weight format.
//!
//! Per row and block: `s = max|x| / 127`, `q = round-half-even(x / s)` in -127..=127 (`s = 0` gives `q = 0`). Weights
//! are stored unsigned, `w = d u + c`, so a block adds `d s sum(u q) + c s sum(q)` to an output.

use crate::tile::BLOCK;

/// Scales of one block of one row.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C, align(16))]
pub struct BlockScale {
    /// `s`.
    pub scale: f32,
    /// `S = s * sum(q)`.
    pub sum: f32,
    /// `s * sum(q)` of values 0..16.
    pub low: f32,
    /// `s * sum(q)` of values 16..32.
    pub high: f32,
}

/// Quantized rows, block by block: `[blocks][rows][32]`.
#[derive(Clone, Debug, Default)]
pub struct Panel {
    /// Rows.
    pub rows: usize,
    /// Blocks of 32 of each row.
    pub blocks: usize,
    /// `values[(block * rows + row) * 32 ..][..32]`.
    pub values: Vec<i8>,
    /// `scales[block * rows + row]`.
    pub scales: Vec<BlockScale>,
}

impl Panel {
    /// Takes this shape, keeping the memory; the content is then unspecified.
    pub fn reshape(&mut self, rows: usize, blocks: usize) {
        self.rows = rows;
        self.blocks = blocks;
        self.values.resize(rows * blocks * 32, 0);
        self.scales.resize(rows * blocks, BlockScale::default());
    }

    /// Quantizes `blocks * 32` values into one row: the definition that vector versions give the same bits as. A block
    /// that holds NaN or infinity gets NaN as its scale and sums, so that every output of the row becomes NaN.
    ///
    /// # Panics
    /// When the row or the length disagrees with the shape.
    pub fn quantize_row(&mut self, row: usize, values: &[f32]) {
        assert!(row < self.rows && values.len() == self.blocks * BLOCK, "a whole row of the panel");
        for (block, values) in values.as_chunks::<BLOCK>().0.iter().enumerate() {
            let place = block * self.rows + row;
            let out = &mut self.values[place * BLOCK..][..BLOCK];
            self.scales[place] = quantize_block(values, out);
        }
    }
}

/// Writes `round-half-even(x / s)`.
fn quantize_block(values: &[f32; BLOCK], out: &mut [i8]) -> BlockScale {
    if values.iter().any(|x| !x.is_finite()) {
        out.fill(0);
        return BlockScale { scale: f32::NAN, sum: f32::NAN, low: f32::NAN, high: f32::NAN };
    }
    let scale = values.iter().fold(0.0_f32, |most, x| most.max(x.abs())) / 127.0;
    let (mut low, mut high) = (0, 0);
    for (i, (x, out)) in values.iter().zip(out).enumerate() {
        // A scale that is a subnormal number may be too small by a large part of itself: hence the bounds.
        let q = if scale == 0.0 { 0.0 } else { (x / scale).round_ties_even().clamp(-127.0, 127.0) };
        *out = q as i8;
        *(if i < BLOCK / 2 { &mut low } else { &mut high }) += q as i32;
    }
    let times = |sum: i32| scale * sum as f32;
    BlockScale { scale, sum: times(low + high), low: times(low), high: times(high) }
}

//! [`Panel`]: the activations of a pass as 8-bit blocks of 32, one rule for every weight format.
//!
//! Per row and block: `s = max|x| * (1 / 127)`, `q = round-half-even(x * (1 / s))` in -127..=127 (`s = 0` gives `q = 0`). Weights
//! are stored unsigned, `w = d u + c`, so a block adds `d s sum(u q) + c s sum(q)` to an output.

/// Scale and sums of one block of one row; names are those of the formula above.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C, align(16))]
pub struct BlockScale {
    /// The scale `s` of the block.
    pub scale: f32,
    /// The sum of the block's values: `S = s * sum(q)`.
    pub sum: f32,
    /// `s * sum(q)` of values 0..16; zero where no consumer has scales per half block.
    pub low: f32,
    /// The same for values 16..32.
    pub high: f32,
}

/// Quantized rows, block by block: `[blocks][rows][32]`.
#[derive(Clone, Debug, Default)]
pub struct Panel {
    /// Number of rows, one per token.
    pub rows: usize,
    /// Number of blocks of 32 of each row.
    pub blocks: usize,
    /// `values[(block * rows + row) * 32 ..][..32]`.
    pub values: Vec<i8>,
    /// One scale for each block and row: `scales[block * rows + row]`.
    pub scales: Vec<BlockScale>,
}

impl Panel {
    /// Changes the shape and keeps the memory; the content is then unspecified.
    pub fn reshape(&mut self, rows: usize, blocks: usize) {
        self.rows = rows;
        self.blocks = blocks;
        self.values.resize(rows * blocks * 32, 0);
        self.scales.resize(rows * blocks, BlockScale::default());
    }

    /// Bytes of values and scales.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.values.len() + size_of_val(&self.scales[..])
    }
}

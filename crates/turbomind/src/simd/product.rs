//! [`Blocks`] and [`Floats`]: what a kernel of a matrix product multiplies.

use std::ops::Range;

use crate::panel::Panel;

/// The operands of a product: column groups of an integer format times rows of 8-bit activations.
#[derive(Clone, Copy, Debug)]
pub struct Blocks<'a> {
    /// The records of `groups` whole column groups.
    pub tiles: &'a [u8],
    /// Number of column groups.
    pub groups: usize,
    /// The activations; `panel.blocks * 32` is the inner length.
    pub panel: &'a Panel,
    /// First row of the panel to multiply; the length of the output says how many follow.
    pub first_row: usize,
}

/// The operands of a product: column groups of a float format times rows of f32 activations; with
/// [`crate::Compute::F32`] of any format.
#[derive(Clone, Copy, Debug)]
pub struct Floats<'a> {
    /// The records of `groups` whole column groups.
    pub tiles: &'a [u8],
    /// Number of column groups.
    pub groups: usize,
    /// Activations row by row, `inputs` numbers each.
    pub rows: &'a [f32],
    /// Inner length of the product: weights per output.
    pub inputs: usize,
}

/// A kernel for [`Blocks`].
///
/// `out[group * rows + row][n]` = the dot product of output `16 group + n` with activation row `first_row + row`;
/// `out` is overwritten, and `out.len() / groups` is the number of rows.
pub type BlocksFn = fn(&Blocks<'_>, out: &mut [[f32; 16]]);

/// A kernel for [`Floats`]: the output is laid out as for [`BlocksFn`], and all of `rows` is multiplied.
pub type FloatsFn = fn(&Floats<'_>, out: &mut [[f32; 16]]);

/// The rows of a call: the length of the output divided by the number of groups.
pub(crate) fn rows_of(groups: usize, out: &[[f32; 16]]) -> Range<usize> {
    0..out.len() / groups.max(1)
}

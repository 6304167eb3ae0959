//! The rotation that spreads outliers over a head before it is stored in 4 bits, as the CPU core does it.

use cubecl::prelude::*;

/// The stages before the factor.
const LINE: usize = 4;

/// Multiplies each run of n numbers of every head by the normalized Hadamard matrix of size n, the largest power of two
/// that divides d; one cube per head, a unit per number. The matrix is its own inverse, and products of rotated heads are
/// those of the heads.
///
/// # Shapes
/// - x, out: `[T, heads d]`
#[cube(launch)]
pub(super) fn rotate_heads(x: &Tensor<f32>, out: &mut Tensor<f32>, #[comptime] d: usize) {
    let heads = x.shape(1) / d;
    let (head, token) = (CUBE_POS % heads, CUBE_POS / heads);
    let column = UNIT_POS as usize;
    // Cubes beyond the last token work on it and write nothing.
    let known = min(token, x.shape(0) - 1);
    let mut line = Shared::<[f32]>::new_slice(d);
    line[column] = x[known * x.stride(0) + head * d + column];
    #[unroll]
    for stage in 0..comptime!(d.trailing_zeros() as usize) {
        let half = comptime!(1usize << stage);
        sync_cube();
        // Read back, so that a product of the stage before is rounded before it is added.
        let own = line[column];
        let mut value = own;
        if column / half % 2 == 0 {
            value += line[column + half];
        } else {
            value = line[column - half] - own;
        }
        if comptime!(stage + 1 == LINE) {
            value *= f32::new(comptime!(((1usize << d.trailing_zeros()) as f32).sqrt().recip()));
        }
        sync_cube();
        line[column] = value;
    }
    if token < x.shape(0) {
        let to = token * out.stride(0) + head * d + column;
        out[to] = line[column];
    }
}

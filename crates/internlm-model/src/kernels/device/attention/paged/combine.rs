//! Adding up the splits of single tokens in their order.

use cubecl::prelude::*;

/// One unit per number of the outputs of single tokens; the arithmetic is that of `Running::merge`.
///
/// # Shapes
/// - partial: `[parts, heads, d + 2]`: weighted values, largest score, sum of weights
/// - merges: `[tokens, 3]`
/// - out: `[T, heads * d]`
#[cube(launch)]
pub(super) fn combine(
    partial: &Tensor<f32>,
    merges: &Tensor<u32>,
    out: &mut Tensor<f32>,
    #[comptime] heads: usize,
    #[comptime] d: usize,
) {
    let width = comptime!(heads * d);
    let (token, place) = (ABSOLUTE_POS / width, ABSOLUTE_POS % width);
    if token >= merges.shape(0) {
        terminate!();
    }
    let at = token * merges.stride(0);
    let first = merges[at + 1] as usize;
    let (head, column) = (place / d, place % d);
    let mut largest = f32::min_value();
    let mut total = f32::new(0.0);
    let mut sum = f32::new(0.0);
    for part in first..first + merges[at + 2] as usize {
        let from = part * partial.stride(0) + head * partial.stride(1);
        let (score, weight) = (partial[from + d], partial[from + comptime!(d + 1)]);
        let next = max(largest, score);
        let (old, new) = ((largest - next).exp(), (score - next).exp());
        total = fma(total, old, weight * new);
        sum = fma(sum, old, partial[from + column] * new);
        largest = next;
    }
    let to = merges[at] as usize * out.stride(0) + place;
    out[to] = sum / total;
}

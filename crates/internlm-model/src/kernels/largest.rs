//! The largest entries of rows of logits, where the rows are: what sampling needs of a row on a GPU.

use burn::tensor::Tensor;

use crate::TokenId;

/// Maximum number of entries per row that [`largest_entries`] gives.
pub const MAX_ENTRIES: usize = 64;

/// The `count` largest entries of each row, largest first, equal ones by id, as a matrix that [`read_entries`] reads; NaN
/// and negative infinity are left out. `None` where no kernel takes the rows: they are read whole then.
///
/// # Shapes
/// - logits: `[rows, vocab]`
/// - output: `[rows, 2 * count]`
#[must_use]
pub fn largest_entries(logits: &Tensor<2>, count: usize) -> Option<Tensor<2>> {
    #[cfg(any(feature = "cuda", feature = "vulkan"))]
    {
        // Ids are written as f32.
        let exact = logits.dims()[1] <= 1 << f32::MANTISSA_DIGITS;
        if (1..=MAX_ENTRIES).contains(&count) && exact && super::device::accepts(logits) {
            return Some(super::device::largest::apply(logits.clone(), count));
        }
    }
    let _ = (logits, count);
    None
}

/// The rows of [`largest_entries`], once they are in host memory; shorter where a row has fewer entries.
#[must_use]
pub fn read_entries(numbers: &[f32], count: usize) -> Vec<Vec<(TokenId, f32)>> {
    let entries = |row: &[f32]| {
        let pairs = row.chunks_exact(2).take_while(|pair| pair[0] >= 0.0);
        pairs.map(|pair| (TokenId(pair[0] as u32), pair[1])).collect()
    };
    numbers.chunks_exact(2 * count).map(entries).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_end_at_the_first_missing_entry() {
        let rows = read_entries(&[7.0, 0.5, 0.0, -2.0, 3.0, 1.5, -1.0, 0.0], 2);
        assert_eq!(rows, [vec![(TokenId(7), 0.5), (TokenId(0), -2.0)], vec![(TokenId(3), 1.5)]]);
    }
}

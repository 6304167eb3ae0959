//! Soft packing: whole samples, first-fit inside a shuffled window, nothing is cut.
//!
//! Follows xtuner V1's `SoftPackDataset`; unlike upstream the shuffle is counter-based and seeded.

use internlm_kit::rng::CounterRng;

/// Samples that may share rows: large enough to fill rows well, small enough to keep the order shuffled.
const WINDOW: usize = 256;

/// Groups samples of the given lengths into rows of at most `row_tokens` tokens.
///
/// Every sample appears in exactly one row. A sample longer than a row gets one of its own.
///
/// ```
/// let rows = xtuner::dataset::pack_soft(&[60, 50, 40, 30, 20], 100, 7);
/// let mut seen: Vec<usize> = rows.concat();
/// seen.sort_unstable();
/// assert_eq!(seen, [0, 1, 2, 3, 4]);
/// ```
#[must_use]
pub fn pack_soft(lengths: &[usize], row_tokens: usize, seed: u64) -> Vec<Vec<usize>> {
    let order = CounterRng::new(seed, "pack").permutation(lengths.len());
    let mut rows = Vec::new();
    for window in order.chunks(WINDOW) {
        let mut open: Vec<(usize, Vec<usize>)> = Vec::new();
        for &sample in window {
            let length = lengths[sample];
            match open.iter_mut().find(|(filled, _)| filled + length <= row_tokens) {
                Some((filled, row)) => {
                    *filled += length;
                    row.push(sample);
                }
                None => open.push((length, vec![sample])),
            }
        }
        rows.extend(open.into_iter().map(|(_, row)| row));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_full_and_whole() {
        let rng = CounterRng::new(3, "lengths");
        let lengths: Vec<usize> = (0..2000).map(|i| 20 + rng.below(i, 180) as usize).collect();
        let rows = pack_soft(&lengths, 1024, 1);
        let tokens = |row: &Vec<usize>| row.iter().map(|sample| lengths[*sample]).sum::<usize>();
        assert!(rows.iter().all(|row| tokens(row) <= 1024));
        let mut seen = rows.concat();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..2000));
        let share = lengths.iter().sum::<usize>() as f64 / (rows.len() * 1024) as f64;
        assert!(share > 0.93, "rows are {share:.3} full");
        assert_ne!(rows, pack_soft(&lengths, 1024, 2));
    }
}

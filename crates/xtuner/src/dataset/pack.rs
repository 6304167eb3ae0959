//! Packing: how samples share rows.
//!
//! Soft packing keeps samples whole: first-fit inside a shuffled window, as xtuner V1's `SoftPackDataset`. Hard packing
//! joins all samples and cuts the result every row, as the packer of XTuner 0.x; a cut sample begins at position 0
//! again, and unlike upstream the token before the cut still learns the one after it. All orders are counter-based and
//! seeded.

use std::ops::Range;

use internlm_kit::rng::CounterRng;
use serde::{Deserialize, Serialize};

/// How samples share rows.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PackingConfig {
    /// Whole samples, first fit; nothing is cut. The default.
    #[default]
    Soft,
    /// All samples end to end, cut every row; every row but the last is full.
    Hard,
    /// One sample per row.
    None,
}

/// Part of a sample inside a row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Piece {
    /// Number of the sample.
    pub sample: usize,
    /// Tokens of the sample that are in the row.
    pub tokens: Range<usize>,
}

/// Samples that may share rows: large enough to fill rows well, small enough to keep the order shuffled.
const WINDOW: usize = 256;

/// Divides samples of the given lengths into rows of at most `row_tokens` tokens.
pub(super) fn pack(
    lengths: &[usize],
    packing: PackingConfig,
    row_tokens: usize,
    seed: u64,
) -> Vec<Vec<Piece>> {
    let whole = |sample: usize| Piece { sample, tokens: 0..lengths[sample] };
    match packing {
        PackingConfig::Soft => {
            let rows = pack_soft(lengths, row_tokens, seed).into_iter();
            rows.map(|row| row.into_iter().map(whole).collect()).collect()
        }
        PackingConfig::Hard => pack_hard(lengths, row_tokens, seed),
        PackingConfig::None => (0..lengths.len()).map(|sample| vec![whole(sample)]).collect(),
    }
}

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

/// Joins samples of the given lengths in a random order and cuts the result every `row_tokens` tokens, at least 1.
///
/// ```
/// let rows = xtuner::dataset::pack_hard(&[60, 50, 40], 100, 7);
/// let tokens: Vec<usize> = rows.iter().map(|row| row.iter().map(|piece| piece.tokens.len()).sum()).collect();
/// assert_eq!(tokens, [100, 50]);
/// ```
#[must_use]
pub fn pack_hard(lengths: &[usize], row_tokens: usize, seed: u64) -> Vec<Vec<Piece>> {
    let row_tokens = row_tokens.max(1);
    let (mut rows, mut row, mut room) = (Vec::new(), Vec::new(), row_tokens);
    for sample in CounterRng::new(seed, "pack").permutation(lengths.len()) {
        let mut first = 0;
        while first < lengths[sample] {
            let tokens = first..lengths[sample].min(first + room);
            first = tokens.end;
            room -= tokens.len();
            row.push(Piece { sample, tokens });
            if room == 0 {
                rows.push(std::mem::take(&mut row));
                room = row_tokens;
            }
        }
    }
    if !row.is_empty() {
        rows.push(row);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(count: u64) -> Vec<usize> {
        let rng = CounterRng::new(3, "lengths");
        (0..count).map(|i| 20 + rng.below(i, 180) as usize).collect()
    }

    #[test]
    fn rows_are_full_and_whole() {
        let lengths = lengths(2000);
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

    #[test]
    fn hard_rows_are_full_and_hold_every_token_once() {
        let lengths = lengths(300);
        for row_tokens in [1, 7, 100, 1000, 1 << 20] {
            let rows = pack_hard(&lengths, row_tokens, 1);
            let tokens = |row: &Vec<Piece>| row.iter().map(|piece| piece.tokens.len()).sum::<usize>();
            let (last, full) = rows.split_last().expect("rows");
            assert!(full.iter().all(|row| tokens(row) == row_tokens) && tokens(last) <= row_tokens);
            let mut ends = vec![0; lengths.len()];
            for piece in rows.iter().flatten() {
                assert_eq!(piece.tokens.start, ends[piece.sample], "pieces follow each other");
                ends[piece.sample] = piece.tokens.end;
            }
            assert_eq!(ends, lengths, "rows of {row_tokens}");
        }
        assert_ne!(pack_hard(&lengths, 100, 1), pack_hard(&lengths, 100, 2));
        assert!(pack_hard(&[], 100, 1).is_empty());
    }
}

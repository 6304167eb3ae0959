//! Locality-sensitive hashing: documents that agree on a whole band of their signatures are candidates.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Probability that a pair of Jaccard similarity `s` becomes a candidate: `1 - (1 - s^rows)^bands`.
///
/// ```
/// let p = wanjuan_data::dedup::candidate_probability(0.7, 25, 5);
/// assert!((p - 0.990).abs() < 0.001);
/// ```
#[must_use]
pub fn candidate_probability(s: f64, bands: i32, rows: i32) -> f64 {
    1.0 - (1.0 - s.powi(rows)).powi(bands)
}

/// Calls `visit` with groups of documents (indices, ascending) that share a band, in a fixed order.
pub(super) fn for_each_bucket(
    signatures: &[Vec<u64>],
    bands: usize,
    rows: usize,
    mut visit: impl FnMut(&[u32]),
) {
    for band in 0..bands {
        let mut keys: Vec<(u64, u32)> = Vec::with_capacity(signatures.len());
        for (index, signature) in signatures.iter().enumerate() {
            let bytes: Vec<u8> = signature[band * rows..(band + 1) * rows]
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect();
            keys.push((xxh3_64_with_seed(&bytes, band as u64), index as u32));
        }
        keys.sort_unstable();
        for group in keys.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1) {
            let members: Vec<u32> = group.iter().map(|(_, index)| *index).collect();
            visit(&members);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn buckets_are_the_pairs_that_agree_on_a_band(
            signatures in prop::collection::vec(prop::collection::vec(0_u64..3, 6), 0..10)
        ) {
            let (bands, rows) = (3, 2);
            let mut found = BTreeSet::new();
            for_each_bucket(&signatures, bands, rows, |members| {
                assert!(members.is_sorted() && members.len() > 1);
                for (place, a) in members.iter().enumerate() {
                    found.extend(members[place + 1..].iter().map(|b| (*a as usize, *b as usize)));
                }
            });
            let agree = |a: usize, b: usize| {
                (0..bands).any(|band| {
                    let range = band * rows..(band + 1) * rows;
                    signatures[a][range.clone()] == signatures[b][range]
                })
            };
            let count = signatures.len();
            let pairs = (0..count).flat_map(|a| (a + 1..count).map(move |b| (a, b)));
            let expected: BTreeSet<(usize, usize)> = pairs.filter(|(a, b)| agree(*a, *b)).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn more_bands_find_more_pairs_and_more_rows_find_fewer() {
        for s in [0.3, 0.5, 0.7, 0.9] {
            assert!(candidate_probability(s, 26, 5) > candidate_probability(s, 25, 5));
            assert!(candidate_probability(s, 25, 6) < candidate_probability(s, 25, 5));
        }
        assert_eq!((candidate_probability(0.0, 25, 5), candidate_probability(1.0, 25, 5)), (0.0, 1.0));
    }
}

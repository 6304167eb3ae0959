//! Locality-sensitive hashing: documents that agree on a whole band of their signatures are candidates.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Chance that a pair of Jaccard similarity `s` becomes a candidate: `1 - (1 - s^rows)^bands`.
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

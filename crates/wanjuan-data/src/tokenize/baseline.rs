//! Baselines that a model has to beat on the held-out text: a unigram model of tokens, and gzip.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

/// Token counts of the training documents.
#[derive(Clone, Debug)]
pub(super) struct UnigramCounts {
    counts: Vec<u64>,
    total: u64,
}

impl UnigramCounts {
    /// No counts yet for ids below `vocab`.
    pub(super) fn new(vocab: usize) -> Self {
        Self { counts: vec![0; vocab], total: 0 }
    }

    /// Counts one training token, which has to be in the vocabulary.
    pub(super) fn add(&mut self, id: u32) {
        self.counts[id as usize] += 1;
        self.total += 1;
    }

    /// Bits to code `id` under the frequencies with one added to every count:
    /// `-log2((count + 1) / (total + vocabulary))`.
    pub(super) fn bits(&self, id: u32) -> f64 {
        let (count, total) = (self.counts[id as usize], self.total + self.counts.len() as u64);
        (total as f64 / (count + 1) as f64).log2()
    }
}

/// Size of `text` after `gzip -9`.
pub(super) fn gzip_bytes(text: &[u8]) -> u64 {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(9));
    encoder.write_all(text).expect("writing to memory does not fail");
    encoder.finish().expect("writing to memory does not fail").len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unigram_bits_by_hand() {
        let mut counts = UnigramCounts::new(4);
        for id in [0, 0, 0, 1] {
            counts.add(id);
        }
        // (3 + 1) / (4 + 4) = 1/2 and (0 + 1) / 8 = 1/8.
        assert_eq!((counts.bits(0), counts.bits(3)), (1.0, 3.0));
    }
}

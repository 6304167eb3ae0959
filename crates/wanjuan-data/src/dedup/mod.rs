//! Passes over the corpus: exact and near duplicates, lines that many documents share.

mod exact;
mod lines;
mod lsh;
mod minhash;
mod near;
mod shingle;
mod union_find;

pub use exact::{ExactDedup, ExactDedupConfig};
pub use lines::{RepeatedLines, RepeatedLinesConfig};
pub use lsh::candidate_probability;
pub use minhash::MinHasher;
pub use near::{NearDedup, NearDedupConfig};
pub use shingle::{jaccard, normalize_for_shingles, shingles};

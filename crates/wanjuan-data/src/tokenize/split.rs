//! Training or held out: decided by the document's id, so that a document never changes sides.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The side a document is on.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Split {
    /// The model learns from it.
    Train,
    /// The model is measured on it.
    Valid,
}

impl Split {
    /// Name of the folder.
    pub(super) fn folder(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Valid => "valid",
        }
    }
}

/// `held_out_per_mille` of a thousand documents are held out, by hash of the id.
pub(super) fn split_of(id: &str, seed: u64, held_out_per_mille: u32) -> Split {
    if xxh3_64_with_seed(id.as_bytes(), seed) % 1000 < u64::from(held_out_per_mille) {
        Split::Valid
    } else {
        Split::Train
    }
}

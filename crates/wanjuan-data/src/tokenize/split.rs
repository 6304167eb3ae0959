//! [`Split`]: training or held out, decided by the document's id so that a document never changes sides.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The side a document is on.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Split {
    /// The model learns from the document.
    Train,
    /// The model is measured on the document.
    Valid,
}

impl Split {
    /// Name of the folder below `shards/`.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// More held-out documents are a superset: raising the share never moves a document to training.
        #[test]
        fn raising_the_share_only_adds_held_out_documents(id in "[0-9A-Za-z]{20}", seed: u64, low in 0_u32..1000, high in 0_u32..1000) {
            let (low, high) = (low.min(high), low.max(high));
            if split_of(&id, seed, low) == Split::Valid {
                prop_assert_eq!(split_of(&id, seed, high), Split::Valid);
            }
            prop_assert_eq!(split_of(&id, seed, 0), Split::Train);
            prop_assert_eq!(split_of(&id, seed, 1000), Split::Valid);
        }
    }

    #[test]
    fn the_share_is_what_was_asked_for_and_the_seed_chooses_others() {
        let held_out = |seed| -> Vec<u32> {
            (0..20_000).filter(|id| split_of(&id.to_string(), seed, 25) == Split::Valid).collect()
        };
        let (one, two) = (held_out(1), held_out(2));
        assert!((400..600).contains(&one.len()), "{} of 20,000, expected about 500", one.len());
        assert!(one.iter().filter(|id| two.contains(id)).count() < 50);
    }
}

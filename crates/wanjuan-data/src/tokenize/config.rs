//! [`TokenizeConfig`]: settings of tokenizer and token shards.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The table `[tokenize]` of a pipeline.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct TokenizeConfig {
    /// Folder or file of an existing tokenizer. Default: train a byte-level BPE on the training documents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokenizer: Option<PathBuf>,
    /// Size of the trained vocabulary, special tokens included. Default 2048.
    pub vocab_size: usize,
    /// Minimum number of occurrences of a pair that is merged. Default 2.
    pub min_frequency: u64,
    /// Held-out documents per thousand, chosen by the hash of their id. Default 25.
    pub held_out_per_mille: u32,
    /// Seed of that hash. Default 1.
    pub seed: u64,
}

impl Default for TokenizeConfig {
    fn default() -> Self {
        Self { tokenizer: None, vocab_size: 2048, min_frequency: 2, held_out_per_mille: 25, seed: 1 }
    }
}

impl TokenizeConfig {
    /// Sets the folder or file of an existing tokenizer; then none is trained.
    #[must_use]
    pub fn with_tokenizer(mut self, path: impl Into<PathBuf>) -> Self {
        self.tokenizer = Some(path.into());
        self
    }

    /// Sets the size of the trained vocabulary, special tokens included.
    #[must_use]
    pub fn with_vocab_size(mut self, tokens: usize) -> Self {
        self.vocab_size = tokens;
        self
    }

    /// Sets the minimum number of occurrences of a pair that is merged.
    #[must_use]
    pub fn with_min_frequency(mut self, occurrences: u64) -> Self {
        self.min_frequency = occurrences;
        self
    }

    /// Sets the number of held-out documents per thousand.
    #[must_use]
    pub fn with_held_out_per_mille(mut self, documents: u32) -> Self {
        self.held_out_per_mille = documents;
        self
    }

    /// Sets the seed of the hash that chooses held-out documents.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Every problem as `key: found X, expected Y`.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.tokenizer.is_none() && self.vocab_size < 265 {
            let found = self.vocab_size;
            problems.push(format!(
                "vocab-size: found {found}, expected at least 265 (9 special tokens, 256 bytes)"
            ));
        }
        if self.held_out_per_mille >= 1000 {
            let found = self.held_out_per_mille;
            problems.push(format!("held-out-per-mille: found {found}, expected less than 1000"));
        }
        problems
    }
}

//! [`PretrainTextConfig`]: `[dataset.pretrain]`, the text that a run rehearses while it learns conversations.

use std::path::PathBuf;

use internlm_kit::config::Validate;
use serde::{Deserialize, Serialize};

/// Text of pre-training that is mixed into every step, with loss on all tokens.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PretrainTextConfig {
    /// Folder of the InternEvo shards that the model was pre-trained on, with one subfolder per data type, such as
    /// `en/`.
    pub shards: PathBuf,
    /// Share of the tokens of a step that are text, more than 0 and less than 1. A step grows by it:
    /// `rows-per-step * row-tokens` tokens of conversations are `1 - share` of the step; with `packing = "none"`, where
    /// rows are not filled, their mean number is.
    pub share: f64,
    /// Maximum length of a sample in tokens, default 256.
    #[serde(default = "default_seq_len")]
    pub seq_len: usize,
    /// Folder of held-out shards, whose bits per byte are measured at every validation; default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid: Option<PathBuf>,
    /// Maximum number of held-out tokens, in whole documents, default 20000.
    #[serde(default = "default_valid_tokens")]
    pub valid_tokens: usize,
}

fn default_seq_len() -> usize {
    256
}

fn default_valid_tokens() -> usize {
    20_000
}

impl PretrainTextConfig {
    /// Text of the shards in the folder `shards`, as the share `share` of the tokens of a step.
    #[must_use]
    pub fn new(shards: impl Into<PathBuf>, share: f64) -> Self {
        let (seq_len, valid_tokens) = (default_seq_len(), default_valid_tokens());
        Self { shards: shards.into(), share, seq_len, valid: None, valid_tokens }
    }

    /// The same text in samples of at most `seq_len` tokens.
    #[must_use]
    pub fn with_seq_len(self, seq_len: usize) -> Self {
        Self { seq_len, ..self }
    }

    /// The same text, and bits per byte of the held-out shards in the folder `valid`.
    #[must_use]
    pub fn with_valid(self, valid: impl Into<PathBuf>) -> Self {
        Self { valid: Some(valid.into()), ..self }
    }

    /// Text tokens of a step whose conversations fill `conversation_tokens`; at least one.
    #[must_use]
    pub fn tokens_of_step(&self, conversation_tokens: usize) -> usize {
        let ratio = self.share / (1.0 - self.share);
        ((ratio * conversation_tokens as f64).round() as usize).max(1)
    }
}

impl Validate for PretrainTextConfig {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !(self.share > 0.0 && self.share < 1.0) {
            let found = self.share;
            problems
                .push(format!("dataset.pretrain.share: found {found}, expected more than 0 and less than 1"));
        }
        for (key, found) in [("seq-len", self.seq_len), ("valid-tokens", self.valid_tokens)] {
            if found == 0 {
                problems.push(format!("dataset.pretrain.{key}: found 0, expected at least 1"));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_the_share_of_the_whole_step() {
        let text = |share: f64| PretrainTextConfig::new("a", share);
        let tokens = [0.5, 0.25, 0.125, 0.2].map(|share| text(share).tokens_of_step(1024));
        assert_eq!(tokens, [1024, 341, 146, 256]);
        assert_eq!(text(0.0001).tokens_of_step(1024), 1, "a step without text would not be a mix");
        let refused = [0.0, 1.0, -0.1, f64::NAN].map(|share| text(share).problems());
        assert!(
            refused.iter().all(|problems| problems.len() == 1 && problems[0].contains("share")),
            "{refused:?}"
        );
    }
}

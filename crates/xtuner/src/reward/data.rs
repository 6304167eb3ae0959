//! The comparisons of a config: read, encoded, split and packed.

use internlm_kit::rng::CounterRng;
use internlm_model::{ModelConfig, Tokenizer, reward};

use super::encode::{EncodedPairs, PairStats, RewardEncoder, RewardPair};
use super::read::{Comparison, read_comparisons};
use crate::config::FinetuneConfig;
use crate::dataset::plain_paths;
use crate::preference::{Example, PackedExamples, pack_examples, row_tokens};
use crate::template::Template;
use crate::{Error, Result};

/// The encoded comparisons of a run, split by a seeded permutation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RewardData {
    /// The pairs that are learned from.
    pub train: Vec<RewardPair>,
    /// The pairs that accuracy is measured on.
    pub valid: Vec<RewardPair>,
    /// Counts over all comparisons, before the split.
    pub stats: PairStats,
}

/// Reads and encodes every file of `config` for the reward model of `model`, and splits the held-out comparisons off:
/// `dataset.valid-conversations` of them, at most a tenth.
///
/// # Errors
/// Files that cannot be read or parsed, data without a pair, and settings that comparisons have no use for.
pub fn load_pairs(
    config: &FinetuneConfig,
    model: &ModelConfig,
    (tokenizer, template): (&Tokenizer, &Template),
) -> Result<RewardData> {
    let mut comparisons: Vec<Comparison> = Vec::new();
    for path in plain_paths(&config.dataset, "comparisons")? {
        comparisons.extend(read_comparisons(path)?);
    }
    let domains = reward::domain_prompts(model)?;
    let encoder = RewardEncoder {
        tokenizer,
        template,
        token: reward::reward_token(model),
        domains: &domains,
        max_length: config.dataset.max_length,
        row_tokens: row_tokens(config),
    };
    let EncodedPairs { pairs, stats } = encoder.encode(&comparisons)?;
    let count = config.dataset.valid_conversations.min(comparisons.len() / 10);
    let order = CounterRng::new(config.run.seed, "validation").permutation(comparisons.len());
    let mut held_out = vec![false; comparisons.len()];
    order.into_iter().take(count).for_each(|comparison| held_out[comparison] = true);
    let (valid, train): (Vec<RewardPair>, Vec<RewardPair>) =
        pairs.into_iter().partition(|pair| held_out[pair.example.comparison]);
    if train.is_empty() {
        let found = format!("only held-out pairs ({})", valid.len());
        return Err(Error::mismatch("dataset.valid-conversations", found, "fewer than there are pairs"));
    }
    Ok(RewardData { train, valid, stats })
}

/// Packs pairs into rows as the config says.
pub(super) fn packed(config: &FinetuneConfig, pairs: &[RewardPair]) -> Result<PackedExamples> {
    let examples: Vec<Example> = pairs.iter().map(|pair| pair.example.clone()).collect();
    pack_examples(config, &examples)
}

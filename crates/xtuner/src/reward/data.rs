//! The comparisons of a config: read, encoded, split and packed.

use std::path::PathBuf;

use internlm_kit::rng::CounterRng;
use internlm_model::{ModelConfig, Tokenizer, reward};

use super::encode::{EncodedPairs, PairStats, RewardEncoder, RewardPair};
use super::read::{Comparison, read_comparisons};
use crate::config::FinetuneConfig;
use crate::dataset::{PackingConfig, pack_soft};
use crate::preference::{Example, PackedExamples};
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
    for path in paths(config)? {
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

/// The files of all sources; what sources of conversations have besides is refused.
fn paths(config: &FinetuneConfig) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for source in config.dataset.sources() {
        if source.format.is_some() || source.repeat != 1.0 || source.weight != 1.0 {
            let expected = "paths only: comparisons have no format, repeat or weight";
            return Err(Error::mismatch("dataset.source", "more settings", expected));
        }
        paths.extend(source.paths);
    }
    Ok(paths)
}

/// Maximum number of tokens of a row: two sequences of the maximum length, unless the config says otherwise.
fn row_tokens(config: &FinetuneConfig) -> usize {
    config.dataset.row_tokens.unwrap_or(2 * config.dataset.max_length)
}

/// Packs pairs into rows as the config says.
pub(super) fn packed(config: &FinetuneConfig, pairs: &[RewardPair]) -> Result<PackedExamples> {
    let examples: Vec<Example> = pairs.iter().map(|pair| pair.example.clone()).collect();
    match config.dataset.packing {
        PackingConfig::None => Ok(PackedExamples::one_by_one(&examples)),
        PackingConfig::Soft => {
            let lengths: Vec<usize> = examples.iter().map(Example::tokens).collect();
            Ok(PackedExamples::new(&examples, &pack_soft(&lengths, row_tokens(config), config.run.seed)))
        }
        PackingConfig::Hard => {
            let expected = "soft or none: a conversation that is cut cannot be scored";
            Err(Error::mismatch("dataset.packing", "hard", expected))
        }
    }
}

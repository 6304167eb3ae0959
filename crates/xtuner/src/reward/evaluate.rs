//! [`evaluate`]: how often a reward model prefers what people prefer, on files of comparisons.

use std::collections::BTreeMap;
use std::path::Path;

use internlm_model::config::Family;
use internlm_model::decoder::Decoder;
use internlm_model::reward::{domain_prompts, reward_token};
use internlm_model::{Tokenizer, device};
use internlm_train::TrainerConfig;

use super::encode::{EncodedPairs, PairStats, RewardEncoder};
use super::measure::{RewardMeasure, measure};
use super::read::read_comparisons;
use crate::template::Template;
use crate::{Error, Result};

/// How a reward model reads comparisons.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct EvaluateConfig {
    /// Name of a chat template; `None` for the model's own.
    pub template: Option<String>,
    /// System prompts of domains; empty for those that the model keeps in its config.
    pub domains: BTreeMap<String, String>,
    /// `cpu`, `cuda:N` or `vulkan:N`.
    pub device: String,
    /// Maximum length of a conversation in tokens; `None` for the positions of the model.
    pub max_length: Option<usize>,
    /// Maximum number of tokens of one pass.
    pub pass_tokens: usize,
}

impl Default for EvaluateConfig {
    fn default() -> Self {
        Self {
            template: None,
            domains: BTreeMap::new(),
            device: "cpu".to_owned(),
            max_length: None,
            pass_tokens: TrainerConfig::PASS_TOKENS,
        }
    }
}

/// Scores the comparisons in the files `data` with the reward model in the folder `model`, and counts what was left out.
///
/// # Errors
/// A model without a value head, files that cannot be read, and domains that have no system prompt while others have.
pub fn evaluate(
    model: impl AsRef<Path>,
    data: &[impl AsRef<Path>],
    config: &EvaluateConfig,
) -> Result<(RewardMeasure, PairStats)> {
    let model = model.as_ref();
    let decoder = Decoder::load(model, &device::parse(&config.device)?)?;
    let shape = decoder.config();
    if shape.family != Family::InternLm2Reward {
        let found = format!("a model of the family {}", shape.family.name());
        return Err(Error::mismatch(model.display().to_string(), found, "a reward model"));
    }
    let (tokenizer, template) = (Tokenizer::load(model)?, Template::load(model, config.template.as_deref())?);
    let domains = if config.domains.is_empty() { domain_prompts(shape)? } else { config.domains.clone() };
    let max_length = config.max_length.unwrap_or(shape.max_position);
    if !(2..=shape.max_position).contains(&max_length) {
        let expected = format!("2 to the model's {} positions", shape.max_position);
        return Err(Error::mismatch("max-length", max_length.to_string(), expected));
    }
    let mut comparisons = Vec::new();
    for path in data {
        comparisons.extend(read_comparisons(path)?);
    }
    let encoder = RewardEncoder {
        tokenizer: &tokenizer,
        template: &template,
        token: reward_token(shape),
        domains: &domains,
        max_length,
        row_tokens: usize::MAX,
    };
    let EncodedPairs { pairs, stats } = encoder.encode(&comparisons)?;
    Ok((measure(&decoder, &pairs, config.pass_tokens)?, stats))
}

//! [`RoundCosts`]: what the rounds of a run hold in memory besides the models that learn, from its config alone.
//!
//! Prompts and answers count with the lengths that the config allows; those of a run are shorter.

use std::path::Path;

use internlm_model::config::Family;
use internlm_model::{ModelConfig, weights};
use internlm_train::memory::Passes;

use super::config::PpoConfig;
use super::prepare::Shared;
use super::rollout::RolloutConfig;
use super::score::RewardSourceConfig;
use crate::config::{FinetuneConfig, ObjectiveConfig};
use crate::{Error, Result, setup};

/// Bytes of one f32.
const F32: u64 = 4;
/// Bytes of a token of an answer: five numbers of the losses in f64, its id, and the engine's log-probability.
const ANSWER_TOKEN: u64 = 5 * 8 + 2 * 4;
/// Bytes of a token of prompt or answer in the rows: id and label twice, since a step has a copy, and a head's output.
const ROW_TOKEN: u64 = 2 * (4 + 8) + 4;
/// Number of vectors of logits per answer while ids are chosen: the head's, their numbers, and those of one answer.
const LOGITS: u64 = 3;

/// Bytes of the largest round, and the passes of its steps.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RoundCosts {
    /// Passes of a step of the model that answers.
    pub(crate) passes: Passes,
    /// The critic of PPO.
    pub(crate) critic: Option<CriticCosts>,
    /// Bytes of the weights of reward models.
    pub(crate) reward_models: u64,
    /// Bytes of the answers while they are learned from.
    pub(crate) answers: u64,
    /// Bytes of generating and scoring in this process, weights apart.
    pub(crate) rollout: u64,
}

/// The critic of a run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CriticCosts {
    pub(crate) model: ModelConfig,
    /// Passes of one of its steps.
    pub(crate) passes: Passes,
}

/// Sizes of the largest round.
struct Largest<'a> {
    shared: Shared<'a>,
    /// Number of answers that are learned from.
    answers: usize,
    /// Number of tokens of a prompt and its answer.
    tokens: usize,
}

impl RoundCosts {
    /// Costs of the rounds of `config` for the model that answers; `None` for objectives without rounds.
    ///
    /// # Errors
    /// Answers that do not fit the positions of the model, and reward models or a critic that cannot be opened.
    pub(crate) fn of(config: &FinetuneConfig, model: &ModelConfig) -> Result<Option<Self>> {
        let (shared, ppo) = match &config.objective {
            ObjectiveConfig::Grpo(grpo) => (Shared::of_grpo(grpo), None),
            ObjectiveConfig::Ppo(ppo) => (Shared::of_ppo(ppo), Some(ppo.as_ref())),
            _ => return Ok(None),
        };
        let max_tokens = shared.answer.max_tokens;
        setup::check_length("objective.answer.max-tokens", max_tokens.saturating_add(1), model)?;
        let prompt = config.dataset.max_length.min(model.max_position - max_tokens);
        let answers = shared.rounds.prompts.saturating_mul(shared.answers);
        let largest = Largest { shared, answers, tokens: prompt + max_tokens };
        let judges = reward_models(&shared)?;
        let text = ppo.and_then(|ppo| ppo.pretrain.as_ref()).map(|text| (text.rows, text.seq_len));
        let limit = config.run.pass_tokens;
        let critic = ppo.map(critic).transpose()?;
        let critic = critic.map(|model| CriticCosts { model, passes: largest.passes(limit, None) });
        let scoring = judges.iter().map(|judge| largest.scoring(judge, limit)).max().unwrap_or(0);
        Ok(Some(Self {
            passes: largest.passes(limit, text),
            critic,
            reward_models: judges.iter().map(|judge| F32 * judge.parameters()).sum(),
            answers: largest.bytes(),
            rollout: largest.generation(model).max(scoring),
        }))
    }
}

impl Largest<'_> {
    /// Tokens of the answers with their prompts.
    fn round_tokens(&self) -> usize {
        self.answers.saturating_mul(self.tokens)
    }

    /// The passes of a step with its share of the answers and `text`, rows of text and their length.
    fn passes(&self, limit: usize, text: Option<(usize, usize)>) -> Passes {
        let steps = usize::try_from(self.shared.rounds.steps).unwrap_or(usize::MAX).max(1);
        let (rows, length) = text.unwrap_or((0, 0));
        let answers = self.answers.div_ceil(steps).saturating_mul(self.tokens);
        let total = answers.saturating_add(rows.saturating_mul(length));
        // A row is never divided.
        let largest = limit.max(self.tokens).max(length);
        Passes { tokens: total.min(largest), count: if total > limit { 2 } else { 1 } }
    }

    /// Bytes of the answers while they are learned from.
    fn bytes(&self) -> u64 {
        let generated = self.answers.saturating_mul(self.shared.answer.max_tokens) as u64;
        let rows = self.round_tokens() as u64;
        ANSWER_TOKEN.saturating_mul(generated).saturating_add(ROW_TOKEN.saturating_mul(rows))
    }

    /// Bytes of keys, values, logits and the pass over the prompts; a server has them in its own process.
    fn generation(&self, model: &ModelConfig) -> u64 {
        let RolloutConfig::Local { batch } = self.shared.rollout else { return 0 };
        let (answers, valid) = ((*batch).min(self.answers), (*batch).min(self.shared.rounds.valid_prompts));
        let sequences = answers.max(valid);
        // Answers to one prompt share its pass, and a batch may begin between them. A validation asks each prompt once.
        let asked = (answers.div_ceil(self.shared.answers.max(1)) + 1).min(self.shared.rounds.prompts);
        let prompt = self.tokens - self.shared.answer.max_tokens;
        let keys = (2 * model.layers * model.kv_heads * model.head_dim) as u64;
        let cache = product(&[sequences, self.tokens]).saturating_mul(keys);
        let pass = product(&[asked.max(valid), prompt]).saturating_mul(forward_floats(model));
        let logits = product(&[sequences, model.vocab]).saturating_mul(LOGITS);
        F32.saturating_mul(cache.saturating_add(pass).saturating_add(logits))
    }

    /// Bytes of the forward passes of a reward model over the answers.
    fn scoring(&self, judge: &ModelConfig, limit: usize) -> u64 {
        let tokens = self.round_tokens().min(limit.max(self.tokens));
        F32.saturating_mul(tokens as u64).saturating_mul(forward_floats(judge))
    }
}

/// Product of sizes that may be as large as a config can say.
fn product(sizes: &[usize]) -> u64 {
    sizes.iter().fold(1, |product: u64, size| product.saturating_mul(*size as u64))
}

/// Floats per token of a forward pass without gradients: the residual stream, a norm and a sum; queries, keys and values
/// before and after their rotation; the output of attention; gate, up and their product.
fn forward_floats(model: &ModelConfig) -> u64 {
    let ModelConfig { hidden, inter, heads, head_dim, .. } = *model;
    (3 * hidden + 2 * model.qkv_rows() + heads * head_dim + 3 * inter) as u64
}

/// The configs of the reward models; a model that two rewards name is loaded twice.
fn reward_models(shared: &Shared<'_>) -> Result<Vec<ModelConfig>> {
    let paths = shared.rewards.iter().filter_map(|source| match source {
        RewardSourceConfig::Model { path, .. } => Some(path),
        _ => None,
    });
    paths.map(|path| value_model(path)).collect()
}

/// The config of the critic.
fn critic(ppo: &PpoConfig) -> Result<ModelConfig> {
    let Some(path) = ppo.critic_folder() else {
        return Err(Error::mismatch("objective.critic", "none", "the folder of a reward model"));
    };
    value_model(path)
}

/// The config of a model with a value head.
fn value_model(path: &Path) -> Result<ModelConfig> {
    let model = weights::open_stored(path)?.config;
    if model.family == Family::InternLm2Reward {
        return Ok(model);
    }
    let found = format!("a model of the family {}", model.family.name());
    Err(Error::mismatch(path.display().to_string(), found, "a reward model, which has one value"))
}

#[cfg(test)]
mod tests;

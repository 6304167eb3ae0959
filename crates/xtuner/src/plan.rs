//! [`Plan`]: what a fine-tuning run takes, computed from its config before anything is allocated.

mod tuned;

use std::iter::repeat_n;

use internlm_model::config::Family;
use internlm_model::{ModelConfig, weights};
use internlm_train::Recompute;
use internlm_train::memory::{Memory, Passes, TrainedShape};
use internlm_train::plan::{bytes, decimal};
use serde::Serialize;

use self::tuned::Tuned;
use crate::config::{FinetuneConfig, ObjectiveConfig};
use crate::preference::ReferenceConfig;
use crate::rl::{CriticCosts, RoundCosts};
use crate::{Error, Result};

/// Bytes of one f32.
const F32: u64 = 4;

/// What a run takes at most: rows, prompts and answers that are not full take less.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Plan {
    /// Number of weights of the model, without adapters.
    pub parameters: u64,
    /// Number of weights that are trained.
    pub trained: u64,
    /// Number of tokens of the largest forward and backward pass.
    pub pass_tokens: usize,
    /// Bytes of what one pass needs with `run.recompute = "none"`.
    pub activation_bytes: u64,
    /// Bytes of what one pass needs with `run.recompute = "layers"`.
    pub recomputed_activation_bytes: u64,
    /// Bytes of the copy of what is trained that a loss compares with. Adapters are taken off instead of copied.
    pub reference_bytes: u64,
    /// Bytes of the model that is tuned at its peak, with the `run.recompute` of the config.
    pub memory: Memory,
    /// The critic of the objective `ppo`; `None` for every other one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub critic: Option<CriticPlan>,
    /// Bytes of the reward models that score the answers of a round.
    pub reward_model_bytes: u64,
    /// Bytes of the answers of a round while they are learned from: ids, log-probabilities, values, advantages.
    pub answer_bytes: u64,
    /// Bytes of generating and scoring answers in this process, weights apart: keys, values, logits, forward passes.
    pub rollout_bytes: u64,
    /// Bytes of the copy that a checkpoint is written from.
    pub checkpoint_bytes: u64,
    /// Bytes of the matrices that exist in floats only while adapters are merged to write the model.
    pub merged_bytes: u64,
    /// Bytes of the whole run at its peak.
    pub total_bytes: u64,
}

/// The second model of `ppo`, which is trained whole.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CriticPlan {
    /// Number of weights, all of which are trained.
    pub parameters: u64,
    /// Bytes at its peak, with the `run.recompute` of the config.
    pub memory: Memory,
    /// Bytes of gradients and activations in `memory` that are those of the actor, whose steps are at other times.
    pub shared_bytes: u64,
}

impl Plan {
    /// The costs of `config`. Only the configs of the models and the names of their tensors are read.
    ///
    /// # Errors
    /// Models that cannot be opened, and settings that do not fit them.
    pub fn of(config: &FinetuneConfig) -> Result<Self> {
        let model = trained_model(config)?;
        let Tuned { shape, copied, merged } = Tuned::of(config, &model)?;
        let rounds = RoundCosts::of(config, &model)?;
        let passes = passes(config, rounds.as_ref());
        let memory = shape.memory(passes, config.run.recompute);
        let activations = |recompute| shape.memory(passes, recompute).activations;
        let of_rounds = |part: fn(&RoundCosts) -> u64| rounds.as_ref().map_or(0, part);
        let critic = rounds.as_ref().and_then(|rounds| rounds.critic.as_ref()).map(|critic| {
            let plan = CriticPlan::of(critic, config.run.recompute)?;
            Ok::<_, Error>(if same_layers(&model, &critic.model) { plan.sharing(&memory) } else { plan })
        });
        let critic = critic.transpose()?;
        let largest = shape.trained().max(critic.map_or(0, |critic| critic.parameters));
        let mut plan = Self {
            parameters: model.parameters(),
            trained: shape.trained(),
            pass_tokens: passes.tokens,
            activation_bytes: activations(Recompute::None),
            recomputed_activation_bytes: activations(Recompute::Layers),
            reference_bytes: if keeps_reference(config) { F32 * copied } else { 0 },
            memory,
            critic,
            reward_model_bytes: of_rounds(|rounds| rounds.reward_models),
            answer_bytes: of_rounds(|rounds| rounds.answers),
            rollout_bytes: of_rounds(|rounds| rounds.rollout),
            // Values and both moments.
            checkpoint_bytes: 3 * F32 * largest,
            merged_bytes: F32 * merged,
            total_bytes: 0,
        };
        plan.total_bytes = plan.peak();
        Ok(plan)
    }

    /// Kernels keep their memory from step to step: what happens between steps is added to that of a step.
    fn peak(&self) -> u64 {
        let kept = [
            self.memory.total(),
            self.critic_bytes(),
            self.reference_bytes,
            self.reward_model_bytes,
            self.answer_bytes,
        ];
        let between = self.rollout_bytes.max(self.checkpoint_bytes).max(self.merged_bytes);
        kept.into_iter().fold(between, u64::saturating_add)
    }

    /// What the critic adds to the memory of the actor.
    fn critic_bytes(&self) -> u64 {
        self.critic.map_or(0, |critic| critic.memory.total() - critic.shared_bytes)
    }

    /// The same as lines of name and value, rounded and with units.
    #[must_use]
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![
            ("parameters", decimal(self.parameters as f64, "")),
            ("trained", decimal(self.trained as f64, "")),
            ("weights", bytes(self.memory.weights)),
            ("gradients", bytes(self.memory.gradients)),
            ("moments", bytes(self.memory.moments)),
        ];
        let present = |parts: &[(&'static str, u64)]| -> Vec<(&'static str, String)> {
            let parts = parts.iter().filter(|(_, size)| *size > 0);
            parts.map(|(name, size)| (*name, bytes(*size))).collect()
        };
        lines.extend(present(&[
            ("reference", self.reference_bytes),
            ("critic", self.critic_bytes()),
            ("reward models", self.reward_model_bytes),
            ("answers of a round", self.answer_bytes),
            ("generating answers", self.rollout_bytes),
        ]));
        lines.extend([
            ("tokens of a pass", decimal(self.pass_tokens as f64, "")),
            ("activations of a pass", bytes(self.activation_bytes)),
            ("with recomputed layers", bytes(self.recomputed_activation_bytes)),
            ("a checkpoint in progress", bytes(self.checkpoint_bytes)),
        ]);
        lines.extend(present(&[("merging adapters", self.merged_bytes)]));
        lines.push(("memory at its peak", bytes(self.total_bytes)));
        lines
    }
}

impl CriticPlan {
    fn of(critic: &CriticCosts, recompute: Recompute) -> Result<Self> {
        let shape = TrainedShape::of(&critic.model, Ok::<_, Error>)?;
        let memory = shape.memory(critic.passes, recompute);
        Ok(Self { parameters: shape.trained(), memory, shared_bytes: 0 })
    }

    /// The same critic next to an actor with layers of the same sizes: buffers of a step serve both.
    fn sharing(self, actor: &Memory) -> Self {
        let gradients = actor.gradients.min(self.memory.gradients);
        Self { shared_bytes: gradients + actor.activations.min(self.memory.activations), ..self }
    }
}

/// Whether the layers of two models compute with buffers of the same sizes.
fn same_layers(first: &ModelConfig, second: &ModelConfig) -> bool {
    let sizes = |model: &ModelConfig| (model.hidden, model.inter, model.heads, model.qkv_rows());
    sizes(first) == sizes(second)
}

/// The config of the model that is trained: a reward model has a value head.
fn trained_model(config: &FinetuneConfig) -> Result<ModelConfig> {
    let mut model = weights::open_stored(&config.model.path)?.config;
    if matches!(config.objective, ObjectiveConfig::Reward(_)) {
        (model.family, model.tied) = (Family::InternLm2Reward, false);
    }
    Ok(model)
}

/// Whether the loss compares with the model before training. It shares the numbers of what is frozen with the model that
/// learns; what is trained exists twice from the first step on.
fn keeps_reference(config: &FinetuneConfig) -> bool {
    match &config.objective {
        ObjectiveConfig::Preference(preference) => {
            preference.loss.needs_reference() && preference.reference != Some(ReferenceConfig::Stored)
        }
        ObjectiveConfig::Grpo(grpo) => grpo.kl_weight > 0.0,
        ObjectiveConfig::Ppo(_) => true,
        ObjectiveConfig::Sft | ObjectiveConfig::Reward(_) => false,
    }
}

/// The passes of a step whose rows are full.
fn passes(config: &FinetuneConfig, rounds: Option<&RoundCosts>) -> Passes {
    let (data, limit) = (&config.dataset, config.run.pass_tokens);
    if let Some(rounds) = rounds {
        return rounds.passes;
    }
    if !matches!(config.objective, ObjectiveConfig::Sft) {
        // A row of comparisons has room for two samples.
        let row = data.row_tokens.unwrap_or(2 * data.max_length);
        return Passes::of(repeat_n(row, data.rows_per_step), limit);
    }
    let text = data.pretrain.iter().flat_map(|text| {
        let tokens = text.tokens_of_step(data.step_tokens());
        let rows = tokens.div_ceil(text.seq_len);
        repeat_n(tokens / rows, rows)
    });
    Passes::of(repeat_n(data.row_tokens(), data.rows_per_step).chain(text), limit)
}

//! [`Plan`]: what a fine-tuning run takes, computed from its config before anything is allocated.

use std::iter::repeat_n;

use internlm_model::config::Family;
use internlm_model::{ModelConfig, weights};
use internlm_train::Recompute;
use internlm_train::memory::{Memory, Passes, TrainedShape};
use internlm_train::plan::{bytes, decimal};
use serde::Serialize;

use crate::config::{FinetuneConfig, Method, ObjectiveConfig};
use crate::preference::ReferenceConfig;
use crate::{Error, Result, setup};

/// Bytes of one f32.
const F32: u64 = 4;

/// What a run takes at most: rows that are not full take less.
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
    /// Bytes of the copy of what is trained that a loss compares with; 0 when the adapters are taken off instead.
    pub reference_bytes: u64,
    /// Bytes of everything else at its peak, with the `run.recompute` of the config.
    pub memory: Memory,
    /// Bytes of the whole run at its peak.
    pub total_bytes: u64,
}

impl Plan {
    /// The costs of `config`. Of the model, only the config and the names of its tensors are read.
    ///
    /// # Errors
    /// A model that cannot be opened, settings that do not fit it, and the objective `ppo`, which trains two models.
    pub fn of(config: &FinetuneConfig) -> Result<Self> {
        let model = trained_model(config)?;
        let shape = TrainedShape::of(&model, |twin| setup::tuned(twin, config))?;
        let passes = passes(config)?;
        let memory = shape.memory(passes, config.run.recompute);
        let reference_bytes = if keeps_reference(config) { F32 * shape.trained() } else { 0 };
        let activations = |recompute| shape.memory(passes, recompute).activations;
        Ok(Self {
            parameters: model.parameters(),
            trained: shape.trained(),
            pass_tokens: passes.tokens,
            activation_bytes: activations(Recompute::None),
            recomputed_activation_bytes: activations(Recompute::Layers),
            reference_bytes,
            memory,
            total_bytes: memory.total() + reference_bytes,
        })
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
        if self.reference_bytes > 0 {
            lines.push(("reference", bytes(self.reference_bytes)));
        }
        lines.extend([
            ("tokens of a pass", decimal(self.pass_tokens as f64, "")),
            ("activations of a pass", bytes(self.activation_bytes)),
            ("with recomputed layers", bytes(self.recomputed_activation_bytes)),
            ("memory at its peak", bytes(self.total_bytes)),
        ]);
        lines
    }
}

/// The config of the model that is trained: a reward model has a value head.
fn trained_model(config: &FinetuneConfig) -> Result<ModelConfig> {
    let mut model = weights::open_stored(&config.model.path)?.config;
    if matches!(config.objective, ObjectiveConfig::Reward(_)) {
        (model.family, model.tied) = (Family::InternLm2Reward, false);
    }
    Ok(model)
}

/// Whether the loss compares with a copy of what is trained.
fn keeps_reference(config: &FinetuneConfig) -> bool {
    let full = config.model.method == Method::Full;
    match &config.objective {
        ObjectiveConfig::Preference(preference) if preference.loss.needs_reference() => {
            match preference.reference {
                Some(ReferenceConfig::FrozenCopy) => true,
                Some(_) => false,
                None => full,
            }
        }
        ObjectiveConfig::Grpo(grpo) => full && grpo.kl_weight > 0.0,
        _ => false,
    }
}

/// The passes of a step whose rows are full.
fn passes(config: &FinetuneConfig) -> Result<Passes> {
    let (data, limit) = (&config.dataset, config.run.pass_tokens);
    match &config.objective {
        ObjectiveConfig::Sft => {
            let text = data.pretrain.iter().flat_map(|text| {
                let tokens = text.tokens_of_step(data.step_tokens());
                let rows = tokens.div_ceil(text.seq_len);
                repeat_n(tokens / rows, rows)
            });
            Ok(Passes::of(repeat_n(data.row_tokens(), data.rows_per_step).chain(text), limit))
        }
        ObjectiveConfig::Preference(_) | ObjectiveConfig::Reward(_) => {
            // A row has room for two samples.
            let row = data.row_tokens.unwrap_or(2 * data.max_length);
            Ok(Passes::of(repeat_n(row, data.rows_per_step), limit))
        }
        // How long answers are is not known; the passes of a step are filled.
        ObjectiveConfig::Grpo(_) => Ok(Passes { tokens: limit, count: 2 }),
        ObjectiveConfig::Ppo(_) => {
            let expected = "sft, preference, reward or grpo: ppo trains two models";
            Err(Error::mismatch("objective.kind", "ppo", expected))
        }
    }
}

//! [`TrainerConfig`]: the settings of a run that do not depend on where its rows come from.

use serde_json::Value;

use crate::{BaseWeights, CheckpointConfig, MonitorConfig, OptimConfig, Recompute, ScheduleConfig};

/// Everything of a run that does not depend on where its rows come from.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TrainerConfig {
    /// AdamW, its decay rule and the gradient clip.
    pub optim: OptimConfig,
    /// Number of steps and the learning rate over them.
    pub schedule: ScheduleConfig,
    /// When checkpoints are written and how many are kept.
    pub checkpoint: CheckpointConfig,
    /// Logging, validation, and the limit on steps whose loss is not finite.
    pub monitor: MonitorConfig,
    /// Maximum number of tokens of one forward and backward pass: rows of a step are joined up to it. More tokens
    /// are faster and take more memory; results differ by rounding only.
    pub pass_tokens: usize,
    /// What a forward pass keeps for the backward pass, default everything. The results are equal bit for bit.
    pub recompute: Recompute,
    /// The weights that the run starts from, when a model folder gave them: a run resumes by itself only from a
    /// checkpoint of the same ones. Default none.
    pub base: Option<BaseWeights>,
    /// Whatever else determines the run (seed, origin of the weights): a run resumes by itself only from a
    /// checkpoint with equal settings.
    pub settings: Value,
}

impl TrainerConfig {
    /// Default number of tokens per pass.
    pub const PASS_TOKENS: usize = 4096;

    /// A run of `steps` steps with top rate `lr`, everything else at its default.
    #[must_use]
    pub fn new(steps: u64, lr: f64) -> Self {
        Self {
            optim: OptimConfig::with_lr(lr),
            schedule: ScheduleConfig::with_steps(steps),
            checkpoint: CheckpointConfig::default(),
            monitor: MonitorConfig::default(),
            pass_tokens: Self::PASS_TOKENS,
            recompute: Recompute::None,
            base: None,
            settings: Value::Null,
        }
    }

    /// The same run with at most `tokens` tokens in one forward and backward pass.
    #[must_use]
    pub fn with_pass_tokens(self, tokens: usize) -> Self {
        Self { pass_tokens: tokens, ..self }
    }

    /// The same run whose forward passes keep what `recompute` says.
    #[must_use]
    pub fn with_recompute(self, recompute: Recompute) -> Self {
        Self { recompute, ..self }
    }

    /// The same run, started from the weights `base`.
    #[must_use]
    pub fn with_base(self, base: BaseWeights) -> Self {
        Self { base: Some(base), ..self }
    }

    /// The same run with a checkpoint every `steps` steps.
    #[must_use]
    pub fn with_checkpoint_every(mut self, steps: u64) -> Self {
        self.checkpoint.every = steps;
        self
    }
}

//! Parameters, memory and operations of a run, computed from its config alone.

use serde::Serialize;

use crate::pretrain::PretrainConfig;
use crate::{Error, Flops, Result, Row};

/// Bytes of one f32.
const F32: u64 = 4;

/// What a run costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// Weights of the model.
    pub parameters: u64,
    /// Bytes of parameters, gradients and the two moments.
    pub state_bytes: u64,
    /// Bytes of what the backward of one pass needs, with fused operations: about
    /// 4 h + (2 H + 2 K) d + 3 i floats per token and layer, and the logits of one chunk.
    pub activation_bytes: u64,
    /// Tokens of one optimizer step.
    pub step_tokens: u64,
    /// Model FLOPs of one optimizer step.
    pub step_flops: f64,
    /// Tokens of the whole run.
    pub run_tokens: u64,
    /// Model FLOPs of the whole run.
    pub run_flops: f64,
    /// Bytes of one checkpoint.
    pub checkpoint_bytes: u64,
}

impl Plan {
    /// The costs of `config`.
    ///
    /// # Errors
    /// A config without `[model]`.
    pub fn of(config: &PretrainConfig) -> Result<Self> {
        let Some(model) = &config.model else {
            return Err(Error::mismatch("model", "no [model]", "the shape of a model to plan for"));
        };
        let parameters = model.parameters();
        let data = &config.data;
        let row =
            Row { cu_seqlens: (0..=data.micro_bsz).map(|j| j * data.seq_len).collect(), ..Row::default() };
        let step_tokens = (data.micro_num * data.micro_bsz * data.seq_len) as u64;
        let step_flops = data.micro_num as f64 * Flops::new(model).of_rows(&[row]);
        let pass = step_tokens.min(config.run.pass_tokens as u64);
        let heads = (2 * model.heads + 2 * model.kv_heads) * model.head_dim;
        let floats = model.layers * (4 * model.hidden + heads + 3 * model.inter);
        let steps = config.schedule.steps;
        Ok(Self {
            parameters,
            state_bytes: 4 * F32 * parameters,
            activation_bytes: F32 * pass * floats as u64,
            step_tokens,
            step_flops,
            run_tokens: steps * step_tokens,
            run_flops: steps as f64 * step_flops,
            checkpoint_bytes: 3 * F32 * parameters,
        })
    }

    /// The same as readable lines.
    #[must_use]
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let mib = |bytes: u64| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
        vec![
            ("parameters", self.parameters.to_string()),
            ("weights, gradients, moments", mib(self.state_bytes)),
            ("activations of a pass", mib(self.activation_bytes)),
            ("one checkpoint", mib(self.checkpoint_bytes)),
            ("tokens per step", self.step_tokens.to_string()),
            ("GFLOP per step", format!("{:.2}", self.step_flops / 1e9)),
            ("tokens of the run", self.run_tokens.to_string()),
            ("TFLOP of the run", format!("{:.2}", self.run_flops / 1e12)),
        ]
    }
}

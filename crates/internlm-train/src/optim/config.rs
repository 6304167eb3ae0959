//! [`OptimConfig`]: AdamW, its decay rule and the gradient clip.

use internlm_kit::config::Validate;
use serde::{Deserialize, Serialize};

/// AdamW and the clip of the global gradient norm.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OptimConfig {
    /// Top learning rate. No default. Upstream: `lr`, 1e-4 for the 7B.
    pub lr: f64,
    /// Decay of the first moment, default 0.9. Upstream: `adam_beta1`, 0.9.
    #[serde(default = "default_beta1")]
    pub beta1: f64,
    /// Decay of the second moment, default 0.95. Upstream: `adam_beta2`, 0.95.
    #[serde(default = "default_beta2")]
    pub beta2: f64,
    /// Added to the root of the second moment, default 1e-8. Upstream: `adam_eps`, 1e-8.
    #[serde(default = "default_eps")]
    pub eps: f64,
    /// Decoupled weight decay, default 0.1. Upstream: `weight_decay`, 0.01 in the 7B config.
    #[serde(default = "default_weight_decay")]
    pub weight_decay: f64,
    /// Which parameters decay, default `matrices`. Upstream: everything.
    #[serde(default)]
    pub decay: Decay,
    /// Maximum global gradient norm, default 1. Upstream: `clip_grad_norm`, 1.0.
    #[serde(default = "default_clip")]
    pub clip: f64,
}

/// Which parameters the weight decay applies to.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decay {
    /// Tensors of two or more dimensions, embedding and output included; norms and biases do not.
    #[default]
    Matrices,
    /// Everything, as InternEvo does.
    All,
}

fn default_beta1() -> f64 {
    0.9
}

fn default_beta2() -> f64 {
    0.95
}

fn default_eps() -> f64 {
    1e-8
}

fn default_weight_decay() -> f64 {
    0.1
}

fn default_clip() -> f64 {
    1.0
}

impl OptimConfig {
    /// AdamW with top rate `lr` and everything else at its default.
    #[must_use]
    pub fn with_lr(lr: f64) -> Self {
        Self {
            lr,
            beta1: default_beta1(),
            beta2: default_beta2(),
            eps: default_eps(),
            weight_decay: default_weight_decay(),
            decay: Decay::default(),
            clip: default_clip(),
        }
    }

    /// The same optimizer with this decoupled weight decay.
    #[must_use]
    pub fn with_weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }
}

impl Validate for OptimConfig {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut check = |key: &str, value: f64, fits: bool, expected: &str| {
            if !fits {
                problems.push(format!("optim.{key}: found {value}, expected {expected}"));
            }
        };
        check("lr", self.lr, self.lr >= 0.0 && self.lr.is_finite(), "0 or more");
        check("beta1", self.beta1, (0.0..1.0).contains(&self.beta1), "0 <= beta1 < 1");
        check("beta2", self.beta2, (0.0..1.0).contains(&self.beta2), "0 <= beta2 < 1");
        check("eps", self.eps, self.eps > 0.0 && self.eps.is_finite(), "more than 0");
        let decay = self.weight_decay;
        check("weight-decay", decay, decay >= 0.0 && decay.is_finite(), "0 or more");
        check("clip", self.clip, self.clip > 0.0, "more than 0");
        problems
    }
}

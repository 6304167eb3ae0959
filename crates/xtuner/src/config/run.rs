//! [`RunConfig`]: the table `[run]`.

use std::path::PathBuf;

use internlm_train::{Recompute, TrainerConfig};
use serde::{Deserialize, Serialize};

/// Where the run writes, its seed and device.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RunConfig {
    /// Folder that everything is written into. Upstream: `work_dir`.
    pub out: PathBuf,
    /// Seed of adapter initialization, packing and data order, default 42.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// `cpu`, `cuda:N` or `vulkan:N`, default `cpu`.
    #[serde(default = "default_device")]
    pub device: String,
    /// Maximum number of tokens of one forward and backward pass, default 4096; rows are joined up to it.
    #[serde(default = "default_pass_tokens")]
    pub pass_tokens: usize,
    /// What the backward pass computes again instead of keeping it: `none` or `layers`, default `none`. `layers` takes
    /// the memory of one layer's activations instead of all and about a third more time.
    #[serde(default, skip_serializing_if = "is_default")]
    pub recompute: Recompute,
}

fn default_seed() -> u64 {
    42
}

fn default_device() -> String {
    "cpu".to_owned()
}

fn default_pass_tokens() -> usize {
    TrainerConfig::PASS_TOKENS
}

fn is_default(recompute: &Recompute) -> bool {
    *recompute == Recompute::default()
}

impl RunConfig {
    /// A run into the folder `out` with everything else at its default.
    #[must_use]
    pub fn new(out: impl Into<PathBuf>) -> Self {
        Self {
            out: out.into(),
            seed: default_seed(),
            device: default_device(),
            pass_tokens: default_pass_tokens(),
            recompute: Recompute::default(),
        }
    }

    /// The same run with this seed of adapters, packing and data order.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The same run on `cpu`, `cuda:N` or `vulkan:N`.
    #[must_use]
    pub fn with_device(self, device: impl Into<String>) -> Self {
        Self { device: device.into(), ..self }
    }
}

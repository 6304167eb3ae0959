//! [`EpochScheduleConfig`]: the table `[schedule]`, whose length is counted in passes over the conversations.

use internlm_train::ScheduleConfig;
use serde::{Deserialize, Serialize};

/// Length of the run and the learning rate over it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EpochScheduleConfig {
    /// Number of passes over the conversations, default 1. Upstream: `max_epochs`, 3.
    #[serde(default = "default_epochs")]
    pub epochs: f64,
    /// Number of optimizer steps; default: what `epochs` takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Share of the steps that warm up, default 0.03. Upstream: `warmup_ratio`, 0.03.
    #[serde(default = "default_warmup_ratio")]
    pub warmup_ratio: f64,
    /// Rate at the end of the cosine, default 0. Upstream: `eta_min`, 0.
    #[serde(default)]
    pub eta_min: f64,
}

fn default_epochs() -> f64 {
    1.0
}

fn default_warmup_ratio() -> f64 {
    0.03
}

impl Default for EpochScheduleConfig {
    fn default() -> Self {
        Self { epochs: default_epochs(), steps: None, warmup_ratio: default_warmup_ratio(), eta_min: 0.0 }
    }
}

impl EpochScheduleConfig {
    /// The same schedule over `epochs` passes over the conversations.
    #[must_use]
    pub fn with_epochs(self, epochs: f64) -> Self {
        Self { epochs, ..self }
    }

    /// The same schedule of `steps` steps, however many epochs these are.
    #[must_use]
    pub fn with_steps(self, steps: u64) -> Self {
        Self { steps: Some(steps), ..self }
    }

    /// The schedule of a run over data of which one epoch takes `steps_per_epoch` steps (a fraction counts).
    #[must_use]
    pub fn resolve(&self, steps_per_epoch: f64) -> ScheduleConfig {
        let steps = self.steps.unwrap_or_else(|| (self.epochs * steps_per_epoch).ceil().max(1.0) as u64);
        ScheduleConfig::with_steps(steps).with_warmup_ratio(self.warmup_ratio).with_eta_min(self.eta_min)
    }
}

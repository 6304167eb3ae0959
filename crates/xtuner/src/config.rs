//! [`FinetuneConfig`]: the TOML of every verb, in upstream's five parts.

use std::path::PathBuf;

use internlm_kit::config::Validate;
use internlm_train::{CheckpointConfig, MonitorConfig, OptimConfig, ScheduleConfig, TrainerConfig};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::generator::GenerateConfig;
use crate::lora::LoraSection;

/// A whole fine-tuning run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FinetuneConfig {
    /// Settings: where the run writes, seed, device.
    pub run: RunSection,
    /// The model and what of it is trained.
    pub model: ModelSection,
    /// Adapter settings, used when `model.method = "lora"`.
    #[serde(default)]
    pub lora: LoraSection,
    /// Conversations.
    pub dataset: DatasetSection,
    /// Optimizer.
    pub optim: OptimConfig,
    /// Length of the run and learning rate.
    #[serde(default)]
    pub schedule: ScheduleSection,
    /// Checkpoints.
    #[serde(default)]
    pub checkpoint: CheckpointConfig,
    /// Logging and validation.
    #[serde(default)]
    pub monitor: MonitorConfig,
    /// The conversation generator of the verb `generate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generate: Option<GenerateConfig>,
    /// The verb `test`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<TestSection>,
}

/// Where the run writes, its seed and device.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RunSection {
    /// Folder of everything the run writes. Upstream: `work_dir`.
    pub out: PathBuf,
    /// Seed of adapter initialization, packing and data order, default 42.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// `cpu`, `cuda:N` or `vulkan:N`, default `cpu`.
    #[serde(default = "default_device")]
    pub device: String,
    /// Most tokens of one forward and backward, default 4096; rows are joined up to it.
    #[serde(default = "default_pass_tokens")]
    pub pass_tokens: usize,
}

/// The model that is tuned and how.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ModelSection {
    /// Model folder or GGUF file. Upstream: `pretrained_model_name_or_path`.
    pub path: PathBuf,
    /// What is trained.
    pub method: Method,
}

/// What of the model is trained.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Everything.
    Full,
    /// Low-rank adapters, see `[lora]`.
    Lora,
}

/// The conversations and how they become rows.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DatasetSection {
    /// Files of OpenAI messages, one conversation per line.
    pub paths: Vec<PathBuf>,
    /// Longer samples are cut from the right, in tokens. Upstream: `max_length`, 2048.
    #[serde(default = "default_max_length")]
    pub max_length: usize,
    /// Tokens of a packed row: whole samples, first fit; default `max-length`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_tokens: Option<usize>,
    /// Rows of one optimizer step, default 4. Upstream: `accumulative_counts` times batch size.
    #[serde(default = "default_rows_per_step")]
    pub rows_per_step: usize,
    /// Conversations held out for the validation loss, default 100; never more than a tenth.
    #[serde(default = "default_valid")]
    pub valid_conversations: usize,
}

/// Length of the run and learning rate over it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ScheduleSection {
    /// Passes over the rows, default 1. Upstream: `max_epochs`, 3.
    #[serde(default = "default_epochs")]
    pub epochs: f64,
    /// Optimizer steps, instead of `epochs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Share of the steps that warm up, default 0.03. Upstream: `warmup_ratio`, 0.03.
    #[serde(default = "default_warmup_ratio")]
    pub warmup_ratio: f64,
    /// Rate at the end of the cosine, default 0. Upstream: `eta_min`, 0.
    #[serde(default)]
    pub eta_min: f64,
}

/// What the verb `test` measures.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TestSection {
    /// Questions with `question`, `answer` and `expression`, one per line.
    pub questions: PathBuf,
    /// Most questions asked, default 100.
    #[serde(default = "default_test_limit")]
    pub limit: usize,
    /// Most tokens of one reply, default 64.
    #[serde(default = "default_max_new_tokens")]
    pub max_new_tokens: usize,
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

fn default_max_length() -> usize {
    2048
}

fn default_rows_per_step() -> usize {
    4
}

fn default_valid() -> usize {
    100
}

fn default_epochs() -> f64 {
    1.0
}

fn default_warmup_ratio() -> f64 {
    0.03
}

fn default_test_limit() -> usize {
    100
}

fn default_max_new_tokens() -> usize {
    64
}

impl Default for ScheduleSection {
    fn default() -> Self {
        Self { epochs: default_epochs(), steps: None, warmup_ratio: default_warmup_ratio(), eta_min: 0.0 }
    }
}

impl ScheduleSection {
    /// The schedule of a run over data of which one epoch takes `steps_per_epoch` steps (a fraction counts).
    #[must_use]
    pub fn resolve(&self, steps_per_epoch: f64) -> ScheduleConfig {
        let steps = self.steps.unwrap_or_else(|| (self.epochs * steps_per_epoch).ceil().max(1.0) as u64);
        let (warmup_ratio, eta_min) = (self.warmup_ratio, self.eta_min);
        ScheduleConfig { warmup_ratio, eta_min, ..ScheduleConfig::with_steps(steps) }
    }
}

impl DatasetSection {
    /// Tokens of a packed row.
    #[must_use]
    pub fn row_tokens(&self) -> usize {
        self.row_tokens.unwrap_or(self.max_length)
    }
}

impl FinetuneConfig {
    /// The trainer's part, for data of which one epoch takes `steps_per_epoch` steps.
    #[must_use]
    pub fn trainer(&self, steps_per_epoch: f64) -> TrainerConfig {
        let tuning = match self.model.method {
            Method::Full => json!("full"),
            Method::Lora => json!(self.lora),
        };
        TrainerConfig {
            optim: self.optim.clone(),
            schedule: self.schedule.resolve(steps_per_epoch),
            checkpoint: self.checkpoint.clone(),
            monitor: self.monitor.clone(),
            pass_tokens: self.run.pass_tokens,
            settings: json!({"seed": self.run.seed, "model": self.model.path, "tuning": tuning}),
        }
    }
}

impl Validate for FinetuneConfig {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let data = &self.dataset;
        if data.paths.is_empty() {
            problems.push("dataset.paths: found an empty list, expected at least one file".to_owned());
        }
        let mut sizes = vec![
            ("run.pass-tokens", self.run.pass_tokens, 1),
            ("dataset.max-length", data.max_length, 2),
            ("dataset.rows-per-step", data.rows_per_step, 1),
            ("dataset.row-tokens", data.row_tokens(), data.max_length),
        ];
        if let Some(test) = &self.test {
            sizes.push(("test.limit", test.limit, 1));
            sizes.push(("test.max-new-tokens", test.max_new_tokens, 1));
        }
        let small = sizes.iter().filter(|(_, found, least)| found < least);
        problems.extend(
            small.map(|(key, found, least)| format!("{key}: found {found}, expected at least {least}")),
        );
        if !(self.schedule.epochs > 0.0 && self.schedule.epochs.is_finite()) {
            problems.push(format!("schedule.epochs: found {}, expected more than 0", self.schedule.epochs));
        }
        problems.extend(self.schedule.resolve(1.0).problems());
        problems.extend(self.lora.problems());
        problems.extend(self.optim.problems());
        problems.extend(self.checkpoint.problems());
        problems.extend(self.monitor.problems());
        problems.extend(self.generate.iter().flat_map(Validate::problems));
        problems
    }
}

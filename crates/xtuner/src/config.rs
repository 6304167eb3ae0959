//! [`FinetuneConfig`]: the TOML of every verb, in the five parts that XTuner has.

use std::path::PathBuf;

use internlm_kit::config::Validate;
use internlm_train::{CheckpointConfig, MonitorConfig, OptimConfig, ScheduleConfig, TrainerConfig};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::dataset::PretrainTextConfig;
use crate::generator::GenerateConfig;
use crate::lora::LoraTuningConfig;

/// A whole fine-tuning run, as its TOML describes it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FinetuneConfig {
    /// Where the run writes, its seed and device.
    pub run: RunConfig,
    /// The model that is tuned, and what of it is trained.
    pub model: BaseModelConfig,
    /// Adapters, used when `model.method = "lora"`.
    #[serde(default)]
    pub lora: LoraTuningConfig,
    /// Conversations, and the text that is rehearsed with them.
    pub dataset: DatasetConfig,
    /// AdamW, its decay rule and the gradient clip.
    pub optim: OptimConfig,
    /// Length of the run and the learning rate over it.
    #[serde(default)]
    pub schedule: EpochScheduleConfig,
    /// When checkpoints are written and how many are kept.
    #[serde(default)]
    pub checkpoint: CheckpointConfig,
    /// Logging, validation, and the limit on steps whose loss is not finite.
    #[serde(default)]
    pub monitor: MonitorConfig,
    /// The conversation generator of the verb `generate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generate: Option<GenerateConfig>,
    /// What the verb `test` asks the tuned model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<TestConfig>,
}

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
}

/// The model that is tuned, and how.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BaseModelConfig {
    /// Folder or GGUF file of the model. Upstream: `pretrained_model_name_or_path`.
    pub path: PathBuf,
    /// Which parameters are trained: `full` or `lora`.
    pub method: Method,
}

/// Which parameters of the model are trained.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// All parameters of the model.
    Full,
    /// Those of low-rank adapters, and the modules that `[lora]` names.
    Lora,
}

/// The conversations and how they become rows.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DatasetConfig {
    /// Files of OpenAI messages, one conversation per line.
    pub paths: Vec<PathBuf>,
    /// Maximum length of a sample in tokens, default 2048; longer ones are cut from the right. Upstream: `max_length`.
    #[serde(default = "default_max_length")]
    pub max_length: usize,
    /// Maximum number of tokens of a packed row, default `max-length`: whole samples, first fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_tokens: Option<usize>,
    /// Number of rows of one optimizer step, default 4. Upstream: `accumulative_counts` times batch size.
    #[serde(default = "default_rows_per_step")]
    pub rows_per_step: usize,
    /// Number of conversations that are held out for the validation loss, default 100; at most a tenth of them.
    #[serde(default = "default_valid")]
    pub valid_conversations: usize,
    /// Text of pre-training in every step, which keeps the model's language; default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pretrain: Option<PretrainTextConfig>,
}

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

/// What the verb `test` asks the tuned model.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TestConfig {
    /// File of questions with `question`, `answer` and `expression`, one per line.
    pub questions: PathBuf,
    /// Maximum number of questions to ask, default 100.
    #[serde(default = "default_test_limit")]
    pub limit: usize,
    /// Maximum number of tokens of one reply, default 64.
    #[serde(default = "default_max_tokens", alias = "max-new-tokens")]
    pub max_tokens: usize,
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

fn default_max_tokens() -> usize {
    64
}

impl Default for EpochScheduleConfig {
    fn default() -> Self {
        Self { epochs: default_epochs(), steps: None, warmup_ratio: default_warmup_ratio(), eta_min: 0.0 }
    }
}

impl EpochScheduleConfig {
    /// The schedule of a run over data of which one epoch takes `steps_per_epoch` steps (a fraction counts).
    #[must_use]
    pub fn resolve(&self, steps_per_epoch: f64) -> ScheduleConfig {
        let steps = self.steps.unwrap_or_else(|| (self.epochs * steps_per_epoch).ceil().max(1.0) as u64);
        ScheduleConfig::with_steps(steps).with_warmup_ratio(self.warmup_ratio).with_eta_min(self.eta_min)
    }
}

impl DatasetConfig {
    /// Maximum number of tokens of a packed row.
    #[must_use]
    pub fn row_tokens(&self) -> usize {
        self.row_tokens.unwrap_or(self.max_length)
    }

    /// Maximum number of tokens that the conversations of one step fill.
    #[must_use]
    pub fn step_tokens(&self) -> usize {
        self.rows_per_step * self.row_tokens()
    }
}

impl FinetuneConfig {
    /// The settings of the trainer, for data of which one epoch takes `steps_per_epoch` steps.
    #[must_use]
    pub fn trainer(&self, steps_per_epoch: f64) -> TrainerConfig {
        let tuning = match self.model.method {
            Method::Full => json!("full"),
            Method::Lora => json!(self.lora),
        };
        let schedule = self.schedule.resolve(steps_per_epoch);
        let mut trainer =
            TrainerConfig::new(schedule.steps, self.optim.lr).with_pass_tokens(self.run.pass_tokens);
        trainer.optim = self.optim.clone();
        trainer.schedule = schedule;
        trainer.checkpoint = self.checkpoint.clone();
        trainer.monitor = self.monitor.clone();
        trainer.settings = json!({"seed": self.run.seed, "model": self.model.path, "tuning": tuning});
        trainer
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
            sizes.push(("test.max-tokens", test.max_tokens, 1));
        }
        let small = sizes.iter().filter(|(_, found, least)| found < least);
        problems.extend(
            small.map(|(key, found, least)| format!("{key}: found {found}, expected at least {least}")),
        );
        if !(self.schedule.epochs > 0.0 && self.schedule.epochs.is_finite()) {
            problems.push(format!("schedule.epochs: found {}, expected more than 0", self.schedule.epochs));
        }
        problems.extend(self.schedule.resolve(1.0).problems());
        problems.extend(self.dataset.pretrain.iter().flat_map(Validate::problems));
        problems.extend(self.lora.problems());
        problems.extend(self.optim.problems());
        problems.extend(self.checkpoint.problems());
        problems.extend(self.monitor.problems());
        problems.extend(self.generate.iter().flat_map(Validate::problems));
        problems
    }
}

#[cfg(test)]
mod tests {
    use internlm_kit::config;

    use super::*;

    const MINIMAL: &str = "[run]\nout = 'run'\n[model]\npath = 'base'\nmethod = 'lora'\n\
                           [dataset]\npaths = ['a.jsonl']\n[optim]\nlr = 1e-3\n";

    fn with(overrides: &[&str]) -> FinetuneConfig {
        config::parse_with(MINIMAL, "test.toml", overrides).expect("keys that exist")
    }

    #[test]
    fn a_minimal_config_has_upstreams_defaults() {
        let config = with(&[]);
        assert!(config.problems().is_empty(), "{:?}", config.problems());
        assert_eq!((config.lora.rank, config.lora.alpha), (64, 16.0));
        assert_eq!((config.dataset.row_tokens(), config.dataset.step_tokens()), (2048, 4 * 2048));
        assert_eq!((config.run.seed, config.run.device.as_str()), (42, "cpu"));
        assert!(config.dataset.pretrain.is_none() && config.test.is_none());
    }

    #[test]
    fn every_problem_names_its_key_and_all_come_at_once() {
        let cases = [
            ("dataset.max-length=1", "dataset.max-length: found 1, expected at least 2"),
            ("dataset.row-tokens=100", "dataset.row-tokens: found 100, expected at least 2048"),
            ("dataset.rows-per-step=0", "dataset.rows-per-step: found 0"),
            ("run.pass-tokens=0", "run.pass-tokens: found 0"),
            ("schedule.epochs=0.0", "schedule.epochs: found 0, expected more than 0"),
            ("schedule.warmup-ratio=2.0", "schedule.warmup-ratio: found 2"),
            ("lora.alpha=-1.0", "lora.alpha: found -1"),
            ("lora.target-modules=\"all\"", "lora.target-modules: found \"all\""),
            ("optim.beta1=1.0", "optim.beta1: found 1"),
            ("checkpoint.every=0", "checkpoint.every: found 0"),
            ("test.questions=\"q\"", ""),
        ];
        for (change, expected) in cases {
            let found = with(&[change]).problems();
            let right = if expected.is_empty() { found.is_empty() } else { found.len() == 1 };
            assert!(
                right && found.iter().all(|problem| problem.starts_with(expected)),
                "{change}: {found:?}"
            );
        }
        let all: Vec<&str> = cases.iter().map(|(change, _)| *change).collect();
        assert!(with(&all).problems().len() >= cases.len() - 2);
        let test = with(&["test.questions=q", "test.max-new-tokens=0", "test.limit=0"]).problems();
        assert_eq!(test.len(), 2, "the old name of a key still works: {test:?}");
    }

    #[test]
    fn epochs_become_steps_unless_steps_are_given() {
        let steps = |overrides: &[&str], per_epoch| with(overrides).trainer(per_epoch).schedule.steps;
        assert_eq!(steps(&[], 10.0), 10);
        assert_eq!(steps(&["schedule.epochs=2.5"], 10.2), 26);
        assert_eq!(steps(&["schedule.epochs=0.001"], 10.0), 1);
        assert_eq!(steps(&["schedule.epochs=3.0", "schedule.steps=7"], 10.0), 7);
    }

    #[test]
    fn only_what_is_trained_must_agree_when_a_run_resumes() {
        let settings = |overrides: &[&str]| with(overrides).trainer(1.0).settings;
        assert_eq!(settings(&[]), settings(&["run.out=elsewhere", "monitor.log-every=3"]));
        assert_ne!(settings(&[]), settings(&["lora.rank=8"]));
        assert_ne!(settings(&[]), settings(&["model.path=other"]));
        let full = |rank: &str| settings(&["model.method=full", rank]);
        assert_eq!(full("lora.rank=8"), full("lora.rank=9"), "full tuning has no adapters");
    }
}

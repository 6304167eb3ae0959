//! [`FinetuneConfig`]: the TOML of every verb, in the five parts that XTuner has.

mod schedule;

use std::path::{Path, PathBuf};

use internlm_kit::config::{Validate, load_with};
use internlm_train::{CheckpointConfig, MonitorConfig, OptimConfig, TrainerConfig};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use schedule::EpochScheduleConfig;

use crate::Result;
use crate::dataset::PretrainTextConfig;
use crate::generator::ConversationsConfig;
use crate::lora::LoraTuningConfig;

/// A whole fine-tuning run, as its TOML describes it.
///
/// ```
/// use xtuner::{BaseModelConfig, DatasetConfig, FinetuneConfig, Method, OptimConfig, RunConfig};
///
/// let base = BaseModelConfig::new("runs/base", Method::Lora);
/// let dataset = DatasetConfig::new(["conversations.jsonl"]);
/// let config = FinetuneConfig::new(RunConfig::new("runs/mine"), base, dataset, OptimConfig::with_lr(1e-3));
/// assert_eq!((config.lora.rank, config.schedule.epochs), (64, 1.0));
/// ```
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
    pub generate: Option<ConversationsConfig>,
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
#[non_exhaustive]
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

fn default_test_limit() -> usize {
    100
}

fn default_max_tokens() -> usize {
    64
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

impl BaseModelConfig {
    /// The model in the folder or GGUF file `path`, of which `method` says what is trained.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, method: Method) -> Self {
        Self { path: path.into(), method }
    }
}

impl TestConfig {
    /// The questions in the file `questions`, with everything else at its default.
    #[must_use]
    pub fn new(questions: impl Into<PathBuf>) -> Self {
        Self { questions: questions.into(), limit: default_test_limit(), max_tokens: default_max_tokens() }
    }
}

impl DatasetConfig {
    /// The conversations in the files `paths`, with everything else at its default.
    #[must_use]
    pub fn new<P: Into<PathBuf>>(paths: impl IntoIterator<Item = P>) -> Self {
        Self {
            paths: paths.into_iter().map(Into::into).collect(),
            max_length: default_max_length(),
            row_tokens: None,
            rows_per_step: default_rows_per_step(),
            valid_conversations: default_valid(),
            pretrain: None,
        }
    }

    /// The same conversations in samples of at most `tokens` tokens.
    #[must_use]
    pub fn with_max_length(self, tokens: usize) -> Self {
        Self { max_length: tokens, ..self }
    }

    /// The same conversations with text of pre-training in every step.
    #[must_use]
    pub fn with_pretrain(self, text: PretrainTextConfig) -> Self {
        Self { pretrain: Some(text), ..self }
    }

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
    /// A run with everything else at its default.
    #[must_use]
    pub fn new(run: RunConfig, model: BaseModelConfig, dataset: DatasetConfig, optim: OptimConfig) -> Self {
        Self {
            run,
            model,
            lora: LoraTuningConfig::default(),
            dataset,
            optim,
            schedule: EpochScheduleConfig::default(),
            checkpoint: CheckpointConfig::default(),
            monitor: MonitorConfig::default(),
            generate: None,
            test: None,
        }
    }

    /// The same run with these adapters, which `model.method = "lora"` uses.
    #[must_use]
    pub fn with_lora(self, lora: LoraTuningConfig) -> Self {
        Self { lora, ..self }
    }

    /// The same run with this length and learning rate.
    #[must_use]
    pub fn with_schedule(self, schedule: EpochScheduleConfig) -> Self {
        Self { schedule, ..self }
    }

    /// Loads the TOML of a run and checks every value.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config), which lists all problems at once.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::load_with(path, &[""; 0])
    }

    /// Loads the TOML of a run after applying overrides of the form `key.path=value`.
    ///
    /// # Errors
    /// The same as [`FinetuneConfig::load`].
    pub fn load_with(path: impl AsRef<Path>, overrides: &[impl AsRef<str>]) -> Result<Self> {
        Ok(load_with(path, overrides)?)
    }

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
        config::parse_unchecked(MINIMAL, "test.toml", overrides).expect("keys that exist")
    }

    #[test]
    fn new_has_the_defaults_of_the_smallest_toml() {
        let model = BaseModelConfig::new("base", Method::Lora);
        let (dataset, optim) = (DatasetConfig::new(["a.jsonl"]), OptimConfig::with_lr(1e-3));
        let mut made = FinetuneConfig::new(RunConfig::new("run"), model, dataset, optim);
        assert_eq!(made, with(&[]));

        made.test = Some(TestConfig::new("q"));
        made.generate = Some(ConversationsConfig::new("c", "q"));
        made.dataset.pretrain = Some(PretrainTextConfig::new("shards", 0.25));
        let tables = [
            "test.questions=q",
            "generate.conversations=c",
            "generate.questions=q",
            "dataset.pretrain.shards=shards",
            "dataset.pretrain.share=0.25",
        ];
        assert_eq!(made, with(&tables));
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

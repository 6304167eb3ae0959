//! [`PretrainConfig`]: the TOML of `internlm-train train`.

use std::path::{Path, PathBuf};

use internlm_kit::config::{Validate, load_with};
use internlm_model::{ModelConfig, Precision};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::InitConfig;
use crate::batch::ShardRowsConfig;
use crate::validation::ValidationConfig;
use crate::{CheckpointConfig, MonitorConfig, OptimConfig, Recompute, Result, ScheduleConfig, TrainerConfig};

/// A whole pre-training run, as its TOML describes it.
///
/// ```
/// use internlm_model::{ModelConfig, ModelSize};
/// use internlm_train::plan::Plan;
/// use internlm_train::pretrain::{DataConfig, PretrainConfig, RunConfig};
/// use internlm_train::{OptimConfig, ScheduleConfig};
///
/// let data = DataConfig::new("shards/train", 128).with_valid("shards/valid");
/// let (optim, schedule) = (OptimConfig::with_lr(1e-3), ScheduleConfig::with_steps(100));
/// let model = ModelConfig::new(ModelSize { hidden: 32, layers: 1, heads: 2, inter: 64, vocab: 64 });
/// let config = PretrainConfig::new(RunConfig::new("runs/mine"), data, optim, schedule).with_model(model);
/// assert_eq!(Plan::of(&config)?.run_tokens, 100 * 4 * 128); // steps, rows of a step, tokens of a row
/// # Ok::<(), internlm_train::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PretrainConfig {
    /// Where the run writes, its seed and device.
    pub run: RunConfig,
    /// Shape of a new model; absent when `run.init-from` names an existing one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelConfig>,
    /// Standard deviations of the random values of a new model.
    #[serde(default)]
    pub init: InitConfig,
    /// Shards, tokenizer and packing.
    pub data: DataConfig,
    /// AdamW, its decay rule and the gradient clip.
    pub optim: OptimConfig,
    /// Number of steps and the learning rate over them.
    pub schedule: ScheduleConfig,
    /// When checkpoints are written and how many are kept.
    #[serde(default)]
    pub checkpoint: CheckpointConfig,
    /// Logging, validation, and the limit on steps whose loss is not finite.
    #[serde(default)]
    pub monitor: MonitorConfig,
}

/// Where the run writes, its seed and device, and where its weights come from.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RunConfig {
    /// Folder that everything is written into.
    pub out: PathBuf,
    /// Seed of initialization and data order, default 42. Upstream: `seed`, 1024.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// `cpu`, `cuda:N` or `vulkan:N`, default `cpu`.
    #[serde(default = "default_device")]
    pub device: String,
    /// Model folder or GGUF file whose weights the run starts from, instead of `[model]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init_from: Option<PathBuf>,
    /// Maximum number of tokens of one forward and backward pass, default 4096; rows are joined up to it.
    #[serde(default = "default_pass_tokens")]
    pub pass_tokens: usize,
    /// What the backward pass computes again instead of keeping it: `none` or `layers`, default `none`. `layers` takes
    /// the memory of one layer's activations instead of all and about a third more time; the results are the same bits.
    #[serde(default, skip_serializing_if = "Recompute::is_none")]
    pub recompute: Recompute,
    /// What a GPU computes in: `f32-exact` or `bf16`, default `f32-exact`. With `bf16` activations and their gradients
    /// are rounded, and so is each weight when it is used; sums, weights, moments and losses stay f32. Upstream:
    /// `model.dtype`, `torch.bfloat16`.
    #[serde(default, skip_serializing_if = "Precision::is_f32_exact")]
    pub precision: Precision,
}

/// What the run reads and how it is cut into rows.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DataConfig {
    /// Folder of training shards with one subfolder per data type, such as `en/`. Upstream: `train_folder`.
    pub train: PathBuf,
    /// Folder of held-out shards with one subfolder per data type; default none. Upstream: `valid_folder`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid: Option<PathBuf>,
    /// Tokenizer of the shards: copied next to the exported model, and counts the bytes of held-out text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokenizer: Option<PathBuf>,
    /// `summary.json` of the data stage, whose compression baselines are repeated in that of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<PathBuf>,
    /// Maximum length of a sample in tokens. Upstream: `seq_len`, 2048.
    pub seq_len: usize,
    /// A row has `micro-bsz * seq-len` tokens, default 1. Upstream: `micro_bsz`, 1.
    #[serde(default = "default_micro_bsz")]
    pub micro_bsz: usize,
    /// Number of rows in a step, default 4. Upstream: `micro_num`, 4.
    #[serde(default = "default_micro_num")]
    pub micro_num: usize,
    /// Minimum length of a document in tokens, default 0; shorter ones are dropped. Upstream: `min_length`, 50.
    #[serde(default)]
    pub min_length: usize,
    /// Maximum number of held-out tokens, in whole documents, default 100000.
    #[serde(default = "default_valid_tokens")]
    pub valid_tokens: usize,
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

fn default_micro_bsz() -> usize {
    1
}

fn default_micro_num() -> usize {
    4
}

fn default_valid_tokens() -> usize {
    100_000
}

impl RunConfig {
    /// A run into the folder `out` with everything else at its default.
    #[must_use]
    pub fn new(out: impl Into<PathBuf>) -> Self {
        Self {
            out: out.into(),
            seed: default_seed(),
            device: default_device(),
            init_from: None,
            pass_tokens: default_pass_tokens(),
            recompute: Recompute::None,
            precision: Precision::F32Exact,
        }
    }

    /// The same run with this seed of initialization and data order.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The same run on `cpu`, `cuda:N` or `vulkan:N`.
    #[must_use]
    pub fn with_device(self, device: impl Into<String>) -> Self {
        Self { device: device.into(), ..self }
    }

    /// The same run, started from the weights of the model folder or GGUF file `model`.
    #[must_use]
    pub fn with_init_from(self, model: impl Into<PathBuf>) -> Self {
        Self { init_from: Some(model.into()), ..self }
    }
}

impl DataConfig {
    /// The shards in the folder `train` in samples of at most `seq_len` tokens, with everything else at its default.
    #[must_use]
    pub fn new(train: impl Into<PathBuf>, seq_len: usize) -> Self {
        Self {
            train: train.into(),
            valid: None,
            tokenizer: None,
            summary: None,
            seq_len,
            micro_bsz: default_micro_bsz(),
            micro_num: default_micro_num(),
            min_length: 0,
            valid_tokens: default_valid_tokens(),
        }
    }

    /// The same data, measured on the held-out shards in the folder `valid`.
    #[must_use]
    pub fn with_valid(self, valid: impl Into<PathBuf>) -> Self {
        Self { valid: Some(valid.into()), ..self }
    }

    /// The same data with the tokenizer that made the shards.
    #[must_use]
    pub fn with_tokenizer(self, tokenizer: impl Into<PathBuf>) -> Self {
        Self { tokenizer: Some(tokenizer.into()), ..self }
    }

    /// The same data with `micro_num` rows in a step.
    #[must_use]
    pub fn with_micro_num(self, micro_num: usize) -> Self {
        Self { micro_num, ..self }
    }
}

impl PretrainConfig {
    /// A run without a model, which [`with_model`](Self::with_model) or [`RunConfig::with_init_from`] gives it, and
    /// with everything else at its default.
    #[must_use]
    pub fn new(run: RunConfig, data: DataConfig, optim: OptimConfig, schedule: ScheduleConfig) -> Self {
        Self {
            run,
            model: None,
            init: InitConfig::default(),
            data,
            optim,
            schedule,
            checkpoint: CheckpointConfig::default(),
            monitor: MonitorConfig::default(),
        }
    }

    /// The same run of a new model of the shape `model`.
    #[must_use]
    pub fn with_model(self, model: ModelConfig) -> Self {
        Self { model: Some(model), ..self }
    }

    /// The same run with these checkpoints.
    #[must_use]
    pub fn with_checkpoint(self, checkpoint: CheckpointConfig) -> Self {
        Self { checkpoint, ..self }
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
    /// The same as [`PretrainConfig::load`].
    pub fn load_with(path: impl AsRef<Path>, overrides: &[impl AsRef<str>]) -> Result<Self> {
        Ok(load_with(path, overrides)?)
    }

    /// The settings of the trainer: optimizer, schedule, checkpoints, monitoring and what a checkpoint must agree on.
    #[must_use]
    pub fn trainer(&self) -> TrainerConfig {
        TrainerConfig {
            optim: self.optim.clone(),
            schedule: self.schedule.clone(),
            checkpoint: self.checkpoint.clone(),
            monitor: self.monitor.clone(),
            pass_tokens: self.run.pass_tokens,
            recompute: self.run.recompute,
            base: None,
            settings: json!({
                "seed": self.run.seed,
                "init-from": self.run.init_from,
                "init": self.init,
            }),
        }
    }

    /// Which shards are trained on and how they are cut, for a model with `vocab` embeddings.
    #[must_use]
    pub fn train_rows(&self, vocab: usize) -> ShardRowsConfig {
        ShardRowsConfig {
            dir: self.data.train.clone(),
            seq_len: self.data.seq_len,
            micro_bsz: self.data.micro_bsz,
            micro_num: self.data.micro_num,
            min_length: self.data.min_length,
            vocab,
            seed: self.run.seed,
        }
    }

    /// What the run is validated on; `None` without `data.valid`.
    #[must_use]
    pub fn validation(&self, vocab: usize) -> Option<ValidationConfig> {
        let dir = self.data.valid.clone()?;
        let (tokens, seq_len) = (self.data.valid_tokens, self.data.seq_len);
        Some(ValidationConfig { dir, tokens, seq_len, pass_tokens: self.run.pass_tokens, vocab })
    }
}

impl Validate for PretrainConfig {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        match (&self.model, &self.run.init_from) {
            (Some(_), Some(_)) => {
                problems
                    .push("run.init-from: found a path and a [model], expected one of the two".to_owned());
            }
            (None, None) => {
                problems
                    .push("model: found no [model] and no run.init-from, expected one of the two".to_owned());
            }
            _ => {}
        }
        let data = &self.data;
        let sizes = [
            ("run.pass-tokens", self.run.pass_tokens),
            ("data.seq-len", data.seq_len),
            ("data.micro-bsz", data.micro_bsz),
            ("data.micro-num", data.micro_num),
        ];
        problems.extend(
            sizes
                .iter()
                .filter(|(_, size)| *size == 0)
                .map(|(key, _)| format!("{key}: found 0, expected at least 1")),
        );
        if self.run.precision == Precision::Bf16 && self.run.device == "cpu" {
            problems.push("run.precision: found bf16, expected f32-exact for device cpu".to_owned());
        }
        if self.run.precision == Precision::F16 {
            let reason = "gradients underflow in f16 without a loss scale";
            problems.push(format!("run.precision: found f16, expected f32-exact or bf16: {reason}"));
        }
        problems.extend(self.init.problems());
        let model = self.model.iter().flat_map(ModelConfig::problems);
        problems.extend(model.map(|problem| format!("model.{problem}")));
        if let Some(model) = self.model.as_ref().filter(|model| data.seq_len > model.max_position) {
            let (found, most) = (data.seq_len, model.max_position);
            problems
                .push(format!("data.seq-len: found {found}, expected at most model.max-position = {most}"));
        }
        problems.extend(self.optim.problems());
        problems.extend(self.schedule.problems());
        problems.extend(self.checkpoint.problems());
        problems.extend(self.monitor.problems());
        problems
    }
}

#[cfg(test)]
mod tests {
    use internlm_kit::config;

    use super::*;

    #[test]
    fn new_has_the_defaults_of_the_smallest_toml() {
        let toml = "[run]\nout = 'run'\ninit-from = 'base'\n\
                    [data]\ntrain = 'shards'\nseq-len = 32\n[optim]\nlr = 1e-3\n[schedule]\nsteps = 9\n";
        let parsed: PretrainConfig = config::parse(toml, "test.toml").expect("the required keys");
        let (optim, schedule) = (OptimConfig::with_lr(1e-3), ScheduleConfig::with_steps(9));
        let run = RunConfig::new("run").with_init_from("base");
        let made = PretrainConfig::new(run, DataConfig::new("shards", 32), optim, schedule);
        assert_eq!(made, parsed);
        assert!(made.problems().is_empty(), "{:?}", made.problems());
    }
}

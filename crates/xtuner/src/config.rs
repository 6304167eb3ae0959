//! [`FinetuneConfig`]: the TOML of every verb, in the five parts that XTuner has.

mod dataset;
mod model;
mod objective;
mod run;
mod samples;
mod schedule;
mod test;

use std::path::Path;

use internlm_kit::config::{self, Validate};
use internlm_train::{CheckpointConfig, MonitorConfig, OptimConfig, TrainerConfig};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use dataset::{DatasetConfig, SourceConfig};
pub use model::{BaseModelConfig, Method};
pub use objective::ObjectiveConfig;
pub use run::RunConfig;
pub use samples::SamplesConfig;
pub use schedule::EpochScheduleConfig;
pub use test::TestConfig;

use crate::catalog::ReadyConfig;
use crate::dataset::RowsConfig;
use crate::generator::ConversationsConfig;
use crate::lora::{BaseFormat, LoraTuningConfig};
use crate::{Error, Result};

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
    /// What is minimized. Default: cross entropy of the answers.
    #[serde(default, skip_serializing_if = "ObjectiveConfig::is_sft")]
    pub objective: ObjectiveConfig,
    /// Adapters, used unless `model.method = "full"`.
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
    /// Questions whose answers are logged at every validation, so that one can read what is learned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<SamplesConfig>,
    /// The conversation generator of the verb `generate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generate: Option<ConversationsConfig>,
    /// What the verb `test` asks the tuned model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<TestConfig>,
}

impl FinetuneConfig {
    /// A run with everything else at its default.
    #[must_use]
    pub fn new(run: RunConfig, model: BaseModelConfig, dataset: DatasetConfig, optim: OptimConfig) -> Self {
        Self {
            run,
            model,
            objective: ObjectiveConfig::Sft,
            lora: LoraTuningConfig::default(),
            dataset,
            optim,
            schedule: EpochScheduleConfig::default(),
            checkpoint: CheckpointConfig::default(),
            monitor: MonitorConfig::default(),
            samples: None,
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

    /// The same run with another loss than cross entropy.
    #[must_use]
    pub fn with_objective(self, objective: ObjectiveConfig) -> Self {
        Self { objective, ..self }
    }

    /// The adapters of the run: `[lora]` with what the method adds.
    #[must_use]
    pub fn lora_tuning(&self) -> LoraTuningConfig {
        let mut lora = self.lora.clone();
        match self.model.method {
            Method::Qlora if matches!(lora.base, BaseFormat::F32) => lora.base = BaseFormat::Nf4Double,
            Method::Dora => lora.dora = true,
            Method::Full | Method::Lora | Method::Qlora => {}
        }
        lora
    }

    /// How samples become rows.
    #[must_use]
    pub fn rows_config(&self) -> RowsConfig {
        let data = &self.dataset;
        let mut rows = RowsConfig::new(data.row_tokens(), data.rows_per_step).with_seed(self.run.seed);
        rows.packing = data.packing;
        rows.reduction = data.reduction;
        rows.group_by_length = data.group_by_length;
        rows
    }

    /// Loads the TOML of a run, or the [ready configuration](crate::catalog) of that name, and checks every value.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config), which lists all problems at once.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::load_with(path, &[""; 0])
    }

    /// Loads the TOML or the ready configuration of a run after applying overrides of the form `key.path=value`.
    ///
    /// # Errors
    /// The same as [`FinetuneConfig::load`].
    pub fn load_with(path: impl AsRef<Path>, overrides: &[impl AsRef<str>]) -> Result<Self> {
        let path = path.as_ref();
        let name = path.to_str().filter(|name| !path.exists() && !name.contains(['/', '\\', '.']));
        let Some(name) = name else { return Ok(config::load_with(path, overrides)?) };
        match ReadyConfig::named(name)? {
            Some(ready) => Ok(config::parse_with(&ready.toml(), name, overrides)?),
            None => {
                let expected = "a TOML file, or a name that `xtuner list-cfg` shows";
                Err(Error::mismatch(name, "neither a file nor a ready configuration", expected))
            }
        }
    }

    /// The settings of the trainer, for data of which one epoch takes `steps_per_epoch` steps.
    #[must_use]
    pub fn trainer(&self, steps_per_epoch: f64) -> TrainerConfig {
        let tuning = match self.model.method {
            Method::Full if self.model.trained.is_empty() => json!("full"),
            Method::Full => json!({"full": self.model.trained}),
            Method::Lora | Method::Qlora | Method::Dora => json!(self.lora_tuning()),
        };
        let schedule = self.schedule.resolve(steps_per_epoch);
        let mut trainer =
            TrainerConfig::new(schedule.steps, self.optim.lr).with_pass_tokens(self.run.pass_tokens);
        trainer.optim = self.optim.clone();
        trainer.schedule = schedule;
        trainer.checkpoint = self.checkpoint.clone();
        trainer.monitor = self.monitor.clone();
        trainer.recompute = self.run.recompute;
        trainer.settings = json!({"seed": self.run.seed, "model": self.model.path, "tuning": tuning});
        if !self.objective.is_sft() {
            trainer.settings["objective"] = json!(self.objective);
        }
        if let Some(alpha) = self.dataset.neftune_alpha {
            trainer.settings["neftune-alpha"] = json!(alpha);
        }
        trainer
    }
}

impl Validate for FinetuneConfig {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let data = &self.dataset;
        problems.extend(data.problems());
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
        if let Some(samples) = &self.samples {
            sizes.push(("samples.max-tokens", samples.max_tokens, 1));
        }
        let small = sizes.iter().filter(|(_, found, least)| found < least);
        problems.extend(
            small.map(|(key, found, least)| format!("{key}: found {found}, expected at least {least}")),
        );
        if !(self.schedule.epochs > 0.0 && self.schedule.epochs.is_finite()) {
            problems.push(format!("schedule.epochs: found {}, expected more than 0", self.schedule.epochs));
        }
        problems.extend(self.schedule.resolve(1.0).problems());
        if self.model.method != Method::Full && !self.model.trained.is_empty() {
            let found = format!("model.trained: found {:?} with adapters", self.model.trained);
            problems.push(format!("{found}, expected it with `method = \"full\"`; see lora.modules-to-save"));
        }
        problems.extend(self.objective.problems());
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
    use super::*;
    use crate::dataset::PretrainTextConfig;

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

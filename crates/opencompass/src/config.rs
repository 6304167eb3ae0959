//! The run file: which models, which datasets, where results go.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use internlm_kit::config::Validate;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::dataset::{Catalog, RowRange, with_nearest};
use crate::infer::PplDenominator;
use crate::model::ModelConfig;
use crate::summary::GroupConfig;

/// A run: models x datasets, kebab-case keys; unknown ones are errors.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RunConfig {
    /// What and where.
    pub run: RunSettings,
    /// The only model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelConfig>,
    /// Several models, instead of `model`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<ModelConfig>,
    /// Dataset name -> Python slice of its rows, in place of the dataset file's own.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub test_range: IndexMap<String, RowRange>,
    /// Groups of datasets with a score of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group: Vec<GroupConfig>,
    /// Name in `summary.json` -> `dataset/metric`, of the first model.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub flat_summary: IndexMap<String, String>,
}

/// What and where.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RunSettings {
    /// Names, stems, patterns or paths of datasets.
    pub datasets: Vec<String>,
    /// The run's own folder, used again by the next run. Without it every run gets `work-dir/TIMESTAMP`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// Folder of runs with a timestamp; upstream's default.
    #[serde(default = "work_dir")]
    pub work_dir: PathBuf,
    /// Item store; `FOLDER/store.jsonl` without it. Runs may share one, one after the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<PathBuf>,
    /// Folders below which data files are looked for, before the current folder.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data_dirs: Vec<PathBuf>,
    /// Folders of dataset files that add to the embedded ones or override them by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dataset_dirs: Vec<PathBuf>,
    /// Requests under way at a time, per model. Results do not depend on it.
    #[serde(default = "workers")]
    pub workers: usize,
    /// Seed of everything random.
    #[serde(default = "seed")]
    pub seed: u64,
    /// How PPL divides: `n` (all tokens) or `n-1` (tokens with a loss).
    #[serde(default)]
    pub ppl_denominator: PplDenominator,
    /// What to do with cells that a model cannot answer.
    #[serde(default)]
    pub unsupported: Unsupported,
}

/// What to do with cells that a model cannot answer.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unsupported {
    /// Refuse the run before anything is asked.
    #[default]
    Refuse,
    /// Evaluate the others; the cell stays empty and says why.
    Skip,
}

fn work_dir() -> PathBuf {
    PathBuf::from("outputs/default")
}

fn workers() -> usize {
    8
}

fn seed() -> u64 {
    20_240_326
}

impl Validate for RunConfig {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.run.datasets.is_empty() {
            problems.push("run.datasets: found none, expected names; `list-configs` shows them".to_owned());
        }
        if self.run.workers == 0 {
            problems.push("run.workers: found 0, expected 1 or more".to_owned());
        }
        if self.model.is_some() != self.models.is_empty() {
            problems.push("model: expected either one [model] or a list of [[models]]".to_owned());
        }
        let mut names: Vec<&str> = self.models().map(|model| model.name.as_str()).collect();
        names.sort_unstable();
        problems.extend(
            names
                .windows(2)
                .filter(|pair| pair[0] == pair[1])
                .map(|pair| format!("models: found the name `{}` twice", pair[0])),
        );
        problems.extend(self.models().flat_map(ModelConfig::problems));
        for (name, place) in &self.flat_summary {
            if !place.contains('/') {
                problems.push(format!("flat-summary.{name}: found `{place}`, expected dataset/metric"));
            }
        }
        problems
    }
}

impl RunConfig {
    /// Reads a run file.
    ///
    /// # Errors
    /// [`crate::Error::Config`], with the nearest known key for an unknown one.
    pub fn load(path: &Path, overrides: &[String]) -> Result<Self> {
        internlm_kit::config::load_with(path, overrides).map_err(|error| match error {
            internlm_kit::config::ConfigError::Parse { path, message } => {
                internlm_kit::config::ConfigError::Parse { path, message: with_nearest(&message) }.into()
            }
            other => other.into(),
        })
    }

    /// Evaluates `names` instead, and forgets what the file says of other datasets.
    ///
    /// # Errors
    /// [`crate::Error::UnknownName`], or a problem of a dataset file.
    pub fn restrict(&mut self, names: &[String]) -> Result<()> {
        self.run.datasets = names.to_vec();
        let sets = Catalog::open(&self.run.dataset_dirs)?.find(names)?;
        let runs = |name: &str| sets.iter().any(|set| set.name == name);
        self.test_range.retain(|name, _| runs(name));
        self.flat_summary.retain(|_, place| runs(place.split('/').next().unwrap_or_default()));
        Ok(())
    }

    /// The models.
    pub fn models(&self) -> impl Iterator<Item = &ModelConfig> {
        self.model.iter().chain(&self.models)
    }
}

//! The run file: which models answer which datasets, and where the results go.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use internlm_kit::config::{ConfigError, Validate};
use internlm_kit::exit::BadInput;
use internlm_kit::file::AtPath;
use serde::{Deserialize, Serialize};

use crate::dataset::{
    Catalog, CustomKind, CustomMethod, Dataset, DatasetConfig, Mode, RowRange, with_nearest,
};
use crate::infer::InferContext;
use crate::model::EvaluatedModelConfig;
use crate::run_config::EvaluationRunConfig;
use crate::summary::{GroupConfig, SummarizerConfig};
use crate::{Error, Result};

/// Number of datasets whose problems are named when they cannot be loaded.
const SHOWN_PROBLEMS: usize = 8;

/// A run file. Keys are kebab-case; unknown keys are errors.
///
/// ```
/// use opencompass::EvaluationConfig;
/// let text = r#"
/// [run]
/// datasets = ["gsm8k", "ARC-*"]
/// data-dirs = ["data"]
///
/// [model]
/// name = "tiny"
/// base-url = "http://127.0.0.1:23333"
/// "#;
/// let config: EvaluationConfig = internlm_kit::config::parse(text, "run.toml")?;
/// assert_eq!(config.run.workers, 8);
/// # Ok::<(), internlm_kit::config::ConfigError>(())
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct EvaluationConfig {
    /// Datasets, folders and the course of the run.
    #[serde(default)]
    pub run: EvaluationRunConfig,
    /// The model, if there is only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<EvaluatedModelConfig>,
    /// The models, if there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<EvaluatedModelConfig>,
    /// Files of questions that need no dataset file, evaluated after the other datasets. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub custom: Vec<CustomSetConfig>,
    /// Dataset -> Python slice of its rows. Replaces the slice of the dataset file.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub test_range: IndexMap<String, RowRange>,
    /// Groups of datasets with one combined score each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group: Vec<GroupConfig>,
    /// Rows of the table and further groups. Default: every dataset and group with all its metrics.
    #[serde(default, skip_serializing_if = "SummarizerConfig::is_default")]
    pub summarizer: SummarizerConfig,
    /// Models that judge answers, in the order in which dataset files count them. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub judges: Vec<EvaluatedModelConfig>,
    /// Model that retrievers ask for sentence vectors and likelihoods. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retrieval: Option<EvaluatedModelConfig>,
    /// Name in `summary.json` -> `dataset/metric` of the first model.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub flat_summary: IndexMap<String, String>,
}

/// A file of questions without a dataset file, an entry of `[[custom]]`. Its name is the file's stem.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct CustomSetConfig {
    /// A `.jsonl` or `.csv` file with `question`, `answer` and, for multiple choice, `A`, `B` and so on.
    pub path: PathBuf,
    /// Multiple choice (`mcq`) or questions and answers (`qa`). Default: what the columns say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_type: Option<CustomKind>,
    /// How the file is asked: `gen` or `ppl`. Default: `gen`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub infer_method: Option<CustomMethod>,
}

impl Validate for EvaluationConfig {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.run.datasets.is_empty() && self.custom.is_empty() {
            problems.push("run.datasets: found none, expected names; `list-configs` shows them".to_owned());
        }
        let (workers, num_runs, max_rows) = (Some(self.run.workers), self.run.num_runs, self.run.max_rows);
        for (key, value) in [("run.workers", workers), ("run.num-runs", num_runs), ("run.max-rows", max_rows)]
        {
            if value == Some(0) {
                problems.push(format!("{key}: found 0, expected 1 or more"));
            }
        }
        problems.extend(self.run.partitioner.problems());
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
        problems.extend(
            self.models().chain(&self.judges).chain(&self.retrieval).flat_map(EvaluatedModelConfig::problems),
        );
        for (name, place) in &self.flat_summary {
            if !place.contains('/') {
                problems.push(format!("flat-summary.{name}: found `{place}`, expected dataset/metric"));
            }
        }
        problems
    }
}

impl EvaluationConfig {
    /// Reads a run file and checks every value.
    ///
    /// # Errors
    /// [`Error::Config`], which lists all problems at once; for an unknown key it names the nearest known one.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::load_with(path, &[""; 0])
    }

    /// Reads a run file after applying overrides of the form `key.path=value`.
    ///
    /// # Errors
    /// The same as [`EvaluationConfig::load`].
    pub fn load_with(path: impl AsRef<Path>, overrides: &[impl AsRef<str>]) -> Result<Self> {
        let path = path.as_ref();
        let config = Self::load_unchecked(path, overrides)?;
        let problems = config.problems();
        if problems.is_empty() {
            return Ok(config);
        }
        Err(ConfigError::Invalid { path: path.to_path_buf(), problems }.into())
    }

    /// Like [`load_with`](Self::load_with), but without the check of the values: the caller replaces some of them first.
    ///
    /// # Errors
    /// [`Error::Config`] for what is not a run file, or not a key or the kind of value of one.
    pub fn load_unchecked(path: impl AsRef<Path>, overrides: &[impl AsRef<str>]) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).at(path, "read the config").map_err(ConfigError::from)?;
        Ok(internlm_kit::config::parse_unchecked(&text, path, overrides).map_err(|error| match error {
            ConfigError::Parse { path, message } => {
                ConfigError::Parse { path, message: with_nearest(&message) }
            }
            ConfigError::Override { text, message } => {
                ConfigError::Override { text, message: with_nearest(&message) }
            }
            other => other,
        })?)
    }

    /// Replaces the datasets of the run file by `names` and drops what the file says about other datasets.
    ///
    /// # Errors
    /// [`Error::UnknownName`], or a problem of a dataset file.
    pub fn restrict(&mut self, names: &[String]) -> Result<()> {
        let catalog = Catalog::open(&self.run.dataset_dirs)?;
        let of_file = catalog.find(&self.run.datasets)?;
        self.run.datasets = names.to_vec();
        let sets = catalog.find(names)?;
        let custom =
            |name: &str| self.custom.iter().any(|set| set.path.file_stem() == Some(OsStr::new(name)));
        let runs = |name: &str| custom(name) || sets.iter().any(|set| set.name == name);
        // What names no set at all stays, and is refused when the sets are loaded.
        let dropped = |name: &str| of_file.iter().any(|set| set.name == name) && !runs(name);
        self.test_range.retain(|name, _| !dropped(name));
        self.flat_summary.retain(|_, place| runs(place.split('/').next().unwrap_or_default()));
        let mut kept: Vec<String> = Vec::new();
        self.group.retain(|group| {
            let is_kept = |name: &str| kept.iter().any(|group| group == name);
            let whole = group.subsets().iter().all(|member| runs(member.name()) || is_kept(member.name()));
            if whole {
                kept.push(group.name().to_owned());
            }
            whole
        });
        Ok(())
    }

    /// Returns the models in the order of the table's columns.
    pub fn models(&self) -> impl Iterator<Item = &EvaluatedModelConfig> {
        self.model.iter().chain(&self.models)
    }

    /// Returns the settings that inferencers use.
    #[must_use]
    pub fn context(&self) -> InferContext {
        InferContext {
            seed: self.run.seed,
            denominator: self.run.ppl_denominator,
            max_out_len: Some(self.run.max_out_len),
        }
    }

    /// Returns the groups of the run file, then those of its summarizer.
    #[must_use]
    pub fn groups(&self) -> Vec<GroupConfig> {
        self.group.iter().chain(&self.summarizer.group).cloned().collect()
    }

    /// Finds the datasets of the run without reading their rows, with what the run changes about them.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for a name that no dataset has; [`Error::Config`].
    pub fn dataset_configs(&self) -> Result<Vec<DatasetConfig>> {
        let catalog = Catalog::open(&self.run.dataset_dirs)?;
        let mut sets = catalog.find(&self.run.datasets)?;
        for custom in &self.custom {
            sets.push(DatasetConfig::custom(&custom.path, custom.data_type, custom.infer_method)?);
        }
        for (name, range) in &self.test_range {
            let set = sets.iter_mut().find(|set| set.name == *name);
            let set = set.ok_or_else(|| foreign("test-range: dataset", name))?;
            set.split.test_range = Some(range.clone());
        }
        for place in self.flat_summary.values() {
            let name = place.split('/').next().unwrap_or_default();
            if !sets.iter().any(|set| set.name == name) {
                return Err(foreign("flat-summary: dataset", name));
            }
        }
        for set in &mut sets {
            self.change(set)?;
        }
        Ok(sets)
    }

    /// Applies the settings of the run to the settings of a dataset that mean the same.
    fn change(&self, set: &mut DatasetConfig) -> Result<()> {
        let infer = &mut set.infer;
        // What is only measured has one result, and the answers of `attack` are the forms of its prompts.
        if let Some(runs) = self.run.num_runs
            && matches!(infer.mode, Mode::Gen | Mode::Chat | Mode::Agent | Mode::Sc | Mode::Tot)
        {
            infer.n = runs;
        }
        if let Some(rows) = self.run.max_rows {
            let own = set.split.test_range.clone().map_or_else(String::new, String::from);
            // Only slices can follow each other.
            let range = RowRange::parse(&format!("{own}[:{rows}]")).map_err(|_| Error::Value {
                place: format!("run.max-rows: dataset {}", set.name),
                found: format!("the random subset `{own}`"),
                expected: "a range of slices".to_owned(),
            })?;
            set.split.test_range = Some(range);
        }
        Ok(())
    }

    /// Finds the datasets of the run and reads their rows.
    ///
    /// # Errors
    /// Those of [`dataset_configs`](Self::dataset_configs); [`Error::Data`] for a dataset that cannot be loaded,
    /// [`Error::Datasets`] for several.
    pub fn datasets(&self) -> Result<Vec<Dataset>> {
        let (mut sets, mut errors) = (Vec::new(), Vec::new());
        for set in self.dataset_configs()? {
            match Dataset::load(set, &self.run.data_dirs) {
                Ok(set) => sets.push(set),
                // A failing disk says nothing about the other sets.
                Err(error) if !error.is_bad_input() => return Err(error),
                Err(error) => errors.push(error),
            }
        }
        match errors.len() {
            0 => Ok(sets),
            1 => Err(errors.remove(0)),
            count => {
                let mut problems: Vec<String> =
                    errors.iter().take(SHOWN_PROBLEMS).map(ToString::to_string).collect();
                if count > SHOWN_PROBLEMS {
                    problems.push(format!("and {} more", count - SHOWN_PROBLEMS));
                }
                Err(Error::Datasets { count, problems })
            }
        }
    }
}

/// The error for a name that is not one of the run's datasets.
fn foreign(kind: &'static str, name: &str) -> Error {
    Error::UnknownName { kind, name: name.to_owned(), hint: "expected one of the run's datasets".to_owned() }
}

//! The `[run]` table of a run file.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::infer::PplDenominator;
use crate::partition::Partitioner;

/// The `[run]` table: datasets, folders and the course of the run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct EvaluationRunConfig {
    /// Datasets by name, file stem, pattern or path.
    #[serde(default)]
    pub datasets: Vec<String>,
    /// Folder of the run, reused by the next run. Default: a new `work-dir/TIMESTAMP` for every run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// Parent of the folders with timestamps. Default: `outputs/default`, as in upstream.
    #[serde(default = "work_dir")]
    pub work_dir: PathBuf,
    /// File of the item store. Default: `store.jsonl` in the run's folder. Several runs may share a store, one
    /// after the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<PathBuf>,
    /// Folders in which data files are looked for before the current folder. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data_dirs: Vec<PathBuf>,
    /// Folders of dataset files, which add to the embedded ones or replace them by name. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dataset_dirs: Vec<PathBuf>,
    /// Number of open requests per model. Default: 8. Results do not depend on it.
    #[serde(default = "workers")]
    pub workers: usize,
    /// Seed of everything random. Default: 20240326.
    #[serde(default = "seed")]
    pub seed: u64,
    /// Denominator of the perplexity: `n` (all tokens) or `n-1` (tokens with a loss). Default: `n`.
    #[serde(default)]
    pub ppl_denominator: PplDenominator,
    /// What to do with cells that a model cannot answer. Default: `refuse`.
    #[serde(default)]
    pub unsupported: Unsupported,
    /// Maximum number of tokens of an answer where the dataset file has none, at most half of the model's context.
    /// Default: 2048.
    #[serde(default = "max_out_len")]
    pub max_out_len: u32,
    /// Maximum number of rows per dataset: the first ones of those that its range or the run's selects. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_rows: Option<usize>,
    /// Number of answers per question of sets whose answers are written, instead of what the dataset files say. Default:
    /// theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub num_runs: Option<usize>,
    /// Whether results have a verdict per item, which explanations, comparisons and the report need. Default: true.
    #[serde(default = "yes")]
    pub details: bool,
    /// How the run is cut into tasks. Results do not depend on it. Default: one task per model and dataset.
    #[serde(default)]
    pub partitioner: Partitioner,
}

/// What to do with a cell that its model cannot answer, for instance a perplexity without log-probabilities.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unsupported {
    /// Refuse the whole run before anything is asked.
    #[default]
    Refuse,
    /// Evaluate the other cells. The refused cell stays empty and says why.
    Skip,
}

impl Default for EvaluationRunConfig {
    fn default() -> Self {
        Self {
            datasets: Vec::new(),
            folder: None,
            work_dir: work_dir(),
            store: None,
            data_dirs: Vec::new(),
            dataset_dirs: Vec::new(),
            workers: workers(),
            seed: seed(),
            ppl_denominator: PplDenominator::default(),
            unsupported: Unsupported::default(),
            max_out_len: max_out_len(),
            max_rows: None,
            num_runs: None,
            details: yes(),
            partitioner: Partitioner::default(),
        }
    }
}

fn yes() -> bool {
    true
}

fn work_dir() -> PathBuf {
    PathBuf::from("outputs/default")
}

fn workers() -> usize {
    8
}

fn max_out_len() -> u32 {
    2048
}

fn seed() -> u64 {
    20_240_326
}

//! Where checkpoints are, which of them are kept, how a run resumes, and the counters that each of them holds.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use internlm_kit::config::Validate;
use internlm_kit::file::AtPath;
use serde::{Deserialize, Serialize};

use crate::Result;

/// When checkpoints are written and how many of them are kept.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CheckpointConfig {
    /// Steps between two checkpoints, default 50; the last step always writes one. Upstream: `checkpoint_every`, 50.
    #[serde(default = "default_every")]
    pub every: u64,
    /// Number of newest checkpoints that are kept, default 2.
    #[serde(default = "default_keep_last")]
    pub keep_last: usize,
}

fn default_every() -> u64 {
    50
}

fn default_keep_last() -> usize {
    2
}

impl Default for CheckpointConfig {
    fn default() -> Self {
        Self { every: default_every(), keep_last: default_keep_last() }
    }
}

impl CheckpointConfig {
    /// The same, with `every` steps between two checkpoints.
    #[must_use]
    pub fn with_every(self, every: u64) -> Self {
        Self { every, ..self }
    }

    /// The same, with the newest `keep_last` checkpoints kept.
    #[must_use]
    pub fn with_keep_last(self, keep_last: usize) -> Self {
        Self { keep_last, ..self }
    }
}

impl Validate for CheckpointConfig {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.every == 0 {
            problems.push("checkpoint.every: found 0, expected at least 1".to_owned());
        }
        if self.keep_last == 0 {
            problems.push("checkpoint.keep-last: found 0, expected at least 1".to_owned());
        }
        problems
    }
}

/// The counters of a run after `step` steps. Data order and learning rate are pure functions of the step.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Number of steps that are done, skipped ones included.
    pub step: u64,
    /// Number of updates: the t of AdamW's bias corrections.
    pub updates: u64,
    /// Steps skipped because loss or gradients were not finite.
    pub skipped: u64,
    /// Number of skipped steps since the last update.
    pub skipped_in_a_row: u64,
    /// Number of tokens that were trained on, repeated ones included.
    pub tokens: u64,
    /// Model FLOPs of all steps so far.
    pub flops: f64,
    /// Seconds of training, over all sessions of the run.
    pub seconds: f64,
    /// Running mean of the loss: the newest step weighs 1/50, or 1/n in the first 50 steps.
    pub loss: f64,
    /// Identifies data and order, see [`crate::RowSource::fingerprint`].
    pub data: String,
    /// The resolved settings of the run, for the comparison when it resumes.
    pub config: serde_json::Value,
}

/// How a run finds its starting point. On a command line: `auto`, `none`, or a checkpoint folder.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Resume {
    /// Resume from the newest complete checkpoint of the same settings and data; without one, start at step 0.
    #[default]
    Auto,
    /// Start at step 0, whatever the run folder holds.
    None,
    /// Resume from this checkpoint folder, whatever settings it was written with.
    From(PathBuf),
}

impl FromStr for Resume {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "auto" => Self::Auto,
            "none" => Self::None,
            folder => Self::From(PathBuf::from(folder)),
        })
    }
}

/// Path of the checkpoint that is written after `step` steps.
#[must_use]
pub fn step_folder(checkpoints: impl AsRef<Path>, step: u64) -> PathBuf {
    checkpoints.as_ref().join(format!("step-{step}"))
}

/// Step and path of every finished checkpoint in `checkpoints`, newest first; empty when the folder does not exist.
///
/// # Errors
/// A folder that cannot be listed.
pub fn list(checkpoints: impl AsRef<Path>) -> Result<Vec<(u64, PathBuf)>> {
    let checkpoints = checkpoints.as_ref();
    if !checkpoints.exists() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(checkpoints).at(checkpoints, "list")? {
        let path = entry.at(checkpoints, "list")?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if let Some(step) = name.strip_prefix("step-").and_then(|step| step.parse().ok()) {
            found.push((step, path));
        }
    }
    found.sort_by(|a, b| b.cmp(a));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfinished_folders_are_not_listed() {
        let folder = tempfile::tempdir().expect("temporary folder");
        for name in ["step-9", "step-10", "step-11.tmp", "other"] {
            fs::create_dir(folder.path().join(name)).expect("creates");
        }
        let steps: Vec<u64> = list(folder.path()).expect("lists").into_iter().map(|(step, _)| step).collect();
        assert_eq!(steps, [10, 9]);
        assert!(list(folder.path().join("absent")).expect("absent is empty").is_empty());
    }
}

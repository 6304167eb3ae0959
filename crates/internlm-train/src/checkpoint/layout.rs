//! Where checkpoints lie, which ones are kept, and how a run resumes.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use internlm_kit::config::Validate;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// When checkpoints are written and which stay.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CheckpointConfig {
    /// Steps between checkpoints, default 50; the last step always has one. Upstream: `checkpoint_every`, 50.
    #[serde(default = "default_every")]
    pub every: u64,
    /// Newest checkpoints that stay, default 2.
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

/// How a run finds its starting point.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Resume {
    /// The newest complete checkpoint of the same settings and data; from the start when there is none.
    #[default]
    Auto,
    /// From the start.
    None,
    /// This checkpoint, whatever settings it was written with.
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

/// The folder of the checkpoint after `step` steps.
#[must_use]
pub fn step_folder(checkpoints: &Path, step: u64) -> PathBuf {
    checkpoints.join(format!("step-{step}"))
}

/// The finished checkpoints below `checkpoints`, newest first. A folder that does not exist holds none.
///
/// # Errors
/// A folder that cannot be listed.
pub fn list(checkpoints: &Path) -> Result<Vec<(u64, PathBuf)>> {
    if !checkpoints.exists() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(checkpoints).map_err(Error::io(checkpoints, "list"))? {
        let path = entry.map_err(Error::io(checkpoints, "list"))?.path();
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
        assert!(list(&folder.path().join("absent")).expect("absent is empty").is_empty());
    }
}

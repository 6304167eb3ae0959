//! `metrics.jsonl`: one JSON object per step and per validation, whole after a kill at any moment.

use std::path::Path;

use internlm_kit::config::Validate;
use internlm_kit::file;
use internlm_kit::journal::{Durability, Journal};
use internlm_kit::summary::number;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Result;

/// Logging, validation, and the limit on steps whose loss or gradient is not finite.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MonitorConfig {
    /// Number of steps between log lines, default 10; `metrics.jsonl` has every step.
    #[serde(default = "default_log_every")]
    pub log_every: u64,
    /// Number of steps between validations, default 0: only after the last step. Upstream: `valid_every`, 0.
    #[serde(default)]
    pub valid_every: u64,
    /// Number of consecutive skipped steps that end the run, default 10.
    #[serde(default = "default_max_skipped")]
    pub max_skipped: u64,
}

fn default_log_every() -> u64 {
    10
}

fn default_max_skipped() -> u64 {
    10
}

impl Default for MonitorConfig {
    fn default() -> Self {
        Self { log_every: default_log_every(), valid_every: 0, max_skipped: default_max_skipped() }
    }
}

impl Validate for MonitorConfig {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.log_every == 0 {
            problems.push("monitor.log-every: found 0, expected at least 1".to_owned());
        }
        if self.max_skipped == 0 {
            problems.push("monitor.max-skipped: found 0, expected at least 1".to_owned());
        }
        problems
    }
}

/// An append-only log of JSON lines that only one process writes at a time.
#[derive(Debug)]
pub struct MetricsLog(Journal);

impl MetricsLog {
    /// Checks that no other process is writing the log at `path`.
    ///
    /// # Errors
    /// Another process that is, and a folder that cannot be created.
    fn check_free(path: &Path) -> Result<()> {
        drop(Journal::open::<IgnoredAny>(path, Durability::Process)?);
        Ok(())
    }

    /// Opens the log of a run that resumes after `step` steps: rows of later steps, and the torn last line of a
    /// killed run, are removed.
    ///
    /// # Errors
    /// A file that cannot be read or written, or that another process is writing.
    pub fn open(path: impl AsRef<Path>, step: u64) -> Result<Self> {
        let path = path.as_ref();
        Self::check_free(path)?;
        let kept: String = file::read_to_string(path)?
            .lines()
            .filter(|line| {
                let row = serde_json::from_str::<Value>(line).ok();
                row.and_then(|row| row.get("step")?.as_u64()).is_some_and(|found| found <= step)
            })
            .flat_map(|line| [line, "\n"])
            .collect();
        file::write(path, kept)?;
        Ok(Self(Journal::open::<IgnoredAny>(path, Durability::Process)?.journal))
    }

    /// Appends one row. A number that is not finite becomes `null`.
    ///
    /// # Errors
    /// A full disk, or a folder that has been removed.
    pub fn push(&mut self, row: &[(&str, f64)]) -> Result<()> {
        let row: Map<String, Value> =
            row.iter().map(|(key, value)| ((*key).to_owned(), number(*value))).collect();
        Ok(self.0.append(&row)?)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use internlm_kit::exit::BadInput;

    use super::*;

    #[test]
    fn reopening_drops_later_rows_and_half_lines() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("metrics.jsonl");
        let mut log = MetricsLog::open(&path, 0).expect("opens");
        for step in 1..=3 {
            log.push(&[("step", f64::from(step)), ("loss", 0.5)]).expect("appends");
        }
        drop(log);
        let mut text = fs::read_to_string(&path).expect("reads");
        text.push_str("{\"step\":2,\"lo");
        fs::write(&path, text).expect("writes");
        drop(MetricsLog::open(&path, 2).expect("reopens"));
        let text = fs::read_to_string(&path).expect("reads");
        assert_eq!(text, "{\"step\":1,\"loss\":0.5}\n{\"step\":2,\"loss\":0.5}\n");
    }

    #[test]
    fn whole_numbers_stay_whole_and_nan_becomes_null() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("metrics.jsonl");
        let mut log = MetricsLog::open(&path, 0).expect("opens");
        log.push(&[("step", 3.0), ("loss", f64::NAN), ("lr", 1e-3)]).expect("appends");
        let text = fs::read_to_string(&path).expect("reads");
        assert_eq!(text, "{\"step\":3,\"loss\":null,\"lr\":0.001}\n");
    }

    #[test]
    fn a_second_run_into_the_same_folder_is_refused_and_loses_nothing() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("metrics.jsonl");
        let mut log = MetricsLog::open(&path, 0).expect("opens");
        log.push(&[("step", 1.0)]).expect("appends");
        let error = MetricsLog::open(&path, 0).expect_err("the first run is still writing");
        assert!(error.is_bad_input(), "{error}");
        log.push(&[("step", 2.0)]).expect("appends");
        assert_eq!(fs::read_to_string(&path).expect("reads"), "{\"step\":1}\n{\"step\":2}\n");
    }
}

//! `metrics.jsonl`: one JSON object per step and per validation, consistent after any kill.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use internlm_kit::atomic;
use internlm_kit::config::Validate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Error, Result};

/// Logging, validation, and the guard against numbers that are not finite.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MonitorConfig {
    /// Steps between log lines, default 10; `metrics.jsonl` has every step.
    #[serde(default = "default_log_every")]
    pub log_every: u64,
    /// Steps between validations, default 0: only after the last step. Upstream: `valid_every`, 0.
    #[serde(default)]
    pub valid_every: u64,
    /// Skipped steps in a row that end the run, default 10.
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

/// An append-only log of JSON lines.
#[derive(Debug)]
pub struct MetricsLog {
    path: PathBuf,
    writer: BufWriter<File>,
}

impl MetricsLog {
    /// Opens the log of a run that continues after `step` steps: rows of later steps, and a half last line of
    /// a killed run, are removed.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub fn open(path: &Path, step: u64) -> Result<Self> {
        let old = fs::read_to_string(path).unwrap_or_default();
        let kept: String = old
            .lines()
            .filter(|line| {
                let row = serde_json::from_str::<Value>(line).ok();
                row.and_then(|row| row.get("step")?.as_u64()).is_some_and(|found| found <= step)
            })
            .flat_map(|line| [line, "\n"])
            .collect();
        atomic::write(path, kept.as_bytes()).map_err(Error::io(path, "write"))?;
        let file = File::options().append(true).open(path).map_err(Error::io(path, "append to"))?;
        Ok(Self { path: path.to_path_buf(), writer: BufWriter::new(file) })
    }

    /// Appends one row. A number that is not finite becomes `null`.
    ///
    /// # Errors
    /// A full disk and the like.
    pub fn push(&mut self, row: &[(&str, f64)]) -> Result<()> {
        let row: Map<String, Value> =
            row.iter().map(|(key, value)| ((*key).to_owned(), number(*value))).collect();
        writeln!(self.writer, "{}", Value::Object(row))
            .and_then(|()| self.writer.flush())
            .map_err(Error::io(&self.path, "append to"))
    }
}

/// Whole numbers stay whole: `step` is 3, not 3.0.
pub(crate) fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 1e15 { Value::from(value as i64) } else { Value::from(value) }
}

/// `value` with `digits` significant decimal digits: what a person wants to read.
#[must_use]
pub fn significant(value: f64, digits: usize) -> f64 {
    format!("{value:.*e}", digits.saturating_sub(1)).parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
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
    fn significant_rounds_to_digits() {
        assert_eq!((significant(1234.567, 3), significant(0.012_345, 2)), (1230.0, 0.012));
    }
}

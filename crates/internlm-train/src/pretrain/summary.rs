//! The numbers of `summary.json`: what a person wants to know about a finished pre-training run.

use std::path::Path;

use internlm_kit::file;
use internlm_kit::summary::{Summary, significant};
use serde_json::Value;

use crate::{Error, Result, RunReport, Trainer};

/// Baselines that the data stage computed on the same held-out text.
const BASELINES: [&str; 2] = ["unigram_bits_per_byte", "gzip_bits_per_byte"];

/// The numbers of a finished run; `data` is the `summary.json` of the data stage.
///
/// # Errors
/// A `data` file that is configured and cannot be read.
pub(super) fn summary(trainer: &Trainer, report: &RunReport, data: Option<&Path>) -> Result<Summary> {
    let state = trainer.state();
    let parameters: usize = trainer.parameters().iter().map(|info| info.elements()).sum();
    let mut summary = Summary::from_iter([
        ("parameters", parameters as f64),
        ("steps", state.step as f64),
        ("tokens", state.tokens as f64),
        ("tokens_per_second", (state.tokens as f64 / state.seconds).round()),
        ("mfu", significant(state.flops / state.seconds / report.peak, 2)),
        ("train_loss", significant(state.loss, 4)),
    ]);
    summary.extend(report.validation.iter().map(|(name, value)| (name.clone(), significant(*value, 4))));
    if let Some(path) = data {
        summary.extend(baselines(path)?);
    }
    if state.skipped > 0 {
        summary.push("skipped_steps", state.skipped as f64);
    }
    summary.push("seconds", state.seconds.round());
    Ok(summary)
}

fn baselines(path: &Path) -> Result<Vec<(&'static str, f64)>> {
    let summary: Value = serde_json::from_slice(&file::read(path)?)
        .map_err(|error| Error::mismatch(path.display().to_string(), error.to_string(), "a JSON object"))?;
    Ok(BASELINES.into_iter().filter_map(|name| Some((name, summary.get(name)?.as_f64()?))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn baselines_are_taken_over_in_order_and_other_numbers_are_not() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("summary.json");
        file::write(&path, r#"{"gzip_bits_per_byte": 2.5, "pages": 3, "unigram_bits_per_byte": 3.0}"#)
            .expect("writes");
        let found = baselines(&path).expect("reads");
        assert_eq!(found, [("unigram_bits_per_byte", 3.0), ("gzip_bits_per_byte", 2.5)]);
        file::write(&path, "[").expect("writes");
        let text = baselines(&path).expect_err("not JSON").to_string();
        assert!(text.contains("summary.json") && text.contains("a JSON object"), "{text}");
    }
}

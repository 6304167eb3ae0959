//! `summary.json`: the few numbers of a run that a person wants.

use std::fs;
use std::path::Path;

use internlm_kit::atomic;
use serde_json::{Map, Value};

use crate::metrics::{number, significant};
use crate::{Error, Result, RunReport, Trainer};

/// Flat metric names and values, in the order they are shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary(Vec<(String, f64)>);

/// Baselines that the data stage computed on the same held-out text.
const BASELINES: [&str; 2] = ["unigram_bits_per_byte", "gzip_bits_per_byte"];

impl Summary {
    /// The numbers of a finished run; `data` is the `summary.json` of the data stage.
    ///
    /// # Errors
    /// A `data` file that is configured and cannot be read.
    pub fn of(trainer: &Trainer, report: &RunReport, data: Option<&Path>) -> Result<Self> {
        let state = trainer.state();
        let parameters: usize = trainer.parameters().iter().map(|info| info.elements()).sum();
        let rate = state.tokens as f64 / state.seconds;
        let mut rows = vec![
            ("parameters".to_owned(), parameters as f64),
            ("steps".to_owned(), state.step as f64),
            ("tokens".to_owned(), state.tokens as f64),
            ("tokens_per_second".to_owned(), rate.round()),
            ("mfu".to_owned(), significant(state.flops / state.seconds / report.peak, 2)),
            ("train_loss".to_owned(), significant(state.loss, 4)),
        ];
        rows.extend(report.validation.iter().map(|(name, value)| (name.clone(), significant(*value, 4))));
        if let Some(path) = data {
            rows.extend(baselines(path)?);
        }
        if state.skipped > 0 {
            rows.push(("skipped_steps".to_owned(), state.skipped as f64));
        }
        rows.push(("seconds".to_owned(), state.seconds.round()));
        Ok(Self(rows))
    }

    /// Metric names and values, in order.
    #[must_use]
    pub fn rows(&self) -> &[(String, f64)] {
        &self.0
    }

    /// Writes the flat JSON object.
    ///
    /// # Errors
    /// Any error of writing.
    pub fn write(&self, path: &Path) -> Result<()> {
        let object: Map<String, Value> =
            self.0.iter().map(|(name, value)| (name.clone(), number(*value))).collect();
        let text = format!("{:#}\n", Value::Object(object));
        atomic::write(path, text.as_bytes()).map_err(Error::io(path, "write"))
    }
}

fn baselines(path: &Path) -> Result<Vec<(String, f64)>> {
    let bytes = fs::read(path).map_err(Error::io(path, "read"))?;
    let summary: Value = serde_json::from_slice(&bytes)
        .map_err(|error| Error::mismatch(path.display().to_string(), error.to_string(), "a JSON object"))?;
    let found = BASELINES.iter().filter_map(|name| Some(((*name).to_owned(), summary.get(name)?.as_f64()?)));
    Ok(found.collect())
}

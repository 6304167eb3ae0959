//! `summary.json`: the few numbers of a run that a person wants.

use std::fs;
use std::path::Path;

use internlm_kit::atomic;
use internlm_train::metrics::significant;
use internlm_train::{RunReport, Trainer};
use serde_json::{Map, Value};

use crate::{Error, Result};

/// Flat metric names and values, in the order they are shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary(Vec<(String, f64)>);

impl Summary {
    /// The numbers of a finished run of a model with `parameters` parameters.
    #[must_use]
    pub fn of(trainer: &Trainer, report: &RunReport, parameters: usize) -> Self {
        let state = trainer.state();
        let trained: usize = trainer.parameters().iter().map(|info| info.elements()).sum();
        let mut rows = vec![
            ("parameters".to_owned(), parameters as f64),
            ("trained_parameters".to_owned(), trained as f64),
            ("steps".to_owned(), state.step as f64),
            ("tokens".to_owned(), state.tokens as f64),
            ("tokens_per_second".to_owned(), (state.tokens as f64 / state.seconds).round()),
            ("train_loss".to_owned(), significant(state.loss, 3)),
        ];
        rows.extend(report.validation.iter().map(|(name, value)| (name.clone(), significant(*value, 3))));
        rows.push(("seconds".to_owned(), state.seconds.round()));
        Self(rows)
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
        write_object(path, &self.object())
    }

    /// Adds or replaces these numbers in the summary at `path`, which other verbs wrote before.
    ///
    /// # Errors
    /// A file that is no JSON object, and any error of writing.
    pub fn merge_into(&self, path: &Path) -> Result<()> {
        let mut object: Map<String, Value> = match fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                Error::mismatch(path.display().to_string(), error.to_string(), "a JSON object")
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Map::new(),
            Err(error) => return Err(Error::io(path, "read")(error)),
        };
        object.extend(self.object());
        write_object(path, &object)
    }

    fn object(&self) -> Map<String, Value> {
        self.0.iter().map(|(name, value)| (name.clone(), number(*value))).collect()
    }
}

impl FromIterator<(String, f64)> for Summary {
    fn from_iter<T: IntoIterator<Item = (String, f64)>>(rows: T) -> Self {
        Self(rows.into_iter().collect())
    }
}

/// Whole numbers stay whole: `steps` is 300, not 300.0.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 1e15 { Value::from(value as i64) } else { Value::from(value) }
}

fn write_object(path: &Path, object: &Map<String, Value>) -> Result<()> {
    let text = format!("{:#}\n", Value::Object(object.clone()));
    atomic::write(path, text.as_bytes()).map_err(Error::io(path, "write"))
}

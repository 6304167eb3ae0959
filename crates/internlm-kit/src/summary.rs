//! [`Summary`]: `summary.json`, the few numbers of a run that a person wants.

use std::path::Path;

use serde_json::{Map, Value};

use crate::file::{self, FileError};

/// Flat metric names and values, in the order they are shown.
///
/// ```
/// use internlm_kit::summary::Summary;
///
/// let mut summary = Summary::default();
/// summary.push("steps", 300.0);
/// summary.push("loss", 2.5);
/// let folder = tempfile::tempdir()?;
/// summary.write(folder.path().join("summary.json"))?;
/// let text = std::fs::read_to_string(folder.path().join("summary.json"))?;
/// assert_eq!(text, "{\n  \"steps\": 300,\n  \"loss\": 2.5\n}\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary(Vec<(String, f64)>);

impl Summary {
    /// Adds one number at the end.
    pub fn push(&mut self, name: impl Into<String>, value: f64) {
        self.0.push((name.into(), value));
    }

    /// Metric names and values, in order.
    #[must_use]
    pub fn rows(&self) -> &[(String, f64)] {
        &self.0
    }

    /// Writes the numbers as one flat JSON object.
    ///
    /// # Errors
    /// [`FileError`] naming `path`.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), FileError> {
        write_object(path.as_ref(), self.object())
    }

    /// Adds or replaces these numbers in the summary at `path`, which other verbs of the same run wrote before.
    ///
    /// # Errors
    /// [`FileError`]: the file is not a JSON object, or cannot be read or written.
    pub fn merge_into(&self, path: impl AsRef<Path>) -> Result<(), FileError> {
        let path = path.as_ref();
        let mut object: Map<String, Value> = match file::read(path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map_err(|error| FileError::new(path, "read", error.into()))?
            }
            Err(error) if error.source.kind() == std::io::ErrorKind::NotFound => Map::new(),
            Err(error) => return Err(error),
        };
        object.extend(self.object());
        write_object(path, object)
    }

    fn object(&self) -> Map<String, Value> {
        self.0.iter().map(|(name, value)| (name.clone(), number(*value))).collect()
    }
}

impl<N: Into<String>> FromIterator<(N, f64)> for Summary {
    fn from_iter<T: IntoIterator<Item = (N, f64)>>(rows: T) -> Self {
        Self(rows.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }
}

impl<N: Into<String>> Extend<(N, f64)> for Summary {
    fn extend<T: IntoIterator<Item = (N, f64)>>(&mut self, rows: T) {
        self.0.extend(rows.into_iter().map(|(name, value)| (name.into(), value)));
    }
}

fn write_object(path: &Path, object: Map<String, Value>) -> Result<(), FileError> {
    file::write(path, format!("{:#}\n", Value::Object(object)))
}

/// `value` in JSON: whole numbers stay whole (`3`, not `3.0`), and what is not finite becomes `null`.
#[must_use]
pub fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 1e15 { Value::from(value as i64) } else { Value::from(value) }
}

/// `value` with `digits` significant decimal digits: what a person wants to read.
///
/// ```
/// assert_eq!(internlm_kit::summary::significant(1234.567, 3), 1230.0);
/// assert_eq!(internlm_kit::summary::significant(0.012_345, 2), 0.012);
/// ```
#[must_use]
pub fn significant(value: f64, digits: usize) -> f64 {
    format!("{value:.*e}", digits.saturating_sub(1)).parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_keeps_what_other_verbs_wrote() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("summary.json");
        Summary::from_iter([("a", 1.0), ("b", 2.0)]).merge_into(&path).expect("no file yet");
        Summary::from_iter([("b", 0.5), ("c", f64::NAN)]).merge_into(&path).expect("merges");
        let text = std::fs::read_to_string(&path).expect("reads");
        assert_eq!(text, "{\n  \"a\": 1,\n  \"b\": 0.5,\n  \"c\": null\n}\n");
    }

    #[test]
    fn a_list_is_not_a_summary() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("summary.json");
        std::fs::write(&path, "[]").expect("writes");
        let error = Summary::default().merge_into(&path).expect_err("not an object").to_string();
        assert!(error.contains("summary.json: cannot read"), "{error}");
    }
}

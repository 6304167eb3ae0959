//! [`Column`]: a number of `metrics.jsonl` over the steps.

use std::path::Path;

use internlm_kit::file;
use serde_json::{Map, Value};

use crate::{Error, Result};

/// One number over the steps at which it was measured.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    pub(super) name: String,
    /// Step and value, in the order of the file; values that are not finite are left out.
    pub(super) points: Vec<(f64, f64)>,
}

/// Reads the columns of the file at `path`, in the order of their first appearance. A last line without an end, which a
/// killed run leaves, is left out.
///
/// # Errors
/// A file that cannot be read, and a line that is not a JSON object with a step.
pub(super) fn columns(path: &Path) -> Result<Vec<Column>> {
    let text = file::read_to_string(path)?;
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let mut columns: Vec<Column> = Vec::new();
    for (index, line) in whole.lines().enumerate() {
        let malformed = |found: String| Error::Line {
            path: path.to_path_buf(),
            line: index + 1,
            found,
            expected: "a JSON object with `step`".to_owned(),
        };
        let row: Map<String, Value> =
            serde_json::from_str(line).map_err(|error| malformed(error.to_string()))?;
        let step = row.get("step").and_then(Value::as_f64);
        let step = step.ok_or_else(|| malformed("an object without `step`".to_owned()))?;
        for (name, value) in row.iter().filter(|(name, _)| *name != "step") {
            let Some(value) = value.as_f64() else { continue };
            match columns.iter_mut().find(|column| column.name == *name) {
                Some(column) => column.points.push((step, value)),
                None => columns.push(Column { name: name.clone(), points: vec![(step, value)] }),
            }
        }
    }
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_the_steps_at_which_they_were_measured() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("metrics.jsonl");
        let text = "{\"step\":1,\"loss\":2.0,\"kl\":null}\n{\"step\":2,\"loss\":1.5}\n\
                    {\"step\":2,\"valid_loss\":1.75}\n{\"step\":3,\"lo";
        std::fs::write(&path, text).expect("writes");
        let column =
            |name: &str, points: &[(f64, f64)]| Column { name: name.to_owned(), points: points.to_vec() };
        let expected = [column("loss", &[(1.0, 2.0), (2.0, 1.5)]), column("valid_loss", &[(2.0, 1.75)])];
        assert_eq!(columns(&path).expect("reads"), expected);
        std::fs::write(&path, "{\"loss\":1}\n").expect("writes");
        let refused = columns(&path).expect_err("no step").to_string();
        assert!(refused.contains("metrics.jsonl: line 1: found an object without `step`"), "{refused}");
    }
}

//! Why a number is what it is: prompt -> output -> extraction -> score of items, from a run's files.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{Error, Result};

/// How many wrong items a cell's explanation shows.
const SHOWN: usize = 3;

/// Explains a cell, or one of its items.
///
/// # Errors
/// [`Error::UnknownName`] when the run has no such cell or item, [`Error::File`].
pub fn why(folder: &Path, model: &str, dataset: &str, item: Option<usize>) -> Result<String> {
    let result = read(folder, "results", model, dataset)?;
    if let Some(reason) = result["error"].as_str() {
        return Ok(format!("{model} x {dataset}: no score, because {reason}\n"));
    }
    let predictions = read(folder, "predictions", model, dataset)?;
    let details = result["details"].as_object();
    let mut text = format!("{model} x {dataset}:");
    for (metric, value) in result.as_object().into_iter().flatten().filter(|(metric, _)| *metric != "details")
    {
        write!(text, " {metric} {value}").expect("a String takes every write");
    }
    text.push('\n');
    let keys: Vec<String> = match item {
        Some(item) => vec![item.to_string()],
        None => {
            let wrong = details.into_iter().flatten().filter(|(_, detail)| detail["correct"] != true);
            wrong.map(|(key, _)| key.clone()).take(SHOWN).collect()
        }
    };
    for key in keys {
        let prediction = predictions.get(&key).ok_or_else(|| Error::UnknownName {
            kind: "item",
            name: key.clone(),
            hint: format!("the set has {} items", predictions.as_object().map_or(0, serde_json::Map::len)),
        })?;
        explain(&mut text, &key, prediction, &result["details"][&key]);
    }
    Ok(text)
}

fn explain(text: &mut String, key: &str, prediction: &Value, detail: &Value) {
    writeln!(text, "\nitem {key}").expect("a String takes every write");
    for (name, value) in prediction.as_object().into_iter().flatten() {
        line(text, name, value);
    }
    line(text, "extracted", &detail["pred"]);
    line(text, "expected", &detail["answer"]);
    for name in ["correct", "score", "reason"] {
        if let Some(value) = detail.get(name) {
            line(text, name, value);
        }
    }
}

fn line(text: &mut String, name: &str, value: &Value) {
    let shown = match value {
        Value::String(string) => string.clone(),
        other => other.to_string(),
    };
    writeln!(text, "  {name}: {}", shown.replace('\n', "\n    ")).expect("a String takes every write");
}

fn read(folder: &Path, kind: &str, model: &str, dataset: &str) -> Result<Value> {
    let path = folder.join(kind).join(model).join(format!("{dataset}.json"));
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let hint = format!("expected {}", path.display());
            return Err(Error::UnknownName { kind: "cell", name: format!("{model} x {dataset}"), hint });
        }
        Err(source) => return Err(Error::File { path, source }),
    };
    serde_json::from_str(&text)
        .map_err(|error| Error::Store { path, message: format!("no JSON of a run: {error}") })
}

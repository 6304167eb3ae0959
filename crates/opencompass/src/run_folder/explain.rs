//! Explains a number: shows the chain prompt -> output -> extraction -> score from the files of a run.

use std::fmt::Write;

use serde_json::Value;

use super::RunFolder;
use crate::{Error, Result};

/// Number of wrong items that the explanation of a cell shows.
const SHOWN: usize = 3;

impl RunFolder {
    /// Explains one item of a cell, or its first wrong items. A cell without a score gets the reason.
    ///
    /// # Errors
    /// [`Error::UnknownName`] when the run has no such cell or item; [`Error::File`].
    pub fn explain(&self, model: &str, dataset: &str, item: Option<usize>) -> Result<String> {
        let result = self.read("results", model, dataset)?;
        if let Some(reason) = result["error"].as_str() {
            return Ok(format!("{model} x {dataset}: no score, because {reason}\n"));
        }
        let predictions = self.read("predictions", model, dataset)?;
        let details = result["details"].as_object();
        let mut text = format!("{model} x {dataset}:");
        let metrics = result.as_object().into_iter().flatten();
        for (metric, value) in metrics.filter(|(metric, _)| *metric != "details") {
            write!(text, " {metric} {value}").expect("writing to a String does not fail");
        }
        text.push('\n');
        let other = self.read_if_present("readings", model, dataset)?.unwrap_or_default();
        if let Some(result) = other.get("result") {
            let (reading, items) =
                (&other["reading"], other["items"].as_object().map_or(0, serde_json::Map::len));
            let reading = reading.as_str().unwrap_or_default();
            writeln!(text, "reading `{reading}`: {result}, differs on {items} items")
                .expect("writing to a String does not fail");
        }
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
                hint: format!(
                    "the set has {} items",
                    predictions.as_object().map_or(0, serde_json::Map::len)
                ),
            })?;
            chain(&mut text, &key, prediction, &result["details"][&key]);
            if let Some(item) = other["items"].get(&key) {
                line(&mut text, "extracted in the other reading", &item["other"]["pred"]);
                line(&mut text, "correct in the other reading", &item["other"]["correct"]);
            }
        }
        Ok(text)
    }
}

/// Appends the chain of one item.
fn chain(text: &mut String, key: &str, prediction: &Value, detail: &Value) {
    writeln!(text, "\nitem {key}").expect("writing to a String does not fail");
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
    writeln!(text, "  {name}: {}", shown.replace('\n', "\n    ")).expect("writing to a String does not fail");
}

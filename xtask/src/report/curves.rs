//! Curves of a training-like stage from its `metrics.jsonl`: loss, learning rate, tokens per second.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::plot::{self, Series};

/// The section, empty when the stage has not run.
pub(super) fn section(title: &str, metrics: &Path) -> Result<String> {
    let Ok(text) = std::fs::read_to_string(metrics) else { return Ok(String::new()) };
    let rows = text
        .lines()
        .enumerate()
        .map(|(index, line)| {
            serde_json::from_str(line)
                .with_context(|| format!("{}: line {}: not JSON", metrics.display(), index + 1))
        })
        .collect::<Result<Vec<Value>>>()?;
    let series =
        |key: &str, name: &str, color| Series { name: name.to_owned(), points: points(&rows, key), color };
    let losses: Vec<Series> = [series("loss", "train", 0), series("valid_loss", "held-out", 1)]
        .into_iter()
        .filter(|line| !line.points.is_empty())
        .collect();
    let mut html = format!("<h2>{title}</h2>\n");
    html += &plot::lines("Loss", "step", "nats per token", &losses)?;
    html += &plot::lines("Learning rate", "step", "learning rate", &[series("lr", "learning rate", 2)])?;
    html += &plot::lines("Speed", "step", "tokens per second", &[series("tokens_per_second", "speed", 3)])?;
    Ok(html)
}

/// `(step, row[key])` of the rows that have the key.
fn points(rows: &[Value], key: &str) -> Vec<(f64, f64)> {
    rows.iter().filter_map(|row| Some((row.get("step")?.as_f64()?, row.get(key)?.as_f64()?))).collect()
}

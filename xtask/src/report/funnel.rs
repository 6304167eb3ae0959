//! The retention funnel of the data stage, from its `funnel.json`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::page::escape;
use crate::plot;

/// How many reasons of a stage the table names.
const REASONS: usize = 4;

#[derive(Debug, Deserialize)]
struct Funnel {
    stages: Vec<FunnelStage>,
}

#[derive(Debug, Deserialize)]
struct FunnelStage {
    stage: String,
    input: Count,
    kept: Count,
    dropped: BTreeMap<String, Count>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Count {
    documents: u64,
    bytes: u64,
}

/// The section, empty when the stage has not run.
pub(super) fn section(path: &Path) -> Result<String> {
    let Ok(bytes) = std::fs::read(path) else { return Ok(String::new()) };
    let funnel: Funnel = serde_json::from_slice(&bytes)
        .with_context(|| format!("{}: not the funnel this report knows", path.display()))?;
    let total = funnel.stages.first().map_or(1, |stage| stage.input.documents.max(1));
    let note = |count: Count| {
        let share = 100.0 * count.documents as f64 / total as f64;
        format!("{} ({share:.1} %), {:.1} MB", number(count.documents), count.bytes as f64 / 1e6)
    };
    let mut bars = Vec::new();
    if let Some(first) = funnel.stages.first() {
        bars.push(("pages in".to_owned(), first.input.documents as f64, note(first.input)));
    }
    for stage in &funnel.stages {
        bars.push((stage.stage.clone(), stage.kept.documents as f64, note(stage.kept)));
    }
    let mut html = "<h2>Data: retention funnel</h2>\n".to_owned();
    html += &plot::bars("Documents left after each stage", &bars)?;
    html += "<table><tr><th>stage</th><th>in</th><th>kept</th><th>dropped</th><th>most frequent reasons</th></tr>";
    for stage in &funnel.stages {
        html += &format!(
            "<tr><td>{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td>\
             <td class=\"number\">{}</td><td>{}</td></tr>",
            escape(&stage.stage),
            number(stage.input.documents),
            number(stage.kept.documents),
            number(stage.input.documents - stage.kept.documents),
            escape(&reasons(&stage.dropped))
        );
    }
    Ok(html + "</table>\n")
}

/// With separators between thousands.
fn number(count: u64) -> String {
    crate::pipeline::display(&count.into())
}

/// The most frequent reasons with their counts.
fn reasons(dropped: &BTreeMap<String, Count>) -> String {
    let mut reasons: Vec<(&String, u64)> =
        dropped.iter().map(|(reason, count)| (reason, count.documents)).collect();
    reasons.sort_by_key(|(reason, count)| (std::cmp::Reverse(*count), *reason));
    let rest: u64 = reasons.iter().skip(REASONS).map(|reason| reason.1).sum();
    let mut parts: Vec<String> =
        reasons.iter().take(REASONS).map(|(reason, count)| format!("{reason} {}", number(*count))).collect();
    if rest > 0 {
        parts.push(format!("other {}", number(rest)));
    }
    parts.join(", ")
}

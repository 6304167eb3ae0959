//! The retention funnel of the data stage, from its `funnel.json`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::html::escape;
use crate::numbers::display;
use crate::plot::{self, Bar};

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
    let bar = |label: &str, count: Count| {
        let share = 100.0 * count.documents as f64 / total as f64;
        let note = format!("{} ({share:.1} %), {:.1} MB", number(count.documents), count.bytes as f64 / 1e6);
        Bar { label: label.to_owned(), value: count.documents as f64, note }
    };
    let mut bars = Vec::new();
    if let Some(first) = funnel.stages.first() {
        bars.push(bar("pages in", first.input));
    }
    for stage in &funnel.stages {
        bars.push(bar(&stage.stage, stage.kept));
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
    display(&count.into())
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

#[cfg(test)]
mod tests {
    use super::*;

    const FUNNEL: &str = r#"{"stages": [
        {"stage": "extract", "input": {"documents": 2000, "bytes": 9000000}, "kept": {"documents": 1500, "bytes": 4000000},
         "dropped": {"empty": {"documents": 500, "bytes": 5000000}}},
        {"stage": "a<b", "input": {"documents": 1500, "bytes": 4000000}, "kept": {"documents": 500, "bytes": 1000000},
         "dropped": {"r1": {"documents": 1, "bytes": 0}, "r2": {"documents": 400, "bytes": 0}, "r3": {"documents": 400, "bytes": 0},
                     "r4": {"documents": 150, "bytes": 0}, "r5": {"documents": 49, "bytes": 0}}}]}"#;

    fn section_of(text: &str) -> Result<String> {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("funnel.json");
        std::fs::write(&path, text).expect("writes");
        section(&path)
    }

    #[test]
    fn shares_are_of_the_pages_that_came_in() {
        let html = section_of(FUNNEL).expect("draws");
        assert!(html.contains("1,500 (75.0 %), 4.0 MB") && html.contains("500 (25.0 %), 1.0 MB"), "{html}");
        assert!(html.contains("a&lt;b") && !html.contains("a<b</td>"));
    }

    #[test]
    fn the_most_frequent_reasons_come_first_and_the_rest_is_summed() {
        let html = section_of(FUNNEL).expect("draws");
        assert!(html.contains("<td>r2 400, r3 400, r4 150, r5 49, other 1</td>"), "{html}");
        assert!(html.contains("<td>empty 500</td>"));
    }

    #[test]
    fn a_stage_that_has_not_run_has_no_section_and_other_json_is_an_error() {
        assert_eq!(section(Path::new("/nowhere/funnel.json")).expect("nothing to show"), "");
        assert!(section_of("{}").expect_err("another file").to_string().contains("funnel.json"));
        assert!(section_of(r#"{"stages": []}"#).expect("draws").contains("<table>"));
    }
}

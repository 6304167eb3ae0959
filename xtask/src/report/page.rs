//! The page: headline numbers, then one section per part of the chain.

use std::path::Path;

use anyhow::Result;
use serde_json::{Map, Value};

use super::html::escape;
use super::{curves, funnel, transcripts};
use crate::numbers::{Row, display};

const STYLE: &str = include_str!("report.css");

/// Metrics shown as cards at the top: stage, metric, caption.
const HEADLINES: [(&str, &str, &str); 9] = [
    ("data", "documents_kept", "documents kept"),
    ("pretrain", "valid_bits_per_byte", "held-out bits per byte"),
    ("pretrain", "tokens_per_second", "training tokens/s"),
    ("align", "best_valid_reward", "reward on held-out prompts"),
    ("align", "answer_exact_before", "exact answers before rewards"),
    ("align", "answer_exact", "exact answers after rewards"),
    ("deploy", "tokens_per_second", "served tokens/s"),
    ("evaluate", "arithmetic_without_tools", "arithmetic without tools"),
    ("agent", "agent_accuracy", "arithmetic with the calculator"),
];

/// Writes the report of `run` from what its stages left behind.
pub(crate) fn write(run: &Path, recipe: &str, stages: &Map<String, Value>, rows: &[Row]) -> Result<()> {
    let mut body = format!("<h1>InternLM chain: {}</h1>\n", escape(recipe));
    body += &headlines(stages);
    body += &funnel::section(&run.join("data/funnel.json"))?;
    body += &curves::section("Pre-training", &run.join("pretrain/metrics.jsonl"))?;
    body += &curves::section("Fine-tuning", &run.join("finetune/metrics.jsonl"))?;
    body += &curves::section("Alignment", &run.join("align/metrics.jsonl"))?;
    body += &evaluation(rows);
    body += &transcripts::section(&run.join("agent/transcripts.jsonl"))?;
    body += &all_numbers(rows);
    let page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <link rel=\"icon\" href=\"data:,\"><title>InternLM chain: {}</title>\
         <style>{STYLE}</style></head>\n<body><main>{body}</main></body></html>\n",
        escape(recipe)
    );
    Ok(internlm_kit::file::write(run.join("report.html"), page)?)
}

fn headlines(stages: &Map<String, Value>) -> String {
    let mut html = "<div class=\"cards\">".to_owned();
    for (stage, metric, caption) in HEADLINES {
        let Some(value) = stages.get(stage).and_then(|metrics| metrics.get(metric)) else { continue };
        let shown = if caption.starts_with("arithmetic") { percent(value) } else { display(value) };
        html += &format!("<div class=\"card\"><b>{}</b><span>{caption}</span></div>", escape(&shown));
    }
    html + "</div>\n"
}

/// A metric in percent, with its unit.
fn percent(value: &Value) -> String {
    value.as_f64().map_or_else(|| value.to_string(), |value| format!("{value:.1} %"))
}

fn evaluation(rows: &[Row]) -> String {
    let judged: Vec<&Row> =
        rows.iter().filter(|row| ["evaluate", "agent", "deploy"].contains(&row.stage.as_str())).collect();
    if judged.is_empty() {
        return String::new();
    }
    format!("<h2>Evaluation</h2>\n{}", table(&judged))
}

fn all_numbers(rows: &[Row]) -> String {
    let rows: Vec<&Row> = rows.iter().collect();
    format!(
        "<h2>Every number</h2>\n<details><summary>{} metrics</summary>{}</details>\n",
        rows.len(),
        table(&rows)
    )
}

fn table(rows: &[&Row]) -> String {
    let mut html = "<table><tr><th>stage</th><th>metric</th><th>value</th></tr>".to_owned();
    for row in rows {
        html += &format!(
            "<tr><td>{}</td><td>{}</td><td class=\"number\">{}</td></tr>",
            escape(&row.stage),
            escape(&row.metric),
            escape(&row.value)
        );
    }
    html + "</table>\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(stage: &str, metric: &str, value: &str) -> Row {
        Row { stage: stage.to_owned(), metric: metric.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn page_is_self_contained_and_escaped() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let metrics = "{\"step\":1,\"loss\":7.5,\"lr\":0.001,\"tokens_per_second\":5000}\n\
                       {\"step\":2,\"loss\":6.5,\"lr\":0.002,\"tokens_per_second\":5100}\n";
        internlm_kit::file::write(folder.path().join("pretrain/metrics.jsonl"), metrics).expect("writes");
        let stages = json!({"agent": {"agent_accuracy": 97.0}});
        let rows = [row("agent", "note", "<script>")];
        write(folder.path(), "tiny", stages.as_object().expect("object"), &rows).expect("writes");
        let page = std::fs::read_to_string(folder.path().join("report.html")).expect("reads");
        assert!(page.contains("97.0 %") && page.contains("&lt;script&gt;") && page.contains("<svg"));
        assert!(!page.contains("<script") && !page.contains("src=\"http"));
    }

    #[test]
    fn cards_show_what_was_measured_with_its_unit() {
        let stages =
            json!({"data": {"documents_kept": 1634}, "agent": {"agent_accuracy": 97.0}, "evaluate": {}});
        let html = headlines(stages.as_object().expect("object"));
        assert_eq!(html.matches("class=\"card\"").count(), 2);
        assert!(html.contains("<b>1,634</b><span>documents kept</span>"), "{html}");
        assert!(html.contains("<b>97.0 %</b><span>arithmetic with the calculator</span>"), "{html}");
    }

    #[test]
    fn judged_stages_have_a_table_of_their_own() {
        let score = |stage: &str| row(stage, "score", "1");
        let html = evaluation(&[score("data"), score("evaluate"), score("agent")]);
        assert_eq!(html.matches("<tr><td>").count(), 2);
        assert_eq!(evaluation(&[score("data")]), "");
        assert!(all_numbers(&[score("data"), score("agent")]).contains("<summary>2 metrics</summary>"));
    }
}

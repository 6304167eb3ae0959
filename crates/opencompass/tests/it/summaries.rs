//! Summary files against upstream's, byte for byte.

use opencompass::summary::{Summary, SummaryDataset, SummaryInput};
use serde_json::Value;

use crate::shared;

fn check(row: &Value) {
    let datasets = row["datasets"].as_array().expect("a list").iter().map(|dataset| {
        let config = dataset["infer_cfg"].as_str().expect("JSON text");
        let mode = if config.contains("GenInferencer") {
            "gen"
        } else if config.contains("PPLInferencer") {
            "ppl"
        } else {
            "ll"
        };
        let version = internlm_kit::hash::sha256(config)[..6].to_owned();
        let name = dataset["abbr"].as_str().expect("a name").to_owned();
        SummaryDataset { name, version, mode: mode.to_owned() }
    });
    let input = SummaryInput {
        models: serde_json::from_value(row["models"].clone()).expect("names"),
        datasets: datasets.collect(),
        results: serde_json::from_value(row["results"].clone()).expect("results"),
        groups: serde_json::from_value(row["summary_groups"].clone()).expect("groups"),
        rows: serde_json::from_value(row["dataset_abbrs"].clone()).expect("rows"),
    };
    let summary = Summary::new(&input);
    let label = row["txt"].as_str().expect("text").lines().next().expect("a label");
    assert_eq!(summary.csv(), row["csv"].as_str().expect("text"), "{}", row["id"]);
    assert_eq!(summary.markdown(), row["md"].as_str().expect("text"), "{}", row["id"]);
    assert_eq!(summary.txt(label), row["txt"].as_str().expect("text"), "{}", row["id"]);
}

#[test]
fn summaries_equal_upstreams() {
    let Some(mut rows) = shared::lines("golden/opencompass/run/summary.jsonl") else { return };
    assert_eq!(rows.len(), 8);
    for row in &mut rows {
        // Details do not belong to a summary; the run leaves them out.
        for results in row["results"].as_object_mut().expect("models").values_mut() {
            for result in results.as_object_mut().expect("datasets").values_mut() {
                result.as_object_mut().expect("metrics").remove("details");
            }
        }
        check(row);
    }
}

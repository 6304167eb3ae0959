//! Partitioners against upstream's tasks.

use opencompass::partition::{Partitioner, SetSize, TaskPart};
use serde_json::{Value, json};

use crate::shared;

/// The number of rows of Python's `range(size)` after a slice.
fn sliced(size: u64, range: &str) -> u64 {
    match range {
        "" => size,
        "[::2]" => size.div_ceil(2),
        "[:100]" => size.min(100),
        "[10:50]" => size.min(50).saturating_sub(10),
        other => panic!("the goldens have no {other}"),
    }
}

fn partitioner(row: &Value) -> Partitioner {
    let mut table = json!({ "kind": row["kind"] });
    for (name, value) in row["args"].as_object().expect("arguments") {
        table[name.replace('_', "-")] = value.clone();
    }
    serde_json::from_value(table).expect("a partitioner")
}

/// A part as upstream names it: the number in the name, the rows after the range of the set.
fn shown(part: &TaskPart, datasets: &[Value], separator: &str) -> Value {
    let dataset = &datasets[part.set];
    let (name, range) =
        (dataset["abbr"].as_str().expect("a name"), dataset["test_range"].as_str().expect("a range"));
    match part.part {
        None => json!({ "abbr": name, "test_range": range }),
        Some(number) => json!({
            "abbr": format!("{name}_{number}"),
            "test_range": format!("{range}[{}:{separator}{}]", part.rows.start, part.rows.end),
        }),
    }
}

#[test]
fn tasks_equal_upstreams() {
    let Some(rows) = shared::lines("golden/opencompass/run/partition.jsonl") else { return };
    assert_eq!(rows.len(), 40);
    for row in rows {
        let datasets = row["datasets"].as_array().expect("datasets");
        let sets: Vec<SetSize> = datasets
            .iter()
            .map(|dataset| {
                let range = dataset["test_range"].as_str().expect("a range");
                SetSize {
                    name: dataset["abbr"].as_str().expect("a name").to_owned(),
                    rows: sliced(dataset["size"].as_u64().expect("a size"), range) as usize,
                    labels: dataset["labels"].as_u64().map(|labels| labels as usize),
                }
            })
            .collect();
        // Upstream writes a space only in the ranges of the size partitioner.
        let separator = if row["kind"] == "size" { " " } else { "" };
        let tasks: Vec<Vec<Value>> = partitioner(&row)
            .tasks(&sets)
            .iter()
            .map(|task| task.iter().map(|part| shown(part, datasets, separator)).collect())
            .collect();
        assert_eq!(json!(tasks), row["tasks"], "{}", row["id"]);
    }
}

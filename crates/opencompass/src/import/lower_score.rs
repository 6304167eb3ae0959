//! Evaluators and post-processors of upstream in the form of our dataset files.

use serde_json::{Map, Value, json};

use super::fields::{class, table};
use crate::score::evaluators;
use crate::score::post::post_processors;

/// Fields of `eval_cfg` that change no score: who answers, and where upstream finds the data again.
const NEUTRAL: &[&str] = &[
    "evaluator",
    "pred_postprocessor",
    "dataset_postprocessor",
    "pred_role",
    "num_gpus",
    "ds_split",
    "ds_column",
];

/// The `[score]` table.
pub(super) fn score(eval_cfg: Option<&Value>, notes: &mut Vec<String>) -> Value {
    let cfg = eval_cfg.and_then(Value::as_object).cloned().unwrap_or_default();
    let evaluator = table(&cfg, "evaluator").unwrap_or_default();
    let theirs = class(&evaluator);
    let ours = evaluators().find(|entry| entry.name == theirs || entry.upstream.contains(&theirs));
    if ours.is_none() {
        notes.push(format!("eval_cfg.evaluator: {theirs} has no counterpart"));
    }
    let mut score = Map::new();
    score.insert("evaluator".to_owned(), named(ours.map_or(theirs, |entry| entry.name), &evaluator));
    for (key, name) in [("pred_postprocessor", "post"), ("dataset_postprocessor", "reference_post")] {
        let Some(post) = table(&cfg, key) else { continue };
        let theirs = class(&post);
        let short = theirs.trim_end_matches("_postprocess");
        let ours = post_processors()
            .find(|entry| entry.upstream.contains(&theirs) || entry.name == theirs)
            .or_else(|| post_processors().find(|entry| entry.name == short));
        if ours.is_none() {
            notes.push(format!("eval_cfg.{key}: {theirs} has no counterpart"));
        }
        score.insert(name.to_owned(), json!([named(ours.map_or(theirs, |entry| entry.name), &post)]));
    }
    for (key, value) in &cfg {
        if !NEUTRAL.contains(&key.as_str()) {
            notes.push(format!("eval_cfg.{key} = {value} has no counterpart"));
        }
    }
    Value::Object(score)
}

/// A name with the arguments that stand next to `type`.
fn named(name: &str, fields: &Map<String, Value>) -> Value {
    let arguments: Map<String, Value> = fields
        .iter()
        .filter(|(key, _)| *key != "type")
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if arguments.is_empty() { json!(name) } else { json!({ "name": name, "arguments": arguments }) }
}

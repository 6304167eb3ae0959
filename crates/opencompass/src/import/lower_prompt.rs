//! Retrievers and templates of upstream in the form of our dataset files.

use serde_json::{Map, Value, json};

use super::fields::{class, table};

/// Rules that choose examples by the names of upstream's retrievers.
const RETRIEVERS: &[(&str, &str)] = &[
    ("ZeroRetriever", "zero"),
    ("FixKRetriever", "fixk"),
    ("RandomRetriever", "random"),
    ("SlidingWindowRetriever", "sliding_k"),
    ("BM25Retriever", "bm25"),
    ("TopkRetriever", "topk"),
    ("MDLRetriever", "mdl"),
    ("VotekRetriever", "votek"),
    ("DPPRetriever", "dpp"),
    ("XiezhiRetriever", "xiezhi"),
];

/// Fields of retrievers and our names for them.
const FIELDS: &[(&str, &str)] = &[
    ("fix_id_list", "ids"),
    ("ice_num", "count"),
    ("seed", "seed"),
    ("candidate_num", "candidates"),
    ("select_time", "select_time"),
    ("ice_separator", "separator"),
    ("ice_eos_token", "eos"),
];

/// The `[few_shot]` table.
pub(super) fn few_shot(infer_cfg: &Map<String, Value>, notes: &mut Vec<String>) -> Map<String, Value> {
    let cfg = table(infer_cfg, "retriever").unwrap_or_default();
    let class = class(&cfg);
    let rule = RETRIEVERS.iter().find(|(name, _)| *name == class).map_or(class, |&(_, rule)| rule);
    let mut few_shot = Map::new();
    few_shot.insert("retriever".to_owned(), json!(rule));
    for (key, value) in &cfg {
        match FIELDS.iter().find(|(theirs, _)| theirs == key) {
            _ if key == "type" => {}
            Some(_) if rule == "zero" => {}
            Some((_, ours)) => {
                few_shot.insert((*ours).to_owned(), value.clone());
            }
            None => notes.push(format!("retriever.{key} = {value} has no counterpart")),
        }
    }
    few_shot
}

/// The `[prompt]` table.
pub(super) fn prompt(infer_cfg: &Map<String, Value>, has_shots: bool) -> Value {
    let ice = table(infer_cfg, "ice_template");
    let question = table(infer_cfg, "prompt_template");
    let main = question.clone().or_else(|| ice.clone()).unwrap_or_default();
    let shots = ice.filter(|_| question.is_some() && has_shots);
    let token = [Some(&main), shots.as_ref()].into_iter().flatten().find_map(|cfg| cfg.get("ice_token"));
    let mut prompt = Map::new();
    if let Some(messages) = main.get("messages") {
        prompt.insert("messages".to_owned(), messages.clone());
        if let Some(messages) = shots.as_ref().and_then(|shots| shots.get("messages")) {
            prompt.insert("ice_messages".to_owned(), messages.clone());
        }
    } else {
        let mut template = main.get("template").cloned().unwrap_or_default();
        if let (Some(Value::String(token)), false, true) = (token, has_shots, question.is_some()) {
            template = without(template, token);
        }
        prompt = match lowered(&template) {
            Value::Object(parts) => parts,
            text => Map::from_iter([("text".to_owned(), text)]),
        };
        if let Some(shots) = &shots {
            prompt.insert("ice".to_owned(), lowered(shots.get("template").unwrap_or(&Value::Null)));
        }
    }
    if let Some(token) = token.filter(|_| has_shots || question.is_none()) {
        prompt.insert("ice_token".to_owned(), token.clone());
    }
    if let Some(mark) = main.get("sep_token") {
        prompt.insert("sep_token".to_owned(), mark.clone());
    }
    Value::Object(prompt)
}

/// A template: a text as it is, a dialogue, or `labels`.
fn lowered(template: &Value) -> Value {
    match template {
        Value::Object(fields) if is_dialogue(fields) => dialogue(fields),
        Value::Object(fields) => {
            let labels = fields.iter().map(|(label, template)| {
                let template = match template {
                    Value::Object(fields) => dialogue(fields),
                    text => text.clone(),
                };
                (label.clone(), template)
            });
            json!({ "labels": labels.collect::<Map<_, _>>() })
        }
        text => text.clone(),
    }
}

fn is_dialogue(fields: &Map<String, Value>) -> bool {
    fields.contains_key("round") || fields.contains_key("begin")
}

/// `round` is called `rounds` here, and `begin` and `end` are always lists. Further fields are refused by the reader
/// of dataset files.
fn dialogue(fields: &Map<String, Value>) -> Value {
    let fields = fields.iter().map(|(key, value)| match key.as_str() {
        "round" => ("rounds".to_owned(), value.clone()),
        "begin" | "end" if !value.is_array() => (key.clone(), json!([value])),
        _ => (key.clone(), value.clone()),
    });
    Value::Object(fields.collect())
}

/// A template without the mark of examples.
fn without(template: Value, mark: &str) -> Value {
    match template {
        Value::String(text) => Value::String(text.replace(mark, "")),
        Value::Array(items) => {
            let items = items.into_iter().filter(|item| item.as_str() != Some(mark));
            Value::Array(items.map(|item| without(item, mark)).collect())
        }
        Value::Object(fields) => {
            let fields =
                fields.into_iter().filter(|(key, value)| key != "begin" || value.as_str() != Some(mark));
            Value::Object(fields.map(|(key, value)| (key, without(value, mark))).collect())
        }
        other => other,
    }
}

//! The prompt hash: hexadecimal digits that identify how a set is asked. They equal the suffix of OpenCompass'
//! config file (`gsm8k_gen_1d7fe4`) if our TOML says the same.
//!
//! The hash is the sha256 of the inference configuration as Python's `json.dumps(.., sort_keys=True)` prints it,
//! with the ids of examples moved from the retriever to the inferencer (`get_prompt_hash` upstream).

use std::fmt::Write;

use indexmap::IndexMap;
use internlm_kit::hash::sha256;
use serde_json::{Map, Value, json};

use super::{DatasetConfig, Mode, Retriever};
use crate::prompt::{LabelTemplate, Rounds, ShotConfig, Template, TextOrTurn};

/// Number of digits of the hash that tables show.
const SHOWN: usize = 6;

/// Returns the first six digits of a dataset's prompt hash, the column `version` of tables.
#[must_use]
pub fn version(dataset: &DatasetConfig) -> String {
    let mut hash = prompt_hash(dataset);
    hash.truncate(SHOWN);
    hash
}

/// Returns the first six digits of the hash of all sets of a file. For a single set it is that set's own hash.
#[must_use]
pub fn list_version(datasets: &[DatasetConfig]) -> String {
    let mut hash = match datasets {
        [dataset] => prompt_hash(dataset),
        several => sha256(several.iter().map(prompt_hash).collect::<Vec<_>>().join(",").as_bytes()),
    };
    hash.truncate(SHOWN);
    hash
}

/// Computes the whole prompt hash.
fn prompt_hash(dataset: &DatasetConfig) -> String {
    sha256(python_json(&inference_config(dataset)).as_bytes())
}

/// Translates a dataset file into upstream's `infer_cfg`.
fn inference_config(dataset: &DatasetConfig) -> Value {
    let mut config = Map::new();
    let few_shot = dataset.few_shot.retriever != Retriever::Zero;
    let token = dataset.prompt.ice_token.as_deref();
    let template = dataset.prompt.template().ok().map(|template| template_value(&template));
    let ice = dataset.prompt.ice.as_ref().map(|ice| match ice {
        ShotConfig::Text(text) => json!(text),
        ShotConfig::Rounds(rounds) => rounds_value(rounds),
        ShotConfig::Labels { labels } => labels_value(labels),
    });
    match (ice, template) {
        (Some(ice), template) => {
            config.insert("ice_template".to_owned(), template_config(Some(ice), None));
            config.insert("prompt_template".to_owned(), template_config(template, token));
        }
        (None, template) => {
            let name = if few_shot { "ice_template" } else { "prompt_template" };
            config.insert(name.to_owned(), template_config(template, token));
        }
    }
    let retriever = match dataset.few_shot.retriever {
        Retriever::Zero => "ZeroRetriever",
        Retriever::Fixk => "FixKRetriever",
        Retriever::Random => "RandomRetriever",
        Retriever::SlidingK => "SlidingWindowRetriever",
        Retriever::Bm25 => "BM25Retriever",
        Retriever::Topk => "TopkRetriever",
        Retriever::Mdl => "MDLRetriever",
        Retriever::Votek => "VotekRetriever",
        Retriever::Dpp => "DPPRetriever",
        Retriever::Xiezhi => "XiezhiRetriever",
    };
    config.insert("retriever".to_owned(), json!({ "type": type_name("icl_retriever", retriever) }));
    config.insert("inferencer".to_owned(), inferencer(dataset));
    Value::Object(config)
}

fn inferencer(dataset: &DatasetConfig) -> Value {
    let infer = &dataset.infer;
    let name = match infer.mode {
        Mode::Gen => "GenInferencer",
        Mode::Chat => "ChatInferencer",
        Mode::Ppl => "PPLInferencer",
        Mode::Rolling => "SWCELossInferencer",
        Mode::PplOnly => "PPLOnlyInferencer",
        Mode::Clp => "CLPInferencer",
        Mode::Loglikelihood => "LLInferencer",
        Mode::Agent => "AgentInferencer",
        Mode::Sc => "SCInferencer",
        Mode::Tot => "ToTInferencer",
        Mode::Attack => "AttackInferencer",
    };
    let mut config = Map::new();
    config.insert("type".to_owned(), json!(type_name("icl_inferencer", name)));
    if let Some(length) = infer.max_out_len {
        config.insert("max_out_len".to_owned(), json!(length));
    }
    if !infer.stop.is_empty() {
        config.insert("stopping_criteria".to_owned(), json!(infer.stop));
    }
    if !infer.tools.is_empty() {
        config.insert("tools".to_owned(), json!(infer.tools));
    }
    if let Some(bytes) = infer.max_document_bytes {
        config.insert("max_document_bytes".to_owned(), json!(bytes));
    }
    if dataset.few_shot.retriever == Retriever::Fixk {
        config.insert("fix_id_list".to_owned(), json!(dataset.few_shot.ids));
    }
    Value::Object(config)
}

fn type_name(module: &str, name: &str) -> String {
    format!("opencompass.openicl.{module}.{name}")
}

fn template_config(template: Option<Value>, token: Option<&str>) -> Value {
    let mut config = Map::new();
    config.insert("type".to_owned(), json!(type_name("icl_prompt_template", "PromptTemplate")));
    config.insert("template".to_owned(), template.unwrap_or_default());
    if let Some(token) = token {
        config.insert("ice_token".to_owned(), json!(token));
    }
    Value::Object(config)
}

fn template_value(template: &Template) -> Value {
    match template {
        Template::Text(text) => json!(text),
        Template::Rounds(rounds) => rounds_value(rounds),
        Template::Labels(labels) => labels_value(labels),
    }
}

fn labels_value(labels: &IndexMap<String, LabelTemplate>) -> Value {
    let values = labels.iter().map(|(label, template)| {
        let value = match template {
            LabelTemplate::Text(text) => json!(text),
            LabelTemplate::Rounds(rounds) => rounds_value(rounds),
        };
        (label.clone(), value)
    });
    Value::Object(values.collect())
}

fn rounds_value(rounds: &Rounds) -> Value {
    let mut value = Map::new();
    for (name, items) in [("begin", &rounds.begin), ("end", &rounds.end)] {
        match items.as_slice() {
            [] => {}
            // Upstream writes a single text without a list around it.
            [TextOrTurn::Text(text)] => {
                value.insert(name.to_owned(), json!(text));
            }
            items => {
                value.insert(name.to_owned(), json!(items));
            }
        }
    }
    value.insert("round".to_owned(), json!(rounds.rounds));
    Value::Object(value)
}

/// Prints a value as `json.dumps(value, sort_keys=True)` does: with `", "` and `": "` as separators and everything
/// outside ASCII escaped.
fn python_json(value: &Value) -> String {
    let mut text = String::new();
    write_json(&mut text, value);
    text
}

fn write_json(text: &mut String, value: &Value) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| name.as_str());
            text.push('{');
            for (index, (name, value)) in fields.into_iter().enumerate() {
                text.push_str(if index > 0 { ", " } else { "" });
                write_string(text, name);
                text.push_str(": ");
                write_json(text, value);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index > 0 { ", " } else { "" });
                write_json(text, item);
            }
            text.push(']');
        }
        Value::String(string) => write_string(text, string),
        other => text.push_str(&other.to_string()),
    }
}

fn write_string(text: &mut String, string: &str) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            ' '..='~' => text.push(character),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    write!(text, "\\u{unit:04x}").expect("a String takes every write");
                }
            }
        }
    }
    text.push('"');
}

//! The prompt hash: hexadecimal digits that identify how a set is asked. They equal the suffix of OpenCompass'
//! config file (`gsm8k_gen_1d7fe4`) if our TOML says the same.
//!
//! The hash is the sha256 of the inference configuration as Python's `json.dumps(.., sort_keys=True)` prints it,
//! with the ids of examples moved from the retriever to the inferencer (`get_prompt_hash` upstream).

use indexmap::IndexMap;
use internlm_kit::hash::sha256;
use serde_json::{Map, Value, json};

use super::python_json::python_json;
use super::{DatasetConfig, FewShotConfig, Mode, Retriever, TextMeasure};
use crate::prompt::{LabelTemplate, RawMessage, Rounds, ShotConfig, Template, TextOrTurn};

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
    infer_cfg_hash(&inference_config(dataset))
}

/// Computes the prompt hash of upstream's `infer_cfg`: the sha256 of its JSON as Python prints it, in hexadecimal. The
/// ids of examples are moved from the retriever to the inferencer, as upstream does.
#[must_use]
pub fn infer_cfg_hash(infer_cfg: &Value) -> String {
    let mut config = infer_cfg.clone();
    let ids = config.pointer_mut("/retriever").and_then(Value::as_object_mut);
    if let Some(ids) = ids.and_then(|retriever| retriever.shift_remove("fix_id_list"))
        && let Some(inferencer) = config.pointer_mut("/inferencer").and_then(Value::as_object_mut)
    {
        inferencer.insert("fix_id_list".to_owned(), ids);
    }
    sha256(python_json(&config).as_bytes())
}

/// Translates a dataset file into upstream's `infer_cfg`.
pub(crate) fn inference_config(dataset: &DatasetConfig) -> Value {
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
        _ if !dataset.prompt.messages.is_empty() => {
            let messages = |list: &[RawMessage]| {
                let kind = "opencompass.openicl.icl_raw_prompt_template.RawPromptTemplate";
                json!({ "type": kind, "messages": list })
            };
            config.insert("prompt_template".to_owned(), messages(&dataset.prompt.messages));
            if !dataset.prompt.ice_messages.is_empty() {
                config.insert("ice_template".to_owned(), messages(&dataset.prompt.ice_messages));
            }
        }
        (Some(ice), template) => {
            config.insert("ice_template".to_owned(), template_config(Some(ice), None));
            config.insert("prompt_template".to_owned(), template_config(template, token));
        }
        (None, template) => {
            // A template with a place for examples is upstream's `ice_template`, even without any.
            let name = if few_shot || token.is_some() { "ice_template" } else { "prompt_template" };
            config.insert(name.to_owned(), template_config(template, token));
        }
    }
    if let Some(mark) = &dataset.prompt.sep_token {
        for name in ["prompt_template", "ice_template"] {
            // Upstream's examples come from the template without the mark where there are two.
            if let Some(template) = config.get_mut(name).and_then(Value::as_object_mut) {
                template.insert("sep_token".to_owned(), json!(mark));
                break;
            }
        }
    }
    config.insert("retriever".to_owned(), retriever(&dataset.few_shot));
    config.insert("inferencer".to_owned(), inferencer(dataset));
    let mut config = Value::Object(config);
    for (pointer, value) in &dataset.infer.upstream {
        put(&mut config, pointer, value);
    }
    config
}

/// Sets the value at a JSON pointer; objects on the way are created. In a list only an existing element can be set.
fn put(config: &mut Value, pointer: &str, value: &Value) {
    let mut place = config;
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        if place.is_null() {
            *place = Value::Object(Map::new());
        }
        let next = match place {
            Value::Object(fields) => Some(fields.entry(step).or_insert(Value::Null)),
            Value::Array(items) => step.parse::<usize>().ok().and_then(|index| items.get_mut(index)),
            _ => None,
        };
        let Some(next) = next else { return };
        place = next;
    }
    *place = value.clone();
}

fn retriever(few_shot: &FewShotConfig) -> Value {
    let name = match few_shot.retriever {
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
    let default = FewShotConfig::default();
    let mut config = Map::new();
    config.insert("type".to_owned(), json!(type_name("icl_retriever", name)));
    let texts = [
        ("ice_separator", &few_shot.separator, &default.separator),
        ("ice_eos_token", &few_shot.eos, &default.eos),
    ];
    for (key, text, default) in texts {
        if text != default {
            config.insert(key.to_owned(), json!(text));
        }
    }
    let numbers = [
        ("ice_num", few_shot.count),
        ("candidate_num", few_shot.candidates),
        ("select_time", few_shot.select_time),
    ];
    for (key, number) in numbers {
        if let Some(number) = number {
            config.insert(key.to_owned(), json!(number));
        }
    }
    if let Some(seed) = few_shot.seed {
        config.insert("seed".to_owned(), json!(seed));
    }
    if few_shot.retriever == Retriever::Fixk {
        config.insert("fix_id_list".to_owned(), json!(few_shot.ids));
    }
    Value::Object(config)
}

fn inferencer(dataset: &DatasetConfig) -> Value {
    let infer = &dataset.infer;
    let name = match infer.mode {
        Mode::Gen => "GenInferencer",
        Mode::Chat => "ChatInferencer",
        Mode::Ppl => "PPLInferencer",
        Mode::Rolling => "SWCELossInferencer",
        Mode::PplOnly => match infer.measure.unwrap_or_default() {
            TextMeasure::Ppl => "PPLOnlyInferencer",
            TextMeasure::MinK => "MinKPercentInferencer",
            TextMeasure::Inference => "InferencePPLOnlyInferencer",
        },
        Mode::Clp => "CLPInferencer",
        Mode::Loglikelihood => "LLInferencer",
        Mode::Agent => "AgentInferencer",
        Mode::Sc => "SCInferencer",
        Mode::Tot => "ToTInferencer",
        Mode::Attack => "AttackInferencer",
    };
    let mut config = Map::new();
    config.insert("type".to_owned(), json!(type_name("icl_inferencer", name)));
    let numbers = [
        ("max_out_len", infer.max_out_len.map(|length| length as usize)),
        ("max_document_bytes", infer.max_document_bytes),
        ("sc_size", infer.sc_size),
    ];
    for (key, number) in numbers {
        if let Some(number) = number {
            config.insert(key.to_owned(), json!(number));
        }
    }
    if let Some(window) = &infer.window {
        config.insert("block_size".to_owned(), json!(window.block_size));
        config.insert("stride".to_owned(), json!(window.stride));
    }
    if let Some(attack) = &infer.attack {
        config.insert("original_prompt_list".to_owned(), json!(attack.original_prompt_list));
        config.insert("adv_key".to_owned(), json!(attack.adv_key));
    }
    for (key, list) in [("stopping_criteria", json!(infer.stop)), ("tools", json!(infer.tools))] {
        if list.as_array().is_some_and(|list| !list.is_empty()) {
            config.insert(key.to_owned(), list);
        }
    }
    if let Some(turns) = infer.turns {
        config.insert("infer_mode".to_owned(), json!(turns));
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

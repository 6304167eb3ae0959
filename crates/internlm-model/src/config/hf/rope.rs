//! Rotary base and scaling in `config.json`: `rope_theta` with `rope_scaling`, or transformers 5's `rope_parameters`.

use serde_json::{Map, Value, json};

use super::scaling::Scaling;
use crate::config::keys::Keys;
use crate::config::{Family, ModelConfig, RopeScaling};

/// Base and scaling; `max_position` is the context length of the file.
pub(super) fn read(keys: &mut Keys, max_position: usize) -> (f64, RopeScaling) {
    let (name, object) = object(keys);
    let original = keys.optional_size("original_max_position_embeddings");
    let outside = keys.peek("rope_theta").cloned();
    let mut scaling = Scaling::new(keys, name, object);
    let inside = scaling.number("rope_theta");
    if let (Some(inside), Some(outside)) = (inside, outside.as_ref().and_then(Value::as_f64))
        && inside != outside
    {
        let expected = format!("expected the {outside} of the key next to it");
        scaling.problem("rope_theta", &inside.to_string(), &expected);
    }
    if let Some(share) = scaling.number("partial_rotary_factor").filter(|share| *share != 1.0) {
        scaling.problem("partial_rotary_factor", &share.to_string(), "expected 1");
    }
    let kind = scaling_of(&mut scaling, max_position, original);
    scaling.finish();
    let theta = match (inside, outside) {
        (Some(theta), _) => {
            keys.take("rope_theta");
            theta
        }
        _ => keys.number_or("rope_theta", 1e4),
    };
    (theta, kind)
}

/// The object that holds the scaling and the key it was found under.
fn object(keys: &mut Keys) -> (&'static str, Map<String, Value>) {
    let mut found = Vec::new();
    for name in ["rope_scaling", "rope_parameters"] {
        match keys.take(name) {
            None | Some(Value::Null) => {}
            Some(Value::Object(object)) => found.push((name, flat(keys, name, object))),
            Some(other) => keys.problem(format!("{name}: found {other}, expected null or an object")),
        }
    }
    if let [(_, first), (_, second)] = &found[..]
        && first != second
    {
        let found = "found other values than in rope_scaling, expected the same";
        keys.problem(format!("rope_parameters: {found}"));
    }
    found.into_iter().next().unwrap_or(("rope_scaling", Map::new()))
}

/// One object per layer type, as other families of transformers 5 have it, is refused even where all are equal:
/// transformers passes over it in LLaMA and Mistral and fails in Qwen2.
fn flat(keys: &mut Keys, name: &str, object: Map<String, Value>) -> Map<String, Value> {
    let nested = object.iter().find_map(|(layers, value)| Some((layers, value.as_object()?)));
    let Some((layers, first)) = nested else { return object };
    keys.problem(format!("{name}.{layers}: found an object, expected one rotation for all layers"));
    first.clone()
}

/// The kind sits under `type` (InternLM2) or `rope_type` (newer files); `su` is the first name of LongRoPE.
fn scaling_of(scaling: &mut Scaling<'_>, max_position: usize, outside: Option<usize>) -> RopeScaling {
    let Some(kind) = kind(scaling) else { return RopeScaling::None };
    let inside = scaling.length("original_max_position_embeddings");
    let original = outside.or(inside);
    if let (Some(outside), Some(inside)) = (outside, inside)
        && outside != inside
    {
        let expected = format!("expected the {outside} of the key next to it");
        scaling.problem("original_max_position_embeddings", &inside.to_string(), &expected);
    }
    match kind.as_str() {
        "default" => RopeScaling::None,
        "linear" => RopeScaling::Linear { factor: scaling.required("factor") },
        "dynamic" => {
            // Others take the length of the formula from this key.
            if let Some(other) = inside.filter(|inside| *inside != max_position) {
                let expected = format!("expected max_position_embeddings {max_position} or nothing");
                scaling.problem("original_max_position_embeddings", &other.to_string(), &expected);
            }
            RopeScaling::Dynamic { factor: scaling.required("factor") }
        }
        "yarn" => yarn(scaling, original),
        "llama3" => RopeScaling::Llama3 {
            factor: scaling.required("factor"),
            low_freq_factor: scaling.required("low_freq_factor"),
            high_freq_factor: scaling.required("high_freq_factor"),
            original_max_position: original.unwrap_or(max_position),
        },
        "longrope" => longrope(scaling, original.unwrap_or(max_position), max_position),
        other => {
            let expected = "expected default, linear, dynamic, yarn, llama3 or longrope";
            scaling.problem("rope_type", other, expected);
            scaling.skip();
            RopeScaling::None
        }
    }
}

/// The name of the kind; `None` for an object that holds nothing else either.
fn kind(scaling: &mut Scaling<'_>) -> Option<String> {
    const NAMES: [&str; 2] = ["rope_type", "type"];
    let unnamed = !NAMES.iter().any(|key| scaling.contains(key));
    if unnamed && !scaling.is_empty() {
        scaling.problem("rope_type", "nothing", "expected the kind of the scaling");
    }
    let mut names = NAMES.map(|key| scaling.text(key)).into_iter().flatten();
    let Some(kind) = names.next() else {
        // Without a kind nothing is known about the other keys.
        scaling.skip();
        return None;
    };
    let modern = |name: String| if name == "su" { "longrope".to_owned() } else { name };
    let kind = modern(kind);
    if let Some(other) = names.next().map(modern).filter(|other| *other != kind) {
        scaling.problem("type", &other, &format!("expected the {kind} of rope_type"));
    }
    Some(kind)
}

/// The keys of transformers' `_compute_yarn_parameters`; DeepSeek's own `mscale` is refused rather than guessed.
fn yarn(scaling: &mut Scaling<'_>, original_max_position: Option<usize>) -> RopeScaling {
    if scaling.flag("truncate") == Some(false) {
        scaling.problem("truncate", "false", "expected true or nothing");
    }
    RopeScaling::Yarn {
        factor: scaling.required("factor"),
        original_max_position,
        attention_factor: scaling.number("attention_factor"),
        beta_fast: scaling.number("beta_fast").unwrap_or(32.0),
        beta_slow: scaling.number("beta_slow").unwrap_or(1.0),
    }
}

/// The keys of transformers' `_compute_longrope_parameters`.
fn longrope(scaling: &mut Scaling<'_>, original: usize, max_position: usize) -> RopeScaling {
    let stretch = scaling.number("factor").unwrap_or(max_position as f64 / original as f64);
    let attention = scaling.number("attention_factor");
    RopeScaling::LongRope {
        short_factor: scaling.numbers("short_factor"),
        long_factor: scaling.numbers("long_factor"),
        original_max_position: original,
        attention_factor: attention.unwrap_or_else(|| RopeScaling::longrope_attention(stretch, original)),
    }
}

/// The value of `rope_scaling` in the family's form.
pub(super) fn to_json(config: &ModelConfig) -> Value {
    let key = match config.family {
        Family::InternLm2 | Family::InternLm2Reward => "type",
        _ => "rope_type",
    };
    let kind = config.rope_scaling.name();
    match &config.rope_scaling {
        RopeScaling::None => Value::Null,
        RopeScaling::Linear { factor } | RopeScaling::Dynamic { factor } => {
            json!({key: kind, "factor": factor})
        }
        RopeScaling::Yarn { factor, original_max_position, attention_factor, beta_fast, beta_slow } => {
            let mut object =
                json!({key: kind, "factor": factor, "beta_fast": beta_fast, "beta_slow": beta_slow});
            if let Some(length) = original_max_position {
                object["original_max_position_embeddings"] = json!(length);
            }
            if let Some(attention_factor) = attention_factor {
                object["attention_factor"] = json!(attention_factor);
            }
            object
        }
        RopeScaling::Llama3 { factor, low_freq_factor, high_freq_factor, original_max_position } => json!({
            key: kind, "factor": factor, "low_freq_factor": low_freq_factor,
            "high_freq_factor": high_freq_factor, "original_max_position_embeddings": original_max_position,
        }),
        RopeScaling::LongRope { short_factor, long_factor, original_max_position, attention_factor } => {
            json!({
                key: kind, "short_factor": short_factor, "long_factor": long_factor,
                "original_max_position_embeddings": original_max_position, "attention_factor": attention_factor,
            })
        }
    }
}

//! Rotary base and scaling in `config.json`: `rope_theta` with `rope_scaling`, or transformers 5's `rope_parameters`.

use serde_json::{Map, Value, json};

use crate::config::keys::Keys;
use crate::config::{Family, ModelConfig, RopeScaling};

/// Base and scaling.
pub(super) fn read(keys: &mut Keys) -> (f64, RopeScaling) {
    let (theta, scaling) = match keys.take("rope_parameters") {
        Some(Value::Object(object)) => {
            (object.get("rope_theta").and_then(Value::as_f64), Value::Object(object))
        }
        _ => (None, keys.take("rope_scaling").unwrap_or(Value::Null)),
    };
    let theta = match theta {
        Some(theta) => theta,
        None => keys.number_or("rope_theta", 1e4),
    };
    (theta, scaling_of(keys, &scaling))
}

/// The kind sits under `type` (InternLM2) or `rope_type` (newer files).
fn scaling_of(keys: &mut Keys, value: &Value) -> RopeScaling {
    let object = match value {
        Value::Null => return RopeScaling::None,
        Value::Object(object) => object,
        other => {
            keys.problem(format!("rope_scaling: found {other}, expected null or an object"));
            return RopeScaling::None;
        }
    };
    let kind = object.get("rope_type").or_else(|| object.get("type"));
    let factor = object.get("factor").and_then(Value::as_f64);
    match (kind.and_then(Value::as_str), factor) {
        (Some("default"), _) => RopeScaling::None,
        (Some("linear"), Some(factor)) => RopeScaling::Linear { factor },
        (Some("dynamic"), Some(factor)) => RopeScaling::Dynamic { factor },
        (Some("yarn"), Some(factor)) => yarn(keys, object, factor),
        (Some("linear" | "dynamic" | "yarn"), None) => {
            keys.problem("rope_scaling.factor: missing, expected a number".to_owned());
            RopeScaling::None
        }
        _ => {
            let found = kind.map_or_else(|| "no `type`".to_owned(), Value::to_string);
            let expected = "expected default, linear, dynamic or yarn";
            keys.problem(format!("rope_scaling.type: found {found}, {expected}"));
            RopeScaling::None
        }
    }
}

/// The keys of transformers' `_compute_yarn_parameters`; DeepSeek's own `mscale` is refused rather than guessed.
fn yarn(keys: &mut Keys, object: &Map<String, Value>, factor: f64) -> RopeScaling {
    let number = |key: &str| object.get(key).and_then(Value::as_f64);
    if ["mscale", "mscale_all_dim"].iter().any(|key| object.contains_key(*key)) {
        keys.problem("rope_scaling.mscale: found a value, expected attention_factor or nothing".to_owned());
    }
    let length = object.get("original_max_position_embeddings").and_then(Value::as_u64);
    RopeScaling::Yarn {
        factor,
        original_max_position: length.and_then(|length| usize::try_from(length).ok()),
        attention_factor: number("attention_factor"),
        beta_fast: number("beta_fast").unwrap_or(32.0),
        beta_slow: number("beta_slow").unwrap_or(1.0),
    }
}

/// The value of `rope_scaling` in the family's form.
pub(super) fn to_json(config: &ModelConfig) -> Value {
    let key = match config.family {
        Family::InternLm2 | Family::InternLm2Reward => "type",
        _ => "rope_type",
    };
    match config.rope_scaling {
        RopeScaling::None => Value::Null,
        RopeScaling::Linear { factor } => json!({key: "linear", "factor": factor}),
        RopeScaling::Dynamic { factor } => json!({key: "dynamic", "factor": factor}),
        RopeScaling::Yarn { factor, original_max_position, attention_factor, beta_fast, beta_slow } => {
            let mut object =
                json!({key: "yarn", "factor": factor, "beta_fast": beta_fast, "beta_slow": beta_slow});
            if let Some(length) = original_max_position {
                object["original_max_position_embeddings"] = json!(length);
            }
            if let Some(attention_factor) = attention_factor {
                object["attention_factor"] = json!(attention_factor);
            }
            object
        }
    }
}

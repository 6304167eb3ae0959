//! What is done with each metadata key of a model: it is read, or it changes no number, or it must have the value at
//! which it changes none.
//!
//! The keys are those of llama.cpp (`gguf-py/gguf/constants.py`, `Keys`). A key under the architecture's prefix that
//! is in no table is refused like one that does: whoever wrote it meant the model to compute something else.

use super::{Metadata, Value};

/// What a key is to a decoder of the LLaMA kind.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    /// Read as a whole number.
    Size,
    /// Read as a number.
    Number,
    /// Read, or refused, where positions and windows are read.
    Positions,
    /// Changes no number, for this reason.
    Harmless(&'static str),
    /// Must be one of these numbers, or 0 or `false`: "not used".
    Only(&'static [f64]),
    /// Must be `true`.
    True,
    /// Must be the size of a head.
    HeadSize,
    /// Must be one over the root of the size of a head.
    HeadScale,
}

/// Keys under the prefix of the architecture.
const MODEL: [(&str, Rule); 27] = [
    ("vocab_size", Rule::Size),
    ("context_length", Rule::Size),
    ("embedding_length", Rule::Size),
    ("block_count", Rule::Size),
    ("feed_forward_length", Rule::Size),
    ("attention.head_count", Rule::Size),
    ("attention.head_count_kv", Rule::Size),
    ("attention.key_length", Rule::Size),
    ("attention.value_length", Rule::HeadSize),
    ("attention.layer_norm_rms_epsilon", Rule::Number),
    (
        "attention.layer_norm_epsilon",
        Rule::Harmless("the norms are RMS norms, which have a key of their own"),
    ),
    ("attention.causal", Rule::True),
    ("attention.scale", Rule::HeadScale),
    ("attention.sliding_window", Rule::Positions),
    ("logit_scale", Rule::Only(&[1.0])),
    ("residual_scale", Rule::Only(&[1.0])),
    ("embedding_scale", Rule::Only(&[1.0])),
    ("attention.output_scale", Rule::Only(&[1.0])),
    ("tensor_data_layout", Rule::Harmless("all converters in use write the one layout that is read")),
    ("expert_count", Rule::Only(&[])),
    ("attention.clamp_kqv", Rule::Only(&[])),
    ("attention.max_alibi_bias", Rule::Only(&[])),
    ("attn_logit_softcapping", Rule::Only(&[])),
    ("final_logit_softcapping", Rule::Only(&[])),
    ("use_parallel_residual", Rule::Only(&[])),
    ("pooling_type", Rule::Only(&[])),
    ("attention.shared_kv_layers", Rule::Only(&[])),
];

/// Everything that keys of `metadata` say and that a decoder of architecture `arch` does not do.
pub(super) fn problems(metadata: &Metadata, arch: &str) -> Vec<String> {
    let prefix = format!("{arch}.");
    let head = head_size(metadata, arch);
    let mut problems = general(metadata);
    for (key, value) in metadata.iter() {
        let Some(name) = key.strip_prefix(&prefix) else { continue };
        let rule = rule(name);
        if let Rule::Harmless(why) = rule {
            tracing::debug!("{key} changes no number: {why}");
        }
        if let Err(expected) = check(rule, value, head) {
            problems.push(format!("{key}: found {}, expected {expected}", found(value)));
        }
    }
    problems
}

/// The rule of a key without the architecture's prefix.
fn rule(name: &str) -> Rule {
    match MODEL.iter().find(|(other, _)| *other == name) {
        Some((_, rule)) => *rule,
        None if name.starts_with("rope.") => Rule::Positions,
        None => Rule::Only(&[]),
    }
}

/// Whether a value keeps to a rule; the error says what was expected.
fn check(rule: Rule, value: &Value, head: Option<u64>) -> Result<(), String> {
    let number = match value {
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        _ => value.as_f64(),
    };
    let close = |wanted: f64| number.is_some_and(|found| (found - wanted).abs() <= 1e-6 * wanted.abs());
    let (kept, expected) = match rule {
        Rule::Positions | Rule::Harmless(_) => return Ok(()),
        Rule::Size => (value.as_u64().is_some(), "a whole number".to_owned()),
        Rule::Number => (value.as_f64().is_some(), "a number".to_owned()),
        Rule::True => (number == Some(1.0), "true".to_owned()),
        Rule::Only(wanted) => {
            let kept = close(0.0) || wanted.iter().any(|wanted| close(*wanted));
            let wanted = wanted.first().copied().unwrap_or(0.0);
            (kept, format!("{wanted}: other values are not implemented"))
        }
        Rule::HeadSize => match head {
            Some(head) => (value.as_u64() == Some(head), format!("{head}, the length of a key")),
            None => (value.as_u64().is_some(), "a whole number".to_owned()),
        },
        Rule::HeadScale => match head {
            Some(head) => {
                let scale = (head as f64).sqrt().recip();
                (close(0.0) || close(f64::from(scale as f32)), format!("{scale}"))
            }
            None => (close(0.0), "0".to_owned()),
        },
    };
    if kept { Ok(()) } else { Err(expected) }
}

/// The size of a head, as the config reads it.
fn head_size(metadata: &Metadata, arch: &str) -> Option<u64> {
    let size = |name: &str| metadata.get(&format!("{arch}.{name}"))?.as_u64();
    size("attention.key_length")
        .or_else(|| size("rope.dimension_count"))
        .or_else(|| size("embedding_length")?.checked_div(size("attention.head_count")?))
}

/// What the keys under `general.` say about the kind of file. The others there are names, links and advice.
fn general(metadata: &Metadata) -> Vec<String> {
    let mut problems = Vec::new();
    if let Some(kind) = metadata.text("general.type").filter(|kind| !matches!(*kind, "model" | "vocab")) {
        problems.push(format!("general.type: found {kind}, expected model"));
    }
    // Version 2 of the blocks came before GGUF did; a later one would lay them out in another way.
    let version = metadata.get("general.quantization_version").and_then(Value::as_u64);
    if let Some(version) = version.filter(|version| *version > 2) {
        problems.push(format!("general.quantization_version: found {version}, expected at most 2"));
    }
    problems
}

/// A value in a message.
fn found(value: &Value) -> String {
    match value {
        Value::Unsigned(value) => value.to_string(),
        Value::Signed(value) => value.to_string(),
        Value::Float(value) => (*value as f32).to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Text(text) => format!("{text:?}"),
        Value::Array(values) => format!("a list of {} values", values.len()),
    }
}

#[cfg(test)]
mod tests;

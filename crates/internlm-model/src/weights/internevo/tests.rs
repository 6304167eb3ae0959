//! The table of `model_config.pt` against InternEvo's parameters, and the reader against the table.

use std::collections::BTreeSet;
use std::path::Path;

use super::Stretch;
use super::config::{CheckpointConfig, written};
use super::table::{KEYS, Rule};
use crate::config::{DType, ModelConfig, ModelSize, RopeScaling};
use crate::weights::Encoding;
use crate::weights::qkv::RowOrder;
use crate::weights::torch::Value;

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// The dict of a small model with some keys set; it has neither `adapt_hf` nor `qk_interleaved` by itself.
fn dict(changes: &[(&str, Value)]) -> Value {
    let size = ModelSize { hidden: 16, layers: 2, heads: 2, inter: 24, vocab: 10 };
    let dict = written(&ModelConfig::new(size).with_kv_heads(1), true);
    let mut pairs = dict.as_pairs().expect("a dict").to_vec();
    pairs.retain(|(key, _)| *key != text("adapt_hf"));
    pairs.extend(changes.iter().map(|(key, value)| (text(key), value.clone())));
    Value::Dict(pairs)
}

fn read_stretched(changes: &[(&str, Value)], stretch: Stretch) -> Result<CheckpointConfig, String> {
    let read = CheckpointConfig::read(&dict(changes), Path::new("model_config.pt"), 24, stretch);
    read.map_err(|error| error.to_string())
}

fn read(changes: &[(&str, Value)]) -> Result<CheckpointConfig, String> {
    read_stretched(changes, Stretch::default())
}

/// The parameters of `build_model_with_cfg` with their defaults and what `launch.py` adds, without the sizes and
/// numbers that every model sets.
fn upstream() -> Vec<(&'static str, Value)> {
    let (yes, no, std) = (Value::Bool(true), Value::Bool(false), Value::Float(0.02));
    vec![
        ("num_chunks", Value::Int(1)),
        ("checkpoint", Value::Int(0)),
        ("embed_split_hidden", no.clone()),
        ("embed_grad_scale", Value::Int(1)),
        ("parallel_output", yes.clone()),
        ("mlp_ratio", Value::Float(4.0)),
        ("multiple_of", Value::Int(256)),
        ("residual_in_fp32", no.clone()),
        ("norm_type", text("rmsnorm")),
        ("drop_rate", Value::Int(0)),
        ("attn_drop_rate", Value::Int(0)),
        ("apply_post_layer_norm", no.clone()),
        ("deepnorm", no.clone()),
        ("is_reward", no.clone()),
        ("dropout_selective_checkpoint", yes.clone()),
        ("use_scaled_init", yes.clone()),
        ("use_swiglu", yes.clone()),
        ("use_flash_attn", yes),
        ("embedding_init_std", std.clone()),
        ("attn_wqkv_init_std", std.clone()),
        ("attn_other_init_std", std.clone()),
        ("ffn_uplayer_init_std", std.clone()),
        ("ffn_other_init_std", std.clone()),
        ("out_head_init_std", std),
        ("init_type", text("normal")),
        ("norm_head", no.clone()),
        ("use_dynamic_ntk_rope", no.clone()),
        ("qk_interleaved", no.clone()),
        ("mlp_layer_fusion", no.clone()),
        ("num_experts", Value::Int(1)),
        ("num_shared_experts", Value::Int(0)),
        ("moe_use_residual", no),
        ("moe_type", text("GShard")),
        ("moe_layer_kwargs", Value::Dict(Vec::new())),
        ("top_k", Value::Int(1)),
    ]
}

/// Parameters that other versions and configs of InternEvo have.
const OTHERS: [&str; 15] = [
    "activation_type",
    "add_unit_offset",
    "checkpoint_fraction",
    "enable_qkv_fusion",
    "head_dim",
    "max_position_embeddings",
    "mlp_bias",
    "model_type",
    "o_bias",
    "qkv_bias",
    "rotary_emb_scale_base",
    "sequence_parallel",
    "sliding_window",
    "tp_mode",
    "use_sliding_window",
];

/// The value of a Python literal of the table.
fn literal(literal: &str) -> Value {
    match literal {
        "None" => Value::None,
        "True" => Value::Bool(true),
        "False" => Value::Bool(false),
        _ => match literal.parse() {
            Ok(number) => Value::Int(number),
            Err(_) => text(literal.trim_matches('"')),
        },
    }
}

/// A value that gives another config than the dict's.
fn sample(key: &str) -> Value {
    match key {
        "num_layers" => Value::Int(3),
        "hidden_size" => Value::Int(32),
        "vocab_size" => Value::Int(20),
        "num_attention_heads" | "head_dim" => Value::Int(4),
        "num_kv_attention_heads" => Value::Int(2),
        "no_bias" | "adapt_hf" => Value::Bool(false),
        "norm_head" | "qk_interleaved" | "use_dynamic_ntk_rope" => Value::Bool(true),
        "layer_norm_epsilon" => Value::Float(1e-3),
        "rope_base" => Value::Int(500_000),
        "max_position_embeddings" => Value::Int(512),
        "dtype" => text("torch.float16"),
        other => panic!("{other} is applied: how is it told from one that is not?"),
    }
}

#[test]
fn upstreams_parameters_have_rules_and_their_defaults_pass() {
    let upstream = upstream();
    for (key, _) in &upstream {
        assert!(Rule::of(key).is_some(), "{key} is not in the table");
    }
    for (key, _) in dict(&[]).as_pairs().expect("a dict") {
        assert!(key.as_str().is_some_and(|key| Rule::of(key).is_some()), "{key:?} is written by this crate");
    }
    assert_eq!(read(&upstream), read(&[]));
    let written = dict(&[("adapt_hf", Value::Bool(true))]);
    let written = written.as_pairs().expect("a dict").iter().filter_map(|(key, _)| key.as_str());
    let expected: BTreeSet<&str> =
        upstream.iter().map(|(key, _)| *key).chain(written).chain(OTHERS).collect();
    let names: BTreeSet<&str> = KEYS.iter().map(|(key, _)| *key).collect();
    assert_eq!(names, expected, "a row per documented key, and no other");
    assert_eq!(names.len(), KEYS.len(), "every key has one row");
}

#[test]
fn every_key_does_what_its_rule_says() {
    let plain = read(&[]).expect("a usable dict");
    for &(key, rule) in KEYS {
        match rule {
            Rule::Applied => {
                let read = read(&[(key, sample(key))]).expect(key);
                assert_ne!(read, plain, "{key} changes nothing");
            }
            Rule::Only(allowed) => {
                for allowed in allowed {
                    assert_eq!(read(&[(key, literal(allowed))]).as_ref(), Ok(&plain), "{key} {allowed}");
                }
                let error = read(&[(key, Value::Float(7.5))]).expect_err(key);
                assert!(error.contains(&format!("{key}: found 7.5, expected ")), "{error}");
            }
            Rule::Harmless(reason) => {
                assert!(reason.split(' ').count() > 3, "{key}: {reason} is a reason");
                for value in [Value::Bool(true), Value::Float(7.5), text("x"), Value::None] {
                    assert_eq!(read(&[(key, value)]).as_ref(), Ok(&plain), "{key}");
                }
            }
        }
    }
}

#[test]
fn values_of_the_wrong_kind_are_problems() {
    for &(key, _) in KEYS.iter().filter(|(_, rule)| matches!(rule, Rule::Applied)) {
        let error = read(&[(key, Value::List(Vec::new()))]).expect_err(key);
        assert!(error.contains(&format!("{key}: found [], expected ")), "{error}");
    }
    for (key, value, expected) in [
        ("rope_base", text("1e6"), "rope_base: found \"1e6\", expected a number"),
        ("layer_norm_epsilon", Value::None, "layer_norm_epsilon: found None, expected a number"),
        ("adapt_hf", Value::Int(0), "adapt_hf: found 0, expected True or False"),
        ("num_layers", Value::Float(2.0), "num_layers: found 2.0, expected a whole number"),
        ("num_layers", Value::None, "num_layers: missing, expected a whole number"),
        ("dtype", Value::DType(Encoding::F64), "dtype: found F64, expected torch.float32"),
        ("dtype", text("torch.int8"), "dtype: found \"torch.int8\", expected torch.float32"),
    ] {
        let error = read(&[(key, value)]).expect_err(key);
        assert!(error.contains(expected), "{error}");
    }
    let all = [("no_bias", text("x")), ("norm_type", text("layernorm")), ("deepnorm", Value::Bool(true))];
    let error = read(&all).expect_err("three problems");
    assert!(all.iter().all(|(key, _)| error.contains(&format!("{key}: found "))), "{error}");
}

#[test]
fn the_dtype_is_an_object_or_a_name() {
    for (value, dtype) in [
        (Value::DType(Encoding::Bf16), DType::Bf16),
        (text("torch.bfloat16"), DType::Bf16),
        (text("torch.half"), DType::F16),
        (text("torch.tf32"), DType::F32),
    ] {
        assert_eq!(read(&[("dtype", value)]).expect("a usable dict").model.dtype, dtype);
    }
}

#[test]
fn qk_interleaved_is_the_opposite_of_adapt_hf() {
    let order = |changes: &[(&str, bool)]| {
        let changes: Vec<(&str, Value)> = changes.iter().map(|(key, on)| (*key, Value::Bool(*on))).collect();
        read(&changes).map(|read| read.order)
    };
    let (adapt_hf, interleaved) = ("adapt_hf", "qk_interleaved");
    assert_eq!(order(&[]), Ok(RowOrder::HalfSplit));
    for on in [false, true] {
        let expected = if on { RowOrder::Interleaved } else { RowOrder::HalfSplit };
        assert_eq!(order(&[(interleaved, on)]), Ok(expected));
        assert_eq!(order(&[(adapt_hf, !on)]), Ok(expected));
        assert_eq!(order(&[(adapt_hf, !on), (interleaved, on)]), Ok(expected));
        let error = order(&[(adapt_hf, on), (interleaved, on)]).expect_err("they contradict each other");
        assert!(error.contains("qk_interleaved: found the value of adapt_hf"), "{error}");
    }
}

#[test]
fn stored_positions_take_the_place_of_the_default() {
    let [dynamic, stated] = [1.0, 2.0].map(|factor| RopeScaling::Dynamic { factor });
    let none = Stretch::default();
    let said = Stretch { max_position: Some(32_768), rope_scaling: Some(stated.clone()) };
    let plain = Stretch { max_position: Some(4096), rope_scaling: Some(RopeScaling::None) };
    let ntk = ("use_dynamic_ntk_rope", Value::Bool(true));
    let position = ("max_position_embeddings", Value::Int(512));
    for (changes, stretch, max_position, rope_scaling) in [
        (vec![], &none, 4096, RopeScaling::None),
        (vec![position.clone()], &none, 512, RopeScaling::None),
        (vec![ntk.clone()], &none, 2048, dynamic.clone()),
        (vec![ntk.clone(), position.clone()], &none, 512, dynamic),
        (vec![ntk.clone(), position.clone()], &plain, 4096, RopeScaling::None),
        (vec![ntk, position], &said, 32_768, stated),
    ] {
        let model = read_stretched(&changes, stretch.clone()).expect("a usable dict").model;
        assert_eq!((model.max_position, model.rope_scaling), (max_position, rope_scaling), "{changes:?}");
    }
}

#[test]
fn unknown_keys_pass_unless_their_name_says_that_they_change_numbers() {
    let plain = read(&[]);
    for (key, value, found) in [
        ("rope_scaling_factor", Value::Float(2.0), "2.0"),
        ("rope_scaling", Value::Dict(vec![(text("type"), text("linear"))]), "Dict"),
        ("embedding_multiplier", Value::Int(12), "12"),
        ("attn_logit_softcap", Value::Float(50.0), "50.0"),
        ("window_size", Value::Int(4096), "4096"),
        ("use_qk_norm", Value::Bool(true), "True"),
        ("num_local_experts", Value::Int(8), "8"),
        ("moe_intermediate_size", Value::Int(64), "64"),
    ] {
        let error = read(&[(key, value)]).expect_err(key);
        let problem = format!("{key}: found {found}");
        assert!(error.contains(&problem) && error.contains("it changes numbers"), "{error}");
        for neutral in [Value::None, Value::Bool(false), Value::List(Vec::new()), Value::Dict(Vec::new())] {
            assert_eq!(read(&[(key, neutral)]), plain, "{key}");
        }
    }
    let harmless = [("embedding_multiplier", Value::Float(1.0)), ("job_name", text("7b"))];
    assert_eq!(read(&harmless), plain);
    // The last value of a key that is set twice counts.
    let twice = [("norm_type", text("layernorm")), ("norm_type", text("rmsnorm"))];
    assert_eq!(read(&twice), plain);
}

#[test]
fn inter_follows_from_the_written_ratio() {
    for (hidden, inter) in [(2048, 8192), (4096, 14_336), (576, 1536), (128, 288), (7, 33), (6144, 16_384)] {
        let size = ModelSize { hidden, layers: 1, heads: 1, inter, vocab: 5 };
        let dict = written(&ModelConfig::new(size).with_head_dim(2), true);
        let multiple = dict.get("multiple_of").and_then(Value::as_u64).expect("a size") as usize;
        let ratio = dict.get("mlp_ratio").and_then(Value::as_f64).expect("a number");
        assert_eq!(multiple * (hidden as f64 * ratio / multiple as f64).ceil() as usize, inter);
    }
}

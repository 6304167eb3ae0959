//! `config.json` of every family, and what is refused.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::Result;
use crate::config::{Family, ModelConfig, RopeScaling};

fn base() -> Value {
    json!({
        "architectures": ["InternLM2ForCausalLM"], "hidden_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 128, "vocab_size": 100,
        "max_position_embeddings": 256, "rms_norm_eps": 1e-5, "rope_theta": 1e6, "bias": false,
        "tie_word_embeddings": false, "bos_token_id": 1, "eos_token_id": [2, 92], "pad_token_id": 2
    })
}

fn parse(changes: &Value) -> Result<ModelConfig> {
    let mut object = base().as_object().expect("an object").clone();
    for (key, value) in changes.as_object().expect("an object") {
        object.insert(key.clone(), value.clone());
        if value == "REMOVE" {
            object.remove(key);
        }
    }
    ModelConfig::from_hf_json(&object, Path::new("config.json"))
}

#[track_caller]
fn refused(changes: &Value, expect: &[&str]) {
    let text = parse(changes).expect_err("refused").to_string();
    for part in expect {
        assert!(text.contains(part), "{text} lacks {part}");
    }
}

#[test]
fn every_family_reads_its_own_bias_keys() {
    let biases = |changes: Value| {
        let config = parse(&changes).expect("parses");
        (config.qkv_bias, config.o_bias, config.mlp_bias)
    };
    assert_eq!(biases(json!({})), (false, false, false));
    assert_eq!(biases(json!({"bias": "REMOVE"})), (true, true, false));
    let internlm3 = json!({"architectures": ["InternLM3ForCausalLM"], "qkv_bias": true});
    assert_eq!(biases(internlm3), (true, false, false));
    let llama = json!({"architectures": ["LlamaForCausalLM"], "attention_bias": true, "mlp_bias": true});
    assert_eq!(biases(llama), (true, true, true));
    assert_eq!(biases(json!({"architectures": ["Qwen2ForCausalLM"]})), (true, false, false));
}

#[test]
fn defaults_and_explicit_head_dim() {
    let changes = json!({"num_key_value_heads": null, "head_dim": 32, "rms_norm_eps": "REMOVE",
        "rope_theta": "REMOVE", "tie_word_embeddings": "REMOVE"});
    let config = parse(&changes).expect("parses");
    assert_eq!((config.kv_heads, config.head_dim, config.eps, config.rope_theta), (4, 32, 1e-6, 1e4));
    assert!(!config.tied);
}

#[test]
fn rope_scaling_kinds() {
    let scaling = |value: Value| parse(&json!({"rope_scaling": value})).expect("parses").rope_scaling;
    assert_eq!(scaling(Value::Null), RopeScaling::None);
    assert_eq!(scaling(json!({"type": "dynamic", "factor": 2.0})), RopeScaling::Dynamic { factor: 2.0 });
    assert_eq!(scaling(json!({"rope_type": "linear", "factor": 4})), RopeScaling::Linear { factor: 4.0 });
    assert_eq!(scaling(json!({"rope_type": "default"})), RopeScaling::None);
    let yarn = json!({"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768});
    let expected = RopeScaling::Yarn {
        factor: 4.0,
        original_max_position: Some(32_768),
        attention_factor: None,
        beta_fast: 32.0,
        beta_slow: 1.0,
    };
    assert_eq!(scaling(yarn), expected);
    refused(&json!({"rope_scaling": {"type": "yarn", "factor": 2, "mscale": 1}}), &["mscale"]);
    refused(&json!({"rope_scaling": {"type": "longrope", "factor": 2}}), &["longrope", "dynamic or yarn"]);
    refused(&json!({"rope_scaling": {"type": "dynamic"}}), &["factor", "missing"]);
}

#[test]
fn model_type_is_asked_only_without_architectures() {
    let llama = parse(&json!({"architectures": "REMOVE", "model_type": "llama"})).expect("parses");
    assert_eq!(llama.family, Family::Llama);
    let named = parse(&json!({"model_type": "nonsense"})).expect("parses");
    assert_eq!(named.family, Family::InternLm2);
    refused(&json!({"architectures": ["GPT2LMHeadModel"]}), &["GPT2LMHeadModel", "InternLM2ForCausalLM"]);
    refused(&json!({"architectures": "REMOVE", "model_type": "gpt2"}), &["model_type", "gpt2", "internlm3"]);
}

#[test]
fn all_problems_are_reported_at_once() {
    let changes =
        json!({"hidden_size": "REMOVE", "vocab_size": -3, "tie_word_embeddings": 1, "hidden_act": "gelu"});
    refused(&changes, &["4 problem(s)", "hidden_size: missing", "-3", "expected true or false", "gelu"]);
    refused(&json!({"num_key_value_heads": 3}), &["kv-heads: found 3", "divisor of heads 4"]);
    let mistral = json!({"architectures": ["MistralForCausalLM"], "sliding_window": 4096});
    refused(&mistral, &["sliding_window"]);
}

#[test]
fn unknown_keys_survive_a_round_trip() {
    for architecture in
        ["InternLM2ForCausalLM", "InternLM3ForCausalLM", "LlamaForCausalLM", "Qwen2ForCausalLM"]
    {
        let changes = json!({"architectures": [architecture], "use_cache": true, "initializer_range": 0.02,
            "rope_scaling": {"type": "dynamic", "factor": 2.0}});
        let config = parse(&changes).expect("parses");
        assert_eq!(serde_json::to_value(config.family).expect("a name"), config.family.name());
        let json = config.to_hf_json();
        assert_eq!(json["initializer_range"], 0.02);
        let again = ModelConfig::from_hf_json(json.as_object().expect("an object"), Path::new("again"));
        assert_eq!(again.expect("parses"), config);
    }
}

#[test]
fn toml_round_trip_keeps_everything_but_nulls() {
    let config =
        parse(&json!({"use_cache": true, "nothing": null, "nested": {"a": [1, null]}})).expect("parses");
    let text = toml::to_string(&config).expect("TOML has a form for every field");
    let again: ModelConfig = toml::from_str(&text).expect("parses");
    assert_eq!(again.extra["use_cache"], true);
    assert_eq!(again.extra["nested"], json!({"a": [1]}));
    assert_eq!(ModelConfig { extra: Map::new(), ..again }, ModelConfig { extra: Map::new(), ..config });
}

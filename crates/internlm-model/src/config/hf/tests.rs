//! `config.json` of every family, and what is refused.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::Result;
use crate::config::{Family, ModelConfig, RopeScaling, SlidingWindow};

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
    refused(&json!({"rope_scaling": {"type": "mrope", "factor": 2}}), &["mrope", "llama3 or longrope"]);
    refused(&json!({"rope_scaling": {"type": "dynamic"}}), &["factor", "missing"]);
    let llama3 = json!({"rope_type": "llama3", "factor": 8, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192});
    let expected = RopeScaling::Llama3 {
        factor: 8.0,
        low_freq_factor: 1.0,
        high_freq_factor: 4.0,
        original_max_position: 8192,
    };
    assert_eq!(scaling(llama3), expected);
}

/// Heads of the base have 16 dimensions: lists of 8 factors.
#[test]
fn longrope_takes_its_attention_factor_from_wherever_it_stands() {
    let [short, long] = [[1.0, 1.0, 1.0, 1.5, 2.0, 2.0, 3.0, 3.0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]];
    let read = |more: Value| {
        let mut object = json!({"type": "su", "short_factor": short, "long_factor": long,
            "original_max_position_embeddings": 64});
        for (key, value) in more.as_object().expect("an object") {
            object[key] = value.clone();
        }
        parse(&json!({"rope_scaling": object})).expect("parses").rope_scaling
    };
    let expected = |attention_factor: f64| RopeScaling::LongRope {
        short_factor: short.to_vec(),
        long_factor: long.to_vec(),
        original_max_position: 64,
        attention_factor,
    };
    // 256 positions are four times the first context of 64: sqrt(1 + ln 4 / ln 64) = sqrt(4 / 3).
    let RopeScaling::LongRope { attention_factor, .. } = read(json!({})) else { panic!("longrope") };
    assert!((attention_factor - (4.0_f64 / 3.0).sqrt()).abs() < 1e-12, "{attention_factor}");
    assert_eq!(read(json!({"attention_factor": 1.25, "factor": 9})), expected(1.25));
    assert_eq!(read(json!({"factor": 1})), expected(1.0));
    assert_eq!(read(json!({"rope_type": "longrope", "attention_factor": 1})), expected(1.0));
    for (key, value, part) in [
        ("short_factor", json!([1, 2]), "rope-scaling short-factor: found 2 numbers"),
        (
            "long_factor",
            json!([1, 2, 3, 4, 5, 6, 7, "8"]),
            "rope_scaling.long_factor: found [1,2,3,4,5,6,7,\"8\"]",
        ),
        ("short_mscale", json!(1.1), "rope_scaling.short_mscale: found 1.1"),
        ("original_max_position_embeddings", json!(1), "found 1 and"),
    ] {
        let mut object = json!({"type": "longrope", "short_factor": short, "long_factor": long,
            "original_max_position_embeddings": 64});
        object[key] = value;
        refused(&json!({"rope_scaling": object}), &[part]);
    }
}

#[test]
fn what_an_object_of_scaling_says_beyond_its_kind_is_refused_by_name() {
    let refused_with = |object: Value, part: &str| refused(&json!({"rope_scaling": object}), &[part]);
    refused_with(
        json!({"type": "linear", "factor": "4"}),
        "rope_scaling.factor: found \"4\", expected a number",
    );
    refused_with(json!({"type": "linear", "factor": 4, "beta_fast": 1}), "rope_scaling.beta_fast: found 1");
    refused_with(
        json!({"type": "linear", "rope_type": "yarn", "factor": 4}),
        "rope_scaling.type: found linear",
    );
    refused_with(json!({"factor": 4}), "rope_scaling.rope_type: found nothing");
    refused_with(json!({"type": 4, "factor": 4}), "rope_scaling.type: found 4, expected a name");
    refused_with(
        json!({"type": "yarn", "factor": 4, "truncate": false}),
        "rope_scaling.truncate: found false",
    );
    let partial = json!({"type": "linear", "factor": 4, "partial_rotary_factor": 0.5});
    refused_with(partial, "rope_scaling.partial_rotary_factor: found 0.5, expected 1");
    let dynamic = json!({"type": "dynamic", "factor": 4, "original_max_position_embeddings": 128});
    refused_with(dynamic, "expected max_position_embeddings 256 or nothing");
    let llama3 = json!({"type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 1});
    refused_with(llama3, "high-freq-factor above the low-freq-factor");
    refused(&json!({"rope_scaling": [1]}), &["rope_scaling: found [1], expected null or an object"]);
    refused(&json!({"partial_rotary_factor": 0.5}), &["partial_rotary_factor: found 0.5"]);
}

#[test]
fn rope_parameters_hold_base_and_scaling() {
    let read = |object: Value| {
        let changes = json!({"rope_theta": "REMOVE", "rope_parameters": object});
        parse(&changes).map(|config| (config.rope_theta, config.rope_scaling))
    };
    let linear = json!({"rope_theta": 5e5, "rope_type": "linear", "factor": 2.0, "beta_fast": null});
    let expected = (5e5, RopeScaling::Linear { factor: 2.0 });
    assert_eq!(read(linear.clone()).expect("parses"), expected);
    assert_eq!(read(json!({"rope_theta": 5e5})).expect("parses"), (5e5, RopeScaling::None));
    for (object, layers) in [
        (json!({"full_attention": linear, "sliding_attention": linear}), "full_attention"),
        (json!({"full_attention": linear, "sliding_attention": {"rope_type": "default"}}), "full_attention"),
        (json!({"full_attention": null, "sliding_attention": linear}), "sliding_attention"),
    ] {
        let error = read(object).expect_err("one rotation per layer type").to_string();
        assert!(error.contains(&format!("rope_parameters.{layers}: found an object")), "{error}");
    }
    refused(&json!({"rope_parameters": {"rope_theta": 5e5}}), &["rope_parameters.rope_theta: found 500000"]);
    let twice =
        json!({"rope_scaling": {"type": "linear", "factor": 2}, "rope_parameters": {"rope_theta": 1e6}});
    refused(&twice, &["rope_parameters: found other values than in rope_scaling"]);
    let outside =
        json!({"original_max_position_embeddings": 64, "rope_scaling": {"type": "yarn", "factor": 4}});
    let scaling = parse(&outside).expect("parses").rope_scaling;
    assert!(matches!(scaling, RopeScaling::Yarn { original_max_position: Some(64), .. }), "{scaling:?}");
    let contrary = json!({"original_max_position_embeddings": 64,
        "rope_scaling": {"type": "yarn", "factor": 4, "original_max_position_embeddings": 128}});
    refused(&contrary, &["original_max_position_embeddings: found 128, expected the 64"]);
}

#[test]
fn windows_of_mistral_and_qwen2() {
    let window = |architecture: &str, changes: Value| {
        let mut changes = changes;
        changes["architectures"] = json!([architecture]);
        let config = parse(&changes)?;
        let again = ModelConfig::from_hf_json(config.to_hf_json().as_object().expect("an object"), "again")?;
        assert_eq!(again.sliding_window, config.sliding_window, "{changes}");
        Ok::<_, crate::Error>(config.sliding_window)
    };
    let mistral = |changes| window("MistralForCausalLM", changes).expect("parses");
    assert_eq!(mistral(json!({"sliding_window": null})), None);
    assert_eq!(mistral(json!({"sliding_window": 128})), Some(SlidingWindow::new(128)));
    // transformers' class has a window when the file is silent.
    assert_eq!(mistral(json!({})), Some(SlidingWindow::new(4096)));
    let qwen2 = |changes| window("Qwen2ForCausalLM", changes).expect("parses");
    assert_eq!(qwen2(json!({"sliding_window": 32768, "max_window_layers": 28})), None);
    let on = json!({"use_sliding_window": true, "sliding_window": 8, "max_window_layers": 1});
    assert_eq!(qwen2(on), Some(SlidingWindow { tokens: 8, full_layers: vec![0] }));
    let all = json!({"use_sliding_window": true, "sliding_window": 8, "max_window_layers": 28});
    assert_eq!(qwen2(all), None);
    let list = json!({"use_sliding_window": true, "sliding_window": 8, "max_window_layers": 0,
        "layer_types": ["sliding_attention", "full_attention"]});
    assert_eq!(qwen2(list), Some(SlidingWindow { tokens: 8, full_layers: vec![1] }));
    for (architecture, changes, part) in [
        ("LlamaForCausalLM", json!({"sliding_window": 8}), "sliding_window: found 8, expected null"),
        ("MistralForCausalLM", json!({"sliding_window": 0}), "sliding-window: found 0 tokens"),
        ("MistralForCausalLM", json!({"sliding_window": "8"}), "sliding_window: found \"8\""),
        ("Qwen2ForCausalLM", json!({"layer_types": ["full_attention"]}), "each of 2 layers"),
        (
            "Qwen2ForCausalLM",
            json!({"layer_types": ["full_attention", "linear_attention"]}),
            "linear_attention",
        ),
    ] {
        let error = window(architecture, changes).expect_err(part).to_string();
        assert!(error.contains(part), "{error}");
    }
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
    refused(&changes, &["4 problems", "hidden_size: missing", "-3", "expected true or false", "gelu"]);
    refused(&json!({"num_key_value_heads": 3}), &["kv-heads: found 3", "divisor of heads 4"]);
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

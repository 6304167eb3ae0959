//! The table against transformers' classes, and the reader against the table.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::{KEYS, Rule};
use crate::Result;
use crate::config::{Family, ModelConfig};

/// Per family, the keys of upstream's configuration class with their defaults; `tests/golden/config_keys.py` made it.
const DOCUMENTED: &str = include_str!("../../../../tests/golden/config_keys.json");

const FAMILIES: [(Family, &str); 6] = [
    (Family::InternLm2, "InternLM2ForCausalLM"),
    (Family::InternLm2Reward, "InternLM2ForRewardModel"),
    (Family::InternLm3, "InternLM3ForCausalLM"),
    (Family::Llama, "LlamaForCausalLM"),
    (Family::Mistral, "MistralForCausalLM"),
    (Family::Qwen2, "Qwen2ForCausalLM"),
];

/// Keys that no class of the six families has and that files of their kind carry: other models' switches, and what
/// quantizers add.
const OTHERS: [&str; 13] = [
    "attention_multiplier",
    "attn_logit_softcapping",
    "clip_qkv",
    "embedding_multiplier",
    "final_logit_softcapping",
    "is_causal",
    "logit_scale",
    "logits_scaling",
    "original_max_position_embeddings",
    "qk_norm",
    "quantization_config",
    "residual_multiplier",
    "use_qk_norm",
];

/// A small model of the family with every size in place.
fn base(architecture: &str) -> Map<String, Value> {
    let base = json!({
        "architectures": [architecture], "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "intermediate_size": 128, "vocab_size": 100, "max_position_embeddings": 256,
        "rms_norm_eps": 1e-5, "rope_theta": 1e6, "tie_word_embeddings": false, "sliding_window": null,
        "use_sliding_window": false, "bias": false
    });
    base.as_object().expect("an object").clone()
}

fn read(object: &Map<String, Value>) -> Result<ModelConfig> {
    ModelConfig::from_hf_json(object, Path::new("config.json"))
}

/// The config without the keys that are only kept.
fn computed(object: &Map<String, Value>) -> ModelConfig {
    ModelConfig { extra: Map::new(), ..read(object).expect("a usable config") }
}

/// A value that gives another config than the base's, or than the absence of the key.
fn sample(key: &str, family: Family) -> Value {
    match key {
        "architectures" if family == Family::Llama => json!(["InternLM3ForCausalLM"]),
        "architectures" => json!(["LlamaForCausalLM"]),
        "model_type" => json!("llama"),
        "hidden_size" => json!(128),
        "num_hidden_layers" => json!(3),
        "num_attention_heads" => json!(8),
        "num_key_value_heads" => json!(1),
        "head_dim" => json!(32),
        "intermediate_size" | "vocab_size" => json!(200),
        "max_position_embeddings" => json!(512),
        "rms_norm_eps" => json!(1e-3),
        "tie_word_embeddings" | "bias" | "qkv_bias" | "attention_bias" | "mlp_bias" => json!(true),
        "torch_dtype" | "dtype" => json!("float16"),
        "bos_token_id" | "eos_token_id" | "pad_token_id" | "reward_token_id" => json!(7),
        "rope_theta" => json!(5e5),
        "rope_scaling" | "rope_parameters" => json!({"rope_type": "linear", "factor": 2.0}),
        "sliding_window" => json!(8),
        other => panic!("{other} is applied: how is it told from one that is not?"),
    }
}

/// For keys that count only together with others: two sets of keys that differ in this one and give other configs.
fn pair(key: &str) -> Option<[Value; 2]> {
    let with = |mut object: Value, key: &str, value: Value| {
        object[key] = value;
        object
    };
    let yarn = json!({"rope_scaling": {"rope_type": "yarn", "factor": 2.0}});
    let sliding = json!({"use_sliding_window": true, "sliding_window": 8, "max_window_layers": 1});
    Some(match key {
        "original_max_position_embeddings" => [yarn.clone(), with(yarn, key, json!(64))],
        "use_sliding_window" => [with(sliding.clone(), key, json!(false)), sliding],
        "sliding_window" => [with(sliding.clone(), key, json!(9)), sliding],
        "max_window_layers" => [with(sliding.clone(), key, json!(0)), sliding],
        _ => return None,
    })
}

/// `base` with some keys changed.
fn changed(base: &Map<String, Value>, changes: &Value) -> Map<String, Value> {
    let mut object = base.clone();
    object.extend(changes.as_object().expect("an object").clone());
    object
}

#[test]
fn every_documented_key_has_a_rule() {
    let documented: Map<String, Value> = serde_json::from_str(DOCUMENTED).expect("the golden is JSON");
    for (family, _) in FAMILIES {
        let keys = documented[family.name()].as_object().expect("an object");
        assert!(keys.len() > 20, "{family:?}: the golden has keys");
        for key in keys.keys() {
            assert!(Rule::of(key, family).is_some(), "{family:?}: {key} is not in the table");
        }
    }
    let of_classes = documented.values().filter_map(Value::as_object).flat_map(Map::keys).map(String::as_str);
    let expected: BTreeSet<&str> = of_classes.chain(OTHERS).collect();
    let names: BTreeSet<&str> = KEYS.iter().map(|(key, _)| *key).collect();
    assert_eq!(names, expected, "a row per documented key, and no other");
    assert_eq!(names.len(), KEYS.len(), "every key has one row");
}

/// The defaults of upstream's classes are usable: no rule refuses what a class writes by itself.
#[test]
fn the_defaults_of_the_classes_pass() {
    let documented: Map<String, Value> = serde_json::from_str(DOCUMENTED).expect("the golden is JSON");
    for (family, architecture) in FAMILIES {
        let mut object = documented[family.name()].as_object().expect("an object").clone();
        object.insert("architectures".to_owned(), json!([architecture]));
        let config = read(&object).unwrap_or_else(|error| panic!("{family:?}: {error}"));
        assert_eq!(config.family, family);
    }
}

#[test]
fn applied_keys_are_read() {
    for (family, architecture) in FAMILIES {
        for (key, _) in KEYS {
            if !matches!(Rule::of(key, family), Some(Rule::Applied)) {
                continue;
            }
            let mut base = base(architecture);
            if *key == "model_type" {
                base.remove("architectures");
                base.insert("model_type".to_owned(), json!("internlm3"));
            }
            if *key == "layer_types" {
                layer_types_are_held_against_the_window(&base, family);
                continue;
            }
            let pair = pair(key).filter(|_| family == Family::Qwen2 || !key.contains("window"));
            let [first, second] = pair.unwrap_or_else(|| [json!({}), json!({*key: sample(key, family)})]);
            let second = read(&changed(&base, &second)).expect("a usable config");
            assert!(!second.extra.contains_key(*key), "{family:?}: {key} is only kept");
            let second = ModelConfig { extra: Map::new(), ..second };
            assert_ne!(computed(&changed(&base, &first)), second, "{family:?}: {key} changes nothing");
        }
    }
}

fn layer_types_are_held_against_the_window(base: &Map<String, Value>, family: Family) {
    let full = changed(base, &json!({"layer_types": ["full_attention", "full_attention"]}));
    assert_eq!(computed(&full), computed(base), "{family:?}");
    let sliding = changed(base, &json!({"layer_types": ["full_attention", "sliding_attention"]}));
    let error = read(&sliding).expect_err("no window is given").to_string();
    assert!(error.contains("layer_types[1]: found sliding_attention"), "{family:?}: {error}");
}

#[test]
fn other_keys_are_refused_or_change_nothing() {
    for (family, architecture) in FAMILIES {
        let base = base(architecture);
        let plain = computed(&base);
        let with = |key: &str, value: Value| changed(&base, &json!({key: value}));
        for (key, _) in KEYS {
            match Rule::of(key, family).expect("a row of the table") {
                Rule::Only(allowed) => {
                    for text in allowed {
                        let value = serde_json::from_str(text).expect("JSON");
                        assert_eq!(computed(&with(key, value)), plain, "{family:?}: {key} {text}");
                    }
                    let error = read(&with(key, json!(7.5))).expect_err(key).to_string();
                    assert!(error.contains(&format!("{key}: found 7.5")), "{family:?}: {error}");
                }
                Rule::Harmless(reason) => {
                    assert!(reason.split(' ').count() > 3, "{key}: {reason} is a reason");
                    for value in [json!(true), json!(7.5), json!("x"), json!({"a": 1}), Value::Null] {
                        let read = read(&with(key, value.clone())).expect(key);
                        assert_eq!(read.extra.get(*key), Some(&value), "{family:?}: {key} is kept");
                        assert_eq!(ModelConfig { extra: Map::new(), ..read }, plain, "{family:?}: {key}");
                    }
                }
                Rule::Applied | Rule::AppliedIn(..) => {}
            }
        }
    }
}

#[test]
fn unknown_keys_pass_unless_their_name_says_that_they_change_numbers() {
    let base = base("LlamaForCausalLM");
    let with = |changes: Value| read(&changed(&base, &changes));
    let kept = json!({"unsloth_version": "2024.9", "model_max_length": 4096, "my_notes": {"a": [1]}});
    let config = with(kept.clone()).expect("harmless keys");
    assert!(kept.as_object().expect("an object").iter().all(|(key, value)| config.extra[key] == *value));
    for (changes, part) in [
        (json!({"attn_logit_softcap": 50.0}), "attn_logit_softcap: found 50.0"),
        (json!({"mlp_multiplier": 0.5}), "mlp_multiplier: found 0.5"),
        (json!({"scale_emb": 12}), "scale_emb: found 12"),
        (json!({"num_local_experts": 8}), "num_local_experts: found 8"),
        (json!({"use_qk_layernorm": true}), "use_qk_layernorm: found true"),
        (json!({"no_rope_layers": [1, 0]}), "no_rope_layers: found [1,0]"),
        (json!({"rope_ratio": 8}), "rope_ratio: found 8"),
        (json!({"ntk_alpha": 1000}), "ntk_alpha: found 1000"),
        (json!({"use_logn_attn": true}), "use_logn_attn: found true"),
        (json!({"nope_layer_interval": 4}), "nope_layer_interval: found 4"),
        (json!({"logits_soft_cap": 30.0}), "logits_soft_cap: found 30.0"),
        (json!({"query_pre_attn_scalar": 256}), "query_pre_attn_scalar: found 256"),
        (json!({"sliding_window_pattern": 6}), "sliding_window_pattern: found 6"),
        (json!({"norm_head": true}), "norm_head: found true"),
    ] {
        let error = with(changes).expect_err(part).to_string();
        assert!(error.contains(part) && error.contains("it changes numbers"), "{error}");
    }
    let neutral = json!({"mlp_multiplier": 1.0, "use_qk_layernorm": false, "num_local_experts": 0,
        "no_rope_layers": [], "rope_ratio": 1, "attn_logit_softcap": null});
    with(neutral).expect("values that change nothing");
}

//! Every key of PEFT 0.21's `LoraConfig` and what it means for a merge: applied, refused, or without effect.
//!
//! | keys | rule |
//! |---|---|
//! | `peft_type`, `r`, `lora_alpha`, `use_rslora`, `use_dora`, `rank_pattern`, `alpha_pattern`, `target_modules` | applied, and compared with the tensors |
//! | `modules_to_save`, `bias` | applied: the tensors of these modules, and the biases, are in the file |
//! | `lora_bias`, `use_qalora`, `use_bdlora`, `kasa_config`, `monteclora_config`, `velora_config` | refused: another arithmetic, or more tensors |
//! | `init_lora_weights` | refused where PEFT changes the base weights before it loads the adapter (PiSSA, OLoRA, CorDA, LoftQ, LoRA-GA) |
//! | `layer_replication`, `target_parameters`, `trainable_token_indices`, `megatron_config` | refused: other modules than the linear layers of the base |
//! | `alora_invocation_tokens`, `arrow_config` | refused: PEFT does not merge these adapters, which act on some tokens only |
//! | `ensure_weight_tying` | refused: one adapter for two matrices |
//! | `lora_dropout`, `inference_mode`, `runtime_config` | no effect: training, and how it is run |
//! | `loftq_config`, `eva_config`, `corda_config`, `lora_ga_config` | no effect: details of `init_lora_weights` |
//! | `qalora_group_size`, `megatron_core` | no effect without `use_qalora` and `megatron_config` |
//! | `fan_in_fan_out` | no effect: PEFT ignores it on linear layers |
//! | `exclude_modules`, `layers_to_transform`, `layers_pattern` | no effect: the tensors say which layers have an adapter |
//! | `task_type`, `base_model_name_or_path`, `revision`, `auto_mapping`, `peft_version` | no effect: where the adapter comes from |
//!
//! A key that is not in this table is refused unless it is null, false or empty.

use serde_json::{Map, Value};

use crate::empty_value::is_empty;

/// Keys without effect on a merge, and those that `AdapterConfig` reads; the values are kept as they are.
pub(super) const ACCEPTED: [&str; 20] = [
    "auto_mapping",
    "base_model_name_or_path",
    "corda_config",
    "eva_config",
    "exclude_modules",
    "fan_in_fan_out",
    "inference_mode",
    "layers_pattern",
    "layers_to_transform",
    "loftq_config",
    "lora_dropout",
    "lora_ga_config",
    "megatron_core",
    "modules_to_save",
    "peft_version",
    "qalora_group_size",
    "revision",
    "runtime_config",
    "target_modules",
    "task_type",
];

/// The key whose values are told apart.
pub(super) const INITIAL: &str = "init_lora_weights";

/// Keys that ask for something which a merge here does not do, and what that is.
pub(super) const REFUSED: [(&str, &str); 13] = [
    ("alora_invocation_tokens", "adapters that act on some tokens only cannot be merged"),
    ("arrow_config", "a router between adapters cannot be merged"),
    ("ensure_weight_tying", "adapters of tied matrices are not supported"),
    ("kasa_config", "KaSA is not supported"),
    ("layer_replication", "replicated layers are not supported"),
    ("lora_bias", "biases of the factors are not supported"),
    ("megatron_config", "Megatron's layers are not supported"),
    ("monteclora_config", "MonteCLoRA is not supported"),
    ("target_parameters", "adapters of bare parameters are not supported"),
    ("trainable_token_indices", "trained rows of an embedding are not supported"),
    ("use_bdlora", "BD-LoRA is not supported"),
    ("use_qalora", "QALoRA is not supported"),
    ("velora_config", "VeLoRA is not supported"),
];

/// Initial values of the factors that leave the base weights alone.
const PLAIN: [&str; 3] = ["gaussian", "eva", "orthogonal"];

/// The keys of `rest` that change a merge, as `key: found X, expected Y`.
pub(super) fn problems(rest: &Map<String, Value>) -> Vec<String> {
    let asked = rest.iter().filter(|(_, value)| !is_empty(value));
    asked.filter_map(|(key, value)| problem(key, value)).collect()
}

fn problem(key: &str, value: &Value) -> Option<String> {
    if ACCEPTED.contains(&key) || (key == INITIAL && is_plain(value)) {
        return None;
    }
    let expected = match REFUSED.iter().find(|(refused, _)| *refused == key) {
        Some((_, reason)) => format!("null or false: {reason}"),
        None if key == INITIAL => {
            format!(
                "true, false or one of {}: other initial values change the base weights",
                PLAIN.join(", ")
            )
        }
        None => "a key of PEFT 0.21's LoraConfig, or a value that is null, false or empty".to_owned(),
    };
    Some(format!("{key}: found {value}, expected {expected}"))
}

/// PiSSA and its kind subtract something from the base weights, which this crate does not compute.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Bool(_) => true,
        Value::String(name) => PLAIN.contains(&name.as_str()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::super::{AdapterConfig, LoraTuningConfig};
    use super::*;

    /// The fields of PEFT 0.21's `LoraConfig` and of the classes below it.
    const DOCUMENTED: &str = "alora_invocation_tokens alpha_pattern arrow_config auto_mapping base_model_name_or_path \
        bias corda_config ensure_weight_tying eva_config exclude_modules fan_in_fan_out inference_mode \
        init_lora_weights kasa_config layer_replication layers_pattern layers_to_transform loftq_config lora_alpha \
        lora_bias lora_dropout lora_ga_config megatron_config megatron_core modules_to_save monteclora_config \
        peft_type peft_version qalora_group_size r rank_pattern revision runtime_config target_modules \
        target_parameters task_type trainable_token_indices use_bdlora use_dora use_qalora use_rslora velora_config";

    #[test]
    fn every_documented_key_is_read_accepted_or_refused() {
        let config =
            AdapterConfig { rest: Map::new(), ..AdapterConfig::new(&LoraTuningConfig::new(4, 8.0), "base") };
        let fields = serde_json::to_value(config).expect("an object");
        let fields: Vec<&str> = fields.as_object().expect("an object").keys().map(String::as_str).collect();
        let rows: Vec<&str> =
            fields.into_iter().chain(ACCEPTED).chain(REFUSED.map(|(key, _)| key)).chain([INITIAL]).collect();
        let unique: BTreeSet<&str> = rows.iter().copied().collect();
        assert_eq!(unique, DOCUMENTED.split_whitespace().collect(), "a row per documented key, and no other");
        assert_eq!(unique.len(), rows.len(), "every key has one row");
    }

    fn found(key: &str, value: Value) -> Vec<String> {
        problems(&Map::from_iter([(key.to_owned(), value)]))
    }

    #[test]
    fn every_refused_key_is_named_when_it_asks_for_something() {
        for (key, reason) in REFUSED {
            for value in [json!(true), json!({"a": 1}), json!([1]), json!(1), json!("a")] {
                let found = found(key, value);
                assert!(found.len() == 1 && found[0].starts_with(&format!("{key}: found")), "{found:?}");
                assert!(found[0].contains(reason), "{found:?}");
            }
        }
        for value in ["pissa", "pissa_niter_16", "olora", "corda", "loftq", "lora_ga", "new"] {
            let found = found(INITIAL, json!(value));
            assert!(found[0].starts_with(&format!("init_lora_weights: found \"{value}\"")), "{found:?}");
        }
        assert!(found("future_key", json!(0))[0].starts_with("future_key: found 0"));
    }

    #[test]
    fn keys_without_effect_and_empty_values_are_accepted() {
        let accepted = ACCEPTED.into_iter().map(|key| (key, json!("a")));
        let plain = [json!(true), json!("gaussian"), json!("eva")].map(|value| (INITIAL, value));
        for (key, value) in accepted.chain(plain) {
            assert_eq!(found(key, value), Vec::<String>::new(), "{key}");
        }
        let keys = REFUSED.map(|(key, _)| key).into_iter().chain([INITIAL, "future_key"]);
        for key in keys {
            for value in [json!(null), json!(false), json!(""), json!([]), json!({})] {
                assert_eq!(found(key, value), Vec::<String>::new(), "{key}");
            }
        }
    }
}

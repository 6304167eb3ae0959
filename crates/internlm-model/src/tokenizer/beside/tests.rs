//! Every documented key of `tokenizer_config.json` against the table of keys.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::Result;
use crate::tokenizer::config_keys::Rule::{Harmless, Read, Refused};
use crate::tokenizer::config_keys::{KEYS, check};
use crate::tokenizer::settings::TokenizerConfig;

/// The keys that `PreTrainedTokenizerBase` of transformers 5.24, its tokenizer classes and its `_from_pretrained`
/// know, in the order of their sources.
const DOCUMENTED: &str = "model_max_length padding_side truncation_side chat_template model_input_names bos_token \
    eos_token unk_token sep_token pad_token cls_token mask_token extra_special_tokens \
    additional_special_tokens clean_up_tokenization_spaces split_special_tokens tokenizer_class \
    added_tokens_decoder add_bos_token add_eos_token add_prefix_space legacy sp_model_kwargs init_inputs \
    name_or_path processor_class verbose model_specific_special_tokens max_len max_length stride \
    truncation_strategy pad_to_multiple_of pad_token_type_id response_template response_schema \
    chat_control_tokens backend files_loaded auto_map tokenizer_file vocab_file merges_file \
    special_tokens_map_file added_tokens_file is_local local_files_only from_slow trust_remote_code errors \
    do_lower_case use_default_system_prompt spaces_between_special_tokens token_type_ids_pattern \
    special_tokens_pattern fix_mistral_regex \
    clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output";

fn config(key: &str, value: Value) -> Result<TokenizerConfig> {
    let keys = Map::from_iter([(key.to_owned(), value)]);
    super::config(Value::Object(keys).to_string().as_bytes(), Path::new("tokenizer_config.json"))
}

/// A value with which the key asks for something.
fn value(key: &str) -> Value {
    match key {
        "additional_special_tokens" | "extra_special_tokens" => json!(["<x>"]),
        "model_specific_special_tokens" | "sp_model_kwargs" => json!({"image_token": "<x>"}),
        "added_tokens_decoder" => json!({"5": {"content": "<x>"}}),
        "init_inputs" => json!([1]),
        "chat_template" | "tokenizer_class" => json!("x"),
        "add_bos_token" | "add_eos_token" => json!(true),
        key if key.ends_with("_token") => json!("<x>"),
        _ => json!(true),
    }
}

#[test]
fn every_documented_key_is_in_the_table_and_treated_as_it_says() {
    let nothing = format!("{:?}", TokenizerConfig::default());
    for key in DOCUMENTED.split_whitespace() {
        let (_, rule, why) = KEYS.iter().find(|(name, ..)| *name == key).expect(key);
        assert!(!why.is_empty(), "{key}");
        match (rule, config(key, value(key))) {
            (Read, Ok(config)) => assert_ne!(format!("{config:?}"), nothing, "{key}"),
            (Harmless, Ok(config)) => assert_eq!(format!("{config:?}"), nothing, "{key}"),
            (Refused(_), Err(error)) => {
                assert!(error.to_string().contains(&format!("{key}: found")), "{error}")
            }
            (_, Err(error)) => panic!("{key}: {error}"),
            (_, Ok(_)) => panic!("{key}: passed"),
        }
        // Null is what a key has that nobody set.
        assert!(config(key, Value::Null).is_ok(), "{key}");
    }
    assert_eq!(KEYS.len(), DOCUMENTED.split_whitespace().count());
}

#[test]
fn usual_values_of_refused_keys_pass_and_all_others_are_listed() {
    assert!(config("split_special_tokens", json!(false)).is_ok());
    assert!(config("sp_model_kwargs", json!({})).is_ok() && config("init_inputs", json!([])).is_ok());
    let keys = json!({"split_special_tokens": true, "init_inputs": ["x"]});
    let error = check(keys.as_object().expect("an object"), Path::new("x.json")).expect_err("both");
    assert!(error.to_string().contains("split_special_tokens") && error.to_string().contains("init_inputs"));
}

#[test]
fn roles_of_other_names_are_read_and_counts_are_not() {
    let named = |key: &str, value| config(key, value).expect("parses").named(key).is_some();
    assert!(named("image_token", json!("<image>")));
    assert!(named("eos_token", json!({"content": "</s>", "lstrip": true, "__type": "AddedToken"})));
    assert!(!named("num_image_token", json!(256)));
    assert!(config("eos_token", json!(2)).expect_err("a number").to_string().contains("eos_token"));
}

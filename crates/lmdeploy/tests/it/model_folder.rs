//! What is read from a model folder in addition to its weights.

use std::path::Path;

use internlm_kit::exit::BadInput;
use internlm_model::{ModelConfig, TokenId};
use lmdeploy::respond::ServedModel;
use lmdeploy::testing::tokenizer;

/// The shape of a model with `vocab` ids.
fn shape(vocab: usize) -> ModelConfig {
    serde_json::from_value(serde_json::json!({
        "hidden": 64, "layers": 2, "heads": 4, "kv-heads": 2, "inter": 128, "vocab": vocab, "max-position": 256,
    }))
    .expect("a config")
}

/// A folder with a tokenizer and, when there is one, a `generation_config.json`.
fn folder(generation: Option<&str>) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    tokenizer().save(dir.path()).expect("saves");
    if let Some(text) = generation {
        std::fs::write(dir.path().join("generation_config.json"), text).expect("writes");
    }
    dir
}

fn load(dir: &Path) -> lmdeploy::Result<ServedModel> {
    ServedModel::load(dir, "tiny", &shape(320))
}

#[test]
fn without_a_generation_config_the_defaults_are_upstreams() {
    let model = load(folder(None).path()).expect("loads");
    assert_eq!((model.sampling.temperature, model.sampling.top_k), (0.8, Some(50)));
    assert!(model.template.is_some(), "the tokenizer brings InternLM2's chat format");
    let end = tokenizer().special("<|im_end|>").expect("InternLM2's");
    assert_eq!(model.stop_ids, [TokenId(2), end], "`</s>` and the end of a turn");
}

#[test]
fn a_generation_config_changes_sampling_and_adds_stop_ids() {
    let text = r#"{"temperature": 0.6, "top_p": 0.9, "top_k": 0, "repetition_penalty": 1.1, "eos_token_id": [2, 5]}"#;
    let model = load(folder(Some(text)).path()).expect("loads");
    let sampling = &model.sampling;
    assert_eq!((sampling.temperature, sampling.top_p, sampling.top_k), (0.6, 0.9, None));
    assert_eq!(sampling.repetition_penalty, 1.1);
    assert!(model.stop_ids.contains(&TokenId(5)) && model.stop_ids.is_sorted(), "{:?}", model.stop_ids);
    let one = load(folder(Some(r#"{"eos_token_id": 9}"#)).path()).expect("loads");
    assert!(one.stop_ids.contains(&TokenId(9)));
}

#[test]
fn what_cannot_be_meant_is_refused_with_the_name_of_the_file() {
    for text in ["{", r#"{"temperature": "hot"}"#, r#"{"temperature": -1.0}"#, r#"{"eos_token_id": "</s>"}"#]
    {
        let error = load(folder(Some(text)).path()).expect_err("not a generation config");
        assert!(error.is_bad_input() && error.to_string().contains("generation_config.json"), "{error}");
    }
    let dir = folder(None);
    std::fs::write(dir.path().join("generation_config.json"), b"{\"top_k\": \xff}").expect("writes");
    let error = load(dir.path()).expect_err("not UTF-8");
    let words = "generation_config.json: cannot read";
    assert!(error.is_bad_input() && error.to_string().contains(words), "{error}");
    let dir = folder(None);
    let error = ServedModel::load(dir.path(), "tiny", &shape(300)).expect_err("15 ids without rows");
    let words = "the tokenizer has 315 ids, expected at most the model's 300";
    assert!(error.to_string().contains(words), "{error}");
    let error = load(&dir.path().join("absent")).expect_err("no folder");
    assert!(error.is_bad_input() && error.to_string().contains("absent"), "{error}");
}

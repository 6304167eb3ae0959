//! What is read from a model folder in addition to its weights.

use std::path::Path;

use internlm_kit::exit::BadInput;
use internlm_model::tokenizer::Special;
use internlm_model::{ModelConfig, TokenId};
use lmdeploy::Pipeline;
use lmdeploy::config::DeployConfig;
use lmdeploy::engine::{Capacity, SchedulerConfig};
use lmdeploy::protocol::{ChatMessage, ChatRequest, CompletionRequest, Prompt};
use lmdeploy::respond::ServedModel;
use lmdeploy::testing::{MockExecutor, MockReply, tokenizer};

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
    assert!(model.template.is_ok(), "the tokenizer brings InternLM2's chat format");
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
    let error = load(&folder(None).path().join("absent")).expect_err("no folder");
    assert!(error.is_bad_input() && error.to_string().contains("absent"), "{error}");
}

#[test]
fn a_template_that_cannot_be_read_is_told_to_who_wants_to_chat() {
    let dir = folder(None);
    // The format of another model, so that it is not InternLM2's own that is used.
    std::fs::write(dir.path().join("chat_template.jinja"), "{% for %}[INST]").expect("writes");
    let model = load(dir.path()).expect("serves completions");
    let reason = model.template.as_ref().expect_err("cannot be read");
    assert!(!reason.is_empty() && !reason.contains("found none"), "there is one: {reason}");
    let error = model.prompt_ids(&ChatRequest::new([ChatMessage::user("hi")])).expect_err("cannot chat");
    let message = error.to_string();
    assert!(message.contains("its chat template cannot be used") && message.contains(reason), "{message}");
    assert!(matches!(error, lmdeploy::Error::Refused { status: 400, .. }), "{error:?}");
}

/// A model whose embedding has one row less than its tokenizer has ids; `reply` is what it says.
fn short_of_one_id(reply: &str) -> Pipeline {
    let ids = tokenizer().vocab_size();
    let capacity = Capacity { vocab: ids - 1, ..crate::fixture::capacity() };
    let script = tokenizer().encode(reply);
    let end = tokenizer().special("<|im_end|>").expect("InternLM2's");
    let executor = MockExecutor::new(MockReply::script(script), capacity).with_end(end);
    let dir = folder(None);
    let model = ServedModel::load(dir.path(), "tiny", &shape(ids - 1)).expect("the surplus id does no harm");
    Pipeline::new(Box::new(executor), model, SchedulerConfig::new(&capacity), 0)
}

#[test]
fn a_tokenizer_may_have_more_ids_than_the_model() {
    let pipeline = short_of_one_id("fine");
    let answer = pipeline.chat(&ChatRequest::new([ChatMessage::user("hi")])).expect("an answer");
    assert_eq!(answer.text(), "fine");
    let hot = CompletionRequest::new("the").with_temperature(2.0).with_top_k(0).with_max_tokens(8);
    let scored = pipeline.completions(&hot.with_logprobs(20));
    assert!(scored.is_ok(), "sampling and scores know the ids that there are");
    let last = u32::try_from(tokenizer().vocab_size() - 1).expect("a small vocabulary");
    let text = tokenizer().decode(&[TokenId(last)], Special::Keep);
    assert_eq!(tokenizer().encode_with_special(&text), [TokenId(last)], "{text}: a word that is one id");
    let found = format!("found {last}, expected ids below {last}");
    for prompt in [Prompt::Ids(vec![1, last]), Prompt::Texts(vec!["the".to_owned(), text.clone()])] {
        let error = pipeline.completions(&CompletionRequest::new(prompt)).expect_err("beyond the embedding");
        assert!(matches!(error, lmdeploy::Error::Refused { status: 400, .. }), "{error:?}");
        assert!(error.to_string().contains(&found), "{error}");
    }
    let request = ChatRequest::new([ChatMessage::user(text)]);
    let error = pipeline.chat(&request).expect_err("beyond the embedding");
    assert!(matches!(error, lmdeploy::Error::Refused { status: 400, .. }), "{error:?}");
    assert!(error.to_string().contains(&format!("expected ids below {last}")), "{error}");
}

#[test]
fn a_model_is_named_like_its_folder_or_file() {
    for (path, name) in [("runs/tiny/hf", "hf"), ("a/b.gguf", "b.gguf"), ("hf/", "hf"), ("hf/.", "hf")] {
        assert_eq!(DeployConfig::new(path).model.served_name(), name, "{path}");
    }
    let here = std::env::current_dir().expect("a folder").canonicalize().expect("is there");
    let name = here.file_name().expect("is not the root").to_string_lossy();
    assert_eq!(DeployConfig::new(".").model.served_name(), name);
    let mut named = DeployConfig::new("a/b");
    named.model.name = Some("c".to_owned());
    assert_eq!(named.model.served_name(), "c");
}

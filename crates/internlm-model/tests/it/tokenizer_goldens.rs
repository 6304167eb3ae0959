//! Ids of sentencepiece, tokenizers and llama.cpp on shared vocabularies.

use std::fs;

use internlm_model::TokenId;
use internlm_model::tokenizer::{Special, Tokenizer};
use serde_json::Value;

use crate::shared;

fn ids(value: &Value) -> Vec<TokenId> {
    serde_json::from_value(value.clone()).expect("a list of ids")
}

#[test]
fn ids_equal_sentencepiece_and_tokenizers() {
    let Some(path) = shared::path("golden/tokenizer_ids/ids.json") else { return };
    let golden: Value = serde_json::from_slice(&fs::read(path).expect("reads")).expect("JSON");
    let texts: Vec<String> = serde_json::from_value(golden["texts"].clone()).expect("texts");
    for (name, expected) in golden["ids"].as_object().expect("an object") {
        let file = shared::path(expected["file"].as_str().expect("a file")).expect("present");
        let tokenizer = Tokenizer::load(&file).expect("loads");
        assert_eq!(tokenizer.vocab_size() as u64, expected["vocab"].as_u64().expect("a size"), "{name}");
        for (index, text) in texts.iter().enumerate() {
            // The `tokenizers` crate recognizes special tokens in text; sentencepiece does not.
            let (found, special) = match file.extension().is_some_and(|extension| extension == "json") {
                true => (tokenizer.encode_with_special(text), Special::Keep),
                false => (tokenizer.encode(text), Special::Skip),
            };
            assert_eq!(found, ids(&expected["encode"][index]), "{name}: {text:?}");
            if let Some(decoded) = expected["decode"][index].as_str() {
                assert_eq!(tokenizer.decode(&found, special), decoded, "{name}: {text:?}");
            }
        }
    }
}

#[test]
fn ids_equal_llama_cpp_on_its_vocabularies() {
    for name in ["llama-spm", "deepseek-coder", "gpt-2"] {
        let Some(file) = shared::path(&format!("tokenizers/llama_cpp_vocab/ggml-vocab-{name}.gguf")) else {
            return;
        };
        let tokenizer = Tokenizer::load(&file).expect("loads");
        let read = |suffix: &str| fs::read_to_string(format!("{}.{suffix}", file.display())).expect("reads");
        let (inputs, outputs) = (read("inp"), read("out"));
        let inputs: Vec<&str> = inputs.split("\n__ggml_vocab_test__\n").collect();
        let outputs: Vec<&str> = outputs.lines().collect();
        for (input, output) in inputs.iter().zip(outputs) {
            let expected: Vec<TokenId> =
                output.split_whitespace().map(|id| TokenId(id.parse().expect("an id"))).collect();
            assert_eq!(tokenizer.encode(input), expected, "{name}: {input:?}");
        }
    }
}

#[test]
fn internlm2_chat_tokens_have_names_and_text_cannot_spell_them() {
    let Some(file) = shared::path("tokenizers/internlm2/tokenizer_internlm2.model") else { return };
    let tokenizer = Tokenizer::load(&file).expect("loads");
    for (id, name) in [(92538, "<|plugin|>"), (92543, "<|im_start|>"), (1, "<s>"), (2, "</s>")] {
        assert_eq!(tokenizer.special(name), Some(TokenId(id)));
        assert!(tokenizer.is_special(TokenId(id)));
        assert_eq!(tokenizer.encode_with_special(name), [TokenId(id)]);
    }
    for text in ["<|im_start|>", "[UNUSED_TOKEN_146]", "<s>", "\0 nul"] {
        let ids = tokenizer.encode(text);
        assert!(ids.iter().all(|&id| !tokenizer.is_special(id)), "{text}: {ids:?}");
        assert_eq!(tokenizer.decode(&ids, Special::Skip), text);
    }
    assert_eq!(tokenizer.encode("\0"), [TokenId(3)]);
    assert_eq!(tokenizer.special("[UNUSED_TOKEN_130]"), Some(TokenId(92527)));
}

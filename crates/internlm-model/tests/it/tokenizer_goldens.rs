//! Ids of sentencepiece, tokenizers and llama.cpp on shared vocabularies.

use std::fs;

use internlm_kit::testing::shared_data;
use internlm_model::TokenId;
use internlm_model::tokenizer::{Special, Tokenizer};
use serde_json::Value;

fn ids(value: &Value) -> Vec<TokenId> {
    serde_json::from_value(value.clone()).expect("a list of ids")
}

#[test]
fn ids_equal_sentencepiece_and_tokenizers() {
    let Some(path) = shared_data("golden/tokenizer_ids/ids.json") else { return };
    let golden: Value = serde_json::from_slice(&fs::read(path).expect("reads")).expect("JSON");
    let texts: Vec<String> = serde_json::from_value(golden["texts"].clone()).expect("texts");
    for (name, expected) in golden["ids"].as_object().expect("an object") {
        let file = shared_data(expected["file"].as_str().expect("a file")).expect("present");
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
        let Some(file) = shared_data(format!("tokenizers/llama_cpp_vocab/ggml-vocab-{name}.gguf")) else {
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
    let Some(file) = shared_data("tokenizers/internlm2/tokenizer_internlm2.model") else { return };
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

/// A megabyte of characters of every plane, of runs of spaces and of line ends.
fn random_unicode() -> String {
    let rng = internlm_kit::rng::CounterRng::new(5, "unicode");
    let mut text = String::new();
    for counter in 0.. {
        if text.len() >= 1 << 20 {
            break;
        }
        let code = match rng.below(3 * counter, 8) {
            0 => 0x20,
            1 => [0x0a, 0x0d, 0x09, 0x00][rng.below(3 * counter + 1, 4) as usize],
            2 => rng.below(3 * counter + 1, 0x80) as u32,
            3 => 0x4e00 + rng.below(3 * counter + 1, 0x5200) as u32,
            4 => 0x300 + rng.below(3 * counter + 1, 0x3000) as u32,
            _ => rng.below(3 * counter + 1, 0x11_0000) as u32,
        };
        // Surrogates are not characters; U+2581 is SentencePiece's space, there and back it becomes one upstream too.
        text.extend(char::from_u32(code).filter(|&character| character != '\u{2581}'));
    }
    text
}

#[test]
fn a_megabyte_of_random_unicode_comes_back() {
    let text = random_unicode();
    for name in [
        "internlm2/tokenizer_internlm2.model",
        "internlm/tokenizer_internlm.model",
        "llama2/tokenizer.model",
        "minimind/tokenizer.json",
        "llama_cpp_vocab/ggml-vocab-gpt-2.gguf",
        "llama_cpp_vocab/ggml-vocab-deepseek-coder.gguf",
        "llama_cpp_vocab/ggml-vocab-llama-spm.gguf",
    ] {
        let Some(file) = shared_data(format!("tokenizers/{name}")) else { return };
        let tokenizer = Tokenizer::load(&file).expect("loads");
        let ids = tokenizer.encode(&text);
        assert!(tokenizer.decode(&ids, Special::Keep) == text, "{name}: decoded text differs");
        assert!(ids.iter().all(|&id| !tokenizer.is_special(id)), "{name}: text spelled a special token");
        let mut stream = tokenizer.stream_decoder(Special::Keep);
        let mut streamed: String = ids.iter().map(|&id| stream.push(id)).collect();
        streamed.push_str(&stream.finish());
        assert!(streamed == text, "{name}: streamed text differs");
    }
}

#[test]
fn a_vocabulary_out_of_gguf_is_saved_as_a_model_that_gives_the_same_ids() {
    let text = "Hello, world!  12 你好\n\u{1f600} <s> the quick brown fox";
    for name in ["ggml-vocab-llama-spm", "ggml-vocab-gpt-2"] {
        let Some(file) = shared_data(format!("tokenizers/llama_cpp_vocab/{name}.gguf")) else { return };
        let tokenizer = Tokenizer::load(&file).expect("loads");
        let folder = tempfile::tempdir().expect("temporary folder");
        tokenizer.save(folder.path()).expect("saves");
        let saved = Tokenizer::load(folder.path()).expect("loads again");
        assert_eq!(saved.encode(text), tokenizer.encode(text), "{name}");
        assert_eq!(saved.encode_with_special(text), tokenizer.encode_with_special(text), "{name}");
        assert_eq!((saved.bos(), saved.eos()), (tokenizer.bos(), tokenizer.eos()), "{name}");
    }
}

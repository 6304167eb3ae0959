//! Our pipelines against the `tokenizers` crate on the same files.

use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};
use tokenizers::Tokenizer as Hf;

use super::engine::ids;
use super::{JsonEngine, build};
use crate::tokenizer::settings::TokenizerConfig;
use crate::tokenizer::source::Source;
use crate::tokenizer::tokenizer::Engine;
use crate::tokenizer::{BpeTrainConfig, Special, Tokenizer, train_bpe};

const ADDED: [(&str, bool, bool); 5] = [
    ("<s>", true, true),
    ("<|im_end|>", true, false),
    ("<tool>", false, false),
    ("|||E|||", false, true),
    ("<s", false, false),
];

fn added(first: usize) -> Vec<Value> {
    let tokens = ADDED.iter().enumerate();
    tokens
        .map(|(index, (content, special, normalized))| {
            json!({"id": first + index, "content": content, "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": normalized, "special": special})
        })
        .collect()
}

/// A vocabulary in the byte alphabet, Llama 3's kind of file.
fn byte_level() -> Value {
    let config = BpeTrainConfig::new(400).with_min_frequency(1);
    let texts = ["It's the house, isn't it? 你好世界\n\n  fn main() { 1234 }", "the houses <tool> 世界"];
    let trained = train_bpe(texts.map(String::from).into_iter(), &config).expect("trains");
    let folder = tempfile::tempdir().expect("a folder");
    trained.save(folder.path()).expect("saves");
    let bytes = std::fs::read(folder.path().join("tokenizer.json")).expect("reads");
    let mut json: Value = serde_json::from_slice(&bytes).expect("JSON");
    json["model"]["ignore_merges"] = json!(true);
    json["added_tokens"] = json!(added(json["model"]["vocab"].as_object().expect("a vocabulary").len()));
    json
}

/// Characters with SentencePiece's spaces, Llama 2's kind of file.
fn characters() -> Value {
    let mut names: Vec<String> =
        ["<unk>", "a", "b", "\u{2581}", "你", "|", "E", "<", "\u{2581}a", "ab", "\u{2581}ab"]
            .map(String::from)
            .to_vec();
    names.extend((0..=255).map(|byte| format!("<0x{byte:02X}>")));
    let vocabulary: serde_json::Map<String, Value> =
        names.iter().cloned().zip((0..).map(|id| json!(id))).collect();
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added(names.len()),
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u{2581}"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "\u{2581}"}]},
        "pre_tokenizer": null, "post_processor": null,
        "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "\u{2581}"}, "content": " "},
            {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": true, "vocab": vocabulary,
            "merges": ["a b", "\u{2581} a", "\u{2581} ab"]},
    })
}

fn build_both(json: &Value) -> (Tokenizer, Hf, Hf) {
    let bytes = json.to_string().into_bytes();
    let mut plain = Hf::from_bytes(&bytes).expect("loads");
    let special = plain.clone();
    plain.set_encode_special_tokens(true);
    let (config, beside) = (TokenizerConfig::default(), Vec::new());
    let ours = build(Source { path: Path::new("test"), bytes, config, beside }).expect("loads");
    (ours, plain, special)
}

fn is_direct(tokenizer: &Tokenizer) -> bool {
    matches!(tokenizer.engine(), Engine::Json(engine) if matches!(**engine, JsonEngine::Direct(_)))
}

proptest! {
    #[test]
    fn pipelines_equal_the_tokenizers_crate(
        parts in prop::collection::vec(
            prop_oneof![
                "[a-c你é '\n1]{0,6}",
                ".{0,4}",
                prop::sample::select(&ADDED[..]).prop_map(|(content, ..)| content.to_owned()),
                prop::sample::select(&["house", " the", "It's", "<0x0A>", "<unk>"][..]).prop_map(String::from),
            ],
            0..8,
        ),
    ) {
        static ENGINES: std::sync::LazyLock<[(Tokenizer, Hf, Hf); 2]> =
            std::sync::LazyLock::new(|| [build_both(&byte_level()), build_both(&characters())]);
        let text = parts.concat();
        for (ours, plain, special) in &*ENGINES {
            prop_assert!(is_direct(ours));
            prop_assert_eq!(ours.encode(&text), ids(plain, &text), "{:?}", text);
            prop_assert_eq!(ours.encode_with_special(&text), ids(special, &text), "{:?}", text);
            let mut stream = ours.stream_decoder(Special::Keep);
            let mut streamed: String = ours.encode(&text).into_iter().map(|id| stream.push(id)).collect();
            streamed.push_str(&stream.finish());
            prop_assert_eq!(streamed, ours.decode(&ours.encode(&text), Special::Keep));
        }
    }
}

#[test]
fn unusual_files_are_left_to_the_tokenizers_crate() {
    let mut unusual = [byte_level(), byte_level(), byte_level(), characters()];
    unusual[0]["added_tokens"][2]["lstrip"] = json!(true);
    unusual[1]["normalizer"] = json!({"type": "NFC"});
    unusual[2]["pre_tokenizer"]["pretokenizers"][0] =
        json!({"type": "Split", "pattern": {"Regex": r"a(?=b)"}, "behavior": "Isolated", "invert": false});
    unusual[3]["model"]["end_of_word_suffix"] = json!("</w>");
    unusual[3]["model"]["merges"] = json!([]);
    for json in unusual {
        let (ours, plain, _) = build_both(&json);
        assert!(!is_direct(&ours));
        assert_eq!(ours.encode(" the <tool> house"), ids(&plain, " the <tool> house"));
    }
}

//! Our pipelines against the `tokenizers` crate on the same files.

use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};
use tokenizers::Tokenizer as Hf;

use super::engine::{General, ids};
use super::{JsonEngine, build};
use crate::TokenId;
use crate::tokenizer::settings::TokenizerConfig;
use crate::tokenizer::source::{Source, SpecialIds};
use crate::tokenizer::tokenizer::Engine;
use crate::tokenizer::{BpeTrainConfig, Special, Tokenizer, train_bpe};

/// Text, special, normalized, and the flag that is set.
const ADDED: [(&str, bool, bool, &str); 9] = [
    ("<s>", true, true, ""),
    ("<|im_end|>", true, false, ""),
    ("<tool>", false, false, ""),
    ("|||E|||", false, true, ""),
    ("<s", false, false, ""),
    ("<l>", true, false, "lstrip"),
    ("<r>", true, true, "rstrip"),
    ("word", false, false, "single_word"),
    ("rr", false, true, "rstrip"),
];

/// What hides the special tokens of messages.
const HIDDEN: char = '\u{fdd0}';

fn added(first: usize) -> Vec<Value> {
    let tokens = ADDED.iter().enumerate();
    tokens
        .map(|(index, (content, special, normalized, flag))| {
            json!({"id": first + index, "content": content, "single_word": *flag == "single_word",
                "lstrip": *flag == "lstrip", "rstrip": *flag == "rstrip", "normalized": normalized,
                "special": special})
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

/// The same with spaces by a pre-tokenizer.
fn spaced(scheme: &str) -> Value {
    let mut json = characters();
    json["normalizer"] = Value::Null;
    json["pre_tokenizer"] =
        json!({"type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": scheme, "split": false});
    json
}

fn build_both(json: &Value) -> (Tokenizer, Hf, Hf) {
    let bytes = json.to_string().into_bytes();
    let mut plain = Hf::from_bytes(&bytes).expect("loads");
    let special = plain.clone();
    plain.set_encode_special_tokens(true);
    (load(bytes, TokenizerConfig::default()), plain, special)
}

fn load(bytes: Vec<u8>, config: TokenizerConfig) -> Tokenizer {
    let (path, ids) = (Path::new("test"), SpecialIds::default());
    build(Source { path, bytes, config, beside: Vec::new(), ids, repeated: Vec::new() }).expect("loads")
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
                prop::sample::select(&ADDED[..]).prop_map(|(content, ..)| {
                    let mut letters = content.chars();
                    letters.next().into_iter().chain([HIDDEN]).chain(letters).collect()
                }),
                prop::sample::select(&["house", " the", "It's", "<0x0A>", "<unk>"][..]).prop_map(String::from),
            ],
            0..8,
        ),
    ) {
        static ENGINES: std::sync::LazyLock<[(Tokenizer, Hf, Hf); 5]> = std::sync::LazyLock::new(|| {
            let spaced = ["first", "always", "never"].map(spaced);
            let [first, always, never] = spaced.map(|json| build_both(&json));
            [build_both(&byte_level()), build_both(&characters()), first, always, never]
        });
        let text = parts.concat();
        for (ours, plain, special) in &*ENGINES {
            prop_assert!(is_direct(ours));
            let general = JsonEngine::General(Box::new(General::new(plain.clone())));
            let (marked, text) = (text.clone(), text.replace(HIDDEN, ""));
            prop_assert_eq!(ours.encode_marked(&marked, HIDDEN), general.encode_marked(&marked, HIDDEN));
            prop_assert_eq!(ours.encode_marked(&text, HIDDEN), ids(special, &text), "{:?}", text);
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
    let mut unusual = [byte_level(), byte_level(), characters(), characters()];
    unusual[0]["normalizer"] = json!({"type": "NFC"});
    unusual[1]["pre_tokenizer"]["pretokenizers"][0] =
        json!({"type": "Split", "pattern": {"Regex": r"a(?=b)"}, "behavior": "Isolated", "invert": false});
    unusual[2]["model"]["end_of_word_suffix"] = json!("</w>");
    unusual[2]["model"]["merges"] = json!([]);
    unusual[3] = spaced("always");
    unusual[3]["pre_tokenizer"]["split"] = json!(true);
    for json in unusual {
        let (ours, plain, _) = build_both(&json);
        assert!(!is_direct(&ours));
        assert_eq!(ours.encode(" the <tool> house"), ids(&plain, " the <tool> house"));
    }
}

#[test]
fn only_the_start_of_a_whole_prompt_is_the_start_of_text() {
    let (ours, _, special) = build_both(&spaced("first"));
    let name = |text: &str| -> Vec<String> {
        ours.encode_marked(text, HIDDEN).into_iter().filter_map(|id| ours.token(id)).collect()
    };
    assert_eq!(name("ab<|im_end|>ab a"), ["\u{2581}ab", "<|im_end|>", "ab", "\u{2581}a"]);
    assert_eq!(name("<|im_end|>ab"), ["<|im_end|>", "ab"]);
    // A hidden token is text, and what is around it is read as if nothing had been there.
    let hidden = format!("<|im_end|>ab<{HIDDEN}|im_end|>ab<|im_end|>ab");
    let shown = name(&hidden);
    assert_eq!(shown[..3], ["<|im_end|>", "ab", "<"]);
    assert_eq!(shown.iter().filter(|name| *name == "<|im_end|>").count(), 2, "{shown:?}");
    assert!(!shown.contains(&"\u{2581}ab".to_owned()), "{shown:?}");
    assert_eq!(ours.encode_with_special("a <|im_end|> b"), ids(&special, "a <|im_end|> b"));
}

#[test]
fn equal_entries_keep_their_ids() {
    let mut json = characters();
    let first = json["added_tokens"][0]["id"].as_u64().expect("an id");
    let again = json!({"id": first + ADDED.len() as u64, "content": "<tool>", "single_word": false,
        "lstrip": false, "rstrip": false, "normalized": false, "special": false});
    json["added_tokens"].as_array_mut().expect("a list").push(again);
    let ours = load(json.to_string().into_bytes(), TokenizerConfig::default());
    let ids: Vec<TokenId> = [first + 2, first + ADDED.len() as u64].map(|id| TokenId(id as u32)).to_vec();
    assert_eq!(ours.decode(&ids, Special::Keep), "<tool><tool>");
    assert_eq!(ours.vocab_size() as u64, first + ADDED.len() as u64 + 1);
}

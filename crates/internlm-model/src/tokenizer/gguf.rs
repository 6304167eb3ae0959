//! The vocabulary inside a GGUF file.
//!
//! `tokenizer.ggml.model = "llama"` is SentencePiece BPE; `"gpt2"` is byte-level BPE with a pre-tokenizer
//! named by `tokenizer.ggml.pre` (llama.cpp's `llama-vocab.cpp`).

use std::path::Path;

use serde_json::{Value, json};

use super::description::Description;
use super::load::Source;
use super::sentencepiece::{self, Model, ModelType, Normalizer, Piece, PieceKind};
use super::settings::{self, Settings, Templates, TokenizerConfig};
use super::{Tokenizer, json as json_form};
use crate::weights::gguf::{self, GgufFile, Metadata};
use crate::{Error, Result, TokenId};

/// Qwen2's split: contractions, words with one leading non-letter, single digits, punctuation, newline runs.
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// DeepSeek-Coder's splits, one after the other.
pub(super) const DEEPSEEK_CODER: [&str; 5] =
    [r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-퟿]+", r"\p{N}"];

pub(super) fn load(path: &Path) -> Result<Tokenizer> {
    let file = GgufFile::open(path)?;
    let metadata = file.metadata();
    match metadata.text("tokenizer.ggml.model") {
        Some("llama") => sentencepiece_vocabulary(path, metadata),
        Some("gpt2") => byte_level_vocabulary(path, metadata),
        other => Err(unknown_model(path, other.unwrap_or("nothing"))),
    }
}

/// The list of entries.
fn tokens(path: &Path, metadata: &Metadata) -> Result<Vec<String>> {
    metadata
        .texts("tokenizer.ggml.tokens")
        .ok_or_else(|| Error::tokenizer(path, "tokenizer.ggml.tokens: missing, expected a list of texts"))
}

/// A list of numbers as long as the vocabulary, or all `default` when absent.
fn numbers(path: &Path, metadata: &Metadata, key: &str, (count, default): (usize, f64)) -> Result<Vec<f64>> {
    let Some(numbers) = metadata.numbers(key) else { return Ok(vec![default; count]) };
    if numbers.len() == count {
        return Ok(numbers);
    }
    let found = numbers.len();
    Err(Error::tokenizer(path, format!("{key}: found {found} numbers, expected {count}, one per token")))
}

fn template(metadata: &Metadata) -> Option<Templates> {
    metadata.text("tokenizer.chat_template").map(|template| Templates::One(template.to_owned()))
}

fn flag(metadata: &Metadata, key: &str, default: bool) -> bool {
    metadata.get(key).and_then(gguf::Value::as_bool).unwrap_or(default)
}

/// The special ids of the file.
fn special_ids(metadata: &Metadata, count: usize, add_bos: bool) -> Settings {
    let id = |key: &str| {
        let id = metadata.get(key).and_then(gguf::Value::as_u64).and_then(|id| u32::try_from(id).ok());
        id.map(TokenId).filter(|id| id.index() < count)
    };
    Settings {
        bos: id("tokenizer.ggml.bos_token_id"),
        eos: id("tokenizer.ggml.eos_token_id"),
        pad: id("tokenizer.ggml.padding_token_id"),
        add_bos: flag(metadata, "tokenizer.ggml.add_bos_token", add_bos),
    }
}

/// The vital data, without an encoder; refuses what [`load`] refuses but for broken merges.
pub(super) fn describe(file: &GgufFile) -> Result<Description> {
    let (path, metadata) = (file.path(), file.metadata());
    let list = metadata.get("tokenizer.ggml.tokens").and_then(gguf::Value::as_array);
    let tokens = list
        .ok_or_else(|| Error::tokenizer(path, "tokenizer.ggml.tokens: missing, expected a list of texts"))?;
    let model = metadata.text("tokenizer.ggml.model").unwrap_or("nothing");
    let (kind, add_bos) = match model {
        "llama" => ("gguf llama".to_owned(), true),
        "gpt2" => {
            let pre = metadata.text("tokenizer.ggml.pre").unwrap_or("default");
            pre_tokenizer(pre).map_err(|message| Error::tokenizer(path, message))?;
            (format!("gguf gpt2 {pre}"), false)
        }
        other => return Err(unknown_model(path, other)),
    };
    let kinds = numbers(path, metadata, "tokenizer.ggml.token_type", (tokens.len(), 1.0))?;
    let control = |name: &str| {
        let texts = tokens.iter().zip(&kinds);
        texts.filter(|(_, kind)| **kind == 3.0).any(|(text, _)| text.as_str() == Some(name))
    };
    let jinja = metadata.text("tokenizer.chat_template");
    let internlm2 = control("<|im_start|>") && control("<|action_start|>");
    let settings = special_ids(metadata, tokens.len(), add_bos);
    Ok(Description {
        kind,
        vocab_size: tokens.len(),
        bos: settings.bos,
        eos: settings.eos,
        specials: kinds.iter().filter(|kind| **kind == 3.0).count(),
        template: match jinja {
            Some(text) if !internlm2 || !text.contains("<|im_start|>") => Some("jinja"),
            None if !internlm2 => None,
            _ => Some("internlm2"),
        },
    })
}

fn unknown_model(path: &Path, found: &str) -> Error {
    Error::tokenizer(path, format!("tokenizer.ggml.model: found {found}, expected llama or gpt2"))
}

fn sentencepiece_vocabulary(path: &Path, metadata: &Metadata) -> Result<Tokenizer> {
    let tokens = tokens(path, metadata)?;
    let scores = numbers(path, metadata, "tokenizer.ggml.scores", (tokens.len(), 0.0))?;
    let kinds = numbers(path, metadata, "tokenizer.ggml.token_type", (tokens.len(), 1.0))?;
    let mut pieces = Vec::with_capacity(tokens.len());
    let settings = special_ids(metadata, tokens.len(), true);
    for (id, ((text, score), kind)) in tokens.into_iter().zip(scores).zip(kinds).enumerate() {
        let kind = PieceKind::from_number(kind as u64).ok_or_else(|| {
            let message = format!("tokenizer.ggml.token_type[{id}]: found {kind}, expected 1 to 6");
            Error::tokenizer(path, message)
        })?;
        pieces.push(Piece { text, score: score as f32, kind });
    }
    let signed = |id: Option<TokenId>| id.map_or(-1, |id| i64::from(id.0));
    let byte_fallback = pieces.iter().any(|piece| piece.kind == PieceKind::Byte);
    let model = Model {
        pieces,
        model_type: ModelType::Bpe,
        byte_fallback,
        normalizer: Normalizer {
            charsmap: Vec::new(),
            add_dummy_prefix: flag(metadata, "tokenizer.ggml.add_space_prefix", true),
            remove_extra_whitespaces: false,
        },
        bos: signed(settings.bos),
        eos: signed(settings.eos),
        pad: signed(settings.pad),
    };
    let mut config = TokenizerConfig::default();
    config.chat_template = template(metadata);
    let control = model.pieces.iter().enumerate().filter(|(_, piece)| piece.kind == PieceKind::Control);
    let specials: Vec<(TokenId, &str)> =
        control.map(|(id, piece)| (TokenId(id as u32), piece.text.as_str())).collect();
    let mut written = settings::written(settings, &specials);
    if let Some(template) = metadata.text("tokenizer.chat_template") {
        written["chat_template"] = json!(template);
    }
    let files = vec![
        ("tokenizer.model".to_owned(), model.to_bytes()),
        (settings::FILE.to_owned(), format!("{written:#}\n").into_bytes()),
    ];
    sentencepiece::build_model(model, path, &config, files)
}

fn byte_level_vocabulary(path: &Path, metadata: &Metadata) -> Result<Tokenizer> {
    let tokens = tokens(path, metadata)?;
    let kinds = numbers(path, metadata, "tokenizer.ggml.token_type", (tokens.len(), 1.0))?;
    let merges = metadata
        .texts("tokenizer.ggml.merges")
        .ok_or_else(|| Error::tokenizer(path, "tokenizer.ggml.merges: missing, expected a list of texts"))?;
    let merges: Option<Vec<Value>> =
        merges.iter().map(|merge| merge.split_once(' ').map(|(left, right)| json!([left, right]))).collect();
    let merges = merges.ok_or_else(|| {
        Error::tokenizer(path, "tokenizer.ggml.merges: found one without a space, expected `left right`")
    })?;
    let pre = metadata.text("tokenizer.ggml.pre").unwrap_or("default");
    let pre_tokenizer = pre_tokenizer(pre).map_err(|message| Error::tokenizer(path, message))?;
    let added: Vec<Value> = kinds
        .iter()
        .enumerate()
        .filter(|(_, kind)| matches!(**kind as u64, 3 | 4))
        .map(|(id, kind)| {
            json!({"id": id, "content": tokens[id], "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": *kind as u64 == 3})
        })
        .collect();
    let vocabulary: serde_json::Map<String, Value> =
        tokens.iter().enumerate().map(|(id, name)| (name.clone(), json!(id))).collect();
    let json = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null,
        "pre_tokenizer": pre_tokenizer, "post_processor": null, "decoder": byte_level(true),
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": vocabulary, "merges": merges},
    });
    let settings = special_ids(metadata, tokens.len(), false);
    let specials: Vec<(TokenId, &str)> = kinds
        .iter()
        .enumerate()
        .filter(|(_, kind)| **kind as u64 == 3)
        .map(|(id, _)| (TokenId(id as u32), tokens[id].as_str()))
        .collect();
    let mut config = settings::written(settings, &specials);
    if let Some(template) = metadata.text("tokenizer.chat_template") {
        config["chat_template"] = json!(template);
    }
    let config = format!("{config:#}\n").into_bytes();
    json_form::build(Source {
        path,
        bytes: json.to_string().into_bytes(),
        config: TokenizerConfig::parse(&config, path)?,
        beside: vec![(settings::FILE.to_owned(), config)],
    })
}

fn byte_level(use_regex: bool) -> Value {
    json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": use_regex})
}

/// The pre-tokenizer llama.cpp means by a name.
fn pre_tokenizer(pre: &str) -> Result<Value, String> {
    let split = |pattern: &str| json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false});
    let steps = match pre {
        "gpt-2" | "default" => vec![byte_level(true)],
        "smollm" => vec![json!({"type": "Digits", "individual_digits": true}), byte_level(true)],
        "deepseek-coder" => {
            DEEPSEEK_CODER.iter().map(|pattern| split(pattern)).chain([byte_level(false)]).collect()
        }
        "qwen2" => vec![split(QWEN2), byte_level(false)],
        other => {
            return Err(format!(
                "tokenizer.ggml.pre: found {other}, expected default, gpt-2, smollm, deepseek-coder or qwen2"
            ));
        }
    };
    Ok(json!({"type": "Sequence", "pretokenizers": steps}))
}

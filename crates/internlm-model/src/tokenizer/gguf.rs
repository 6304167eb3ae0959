//! The vocabulary inside a GGUF file.
//!
//! `tokenizer.ggml.model = "llama"` is SentencePiece BPE; `"gpt2"` is byte-level BPE with a pre-tokenizer
//! named by `tokenizer.ggml.pre` (llama.cpp's `llama-vocab.cpp`).

use std::collections::HashMap;
use std::path::Path;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::pieces::{Kind, is_mark};
use super::sentencepiece::{self, Model, ModelType, Normalizer, Piece, PieceKind, Prefix, Surroundings};
use super::settings::{self, Settings, TokenizerConfig};
use super::source::{Repeated, Source, SpecialIds};
use super::{Tokenizer, beside, json as json_form};
use crate::weights::gguf::{self, GgufFile, Metadata};
use crate::{Error, Result, TokenId};

/// Key of the list of entries.
const TOKENS: &str = "tokenizer.ggml.tokens";
/// Key of the name of the pre-tokenizer.
const PRE: &str = "tokenizer.ggml.pre";
/// What llama.cpp takes for the pre-tokenizer of a file that does not name one.
const ASSUMED_PRE: &str = "default";
/// Keys of special ids beside the first, the last and the padding one, by their role in `tokenizer_config.json`.
const OTHER_IDS: [(&str, &str); 7] = [
    ("unk_token", "tokenizer.ggml.unknown_token_id"),
    // Misspelled so by the writers of the format.
    ("sep_token", "tokenizer.ggml.seperator_token_id"),
    ("sep_token", "tokenizer.ggml.separator_token_id"),
    ("cls_token", "tokenizer.ggml.cls_token_id"),
    ("mask_token", "tokenizer.ggml.mask_token_id"),
    ("eot_token", "tokenizer.ggml.eot_token_id"),
    ("eom_token", "tokenizer.ggml.eom_token_id"),
];

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
    metadata.texts(TOKENS).ok_or_else(|| no_tokens(path))
}

fn no_tokens(path: &Path) -> Error {
    Error::tokenizer(path, format!("{TOKENS}: missing, expected a list of texts"))
}

/// What every entry is; normal text when the file does not say.
fn kinds(path: &Path, metadata: &Metadata, count: usize) -> Result<Vec<PieceKind>> {
    let key = "tokenizer.ggml.token_type";
    let Some(numbers) = numbers(path, metadata, key, count)? else {
        tracing::warn!("{}: {key}: missing, every token is taken for ordinary text", path.display());
        return Ok(vec![PieceKind::Normal; count]);
    };
    let known =
        |number: f64| PieceKind::from_number(number as u64).filter(|kind| kind.number() as f64 == number);
    let kinds = numbers.into_iter().enumerate().map(|(id, number)| {
        known(number)
            .ok_or_else(|| Error::tokenizer(path, format!("{key}[{id}]: found {number}, expected 1 to 6")))
    });
    let mut kinds: Vec<PieceKind> = kinds.collect::<Result<_>>()?;
    if kinds.contains(&PieceKind::UserDefined) {
        make_marks_special(metadata, &mut kinds);
    }
    Ok(kinds)
}

/// Makes the marks of the chat format control tokens, see [`is_mark`].
fn make_marks_special(metadata: &Metadata, kinds: &mut [PieceKind]) {
    let Some(names) = metadata.get(TOKENS).and_then(gguf::Value::as_array) else { return };
    for (kind, name) in kinds.iter_mut().zip(names.iter()) {
        if *kind == PieceKind::UserDefined && name.as_str().is_some_and(is_mark) {
            *kind = PieceKind::Control;
        }
    }
}

/// Whether an entry is cut out of the text before everything else, and found by name.
fn is_added(kind: PieceKind) -> bool {
    matches!(kind, PieceKind::Control | PieceKind::UserDefined)
}

/// How likely every entry is; 0 when the file does not say.
fn scores(path: &Path, metadata: &Metadata, count: usize) -> Result<Vec<f64>> {
    let key = "tokenizer.ggml.scores";
    Ok(numbers(path, metadata, key, count)?.unwrap_or_else(|| {
        tracing::warn!("{}: {key}: missing, merges are in the order of the tokens", path.display());
        vec![0.0; count]
    }))
}

/// A list of numbers as long as the vocabulary.
fn numbers(path: &Path, metadata: &Metadata, key: &str, count: usize) -> Result<Option<Vec<f64>>> {
    match metadata.numbers(key) {
        Some(numbers) if numbers.len() != count => {
            let found = numbers.len();
            let message = format!("{key}: found {found} numbers, expected {count}, one per token");
            Err(Error::tokenizer(path, message))
        }
        numbers => Ok(numbers),
    }
}

/// The chat template of the file, by the name that one without a name has.
fn templates(metadata: &Metadata) -> Vec<(String, String)> {
    let template = metadata.text("tokenizer.chat_template");
    template.map(|template| ("default".to_owned(), template.to_owned())).into_iter().collect()
}

fn flag(metadata: &Metadata, key: &str, default: bool) -> bool {
    metadata.get(key).and_then(gguf::Value::as_bool).unwrap_or(default)
}

/// An id of the file, if the vocabulary has it. The largest number stands for none.
fn id(metadata: &Metadata, key: &str, count: usize) -> Option<TokenId> {
    let number = metadata.get(key).and_then(gguf::Value::as_u64)?;
    let id = u32::try_from(number).ok().map(TokenId).filter(|id| id.index() < count);
    if id.is_none() && number != u64::from(u32::MAX) {
        tracing::warn!("{key}: found {number}, expected an id below {count}; nothing is used for it");
    }
    id
}

/// The first, the last and the padding token of the file.
fn special_ids(metadata: &Metadata, count: usize, add_bos: bool) -> Settings {
    Settings {
        bos: id(metadata, "tokenizer.ggml.bos_token_id", count),
        eos: id(metadata, "tokenizer.ggml.eos_token_id", count),
        pad: id(metadata, "tokenizer.ggml.padding_token_id", count),
        add_bos: flag(metadata, "tokenizer.ggml.add_bos_token", add_bos),
    }
}

/// Special tokens by other roles.
fn other_ids(metadata: &Metadata, count: usize) -> Vec<(&'static str, TokenId)> {
    OTHER_IDS.iter().filter_map(|(role, key)| Some((*role, id(metadata, key, count)?))).collect()
}

/// The name of the pre-tokenizer, which decides where words end: said aloud when the file leaves it open.
fn pre(path: &Path, metadata: &Metadata) -> Result<String> {
    match metadata.get(PRE) {
        Some(gguf::Value::Text(name)) if !name.is_empty() => Ok(name.clone()),
        None | Some(gguf::Value::Text(_)) => {
            tracing::warn!(
                "{}: {PRE}: missing, `{ASSUMED_PRE}` is assumed; if the model was trained with another \
                 pre-tokenizer, it sees other ids and answers worse",
                path.display()
            );
            Ok(ASSUMED_PRE.to_owned())
        }
        Some(_) => Err(Error::tokenizer(path, format!("{PRE}: found no text, expected a name"))),
    }
}

/// What can be told about a vocabulary without building an encoder for it.
pub(crate) struct Vocabulary {
    /// `gguf llama`, or `gguf gpt2` and the name of the pre-tokenizer.
    pub(crate) kind: String,
    /// Number of entries.
    pub(crate) size: usize,
    pub(crate) bos: Option<TokenId>,
    pub(crate) eos: Option<TokenId>,
    /// Number of special tokens.
    pub(crate) specials: usize,
    /// Names of the added tokens, special or not: what [`Tokenizer::special`] would find.
    pub(crate) added: Vec<String>,
    /// The chat template in jinja.
    pub(crate) jinja: Option<String>,
}

impl Vocabulary {
    /// Reads the metadata; refuses what [`load`] refuses but for broken merges.
    pub(crate) fn read(file: &GgufFile) -> Result<Self> {
        let (path, metadata) = (file.path(), file.metadata());
        let list = metadata.get(TOKENS).and_then(gguf::Value::as_array);
        let tokens = list.ok_or_else(|| no_tokens(path))?;
        let (kind, add_bos) = match metadata.text("tokenizer.ggml.model") {
            Some("llama") => ("gguf llama".to_owned(), true),
            Some("gpt2") => {
                let pre = pre(path, metadata)?;
                pre_tokenizer(&pre).map_err(|message| Error::tokenizer(path, message))?;
                (format!("gguf gpt2 {pre}"), false)
            }
            other => return Err(unknown_model(path, other.unwrap_or("nothing"))),
        };
        let settings = special_ids(metadata, tokens.len(), add_bos);
        let kinds = kinds(path, metadata, tokens.len())?;
        let added = tokens.iter().zip(&kinds).filter(|(_, kind)| is_added(**kind));
        Ok(Self {
            kind,
            size: tokens.len(),
            bos: settings.bos,
            eos: settings.eos,
            specials: kinds.iter().filter(|kind| **kind == PieceKind::Control).count(),
            added: added.filter_map(|(text, _)| text.as_str().map(str::to_owned)).collect(),
            jinja: metadata.text("tokenizer.chat_template").map(str::to_owned),
        })
    }
}

fn unknown_model(path: &Path, found: &str) -> Error {
    Error::tokenizer(path, format!("tokenizer.ggml.model: found {found}, expected llama or gpt2"))
}

fn sentencepiece_vocabulary(path: &Path, metadata: &Metadata) -> Result<Tokenizer> {
    let tokens = tokens(path, metadata)?;
    let scores = scores(path, metadata, tokens.len())?;
    let kinds = kinds(path, metadata, tokens.len())?;
    let settings = special_ids(metadata, tokens.len(), true);
    let pieces = tokens.into_iter().zip(scores).zip(kinds);
    let pieces: Vec<Piece> =
        pieces.map(|((text, score), kind)| Piece { text, score: score as f32, kind }).collect();
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
    let config = TokenizerConfig { templates: templates(metadata), ..TokenizerConfig::default() };
    let ids = SpecialIds { settings: Some(settings), others: other_ids(metadata, model.pieces.len()) };
    let control = model.pieces.iter().enumerate().filter(|(_, piece)| piece.kind == PieceKind::Control);
    let specials: Vec<(TokenId, &str)> =
        control.map(|(id, piece)| (TokenId(id as u32), piece.text.as_str())).collect();
    let files = vec![
        ("tokenizer.model".to_owned(), model.to_bytes()),
        (settings::FILE.to_owned(), written(metadata, settings, &specials)),
    ];
    // As in llama.cpp.
    let prefix = Prefix::Each;
    sentencepiece::build_model(model, Surroundings { path, config, prefix, ids, files })
}

/// The `tokenizer.json` of a byte-level vocabulary. Written straight from the metadata: as a tree of JSON values, its
/// entries would take forty times the memory of the file.
#[derive(Serialize)]
struct TokenizerJson<'a> {
    version: &'static str,
    added_tokens: Vec<Value>,
    pre_tokenizer: Value,
    decoder: Value,
    model: BpeJson<'a>,
}

#[derive(Serialize)]
struct BpeJson<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    vocab: Vocab<'a>,
    merges: Vec<(&'a str, &'a str)>,
}

/// The entries and their ids; an object of JSON in this order.
struct Vocab<'a>(Vec<(&'a str, usize)>);

impl Serialize for Vocab<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

/// The map from text to id, and the entries that repeat the text of another one. Of equal entries the first one is
/// found, but an added token before learned text.
fn vocabulary<'a>(tokens: &'a [String], kinds: &[PieceKind]) -> (Vocab<'a>, Vec<Repeated>) {
    let mut ids: HashMap<&str, usize> = HashMap::with_capacity(tokens.len());
    for (id, name) in tokens.iter().enumerate() {
        let found = ids.entry(name.as_str()).or_insert(id);
        if is_added(kinds[id]) && !is_added(kinds[*found]) {
            *found = id;
        }
    }
    let kind = |kind| if kind == PieceKind::Control { Kind::Special } else { Kind::Text };
    let entries = tokens.iter().enumerate();
    let repeated = entries.clone().filter(|(id, name)| ids[name.as_str()] != *id);
    let repeated: Vec<Repeated> = repeated
        .map(|(id, name)| Repeated {
            id: TokenId(id as u32),
            text: name.clone(),
            kind: kind(kinds[id]),
            added: is_added(kinds[id]),
        })
        .collect();
    let first = entries.filter(|(id, name)| ids[name.as_str()] == *id);
    (Vocab(first.map(|(id, name)| (name.as_str(), id)).collect()), repeated)
}

fn byte_level_vocabulary(path: &Path, metadata: &Metadata) -> Result<Tokenizer> {
    let tokens = tokens(path, metadata)?;
    let kinds = kinds(path, metadata, tokens.len())?;
    let merges = metadata
        .texts("tokenizer.ggml.merges")
        .ok_or_else(|| Error::tokenizer(path, "tokenizer.ggml.merges: missing, expected a list of texts"))?;
    let merges: Option<Vec<(&str, &str)>> = merges.iter().map(|merge| merge.split_once(' ')).collect();
    let merges = merges.ok_or_else(|| {
        Error::tokenizer(path, "tokenizer.ggml.merges: found one without a space, expected `left right`")
    })?;
    let pre = pre(path, metadata)?;
    let pre_tokenizer = pre_tokenizer(&pre).map_err(|message| Error::tokenizer(path, message))?;
    let added: Vec<Value> = kinds
        .iter()
        .enumerate()
        .filter(|(_, kind)| is_added(**kind))
        .map(|(id, kind)| {
            json!({"id": id, "content": tokens[id], "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": *kind == PieceKind::Control})
        })
        .collect();
    let (vocab, repeated) = vocabulary(&tokens, &kinds);
    if let Some(Repeated { id, text, .. }) = repeated.first() {
        let (path, count) = (path.display(), repeated.len());
        tracing::warn!("{path}: {TOKENS}: {count} repeat another one, the first is {id} `{text}`");
    }
    let json = TokenizerJson {
        version: "1.0",
        added_tokens: added,
        pre_tokenizer,
        decoder: byte_level(true),
        model: BpeJson { kind: "BPE", vocab, merges },
    };
    let bytes = serde_json::to_vec(&json).map_err(|error| Error::tokenizer(path, error.to_string()))?;
    let settings = special_ids(metadata, tokens.len(), false);
    let specials: Vec<(TokenId, &str)> = kinds
        .iter()
        .enumerate()
        .filter(|(_, kind)| **kind == PieceKind::Control)
        .map(|(id, _)| (TokenId(id as u32), tokens[id].as_str()))
        .collect();
    let config = written(metadata, settings, &specials);
    json_form::build(Source {
        path,
        bytes,
        config: beside::config(&config, path)?,
        beside: vec![(settings::FILE.to_owned(), config)],
        ids: SpecialIds { settings: Some(settings), others: other_ids(metadata, tokens.len()) },
        repeated,
    })
}

/// The `tokenizer_config.json` that says what the metadata say about `specials`.
fn written(metadata: &Metadata, settings: Settings, specials: &[(TokenId, &str)]) -> Vec<u8> {
    let mut config = settings::written(settings, specials);
    for (role, id) in other_ids(metadata, usize::MAX) {
        if let Some((_, name)) = specials.iter().find(|(other, _)| *other == id) {
            config[role] = json!(name);
        }
    }
    if let Some(template) = metadata.text("tokenizer.chat_template") {
        config["chat_template"] = json!(template);
    }
    format!("{config:#}\n").into_bytes()
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

//! [`Tokenizer::load`]: which kind of tokenizer a path holds.

use std::path::Path;

use internlm_kit::file;

use super::beside::Beside;
use super::source::{Source, SpecialIds};
use super::{Tokenizer, gguf, json, sentencepiece};
use crate::weights::is_gguf;
use crate::weights::kind::{refuse_hub_name, refuse_other};
use crate::{Error, Result};

/// The SentencePiece form in a folder.
const MODEL: &str = "tokenizer.model";
/// The JSON form in a folder.
const JSON: &str = "tokenizer.json";

impl Tokenizer {
    /// Loads a model folder, a `tokenizer.json`, a SentencePiece `.model` or a `.gguf`.
    ///
    /// Files beside the vocabulary belong to it: `tokenizer_config.json`, `special_tokens_map.json`,
    /// `added_tokens.json` and chat templates. A folder with both `tokenizer.model` and `tokenizer.json` behaves as
    /// SentencePiece does, with the added tokens of the second.
    ///
    /// # Errors
    /// The file is missing, malformed or of a kind that is not implemented, or names a first or last token that the
    /// vocabulary does not have.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        load(path.as_ref())
    }
}

fn load(path: &Path) -> Result<Tokenizer> {
    refuse_hub_name(path)?;
    if path.is_dir() {
        return load_folder(path);
    }
    if is_gguf(path) {
        return gguf::load(path);
    }
    let bytes = read(path)?;
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    let is_json = extension == "json" || (extension != "model" && bytes.starts_with(b"{"));
    let source = source(path, bytes, Beside::read(path)?);
    if is_json { json::build(source) } else { sentencepiece::build(source) }
}

fn load_folder(dir: &Path) -> Result<Tokenizer> {
    let (model, json) = (dir.join(MODEL), dir.join(JSON));
    match (model.is_file(), json.is_file()) {
        (false, false) => Err(Error::tokenizer(dir, format!("found neither, expected {MODEL} or {JSON}"))),
        (true, false) => sentencepiece::build(source(&model, read(&model)?, Beside::read(&model)?)),
        (false, true) => json::build(source(&json, read(&json)?, Beside::read(&json)?)),
        (true, true) => load_both(&model, &json),
    }
}

/// SentencePiece's form with what only the other one adds. `tokenizer.model` is also the name of tiktoken files: then
/// the JSON form is all there is.
fn load_both(model: &Path, json: &Path) -> Result<Tokenizer> {
    let bytes = file::read(model)?;
    if let Err(error) = sentencepiece::check(&bytes, model) {
        tracing::warn!("{error}; using {JSON}");
        return json::build(source(json, read(json)?, Beside::read(json)?));
    }
    let mut beside = Beside::read(model)?;
    beside.read_json(json)?;
    sentencepiece::build(source(model, bytes, beside))
}

/// The bytes of a vocabulary; a file that is plainly something else is refused.
fn read(path: &Path) -> Result<Vec<u8>> {
    let bytes = file::read(path)?;
    if !bytes.trim_ascii_start().starts_with(b"{") {
        refuse_other(path, &bytes, "a tokenizer")?;
    }
    Ok(bytes)
}

fn source(path: &Path, bytes: Vec<u8>, beside: Beside) -> Source<'_> {
    Source {
        path,
        bytes,
        config: beside.config,
        beside: beside.files,
        ids: SpecialIds::default(),
        repeated: Vec::new(),
    }
}

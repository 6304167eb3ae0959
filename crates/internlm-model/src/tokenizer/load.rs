//! [`Tokenizer::load`]: which kind of tokenizer a path holds.

use std::path::Path;

use internlm_kit::file;

use super::settings::{FILE as CONFIG, Templates, TokenizerConfig};
use super::source::Source;
use super::{Tokenizer, gguf, json, sentencepiece};
use crate::weights::is_gguf;
use crate::{Error, Result};

/// The SentencePiece form in a folder.
const MODEL: &str = "tokenizer.model";
/// The JSON form in a folder.
const JSON: &str = "tokenizer.json";
/// A template in a file of its own, as newer transformers write it; `save` writes it again.
const TEMPLATE: &str = "chat_template.jinja";

impl Tokenizer {
    /// Loads a model folder, a `tokenizer.json`, a SentencePiece `.model` or a `.gguf`.
    ///
    /// A folder with both `tokenizer.model` and `tokenizer.json` behaves as SentencePiece does.
    ///
    /// # Errors
    /// The file is missing, malformed or of a kind that is not implemented.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        load(path.as_ref())
    }
}

fn load(path: &Path) -> Result<Tokenizer> {
    if path.is_dir() {
        return load_folder(path);
    }
    if is_gguf(path) {
        return gguf::load(path);
    }
    let source = read(path)?;
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    if extension == "json" || (extension != "model" && source.bytes.starts_with(b"{")) {
        json::build(source)
    } else {
        sentencepiece::build(source)
    }
}

fn load_folder(dir: &Path) -> Result<Tokenizer> {
    let (model, json) = (dir.join(MODEL), dir.join(JSON));
    if !json.is_file() {
        if !model.is_file() {
            return Err(Error::tokenizer(dir, format!("found neither, expected {MODEL} or {JSON}")));
        }
        return sentencepiece::build(read(&model)?);
    }
    if model.is_file() {
        // `tokenizer.model` is also the name of tiktoken files: those fall through to the JSON form.
        let source = read(&model)?;
        match sentencepiece::build(source) {
            Ok(tokenizer) => return Ok(tokenizer),
            Err(error) => tracing::warn!("{error}; using {JSON}"),
        }
    }
    json::build(read(&json)?)
}

/// Reads a vocabulary file and the files next to it that belong to it.
fn read(path: &Path) -> Result<Source<'_>> {
    let bytes = file::read(path)?;
    let mut beside = Vec::new();
    for name in [CONFIG, TEMPLATE] {
        let beside_path = path.with_file_name(name);
        if beside_path.is_file() {
            beside.push((name.to_owned(), file::read(beside_path)?));
        }
    }
    let mut config = match beside.iter().find(|(name, _)| name == CONFIG) {
        Some((_, bytes)) => TokenizerConfig::parse(bytes, &path.with_file_name(CONFIG))?,
        None => TokenizerConfig::default(),
    };
    if let Some((_, template)) = beside.iter().find(|(name, _)| name == TEMPLATE) {
        config.chat_template = Some(Templates::One(String::from_utf8_lossy(template).into_owned()));
    }
    Ok(Source { path, bytes, config, beside })
}

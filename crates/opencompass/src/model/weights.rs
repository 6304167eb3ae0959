//! The files of a model: their hash, which is part of the keys of stored answers, and their tokenizer.

use std::path::Path;

use internlm_kit::hash::{sha256, sha256_file};
use internlm_model::tokenizer::Tokenizer;

/// Computes the hash of a weights file, or one hash over all files of a model folder and their names.
pub(super) fn weights_hash(path: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("weights: {}: {error}", path.display());
    let hash = |path: &Path| sha256_file(path).map_err(|error| format!("weights: {error}"));
    if path.is_file() {
        return hash(path);
    }
    let entries = std::fs::read_dir(path).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let mut files: Vec<_> = entries.map_err(failed)?.into_iter().map(|entry| entry.path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    let mut lines = String::new();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        lines.push_str(&format!("{}  {name}\n", hash(&file)?));
    }
    Ok(sha256(lines.as_bytes()))
}

/// Loads the tokenizer of a model folder or file.
pub(super) fn load_tokenizer(path: &Path) -> Result<Tokenizer, String> {
    Tokenizer::load(path).map_err(|error| format!("weights: {error}"))
}

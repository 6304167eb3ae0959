//! The files of a model: their hash, which keys stored answers, and their tokenizer.

use std::path::Path;

use internlm_kit::atomic::{sha256, sha256_file};
use internlm_model::tokenizer::Tokenizer;

/// One hash of a weights file, or of all files of a model folder with their names.
pub(super) fn weights_hash(path: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("weights: {}: {error}", path.display());
    if path.is_file() {
        return sha256_file(path).map_err(failed);
    }
    let entries = std::fs::read_dir(path).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let mut files: Vec<_> = entries.map_err(failed)?.into_iter().map(|entry| entry.path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    let mut lines = String::new();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        lines.push_str(&format!("{}  {name}\n", sha256_file(&file).map_err(failed)?));
    }
    Ok(sha256(lines.as_bytes()))
}

/// The tokenizer of a model folder or file.
pub(super) fn load_tokenizer(path: &Path) -> Result<Tokenizer, String> {
    Tokenizer::load(path).map_err(|error| format!("weights: {error}"))
}

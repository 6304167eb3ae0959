//! The hash of a model's files, which is part of the keys of stored answers.

use std::path::Path;

use internlm_kit::file::AtPath;
use internlm_kit::hash::{sha256, sha256_file};

/// Computes the hash of a weights file, or one hash over all files of a model folder and their names.
pub(super) fn weights_hash(path: &Path) -> internlm_model::Result<String> {
    if !path.is_dir() {
        return Ok(sha256_file(path)?);
    }
    let entries = std::fs::read_dir(path).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let mut files: Vec<_> = entries.at(path, "list")?.into_iter().map(|entry| entry.path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    let mut lines = String::new();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        lines.push_str(&format!("{}  {name}\n", sha256_file(&file)?));
    }
    Ok(sha256(lines.as_bytes()))
}

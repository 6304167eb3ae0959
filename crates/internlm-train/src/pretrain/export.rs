//! Writing a trained model as a Hugging Face folder: whole or not at all.

use std::fs;
use std::io;
use std::path::Path;

use internlm_kit::atomic;
use internlm_model::Tokenizer;
use internlm_model::decoder::Decoder;

use crate::{Error, Result};

/// Writes `config.json`, `model.safetensors` and, when given, the tokenizer's files into the folder `target`,
/// replacing what is there.
///
/// # Errors
/// Any error of writing; an old folder stays until the new one is complete.
pub fn export(decoder: &Decoder, tokenizer: Option<&Tokenizer>, target: &Path) -> Result<()> {
    let mut name = target.as_os_str().to_owned();
    name.push(".tmp");
    let folder = Path::new(&name);
    remove(folder)?;
    fs::create_dir_all(folder).map_err(Error::io(folder, "create"))?;
    decoder.save(folder)?;
    if let Some(tokenizer) = tokenizer {
        tokenizer.save(folder)?;
    }
    remove(target)?;
    fs::rename(folder, target).map_err(Error::io(target, "rename to"))?;
    atomic::sync_parent(target).map_err(Error::io(target, "sync"))
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io(folder, "remove")(error)),
        _ => Ok(()),
    }
}

//! A trained model as a folder that every other crate opens.

use std::path::Path;

use internlm_kit::file;
use internlm_model::Tokenizer;
use internlm_model::decoder::Decoder;

use crate::Result;

/// Writes `config.json`, `model.safetensors` and the tokenizer's files into the folder `target`, replacing what is
/// there; the old folder stays until the new one is complete.
///
/// # Errors
/// Any error of writing.
pub fn export(decoder: &Decoder, tokenizer: Option<&Tokenizer>, target: impl AsRef<Path>) -> Result<()> {
    file::replace_folder(target, |folder| {
        decoder.save(folder)?;
        if let Some(tokenizer) = tokenizer {
            tokenizer.save(folder)?;
        }
        Ok(())
    })
}

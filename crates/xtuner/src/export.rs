//! The folder a run ends with: one that every other crate opens.

use std::path::Path;

use internlm_kit::file;
use internlm_model::Tokenizer;
use internlm_model::chat::marks::IM_END;
use internlm_model::decoder::Decoder;

use crate::{Error, Result};

/// File of the base model that is carried over as it is, when it exists; the tokenizer has its own.
const CARRIED: &str = "generation_config.json";

/// Writes the folder `out` with `decoder` (adapters merged), its config, the tokenizer and the other files of
/// `base`; it appears whole or not at all.
///
/// The token that ends a turn becomes one of the model's end tokens, so that a tuned model stops there.
///
/// # Errors
/// Any error of writing.
pub fn export_model(
    decoder: &Decoder,
    tokenizer: &Tokenizer,
    base: impl AsRef<Path>,
    out: impl AsRef<Path>,
) -> Result<()> {
    let base = base.as_ref();
    let mut eos = decoder.config().eos.clone();
    if let Some(end) = tokenizer.special(IM_END).filter(|end| !eos.contains(end)) {
        eos.push(end);
    }
    let decoder = decoder.clone().with_eos(eos);
    file::replace_folder(out, |folder| {
        decoder.save(folder)?;
        tokenizer.save(folder)?;
        let source = base.join(CARRIED);
        if source.is_file() {
            file::write(folder.join(CARRIED), file::read(&source)?)?;
        }
        Ok::<(), Error>(())
    })
}

//! The folder a run ends with: one that every other crate opens.

use std::fs;
use std::path::Path;

use internlm_kit::atomic;
use internlm_model::Tokenizer;
use internlm_model::chat::marks::IM_END;
use internlm_model::decoder::Decoder;

use crate::{Error, Result};

/// Files of the base model that are carried over as they are, when they exist.
const CARRIED: [&str; 3] = ["generation_config.json", "special_tokens_map.json", "chat_template.jinja"];

/// Writes the folder `out` with `decoder` (adapters merged), its config, the tokenizer and the other files of
/// `base`; whole or not at all.
///
/// The end mark of a turn becomes one of the model's end tokens: a tuned model stops there.
///
/// # Errors
/// Any error of writing.
pub fn export_model(decoder: &Decoder, tokenizer: &Tokenizer, base: &Path, out: &Path) -> Result<()> {
    let mut eos = decoder.config().eos.clone();
    if let Some(end) = tokenizer.special(IM_END).filter(|end| !eos.contains(end)) {
        eos.push(end);
    }
    internlm_train::pretrain::export(&decoder.clone().with_eos(eos), Some(tokenizer), out)?;
    for name in CARRIED {
        let source = base.join(name);
        if source.is_file() {
            let bytes = fs::read(&source).map_err(Error::io(&source, "read"))?;
            let target = out.join(name);
            atomic::write(&target, &bytes).map_err(Error::io(&target, "write"))?;
        }
    }
    Ok(())
}

//! `xtuner convert`: other forms of a tuned model.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::{Error, lora};

/// Examples under `--help`.
const EXAMPLES: &str = "Examples:
  xtuner convert merge runs/tiny/pretrain/hf runs/mine/lora/adapter merged";

/// Arguments of the verb.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Convert {
    #[command(subcommand)]
    conversion: Conversion,
}

#[derive(Debug, Subcommand)]
enum Conversion {
    /// Merge a PEFT adapter into its base model and write a Hugging Face folder.
    #[command(after_help = EXAMPLES)]
    Merge(Merge),
}

#[derive(Args, Debug)]
struct Merge {
    /// Folder or GGUF file of the base model.
    model: PathBuf,
    /// Folder with `adapter_config.json` and `adapter_model.safetensors`.
    adapter: PathBuf,
    /// Folder to write; it must not exist.
    out: PathBuf,
}

impl Convert {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let Conversion::Merge(merge) = self.conversion;
        if merge.out.exists() {
            let place = merge.out.display().to_string();
            return Err(Error::mismatch(place, "an existing path", "a folder that does not exist yet").into());
        }
        lora::merge(&merge.model, &merge.adapter, &merge.out)?;
        tracing::info!("wrote {}", merge.out.display());
        Ok(())
    }
}

//! `internlm-train export`: a checkpoint as a Hugging Face folder.

use std::path::PathBuf;

use burn::tensor::Device;
use clap::{Args, ValueEnum};
use internlm_model::Tokenizer;
use internlm_model::decoder::Decoder;

use crate::{Error, pretrain};

/// Examples under `--help`.
const EXAMPLES: &str = "Examples:
  internlm-train export runs/tiny/pretrain/checkpoints/step-2400 --out model --tokenizer runs/tiny/data/tokenizer";

/// Form of the folder that is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// Hugging Face InternLM2: `config.json`, `model.safetensors`, tokenizer files.
    Hf,
}

/// Arguments of the verb.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Export {
    /// Checkpoint or model folder.
    checkpoint: PathBuf,
    /// Form of the folder.
    #[arg(long, value_enum, default_value_t = Form::Hf)]
    to: Form,
    /// Folder to write; it must not exist.
    #[arg(long)]
    out: PathBuf,
    /// Tokenizer to write next to the weights; default: none.
    #[arg(long)]
    tokenizer: Option<PathBuf>,
}

impl Export {
    pub(super) fn run(self) -> anyhow::Result<()> {
        if self.out.exists() {
            let place = self.out.display().to_string();
            return Err(Error::mismatch(place, "an existing path", "a folder that does not exist yet").into());
        }
        let tokenizer = self.tokenizer.as_deref().map(Tokenizer::load).transpose().map_err(Error::from)?;
        let decoder = Decoder::load(&self.checkpoint, &Device::flex()).map_err(Error::from)?;
        match self.to {
            Form::Hf => pretrain::export(&decoder, tokenizer.as_ref(), &self.out)?,
        }
        tracing::info!("wrote {}", self.out.display());
        Ok(())
    }
}

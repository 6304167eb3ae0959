//! `internlm-train eval`: loss and bits per byte of a model on shards.

use std::path::PathBuf;

use clap::Args;
use internlm_kit::outln;
use internlm_model::decoder::Decoder;
use internlm_model::{Tokenizer, device};

use crate::validation::{ValidationConfig, ValidationSet};
use crate::{Error, TrainerConfig};

/// Examples under `--help`.
const EXAMPLES: &str = "Examples:
  internlm-train eval runs/tiny/pretrain/hf runs/tiny/data/shards/valid
  internlm-train eval runs/tiny/pretrain/checkpoints/step-2400 runs/tiny/data/shards/valid \\
      --tokenizer runs/tiny/data/tokenizer --seq-len 512 --json";

/// Arguments of the verb.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Eval {
    /// Model folder, checkpoint or GGUF file.
    model: PathBuf,
    /// Folder of shards to evaluate on, with one subfolder per data type, such as `en/`.
    data: PathBuf,
    /// Tokenizer that counts the bytes; default: that of the model folder, if it has one.
    #[arg(long)]
    tokenizer: Option<PathBuf>,
    /// Maximum length of a piece in tokens; longer documents are read in pieces.
    #[arg(long, default_value_t = 256)]
    seq_len: usize,
    /// Maximum number of tokens to evaluate, in whole documents.
    #[arg(long, default_value_t = 100_000)]
    tokens: usize,
    /// Device to compute on.
    #[arg(long, default_value = "cpu", value_name = "cpu|cuda:N|vulkan:N")]
    device: String,
    /// Print one JSON object instead of lines.
    #[arg(long)]
    json: bool,
}

impl Eval {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let device = device::parse(&self.device).map_err(Error::from)?;
        let decoder = Decoder::load(&self.model, &device).map_err(Error::from)?;
        let own = self.model.join("tokenizer.json").exists() || self.model.join("tokenizer.model").exists();
        let path = self.tokenizer.or_else(|| own.then(|| self.model.clone()));
        let tokenizer = path.as_deref().map(Tokenizer::load).transpose().map_err(Error::from)?;
        let config = ValidationConfig {
            dir: self.data,
            tokens: self.tokens,
            seq_len: self.seq_len,
            pass_tokens: TrainerConfig::PASS_TOKENS.max(self.seq_len),
            vocab: decoder.config().vocab,
        };
        let set = ValidationSet::open(&config, tokenizer.as_ref())?;
        let measured = set.measure(&decoder)?;
        let mut rows = vec![
            ("documents", set.documents() as f64),
            ("targets", measured.evaluation.targets as f64),
            ("loss", measured.evaluation.loss()),
            ("perplexity", measured.evaluation.loss().exp()),
        ];
        rows.extend(measured.bits_per_byte.map(|bits| ("bits_per_byte", bits)));
        if self.json {
            let object: serde_json::Map<_, _> =
                rows.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
            outln!("{}", serde_json::Value::Object(object))?;
        } else {
            for (name, value) in rows {
                outln!("{name:>14}  {value}")?;
            }
        }
        Ok(())
    }
}

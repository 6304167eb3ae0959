//! `xtuner convert`: other forms of checkpoints, adapters and tuned models.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use internlm_model::config::DType;
use internlm_model::weights::names::NameStyle;

use crate::convert::{self, FolderOptions};
use crate::lora::WeightedAdapter;
use crate::{Error, FinetuneConfig, Result};

/// Examples under `--help`.
const EXAMPLES: &str = "Examples:
  xtuner convert merge runs/tiny/pretrain/hf runs/mine/lora/adapter merged
  xtuner convert pth_to_hf recipes/tiny/3-finetune.toml runs/tiny/finetune/checkpoints/step-100 adapter
  xtuner convert split merged one-tensor-per-file";

/// Examples of `convert merge`.
const MERGE_EXAMPLES: &str = "Examples:
  xtuner convert merge runs/tiny/pretrain/hf runs/mine/lora/adapter merged
  xtuner convert merge base first both --weight 0.5 --add second=0.5 --max-shard-size 500MB

Several adapters are merged by weighted sum: W + weight * (W with the first - W) + weight * (W with the second - W).";

/// Arguments of the verb.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Convert {
    #[command(subcommand)]
    conversion: Conversion,
}

#[derive(Debug, Subcommand)]
enum Conversion {
    /// Merge PEFT adapters into their base model and write a Hugging Face folder.
    #[command(after_help = MERGE_EXAMPLES)]
    Merge(Merge),
    /// Write a training checkpoint as a Hugging Face folder, or as a PEFT adapter when the run trains one.
    #[command(name = "pth_to_hf", alias = "pth-to-hf")]
    PthToHf(PthToHf),
    /// Write a Hugging Face folder again with one file for each tensor and an index.
    Split(Split),
    /// Write a PEFT adapter under the names of the other family: fused wqkv, or q, k and v.
    Adapter(Rename),
}

/// How the files of a model folder are written.
#[derive(Args, Debug)]
struct Folder {
    /// Limit the size of a safetensors file: bytes, or a number with KB, MB or GB.
    #[arg(long, default_value = "2GB", value_name = "SIZE")]
    max_shard_size: String,
    /// Store weights in f32; by default in the type of the base model.
    #[arg(long)]
    fp32: bool,
}

#[derive(Args, Debug)]
struct Merge {
    /// Folder or GGUF file of the base model.
    model: PathBuf,
    /// Folder with `adapter_config.json` and `adapter_model.safetensors`.
    adapter: PathBuf,
    /// Folder to write; it must not exist.
    out: PathBuf,
    /// Factor of what ADAPTER changes.
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    weight: f64,
    /// Merge another adapter, too, with a factor of its own; may be repeated.
    #[arg(long = "add", value_name = "ADAPTER=WEIGHT")]
    others: Vec<String>,
    #[command(flatten)]
    folder: Folder,
}

#[derive(Args, Debug)]
struct PthToHf {
    /// TOML of the run.
    config: PathBuf,
    /// Checkpoint folder, such as `checkpoints/step-100` of the run.
    checkpoint: PathBuf,
    /// Folder to write; it must not exist.
    out: PathBuf,
    /// Override one key of the config, for instance `model.path=base`; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    folder: Folder,
}

#[derive(Args, Debug)]
struct Split {
    /// Folder of the model.
    model: PathBuf,
    /// Folder to write; it must not exist.
    out: PathBuf,
}

#[derive(Args, Debug)]
struct Rename {
    /// Folder or GGUF file of the base model.
    model: PathBuf,
    /// Folder with `adapter_config.json` and `adapter_model.safetensors`.
    adapter: PathBuf,
    /// Folder to write; it must not exist.
    out: PathBuf,
    /// Family whose names the new files have.
    #[arg(long, value_enum)]
    names: Names,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Names {
    /// One adapter on the fused projection: `attention.wqkv`.
    Internlm2,
    /// Separate adapters: `self_attn.q_proj`, `k_proj` and `v_proj`.
    Llama,
}

impl Convert {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let out = match self.conversion {
            Conversion::Merge(arguments) => arguments.run(),
            Conversion::PthToHf(arguments) => arguments.run(),
            Conversion::Split(arguments) => free(arguments.out).and_then(|out| {
                convert::split(&arguments.model, &out)?;
                Ok(out)
            }),
            Conversion::Adapter(arguments) => arguments.run(),
        }?;
        tracing::info!("wrote {}", out.display());
        Ok(())
    }
}

impl Folder {
    fn options(&self) -> Result<FolderOptions> {
        let bytes = FolderOptions::parse_size(&self.max_shard_size).map_err(|_error| {
            let expected = "a whole number from 1 with B, KB, MB or GB";
            Error::mismatch("--max-shard-size", self.max_shard_size.as_str(), expected)
        })?;
        let options = FolderOptions::default().with_max_shard_bytes(bytes);
        Ok(if self.fp32 { options.with_dtype(DType::F32) } else { options })
    }
}

impl Merge {
    fn run(self) -> Result<PathBuf> {
        let (out, options) = (free(self.out)?, self.folder.options()?);
        let mut adapters = vec![WeightedAdapter::new(self.adapter).with_weight(self.weight)];
        for other in &self.others {
            adapters.push(weighted(other)?);
        }
        convert::merge_adapters(&self.model, &adapters, &out, options)?;
        Ok(out)
    }
}

impl PthToHf {
    fn run(self) -> Result<PathBuf> {
        let (out, options) = (free(self.out)?, self.folder.options()?);
        let config = FinetuneConfig::load_with(&self.config, &self.set)?;
        convert::export_checkpoint(&config, &self.checkpoint, &out, options)?;
        Ok(out)
    }
}

impl Rename {
    fn run(self) -> Result<PathBuf> {
        let style = match self.names {
            Names::Internlm2 => NameStyle::InternLm2,
            Names::Llama => NameStyle::Llama,
        };
        let out = free(self.out)?;
        convert::rename_adapter(&self.model, &self.adapter, &out, style)?;
        Ok(out)
    }
}

/// The folder to write, unless it exists.
fn free(out: PathBuf) -> Result<PathBuf> {
    if !out.exists() {
        return Ok(out);
    }
    Err(Error::mismatch(out.display().to_string(), "an existing path", "a folder that does not exist yet"))
}

/// `ADAPTER=WEIGHT`.
fn weighted(text: &str) -> Result<WeightedAdapter> {
    let parsed = text.rsplit_once('=').and_then(|(folder, weight)| Some((folder, weight.parse().ok()?)));
    match parsed {
        Some((folder, weight)) => Ok(WeightedAdapter::new(Path::new(folder)).with_weight(weight)),
        None => Err(Error::mismatch("--add", text, "a folder, `=` and a number")),
    }
}

//! `internlm-model convert`: one form of a model into another.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};

use crate::Error;
use crate::config::{DType, RopeScaling};
use crate::weights::internevo::{Layout, Stretch};
use crate::weights::qkv::RowOrder;
use crate::weights::{ConvertConfig, Target, convert};

/// Convert a model between Hugging Face InternLM2, Hugging Face LLaMA and InternEvo; GGUF is a source too.
///
/// Bytes of tensors are kept: a conversion there and back gives the same file contents. Quantized GGUF tensors become f32.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  internlm-model convert --model runs/tiny/pretrain/hf --to hf-llama --out llama
  internlm-model convert --model runs/tiny/pretrain/hf --to internevo --tp 2 --out internevo
  internlm-model convert --model internevo --to hf-internlm2 --max-position 32768 --rope-scaling dynamic:2 --out hf
  internlm-model convert --model model.gguf --to hf-llama --dtype bf16 --out hf")]
pub(super) struct ConvertArgs {
    /// Hugging Face folder, InternEvo folder or GGUF file.
    #[arg(long)]
    model: PathBuf,
    /// The form to write.
    #[arg(long, value_enum)]
    to: Form,
    /// Folder to write; made when absent.
    #[arg(long)]
    out: PathBuf,
    /// InternEvo: number of tensor-parallel ranks.
    #[arg(long, default_value_t = 1)]
    tp: usize,
    /// InternEvo: rows of q and k in Hugging Face's order (true) or interleaved (false).
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    adapt_hf: bool,
    /// Storage type; without it every tensor keeps its own.
    #[arg(long, value_enum)]
    dtype: Option<Storage>,
    /// Largest safetensors file: bytes, or a number with KB, MB or GB.
    #[arg(long, default_value = "2GB")]
    max_shard: String,
    /// Trained context length of an InternEvo source, which does not store it.
    #[arg(long, default_value_t = 4096)]
    max_position: usize,
    /// Stretching of positions of an InternEvo source: none or dynamic:FACTOR.
    #[arg(long, default_value = "none")]
    rope_scaling: String,
    /// Write into a folder that is not empty; files of other names stay.
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// Hugging Face, InternLM2ForCausalLM.
    HfInternlm2,
    /// Hugging Face, LlamaForCausalLM.
    HfLlama,
    /// InternEvo, one pipeline stage.
    Internevo,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Storage {
    F32,
    F16,
    Bf16,
}

pub(super) fn run(args: &ConvertArgs) -> anyhow::Result<()> {
    let order = if args.adapt_hf { RowOrder::HalfSplit } else { RowOrder::Interleaved };
    let options = ConvertConfig {
        target: match args.to {
            Form::HfInternlm2 => Target::HfInternLm2,
            Form::HfLlama => Target::HfLlama,
            Form::Internevo => Target::InternEvo(Layout { tensor_parallel: args.tp, order }),
        },
        dtype: args.dtype.map(|storage| match storage {
            Storage::F32 => DType::F32,
            Storage::F16 => DType::F16,
            Storage::Bf16 => DType::Bf16,
        }),
        max_shard_bytes: bytes(&args.max_shard)?,
        stretch: Stretch { max_position: args.max_position, rope_scaling: scaling(&args.rope_scaling)? },
    };
    let filled = args.out.read_dir().is_ok_and(|mut entries| entries.next().is_some());
    if filled && !args.force {
        let out = args.out.display();
        return Err(Error::Invalid(format!(
            "{out}: found a folder with files, expected an empty one or --force"
        ))
        .into());
    }
    convert(&args.model, &args.out, &options)
        .with_context(|| format!("converting {}", args.model.display()))?;
    tracing::info!("{} is converted to {}", args.model.display(), args.out.display());
    Ok(())
}

/// `2GB`, `500MB`, `1000`: decimal units, as safetensors' tools count.
fn bytes(text: &str) -> Result<u64, Error> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => Some(1),
        "KB" => Some(1_000),
        "MB" => Some(1_000_000),
        "GB" => Some(1_000_000_000),
        _ => None,
    };
    let size = digits.trim().parse::<u64>().ok().zip(unit).and_then(|(count, unit)| count.checked_mul(unit));
    size.filter(|size| *size > 0).ok_or_else(|| {
        Error::Invalid(format!("--max-shard: found {text}, expected a whole number with B, KB, MB or GB"))
    })
}

fn scaling(text: &str) -> Result<RopeScaling, Error> {
    let factor = text.strip_prefix("dynamic:").and_then(|factor| factor.parse::<f64>().ok());
    match (text, factor) {
        ("none", _) => Ok(RopeScaling::None),
        (_, Some(factor)) if factor >= 1.0 => Ok(RopeScaling::Dynamic { factor }),
        _ => Err(Error::Invalid(format!(
            "--rope-scaling: found {text}, expected none or dynamic:FACTOR (>= 1)"
        ))),
    }
}

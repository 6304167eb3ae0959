//! `internlm-model convert`: one form of a model into another.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};
use internlm_kit::terminal::Bars;

use super::model::ModelArg;
use crate::Error;
use crate::config::{DType, RopeScaling};
use crate::weights::internevo::{Layout, Stretch};
use crate::weights::qkv::RowOrder;
use crate::weights::{ConvertConfig, Target, convert};

// The help text is on the variant of `Verb`: the verb boxes these arguments.
#[derive(Args, Debug)]
#[command(
    override_usage = "internlm-model convert [OPTIONS] <MODEL> --to <TO> --out <OUT>",
    after_help = "Examples:
  internlm-model convert runs/tiny/pretrain/hf --to hf-llama --out llama
  internlm-model convert runs/tiny/pretrain/hf --to internevo --tp 2 --out internevo
  internlm-model convert internevo --to hf-internlm2 --max-position 32768 --rope-scaling dynamic:2 --out hf
  internlm-model convert model.gguf --to hf-llama --dtype bf16 --out hf"
)]
pub(super) struct ConvertArgs {
    #[command(flatten)]
    model: ModelArg,
    /// Choose the form to write
    #[arg(long, value_enum)]
    to: Form,
    /// Write into this folder, which is created when it does not exist
    #[arg(long)]
    out: PathBuf,
    /// Cut an InternEvo checkpoint into this number of tensor-parallel ranks
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    tp: usize,
    /// Write the rows of q and k of an InternEvo checkpoint in Hugging Face's order (true) or interleaved (false)
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    adapt_hf: bool,
    /// Store weights in this type; by default every tensor keeps its own
    #[arg(long, value_enum)]
    dtype: Option<Storage>,
    /// Limit the size of a safetensors file: bytes, or a number with KB, MB or GB
    #[arg(long, default_value = "2GB")]
    max_shard: String,
    /// State the trained context length of an InternEvo source in tokens [default: the file's, else 4096]
    #[arg(long, allow_negative_numbers = true)]
    max_position: Option<usize>,
    /// State how an InternEvo source stretches positions: none or dynamic:FACTOR [default: as the file says]
    #[arg(long)]
    rope_scaling: Option<String>,
    /// Write into a folder that is not empty; files of other names stay
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// Hugging Face, InternLM2ForCausalLM
    HfInternlm2,
    /// Hugging Face, LlamaForCausalLM
    HfLlama,
    /// InternEvo, one pipeline stage
    Internevo,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Storage {
    /// 32-bit IEEE float
    F32,
    /// 16-bit IEEE float
    F16,
    /// bfloat16, the upper half of an f32
    Bf16,
}

pub(super) fn run(args: &ConvertArgs) -> anyhow::Result<()> {
    let order = if args.adapt_hf { RowOrder::HalfSplit } else { RowOrder::Interleaved };
    let mut options = ConvertConfig::new(match args.to {
        Form::HfInternlm2 => Target::HfInternLm2,
        Form::HfLlama => Target::HfLlama,
        Form::Internevo => Target::InternEvo(Layout { tensor_parallel: args.tp, order }),
    });
    options.dtype = args.dtype.map(|storage| match storage {
        Storage::F32 => DType::F32,
        Storage::F16 => DType::F16,
        Storage::Bf16 => DType::Bf16,
    });
    options.max_shard_bytes = bytes(&args.max_shard)?;
    let rope_scaling = args.rope_scaling.as_deref().map(scaling).transpose()?;
    options.stretch = Stretch { max_position: args.max_position, rope_scaling };
    let filled = args.out.read_dir().is_ok_and(|mut entries| entries.next().is_some());
    if filled && !args.force {
        let out = args.out.display().to_string();
        return Err(Error::argument(out, "a folder with files", "an empty one or --force").into());
    }
    let model = args.model.path();
    convert(model, &args.out, &options, &Bars).with_context(|| format!("converting {}", model.display()))?;
    tracing::info!("{} is converted to {}", model.display(), args.out.display());
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
    size.filter(|size| *size > 0)
        .ok_or_else(|| Error::argument("--max-shard", text, "a whole number with B, KB, MB or GB"))
}

fn scaling(text: &str) -> Result<RopeScaling, Error> {
    let factor = text.strip_prefix("dynamic:").and_then(|factor| factor.parse::<f64>().ok());
    match (text, factor) {
        ("none", _) => Ok(RopeScaling::None),
        (_, Some(factor)) if factor >= 1.0 => Ok(RopeScaling::Dynamic { factor }),
        _ => Err(Error::argument("--rope-scaling", text, "none or dynamic:FACTOR (>= 1)")),
    }
}

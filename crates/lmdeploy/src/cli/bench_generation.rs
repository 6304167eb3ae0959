//! `lmdeploy bench generation`.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use internlm_kit::exit::UsageError;
use internlm_kit::outln;
use internlm_model::device;
use serde_json::json;

use crate::Error;
use crate::bench::{DecodeLoad, GenerationBench, GenerationResult};
use crate::engine::{BurnExecutor, ComputeType, QuantPolicy};

const EXAMPLES: &str = "Examples:
  lmdeploy bench generation model --device cuda:0 --decode 1x1024 --decode 64x1024 --prefill 8192
  lmdeploy bench generation config.json --random-weights --device vulkan:0 --decode 2x32 --json
  lmdeploy bench generation awq-model --device cuda:0 --dtype bfloat16 --quant-policy 8 --decode 64x1024";

/// Options of `lmdeploy bench generation`.
#[derive(Args, Debug)]
#[command(
    override_usage = "lmdeploy bench generation <MODEL> <--decode BATCHxCONTEXT | --prefill TOKENS> [OPTIONS]",
    after_help = EXAMPLES
)]
pub(super) struct GenerationArguments {
    /// Model: a Hugging Face folder or a GGUF file
    model: PathBuf,
    /// Draw the weights instead of reading them: the model needs only config.json. On a GPU a quantization_config of 4
    /// bits in it makes the weights random codes
    #[arg(long)]
    random_weights: bool,
    /// Run on this device: cpu, cuda:N or vulkan:N
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Compute in this number format: auto, float32, or bfloat16 or float16 on a GPU
    #[arg(long, value_name = "NAME", default_value = "auto")]
    dtype: ComputeType,
    /// Store keys and values in this many bits on a GPU: 0 for floats, 8 or 4 for integers [default: 0]
    #[arg(long, value_name = "BITS")]
    quant_policy: Option<QuantPolicy>,
    /// Measure decode steps of BATCH sequences with CONTEXT tokens in the cache each; repeatable
    #[arg(long, value_name = "BATCHxCONTEXT", value_parser = parse_decode, required_unless_present = "prefill")]
    decode: Vec<DecodeLoad>,
    /// Measure a prompt of this many tokens; repeatable
    #[arg(long, value_name = "TOKENS", value_parser = parse_tokens)]
    prefill: Vec<usize>,
    /// Measure this many steps of each batch and prompt
    #[arg(long, value_name = "N", default_value_t = 16)]
    steps: usize,
    /// Run this many steps of each before them
    #[arg(long, value_name = "N", default_value_t = 3)]
    warmup: usize,
    /// Record decoding steps on a GPU and launch each as a whole instead of kernel by kernel
    #[arg(long)]
    graphs: bool,
    /// Print one JSON object per line instead of text
    #[arg(long)]
    json: bool,
}

fn parse_tokens(text: &str) -> Result<usize, String> {
    let tokens = text.parse::<usize>().ok().filter(|tokens| *tokens > 0);
    tokens.ok_or_else(|| format!("found `{text}`, expected a positive number"))
}

fn parse_decode(text: &str) -> Result<DecodeLoad, String> {
    let fail = || format!("found `{text}`, expected BATCHxCONTEXT such as 64x1024");
    let (batch, context) = text.split_once('x').ok_or_else(fail)?;
    let batch = batch.parse::<usize>().ok().filter(|batch| *batch > 0).ok_or_else(fail)?;
    Ok(DecodeLoad { batch, context: context.parse().map_err(|_| fail())? })
}

/// Measures and prints each result at once.
pub(super) fn run(arguments: GenerationArguments) -> anyhow::Result<()> {
    let GenerationArguments { decode, prefill, steps, warmup, json, .. } = arguments;
    if steps == 0 {
        return Err(UsageError("--steps: found 0, expected at least 1".to_owned()).into());
    }
    let bench = GenerationBench { decode, prefill, steps, warmup };
    bench.check().map_err(UsageError)?;
    let begin = Instant::now();
    let (path, name) = (&arguments.model, &arguments.device);
    let mut limits = bench.limits();
    (limits.dtype, limits.graphs) = (arguments.dtype, arguments.graphs);
    limits.quant_policy = arguments.quant_policy.unwrap_or_default();
    let load = if arguments.random_weights { BurnExecutor::random } else { BurnExecutor::load };
    let mut executor = load(path, name, &limits)?;
    let loaded = begin.elapsed().as_secs_f64();
    let device = device::parse(name).map_err(Error::from)?;
    GenerationBench::first_token(&mut executor)?;
    let first_token = begin.elapsed().as_secs_f64();
    if json {
        let parameters = executor.model_config().parameters();
        outln!(
            "{}",
            json!({
                "phase": "load",
                "parameters": parameters,
                "precision": arguments.dtype.precision(),
                "quant_policy": limits.quant_policy,
                "seconds": loaded,
                "first_token_seconds": first_token,
            })
        )?;
    } else {
        let precision = arguments.dtype.precision();
        outln!("load     {loaded:.1} s, first token after {first_token:.1} s, {precision}")?;
    }
    bench.run::<anyhow::Error>(&mut executor, |result| {
        if json {
            let mut value = serde_json::to_value(&result)?;
            // Of the whole process: its pools do not shrink, and the cache is as large as the largest batch needs.
            value["reserved_bytes"] = json!(device.memory_pool_usage().map(|usage| usage.bytes_reserved));
            outln!("{value}")?;
            return Ok(());
        }
        let GenerationResult { phase, batch, context, tokens_per_second, .. } = result;
        outln!("{phase:<7}  batch {batch:>3}  context {context:>6}  {tokens_per_second:>8.1} tokens/s")?;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_batches() {
        assert_eq!(parse_decode("64x1024"), Ok(DecodeLoad { batch: 64, context: 1024 }));
        assert_eq!(parse_decode("1x0"), Ok(DecodeLoad { batch: 1, context: 0 }));
        for text in ["0x8", "8", "ax8", "8xa", ""] {
            assert!(parse_decode(text).expect_err(text).contains("BATCHxCONTEXT"), "{text}");
        }
        assert!(parse_tokens("0").is_err() && parse_tokens("7") == Ok(7));
    }
}

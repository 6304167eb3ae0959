//! `internlm-model generate`: streams text from the reference path.

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use clap::Args;
use serde_json::json;

use super::model::ModelArg;
use crate::chat::{ChatTemplate, Prompt};
use crate::decoder::Decoder;
use crate::generate::{Finish, GenerateConfig, Generator, TextStream};
use crate::sampling::SamplingConfig;
use crate::tokenizer::{Special, Tokenizer};
use crate::{ModelConfig, Precision, TokenId, device};

/// Generate text after a prompt
///
/// Runs the reference path, one sequence at a time, and prints the text as it is generated. To serve many users, use
/// lmdeploy.
#[derive(Args, Debug)]
#[command(
    override_usage = "internlm-model generate [OPTIONS] <MODEL> <--prompt <PROMPT>|--prompt-ids <PROMPT_IDS>|--chat <CHAT>>",
    after_help = "Examples:
  internlm-model generate runs/tiny/pretrain/hf --prompt 'Rust is' --max-tokens 64
  internlm-model generate model.gguf --chat chat.json --temperature 0.8 --top-p 0.8 --json"
)]
pub(super) struct GenerateArgs {
    #[command(flatten)]
    model: ModelArg,
    #[command(flatten)]
    input: Input,
    /// Stop after this number of new tokens
    #[arg(long, alias = "max-new", default_value_t = 1024, allow_negative_numbers = true)]
    max_tokens: usize,
    /// Decode greedily; the default without --temperature
    #[arg(long, conflicts_with = "temperature")]
    greedy: bool,
    /// Sample, with logits divided by this number; upstream chats with 0.8
    #[arg(long, allow_negative_numbers = true)]
    temperature: Option<f32>,
    /// Sample among this number of most likely tokens; by default among all
    #[arg(long, allow_negative_numbers = true)]
    top_k: Option<usize>,
    /// Sample among the most likely tokens that together have this probability
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    top_p: f32,
    /// Drop tokens that have less than this share of the most likely token's probability
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    min_p: f32,
    /// Weaken tokens that occurred before by this factor; 1 changes nothing
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    repetition_penalty: f32,
    /// Seed the random numbers of sampling
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    seed: u64,
    /// Stop before this text; may be repeated
    #[arg(long)]
    stop: Vec<String>,
    /// Show special tokens in the text
    #[arg(long)]
    special: bool,
    /// Print one JSON object (ids, text, finish reason, tokens per second) instead of streaming text
    #[arg(long)]
    json: bool,
    /// Compute on this device: cpu, cuda:N or vulkan:N
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Compute in this number format: f32-exact, or bf16 or f16 on a GPU
    #[arg(long, default_value_t)]
    precision: Precision,
}

/// What to continue.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Input {
    /// Continue this text, in which special tokens are recognized; the begin-of-sequence token comes first if the
    /// tokenizer adds one
    #[arg(long, allow_hyphen_values = true)]
    prompt: Option<String>,
    /// Continue the ids of this file, a JSON list, as they are
    #[arg(long, alias = "ids")]
    prompt_ids: Option<PathBuf>,
    /// Answer the messages of this file, a JSON list of {"role", "content"}
    #[arg(long)]
    chat: Option<PathBuf>,
}

pub(super) fn run(args: &GenerateArgs) -> anyhow::Result<()> {
    let device = device::parse(&args.device)?;
    // A model folder without a tokenizer can still continue ids.
    let model = args.model.path();
    let tokenizer = match &args.input.prompt_ids {
        Some(_) => Tokenizer::load(model).ok(),
        None => Some(Tokenizer::load(model)?),
    };
    let decoder = Decoder::load_in(model, &device, args.precision)?;
    let prompt = prompt(args, decoder.config(), tokenizer.as_ref())?;
    let options = options(args, decoder.config(), tokenizer.as_ref());
    let generator = Generator::new(&decoder, &prompt, options)?;
    let special = if args.special { Special::Keep } else { Special::Skip };
    match tokenizer {
        Some(tokenizer) => stream(TextStream::new(generator, &tokenizer, special), args),
        None => ids_only(generator, args),
    }
}

fn prompt(
    args: &GenerateArgs,
    config: &ModelConfig,
    tokenizer: Option<&Tokenizer>,
) -> anyhow::Result<Vec<TokenId>> {
    if let Some(path) = &args.input.prompt_ids {
        let ids: Vec<TokenId> = super::json::read(path, "a JSON list of ids")?;
        super::ids::check(path.display(), &ids, config.vocab)?;
        return Ok(ids);
    }
    let tokenizer = tokenizer.context("a prompt in words needs a tokenizer")?;
    if let Some(path) = &args.input.chat {
        let messages = super::json::read_chat(path)?;
        let template = ChatTemplate::of(tokenizer)?;
        return Ok(template.encode(tokenizer, &messages, Prompt::Generate)?);
    }
    Ok(tokenizer.encode_prompt(args.input.prompt.as_deref().unwrap_or_default()))
}

fn options(args: &GenerateArgs, config: &ModelConfig, tokenizer: Option<&Tokenizer>) -> GenerateConfig {
    let mut stop_ids = config.eos.clone();
    // Chats often end a turn with a token that the config does not list.
    if args.input.chat.is_some() {
        stop_ids.extend(tokenizer.map(Tokenizer::turn_ends).unwrap_or_default());
    }
    let sampling = SamplingConfig {
        temperature: args.temperature.filter(|_| !args.greedy).unwrap_or(0.0),
        top_k: args.top_k,
        top_p: args.top_p,
        min_p: args.min_p,
        repetition_penalty: args.repetition_penalty,
        seed: args.seed,
    };
    let mut config = GenerateConfig::new(args.max_tokens)
        .with_sampling(sampling)
        .with_stop_ids(stop_ids)
        .with_stop_strings(args.stop.clone());
    config.vocabulary = tokenizer.map(Tokenizer::vocab_size);
    config
}

fn stream(mut text: TextStream<'_>, args: &GenerateArgs) -> anyhow::Result<()> {
    let mut stdout = internlm_kit::stdout::lock();
    let start = Instant::now();
    let mut whole = String::new();
    for piece in text.by_ref() {
        if args.json {
            whole.push_str(&piece);
        } else {
            stdout.write_all(piece.as_bytes())?;
            stdout.flush()?;
        }
    }
    match args.json {
        true => writeln!(stdout, "{}", summary(text.generator(), &whole, start))?,
        false => writeln!(stdout)?,
    }
    Ok(stdout.flush()?)
}

fn ids_only(mut generator: Generator<'_>, args: &GenerateArgs) -> anyhow::Result<()> {
    let mut stdout = internlm_kit::stdout::lock();
    let start = Instant::now();
    for id in generator.by_ref() {
        if !args.json {
            write!(stdout, "{id} ")?;
            stdout.flush()?;
        }
    }
    match args.json {
        true => writeln!(stdout, "{}", summary(&generator, "", start))?,
        false => writeln!(stdout)?,
    }
    Ok(stdout.flush()?)
}

fn summary(generator: &Generator<'_>, text: &str, start: Instant) -> serde_json::Value {
    let ids = generator.generated();
    json!({
        "ids": ids,
        "text": text,
        "finish_reason": generator.finish().map(Finish::reason),
        "tokens_per_second": ids.len() as f64 / start.elapsed().as_secs_f64().max(1e-9),
    })
}

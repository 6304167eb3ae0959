//! `internlm-model generate`: streams text from the reference path.

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use clap::Args;
use serde_json::json;

use crate::chat::{ChatTemplate, Message, Prompt};
use crate::decoder::Decoder;
use crate::generate::{Finish, GenerateConfig, Generator, TextStream};
use crate::sampling::SamplingConfig;
use crate::tokenizer::{Special, Tokenizer};
use crate::{ModelConfig, TokenId, device};

/// Generates after a prompt, token by token.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  internlm-model generate --model runs/tiny/pretrain/hf --prompt 'Rust is' --max-new 64
  internlm-model generate --model model.gguf --chat chat.json --temperature 0.8 --top-p 0.8 --json"
)]
pub(super) struct GenerateArgs {
    /// Model folder or GGUF file.
    #[arg(long)]
    model: PathBuf,
    #[command(flatten)]
    input: Input,
    /// Most new tokens.
    #[arg(long, default_value_t = 1024)]
    max_new: usize,
    /// Always the likeliest token; the default without --temperature.
    #[arg(long, conflicts_with = "temperature")]
    greedy: bool,
    /// Logits are divided by it; upstream chats with 0.8.
    #[arg(long)]
    temperature: Option<f32>,
    /// Only the k likeliest tokens are candidates.
    #[arg(long)]
    top_k: Option<usize>,
    /// The likeliest tokens of this total probability are candidates.
    #[arg(long, default_value_t = 1.0)]
    top_p: f32,
    /// Tokens below this share of the likeliest one's probability are dropped.
    #[arg(long, default_value_t = 0.0)]
    min_p: f32,
    /// Weakens tokens that occurred before; 1 does nothing.
    #[arg(long, default_value_t = 1.0)]
    repetition_penalty: f32,
    /// Seed of the random numbers.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Text that ends the generation; may be repeated.
    #[arg(long)]
    stop: Vec<String>,
    /// Show special tokens in the text.
    #[arg(long)]
    special: bool,
    /// Print one JSON object (ids, text, finish reason, tokens per second) instead of streaming.
    #[arg(long)]
    json: bool,
    /// cpu, cuda:N or vulkan:N.
    #[arg(long, default_value = "cpu")]
    device: String,
}

/// What to continue.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Input {
    /// Text; the begin-of-sequence token is added.
    #[arg(long)]
    prompt: Option<String>,
    /// JSON list of ids, used as they are.
    #[arg(long)]
    ids: Option<PathBuf>,
    /// JSON list of messages {"role", "content"}, put through the chat template.
    #[arg(long)]
    chat: Option<PathBuf>,
}

pub(super) fn run(args: &GenerateArgs) -> anyhow::Result<()> {
    let device = device::parse(&args.device)?;
    // A model folder without a tokenizer can still continue ids.
    let tokenizer = match &args.input.ids {
        Some(_) => Tokenizer::load(&args.model).ok(),
        None => Some(Tokenizer::load(&args.model)?),
    };
    let decoder = Decoder::load(&args.model, &device)?;
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
    if let Some(path) = &args.input.ids {
        return super::json::read(path).map_err(Into::into);
    }
    let tokenizer = tokenizer.context("a prompt in words needs a tokenizer")?;
    if let Some(path) = &args.input.chat {
        let messages: Vec<Message> = super::json::read(path)?;
        let template = ChatTemplate::load(&args.model)?;
        return Ok(template.encode(tokenizer, &messages, Prompt::Generate)?);
    }
    let text = args.input.prompt.as_deref().unwrap_or_default();
    Ok(config.bos.into_iter().chain(tokenizer.encode(text)).collect())
}

fn options(args: &GenerateArgs, config: &ModelConfig, tokenizer: Option<&Tokenizer>) -> GenerateConfig {
    let mut stop_ids = config.eos.clone();
    // InternLM2's chat ends a turn with a token that config.json does not list.
    if args.input.chat.is_some() {
        stop_ids.extend(tokenizer.and_then(|tokenizer| tokenizer.special("<|im_end|>")));
    }
    GenerateConfig {
        max_new: args.max_new,
        sampling: SamplingConfig {
            temperature: args.temperature.filter(|_| !args.greedy).unwrap_or(0.0),
            top_k: args.top_k,
            top_p: args.top_p,
            min_p: args.min_p,
            repetition_penalty: args.repetition_penalty,
            seed: args.seed,
        },
        stop_ids,
        stop_strings: args.stop.clone(),
        vocabulary: tokenizer.map(Tokenizer::vocab_size),
    }
}

fn stream(mut text: TextStream<'_>, args: &GenerateArgs) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
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
    Ok(())
}

fn ids_only(mut generator: Generator<'_>, args: &GenerateArgs) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
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
    Ok(())
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

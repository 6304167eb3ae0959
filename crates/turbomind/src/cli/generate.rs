//! `turbomind generate`: the likeliest continuation of a prompt, or the probabilities of a given one.

use std::path::PathBuf;

use clap::Args;
use internlm_model::{ModelConfig, TokenId, Tokenizer, tokenizer::Special, weights};
use serde::Serialize;

use super::ids::Ids;
use super::options::{ModelOptions, check_context};
use super::sequence::{Sequence, best, log_sum_exp, pieces};
use crate::{Engine, Error, LogitsWanted, Result};

/// Continue a prompt with the likeliest token each time, or feed given ids and report their log-probabilities.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  turbomind generate --model model.gguf --prompt 'Rust is' --n 32
  turbomind generate --model model.gguf --prompt-ids ids.json --n 64 --greedy --top 5 --json
  turbomind generate --model model.gguf --prompt-ids ids.json --force-ids given.json --compute f32 --json

Files of ids hold a JSON array, or numbers between white space. With --json the answer is {prompt_ids, ids, logprobs,
top, finish}; finish is stop (the last id ends the text), length, or forced.")]
pub(super) struct GenerateArguments {
    #[command(flatten)]
    model: ModelOptions,
    #[command(flatten)]
    input: Input,
    /// Most new tokens; default: 64, with --force-ids all of them.
    #[arg(long)]
    n: Option<usize>,
    /// Always the likeliest token: the only way there is here.
    #[arg(long)]
    greedy: bool,
    /// File of ids to feed in place of the likeliest ones.
    #[arg(long)]
    force_ids: Option<PathBuf>,
    /// Go on after a token that ends the text.
    #[arg(long)]
    ignore_eos: bool,
    /// Report the K likeliest entries of every step.
    #[arg(long, value_name = "K", default_value_t = 0)]
    top: usize,
    /// Most tokens of the prompt in one pass.
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    chunk: u32,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What to continue.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Input {
    /// File of ids, used as they are.
    #[arg(long)]
    prompt_ids: Option<PathBuf>,
    /// Text.
    #[arg(long, allow_hyphen_values = true)]
    prompt: Option<String>,
}

/// The answer.
#[derive(Debug, Serialize)]
struct Generation {
    prompt_ids: Vec<u32>,
    ids: Vec<u32>,
    /// Of `ids`, in nats.
    logprobs: Vec<f64>,
    /// Per id, with --top: (id, log-probability), best first.
    top: Vec<Vec<(u32, f64)>>,
    finish: &'static str,
}

pub(super) fn run(arguments: &GenerateArguments) -> anyhow::Result<String> {
    let config = weights::open_stored(&arguments.model.model)?.config;
    let prompt = prompt(arguments, &config)?;
    prompt.check(&config, 1)?;
    let forced = arguments.force_ids.as_deref().map(Ids::read).transpose()?;
    if let Some(forced) = &forced {
        forced.check(&config, 1)?;
    }
    let known = forced.as_ref().map(|forced| forced.ids.len());
    let most = arguments.n.unwrap_or(known.unwrap_or(64)).min(known.unwrap_or(usize::MAX));
    let length = prompt.ids.len().saturating_add(most);
    check_context(&config, length, "prompt and new tokens")?;
    let mut engine = arguments.model.load(1, length, arguments.chunk as usize)?;
    let generation = generate(&mut engine, arguments, prompt.ids, (forced.as_ref(), most))?;
    if arguments.json {
        return super::json(&generation);
    }
    if arguments.input.prompt.is_none() {
        let ids: Vec<String> = generation.ids.iter().map(u32::to_string).collect();
        return Ok(ids.join(" ") + "\n");
    }
    let ids: Vec<TokenId> = generation.ids.into_iter().map(TokenId).collect();
    Ok(Tokenizer::load(&arguments.model.model)?.decode(&ids, Special::Skip) + "\n")
}

fn prompt(arguments: &GenerateArguments, config: &ModelConfig) -> Result<Ids> {
    match (&arguments.input.prompt_ids, &arguments.input.prompt) {
        (Some(path), _) => Ids::read(path),
        (None, Some(text)) => Ids::tokenize(text, "--prompt", &arguments.model.model, config),
        (None, None) => Err(Error::Invalid("--prompt-ids or --prompt is needed".to_owned())),
    }
}

fn generate(
    engine: &mut Engine,
    arguments: &GenerateArguments,
    prompt: Vec<u32>,
    (forced, most): (Option<&Ids>, usize),
) -> Result<Generation> {
    let mut sequence = Sequence::new(engine);
    let whole = prompt.len();
    let mut logits = Vec::new();
    for piece in pieces(whole, arguments.chunk as usize) {
        let wanted = if piece.end == whole { LogitsWanted::Last } else { LogitsWanted::None };
        logits = sequence.feed(engine, &prompt[piece], whole, wanted)?.to_vec();
    }
    let finish = if forced.is_some() { "forced" } else { "length" };
    let mut out = Generation { prompt_ids: prompt, ids: vec![], logprobs: vec![], top: vec![], finish };
    for index in 0..most {
        let id = match forced {
            Some(forced) => forced.ids[index],
            None => best(&logits, 1)[0],
        };
        let sum = log_sum_exp(&logits);
        let logprob = |id: u32| f64::from(logits[id as usize]) - sum;
        out.ids.push(id);
        out.logprobs.push(logprob(id));
        if arguments.top > 0 {
            out.top.push(best(&logits, arguments.top).into_iter().map(|id| (id, logprob(id))).collect());
        }
        if forced.is_none() && !arguments.ignore_eos && engine.model().eos.contains(&TokenId(id)) {
            out.finish = "stop";
            break;
        }
        if index + 1 < most {
            logits = sequence.feed(engine, &[id], whole + index + 1, LogitsWanted::Last)?.to_vec();
        }
    }
    Ok(out)
}

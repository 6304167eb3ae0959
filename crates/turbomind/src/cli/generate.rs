//! `turbomind generate`: the greedy continuation of a prompt, or the probabilities of a given one.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use internlm_model::tokenizer::{Special, StreamDecoder};
use internlm_model::{TokenId, Tokenizer};
use serde::Serialize;

use super::ids::Ids;
use super::model::{ModelOptions, check_context};
use super::sequence::{Sequence, best, log_sum_exp, pieces};
use crate::{Engine, Error, LogitRows, Result};

/// Continue a prompt with greedy decoding, or report the log-probabilities of given ids
#[derive(Args, Debug)]
#[command(
    override_usage = "turbomind generate [OPTIONS] <MODEL> <--prompt <TEXT>|--prompt-ids <FILE>>",
    after_help = "Examples:
  turbomind generate model.gguf --prompt 'Rust is' --max-tokens 32
  turbomind generate model.gguf --prompt-ids ids.json --max-tokens 64 --top 5 --json
  turbomind generate model.gguf --prompt-ids ids.json --force-ids given.json --compute f32 --json

Text is printed as it is generated; with --prompt-ids the ids are printed instead. Files of ids hold a JSON array, or
numbers between white space. With --json the answer is {prompt_ids, ids, logprobs, top, finish}; finish is stop (the
last id ends the text), length, or forced."
)]
pub(super) struct GenerateArguments {
    #[command(flatten)]
    model: ModelOptions,
    #[command(flatten)]
    input: Input,
    /// Maximum number of new tokens [default: 64; with --force-ids all of them]
    #[arg(long, alias = "n", value_name = "N", value_parser = count, allow_negative_numbers = true)]
    max_tokens: Option<usize>,
    /// Choose the most likely token each time: the only way there is, so the option changes nothing
    #[arg(long, hide = true)]
    greedy: bool,
    /// File of ids to feed instead of the most likely ones
    #[arg(long, value_name = "FILE")]
    force_ids: Option<PathBuf>,
    /// Continue after a token that ends the text
    #[arg(long)]
    ignore_eos: bool,
    /// Number of most likely entries of every step to report in the JSON object
    #[arg(long, value_name = "K", default_value_t = 0, value_parser = count, allow_negative_numbers = true)]
    top: usize,
    /// Maximum number of prompt tokens in one pass
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=1 << 20), allow_negative_numbers = true)]
    chunk: u32,
    /// Print one JSON object at the end
    #[arg(long)]
    json: bool,
}

/// The prompt, given in one of two ways.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Input {
    /// Text to continue, as it is: no chat format is added
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    prompt: Option<String>,
    /// File of ids to continue, used as they are
    #[arg(long, value_name = "FILE")]
    prompt_ids: Option<PathBuf>,
}

/// The answer, as the JSON object has it.
#[derive(Debug, Serialize)]
struct Generation {
    prompt_ids: Vec<u32>,
    ids: Vec<u32>,
    /// Log-probabilities of `ids`, in nats.
    logprobs: Vec<f64>,
    /// Per id, with --top: (id, log-probability), best first.
    top: Vec<Vec<(u32, f64)>>,
    finish: &'static str,
}

/// A number of things on the command line.
fn count(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "expected a whole number, 0 or more".to_owned())
}

pub(super) fn run(arguments: &GenerateArguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let model = arguments.model.path();
    let config = model.open()?.config;
    let tokenizer = arguments.input.prompt.is_some().then(|| model.tokenizer()).transpose()?;
    let prompt = prompt(&arguments.input, tokenizer.as_ref())?;
    prompt.check(&config, 1)?;
    let forced = arguments.force_ids.as_deref().map(Ids::read).transpose()?;
    if let Some(forced) = &forced {
        forced.check(&config, 1)?;
    }
    let known = forced.as_ref().map(|forced| forced.ids.len());
    let count = arguments.max_tokens.unwrap_or(known.unwrap_or(64)).min(known.unwrap_or(usize::MAX));
    let length = prompt.ids.len().saturating_add(count);
    check_context(&config, length, "prompt and new tokens")?;
    let mut engine = arguments.model.load(1, length, arguments.chunk as usize)?;
    let mut printer = match tokenizer {
        _ if arguments.json => Printer::Silent,
        Some(tokenizer) => Printer::Text(tokenizer.stream_decoder(Special::Skip)),
        None => Printer::Ids,
    };
    let plan = Plan { prompt: prompt.ids, forced: forced.map(|forced| forced.ids), count };
    let generation = generate(&mut engine, arguments, plan, |index, id| printer.print(index, id, out))?;
    if arguments.json {
        return Ok(writeln!(out, "{}", serde_json::to_string(&generation)?)?);
    }
    Ok(printer.finish(out)?)
}

fn prompt(input: &Input, tokenizer: Option<&Tokenizer>) -> Result<Ids> {
    match (&input.prompt_ids, &input.prompt, tokenizer) {
        (Some(path), _, _) => Ids::read(path),
        (None, Some(text), Some(tokenizer)) => Ok(Ids::prompt(text, tokenizer)),
        _ => Err(Error::argument("prompt", "none", "--prompt or --prompt-ids")),
    }
}

/// How the new tokens are shown while they are generated.
enum Printer {
    /// Not at all: the answer comes as one object.
    Silent,
    /// As numbers between spaces.
    Ids,
    /// As text; a character of several tokens is printed when its last token is there.
    Text(StreamDecoder),
}

impl Printer {
    /// Shows new token number `index` at once.
    fn print(&mut self, index: usize, id: u32, out: &mut dyn Write) -> std::io::Result<()> {
        match self {
            Self::Silent => return Ok(()),
            Self::Ids if index == 0 => write!(out, "{id}")?,
            Self::Ids => write!(out, " {id}")?,
            Self::Text(decoder) => out.write_all(decoder.push(TokenId(id)).as_bytes())?,
        }
        out.flush()
    }

    /// Ends the line, after what is left of a character.
    fn finish(&mut self, out: &mut dyn Write) -> std::io::Result<()> {
        if let Self::Text(decoder) = self {
            out.write_all(decoder.finish().as_bytes())?;
        }
        writeln!(out)
    }
}

/// How a continuation begins and when it ends.
struct Plan {
    prompt: Vec<u32>,
    /// The ids to feed instead of the most likely ones.
    forced: Option<Vec<u32>>,
    /// Maximum number of new tokens.
    count: usize,
}

/// Generates, and hands every new id with its index to `show` before the next one is computed.
fn generate(
    engine: &mut Engine,
    arguments: &GenerateArguments,
    plan: Plan,
    mut show: impl FnMut(usize, u32) -> std::io::Result<()>,
) -> anyhow::Result<Generation> {
    let Plan { prompt, forced, count } = plan;
    let mut sequence = Sequence::new(engine);
    let whole = prompt.len();
    let mut logits = Vec::new();
    for piece in pieces(whole, arguments.chunk as usize) {
        let rows = if piece.end == whole { LogitRows::Last } else { LogitRows::None };
        logits = sequence.feed(engine, &prompt[piece], whole, rows)?.to_vec();
    }
    let finish = if forced.is_some() { "forced" } else { "length" };
    let mut out = Generation { prompt_ids: prompt, ids: vec![], logprobs: vec![], top: vec![], finish };
    for index in 0..count {
        let id = match &forced {
            Some(forced) => forced[index],
            None => best(&logits, 1)[0],
        };
        // Shown first: the next pass takes longer than everything else here.
        show(index, id)?;
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
        if index + 1 < count {
            logits = sequence.feed(engine, &[id], whole + index + 1, LogitRows::Last)?.to_vec();
        }
    }
    Ok(out)
}

//! `turbomind perplexity`: how well a model predicts a text.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use internlm_kit::file;
use internlm_kit::reporter::Reporter;
use internlm_kit::terminal::Bars;
use serde::Serialize;

use super::ids::Ids;
use super::model::{ModelOptions, check_context};
use super::sequence::{Sequence, log_sum_exp, pieces};
use crate::{Error, LogitRows, Result};

/// Score a text: mean negative log-likelihood and perplexity
///
/// The text is scored in windows that do not overlap; the first token of a window is not scored.
#[derive(Args, Debug)]
#[command(
    override_usage = "turbomind perplexity [OPTIONS] <MODEL> <--text <FILE>|--ids <FILE>>",
    after_help = "Examples:
  turbomind perplexity model.gguf --text book.txt
  turbomind perplexity model.gguf --ids ids.json --window 1024 --kv int8 --json"
)]
pub(super) struct PerplexityArguments {
    #[command(flatten)]
    model: ModelOptions,
    #[command(flatten)]
    input: Input,
    /// Number of tokens of a window [default: the model's context]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..), allow_negative_numbers = true)]
    window: Option<u32>,
    /// Maximum number of tokens in one pass
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=1 << 16), allow_negative_numbers = true)]
    chunk: u32,
    /// Print one JSON object: {tokens, nll, ppl}
    #[arg(long)]
    json: bool,
}

/// The text to score, given in one of two ways.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Input {
    /// Text file to score
    #[arg(long, value_name = "FILE")]
    text: Option<PathBuf>,
    /// File of ids to score: a JSON array, or numbers between white space
    #[arg(long, value_name = "FILE")]
    ids: Option<PathBuf>,
}

/// The answer, as the JSON object has it.
#[derive(Debug, Serialize)]
struct Score {
    /// Number of tokens that were predicted.
    tokens: usize,
    /// Mean negative log-likelihood of a token, in nats.
    nll: f64,
    /// Perplexity: e to the power of `nll`.
    ppl: f64,
}

pub(super) fn run(arguments: &PerplexityArguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let model = arguments.model.path();
    let config = model.open()?.config;
    let ids = match (&arguments.input.ids, &arguments.input.text) {
        (Some(path), _) => Ids::read(path)?,
        (None, Some(path)) => {
            let (text, tokenizer) = (file::read_to_string(path)?, model.tokenizer()?);
            Ids::tokenize(&text, path.display().to_string(), &tokenizer, &config)
        }
        (None, None) => return Err(Error::argument("text", "none", "--text or --ids").into()),
    };
    ids.check(&config, 2)?;
    let window = arguments.window.map_or(config.max_position, |window| window as usize).min(ids.ids.len());
    check_context(&config, window, "--window")?;
    let Score { tokens, nll, ppl } = score(arguments, &ids.ids, window)?;
    if arguments.json {
        return Ok(writeln!(out, "{}", serde_json::to_string(&Score { tokens, nll, ppl })?)?);
    }
    Ok(writeln!(out, "{tokens} tokens, {nll:.5} nats per token, perplexity {ppl:.4}")?)
}

fn score(arguments: &PerplexityArguments, ids: &[u32], window: usize) -> Result<Score> {
    let chunk = (arguments.chunk as usize).min(window);
    let mut engine = arguments.model.load(1, window, chunk)?;
    let vocab = engine.model().vocab;
    let mut sequence = Sequence::new(&engine);
    let progress = Bars.start("perplexity", "tokens", ids.len() as u64);
    let (mut tokens, mut sum) = (0, 0.0);
    for window in ids.chunks(window) {
        sequence.clear();
        for piece in pieces(window.len(), chunk) {
            let targets = &window[piece.start + 1..(piece.end + 1).min(window.len())];
            let logits = sequence.feed(&mut engine, &window[piece.clone()], window.len(), LogitRows::All)?;
            for (row, target) in logits.chunks_exact(vocab).zip(targets) {
                sum += log_sum_exp(row) - f64::from(row[*target as usize]);
            }
            tokens += targets.len();
            progress.advance(piece.len() as u64);
        }
    }
    let nll = sum / tokens as f64;
    Ok(Score { tokens, nll, ppl: nll.exp() })
}

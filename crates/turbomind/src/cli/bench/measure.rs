//! What `turbomind bench` measures, and in which order.

use std::io::Write;
use std::time::Instant;

use clap::Args;
use internlm_kit::reporter::Reporter;
use internlm_kit::terminal::Bars;

use super::report::{Report, Round, Sizes, median};
use super::runner::Runner;
use crate::cli::model::{ModelOptions, check_context};
use crate::cli::process;
use crate::cli::traffic::Traffic;
use crate::{Error, Result};

/// Number of tokens of a pass.
const PASS: usize = 512;
/// Number of tokens of the first, unmeasured prefill.
const WARM_UP: usize = 32;

/// Measure prefill and decode rates, memory and the share of the machine's peak
///
/// Prefill: --batch sequences of --prompt-tokens ids, logits for the last of each. Decode: --gen-tokens steps of one id
/// per sequence with logits, starting with --depth ids in the cache. Medians over the rounds are reported.
#[derive(Args, Debug)]
#[command(
    override_usage = "turbomind bench [OPTIONS] <MODEL>",
    after_help = "Examples:
  turbomind bench model.gguf --threads 2 --prompt-tokens 512 --gen-tokens 128
  turbomind bench model.gguf --prompt-tokens 64 --gen-tokens 64 --batch 32 --kv int8 --json
  turbomind bench model.gguf --prompt-tokens 0 --gen-tokens 32 --depth 4096 --json

Id number i of sequence s is 100 + (7919 i + 131 s) mod (vocabulary - 200), so no result depends on what the model says."
)]
pub(in crate::cli) struct BenchArguments {
    #[command(flatten)]
    model: ModelOptions,
    /// Number of ids per sequence in the timed prefill; 0 leaves it out
    #[arg(long, alias = "prompt", value_name = "N", default_value_t = 512, value_parser = clap::value_parser!(u32).range(..1 << 24), allow_negative_numbers = true)]
    prompt_tokens: u32,
    /// Number of decode steps; 0 leaves them out
    #[arg(long, alias = "gen", value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u32).range(..1 << 24), allow_negative_numbers = true)]
    gen_tokens: u32,
    /// Number of ids in the cache when decoding starts [default: as --prompt-tokens]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..1 << 24), allow_negative_numbers = true)]
    depth: Option<u32>,
    /// Number of sequences that run together
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4096), allow_negative_numbers = true)]
    batch: u32,
    /// Number of rounds, of which the medians are reported
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..), allow_negative_numbers = true)]
    repeat: u32,
    /// Print one JSON object on the last line
    #[arg(long)]
    json: bool,
}

pub(in crate::cli) fn run(arguments: &BenchArguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let start = Instant::now();
    let sizes = Sizes {
        prompt: arguments.prompt_tokens as usize,
        steps: arguments.gen_tokens as usize,
        depth: arguments.depth.unwrap_or(arguments.prompt_tokens) as usize,
        batch: arguments.batch as usize,
    };
    let stored = arguments.model.path().open()?;
    let length = sizes.prompt.max(sizes.depth + sizes.steps);
    check_context(&stored.config, length, "--prompt-tokens, or --depth and --gen-tokens")?;
    check(&sizes, stored.config.vocab)?;
    let traffic = Traffic::of(&stored);
    drop(stored);

    let loading = Instant::now();
    let engine = arguments.model.load(sizes.batch, length, PASS.max(sizes.batch))?;
    let load_s = loading.elapsed().as_secs_f64();
    let mut runner = Runner::new(engine, sizes.batch);
    runner.fill(0, WARM_UP.min(length))?;
    let (isa, threads) = (runner.engine.isa(), runner.engine.threads());
    let mut report = Report::new(arguments.model.path().as_path(), sizes, &mut runner.engine);
    report.load_s = load_s;
    report.rss_mb = process::memory_mb("VmRSS");

    let peak = process::peak(isa, threads);
    let progress = Bars.start("bench", "rounds", u64::from(arguments.repeat));
    for _ in 0..arguments.repeat {
        report.rounds.push(round(&mut runner, &sizes)?);
        progress.advance(1);
    }
    drop(progress);
    report.peak_gmac_s = peak.min(process::peak(isa, threads));
    let step_bytes = traffic.step_bytes(runner.engine.memory().repacked);
    report.summarize(&traffic, step_bytes);
    report.rss_peak_mb = process::memory_mb("VmHWM");
    report.cpu_s = process::cpu_seconds();
    report.wall_s = start.elapsed().as_secs_f64();
    report.round();
    if arguments.json {
        return Ok(writeln!(out, "{}", serde_json::to_string(&report)?)?);
    }
    report.write_table(out)
}

/// Refuses sizes that leave nothing to measure.
fn check(sizes: &Sizes, vocab: usize) -> Result<()> {
    if sizes.prompt == 0 && sizes.steps == 0 {
        return Err(Error::argument(
            "--prompt-tokens and --gen-tokens",
            "0 for both",
            "something to measure",
        ));
    }
    if vocab <= 200 {
        return Err(Error::argument("vocabulary", format!("{vocab} ids"), "more than 200"));
    }
    Ok(())
}

/// Runs one prefill and one series of decode steps.
fn round(runner: &mut Runner, sizes: &Sizes) -> Result<Round> {
    let Sizes { prompt, steps, depth, batch } = *sizes;
    let rate = |tokens: usize, start: Instant| (batch * tokens) as f64 / start.elapsed().as_secs_f64();
    let mut round = Round::default();
    if prompt > 0 {
        let start = Instant::now();
        runner.fill(0, prompt)?;
        round.prefill_tok_s = Some(rate(prompt, start));
    }
    if steps > 0 {
        // The id at a position is always the same, so a longer cache needs only its end and a shorter one nothing.
        runner.fill(prompt.min(depth), depth)?;
        let start = Instant::now();
        for position in depth..depth + steps {
            runner.step(position)?;
        }
        round.decode_tok_s = Some(rate(steps, start));
    }
    Ok(round)
}

impl Report {
    /// Fills in the medians over the rounds and what follows from them.
    fn summarize(&mut self, traffic: &Traffic, step_bytes: f64) {
        let Sizes { prompt, batch, .. } = self.sizes;
        self.prefill_tok_s = median(self.rounds.iter().filter_map(|round| round.prefill_tok_s));
        self.decode_tok_s = median(self.rounds.iter().filter_map(|round| round.decode_tok_s));
        let token = traffic.layers_mac + traffic.head_mac / prompt.max(1) as f64;
        self.prefill_gmac_s = self.prefill_tok_s.map(|rate| rate * token / 1e9);
        self.decode_gmac_s =
            self.decode_tok_s.map(|rate| rate * (traffic.layers_mac + traffic.head_mac) / 1e9);
        self.decode_gb_s = self.decode_tok_s.map(|rate| rate / batch as f64 * step_bytes / 1e9);
    }
}

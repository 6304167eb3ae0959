//! `xtuner eval-rm`: how often a reward model prefers what people prefer, by domain.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use internlm_kit::outln;
use serde_json::{Value, json};

use crate::reward::{EvaluateConfig, RewardMeasure, ScoreStats, evaluate};
use crate::{Error, Result};

/// Examples under `--help`.
const EXAMPLES: &str = "Examples:
  xtuner eval-rm runs/reward/hf pairs.jsonl
  xtuner eval-rm runs/reward/hf code.jsonl harmlessness.jsonl --json
  xtuner eval-rm model pairs.jsonl --domain 'code=Prefer the program that works.'

Rows are comparisons in the forms that `train` reads, with `domain` where they have one. accuracy: share of pairs whose
chosen answer has the larger score. near bound: share of scores within 0.1 of -5 or 5.";

/// Arguments of the verb.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct EvalRm {
    /// Folder of the reward model.
    model: PathBuf,
    /// Files of comparisons.
    #[arg(required = true)]
    data: Vec<PathBuf>,
    /// System prompt of a domain, instead of all those that the model keeps; may be repeated.
    #[arg(long = "domain", value_name = "NAME=PROMPT")]
    domains: Vec<String>,
    /// Name of a chat template; default: the model's own.
    #[arg(long, value_name = "NAME")]
    prompt_template: Option<String>,
    /// Maximum length of a conversation in tokens; default: the positions of the model.
    #[arg(long)]
    max_length: Option<usize>,
    /// Maximum number of tokens of one pass.
    #[arg(long, default_value_t = EvaluateConfig::default().pass_tokens)]
    pass_tokens: usize,
    /// Device to compute on.
    #[arg(long, default_value = "cpu", value_name = "cpu|cuda:N|vulkan:N")]
    device: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl EvalRm {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let config = EvaluateConfig {
            template: self.prompt_template,
            domains: self.domains.iter().map(|text| domain(text)).collect::<Result<_>>()?,
            device: self.device,
            max_length: self.max_length,
            pass_tokens: self.pass_tokens,
        };
        let (measured, stats) = evaluate(&self.model, &self.data, &config)?;
        let skipped = [
            (stats.truncated, "conversations were cut at the maximum length"),
            (stats.equal, "pairs are left out: both answers are the same"),
            (stats.without_domain, "comparisons have no `domain` and get no system prompt"),
        ];
        for (count, what) in skipped.into_iter().filter(|(count, _)| *count > 0) {
            tracing::warn!("{count} {what}");
        }
        if self.json {
            outln!("{}", object(&measured))?;
            return Ok(());
        }
        let titles = ["domain", "pairs", "accuracy", "chosen", "rejected", "near bound"];
        let [name, pairs, accuracy, chosen, rejected, near] = titles;
        outln!("{name:<20} {pairs:>7} {accuracy:>9} {chosen:>8} {rejected:>9} {near:>11}")?;
        let domains = measured.domains.iter().map(|(domain, stats)| (domain.as_str(), stats));
        for (name, stats) in domains.chain([("all", &measured.all)]) {
            let (pairs, accuracy, near) = (stats.pairs(), stats.accuracy(), stats.near_bound());
            let (chosen, rejected) = (stats.chosen(), stats.rejected());
            outln!("{name:<20} {pairs:>7} {accuracy:>9.4} {chosen:>8.3} {rejected:>9.3} {near:>11.4}")?;
        }
        Ok(())
    }
}

/// `NAME=PROMPT`.
fn domain(text: &str) -> Result<(String, String)> {
    match text.split_once('=') {
        Some((name, prompt)) if !name.is_empty() && !prompt.is_empty() => {
            Ok((name.to_owned(), prompt.to_owned()))
        }
        _ => Err(Error::mismatch("--domain", text, "a name, `=` and a system prompt")),
    }
}

fn object(measured: &RewardMeasure) -> Value {
    let domains: BTreeMap<&String, Value> =
        measured.domains.iter().map(|(domain, stats)| (domain, numbers(stats))).collect();
    json!({"all": numbers(&measured.all), "domains": domains})
}

fn numbers(stats: &ScoreStats) -> Value {
    json!({
        "pairs": stats.pairs(),
        "accuracy": stats.accuracy(),
        "reward_chosen": stats.chosen(),
        "reward_rejected": stats.rejected(),
        "near_bound": stats.near_bound(),
    })
}

//! `xtuner rollout`: scored answers of a model, pairs of them for labeling, and labels as preference data.

use std::path::PathBuf;

use clap::Args;
use internlm_kit::context::RunContext;
use internlm_kit::outln;
use internlm_kit::stop::Stop;

use crate::rl::{
    AnswerRecord, SampleOptions, merge_labels, pairs, read_answers, sample_answers, write_lines,
};
use crate::{Error, FinetuneConfig};

/// Examples under `--help`.
const EXAMPLES: &str = "Examples:
  xtuner rollout grpo.toml --out answers.jsonl
  xtuner rollout ppo.toml --model runs/ppo/hf --out late.jsonl --against early.jsonl --pairs pairs.jsonl
  xtuner rollout ppo.toml --labels pairs.jsonl --into preferences.jsonl

The config is one of objective `grpo` or `ppo`: its prompts are asked, its rewards score the answers. A pair has two
answers to one prompt; whoever labels it sets `label` to first, second or tie.";

/// Arguments of the verb.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Rollout {
    /// TOML of a run with objective `grpo` or `ppo`.
    config: PathBuf,
    /// Override one key, for instance `objective.answer.max-tokens=64`; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Folder of the model that answers; default: `model.path` of the config.
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// File of the answers, one JSON object per line; default: `answers.jsonl` in `run.out` of the config.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Number of answers to each prompt; default: that of the config.
    #[arg(long, value_name = "N")]
    answers: Option<usize>,
    /// Maximum number of prompts to ask.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Seed of the answers; default: `run.seed` of the config.
    #[arg(long)]
    seed: Option<u64>,
    /// Answers of an earlier model, which the new ones are paired with.
    #[arg(long, value_name = "FILE", requires = "pairs")]
    against: Option<PathBuf>,
    /// File to write pairs for labeling into.
    #[arg(long, value_name = "FILE", requires = "against")]
    pairs: Option<PathBuf>,
    /// Maximum number of pairs, those whose reward rose most.
    #[arg(long, value_name = "N", default_value_t = 100)]
    count: usize,
    /// File of labeled pairs, which are added to `--into`; nothing is generated.
    #[arg(long, value_name = "FILE", requires = "into", conflicts_with_all = ["against", "model", "out"])]
    labels: Option<PathBuf>,
    /// Preference data that labels are added to.
    #[arg(long, value_name = "FILE", requires = "labels")]
    into: Option<PathBuf>,
}

impl Rollout {
    pub(super) fn run(self) -> anyhow::Result<()> {
        if let (Some(labels), Some(into)) = (&self.labels, &self.into) {
            let count = merge_labels(labels, into)?;
            outln!("{:>16}  {count}", "new_lines")?;
            return Ok(());
        }
        let mut config = FinetuneConfig::load_with(&self.config, &self.set)?;
        config.run.seed = self.seed.unwrap_or(config.run.seed);
        if self.answers == Some(0) || self.limit == Some(0) {
            return Err(Error::mismatch("--answers and --limit", "0", "at least 1").into());
        }
        let options = SampleOptions { model: self.model, answers: self.answers, limit: self.limit };
        let context = RunContext::terminal(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
            .with_stop(Stop::on_signals()?);
        // Read before anything is generated: a file that cannot be read is found out at once.
        let early = self.against.as_ref().map(read_answers).transpose()?;
        let answers = sample_answers(&config, &options, &context)?;
        let out = self.out.unwrap_or_else(|| config.run.out.join("answers.jsonl"));
        write_lines(&out, &answers)?;
        if let (Some(early), Some(path)) = (&early, &self.pairs) {
            let found = pairs(early, &answers, self.count);
            write_lines(path, &found)?;
            outln!("{:>16}  {}", "pairs", found.len())?;
        }
        for (name, value) in means(&answers) {
            outln!("{name:>16}  {value}")?;
        }
        Ok(())
    }
}

/// Number of answers, and means of their rewards and lengths.
fn means(answers: &[AnswerRecord]) -> Vec<(String, f64)> {
    let count = answers.len().max(1) as f64;
    let mean = |number: &dyn Fn(&AnswerRecord) -> f64| {
        let mean = answers.iter().map(number).sum::<f64>() / count;
        (1e4 * mean).round() / 1e4
    };
    let mut means = vec![
        ("answers".to_owned(), answers.len() as f64),
        ("reward".to_owned(), mean(&|answer| answer.reward)),
        ("length".to_owned(), mean(&|answer| answer.length as f64)),
    ];
    let names = answers.first().map(|answer| answer.parts.keys().cloned()).into_iter().flatten();
    for name in names {
        let value = mean(&|answer| answer.parts.get(&name).copied().unwrap_or(0.0));
        means.push((name, value));
    }
    means
}

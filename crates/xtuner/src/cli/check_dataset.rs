//! `xtuner check-dataset`: what a model will read and learn.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Args;
use internlm_kit::rng::CounterRng;
use internlm_kit::visible::visible_on;
use internlm_kit::{outln, stdout};
use internlm_model::Tokenizer;
use internlm_model::chat::{ChatTemplate, Loss};
use internlm_model::tokenizer::Special;

use crate::dataset::{Sample, SftRows};
use crate::{Error, FinetuneConfig, load_dataset};

/// Examples under `--help`.
const EXAMPLES: &str = "Examples:
  xtuner check-dataset recipes/tiny/3-finetune.toml
  xtuner check-dataset recipes/tiny/3-finetune.toml --rows 10

Text with loss is green on a terminal, and between ⟦ and ⟧ in a pipe or with NO_COLOR.";

/// Green and back.
const COLORS: [&str; 2] = ["\u{1b}[32m", "\u{1b}[0m"];
/// The same without color.
const BRACKETS: [&str; 2] = ["⟦", "⟧"];

/// Arguments of the verb.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct CheckDataset {
    /// TOML of the run.
    config: PathBuf,
    /// Override one key, for instance `dataset.max-length=256`; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Number of random samples to show.
    #[arg(long, default_value_t = 3)]
    rows: usize,
}

impl CheckDataset {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let config = FinetuneConfig::load_with(&self.config, &self.set)?;
        let tokenizer = Tokenizer::load(&config.model.path).map_err(Error::from)?;
        let template = ChatTemplate::load(&config.model.path).map_err(Error::from)?;
        let data = load_dataset(&config, &tokenizer, &template)?;
        let section = &config.dataset;
        let rows = SftRows::new(&data.train, section.row_tokens(), section.rows_per_step, config.run.seed);
        let order = CounterRng::new(config.run.seed, "check").permutation(data.train.len());
        for sample in order.into_iter().take(self.rows).map(|index| &data.train[index]) {
            outln!("--- {} tokens, {} with loss", sample.ids.len(), sample.labels())?;
            stdout::print_styled(format_args!("{}\n", marked(sample, &tokenizer)))?;
        }
        let (stats, tokens) = (&data.stats, rows.tokens());
        let filled = tokens as f64 / (rows.rows() * section.row_tokens()) as f64;
        outln!("---")?;
        outln!("{:>14}  {}", "conversations", stats.conversations)?;
        outln!("{:>14}  {}", "tokens", stats.tokens)?;
        outln!("{:>14}  {} ({:.1} %)", "with loss", stats.labels, percent(stats.labels, stats.tokens))?;
        outln!("{:>14}  {}", "longest", stats.longest)?;
        outln!("{:>14}  {} (max-length {})", "cut", stats.truncated, section.max_length)?;
        outln!("{:>14}  {}", "dropped", stats.dropped)?;
        outln!("{:>14}  {} ({:.1} % filled)", "rows", rows.rows(), 100.0 * filled)?;
        if let Some(text) = &section.pretrain {
            let tokens = text.tokens_of_step(section.step_tokens());
            let place = text.shards.display();
            outln!(
                "{:>14}  {tokens} tokens of each step ({:.1} %) from {place}",
                "text",
                100.0 * text.share
            )?;
        }
        Ok(())
    }
}

fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

/// The text of a sample, special tokens by name, the part with loss between marks.
fn marked(sample: &Sample, tokenizer: &Tokenizer) -> String {
    let colored = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let marks = if colored { COLORS } else { BRACKETS };
    let mut text = String::new();
    let mut start = 0;
    while start < sample.ids.len() {
        let loss = sample.loss[start];
        let length = sample.loss[start..].iter().take_while(|other| **other == loss).count();
        let piece = tokenizer.decode(&sample.ids[start..start + length], Special::Keep);
        let piece = &*visible_on(&piece, &std::io::stdout());
        match loss {
            Loss::Keep => text.extend([marks[0], piece, marks[1]]),
            Loss::Skip => text.push_str(piece),
        }
        start += length;
    }
    text
}

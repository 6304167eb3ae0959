//! `xtuner check-dataset`: what a model will read and learn.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Args;
use internlm_kit::visible::visible_on;
use internlm_kit::{outln, stdout};
use internlm_model::tokenizer::Special;

use super::encoded::{EncodedData, Entry, LearnedData, runs};
use crate::dataset::{EncodeStats, Sample, SampleSet, SftRows};

/// Examples under `--help`.
const EXAMPLES: &str = "Examples:
  xtuner check-dataset recipes/tiny/3-finetune.toml
  xtuner check-dataset recipes/tiny/3-finetune.toml --rows 10
  xtuner check-dataset recipes/tiny/3-finetune.toml --set dataset.template=internlm2_chat --ids

Text with loss is between ⟦ and ⟧, followed by its weight where that is not 1; on a terminal it is green too, unless
NO_COLOR is set. Comparisons are shown with both answers; of a reward model's, the marked token is the one that is
scored.";

/// Green and back.
const COLORS: [&str; 2] = ["\u{1b}[32m", "\u{1b}[0m"];
/// Around text with loss.
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
    /// Number of random samples or comparisons to show.
    #[arg(long, default_value_t = 3)]
    rows: usize,
    /// Show the ids of each sample after its text, those with loss between the same marks.
    #[arg(long)]
    ids: bool,
}

impl CheckDataset {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let data = EncodedData::load(&self.config, &self.set)?;
        for entry in data.shuffled().into_iter().take(self.rows) {
            self.show(&data, &entry)?;
        }
        outln!("---")?;
        if data.config.dataset.template.is_some() {
            outln!("{:>14}  {}", "template", data.template)?;
        }
        match &data.learned {
            LearnedData::Samples { sets, stats } => counts(&data, sets, stats),
            LearnedData::Comparisons(comparisons) => {
                for (name, value) in &comparisons.counts {
                    outln!("{:>14}  {value}", visible_on(name, &std::io::stdout()))?;
                }
                Ok(())
            }
        }
    }

    /// Prints the samples of an entry, each under what it is.
    fn show(&self, data: &EncodedData, entry: &Entry<'_>) -> anyhow::Result<()> {
        for (name, sample) in &entry.samples {
            let mut sample = (*sample).clone();
            let learned = if data.is_scored() {
                // The labels of a reward model are the scores of its last tokens.
                sample.weights.iter_mut().rev().take(1).for_each(|weight| *weight = 1.0);
                "scored at the last".to_owned()
            } else {
                format!("{} with loss", sample.labels())
            };
            let tokens = sample.ids.len();
            match entry.comparison {
                Some(number) => outln!("--- comparison {number}, {name}: {tokens} tokens, {learned}")?,
                None => outln!("--- {tokens} tokens, {learned}")?,
            }
            let text = marked(&sample, |sample| data.tokenizer.decode(&sample.ids, Special::Keep));
            stdout::print_styled(format_args!("{text}\n"))?;
            if self.ids {
                stdout::print_styled(format_args!("{}\n", marked(&sample, ids)))?;
            }
        }
        Ok(())
    }
}

/// What became of all conversations.
fn counts(data: &EncodedData, sets: &[SampleSet], stats: &EncodeStats) -> anyhow::Result<()> {
    let section = &data.config.dataset;
    let settings = data.config.rows_config();
    let rows = SftRows::new(sets, &settings)?;
    let filled = rows.tokens() as f64 / (rows.rows() * settings.row_tokens) as f64;
    outln!("{:>14}  {}", "conversations", stats.conversations)?;
    if stats.samples != stats.conversations {
        outln!("{:>14}  {} (earlier answers are served otherwise)", "samples", stats.samples)?;
    }
    outln!("{:>14}  {}", "tokens", stats.tokens)?;
    outln!("{:>14}  {} ({:.1} %)", "with loss", stats.labels, percent(stats.labels, stats.tokens))?;
    let samples = sets.iter().flat_map(|set| &set.samples);
    let (labels, weight) = samples
        .fold((0, 0.0), |(labels, weight), sample| (labels + sample.labels(), weight + sample.weight()));
    if weight != labels as f64 {
        outln!("{:>14}  {weight:.1} of {labels} to learn from", "weight")?;
    }
    outln!("{:>14}  {}", "longest", stats.longest)?;
    outln!("{:>14}  {} (max-length {})", "cut", stats.truncated, section.max_length)?;
    outln!("{:>14}  {}", "dropped", stats.dropped)?;
    outln!("{:>14}  {} ({:.1} % filled)", "rows", rows.rows(), 100.0 * filled)?;
    if let Some(text) = &section.pretrain {
        let (tokens, share) = (text.tokens_of_step(section.step_tokens()), 100.0 * text.share);
        let place = text.shards.display();
        outln!("{:>14}  {tokens} tokens of each step ({share:.1} %) from {place}", "text")?;
    }
    Ok(())
}

fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

/// The ids of a part of a sample.
fn ids(sample: &Sample) -> String {
    sample.ids.iter().map(|id| format!("{id} ")).collect()
}

/// What `show` makes of the parts of a sample, those with loss between marks.
fn marked(sample: &Sample, show: impl Fn(&Sample) -> String) -> String {
    let stdout = std::io::stdout();
    let is_colored = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let [green, plain] = if is_colored { COLORS } else { ["", ""] };
    let mut text = String::new();
    for (range, weight) in runs(sample) {
        let part =
            Sample { ids: sample.ids[range.clone()].to_vec(), weights: sample.weights[range].to_vec() };
        let piece = show(&part);
        let piece = visible_on(&piece, &stdout);
        if weight == 0.0 {
            text.push_str(&piece);
            continue;
        }
        text.extend([green, BRACKETS[0], &*piece, BRACKETS[1], plain]);
        if weight != 1.0 {
            text.push_str(&format!("×{weight}"));
        }
    }
    text
}

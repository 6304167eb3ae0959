//! `xtuner log-dataset`: samples as the trainer gets them, for other programs to read.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use internlm_kit::outln;
use internlm_model::Tokenizer;
use internlm_model::tokenizer::Special;

use super::encoded::{EncodedData, runs};
use crate::Error;
use crate::dataset::Sample;

/// Examples under `--help`.
const EXAMPLES: &str = "Examples:
  xtuner log-dataset recipes/tiny/3-finetune.toml
  xtuner log-dataset recipes/tiny/3-finetune.toml --show masked_text --sample 7 --count 3
  xtuner log-dataset recipes/tiny/3-finetune.toml --show labels | head -1

A comparison is two samples, one after the other: the chosen answer, then the rejected one.";

/// The label of ids without loss, as PyTorch has it.
const MASKED: &str = "-100";

/// What to show of a sample.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Show {
    /// Text with special tokens by name.
    Text,
    /// The same with what is not learned as `[-100 x COUNT]`.
    MaskedText,
    /// Ids as one JSON list.
    InputIds,
    /// Label of each id as one JSON list: the id itself, or -100 where it is not learned.
    Labels,
    /// All of these, each under its name.
    All,
}

/// Arguments of the verb.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct LogDataset {
    /// TOML of the run.
    config: PathBuf,
    /// Override one key, for instance `dataset.max-length=256`; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// What to show of each sample.
    #[arg(long, value_enum, default_value = "text")]
    show: Show,
    /// Number of the first sample or comparison, from 0, in the order of the data.
    #[arg(long, default_value_t = 0)]
    sample: usize,
    /// Number of samples or comparisons to show.
    #[arg(long, default_value_t = 1)]
    count: usize,
}

impl LogDataset {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let data = EncodedData::load(&self.config, &self.set)?;
        let entries = data.entries();
        if self.sample >= entries.len() {
            let expected = format!("a number below {}, the number of samples", entries.len());
            return Err(Error::mismatch("--sample", self.sample.to_string(), expected).into());
        }
        for entry in entries.into_iter().skip(self.sample).take(self.count) {
            for (what, sample) in entry.samples {
                self.print(what, sample, &data.tokenizer)?;
            }
        }
        Ok(())
    }

    /// Prints a sample; `what` it is in its comparison, if it is of one.
    fn print(&self, what: &str, sample: &Sample, tokenizer: &Tokenizer) -> anyhow::Result<()> {
        for (name, shown) in self.shown(sample, tokenizer) {
            match what {
                _ if self.show != Show::All => {}
                "" => outln!("--- {name}")?,
                what => outln!("--- {what}: {name}")?,
            }
            outln!("{shown}")?;
        }
        Ok(())
    }

    /// Name and text of everything to show of a sample.
    fn shown(&self, sample: &Sample, tokenizer: &Tokenizer) -> Vec<(&'static str, String)> {
        let wanted = |show: Show| self.show == show || self.show == Show::All;
        let text = || tokenizer.decode(&sample.ids, Special::Keep);
        let labels = || {
            let label = |place: usize| match sample.weights[place] {
                0.0 => MASKED.to_owned(),
                _ => sample.ids[place].to_string(),
            };
            list((0..sample.ids.len()).map(label))
        };
        let mut shown = Vec::new();
        shown.extend(wanted(Show::Text).then(|| ("text", text())));
        shown.extend(wanted(Show::MaskedText).then(|| ("masked_text", masked_text(sample, tokenizer))));
        let ids = || list(sample.ids.iter().map(ToString::to_string));
        shown.extend(wanted(Show::InputIds).then(|| ("input_ids", ids())));
        shown.extend(wanted(Show::Labels).then(|| ("labels", labels())));
        shown
    }
}

/// The learned text, with a mark for each part that is not learned.
fn masked_text(sample: &Sample, tokenizer: &Tokenizer) -> String {
    let parts = runs(sample).into_iter().map(|(range, weight)| match weight {
        0.0 => format!("[{MASKED} x {}]", range.len()),
        _ => tokenizer.decode(&sample.ids[range], Special::Keep),
    });
    parts.collect()
}

/// A JSON list of numbers.
fn list(numbers: impl Iterator<Item = String>) -> String {
    format!("[{}]", numbers.collect::<Vec<_>>().join(", "))
}
